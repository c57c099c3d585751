// What clients do all the time, and what they were told: the ledger that the database is held to in the end.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fault, insist } from './http.mjs';

const FULL = 800; // messages in a conversation, after which another one is begun

// Everything that was acknowledged. Each content and each title is used once.
export const ledger = {
    people: new Map(), // id: {email, username}
    conversations: new Map(), // id: {user, title, messages: ids, deleted}
    messages: new Map(), // content: {conversation, id, role}
    logins: new Map(), // user: how many were acknowledged
    attempts: { logins: 0, wrong: 0 } // how often they were sent
};

const PASSWORD = 'correct horse battery staple';

// The same paths in the two dialects.
const classic = (server) => ({
    register: (body, key) => insist(server, 'POST', '/auth/register', { body, key }, [201]),
    login: (body) => insist(server, 'POST', '/auth/login', { body: { ...body, refresh: true } }, [200]),
    refresh: (body) => insist(server, 'POST', '/auth/refresh', { body }, [200]),
    wrong: (body) => insist(server, 'POST', '/auth/login', { body }, [401]),
    begin: (token, title, first_message, key) =>
        insist(server, 'POST', '/conversations', { token, key, body: { title, first_message } }, [201]),
    add: (token, id, body, key) => insist(server, 'POST', `/conversations/${id}/messages`, { token, key, body }, [201]),
    list: (token, id) => insist(server, 'GET', `/conversations/${id}/messages?limit=1000`, { token }, [200]),
    remove: (token, id) => insist(server, 'DELETE', `/conversations/${id}`, { token }, [204, 404])
});

const typed = (server) => {
    const call = (name, args, options, expected) =>
        insist(server, 'POST', `/rpc/agent_${name}`, { ...options, body: args }, expected);
    return {
        register: (body, key) => call('register', body, { key }, [201]),
        login: (body) => call('login', body, {}, [200]),
        refresh: (body) => call('refresh', body, {}, [200]),
        wrong: (body) => call('login', body, {}, [401]),
        begin: (token, title, first_message, key) =>
            call('conversation_create', { title, first_message }, { token, key }, [201]),
        add: (token, conversation_id, body, key) =>
            call('message_create', { conversation_id, ...body }, { token, key }, [201]),
        list: (token, id) => insist(server, 'GET', `/rpc/agent_message_list?conversation_id=${id}`, { token }, [200]),
        remove: (token, conversation_id) => call('conversation_delete', { conversation_id }, { token }, [204, 404])
    };
};

export const dialects = { gateway: classic, PostgREST: typed };

// A text that nobody has written before, now and then a long one, which is stored out of line.
const text = (random) =>
    `w${randomUUID().replaceAll('-', '')} ${'lorem ipsum '.repeat(random() < 0.02 ? 2000 : random() * 20)}`;

async function register(api) {
    const name = `p${randomUUID().replaceAll('-', '')}`.slice(0, 24);
    const body = { email: `${name}@example.com`, username: name, password: PASSWORD };
    const answer = await api.register(body, randomUUID());
    if (answer) {
        ledger.people.set(answer.json.id, body);
    }
    return answer && { id: answer.json.id, ...body };
}

// Logs in. A login whose answer was lost is a session that nobody has.
async function logIn(api, { id, email }) {
    const answer = await api.login({ email, password: PASSWORD });
    if (!answer) {
        return undefined;
    }
    ledger.logins.set(id, (ledger.logins.get(id) ?? 0) + 1);
    ledger.attempts.logins += answer.tries + 1;
    return answer.json;
}

async function begin(api, me, random, own) {
    const title = randomUUID();
    const first = random() < 0.5 ? text(random) : undefined;
    const answer = await api.begin(me.token, title, first, randomUUID());
    if (!answer) {
        return;
    }
    const { id } = answer.json;
    if (ledger.conversations.has(id)) {
        fault(`conversation ${id} was given out twice`);
    }
    ledger.conversations.set(id, { user: me.id, title, messages: [] });
    if (first) {
        ledger.messages.set(first, { conversation: id, role: 'user' });
    }
    (own ? me.own : me.shared).push({ id, sent: 0 });
}

