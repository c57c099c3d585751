/*
 * search_index.c
 *		The operator of searches, and what an index for it is made of.
 *
 * Called by PostgreSQL through agent.@@ and the operator classes agent.search_ops and
 * agent.owner_ops, for rows of anybody and before row security has had its say: nothing
 * may be told of a row but whether it matches. Only agent_owner may call them, with a
 * query that depends on no row. Full-text search itself is PostgreSQL's.
 * It goes down a query as far as a row makes it, and its stack may end on the way: so
 * the whole way is gone first, whatever the row is. Results are in the memory context
 * of the call.
 */
#include "search.h"

#include "access/gin.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"

/* Bytes of the stack: more than the server takes for a level of a query, and around it. */
#define STACK_OF_LEVEL 1024
#define STACK_AROUND   (64 * 1024)

/* Goes down a branch of a query, or raises that the stack does not reach. */
static void
check_branch(const QueryItem *branch)
{
	volatile char room[STACK_OF_LEVEL];

	room[0] = 0;
	check_stack_depth();
	if (branch->type == QI_OPR)
	{
		check_branch(branch + 1);
		if (branch->qoperator.oper != OP_NOT)
			check_branch(branch + branch->qoperator.left);
	}
	/* So that it is there until here. */
	(void) room[0];
}

/* Goes all of a query's way, with room to spare. */
static void
check_query(TSQuery query)
{
	volatile char room[STACK_AROUND];

	room[0] = 0;
	check_stack_depth();
	if (query->size > 0)
		check_branch(GETQUERY(query));
	(void) room[0];
}

PG_FUNCTION_INFO_V1(agent_search_matches);

/* SQL: agent.search_matches(document tsvector, query tsquery) returns boolean */
Datum
agent_search_matches(PG_FUNCTION_ARGS)
{
	check_query(PG_GETARG_TSQUERY(1));
	return ts_match_vq(fcinfo);
}

PG_FUNCTION_INFO_V1(agent_search_keys);

/*
 * SQL: agent.search_keys(tsvector, internal, smallint, internal, internal, internal,
 *		internal) returns internal
 */
Datum
agent_search_keys(PG_FUNCTION_ARGS)
{
	check_query(PG_GETARG_TSQUERY(0));
	return gin_extract_tsquery(fcinfo);
}

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
