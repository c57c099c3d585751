// Takes tokens apart and makes others: with the server's own key, which a
// superuser can read, to reach what lies behind the signature; and with wrong
// ones, as an attacker would.

import { createHmac } from 'node:crypto';
import { sql } from './psql.mjs';

const encode = (value) => Buffer.from(
    typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

// Returns header and claims of a token.
export function open(token) {
    const [header, claims] = token.split('.').slice(0, 2)
        .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')));

    return { header, claims };
}

// Makes a token; header and claims may be objects or texts.
export function sign(header, claims, key, hash = 'sha256') {
    const signed = `${encode(header)}.${encode(claims)}`;

    return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
}

// Returns the server's key of that id.
export function serverKey(kid) {
    return Buffer.from(sql(`SELECT encode(secret, 'hex') FROM agent.signing_keys
        WHERE kid = '${kid}'`), 'hex');
}

// Changes claims or header of a token and signs it with the server's own key.
export function resign(token, claims, header = {}) {
    const was = open(token);

    return sign({ ...was.header, ...header }, { ...was.claims, ...claims },
        serverKey(was.header.kid));
}
