// No answer ever repeats a password, whatever is wrong with what it came in.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { all, everyGateway, newcomer } from './classic.mjs';

const secret = 'hunter2-hunter2';
const short = 'hunt2';
const paths = ['/auth/register', '/auth/login'];

everyGateway((gateway, test) => {
    let alice;

    before(async () => {
        alice = await gateway.person();
    });

    // Sends a body to both routes; returns the answers, which have nothing of the secret.
    async function silent(body, options = {}) {
        const answers = [];

        for (const path of paths) {
            const answer = await gateway.request('POST', path, { ...options, body });
            const seen = answer.text + JSON.stringify(answer.rawHeaders) + answer.reason;

            assert.ok(!/hunt(er)?2|hunter|33713371337/.test(seen), `${path}: ${seen}`);
            answers.push(answer);
        }
        return answers;
    }

    test('a fault of a password says nothing of it', async () => {
        const { email, username } = newcomer();

        await all([short, [secret], [[secret]], { password: secret }, { x: { y: secret } },
            133713371337, 1.33713371337, -133713371337, { [secret]: 1 }, [133713371337]],
        async (password) => {
            const [registered] = await silent({ email, username, password });
            assert.equal(registered.status, 422, registered.text);
        });
    });

    test('a fault of another field says nothing of the password', async () => {
        const { email, username } = newcomer();

        await all([{ password: secret }, { email, password: secret },
            { username, password: secret }, { email: 'no address', username, password: secret },
            { email, username: 'x', password: secret }, { email: null, password: secret },
            { email: 1, username: 1, password: secret },
            { email: {}, username: [], password: secret },
            { email: '', username: '', password: secret },
            { email: [], username: {}, password: secret, x: secret }], async (body) => {
            const [registered] = await silent(body);
            assert.equal(registered.status, 422, registered.text);
        });
    });

    test('a body of another form says nothing of what is in it', async () => {
        const { email, username } = newcomer();

        await all([[email, username, secret], [{ email, username, password: secret }], secret,
            [secret], [[secret]], 133713371337, { user: { email, username, password: secret } },
            { Password: secret }, { 'password ': secret }, { pass: secret }, { [secret]: 1 },
            { data: [secret], email: 'x' }], async (body) => {
            for (const answer of await silent(JSON.stringify(body))) {
                assert.equal(answer.status, 422, answer.text);
            }
        });
    });

    test('a body that is no JSON says nothing of what is in it', async () => {
        await all([`{"email":"x@example.com","password":"${secret}"`,
            `{"email":"x@example.com","password":"${secret}}`, `{"password":'${secret}'}`,
            `{"password":${secret}}`, secret, `"${secret}`, `email=x&password=${secret}`,
            `{"password":"${secret}\n"}`, `{"password":"${secret}\\x"}`, `${secret}: 1`,
            `{"password":"${secret}",}`, `{"password":"${secret}"}}`, `{"${secret}"`,
            `{"password":"\\u0000${secret}","email":1}`, `{"password":"${secret}\\ud800"}`,
            `{"password":NaN,"x":"${secret}"}`, `[${'['.repeat(10_000)}"${secret}"`],
        async (body) => {
            for (const answer of await silent(body)) {
                assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
            }
        });
    });

    test('a key that is there twice says nothing of either', async () => {
        for (const body of [`{"password":"${secret}","password":1}`,
            `{"password":1,"password":"${short}"}`, `{"password":"${secret}","password":null}`,
            `{"password":["${secret}"],"password":{"x":"${secret}"}}`,
            `{"email":"${secret}","email":1,"password":"${secret}"}`]) {
            await silent(body);
        }
    });

    test('bytes that are no text say nothing of what is around them', async () => {
        const body = Buffer.concat([Buffer.from(`{"password":"${secret}`), Buffer.from([0xff]),
            Buffer.from(`${secret}"}`)]);
        for (const answer of await silent(body)) {
            assert.equal(answer.status, 400);
        }
    });

    test('another type of content says nothing of what is in it', async () => {
        for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml',
            'multipart/form-data; boundary=hunted', 'application/octet-stream', 'x', '']) {
            await silent(`{"email":"x","password":"${secret}"}`,
                { headers: { 'Content-Type': type } });
            await silent(`email=x&password=${secret}`, { headers: { 'Content-Type': type } });
        }
    });

    test('what is refused otherwise, and what succeeds, says nothing either', async () => {
        const bob = newcomer();
        const answers = [
            await silent({ ...bob, email: alice.email, password: secret }),
            await silent({ ...bob, username: alice.username, password: secret }),
            await silent({ ...bob, password: secret }),
            await silent({ email: alice.email, password: secret })
        ].flat();

        assert.deepEqual(answers.map(({ status }) => status),
            [400, 401, 400, 401, 201, 200, 422, 401]);
        // By other methods and on other paths.
        for (const [method, path] of [['PUT', '/auth/login'], ['PATCH', '/auth/register'],
            ['POST', '/auth/login/'], ['POST', '/auth'], ['POST', '/auth/me']]) {
            const answer = await gateway.request(method, path,
                { body: { ...bob, password: secret } });
            assert.ok(!answer.text.includes(secret), `${method} ${path}`);
        }
        // In the query, where it does not belong.
        const query = await gateway.request('POST', `/auth/login?password=${secret}`, { body: {} });
        assert.ok(!query.text.includes(secret));
        const get = await gateway.request('GET', `/auth/login?password=${secret}`);
        assert.ok(!get.text.includes(secret));
    });

    test('no account shows a hash', async () => {
        const { text } = await alice.get('/auth/me');
        assert.doesNotMatch(alice.registered.text + text, /bcrypt|\$2[aby]\$|hash|password/);
    });

    test('a fault of a title does say what was sent: that is no secret', async () => {
        const answer = await alice.post('/conversations', { title: [secret], x: 1 });
        assert.deepEqual(answer.json.detail[0].input, [secret]);
    });
});
