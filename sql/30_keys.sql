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
