// What nginx does itself in front of the classic paths: CORS, limits, sizes, errors of
// its own, headers, logs. The same with either backend. scripts/test lets the origin of
// the example in, and holds every address but 127.0.0.1 to the limits.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync }
    from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newcomer } from './classic.mjs';
import { sql } from './psql.mjs';

for (const name of ['GATEWAY_URL', 'GATEWAY_POSTGREST_URL', 'GATEWAY_LOGS']) {
    if (!process.env[name]) {
        throw new Error(`${name} is not set: scripts/test says what to`);
    }
}
const logs = process.env.GATEWAY_LOGS;
const gateways = { direct: process.env.GATEWAY_URL, postgrest: process.env.GATEWAY_POSTGREST_URL };
const origin = 'https://app.example.com';

// Sends a request, from an address of this machine, and returns what came back. `parts`
// are sent one by one, as chunks.
function ask(base, method, target, { headers = {}, body, parts, from, agent = false, signal } = {}) {
    const { hostname, port } = new URL(base);

    return new Promise((resolve, reject) => {
        const sent = http.request({ hostname, port, method, path: target, headers, agent,
            localAddress: from, signal }, (answer) => {
            const chunks = [];

            answer.on('data', (chunk) => chunks.push(chunk));
            answer.on('error', reject);
            answer.on('end', () => {
                const text = Buffer.concat(chunks).toString('utf8');
                const isJson = answer.headers['content-type'] === 'application/json';

                resolve({ status: answer.statusCode, headers: answer.headers, text,
                    json: isJson && text !== '' ? JSON.parse(text) : undefined });
            });
        });
        sent.on('error', reject);
        for (const part of parts ?? []) {
            sent.write(part);
        }
        sent.end(body);
    });
}

// Sends bytes, and then nothing, and returns all that comes back until the other side closes.
function raw(base, bytes, from) {
    const { hostname, port } = new URL(base);

    return new Promise((resolve) => {
        const chunks = [];
        const begun = Date.now();
        const socket = net.connect({ host: hostname, port, localAddress: from },
            () => socket.write(bytes));

        socket.on('data', (chunk) => chunks.push(chunk));
        socket.on('error', () => {});
        socket.on('close', () => resolve({ text: Buffer.concat(chunks).toString('latin1'),
            seconds: (Date.now() - begun) / 1000 }));
    });
}

const json = { 'Content-Type': 'application/json' };
const isError = (answer, status, detail) => {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.deepEqual(answer.json, { detail });
};

// Clients that say nothing, or not all of it. They take their time: how they end is seen last.
const slow = Promise.all(Object.values(gateways).flatMap((base) => [
    ...Array.from({ length: 50 }, () => raw(base, 'GET /health HTTP/1.1\r\nHost: ')),
    ...Array.from({ length: 50 }, () => raw(base,
        'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{'))]));

