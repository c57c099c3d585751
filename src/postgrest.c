/*
 * postgrest.c
 *		PostgREST's configuration, as db-pre-config.
 *
 * Called by PostgREST at its start and at NOTIFY pgrst, as agent_authenticator;
 * the settings are local to that transaction and hold the signing keys, so
 * EXECUTE is that role's alone.
 */
#include "agent.h"

#include "catalog/pg_proc.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Sets one setting for the transaction. */
static void
set_local(const char *name, const char *value)
{
	(void) set_config_option(name,
							 value,
							 PGC_USERSET,
							 PGC_S_SESSION,
							 GUC_ACTION_LOCAL,
							 true,
							 0,
							 false);
}

/* Returns the name of the schema that a function is in. */
static char *
function_schema(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char *name;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("function with OID %u does not exist", function));
	name = get_namespace_name(((Form_pg_proc) GETSTRUCT(tuple))->pronamespace);
	ReleaseSysCache(tuple);
	return name;
}

PG_FUNCTION_INFO_V1(agent_postgrest_config);

/* SQL: agent_postgrest_config() returns void */
Datum
agent_postgrest_config(PG_FUNCTION_ARGS)
{
	set_local("pgrst.db_schemas", function_schema(fcinfo->flinfo->fn_oid));
	set_local("pgrst.db_anon_role", "agent_anon");
	set_local("pgrst.jwt_secret", agent_key_set_json());
	if (agent_postgrest_max_rows > 0)
		set_local("pgrst.db_max_rows", psprintf("%d", agent_postgrest_max_rows));
	PG_RETURN_VOID();
}
