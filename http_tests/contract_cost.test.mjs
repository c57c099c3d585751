// A list costs what it shows, not what the conversations on it hold.

import assert from 'node:assert/strict';
import { everyGateway } from './classic.mjs';
import { literal, sql } from './psql.mjs';

const conversations = 10;
const messages = 20_000;

// Writes messages past the gateway, for speed.
function fill({ id: user }, { id }) {
    sql(`INSERT INTO agent.messages (user_id, id, conversation_id, seq, role, content, created_at)
         SELECT ${literal(user)}, gen_random_uuid(), ${literal(id)}, n, 'user', 'x', now()
         FROM generate_series(1, ${messages}) AS n;
         UPDATE agent.conversations SET message_count = ${messages}, next_seq = ${messages} + 1
         WHERE user_id = ${literal(user)} AND id = ${literal(id)}`);
}

everyGateway((gateway, test) => {
    // Expects one request to take not much longer than another. The quickest of many is the one
    // least disturbed by others, who disturb both alike when these take turns; on a machine that
    // is very busy it may need another try.
    async function takesAsLong(about, ...requests) {
        let ratio = Infinity;

        for (let round = 0; round < 5 && ratio >= 3; round++) {
            const best = requests.map(() => Infinity);

            for (let n = 0; n < 40; n++) {
                for (const [index, [who, path]] of requests.entries()) {
                    const started = performance.now();
                    assert.equal((await who.get(path)).status, 200);
                    best[index] = Math.min(best[index], performance.now() - started);
                }
            }
            ratio = best[0] / best[1];
        }
        assert.ok(ratio < 3, `${about}: ${ratio.toFixed(1)} times as long`);
    }

    test('a list of long conversations takes as long as one of short ones', async () => {
        const short = await gateway.person();
        const long = await gateway.person();

        for (let n = 0; n < conversations; n++) {
            await short.begin(`number ${n}`, 'x');
            fill(long, await long.begin(`number ${n}`));
        }
        const { json } = await long.get('/conversations');
        assert.deepEqual(json.map(({ message_count }) => message_count),
            Array(conversations).fill(messages));

        for (const path of ['/conversations', `/conversations/${json[0].id}`]) {
            const mine = path === '/conversations' ? path
                : `/conversations/${(await short.get('/conversations')).json[0].id}`;
            await takesAsLong(path, [long, path], [short, mine]);
        }

        // Nor does a message cost more for those before it, nor the first page of them.
        const [few, many] = [await short.begin('few', 'x'), json[0]]
            .map(({ id }) => `/conversations/${id}/messages?limit=1`);
        await takesAsLong('the first message', [long, many], [short, few]);
    });
});
