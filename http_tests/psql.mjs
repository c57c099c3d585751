// Runs SQL as a superuser, past PostgREST: to set up what HTTP cannot, and to
// look at what it left behind. psql finds the database by PGHOST, PGPORT,
// PGDATABASE and PGUSER.

import { execFileSync } from 'node:child_process';

for (const name of ['PGHOST', 'PGPORT', 'PGDATABASE', 'PGUSER']) {
    if (!process.env[name]) {
        throw new Error(`${name} is not set: it must lead psql, as a superuser, to the database`
            + ' that the PostgREST of POSTGREST_URL serves');
    }
}

// Runs statements and returns what they printed, values separated by |.
export function sql(text) {
    return execFileSync('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', '-'],
        { input: text, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }).trimEnd();
}

// Returns a text as a SQL literal.
export function literal(text) {
    return `'${String(text).replaceAll("'", "''")}'`;
}
