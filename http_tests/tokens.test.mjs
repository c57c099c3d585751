// Tokens over HTTP: none, forged, changed, expired. Whoever refuses one, PostgREST
// or the extension, the answer is 401 and says how to do it right.

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { open, resign, serverKey, sign } from './jwt.mjs';
import { person } from './people.mjs';
import { client, request } from './postgrest.mjs';

let alice;
let bob;
const now = () => Math.floor(Date.now() / 1000);

before(async () => {
    alice = await person();
    bob = await person();
    for (const { token } of [alice, bob]) {
        await client(token).rpc('agent_conversation_create',
            { title: 'private', first_message: 'private' });
    }
});

// Everything that needs a token refuses this one, and shows nothing.
async function refused(token, why, headers = {}) {
    for (const path of ['/rpc/agent_me', '/rpc/agent_conversation_list', '/agent_conversations',
        '/agent_messages', '/agent_users']) {
        const answer = await request('GET', path, { token, headers });

        assert.equal(answer.status, 401, `${why}: ${path}: ${answer.text}`);
        assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer/, why);
        assert.equal(typeof answer.json.code, 'string', why);
        assert.doesNotMatch(answer.text, /private/, why);
    }
    const written = await request('POST', '/rpc/agent_conversation_create',
        { token, headers, body: { title: 'written' } });
    assert.equal(written.status, 401, why);
}

test('no token, no identity', async () => {
    await refused(undefined, 'no header');
    for (const value of ['', 'Bearer', 'Bearer ', 'bearer', 'Basic YWxpY2U6c2VjcmV0',
        `Basic ${alice.token}`, `Token ${alice.token}`, alice.token, 'Negotiate']) {
        await refused(undefined, `header of another kind: ${value.split(' ')[0].slice(0, 9)}`,
            { Authorization: value });
    }
});

test('a token is taken with any case of the scheme', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
        const answer = await request('GET', '/rpc/agent_uid',
            { headers: { Authorization: `${scheme} ${alice.token}` } });
        assert.equal(answer.json, alice.id, scheme);
    }
});

test('what is no token is refused', async () => {
    for (const token of ['x', '..', 'a.b', 'a.b.c', 'a.b.c.d', 'null', 'undefined',
        '\u00e9\u00e9\u00e9', "' OR true --", '%00', 'e30.e30.e30']) {
        await refused(token, JSON.stringify(token));
    }
});

test('a token with one character changed is refused, wherever it is', async () => {
    const [header, payload, signature] = alice.token.split('.');
    const change = (part, at) => part.slice(0, at) + (part[at] === 'A' ? 'B' : 'A')
        + part.slice(at + 1);

    await refused(`${change(header, 10)}.${payload}.${signature}`, 'header');
    await refused(`${header}.${change(payload, 20)}.${signature}`, 'payload');
    await refused(`${header}.${payload}.${change(signature, 0)}`, 'signature, first');
    await refused(`${header}.${payload}.${change(signature, 20)}`, 'signature, middle');
    await refused(`${header}.${payload}.${signature.slice(0, -1)}`, 'signature, shortened');
    await refused(`${header}.${payload}.`, 'signature, empty');
    await refused(`${header}.${payload}`, 'signature, missing');
});

test('the payload of one with the signature of another is refused', async () => {
    const [header, , signature] = alice.token.split('.');
    await refused(`${header}.${bob.token.split('.')[1]}.${signature}`, 'two tokens in one');
});

test('a token of another key is refused, whatever it claims', async () => {
    const { header, claims } = open(alice.token);
    const key = randomBytes(32);

    await refused(sign(header, claims, key), 'another key');
    await refused(sign(header, { ...claims, sub: bob.id }, key), 'another key, somebody else');
    await refused(sign({ ...header, kid: randomUUID() }, claims, key), 'another key, its own kid');
    await refused(sign(header, claims, ''), 'an empty key');
    await refused(sign(header, claims, 'reallyreallyreallyreallyverysafe'), 'a well-known key');
});

