/*
 * postgrest.c
 *		PostgREST's configuration, as db-pre-config.
 *
 * Called by PostgREST at its start and at NOTIFY pgrst, as agent_authenticator;
 * the settings are local to that transaction and hold the signing keys, so
 * EXECUTE is that role's alone.
 */
#include "agent.h"

#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(agent_postgrest_config);

/* SQL: agent_postgrest_config() returns void */
Datum
agent_postgrest_config(PG_FUNCTION_ARGS)
{
	agent_set_local("pgrst.db_schemas",
					get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid)));
	agent_set_local("pgrst.db_anon_role", "agent_anon");
	agent_set_local("pgrst.jwt_secret", agent_key_set_json());
	if (agent_postgrest_max_rows > 0)
		agent_set_local("pgrst.db_max_rows", psprintf("%d", agent_postgrest_max_rows));
	PG_RETURN_VOID();
}
