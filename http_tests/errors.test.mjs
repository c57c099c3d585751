// Every error that can be met over HTTP: status, body, headers.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { resign } from './jwt.mjs';
import { newcomer, person } from './people.mjs';
import { call, client, request } from './postgrest.mjs';
import { literal, sql } from './psql.mjs';

let alice;

before(async () => {
    alice = await person();
});

// An error is what the table says: these four members, this text, this status, and
// on 401 what to log in with.
function check(answer, status, code, message, hint = null) {
    assert.equal(answer.status, status, answer.text);
    assert.deepEqual(Object.keys(answer.json).sort(), ['code', 'details', 'hint', 'message']);
    assert.equal(answer.json.code, code);
    assert.equal(answer.json.message, message);
    assert.equal(answer.json.hint, hint);
    if (code !== 'validation_failed') {
        assert.equal(answer.json.details, null);
    }
    assert.match(answer.headers['content-type'], /^application\/json/);
    assert.equal(answer.headers['www-authenticate'], status === 401 ? 'Bearer' : undefined);
    // The reason phrase is the status's own: no text of ours gets into the status line.
    assert.match(answer.reason,
        /^(Bad Request|Unauthorized|Forbidden|Not Found|Unprocessable Entity)$/);
}

test('email_taken, in any case of the address', async () => {
    for (const email of [alice.email, alice.email.toUpperCase()]) {
        check(await call('agent_register', { ...newcomer(), email }), 400, 'email_taken',
            'Email already registered', 'Case does not distinguish addresses.');
    }
});

test('username_taken, in the same case only', async () => {
    check(await call('agent_register', { ...newcomer(), username: alice.username }),
        400, 'username_taken', 'Username already taken');
    const other = await call('agent_register',
        { ...newcomer(), username: alice.username.toUpperCase() });
    assert.equal(other.status, 201);
});

test('bad_credentials, the same for a wrong password and an unknown address', async () => {
    const wrong = await call('agent_login', { email: alice.email, password: 'wrong' });
    const unknown = await call('agent_login', { email: newcomer().email, password: 'wrong' });
    const malformed = await call('agent_login', { email: 'no address', password: 'wrong' });

    check(wrong, 401, 'bad_credentials', 'Incorrect email or password');
    assert.equal(unknown.text, wrong.text);
    assert.equal(malformed.text, wrong.text);
});

test('user_inactive: at the next request, and at login after the right password only', async () => {
    const person_ = await person();
    assert.equal((await client(person_.token).rpc('agent_me')).status, 200);
    sql(`UPDATE agent.users SET is_active = false WHERE id = ${literal(person_.id)}`);

    for (const path of ['/rpc/agent_me', '/agent_conversations', '/rpc/agent_conversation_list',
        '/agent_users']) {
        check(await request('GET', path, { token: person_.token }),
            403, 'user_inactive', 'User is inactive');
    }
    check(await call('agent_login', { email: person_.email, password: person_.password }),
        403, 'user_inactive', 'User is inactive');
    check(await call('agent_login', { email: person_.email, password: 'wrong' }),
        401, 'bad_credentials', 'Incorrect email or password');

    // Active again, the same token is good again.
    sql(`UPDATE agent.users SET is_active = true WHERE id = ${literal(person_.id)}`);
    assert.equal((await client(person_.token).rpc('agent_me')).status, 200);
});

test('user_not_found: the account was deleted', async () => {
    const person_ = await person();
    sql(`DELETE FROM agent.users WHERE id = ${literal(person_.id)}`);
    check(await request('GET', '/rpc/agent_me', { token: person_.token }),
        401, 'user_not_found', 'User not found');
});

test('invalid_token: the session has ended, at the next request', async () => {
    const person_ = await person();
    assert.equal((await client(person_.token).rpc('agent_me')).status, 200);
    sql(`UPDATE agent.sessions SET ended_at = now() WHERE user_id = ${literal(person_.id)}`);

    for (const path of ['/rpc/agent_me', '/agent_messages']) {
        check(await request('GET', path, { token: person_.token }),
            401, 'invalid_token', 'Invalid token', 'Log in again with agent_login.');
    }
});

test('invalid_token: agent_authenticate, which anybody may call', async () => {
    check(await call('agent_authenticate', { token: 'no token' }),
        401, 'invalid_token', 'Invalid token', 'Log in again with agent_login.');
    const good = await call('agent_authenticate', { token: alice.token });
    assert.equal(good.status, 200);
    assert.equal(good.json, alice.id);
});

