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