for (const [backend, base] of Object.entries(gateways)) {
    describe(backend, () => {
        const call = (...args) => ask(base, ...args);
        let token;

        before(async () => {
            const somebody = newcomer();
            const body = JSON.stringify(somebody);

            assert.equal((await call('POST', '/auth/register', { headers: json, body })).status,
                201);
            token = (await call('POST', '/auth/login', { headers: json, body })).json.access_token;
        });

        test('a preflight request of an allowed origin is answered', async () => {
            for (const target of ['/auth/login', '/conversations?skip=1', '/nothing']) {
                const answer = await call('OPTIONS', target, { headers: { Origin: origin,
                    'Access-Control-Request-Method': 'PATCH',
                    'Access-Control-Request-Headers': 'authorization,content-type' } });
                assert.equal(answer.status, 200);
                assert.equal(answer.text, 'OK');
                assert.equal(answer.headers['access-control-allow-origin'], origin);
                assert.equal(answer.headers['access-control-allow-methods'],
                    'GET, POST, PATCH, DELETE');
                assert.equal(answer.headers['access-control-allow-headers'],
                    'authorization,content-type');
                assert.equal(answer.headers['access-control-max-age'], '600');
                assert.equal(answer.headers.vary, 'Origin');
            }
        });

        test('an allowed origin may read answers and errors, whoever made them', async () => {
            const asks = [[200, 'GET', '/health'], [401, 'GET', '/auth/me'], [404, 'GET', '/x'],
                [405, 'DELETE', '/auth/login'], [405, 'OPTIONS', '/auth/login'], [405, 'POST', '/docs'],
                [422, 'POST', '/auth/login', { body: '{}' }],
                [413, 'POST', '/auth/login', { body: Buffer.alloc(17 << 20) }]];

            for (const [status, method, target, options] of asks) {
                const answer = await call(method, target,
                    { ...options, headers: { ...json, Origin: origin } });
                assert.equal(answer.status, status, `${method} ${target}: ${answer.text}`);
                assert.equal(answer.headers['access-control-allow-origin'], origin,
                    `${method} ${target}`);
                assert.equal(answer.headers.vary, 'Origin');
                assert.equal(answer.headers['access-control-allow-methods'], undefined);
            }
            const { text } = await raw(base, Buffer.from('GET /\xff HTTP/1.1\r\nHost: x\r\n'
                + `Origin: ${origin}\r\nConnection: close\r\n\r\n`, 'latin1'));
            assert.match(text, /^HTTP\/1\.1 400 /);
            assert.ok(text.includes(`\r\nAccess-Control-Allow-Origin: ${origin}\r\n`), text);
        });

        test('no other origin hears of CORS, and its preflight request is just an OPTIONS', async () => {
            for (const Origin of ['https://evil.example', 'null', `${origin}.evil.example`,
                'http://app.example.com', undefined]) {
                const headers = Origin === undefined ? {} : { Origin };
                const answers = [await call('GET', '/health', { headers }),
                    await call('GET', '/auth/me', { headers }),
                    await call('OPTIONS', '/auth/me', { headers: { ...headers,
                        'Access-Control-Request-Method': 'GET' } })];

                assert.deepEqual(answers.map(({ status }) => status), [200, 401, 405]);
                for (const { headers: back } of answers) {
                    assert.deepEqual(Object.keys(back).filter((name) => /^access-control/.test(name)),
                        []);
                }
            }
        });

        test('an address that floods the hashing routes gets 429, and nobody else does', async () => {
            const from = backend === 'direct' ? '127.0.0.2' : '127.0.0.3';
            const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
            const login = (options) => call('POST', '/auth/login',
                { headers: { ...json, Origin: origin }, body: '{}', agent, ...options });
            const answers = await Promise.all(Array.from({ length: 300 }, () => login({ from })));
            const refused = answers.filter(({ status }) => status === 429);

            assert.ok(refused.length > 0, 'nobody was refused');
            assert.ok(answers.length - refused.length >= 200, 'too many were refused');
            assert.ok(answers.every(({ status }) => status === 429 || status === 422));
            for (const answer of refused) {
                isError(answer, 429, 'Too many requests');
                assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
                assert.equal(answer.headers['access-control-allow-origin'], origin);
            }
            // What does not hash does not count, nor does another address.
            for (const [method, target, status] of [['GET', '/auth/login', 405], ['GET', '/health', 200],
                ['OPTIONS', '/auth/register', 405], ['POST', '/conversations', 401]]) {
                assert.equal((await call(method, target, { from })).status, status);
            }
            assert.equal((await login({ from: '127.0.0.1', agent: undefined })).status, 422);
            agent.destroy();
        });

        test('of one address, 100 of these requests are taken at a time', async () => {
            const { hostname, port } = new URL(base);
            const from = backend === 'direct' ? '127.0.0.4' : '127.0.0.5';
            const held = await Promise.all(Array.from({ length: 100 }, () => new Promise((resolve) => {
                const socket = net.connect({ host: hostname, port, localAddress: from }, () => {
                    socket.write('POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{',
                        () => resolve(socket));
                });
            })));
            const login = () => call('POST', '/auth/login', { headers: json, body: '{}', from });

            await sleep(100);
            isError(await login(), 429, 'Too many requests');
            held.forEach((socket) => socket.destroy());
            await sleep(100);
            assert.equal((await login()).status, 422);
        });

        test('a body of 16 MiB is read, and a larger one is a 413', async () => {
            const headers = { ...json, Authorization: `Bearer ${token}` };
            const body = Buffer.alloc(16 << 20, ' ');

            body.write('{"title":""}');
            assert.equal((await call('POST', '/conversations', { headers, body })).status, 422);
            for (const options of [{ body: Buffer.concat([body, Buffer.from(' ')]) },
                { parts: [body, Buffer.from(' ')] }]) {
                isError(await call('POST', '/conversations', { headers, ...options }), 413,
                    'Request body too large');
            }
        });

        test('a client that goes on sending is answered or cut off, and hurts nobody', async () => {
            for (const framing of ['Content-Length: 40000000', 'Transfer-Encoding: chunked']) {
                const chunk = Buffer.from(`100000\r\n${'x'.repeat(0x100000)}\r\n`);
                const { text } = await raw(base, Buffer.concat([
                    Buffer.from(`POST /auth/login HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n`),
                    ...Array.from({ length: 40 }, () => chunk)]));

                assert.match(text, /^(HTTP\/1\.1 413 [^]*\{"detail":"Request body too large"\}|$)/);
                assert.equal((await call('GET', '/health')).status, 200);
            }
        });

        test('a request line or a header of 64 KB is a 4xx', async () => {
            const long = 'a'.repeat(65536);

            isError(await call('GET', `/${long}`), 414, 'Request target too long');
            isError(await call('GET', '/health', { headers: { Authorization: `Bearer ${long}` } }),
                431, 'Request headers too large');
            const { text } = await raw(base, `GET /health HTTP/1.1\r\n${`X: ${long}\r\n`.repeat(10)}`);
            assert.match(text, /^(HTTP\/1\.1 4|$)/);
            assert.equal((await call('GET', '/health', { headers: { 'User-Agent': 'a'.repeat(8000) } }))
                .status, 200);
        });

        test('what is no request, or has raw bytes in its target, is a 400', async () => {
            const rest = ' HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

            for (const bytes of [`GET /\xc3\xa9${rest}`, `GET /health?x=\xff${rest}`, `GET /\x01${rest}`,
                `GET /\x7f${rest}`, `GET /a b${rest}`, `GET /%zz${rest}`, `GET /../x${rest}`,
                `get /health${rest}`, 'GET /health HTTP/1.1\r\n\r\n', '\x16\x03\x01\x02\x00\r\n\r\n',
                `POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n`]) {
                const { text } = await raw(base, Buffer.from(bytes, 'latin1'));

                assert.match(text, /^HTTP\/1\.1 400 .*\r\n[^]*\r\nContent-Type: application\/json\r\n/,
                    JSON.stringify(bytes));
                assert.match(text, /\r\n\r\n\{"detail":"Bad Request"\}$/, JSON.stringify(bytes));
            }
        });

        test('no method is the gateway\'s own: each gets what the path allows', async () => {
            for (const method of ['PUT', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND']) {
                const answer = await call(method, '/conversations');

                assert.equal(answer.status, 405, method);
                assert.deepEqual(answer.headers.allow.split(', ').sort(), ['GET', 'POST'], method);
                assert.equal((await call(method, '/nothing')).status, 404, method);
            }
        });

        test('every answer has the headers that keep it to itself', async () => {
            for (const [method, target] of [['GET', '/health'], ['GET', '/nothing'], ['GET', '/auth/me'],
                ['PUT', '/docs'], ['GET', '/%'], ['GET', '/docs'], ['GET', '/docs/docs.js']]) {
                const { headers } = await call(method, target);
                const about = `${method} ${target}`;

                assert.equal(headers['x-content-type-options'], 'nosniff', about);
                assert.equal(headers['x-frame-options'], 'DENY', about);
                assert.equal(headers['referrer-policy'], 'no-referrer', about);
                assert.equal(headers['cache-control'],
                    target.startsWith('/docs') ? 'no-cache' : 'no-store', about);
                assert.match(headers['content-security-policy'], /default-src 'none'/, about);
                assert.match(headers['content-security-policy'], /frame-ancestors 'none'/, about);
                assert.doesNotMatch(headers['content-security-policy'], /unsafe/, about);
                assert.match(headers['x-request-id'], /^[0-9a-f]{32}$/, about);
                assert.equal(headers.server, 'nginx', about);
            }
        });

        test('nobody poses as the gateway', async () => {
            const posing = { 'X-Agent-Method': 'GET', 'X-Agent-Target': '/health',
                'X-Agent-Authorization': `Bearer ${token}`, 'X-Agent-Content-Type': 'text/plain',
                'X-Request-Id': 'mine', Prefer: 'tx=rollback', 'Content-Profile': 'agent' };

            assert.equal((await call('GET', '/auth/me', { headers: posing })).status, 401);
            assert.equal((await call('GET', '/nothing', { headers: posing })).status, 404);
            const me = await call('GET', '/auth/me',
                { headers: { ...posing, Authorization: `Bearer ${token}` } });
            assert.equal(me.status, 200);
            assert.notEqual(me.headers['x-request-id'], 'mine');
        });

        test('headers that are not ASCII are no 5xx', async () => {
            const { text } = await raw(base, Buffer.from('GET /auth/me HTTP/1.1\r\nHost: \xe9\r\n'
                + 'User-Agent: \xff\xfe\r\nContent-Type: \xc3\r\nX-Agent-Target: \xff\r\nX: \xff\r\n'
                + 'Authorization: Bearer \xff\r\nConnection: close\r\n\r\n', 'latin1'));

            assert.match(text, /^HTTP\/1\.1 401 [^]*\{"detail":"Invalid token"\}/);
        });

        test('200 requests at once are all answered', async () => {
            const answers = await Promise.all(Array.from({ length: 200 }, (_, n) =>
                call('GET', n % 2 ? '/conversations' : '/health',
                    { headers: { Authorization: `Bearer ${token}` } })));

            assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
        });

        test('clients that go away do no harm', async () => {
            const { hostname, port } = new URL(base);
            const begun = sql('SELECT pg_postmaster_start_time()');

            await Promise.all(Array.from({ length: 100 }, (_, n) => new Promise((resolve) => {
                const socket = net.connect(port, hostname, () => {
                    socket.write(n % 2
                        ? `GET /conversations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`
                        : 'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"email"');
                    setTimeout(() => {
                        socket.resetAndDestroy();
                        resolve();
                    }, n % 10);
                });
                socket.on('error', () => {});
            })));
            assert.equal((await call('GET', '/auth/me',
                { headers: { Authorization: `Bearer ${token}` } })).status, 200);
            assert.equal(sql('SELECT pg_postmaster_start_time()'), begun);
        });

        test('the log has the request\'s id, and no log a query, a token or a password', async () => {
            const secret = `secret${Math.random().toString(36).slice(2)}`;
            const headers = { ...json, Authorization: `Bearer ${secret}`, Cookie: `a=${secret}`,
                Referer: `https://app.example.com/?t=${secret}`, Origin: `https://${secret}.example` };
            const answers = [];

            for (const [method, target, options] of [['GET', `/auth/me?token=${secret}`],
                ['POST', `/auth/login?${secret}`, { body: `{"email":"a@b.cd","password":"${secret}"}` }],
                ['POST', `/auth/register?${secret}`, { body: `{"password":"${secret}"}` }],
                ['POST', `/auth/login?${secret}`, { body: Buffer.alloc(17 << 20, secret) }],
                ['GET', `/health?${secret}`, { headers: { X: 'x'.repeat(70000) } }],
                ['GET', `/${'x'.repeat(70000)}?${secret}`], ['GET', `/%?${secret}`],
                ['TRACE', `/health?${secret}`], ['PUT', `/docs?${secret}`], ['GET', `/docs?${secret}`]]) {
                answers.push(await call(method, target, { headers, ...options }));
            }
            await raw(base, `GET /${secret}\x01 HTTP/1.1\r\n\r\n`);
            const logged = () => readFileSync(path.join(logs, `gateway-${backend}`, 'access.log'), 'utf8')
                .split('\n').filter((line) => line.endsWith('}')).map((line) => JSON.parse(line));
            const wanted = answers.map(({ status, headers: back }) => `${back['x-request-id']} ${status}`);
            let missing = wanted;

            // A request is logged when all of it has gone.
            for (let n = 0; n < 50 && missing.length > 0; n++) {
                const lines = logged().map(({ id, status }) => `${id} ${status}`);

                missing = wanted.filter((line) => lines.filter((each) => each === line).length !== 1);
                await sleep(100);
            }
            assert.deepEqual(missing, []);
            const names = readdirSync(logs, { recursive: true }).filter((name) => /\.log$/.test(name));
            assert.ok(names.length >= 5, names.join());
            for (const name of names) {
                assert.ok(!readFileSync(path.join(logs, name)).includes(secret), name);
            }
        });

        test('the page and its parts are for GET and HEAD', async () => {
            for (const [target, type] of [['/docs', 'text/html; charset=utf-8'],
                ['/docs/docs.js', 'text/javascript; charset=utf-8'],
                ['/docs/docs.css', 'text/css; charset=utf-8'],
                ['/docs/swagger-ui.css', 'text/css; charset=utf-8'],
                ['/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8']]) {
                const head = await call('HEAD', target);

                assert.equal(head.status, 200, target);
                assert.equal(head.headers['content-type'], type);
                assert.equal((await call('GET', target, { headers: { 'If-None-Match': head.headers.etag } }))
                    .status, 304);
                for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
                    const answer = await call(method, target);
                    isError(answer, 405, 'Method Not Allowed');
                    assert.equal(answer.headers.allow, 'GET, HEAD');
                }
            }
            for (const target of ['/docs/', '/docs/index.html', '/docs/nothing.js', '/docs/docs.js/',
                '/docs/%2e%2e/agent/site.conf', '/agent/site.conf', '/nginx.conf', '/access.log',
                '/.agent-error', '/.agent-not-allowed', '/.agent-refused']) {
                isError(await call('GET', target), 404, 'Not Found');
            }
            const packed = await call('GET', '/docs/swagger-ui-bundle.js',
                { headers: { 'Accept-Encoding': 'gzip' } });
            assert.equal(packed.headers['content-encoding'], 'gzip');
        });
    });
}