test('other algorithms are refused', async () => {
    const { header, claims } = open(alice.token);
    const key = serverKey(header.kid);
    const unsigned = sign({ ...header, alg: 'none' }, claims, key).split('.');

    await refused(`${unsigned[0]}.${unsigned[1]}.`, 'none');
    await refused(unsigned.join('.'), 'none, with a signature');
    await refused(sign({ ...header, alg: 'None' }, claims, key), 'None');
    await refused(sign({ ...header, alg: 'HS384' }, claims, key, 'sha384'), 'HS384');
    await refused(sign({ ...header, alg: 'HS512' }, claims, key, 'sha512'), 'HS512');
    await refused(sign({ ...header, alg: 'RS256' }, claims, key), 'RS256');
    await refused(sign({ ...header, crit: ['exp'] }, claims, key), 'crit');
});

test('an expired token is refused at once, not after a leeway', async () => {
    for (const age of [1, 10, 60, 3600]) {
        await refused(resign(alice.token, { iat: now() - 3700, exp: now() - age }), `${age} s ago`);
    }
});

test('claims that PostgREST takes are still looked at: all with the right signature', async () => {
    const unset = undefined;

    for (const claims of [
        { exp: unset }, { exp: null }, { iat: unset }, { exp: now() + 1e9 },
        { iat: now() + 600, exp: now() + 1200 }, { nbf: now() + 600 },
        { iss: unset }, { iss: 'somebody else' }, { kind: unset }, { kind: 'refresh' },
        { sub: unset }, { sub: '' }, { sub: alice.id.toUpperCase() }, { sub: randomUUID() },
        { sid: unset }, { sid: randomUUID() }, { sid: open(bob.token).claims.sid },
        { sub: bob.id }
    ]) {
        await refused(resign(alice.token, claims), JSON.stringify(Object.keys(claims)));
    }
    await refused(resign(alice.token, {}, { kid: undefined }), 'no kid');
    await refused(resign(alice.token, {}, { kid: randomUUID() }), 'an unknown kid');

    // A name twice: PostgREST reads the first, others the last.
    const { header, claims } = open(alice.token);
    const twice = JSON.stringify(claims).replace('{', `{"sub":"${bob.id}",`);
    await refused(sign(header, twice, serverKey(header.kid)), 'sub twice');

    // The same token made anew without a change is good: it was the claims.
    const me = await client(resign(alice.token, {})).rpc('agent_me');
    assert.equal(me.data.id, alice.id);
});

test('a role is never taken from a token', async () => {
    for (const role of ['agent_owner', 'agent_admin', 'agent_authenticator', 'agent_anon',
        'postgres', 'nobody at all']) {
        const token = resign(alice.token, { role });
        const answer = await request('GET', '/agent_conversations', { token });

        assert.ok([400, 401, 403].includes(answer.status), `${role}: ${answer.status}`);
        assert.doesNotMatch(answer.text, /private/, role);
    }
});

test('what PostgREST says of a request cannot be said by a client', async () => {
    const forged = JSON.stringify({ role: 'agent_user', sub: bob.id });

    for (const name of ['request.jwt.claims', 'request.headers', 'agent.token', 'role']) {
        await refused(undefined, name, { [name]: forged });
    }
    const answer = await request('GET', '/agent_messages?select=content,user_id', {
        token: alice.token,
        headers: { 'request.jwt.claims': forged, Prefer: 'tx=rollback, timezone=UTC' }
    });
    assert.deepEqual(answer.json, [{ content: 'private', user_id: alice.id }]);
});

test('requests of two people on one pool do not mix', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => {
        const who = [alice, bob, undefined][n % 3];
        return request('GET', '/rpc/agent_uid', { token: who?.token })
            .then(({ json }) => json === (who?.id ?? null));
    }));

    assert.ok(answers.every(Boolean));
});
