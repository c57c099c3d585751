// Texts come back exactly as they were sent, in any script and however they were written.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { all, everyGateway } from './classic.mjs';

const texts = ['你好，世界', '日本語テキスト', 'Ελληνικά', 'Русский', 'हिन्दी', 'ภาษาไทย',
    '\u{1F468}\u200d\u{1F469}\u200d\u{1F467}', '\u{1F1E9}\u{1F1EA}', '\u{1F44D}\u{1F3FD}',
    'e\u0301', '\u00e9', '\u1e69 s\u0323\u0307', 'Å\u212b', 'ﬁ', 'İıŞß', 'שלום', 'مرحبا',
    '\u202eright to left\u202c', '"double" \'single\' `back`', 'back\\slash \\n \\u0041 \\\\',
    'line\nline\r\nline\rline', '\ttab\tstop\t', ' leading and trailing ', '\n\n', '   ',
    '\u00a0no break\u00a0', '\u3000wide\u3000', 'a\u2028b\u2029c', '\ufeffin front', 'with\ufeffin',
    '\uffff', '\ufffe\ufffd', '\u{10FFFF}', '\u0001\u0002\u001f\u007f\u0080\u009f',
    '\b\f\v', '</script><!-- &amp; & < >', '%s %d %00 %5C', '$1 $$ {} {0}', "'; DROP TABLE x; --",
    'null', 'true', '0', '{"a":"b"}', '[]', '\\x41', "E'\\\\x'", '/* */', '\ud83d\ude00',
    '\u0300\u0301\u0302', '\u200b\u200c\u200d', '\u{E0001}\u{E0020}', 'Z\u0351\u036b\u0343a'];

everyGateway((gateway, test) => {
    let alice;

    before(async () => {
        alice = await gateway.person();
    });

    test('a title comes back as sent: created, changed, read and listed', async () => {
        await all(texts, async (title) => {
            const made = await alice.begin(title);
            const there = `/conversations/${made.id}`;

            assert.equal(made.title, title);
            assert.equal((await alice.get(there)).json.title, title);
            assert.equal((await alice.get('/conversations?limit=1')).json[0].title, title);
            await alice.patch(there, { title: 'x' });
            assert.equal((await alice.patch(there, { title })).json.title, title);
            assert.equal((await alice.get(there)).json.title, title);
        });
    });

    test('a message comes back as sent: posted, listed, and as a first message', async () => {
        const { id } = await alice.begin('texts');

        await all([...texts, texts.join('\n').repeat(20)], async (content) => {
            const posted = await alice.post(`/conversations/${id}/messages`,
                { role: 'user', content });

            assert.equal(posted.status, 201);
            assert.ok(posted.json.content === content, posted.json.content);
            const made = await alice.begin('first', content);
            const { json } = await alice.get(`/conversations/${made.id}/messages`);
            assert.ok(json[0].content === content, json[0].content);
        });
        const { json } = await alice.get(`/conversations/${id}/messages?limit=1000`);
        assert.deepEqual(json.slice(0, texts.length).map(({ content }) => content), texts);
    });

    test('the escapes of JSON mean the characters they stand for', async () => {
        await all([['"\\u00e9\\u5b66"', 'é学'], ['"\\ud83d\\ude00"', '\u{1F600}'],
            ['"\\uD83D\\uDE00"', '\u{1F600}'], ['"\\/\\\\\\"\\b\\f\\n\\r\\t"', '/\\"\b\f\n\r\t'],
            ['"\\u0061\\u005C\\u0022"', 'a\\"'], ['"\\u0001\\u001F"', '\u0001\u001f'],
            ['"\\ufeff\\uffff"', '\ufeff\uffff'], ['"\\\\u0041"', '\\u0041']],
        async ([written, meant]) => {
            const answer = await alice.post('/conversations', `{"title":${written}}`);
            assert.equal(answer.status, 201, answer.text);
            assert.equal(answer.json.title, meant);
        });
    });

    test('a key may be written with escapes, and blanks do not matter', async () => {
        for (const body of ['{"t\\u0069tle":"x"}', ' \t\r\n{ "title" : "x" } \n\n',
            '{"other":[{"title":"y"}],"title":"x"}']) {
            const answer = await alice.post('/conversations', body);
            assert.equal(answer.status, 201, `${body}: ${answer.text}`);
            assert.equal(answer.json.title, 'x');
        }
    });

    test('an answer is UTF-8 that every parser of JSON reads', async () => {
        const answer = await alice.post('/conversations', { title: texts.join('').slice(0, 150) });

        assert.equal(answer.status, 201);
        // No bare control character; the request helper has checked the encoding.
        assert.doesNotMatch(answer.text, /[\u0000-\u001f]/);
        assert.equal(Number(answer.headers['content-length'] ?? answer.bytes.length),
            answer.bytes.length);
    });
});