test('while the database lets nobody in it is a 503 to be tried again, and then all is well', async () => {
    // It takes a moment until they notice.
    const wait = async (base, status) => {
        let answer;

        for (let n = 0; n < 100; n++) {
            answer = await ask(base, 'GET', '/health', { signal: AbortSignal.timeout(1000) })
                .catch(() => undefined);
            if (answer?.status === status) {
                break;
            }
            await sleep(100);
        }
        return answer;
    };

    sql(`ALTER ROLE agent_authenticator NOLOGIN;
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'agent_authenticator'`);
    try {
        for (const base of Object.values(gateways)) {
            for (const answer of [await wait(base, 503),
                await ask(base, 'POST', '/auth/login', { headers: json, body: '{}' })]) {
                isError(answer, 503, 'Service Unavailable');
                assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
            }
        }
    } finally {
        sql('ALTER ROLE agent_authenticator LOGIN');
    }
    for (const base of Object.values(gateways)) {
        assert.equal((await wait(base, 200)).status, 200);
    }
});

// An nginx with these files in front of a program that tells what it was sent.
describe('in front of a stand-in', () => {
    let folder;
    let base;
    let nginx;
    let upstream;
    // What it got, and how it is to answer.
    let seen;
    let reply;

    const freePort = () => new Promise((resolve) => {
        const server = net.createServer().listen(0, '127.0.0.1', () => {
            const { port } = server.address();

            server.close(() => resolve(port));
        });
    });

    before(async () => {
        folder = mkdtempSync(path.join(os.tmpdir(), 'agent-nginx.'));
        chmodSync(folder, 0o755);
        const answer = (request, response) => {
            const chunks = [];

            request.on('data', (chunk) => chunks.push(chunk));
            request.on('end', () => {
                seen = { method: request.method, target: request.url, socket: request.socket,
                    headers: request.headers, body: Buffer.concat(chunks).toString() };
                reply(response);
            });
        };
        upstream = http.createServer(answer).listen(path.join(folder, 'main'));
        const gateway = path.join(import.meta.dirname ?? new URL('.', import.meta.url).pathname,
            '../gateway');
        const port = await freePort();
        base = `http://127.0.0.1:${port}`;
        cpSync(path.join(gateway, 'agent'), path.join(folder, 'agent'), { recursive: true });
        cpSync(path.join(gateway, 'nginx.conf'), path.join(folder, 'nginx.conf'));
        const site = path.join(folder, 'agent/site.conf');
        writeFileSync(site, readFileSync(site, 'utf8')
            .replace('listen 127.0.0.1:8000', `listen 127.0.0.1:${port}`)
            .replace('/run/agent/main.sock', path.join(folder, 'main'))
            .replace('/run/agent/hashing.sock', path.join(folder, 'nobody'))
            .replaceAll('/var/log/nginx/', ''));
        chmodSync(path.join(folder, 'main'), 0o777);
        execFileSync('nginx', ['-t', '-q', '-p', folder, '-c', path.join(folder, 'nginx.conf'),
            '-e', 'error.log'], { stdio: 'pipe' });
        nginx = spawn('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', 'error.log',
            '-g', 'daemon off;'], { stdio: 'ignore' });
        reply = (response) => response.end('{}');
        for (let n = 0; n < 50; n++) {
            if (await ask(base, 'GET', '/').catch(() => undefined)) {
                break;
            }
            await sleep(50);
        }
    });

    after(async () => {
        const gone = new Promise((resolve) => {
            nginx.on('exit', resolve);
        });
        nginx.kill('SIGTERM');
        await gone;
        upstream.closeAllConnections();
        upstream.close();
        rmSync(folder, { recursive: true });
    });

    test('the target arrives as it was sent, whatever it looks like', async () => {
        for (const target of ['/', '/a%2fb', '/%E5%AD%A6', '/a//b/./c?x=1&x=2&%zz=+%20', '//a//', '/a?',
            '/a??b', '/conversations/..%2f', '/a/../b', "/~!$&'()*+,;=:@", '/?', '/docs/x/../../a',
            '/a#b', '/.agent-refused']) {
            await ask(base, 'GET', target);
            assert.equal(seen.target, target);
        }
        await raw(base, 'GET http://evil.example/a?b HTTP/1.1\r\nHost: evil.example\r\n'
            + 'Connection: close\r\n\r\n');
        assert.equal(seen.target, '/a?b');
        assert.equal(seen.headers.host, 'agent_main');
    });

    test('method and body arrive as they were sent, chunked or not', async () => {
        for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
            await ask(base, method, '/a');
            assert.equal(seen.method, method);
        }
        for (const options of [{ body: '{"a":1}' }, { parts: ['{"a"', ':1}'] }]) {
            await ask(base, 'POST', '/a', { headers: json, ...options });
            assert.equal(seen.body, '{"a":1}');
            assert.equal(seen.headers['content-length'], '7');
        }
    });

    test('of the headers only those get through that are named', async () => {
        const answer = await ask(base, 'POST', '/a', { body: '{}', headers: { ...json,
            Authorization: 'Bearer x', 'User-Agent': 'me', 'X-Forwarded-For': '192.0.2.1',
            'X-Forwarded-Host': 'evil.example', Forwarded: 'for=192.0.2.1', 'X-Real-IP': '192.0.2.1',
            'X-Request-Id': 'mine', 'X-Agent-Method': 'GET', 'X-Agent-Anything': 'x', Cookie: 'a=b',
            Accept: 'text/html', Range: 'bytes=0-1', Expect: '100-continue', TE: 'trailers',
            'If-None-Match': '*', 'Accept-Encoding': 'gzip', Prefer: 'x', Upgrade: 'websocket',
            'X-HTTP-Method-Override': 'DELETE' } });

        assert.deepEqual(seen.headers, { host: 'agent_main', authorization: 'Bearer x',
            'content-type': 'application/json', 'user-agent': 'me', 'content-length': '2',
            'x-forwarded-for': '127.0.0.1', 'x-request-id': answer.headers['x-request-id'] });
    });

    test('its connections are kept', async () => {
        const sockets = new Set();

        for (let n = 0; n < 20; n++) {
            await ask(base, 'GET', '/a');
            sockets.add(seen.socket);
        }
        assert.ok(sockets.size <= os.cpus().length + 1, `${sockets.size} connections for 20 requests`);
    });

    test('answers pass as they are, errors too', async () => {
        for (const [status, headers, body] of [[201, { Location: '/a/1' }, '{"a":"\u{1F600}"}'],
            [400, {}, '{"detail":"x"}'], [404, {}, '"y"'], [405, { Allow: 'PUT' }, '1'],
            [413, {}, '"too much"'], [429, { 'Retry-After': '7' }, '[]'], [500, {}, 'null'],
            [503, { 'Retry-After': '9' }, '{"detail":"later"}'],
            [401, { 'WWW-Authenticate': 'Bearer' }, '{}']]) {
            reply = (response) => response.writeHead(status, { 'Content-Type': 'application/json',
                'X-Accel-Redirect': '/docs', 'X-Request-Id': 'its own',
                'Content-Length': Buffer.byteLength(body), ...headers }).end(body);
            const { status: code, headers: back, text } = await ask(base, 'GET', '/a');

            assert.deepEqual([code, text], [status, body]);
            for (const [name, value] of Object.entries(headers)) {
                assert.equal(back[name.toLowerCase()], value);
            }
            assert.match(back['x-request-id'], /^[0-9a-f]{32}$/);
            assert.equal(back['content-length'], String(Buffer.byteLength(body)));
        }
    });

    test('when nobody answers, or none too well, it is a 502 to be tried again', async () => {
        const failed = [await ask(base, 'POST', '/auth/login', { body: '{}' })];

        for (reply of [(response) => response.destroy(),
            (response) => response.writeHead(200, { X: 'x'.repeat(60000) }).end()]) {
            failed.push(await ask(base, 'POST', '/a', { body: '{}' }));
        }
        for (const answer of failed) {
            isError(answer, 502, 'Bad Gateway');
            assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
        }
    });
});

test('slow clients were sent away, and nobody has noticed', async () => {
    for (const { text, seconds } of await slow) {
        assert.match(text, /^(HTTP\/1\.1 408|$)/);
        assert.ok(seconds > 5 && seconds < 25, `${seconds} s`);
    }
    for (const base of Object.values(gateways)) {
        assert.equal((await ask(base, 'GET', '/health')).status, 200);
    }
});
