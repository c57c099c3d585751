/*
 * search_vector.c
 *		What of a text is found: its lexemes, as far as an index reaches.
 *
 * Called in SQL by a generated column and an index, for every title and message that
 * is written, by whoever writes. Nothing but a lack of memory is raised, and nothing is
 * said that depends on the text, so that the function may be called leakproof. Of a
 * long text the first AGENT_SEARCH_REACH bytes count, and of those as many words as
 * fit into a tsvector.
 */
#include "search.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "nodes/value.h"
#include "tsearch/ts_utils.h"
#include "utils/builtins.h"

/* Bytes that a word takes in a tsvector beside its text, at most. */
#define WORD_OVERHEAD (sizeof(uint16) * 3)
#define QUERY_MAX     4096 /* bytes */

/* Drops the words that a tsvector has no room for. */
static void
cut_words(ParsedText *parsed)
{
	Size size = 0;

	for (int i = 0; i < parsed->curwords; i++)
	{
		size += parsed->words[i].len + WORD_OVERHEAD;
		if (size > MAXSTRPOS)
			parsed->curwords = i;
	}
}

/* Tells whether a tsvector has less than every place of its words. */
static bool
has_lost_places(TSVector vector)
{
	for (int i = 0; i < vector->size; i++)
	{
		WordEntry *word = ARRPTR(vector) + i;
		int count = POSDATALEN(vector, word);

		if (count >= MAXNUMPOS - 1 ||
			WEP_GETPOS(POSDATAPTR(vector, word)[count - 1]) >= MAXENTRYPOS - 1)
			return true;
	}
	return false;
}

/* Adds a word without a place. */
static void
add_word(ParsedText *parsed, char *word)
{
	if (parsed->curwords == parsed->lenwords)
	{
		parsed->lenwords *= 2;
		parsed->words = repalloc(parsed->words, parsed->lenwords * sizeof(ParsedWord));
	}
	parsed->words[parsed->curwords] = (ParsedWord){.len = strlen(word), .word = word};
	parsed->words[parsed->curwords++].pos.pos = MAXENTRYPOS - 1;
}

/* Adds all pairs of neighbours of a text. */
static void
add_pairs(ParsedText *parsed, Oid config, char *text, int len)
{
	SearchTerm *terms = palloc(agent_search_room(len) * sizeof(SearchTerm));
	int count = agent_search_terms(config, text, len, terms);

	for (int i = 0; i < count; i++)
	{
		if (terms[i].is_joined)
			add_word(parsed, agent_search_pair(&terms[i]));
	}
	pfree(terms);
}

/* Returns what of a text is found, with the pairs of its words if that is wanted. */
static TSVector
make_vector(Oid config, char *text, int len, bool has_pairs)
{
	ParsedText parsed = {.lenwords = Max(len / 6, 8)};

	parsed.words = palloc(parsed.lenwords * sizeof(ParsedWord));
	parsetext(config, &parsed, text, len);
	if (has_pairs)
		add_pairs(&parsed, config, text, len);
	cut_words(&parsed);
	return make_tsvector(&parsed);
}

/* Returns the configuration of searches, which no user can change. */
Oid
agent_search_configuration(void)
{
	return get_ts_config_oid(list_make2(makeString("agent"), makeString("search")), false);
}

PG_FUNCTION_INFO_V1(agent_search_document);

/*
 * SQL: agent.search_document(document text) returns tsvector
 *
 * A tsvector knows 255 places of a word, and none after 16382: in a text with more of
 * them phrases could not be found, and words of a script without blanks are phrases.
 * The configuration is no argument: with one of their own, anybody could let a text
 * speak before row security has had its say.
 */
Datum
agent_search_document(PG_FUNCTION_ARGS)
{
	Oid config = agent_search_configuration();
	text *document = PG_GETARG_TEXT_P_SLICE(0, 0, AGENT_SEARCH_REACH);
	char *begin = VARDATA_ANY(document);
	int len = VARSIZE_ANY_EXHDR(document);
	TSVector vector;

	if (len == AGENT_SEARCH_REACH)
		len = pg_mbcliplen(begin, len, len - 1);
	vector = make_vector(config, begin, len, false);
	if (len >= MAXNUMPOS && has_lost_places(vector))
		vector = make_vector(config, begin, len, true);
	PG_RETURN_TSVECTOR(vector);
}

PG_FUNCTION_INFO_V1(agent_search_query);

/*
 * SQL: agent.search_query(query text) returns tsquery
 *
 * agent_search() takes shorter ones.
 */
Datum
agent_search_query(PG_FUNCTION_ARGS)
{
	text *typed = PG_GETARG_TEXT_PP(0);
	TSQuery query;

	if (VARSIZE_ANY_EXHDR(typed) > QUERY_MAX)
		ereport(ERROR,
				errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("query is longer than %d bytes", QUERY_MAX));
	query = agent_search_query_make(typed);
	if (query == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TSQUERY(query);
}
