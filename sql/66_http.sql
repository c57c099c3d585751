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
