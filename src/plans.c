/*
 * plans.c
 *		Runs the statements of statements.c, each prepared once per backend.
 *
 * Callers have connected SPI. Plans are generic: they depend on the keys alone, and
 * re-planning for each caller would cost more than running them. Rows that functions
 * return are in the memory of the function's caller.
 */
#include "agent.h"

#include "access/htup_details.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

static SPIPlanPtr plans[AGENT_PLAN_COUNT];

/* Returns a prepared statement; the pointer is published last. */
static SPIPlanPtr
prepared(AgentPlan id)
{
	const AgentStatement *statement = &agent_statements[id];
	SPIPlanPtr plan = plans[id];

	if (plan == NULL)
	{
		plan = SPI_prepare_cursor(statement->text,
								  statement->nargs,
								  (Oid *) statement->args,
								  CURSOR_OPT_GENERIC_PLAN);
		if (plan == NULL || SPI_keepplan(plan) != 0)
			ereport(
				ERROR,
				errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("could not prepare a statement: %s", SPI_result_code_string(SPI_result)));
		plans[id] = plan;
	}
	return plan;
}

/*
 * Raises what the current error means to a caller, or the error itself.
 *
 * A foreign key is violated by what is written for an account that is deleted
 * meanwhile, or by deleting one, or what is old, that a table of somebody else's refers
 * to. PostgREST would repeat a failure of serialization for ever.
 */
static void
raise_meaning(AgentPlan id, MemoryContext context)
{
	int code = geterrcode();
	AgentError meaning = AGENT_NO_ERROR;

	if (code == ERRCODE_FOREIGN_KEY_VIOLATION)
		meaning = id == AGENT_PLAN_USER_DELETE || id == AGENT_PLAN_CONVERSATION_PURGE
					  ? AGENT_ACCOUNT_IN_USE
					  : AGENT_USER_NOT_FOUND;
	else if (code == ERRCODE_T_R_SERIALIZATION_FAILURE &&
			 agent_request_dialect() == AGENT_POSTGREST)
		meaning = AGENT_UNAVAILABLE;
	if (meaning != AGENT_NO_ERROR)
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		agent_raise(meaning, NULL);
	}
	PG_RE_THROW();
}

/* Runs a statement for so many rows at most, and returns how many there were. */
uint64
agent_execute_most(AgentPlan id, Datum *values, const char *nulls, int most)
{
	MemoryContext context = CurrentMemoryContext;
	volatile int result = 0;

	PG_TRY();
	{
		result =
			SPI_execute_plan(prepared(id), values, nulls, agent_statements[id].read_only, most);
	}
	PG_CATCH();
	{
		raise_meaning(id, context);
	}
	PG_END_TRY();
	if (result < 0)
		ereport(ERROR,
				errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("could not run a statement: %s", SPI_result_code_string(result)));
	return SPI_processed;
}

/* Runs a statement and returns how many rows it returned or changed. */
uint64
agent_execute(AgentPlan id, Datum *values, const char *nulls)
{
	return agent_execute_most(id, values, nulls, 0);
}

/* Returns a value for a statement, or marks that it is null. */
Datum
agent_nullable(const void *value, char *null)
{
	*null = value == NULL ? 'n' : ' ';
	return PointerGetDatum(value);
}

/* Returns an argument of a function for a statement, or marks that it is null. */
Datum
agent_argument(FunctionCallInfo fcinfo, int arg, char *null)
{
	*null = PG_ARGISNULL(arg) ? 'n' : ' ';
	return PG_ARGISNULL(arg) ? (Datum) 0 : PG_GETARG_DATUM(arg);
}

/* Returns a value of the last result: rows count from 0, columns from 1. */
Datum
agent_result(int row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/*
 * Returns the row type that a function returns, to be released by the caller.
 *
 * It fails when the SQL objects are not those that the library was built for.
 */
static TupleDesc
result_type(FunctionCallInfo fcinfo, int columns)
{
	TupleDesc desc = lookup_rowtype_tupdesc(get_func_rettype(fcinfo->flinfo->fn_oid), -1);

	if (desc->natts != columns)
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("type %s does not have %d columns", format_type_be(desc->tdtypeid), columns),
				errhint("Run ALTER EXTENSION agent UPDATE."));
	return desc;
}

/*
 * Returns the first row of the last result as the row the function returns.
 *
 * It is in the memory of the function's caller and outlives SPI_finish().
 */
Datum
agent_result_row(FunctionCallInfo fcinfo)
{
	TupleDesc desc = result_type(fcinfo, SPI_tuptable->tupdesc->natts);
	Datum row = PointerGetDatum(SPI_returntuple(SPI_tuptable->vals[0], desc));

	ReleaseTupleDesc(desc);
	return row;
}

/*
 * Runs a statement that returns a row, and returns it as the row the function
 * returns, or raises that it is missing.
 */
Datum
agent_execute_row(FunctionCallInfo fcinfo, AgentPlan id, Datum *values, const char *nulls,
				  AgentError missing)
{
	Datum result;

	SPI_connect();
	if (agent_execute(id, values, nulls) == 0)
		agent_raise(missing, NULL);
	result = agent_result_row(fcinfo);
	SPI_finish();
	return result;
}

/* Returns values as the row the function returns. */
Datum
agent_form_row_or_null(FunctionCallInfo fcinfo, int columns, Datum *values, bool *nulls)
{
	TupleDesc desc = result_type(fcinfo, columns);
	HeapTuple row = heap_form_tuple(desc, values, nulls);

	ReleaseTupleDesc(desc);
	return HeapTupleGetDatum(row);
}

/* Returns values, none of them null, as the row the function returns. */
Datum
agent_form_row(FunctionCallInfo fcinfo, int columns, Datum *values)
{
	bool *nulls = palloc0(columns * sizeof(bool));
	Datum row = agent_form_row_or_null(fcinfo, columns, values, nulls);

	pfree(nulls);
	return row;
}

/* Returns the schema of the API: that of the function. */
const char *
agent_schema_of(FunctionCallInfo fcinfo)
{
	return get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid));
}
