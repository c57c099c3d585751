/*
 * search_dictionary.c
 *		The dictionary template "agent_fold": tokens without case, accents and width.
 *
 * Called by PostgreSQL through the dictionaries of the configuration "agent". Its
 * option Result says what becomes of the folded token: filter hands it to the next
 * dictionary, exact is the lexeme, stop keeps the token's place and nothing of it.
 */
#include "search.h"

#include "commands/defrem.h"
#include "nodes/pg_list.h"

typedef struct FoldDictionary
{
	bool is_filter;
	bool is_stop;
} FoldDictionary;

PG_FUNCTION_INFO_V1(agent_fold_init);

/* SQL: agent.fold_init(internal) returns internal */
Datum
agent_fold_init(PG_FUNCTION_ARGS)
{
	List *options = (List *) PG_GETARG_POINTER(0);
	FoldDictionary *dictionary = palloc0(sizeof(FoldDictionary));
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = (DefElem *) lfirst(cell);
		const char *value = defGetString(option);

		if (strcmp(option->defname, "result") != 0)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unrecognized parameter of dictionary template agent_fold: \"%s\"",
						   option->defname));
		if (pg_strcasecmp(value, "filter") == 0)
			dictionary->is_filter = true;
		else if (pg_strcasecmp(value, "stop") == 0)
			dictionary->is_stop = true;
		else if (pg_strcasecmp(value, "exact") != 0)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for parameter \"result\": \"%s\"", value),
					errhint("Use filter, exact or stop."));
	}
	PG_RETURN_POINTER(dictionary);
}

PG_FUNCTION_INFO_V1(agent_fold_lexize);

/* SQL: agent.fold_lexize(internal, internal, internal, internal) returns internal */
Datum
agent_fold_lexize(PG_FUNCTION_ARGS)
{
	const FoldDictionary *dictionary = (FoldDictionary *) PG_GETARG_POINTER(0);
	TSLexeme *result = palloc0(2 * sizeof(TSLexeme));
	char *folded;

	/* An empty list is a token without meaning. */
	if (dictionary->is_stop)
		PG_RETURN_POINTER(result);
	folded = agent_search_fold((const char *) PG_GETARG_POINTER(1), PG_GETARG_INT32(2));
	if (folded[0] != '\0')
	{
		result[0].lexeme = folded;
		result[0].flags = dictionary->is_filter ? TSL_FILTER : 0;
	}
	PG_RETURN_POINTER(result);
}
