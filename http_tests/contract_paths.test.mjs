// Which paths and methods there are, and what comes before what.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { all, closed, everyGateway, isError, isFaulty, missing, noRole, noString, noUuid, nowhere,
    tooShort, tooSmall } from './classic.mjs';

const one = `/conversations/${nowhere}`;
const message = `/messages/${nowhere}`;
const served = {
    '/auth/register': ['POST'],
    '/auth/login': ['POST'],
    '/auth/refresh': ['POST'],
    '/auth/logout': ['POST'],
    '/auth/password': ['POST'],
    '/auth/sessions': ['GET'],
    '/auth/export': ['GET'],
    '/auth/me': ['DELETE', 'GET'],
    '/conversations': ['GET', 'POST'],
    [one]: ['DELETE', 'GET', 'PATCH'],
    [`${one}/messages`]: ['GET', 'POST'],
    [`${one}/fork`]: ['POST'],
    [message]: ['DELETE', 'PATCH'],
    '/health': ['GET'],
    '/ready': ['GET'],
    '/openapi.json': ['GET'],
    '/docs': ['GET']
};

everyGateway((gateway, test) => {
    let alice;
    let bob;

    before(async () => {
        alice = await gateway.person();
        bob = await gateway.person();
    });

    test('every path refuses every other method with 405 and names its own in Allow', async () => {
        for (const [path, own] of Object.entries(served)) {
            for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE',
                'PROPFIND', 'QUERY']) {
                if (!own.includes(method)) {
                    const answer = await gateway.request(method, path);
                    isError(answer, 405, 'Method Not Allowed', `${method} ${path}`);
                    const allowed = answer.headers.allow.split(/, */)
                        .filter((name) => !['HEAD', 'OPTIONS'].includes(name));
                    assert.deepEqual(allowed.sort(), own, `${method} ${path}`);
                }
            }
        }
    });

    test('HEAD is none of the methods, and its answer has no body', async () => {
        for (const path of ['/auth/login', '/auth/me', '/conversations', one, '/health']) {
            const answer = await gateway.request('HEAD', path);
            assert.equal(answer.status, 405, path);
            assert.equal(answer.text, '', path);
        }
    });

    test('any other path is 404, for any method, with a token and without', async () => {
        await all(['/', '/auth', '/auth/', '/nothing', '/auth/register/', '/auth/login/',
            '/auth/me/', '/conversations/', `${one}/`, `${one}/messages/`, '/health/', '/docs/',
            '//health', '/auth//me', '//', '/conversations//', '/conversations//messages',
            '/./health', '/auth/./me', '/auth/../health', '/auth/%2e/me', '/auth/../auth/me',
            '/Health', '/HEALTH', '/ready/', '/metrics', '/auth/Login', '/Conversations', `${one}/Messages`,
            '/conversations/a%2Fb', `${one}%2Fx`, '/auth%2Fme%2Fx', '/%2Fhealth', '/health%2F',
            '/health/x', '/auth/me/x', '/auth/login/x', `${one}/messages/x`, `${one}/x`,
            `${one}/fork/`, `${one}/Fork`, `${message}/`, `${message}/x`, '/auth/exports',
            `${one}/messages/${nowhere}`, '/health;x', '/health.json', '/health%20', '/health%3F',
            '/api/health', '/auth/register/login', '/healt', '/healthy', '/auth/signup',
            '/rpc/agent_http', '/rpc/agent_me', '/agent_users', '/agent_conversations',
            '/users', '/messages', '/health%C3%A9', '/*', '/nothing?x=/health', '/~', '/...'],
        async (path) => {
            for (const [method, token] of [['GET'], ['GET', alice.token], ['POST', alice.token]]) {
                isError(await gateway.request(method, path, { token }), 404, 'Not Found', method);
            }
        });
        for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
            isError(await gateway.request(method, '/nothing'), 404, 'Not Found', method);
        }
    });

    test('a path is decoded before it is matched', async () => {
        for (const path of ['/auth/%6De', '/%61uth/me', '/auth%2Fme', '/auth%2fme']) {
            assert.equal((await alice.get(path)).json.id, alice.id, path);
            isError(await gateway.request('GET', path), 401, 'Not authenticated', path);
            isError(await gateway.request('POST', path), 405, 'Method Not Allowed', path);
        }
        isError(await alice.get(`/conversations%2F${nowhere}`), 404, 'Conversation not found');
        isFaulty(await alice.get('/conversations%2Fx%2Fmessages'), [noUuid('x')]);
        // Once, not twice.
        isError(await alice.get('/auth/%256De'), 404, 'Not Found');
        isFaulty(await alice.get('/conversations/%2541'), [noUuid('%41')]);
    });

    test('a path that leads above the root or holds NUL or no UTF-8 is a 4xx', async () => {
        for (const path of ['/../health', '/..', '/%2e%2e/health', '/%00', '/health%00',
            '/%ff', '/health%ff', '/conversations/%00', '/conversations/%ff%fe', '/%',
            '/conversations/%zz', '/%u0041']) {
            const answer = await gateway.raw(`GET ${path} HTTP/1.1\r\nHost: x\r\n`
                + `Authorization: Bearer ${alice.token}\r\nConnection: close\r\n\r\n`);
            assert.match(answer, /^HTTP\/1\.1 4\d\d /, path);
        }
    });

    test('path and method come before the token, the body and the id', async () => {
        for (const token of [undefined, 'garbage', alice.token]) {
            isError(await gateway.request('POST', '/nothing', { token, body: '{' }),
                404, 'Not Found');
            isError(await gateway.request('PUT', '/conversations/garbage', { token, body: '{' }),
                405, 'Method Not Allowed');
            isError(await gateway.request('PUT', '/conversations?skip=x', { token }),
                405, 'Method Not Allowed');
            isError(await gateway.request('GET', '/auth/login', { token }),
                405, 'Method Not Allowed');
        }
    });

    test('without a token everything else is 401, whatever is wrong besides', async () => {
        for (const [method, path] of closed) {
            for (const [about, body, target] of [['nothing', undefined, path],
                ['broken JSON', '{', path], ['a list', '[]', path], ['an empty object', '{}', path],
                ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), path],
                ['a bad query', undefined, `${path}?skip=x&limit=-1&archived=maybe`],
                ['a bad id', '{}', path.replace(nowhere, 'garbage')]]) {
                const headers = method === 'GET' || method === 'DELETE'
                    ? {} : { 'Content-Type': 'application/json' };
                const options = { headers,
                    body: method === 'GET' || method === 'DELETE' ? undefined : body };

                isError(await gateway.request(method, target, options), 401, 'Not authenticated',
                    `${method} ${target}: ${about}`);
                isError(await gateway.request(method, target, { ...options, token: 'garbage' }),
                    401, 'Invalid token', `${method} ${target}: ${about}`);
            }
        }
    });

    test('body, path and query come before the look-up: 422 for whoever\'s conversation',
        async () => {
            const hers = await alice.begin('hers', 'hello');

            for (const id of [hers.id, nowhere]) {
                const there = `/conversations/${id}`;

                isFaulty(await bob.post(`${there}/messages`, { role: 'robot', content: '' }),
                    [noRole('robot'), tooShort('content', 1, '')]);
                isFaulty(await bob.post(`${there}/messages`, {}),
                    [missing('role', {}), missing('content', {})]);
                isFaulty(await bob.patch(there, { title: '' }), [tooShort('title', 1, '')]);
                isFaulty(await bob.get(`${there}/messages?skip=-1`), [tooSmall('skip', '-1')]);
                isError(await bob.post(`${there}/messages`, Buffer.from([0x22, 0xff, 0x22])),
                    400, 'There was an error parsing the body');
            }
        });

    test('all faults are named at once, of the path, then the query, then the body', async () => {
        isFaulty(await alice.get('/conversations/garbage/messages?limit=-1&skip=-1'),
            [noUuid('garbage'), tooSmall('skip', '-1'), tooSmall('limit', '-1')]);
        isFaulty(await alice.post('/conversations/garbage/messages', { content: 1, role: 2 }),
            [noUuid('garbage'), noString('role', 2), noString('content', 1)]);
        isFaulty(await alice.patch('/conversations/garbage', { title: '' }),
            [noUuid('garbage'), tooShort('title', 1, '')]);
    });

    test('health needs no token and minds no bad one', async () => {
        for (const Authorization of ['', 'Bearer garbage', 'Basic x', 'Bearer',
            `Bearer ${alice.token}x`]) {
            const answer = await gateway.request('GET', '/health', { headers: { Authorization } });
            assert.equal(answer.status, 200);
            assert.deepEqual(answer.json, { status: 'ok' });
        }
        assert.equal((await gateway.request('GET', '/health')).status, 200);
        assert.equal((await gateway.request('GET', '/health?x=1&skip=no')).status, 200);
        assert.equal((await gateway.request('GET', '/health?')).status, 200);
    });

    test('openapi.json describes every path in OpenAPI 3.1, without a token', async () => {
        const { status, json } = await gateway.request('GET', '/openapi.json');

        assert.equal(status, 200);
        assert.match(json.openapi, /^3\.1\.\d+$/);
        assert.equal(typeof json.info.title, 'string');
        assert.equal(typeof json.info.version, 'string');
        for (const [path, methods] of Object.entries(served)) {
            const name = path.replace(nowhere, path === message ? '{message_id}' : '{conversation_id}');

            if (!['/openapi.json', '/docs'].includes(path)) {
                assert.deepEqual(Object.keys(json.paths[name] ?? {})
                    .filter((key) => /^(get|post|put|patch|delete)$/.test(key)).sort(),
                methods.map((method) => method.toLowerCase()).sort(), name);
            }
        }
        const status_of = (path, method) =>
            Object.keys(json.paths[path][method].responses).find((code) => code < '300');
        assert.equal(status_of('/auth/register', 'post'), '201');
        assert.equal(status_of('/auth/login', 'post'), '200');
        assert.equal(status_of('/conversations', 'post'), '201');
        assert.equal(status_of('/conversations/{conversation_id}', 'delete'), '204');
        assert.equal(status_of('/conversations/{conversation_id}/messages', 'post'), '201');

        // Every reference within it leads somewhere.
        for (const [, pointer] of JSON.stringify(json).matchAll(/"\$ref":"#\/([^"]*)"/g)) {
            assert.notEqual(pointer.split('/').reduce((found, key) => found?.[key], json),
                undefined, pointer);
        }
    });

    test('docs is a page that shows it, without a token', async () => {
        const answer = await gateway.request('GET', '/docs');

        assert.equal(answer.status, 200);
        assert.match(answer.headers['content-type'], /^text\/html/);
        assert.match(answer.text, /openapi\.json|\/auth\/login/);
    });
});
