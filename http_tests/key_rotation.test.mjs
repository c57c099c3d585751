// Key rotation with PostgREST running: it is told, and nobody is logged out.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { open } from './jwt.mjs';
import { logIn, person } from './people.mjs';
import { client, request } from './postgrest.mjs';
import { sql } from './psql.mjs';

// Waits, ten seconds at most, until PostgREST has read the keys anew.
async function accepted(token) {
    for (let tries = 0; tries < 100; tries++) {
        const { status } = await client(token).rpc('agent_me');

        if (status === 200) {
            return true;
        }
        await sleep(100);
    }
    return false;
}

test('after a rotation tokens of both keys are good, without a restart', async () => {
    const alice = await person();
    const kid = sql('SET ROLE agent_admin; SELECT api.agent_key_rotate()');
    const token = await logIn(alice.email, alice.password);

    // New tokens are of the new key, and PostgREST learns of it by itself.
    assert.equal(open(token).header.kid, kid);
    assert.notEqual(open(alice.token).header.kid, kid);
    assert.ok(await accepted(token), 'PostgREST did not take over the new key');

    // The old one is good as before, and is the same person.
    for (const each of [alice.token, token]) {
        const me = await client(each).rpc('agent_me');
        assert.equal(me.status, 200);
        assert.equal(me.data.id, alice.id);
    }
});

test('so it is after several rotations', async () => {
    const people = [];

    for (let n = 0; n < 3; n++) {
        people.push(await person());
        sql('SET ROLE agent_admin; SELECT api.agent_key_rotate()');
    }
    people.push(await person());
    assert.ok(await accepted(people.at(-1).token), 'PostgREST did not take over the last key');
    for (const { id, token } of people) {
        assert.equal((await client(token).rpc('agent_me')).data?.id, id);
    }
});

test('a key that is gone takes its tokens with it', async () => {
    const alice = await person();
    assert.ok(await accepted(alice.token));
    const { kid } = open(alice.token).header;

    sql(`SELECT api.agent_key_rotate(); DELETE FROM agent.signing_keys WHERE kid = '${kid}'`);
    // At once: PostgREST may still have the key, the database has not.
    for (const path of ['/rpc/agent_me', '/agent_conversations']) {
        const answer = await request('GET', path, { token: alice.token });
        assert.equal(answer.status, 401, path);
    }
    assert.ok(await accepted(await logIn(alice.email, alice.password)));
});
