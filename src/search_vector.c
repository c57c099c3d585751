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

#include "mb/pg_wchar.h"
#include "tsearch/ts_utils.h"
#include "utils/builtins.h"

/* Bytes that a word takes in a tsvector beside its text, at most. */
#define WORD_OVERHEAD (sizeof(uint16) * 3)

/* Makes a list of words empty. */
static void
begin_words(ParsedText *parsed, int room)
{
	*parsed = (ParsedText){.lenwords = room};
	parsed->words = palloc(room * sizeof(ParsedWord));
}

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

/* Adds two characters that are neighbours, as one word. */
static void
add_pair(ParsedText *parsed, const char *first, const char *second)
{
	ParsedWord *word;

	if (parsed->curwords == parsed->lenwords)
	{
		parsed->lenwords *= 2;
		parsed->words = repalloc(parsed->words, parsed->lenwords * sizeof(ParsedWord));
	}
	word = &parsed->words[parsed->curwords++];
	*word = (ParsedWord){.len = strlen(first) + strlen(second),
						 .word = psprintf("%s%s", first, second)};
	word->pos.pos = MAXENTRYPOS - 1;
}

/* Adds all pairs of characters of a text. */
static void
add_pairs(ParsedText *parsed, char *text, int len)
{
	SearchParser parser;
	char *token;
	int token_len;
	int type;
	char *before = NULL;

	agent_search_parse(&parser, text, len);
	while ((type = agent_search_token(&parser, &token, &token_len)) != 0)
	{
		char *folded = type == SEARCH_CHARACTER ? agent_search_fold(token, token_len) : NULL;

		if (before != NULL && folded != NULL)
			add_pair(parsed, before, folded);
		before = folded;
	}
}

/* Returns what of a text is found, with the pairs of its characters if that is wanted. */
static TSVector
make_vector(Oid config, char *text, int len, bool has_pairs)
{
	ParsedText parsed;

	begin_words(&parsed, Max(len / 6, 8));
	parsetext(config, &parsed, text, len);
	if (has_pairs)
		add_pairs(&parsed, text, len);
	cut_words(&parsed);
	return make_tsvector(&parsed);
}

PG_FUNCTION_INFO_V1(agent_search_vector);

/*
 * SQL: agent.search_vector(config regconfig, document text) returns tsvector
 *
 * A tsvector knows 255 places of a word, and none after 16382: in a text with more of
 * them the words of a script without blanks could not be found as phrases.
 */
Datum
agent_search_vector(PG_FUNCTION_ARGS)
{
	Oid config = PG_GETARG_OID(0);
	text *document = PG_GETARG_TEXT_P_SLICE(1, 0, AGENT_SEARCH_REACH);
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

/* SQL: agent.search_query(config regconfig, query text) returns tsquery */
Datum
agent_search_query(PG_FUNCTION_ARGS)
{
	TSQuery query = agent_search_query_make(PG_GETARG_OID(0), PG_GETARG_TEXT_PP(1));

	if (query == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TSQUERY(query);
}
