// Holds the database to what was acknowledged.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ledger } from './clients.mjs';

// Runs statements as a superuser; the rows, as arrays of texts.
export function sql(text) {
    const out = execFileSync('psql', ['-XAtqF', '\t', '-v', 'ON_ERROR_STOP=1', '-f', '-'], {
        input: text,
        encoding: 'utf8',
        maxBuffer: 1 << 30
    });
    return out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split('\t'));
}

const digest = (text) => createHash('md5').update(text).digest('hex');
const some = (list) => `${list.length}: ${list.slice(0, 3).join('; ')}`;

// Each message that was acknowledged is there once, as it was sent, and none beside them.
function messages() {
    const wrong = [];
    const there = new Map();
    const rows = sql('SELECT md5(content), id, conversation_id, role FROM agent.messages');
    for (const [hash, id, conversation, role] of rows) {
        if (there.has(hash)) {
            wrong.push(`there twice: ${id} and ${there.get(hash).id}`);
        }
        there.set(hash, { id, conversation, role });
    }
    for (const [content, sent] of ledger.messages) {
        const hash = digest(content);
        const found = there.get(hash);
        there.delete(hash);
        if (ledger.conversations.get(sent.conversation).deleted) {
            if (found) {
                wrong.push(`deleted, and still there: ${found.id}`);
            }
        } else if (!found) {
            wrong.push(`lost: ${sent.id ?? content.slice(0, 40)}`);
        } else if (
            found.conversation !== sent.conversation
            || found.role !== sent.role
            || found.id !== (sent.id ?? found.id)
        ) {
            wrong.push(`another one: ${found.id} for ${sent.id}`);
        }
    }
    wrong.push(...[...there.values()].map(({ id }) => `nobody sent it: ${id}`));
    return wrong;
}

function conversations() {
    const wrong = [];
    const there = new Map(sql('SELECT id, user_id, title FROM agent.conversations').map(([id, ...rest]) => [id, rest]));
    for (const [id, { user, title, deleted }] of ledger.conversations) {
        const [owner, name] = there.get(id) ?? [];
        there.delete(id);
        if (deleted && owner) {
            wrong.push(`deleted, and still there: ${id}`);
        } else if (!deleted && (owner !== user || name !== title)) {
            wrong.push(`lost, or another one: ${id}`);
        }
    }
    return [...wrong, ...[...there.keys()].map((id) => `nobody began it: ${id}`)];
}

function people() {
    const there = new Map(sql('SELECT id, username FROM agent.users'));
    const wrong = [...ledger.people]
        .filter(([id, { username }]) => there.get(id) !== username)
        .map(([id]) => `lost: ${id}`);
    return [
        ...wrong,
        ...[...there.keys()].filter((id) => !ledger.people.has(id)).map((id) => `nobody registered it: ${id}`)
    ];
}

// What no row may be, without asking an index or a constraint.
const WRONG_ROWS = {
    'message_count and next_seq are those of the messages, which are numbered without a gap': `
        SELECT c.id, c.message_count, c.next_seq, m.count, m.last FROM agent.conversations AS c
        LEFT JOIN LATERAL (SELECT count(*), count(DISTINCT seq) AS different, coalesce(min(seq), 1) AS first,
            coalesce(max(seq), 0) AS last
            FROM agent.messages AS m WHERE m.user_id = c.user_id AND m.conversation_id = c.id) AS m ON true
        WHERE (c.message_count, c.next_seq, m.last, m.different, m.first)
            IS DISTINCT FROM (m.count, m.count + 1, m.count, m.count, 1)`,
    'created_at never runs backwards in a conversation': `
        SELECT id FROM (SELECT id, created_at, lag(created_at) OVER (PARTITION BY conversation_id ORDER BY seq) AS before
            FROM agent.messages) AS m
        WHERE created_at < before`,
    'nothing is left without what it belongs to': `
        SELECT 'message', m.id FROM agent.messages AS m
            WHERE (m.user_id, m.conversation_id) NOT IN (SELECT user_id, id FROM agent.conversations)
        UNION ALL SELECT 'conversation', id FROM agent.conversations WHERE user_id NOT IN (SELECT id FROM agent.users)
        UNION ALL SELECT 'session', id FROM agent.sessions WHERE user_id NOT IN (SELECT id FROM agent.users)`,
    'no idempotency key is without its answer, and none gives an answer twice': `
        SELECT user_id, result_id FROM agent.idempotency_keys WHERE result_id IS NULL
        UNION ALL SELECT NULL, result_id FROM agent.idempotency_keys GROUP BY result_id HAVING count(*) > 1`,
    'the audit has each registration, login and refresh that was done once, and no other': `
        SELECT 'register', u.id FROM agent.users AS u
            WHERE (SELECT count(*) FROM agent.audit AS a WHERE a.event = 'register' AND a.user_id = u.id) <> 1
        UNION ALL SELECT event, user_id FROM agent.audit
            WHERE event IN ('register', 'login', 'refresh') AND user_id NOT IN (SELECT id FROM agent.users)
        UNION ALL SELECT 'login', s.id FROM agent.sessions AS s
            WHERE (SELECT count(*) FROM agent.audit AS a WHERE a.event = 'login' AND a.session_id = s.id) <> 1
        UNION ALL SELECT 'refresh', s.id FROM agent.sessions AS s
            WHERE (SELECT count(*) FROM agent.audit AS a WHERE a.event = 'refresh' AND a.session_id = s.id)
                <> s.refresh_generation
        UNION ALL SELECT event, user_id FROM agent.audit
            WHERE event NOT IN ('register', 'login', 'refresh', 'login_failed', 'key_rotate')`
};

