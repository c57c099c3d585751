// Defaults of the web's roles, which whoever may become such a role may set: PostgREST
// applies them to every request, and they must not make it run somebody's functions.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { person } from './people.mjs';
import { request } from './postgrest.mjs';
import { sql } from './psql.mjs';

// A function of PostgREST's own statements, under the same name, that keeps what it sees.
before(() => sql(`
    CREATE SCHEMA evil;
    CREATE TABLE evil.loot (headers text);
    GRANT USAGE ON SCHEMA evil TO PUBLIC;
    GRANT INSERT ON evil.loot TO PUBLIC;
    CREATE FUNCTION evil.current_setting(name text, missing_ok boolean) RETURNS text
    LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO evil.loot VALUES (pg_catalog.current_setting('request.headers', true));
        RETURN pg_catalog.current_setting(name, missing_ok);
    EXCEPTION WHEN read_only_sql_transaction THEN
        RETURN pg_catalog.current_setting(name, missing_ok);
    END $$;
    ALTER ROLE agent_user SET search_path = evil, pg_catalog;
    ALTER ROLE agent_user SET row_security = off;
    NOTIFY pgrst, 'reload config';`));

after(() => sql(`
    ALTER ROLE agent_user RESET ALL;
    DROP SCHEMA evil CASCADE;
    NOTIFY pgrst, 'reload config';`));

test('a search_path or row_security of the role has no say in a request', async () => {
    const alice = await person();

    await sleep(1000);
    for (let n = 0; n < 20; n++) {
        const made = await request('POST', '/rpc/agent_conversation_create',
            { token: alice.token, body: { title: 'mine' } });
        assert.equal(made.status, 201);
        const listed = await request('GET', '/agent_conversations?select=title',
            { token: alice.token });
        assert.equal(listed.status, 200);
        assert.equal(listed.json.length, n + 1);
        await sleep(20);
    }
    assert.equal(sql('SELECT count(*) FROM evil.loot'), '0');
});
