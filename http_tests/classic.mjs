// Talks to a gateway's classic REST paths as any HTTP client does, and says what
// every answer of them promises.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { describe, test } from 'node:test';
import './turns.mjs';

if (!process.env.GATEWAY_URL) {
    throw new Error('GATEWAY_URL is not set: it must be the address of a running gateway, which'
        + ' serves /auth/login, /conversations and so on; GATEWAY_POSTGREST_URL may name a'
        + ' second one, in front of PostgREST');
}
const addresses = { direct: process.env.GATEWAY_URL, PostgREST: process.env.GATEWAY_POSTGREST_URL };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
// What Python before 3.11 can read too: six digits of a second, and an offset in digits.
export const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d$/;
export const nowhere = '01900000-0000-7000-8000-000000000000';

// Every request that wants a token, with a body that is good.
export const closed = [['GET', '/auth/me'], ['DELETE', '/auth/me', { password: 'x' }],
    ['GET', '/auth/sessions'], ['POST', '/auth/logout', { scope: 'others' }],
    ['POST', '/auth/password', { current_password: 'x', new_password: 'longer' }],
    ['GET', '/conversations'],
    ['POST', '/conversations', { title: 'x' }], ['GET', `/conversations/${nowhere}`],
    ['PATCH', `/conversations/${nowhere}`, { title: 'x' }],
    ['DELETE', `/conversations/${nowhere}`], ['GET', `/conversations/${nowhere}/messages`],
    ['POST', `/conversations/${nowhere}/messages`, { role: 'user', content: 'x' }],
    ['POST', `/conversations/${nowhere}/fork`, { title: 'x' }],
    ['PATCH', `/messages/${nowhere}`, { content: 'x' }], ['DELETE', `/messages/${nowhere}`],
    ['GET', '/search?q=x'], ['GET', '/auth/export']];

// Defines the same tests for each gateway there is, its name in their titles.
export function everyGateway(define) {
    for (const [name, url] of Object.entries(addresses)) {
        if (url) {
            describe(name, () => define(gatewayAt(url),
                (title, body) => test(`${title} (${name})`, { timeout: 300_000 }, body), name));
        }
    }
}

// Returns what can be asked of the gateway at an address, over connections that stay open.
export function gatewayAt(address) {
    const shared = new http.Agent({ keepAlive: true });
    const { protocol, hostname, port, pathname } = new URL(address);

    assert.equal(protocol + pathname, 'http:/', `${address} is not of the form http://host:port`);

    function exchange(method, path, options = {}, again = true) {
        const { token, headers = {}, body, parts = [], from, agent = shared, signal } = options;
        const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
            ? body : JSON.stringify(body);
        const length = bytes === undefined || headers['Transfer-Encoding'] ? {}
            : { 'Content-Length': Buffer.byteLength(bytes) };
        const all = { ...(bytes === undefined ? {} : { 'Content-Type': 'application/json' }),
            ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
            ...length, ...headers };

        return new Promise((resolve, reject) => {
            const sent = http.request({ agent, hostname, port, method, path, headers: all,
                localAddress: from, signal }, (answer) => {
                const chunks = [];

                answer.on('data', (chunk) => chunks.push(chunk));
                answer.on('error', reject);
                answer.on('end', () => resolve({ status: answer.statusCode,
                    reason: answer.statusMessage, headers: answer.headers,
                    rawHeaders: answer.rawHeaders, bytes: Buffer.concat(chunks) }));
            });
            // A server may close a connection that was idle just when it is taken again.
            sent.on('error', (error) => (again && sent.reusedSocket && error.code === 'ECONNRESET'
                ? resolve(exchange(method, path, options, false)) : reject(error)));
            parts.forEach((part) => sent.write(part));
            sent.end(bytes);
        });
    }

    // Sends a request, its path as it stands here, and returns what came back. `parts` are sent
    // one by one, as chunks; `from` is an address of this machine.
    async function send(method, path, options) {
        const answer = await exchange(method, path, options);

        answer.text = utf8.decode(answer.bytes);
        if (/^application\/json(;|$)/.test(answer.headers['content-type']) && answer.text !== '') {
            answer.json = JSON.parse(answer.text);
        }
        return answer;
    }

    // Sends a request, checks what is true of every answer, and returns it.
    async function request(method, path, options) {
        const answer = await send(method, path, options);

        keepsPromises(answer, `${method} ${path.slice(0, 200)}`, method);
        return answer;
    }

    // Registers somebody and logs them in.
    async function person(as = newcomer()) {
        const registered = await request('POST', '/auth/register', { body: as });
        assert.equal(registered.status, 201, registered.text);
        const token = await logIn(as);

        return { ...as, id: registered.json.id, registered, token,
            get: (path, headers) => request('GET', path, { token, headers }),
            post: (path, body, headers) => request('POST', path, { token, body, headers }),
            patch: (path, body, headers) => request('PATCH', path, { token, body, headers }),
            delete: (path) => request('DELETE', path, { token }),
            // Begins a conversation and returns it.
            begin: async (title, first_message) => {
                const answer = await request('POST', '/conversations',
                    { token, body: { title, first_message } });
                assert.equal(answer.status, 201, answer.text);
                return answer.json;
            } };
    }

    // Logs somebody in and returns the token.
    async function logIn({ email, password }) {
        const answer = await request('POST', '/auth/login', { body: { email, password } });

        assert.equal(answer.status, 200, answer.text);
        return answer.json.access_token;
    }

    // Sends bytes over a connection of their own and returns what comes back until it is closed,
    // or until that many answers have begun, or until nothing has come for so long.
    function raw(bytes, answers = Infinity, patience = 10_000) {
        return new Promise((resolve) => {
            let text = '';
            const socket = net.connect(port || 80, hostname, () => socket.write(bytes));

            socket.setTimeout(patience, () => socket.destroy());
            socket.setEncoding('utf8');
            socket.on('data', (chunk) => {
                text += chunk;
                if (text.split('HTTP/1.1 ').length > answers && text.includes('\r\n\r\n')) {
                    socket.destroy();
                }
            });
            // The server may close it before all was sent.
            socket.on('error', () => {});
            socket.on('close', () => resolve(text));
        });
    }

    return { send, request, person, logIn, raw, hostname, port };
}

