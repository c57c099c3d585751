// Messages over HTTP: post, list, pages, the limit on rows.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { call, client, request } from './postgrest.mjs';
import { person } from './people.mjs';
import { literal, sql } from './psql.mjs';

let alice;
let hers;
let conversation_id;

before(async () => {
    alice = await person();
    hers = client(alice.token);
    conversation_id = (await hers.rpc('agent_conversation_create', { title: 'messages' })).data.id;
});

test('create answers 201 with the row; seq counts from 1', async () => {
    for (const [index, role] of ['user', 'assistant', 'system'].entries()) {
        const { data, status } = await hers.rpc('agent_message_create',
            { conversation_id, role, content: `as ${role}` });

        assert.equal(status, 201);
        assert.deepEqual(Object.keys(data).sort(), ['content', 'conversation_id', 'created_at',
            'edited_at', 'id', 'metadata', 'role', 'seq', 'user_id']);
        assert.equal(data.seq, index + 1);
        assert.equal(data.role, role);
        assert.equal(data.content, `as ${role}`);
        assert.equal(data.conversation_id, conversation_id);
    }
    const { data } = await hers.rpc('agent_conversation_get', { conversation_id });
    assert.equal(data.message_count, 3);
});

test('a message is edited and deleted, with metadata of its own', async () => {
    const { data: { id } } = await hers.rpc('agent_conversation_create', { title: 'edits', first_message: 'one' });
    const { data: made } = await hers.rpc('agent_message_create',
        { conversation_id: id, role: 'assistant', content: 'two', metadata: { model: 'm', tokens: [1, 2] } });

    assert.deepEqual([made.metadata, made.edited_at], [{ model: 'm', tokens: [1, 2] }, null]);
    const edited = await hers.rpc('agent_message_update', { message_id: made.id, content: 'edited' });
    assert.equal(edited.status, 200);
    assert.deepEqual({ ...edited.data, edited_at: null }, { ...made, content: 'edited' });
    const left = await hers.rpc('agent_message_update', { message_id: made.id });
    assert.deepEqual(left.data, edited.data);
    const found = await hers.from('agent_messages').select('content').eq('metadata->>model', 'm').eq('conversation_id', id);
    assert.deepEqual(found.data, [{ content: 'edited' }]);

    const gone = await hers.rpc('agent_message_delete', { message_id: made.id });
    assert.equal(gone.status, 204);
    for (const [name, args] of [['agent_message_delete', {}], ['agent_message_update', { content: 'x' }]]) {
        const again = await hers.rpc(name, { message_id: made.id, ...args });
        assert.equal(again.status, 404);
        assert.equal(again.error.code, 'message_not_found');
    }
    const { data } = await hers.rpc('agent_conversation_get', { conversation_id: id });
    assert.equal(data.message_count, 1);
});

test('messages posted at once get seqs without a gap', async () => {
    const { data: { id } } = await hers.rpc('agent_conversation_create', { title: 'at once' });
    const posted = await Promise.all(Array.from({ length: 20 }, (_, n) =>
        hers.rpc('agent_message_create',
            { conversation_id: id, role: 'user', content: `number ${n}` })));

    assert.ok(posted.every(({ status }) => status === 201));
    assert.deepEqual(posted.map(({ data }) => data.seq).sort((a, b) => a - b),
        Array.from({ length: 20 }, (_, n) => n + 1));
});

