-- Version 1.0.0 as it was released. This file never changes: sql/released.sha256 has its checksum.
-- agent: an AI-agent backend inside PostgreSQL.
--
-- API objects go to the schema the extension is installed into, all named
-- agent_*; private ones to the schema agent, which this script creates.
-- Read in the order of the file names. Whoever may do what stands on two
-- pages: 80_policies.sql and 90_grants.sql.

\echo Use "CREATE EXTENSION agent" to load this file. \quit

-- Every name below is in pg_catalog or qualified: nothing that somebody put
-- into another schema can be picked up by this script.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Plain CREATE: a schema that somebody made beforehand, and still owns, makes
-- the installation fail instead of handing them the tables.
CREATE SCHEMA agent;

COMMENT ON SCHEMA agent IS
'Private tables and functions of the extension agent. The API is in the schema the extension was installed into.';
-- Roles are shared by all databases of a cluster and outlive the extension,
-- so an existing one is accepted, but only with the attributes it should have:
-- anybody with CREATEROLE could have made it.
DO LANGUAGE plpgsql $$
DECLARE
    wanted record;
    present pg_catalog.pg_roles;
BEGIN
    IF pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE EXCEPTION 'extension "agent" needs a database with the encoding UTF8, this one has %',
                pg_catalog.current_setting('server_encoding')
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Create the database with ENCODING ''UTF8'' TEMPLATE template0.';
    END IF;

    FOR wanted IN
        SELECT * FROM (VALUES
            ('agent_owner'::name, true),
            ('agent_anon', true),
            ('agent_user', true),
            ('agent_admin', true),
            ('agent_authenticator', false)) AS roles (name, nologin)
    LOOP
        SELECT * INTO present FROM pg_catalog.pg_roles AS r
            WHERE r.rolname OPERATOR(pg_catalog.=) wanted.name;

        IF NOT FOUND THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN %s', wanted.name,
                CASE WHEN wanted.nologin THEN 'INHERIT' ELSE 'NOINHERIT' END);
        ELSIF present.rolsuper OR present.rolbypassrls OR present.rolcreaterole
                OR present.rolcreatedb OR present.rolreplication
                OR (wanted.nologin AND present.rolcanlogin)
                OR (present.rolinherit AND NOT wanted.nologin) THEN
            RAISE EXCEPTION 'role "%" exists with attributes it must not have', wanted.name
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      HINT = pg_catalog.format(
                        'Drop it, or run: ALTER ROLE %I NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION %s;',
                        wanted.name,
                        CASE WHEN wanted.nologin THEN 'NOLOGIN' ELSE 'NOINHERIT' END);
        END IF;
    END LOOP;

    -- Nothing made in their name beforehand may be a back door: what the owner owns
    -- could run as it, what search_path finds runs as whoever calls.
    IF EXISTS (SELECT FROM pg_catalog.pg_shdepend AS d
               WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
                 AND d.refobjid OPERATOR(pg_catalog.=) 'agent_owner'::pg_catalog.regrole
                 AND d.deptype OPERATOR(pg_catalog.=) 'o'
                 AND d.dbid IN (0, (SELECT b.oid FROM pg_catalog.pg_database AS b
                                    WHERE b.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()))) THEN
        RAISE EXCEPTION 'role "agent_owner" owns objects in this database already'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Look at them, then run: REASSIGN OWNED BY agent_owner TO CURRENT_USER;';
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_db_role_setting AS s,
                   pg_catalog.unnest(s.setconfig) AS setting
               WHERE s.setrole IN ('agent_owner'::pg_catalog.regrole, 'agent_anon'::pg_catalog.regrole,
                                   'agent_user'::pg_catalog.regrole, 'agent_admin'::pg_catalog.regrole,
                                   'agent_authenticator'::pg_catalog.regrole)
                 AND pg_catalog.split_part(setting, '=', 1) IN ('search_path', 'row_security', 'role')) THEN
        RAISE EXCEPTION 'roles of the extension "agent" have settings they must not have'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Run ALTER ROLE ... RESET search_path, and likewise row_security and role.';
    END IF;

    -- What these roles may do must not reach beyond this extension, nobody may act
    -- as the owner of the tables, and what PostgREST logs in as is nothing by itself.
    -- (WITH INHERIT is a property of the membership since PostgreSQL 16.)
    IF EXISTS (SELECT FROM pg_catalog.pg_auth_members AS m
               WHERE m.member IN ('agent_owner'::pg_catalog.regrole, 'agent_anon'::pg_catalog.regrole,
                                  'agent_user'::pg_catalog.regrole)
                  OR m.roleid IN ('agent_owner'::pg_catalog.regrole,
                                  'agent_authenticator'::pg_catalog.regrole)
                  OR (m.member OPERATOR(pg_catalog.=) 'agent_authenticator'::pg_catalog.regrole
                      AND (m.roleid NOT IN ('agent_anon'::pg_catalog.regrole, 'agent_user'::pg_catalog.regrole)
                           OR coalesce((pg_catalog.to_jsonb(m) OPERATOR(pg_catalog.->>) 'inherit_option')::boolean,
                                       false)))) THEN
        RAISE EXCEPTION 'roles of the extension "agent" have memberships they must not have'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'agent_owner, agent_anon and agent_user are members of no role, agent_authenticator of agent_anon and agent_user without INHERIT, and neither agent_owner nor agent_authenticator has members.',
                  HINT = 'See the memberships in pg_auth_members and REVOKE the others.';
    END IF;
END
$$;

-- What PostgREST, or a pool, logs in as: it has nothing of its own and becomes
-- one of the two. Roles are the cluster's, so this grant may exist already.
GRANT agent_anon, agent_user TO agent_authenticator;
-- Ids: the library makes them; this is for rows that are made by a statement.

CREATE FUNCTION agent.uuidv7()
RETURNS uuid
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_uuidv7_next';

COMMENT ON FUNCTION agent.uuidv7() IS 'A new UUID of version 7, greater than every earlier one of this session.';
-- Accounts: people, how they register, log in and see themselves.

-- The library looks rows up below the level of SQL (src/lookup.c), in heaps, by
-- keys that come first: here and in the other tables.
CREATE TABLE agent.users (
    id            uuid PRIMARY KEY,
    email         text NOT NULL CHECK (char_length(email) <= 100),
    email_key     text COLLATE "C" NOT NULL UNIQUE,
    username      text NOT NULL UNIQUE CHECK (char_length(username) BETWEEN 3 AND 50),
    password_hash text NOT NULL,
    is_active     boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL
) USING heap;

COMMENT ON TABLE agent.users IS 'One row per account.';
COMMENT ON COLUMN agent.users.id IS 'UUID version 7: ordered by the time of registration.';
COMMENT ON COLUMN agent.users.email IS 'As given, with the domain in lower case; 100 characters at most.';
COMMENT ON COLUMN agent.users.email_key IS 'The address in Unicode NFC and lower case: who somebody is does not depend on case.';
COMMENT ON COLUMN agent.users.username IS '3 to 50 characters, compared exactly.';
COMMENT ON COLUMN agent.users.password_hash IS 'passlib''s bcrypt_sha256 version 2, so that no length of password is cut off. No role can read it through the API.';
COMMENT ON COLUMN agent.users.created_at IS 'Time of registration.';
COMMENT ON COLUMN agent.users.is_active IS 'false refuses login and every token of the account from the next statement on.';

SELECT pg_extension_config_dump('agent.users', '');

CREATE VIEW @extschema@.agent_users WITH (security_invoker = true) AS
SELECT u.id, u.email, u.username, u.is_active, u.created_at
FROM agent.users AS u;

COMMENT ON VIEW @extschema@.agent_users IS 'The caller''s own account: one row, or none without a token.';
COMMENT ON COLUMN @extschema@.agent_users.id IS 'Id of the account.';
COMMENT ON COLUMN @extschema@.agent_users.email IS 'E-mail address.';
COMMENT ON COLUMN @extschema@.agent_users.username IS 'Name, unique and case-sensitive.';
COMMENT ON COLUMN @extschema@.agent_users.is_active IS 'Whether the account may be used.';
COMMENT ON COLUMN @extschema@.agent_users.created_at IS 'Time of registration.';

CREATE TYPE @extschema@.agent_token AS (
    access_token  text,
    token_type    text,
    expires_in    integer,
    refresh_token text
);

COMMENT ON TYPE @extschema@.agent_token IS 'What a login gives.';
COMMENT ON COLUMN @extschema@.agent_token.access_token IS 'JWT (HS256) to send as Authorization: Bearer, or to set as agent.token.';
COMMENT ON COLUMN @extschema@.agent_token.token_type IS 'Always bearer.';
COMMENT ON COLUMN @extschema@.agent_token.expires_in IS 'Life of the access token in seconds.';
COMMENT ON COLUMN @extschema@.agent_token.refresh_token IS 'To be given to agent_refresh, once, for the next pair.';

CREATE FUNCTION @extschema@.agent_register(
    email text, username text, password text, idempotency_key text DEFAULT NULL)
RETURNS @extschema@.agent_users
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_register';

COMMENT ON FUNCTION @extschema@.agent_register(text, text, text, text) IS
'Registers an account.

email: a deliverable address, 100 characters at most, unique regardless of case. username: 3 to 50 characters, unique. password: 6 characters or more, of which none is ever cut off. idempotency_key: 1 to 200 characters that nobody can guess; over HTTP the header Idempotency-Key stands for it. The same request with the same key, within agent.idempotency_ttl, gives the same answer and does nothing.
HTTP 201. Errors: email_taken 400, username_taken 400, idempotency_mismatch 409 (the key was used for another request), validation_failed 422.';

CREATE FUNCTION @extschema@.agent_login(email text, password text)
RETURNS @extschema@.agent_token
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_login';

COMMENT ON FUNCTION @extschema@.agent_login(text, text) IS
'Checks a password and starts a session.

An unknown address answers as a wrong password does, after the same time.
HTTP 200. Errors: bad_credentials 401, user_inactive 403 (only after the right password), validation_failed 422.';

CREATE FUNCTION @extschema@.agent_me()
RETURNS @extschema@.agent_users
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_me';

COMMENT ON FUNCTION @extschema@.agent_me() IS
'The caller''s account.

HTTP 200. Errors: not_authenticated 401, invalid_token 401, user_not_found 401, user_inactive 403.';

CREATE FUNCTION @extschema@.agent_password_change(current_password text, new_password text)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_password_change';

COMMENT ON FUNCTION @extschema@.agent_password_change(text, text) IS
'Changes the caller''s password and ends every other session.

new_password: 6 to 65536 characters.
HTTP 204. Errors: not_authenticated 401, wrong_password 400, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_account_delete(password text)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_account_delete';

COMMENT ON FUNCTION @extschema@.agent_account_delete(text) IS
'Deletes the caller''s account with its sessions, conversations, messages and events.

What stays is one event, delete, with its time and the id of the account.
HTTP 204. Errors: not_authenticated 401, wrong_password 400, account_in_use 409 (tables of your own refer to it), validation_failed 422.';
-- Sessions: one per login. A token is good while its session is.

CREATE TABLE agent.sessions (
    user_id    uuid NOT NULL REFERENCES agent.users (id) ON DELETE CASCADE,
    id         uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    user_agent text CHECK (char_length(user_agent) <= 256),
    refreshed_at     timestamptz NOT NULL,
    refresh_hash     bytea NOT NULL CHECK (octet_length(refresh_hash) = 32),
    refresh_previous bytea CHECK (octet_length(refresh_previous) = 32),
    refresh_kid      uuid,
    refresh_key      bytea NOT NULL CHECK (octet_length(refresh_key) = 32),
    refresh_generation integer NOT NULL DEFAULT 0,
    last_used_at     timestamptz NOT NULL,
    address          inet,
    PRIMARY KEY (user_id, id)
) USING heap;

COMMENT ON TABLE agent.sessions IS 'One row per login. Rows that expired go at the account''s next login.';
COMMENT ON COLUMN agent.sessions.user_id IS 'Whose session.';
COMMENT ON COLUMN agent.sessions.id IS 'UUID version 7; the claim sid of the session''s tokens.';
COMMENT ON COLUMN agent.sessions.created_at IS 'Time of the login.';
COMMENT ON COLUMN agent.sessions.expires_at IS 'When it expires unless it is refreshed before.';
COMMENT ON COLUMN agent.sessions.ended_at IS 'When it was ended before its time; NULL while it lives.';
COMMENT ON COLUMN agent.sessions.user_agent IS 'The User-Agent header of the login, 256 characters at most; NULL outside HTTP.';

