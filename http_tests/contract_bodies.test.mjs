// Bodies that nobody sends by accident: each is a 4xx, none a 5xx, nothing is stored,
// and the service goes on.

import assert from 'node:assert/strict';
import { afterEach, before, beforeEach } from 'node:test';
import { all, everyGateway, isError, isFaulty, missing, newcomer, noEmail, noString }
    from './classic.mjs';

const around = (...bytes) => Buffer.concat(
    [Buffer.from('{"title":"a'), Buffer.from(bytes), Buffer.from('b"}')]);
const broken = ['{', '}', '[', '{"title"', '{"title":', '{"title":"x"', '{"title":"x"}}',
    '{"title":"x"}{"title":"y"}', '{"title":"x",}', '{,"title":"x"}', '{title:"x"}',
    "{'title':'x'}", '{"title":x}', '{"title":"x"', '"', '"x', 'title=x&y=z', '<title>x</title>',
    '{"title":"x" "y":1}', '{"title":01}', '{"title":.5}', '{"title":1.}', '{"title":+1}',
    '{"title":0x10}', '{"title":1e}', '{"title":"\\x41"}', '{"title":"\\u12"}', '{"title":"\\"}',
    '{"title":"a\nb"}', '{"title":"a\tb"}', '{"title":"a\u0001b"}', 'tru', 'True', 'None', 'nul',
    'undefined', '-', '[1,]', '{"a":1,,"title":"x"}', '// x\n{"title":"x"}', '{"title":"x"} x',
    '/**/{"title":"x"}', '{1:2}', '{null:1}', '\u00a0{"title":"x"}'];

