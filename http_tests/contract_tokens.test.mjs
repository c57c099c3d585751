// Whom a token lets in, and how everybody else is refused.

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { before } from 'node:test';
import { all, closed, everyGateway, isError } from './classic.mjs';
import { open, resign, sign } from './jwt.mjs';
import { literal, sql } from './psql.mjs';

const now = () => Math.floor(Date.now() / 1000);

everyGateway((gateway, test) => {
    let alice;
    let bob;

    before(async () => {
        alice = await gateway.person();
        bob = await gateway.person();
    });

    // Sends every request that wants a token.
    async function everywhere(headers, status, detail) {
        await all(closed, async ([method, path, body]) => {
            isError(await gateway.request(method, path, { headers, body }), status, detail);
        });
    }

    async function refused(token, about) {
        isError(await gateway.request('GET', '/auth/me', { token }), 401, 'Invalid token', about);
    }

    test('without a token every route but register, login and health is 401', async () => {
        await everywhere({}, 401, 'Not authenticated');
    });

    test('a header without a token in it is none', async () => {
        for (const Authorization of ['', 'Bearer', 'Bearer ', 'bearer']) {
            isError(await gateway.request('GET', '/auth/me', { headers: { Authorization } }),
                401, 'Not authenticated', JSON.stringify(Authorization));
        }
    });

    test('another scheme is refused as such', async () => {
        await everywhere({ Authorization: 'Basic YWxpY2U6c2VjcmV0' }, 401,
            'Invalid authentication credentials');
        for (const Authorization of [`Token ${alice.token}`, `Basic ${alice.token}`,
            `Digest ${alice.token}`, `BearerX ${alice.token}`, `Bear ${alice.token}`,
            `JWT ${alice.token}`]) {
            isError(await gateway.request('GET', '/auth/me', { headers: { Authorization } }),
                401, 'Invalid authentication credentials', Authorization.slice(0, 8));
        }
    });

    test('a token without a scheme is refused', async () => {
        const headers = { Authorization: alice.token };
        assert.equal((await gateway.request('GET', '/auth/me', { headers })).status, 401);
    });

    test('the scheme is Bearer in any case', async () => {
        for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR']) {
            const me = await gateway.request('GET', '/auth/me',
                { headers: { Authorization: `${scheme} ${alice.token}` } });
            assert.equal(me.status, 200, scheme);
            assert.equal(me.json.id, alice.id);
        }
    });

    test('what is no token is an invalid one, on every route', async () => {
        await everywhere({ Authorization: 'Bearer garbage' }, 401, 'Invalid token');
        for (const token of ['x', '.', '..', '...', 'a.b.c', 'null', 'undefined', '{}', '"x"',
            'e30.e30.', 'e30.e30.e30', '=.=.=', 'A'.repeat(5000), `${'A'.repeat(2000)}.e30.x`,
            '%00', "' OR true --", `${alice.token} ${alice.token}`, `${alice.token} x`,
            `x ${alice.token}`, `"${alice.token}"`, `${alice.token},${alice.token}`,
            `Bearer ${alice.token}`, alice.id]) {
            await refused(token, token.slice(0, 40));
        }
    });

    test('a token that was tampered with is refused', async () => {
        const [header, claims, signature] = alice.token.split('.');
        const flip = (text, index) => text.slice(0, index)
            + (text[index] === 'A' ? 'B' : 'A') + text.slice(index + 1);

        for (const token of [`${header}.${claims}.${flip(signature, 0)}`,
            `${header}.${claims}.${flip(signature, 20)}`,
            `${header}.${flip(claims, 20)}.${signature}`,
            `${flip(header, 5)}.${claims}.${signature}`, `${header}.${claims}.`,
            `${header}.${claims}`, header, alice.token.slice(0, -1), alice.token.slice(1),
            `${alice.token}.x`, `${alice.token}.`, `.${alice.token}`,
            `${header}.${bob.token.split('.')[1]}.${signature}`, alice.token.toLowerCase()]) {
            await refused(token, token.slice(-60));
        }
    });

    test('a token of another secret or algorithm is refused', async () => {
        const { header, claims } = open(alice.token);
        const [h, c] = sign({ ...header, alg: 'none' }, claims, '').split('.');

        await refused(sign(header, claims, randomBytes(32)), 'another secret');
        await refused(sign(header, claims, ''), 'no secret');
        await refused(sign(header, claims, 'secret'), 'a well-known secret');
        await refused(sign({ alg: 'HS256', typ: 'JWT' }, claims, 'your-secret-key'), 'no kid');
        await refused(`${h}.${c}.`, 'alg none');
        await refused(sign({ ...header, alg: 'none' }, claims, 'x'), 'alg none, signed');
        await refused(sign({ ...header, alg: 'HS512' }, claims, randomBytes(64), 'sha512'),
            'HS512');
    });

    test('an expired token is refused at once', async () => {
        for (const age of [1, 5, 60, 3600]) {
            await refused(resign(alice.token, { iat: now() - 1800 - age, exp: now() - age }),
                `${age} seconds ago`);
        }
        // One that has a minute left is not.
        const token = resign(alice.token, { iat: now() - 1740, exp: now() + 60 });
        assert.equal((await gateway.request('GET', '/auth/me', { token })).status, 200);
    });

    test('a token of claims that nobody signed in with is refused', async () => {
        for (const claims of [{ sub: undefined }, { sub: '' }, { sub: 1 }, { exp: undefined },
            { sub: 'nobody' }, { sub: randomUUID() }, { sub: bob.id }]) {
            const token = resign(alice.token, claims);
            const answer = await gateway.request('GET', '/auth/me', { token });
            assert.equal(answer.status, 401, JSON.stringify(claims));
        }
    });

    test('a token is read from the header alone', async () => {
        const { token } = alice;

        for (const [path, headers] of [[`/auth/me?access_token=${token}`, {}],
            [`/auth/me?token=${token}`, {}], ['/auth/me', { Cookie: `access_token=${token}` }],
            ['/auth/me', { 'X-Agent-Authorization': `Bearer ${token}` }],
            ['/auth/me', { 'Proxy-Authorization': `Bearer ${token}` }],
            ['/auth/me', { 'X-Authorization': `Bearer ${token}` }]]) {
            isError(await gateway.request('GET', path, { headers }), 401, 'Not authenticated',
                `${path.slice(0, 20)} ${Object.keys(headers)}`);
        }
    });

    test('no header of the gateway\'s own changes who asks, or for what', async () => {
        const headers = { 'X-Agent-Authorization': `Bearer ${bob.token}`,
            'X-Agent-Method': 'DELETE', 'X-Agent-Target': '/health', 'X-Agent-Content-Type': 'text/plain',
            'X-HTTP-Method-Override': 'DELETE', 'X-Original-URL': '/health', Prefer: 'tx=rollback',
            'Content-Profile': 'agent', 'Accept-Profile': 'agent', Range: '0-0',
            'Range-Unit': 'items', Accept: 'application/vnd.pgrst.object+json' };
        const me = await gateway.request('GET', '/auth/me', { token: alice.token, headers });
        assert.equal(me.status, 200);
        assert.equal(me.json.id, alice.id);

        const made = await gateway.request('POST', '/conversations',
            { token: alice.token, headers, body: { title: 'kept' } });
        assert.equal(made.status, 201);
        assert.equal((await alice.get(`/conversations/${made.json.id}`)).status, 200);
    });

    test('a token as long as a header may be is refused, a longer one is a 4xx', async () => {
        await refused('A'.repeat(7000), '7 kB');
        for (const length of [100_000, 1_000_000]) {
            const answer = await gateway.raw(`GET /auth/me HTTP/1.1\r\nHost: x\r\n`
                + `Connection: close\r\nAuthorization: Bearer ${'A'.repeat(length)}\r\n\r\n`);
            // A server may close the connection before a very long one can be answered.
            assert.match(answer,
                length > 100_000 ? /^(HTTP\/1\.1 4\d\d |$)/ : /^HTTP\/1\.1 4\d\d /);
        }
    });

    test('logging in again leaves the token before good', async () => {
        const token = await gateway.logIn(alice);

        for (const each of [token, alice.token]) {
            const me = await gateway.request('GET', '/auth/me', { token: each });
            assert.equal(me.json.id, alice.id);
        }
    });

    test('a user who is inactive is 403 everywhere, and at login after the right password only',
        async () => {
            const carol = await gateway.person();
            sql(`UPDATE agent.users SET is_active = false WHERE id = ${literal(carol.id)}`);

            await everywhere({ Authorization: `Bearer ${carol.token}` }, 403, 'User is inactive');
            isError(await carol.post('/conversations', '{'), 403, 'User is inactive');
            const login = (password) => gateway.request('POST', '/auth/login',
                { body: { email: carol.email, password } });
            isError(await login(carol.password), 403, 'User is inactive');
            isError(await login('wrong'), 401, 'Incorrect email or password');

            sql(`UPDATE agent.users SET is_active = true WHERE id = ${literal(carol.id)}`);
            assert.equal((await carol.get('/auth/me')).json.is_active, true);
        });

    test('a user who was deleted is 401 everywhere, and may register anew', async () => {
        const carol = await gateway.person();
        sql(`DELETE FROM agent.users WHERE id = ${literal(carol.id)}`);

        await everywhere({ Authorization: `Bearer ${carol.token}` }, 401, 'User not found');
        const { email, username, password } = carol;
        isError(await gateway.request('POST', '/auth/login', { body: { email, password } }),
            401, 'Incorrect email or password');
        const again = await gateway.person({ email, username, password });
        assert.notEqual(again.id, carol.id);
        isError(await carol.get('/auth/me'), 401, 'User not found');
    });
});
