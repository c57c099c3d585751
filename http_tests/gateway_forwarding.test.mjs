// What of a request arrives behind nginx, and what of an answer in front of it: with the
// files of gateway/nginx before a program that tells what it was sent.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gatewayAt, isError } from './classic.mjs';

const json = { 'Content-Type': 'application/json' };
const files = fileURLToPath(new URL('../gateway/nginx', import.meta.url));

let folder;
let gateway;
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
    const port = await freePort();
    gateway = gatewayAt(`http://127.0.0.1:${port}`);
    cpSync(files, folder, { recursive: true });
    const site = path.join(folder, 'agent/site.conf');
    writeFileSync(site, readFileSync(site, 'utf8')
        .replace('listen 127.0.0.1:8000', `listen 127.0.0.1:${port}`)
        .replace('/run/agent/main.sock', path.join(folder, 'main'))
        .replace('/run/agent/hashing.sock', path.join(folder, 'nobody'))
        .replaceAll('/var/log/nginx/', ''));
    chmodSync(path.join(folder, 'main'), 0o777);
    const options = ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', 'error.log'];
    execFileSync('nginx', [...options, '-t', '-q'], { stdio: 'pipe' });
    nginx = spawn('nginx', [...options, '-g', 'daemon off;'], { stdio: 'ignore' });
    reply = (response) => response.end('{}');
    for (let n = 0; n < 50; n++) {
        if (await gateway.send('GET', '/').catch(() => undefined)) {
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
        await gateway.send('GET', target);
        assert.equal(seen.target, target);
    }
    await gateway.raw('GET http://evil.example/a?b HTTP/1.1\r\nHost: evil.example\r\n'
        + 'Connection: close\r\n\r\n');
    assert.equal(seen.target, '/a?b');
    assert.equal(seen.headers.host, 'agent_main');
});

test('method and body arrive as they were sent, chunked or not', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
        await gateway.send(method, '/a');
        assert.equal(seen.method, method);
    }
    for (const options of [{ body: '{"a":1}' }, { parts: ['{"a"', ':1}'] }]) {
        await gateway.send('POST', '/a', { headers: json, ...options });
        assert.equal(seen.body, '{"a":1}');
        assert.equal(seen.headers['content-length'], '7');
    }
});

test('of the headers only those get through that are named', async () => {
    const answer = await gateway.send('POST', '/a', { body: '{}', headers: { ...json,
        Authorization: 'Bearer x', 'User-Agent': 'me', 'X-Forwarded-For': '192.0.2.1',
        'X-Forwarded-Host': 'evil.example', Forwarded: 'for=192.0.2.1', 'X-Real-IP': '192.0.2.1',
        'X-Request-Id': 'mine', 'X-Agent-Method': 'GET', 'X-Agent-Anything': 'x', Cookie: 'a=b',
        Accept: 'text/html', Range: 'bytes=0-1', Expect: '100-continue', TE: 'trailers',
        'If-None-Match': '*', 'Accept-Encoding': 'gzip', Prefer: 'x', Upgrade: 'websocket',
        'X-HTTP-Method-Override': 'DELETE', 'Idempotency-Key': 'a key' } });

    assert.deepEqual(seen.headers, { host: 'agent_main', authorization: 'Bearer x',
        'content-type': 'application/json', 'user-agent': 'me', 'content-length': '2',
        'idempotency-key': 'a key', 'if-none-match': '*',
        'x-forwarded-for': '127.0.0.1', 'x-request-id': answer.headers['x-request-id'] });
});

test('a key that is not ASCII is refused: what stood for it could be the key of others', async () => {
    const answer = await gateway.send('POST', '/a', { body: '{}', headers: { ...json, 'Idempotency-Key': 'é' } });

    isError(answer, 400, 'Bad Request');
});

test('its connections are kept', async () => {
    const sockets = new Set();

    for (let n = 0; n < 20; n++) {
        await gateway.send('GET', '/a');
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
        const { status: code, headers: back, text } = await gateway.send('GET', '/a');

        assert.deepEqual([code, text], [status, body]);
        for (const [name, value] of Object.entries(headers)) {
            assert.equal(back[name.toLowerCase()], value);
        }
        assert.match(back['x-request-id'], /^[0-9a-f]{32}$/);
        assert.equal(back['content-length'], String(Buffer.byteLength(body)));
    }
});

test('when nobody answers, or none too well, it is a 502 to be tried again', async () => {
    const failed = [await gateway.send('POST', '/auth/login', { body: '{}' })];

    for (reply of [(response) => response.destroy(),
        (response) => response.writeHead(200, { X: 'x'.repeat(60000) }).end()]) {
        failed.push(await gateway.send('POST', '/a', { body: '{}' }));
    }
    for (const answer of failed) {
        isError(answer, 502, 'Bad Gateway');
        assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
    }
});
