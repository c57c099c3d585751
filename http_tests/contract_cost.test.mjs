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
    // Returns how long the quickest of many requests took: it is the one least disturbed by others.
    async function quickest(who, path) {
        let best = Infinity;

        for (let n = 0; n < 40; n++) {
            const started = performance.now();
            assert.equal((await who.get(path)).status, 200);
            best = Math.min(best, performance.now() - started);
        }
        return best;
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
            const ratio = await quickest(long, path) / await quickest(short, mine);
            assert.ok(ratio < 3, `${path}: ${ratio.toFixed(1)} times as long`);
        }

        // Nor does a message cost more for those before it, nor the first page of them.
        const [few, many] = [await short.begin('few', 'x'), json[0]]
            .map(({ id }) => `/conversations/${id}/messages?limit=1`);
        const ratio = await quickest(long, many) / await quickest(short, few);
        assert.ok(ratio < 3, `the first message: ${ratio.toFixed(1)} times as long`);
    });
});
