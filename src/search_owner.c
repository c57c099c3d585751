/*
 * search_owner.c
 *		Lets a GIN index hold whose row it is, beside what is found of it.
 *
 * Called by PostgreSQL through the operator class agent.owner_ops: each row has one
 * key, its uuid, and is looked for by that key alone. Results are in the memory context
 * of the call.
 */
#include "search.h"

#include "access/gin.h"

/* Returns the one key of a row, or of a query. */
static Datum *
one_key(FunctionCallInfo fcinfo)
{
	int32 *count = (int32 *) PG_GETARG_POINTER(1);
	Datum *keys = palloc(sizeof(Datum));

	*count = 1;
	keys[0] = PG_GETARG_DATUM(0);
	return keys;
}

PG_FUNCTION_INFO_V1(agent_owner_keys);

/* SQL: agent.owner_keys(uuid, internal) returns internal */
Datum
agent_owner_keys(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(one_key(fcinfo));
}

PG_FUNCTION_INFO_V1(agent_owner_query);

/*
 * SQL: agent.owner_query(uuid, internal, smallint, internal, internal, internal,
 *		internal) returns internal
 */
Datum
agent_owner_query(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(one_key(fcinfo));
}

PG_FUNCTION_INFO_V1(agent_owner_consistent);

/*
 * SQL: agent.owner_consistent(internal, smallint, uuid, integer, internal, internal,
 *		internal, internal) returns boolean
 */
Datum
agent_owner_consistent(PG_FUNCTION_ARGS)
{
	bool *recheck = (bool *) PG_GETARG_POINTER(5);

	*recheck = false;
	PG_RETURN_BOOL(((bool *) PG_GETARG_POINTER(0))[0]);
}
