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
