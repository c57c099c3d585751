// Which pages of other origins may call (CORS): nginx alone answers that, whichever
// backend is behind it. scripts/test lets the origin of the example in.

import assert from 'node:assert/strict';
import { everyGateway } from './classic.mjs';

const origin = 'https://app.example.com';
const json = { 'Content-Type': 'application/json' };

everyGateway((gateway, test) => {
    test('a preflight request of an allowed origin is answered', async () => {
        for (const target of ['/auth/login', '/conversations?skip=1', '/nothing']) {
            const { status, text, headers } = await gateway.send('OPTIONS', target, { headers: {
                Origin: origin, 'Access-Control-Request-Method': 'PATCH',
                'Access-Control-Request-Headers': 'authorization,content-type' } });

            assert.equal(status, 200);
            assert.equal(text, 'OK');
            assert.equal(headers['access-control-allow-origin'], origin);
            assert.equal(headers['access-control-allow-methods'], 'GET, POST, PATCH, DELETE');
            assert.equal(headers['access-control-allow-headers'], 'authorization,content-type');
            assert.equal(headers['access-control-max-age'], '600');
            assert.equal(headers.vary, 'Origin');
        }
    });

    test('an allowed origin may read answers and errors, whoever made them', async () => {
        for (const [status, method, target, options] of [[200, 'GET', '/health'],
            [401, 'GET', '/auth/me'], [404, 'GET', '/x'], [405, 'DELETE', '/auth/login'],
            [405, 'OPTIONS', '/auth/login'], [405, 'POST', '/docs'],
            [422, 'POST', '/auth/login', { body: '{}' }],
            [413, 'POST', '/auth/login', { body: Buffer.alloc(17 << 20) }]]) {
            const answer = await gateway.send(method, target,
                { ...options, headers: { ...json, Origin: origin } });

            assert.equal(answer.status, status, `${method} ${target}: ${answer.text}`);
            assert.equal(answer.headers['access-control-allow-origin'], origin,
                `${method} ${target}`);
            assert.equal(answer.headers.vary, 'Origin');
            assert.equal(answer.headers['access-control-allow-methods'], undefined);
        }
        const text = await gateway.raw(Buffer.from('GET /\xff HTTP/1.1\r\nHost: x\r\n'
            + `Origin: ${origin}\r\nConnection: close\r\n\r\n`, 'latin1'));
        assert.match(text, /^HTTP\/1\.1 400 /);
        assert.ok(text.includes(`\r\nAccess-Control-Allow-Origin: ${origin}\r\n`), text);
    });

    test('no other origin hears of CORS, and its preflight is just an OPTIONS', async () => {
        for (const Origin of ['https://evil.example', 'null', `${origin}.evil.example`,
            'http://app.example.com', undefined]) {
            const headers = Origin === undefined ? {} : { Origin };
            const answers = [await gateway.send('GET', '/health', { headers }),
                await gateway.send('GET', '/auth/me', { headers }),
                await gateway.send('OPTIONS', '/auth/me', { headers: { ...headers,
                    'Access-Control-Request-Method': 'GET' } })];

            assert.deepEqual(answers.map(({ status }) => status), [200, 401, 405]);
            for (const { headers: back } of answers) {
                assert.deepEqual(Object.keys(back).filter((name) => /^access-control/.test(name)),
                    []);
            }
        }
    });
});
