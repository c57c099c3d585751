// What stands in the address: ids, skip, limit, archived, and how they are encoded.

import assert from 'node:assert/strict';
import { before } from 'node:test';
import { all, everyGateway, isError, isFaulty, noBoolean, noInteger, noUuid, tooGreat, tooSmall }
    from './classic.mjs';

// Each as it stands in the query, and what that says, where that is certain.
const noIntegers = [['', ''], ['1.5', '1.5'], ['0x10', '0x10'], ['1e1', '1e1'], ['abc', 'abc'],
    ['%20', ' '], ['+', ' '], ['1%202', '1 2'], ['1,000', '1,000'], ['--1', '--1'], ['-', '-'],
    ['1-', '1-'], ['null', 'null'], ['true', 'true'], ['NaN', 'NaN'], ['inf', 'inf'],
    ['Infinity', 'Infinity'], ['1;2', '1;2'], ['0b1', '0b1'], ['0o7', '0o7'], ['1a', '1a'],
    ['%F0%9F%98%80', '\u{1F600}'], ['1%00', undefined], ['[1]', '[1]'], ['%22', '"'],
    ['%5C', '\\'], ['%0A', '\n'], ["1'--", "1'--"], ['1%2F1', '1/1']];

everyGateway((gateway, test) => {
    let alice;
    let id;
    const lists = ['/conversations'];
    const count = async (query) => {
        const answer = await alice.get(`/conversations?${query}`);
        assert.equal(answer.status, 200, `${query}: ${answer.text}`);
        return answer.json.length;
    };

    before(async () => {
        alice = await gateway.person();
        for (let n = 0; n < 5; n++) {
            ({ id } = await alice.begin(`number ${n}`));
        }
        await alice.patch(`/conversations/${id}`, { is_archived: true });
        lists.push(`/conversations/${id}/messages`);
    });

    test('skip and limit are integers', async () => {
        for (const list of lists) {
            await all(noIntegers, async ([sent, meant]) => {
                isFaulty(await alice.get(`${list}?skip=${sent}`), [noInteger('skip', meant)]);
                isFaulty(await alice.get(`${list}?limit=${sent}`), [noInteger('limit', meant)]);
            });
        }
    });

    test('skip is 0 or more', async () => {
        for (const list of lists) {
            await all(['-1', '-2147483649', '-9223372036854775809', `-${'9'.repeat(30)}`],
                async (skip) => {
                    isFaulty(await alice.get(`${list}?skip=${skip}`), [tooSmall('skip', skip)]);
                });
            await all(['0', '-0', '00', '2147483647', '2147483648', '9223372036854775807'],
                async (skip) => {
                    assert.equal((await alice.get(`${list}?skip=${skip}`)).status, 200);
                });
            assert.deepEqual((await alice.get(`${list}?skip=9223372036854775807`)).json, []);
        }
    });

    test('limit is 0 to 1000', async () => {
        for (const list of lists) {
            await all(['-1', '-1000', '-9223372036854775809'], async (limit) => {
                isFaulty(await alice.get(`${list}?limit=${limit}`), [tooSmall('limit', limit)]);
            });
            await all(['1001', '2147483648', '4294967296', '9223372036854775808',
                '18446744073709551616', '9'.repeat(30)], async (limit) => {
                isFaulty(await alice.get(`${list}?limit=${limit}`), [tooGreat('limit', limit)]);
            });
            await all(['0', '1', '1000', '0001'], async (limit) => {
                assert.equal((await alice.get(`${list}?limit=${limit}`)).status, 200);
            });
        }
    });

    test('an integer of thousands of digits is a 4xx, or a list', async () => {
        for (const list of lists) {
            for (const digits of [20, 100, 400, 4500]) {
                for (const name of ['skip', 'limit']) {
                    const { status, json } = await alice.get(
                        `${list}?${name}=${'9'.repeat(digits)}`);
                    if (status === 200) {
                        assert.equal(name, 'skip');
                        assert.deepEqual(json, []);
                    } else {
                        assert.equal(status, 422);
                        assert.deepEqual(json.detail[0].loc, ['query', name]);
                    }
                }
            }
        }
    });

    test('archived takes what reads as a boolean', async () => {
        await all(['true', 'True', 'TRUE', '1', 'yes', 'y', 'on', 't', 'T', 'ON', '%74rue'],
            async (archived) => assert.equal(await count(`archived=${archived}`), 1));
        await all(['false', 'False', 'FALSE', '0', 'no', 'n', 'off', 'f', 'F', 'OFF'],
            async (archived) => assert.equal(await count(`archived=${archived}`), 4));
        assert.equal(await count(''), 5);
    });

    test('archived takes nothing else', async () => {
        await all([['maybe', 'maybe'], ['', ''], ['2', '2'], ['-1', '-1'], ['tru', 'tru'],
            ['10', '10'], ['[]', '[]'], ['%E5%AD%A6', '学'], ['true%00', undefined]],
        async ([sent, meant]) => isFaulty(await alice.get(`/conversations?archived=${sent}`),
            [noBoolean(['query', 'archived'], meant)]));
    });

    test('all faults of a query are named, in the order of the fields', async () => {
        isFaulty(await alice.get('/conversations?archived=maybe&limit=-1&skip=x'),
            [noInteger('skip', 'x'), tooSmall('limit', '-1'),
                noBoolean(['query', 'archived'], 'maybe')]);
        isFaulty(await alice.get(`/conversations/${id}/messages?limit=1001&skip=`),
            [noInteger('skip', ''), tooGreat('limit', '1001')]);
    });

    test('of a parameter that is there twice the last counts', async () => {
        assert.equal(await count('limit=1&limit=3'), 3);
        assert.equal(await count('limit=x&limit=2'), 2);
        assert.equal(await count('archived=true&archived=false'), 4);
        isFaulty(await alice.get('/conversations?limit=2&limit=x'), [noInteger('limit', 'x')]);
    });

    test('keys and values may be percent-encoded', async () => {
        assert.equal(await count('%6Cimit=3'), 3);
        assert.equal(await count('%6c%69%6d%69%74=%33'), 3);
        assert.equal(await count('limit=%31&skip=%30'), 1);
        isFaulty(await alice.get('/conversations?limit=%78'), [noInteger('limit', 'x')]);
    });

    test('a query of odd form is read as far as it says something', async () => {
        await all(['&&limit=2&', 'x&limit=2', '=&limit=2', '=x&limit=2', 'limit=2&&', '?&limit=2',
            'limit=2&%', 'limit=2&x=%zz', 'limit=2&%ff=1', 'limit=2&x=%ff', 'limit=2&x=%00',
            'limit=2&x=a=b=c', 'limit=2&;', `limit=2&${'x'.repeat(2000)}`],
        async (query) => assert.equal(await count(query), 2));
        for (const query of ['limit=%ff', 'limit=%', 'limit=%zz', 'archived=%ff%fe', 'limit==1']) {
            assert.equal((await alice.get(`/conversations?${query}`)).status, 422, query);
        }
    });

    test('parameters that nobody knows are ignored, also a thousand of them', async () => {
        assert.equal(await count('Limit=1&LIMIT=1&limit%20=1&offset=3&order=title&select=id&'
            + 'title=eq.x&user_id=1&page=2'), 5);
        assert.equal(await count(`${'a=1&'.repeat(1000)}limit=2`), 2);
        for (const query of ['?id=1', '?select=*', '?limit=x&skip=-1&archived=maybe']) {
            const one = await alice.get(`/conversations/${id}${query}`);
            assert.equal(one.status, 200, query);
            assert.equal(one.json.id, id);
            assert.equal((await alice.get(`/auth/me${query}`)).status, 200, query);
        }
        // Where a body is expected, nothing is taken from the query.
        const made = await alice.post('/conversations?title=query', { title: 'body' });
        assert.equal(made.json.title, 'body');
        assert.equal((await alice.post('/conversations?title=x', {})).status, 422);
    });

    test('an id may be in upper case or percent-encoded', async () => {
        const upper = id.toUpperCase();
        const encoded = [...id].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('');

        for (const written of [upper, encoded, id.replaceAll('-', '%2D'), `${id}?`]) {
            const answer = await alice.get(`/conversations/${written}`);
            assert.equal(answer.status, 200, `${written}: ${answer.text}`);
            assert.equal(answer.json.id, id);
        }
        const posted = await alice.post(`/conversations/${upper}/messages`,
            { role: 'user', content: 'x' });
        assert.equal(posted.json.conversation_id, id);
        assert.equal((await alice.get(`/conversations/${upper}/messages`)).json.length, 1);
        assert.equal((await alice.patch(`/conversations/${upper}`, { title: 'x' })).json.id, id);
    });

    test('other forms of an id are that id or no id', async () => {
        await all([id.replaceAll('-', ''), `%7B${id}%7D`, `urn:uuid:${id}`, `{${id}}`],
            async (written) => {
                const answer = await alice.get(`/conversations/${written}`);
                if (answer.status === 200) {
                    assert.equal(answer.json.id, id);
                } else {
                    isFaulty(answer, [noUuid(decodeURIComponent(written))]);
                }
            });
    });

    test('what is no id is named as such, on every route', async () => {
        const rest = id.slice(1);

        await all(['x', '1', 'null', 'me', ' ', 'x'.repeat(36), `g${rest}`, `${id}0`, id.slice(1),
            `${id} `, ` ${id}`, `${id}\n`, `${id}x`, id.replaceAll('-', '_'),
            '-'.repeat(36), `\u{1F600}${id}`, '学习', "' OR true --", '%', '"', '\\',
            'x'.repeat(1000), `${rest}-`, `${id},${id}`, '<script>', '$1', '*'], async (garbage) => {
            const there = `/conversations/${encodeURIComponent(garbage)}`;

            isFaulty(await alice.get(there), [noUuid(garbage)]);
            isFaulty(await alice.delete(there), [noUuid(garbage)]);
            isFaulty(await alice.patch(there, {}), [noUuid(garbage)]);
            isFaulty(await alice.get(`${there}/messages`), [noUuid(garbage)]);
            isFaulty(await alice.post(`${there}/messages`, { role: 'user', content: 'x' }),
                [noUuid(garbage)]);
        });
    });

    test('an id of somebody\'s user is no conversation', async () => {
        isError(await alice.get(`/conversations/${alice.id}`), 404, 'Conversation not found');
    });
});
