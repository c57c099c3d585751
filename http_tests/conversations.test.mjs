// Conversations over HTTP: create, read, change, delete, embed, filter.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { call, client, request } from './postgrest.mjs';
import { person } from './people.mjs';

let alice;
let bob;
let hers;

// Begins a conversation and returns it.
async function begin(title, first_message) {
    const { data, status } = await hers.rpc('agent_conversation_create',
        first_message === undefined ? { title } : { title, first_message });

    assert.equal(status, 201);
    return data;
}

before(async () => {
    alice = await person();
    bob = await person();
    hers = client(alice.token);
});

test('create answers 201 with the row, its first message with it', async () => {
    const made = await begin('with a message', 'hello');

    assert.equal(made.title, 'with a message');
    assert.equal(made.is_archived, false);
    assert.equal(made.message_count, 1);
    assert.equal(made.user_id, alice.id);

    const { data } = await hers.rpc('agent_message_list', { conversation_id: made.id });
    assert.deepEqual(data.map(({ seq, role, content }) => ({ seq, role, content })),
        [{ seq: 1, role: 'user', content: 'hello' }]);

    const empty = await begin('without');
    assert.equal(empty.message_count, 0);
});

test('tags, pins and metadata, and a fork that takes them along', async () => {
    const { data: made, status } = await hers.rpc('agent_conversation_create',
        { title: 'tagged', first_message: 'hello', tags: ['b', 'a', 'b'], metadata: { x: { y: [1] } } });

    assert.equal(status, 201);
    assert.deepEqual([made.is_pinned, made.tags, made.metadata, made.forked_from],
        [false, ['b', 'a'], { x: { y: [1] } }, null]);
    const pinned = await hers.rpc('agent_conversation_update', { conversation_id: made.id, is_pinned: true, tags: null });
    assert.deepEqual([pinned.data.is_pinned, pinned.data.tags], [true, ['b', 'a']]);
    for (const filter of ['tags=cs.{a}', 'metadata=cs.{"x":{"y":[1]}}', 'is_pinned=is.true']) {
        const { json } = await request('GET', `/agent_conversations?select=id&${encodeURI(filter)}`, { token: alice.token });
        assert.deepEqual(json, [{ id: made.id }], filter);
    }
    const fork = await hers.rpc('agent_conversation_fork', { conversation_id: made.id });
    assert.equal(fork.status, 201);
    assert.deepEqual([fork.data.title, fork.data.is_pinned, fork.data.tags, fork.data.forked_from, fork.data.message_count],
        ['tagged', false, ['b', 'a'], made.id, 1]);
    const refused = await hers.rpc('agent_conversation_update',
        { conversation_id: made.id, tags: ['', 'x'], metadata: [] });
    assert.equal(refused.status, 422);
    assert.deepEqual(JSON.parse(refused.error.details).map(({ type, loc }) => [type, loc]),
        [['string_too_short', ['body', 'tags', 0]], ['dict_type', ['body', 'metadata']]]);
});

test('what comes back is what was sent, in any script', async () => {
    for (const text of ['Python 学习', '\u{1F600} emoji', 'e\u0301', ' spaces ', 'a"b\\c\'d\n\t',
        '<script>', '%_;--', '\u202e']) {
        const made = await begin(text, text);

        assert.equal(made.title, text);
        const { data } = await hers.from('agent_messages').select('content')
            .eq('conversation_id', made.id).single();
        assert.equal(data.content, text);
    }
});

test('update changes what it is given and leaves the rest', async () => {
    const made = await begin('before', 'hello');
    const renamed = await hers.rpc('agent_conversation_update',
        { conversation_id: made.id, title: 'after' });

    assert.equal(renamed.status, 200);
    assert.equal(renamed.data.title, 'after');
    assert.equal(renamed.data.is_archived, false);

    const archived = await hers.rpc('agent_conversation_update',
        { conversation_id: made.id, is_archived: true });
    assert.equal(archived.data.title, 'after');
    assert.equal(archived.data.is_archived, true);

    const untouched = await hers.rpc('agent_conversation_update',
        { conversation_id: made.id, title: null, is_archived: null });
    assert.deepEqual(untouched.data, archived.data);

    const got = await hers.rpc('agent_conversation_get', { conversation_id: made.id });
    assert.deepEqual(got.data, archived.data);
});

test('delete answers 204 without a body, and messages go too', async () => {
    const made = await begin('to be deleted', 'hello');
    const answer = await call('agent_conversation_delete', { conversation_id: made.id },
        { token: alice.token });

    assert.equal(answer.status, 204);
    assert.equal(answer.text, '');
    const { data } = await hers.from('agent_messages').select('id')
        .eq('conversation_id', made.id);
    assert.deepEqual(data, []);

    // The second time it is not there any more.
    const again = await hers.rpc('agent_conversation_delete', { conversation_id: made.id });
    assert.equal(again.status, 404);
    assert.equal(again.error.code, 'conversation_not_found');
});

test('the view takes no writes: they go through functions', async () => {
    const made = await begin('of the view');

    for (const method of ['PATCH', 'DELETE']) {
        const answer = await request(method, `/agent_conversations?id=eq.${made.id}`,
            { token: alice.token, body: { title: 'changed' } });
        assert.equal(answer.status, 403, method);
    }
    const inserted = await hers.from('agent_conversations').insert({ title: 'inserted' });
    assert.equal(inserted.status, 403);
    const got = await hers.rpc('agent_conversation_get', { conversation_id: made.id });
    assert.equal(got.data.title, 'of the view');
});

