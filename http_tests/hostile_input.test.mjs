// Input that nobody sends by accident: each is a 4xx, none a 5xx, nothing is
// stored, and the service goes on.

import assert from 'node:assert/strict';
import net from 'node:net';
import { afterEach, before, test } from 'node:test';
import { person } from './people.mjs';
import { address, call, client, request } from './postgrest.mjs';
import { sql } from './psql.mjs';

let alice;
let started;
const create = '/rpc/agent_conversation_create';

before(async () => {
    alice = await person();
    started = sql('SELECT pg_postmaster_start_time()');
});

// After each: the same server answers, and the same person is let in.
afterEach(async () => {
    assert.equal(sql('SELECT pg_postmaster_start_time()'), started, 'the server was restarted');
    const me = await client(alice.token).rpc('agent_me');
    assert.equal(me.status, 200);
});

// Sends a body and expects it to be refused.
async function refused(path, body, why, headers = {}) {
    const answer = await request('POST', path, { token: alice.token, body, headers });

    assert.ok(answer.status >= 400 && answer.status < 500,
        `${why}: ${answer.status} ${answer.text}`);
    return answer;
}

const rows = () => sql(`SELECT count(*) FROM agent.conversations WHERE user_id = '${alice.id}'`);

test('NUL, escaped or bare', async () => {
    const was = rows();

    await refused(create, '{"title":"a\\u0000b"}', 'escaped');
    await refused(create, '{"title":"\\u0000"}', 'escaped, alone');
    await refused(create, Buffer.from('{"title":"a\0b"}'), 'bare');
    await refused(create, '{"title":"t","first_message":"a\\u0000b"}', 'in the message');
    await refused('/rpc/agent_login', '{"email":"a\\u0000","password":"b\\u0000"}', 'login');
    const get = await request('GET', '/rpc/agent_conversation_get?conversation_id=%00',
        { token: alice.token });
    assert.equal(get.status, 400);
    assert.equal(rows(), was);
});

test('bytes that are not UTF-8, and halves of characters', async () => {
    const was = rows();
    const around = (...bytes) => Buffer.concat(
        [Buffer.from('{"title":"a'), Buffer.from(bytes), Buffer.from('b"}')]);

    await refused(create, around(0xff, 0xfe), 'no UTF-8');
    await refused(create, around(0xc0, 0xaf), 'overlong');
    await refused(create, around(0xed, 0xa0, 0x80), 'surrogate');
    await refused(create, around(0xf4, 0x90, 0x80, 0x80), 'beyond Unicode');
    await refused(create, around(0xe4, 0xbd), 'cut off');
    await refused(create, '{"title":"a\\ud800b"}', 'half of a pair');
    assert.equal(rows(), was);
});

test('bodies that are not JSON', async () => {
    for (const body of ['', '{', '{"title":', '{"title":"x"', 'title=x', '\ufeff{"title":"x"}',
        "{'title':'x'}", '{"title":"x"}}', 'NaN', '{"title":NaN}']) {
        await refused(create, body, JSON.stringify(body));
    }
});

test('bodies that are JSON, but not an object of the arguments', async () => {
    const was = rows();

    for (const body of ['null', '1', '"x"', 'true', '[]', '[1,2]', '["title"]', '[[{"title":"x"}]]',
        '{}', '{"Title":"x"}', '{"title ":"x"}', '{"":"x"}', '{"titel":"x"}']) {
        await refused(create, body, body);
    }
    assert.equal(rows(), was);

    // Of an array of objects PostgREST takes the first, and only that.
    const answer = await request('POST', create, { token: alice.token,
        body: [{ title: 'the first' }, { title: 'the second' }] });
    assert.equal(answer.status, 201);
    assert.equal(answer.json.title, 'the first');
    assert.equal(Number(rows()), Number(was) + 1);
});

test('an argument missing, an argument too many', async () => {
    await refused('/rpc/agent_login', { email: alice.email }, 'missing');
    await refused('/rpc/agent_login', { email: alice.email, password: 'x', otp: '1' }, 'too many');
    await refused('/rpc/agent_register', { email: 'a@example.com', username: 'abc' }, 'missing');
    await refused(create, { first_message: 'no title' }, 'missing');
    await refused(create, { title: 'x', user_id: '01900000-0000-7000-8000-000000000000' },
        'somebody else\'s id');
    await refused('/rpc/agent_conversation_update', { title: 'x' }, 'missing');
    await refused('/rpc/agent_message_create', { role: 'user', content: 'x' }, 'missing');
});

test('ids that are no uuids', async () => {
    for (const id of ['', 'x', '1', '-1', "' OR true --", '../etc', '01900000-0000-7000-8000',
        'g1900000-0000-7000-8000-000000000000', '01900000-0000-7000-8000-0000000000000',
        '\u{1F600}', '%', 'null', 'x'.repeat(10_000)]) {
        const name = JSON.stringify(id.slice(0, 40));

        for (const path of ['/rpc/agent_conversation_get?conversation_id=',
            '/rpc/agent_message_list?conversation_id=', '/agent_conversations?id=eq.']) {
            const answer = await request('GET', path + encodeURIComponent(id),
                { token: alice.token });
            assert.equal(answer.status, 400, `${path}${name}: ${answer.text}`);
        }
        await refused('/rpc/agent_conversation_delete', { conversation_id: id }, name);
    }
    for (const id of [1, true, {}, [], { id: 'x' }]) {
        await refused('/rpc/agent_conversation_get', { conversation_id: id }, JSON.stringify(id));
    }
});

