// How much the gateway takes of one client, and of all: requests, connections, sizes and
// time. scripts/test holds every address but 127.0.0.1 to the limits of an address.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { everyGateway, isError, newcomer } from './classic.mjs';
import { sql } from './psql.mjs';

const json = { 'Content-Type': 'application/json' };

everyGateway((gateway, test, name) => {
    const { hostname, port } = gateway;
    // An address that no other test has.
    const address = (number) => `127.0.0.${number + (name === 'direct' ? 0 : 100)}`;
    let token;

    // Opens a connection, sends the beginning of a request, and returns it.
    const begin = (bytes, localAddress) => new Promise((resolve) => {
        const socket = net.connect({ host: hostname, port, localAddress },
            () => socket.write(bytes, () => resolve(socket)));
        socket.on('error', () => {});
    });

    // Clients that say nothing, or not all of it. They take their time: how they end is seen
    // last.
    const slow = ['GET /health HTTP/1.1\r\nHost: ',
        'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{'].flatMap((bytes) =>
        Array.from({ length: 50 }, async () => {
            const begun = Date.now();
            const text = await gateway.raw(bytes, Infinity, 60_000);

            return { text, seconds: (Date.now() - begun) / 1000 };
        }));

    before(async () => {
        ({ token } = await gateway.person());
    });

    test('an address that floods the hashing routes gets 429, and nobody else does', async () => {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
        const login = (options) => gateway.send('POST', '/auth/login', { body: '{}', ...options });
        const flood = () => login({ agent, from: address(2) });
        const answers = await Promise.all(Array.from({ length: 600 }, flood));
        const refused = answers.filter(({ status }) => status === 429);

        assert.ok(refused.length > 0, 'nobody was refused');
        assert.ok(answers.length - refused.length >= 200, 'too many were refused');
        // Behind PostgREST there is place for so many at a time, whoever asks.
        const others = name === 'direct' ? [422] : [422, 503];
        assert.ok(answers.every(({ status }) => status === 429 || others.includes(status)));
        for (const answer of refused) {
            isError(answer, 429, 'Too many requests');
            assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
        }
        // What does not hash does not count, nor does another address.
        for (const [method, target, status] of [['GET', '/auth/login', 405],
            ['GET', '/health', 200], ['OPTIONS', '/auth/register', 405],
            ['POST', '/conversations', 401]]) {
            const answer = await gateway.send(method, target, { from: address(2) });
            assert.equal(answer.status, status, `${method} ${target}`);
        }
        assert.equal((await login()).status, 422);
        agent.destroy();
    });

    test('of one address, 100 of these requests are taken at a time', async () => {
        const held = [];
        const hold = async (count) => held.push(...await Promise.all(Array.from({ length: count },
            () => begin('POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{',
                address(4)))));
        // It takes a moment until nginx has read what was sent, or noticed who has gone. Who asks
        // meanwhile takes a place too, and one that was to be held is refused: another is begun.
        const login = async (status, more = 0) => {
            const ask = () => gateway.send('POST', '/auth/login', { body: '{}', from: address(4) });
            let answer = await ask();

            for (let n = 0; n < 100 && answer.status !== status; n++) {
                await hold(more);
                await sleep(100);
                answer = await ask();
            }
            return answer;
        };

        await hold(100);
        isError(await login(429, 1), 429, 'Too many requests');
        held.forEach((socket) => socket.destroy());
        assert.equal((await login(422)).status, 422);
    });

    test('however many log in, others can read', async () => {
        const { email } = newcomer();
        const body = JSON.stringify({ email, password: 'wrong password' });
        const answers = Array.from({ length: 60 }, () => gateway.send('POST', '/auth/login',
            { body, headers: json, agent: false, from: address(6) }));

        await sleep(200);
        assert.equal((await gateway.send('GET', '/auth/me', { token })).status, 200);
        const statuses = (await Promise.all(answers)).map(({ status }) => status);

        assert.ok(statuses.filter((status) => status === 401).length >= 5, statuses.join());
        // They wait for their turn, or where there is no queue for them are told to come again.
        assert.deepEqual(new Set(statuses), new Set(name === 'direct' ? [401] : [401, 503]));
    });

    test('a body of 16 MiB is read, and a larger one is a 413', async () => {
        const body = Buffer.alloc(16 << 20, ' ');

        body.write('{"title":""}');
        const taken = await gateway.request('POST', '/conversations', { token, body });
        assert.equal(taken.status, 422);
        for (const options of [{ body: Buffer.concat([body, Buffer.from(' ')]) },
            { parts: [body, Buffer.from(' ')] }]) {
            const refused = await gateway.send('POST', '/conversations',
                { token, headers: json, ...options });
            isError(refused, 413, 'Request body too large');
        }
    });

    test('a client that goes on sending is answered or cut off, and hurts nobody', async () => {
        for (const framing of ['Content-Length: 40000000', 'Transfer-Encoding: chunked']) {
            const chunk = Buffer.from(`100000\r\n${'x'.repeat(0x100000)}\r\n`);
            const text = await gateway.raw(Buffer.concat([
                Buffer.from(`POST /auth/login HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n`),
                ...Array.from({ length: 40 }, () => chunk)]));

            assert.match(text, /^(HTTP\/1\.1 413 [^]*\{"detail":"Request body too large"\}|$)/);
            assert.equal((await gateway.send('GET', '/health')).status, 200);
        }
    });

    test('a request line or a header of 64 KB is a 4xx', async () => {
        const long = 'a'.repeat(65536);

        isError(await gateway.send('GET', `/${long}`), 414, 'Request target too long');
        isError(await gateway.send('GET', '/health', { token: long }), 431,
            'Request headers too large');
        const text = await gateway.raw(`GET /health HTTP/1.1\r\n${`X: ${long}\r\n`.repeat(10)}`);
        assert.match(text, /^(HTTP\/1\.1 4|$)/);
        const headers = { 'User-Agent': 'a'.repeat(8000) };
        assert.equal((await gateway.send('GET', '/health', { headers })).status, 200);
    });

    test('connections that nothing comes over keep nobody out', async () => {
        const idle = await Promise.all(Array.from({ length: 2500 }, () => begin('')));

        // Neither those who come later, nor those of them who have something to ask after all.
        assert.equal((await gateway.send('GET', '/health', { agent: false })).status, 200);
        const asked = idle.filter((_, n) => n % 50 === 0).map(async (socket) => {
            socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
            const [bytes] = await once(socket, 'data');
            return String(bytes).slice(0, 12);
        });
        assert.deepEqual(new Set(await Promise.all(asked)), new Set(['HTTP/1.1 200']));
        idle.forEach((socket) => socket.destroy());
    });

    test('clients that go away do no harm', async () => {
        const begun = sql('SELECT pg_postmaster_start_time()');

        await Promise.all(Array.from({ length: 100 }, async (_, n) => {
            const socket = await begin(n % 2
                ? `GET /conversations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`
                : 'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"email"');
            await sleep(n % 10);
            socket.resetAndDestroy();
        }));
        assert.equal((await gateway.send('GET', '/auth/me', { token })).status, 200);
        assert.equal(sql('SELECT pg_postmaster_start_time()'), begun);
    });

    test('slow clients were sent away, and nobody has noticed', async () => {
        for (const { text, seconds } of await Promise.all(slow)) {
            assert.match(text, /^(HTTP\/1\.1 408|$)/);
            assert.ok(seconds > 5 && seconds < 50, `${seconds} s`);
        }
        assert.equal((await gateway.send('GET', '/health')).status, 200);
    });
});
