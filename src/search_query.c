/*
 * search_query.c
 *		Reads what a person types into a search box.
 *
 * Called by search.c, for the queries of anybody; results are in the caller's memory
 * context. Words are all wanted; "..." is a phrase; a leading minus excludes; a
 * trailing * stands for any ending. Whatever is typed is a query: a quotation that
 * does not end ends with the text, and a sign that means nothing is left out.
 *
 * Parser and dictionaries are those of the configuration, but where a token has parts
 * (an address, a hyphenated word, a run of Chinese) the parts alone are looked for:
 * they find it inside of a larger one too.
 */
#include "search.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tsearch/ts_cache.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

typedef struct QueryReader
{
	Oid config;
	StringInfoData query; /* in the syntax of tsquery */
	bool has_wanted;      /* a word that is not excluded */
} QueryReader;

/* Returns the length of a quotation mark at a place, or 0. */
static int
quotation_mark(const char *at, const char *end)
{
	int len;
	uint32 c = at < end ? agent_search_char(at, end, &len) : 0;

	return c == '"' || c == 0x201c || c == 0x201d || c == 0x201e || c == 0xff02 ? len : 0;
}

/* Returns the length of a blank at a place, or 0; whatever has no words in it is one. */
static int
blank(const char *at, const char *end)
{
	int len;
	uint32 c = at < end ? agent_search_char(at, end, &len) : 0;

	return at < end && (c <= ' ' || c == 0x7f || c == 0x85 || c == 0xa0 || c == 0x3000 ||
						(c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029)
			   ? len
			   : 0;
}

/* Appends a lexeme with its quotes. */
void
agent_search_append(StringInfo query, const char *lexeme, bool is_prefix)
{
	appendStringInfoChar(query, '\'');
	for (const char *c = lexeme; *c != '\0'; c++)
	{
		if (*c == '\'' || *c == '\\')
			appendStringInfoChar(query, *c);
		appendStringInfoChar(query, *c);
	}
	appendStringInfoString(query, is_prefix ? "':*" : "'");
}

/* Returns the lexemes of a token, by the dictionaries of its type; NULL: it is no word. */
static TSLexeme *
lexemes_of(Oid config, int type, char *token, int len)
{
	TSConfigCacheEntry *entry = lookup_ts_config_cache(config);
	ListDictionary *list = type < entry->lenmap ? &entry->map[type] : NULL;

	for (int i = 0; list != NULL && i < list->len; i++)
	{
		TSDictionaryCacheEntry *dictionary = lookup_ts_dictionary_cache(list->dictIds[i]);
		DictSubState state = {.isend = false};
		TSLexeme *lexemes =
			(TSLexeme *) DatumGetPointer(FunctionCall4(&dictionary->lexize,
													   PointerGetDatum(dictionary->dictData),
													   PointerGetDatum(token),
													   Int32GetDatum(len),
													   PointerGetDatum(&state)));

		/* Looking up may have changed what the cache holds. */
		entry = lookup_ts_config_cache(config);
		list = type < entry->lenmap ? &entry->map[type] : NULL;
		if (lexemes == NULL)
			continue;
		if (lexemes[0].lexeme == NULL || !(lexemes[0].flags & TSL_FILTER))
			return lexemes;
		token = lexemes[0].lexeme;
		len = strlen(token);
	}
	return NULL;
}

/* Appends what a token stands for: any of its lexemes, or with a start all that begin so. */
static void
append_token(StringInfo query, const TSLexeme *lexemes, const char *start)
{
	bool is_one = start == NULL && lexemes[1].lexeme == NULL;

	if (!is_one)
		appendStringInfoChar(query, '(');
	if (start != NULL)
		agent_search_append(query, start, true);
	for (int i = 0; lexemes[i].lexeme != NULL; i++)
	{
		if (i > 0 || start != NULL)
			appendStringInfoChar(query, '|');
		agent_search_append(query, lexemes[i].lexeme, lexemes[i].flags & TSL_PREFIX);
	}
	if (!is_one)
		appendStringInfoChar(query, ')');
}

/*
 * Finds the terms of a text and returns their number: its words, without the wholes that
 * others are parts of. terms has room for agent_search_room() of them.
 */
int
agent_search_terms(Oid config, char *text, int len, SearchTerm *terms)
{
	SearchParser parser;
	char *token;
	int token_len;
	int type;
	int position = 0;
	int count = 0;
	bool is_joined = false;

	agent_search_parse(&parser, text, len);
	while ((type = agent_search_token(&parser, &token, &token_len)) != 0)
	{
		TSLexeme *lexemes = lexemes_of(config, type, token, token_len);

		CHECK_FOR_INTERRUPTS();
		if (lexemes == NULL)
			continue;
		position++;
		if (lexemes[0].lexeme == NULL)
			is_joined = false;
		else if (!agent_search_is_whole(type))
		{
			terms[count++] = (SearchTerm){type, position, is_joined, token, token_len, lexemes};
			is_joined = true;
		}
	}
	return count;
}

/*
 * Returns how many terms a text may have: no more than bytes, but for an address, whose
 * words come twice.
 */
Size
agent_search_room(int len)
{
	return 2 * (Size) len + 1;
}

/* Returns the lexeme of two neighbours in a text that is too long for places. */
char *
agent_search_pair(const SearchTerm *second)
{
	return psprintf("%s %s", second[-1].lexemes[0].lexeme, second->lexemes[0].lexeme);
}

/* Returns what all words have to begin with that a term with a star stands for, or NULL. */
static const char *
start_of(const SearchTerm *term)
{
	char *start = agent_search_fold(term->token, term->len);

	/* One letter would be looked up in the words of everybody. */
	return term->type != SEARCH_CHARACTER && pg_mbstrlen(start) >= 2 ? start : NULL;
}

/* Appends the terms in their places, one after the other. */
static void
append_sequence(StringInfo query, const SearchTerm *terms, int count, bool is_prefix)
{
	for (int i = 0; i < count; i++)
	{
		bool has_star = is_prefix && i == count - 1;

		if (i > 0)
			appendStringInfo(query, "<%d>", terms[i].position - terms[i - 1].position);
		append_token(query, terms[i].lexemes, has_star ? start_of(&terms[i]) : NULL);
	}
}

/*
 * Appends what finds the terms where a text is too long for places: its pairs of
 * neighbours are lexemes too. Other texts have none, so that it finds nothing in them.
 */
static void
append_pairs(StringInfo query, const SearchTerm *terms, int count)
{
	bool is_first = true;

	for (int i = 0; i < count; i++)
	{
		bool has_next = i + 1 < count && terms[i + 1].is_joined;

		/* A pair speaks for both of its words. */
		if (has_next && !terms[i].is_joined)
			continue;
		if (!is_first)
			appendStringInfoChar(query, '&');
		is_first = false;
		if (terms[i].is_joined)
			agent_search_append(query, agent_search_pair(&terms[i]), false);
		else
			append_token(query, terms[i].lexemes, NULL);
	}
}

/* Appends the words of a text as a phrase; false when it has none. */
static bool
append_phrase(QueryReader *reader, char *text, int len, bool is_prefix)
{
	SearchTerm *terms = palloc(agent_search_room(len) * sizeof(SearchTerm));
	int count = agent_search_terms(reader->config, text, len, terms);

	append_sequence(&reader->query, terms, count, is_prefix);
	/* What is to begin a word is in no pair. */
	if (count > 1 && !is_prefix)
	{
		appendStringInfoChar(&reader->query, '|');
		append_pairs(&reader->query, terms, count);
	}
	return count > 0;
}

/* Adds a word or a phrase to the query. */
static void
add_phrase(QueryReader *reader, char *text, int len, bool is_excluded, bool is_prefix)
{
	int before = reader->query.len;

	if (before > 0)
		appendStringInfoChar(&reader->query, '&');
	appendStringInfoString(&reader->query, is_excluded ? "!(" : "(");
	if (append_phrase(reader, text, len, is_prefix))
	{
		appendStringInfoChar(&reader->query, ')');
		reader->has_wanted |= !is_excluded;
		return;
	}
	reader->query.len = before;
	reader->query.data[before] = '\0';
}

/* Reads a quotation whose mark ends at a place, and returns where it ends. */
static char *
read_quotation(QueryReader *reader, char *at, char *end, bool is_excluded)
{
	char *close = at;

	while (close < end && quotation_mark(close, end) == 0)
		close += agent_search_unit(close, end);
	add_phrase(reader, at, close - at, is_excluded, false);
	return close + quotation_mark(close, end);
}

/* Reads a word, and returns where it ends. */
static char *
read_word(QueryReader *reader, char *at, char *end, bool is_excluded)
{
	char *close = at;
	bool has_star;

	while (close < end && blank(close, end) == 0)
		close += agent_search_unit(close, end);
	has_star = close - at > 1 && close[-1] == '*';
	add_phrase(reader, at, close - at - (has_star ? 1 : 0), is_excluded, has_star);
	return close;
}

/* Returns the length of a minus that excludes what follows, or 0. */
static int
minus(const char *at, const char *end)
{
	int len;
	uint32 c = agent_search_char(at, end, &len);

	return (c == '-' || c == 0xff0d || c == 0x2212) && at + len < end && blank(at + len, end) == 0
			   ? len
			   : 0;
}

/* Returns the query that a text stands for; NULL when it looks for nothing. */
TSQuery
agent_search_query_make(const text *query)
{
	QueryReader reader = {.config = agent_search_configuration()};
	char *at = text_to_cstring(query);
	char *end = at + strlen(at);

	initStringInfo(&reader.query);
	while (at < end)
	{
		int skip = blank(at, end);
		int sign = skip > 0 ? 0 : minus(at, end);
		int mark = quotation_mark(at + sign, end);

		CHECK_FOR_INTERRUPTS();
		if (skip > 0)
			at += skip;
		else if (mark > 0)
			at = read_quotation(&reader, at + sign + mark, end, sign > 0);
		else
			at = read_word(&reader, at + sign, end, sign > 0);
	}
	if (!reader.has_wanted)
		return NULL;
	return DatumGetTSQuery(DirectFunctionCall1(tsqueryin, CStringGetDatum(reader.query.data)));
}