everyGateway((gateway, test) => {
    let alice;
    let bob;
    let there;

    before(async () => {
        alice = await gateway.person();
        bob = await gateway.person();
        there = `/conversations/${(await alice.begin('before')).id}`;
    });

    // What there is: a body that is refused must change nothing of it.
    async function everything() {
        const { status, json } = await alice.get('/conversations?limit=1000');

        assert.equal(status, 200);
        return json.map(({ id, title, message_count }) => [id, title, message_count]);
    }

    let was;
    beforeEach(async () => {
        was = await everything();
    });
    afterEach(async () => {
        assert.deepEqual(await everything(), was);
    });

    const targets = () => [['POST', '/conversations'], ['PATCH', there],
        ['POST', `${there}/messages`], ['POST', '/auth/register'], ['POST', '/auth/login']];

    // Sends a body wherever one is taken, and expects a 4xx.
    async function refused(body, about) {
        const answers = [];

        for (const [method, path] of targets()) {
            const answer = await gateway.request(method, path, { token: alice.token, body });
            assert.ok(answer.status >= 400 && answer.status < 500,
                `${method} ${path}: ${about}: ${answer.status} ${answer.text.slice(0, 300)}`);
            answers.push(answer);
        }
        return answers;
    }

    test('what is no JSON is json_invalid at a position', async () => {
        await all(broken, async (body) => {
            for (const answer of await refused(body, body)) {
                isFaulty(answer, [{ type: 'json_invalid', msg: 'JSON decode error',
                    loc: answer.json.detail[0].loc }]);
                const [where, position, ...rest] = answer.json.detail[0].loc;
                assert.equal(where, 'body');
                assert.ok(Number.isInteger(position) && position >= 0
                    && position <= body.length, `position ${position}`);
                assert.deepEqual(rest, []);
            }
        });
    });

    test('the position says where reading stopped', async () => {
        for (const [body, position] of [['{"title": x}', 10], ['[1, 2', 5], ['x', 0],
            ['{"a": 1} x', 9]]) {
            const { json } = await alice.post('/conversations', body);
            assert.ok(Math.abs(json.detail[0].loc[1] - position) <= 1,
                `${body}: ${json.detail[0].loc[1]}`);
        }
    });

    test('bytes that are not UTF-8 are 400', async () => {
        await all([[0xff], [0xfe, 0xff], [0x80], [0xbf], [0xc0, 0xaf], [0xc1, 0xbf], [0xe4, 0xbd],
            [0xe0, 0x80, 0xaf], [0xf0, 0x80, 0x80, 0xaf], [0xf4, 0x90, 0x80, 0x80], [0xf8], [0xc3],
            [0xe9], [0xf5, 0x80, 0x80, 0x80], [0xf0, 0x9f, 0x98]], async (bytes) => {
            for (const answer of await refused(around(...bytes), bytes)) {
                isError(answer, 400, 'There was an error parsing the body');
            }
        });
        // At any place, and ahead of whatever else is wrong.
        await all([Buffer.from([0xff]), Buffer.from([0x7b, 0xff, 0x7d]),
            Buffer.concat([Buffer.from('{"title":1,"x":"'), Buffer.from([0xe9, 0x22, 0x7d])]),
            Buffer.concat([Buffer.from('{"'), Buffer.from([0xff]), Buffer.from('":1}')])],
        async (body) => {
            for (const answer of await refused(body, 'elsewhere')) {
                isError(answer, 400, 'There was an error parsing the body');
            }
        });
    });

    test('other encodings than UTF-8, and surrogates within it, are 4xx', async () => {
        const text = '{"title":"x","role":"user","content":"x","email":"a@b.io","password":"x"}';

        await refused(Buffer.from(`\ufeff${text}`, 'utf16le'), 'UTF-16 with a mark');
        await refused(Buffer.from(`\ufeff${text}`, 'utf16le').swap16(), 'UTF-16, big end first');
        await refused(around(0xed, 0xa0, 0x80), 'a surrogate');
        await refused(around(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80), 'a pair of surrogates');
    });

    test('a byte order mark is taken or refused, no more', async () => {
        const { status } = await alice.patch(there, '\ufeff{"title":"before"}');
        assert.ok([200, 400, 422].includes(status), `${status}`);
    });

    test('NUL, escaped or bare, is a 4xx wherever it stands', async () => {
        for (const nul of ['\\u0000', '\0']) {
            for (const [method, path, fields] of [
                ['POST', '/conversations', { title: 'a@b' }],
                ['POST', '/conversations', { title: 'x', first_message: 'a@b' }],
                ['POST', '/conversations', { title: '@' }],
                ['PATCH', there, { title: 'a@b' }],
                ['POST', `${there}/messages`, { role: 'user', content: 'a@b' }],
                ['POST', `${there}/messages`, { role: 'user@', content: 'x' }],
                ['POST', '/auth/register', { ...newcomer(), email: `x@${newcomer().email}` }],
                ['POST', '/auth/register', { ...newcomer(), username: 'x@y', email: 'a.io' }],
                ['POST', '/auth/register', { ...newcomer(), email: 'a.io', password: 'secret@' }],
                ['POST', '/auth/login', { email: 'a@', password: 'x' }],
                ['POST', '/auth/login', { email: 'x.io', password: `${alice.password}@` }]]) {
                const body = JSON.stringify(fields).replace('@', nul);
                const answer = await gateway.request(method, path, { token: alice.token, body });
                assert.ok(answer.status >= 400 && answer.status < 500, `${path} ${body}`);
            }
        }
    });

    test('a password with NUL in it is none that fits up to there', async () => {
        for (const tail of ['\u0000', '\u0000x']) {
            const answer = await gateway.request('POST', '/auth/login',
                { body: { email: alice.email, password: alice.password + tail } });
            assert.ok([400, 401, 422].includes(answer.status), answer.text);
        }
    });

    test('half of a pair is a 4xx', async () => {
        for (const half of ['\\ud800', '\\udfff', '\\ud83d', '\\ude00\\ud83d', '\\ud83d\\ud83d',
            '\\ud83dx', '\\ud83d\\u0041', '\\uDBFF']) {
            await refused(`{"title":"a${half}","role":"user","content":"a${half}","email":`
                + `"a${half}@b.io","username":"abc${half}","password":"secret${half}"}`, half);
            const first = await alice.post('/conversations',
                `{"title":"x","first_message":"${half}"}`);
            assert.ok(first.status >= 400 && first.status < 500, half);
        }
    });

    test('NaN, the infinities and what overflows are 4xx', async () => {
        for (const value of ['NaN', 'Infinity', '-Infinity', '1e400', '-1e400', '9'.repeat(5000),
            `0.${'1'.repeat(100_000)}`]) {
            for (const body of [value, `{"title":${value},"role":${value},"content":${value},`
                + `"email":${value},"username":${value},"password":${value}}`]) {
                await refused(body, value.slice(0, 20));
            }
            const answer = await alice.patch(there, `{"is_archived":${value}}`);
            assert.ok(answer.status >= 400 && answer.status < 500, value.slice(0, 20));
        }
    });

    test('a body nested 100 000 deep is a 4xx', async () => {
        const deep = 100_000;

        for (const [open, close] of [['[', ']'], ['{"a":', '}'], ['[{"title":', '}]']]) {
            const nested = `${open.repeat(deep)}1${close.repeat(deep)}`;

            await refused(nested, `${open} alone`);
            await refused(open.repeat(deep), `${open} without an end`);
            await refused(`{"title":${nested},"role":${nested},"content":${nested},"email":`
                + `${nested},"username":${nested},"password":${nested}}`, `${open} as fields`);
            // Where nobody looks for anything, too.
            const answer = await alice.post('/conversations', `{"title":"x","x":${nested}}`);
            assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
        }
    });

    test('what is nested as deep as people nest is read', async () => {
        const deep = `${'[{"a":'.repeat(30)}1${'}]'.repeat(30)}`;
        const answer = await alice.patch(there, `{"x":${deep},"title":"before"}`);
        assert.equal(answer.status, 200);
        isFaulty(await alice.patch(there, `{"title":${deep}}`),
            [noString('title', JSON.parse(deep))]);
    });

    test('a key that is there twice counts once: the last', async () => {
        isFaulty(await alice.post('/conversations', '{"title":"x","title":1}'),
            [noString('title', 1)]);
        const answer = await alice.patch(there, '{"title":1,"title":"after","title":"before"}');
        assert.equal(answer.status, 200);
        assert.equal(answer.json.title, 'before');
    });

    test('10 000 keys that nobody knows are ignored, promptly', async () => {
        const keys = Array.from({ length: 10_000 }, (_, n) => `"key ${n}":[${n},{"title":"${n}"}]`);
        const started = performance.now();

        const answer = await alice.patch(there, `{${keys},"title":"before"}`);
        assert.equal(answer.status, 200);
        isFaulty(await bob.post('/auth/register', `{${keys},"email":"x"}`), [noEmail(),
            missing('username', null), missing('password', null)]);
        assert.equal((await bob.post('/conversations', `{${keys}}`)).status, 422);
        assert.ok(performance.now() - started < 5000);
    });

    test('keys like those of an object\'s making are keys like any other', async () => {
        const answer = await alice.patch(there, '{"__proto__":{"title":"x"},"constructor":1,'
            + '"toString":2,"":3,"\\u0001":4,"title":null}');
        assert.equal(answer.status, 200);
        assert.equal(answer.json.title, 'before');
    });
});
