// Who can be killed: the processes of a run, found by the files that hold their ids and by their parents.

import { readdirSync, readFileSync } from 'node:fs';

const read = (file) => {
    try {
        return readFileSync(file, 'utf8');
    } catch {
        return '';
    }
};

const title = (pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();

// The process whose id is in a file, if its command line has these words: it may have gone to another program since.
function named(file, words) {
    const pid = Number(read(file).split('\n')[0]);
    return pid > 1 && title(pid).includes(words) ? [pid] : [];
}

// The children of a process whose titles match.
function children([parent], pattern) {
    if (!parent) {
        return [];
    }
    const parentOf = (pid) => Number(read(`/proc/${pid}/stat`).replace(/^.*\) /s, '').split(' ')[1]);

    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)
        .filter((pid) => parentOf(pid) === parent && pattern.test(title(pid)));
}

// The kinds of kills: signal, and who there is to get it.
export function kindsIn(folder) {
    const postmaster = () => named(`${folder}/data/postmaster.pid`, `${folder}/data`);
    const nginx = () => named(`${folder}/gateway-direct/nginx.pid`, `${folder}/gateway-direct/nginx.conf`);
    const server = (pattern) => () => children(postmaster(), pattern);
    const backend = /^postgres: agent_authenticator /;
    return [
        ['backend', 'SIGKILL', server(backend)],
        ['backend at work', 'SIGKILL', server(/^postgres: agent_authenticator .*\) (?!idle$)/)],
        ['launcher', 'SIGKILL', server(/^postgres: agent launcher/)],
        ['writer', 'SIGKILL', server(/^postgres: agent writer/)],
        ['checkpointer', 'SIGKILL', server(/^postgres: checkpointer/)],
        ['postmaster', 'SIGKILL', postmaster],
        ['PostgREST', 'SIGKILL', () => named(`${folder}/postgrest.pid`, `${folder}/postgrest.conf`)],
        ['agent-httpd', 'SIGKILL', () => named(`${folder}/httpd.pid`, `--schema`)],
        ['nginx worker', 'SIGKILL', () => children(nginx(), /^nginx: worker/)],
        ['nginx master', 'SIGKILL', nginx],
        ['backend, TERM', 'SIGTERM', server(backend)],
        ['launcher, TERM', 'SIGTERM', server(/^postgres: agent launcher/)],
        ['writer, TERM', 'SIGTERM', server(/^postgres: agent writer/)]
    ].map(([name, signal, victims]) => ({ name, signal, victims }));
}
