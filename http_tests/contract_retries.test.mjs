// Requests that are sent again: the header Idempotency-Key, on the classic paths and with
// PostgREST.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test as plainTest } from 'node:test';
import { everyGateway, isError, isFaulty, newcomer, tooLong, tooShort } from './classic.mjs';
import { person } from './people.mjs';
import { call, request } from './postgrest.mjs';
import { sql } from './psql.mjs';

const mismatch = 'Idempotency key was used for another request';
const times = (count, each) => Promise.all(Array.from({ length: count }, (_, n) => each(n)));
const keyed = (key) => ({ 'Idempotency-Key': key });

// Expects that all were answered alike, and with 201; returns the answer.
function sameAnswer(answers) {
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201], answers[0].text);
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    return answers[0].json;
}

everyGateway((gateway, test) => {
    let alice;
    let bob;

    before(async () => {
        alice = await gateway.person();
        bob = await gateway.person();
    });

    test('a hundred at once begin one conversation', async () => {
        const title = randomUUID();
        const answers = await times(100, () => alice.post('/conversations',
            { title, first_message: 'x' }, keyed(title)));
        const { id, message_count } = sameAnswer(answers);

        assert.equal(message_count, 1);
        assert.equal(sql(`SELECT count(*), min(id::text) FROM agent.conversations WHERE title = '${title}'`),
            `1|${id}`);
    });

    test('a hundred at once add one message', async () => {
        const { id } = await alice.begin('talk');
        const key = randomUUID();
        const answers = await times(100, () => alice.post(`/conversations/${id}/messages`,
            { role: 'user', content: 'once' }, keyed(key)));
        const sent = sameAnswer(answers);

        assert.deepEqual((await alice.get(`/conversations/${id}/messages`)).json, [sent]);
        assert.equal((await alice.get(`/conversations/${id}`)).json.message_count, 1);
    });

    test('many at once register one account', async () => {
        const body = newcomer();
        const key = randomUUID();
        const answers = await times(20, () => gateway.request('POST', '/auth/register',
            { body, headers: keyed(key) }));
        const { id } = sameAnswer(answers);

        assert.equal(sql(`SELECT id FROM agent.users WHERE username = '${body.username}'`), id);
        await gateway.logIn(body);
    });

    test('the answer stays what it was, whatever becomes of what was created', async () => {
        const key = randomUUID();
        const send = () => alice.post('/conversations', { title: 'first' }, keyed(key));
        const made = sameAnswer([await send()]);
        const there = `/conversations/${made.id}`;

        await alice.patch(there, { title: 'changed' });
        assert.deepEqual(sameAnswer([await send()]), made);
        assert.equal((await alice.get(there)).json.title, 'changed');
        await alice.delete(there);
        assert.deepEqual(sameAnswer([await send()]), made);
        isError(await alice.get(there), 404, 'Conversation not found');
    });

    test('another request with the same key is a 409, and does nothing', async () => {
        const key = randomUUID();
        const { id } = sameAnswer([await alice.post('/conversations', { title: 'one' }, keyed(key))]);

        isError(await alice.post('/conversations', { title: 'two' }, keyed(key)), 409, mismatch);
        isError(await alice.post('/conversations', { title: 'one', tags: ['x'] }, keyed(key)), 409, mismatch);
        isError(await alice.post(`/conversations/${id}/messages`, { role: 'user', content: 'x' }, keyed(key)),
            409, mismatch);
        assert.equal((await alice.get(`/conversations/${id}`)).json.message_count, 0);
    });

    test('keys are a person\'s own', async () => {
        const key = randomUUID();
        const hers = sameAnswer([await alice.post('/conversations', { title: 'x' }, keyed(key))]);
        const his = sameAnswer([await bob.post('/conversations', { title: 'x' }, keyed(key))]);

        assert.notEqual(hers.id, his.id);
    });

    test('without the header each request is done', async () => {
        const [first, second] = await times(2, () => alice.post('/conversations', { title: 'x' }));

        assert.notEqual(first.json.id, second.json.id);
    });

    test('what failed leaves no key', async () => {
        const key = randomUUID();

        assert.equal((await alice.post('/conversations', { title: '' }, keyed(key))).status, 422);
        sameAnswer([await alice.post('/conversations', { title: 'x' }, keyed(key))]);
    });

    test('a key has 200 characters at most', async () => {
        const most = randomUUID().padEnd(200, 'x');

        sameAnswer(await times(2, () => alice.post('/conversations', { title: 'x' }, keyed(most))));
        isFaulty(await alice.post('/conversations', { title: '' }, keyed(`${most}x`)), [
            tooShort('title', 1, ''), tooLong(['header', 'idempotency-key'], 200, `${most}x`)]);
    });

    test('a password cannot be found by the key', async () => {
        const body = newcomer();
        const key = randomUUID();
        const send = (password) => gateway.request('POST', '/auth/register',
            { body: { ...body, password }, headers: keyed(key) });

        sameAnswer([await send(body.password)]);
        isError(await send('a guess'), 409, mismatch);
        sameAnswer([await send(body.password)]);
    });
});

