// Search: titles and messages, best first, as pages.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { everyGateway, isError, isFaulty, missing, noInteger, nowhere, timestamp, tooGreat,
    tooSmall, uuid } from './classic.mjs';

const hit = ['kind', 'conversation_id', 'title', 'message_id', 'seq', 'role', 'created_at', 'rank', 'snippet'];

everyGateway((gateway, test) => {
    let alice;
    let bob;
    let plan;

    before(async () => {
        alice = await gateway.person();
        bob = await gateway.person();
        plan = await alice.begin('周末学习计划');
        for (const content of ['我想学习 Python', 'Café <b>Lisboa</b> & trams', 'See https://docs.python.org/3/ 👍🏽']) {
            assert.equal((await alice.post(`/conversations/${plan.id}/messages`,
                { role: 'user', content })).status, 201);
        }
        const { id } = await bob.begin('Python of Bob');
        assert.equal((await bob.post(`/conversations/${id}/messages`,
            { role: 'user', content: 'python 学习' })).status, 201);
    });

    const search = async (person, query) => {
        const answer = await person.get(`/search?${new URLSearchParams(query)}`);

        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(Object.keys(answer.json), ['items', 'next_cursor', 'has_more']);
        return answer.json;
    };

    test('words of many scripts are found, in titles and messages, with what they belong to', async () => {
        const { items, next_cursor, has_more } = await search(alice, { q: '学习' });

        assert.deepEqual([next_cursor, has_more], [null, false]);
        assert.deepEqual(items.map(({ kind }) => kind), ['title', 'message']);
        for (const item of items) {
            assert.deepEqual(Object.keys(item), hit);
            assert.equal(item.conversation_id, plan.id);
            assert.equal(item.title, '周末学习计划');
            assert.match(item.created_at, timestamp);
            assert.ok(item.rank > 0);
        }
        assert.equal(items[0].snippet, '周末<mark>学习</mark>计划');
        assert.deepEqual([items[0].message_id, items[0].seq, items[0].role], [null, null, null]);
        assert.equal(items[1].snippet, '我想<mark>学习</mark> Python');
        assert.match(items[1].message_id, uuid);
        assert.deepEqual([items[1].seq, items[1].role], [1, 'user']);
    });

    test('the snippet is HTML with everything escaped but the marks', async () => {
        const { items: [item] } = await search(alice, { q: 'cafe lisboa' });

        assert.equal(item.snippet,
            '<mark>Café</mark> &lt;b&gt;<mark>Lisboa</mark>&lt;/b&gt; &amp; trams');
    });

    test('phrases, exclusions, beginnings, addresses and emoji', async () => {
        const found = async (q) => (await search(alice, { q })).items.map(({ seq }) => seq);

        assert.deepEqual(await found('"想学"'), [1]);
        assert.deepEqual(await found('"学想"'), []);
        assert.deepEqual((await found('python -see')), [1]);
        assert.deepEqual((await found('pyth*')).sort(), [1, 3]);
        assert.deepEqual(await found('docs.python.org'), [3]);
        assert.deepEqual(await found('👍'), [3]);
        assert.deepEqual(await found('學習'), []);
        assert.deepEqual(await found('???'), []);
    });

    test('nobody finds what another has written', async () => {
        assert.deepEqual((await search(bob, { q: 'lisboa' })).items, []);
        const { items } = await search(bob, { q: 'python' });
        assert.equal(items.length, 2);
        assert.ok(items.every(({ title }) => title === 'Python of Bob'));
        isError(await bob.get(`/search?q=python&conversation_id=${plan.id}`), 404, 'Conversation not found');
        isError(await bob.get(`/search?q=python&conversation_id=${nowhere}`), 404, 'Conversation not found');
    });

    test('conversation, role, time and archive narrow it', async () => {
        const count = async (more) => (await search(alice, { q: 'python', ...more })).items.length;

        assert.equal(await count({ conversation_id: plan.id }), 2);
        assert.equal(await count({ role: 'assistant' }), 0);
        assert.equal(await count({ since: '2020-01-01', before: '2100-01-01T00:00:00+02:00' }), 2);
        assert.equal(await count({ since: '2100-01-01' }), 0);
        assert.equal(await count({ archived: 'true' }), 0);
        assert.equal(await count({ tag: 'none' }), 0);
    });

    test('pages lead from one to the next, for the same search', async () => {
        const carol = await gateway.person();
        const { id } = await carol.begin('gnu');
        for (let n = 0; n < 12; n++) {
            assert.equal((await carol.post(`/conversations/${id}/messages`,
                { role: 'user', content: `gnu ${'and so on '.repeat(n)}` })).status, 201);
        }
        const whole = (await search(carol, { q: 'gnu', limit: 100 })).items;
        const pages = [];

        assert.equal(whole.length, 13);
        for (let cursor = ''; cursor !== null; cursor = pages.at(-1).next_cursor) {
            pages.push(await search(carol, { q: 'gnu', limit: 5, cursor }));
            assert.ok(pages.length < 10, 'the pages have no end');
        }
        assert.deepEqual(pages.flatMap(({ items }) => items), whole);
        const cursor = pages[0].next_cursor;
        for (const path of [`q=gnus&cursor=${cursor}`, `q=gnu&tag=x&cursor=${cursor}`, `q=gnu&cursor=${cursor}A`]) {
            assert.equal((await carol.get(`/search?${path}`)).status, 422, path);
        }
        assert.equal((await alice.get(`/search?q=gnu&cursor=${cursor}`)).status, 422);
    });

    test('what is asked wrongly is said, all at once', async () => {
        isFaulty(await alice.get('/search?limit=0&since=2026-02-30'), [missing(['query', 'q'], null),
            { ...tooSmall('limit', '0'), msg: 'Input should be greater than or equal to 1' },
            { type: 'datetime_from_date_parsing', loc: ['query', 'since'],
                msg: 'Input should be a valid datetime or date', input: '2026-02-30' }]);
        isFaulty(await alice.get('/search?q=x&limit=x'), [noInteger('limit', 'x')]);
        isFaulty(await alice.get('/search?q=x&limit=101'), [{ ...tooGreat('limit', '101'),
            msg: 'Input should be less than or equal to 100' }]);
        assert.equal((await alice.get(`/search?q=${'x'.repeat(201)}`)).status, 422);
        assert.equal((await alice.get('/search?q=%00')).status, 200);
    });
});
