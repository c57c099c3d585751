-- PostgREST: its configuration comes from here.

CREATE FUNCTION @extschema@.agent_postgrest_config()
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_postgrest_config';

COMMENT ON FUNCTION @extschema@.agent_postgrest_config() IS
'Hands PostgREST its settings, the signing keys among them: name it as db-pre-config.

Sets pgrst.jwt_secret, pgrst.db_schemas, pgrst.db_anon_role and pgrst.db_max_rows for the transaction. For agent_authenticator alone: whoever may call it may read the keys.';
