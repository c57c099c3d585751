/*
 * postgrest.c
 *		PostgREST's configuration, and the beginning of each of its requests.
 *
 * agent_postgrest_config is called by PostgREST at its start and at NOTIFY pgrst,
 * as agent_authenticator; the settings are local to that transaction and hold the
 * signing keys, so EXECUTE is that role's alone. agent_postgrest_request is called
 * in every request's transaction, as the role of the request.
 */
#include "agent.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(agent_postgrest_config);

/* SQL: agent_postgrest_config() returns void */
Datum
agent_postgrest_config(PG_FUNCTION_ARGS)
{
	const char *schema = get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid));

	agent_set_local("pgrst.db_schemas", schema);
	agent_set_local("pgrst.db_pre_request", psprintf("%s.agent_postgrest_request", schema));
	agent_set_local("pgrst.db_anon_role", "agent_anon");
	agent_set_local("pgrst.jwt_secret", agent_key_set_json());
	if (agent_postgrest_max_rows > 0)
		agent_set_local("pgrst.db_max_rows", psprintf("%d", agent_postgrest_max_rows));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(agent_postgrest_request);

/*
 * SQL: agent_postgrest_request() returns void
 *
 * PostgREST applies the defaults of the role it becomes, and whoever may become
 * that role may set them. It then calls functions of the server by their bare
 * names: with a search_path of somebody's own, those would be theirs.
 */
Datum
agent_postgrest_request(PG_FUNCTION_ARGS)
{
	const char *schema = get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid));

	agent_set_local("search_path", psprintf("%s, public", quote_identifier(schema)));
	agent_set_local("row_security", "on");
	PG_RETURN_VOID();
}
