// Search and pages by PostgREST: composite values become JSON, and errors have their status.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { call, client, request } from './postgrest.mjs';
import { person } from './people.mjs';

let alice;
let hers;
let bobs;
let conversation_id;

before(async () => {
    alice = await person();
    hers = client(alice.token);
    bobs = client((await person()).token);
    conversation_id = (await hers.rpc('agent_conversation_create', { title: '周末学习计划',
        first_message: 'Learn <b>Python</b>', tags: ['work'], metadata: { project: 7 } })).data.id;
    await hers.rpc('agent_message_create', { conversation_id, role: 'assistant', content: '先学 Python',
        metadata: { model: 'm1' } });
});

test('a search answers with one envelope of hits', async () => {
    const { data, status } = await hers.rpc('agent_search', { query: '学习' });

    assert.equal(status, 200);
    assert.deepEqual(Object.keys(data), ['items', 'next_cursor', 'has_more']);
    assert.deepEqual(data.items.map(({ kind, snippet }) => [kind, snippet]),
        [['title', '周末<mark>学习</mark>计划']]);
    assert.equal(data.items[0].conversation_id, conversation_id);
});

test('it is a read, so that GET can ask for it, with marks and filters', async () => {
    const answer = await request('GET', `/rpc/agent_search?${new URLSearchParams(
        { query: 'python', start_mark: '[', stop_mark: ']' })}`, { token: alice.token });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.json.items.map(({ snippet }) => snippet).sort(),
        ['Learn &lt;b&gt;[Python]&lt;/b&gt;', '先学 [Python]']);

    const count = async (more) => (await hers.rpc('agent_search', { query: 'python', ...more })).data.items.length;
    assert.equal(await count({ role: 'assistant' }), 1);
    assert.equal(await count({ metadata: { model: 'm1' } }), 1);
    assert.equal(await count({ tag: 'work', since: '2020-01-01T00:00:00Z' }), 2);
    assert.equal(await count({ tag: 'play' }), 0);
});

test('pages of all lists have that envelope, and lead on', async () => {
    const first = (await hers.rpc('agent_message_page', { conversation_id, page_size: 1 })).data;
    assert.deepEqual([first.items.length, first.items[0].seq, first.has_more], [1, 1, true]);
    const second = (await hers.rpc('agent_message_page',
        { conversation_id, page_size: 1, cursor: first.next_cursor })).data;
    assert.deepEqual([second.items[0].seq, second.has_more, second.next_cursor], [2, false, null]);

    const found = (await hers.rpc('agent_search', { query: 'python', page_size: 1 })).data;
    const rest = (await hers.rpc('agent_search',
        { query: 'python', page_size: 1, cursor: found.next_cursor })).data;
    assert.notEqual(found.items[0].message_id, rest.items[0].message_id);
    assert.equal((await hers.rpc('agent_conversation_page', { tag: 'work' })).data.items[0].id, conversation_id);
});

test('what is asked wrongly is a 422, what is foreign a 404, and nobody finds it', async () => {
    const { error, status } = await hers.rpc('agent_search', { query: '', cursor: 'x', page_size: 0 });

    assert.equal(status, 422);
    assert.equal(error.code, 'validation_failed');
    assert.equal((await hers.rpc('agent_search', { query: 'python', conversation_id: 'x' })).status, 400);
    assert.equal((await bobs.rpc('agent_search', { query: 'python', conversation_id })).status, 404);
    assert.deepEqual((await bobs.rpc('agent_search', { query: 'python' })).data.items, []);
    assert.equal((await call('agent_search', { query: 'python' })).status, 401);
});
