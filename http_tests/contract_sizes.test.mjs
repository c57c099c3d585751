// Requests that are large, long, cut off or malformed: the service stays up and answers.

import assert from 'node:assert/strict';
import http from 'node:http';
import { afterEach, before } from 'node:test';
import { everyGateway } from './classic.mjs';

const MiB = 1024 * 1024;

everyGateway((gateway, test) => {
    let alice;
    const auth = () => `Authorization: Bearer ${alice.token}\r\n`;

    before(async () => {
        alice = await gateway.person();
    });

    // After each the service is there.
    afterEach(async () => {
        assert.equal((await gateway.request('GET', '/health')).status, 200);
        assert.equal((await alice.get('/auth/me')).status, 200);
    });

    // Posts a body piece by piece, and stops when it is answered before all of it was sent.
    function post(path, body, headers = {}) {
        const piece = 256 * 1024;

        return new Promise((resolve, reject) => {
            const { hostname, port } = gateway;
            const length = headers['Transfer-Encoding'] ? {} : { 'Content-Length': body.length };
            const sent = http.request({ hostname, port, path, method: 'POST', agent: false,
                headers: { Authorization: `Bearer ${alice.token}`,
                    'Content-Type': 'application/json', ...length, ...headers } });
            let answered = false;

            sent.on('response', (answer) => {
                const chunks = [];

                answered = true;
                answer.on('data', (chunk) => chunks.push(chunk));
                answer.on('end', () => {
                    resolve({ status: answer.statusCode, headers: answer.headers,
                        text: Buffer.concat(chunks).toString('utf8') });
                    sent.destroy();
                });
            });
            sent.on('error', (error) => (answered ? undefined : reject(error)));

            const write = (from) => {
                if (answered) {
                    return;
                }
                if (from >= body.length) {
                    sent.end();
                    return;
                }
                sent.write(body.slice(from, from + piece), () => setImmediate(write, from + piece));
            };
            write(0);
        });
    }

    const filled = (length) => {
        const body = Buffer.alloc(length, ' ');
        body.write('{"title":"filled"');
        body.write('}', length - 1);
        return body;
    };

    test('a body of 16 MiB is read, one of a byte more is 413', async () => {
        const taken = await alice.post('/conversations', filled(16 * MiB));
        assert.equal(taken.status, 201, taken.text.slice(0, 300));
        assert.equal(taken.json.title, 'filled');

        const refused = await post('/conversations', filled(16 * MiB + 1));
        assert.equal(refused.status, 413, refused.text.slice(0, 300));
        assert.match(refused.headers['content-type'], /^application\/json/);
        const { detail, ...rest } = JSON.parse(refused.text);
        assert.equal(typeof detail, 'string');
        assert.deepEqual(rest, {});
    });

    test('a body of 40 MB is 413, in one piece, in chunks, with or without a token', async () => {
        const body = filled(40_000_000);

        for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }]) {
            assert.equal((await post('/conversations', body, headers)).status, 413);
        }
        for (const path of ['/auth/login', '/auth/register']) {
            assert.equal((await post(path, body)).status, 413, path);
        }
        const { status } = await post('/conversations', body, { Authorization: '' });
        assert.ok([401, 413].includes(status), `${status}`);
    });

    // What takes the database more than 30 s is a 503.
    test('16 MiB of whatever are answered, and in time', async () => {
        const fill = (unit) => unit.repeat(Math.floor((16 * MiB - 1000) / unit.length));

        for (const body of [fill('['), fill(' '), `"${fill('\\')}`, `{${fill('"title":1,')}"x":2}`,
            `{"title":"${fill('\\u5b66')}"}`, `{"title":[${fill('{},')}0]}`, fill('{"a":')]) {
            const { status } = await alice.post('/conversations', body);

            assert.equal(Math.floor(status / 100), 4, body.slice(0, 20));
        }
    });

    test('a length that is claimed but never comes is no burden', async () => {
        for (const length of ['16777217', '99999999999', '9'.repeat(30), '-1', 'x', '']) {
            const answer = await gateway.raw(`POST /conversations HTTP/1.1\r\nHost: x\r\n${auth()}`
                + `Content-Type: application/json\r\nContent-Length: ${length}\r\n`
                + 'Connection: close\r\n\r\n', 1);
            assert.match(answer, /^HTTP\/1\.1 4\d\d /, length);
        }
    });

    test('a body in chunks is a body', async () => {
        const answer = await post('/conversations', '{"title":"in chunks"}',
            { 'Transfer-Encoding': 'chunked' });
        assert.equal(answer.status, 201);
        assert.equal(JSON.parse(answer.text).title, 'in chunks');
        const expected = await post('/conversations', '{"title":"expected"}',
            { Expect: '100-continue' });
        assert.equal(expected.status, 201);
    });

    test('the charset of a content type does not matter', async () => {
        for (const type of ['application/json; charset=utf-8', 'application/json;charset=UTF-8',
            'Application/JSON']) {
            const answer = await alice.post('/conversations', '{"title":"学习"}',
                { 'Content-Type': type });
            assert.equal(answer.status, 201, type);
            assert.equal(answer.json.title, '学习');
        }
    });

    test('a body of another type of content is no 5xx', async () => {
        for (const type of ['', 'text/plain', 'application/x-www-form-urlencoded', 'x',
            'multipart/form-data; boundary=x', 'application/octet-stream', '/', 'x'.repeat(2000)]) {
            for (const body of ['{"title":"x"}', 'title=x', '--x\r\n\r\n--x--']) {
                // The helper sees to it.
                await alice.post('/conversations', body, { 'Content-Type': type });
            }
        }
    });

    test('a body where none is expected is ignored', async () => {
        const { id } = await alice.begin('x');

        for (const body of ['{', '{"title":"y"}', Buffer.from([0xff]), 'x'.repeat(MiB)]) {
            const get = await gateway.request('GET', `/conversations/${id}`,
                { token: alice.token, body });
            assert.equal(get.status, 200);
            assert.equal((await gateway.request('GET', '/health', { body })).status, 200);
        }
        const gone = await gateway.request('DELETE', `/conversations/${id}`,
            { token: alice.token, body: '{' });
        assert.equal(gone.status, 204);
    });

    test('headers of 64 KB are a 4xx', async () => {
        for (const headers of [`X-Long: ${'x'.repeat(65_536)}\r\n`,
            `${'x'.repeat(65_536)}: x\r\n`, `Cookie: ${'x=y; '.repeat(13_000)}\r\n`,
            Array.from({ length: 3000 }, (_, n) => `X-${n}: ${'x'.repeat(20)}\r\n`).join('')]) {
            const answer = await gateway.raw('GET /health HTTP/1.1\r\nHost: x\r\n'
                + `Connection: close\r\n${headers}\r\n`);
            assert.match(answer, /^HTTP\/1\.1 4\d\d /, headers.slice(0, 20));
        }
    });

    test('an address of 64 KB is a 4xx', async () => {
        for (const path of [`/${'x'.repeat(65_536)}`, `/health?${'x=y&'.repeat(16_384)}`,
            `/conversations/${'%20'.repeat(22_000)}`, '/x'.repeat(32_768)]) {
            const answer = await gateway.raw(`GET ${path} HTTP/1.1\r\nHost: x\r\n${auth()}`
                + 'Connection: close\r\n\r\n');
            assert.match(answer, /^HTTP\/1\.1 4\d\d /, path.slice(0, 20));
        }
    });

    test('an address of 7 KB is read', async () => {
        const answer = await alice.get(`/conversations/${'x'.repeat(7000)}`);
        assert.equal(answer.status, 422);
        assert.equal(answer.json.detail[0].input.length, 7000);
        assert.equal((await alice.get(`/${'x/'.repeat(3500)}`)).status, 404);
    });

    test('what is no HTTP is refused, or the connection closed', async () => {
        for (const bytes of ['x\r\n\r\n', 'GET\r\n\r\n',
            'GET health HTTP/1.1\r\nHost: x\r\n\r\n', 'G\0ET /health HTTP/1.1\r\nHost: x\r\n\r\n',
            'GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
            'POST /auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
            '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03']) {
            const answer = await gateway.raw(bytes.replace('\r\n\r\n',
                bytes.includes('HTTP/1.1') ? '\r\nConnection: close\r\n\r\n' : '\r\n\r\n'));
            assert.doesNotMatch(answer, /^HTTP\/1\.[01] [235]/, JSON.stringify(bytes));
        }
    });

    test('a request that is cut off is nobody else\'s burden', async () => {
        const { length } = (await alice.get('/conversations?limit=1000')).json;

        for (let n = 0; n < 50; n++) {
            const sent = http.request({ hostname: gateway.hostname, port: gateway.port,
                path: '/conversations', method: 'POST', agent: false,
                headers: { Authorization: `Bearer ${alice.token}`, 'Content-Length': '100' } });
            sent.on('error', () => {});
            sent.write('{"title":"cut off"');
            setTimeout(() => sent.destroy(), 50);
        }
        await new Promise((resolve) => {
            setTimeout(resolve, 200);
        });
        assert.equal((await alice.get('/conversations?limit=1000')).json.length, length);
    });

    test('two requests on one connection are answered in their order', async () => {
        const answer = await gateway.raw('GET /health HTTP/1.1\r\nHost: x\r\n\r\n'
            + `GET /auth/me HTTP/1.1\r\nHost: x\r\n${auth()}Connection: close\r\n\r\n`);

        assert.deepEqual([...answer.matchAll(/HTTP\/1\.1 \d+/g)].map(String),
            ['HTTP/1.1 200', 'HTTP/1.1 200']);
        assert.ok(answer.indexOf('"ok"') > 0 && answer.indexOf('"ok"') < answer.indexOf(alice.id));
    });

    test('two people who follow each other on one connection stay two', async () => {
        const bob = await gateway.person();
        const get = (token) => `GET /auth/me HTTP/1.1\r\nHost: x\r\n`
            + `${token ? `Authorization: Bearer ${token}\r\n` : ''}`;
        const answer = await gateway.raw(`${get(alice.token)}\r\n${get()}\r\n${get(bob.token)}\r\n`
            + `${get(alice.token)}Connection: close\r\n\r\n`);

        assert.deepEqual([...answer.matchAll(/"id": ?"([^"]*)"|Not authenticated/g)]
            .map(([all, id]) => id ?? all),
        [alice.id, 'Not authenticated', bob.id, alice.id]);
    });
});