const withoutIndexes = `SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;
    SET jit = off;`;
const wrongRows = (query) => () => sql(withoutIndexes + query).map((row) => row.join(' '));

// Sessions and failed logins are bounded by what was acknowledged and by what was sent.
function logins() {
    const wrong = [];
    const sessions = new Map(sql('SELECT user_id, count(*) FROM agent.sessions GROUP BY 1'));
    for (const [user, count] of ledger.logins) {
        if (Number(sessions.get(user) ?? 0) < count) {
            wrong.push(`${user} has ${sessions.get(user) ?? 0} sessions of ${count}`);
        }
    }
    const [[all, failed]] = sql(
        "SELECT (SELECT count(*) FROM agent.sessions), (SELECT count(*) FROM agent.audit WHERE event = 'login_failed')"
    );
    if (Number(all) > ledger.attempts.logins) {
        wrong.push(`${all} sessions of ${ledger.attempts.logins} logins`);
    }
    if (Number(failed) > ledger.attempts.wrong) {
        wrong.push(`${failed} failed logins in the audit, ${ledger.attempts.wrong} sent`);
    }
    return wrong;
}

// Every row has its place in every B-tree, and a word is found by the index for searches as by reading all rows.
function indexes() {
    const [[amcheck]] = sql("SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'");
    if (amcheck === '1') {
        try {
            sql(`CREATE EXTENSION IF NOT EXISTS amcheck;
                SELECT count(bt_index_parent_check(i.indexrelid, true))
                FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
                WHERE c.relnamespace = 'agent'::regnamespace
                    AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree')`);
        } catch (error) {
            return [String(error.stderr).trim()];
        }
    }
    const words = [...ledger.messages]
        .filter(([, { conversation }]) => !ledger.conversations.get(conversation).deleted)
        .slice(-200)
        .map(([content, { conversation }]) =>
            `('${content.split(' ')[0]}', '${ledger.conversations.get(conversation).user}'::uuid)`);
    if (words.length === 0) {
        return [];
    }
    return sql(`SET enable_seqscan = off; SET enable_indexscan = off;
        SELECT w.word, count(m.id) FROM (VALUES ${words.join()}) AS w (word, user_id)
        LEFT JOIN agent.messages AS m ON m.user_id = w.user_id AND m.search @@ w.word::tsquery
        GROUP BY 1 HAVING count(m.id) <> 1`).map((row) => row.join(' '));
}

async function doctor() {
    for (let tries = 0; ; tries++) {
        // How long a hash takes is the machine's business.
        const ill = sql(`
            SELECT "check", status, detail FROM api.agent_doctor() WHERE status <> 'ok' AND "check" <> 'hash_time'
            UNION ALL SELECT 'shared memory', 'not empty', s::text FROM agent.shared_state() AS s
                WHERE (pending, hash_running, hash_waiting) <> (0, 0, 0)`);
        if (ill.length === 0 || tries === 50) {
            return ill.map((row) => row.join(' '));
        }
        await sleep(100);
    }
}

// What is refused comes into the audit, still.
async function writing(provoke) {
    const failed = () => Number(sql("SELECT count(*) FROM agent.audit WHERE event = 'login_failed'")[0][0]);
    const before = failed();
    await provoke();
    for (let tries = 0; tries < 100; tries++) {
        if (failed() > before) {
            return [];
        }
        await sleep(100);
    }
    return ['a failed login is not in the audit after 10 s'];
}

// Nothing has ended by itself, and no error is one that nobody has foreseen.
function logs(folder) {
    const text = readFileSync(`${folder}/postgresql.log`, 'utf8');
    return text
        .split('\n')
        .filter((line) => /PANIC|TRAP:|terminated by signal (?!9\b)|\] (XX|58P|57P04)\w* /.test(line));
}

// Runs all checks: [[what is to hold, [what does not]]].
export async function checks(folder, provoke) {
    const all = {
        'every acknowledged message is there, once, and no other': messages,
        'every conversation is there, and what was deleted is not': conversations,
        'every account is there, once': people,
        ...Object.fromEntries(Object.entries(WRONG_ROWS).map(([name, query]) => [name, wrongRows(query)])),
        'sessions and failed logins are not more than were sent, nor fewer than were answered': logins,
        'indexes agree with their tables': indexes,
        'the doctor finds nothing, and shared memory is in order': doctor,
        'what is refused comes into the audit': () => writing(provoke),
        'nothing unforeseen is in the server log': () => logs(folder)
    };
    const results = [];
    for (const [name, check] of Object.entries(all)) {
        const wrong = await check();
        results.push([name, wrong.length ? some(wrong) : '']);
    }
    return results;
}
