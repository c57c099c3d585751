// Conversations: create, read, list, change, delete.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { everyGateway, isError, nowhere, timestamp, uuid } from './classic.mjs';
import { sql } from './psql.mjs';

const keys = ['id', 'title', 'is_archived', 'created_at', 'updated_at', 'message_count'];
const ids = ({ json }) => json.map(({ id }) => id);

everyGateway((gateway, test) => {
    let alice;
    let carol;
    // Hers, newest first, which no test changes.
    const list = [];

    before(async () => {
        alice = await gateway.person();
        carol = await gateway.person();
        for (let n = 1; n <= 23; n++) {
            const made = await carol.begin(`number ${n}`, n % 5 === 0 ? 'hello' : undefined);
            const archive = n % 4 === 0;

            list.unshift(archive ? (await carol.patch(`/conversations/${made.id}`,
                { is_archived: true })).json : made);
        }
    });

    test('create answers 201 with just the six fields', async () => {
        const answer = await alice.post('/conversations', { title: 'a title' });
        const { json } = answer;

        assert.equal(answer.status, 201);
        assert.deepEqual(Object.keys(json), keys);
        assert.match(json.id, uuid);
        assert.equal(json.title, 'a title');
        assert.equal(json.is_archived, false);
        assert.match(json.created_at, timestamp);
        assert.match(json.updated_at, timestamp);
        assert.ok(Math.abs(Date.parse(json.created_at) - Date.now()) < 60_000, json.created_at);
        assert.ok(json.updated_at >= json.created_at);
        assert.equal(json.message_count, 0);
    });

    test('read answers 200 with what create answered', async () => {
        const made = await alice.begin('to be read', 'hello');
        const answer = await alice.get(`/conversations/${made.id}`);

        assert.equal(answer.status, 200);
        assert.deepEqual(Object.keys(answer.json), keys);
        assert.deepEqual(answer.json, made);
    });

    test('first_message makes a message of role user; null, "" and none of it make none',
        async () => {
            const made = await alice.begin('with', 'hello\n');
            const { json } = await alice.get(`/conversations/${made.id}/messages`);

            assert.equal(made.message_count, 1);
            assert.deepEqual(json.map(({ role, content }) => [role, content]),
                [['user', 'hello\n']]);
            for (const rest of [{}, { first_message: null }, { first_message: '' }]) {
                const without = await alice.post('/conversations', { title: 'without', ...rest });
                assert.equal(without.status, 201, JSON.stringify(rest));
                assert.equal(without.json.message_count, 0);
                const there = await alice.get(`/conversations/${without.json.id}/messages`);
                assert.deepEqual(there.json, []);
            }
            // A blank is a message.
            assert.equal((await alice.begin('blank', ' ')).message_count, 1);
        });

    test('a first message that is refused leaves no conversation behind', async () => {
        const was = ids(await alice.get('/conversations'));
        const answer = await alice.post('/conversations',
            { title: 'left behind', first_message: 'x'.repeat(8 * 1024 * 1024 + 1) });

        assert.equal(answer.status, 422);
        assert.deepEqual(ids(await alice.get('/conversations')), was);
    });

    test('id, times, counts and owner cannot be set', async () => {
        const sent = { id: nowhere, user_id: carol.id, created_at: '2000-01-01T00:00:00Z',
            updated_at: '2000-01-01T00:00:00Z', message_count: 7, next_seq: 9, conversation_id: 1 };
        const { status, json } = await alice.post('/conversations',
            { ...sent, title: 'hers', is_archived: true });

        assert.equal(status, 201);
        assert.deepEqual(Object.keys(json), keys);
        assert.notEqual(json.id, nowhere);
        assert.equal(json.is_archived, false);
        assert.equal(json.message_count, 0);
        assert.ok(Date.parse(json.created_at) > Date.now() - 60_000);
        assert.equal((await alice.get(`/conversations/${json.id}`)).status, 200);

        const changed = await alice.patch(`/conversations/${json.id}`, sent);
        assert.equal(changed.status, 200);
        assert.deepEqual(changed.json, json);
    });

    test('patch changes what it is given and leaves the rest', async () => {
        const made = await alice.begin('before', 'hello');
        const there = `/conversations/${made.id}`;
        const titled = (await alice.patch(there, { title: 'after' })).json;

        assert.deepEqual(Object.keys(titled), keys);
        assert.deepEqual(titled, { ...made, title: 'after', updated_at: titled.updated_at });
        assert.ok(titled.updated_at > made.updated_at);

        const archived = (await alice.patch(there, { is_archived: true })).json;
        assert.deepEqual(archived,
            { ...titled, is_archived: true, updated_at: archived.updated_at });
        assert.ok(archived.updated_at > titled.updated_at);

        const both = (await alice.patch(there, { is_archived: false, title: 'both' })).json;
        assert.deepEqual(both,
            { ...made, title: 'both', is_archived: false, updated_at: both.updated_at });
        assert.deepEqual((await alice.get(there)).json, both);
    });

    test('null leaves alone; nothing to change changes nothing, not even updated_at', async () => {
        const made = await alice.begin('untouched');
        const there = `/conversations/${made.id}`;

        await alice.patch(there, { is_archived: true });
        const was = (await alice.get(there)).json;
        for (const body of [{}, { title: null }, { is_archived: null },
            { title: null, is_archived: null }, { nothing: 1 }]) {
            const answer = await alice.patch(there, body);
            assert.equal(answer.status, 200);
            assert.deepEqual(answer.json, was, JSON.stringify(body));
            assert.deepEqual((await alice.get(there)).json, was, JSON.stringify(body));
        }
        const titled = (await alice.patch(there, { title: 'x', is_archived: null })).json;
        assert.equal(titled.title, 'x');
        assert.equal(titled.is_archived, true);
        const opened = (await alice.patch(there, { title: null, is_archived: false })).json;
        assert.equal(opened.title, 'x');
        assert.equal(opened.is_archived, false);
    });

    test('delete answers 204 without a body, and all of it is gone', async () => {
        const made = await alice.begin('to be deleted', 'hello');
        const there = `/conversations/${made.id}`;
        const answer = await alice.delete(there);

        assert.equal(answer.status, 204);
        assert.equal(answer.bytes.length, 0);
        for (const gone of [await alice.delete(there), await alice.get(there),
            await alice.patch(there, { title: 'x' }), await alice.patch(there, {}),
            await alice.get(`${there}/messages`),
            await alice.post(`${there}/messages`, { role: 'user', content: 'x' })]) {
            isError(gone, 404, 'Conversation not found');
        }
        assert.ok(!ids(await alice.get('/conversations?limit=1000')).includes(made.id));
        assert.equal(sql(`SELECT count(*) FROM agent.messages
            WHERE conversation_id = '${made.id}'`), '0');
    });

    test('a conversation that never was is 404', async () => {
        for (const id of [nowhere, '00000000-0000-0000-0000-000000000000',
            'ffffffff-ffff-ffff-ffff-ffffffffffff']) {
            isError(await alice.get(`/conversations/${id}`), 404, 'Conversation not found');
        }
    });

    test('the list is newest created first, each as it reads by itself', async () => {
        const { status, json } = await carol.get('/conversations?limit=1000');

        assert.equal(status, 200);
        assert.deepEqual(json, list);
        for (const each of json) {
            assert.deepEqual(Object.keys(each), keys);
        }
        // A change later on does not move it.
        const made = list.map(({ created_at }) => created_at);
        assert.deepEqual(made, [...made].sort().reverse());
    });

    test('the list begins at 0 and has 10 unless told otherwise', async () => {
        assert.deepEqual((await carol.get('/conversations')).json, list.slice(0, 10));
        assert.deepEqual((await carol.get('/conversations?')).json, list.slice(0, 10));
        assert.deepEqual((await carol.get('/conversations?skip=3')).json, list.slice(3, 13));
        assert.deepEqual((await carol.get('/conversations?limit=4')).json, list.slice(0, 4));
        assert.deepEqual((await carol.get('/conversations?skip=20&limit=10')).json,
            list.slice(20));
        assert.deepEqual((await carol.get('/conversations?limit=0')).json, []);
        assert.deepEqual((await carol.get('/conversations?skip=23')).json, []);
        assert.deepEqual((await carol.get('/conversations?skip=1000000')).json, []);
    });

    test('pages put together are the whole', async () => {
        for (const size of [1, 7, 10, 23]) {
            const pages = [];

            for (let skip = 0; skip < list.length; skip += size) {
                const { json } = await carol.get(`/conversations?skip=${skip}&limit=${size}`);
                pages.push(...json);
            }
            assert.deepEqual(pages, list, `pages of ${size}`);
        }
    });

    test('archived chooses: true, false, or without it both', async () => {
        for (const archived of [true, false]) {
            const some = list.filter(({ is_archived }) => is_archived === archived);

            assert.deepEqual((await carol.get(`/conversations?limit=99&archived=${archived}`)).json,
                some);
            assert.deepEqual(
                (await carol.get(`/conversations?archived=${archived}&skip=1&limit=3`)).json,
                some.slice(1, 4));
        }
    });

    test('the list of somebody who has none is []', async () => {
        const { get } = await gateway.person();
        const answer = await get('/conversations');

        assert.equal(answer.status, 200);
        assert.equal(answer.text, '[]');
    });
});
