// Which e-mail addresses are valid, and which of them are the same.

import assert from 'node:assert/strict';
import { all, everyGateway, isError, isFaulty, newcomer, noEmail } from './classic.mjs';

// A name of its own, so that the address is nobody's yet.
const own = () => newcomer().username;

everyGateway((gateway, test) => {
    const register = (email, as = newcomer()) =>
        gateway.request('POST', '/auth/register', { body: { ...as, email } });

    test('an address that could be delivered is accepted and comes back as sent', async () => {
        await all([`${own()}@example.com`, `${own()}+tag@example.com`,
            `${own()}.two.three@example.com`, `${own()}@sub.of.example.co.uk`,
            `${own()}@ex-ample--x.com`, `${own()}@1.example2.com`, `o'${own()}@example.com`,
            `_${own()}_@example.com`, `${own()}!#$%&*/=?^{|}~-@example.com`, `${own()}@e.io`,
            `1${own()}@123.com`,
            `${own()}${'x'.repeat(64 - 17)}@example.com`,
            `${own()}@${'x'.repeat(63)}.com`], async (email) => {
            const answer = await register(email);
            assert.equal(answer.status, 201, answer.text);
            assert.equal(answer.json.email, email);
        });
    });

    test('international addresses are accepted', async () => {
        await all([`学习${own()}@example.com`, `${own()}@例え.jp`, `${own()}@bücher.de`,
            `ñ${own()}@españa.es`, `${own()}@пример.рф`, `${own()}@xn--bcher-kva.de`],
        async (email) => {
            const answer = await register(email);
            assert.equal(answer.status, 201, answer.text);
        });
    });

    test('100 characters are accepted, 101 are not', async () => {
        const start = `${own()}@${'x'.repeat(60)}.`;
        const longest = start + `${'y'.repeat(100 - start.length - 4)}.com`;

        assert.equal(longest.length, 100);
        assert.equal((await register(longest)).status, 201);
        isFaulty(await register(`z${longest}`), [noEmail()]);
    });

    test('64 octets before the @-sign are accepted, 65 are not: octets, not characters',
        async () => {
            const name = own();
            const accented = `${name}${'é'.repeat(23)}`;

            assert.equal(Buffer.byteLength(`${accented}1`), 64);
            assert.equal((await register(`${accented}1@example.com`)).status, 201);
            isFaulty(await register(`${accented}12@example.com`), [noEmail()]);
            isFaulty(await register(`${'x'.repeat(65)}@example.com`), [noEmail()]);
        });

    test('an address without @-sign is refused with just these words', async () => {
        for (const email of ['', 'x', 'no address', 'example.com', 'name at example.com']) {
            isFaulty(await register(email), [noEmail(
                'value is not a valid email address: An email address must have an @-sign.')]);
        }
    });

    test('an address that could not be delivered is refused', async () => {
        await all(['@', '@example.com', 'name@', 'name@@example.com',
            'name@example.com@example.com', 'a@example.com,b@example.com', 'name@localhost',
            'name@com', '.name@example.com', 'name.@example.com', 'na..me@example.com',
            'name@.example.com', 'name@example.com.', 'name@example..com', 'name@.', 'name@..',
            'name@-example.com', 'name@example-.com', 'name@example.-com', 'name@example.com-',
            'name@exam_ple.com', 'name@exam ple.com', 'name@exam!ple.com', 'name@example.c*m',
            'name@example.com ', 'name@example.com\n', 'name@example.com\t', 'na\nme@example.com',
            'na\tme@example.com', 'na\rme@example.com', 'na\u0001me@example.com',
            'na\u007fme@example.com', 'name@exa\u0001mple.com', 'name@example.com\r\nBcc: x@x.com',
            'name@[127.0.0.1]', 'name@[IPv6:::1]', 'name@127.0.0.1', 'name@[example.com]',
            `name@${'x'.repeat(64)}.com`, 'name@example.com/', 'name@example.com>',
            'Name <name@example.com>', 'mailto:name@example.com?x', 'name@http://example.com',
            'name@exämple_.com', 'name@bü\u0001cher.de'],
        async (email) => isFaulty(await register(email), [noEmail()]));
    });

    test('an address of a megabyte is refused promptly', async () => {
        const started = performance.now();

        for (const email of ['x'.repeat(1_000_000), `x@${'x.'.repeat(500_000)}com`,
            '@'.repeat(1_000_000), `${'.'.repeat(1_000_000)}@x.com`]) {
            isFaulty(await register(email), [noEmail()]);
        }
        assert.ok(performance.now() - started < 4000);
    });

    test('the domain is stored in lower case, the rest as it was sent', async () => {
        const name = own().toUpperCase();
        const bob = newcomer();
        const answer = await register(`${name}@EXAMPLE.Com`, bob);

        assert.equal(answer.status, 201);
        assert.equal(answer.json.email, `${name}@example.com`);
        const token = await gateway.logIn({ email: `${name}@example.COM`, password: bob.password });
        const me = await gateway.request('GET', '/auth/me', { token });
        assert.equal(me.json.email, `${name}@example.com`);
    });

    test('case does not make another of an international address', async () => {
        const name = own();
        const bob = newcomer();
        const email = `ÄÑ${name}@bücher.de`;

        assert.equal((await register(email, bob)).status, 201);
        for (const same of [`äñ${name}@bücher.de`, `ÄÑ${name}@BÜCHER.DE`]) {
            isError(await register(same), 400, 'Email already registered', same);
            await gateway.logIn({ email: same, password: bob.password });
        }
        // A letter without its accent is another letter.
        assert.equal((await register(`an${name}@bücher.de`)).status, 201);
    });

    test('composed and decomposed letters are the same address', async () => {
        const name = own();
        const bob = newcomer();

        assert.equal((await register(`\u00e9${name}@example.com`, bob)).status, 201);
        isError(await register(`e\u0301${name}@example.com`), 400, 'Email already registered');
        isError(await register(`E\u0301${name}@example.com`), 400, 'Email already registered');
        await gateway.logIn({ email: `e\u0301${name}@example.com`, password: bob.password });
    });
});
