// Limits of the database, seen over HTTP: a status, when to come again, and whom they do not hold up.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { everyGateway, isError, newcomer } from './classic.mjs';
import { literal, sql } from './psql.mjs';

const settings = {
    'agent.login_account_burst': '3', 'agent.login_account_interval': '1h',
    'agent.trusted_address_header': 'x-forwarded-for',
};

everyGateway((gateway, test, name) => {
    const address = (number) => `127.0.1.${number + (name === 'direct' ? 0 : 100)}`;
    let lia;
    let max;

    const login = (person, password, from) => gateway.request('POST', '/auth/login',
        { body: { email: person.email, password }, from, headers: { 'X-Forwarded-For': '192.0.2.1' } });

    before(async () => {
        [lia, max] = [await gateway.person(), await gateway.person()];
        for (const [setting, value] of Object.entries(settings)) {
            sql(`ALTER SYSTEM SET ${setting} = ${literal(value)}`);
        }
        sql('SELECT pg_reload_conf()');
        await sleep(500);
    });

    after(async () => {
        for (const setting of Object.keys(settings)) {
            sql(`ALTER SYSTEM RESET ${setting}`);
        }
        sql('SELECT pg_reload_conf()');
        await sleep(500);
    });

    test('a login is known by the address that the gateway saw, whatever a client claims', async () => {
        const { json } = await login(lia, lia.password, address(1));
        const { json: sessions } = await gateway.request('GET', '/auth/sessions', { token: json.access_token });

        assert.equal(sessions.find(({ is_current }) => is_current).address, address(1));
    });

    test('too many wrong passwords are 429 with Retry-After, also with the right one', async () => {
        for (let i = 0; i < 3; i++) {
            isError(await login(lia, 'wrong', address(2)), 401, 'Incorrect email or password');
        }
        for (const password of ['wrong', lia.password]) {
            const answer = await login(lia, password, address(2));

            isError(answer, 429, 'Too many requests');
            assert.ok(Number(answer.headers['retry-after']) > 3000, answer.headers['retry-after']);
        }
    });

    test('nobody else is held up, nor is whoever has logged in from there before', async () => {
        assert.equal((await login(max, max.password, address(2))).status, 200);
        assert.equal((await login(lia, lia.password, address(1))).status, 200);
        assert.equal((await gateway.request('GET', '/auth/me', { token: lia.token })).status, 200);
    });

    test('an account that does not exist is limited alike', async () => {
        const nobody = newcomer();
        const statuses = [];

        for (let i = 0; i < 4; i++) {
            statuses.push((await login(nobody, 'wrong', address(3))).status);
        }
        assert.deepEqual(statuses, [401, 401, 401, 429]);
    });

    test('what was refused is in the audit, with its address', async () => {
        for (let i = 0; i < 50; i++) {
            const events = sql(`SELECT string_agg(DISTINCT event, ' ' ORDER BY event) FROM agent.audit
                WHERE address = ${literal(address(2))}`);

            if (events === 'login login_failed rate_limit') {
                return;
            }
            await sleep(100);
        }
        assert.fail('it is not');
    });
});