describe('PostgREST alone', () => {
    let alice;

    before(async () => {
        alice = await person();
    });

    plainTest('a hundred at once begin one conversation', async () => {
        const title = randomUUID();
        const answers = await times(100, () => call('agent_conversation_create', { title },
            { token: alice.token, headers: keyed(title) }));

        sameAnswer(answers);
        assert.equal(sql(`SELECT count(*) FROM agent.conversations WHERE title = '${title}'`), '1');
    });

    plainTest('a hundred at once add one message, with the key as an argument', async () => {
        const { json } = await call('agent_conversation_create', { title: 'x' }, { token: alice.token });
        const idempotency_key = randomUUID();
        const answers = await times(100, () => call('agent_message_create',
            { conversation_id: json.id, role: 'user', content: 'x', idempotency_key }, { token: alice.token }));

        assert.equal(sameAnswer(answers).seq, 1);
        assert.equal(sql(`SELECT count(*) FROM agent.messages WHERE conversation_id = '${json.id}'`), '1');
    });

    plainTest('many at once register one account', async () => {
        const body = newcomer();
        const answers = await times(20, () => call('agent_register', body, { headers: keyed(body.username) }));

        sameAnswer(answers);
        assert.equal(sql(`SELECT count(*) FROM agent.users WHERE username = '${body.username}'`), '1');
    });

    plainTest('another request with the same key is a 409', async () => {
        const headers = keyed(randomUUID());
        const send = (title) => call('agent_conversation_create', { title }, { token: alice.token, headers });

        assert.equal((await send('one')).status, 201);
        const answer = await send('two');
        assert.equal(answer.status, 409);
        assert.equal(answer.json.code, 'idempotency_mismatch');
        assert.equal(answer.json.hint, 'Use a new key for a new request.');
    });

    plainTest('a page is an object of items, next_cursor and has_more, by GET', async () => {
        const { json } = await call('agent_conversation_create', { title: 'x', first_message: 'a' },
            { token: alice.token });

        await call('agent_message_create', { conversation_id: json.id, role: 'user', content: 'b' },
            { token: alice.token });
        const get = (query) => request('GET', `/rpc/agent_message_page?conversation_id=${json.id}&page_size=1${query}`,
            { token: alice.token });
        const first = await get('');

        assert.equal(first.status, 200, first.text);
        assert.deepEqual(Object.keys(first.json), ['items', 'next_cursor', 'has_more']);
        assert.deepEqual(first.json.items.map(({ seq, content }) => [seq, content]), [[1, 'a']]);
        const second = (await get(`&cursor=${first.json.next_cursor}`)).json;
        assert.deepEqual([second.items[0].seq, second.next_cursor, second.has_more], [2, null, false]);
    });
});
