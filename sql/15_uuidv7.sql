-- Ids: the library makes them; this is for rows that are made by a statement.

CREATE FUNCTION agent.uuidv7()
RETURNS uuid
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_uuidv7_next';

COMMENT ON FUNCTION agent.uuidv7() IS 'A new UUID of version 7, greater than every earlier one of this session.';