test('the list is newest first, by GET and by POST, all or archived or not', async () => {
    const carol = await person();
    const theirs = client(carol.token);
    const ids = [];

    for (const title of ['one', 'two', 'three', 'four']) {
        const { data } = await theirs.rpc('agent_conversation_create', { title });
        ids.unshift(data.id);
    }
    await theirs.rpc('agent_conversation_update', { conversation_id: ids[1], is_archived: true });

    for (const get of [true, false]) {
        const list = async (args) => (await theirs.rpc('agent_conversation_list', args, { get }))
            .data.map(({ id }) => id);

        assert.deepEqual(await list({}), ids);
        assert.deepEqual(await list({ archived: true }), [ids[1]]);
        assert.deepEqual(await list({ archived: false }), [ids[0], ids[2], ids[3]]);
    }

    // Filters, order, columns and pages are PostgREST's, on the function's rows. What
    // is filtered or ordered by has to be among the columns.
    const { data: some } = await theirs.rpc('agent_conversation_list', {}, { get: true })
        .select('title,is_archived').eq('is_archived', false).order('title').limit(2);
    assert.deepEqual(some.map(({ title }) => title), ['four', 'one']);
    const { data: skipped } = await theirs.rpc('agent_conversation_list', {}, { get: true })
        .select('title').range(1, 2);
    assert.deepEqual(skipped, [{ title: 'three' }, { title: 'two' }]);
    const { data: like } = await theirs.rpc('agent_conversation_list')
        .select('title').like('title', 't%').order('title');
    assert.deepEqual(like, [{ title: 'three' }, { title: 'two' }]);

    // The count of the whole comes with a page when it is asked for.
    const { data: page, count } = await theirs
        .rpc('agent_conversation_list', {}, { get: true, count: 'exact' }).limit(1);
    assert.equal(page.length, 1);
    assert.equal(count, 4);
});

test('messages are embedded in conversations and conversations in messages', async () => {
    const carol = await person();
    const theirs = client(carol.token);

    for (const title of ['first', 'second']) {
        await theirs.rpc('agent_conversation_create', { title, first_message: `in the ${title}` });
    }
    await client(bob.token).rpc('agent_conversation_create',
        { title: 'of bob', first_message: 'not for carol' });

    const down = await theirs.from('agent_conversations')
        .select('id,title,agent_messages(role,content)').order('title');
    assert.equal(down.status, 200);
    assert.deepEqual(down.data.map(({ title, agent_messages }) => ({ title, agent_messages })), [
        { title: 'first', agent_messages: [{ role: 'user', content: 'in the first' }] },
        { title: 'second', agent_messages: [{ role: 'user', content: 'in the second' }] }
    ]);

    const up = await theirs.from('agent_messages')
        .select('content,agent_conversations(title)').order('content');
    assert.equal(up.status, 200);
    assert.deepEqual(up.data, [
        { content: 'in the first', agent_conversations: { title: 'first' } },
        { content: 'in the second', agent_conversations: { title: 'second' } }
    ]);

    // From a function's rows as well.
    const listed = await theirs.rpc('agent_conversation_list', {}, { get: true })
        .select('title,agent_messages(content)').order('title');
    assert.equal(listed.status, 200);
    assert.deepEqual(listed.data[0],
        { title: 'first', agent_messages: [{ content: 'in the first' }] });

    // And filtered by what is embedded.
    const inner = await theirs.from('agent_conversations')
        .select('title,agent_messages!inner(content)')
        .eq('agent_messages.content', 'in the second');
    assert.deepEqual(inner.data.map(({ title }) => title), ['second']);
});

test('another\'s conversation is to every function as one that does not exist', async () => {
    const made = await begin('not for bob', 'hello');
    const unknown = '01900000-0000-7000-8000-000000000000';
    const before = await hers.rpc('agent_conversation_get', { conversation_id: made.id });

    const attempts = [
        ['GET', (id) => `/rpc/agent_conversation_get?conversation_id=${id}`],
        ['GET', (id) => `/rpc/agent_message_list?conversation_id=${id}`],
        ['POST', () => '/rpc/agent_conversation_get', {}],
        ['POST', () => '/rpc/agent_conversation_update', { title: 'taken over' }],
        ['POST', () => '/rpc/agent_conversation_update', {}],
        ['POST', () => '/rpc/agent_conversation_delete', {}],
        ['POST', () => '/rpc/agent_conversation_fork', {}],
        ['POST', () => '/rpc/agent_message_create', { role: 'user', content: 'intruder' }],
        ['POST', () => '/rpc/agent_message_list', {}]
    ];
    for (const [method, path, args] of attempts) {
        const [foreign, missing] = await Promise.all([made.id, unknown].map(async (id) => {
            const answer = await request(method, path(id), { token: bob.token,
                body: args && { conversation_id: id, ...args } });
            const { date, ...headers } = answer.headers;

            return { status: answer.status, reason: answer.reason, text: answer.text, headers };
        }));

        assert.equal(foreign.status, 404, `${method} ${path('')}`);
        // Byte for byte: nothing tells that there is something.
        assert.deepEqual(foreign, missing);
    }

    // The views are empty rather than wrong.
    for (const path of [`/agent_conversations?id=eq.${made.id}`,
        `/agent_messages?conversation_id=eq.${made.id}`, `/agent_users?id=eq.${alice.id}`]) {
        assert.deepEqual((await request('GET', path, { token: bob.token })).json, [], path);
    }

    // And nothing came of it.
    const after = await hers.rpc('agent_conversation_get', { conversation_id: made.id });
    assert.deepEqual(after.data, before.data);
});
