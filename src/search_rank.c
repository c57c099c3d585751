/*
 * search_rank.c
 *		How well a text matches a query.
 *
 * Called in SQL for everything that a search found, as agent_owner under the policies.
 * A word counts by how often it stands there, less and less, and the more the fewer
 * words the text has. The time is that of looking each word up, whatever the text and
 * the query are: the ranks of PostgreSQL compare all places of all words with each other.
 */
#include "search.h"

#include <math.h>

#include "tsearch/ts_utils.h"

/* Compares a word of a text with one of a query; with a beginning, as far as that goes. */
static int
compare(TSVector document, const WordEntry *entry, TSQuery query, const QueryOperand *word)
{
	const char *text = STRPTR(document) + entry->pos;
	int len = word->prefix ? Min((int) entry->len, (int) word->length) : (int) entry->len;

	return tsCompareString((char *) text,
						   len,
						   GETOPERAND(query) + word->distance,
						   word->length,
						   false);
}

/* Returns how often a word of a query stands in a text, 0 if it does not. */
static int
occurrences(TSVector document, TSQuery query, const QueryOperand *word)
{
	int low = 0;
	int high = document->size - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		const WordEntry *entry = ARRPTR(document) + middle;
		int order = compare(document, entry, query, word);

		if (order == 0)
			return Max(POSDATALEN(document, entry), 1);
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return 0;
}

PG_FUNCTION_INFO_V1(agent_search_rank);

/* SQL: agent.search_rank(document tsvector, query tsquery) returns real */
Datum
agent_search_rank(PG_FUNCTION_ARGS)
{
	TSVector document = PG_GETARG_TSVECTOR(0);
	TSQuery query = PG_GETARG_TSQUERY(1);
	const QueryItem *item = GETQUERY(query);
	double rank = 0;
	int words = 0;

	for (int i = 0; i < query->size; i++)
	{
		int count;

		if (item[i].type != QI_VAL)
			continue;
		count = occurrences(document, query, &item[i].qoperand);
		words++;
		if (count > 0)
			rank += 1 + log(count);
	}
	PG_RETURN_FLOAT4((float4) (words == 0 ? 0 : rank / words / (1 + log(1 + document->size))));
}