COMMENT ON COLUMN agent.sessions.refreshed_at IS 'Time of the login, or of the last refresh.';
COMMENT ON COLUMN agent.sessions.refresh_hash IS 'SHA-256 of the secret in the refresh token that is good now.';
COMMENT ON COLUMN agent.sessions.refresh_previous IS 'The same of the one before, which gives the current one again for agent.refresh_grace.';
COMMENT ON COLUMN agent.sessions.refresh_kid IS 'The signing key that made the current secret out of the one before.';
COMMENT ON COLUMN agent.sessions.refresh_key IS 'Tags refresh tokens of the session: tells an old one from one made up. No token that works can be made with it alone.';
COMMENT ON COLUMN agent.sessions.refresh_generation IS 'How many times the session was refreshed.';
COMMENT ON COLUMN agent.sessions.last_used_at IS 'Time of the login, of the last refresh, or, where the library is preloaded, of the last use, to the minute.';
COMMENT ON COLUMN agent.sessions.address IS 'Where the login came from, by agent.trusted_address_header; NULL when that is unknown.';

SELECT pg_extension_config_dump('agent.sessions', '');

CREATE FUNCTION agent.session_id()
RETURNS uuid
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_session_id';

COMMENT ON FUNCTION agent.session_id() IS
'Id of the session that the caller''s token belongs to; NULL without a token; an error with a bad one.';

CREATE VIEW @extschema@.agent_sessions WITH (security_invoker = true) AS
SELECT s.id, s.created_at, s.last_used_at, s.expires_at, s.user_agent, pg_catalog.host(s.address) AS address,
    s.id OPERATOR(pg_catalog.=) agent.session_id() AS is_current
FROM agent.sessions AS s
WHERE s.ended_at IS NULL AND s.expires_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp();

COMMENT ON VIEW @extschema@.agent_sessions IS 'The caller''s sessions that live.';
COMMENT ON COLUMN @extschema@.agent_sessions.id IS 'Id of the session.';
COMMENT ON COLUMN @extschema@.agent_sessions.created_at IS 'Time of the login.';
COMMENT ON COLUMN @extschema@.agent_sessions.last_used_at IS 'Time of the login, of the last refresh, or, where the library is preloaded, of the last use, to the minute.';
COMMENT ON COLUMN @extschema@.agent_sessions.expires_at IS 'When it expires unless it is refreshed before.';
COMMENT ON COLUMN @extschema@.agent_sessions.user_agent IS 'The User-Agent header of the login.';
COMMENT ON COLUMN @extschema@.agent_sessions.address IS 'Where the login came from; NULL when that is unknown.';
COMMENT ON COLUMN @extschema@.agent_sessions.is_current IS 'Whether it is the one that asks.';

CREATE FUNCTION @extschema@.agent_refresh(refresh_token text)
RETURNS @extschema@.agent_token
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_refresh';

COMMENT ON FUNCTION @extschema@.agent_refresh(text) IS
'Gives a new pair of tokens for a refresh token, which is used up by it.

Used again within agent.refresh_grace it gives the same refresh token again. An older one ends the session, at once and whatever becomes of the transaction: somebody else may have it.
HTTP 200. Errors: invalid_refresh_token 401, user_inactive 403, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_logout(scope text DEFAULT NULL)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_logout';

COMMENT ON FUNCTION @extschema@.agent_logout(text) IS
'Ends sessions of the caller; their access tokens are refused from the next statement on.

scope: local or NULL, this session; others, all but this one; global, all.
HTTP 204. Errors: not_authenticated 401, validation_failed 422.';
-- Signing keys: made here, read by the library alone.

CREATE TABLE agent.signing_keys (
    kid        uuid PRIMARY KEY,
    secret     bytea NOT NULL CHECK (octet_length(secret) = 32),
    created_at timestamptz NOT NULL,
    retires_at timestamptz
) USING heap;

-- No pg_extension_config_dump: a dump must not carry secrets. A restored
-- database makes its own key, and people log in again.
COMMENT ON TABLE agent.signing_keys IS 'HS256 keys. The newest one signs; older ones verify until they retire.';
COMMENT ON COLUMN agent.signing_keys.kid IS 'Key id: the header kid of the tokens it signed.';
COMMENT ON COLUMN agent.signing_keys.secret IS '32 random bytes. Not even the owner of the table may read this column.';
COMMENT ON COLUMN agent.signing_keys.created_at IS 'When the key was made.';
COMMENT ON COLUMN agent.signing_keys.retires_at IS 'When its last token has expired; NULL for the key that signs.';

-- row_security: the installation calls it, also in a dump, which turns that off.
CREATE FUNCTION @extschema@.agent_key_rotate()
RETURNS uuid
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on
AS 'MODULE_PATHNAME', 'agent_key_rotate';

COMMENT ON FUNCTION @extschema@.agent_key_rotate() IS
'Makes a new signing key and returns its kid.

The key that signed until now verifies until its last token has expired; keys past that are deleted. PostgREST is told to reload (NOTIFY pgrst) when the transaction commits. For agent_admin.';
-- Identity: the caller is whoever a token says that this server has verified.

CREATE FUNCTION @extschema@.agent_uid()
RETURNS uuid
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_uid';

COMMENT ON FUNCTION @extschema@.agent_uid() IS
'Id of the caller; NULL without a token; an error with a bad one.

The token is the setting agent.token, or else the Authorization header that PostgREST hands over. Its signature, times, kind, session and account are checked anew at every statement. Use it in policies of your own: user_id = agent_uid().
Errors: invalid_token 401, invalid_scheme 401, user_not_found 401, user_inactive 403.';

CREATE FUNCTION @extschema@.agent_authenticate(token text)
RETURNS uuid
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_authenticate';

COMMENT ON FUNCTION @extschema@.agent_authenticate(text) IS
'Verifies an access token, makes it the identity of this transaction and returns the account''s id.

Outside a transaction block it only verifies.
HTTP 200. Errors: invalid_token 401, user_not_found 401, user_inactive 403, validation_failed 422.';

CREATE FUNCTION agent.require_caller()
RETURNS boolean
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_require_caller';

COMMENT ON FUNCTION agent.require_caller() IS
'True, or the error not_authenticated. Lists stand on it: without a token an empty list would look like an answer.';
-- Text search: parser, dictionaries and configuration, for titles and messages.

CREATE FUNCTION agent.search_start(internal, integer)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_start';

COMMENT ON FUNCTION agent.search_start(internal, integer) IS 'Begins to read a text, for the parser agent.';

