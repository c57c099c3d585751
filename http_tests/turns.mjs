// Lets the files of this folder have the service one after another, whatever the
// test runner does: key rotation in one of them would disturb the others.
//
// A psql holds an advisory lock until this process ends and closes its input.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import './psql.mjs';

const holder = spawn('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', '-'],
    { stdio: ['pipe', 'pipe', 'inherit'] });

holder.stdin.write("SELECT 'my turn' FROM pg_advisory_lock(hashtext('agent http tests'));\n");
const [answer] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
if (!String(answer).includes('my turn')) {
    throw new Error('psql cannot connect: see PGHOST, PGPORT, PGDATABASE and PGUSER');
}
// The lock must not keep the process alive that holds it.
for (const handle of [holder, holder.stdin, holder.stdout]) {
    handle.unref();
}
