// Many at once: order, counts, and who of several wins.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { everyGateway, isError, newcomer } from './classic.mjs';

const times = (count, each) => Promise.all(Array.from({ length: count }, (_, n) => each(n)));
const statuses = (answers) => answers.map(({ status }) => status).sort();
const sorted = (list) => [...list].sort();

everyGateway((gateway, test) => {
    let alice;

    before(async () => {
        alice = await gateway.person();
    });

    // Posts as several writers, each one message after another; returns the messages, with when
    // each was sent and when answered.
    async function write(id, writers, each) {
        const posted = await times(writers, async (writer) => {
            const own = [];

            for (let n = 0; n < each; n++) {
                const sent = performance.now();
                const answer = await alice.post(`/conversations/${id}/messages`,
                    { role: 'user', content: `${writer}/${n}` });
                assert.equal(answer.status, 201, answer.text);
                own.push({ ...answer.json, sent, answered: performance.now() });
            }
            return own;
        });
        return posted.flat();
    }

    test('messages of parallel writers are listed in the order they were accepted', async () => {
        const { id } = await alice.begin('written at once');
        const posted = new Map((await write(id, 8, 15)).map((each) => [each.id, each]));
        const { json } = await alice.get(`/conversations/${id}/messages?limit=1000`);

        assert.equal(json.length, 120);
        assert.equal(new Set(json.map((message) => message.id)).size, 120);
        // One that was answered before another was sent is listed before it.
        let latest = 0;
        for (const message of json) {
            const { sent, answered } = posted.get(message.id);
            assert.ok(answered > latest, `${message.content} is listed too late`);
            latest = Math.max(latest, sent);
        }
        assert.deepEqual(json.map(({ created_at }) => created_at),
            sorted(json.map(({ created_at }) => created_at)), 'created_at runs backwards');

        const { message_count, updated_at } = (await alice.get(`/conversations/${id}`)).json;
        assert.equal(message_count, 120);
        assert.ok(updated_at >= json.at(-1).created_at);
    });

    test('pages that are read while others write have no gap and nothing twice', async () => {
        const { id } = await alice.begin('read while written');
        let done = false;
        const writing = write(id, 4, 25).finally(() => {
            done = true;
        });
        const pages = [];

        for (let last = false, json = []; !last || json.length > 0;) {
            last = done;
            ({ json } = await alice.get(
                `/conversations/${id}/messages?skip=${pages.length}&limit=7`));
            pages.push(...json);
            assert.ok(pages.length <= 100);
        }
        await writing;
        const { json } = await alice.get(`/conversations/${id}/messages?limit=1000`);
        assert.deepEqual(pages, json);
    });

    test('conversations of parallel writers are listed newest first, each once', async () => {
        const bob = await gateway.person();
        const made = await times(40, (n) => bob.begin(`number ${n}`, n % 2 ? 'x' : undefined));
        const { json } = await bob.get('/conversations?limit=1000');

        assert.deepEqual(sorted(json.map(({ id }) => id)), sorted(made.map(({ id }) => id)));
        const created = json.map(({ created_at }) => created_at);
        assert.deepEqual(created, sorted(created).reverse(), 'created_at runs backwards');

        // The order is the same each time, also between those of one moment.
        const pages = [];
        for (let skip = 0; skip < 40; skip += 3) {
            pages.push(...(await bob.get(`/conversations?skip=${skip}&limit=3`)).json);
        }
        assert.deepEqual(pages, json);
    });

    test('pages of conversations that are read while others begin miss none that was there',
        async () => {
            const bob = await gateway.person();
            const there = (await times(20, (n) => bob.begin(`number ${n}`))).map(({ id }) => id);
            let done = false;
            const beginning = times(3, async () => {
                for (let n = 0; n < 15; n++) {
                    await bob.begin('later');
                }
            }).finally(() => {
                done = true;
            });

            while (!done) {
                const seen = [];
                for (let skip = 0, json = [0]; json.length > 0; skip += json.length) {
                    ({ json } = await bob.get(`/conversations?skip=${skip}&limit=6`));
                    const created = json.map(({ created_at }) => created_at);
                    assert.deepEqual(created, sorted(created).reverse());
                    seen.push(...json.map(({ id }) => id));
                    assert.ok(seen.length < 1000, 'the pages have no end');
                }
                // What is begun between two pages moves the rest down: seen twice, never missed.
                assert.deepEqual(there.filter((id) => !seen.includes(id)), []);
            }
            await beginning;
        });

    test('of parallel deletes one is 204, the others 404', async () => {
        for (let round = 0; round < 5; round++) {
            const { id } = await alice.begin('deleted at once', 'hello');
            const answers = await times(10, () => alice.delete(`/conversations/${id}`));

            assert.deepEqual(statuses(answers), [204, ...Array(9).fill(404)]);
            for (const answer of answers.filter(({ status }) => status === 404)) {
                isError(answer, 404, 'Conversation not found');
            }
        }
    });

    test('a delete amid posts: each post is 201 or 404, and nothing is left', async () => {
        const { id } = await alice.begin('deleted amid posts');
        const there = `/conversations/${id}`;
        const [deleted, ...posted] = await Promise.all([alice.delete(there),
            ...Array.from({ length: 20 }, () =>
                alice.post(`${there}/messages`, { role: 'user', content: 'x' })),
            ...Array.from({ length: 5 }, () => alice.patch(there, { title: 'y' }))]);

        assert.equal(deleted.status, 204);
        for (const answer of posted) {
            assert.ok([200, 201, 404].includes(answer.status), answer.text);
        }
        isError(await alice.get(there), 404, 'Conversation not found');
    });

    test('parallel changes each answer with what they made, and none is lost', async () => {
        const { id } = await alice.begin('changed at once');
        const answers = await times(20, (n) => alice.patch(`/conversations/${id}`,
            n % 2 ? { title: `number ${n}` } : { is_archived: true }));

        answers.forEach(({ status, json }, n) => {
            assert.equal(status, 200);
            assert.ok(n % 2 ? json.title === `number ${n}` : json.is_archived === true);
        });
        const { json } = await alice.get(`/conversations/${id}`);
        assert.equal(json.is_archived, true);
        assert.match(json.title, /^number /);
        const moved = sorted(answers.map((answer) => answer.json.updated_at));
        assert.equal(json.updated_at, moved.at(-1));
    });

    test('of parallel registrations of one address one is 201, the rest 400', async () => {
        const { email, password } = newcomer();
        const answers = await times(6, (n) => gateway.request('POST', '/auth/register', {
            body: { ...newcomer(), email: n % 2 ? email.toUpperCase() : email, password } }));

        assert.deepEqual(statuses(answers), [201, ...Array(5).fill(400)]);
        for (const answer of answers.filter(({ status }) => status === 400)) {
            isError(answer, 400, 'Email already registered');
        }
        await gateway.logIn({ email, password });
    });

    test('of parallel registrations of one name one is 201, the rest 400', async () => {
        const { username } = newcomer();
        const answers = await times(6, () => gateway.request('POST', '/auth/register',
            { body: { ...newcomer(), username } }));

        assert.deepEqual(statuses(answers), [201, ...Array(5).fill(400)]);
        for (const answer of answers.filter(({ status }) => status === 400)) {
            isError(answer, 400, 'Username already taken');
        }
    });

    test('of parallel registrations of one address and name the losers hear of the address',
        async () => {
            const bob = newcomer();
            const answers = await times(6, () =>
                gateway.request('POST', '/auth/register', { body: bob }));

            assert.deepEqual(statuses(answers), [201, ...Array(5).fill(400)]);
            for (const answer of answers.filter(({ status }) => status === 400)) {
                isError(answer, 400, 'Email already registered');
            }
        });

    test('200 requests at once are all answered', async () => {
        const { id } = await alice.begin('busy', 'hello');
        const answers = await times(200, (n) => [
            () => gateway.request('GET', '/health'), () => alice.get('/conversations'),
            () => alice.get(`/conversations/${id}/messages`), () => alice.get('/auth/me'),
            () => alice.post(`/conversations/${id}/messages`, { role: 'user', content: 'x' })
        ][n % 5]());

        assert.deepEqual([...new Set(statuses(answers))], [200, 201]);
        assert.equal((await alice.get(`/conversations/${id}`)).json.message_count, 41);
    });
});
