// What nginx adds to answers and what it says itself: headers, errors of its own, the
// page, the log. The same whichever backend is behind it.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { everyGateway, gatewayAt, isError } from './classic.mjs';
import { sql } from './psql.mjs';

const logs = process.env.GATEWAY_LOGS;

if (!logs) {
    throw new Error('GATEWAY_LOGS is not set: scripts/test says what to');
}

everyGateway((gateway, test, name) => {
    let token;

    before(async () => {
        ({ token } = await gateway.person());
    });

    test('what is no request, or has raw bytes in its target, is a 400', async () => {
        const rest = ' HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

        for (const bytes of [`GET /\xc3\xa9${rest}`, `GET /health?x=\xff${rest}`,
            `GET /\x01${rest}`, `GET /\x7f${rest}`, `GET /a b${rest}`, `GET /%zz${rest}`,
            `GET /../x${rest}`, `get /health${rest}`, 'GET /health HTTP/1.1\r\n\r\n',
            '\x16\x03\x01\x02\x00\r\n\r\n',
            'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n']) {
            const text = await gateway.raw(Buffer.from(bytes, 'latin1'));

            assert.match(text, /^HTTP\/1\.1 400 .*\r\n[^]*\r\nContent-Type: application\/json\r\n/,
                JSON.stringify(bytes));
            assert.match(text, /\r\n\r\n\{"detail":"Bad Request"\}$/, JSON.stringify(bytes));
        }
    });

    test('no method is the gateway\'s own: each gets what the path allows', async () => {
        for (const method of ['PUT', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND']) {
            const answer = await gateway.request(method, '/conversations');

            assert.equal(answer.status, 405, method);
            assert.deepEqual(answer.headers.allow.split(', ').sort(), ['GET', 'POST'], method);
            assert.equal((await gateway.request(method, '/nothing')).status, 404, method);
        }
    });

    test('every answer has the headers that keep it to itself', async () => {
        for (const [method, target] of [['GET', '/health'], ['GET', '/nothing'],
            ['GET', '/auth/me'], ['PUT', '/docs'], ['GET', '/%'], ['GET', '/docs'],
            ['GET', '/docs/docs.js'], ['GET', '/health?cache-control=private, no-cache:'.replace(' ', '%20')]]) {
            const { headers } = await gateway.send(method, target);
            const about = `${method} ${target}`;
            const policy = headers['content-security-policy'];
            const isPage = target.startsWith('/docs');

            assert.equal(headers['x-content-type-options'], 'nosniff', about);
            assert.equal(headers['x-frame-options'], 'DENY', about);
            assert.equal(headers['referrer-policy'], 'no-referrer', about);
            assert.equal(headers['cache-control'], isPage ? 'no-cache' : 'no-store', about);
            assert.match(policy, /^default-src 'none'; .*frame-ancestors 'none'/, about);
            assert.equal(/; script-src 'self'/.test(policy), isPage, about);
            assert.doesNotMatch(policy, /unsafe/, about);
            assert.match(headers['x-request-id'], /^[0-9a-f]{32}$/, about);
            assert.equal(headers.server, 'nginx', about);
        }
    });

    test('nobody poses as the gateway', async () => {
        const posing = { 'X-Agent-Method': 'GET', 'X-Agent-Target': '/health',
            'X-Agent-Authorization': `Bearer ${token}`, 'X-Agent-Content-Type': 'text/plain',
            'X-Request-Id': 'mine', Prefer: 'tx=rollback', 'Content-Profile': 'agent' };
        const ask = (target, options) => gateway.request('GET', target,
            { headers: posing, ...options });

        assert.equal((await ask('/auth/me')).status, 401);
        assert.equal((await ask('/nothing')).status, 404);
        const me = await ask('/auth/me', { token });
        assert.equal(me.status, 200);
        assert.notEqual(me.headers['x-request-id'], 'mine');
    });

    test('headers that are not ASCII are no 5xx', async () => {
        const request = (host) => gateway.raw(Buffer.from(`GET /auth/me HTTP/1.1\r\nHost: ${host}\r\n`
            + 'User-Agent: \xff\xfe\r\nContent-Type: \xc3\r\nX-Agent-Target: \xff\r\nX: \xff\r\n'
            + 'Authorization: Bearer \xff\r\nConnection: close\r\n\r\n', 'latin1'));

        assert.match(await request('localhost'), /^HTTP\/1\.1 401 [^]*\{"detail":"Invalid token"\}/);
        // A host that is none is refused by newer versions of nginx themselves.
        assert.match(await request('\xe9'), /^HTTP\/1\.1 40[01] /);
    });

    test('the log has the request\'s id, and no log a query, a token or a password', async () => {
        const secret = `secret${Math.random().toString(36).slice(2)}`;
        const headers = { Authorization: `Bearer ${secret}`, Cookie: `a=${secret}`,
            Referer: `https://app.example.com/?t=${secret}`, Origin: `https://${secret}.example` };
        const answers = [];

        for (const [method, target, options] of [['GET', `/auth/me?token=${secret}`],
            ['POST', `/auth/login?${secret}`, { body: { email: 'a@b.cd', password: secret } }],
            ['POST', `/auth/register?${secret}`, { body: { password: secret } }],
            ['POST', `/auth/login?${secret}`, { body: Buffer.alloc(17 << 20, secret) }],
            ['GET', `/health?${secret}`, { headers: { X: 'x'.repeat(70000) } }],
            ['GET', `/${'x'.repeat(70000)}?${secret}`], ['GET', `/%?${secret}`],
            ['TRACE', `/health?${secret}`], ['PUT', `/docs?${secret}`],
            ['GET', `/docs?${secret}`]]) {
            answers.push(await gateway.send(method, target, { headers, ...options }));
        }
        await gateway.raw(`GET /${secret}\x01 HTTP/1.1\r\n\r\n`);
        const log = path.join(logs, `gateway-${name.toLowerCase()}`, 'access.log');
        const logged = () => readFileSync(log, 'utf8').split('\n')
            .filter((line) => line.endsWith('}')).map((line) => JSON.parse(line));
        const wanted = answers.map(({ status, headers: back }) =>
            `${back['x-request-id']} ${status}`);
        let missing = wanted;

        // A request is logged when all of it has gone.
        for (let n = 0; n < 50 && missing.length > 0; n++) {
            const lines = logged().map(({ id, status }) => `${id} ${status}`);

            missing = wanted.filter((line) => lines.filter((each) => each === line).length !== 1);
            await sleep(100);
        }
        assert.deepEqual(missing, []);
        // Not recursive: Node 18 fails at a socket.
        const names = ['.', ...readdirSync(logs).filter((each) => each.startsWith('gateway-'))]
            .flatMap((folder) => readdirSync(path.join(logs, folder))
                .filter((each) => each.endsWith('.log')).map((each) => path.join(folder, each)));
        assert.ok(names.length >= 5, names.join());
        for (const each of names) {
            assert.ok(!readFileSync(path.join(logs, each)).includes(secret), each);
        }
    });

    test('the page and its parts are for GET and HEAD', async () => {
        for (const [target, type] of [['/docs', 'text/html'], ['/docs/docs.js', 'text/javascript'],
            ['/docs/docs.css', 'text/css'], ['/docs/swagger-ui.css', 'text/css'],
            ['/docs/swagger-ui-bundle.js', 'text/javascript']]) {
            const head = await gateway.send('HEAD', target);

            assert.equal(head.status, 200, target);
            assert.equal(head.headers['content-type'], `${type}; charset=utf-8`);
            const headers = { 'If-None-Match': head.headers.etag };
            assert.equal((await gateway.send('GET', target, { headers })).status, 304);
            for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
                const answer = await gateway.request(method, target);
                isError(answer, 405, 'Method Not Allowed');
                assert.equal(answer.headers.allow, 'GET, HEAD');
            }
        }
        for (const target of ['/docs/', '/docs/index.html', '/docs/nothing.js', '/docs/docs.js/',
            '/docs/%2e%2e/agent/site.conf', '/agent/site.conf', '/nginx.conf', '/access.log',
            '/docs/package.json', '/.agent-error', '/.agent-not-allowed', '/.agent-refused']) {
            isError(await gateway.request('GET', target), 404, 'Not Found', target);
        }
        const packed = await gateway.raw('GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n'
            + 'Accept-Encoding: gzip\r\nConnection: close\r\n\r\n');
        assert.match(packed, /\r\nContent-Encoding: gzip\r\n/);
    });

    test('while the database lets nobody in it is a 503, and then all is well', async () => {
        // It takes a moment until it is noticed.
        const wait = async (whose, isIt, method, target, body) => {
            let answer;

            for (let n = 0; n < 200 && !(answer && isIt(answer.status)); n++) {
                answer = await whose.send(method, target, { body, signal: AbortSignal.timeout(1000) })
                    .catch(() => undefined);
                await sleep(100);
            }
            return answer;
        };

        sql(`ALTER ROLE agent_authenticator NOLOGIN;
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE usename = 'agent_authenticator'`);
        try {
            for (const answer of [await wait(gateway, (status) => status === 503, 'GET', '/health'),
                await gateway.send('POST', '/auth/login', { body: '{}' })]) {
                isError(answer, 503, 'Service Unavailable');
                assert.equal(answer.headers['content-type'], 'application/json');
                assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
            }
        } finally {
            sql('ALTER ROLE agent_authenticator LOGIN');
        }
        // The other gateway was cut off too, and what hashes has connections of its own.
        for (const address of [process.env.GATEWAY_URL, process.env.GATEWAY_POSTGREST_URL].filter(Boolean)) {
            const other = gatewayAt(address);

            assert.equal((await wait(other, (status) => status === 200, 'GET', '/health')).status, 200);
            assert.equal((await wait(other, (status) => status < 500, 'POST', '/auth/login', '{}')).status, 422);
        }
        assert.equal((await gateway.send('GET', '/auth/me', { token })).status, 200);
    });
});
