/*
 * search_snippet.c
 *		Shows where a text has what was looked for.
 *
 * Called in SQL for the hits of a page, as agent_owner under the policies, with texts
 * and marks of anybody. The result is HTML: the text's own characters are escaped, the
 * marks stand as they were given. A long text is read piece by piece, up to the first
 * that has a hit; each place is passed once, whatever the text is.
 */
#include "search.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tsearch/ts_utils.h"
#include "utils/builtins.h"

#define PIECE      2048 /* bytes read at once */
#define OVERLAP    300  /* of them once more with the next */
#define CHARACTERS 160  /* shown, about */
#define BEFORE     40   /* of them before the first that is marked */

/* A token as it is shown. */
typedef struct Shown
{
	const char *text;
	int len;
	int phrase; /* that it belongs to, from 0; -1: to none */
} Shown;

typedef struct Snippet
{
	SearchPhrases *phrases;
	Shown *tokens;
	int count;
	int first; /* the first marked one of the best place, -1 when there is none */
} Snippet;

/* Tells whether a token repeats what others show. */
static bool
is_repeated(const HeadlineWordEntry *word)
{
	return word->repeated || word->type == SEARCH_URL || word->type == SEARCH_NUMBER_COMPOUND ||
		   word->type == SEARCH_ASCII_COMPOUND || word->type == SEARCH_COMPOUND;
}

/* Finds the tokens to show; parts are shown by the whole that they are in. */
static void
find_tokens(Snippet *snippet, const HeadlineParsedText *text)
{
	int *phrases = agent_search_mark(snippet->phrases, text);

	snippet->count = 0;
	snippet->tokens = palloc((text->curwords + 1) * sizeof(Shown));
	for (int i = 0; i < text->curwords; i++)
	{
		const HeadlineWordEntry *word = &text->words[i];

		if (is_repeated(word))
			continue;
		if (word->type != SEARCH_PART && word->type != SEARCH_PART_HOST)
			snippet->tokens[snippet->count++] = (Shown){word->word, word->len, phrases[i]};
		else if (phrases[i] >= 0 && snippet->count > 0)
			snippet->tokens[snippet->count - 1].phrase = phrases[i];
	}
}

/* Returns how many different phrases of the query are shown, beginning with a token. */
static int
worth_of(const Snippet *snippet, int first)
{
	bool *seen = palloc0(snippet->phrases->count + 1);
	int count = 0;
	int shown = 0;

	for (int i = first; i < snippet->count && shown < CHARACTERS - BEFORE; i++)
	{
		const Shown *token = &snippet->tokens[i];

		shown += pg_mbstrlen_with_len(token->text, token->len);
		if (token->phrase < 0 || seen[token->phrase])
			continue;
		seen[token->phrase] = true;
		count++;
	}
	pfree(seen);
	return count;
}

/* Finds the place that shows most of the query. */
static void
find_place(Snippet *snippet)
{
	int best = 0;

	snippet->first = -1;
	for (int i = 0; i < snippet->count; i++)
	{
		int worth = snippet->tokens[i].phrase >= 0 ? worth_of(snippet, i) : 0;

		if (worth > best)
		{
			best = worth;
			snippet->first = i;
		}
	}
}

/* Returns the token that the snippet begins with. */
static int
beginning(const Snippet *snippet)
{
	int at = Max(snippet->first, 0);
	int before = 0;

	while (at > 0 && before < BEFORE)
	{
		const Shown *token = &snippet->tokens[at - 1];

		before += pg_mbstrlen_with_len(token->text, token->len);
		/* What is long would leave no room for what was found. */
		if (before > 2 * BEFORE)
			break;
		at--;
	}
	return at;
}

/* Appends a text with its HTML escaped, blanks as one. */
static void
append_escaped(StringInfo html, const char *text, int len)
{
	for (int i = 0; i < len; i++)
	{
		char c = text[i];

		if (c == '<')
			appendStringInfoString(html, "&lt;");
		else if (c == '>')
			appendStringInfoString(html, "&gt;");
		else if (c == '&')
			appendStringInfoString(html, "&amp;");
		else if (c == '"')
			appendStringInfoString(html, "&quot;");
		else if (c == '\'')
			appendStringInfoString(html, "&#39;");
		else if ((unsigned char) c > ' ' && c != 0x7f)
			appendStringInfoChar(html, c);
		else if (html->len > 0 && html->data[html->len - 1] != ' ')
			appendStringInfoChar(html, ' ');
	}
}