test('values of another type', async () => {
    const conversation_id = '01900000-0000-7000-8000-000000000000';

    for (const is_archived of ['maybe', 2, 'x', {}, [], '']) {
        await refused('/rpc/agent_conversation_update', { conversation_id, is_archived },
            JSON.stringify(is_archived));
    }
    const answer = await request('GET', '/rpc/agent_conversation_list?archived=maybe',
        { token: alice.token });
    assert.equal(answer.status, 400);
});

test('filters, orders and pages that make no sense', async () => {
    for (const query of ['limit=-1', 'order=nothing', 'select=nothing', 'nothing=eq.1',
        'title=nothing.1', 'select=*,pg_authid(*)', 'select=id::regclass::nothing',
        'title=match.(', 'or=(', 'select=agent_messages(agent_users(password_hash))']) {
        const answer = await request('GET', `/agent_conversations?${query}`,
            { token: alice.token });
        assert.ok(answer.status >= 400 && answer.status < 500, `${query}: ${answer.status}`);
    }
    // PostgREST takes no notice of these.
    for (const query of ['limit=x', 'offset=-1', 'offset=x']) {
        const answer = await request('GET', `/agent_conversations?${query}`,
            { token: alice.token });
        assert.equal(answer.status, 200, query);
    }
});

test('other methods, paths and content types', async () => {
    for (const [method, path] of [['PUT', '/rpc/agent_me'], ['PATCH', '/rpc/agent_me'],
        ['DELETE', '/rpc/agent_me'], ['GET', '/rpc/nothing'], ['POST', '/rpc/pg_sleep'],
        ['POST', '/rpc/set_config'], ['POST', '/rpc/require_caller'], ['GET', '/pg_authid'],
        ['GET', '/rpc/agent_me/x'], ['GET', '/%00'], ['GET', '/rpc/%ff']]) {
        const answer = await request(method, path, { token: alice.token });
        assert.ok(answer.status >= 400 && answer.status < 500,
            `${method} ${path}: ${answer.status}`);
    }
    for (const type of ['text/plain', 'text/xml', 'application/octet-stream', 'image/png',
        'multipart/form-data; boundary=x']) {
        await refused(create, '{"title":"x"}', type, { 'Content-Type': type });
    }
    const accept = await request('GET', '/rpc/agent_me',
        { token: alice.token, headers: { Accept: 'text/html' } });
    assert.equal(accept.status, 415);
});

test('a token of 9 MB in a body', async () => {
    const a = 'A'.repeat(9_000_000);

    for (const token of [a, `${a}.e30.x`, `e30.${a}.x`, `e30.e30.${a}`]) {
        const answer = await call('agent_authenticate', { token });
        assert.equal(answer.status, 401);
        assert.equal(answer.json.code, 'invalid_token');
        assert.ok(answer.text.length < 1000, 'the answer quotes the token');
    }
});

test('a token that is long, but not too long for a header', async () => {
    for (const length of [9_000, 40_000]) {
        const answer = await request('GET', '/rpc/agent_me', { token: 'A'.repeat(length) });
        assert.equal(answer.status, 401);
    }
});

// Sends a request of which the headers alone are large; the answer may come before
// all of it was read.
function sendHeader(length) {
    return new Promise((resolve) => {
        let text = '';
        const socket = net.connect(address.port || 80, address.hostname, () => {
            socket.write(`GET ${address.pathname.replace(/\/$/, '')}/rpc/agent_me HTTP/1.1\r\n`
                + `Host: ${address.host}\r\n`
                + `Authorization: Bearer ${'A'.repeat(length)}\r\n\r\n`);
        });

        socket.on('data', (chunk) => {
            text += chunk;
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(text));
    });
}

test('a token of 9 MB in a header', async () => {
    assert.match(await sendHeader(100_000), /^HTTP\/1\.[01] 4\d\d /);
    // A server may close the connection before it can be answered.
    assert.match(await sendHeader(9_000_000), /^(HTTP\/1\.[01] 4\d\d |$)/);
});

test('passwords and names of 9 MB', async () => {
    const long = 'x'.repeat(9_000_000);

    assert.equal((await call('agent_login', { email: long, password: 'x' })).status, 401);
    const wrong = await call('agent_login', { email: alice.email, password: long });
    assert.equal(wrong.status, 401);
    const register = await call('agent_register',
        { email: `${long}@example.com`, username: long, password: long });
    assert.equal(register.status, 422);
    assert.deepEqual(JSON.parse(register.json.details).map(({ loc }) => loc[1]),
        ['email', 'username', 'password']);
    assert.ok(register.text.length < 1000, 'the answer quotes the values');
    assert.equal((await call('agent_conversation_create', { title: long },
        { token: alice.token })).status, 422);
    assert.equal((await call('agent_message_create',
        { conversation_id: '01900000-0000-7000-8000-000000000000', role: long, content: long },
        { token: alice.token })).status, 422);
});

test('JSON that is deep or wide', async () => {
    await refused(create, `{"title":${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'deep, cut off');
    await refused(create, `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'deep');
    // PostgREST looks for names that are like these, in time that grows with their
    // square: no more of them here.
    const wide = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`a${n}`, n]));
    await refused(create, { title: 'x', ...wide }, 'wide');
});
