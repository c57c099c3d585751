// Talks to PostgREST: through its client library, as an application does, and
// with bare requests where the bytes, the status or the headers are what matters.

import http from 'node:http';
import { PostgrestClient } from '@supabase/postgrest-js';
import './turns.mjs';

if (!process.env.POSTGREST_URL) {
    throw new Error('POSTGREST_URL is not set: it must be the address of a running PostgREST 12'
        + ' whose db-pre-config is api.agent_postgrest_config');
}
const base = process.env.POSTGREST_URL.replace(/\/$/, '');

// Returns the client library's client, signed in when there is a token.
export function client(token) {
    return new PostgrestClient(base, {
        headers: token === undefined ? {} : { Authorization: `Bearer ${token}` }
    });
}

// Sends a request and returns status, headers and body, and the body as JSON where it is.
export function request(method, path, { token, headers = {}, body } = {}) {
    const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
        ? body : JSON.stringify(body);
    const all = { ...(bytes === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }), ...headers };

    return new Promise((resolve, reject) => {
        const sent = http.request(base + path, { method, headers: all, agent: false }, (answer) => {
            const chunks = [];

            answer.on('data', (chunk) => chunks.push(chunk));
            answer.on('end', () => {
                const text = Buffer.concat(chunks).toString('utf8');
                const isJson = /json/.test(answer.headers['content-type'] ?? '');

                resolve({ status: answer.statusCode, reason: answer.statusMessage,
                    headers: answer.headers, text, json: isJson ? JSON.parse(text) : undefined });
            });
            answer.on('error', reject);
        });
        sent.on('error', reject);
        sent.end(bytes);
    });
}

// Calls a function by POST with arguments in the body.
export function call(name, args = {}, options = {}) {
    return request('POST', `/rpc/${name}`, { ...options, body: args });
}

export const address = new URL(base);
