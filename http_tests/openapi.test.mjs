// GET /openapi.json: a public validator finds nothing wrong with it, and it describes
// the contract, all of it and nothing else.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createConfig, lintFromString } from '@redocly/openapi-core';

const contract = [
    'POST /auth/register 201 400 409 413 422 429 503',
    'POST /auth/login 200 400 401 403 413 422 429 503',
    'POST /auth/refresh 200 400 401 403 413 422 429 503',
    'POST /auth/logout 204 400 401 403 413 422 429 503',
    'POST /auth/password 204 400 401 403 413 422 429 503',
    'GET /auth/sessions 200 400 401 403 429 503',
    'GET /auth/export 200 400 401 403 429 503',
    'GET /auth/me 200 304 401 403 429 503',
    'DELETE /auth/me 204 400 401 403 409 413 422 429 503',
    'POST /conversations 201 400 401 403 409 413 422 429 503',
    'GET /conversations 200 304 400 401 403 422 429 503',
    'GET /conversations/{conversation_id} 200 304 401 403 404 422 429 503',
    'PATCH /conversations/{conversation_id} 200 400 401 403 404 413 422 429 503',
    'DELETE /conversations/{conversation_id} 204 401 403 404 422 429 503',
    'POST /conversations/{conversation_id}/messages 201 400 401 403 404 409 413 422 429 503',
    'GET /conversations/{conversation_id}/messages 200 304 400 401 403 404 422 429 503',
    'POST /conversations/{conversation_id}/fork 201 400 401 403 404 413 422 429 503',
    'PATCH /messages/{message_id} 200 400 401 403 404 413 422 429 503',
    'DELETE /messages/{message_id} 204 401 403 404 422 429 503',
    'GET /search 200 401 403 404 422 429 503',
    'GET /health 200 503',
    'GET /ready 200 503',
    'GET /openapi.json 200 503'
];
const open = ['POST /auth/register', 'POST /auth/login', 'POST /auth/refresh', 'GET /health', 'GET /ready',
    'GET /openapi.json'];

let text;
let description;
// All operations, by method and path.
let operations;

before(async () => {
    const answer = await fetch(`${process.env.GATEWAY_URL}/openapi.json`);

    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type'), /^application\/json/);
    text = await answer.text();
    description = JSON.parse(text);
    operations = new Map(Object.entries(description.paths).flatMap(([path, methods]) =>
        Object.entries(methods).filter(([method]) => method !== 'parameters')
            .map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation])));
});

test('it is OpenAPI 3.1, and a validator finds no fault', async () => {
    const problems = await lintFromString({ source: text, absoluteRef: 'openapi.json',
        config: await createConfig({ extends: ['recommended-strict'], rules: {
            'info-license-url': 'off', // the licence has an SPDX identifier instead
            'operation-4xx-response': 'off', // /health, /ready and /openapi.json have none
            'tag-description': 'off'
        } }) });

    assert.deepEqual(problems.map(({ ruleId, message, location }) =>
        `${ruleId}: ${message} at ${location.map(({ pointer }) => pointer)}`), []);
    assert.match(description.openapi, /^3\.1\./);
});

test('every route of the contract is in it, with its success and its errors, and no other', () => {
    const described = [...operations].map(([name, { responses }]) =>
        [name, ...Object.keys(responses)].join(' '));

    assert.deepEqual(described.sort(), contract.sort());
});

test('it says which of them want a token', () => {
    const scheme = Object.keys(description.components.securitySchemes);

    assert.equal(scheme.length, 1);
    assert.equal(description.components.securitySchemes[scheme[0]].scheme, 'bearer');
    for (const [name, operation] of operations) {
        const wanted = operation.security ?? description.security;

        assert.deepEqual(wanted, open.includes(name) ? [] : [{ [scheme[0]]: [] }], name);
    }
});

test('every reference leads somewhere, and every error is described by its body', () => {
    const follow = (pointer) => pointer.slice(2).split('/').reduce((node, key) => node?.[key],
        description);

    for (const [, pointer] of text.matchAll(/"\$ref": ?"([^"]+)"/g)) {
        assert.ok(follow(pointer), pointer);
    }
    for (const [name, { responses }] of operations) {
        for (const [status, { content }] of Object.entries(responses)) {
            if (!['204', '304'].includes(status)) {
                assert.ok(content['application/json'].schema, `${name} ${status}`);
            }
        }
    }
});
