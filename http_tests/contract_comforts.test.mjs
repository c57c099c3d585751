// Comforts beyond the classic paths: tags, pins, metadata, forks, edited and deleted messages,
// and the export of one's own data.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { all, everyGateway, isError, isFaulty, noBoolean, noString, noUuid, nowhere, timestamp, tooShort,
    uuid } from './classic.mjs';
import { sql } from './psql.mjs';

const classic = ['id', 'title', 'is_archived', 'created_at', 'updated_at', 'message_count'];
const detail = [...classic, 'is_pinned', 'tags', 'metadata', 'forked_from'];
const message = ['id', 'conversation_id', 'seq', 'role', 'content', 'created_at', 'metadata', 'edited_at'];

const noList = (input) => ({ type: 'list_type', loc: ['body', 'tags'], msg: 'Input should be a valid list', input });
const noDictionary = (input) => ({ type: 'dict_type', loc: ['body', 'metadata'],
    msg: 'Input should be a valid dictionary', input });
const tooMany = { type: 'too_long', loc: ['body', 'tags'], msg: 'List should have at most 20 items' };
const tooLarge = { type: 'too_long', loc: ['body', 'metadata'],
    msg: 'Dictionary should have at most 16384 bytes as text' };
const longTag = (item) => ({ type: 'string_too_long', loc: ['body', 'tags', item],
    msg: 'String should have at most 50 characters' });
const many = (count) => Array.from({ length: count }, (_, n) => `tag ${n}`);

