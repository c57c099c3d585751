// Entity tags over HTTP: what has not changed is not sent again, and what is kept is kept
// by whoever asked.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { everyGateway, isError } from './classic.mjs';

everyGateway((gateway, test) => {
    let alice;
    let bob;
    let talk;
    const known = (etag) => ({ 'If-None-Match': etag });

    before(async () => {
        alice = await gateway.person();
        bob = await gateway.person();
        talk = await alice.begin('talk');
        await alice.post(`/conversations/${talk.id}/messages`, { role: 'user', content: 'one' });
    });

    const targets = () => ['/auth/me', '/conversations', '/conversations?cursor=', `/conversations/${talk.id}`,
        `/conversations/${talk.id}/messages`, `/conversations/${talk.id}/messages?cursor=`];

    test('a read has a tag, and is not sent to whoever has it', async () => {
        for (const target of targets()) {
            const first = await alice.get(target);
            const again = await alice.get(target, known(first.headers.etag));

            assert.equal(first.status, 200, target);
            assert.match(first.headers.etag, /^"[0-9a-f]{32}"$/, target);
            for (const { headers } of [first, again]) {
                assert.equal(headers['cache-control'], 'private, no-cache', target);
                assert.match(headers.vary, /Authorization/, target);
                assert.equal(headers['x-content-type-options'], 'nosniff', target);
            }
            assert.equal(again.status, 304, target);
            assert.equal(again.text, '', target);
            assert.equal(again.headers.etag, first.headers.etag, target);
            assert.equal((await alice.get(target, known(`"x", W/${first.headers.etag}`))).status, 304, target);
            assert.equal((await alice.get(target, known('"x"'))).status, 200, target);
        }
    });

    test('a message changes what shows it, and is read at once', async () => {
        const tags = await Promise.all(targets().map(async (target) => (await alice.get(target)).headers.etag));

        await alice.post(`/conversations/${talk.id}/messages`, { role: 'user', content: 'two' });
        const answers = await Promise.all(targets().map((target, n) => alice.get(target, known(tags[n]))));
        assert.deepEqual(answers.map(({ status }) => status), [304, 200, 200, 200, 200, 200]);
        assert.equal(answers[3].json.message_count, 2);
        assert.equal(answers[4].json.at(-1).content, 'two');
    });

    test('no tag opens what is another person\'s', async () => {
        const { headers: { etag } } = await alice.get(`/conversations/${talk.id}`);

        for (const tag of [etag, '*']) {
            for (const target of targets().slice(3)) {
                isError(await bob.get(target, known(tag)), 404, 'Conversation not found');
            }
            isError(await gateway.request('GET', '/conversations', { headers: known(tag) }), 401, 'Not authenticated');
        }
        assert.equal((await bob.get('/conversations', known(etag))).status, 200);
    });

    test('what is no read, or an error, is not to be kept', async () => {
        const answers = [await alice.get('/auth/sessions'), await alice.get('/search?q=one'), await alice.get('/nothing'),
            await alice.get('/conversations/x'), await alice.post('/conversations', { title: 'x' }, known('*')),
            await gateway.request('GET', '/health')];

        for (const { status, headers } of answers) {
            assert.notEqual(status, 304);
            assert.equal(headers['cache-control'], 'no-store');
            assert.equal(headers.etag, undefined);
        }
    });

    test('a header that is not ASCII is none', async () => {
        const { headers: { etag } } = await alice.get('/conversations');
        const answer = await gateway.raw(Buffer.from('GET /conversations HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
            + `Authorization: Bearer ${alice.token}\r\nIf-None-Match: \xff, ${etag}\r\n\r\n`, 'latin1'));

        assert.match(answer, /^HTTP\/1\.1 200 /);
    });
});