test('invalid_token: expired within the leeway that PostgREST gives', async () => {
    const now = Math.floor(Date.now() / 1000);
    const token = resign(alice.token, { iat: now - 100, exp: now - 5 });

    check(await request('GET', '/rpc/agent_me', { token }),
        401, 'invalid_token', 'Invalid token', 'Log in again with agent_login.');
});

test('invalid_scheme: a scheme other than Bearer', async () => {
    for (const scheme of ['Basic YWxpY2U6c2VjcmV0', `Token ${alice.token}`, 'Negotiate']) {
        check(await request('GET', '/rpc/agent_uid', { headers: { Authorization: scheme } }),
            401, 'invalid_scheme', 'Invalid authentication credentials',
            'The header Authorization takes the scheme Bearer.');
    }
});

test('conversation_not_found', async () => {
    check(await call('agent_conversation_get',
        { conversation_id: '01900000-0000-7000-8000-000000000000' }, { token: alice.token }),
    404, 'conversation_not_found', 'Conversation not found');
});

test('validation_failed names every fault at once, each where it is', async () => {
    const conversation_id = '01900000-0000-7000-8000-000000000000';
    const faults = async (name, args, token) => {
        const answer = await call(name, args, { token });

        check(answer, 422, 'validation_failed', 'Validation failed');
        return JSON.parse(answer.json.details);
    };

    assert.deepEqual(await faults('agent_register',
        { email: 'no address', username: 'ab', password: '12345' }), [
        { type: 'value_error', loc: ['body', 'email'],
            msg: 'value is not a valid email address: An email address must have an @-sign.' },
        { type: 'string_too_short', loc: ['body', 'username'],
            msg: 'String should have at least 3 characters' },
        { type: 'string_too_short', loc: ['body', 'password'],
            msg: 'String should have at least 6 characters' }
    ]);
    assert.deepEqual(await faults('agent_register',
        { email: null, username: null, password: null }),
        ['email', 'username', 'password'].map((field) =>
            ({ type: 'missing', loc: ['body', field], msg: 'Field required' })));
    assert.deepEqual(await faults('agent_login', { email: null, password: null }),
        ['email', 'password'].map((field) =>
            ({ type: 'missing', loc: ['body', field], msg: 'Field required' })));
    assert.deepEqual(await faults('agent_conversation_create', { title: '' }, alice.token), [
        { type: 'string_too_short', loc: ['body', 'title'],
            msg: 'String should have at least 1 character' }]);
    assert.deepEqual(await faults('agent_conversation_create',
        { title: 'é'.repeat(201) }, alice.token), [
        { type: 'string_too_long', loc: ['body', 'title'],
            msg: 'String should have at most 200 characters' }]);
    assert.deepEqual(await faults('agent_conversation_update',
        { conversation_id: null, title: '' }, alice.token), [
        { type: 'missing', loc: ['body', 'conversation_id'], msg: 'Field required' },
        { type: 'string_too_short', loc: ['body', 'title'],
            msg: 'String should have at least 1 character' }]);
    assert.deepEqual(await faults('agent_message_create',
        { conversation_id, role: 'robot', content: '' }, alice.token), [
        { type: 'string_pattern_mismatch', loc: ['body', 'role'],
            msg: "String should match pattern '^(user|assistant|system)$'" },
        { type: 'string_too_short', loc: ['body', 'content'],
            msg: 'String should have at least 1 character' }]);

    // What is just long enough is no fault.
    const longest = await call('agent_conversation_create', { title: 'é'.repeat(200) },
        { token: alice.token });
    assert.equal(longest.status, 201);
});

test('an error says nothing of what was sent', async () => {
    const secret = 'hunter2 hunter2';
    const answers = [
        await call('agent_login', { email: alice.email, password: secret }),
        await call('agent_register', { email: 'no address', username: 'x', password: secret }),
        await call('agent_register', { ...newcomer(), email: alice.email, password: secret }),
        await call('agent_authenticate', { token: secret })
    ];

    for (const answer of answers) {
        assert.ok(answer.status >= 400 && answer.status < 500);
        assert.ok(!answer.text.includes('hunter2'), answer.text);
    }
});

test('a failed call leaves nothing behind', async () => {
    const { email, username } = newcomer();
    await call('agent_register', { email, username, password: 'short' });
    assert.equal(sql(`SELECT count(*) FROM agent.users
        WHERE username = ${literal(username)}`), '0');
    await call('agent_conversation_create',
        { title: 'left behind', first_message: 'x'.repeat(9_000_000) }, { token: alice.token });
    assert.equal(sql(`SELECT count(*) FROM agent.conversations WHERE title = 'left behind'
        AND user_id = ${literal(alice.id)}`), '0');
});
