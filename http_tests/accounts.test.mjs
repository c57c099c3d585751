// Accounts over HTTP: register, log in, see oneself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, client, request } from './postgrest.mjs';
import { open } from './jwt.mjs';
import { newcomer, person } from './people.mjs';
import { literal, sql } from './psql.mjs';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('register answers 201 with the account and nothing secret', async () => {
    const { email, username, password } = newcomer();
    const answer = await client().rpc('agent_register', { email, username, password });

    assert.equal(answer.status, 201);
    assert.deepEqual(Object.keys(answer.data).sort(),
        ['created_at', 'email', 'id', 'is_active', 'username']);
    assert.match(answer.data.id, uuid);
    assert.equal(answer.data.email, email);
    assert.equal(answer.data.username, username);
    assert.equal(answer.data.is_active, true);

    // The row is there, and the password is not in it.
    const stored = sql(`SELECT username, password_hash NOT LIKE '%' || ${literal(password)} || '%'
        FROM agent.users WHERE id = ${literal(answer.data.id)}`);
    assert.equal(stored, `${username}|t`);
});

test('login answers 200 with a token that is good for the rest', async () => {
    const { email, username, password } = newcomer();
    const registered = await client().rpc('agent_register', { email, username, password });
    const answer = await client().rpc('agent_login', { email, password });

    assert.equal(answer.status, 200);
    assert.deepEqual(Object.keys(answer.data).sort(),
        ['access_token', 'expires_in', 'refresh_token', 'token_type']);
    assert.equal(answer.data.token_type, 'bearer');
    assert.ok(Number.isInteger(answer.data.expires_in) && answer.data.expires_in >= 60);

    // What it says of itself agrees with what it is.
    const { claims } = open(answer.data.access_token);
    assert.equal(claims.sub, registered.data.id);
    assert.equal(claims.exp - claims.iat, answer.data.expires_in);

    // The same address in other case is the same account.
    const other = await client().rpc('agent_login', { email: email.toUpperCase(), password });
    assert.equal(other.status, 200);
    assert.equal(open(other.data.access_token).claims.sub, registered.data.id);
    assert.notEqual(open(other.data.access_token).claims.sid, claims.sid);

    const me = await client(answer.data.access_token).rpc('agent_me');
    assert.equal(me.status, 200);
    assert.deepEqual(me.data, registered.data);
});

test('all that is kept of somebody is read by them alone, by GET and by POST', async () => {
    const { id, email, password, token } = await person();
    const hers = client(token);

    await hers.rpc('agent_conversation_create', { title: 'mine', first_message: 'hello' });
    for (const get of [true, false]) {
        const { data, status } = await hers.rpc('agent_export', {}, { get });
        assert.equal(status, 200);
        assert.equal(data.account.email, email);
        assert.deepEqual(data.conversations.map(({ title, messages }) => [title, messages.length]), [['mine', 1]]);
        assert.ok(!JSON.stringify(data).includes(password));
        const rows = await hers.rpc('agent_export_rows', {}, { get });
        assert.deepEqual(rows.data.map(({ kind }) => kind),
            ['account', 'session', 'conversation', 'message', 'event', 'event']);
    }
    const events = await request('GET', '/agent_audit?select=event,user_id&order=id', { token });
    assert.deepEqual(events.json, [{ event: 'register', user_id: id }, { event: 'login', user_id: id }]);
    for (const name of ['agent_export', 'agent_export_rows', 'agent_purge']) {
        assert.equal((await call(name, name === 'agent_purge' ? { older_than: '1 day' } : {})).status, 401, name);
    }
    assert.equal((await call('agent_purge', { older_than: '1 day' }, { token })).status, 403);
});

test('me is read by GET and by POST, and as the one row of a view', async () => {
    const { id, email, username, token } = await person();

    for (const get of [true, false]) {
        const me = await client(token).rpc('agent_me', {}, { get });
        assert.equal(me.status, 200);
        assert.equal(me.data.id, id);
    }
    const view = await client(token).from('agent_users').select('id,email,username');
    assert.deepEqual(view.data, [{ id, email, username }]);
});

test('what a view does not show cannot be selected, filtered or ordered by', async () => {
    const { token } = await person();

    for (const query of ['select=password_hash', 'password_hash=not.is.null',
        'order=password_hash', 'select=id,agent_sessions(id)']) {
        const answer = await request('GET', `/agent_users?${query}`, { token });
        assert.equal(answer.status, 400, query);
        assert.doesNotMatch(answer.text, /bcrypt/);
    }

    // Nor is the private schema served under any name.
    for (const path of ['/users', '/sessions', '/signing_keys', '/agent.users']) {
        assert.equal((await request('GET', path, { token })).status, 404, path);
    }
    const profile = await request('GET', '/users',
        { token, headers: { 'Accept-Profile': 'agent' } });
    assert.equal(profile.status, 406);
});

test('a login is refused by GET, where a password would be in the address', async () => {
    const { email, password } = await person();
    const query = new URLSearchParams({ email, password });
    const answer = await request('GET', `/rpc/agent_login?${query}`);

    assert.equal(answer.status, 405);
    assert.ok(!answer.text.includes(password));

    const register = new URLSearchParams({ ...newcomer() });
    assert.equal((await request('GET', `/rpc/agent_register?${register}`)).status, 405);
});

test('functions for others are refused: 401 to nobody, 403 to somebody', async () => {
    const { token } = await person();

    for (const name of ['agent_key_rotate', 'agent_postgrest_config']) {
        assert.equal((await call(name)).status, 401, name);
        const answer = await call(name, {}, { token });
        assert.equal(answer.status, 403, name);
        assert.doesNotMatch(answer.text, /"k"/);
    }
});

test('health needs no token, by GET and by POST', async () => {
    for (const get of [true, false]) {
        const answer = await client().rpc('agent_health', {}, { get });
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.data, { status: 'ok' });
    }
});

test('a login over HTTP keeps the client\'s User-Agent with its session', async () => {
    const { email, password } = await person();
    const agent = `tester ${'x'.repeat(300)}`;
    const answer = await call('agent_login', { email, password },
        { headers: { 'User-Agent': agent } });
    const { sid } = open(answer.json.access_token).claims;

    assert.equal(sql(`SELECT user_agent FROM agent.sessions WHERE id = ${literal(sid)}`),
        agent.slice(0, 256));
});