/* Appends a token, cut where the snippet has to end; returns how many characters it has. */
static int
append_token(StringInfo html, const Shown *token, int room)
{
	int len = pg_mbcharcliplen(token->text, token->len, room);

	append_escaped(html, token->text, len);
	return pg_mbstrlen_with_len(token->text, len);
}

/* Returns the snippet as HTML; the ends say whether the text goes on there. */
static text *
write_snippet(const Snippet *snippet, const char *start, const char *stop, bool before, bool after)
{
	StringInfoData html;
	int at = beginning(snippet);
	int shown = 0;
	bool is_marked = false;

	initStringInfo(&html);
	if (before || at > 0)
		appendStringInfoString(&html, "…");
	for (; at < snippet->count && shown < CHARACTERS; at++)
	{
		const Shown *token = &snippet->tokens[at];

		if ((token->phrase >= 0) != is_marked)
			appendStringInfoString(&html, is_marked ? stop : start);
		is_marked = token->phrase >= 0;
		shown += append_token(&html, token, CHARACTERS - shown);
	}
	if (is_marked)
		appendStringInfoString(&html, stop);
	if (after || at < snippet->count)
		appendStringInfoString(&html, "…");
	return cstring_to_text_with_len(html.data, html.len);
}

/* Returns the length of a piece of a text, which ends with a blank if it can. */
static int
piece_length(const char *at, const char *end)
{
	int len;

	if (end - at <= PIECE)
		return end - at;
	len = pg_mbcliplen(at, end - at, PIECE);
	for (int i = len; i > len - 256; i--)
	{
		if ((unsigned char) at[i - 1] <= ' ')
			return i;
	}
	return len;
}

/*
 * Returns where the piece after another begins: with the last words of that, so that a
 * phrase is in one piece.
 */
static char *
next_piece(char *at, int len)
{
	char *next = at + len - OVERLAP;

	while ((*next & 0xc0) == 0x80)
		next++;
	for (char *c = next; c < at + len - 1; c++)
	{
		if ((unsigned char) *c <= ' ')
			return c + 1;
	}
	return next;
}

/* Reads a piece of a text. */
static void
read_piece(Snippet *snippet, Oid config, char *at, int len)
{
	HeadlineParsedText parsed = {.lenwords = 128};

	parsed.words = palloc(parsed.lenwords * sizeof(HeadlineWordEntry));
	hlparsetext(config, &parsed, snippet->phrases->words, at, len);
	find_tokens(snippet, &parsed);
	find_place(snippet);
}

PG_FUNCTION_INFO_V1(agent_search_snippet);

/*
 * SQL: agent.search_snippet(document text, query tsquery, start_mark text, stop_mark text)
 *		returns text
 */
Datum
agent_search_snippet(PG_FUNCTION_ARGS)
{
	Oid config = agent_search_configuration();
	text *document = PG_GETARG_TEXT_PP(0);
	TSQuery query = PG_GETARG_TSQUERY(1);
	char *begin = VARDATA_ANY(document);
	int reach = pg_mbcliplen(begin, VARSIZE_ANY_EXHDR(document), AGENT_SEARCH_REACH);
	char *end = begin + reach;
	char *at = begin;
	int len = piece_length(at, end);
	Snippet snippet;

	snippet.phrases = agent_search_phrases(query);
	read_piece(&snippet, config, at, len);
	while (snippet.first < 0 && at + len < end)
	{
		CHECK_FOR_INTERRUPTS();
		at = next_piece(at, len);
		len = piece_length(at, end);
		read_piece(&snippet, config, at, len);
	}
	/* What is too long for a piece is shown by nothing: then the text's beginning is. */
	if (snippet.first < 0 && at > begin)
	{
		at = begin;
		len = piece_length(at, end);
		read_piece(&snippet, config, at, len);
	}
	PG_RETURN_TEXT_P(write_snippet(&snippet,
								   text_to_cstring(PG_GETARG_TEXT_PP(2)),
								   text_to_cstring(PG_GETARG_TEXT_PP(3)),
								   at > begin,
								   at + len < begin + VARSIZE_ANY_EXHDR(document)));
}
