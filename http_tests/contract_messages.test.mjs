// Messages: post, list, pages; what they do to their conversation.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { everyGateway, nowhere, timestamp, tooLong, uuid } from './classic.mjs';

const keys = ['id', 'conversation_id', 'role', 'content', 'created_at'];
const limit = 8 * 1024 * 1024;

everyGateway((gateway, test) => {
    let alice;
    let there;
    // Of the conversation, in the order they were posted.
    const posted = [];

    before(async () => {
        alice = await gateway.person();
        const { id } = await alice.begin('messages', 'number 0');
        there = `/conversations/${id}/messages`;
        for (let n = 1; n <= 56; n++) {
            await alice.post(there, { role: 'user', content: `number ${n}` });
        }
        posted.push(...(await alice.get(`${there}?limit=1000`)).json);
    });

    test('post answers 201 with just the five fields', async () => {
        const made = await alice.begin('of every role');

        for (const role of ['user', 'assistant', 'system']) {
            const answer = await alice.post(`/conversations/${made.id}/messages`,
                { role, content: `as ${role}` });
            const { json } = answer;

            assert.equal(answer.status, 201);
            assert.deepEqual(Object.keys(json), keys);
            assert.match(json.id, uuid);
            assert.equal(json.conversation_id, made.id);
            assert.equal(json.role, role);
            assert.equal(json.content, `as ${role}`);
            assert.match(json.created_at, timestamp);
            assert.ok(Math.abs(Date.parse(json.created_at) - Date.now()) < 60_000);
            const last = (await alice.get(`/conversations/${made.id}/messages`)).json.at(-1);
            assert.deepEqual(last, json);
            assert.deepEqual(Object.keys(last), keys);
        }
    });

    test('the list is oldest first, in the order they were accepted', () => {
        assert.deepEqual(posted.map(({ content }) => content),
            Array.from({ length: 57 }, (_, n) => `number ${n}`));
        const times = posted.map(({ created_at }) => created_at);
        assert.deepEqual(times, [...times].sort());
        assert.equal(new Set(posted.map(({ id }) => id)).size, 57);
    });

    test('the list begins at 0 and has 50 unless told otherwise', async () => {
        assert.deepEqual((await alice.get(there)).json, posted.slice(0, 50));
        assert.deepEqual((await alice.get(`${there}?skip=10`)).json, posted.slice(10));
        assert.deepEqual((await alice.get(`${there}?skip=5&limit=2`)).json, posted.slice(5, 7));
        assert.deepEqual((await alice.get(`${there}?limit=0`)).json, []);
        assert.deepEqual((await alice.get(`${there}?skip=57`)).json, []);
        assert.deepEqual((await alice.get(`${there}?skip=56&limit=1000`)).json, posted.slice(56));
    });

    test('pages put together are the whole', async () => {
        for (const size of [1, 9, 57]) {
            const pages = [];

            for (let skip = 0; skip < posted.length; skip += size) {
                pages.push(...(await alice.get(`${there}?skip=${skip}&limit=${size}`)).json);
            }
            assert.deepEqual(pages, posted, `pages of ${size}`);
        }
    });

    test('a message counts, and moves updated_at alone', async () => {
        const made = await alice.begin('counted');

        for (let n = 1, was = made; n <= 3; n++) {
            await alice.post(`/conversations/${made.id}/messages`, { role: 'user', content: 'x' });
            const now = (await alice.get(`/conversations/${made.id}`)).json;

            assert.deepEqual(now, { ...made, message_count: n, updated_at: now.updated_at });
            assert.ok(now.updated_at > was.updated_at);
            was = now;
        }
        const listed = (await alice.get('/conversations?limit=1')).json[0];
        assert.deepEqual(listed, (await alice.get(`/conversations/${made.id}`)).json);
    });

    test('a message that is refused counts for nothing', async () => {
        const made = await alice.begin('refused');
        const post = (body) => alice.post(`/conversations/${made.id}/messages`, body);

        for (const body of [{}, { role: 'user' }, { role: 'robot', content: 'x' },
            { role: 'user', content: '' }, { role: 'user', content: 'a\u0000b' }]) {
            const answer = await post(body);
            assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
        }
        assert.deepEqual((await alice.get(`/conversations/${made.id}`)).json, made);
        assert.deepEqual((await alice.get(`/conversations/${made.id}/messages`)).json, []);
    });

    test('id, owner, conversation and time cannot be set', async () => {
        const made = await alice.begin('here');
        const other = await alice.begin('not there');
        const { status, json } = await alice.post(`/conversations/${made.id}/messages`, {
            role: 'user', content: 'x', id: nowhere, user_id: nowhere, seq: 7,
            conversation_id: other.id, created_at: '2000-01-01T00:00:00Z' });

        assert.equal(status, 201);
        assert.deepEqual(Object.keys(json), keys);
        assert.notEqual(json.id, nowhere);
        assert.equal(json.conversation_id, made.id);
        assert.ok(Date.parse(json.created_at) > Date.now() - 60_000);
        assert.deepEqual((await alice.get(`/conversations/${other.id}/messages`)).json, []);
    });

    test('one conversation\'s list has its own messages alone', async () => {
        const one = await alice.begin('one', 'of the one');
        const two = await alice.begin('two', 'of the two');

        for (const [{ id }, content] of [[one, 'of the one'], [two, 'of the two']]) {
            const { json } = await alice.get(`/conversations/${id}/messages`);
            assert.deepEqual(json.map((message) => message.content), [content]);
        }
    });

    test('1000 are the most that can be asked for, and come', async () => {
        assert.equal((await alice.get(`${there}?limit=1000`)).json.length, 57);
        assert.equal((await alice.get(`${there}?limit=1001`)).status, 422);
    });

    test('a message of 8 MiB is taken and comes back whole; a byte more is refused', async () => {
        const made = await alice.begin('large');
        const content = 'é'.repeat(limit / 2);
        const taken = await alice.post(`/conversations/${made.id}/messages`,
            { role: 'user', content });

        assert.equal(taken.status, 201, taken.text.slice(0, 300));
        assert.ok(taken.json.content === content, 'the answer differs');
        const { json } = await alice.get(`/conversations/${made.id}/messages`);
        assert.ok(json[0].content === content, 'what was stored differs');

        const refused = await alice.post(`/conversations/${made.id}/messages`,
            { role: 'user', content: `${content}x` });
        assert.equal(refused.status, 422);
        const { type, loc, msg } = tooLong('content', 1);
        assert.deepEqual(refused.json.detail.map((fault) => [fault.type, fault.loc]),
            [[type, loc]]);
        assert.ok(refused.json.detail[0].msg.startsWith(msg.slice(0, 27)));
        assert.equal((await alice.get(`/conversations/${made.id}`)).json.message_count, 1);
    });

    test('a first message of 8 MiB is taken, a byte more is refused', async () => {
        const taken = await alice.post('/conversations',
            { title: 'large', first_message: 'x'.repeat(limit) });
        assert.equal(taken.status, 201);
        assert.equal(taken.json.message_count, 1);

        const refused = await alice.post('/conversations',
            { title: 'too large', first_message: 'x'.repeat(limit + 1) });
        assert.equal(refused.status, 422);
        assert.deepEqual(refused.json.detail.map(({ type, loc }) => [type, loc]),
            [['string_too_long', ['body', 'first_message']]]);
    });
});
