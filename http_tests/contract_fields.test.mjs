// The fields of bodies: what each takes, and every fault of it, with its limits on both sides.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { all, everyGateway, isFaulty, missing, noBoolean, noObject, noRole, noString, tooLong,
    tooShort } from './classic.mjs';

// Values that are no text.
const noTexts = [1, 0, -1, 1.5, 1e300, true, false, [], ['x'], {}, { title: 'x' }];
const truths = [true, 1, 1.0, 'true', 'True', 'TRUE', 'tRuE', '1', 'yes', 'YES', 'y', 'Y', 'on',
    'On', 't', 'T'];
const lies = [false, 0, 0.0, 'false', 'False', 'FALSE', '0', 'no', 'NO', 'n', 'N', 'off', 'Off',
    'f', 'F'];
const noTruths = [2, -1, 10, 0.5, 1e30, 'maybe', '', ' ', 'tru', 'truee', '2', '01', '1.0', 'ja',
    'null', 'none', [], [true], {}, { is_archived: true }];

everyGateway((gateway, test) => {
    let alice;
    let there;

    before(async () => {
        alice = await gateway.person();
        there = `/conversations/${(await alice.begin('fields')).id}`;
    });

    test('a title has 1 to 200 characters, which are code points, and comes back as sent',
        async () => {
            await all(['x', ' ', '\u{1F600}', 'x'.repeat(200), '\u{1F600}'.repeat(200),
                '学'.repeat(200), 'e\u0301'.repeat(100)], async (title) => {
                const made = await alice.post('/conversations', { title });
                assert.equal(made.status, 201, made.text);
                assert.equal(made.json.title, title);
                const changed = await alice.patch(there, { title });
                assert.equal(changed.status, 200, changed.text);
                assert.equal(changed.json.title, title);
            });
            await all(['x'.repeat(201), '\u{1F600}'.repeat(201), '学'.repeat(201),
                `${'e\u0301'.repeat(100)}x`, 'x'.repeat(60_000)], async (title) => {
                isFaulty(await alice.post('/conversations', { title }),
                    [tooLong('title', 200, title)]);
                isFaulty(await alice.patch(there, { title }), [tooLong('title', 200, title)]);
            });
            isFaulty(await alice.post('/conversations', { title: '' }),
                [tooShort('title', 1, '')]);
            isFaulty(await alice.patch(there, { title: '' }), [tooShort('title', 1, '')]);
        });

    test('a title is required at first', async () => {
        isFaulty(await alice.post('/conversations', {}), [missing('title', {})]);
        const body = { first_message: 'x', Title: 'y', 'title ': 'z' };
        isFaulty(await alice.post('/conversations', body), [missing('title', body)]);
    });

    test('what is no text is no title', async () => {
        await all([null, ...noTexts], async (title) => {
            isFaulty(await alice.post('/conversations', { title }), [noString('title', title)]);
        });
        await all(noTexts, async (title) => {
            isFaulty(await alice.patch(there, { title }), [noString('title', title)]);
        });
    });

    test('what is no text is no first message', async () => {
        await all(noTexts, async (first_message) => {
            isFaulty(await alice.post('/conversations', { title: 'x', first_message }),
                [noString('first_message', first_message)]);
        });
    });

    test('is_archived takes what reads as a boolean', async () => {
        await all([...truths.map((value) => [value, true]), ...lies.map((value) => [value, false])],
            async ([value, meant]) => {
                await alice.patch(there, { is_archived: !meant });
                const answer = await alice.patch(there, { is_archived: value });
                assert.equal(answer.status, 200, answer.text);
                assert.equal(answer.json.is_archived, meant);
            });
        // Numbers in whatever notation.
        const answer = await alice.patch(there, '{"is_archived": 1.0}');
        assert.equal(answer.json.is_archived, true);
        assert.equal((await alice.patch(there, '{"is_archived":0.0}')).json.is_archived, false);
    });

    test('is_archived takes nothing else', async () => {
        const was = (await alice.get(there)).json;

        await all(noTruths, async (is_archived) => {
            isFaulty(await alice.patch(there, { is_archived }),
                [noBoolean('is_archived', is_archived)]);
        });
        assert.deepEqual((await alice.get(there)).json, was);
    });

    test('one fault among good fields changes nothing', async () => {
        const was = (await alice.get(there)).json;

        isFaulty(await alice.patch(there, { title: 'changed', is_archived: 'maybe' }),
            [noBoolean('is_archived', 'maybe')]);
        isFaulty(await alice.patch(there, { title: '', is_archived: !was.is_archived }),
            [tooShort('title', 1, '')]);
        assert.deepEqual((await alice.get(there)).json, was);
    });

    test('a role is user, assistant or system, to the letter', async () => {
        await all(['', 'robot', 'User', 'USER', ' user', 'user ', 'user\n', 'users', 'use', 'tool',
            'user|assistant', 'assistant\nsystem', 'ｕser', 'x'.repeat(60_000)],
        async (role) => {
            isFaulty(await alice.post(`${there}/messages`, { role, content: 'x' }),
                [noRole(role)]);
        });
        await all([null, ...noTexts, ['user']], async (role) => {
            isFaulty(await alice.post(`${there}/messages`, { role, content: 'x' }),
                [noString('role', role)]);
        });
    });

    test('content is a text of one character at least', async () => {
        await all([null, ...noTexts], async (content) => {
            isFaulty(await alice.post(`${there}/messages`, { role: 'user', content }),
                [noString('content', content)]);
        });
        isFaulty(await alice.post(`${there}/messages`, { role: 'user', content: '' }),
            [tooShort('content', 1, '')]);
        await all([' ', '\n', '\u{1F600}', '\u0301', '\u200b'], async (content) => {
            const answer = await alice.post(`${there}/messages`, { role: 'user', content });
            assert.equal(answer.status, 201, answer.text);
            assert.equal(answer.json.content, content);
        });
    });

    test('all faults are named at once, in the order of the fields, not of the body', async () => {
        isFaulty(await alice.post(`${there}/messages`, { content: '', role: 'robot' }),
            [noRole('robot'), tooShort('content', 1, '')]);
        isFaulty(await alice.post(`${there}/messages`, { content: 1 }),
            [missing('role', { content: 1 }), noString('content', 1)]);
        isFaulty(await alice.post(`${there}/messages`, {}),
            [missing('role', {}), missing('content', {})]);
        isFaulty(await alice.post('/conversations', { first_message: 7, title: '' }),
            [tooShort('title', 1, ''), noString('first_message', 7)]);
        isFaulty(await alice.post('/conversations', { first_message: false }),
            [missing('title', { first_message: false }), noString('first_message', false)]);
        isFaulty(await alice.patch(there, { is_archived: 'maybe', title: 5 }),
            [noString('title', 5), noBoolean('is_archived', 'maybe')]);
    });

    test('a fault tells what was sent, as it was sent', async () => {
        const odd = { ' a ': [1, 2.5, null, true, { 'ключ': '\u{1F600}"\\\n' }], b: '', 1: -0.25 };

        isFaulty(await alice.post('/conversations', odd), [missing('title', odd)]);
        isFaulty(await alice.post('/conversations', { title: odd }), [noString('title', odd)]);
        const text = '\u{1F600}"\\\n\t\u2028'.repeat(40);
        isFaulty(await alice.post('/conversations', { title: text }),
            [tooLong('title', 200, text)]);
        isFaulty(await alice.post('/conversations', [odd, null]), [noObject([odd, null])]);
    });

    test('a value over 64 kB is told as it was sent, or as null', async () => {
        const title = 'x'.repeat(1_000_000);
        const told = async (answer, value) => {
            const { input } = answer.json.detail[0];

            assert.equal(answer.status, 422);
            assert.ok(input === null || JSON.stringify(input) === JSON.stringify(value));
        };
        const list = Array.from({ length: 200_000 }, (_, n) => n);

        await told(await alice.post('/conversations', { title }), title);
        await told(await alice.patch(there, { title }), title);
        await told(await alice.post('/conversations', { title: list }), list);
        await told(await alice.post('/conversations', { x: title }), { x: title });
        await told(await alice.post('/conversations', list), list);
        await told(await alice.post(`${there}/messages`, { role: title, content: 'x' }), title);
    });

    test('a body that is JSON but no object is named as such', async () => {
        const bodies = [[], [1, 2], ['title'], [{ title: 'x' }], 'x', '', 1, 0, -1.5, true, false];

        await all(bodies, async (body) => {
            const text = JSON.stringify(body);

            isFaulty(await alice.post('/conversations', text), [noObject(body)]);
            isFaulty(await alice.patch(there, text), [noObject(body)]);
            isFaulty(await alice.post(`${there}/messages`, text), [noObject(body)]);
            for (const path of ['/auth/register', '/auth/login']) {
                isFaulty(await gateway.request('POST', path, { body: text }), [noObject()]);
            }
        });
    });

    test('no body is one that is missing, even where every field is optional', async () => {
        const empty = [{ body: undefined }, { body: '' },
            { body: '', headers: { 'Content-Type': 'application/json' } },
            { body: '', headers: { 'Transfer-Encoding': 'chunked' } }];

        for (const options of empty) {
            const all_ = { token: alice.token, ...options };
            for (const [method, path] of [['POST', '/conversations'], ['PATCH', there],
                ['POST', `${there}/messages`], ['POST', '/auth/register'],
                ['POST', '/auth/login']]) {
                isFaulty(await gateway.request(method, path, all_), [missing([`body`], null)],
                    `${method} ${path} ${JSON.stringify(options)}`);
            }
        }
    });

    test('a body of null is none, or no object', async () => {
        for (const [method, path] of [['POST', '/conversations'], ['PATCH', there],
            ['POST', `${there}/messages`], ['POST', '/auth/register'], ['POST', '/auth/login']]) {
            const answer = await gateway.request(method, path,
                { token: alice.token, body: ' null ' });
            const none = answer.json.detail?.[0]?.type === 'missing';
            isFaulty(answer, [none ? missing(['body'], null) : noObject(null)], path);
        }
    });
});
