// /metrics and /ready: for those who watch the service, and nobody's data.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { all, everyGateway, isError } from './classic.mjs';
import { literal, sql } from './psql.mjs';

const token = 'a token of 32 characters'.replaceAll(' ', '-').padEnd(32, 'x');

everyGateway((gateway, test) => {
    // Sets the token, for sessions that are there too, or takes it away.
    async function configure(value) {
        sql(value === null ? 'ALTER SYSTEM RESET agent.metrics_token'
            : `ALTER SYSTEM SET agent.metrics_token = ${literal(value)}`);
        sql('SELECT pg_reload_conf()');
        for (let n = 0; n < 100; n++) {
            const { status } = await gateway.send('GET', '/metrics');

            if (status === (value === null ? 404 : 401)) {
                break;
            }
            await sleep(100);
        }
        // Other connections take it over with their next request.
        await sleep(500);
    }

    before(() => configure(token));
    after(() => configure(null));

    // Returns how often a path was answered with a status.
    async function count(method, path, status) {
        const { text } = await gateway.send('GET', '/metrics', { token });
        const line = `agent_http_requests_total{method="${method}",path="${path}",status="${status}"} `;

        return Number(text.split('\n').find((one) => one.startsWith(line))?.slice(line.length) ?? 0);
    }

    test('the token opens it, and it is the text that Prometheus reads', async () => {
        const { status, headers, text } = await gateway.send('GET', '/metrics', { token });

        assert.equal(status, 200);
        assert.match(headers['content-type'], /^text\/plain; ?version=0\.0\.4; ?charset=utf-8$/);
        assert.match(text, /^# HELP agent_calls_total [^\n]+\n# TYPE agent_calls_total counter\n/m);
        assert.match(text, /^agent_preloaded 1$/m);
        assert.ok(text.endsWith('\n'));
    });

    test('nothing else does', async () => {
        const { token: alices } = await gateway.person();

        await all([[undefined, 'Not authenticated'], ['Bearer', 'Not authenticated'],
            ['Bearer x', 'Invalid token'], [`Bearer ${alices}`, 'Invalid token'],
            [`Bearer ${token}x`, 'Invalid token'], [`Bearer ${token.slice(1)}`, 'Invalid token'],
            [`Bearer ${token.toUpperCase()}`, 'Invalid token'],
            [`Basic ${token}`, 'Invalid authentication credentials']], async ([value, detail]) => {
            const headers = value === undefined ? {} : { Authorization: value };

            isError(await gateway.request('GET', '/metrics', { headers }), 401, detail);
        });
        isError(await gateway.request('POST', '/metrics', { token }), 405, 'Method Not Allowed');
        isError(await gateway.request('GET', `/metrics?token=${token}`), 401, 'Not authenticated');
        // Nor is it good for anything else.
        isError(await gateway.request('GET', '/auth/me', { token }), 401, 'Invalid token');
    });

    test('requests are counted by their templates, and say nothing of who sent them', async () => {
        const bob = await gateway.person();
        const path = '/conversations/{conversation_id}';
        const { id } = await bob.begin('a title to be kept', 'and a message');
        const earlier = [await count('GET', path, 200), await count('GET', path, 422),
            await count('other', 'other', 404)];

        await bob.get(`/conversations/${id}`);
        await bob.get('/conversations/x');
        await bob.get('/no-such-path');
        assert.deepEqual([await count('GET', path, 200), await count('GET', path, 422),
            await count('other', 'other', 404)], earlier.map((n) => n + 1));
        const { text } = await gateway.send('GET', '/metrics', { token });
        for (const secret of [bob.email, bob.username, bob.id, id, 'a title', 'no-such', token]) {
            assert.ok(!text.includes(secret), secret);
        }
    });

    test('ready needs no token, minds no bad one, and tells whether writes work', async () => {
        for (const headers of [{}, { Authorization: 'Bearer garbage' }, { Authorization: 'Basic x' }]) {
            const answer = await gateway.request('GET', '/ready', { headers });

            assert.equal(answer.status, 200);
            assert.deepEqual(answer.json, { status: 'ready', writable: true });
        }
    });
});