// Adds a message; true when that was acknowledged.
async function add(api, me, talk, random) {
    const body = { role: ['user', 'assistant', 'system'][Math.floor(random() * 3)], content: text(random) };
    talk.sent++;
    const answer = await api.add(me.token, talk.id, body, randomUUID());
    if (!answer) {
        return false;
    }
    const { id, conversation_id, content } = answer.json;
    if (conversation_id !== talk.id || content !== body.content) {
        fault(`message ${id} is not what was sent`);
    }
    ledger.messages.set(body.content, { conversation: talk.id, id, role: body.role });
    ledger.conversations.get(talk.id).messages.push(id);
    return true;
}

// What was acknowledged before a list was asked for is in it.
async function list(api, me, talk) {
    const before = [...ledger.conversations.get(talk.id).messages];
    const answer = await api.list(me.token, talk.id);
    if (!answer) {
        return;
    }
    const there = new Set(answer.json.map(({ id }) => id));
    const lost = before.filter((id) => !there.has(id));
    if (lost.length) {
        fault(`a list lacks ${lost.length} of ${before.length} messages that were acknowledged`);
    }
}

// A deletion that is sent again finds nothing any more.
async function remove(api, me) {
    const { id } = me.own.pop();
    const answer = await api.remove(me.token, id);
    if (answer?.status === 404 && answer.tries === 0) {
        fault(`conversation ${id} is gone before it was deleted`);
    }
    if (answer) {
        ledger.conversations.get(id).deleted = true;
    }
}

async function refresh(api, me) {
    const answer = await api.refresh({ refresh_token: me.refresh_token });
    if (answer) {
        Object.assign(me, { token: answer.json.access_token, refresh_token: answer.json.refresh_token });
    }
}

async function wrong(api, me) {
    const answer = await api.wrong({ email: me.email, password: 'wrong' });
    ledger.attempts.wrong += (answer?.tries ?? 0) + 1;
}

// One thing or another.
async function something(api, me, random) {
    const dice = random();
    const shared = me.shared.at(-1);
    const talk = random() < 0.3 && me.own.length ? me.own.at(-1) : shared;
    if (!shared || shared.sent > FULL || dice < 0.01) {
        await begin(api, me, random, false);
    } else if (dice < 0.04) {
        await begin(api, me, random, true);
    } else if (dice < 0.06 && me.own.length) {
        await remove(api, me);
    } else if (dice < 0.09) {
        await refresh(api, me);
    } else if (dice < 0.12) {
        await wrong(api, me);
    } else if (dice < 0.125) {
        await register(api);
    } else if (dice < 0.2) {
        await list(api, me, talk);
    } else {
        await add(api, me, talk, random);
    }
}

// A person with some clients, each with a session of its own, that write to the same conversations.
export async function person(api, clients, random) {
    const account = await register(api);
    const shared = [];
    const all = [];
    for (let i = 0; i < clients; i++) {
        const answer = await logIn(api, account);
        if (!answer) {
            throw new Error('nobody can log in');
        }
        all.push({ ...account, token: answer.access_token, refresh_token: answer.refresh_token, shared, own: [] });
    }
    return all.map((me) => async (isOver) => {
        while (!isOver()) {
            await something(api, me, random);
            await sleep(random() * 20);
        }
    });
}

// Writes all the time, and tells when it was acknowledged: `begun` and `ended` of every message, in ms.
export async function pulse(api, random, told) {
    const account = await register(api);
    const { access_token: token } = await logIn(api, account);
    const me = { ...account, token, shared: [], own: [] };
    return async (isOver) => {
        while (!isOver()) {
            if (!me.shared.length || me.shared.at(-1).sent > FULL) {
                await begin(api, me, random, false);
            }
            if (!me.shared.length) {
                return;
            }
            const begun = performance.now();
            if (await add(api, me, me.shared.at(-1), random)) {
                told(begun, performance.now());
            }
            await sleep(10);
        }
    };
}

// Somebody whose wrong passwords give the writer of the audit something to write.
export async function provoker(api) {
    const account = await register(api);
    return () => wrong(api, account);
}
