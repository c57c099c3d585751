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
