// Accounts: register, log in, who am I.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { open } from './jwt.mjs';
import { everyGateway, isError, isFaulty, missing, newcomer, noEmail, noString, timestamp, tooLong,
    tooShort, uuid } from './classic.mjs';

const register = '/auth/register';
const login = '/auth/login';

everyGateway((gateway, test) => {
    let alice;
    const post = (path, body, headers) => gateway.request('POST', path, { body, headers });

    before(async () => {
        alice = await gateway.person();
    });

    test('register answers 201 with just id, email, username, is_active, created_at', () => {
        const { status, json } = alice.registered;

        assert.equal(status, 201);
        assert.deepEqual(Object.keys(json), ['id', 'email', 'username', 'is_active', 'created_at']);
        assert.match(json.id, uuid);
        assert.equal(json.email, alice.email);
        assert.equal(json.username, alice.username);
        assert.equal(json.is_active, true);
        assert.match(json.created_at, timestamp);
        assert.ok(Math.abs(Date.parse(json.created_at) - Date.now()) < 60_000, json.created_at);
    });

    test('me answers as register did', async () => {
        const me = await alice.get('/auth/me');

        assert.equal(me.status, 200);
        assert.equal(me.text, alice.registered.text);
    });

    test('login answers 200 with just access_token and token_type', async () => {
        const { email, password } = alice;
        const { status, json } = await post(login, { email, password });

        assert.equal(status, 200);
        assert.deepEqual(Object.keys(json), ['access_token', 'token_type']);
        assert.equal(json.token_type, 'bearer');
    });

    test('the token is HS256, of the user, for 30 minutes', () => {
        const { header, claims } = open(alice.token);

        assert.equal(alice.token.split('.').length, 3);
        assert.equal(header.alg, 'HS256');
        assert.equal(claims.sub, alice.id);
        assert.equal(claims.exp - claims.iat, 1800);
        assert.ok(Math.abs(claims.exp - 1800 - Date.now() / 1000) < 120, `exp ${claims.exp}`);
    });

    test('a wrong or empty password and an unknown address are the same 401', async () => {
        const wrong = await post(login, { email: alice.email, password: `${alice.password}x` });
        isError(wrong, 401, 'Incorrect email or password');

        for (const body of [{ email: newcomer().email, password: alice.password },
            { email: alice.email, password: '' }, { email: alice.email, password: 'short' },
            { email: alice.email, password: ` ${alice.password}` },
            { email: alice.email, password: `${alice.password} ` },
            { email: alice.email, password: alice.password.toUpperCase() },
            { email: '', password: '' }, { email: 'no address', password: alice.password },
            { email: ` ${alice.email}`, password: alice.password }]) {
            const answer = await post(login, body);
            assert.equal(answer.status, 401, body.email);
            assert.equal(answer.text, wrong.text);
        }
    });

    test('login takes the address in any case', async () => {
        const email = alice.email.toUpperCase();

        assert.equal(open(await gateway.logIn({ email, password: alice.password })).claims.sub,
            alice.id);
    });

    test('login and register mind no bad token', async () => {
        for (const Authorization of ['Bearer garbage', 'Basic x', 'Bearer']) {
            const { email, password } = alice;
            const answer = await post(login, { email, password }, { Authorization });
            assert.equal(answer.status, 200, Authorization);
        }
        const answer = await post(register, newcomer(), { Authorization: 'Bearer garbage' });
        assert.equal(answer.status, 201);
    });

    test('an address that is taken is 400, in whatever case', async () => {
        for (const email of [alice.email, alice.email.toUpperCase(),
            alice.email.replace('example.com', 'EXAMPLE.com'),
            `P${alice.email.slice(1)}`]) {
            isError(await post(register, { ...newcomer(), email }), 400,
                'Email already registered', email);
        }
    });

    test('a username that is taken is 400', async () => {
        isError(await post(register, { ...newcomer(), username: alice.username }), 400,
            'Username already taken');
    });

    test('when both are taken the address is named', async () => {
        const bob = newcomer();
        assert.equal((await post(register, bob)).status, 201);

        isError(await post(register, { ...newcomer(), email: alice.email, username: bob.username }),
            400, 'Email already registered');
        isError(await post(register, { ...newcomer(), email: alice.email.toUpperCase(),
            username: alice.username }), 400, 'Email already registered');
    });

    test('a registration that failed leaves nothing behind', async () => {
        const dora = newcomer();

        assert.equal((await post(register, { ...dora, username: alice.username })).status, 400);
        assert.equal((await post(register, { ...dora, email: alice.email })).status, 400);
        assert.equal((await post(register, { ...dora, password: 'short' })).status, 422);
        assert.equal((await post(register, dora)).status, 201);
    });

    test('faults come before what is taken', async () => {
        isFaulty(await post(register, { ...newcomer(), email: alice.email, password: '12345' }),
            [tooShort('password', 6)]);
    });

    test('a username has 3 to 50 characters, which are code points, and comes back as sent',
        async () => {
            const tail = newcomer().username.slice(-6);
            const wide = (length) => tail + '\u{1F600}'.repeat(length - tail.length);

            for (const username of [tail.slice(0, 2) + '\u{1F600}', wide(50), `${tail}e\u0301`,
                ` ${tail} `, `${tail}"\\/<>`, `学习${tail}`]) {
                const answer = await post(register, { ...newcomer(), username });
                assert.equal(answer.status, 201, answer.text);
                assert.equal(answer.json.username, username);
            }
            for (const username of ['', 'ab', '\u{1F600}\u{1F600}', 'e\u0301']) {
                isFaulty(await post(register, { ...newcomer(), username }),
                    [tooShort('username', 3)], username);
            }
            for (const username of ['x'.repeat(51), wide(51), 'x'.repeat(100_000)]) {
                isFaulty(await post(register, { ...newcomer(), username }),
                    [tooLong('username', 50)]);
            }
        });

    test('a password has 6 characters at least, which are code points', async () => {
        for (const password of ['123456', '      ', '\u{1F600}'.repeat(6)]) {
            const bob = { ...newcomer(), password };
            assert.equal((await post(register, bob)).status, 201, password);
            await gateway.logIn(bob);
        }
        for (const password of ['', '12345', '\u{1F600}'.repeat(5), 'e\u0301e\u0301e']) {
            isFaulty(await post(register, { ...newcomer(), password }),
                [tooShort('password', 6)], password);
        }
    });

    test('every character of a password counts, however long it is', async () => {
        const bob = { ...newcomer(), password: `${'ü'.repeat(5000)}1` };

        assert.equal((await post(register, bob)).status, 201);
        await gateway.logIn(bob);
        for (const password of ['ü'.repeat(5000), `${'ü'.repeat(5000)}2`, 'ü'.repeat(36),
            `${'ü'.repeat(4999)}1`]) {
            isError(await post(login, { email: bob.email, password }), 401,
                'Incorrect email or password');
        }
    });

    test('register names every fault at once, in the order of the fields', async () => {
        isFaulty(await post(register, { password: '12345', username: 'ab', email: 'no address' }),
            [noEmail('value is not a valid email address: An email address must have an @-sign.'),
                tooShort('username', 3), tooShort('password', 6)]);
        isFaulty(await post(register, {}), [missing('email', null), missing('username', null),
            missing('password', null)]);
        isFaulty(await post(register, { username: 1 }), [missing('email', null),
            noString('username'), missing('password', null)]);
    });

    test('register and login take texts for texts alone', async () => {
        for (const value of [null, 1, 1.5, true, [], ['x'], {}, { x: 1 }]) {
            isFaulty(await post(register, { email: value, username: value, password: value }),
                [noString('email'), noString('username'), noString('password')], value);
            isFaulty(await post(login, { email: value, password: value }),
                [noString('email'), noString('password')], value);
        }
        isFaulty(await post(login, {}), [missing('email', null), missing('password', null)]);
        isFaulty(await post(login, { email: alice.email }), [missing('password', null)]);
    });

    test('what is not asked for is ignored, and cannot be set', async () => {
        const bob = newcomer();
        const answer = await post(register, { ...bob, id: alice.id, is_active: false,
            created_at: '2000-01-01T00:00:00Z', password_hash: 'x', role: 'admin', user_id: 1 });

        assert.equal(answer.status, 201);
        assert.notEqual(answer.json.id, alice.id);
        assert.equal(answer.json.is_active, true);
        assert.ok(Date.parse(answer.json.created_at) > Date.now() - 60_000);
        assert.equal((await post(login, { ...bob, username: 1, otp: 'x' })).status, 200);
    });
});