CREATE FUNCTION agent.search_next(internal, internal, internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_next';

COMMENT ON FUNCTION agent.search_next(internal, internal, internal) IS 'The next token of a text, for the parser agent.';

CREATE FUNCTION agent.search_end(internal)
RETURNS void
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_end';

COMMENT ON FUNCTION agent.search_end(internal) IS 'Ends reading a text, for the parser agent.';

CREATE FUNCTION agent.search_types(internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_types';

COMMENT ON FUNCTION agent.search_types(internal) IS 'The types of tokens of the parser agent.';

CREATE FUNCTION agent.search_headline(internal, internal, tsquery)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_headline';

COMMENT ON FUNCTION agent.search_headline(internal, internal, tsquery) IS 'Marks what ts_headline shows, for the parser agent.';

CREATE TEXT SEARCH PARSER @extschema@.agent (
    START = agent.search_start,
    GETTOKEN = agent.search_next,
    END = agent.search_end,
    LEXTYPES = agent.search_types,
    HEADLINE = agent.search_headline
);

COMMENT ON TEXT SEARCH PARSER @extschema@.agent IS
'Texts in many scripts: ASCII between blanks as the default parser has it, scripts without blanks character by character, symbols one by one.';

CREATE FUNCTION agent.fold_init(internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_fold_init';

COMMENT ON FUNCTION agent.fold_init(internal) IS 'Reads the options of a dictionary of the template agent_fold.';

CREATE FUNCTION agent.fold_lexize(internal, internal, internal, internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_fold_lexize';

COMMENT ON FUNCTION agent.fold_lexize(internal, internal, internal, internal) IS 'Folds a token, for dictionaries of the template agent_fold.';

CREATE TEXT SEARCH TEMPLATE @extschema@.agent_fold (
    INIT = agent.fold_init,
    LEXIZE = agent.fold_lexize
);

COMMENT ON TEXT SEARCH TEMPLATE @extschema@.agent_fold IS
'Folds case, accents, width and compatibility forms, in every locale alike. Option Result: filter (for the next dictionary), exact, or stop (nothing).';

CREATE TEXT SEARCH DICTIONARY @extschema@.agent_fold (TEMPLATE = @extschema@.agent_fold, Result = filter);
CREATE TEXT SEARCH DICTIONARY @extschema@.agent_exact (TEMPLATE = @extschema@.agent_fold, Result = exact);
CREATE TEXT SEARCH DICTIONARY @extschema@.agent_stop (TEMPLATE = @extschema@.agent_fold, Result = stop);
-- Without stop words: a phrase may be made of them.
CREATE TEXT SEARCH DICTIONARY @extschema@.agent_english (TEMPLATE = pg_catalog.snowball, Language = english);

COMMENT ON TEXT SEARCH DICTIONARY @extschema@.agent_fold IS 'Folds a token and hands it on.';
COMMENT ON TEXT SEARCH DICTIONARY @extschema@.agent_exact IS 'A folded token is the lexeme.';
COMMENT ON TEXT SEARCH DICTIONARY @extschema@.agent_stop IS 'Keeps the place of a token, so that those around it are no phrase.';
COMMENT ON TEXT SEARCH DICTIONARY @extschema@.agent_english IS 'English stems, no stop words.';

CREATE TEXT SEARCH CONFIGURATION agent.search (PARSER = @extschema@.agent);

COMMENT ON TEXT SEARCH CONFIGURATION agent.search IS
'What agent_search finds. Not to be changed: what is stored was made with it.';

ALTER TEXT SEARCH CONFIGURATION agent.search
    ADD MAPPING FOR asciiword, word, asciihword, hword, hword_asciipart, hword_part, part
    WITH @extschema@.agent_fold, @extschema@.agent_english;
ALTER TEXT SEARCH CONFIGURATION agent.search
    ADD MAPPING FOR numword, numhword, hword_numpart, email, url, host, url_path, file, part_host,
        version, sfloat, float, int, uint, cjk, symbol
    WITH @extschema@.agent_exact;
ALTER TEXT SEARCH CONFIGURATION agent.search
    ADD MAPPING FOR cjk_break
    WITH @extschema@.agent_stop;

CREATE TEXT SEARCH CONFIGURATION @extschema@.agent (COPY = agent.search);

COMMENT ON TEXT SEARCH CONFIGURATION @extschema@.agent IS
'The same as what agent_search uses, for tables of one''s own: texts in Chinese, Japanese, Korean, English and other languages.';

-- The document and the query.

CREATE FUNCTION agent.search_document(document text)
RETURNS tsvector
LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_document';

COMMENT ON FUNCTION agent.search_document(text) IS
'What of a text is found: its first 128 kB. It never fails, whatever the text.';

CREATE FUNCTION agent.search_query(query text)
RETURNS tsquery
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_query';

COMMENT ON FUNCTION agent.search_query(text) IS
'What a person means who types this into a search box: words, "phrases", -exclusions and beginnings*. NULL when it looks for nothing. 4096 bytes at most.';

-- The operator of full-text search, under another name: with a query that does not depend on
-- the row it tells nothing of a text but by its result, which is what LEAKPROOF promises.
-- Only such an operator may use an index before row security has had its say; and with
-- arguments of their own people could make it tell, so that only agent_owner may call it.

CREATE FUNCTION agent.search_matches(document tsvector, query tsquery)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_matches';

COMMENT ON FUNCTION agent.search_matches(tsvector, tsquery) IS 'Implements the operator agent.@@.';

CREATE FUNCTION agent.search_keys(tsvector, internal, smallint, internal, internal, internal, internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_keys';

COMMENT ON FUNCTION agent.search_keys(tsvector, internal, smallint, internal, internal, internal, internal) IS 'The lexemes of a query, for agent.search_ops.';

CREATE OPERATOR agent.@@ (
    LEFTARG = tsvector,
    RIGHTARG = tsquery,
    FUNCTION = agent.search_matches,
    RESTRICT = pg_catalog.tsmatchsel,
    JOIN = pg_catalog.tsmatchjoinsel
);

COMMENT ON OPERATOR agent.@@ (tsvector, tsquery) IS 'Whether a document matches a query; leakproof, for use under row security.';

CREATE OPERATOR CLASS agent.search_ops FOR TYPE tsvector USING gin AS
    OPERATOR 1 agent.@@ (tsvector, tsquery),
    FUNCTION 1 pg_catalog.gin_cmp_tslexeme(text, text),
    FUNCTION 2 pg_catalog.gin_extract_tsvector(tsvector, internal, internal),
    FUNCTION 3 agent.search_keys(tsvector, internal, smallint, internal, internal, internal, internal),
    FUNCTION 4 pg_catalog.gin_tsquery_consistent(internal, smallint, tsvector, integer, internal, internal, internal, internal),
    FUNCTION 5 pg_catalog.gin_cmp_prefix(text, text, smallint, internal),
    FUNCTION 6 pg_catalog.gin_tsquery_triconsistent(internal, smallint, tsvector, integer, internal, internal, internal),
    STORAGE text;

COMMENT ON OPERATOR CLASS agent.search_ops USING gin IS 'An index for agent.@@.';
COMMENT ON OPERATOR FAMILY agent.search_ops USING gin IS 'An index for agent.@@.';

CREATE FUNCTION agent.search_rank(document tsvector, query tsquery)
RETURNS real
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_rank';

COMMENT ON FUNCTION agent.search_rank(tsvector, tsquery) IS
'How well a document matches a query: by how often its words stand there, among how many.';

CREATE FUNCTION agent.search_snippet(document text, query tsquery, start_mark text, stop_mark text)
RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_snippet';

COMMENT ON FUNCTION agent.search_snippet(text, tsquery, text, text) IS
'About 160 characters of a text, as HTML: what was found stands between the marks, everything else is escaped.';

-- Whose row it is, in the same index: then a search costs what the caller's own rows
-- cost, however many others have the word.

CREATE FUNCTION agent.owner_keys(uuid, internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_owner_keys';

COMMENT ON FUNCTION agent.owner_keys(uuid, internal) IS 'The key of a row, for agent.owner_ops.';

CREATE FUNCTION agent.owner_query(uuid, internal, smallint, internal, internal, internal, internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_owner_query';

COMMENT ON FUNCTION agent.owner_query(uuid, internal, smallint, internal, internal, internal, internal) IS 'The key that is looked for, for agent.owner_ops.';

CREATE FUNCTION agent.owner_consistent(internal, smallint, uuid, integer, internal, internal, internal, internal)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_owner_consistent';

COMMENT ON FUNCTION agent.owner_consistent(internal, smallint, uuid, integer, internal, internal, internal, internal) IS 'Whether a row has the key that is looked for, for agent.owner_ops.';

CREATE OPERATOR CLASS agent.owner_ops FOR TYPE uuid USING gin AS
    OPERATOR 1 pg_catalog.= (uuid, uuid),
    FUNCTION 1 pg_catalog.uuid_cmp(uuid, uuid),
    FUNCTION 2 agent.owner_keys(uuid, internal),
    FUNCTION 3 agent.owner_query(uuid, internal, smallint, internal, internal, internal, internal),
    FUNCTION 4 agent.owner_consistent(internal, smallint, uuid, integer, internal, internal, internal, internal);

COMMENT ON OPERATOR CLASS agent.owner_ops USING gin IS 'A uuid in an index for searches.';
COMMENT ON OPERATOR FAMILY agent.owner_ops USING gin IS 'A uuid in an index for searches.';
-- Conversations.

CREATE TABLE agent.conversations (
    user_id       uuid NOT NULL REFERENCES agent.users (id) ON DELETE CASCADE,
    id            uuid NOT NULL,
    title         text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    is_archived   boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    message_count bigint NOT NULL DEFAULT 0,
    next_seq      bigint NOT NULL DEFAULT 1,
    is_pinned     boolean NOT NULL DEFAULT false,
    -- Every message checks these again: what would read all of them is left to the library.
    tags          text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 20),
    metadata      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    forked_from   uuid,
    PRIMARY KEY (user_id, id)
) USING heap;

-- The order of lists. No index covers a column that changes with every
-- message, so that counting a message stays a heap-only update.
CREATE INDEX conversations_newest_idx ON agent.conversations (user_id, created_at DESC, id DESC);

-- Titles are short: what is found of them is made anew where it is needed.
CREATE INDEX conversations_search_idx ON agent.conversations USING gin (user_id agent.owner_ops, agent.search_document(title) agent.search_ops);

-- A plan would tell how many of everybody's titles have a word.
ALTER INDEX agent.conversations_search_idx ALTER COLUMN 2 SET STATISTICS 0;

COMMENT ON INDEX agent.conversations_search_idx IS 'For agent_search.';
COMMENT ON TABLE agent.conversations IS 'One row per conversation.';
COMMENT ON COLUMN agent.conversations.user_id IS 'Whose conversation.';
COMMENT ON COLUMN agent.conversations.id IS 'UUID version 7.';
COMMENT ON COLUMN agent.conversations.title IS '1 to 200 characters.';
COMMENT ON COLUMN agent.conversations.is_archived IS 'Whether it was put away.';
COMMENT ON COLUMN agent.conversations.created_at IS 'Lists are ordered by this, newest first.';
COMMENT ON COLUMN agent.conversations.updated_at IS 'Last change or last message; never runs backwards.';
COMMENT ON COLUMN agent.conversations.message_count IS 'How many messages it has, kept by the functions that write and delete one.';
COMMENT ON COLUMN agent.conversations.next_seq IS 'The seq of the next message, given out under this row''s lock.';
COMMENT ON COLUMN agent.conversations.is_pinned IS 'Whether it was pinned.';
COMMENT ON COLUMN agent.conversations.tags IS '20 tags at most, each 1 to 50 characters, none of them twice.';
COMMENT ON COLUMN agent.conversations.metadata IS 'Whatever an application keeps with it: an object of 16 kB at most as text.';
COMMENT ON COLUMN agent.conversations.forked_from IS 'The conversation it is a copy of, also when that is gone; NULL for one that was begun.';

SELECT pg_extension_config_dump('agent.conversations', '');

CREATE VIEW @extschema@.agent_conversations WITH (security_invoker = true) AS
SELECT c.id, c.title, c.is_archived, c.created_at, c.updated_at, c.message_count,
    c.is_pinned, c.tags, c.metadata, c.forked_from, c.user_id
FROM agent.conversations AS c;

COMMENT ON VIEW @extschema@.agent_conversations IS 'The caller''s conversations.';
COMMENT ON COLUMN @extschema@.agent_conversations.id IS 'Id of the conversation.';
COMMENT ON COLUMN @extschema@.agent_conversations.title IS '1 to 200 characters.';
COMMENT ON COLUMN @extschema@.agent_conversations.is_archived IS 'Whether it was put away.';
COMMENT ON COLUMN @extschema@.agent_conversations.created_at IS 'When it was begun.';
COMMENT ON COLUMN @extschema@.agent_conversations.updated_at IS 'Last change or last message.';
COMMENT ON COLUMN @extschema@.agent_conversations.message_count IS 'How many messages it has.';
COMMENT ON COLUMN @extschema@.agent_conversations.is_pinned IS 'Whether it was pinned.';
COMMENT ON COLUMN @extschema@.agent_conversations.tags IS '20 tags at most, each 1 to 50 characters.';
COMMENT ON COLUMN @extschema@.agent_conversations.metadata IS 'An object of 16 kB at most.';
COMMENT ON COLUMN @extschema@.agent_conversations.forked_from IS 'Id of the conversation it is a copy of, also when that is gone; NULL for one that was begun.';
COMMENT ON COLUMN @extschema@.agent_conversations.user_id IS 'Id of the account; with id the key that messages refer to.';

CREATE FUNCTION agent.require_conversation(conversation_id uuid)
RETURNS boolean
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_require_conversation';

COMMENT ON FUNCTION agent.require_conversation(uuid) IS
'True when the caller has this conversation, or the error conversation_not_found, the same for an unknown one and for another''s.';

CREATE FUNCTION @extschema@.agent_conversation_create(
    title text, first_message text DEFAULT NULL, tags text[] DEFAULT NULL, metadata jsonb DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
RETURNS @extschema@.agent_conversations
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_create';

COMMENT ON FUNCTION @extschema@.agent_conversation_create(text, text, text[], jsonb, text) IS
'Begins a conversation.

title: 1 to 200 characters. first_message: becomes a message of the role user in the same transaction; NULL or empty makes none; 8 MiB at most. tags: 20 at most, each 1 to 50 characters; what is there twice is kept once. metadata: an object of 16 kB (16384 bytes) at most as text. idempotency_key: 1 to 200 characters; over HTTP the header Idempotency-Key stands for it. The same request with the same key, within agent.idempotency_ttl, gives the same answer and does nothing, whatever became of the conversation.
HTTP 201. Errors: not_authenticated 401, idempotency_mismatch 409 (the key was used for another request), validation_failed 422.';

CREATE FUNCTION @extschema@.agent_conversation_list(archived boolean DEFAULT NULL)
RETURNS SETOF @extschema@.agent_conversations
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
BEGIN ATOMIC
    SELECT c.id, c.title, c.is_archived, c.created_at, c.updated_at, c.message_count,
        c.is_pinned, c.tags, c.metadata, c.forked_from, c.user_id
    FROM agent.conversations AS c
    WHERE agent.require_caller()
      AND c.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
      AND (archived IS NULL OR c.is_archived OPERATOR(pg_catalog.=) archived)
    ORDER BY c.created_at DESC, c.id DESC;
END;

COMMENT ON FUNCTION @extschema@.agent_conversation_list(boolean) IS
'The caller''s conversations, newest first.

archived: true or false lists only those; NULL lists all. Page with LIMIT, or in PostgREST with limit, offset and filters.
HTTP 200. Errors: not_authenticated 401.';

CREATE FUNCTION @extschema@.agent_conversation_get(conversation_id uuid)
RETURNS @extschema@.agent_conversations
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_conversation_get';

COMMENT ON FUNCTION @extschema@.agent_conversation_get(uuid) IS
'One of the caller''s conversations.

HTTP 200. Errors: not_authenticated 401, conversation_not_found 404 (also for another''s), validation_failed 422.';

CREATE FUNCTION @extschema@.agent_conversation_update(
    conversation_id uuid, title text DEFAULT NULL, is_archived boolean DEFAULT NULL,
    is_pinned boolean DEFAULT NULL, tags text[] DEFAULT NULL, metadata jsonb DEFAULT NULL)
RETURNS @extschema@.agent_conversations
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_update';

COMMENT ON FUNCTION @extschema@.agent_conversation_update(uuid, text, boolean, boolean, text[], jsonb) IS
'Changes the title of a conversation, puts it away, pins or tags it.

NULL leaves a field as it is; with all NULL nothing changes, not even updated_at. tags and metadata take the place of those it has, by the rules of agent_conversation_create.
HTTP 200. Errors: not_authenticated 401, conversation_not_found 404, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_conversation_delete(conversation_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_delete';

COMMENT ON FUNCTION @extschema@.agent_conversation_delete(uuid) IS
'Deletes a conversation and its messages.

HTTP 204. Errors: not_authenticated 401, conversation_not_found 404, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_conversation_fork(
    conversation_id uuid, message_id uuid DEFAULT NULL, title text DEFAULT NULL)
RETURNS @extschema@.agent_conversations
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_fork';

COMMENT ON FUNCTION @extschema@.agent_conversation_fork(uuid, uuid, text) IS
'Begins a conversation with copies of the messages of another one of the caller''s.

message_id: the last message that is copied; NULL copies all. title: 1 to 200 characters; NULL takes over that of the original, as tags and metadata are. The copies have new ids and are numbered from 1; role, content, metadata, created_at and edited_at are theirs. The new conversation is neither pinned nor archived; forked_from tells of the original, which stays as it is.
HTTP 201. Errors: not_authenticated 401, conversation_not_found 404 (also for another''s), message_not_found 404 (of another conversation, too), validation_failed 422.';
-- Messages.

CREATE TABLE agent.messages (
    user_id         uuid NOT NULL,
    id              uuid NOT NULL,
    conversation_id uuid NOT NULL,
    seq             bigint NOT NULL,
    role            text NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    content         text NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 8388608),
    created_at      timestamptz NOT NULL,
    search          tsvector NOT NULL GENERATED ALWAYS AS (agent.search_document(content)) STORED,
    metadata        jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    edited_at       timestamptz,
    PRIMARY KEY (user_id, id),
    -- The one index beside the key. One on user_id alone would tempt a generic
    -- plan made for a small account into scanning a large one.
    UNIQUE (user_id, conversation_id, seq),
    FOREIGN KEY (user_id, conversation_id) REFERENCES agent.conversations (user_id, id) ON DELETE CASCADE
) USING heap;

-- Not compressed: it would be taken apart for each phrase and each rank.
-- No statistics either: a plan would tell how many of everybody's messages have a word.
ALTER TABLE agent.messages
    ALTER COLUMN search SET STORAGE EXTERNAL,
    ALTER COLUMN search SET STATISTICS 0;

-- Whose message it is stands in the index too, so that a search costs what the
-- caller's own messages cost, however many others have the word.
CREATE INDEX messages_search_idx ON agent.messages USING gin (user_id agent.owner_ops, search agent.search_ops);

COMMENT ON TABLE agent.messages IS 'One row per message.';
COMMENT ON COLUMN agent.messages.user_id IS 'Whose message: the owner of the conversation.';
COMMENT ON COLUMN agent.messages.id IS 'UUID version 7.';
COMMENT ON COLUMN agent.messages.conversation_id IS 'The conversation it belongs to.';
COMMENT ON COLUMN agent.messages.seq IS 'Place in the conversation: given out as 1, 2, 3, ... without a gap, in the order the messages were accepted. A deleted one leaves a gap, which is never filled.';
COMMENT ON COLUMN agent.messages.role IS 'user, assistant or system.';
COMMENT ON COLUMN agent.messages.content IS '1 character to 8 MiB.';
COMMENT ON COLUMN agent.messages.created_at IS 'When it was accepted; never runs backwards along seq.';
COMMENT ON COLUMN agent.messages.search IS 'What agent_search finds of the content: its first 128 kB.';
COMMENT ON INDEX agent.messages_search_idx IS 'For agent_search.';
COMMENT ON COLUMN agent.messages.metadata IS 'Whatever an application keeps with it (model, counts of tokens, why it ended): an object of 16 kB at most as text.';
COMMENT ON COLUMN agent.messages.edited_at IS 'When its content was last changed; NULL while it is as it was accepted.';

SELECT pg_extension_config_dump('agent.messages', '');

CREATE VIEW @extschema@.agent_messages WITH (security_invoker = true) AS
SELECT m.id, m.conversation_id, m.seq, m.role, m.content, m.created_at, m.metadata, m.edited_at, m.user_id
FROM agent.messages AS m;

COMMENT ON VIEW @extschema@.agent_messages IS 'The messages of the caller''s conversations.';
COMMENT ON COLUMN @extschema@.agent_messages.id IS 'Id of the message.';
COMMENT ON COLUMN @extschema@.agent_messages.conversation_id IS 'The conversation it belongs to.';
COMMENT ON COLUMN @extschema@.agent_messages.seq IS 'Place in the conversation: given out from 1 without a gap; a deleted message leaves one. Page with seq=gt.N.';
COMMENT ON COLUMN @extschema@.agent_messages.role IS 'user, assistant or system.';
COMMENT ON COLUMN @extschema@.agent_messages.content IS 'The text, exactly as sent.';
COMMENT ON COLUMN @extschema@.agent_messages.created_at IS 'When it was accepted.';
COMMENT ON COLUMN @extschema@.agent_messages.metadata IS 'An object of 16 kB at most.';
COMMENT ON COLUMN @extschema@.agent_messages.edited_at IS 'When its content was last changed; NULL while it is as it was accepted.';
COMMENT ON COLUMN @extschema@.agent_messages.user_id IS 'Id of the account; with conversation_id the key of the conversation.';

CREATE FUNCTION @extschema@.agent_message_create(
    conversation_id uuid, role text, content text, metadata jsonb DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
RETURNS @extschema@.agent_messages
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_message_create';

COMMENT ON FUNCTION @extschema@.agent_message_create(uuid, text, text, jsonb, text) IS
'Adds a message to a conversation.

role: user, assistant or system. content: 1 character to 8 MiB. metadata: an object of 16 kB (16384 bytes) at most as text. idempotency_key: 1 to 200 characters; over HTTP the header Idempotency-Key stands for it. The same request with the same key, within agent.idempotency_ttl, gives the same answer and does nothing, whatever became of the message.
HTTP 201. Errors: not_authenticated 401, conversation_not_found 404, idempotency_mismatch 409 (the key was used for another request), validation_failed 422.';

CREATE FUNCTION @extschema@.agent_message_update(
    message_id uuid, content text DEFAULT NULL, metadata jsonb DEFAULT NULL)
RETURNS @extschema@.agent_messages
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_message_update';

COMMENT ON FUNCTION @extschema@.agent_message_update(uuid, text, jsonb) IS
'Changes what a message says, or the metadata with it.

NULL leaves a field as it is; with both NULL nothing changes. content sets edited_at; metadata takes the place of what there is. seq and created_at stay, updated_at of the conversation moves.
HTTP 200. Errors: not_authenticated 401, message_not_found 404 (also for another''s), validation_failed 422.';

CREATE FUNCTION @extschema@.agent_message_delete(message_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_message_delete';

COMMENT ON FUNCTION @extschema@.agent_message_delete(uuid) IS
'Deletes a message.

The others keep their seq: a gap is left, which is never filled. message_count of the conversation goes down by one, and its updated_at moves.
HTTP 204. Errors: not_authenticated 401, message_not_found 404 (also for another''s), validation_failed 422.';

CREATE FUNCTION @extschema@.agent_message_list(conversation_id uuid)
RETURNS SETOF @extschema@.agent_messages
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
BEGIN ATOMIC
    SELECT m.id, m.conversation_id, m.seq, m.role, m.content, m.created_at, m.metadata, m.edited_at, m.user_id
    FROM agent.messages AS m
    WHERE agent.require_conversation(agent_message_list.conversation_id)
      AND m.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
      -- Not the bare argument: were it NULL, nothing would be left to run.
      AND m.conversation_id OPERATOR(pg_catalog.=)
          CASE WHEN agent_message_list.conversation_id IS NULL
               THEN '00000000-0000-0000-0000-000000000000'::uuid
               ELSE agent_message_list.conversation_id END
    ORDER BY m.seq;
END;

COMMENT ON FUNCTION @extschema@.agent_message_list(uuid) IS
'The messages of a conversation, oldest first.

Page with LIMIT and seq > N, or in PostgREST with limit and seq=gt.N.
HTTP 200. Errors: not_authenticated 401, conversation_not_found 404 (also for another''s).';
-- Administration: what those who run the service do, as members of agent_admin.

CREATE FUNCTION @extschema@.agent_user_import(
    email text, username text, password_hash text,
    is_active boolean DEFAULT NULL, created_at timestamptz DEFAULT NULL)
RETURNS @extschema@.agent_users
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_user_import';

COMMENT ON FUNCTION @extschema@.agent_user_import(text, text, text, boolean, timestamptz) IS
'Takes an account over from another application, with its password''s hash.

password_hash: bcrypt ($2a$, $2b$, $2y$, cost 4 to 15) or passlib''s bcrypt_sha256; the next login makes a new one of it. is_active: NULL is true. created_at: NULL is now.
HTTP 201. Errors: email_taken 400, username_taken 400, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_user_set_active(user_id uuid, active boolean)
RETURNS @extschema@.agent_users
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_user_set_active';

COMMENT ON FUNCTION @extschema@.agent_user_set_active(uuid, boolean) IS
'Deactivates an account, or activates it again.

Deactivated, login and every token of it are refused from the next statement on.
HTTP 200. Errors: account_not_found 404, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_user_list(search text DEFAULT NULL)
RETURNS SETOF @extschema@.agent_users
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT u.id, u.email, u.username, u.is_active, u.created_at
    FROM agent.users AS u
    WHERE agent_user_list.search IS NULL
       OR pg_catalog.strpos(pg_catalog.lower(u.email), pg_catalog.lower(agent_user_list.search)) OPERATOR(pg_catalog.>) 0
       OR pg_catalog.strpos(pg_catalog.lower(u.username), pg_catalog.lower(agent_user_list.search)) OPERATOR(pg_catalog.>) 0
    ORDER BY u.created_at DESC, u.id DESC;
END;

COMMENT ON FUNCTION @extschema@.agent_user_list(text) IS
'Accounts, newest first.

search: a part of the address or of the name, in any case; NULL lists all. Page with LIMIT, or in PostgREST with limit and offset.
HTTP 200.';

CREATE FUNCTION @extschema@.agent_session_end(session_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_session_end';

COMMENT ON FUNCTION @extschema@.agent_session_end(uuid) IS
'Ends a session, whosever it is; its tokens are refused from the next statement on.

HTTP 204. Errors: session_not_found 404 (also for one that has ended), validation_failed 422.';

CREATE FUNCTION agent.is_purged(updated_at timestamptz)
RETURNS boolean
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_is_purged';

COMMENT ON FUNCTION agent.is_purged(timestamptz) IS 'Whether agent_purge, in this session, is just now deleting what was last changed then: a policy stands on it.';

-- Runs as agent_admin, whose policy shows it everybody's conversations while agent_purge
-- calls it: three columns of them. A row that somebody has locked is in use.
CREATE FUNCTION agent.purge(before timestamptz, batch integer)
RETURNS bigint
LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH old AS (
        SELECT c.user_id, c.id
        FROM agent.conversations AS c
        WHERE c.updated_at OPERATOR(pg_catalog.<) purge.before
        LIMIT purge.batch
        FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM agent.conversations AS c
        USING old AS o
        WHERE c.user_id OPERATOR(pg_catalog.=) o.user_id AND c.id OPERATOR(pg_catalog.=) o.id
        RETURNING c.id
    )
    SELECT pg_catalog.count(*) FROM deleted AS d;
END;

COMMENT ON FUNCTION agent.purge(timestamptz, integer) IS
'Deletes up to so many conversations that were last changed before a time, and returns how many. For agent_purge.';

CREATE FUNCTION @extschema@.agent_purge(older_than interval, batch integer DEFAULT 1000)
RETURNS bigint
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_purge';

COMMENT ON FUNCTION @extschema@.agent_purge(interval, integer) IS
'Deletes conversations, whosever they are, whose updated_at is longer ago than older_than, with their messages, and returns how many.

older_than: 0 to 1000 years. batch: 1 to 100000, how many at most; call it again until it returns 0, each time in a transaction of its own. Those that somebody is just writing to are left out. It reads the whole table.
HTTP 200. Errors: account_in_use 409 (tables of your own refer to a conversation), validation_failed 422.';
-- Pages: a list, a part at a time, each as fast as the first.

CREATE TYPE @extschema@.agent_conversations_page AS (
    items       @extschema@.agent_conversations[],
    next_cursor text,
    has_more    boolean
);

COMMENT ON TYPE @extschema@.agent_conversations_page IS 'A page of conversations.';
COMMENT ON COLUMN @extschema@.agent_conversations_page.items IS 'The conversations, newest created first; an empty array when there are none.';
COMMENT ON COLUMN @extschema@.agent_conversations_page.next_cursor IS 'What to ask the next page with; NULL at the end. Good for the same caller and arguments, for a day at least, and until its signing key is gone.';
COMMENT ON COLUMN @extschema@.agent_conversations_page.has_more IS 'Whether anything follows.';

CREATE TYPE @extschema@.agent_messages_page AS (
    items       @extschema@.agent_messages[],
    next_cursor text,
    has_more    boolean
);

COMMENT ON TYPE @extschema@.agent_messages_page IS 'A page of messages.';
COMMENT ON COLUMN @extschema@.agent_messages_page.items IS 'The messages, in the order asked for; an empty array when there are none.';
COMMENT ON COLUMN @extschema@.agent_messages_page.next_cursor IS 'What to ask the next page with; NULL at the end. Good for the same caller and arguments, for a day at least, and until its signing key is gone.';
COMMENT ON COLUMN @extschema@.agent_messages_page.has_more IS 'Whether anything follows.';

CREATE FUNCTION @extschema@.agent_conversation_page(
    cursor text DEFAULT NULL, page_size integer DEFAULT NULL, archived boolean DEFAULT NULL,
    pinned boolean DEFAULT NULL, tag text DEFAULT NULL, metadata jsonb DEFAULT NULL)
RETURNS @extschema@.agent_conversations_page
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_page';

COMMENT ON FUNCTION @extschema@.agent_conversation_page(text, integer, boolean, boolean, text, jsonb) IS
'A page of the caller''s conversations, newest created first.

cursor: the next_cursor of the page before, with the same other arguments but page_size; NULL or empty is the first page. page_size: 1 to 100, NULL is 20. archived, pinned: true or false lists only those. tag: lists only what has this tag, of 1 to 50 characters. metadata: lists only what contains this object, of 16 kB at most as text. NULL of each lists all; what few conversations meet takes as long as reading those between. What is begun while one pages is not on the pages to come; nothing is shown twice or left out.
HTTP 200. Errors: not_authenticated 401, validation_failed 422 (a cursor of another list too).';

CREATE FUNCTION @extschema@.agent_message_page(
    conversation_id uuid, cursor text DEFAULT NULL, page_size integer DEFAULT NULL, direction text DEFAULT 'forward')
RETURNS @extschema@.agent_messages_page
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_message_page';

COMMENT ON FUNCTION @extschema@.agent_message_page(uuid, text, integer, text) IS
'A page of the messages of a conversation.

cursor: the next_cursor of the page before, with the same other arguments but page_size; NULL or empty is the first page. page_size: 1 to 100, NULL is 50; a page has fewer where its contents would pass 64 MiB (10 MiB on the classic paths), but at least one. direction: forward (NULL too) is oldest first, backward newest first.
HTTP 200. Errors: not_authenticated 401, conversation_not_found 404 (also for another''s), validation_failed 422 (a cursor of another list too).';
-- Idempotency keys: what was asked for and answered, for those who did not get the answer.

CREATE TABLE agent.idempotency_keys (
    user_id      uuid NOT NULL,
    key_hash     bytea NOT NULL CHECK (octet_length(key_hash) = 32),
    operation    text NOT NULL,
    request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    created_at   timestamptz NOT NULL,
    result_id    uuid,
    result_seq   bigint,
    result_at    timestamptz,
    PRIMARY KEY (user_id, key_hash)
) USING heap;

-- What expires first, for whoever deletes it, and the key that an account was registered with.
CREATE INDEX idempotency_keys_created_idx ON agent.idempotency_keys (created_at);
CREATE INDEX idempotency_keys_register_idx ON agent.idempotency_keys (user_id, result_id)
    WHERE user_id = '00000000-0000-0000-0000-000000000000';

-- Not dumped: a key is good for a day. No foreign key: there is an id that is no account's.
COMMENT ON TABLE agent.idempotency_keys IS 'One row per idempotency key that was used, until it expires (agent.idempotency_ttl). Holds no content: an answer is made again of the request and of what is here.';
COMMENT ON COLUMN agent.idempotency_keys.user_id IS 'Whose key: the caller''s, or for agent_register, which has no caller, zeros.';
COMMENT ON COLUMN agent.idempotency_keys.key_hash IS 'SHA-256 of the key.';
COMMENT ON COLUMN agent.idempotency_keys.operation IS 'The function that was called.';
COMMENT ON COLUMN agent.idempotency_keys.request_hash IS 'HMAC-SHA-256 of the function and its arguments under the key, which is not stored: it tells nothing without it.';
COMMENT ON COLUMN agent.idempotency_keys.created_at IS 'When the key was claimed.';
COMMENT ON COLUMN agent.idempotency_keys.result_id IS 'Id of what was created; NULL only while that is being done.';
COMMENT ON COLUMN agent.idempotency_keys.result_seq IS 'Its place in the conversation, of a message; 0 otherwise.';
COMMENT ON COLUMN agent.idempotency_keys.result_at IS 'created_at of what was created.';
-- Search, over titles and messages.

CREATE TYPE @extschema@.agent_hit AS (
    kind            text,
    conversation_id uuid,
    title           text,
    message_id      uuid,
    seq             bigint,
    role            text,
    created_at      timestamptz,
    rank            real,
    snippet         text
);

COMMENT ON TYPE @extschema@.agent_hit IS 'Something that a search found.';
COMMENT ON COLUMN @extschema@.agent_hit.kind IS 'message, or title of a conversation.';
COMMENT ON COLUMN @extschema@.agent_hit.conversation_id IS 'The conversation that it belongs to.';
COMMENT ON COLUMN @extschema@.agent_hit.title IS 'The title of the conversation.';
COMMENT ON COLUMN @extschema@.agent_hit.message_id IS 'The message; NULL for a title.';
COMMENT ON COLUMN @extschema@.agent_hit.seq IS 'The place of the message in its conversation; NULL for a title.';
COMMENT ON COLUMN @extschema@.agent_hit.role IS 'user, assistant or system; NULL for a title.';
COMMENT ON COLUMN @extschema@.agent_hit.created_at IS 'When the message was accepted, or the conversation begun.';
COMMENT ON COLUMN @extschema@.agent_hit.rank IS 'How well it matches: comparable within one search alone.';
COMMENT ON COLUMN @extschema@.agent_hit.snippet IS 'About 160 characters of the text, as HTML: what was found between the marks, everything else escaped.';

CREATE TYPE @extschema@.agent_hits_page AS (
    items       @extschema@.agent_hit[],
    next_cursor text,
    has_more    boolean
);

COMMENT ON TYPE @extschema@.agent_hits_page IS 'A page of what a search found.';
COMMENT ON COLUMN @extschema@.agent_hits_page.items IS 'The hits, best first, of equal ones the newest; an empty array when there are none.';
COMMENT ON COLUMN @extschema@.agent_hits_page.next_cursor IS 'What to ask the next page with; NULL at the end. Good for the same caller and arguments, for a day at least, and until its signing key is gone.';
COMMENT ON COLUMN @extschema@.agent_hits_page.has_more IS 'Whether anything follows.';

CREATE FUNCTION @extschema@.agent_search(
    query text, cursor text DEFAULT NULL, page_size integer DEFAULT NULL,
    conversation_id uuid DEFAULT NULL, role text DEFAULT NULL,
    since timestamptz DEFAULT NULL, before timestamptz DEFAULT NULL,
    archived boolean DEFAULT NULL, pinned boolean DEFAULT NULL, tag text DEFAULT NULL, metadata jsonb DEFAULT NULL,
    start_mark text DEFAULT '<mark>', stop_mark text DEFAULT '</mark>')
RETURNS @extschema@.agent_hits_page
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_search';

COMMENT ON FUNCTION @extschema@.agent_search(text, text, integer, uuid, text, timestamptz, timestamptz, boolean, boolean, text, jsonb, text, text) IS
'Searches the titles and messages of the caller, best first.

query: 1 to 200 characters. All words are wanted; "..." is a phrase, a leading - excludes, a trailing * stands for any ending (of two letters or more). Case, accents, width and English endings do not matter; of Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese any piece is found. Without a word to look for nothing is found. The first 128 kB of a message are searched. Every page ranks all that was found: a query that finds 100 000 messages takes 0.1 s each time.
cursor: the next_cursor of the page before, with the same other arguments but page_size; NULL or empty is the first page. page_size: 1 to 100, NULL is 20.
conversation_id, role: only there, only by that role. since, before: only from that time on, only earlier. archived, pinned, tag: only in conversations that are so, that have that tag. metadata: only messages (or titles of conversations) whose metadata contain it.
start_mark, stop_mark: what stands around what was found, 64 characters at most, taken as they are.
HTTP 200. Errors: not_authenticated 401, conversation_not_found 404 (also for another''s), validation_failed 422 (a cursor of another search too).';
-- Health.

CREATE FUNCTION @extschema@.agent_health()
RETURNS json
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
BEGIN ATOMIC
    SELECT '{"status":"ok"}'::json;
END;

COMMENT ON FUNCTION @extschema@.agent_health() IS
'{"status":"ok"} when the database answers. Needs no token.

HTTP 200.';
-- PostgREST: its configuration comes from here.

CREATE FUNCTION @extschema@.agent_postgrest_config()
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_postgrest_config';

COMMENT ON FUNCTION @extschema@.agent_postgrest_config() IS
'Hands PostgREST its settings, the signing keys among them: name it as db-pre-config.

Sets pgrst.jwt_secret, pgrst.db_schemas, pgrst.db_anon_role, pgrst.db_pre_request and pgrst.db_max_rows for the transaction. For agent_authenticator alone: whoever may call it may read the keys.';

CREATE FUNCTION @extschema@.agent_postgrest_request()
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_postgrest_request';

COMMENT ON FUNCTION @extschema@.agent_postgrest_request() IS
'Begins a request of PostgREST, as its db-pre-request: search_path and row_security are set for the transaction.

A default of the role, which anybody who may become it may set, has no say in them.';

-- PostgREST publishes whatever is in the schema. CASCADE puts pgcrypto there too.
DO LANGUAGE plpgsql $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_extension AS e
               JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
               JOIN pg_catalog.pg_proc AS p ON p.pronamespace OPERATOR(pg_catalog.=) n.oid
               WHERE e.extname OPERATOR(pg_catalog.=) 'pgcrypto'
                 AND n.nspname OPERATOR(pg_catalog.<>) 'public'
                 AND p.proname OPERATOR(pg_catalog.=) 'agent_postgrest_config') THEN
        RAISE WARNING 'extension "pgcrypto" is in the same schema as the API, and PostgREST would publish its functions'
            USING HINT = 'Run: ALTER EXTENSION pgcrypto SET SCHEMA public;';
    END IF;
END
$$;
-- The classic REST API, in the database: whatever speaks HTTP only forwards to it.

CREATE TYPE @extschema@.agent_http_response AS (
    status  integer,
    headers jsonb,
    body    bytea
);

COMMENT ON TYPE @extschema@.agent_http_response IS 'What a classic request is answered with.';
COMMENT ON COLUMN @extschema@.agent_http_response.status IS 'Status of HTTP.';
COMMENT ON COLUMN @extschema@.agent_http_response.headers IS 'An object of strings, names in lower case.';
COMMENT ON COLUMN @extschema@.agent_http_response.body IS 'JSON in UTF-8, but for /metrics, which is plain text; empty with 204.';

CREATE FUNCTION @extschema@.agent_http(method text, path text, query text, headers jsonb, body bytea)
RETURNS @extschema@.agent_http_response
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on
AS 'MODULE_PATHNAME', 'agent_http';

COMMENT ON FUNCTION @extschema@.agent_http(text, text, text, jsonb, bytea) IS
'Serves a request of the classic REST API; GET /openapi.json describes it.

path and query as sent, with their percent signs, the query without its question mark. headers: an object of strings, names in lower case; authorization says who the caller is, and nothing else does. NULL is empty.
Never fails for what a client sends: errors are answers, and undo what the request did. 64 kB of a wrong value at most are told back, nothing of a password.';

-- For PostgREST: what it is asked to serve as any media type.

CREATE DOMAIN @extschema@."*/*" AS bytea;

COMMENT ON DOMAIN @extschema@."*/*" IS 'Bytes that PostgREST hands on as they are, of the type that the answer names.';

CREATE FUNCTION @extschema@.agent_postgrest_http()
RETURNS @extschema@."*/*"
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on
AS 'MODULE_PATHNAME', 'agent_postgrest_http';

COMMENT ON FUNCTION @extschema@.agent_postgrest_http() IS
'Serves a GET of the classic REST API behind PostgREST, for a proxy in front.

The proxy sends X-Agent-Method, X-Agent-Target (path and query as asked for) and X-Agent-Authorization, and keeps Authorization to itself. Answers as agent_http does.';

CREATE FUNCTION @extschema@.agent_postgrest_http(bytea)
RETURNS @extschema@."*/*"
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on
AS 'MODULE_PATHNAME', 'agent_postgrest_http';

COMMENT ON FUNCTION @extschema@.agent_postgrest_http(bytea) IS
'Serves any other request of the classic REST API behind PostgREST: the same with a body, sent as application/octet-stream.';
-- Audit: who did what. Written by the library, read by those who run the service, and by
-- each person as far as it is about them.

-- user_id refers to nothing: whoever deletes their account takes their rows along, and
-- one stays that says when.
CREATE TABLE agent.audit (
    id         uuid PRIMARY KEY,
    created_at timestamptz NOT NULL,
    event      text NOT NULL,
    user_id    uuid,
    session_id uuid,
    address    inet,
    user_agent text CHECK (char_length(user_agent) <= 256),
    detail     text CHECK (char_length(detail) <= 64)
) USING heap;

CREATE INDEX audit_user_id_id_idx ON agent.audit (user_id, id);

COMMENT ON TABLE agent.audit IS 'One row per event. Rows go when they are older than agent.audit_retention, or more than agent.audit_max_rows.';
COMMENT ON INDEX agent.audit_user_id_id_idx IS 'What an account did, in order.';
COMMENT ON COLUMN agent.audit.id IS 'UUID version 7: ordered by time.';
COMMENT ON COLUMN agent.audit.created_at IS 'When it happened.';
COMMENT ON COLUMN agent.audit.event IS 'register, login, login_failed, refresh, refresh_reuse, logout, password_change, password_failed, delete, import, activate, deactivate, session_end, purge, key_rotate, rate_limit or busy.';
COMMENT ON COLUMN agent.audit.user_id IS 'Whose account; of one that was deleted only the event delete is left, with neither address nor user_agent. NULL where none is known.';
COMMENT ON COLUMN agent.audit.session_id IS 'Which session, where it is about one.';
COMMENT ON COLUMN agent.audit.address IS 'Where the request came from, by agent.trusted_address_header; NULL when that is unknown.';
COMMENT ON COLUMN agent.audit.user_agent IS 'The User-Agent header, 127 bytes at most; NULL outside HTTP.';
COMMENT ON COLUMN agent.audit.detail IS 'Why a login failed, the scope of a logout, which limit was reached, how many conversations were purged, or the role an administrator had logged in as. Never a password, a token, a hash or an e-mail address.';

SELECT pg_extension_config_dump('agent.audit', '');

CREATE VIEW @extschema@.agent_audit WITH (security_invoker = true) AS
SELECT a.id, a.created_at, a.event, a.user_id, a.session_id, a.address, a.user_agent, a.detail
FROM agent.audit AS a;

COMMENT ON VIEW @extschema@.agent_audit IS
'Logins, refreshes, changes of accounts and keys, and what was refused. For agent_admin all of it, for a signed-in person what is about them.

What was refused is there after a moment, and only where the library is preloaded (shared_preload_libraries).';
COMMENT ON COLUMN @extschema@.agent_audit.id IS 'Ordered by time.';
COMMENT ON COLUMN @extschema@.agent_audit.created_at IS 'When it happened.';
COMMENT ON COLUMN @extschema@.agent_audit.event IS 'register, login, login_failed, refresh, refresh_reuse, logout, password_change, password_failed, delete, import, activate, deactivate, session_end, purge, key_rotate, rate_limit or busy.';
COMMENT ON COLUMN @extschema@.agent_audit.user_id IS 'Whose account; of one that was deleted only the event delete is left. NULL where none is known.';
COMMENT ON COLUMN @extschema@.agent_audit.session_id IS 'Which session, where it is about one.';
COMMENT ON COLUMN @extschema@.agent_audit.address IS 'Where the request came from; NULL when that is unknown.';
COMMENT ON COLUMN @extschema@.agent_audit.user_agent IS 'The User-Agent header; NULL outside HTTP.';
COMMENT ON COLUMN @extschema@.agent_audit.detail IS 'Why a login failed, the scope of a logout, which limit was reached, how many conversations were purged, or the role an administrator had logged in as.';
-- One's own data: all that is kept of the caller, to take away.

-- Plain SQL, which the planner can inline: a cursor gets one row after the other.
CREATE FUNCTION @extschema@.agent_export_rows()
RETURNS TABLE (kind text, record json)
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
BEGIN ATOMIC
    SELECT 'account', pg_catalog.row_to_json(r)
    FROM (
        SELECT u.id, u.email, u.username, u.is_active, u.created_at
        FROM agent.users AS u
        WHERE agent.require_caller() AND u.id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
    ) AS r
    UNION ALL
    SELECT 'session', pg_catalog.row_to_json(r)
    FROM (
        SELECT s.id, s.created_at, s.refreshed_at, s.last_used_at, s.expires_at, s.ended_at, s.address, s.user_agent
        FROM agent.sessions AS s
        WHERE agent.require_caller() AND s.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
        ORDER BY s.created_at, s.id
    ) AS r
    UNION ALL
    SELECT 'conversation', pg_catalog.row_to_json(r)
    FROM (
        SELECT c.id, c.title, c.is_archived, c.created_at, c.updated_at, c.message_count,
            c.is_pinned, c.tags, c.metadata, c.forked_from
        FROM agent.conversations AS c
        WHERE agent.require_caller() AND c.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
        ORDER BY c.created_at, c.id
    ) AS r
    UNION ALL
    SELECT 'message', pg_catalog.row_to_json(r)
    FROM (
        SELECT m.id, m.conversation_id, m.seq, m.role, m.content, m.created_at, m.metadata, m.edited_at
        FROM agent.messages AS m
        WHERE agent.require_caller() AND m.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
        ORDER BY m.conversation_id, m.seq
    ) AS r
    UNION ALL
    SELECT 'event', pg_catalog.row_to_json(r)
    FROM (
        SELECT a.id, a.created_at, a.event, a.session_id, a.address, a.user_agent, a.detail
        FROM agent.audit AS a
        WHERE agent.require_caller() AND a.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
        ORDER BY a.id
    ) AS r;
END;

COMMENT ON FUNCTION @extschema@.agent_export_rows() IS
'All that is kept of the caller, a row for each thing, for accounts of any size: read it through a cursor.

kind: account, session, conversation, message or event; in this order, sessions, conversations and events oldest first, messages by conversation and seq. record: a JSON object with the keys that agent_export tells of.
HTTP 200. Errors: not_authenticated 401.';

-- Times are told in UTC, whoever asks.
CREATE FUNCTION @extschema@.agent_export()
RETURNS json
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED SECURITY INVOKER
SET timezone = 'UTC'
BEGIN ATOMIC
    SELECT pg_catalog.json_build_object(
        'format', 'agent-export',
        'version', 1,
        'exported_at', pg_catalog.now(),
        'account', (
            SELECT pg_catalog.row_to_json(r)
            FROM (
                SELECT u.id, u.email, u.username, u.is_active, u.created_at
                FROM agent.users AS u
                WHERE u.id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
            ) AS r),
        'sessions', (
            SELECT coalesce(pg_catalog.json_agg(r), '[]')
            FROM (
                SELECT s.id, s.created_at, s.refreshed_at, s.last_used_at, s.expires_at, s.ended_at, s.address,
                    s.user_agent
                FROM agent.sessions AS s
                WHERE s.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
                ORDER BY s.created_at, s.id
            ) AS r),
        'conversations', (
            SELECT coalesce(pg_catalog.json_agg(r), '[]')
            FROM (
                SELECT c.id, c.title, c.is_archived, c.created_at, c.updated_at, c.message_count,
                    c.is_pinned, c.tags, c.metadata, c.forked_from, (
                        SELECT coalesce(pg_catalog.json_agg(n), '[]')
                        FROM (
                            SELECT m.id, m.conversation_id, m.seq, m.role, m.content, m.created_at, m.metadata,
                                m.edited_at
                            FROM agent.messages AS m
                            WHERE m.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
                              AND m.conversation_id OPERATOR(pg_catalog.=) c.id
                            ORDER BY m.seq
                        ) AS n) AS messages
                FROM agent.conversations AS c
                WHERE c.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
                ORDER BY c.created_at, c.id
            ) AS r),
        'events', (
            SELECT coalesce(pg_catalog.json_agg(r), '[]')
            FROM (
                SELECT a.id, a.created_at, a.event, a.session_id, a.address, a.user_agent, a.detail
                FROM agent.audit AS a
                WHERE a.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
                ORDER BY a.id
            ) AS r))
    WHERE agent.require_caller();
END;

COMMENT ON FUNCTION @extschema@.agent_export() IS
'All that is kept of the caller, as one document, but for the password''s hash and the secrets of sessions.

format: agent-export. version: 1; another one when a key goes or changes its meaning, not when one is added. exported_at: when. All times are in UTC.
account: id, email, username, is_active, created_at.
sessions, oldest first: id, created_at, refreshed_at, last_used_at, expires_at, ended_at (NULL while it lives), address, user_agent (both NULL where they are unknown).
conversations, oldest first: id, title, is_archived, created_at, updated_at, message_count, is_pinned, tags, metadata, forked_from, and messages, by seq: id, conversation_id, seq, role, content, created_at, metadata, edited_at.
events, oldest first, of the audit: id, created_at, event, session_id, address, user_agent, detail.
It is made in memory and ends at 1 GB: use agent_export_rows for what may be large.
HTTP 200. Errors: not_authenticated 401.';
-- The doctor: what may be wrong with an installation, and what to do about it.

CREATE TYPE agent.shared_state AS (
    preloaded    boolean,
    launcher_pid integer,
    pending      integer,
    lost         bigint,
    hash_places  integer,
    hash_running integer,
    hash_waiting integer,
    hash_refused bigint,
    metrics_served boolean,
    metrics_token_is_short boolean
);

COMMENT ON TYPE agent.shared_state IS 'What is in the module''s shared memory, and in settings that are not shown; counts are since the start of the server.';
COMMENT ON COLUMN agent.shared_state.preloaded IS 'Whether there is any.';
COMMENT ON COLUMN agent.shared_state.launcher_pid IS 'Process that starts the writers of the audit; 0: there is none.';
COMMENT ON COLUMN agent.shared_state.pending IS 'Entries that are still to be written.';
COMMENT ON COLUMN agent.shared_state.lost IS 'Entries that were lost because nobody wrote them in time.';
COMMENT ON COLUMN agent.shared_state.hash_places IS 'How many passwords may be hashed at once.';
COMMENT ON COLUMN agent.shared_state.hash_running IS 'How many are.';
COMMENT ON COLUMN agent.shared_state.hash_waiting IS 'How many callers wait for their turn.';
COMMENT ON COLUMN agent.shared_state.hash_refused IS 'How many were sent away with the error busy.';
COMMENT ON COLUMN agent.shared_state.metrics_served IS 'Whether there is an agent.metrics_token.';
COMMENT ON COLUMN agent.shared_state.metrics_token_is_short IS 'Whether it has fewer than 16 characters.';

CREATE FUNCTION agent.shared_state()
RETURNS agent.shared_state
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_shared_state';

COMMENT ON FUNCTION agent.shared_state() IS 'What is in the module''s shared memory.';

CREATE FUNCTION agent.hash_time()
RETURNS double precision
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_hash_time';

COMMENT ON FUNCTION agent.hash_time() IS 'Milliseconds that a password hash takes here, at agent.password_hash_cost. It waits for its turn, as a login does.';

CREATE FUNCTION @extschema@.agent_doctor()
RETURNS TABLE ("check" text, status text, detail text, hint text)
LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH members AS (
        SELECT d.classid, d.objid
        FROM pg_depend AS d
        JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
        WHERE e.extname = 'agent' AND d.deptype = 'e'
    ), tables AS (
        SELECT c.*
        FROM pg_class AS c
        JOIN members AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
        WHERE c.relkind = 'r'
    ), functions AS (
        SELECT p.*
        FROM pg_proc AS p
        JOIN members AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
    ), objects (classid, objid, objsubid, name, acl) AS (
        SELECT m.classid, c.oid, 0, c.oid::regclass::text,
            coalesce(c.relacl, acldefault('r', c.relowner))
        FROM members AS m JOIN pg_class AS c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
        WHERE c.relkind IN ('r', 'v')
        UNION ALL
        SELECT m.classid, a.attrelid, a.attnum::integer, format('%s.%I', a.attrelid::regclass, a.attname),
            a.attacl
        FROM members AS m JOIN pg_attribute AS a ON m.classid = 'pg_class'::regclass AND m.objid = a.attrelid
        WHERE a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT m.classid, p.oid, 0, p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
        FROM members AS m JOIN pg_proc AS p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
        UNION ALL
        SELECT m.classid, n.oid, 0, 'schema ' || quote_ident(n.nspname), coalesce(n.nspacl, acldefault('n', n.nspowner))
        FROM members AS m JOIN pg_namespace AS n ON m.classid = 'pg_namespace'::regclass AND m.objid = n.oid
    ), regranted AS (
        -- What CREATE EXTENSION left behind is kept by the server.
        SELECT o.name
        FROM objects AS o
        LEFT JOIN pg_init_privs AS i
            ON i.classoid = o.classid AND i.objoid = o.objid AND i.objsubid = o.objsubid
        WHERE EXISTS (
            (SELECT g.grantee, g.privilege_type FROM aclexplode(o.acl) AS g
             EXCEPT SELECT g.grantee, g.privilege_type FROM aclexplode(i.initprivs) AS g)
            UNION ALL
            (SELECT g.grantee, g.privilege_type FROM aclexplode(i.initprivs) AS g
             EXCEPT SELECT g.grantee, g.privilege_type FROM aclexplode(o.acl) AS g))
          AND (i.initprivs IS NOT NULL OR o.objsubid <> 0)
    ), state AS (
        SELECT * FROM agent.shared_state()
    ), findings (number, name, bad, severity, good_detail, bad_detail, hint) AS (
        SELECT 1, 'preload', NOT s.preloaded, 'warning', 'the library is preloaded',
            'the library is not preloaded: there are no rate limits, no turns at hashing, no metrics, and no audit of what is refused',
            'Add agent to shared_preload_libraries and restart the server.'
        FROM state AS s
        UNION ALL
        SELECT 2, 'worker',
            s.preloaded AND NOT pg_is_in_recovery()
                AND NOT EXISTS (SELECT FROM pg_stat_get_activity(s.launcher_pid) AS a WHERE a.pid = s.launcher_pid),
            'error',
            CASE WHEN NOT s.preloaded THEN 'none without preloading'
                 WHEN pg_is_in_recovery() THEN 'begins with the promotion of this standby'
                 ELSE format('the launcher is process %s', s.launcher_pid) END,
            'the launcher of the audit''s writers is not there',
            'It comes back within a second: if not, look for "agent launcher" in the server log.'
        FROM state AS s
        UNION ALL
        SELECT 3, 'audit', s.lost > 0 OR s.pending > 2048, 'warning',
            format('%s entries to be written, none lost', s.pending),
            format('%s entries to be written, %s lost since the start of the server', s.pending, s.lost),
            'Look for "agent writer" in the server log, and raise max_worker_processes if it cannot start.'
        FROM state AS s
        UNION ALL
        SELECT 4, 'row_security',
            bool_or(NOT (t.relrowsecurity AND t.relforcerowsecurity)), 'error',
            format('enabled and forced on %s tables', count(*)),
            'not enabled and forced on ' || string_agg(t.oid::regclass::text, ', ' ORDER BY t.relname)
                FILTER (WHERE NOT (t.relrowsecurity AND t.relforcerowsecurity)),
            'ALTER TABLE ... ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;'
        FROM tables AS t
        UNION ALL
        SELECT 5, 'grants', count(*) > 0, 'warning', 'as installed',
            'not as installed: ' || string_agg(r.name, ', ' ORDER BY r.name),
            'See what was granted with \dp and \df+, and REVOKE what nobody meant to.'
        FROM regranted AS r
        UNION ALL
        SELECT 6, 'functions', count(*) > 0, 'error', 'what runs as its owner belongs to agent_owner and pins search_path',
            'run as somebody else, or find what a caller''s search_path says: '
                || string_agg(f.oid::regprocedure::text, ', ' ORDER BY f.proname),
            'ALTER FUNCTION ... OWNER TO agent_owner, SET search_path = pg_catalog, pg_temp;'
        FROM functions AS f
        WHERE f.prosecdef
          AND (pg_get_userbyid(f.proowner)
                   <> CASE f.oid WHEN 'agent.purge'::regproc THEN 'agent_admin' ELSE 'agent_owner' END
               OR NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (f.proconfig), false))
        UNION ALL
        SELECT 7, 'roles', count(*) > 0, 'error', 'without attributes or memberships they must not have',
            'with attributes or memberships they must not have: ' || string_agg(r.rolname, ', ' ORDER BY r.rolname),
            'ALTER ROLE ... NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION; REVOKE what is in pg_auth_members.'
        FROM pg_roles AS r
        WHERE r.rolname IN ('agent_owner', 'agent_anon', 'agent_user', 'agent_admin', 'agent_authenticator')
          AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication
               OR (r.rolcanlogin AND r.rolname <> 'agent_authenticator')
               OR EXISTS (
                   SELECT FROM pg_auth_members AS m
                   WHERE (m.member = r.oid AND r.rolname IN ('agent_owner', 'agent_anon', 'agent_user'))
                      OR (m.roleid = r.oid AND r.rolname IN ('agent_owner', 'agent_authenticator')
                          AND m.member <> m.grantor)))
        UNION ALL
        SELECT 8, 'hash_time', h.ms NOT BETWEEN 50 AND 1000, 'warning',
            format('%s ms at cost %s', round(h.ms), current_setting('agent.password_hash_cost')),
            format('%s ms at cost %s', round(h.ms), current_setting('agent.password_hash_cost')),
            'A step of agent.password_hash_cost halves or doubles it: 100 to 500 ms are usual.'
        FROM agent.hash_time() AS h (ms)
        UNION ALL
        SELECT 9, 'signing_key', coalesce(max(k.created_at), '-infinity') < clock_timestamp() - interval '180 days',
            CASE WHEN count(*) = 0 THEN 'error' ELSE 'warning' END,
            format('%s days old', extract(day FROM clock_timestamp() - max(k.created_at))),
            CASE WHEN count(*) = 0 THEN 'there is none'
                 ELSE format('%s days old', extract(day FROM clock_timestamp() - max(k.created_at))) END,
            'SELECT agent_key_rotate();'
        FROM agent.signing_keys AS k
        WHERE k.retires_at IS NULL
        UNION ALL
        SELECT 10, 'postgrest',
            NOT (r.rolcanlogin
                 AND has_schema_privilege(r.oid, f.pronamespace, 'USAGE')
                 AND has_function_privilege(r.oid, f.oid, 'EXECUTE')
                 AND pg_has_role(r.oid, 'agent_anon', 'MEMBER') AND pg_has_role(r.oid, 'agent_user', 'MEMBER')),
            'warning',
            format('agent_authenticator may log in, and call %s', f.oid::regprocedure),
            CASE WHEN r.rolcanlogin
                THEN format('agent_authenticator may not call %s, or not become agent_anon and agent_user', f.oid::regprocedure)
                ELSE 'agent_authenticator may not log in: neither PostgREST nor agent-httpd can' END,
            'ALTER ROLE agent_authenticator LOGIN PASSWORD ''...'', and see check "grants".'
        FROM functions AS f, pg_roles AS r
        WHERE f.proname = 'agent_postgrest_config' AND r.rolname = 'agent_authenticator'
        UNION ALL
        SELECT 11, 'clock', latest.time > clock_timestamp() + interval '5 s', 'error',
            'not behind what it was',
            format('behind what it was: something was written at %s UTC',
                to_char(latest.time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')),
            'Tokens and sessions go by it: set the clock of the server, and keep it with NTP.'
        FROM (SELECT greatest(
                  pg_postmaster_start_time(),
                  (SELECT max(k.created_at) FROM agent.signing_keys AS k),
                  (SELECT a.created_at FROM agent.audit AS a ORDER BY a.id DESC LIMIT 1))) AS latest (time)
        UNION ALL
        SELECT 12, 'foreign_keys', count(*) > 0, 'warning', 'an index leads with every one of them',
            'no index leads with ' || string_agg(format('%s of %s', c.conname, c.conrelid::regclass), ', ' ORDER BY c.conname),
            'CREATE INDEX on their columns: the deletion of an account reads the whole table else.'
        FROM pg_constraint AS c
        WHERE c.contype = 'f'
          AND (c.conrelid IN (SELECT t.oid FROM tables AS t) OR c.confrelid IN (SELECT t.oid FROM tables AS t))
          AND NOT EXISTS (
              SELECT FROM pg_index AS i
              WHERE i.indrelid = c.conrelid AND i.indisvalid AND i.indpred IS NULL
                AND (string_to_array(i.indkey::text, ' ')::smallint[])[1:cardinality(c.conkey)] @> c.conkey)
        UNION ALL
        SELECT 13, 'addresses', false, 'warning',
            coalesce('from the header ' || nullif(current_setting('agent.trusted_address_header'), ''),
                'unknown: limits are by account alone'),
            NULL, 'agent.trusted_address_header, where a proxy sets it.'
        UNION ALL
        SELECT 14, 'metrics', s.metrics_served AND s.metrics_token_is_short, 'warning',
            CASE WHEN s.metrics_served THEN 'GET /metrics is for whoever has agent.metrics_token'
                 ELSE 'GET /metrics is not there: agent.metrics_token is empty' END,
            'agent.metrics_token has fewer than 16 characters: it can be guessed',
            'ALTER SYSTEM SET agent.metrics_token = ''...'', with 32 random characters, and reload.'
        FROM state AS s
    )
    SELECT f.name, CASE WHEN f.bad THEN f.severity ELSE 'ok' END,
        CASE WHEN f.bad THEN f.bad_detail ELSE f.good_detail END,
        CASE WHEN f.bad OR (f.name = 'addresses' AND current_setting('agent.trusted_address_header') = '') THEN f.hint END
    FROM findings AS f
    ORDER BY f.number;
END;

COMMENT ON FUNCTION @extschema@.agent_doctor() IS
'Checks the installation: a row for each check, with what to do about it. For agent_admin.

status: ok, warning or error. Computes a password hash, to tell how long that takes.
HTTP 200. Errors: busy 503.';
-- Metrics: what was called and asked for, with what result, and how long it took.

CREATE FUNCTION agent.metric_samples()
RETURNS TABLE (name text, labels jsonb, value double precision)
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_metric_samples';

COMMENT ON FUNCTION agent.metric_samples() IS 'What is measured, a row for each sample. For agent_metric_samples.';

CREATE VIEW @extschema@.agent_metric_samples WITH (security_invoker = true) AS
SELECT s.name, s.labels, s.value
FROM agent.metric_samples() AS s;

COMMENT ON VIEW @extschema@.agent_metric_samples IS
'What is measured, in all databases of the cluster together, since the start of the server: the samples of agent_metrics() as rows. For agent_admin.

Only agent_preloaded and agent_info where the library is not preloaded (shared_preload_libraries).';
COMMENT ON COLUMN @extschema@.agent_metric_samples.name IS 'Name of the metric; of a histogram with _bucket, _sum or _count.';
COMMENT ON COLUMN @extschema@.agent_metric_samples.labels IS 'An object of strings: function and outcome, method, path and status, le (seconds) of a bucket, version.';
COMMENT ON COLUMN @extschema@.agent_metric_samples.value IS 'How many; of _sum, seconds.';

CREATE FUNCTION @extschema@.agent_metrics()
RETURNS text
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_metrics';

COMMENT ON FUNCTION @extschema@.agent_metrics() IS
'What is measured, in all databases of the cluster together, since the start of the server, in the text format of Prometheus (0.0.4). For agent_admin.

Calls of the functions that are written in C, by outcome (ok, the name of an error, or error for any other) and duration; classic requests; turns at hashing; the audit. Only agent_preloaded and agent_info where the library is not preloaded.
HTTP 200.';
-- Row-level security: every policy there is.
--
-- FORCE makes the policies hold for the owner too, so they hold inside the
-- SECURITY DEFINER functions: identity comes from the token, not from the role.

ALTER TABLE agent.users         ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.sessions      ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.signing_keys  ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.conversations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.messages      ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.audit         ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- One's own rows.

CREATE POLICY users_own ON agent.users FOR SELECT TO agent_user
    USING (id OPERATOR(pg_catalog.=) @extschema@.agent_uid());
COMMENT ON POLICY users_own ON agent.users IS 'A signed-in person sees their own account.';

CREATE POLICY sessions_own ON agent.sessions FOR SELECT TO agent_user
    USING (user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid());
COMMENT ON POLICY sessions_own ON agent.sessions IS 'A signed-in person sees their own sessions.';

CREATE POLICY conversations_own ON agent.conversations TO agent_user, agent_owner
    USING (user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid())
    WITH CHECK (user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid());
COMMENT ON POLICY conversations_own ON agent.conversations IS 'One''s own conversations, in every path.';

CREATE POLICY messages_own ON agent.messages TO agent_user, agent_owner
    USING (user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid())
    WITH CHECK (user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid());
COMMENT ON POLICY messages_own ON agent.messages IS 'One''s own messages, in every path.';

-- What happens before there is an identity: register and login look accounts
-- up, login starts a session, key rotation works without one.

CREATE POLICY users_owner ON agent.users TO agent_owner
    USING (true) WITH CHECK (true);
COMMENT ON POLICY users_owner ON agent.users IS 'register and login have no identity yet.';

CREATE POLICY sessions_owner ON agent.sessions TO agent_owner
    USING (true) WITH CHECK (true);
COMMENT ON POLICY sessions_owner ON agent.sessions IS 'login has no identity yet.';

CREATE POLICY idempotency_keys_owner ON agent.idempotency_keys TO agent_owner
    USING (true) WITH CHECK (true);
COMMENT ON POLICY idempotency_keys_owner ON agent.idempotency_keys IS 'register has no identity yet, and whoever comes next deletes what has expired.';

CREATE POLICY signing_keys_owner ON agent.signing_keys TO agent_owner
    USING (true) WITH CHECK (true);
COMMENT ON POLICY signing_keys_owner ON agent.signing_keys IS 'Rotation adds and deletes keys; the secrets are kept back by column privileges.';

-- The audit is about everybody.

CREATE POLICY audit_owner ON agent.audit TO agent_owner
    USING (true) WITH CHECK (true);
COMMENT ON POLICY audit_owner ON agent.audit IS 'Events are written before there is an identity, and by workers.';

CREATE POLICY audit_admin ON agent.audit FOR SELECT TO agent_admin
    USING (true);
COMMENT ON POLICY audit_admin ON agent.audit IS 'Those who run the service read all of it, and change nothing.';

CREATE POLICY audit_own ON agent.audit FOR SELECT TO agent_user
    USING (user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid());
COMMENT ON POLICY audit_own ON agent.audit IS 'A signed-in person sees the events of their own account.';

-- What is too old goes, whosever it is. Not for agent_owner, whom the policy above binds to
-- the caller: a second one would let everything it does reach everybody's rows.

CREATE POLICY conversations_purge ON agent.conversations TO agent_admin
    USING (agent.is_purged(updated_at)) WITH CHECK (false);
COMMENT ON POLICY conversations_purge ON agent.conversations IS 'While agent_purge runs, and never else; nothing can be changed, or given to anybody.';
-- Owners and privileges: every GRANT and REVOKE there is.

-- Owners. What runs as its owner (SECURITY DEFINER) belongs to agent_owner,
-- which is no superuser and bound by the policies.

ALTER SCHEMA agent OWNER TO agent_owner;
ALTER TABLE agent.users         OWNER TO agent_owner;
ALTER TABLE agent.sessions      OWNER TO agent_owner;
ALTER TABLE agent.signing_keys  OWNER TO agent_owner;
ALTER TABLE agent.conversations OWNER TO agent_owner;
ALTER TABLE agent.messages      OWNER TO agent_owner;
ALTER TABLE agent.audit         OWNER TO agent_owner;
ALTER TABLE agent.idempotency_keys OWNER TO agent_owner;

ALTER FUNCTION @extschema@.agent_register(text, text, text, text)               OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_login(text, text)                           OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_password_change(text, text)                 OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_account_delete(text)                        OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_refresh(text)                               OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_logout(text)                                OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_user_import(text, text, text, boolean, timestamptz) OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_user_set_active(uuid, boolean)              OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_user_list(text)                             OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_session_end(uuid)                           OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_key_rotate()                                OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_doctor()                                    OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_create(text, text, text[], jsonb, text) OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_update(uuid, text, boolean, boolean, text[], jsonb) OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_delete(uuid)                   OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_fork(uuid, uuid, text)         OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_message_create(uuid, text, text, jsonb, text)     OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_message_update(uuid, text, jsonb)           OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_message_delete(uuid)                        OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_page(text, integer, boolean, boolean, text, jsonb) OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_message_page(uuid, text, integer, text)     OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_search(text, text, integer, uuid, text, timestamptz, timestamptz, boolean, boolean, text, jsonb, text, text) OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_postgrest_config()                          OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_http(text, text, text, jsonb, bytea)        OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_postgrest_http()                            OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_postgrest_http(bytea)                       OWNER TO agent_owner;

ALTER FUNCTION @extschema@.agent_purge(interval, integer)                    OWNER TO agent_owner;

-- This alone runs as agent_admin.
ALTER FUNCTION agent.purge(timestamptz, integer) OWNER TO agent_admin;

-- Nothing is for everybody, nor for those whom ALTER DEFAULT PRIVILEGES of the
-- database or the schema would have let in: only what follows is granted.

DO LANGUAGE plpgsql $$
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT o.kind, o.name, a.grantee
        FROM pg_catalog.pg_depend AS d
        CROSS JOIN LATERAL (
            SELECT 'FUNCTION', p.oid::pg_catalog.regprocedure::text, p.proacl, 'f'::"char", p.proowner
            FROM pg_catalog.pg_proc AS p
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
              AND p.oid OPERATOR(pg_catalog.=) d.objid
            UNION ALL
            SELECT 'TABLE', c.oid::pg_catalog.regclass::text, c.relacl, 'r', c.relowner
            FROM pg_catalog.pg_class AS c
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
              AND c.oid OPERATOR(pg_catalog.=) d.objid
              AND c.relkind IN ('r', 'v')
            UNION ALL
            SELECT 'TYPE', t.oid::pg_catalog.regtype::text, t.typacl, 'T', t.typowner
            FROM pg_catalog.pg_type AS t
            LEFT JOIN pg_catalog.pg_class AS r ON r.oid OPERATOR(pg_catalog.=) t.typrelid
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
              AND t.oid OPERATOR(pg_catalog.=) d.objid
              AND (t.typtype OPERATOR(pg_catalog.=) 'd' OR r.relkind OPERATOR(pg_catalog.=) 'c')
            UNION ALL
            SELECT 'SCHEMA', pg_catalog.quote_ident(n.nspname), n.nspacl, 'n', n.nspowner
            FROM pg_catalog.pg_namespace AS n
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
              AND n.oid OPERATOR(pg_catalog.=) d.objid
        ) AS o (kind, name, acl, class, owner)
        CROSS JOIN LATERAL pg_catalog.aclexplode(
            coalesce(o.acl, pg_catalog.acldefault(o.class, o.owner))) AS a
        WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND d.refobjid OPERATOR(pg_catalog.=) (
              SELECT e.oid FROM pg_catalog.pg_extension AS e
              WHERE e.extname OPERATOR(pg_catalog.=) 'agent')
          AND d.deptype OPERATOR(pg_catalog.=) 'e'
          AND a.grantee OPERATOR(pg_catalog.<>) o.owner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s', granted.kind, granted.name,
            CASE WHEN granted.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
                 ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(granted.grantee)) END);
    END LOOP;
END
$$;

-- The owner writes keys and cannot read their secrets: only the library does,
-- below the level of SQL.

REVOKE ALL ON agent.signing_keys FROM agent_owner;
GRANT INSERT, DELETE ON agent.signing_keys TO agent_owner;
GRANT SELECT (kid, created_at, retires_at), UPDATE (retires_at) ON agent.signing_keys TO agent_owner;

-- Anybody, signed in or not.

GRANT USAGE ON SCHEMA @extschema@ TO agent_anon, agent_user, agent_admin, agent_authenticator, agent_owner;
GRANT USAGE ON TYPE @extschema@.agent_token TO agent_anon, agent_user;
GRANT EXECUTE ON FUNCTION
    @extschema@.agent_register(text, text, text, text),
    @extschema@.agent_login(text, text),
    @extschema@.agent_refresh(text),
    @extschema@.agent_authenticate(text),
    @extschema@.agent_uid(),
    @extschema@.agent_health(),
    @extschema@.agent_postgrest_request()
TO agent_anon, agent_user;

-- The classic paths: whoever calls for a client, with or without becoming anybody.

GRANT USAGE ON TYPE @extschema@.agent_http_response, @extschema@."*/*" TO agent_anon, agent_user, agent_authenticator;
GRANT EXECUTE ON FUNCTION
    @extschema@.agent_http(text, text, text, jsonb, bytea),
    @extschema@.agent_postgrest_http(),
    @extschema@.agent_postgrest_http(bytea)
TO agent_anon, agent_user, agent_authenticator;

-- A signed-in person reads through row-level security and writes through functions.
-- Of conversations and messages every column is theirs to see: a list of columns,
-- which is checked name by name at each statement, would cost a read 5 %.

GRANT USAGE ON SCHEMA agent TO agent_user;
GRANT SELECT (id, email, username, is_active, created_at) ON agent.users TO agent_user;
GRANT SELECT (user_id, id, created_at, expires_at, ended_at, user_agent, address, last_used_at, refreshed_at) ON agent.sessions TO agent_user;
GRANT SELECT (id, created_at, event, user_id, session_id, address, user_agent, detail) ON agent.audit TO agent_user;
GRANT SELECT ON agent.conversations, agent.messages TO agent_user;
GRANT SELECT ON @extschema@.agent_users, @extschema@.agent_conversations, @extschema@.agent_messages, @extschema@.agent_sessions, @extschema@.agent_audit TO agent_user;
GRANT USAGE ON TYPE
    @extschema@.agent_conversations_page, @extschema@.agent_messages_page,
    @extschema@.agent_hit, @extschema@.agent_hits_page
TO agent_user;
GRANT EXECUTE ON FUNCTION
    agent.require_caller(),
    agent.session_id(),
    agent.require_conversation(uuid),
    @extschema@.agent_me(),
    @extschema@.agent_logout(text),
    @extschema@.agent_password_change(text, text),
    @extschema@.agent_account_delete(text),
    @extschema@.agent_conversation_create(text, text, text[], jsonb, text),
    @extschema@.agent_conversation_list(boolean),
    @extschema@.agent_conversation_get(uuid),
    @extschema@.agent_conversation_update(uuid, text, boolean, boolean, text[], jsonb),
    @extschema@.agent_conversation_delete(uuid),
    @extschema@.agent_search(text, text, integer, uuid, text, timestamptz, timestamptz, boolean, boolean, text, jsonb, text, text),
    @extschema@.agent_conversation_fork(uuid, uuid, text),
    @extschema@.agent_message_create(uuid, text, text, jsonb, text),
    @extschema@.agent_message_update(uuid, text, jsonb),
    @extschema@.agent_message_delete(uuid),
    @extschema@.agent_message_list(uuid),
    @extschema@.agent_conversation_page(text, integer, boolean, boolean, text, jsonb),
    @extschema@.agent_message_page(uuid, text, integer, text),
    @extschema@.agent_export(),
    @extschema@.agent_export_rows()
TO agent_user;

-- The policies are evaluated as the owner inside its functions.

GRANT EXECUTE ON FUNCTION @extschema@.agent_uid(), agent.session_id(), agent.require_caller() TO agent_owner;

-- What a search is made of; messages are written with it too. Not for people: what is
-- leakproof is given rows that are not theirs, with arguments that they choose.

GRANT EXECUTE ON FUNCTION
    agent.search_document(text),
    agent.search_matches(tsvector, tsquery),
    agent.search_rank(tsvector, tsquery),
    agent.search_snippet(text, tsquery, text, text)
TO agent_owner;
GRANT EXECUTE ON FUNCTION agent.search_query(text) TO agent_owner, agent_user;

-- What statements of the owner's call.

GRANT EXECUTE ON FUNCTION agent.uuidv7(), agent.purge(timestamptz, integer) TO agent_owner;

-- What the doctor asks the library runs as the owner too.

GRANT USAGE ON TYPE agent.shared_state TO agent_owner;
GRANT EXECUTE ON FUNCTION agent.shared_state(), agent.hash_time() TO agent_owner;

-- Those who run the service.

GRANT USAGE ON SCHEMA agent TO agent_admin;
GRANT SELECT ON agent.audit, @extschema@.agent_audit, @extschema@.agent_metric_samples TO agent_admin;

GRANT EXECUTE ON FUNCTION
    @extschema@.agent_user_import(text, text, text, boolean, timestamptz),
    @extschema@.agent_user_set_active(uuid, boolean),
    @extschema@.agent_user_list(text),
    @extschema@.agent_session_end(uuid),
    @extschema@.agent_key_rotate(),
    @extschema@.agent_purge(interval, integer),
    @extschema@.agent_doctor(),
    @extschema@.agent_metrics(),
    agent.metric_samples(),
    @extschema@.agent_health()
TO agent_admin;

-- What agent_purge deletes, it deletes as agent_admin, whom the policy shows no row else.
-- Nothing can be updated (the policy's check): locking a row asks for that privilege.

REVOKE ALL ON FUNCTION agent.purge(timestamptz, integer) FROM agent_admin;
GRANT EXECUTE ON FUNCTION agent.is_purged(timestamptz) TO agent_admin;
GRANT SELECT (user_id, id, updated_at), UPDATE (id), DELETE ON agent.conversations TO agent_admin;

GRANT EXECUTE ON FUNCTION @extschema@.agent_postgrest_config() TO agent_authenticator;
-- The first signing key: there is no set-up step.

SELECT @extschema@.agent_key_rotate();

-- A PostgREST that is running already learns of the new functions.
NOTIFY pgrst, 'reload schema';
