// Requests that are sent until they are answered, and what became of them.

import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE = 60_000; // ms until a request that nobody answers is given up
const TIMEOUT = 15_000; // ms that one attempt may take
const PAUSE = [10, 100]; // ms between attempts, growing

// What is counted over all clients.
export const counts = { requests: 0, acknowledged: 0, retried: 0 };
// How attempts failed that were made again: `503`, `ECONNRESET` and so on.
export const failures = new Map();
// What must never happen, in words.
export const faults = [];

export function fault(text) {
    if (faults.length < 100) {
        faults.push(text);
    }
}

// A server to ask over connections that stay open: what comes back, or an error.
export function serverAt(address) {
    const agent = new Agent({ keepAlive: true });
    return (method, path, { token, key, body, signal } = {}) =>
        new Promise((resolve, reject) => {
            const bytes = body === undefined ? undefined : JSON.stringify(body);
            const headers = {
                ...(bytes !== undefined && {
                    'Content-Type': 'application/json',
                    'Content-Length': Buffer.byteLength(bytes)
                }),
                ...(token && { Authorization: `Bearer ${token}` }),
                ...(key && { 'Idempotency-Key': key })
            };
            const sent = request(address + path, { method, headers, agent, timeout: TIMEOUT, signal }, (answer) => {
                const chunks = [];
                answer.on('data', (chunk) => chunks.push(chunk));
                answer.on('error', reject);
                answer.on('end', () => resolve(read(answer, Buffer.concat(chunks).toString())));
            });
            sent.on('timeout', () => sent.destroy(Object.assign(new Error('no answer'), { code: 'timeout' })));
            sent.on('error', reject);
            sent.end(bytes);
        });
}

function read({ statusCode, complete, headers }, text) {
    if (!complete) {
        throw Object.assign(new Error('half an answer'), { code: 'half an answer' });
    }
    return {
        status: statusCode,
        text,
        json: /json/.test(headers['content-type'] ?? '') && text ? JSON.parse(text) : undefined
    };
}

// Says that a request has to be sent again: nobody was there to answer it. PostgREST has statuses of its own for that:
// 400 without a code for a connection that broke, 500 with the server's code when that could still say why, and until
// it has its configuration from the database 401 (nobody may call) and 500 (it has no key).
function isOutage({ status, json }) {
    return (
        [502, 503, 504].includes(status)
        || (status === 400 && json?.code === '')
        || (status === 500 && /^57P0[1-5]$/.test(json?.code))
        || ['PGRST300', 'PGRST302'].includes(json?.code)
    );
}

// Sends a request until it is answered; undefined, and a fault, when it never is, or with a status that nobody expects.
export async function insist(server, method, path, options, expected) {
    const since = performance.now();
    for (let tries = 0; ; tries++) {
        counts.requests++;
        if (tries > 0) {
            counts.retried++;
        }
        const answer = await server(method, path, options).catch((error) => ({ error }));
        if (!answer.error && !isOutage(answer)) {
            if (expected.includes(answer.status)) {
                counts.acknowledged++;
                return { ...answer, tries };
            }
            fault(`${method} ${path}, sent ${tries + 1} times: ${answer.status} ${answer.text.slice(0, 200)}`);
            return undefined;
        }
        const how = answer.error
            ? (answer.error.code ?? answer.error.message)
            : `${answer.status} ${answer.json?.code ?? ''}`.trim();
        failures.set(how, (failures.get(how) ?? 0) + 1);
        if (performance.now() - since > PATIENCE) {
            fault(`${method} ${path}: no answer for ${PATIENCE / 1000} s`);
            return undefined;
        }
        await sleep(Math.min(PAUSE[0] * (tries + 1), PAUSE[1]));
    }
}