// Checks every row of a table, and then tells of all that are wrong, not of the first alone.
export async function all(rows, check) {
    const faults = [];

    for (const row of rows) {
        try {
            await check(row);
        } catch (error) {
            if (!(error instanceof assert.AssertionError)) {
                throw error;
            }
            faults.push(`${JSON.stringify(row)?.slice(0, 200)}: ${error.message}`);
        }
    }
    assert.ok(faults.length === 0, faults.join('\n'));
}

// What somebody new registers with.
export function newcomer() {
    const name = `p${randomBytes(8).toString('hex')}`;

    return { email: `${name}@example.com`, username: name, password: `secret of ${name}` };
}

// What is true of every answer, whatever was asked.
function keepsPromises(answer, about, method) {
    const { status, headers, text } = answer;

    assert.ok(status < 500, `${about}: ${status} ${text.slice(0, 300)}`);
    assert.equal(headers['www-authenticate'], status === 401 ? 'Bearer' : undefined,
        `${about}: WWW-Authenticate with ${status}`);
    assert.equal(status === 405, headers.allow !== undefined, `${about}: Allow with ${status}`);
    if (status === 204 || status === 304) {
        assert.equal(text, '', `${about}: ${status} with a body`);
    } else if (method !== 'HEAD' && !/^text\/html/.test(headers['content-type'])) {
        assert.match(headers['content-type'] ?? 'none', /^application\/json(; ?charset=utf-8)?$/i,
            `${about}: ${status} ${text.slice(0, 300)}`);
    }
    if (status >= 400 && method !== 'HEAD') {
        assert.deepEqual(Object.keys(answer.json ?? {}), ['detail'], `${about}: ${status}`);
    }
}

// Expects an error that is a text.
export function isError(answer, status, detail, about = '') {
    assert.equal(answer.status, status, `${about} ${answer.text.slice(0, 300)}`);
    assert.deepEqual(answer.json, { detail }, about);
}

// Expects a 422 of just these faults, in this order.
export function isFaulty(answer, faults, about = '') {
    assert.equal(answer.status, 422, `${about} ${answer.status} ${answer.text.slice(0, 300)}`);
    const got = answer.json.detail;

    assert.ok(Array.isArray(got), `${about} ${answer.text.slice(0, 300)}`);
    for (const each of got) {
        assert.deepEqual(Object.keys(each), ['type', 'loc', 'msg', 'input'], about);
    }
    assert.deepEqual(got.map(({ loc }) => loc), faults.map(({ loc }) => loc), about);
    got.forEach((each, index) => {
        const { type, msg, input } = faults[index];

        assert.ok([type].flat().includes(each.type), `${about} ${each.type} is not ${type}`);
        if (msg instanceof RegExp) {
            assert.match(each.msg, msg, about);
        } else {
            assert.equal(each.msg, msg, about);
        }
        if (input !== undefined) {
            assert.deepEqual(each.input, input, about);
        }
    });
}

// The faults there are. Where `input` is left out, any is right.
const at = (loc) => (Array.isArray(loc) ? loc : ['body', loc]);
const characters = (count) => `${count} character${count === 1 ? '' : 's'}`;

export const missing = (loc, input) =>
    ({ type: 'missing', loc: at(loc), msg: 'Field required', input });
export const noString = (loc, input) =>
    ({ type: 'string_type', loc: at(loc), msg: 'Input should be a valid string', input });
export const tooShort = (loc, count, input) => ({ type: 'string_too_short', loc: at(loc),
    msg: `String should have at least ${characters(count)}`, input });
export const tooLong = (loc, count, input) => ({ type: 'string_too_long', loc: at(loc),
    msg: `String should have at most ${characters(count)}`, input });
export const noRole = (input) => ({ type: 'string_pattern_mismatch', loc: ['body', 'role'],
    msg: "String should match pattern '^(user|assistant|system)$'", input });
export const noEmail = (msg = /^value is not a valid email address: ./) =>
    ({ type: 'value_error', loc: ['body', 'email'], msg });
// A value that is neither text nor whole number is of another type rather than unreadable.
export const noBoolean = (loc, input) => ({
    type: typeof input === 'string' || Number.isSafeInteger(input)
        ? 'bool_parsing' : ['bool_parsing', 'bool_type'],
    loc: at(loc), msg: /^Input should be a valid boolean(, unable to interpret input)?$/, input });
export const noInteger = (name, input) => ({ type: 'int_parsing', loc: ['query', name],
    msg: 'Input should be a valid integer, unable to parse string as an integer', input });
export const tooSmall = (name, input) => ({ type: 'greater_than_equal', loc: ['query', name],
    msg: 'Input should be greater than or equal to 0', input });
export const tooGreat = (name, input) => ({ type: 'less_than_equal', loc: ['query', name],
    msg: 'Input should be less than or equal to 1000', input });
export const noUuid = (input, name = 'conversation_id') => ({ type: 'uuid_parsing', loc: ['path', name],
    msg: /^Input should be a valid UUID, ./, input });
export const noObject = (input) => ({ type: 'model_attributes_type', loc: ['body'],
    msg: 'Input should be a valid dictionary or object to extract fields from', input });
