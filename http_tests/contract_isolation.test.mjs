// What is somebody else's is to everybody else as if it were not there.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { all, everyGateway, nowhere } from './classic.mjs';

everyGateway((gateway, test) => {
    let alice;
    let bob;
    let hers;

    before(async () => {
        alice = await gateway.person();
        bob = await gateway.person();
        hers = await alice.begin('hers', 'not for bob');
        await alice.post(`/conversations/${hers.id}/messages`,
            { role: 'assistant', content: 'neither' });
        await bob.begin('his', 'not for alice');
    });

    const attempts = [
        ['GET', '', undefined], ['PATCH', '', {}], ['PATCH', '', { title: 'taken over' }],
        ['PATCH', '', { is_archived: true }], ['PATCH', '', { title: null }],
        ['DELETE', '', undefined], ['GET', '/messages', undefined],
        ['GET', '/messages?skip=0&limit=0', undefined], ['GET', '/messages?skip=5', undefined],
        ['POST', '/messages', { role: 'user', content: 'intruder' }],
        ['POST', '/messages', { role: 'user', content: 'x'.repeat(100_000) }],
        ['PATCH', '', { is_pinned: true, tags: ['bob'], metadata: { bob: 1 } }], ['POST', '/fork', {}]
    ];

    test('another\'s conversation answers byte for byte as one that does not exist', async () => {
        await all(attempts, async ([method, rest, body]) => {
            const answers = [];

            for (const id of [hers.id, nowhere, hers.id.toUpperCase()]) {
                const { status, reason, text, rawHeaders } = await gateway.request(method,
                    `/conversations/${id}${rest}`, { token: bob.token, body });
                const headers = [];
                for (let n = 0; n < rawHeaders.length; n += 2) {
                    if (!/^(date|x-request-id)$/i.test(rawHeaders[n])) {
                        headers.push(`${rawHeaders[n]}: ${rawHeaders[n + 1]}`);
                    }
                }
                answers.push({ status, reason, text, headers });
            }
            assert.equal(answers[0].status, 404);
            assert.equal(answers[0].text, answers[1].text);
            assert.deepEqual(JSON.parse(answers[0].text), { detail: 'Conversation not found' });
            assert.deepEqual(answers[0], answers[1]);
            assert.deepEqual(answers[0], answers[2]);
        });
    });

    test('nothing came of it', async () => {
        const { json } = await alice.get(`/conversations/${hers.id}`);
        assert.deepEqual(json, { ...hers, message_count: 2, updated_at: json.updated_at });
        const messages = (await alice.get(`/conversations/${hers.id}/messages`)).json;
        assert.deepEqual(messages.map(({ content }) => content), ['not for bob', 'neither']);
        assert.equal(json.updated_at >= messages[1].created_at, true);
    });

    test('lists have one\'s own alone', async () => {
        for (const query of ['', '?limit=1000', '?archived=false', `?user_id=${alice.id}`,
            `?id=${hers.id}`]) {
            const { json } = await bob.get(`/conversations${query}`);
            assert.deepEqual(json.map(({ title }) => title), ['his'], query);
        }
        assert.deepEqual((await alice.get('/conversations')).json.map(({ title }) => title),
            ['hers']);
    });

    test('nothing of the owner can be said in body, query or header', async () => {
        const made = await bob.post('/conversations',
            { title: 'for alice', user_id: alice.id, owner: alice.id, user: { id: alice.id } },
            { 'X-User-Id': alice.id });
        assert.equal(made.status, 201);
        assert.equal((await alice.get(`/conversations/${made.json.id}`)).status, 404);
        await bob.patch(`/conversations/${made.json.id}`, { user_id: alice.id });
        assert.equal((await alice.get(`/conversations/${made.json.id}`)).status, 404);
        assert.equal((await bob.delete(`/conversations/${made.json.id}`)).status, 204);

        const posted = await bob.post(
            `/conversations/${(await bob.get('/conversations')).json[0].id}/messages`,
            { role: 'user', content: 'x', conversation_id: hers.id, user_id: alice.id });
        assert.equal(posted.status, 201);
        assert.notEqual(posted.json.conversation_id, hers.id);
    });

    test('requests of two people over the same connections do not mix', async () => {
        const answers = await Promise.all(Array.from({ length: 90 }, async (_, n) => {
            const who = [alice, bob, undefined][n % 3];
            const { status, json } = await gateway.request('GET', '/auth/me',
                { token: who?.token });

            return who ? json.id === who.id : status === 401;
        }));
        assert.ok(answers.every(Boolean));

        const lists = await Promise.all(Array.from({ length: 60 }, async (_, n) => {
            const { json } = await [alice, bob][n % 2].get('/conversations');
            return json.every(({ title }) => title === ['hers', 'his'][n % 2]);
        }));
        assert.ok(lists.every(Boolean));
    });
});