test('pages by seq, put together, are the whole', async () => {
    const { data: { id } } = await hers.rpc('agent_conversation_create', { title: 'pages' });

    for (let n = 1; n <= 25; n++) {
        await hers.rpc('agent_message_create',
            { conversation_id: id, role: 'user', content: `number ${n}` });
    }
    const { data: whole } = await hers.rpc('agent_message_list', { conversation_id: id },
        { get: true });
    assert.equal(whole.length, 25);
    assert.deepEqual(whole.map(({ seq }) => seq), Array.from({ length: 25 }, (_, n) => n + 1));

    // Both from the function and from the view, and each by GET with seq=gt.N.
    const sources = {
        function: (after) => hers.rpc('agent_message_list', { conversation_id: id }, { get: true })
            .gt('seq', after).limit(7),
        view: (after) => hers.from('agent_messages').select().eq('conversation_id', id)
            .gt('seq', after).order('seq').limit(7)
    };
    for (const [source, page] of Object.entries(sources)) {
        const pages = [];
        for (let after = 0; ;) {
            const { data } = await page(after);
            pages.push(data);
            if (data.length < 7) {
                break;
            }
            after = data.at(-1).seq;
        }
        assert.deepEqual(pages.map((rows) => rows.length), [7, 7, 7, 4], source);
        assert.deepEqual(pages.flat(), whole, source);
    }

    // Backwards from the end.
    const { data: last } = await hers.rpc('agent_message_list', { conversation_id: id },
        { get: true }).select('seq').lt('seq', 25).order('seq', { ascending: false }).limit(2);
    assert.deepEqual(last, [{ seq: 24 }, { seq: 23 }]);
});

test('the list takes filters, order and columns', async () => {
    const { data } = await hers.rpc('agent_message_list', { conversation_id })
        .select('seq,role').in('role', ['user', 'system']).order('seq', { ascending: false });

    assert.deepEqual(data, [{ seq: 3, role: 'system' }, { seq: 1, role: 'user' }]);
});

test('a message of 8 MiB is taken and comes back whole; a byte more is 422', async () => {
    const { data: { id } } = await hers.rpc('agent_conversation_create', { title: 'large' });
    const content = 'é'.repeat(4 * 1024 * 1024);
    const taken = await call('agent_message_create',
        { conversation_id: id, role: 'user', content }, { token: alice.token });

    assert.equal(taken.status, 201);
    assert.ok(taken.json.content === content, 'the content differs');

    const refused = await call('agent_message_create',
        { conversation_id: id, role: 'user', content: `${content}x` }, { token: alice.token });
    assert.equal(refused.status, 422);
    assert.equal(refused.json.code, 'validation_failed');
    assert.ok(refused.text.length < 1000, 'the answer quotes the value');
});

test('the view takes no writes', async () => {
    const inserted = await hers.from('agent_messages')
        .insert({ conversation_id, role: 'user', content: 'past the function' });
    assert.equal(inserted.status, 403);
    const deleted = await hers.from('agent_messages').delete()
        .eq('conversation_id', conversation_id);
    assert.equal(deleted.status, 403);
});

test('no answer has more rows than the limit, and says so', async () => {
    const { data: { id } } = await hers.rpc('agent_conversation_create', { title: 'many' });
    const limit = Number(sql("LOAD 'agent'; SHOW agent.postgrest_max_rows"));

    // One more than the limit, written past the function for speed.
    sql(`INSERT INTO agent.messages (user_id, id, conversation_id, seq, role, content, created_at)
         SELECT ${literal(alice.id)}, gen_random_uuid(), ${literal(id)}, n, 'user', 'x', now()
         FROM generate_series(1, ${limit} + 1) AS n`);

    for (const path of [`/rpc/agent_message_list?conversation_id=${id}`,
        `/agent_messages?conversation_id=eq.${id}&order=seq`,
        `/agent_messages?conversation_id=eq.${id}&order=seq&limit=${limit + 1}`]) {
        const answer = await request('GET', path, { token: alice.token });

        assert.equal(answer.json.length, limit, path);
        assert.equal(answer.headers['content-range'], `0-${limit - 1}/*`, path);
    }
    const rest = await request('GET',
        `/rpc/agent_message_list?conversation_id=${id}&seq=gt.${limit}`, { token: alice.token });
    assert.deepEqual(rest.json.map(({ seq }) => seq), [limit + 1]);
});
