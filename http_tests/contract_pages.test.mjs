// Pages: lists that are asked for with a cursor.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { all, everyGateway, isError, isFaulty, noBoolean, noInteger, nowhere, timestamp, tooGreat,
    tooSmall, uuid } from './classic.mjs';

const envelope = ['items', 'next_cursor', 'has_more'];
const conversation = ['id', 'title', 'is_archived', 'created_at', 'updated_at', 'message_count',
    'is_pinned', 'tags', 'metadata', 'forked_from'];
const message = ['id', 'conversation_id', 'seq', 'role', 'content', 'created_at', 'metadata',
    'edited_at'];
const ids = (items) => items.map(({ id }) => id);
const noCursor = (input) => ({ type: 'value_error', loc: ['query', 'cursor'],
    msg: 'value is not a cursor of this list', input });

everyGateway((gateway, test) => {
    let alice;
    let bob;
    let talk;

    before(async () => {
        alice = await gateway.person();
        bob = await gateway.person();
        for (let n = 1; n <= 23; n++) {
            const { status, json } = await alice.post('/conversations',
                { title: `number ${n}`, tags: [`t${n % 3}`], metadata: { n } });

            assert.equal(status, 201);
            if (n % 4 === 0) {
                await alice.patch(`/conversations/${json.id}`, { is_archived: true, is_pinned: true });
            }
        }
        talk = `/conversations/${(await alice.begin('talk')).id}/messages`;
        for (let n = 1; n <= 60; n++) {
            assert.equal((await alice.post(talk, { role: 'user', content: `${n}` })).status, 201);
        }
    });

    // Gets a page and checks what is true of every one.
    async function page(person, path, cursor) {
        const answer = await person.get(`${path}${path.includes('?') ? '&' : '?'}cursor=${cursor}`);

        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(Object.keys(answer.json), envelope);
        assert.equal(answer.json.has_more, answer.json.next_cursor !== null);
        if (answer.json.has_more) {
            assert.match(answer.json.next_cursor, /^[A-Za-z0-9_-]+$/);
        }
        return answer.json;
    }

    // Goes from page to page to the end.
    async function walk(person, path) {
        const pages = [];

        for (let cursor = ''; cursor !== null; cursor = pages.at(-1).next_cursor) {
            pages.push(await page(person, path, cursor));
            assert.ok(pages.length < 100, 'the pages have no end');
        }
        return pages;
    }

    test('pages put together are the list, each row in detail', async () => {
        const list = (await alice.get('/conversations?limit=1000')).json;

        for (const size of [1, 7, 24, 100]) {
            const pages = await walk(alice, `/conversations?limit=${size}`);
            const items = pages.flatMap((each) => each.items);

            assert.deepEqual(ids(items), ids(list), `pages of ${size}`);
            assert.equal(pages.length, Math.ceil(24 / size));
        }
        const { items } = await page(alice, '/conversations?limit=100', '');
        for (const item of items) {
            assert.deepEqual(Object.keys(item), conversation);
            assert.match(item.id, uuid);
            assert.match(item.created_at, timestamp);
        }
        const { title, tags, metadata, is_pinned, is_archived, forked_from } = items.at(-4);
        assert.deepEqual({ title, tags, metadata, is_pinned, is_archived, forked_from },
            { title: 'number 4', tags: ['t1'], metadata: { n: 4 }, is_pinned: true, is_archived: true,
                forked_from: null });
    });

    test('messages page forward, oldest first, and backward', async () => {
        const list = (await alice.get(`${talk}?limit=1000`)).json;

        for (const size of [1, 7, 60, 100]) {
            const forward = (await walk(alice, `${talk}?limit=${size}`)).flatMap((each) => each.items);
            const backward = (await walk(alice, `${talk}?limit=${size}&direction=backward`))
                .flatMap((each) => each.items);

            assert.deepEqual(ids(forward), ids(list), `pages of ${size}`);
            assert.deepEqual(forward.map(({ seq }) => seq), list.map((_, n) => n + 1));
            assert.deepEqual(backward, [...forward].reverse());
            for (const item of forward) {
                assert.deepEqual(Object.keys(item), message);
            }
        }
    });

    test('a page has 20 conversations or 50 messages unless told otherwise', async () => {
        assert.equal((await page(alice, '/conversations', '')).items.length, 20);
        assert.equal((await page(alice, talk, '')).items.length, 50);
        assert.deepEqual(await page(bob, '/conversations', ''),
            { items: [], next_cursor: null, has_more: false });
    });

    test('archived, pinned and tag choose', async () => {
        const every = (await page(alice, '/conversations?limit=100', '')).items;

        await all([['archived=true', ({ is_archived }) => is_archived],
            ['archived=false', ({ is_archived }) => !is_archived],
            ['pinned=1', ({ is_pinned }) => is_pinned], ['pinned=no', ({ is_pinned }) => !is_pinned],
            ['tag=t1', ({ tags }) => tags.includes('t1')], ['tag=T1', () => false],
            ['tag=t0&pinned=true', ({ tags, is_pinned }) => is_pinned && tags.includes('t0')]],
        async ([query, chosen]) => {
            const pages = await walk(alice, `/conversations?limit=3&${query}`);

            assert.deepEqual(pages.flatMap((each) => each.items), every.filter(chosen));
        });
    });

    test('without a cursor the list is as it ever was', async () => {
        const { json } = await alice.get('/conversations?limit=3&skip=1');

        assert.equal(json.length, 3);
        assert.deepEqual(Object.keys(json[0]), conversation.slice(0, 6));
        assert.deepEqual(Object.keys((await alice.get(talk)).json[0]),
            ['id', 'conversation_id', 'role', 'content', 'created_at']);
    });

    test('a cursor is good where it was given, and nowhere else', async () => {
        const { next_cursor } = await page(alice, '/conversations?limit=3', '');
        const of_talk = (await page(alice, `${talk}?limit=3`, '')).next_cursor;
        const changed = next_cursor.slice(0, -1) + (next_cursor.endsWith('A') ? 'Q' : 'A');

        await all([[alice, '/conversations', 'x'], [alice, '/conversations', changed],
            [alice, '/conversations', next_cursor.slice(1)], [alice, '/conversations', of_talk],
            [alice, '/conversations?archived=false', next_cursor],
            [alice, '/conversations?pinned=false', next_cursor],
            [alice, '/conversations?tag=t1', next_cursor], [bob, '/conversations', next_cursor],
            [alice, talk, next_cursor], [alice, `${talk}?direction=backward`, of_talk],
            [bob, talk, of_talk]],
        async ([person, path, cursor]) => {
            const answer = await person.get(`${path}${path.includes('?') ? '&' : '?'}cursor=${cursor}`);

            isFaulty(answer, [noCursor(cursor)]);
        });
        // The size may change on the way.
        assert.equal((await page(alice, '/conversations?limit=5', next_cursor)).items.length, 5);
    });

    test('what is wrong is told, all at once', async () => {
        isFaulty(await alice.get('/conversations?cursor=&limit=0'), [{ ...tooSmall('limit', '0'),
            msg: 'Input should be greater than or equal to 1' }]);
        isFaulty(await alice.get('/conversations?cursor=&limit=101'), [{ ...tooGreat('limit', '101'),
            msg: 'Input should be less than or equal to 100' }]);
        isFaulty(await alice.get(`${talk}?cursor=&limit=x&direction=up`), [noInteger('limit', 'x'),
            { type: 'string_pattern_mismatch', loc: ['query', 'direction'],
                msg: "String should match pattern '^(forward|backward)$'", input: 'up' }]);
        isFaulty(await alice.get('/conversations?cursor=&pinned=2'), [noBoolean(['query', 'pinned'], '2')]);
        isError(await bob.get(`${talk}?cursor=`), 404, 'Conversation not found');
        isError(await alice.get(`/conversations/${nowhere}/messages?cursor=`), 404, 'Conversation not found');
        isError(await gateway.request('GET', '/conversations?cursor='), 401, 'Not authenticated');
    });

    test('while others write, what was there is shown once', async () => {
        const carol = await gateway.person();
        const there = [];

        for (let n = 0; n < 20; n++) {
            there.unshift((await carol.begin(`old ${n}`)).id);
        }
        const seen = [];
        for (let cursor = ''; cursor !== null;) {
            const { items, next_cursor } = await page(carol, '/conversations?limit=3', cursor);

            seen.push(...ids(items));
            cursor = next_cursor;
            await carol.begin('new');
        }
        assert.deepEqual(seen, there);
    });
});
