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