everyGateway((gateway, test) => {
    let alice;
    let bob;

    before(async () => {
        alice = await gateway.person();
        bob = await gateway.person();
    });

    // What is stored of a conversation beside the classic keys: told by a fork of it.
    async function details(id) {
        const answer = await alice.post(`/conversations/${id}/fork`);

        assert.equal(answer.status, 201, answer.text);
        assert.equal((await alice.delete(`/conversations/${answer.json.id}`)).status, 204);
        return answer.json;
    }

    // Begins a conversation of some messages and returns it with them.
    async function talk(count) {
        const made = await alice.begin('talk');
        const messages = [];

        for (let n = 1; n <= count; n++) {
            messages.push((await alice.post(`/conversations/${made.id}/messages`,
                { role: n % 2 === 1 ? 'user' : 'assistant', content: `number ${n}` })).json);
        }
        return { ...made, messages };
    }

    test('tags and metadata are taken, and the six classic keys answered', async () => {
        const metadata = { client: 'web', list: [1, 2.5, null, true], nested: { é: '😀' } };
        const made = await alice.post('/conversations',
            { title: 'tagged', first_message: 'hello', tags: ['b', 'a', 'b', '密码'], metadata });

        assert.equal(made.status, 201, made.text);
        assert.deepEqual(Object.keys(made.json), classic);
        const { tags, metadata: stored } = await details(made.json.id);
        assert.deepEqual(tags, ['b', 'a', '密码']);
        assert.deepEqual(stored, metadata);

        const there = `/conversations/${made.json.id}`;
        const changed = await alice.patch(there, { is_pinned: true, tags: ['c'], metadata: {} });
        assert.equal(changed.status, 200, changed.text);
        assert.deepEqual(Object.keys(changed.json), classic);
        assert.ok(changed.json.updated_at > made.json.updated_at);
        assert.equal(sql(`SELECT is_pinned FROM agent.conversations WHERE id = '${made.json.id}'`), 't');
        assert.deepEqual((await details(made.json.id)).tags, ['c']);

        const left = await alice.patch(there, { is_pinned: null, tags: null, metadata: null });
        assert.deepEqual(left.json, changed.json);
        assert.deepEqual(Object.keys((await alice.get(there)).json), classic);
        assert.deepEqual(Object.keys((await alice.get('/conversations')).json[0]), classic);
    });

    test('tags, pins and metadata have rules, and all faults are told', async () => {
        const { id } = await alice.begin('rules');
        const there = `/conversations/${id}`;

        await all(['x', 5, true, { x: 1 }], async (tags) =>
            isFaulty(await alice.patch(there, { tags }), [noList(tags)]));
        await all(['x', 5, true, ['x']], async (metadata) =>
            isFaulty(await alice.patch(there, { metadata }), [noDictionary(metadata)]));
        isFaulty(await alice.patch(there, { tags: ['x', 5] }), [noString(['body', 'tags', 1])]);
        isFaulty(await alice.patch(there, { tags: ['x', ''] }), [tooShort(['body', 'tags', 1], 1)]);
        isFaulty(await alice.patch(there, { tags: ['😀'.repeat(51)] }), [longTag(0)]);
        isFaulty(await alice.patch(there, { tags: many(21) }), [tooMany]);
        isFaulty(await alice.patch(there, { metadata: { x: 'y'.repeat(16376) } }), [tooLarge]);
        isFaulty(await alice.patch(there, '{"metadata": {"x": 1e999999}}'), [tooLarge]);
        isFaulty(await alice.patch(there, { is_pinned: 'maybe' }), [noBoolean('is_pinned', 'maybe')]);
        isFaulty(await alice.post('/conversations', { title: '', tags: 'x', metadata: 'x' }),
            [tooShort('title', 1, ''), noList('x'), noDictionary('x')]);
        for (const body of [{ tags: many(20) }, { tags: ['😀'.repeat(50)] }, { tags: Array(1000).fill('x') },
            { metadata: { x: 'y'.repeat(16375) } }, { tags: [], metadata: {} }]) {
            assert.equal((await alice.patch(there, body)).status, 200);
        }
    });

    test('a fork has copies of all messages, or of those up to one', async () => {
        const made = await talk(5);
        const there = `/conversations/${made.id}`;

        await alice.patch(there, { is_archived: true, is_pinned: true, tags: ['x'], metadata: { y: 1 } });
        assert.equal((await alice.delete(`/messages/${made.messages[1].id}`)).status, 204);

        const whole = await alice.post(`${there}/fork`);
        assert.equal(whole.status, 201, whole.text);
        assert.deepEqual(Object.keys(whole.json), detail);
        assert.match(whole.json.id, uuid);
        assert.match(whole.json.created_at, timestamp);
        assert.deepEqual({ ...whole.json, id: 0, created_at: 0, updated_at: 0 }, { id: 0, title: 'talk',
            is_archived: false, created_at: 0, updated_at: 0, message_count: 4, is_pinned: false, tags: ['x'],
            metadata: { y: 1 }, forked_from: made.id });
        const copies = (await alice.get(`/conversations/${whole.json.id}/messages`)).json;
        assert.deepEqual(copies.map(({ role, content, created_at }) => ({ role, content, created_at })),
            made.messages.filter((_, n) => n !== 1).map(({ role, content, created_at }) =>
                ({ role, content, created_at })));
        assert.equal(new Set([...copies, ...made.messages].map(({ id }) => id)).size, 9);

        const part = await alice.post(`${there}/fork`, { message_id: made.messages[2].id, title: 'part' });
        assert.equal(part.json.title, 'part');
        assert.equal(part.json.message_count, 2);
        const next = await alice.post(`/conversations/${part.json.id}/messages`, { role: 'user', content: 'another way' });
        assert.equal(next.status, 201);
        assert.equal((await alice.get(there)).json.message_count, 4);
    });

    test('what cannot be forked', async () => {
        const made = await talk(1);
        const other = await talk(1);
        const there = `/conversations/${made.id}/fork`;

        isError(await alice.post(there, { message_id: nowhere }), 404, 'Message not found');
        isError(await alice.post(there, { message_id: other.messages[0].id }), 404, 'Message not found');
        isError(await bob.post(there, { message_id: made.messages[0].id }), 404, 'Conversation not found');
        isError(await alice.post(`/conversations/${nowhere}/fork`, {}), 404, 'Conversation not found');
        isFaulty(await alice.post(there, { title: '' }), [tooShort('title', 1, '')]);
        isFaulty(await alice.post(there, { message_id: 5 }), [{ type: 'uuid_type', loc: ['body', 'message_id'],
            msg: 'UUID input should be a string, bytes or UUID object', input: 5 }]);
    });

    test('a message is edited, and keeps its place and its time', async () => {
        const made = await talk(3);
        const [, second] = made.messages;
        const answer = await alice.patch(`/messages/${second.id}`,
            { content: 'edited', metadata: { model: 'm', tokens: 12 } });

        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(Object.keys(answer.json), message);
        assert.match(answer.json.edited_at, timestamp);
        assert.deepEqual({ ...answer.json, edited_at: 0 }, { ...second, seq: 2, content: 'edited',
            metadata: { model: 'm', tokens: 12 }, edited_at: 0 });
        assert.deepEqual((await alice.get(`/conversations/${made.id}/messages`)).json.map(({ content }) => content),
            ['number 1', 'edited', 'number 3']);
        assert.equal((await alice.get(`/conversations/${made.id}`)).json.updated_at, answer.json.edited_at);

        for (const body of [{}, { content: null, metadata: null }]) {
            assert.deepEqual((await alice.patch(`/messages/${second.id}`, body)).json, answer.json);
        }
        const metadata = await alice.patch(`/messages/${second.id}`, { metadata: {} });
        assert.equal(metadata.json.edited_at, answer.json.edited_at);
        assert.deepEqual(metadata.json.metadata, {});
        isFaulty(await alice.patch(`/messages/${second.id}`, { content: '', metadata: [] }),
            [tooShort('content', 1, ''), noDictionary([])]);
        isFaulty(await alice.patch('/messages/x', { content: 5 }), [noUuid('x', 'message_id'), noString('content', 5)]);
    });

    test('a message is deleted, once, and the count is right', async () => {
        const made = await talk(3);
        const first = `/messages/${made.messages[0].id}`;

        assert.equal((await alice.delete(first)).status, 204);
        isError(await alice.delete(first), 404, 'Message not found');
        isError(await alice.patch(first, { content: 'x' }), 404, 'Message not found');
        isFaulty(await alice.delete('/messages/x'), [noUuid('x', 'message_id')]);
        const { json } = await alice.get(`/conversations/${made.id}`);
        assert.equal(json.message_count, 2);
        assert.ok(json.updated_at > made.messages[2].created_at);
        const left = (await alice.get(`/conversations/${made.id}/messages`)).json;
        assert.deepEqual(left, made.messages.slice(1));
    });

    test('another\'s message is as one that does not exist', async () => {
        const made = await talk(1);

        for (const id of [made.messages[0].id, nowhere]) {
            isError(await bob.patch(`/messages/${id}`, { content: 'taken over' }), 404, 'Message not found');
            isError(await bob.patch(`/messages/${id}`, {}), 404, 'Message not found');
            isError(await bob.delete(`/messages/${id}`), 404, 'Message not found');
        }
        assert.deepEqual((await alice.get(`/conversations/${made.id}/messages`)).json, made.messages);
    });

    test('messages deleted and posted at once are counted right', async () => {
        const made = await talk(10);
        const there = `/conversations/${made.id}`;

        await Promise.all(made.messages.flatMap(({ id }) => [alice.delete(`/messages/${id}`), alice.delete(`/messages/${id}`),
            alice.post(`${there}/messages`, { role: 'user', content: 'new' })]));
        const left = (await alice.get(`${there}/messages?limit=1000`)).json;
        assert.deepEqual(left.map(({ content }) => content), Array(10).fill('new'));
        assert.equal((await alice.get(there)).json.message_count, 10);
        assert.equal(sql(`SELECT array_agg(seq ORDER BY seq) FROM agent.messages WHERE conversation_id = '${made.id}'`),
            `{${Array.from({ length: 10 }, (_, n) => n + 11)}}`);
    });

    test('the export has all that is one\'s own, and nothing else', async () => {
        const carol = await gateway.person();
        const made = await carol.begin('carol\'s', 'hello');
        const answer = await carol.get('/auth/export');
        const { json } = answer;

        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(Object.keys(json),
            ['format', 'version', 'exported_at', 'account', 'sessions', 'conversations', 'events']);
        assert.equal(json.format, 'agent-export');
        assert.equal(json.version, 1);
        assert.ok(Math.abs(Date.parse(json.exported_at) - Date.now()) < 60_000, json.exported_at);
        assert.equal(json.account.id, carol.id);
        assert.equal(json.account.email, carol.email);
        assert.equal(json.sessions.length, 1);
        assert.deepEqual(json.conversations.map(({ id, messages }) => [id, messages.map(({ content }) => content)]),
            [[made.id, ['hello']]]);
        assert.deepEqual(json.events.map(({ event }) => event), ['register', 'login']);
        for (const foreign of [alice.id, alice.email, bob.id, carol.password, carol.token, 'bcrypt', '$2']) {
            assert.ok(!answer.text.includes(foreign), foreign);
        }
        isError(await gateway.request('GET', '/auth/export'), 401, 'Not authenticated');
    });

    test('with the account all of it goes, and one event says when', async () => {
        const dave = await gateway.person();

        await dave.begin('dave\'s', 'hello');
        assert.equal((await gateway.request('DELETE', '/auth/me',
            { token: dave.token, body: { password: dave.password } })).status, 204);
        assert.equal(sql(`SELECT event, address IS NULL, user_agent IS NULL, session_id IS NULL FROM agent.audit
            WHERE user_id = '${dave.id}'`), 'delete|t|t|t');
        assert.equal(sql(`SELECT count(*) FROM agent.conversations WHERE user_id = '${dave.id}'`), '0');
    });
});
