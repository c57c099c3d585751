// Makes people to test with: registered and logged in, with names nobody has.

import { randomBytes } from 'node:crypto';
import assert from 'node:assert/strict';
import { call } from './postgrest.mjs';
import { literal, sql } from './psql.mjs';

// Returns what somebody new would register with.
export function newcomer() {
    const name = `p${randomBytes(8).toString('hex')}`;

    return { email: `${name}@example.com`, username: name, password: `secret of ${name}` };
}

// Registers somebody, with a cheap hash, and logs them in over HTTP.
export async function person() {
    const { email, username, password } = newcomer();
    const id = sql(`SET agent.password_hash_cost = 10;
        SELECT id FROM api.agent_register(${literal(email)}, ${literal(username)},
            ${literal(password)})`);

    return { id, email, username, password, token: await logIn(email, password) };
}

// Logs somebody in over HTTP and returns the token.
export async function logIn(email, password) {
    const answer = await call('agent_login', { email, password });

    assert.equal(answer.status, 200, answer.text);
    return answer.json.access_token;
}
