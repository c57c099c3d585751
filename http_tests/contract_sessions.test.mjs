// Sessions over HTTP: refresh, many at once and too late, logout, password, the account's end.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { everyGateway, isError } from './classic.mjs';

everyGateway((gateway, test) => {
    let sam;

    before(async () => {
        sam = await gateway.person();
    });

    // Logs in and asks for a refresh token.
    async function session(password = sam.password) {
        const answer = await gateway.request('POST', '/auth/login',
            { body: { email: sam.email, password, refresh: true } });

        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(Object.keys(answer.json),
            ['access_token', 'token_type', 'expires_in', 'refresh_token']);
        return answer.json;
    }

    const refresh = (refresh_token) =>
        gateway.request('POST', '/auth/refresh', { body: { refresh_token } });
    const me = (token) => gateway.request('GET', '/auth/me', { token });

    test('a login gives a refresh token only when it is asked for', async () => {
        for (const extra of [{}, { refresh: false }, { refresh: null }]) {
            const { json } = await gateway.request('POST', '/auth/login',
                { body: { email: sam.email, password: sam.password, ...extra } });

            assert.deepEqual(Object.keys(json), ['access_token', 'token_type']);
        }
        assert.equal((await session()).token_type, 'bearer');
    });

    test('a refresh token gives the next pair, whose access token is good', async () => {
        const first = await session();
        const { status, json } = await refresh(first.refresh_token);

        assert.equal(status, 200);
        assert.deepEqual(Object.keys(json), Object.keys(first));
        assert.notEqual(json.refresh_token, first.refresh_token);
        assert.equal((await me(json.access_token)).json.id, sam.id);
        assert.equal((await me(first.access_token)).status, 200, 'the old one lasts until it expires');
    });

    test('50 refreshes at once give one and the same token, and nobody is signed out', async () => {
        const first = await session();
        const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(first.refresh_token)));
        const tokens = new Set(answers.map(({ json }) => json.refresh_token));

        assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
        assert.equal(tokens.size, 1);
        assert.equal((await refresh([...tokens][0])).status, 200);
    });

    test('an old token ends the session, access token included, and no other session', async () => {
        const first = await session();
        const other = await session();
        const second = (await refresh(first.refresh_token)).json;
        const third = (await refresh(second.refresh_token)).json;

        isError(await refresh(first.refresh_token), 401, 'Invalid refresh token');
        isError(await refresh(third.refresh_token), 401, 'Invalid refresh token');
        isError(await me(third.access_token), 401, 'Invalid token');
        assert.equal((await me(other.access_token)).status, 200);
    });

    test('sessions are listed, newest first, and the one that asks is marked', async () => {
        const { access_token: token } = await session();
        const { json } = await gateway.request('GET', '/auth/sessions', { token });

        assert.ok(json.length > 1);
        assert.deepEqual(Object.keys(json[0]),
            ['id', 'created_at', 'last_used_at', 'expires_at', 'user_agent', 'address', 'is_current']);
        assert.deepEqual(json.map(({ is_current }) => is_current), json.map((_, n) => n === 0));
        assert.deepEqual(json, [...json].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)));
    });

    test('logout ends this session, the others, or all', async () => {
        const out = (token, body) => gateway.request('POST', '/auth/logout', { token, body });
        const [a, b, c] = [await session(), await session(), await session()];

        assert.equal((await out(a.access_token)).status, 204);
        isError(await me(a.access_token), 401, 'Invalid token');
        isError(await refresh(a.refresh_token), 401, 'Invalid refresh token');
        assert.equal((await out(b.access_token, { scope: 'others' })).status, 204);
        isError(await me(c.access_token), 401, 'Invalid token');
        isError(await me(sam.token), 401, 'Invalid token');
        assert.equal((await out(b.access_token, { scope: 'global' })).status, 204);
        isError(await me(b.access_token), 401, 'Invalid token');
    });

    test('a change of the password ends every other session, and the old password', async () => {
        const [a, b] = [await session(), await session()];
        const change = (current_password, new_password) => gateway.request('POST', '/auth/password',
            { token: a.access_token, body: { current_password, new_password } });

        isError(await change('wrong', 'new secret'), 400, 'Incorrect password');
        assert.equal((await me(b.access_token)).status, 200);
        assert.equal((await change(sam.password, 'new secret')).status, 204);
        assert.equal((await me(a.access_token)).status, 200);
        isError(await me(b.access_token), 401, 'Invalid token');
        isError(await gateway.request('POST', '/auth/login',
            { body: { email: sam.email, password: sam.password } }), 401, 'Incorrect email or password');
        sam.password = 'new secret';
        await session();
    });

    test('an account is deleted with its password, and its address is free again', async () => {
        const { access_token: token } = await session();
        const end = (password) => gateway.request('DELETE', '/auth/me', { token, body: { password } });

        isError(await end('wrong'), 400, 'Incorrect password');
        assert.equal((await end(sam.password)).status, 204);
        isError(await me(token), 401, 'User not found');
        assert.equal((await gateway.request('POST', '/auth/register',
            { body: { email: sam.email, username: sam.username, password: 'another' } })).status, 201);
    });
});
