/*
 * search_parser.c
 *		The text-search parser "agent", for texts in many scripts.
 *
 * Called by PostgreSQL through the parser's SQL object, and by search_query.c. What is
 * ASCII between two blanks gives the tokens of the default parser (words, e-mail
 * addresses, hosts, URLs, paths, versions, numbers); addresses, paths and tags give
 * their words besides. Where a script has no blanks between words, each character is a
 * token, and a word is a phrase of them: so any piece of a text can be found, without a
 * dictionary that changes. A symbol is a token. Tokens point into the text, which is
 * valid UTF-8 and outlives the parser.
 *
 * No token is longer than TOKEN_MAX: what is longer is no word, and PostgreSQL would
 * tell the client so each time.
 */
#include "search.h"

#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"

#define TOKEN_MAX 255 /* bytes */
/*
 * Of what goes to the default parser at once, which may look at each byte many times, and
 * how many of the signs that make it do so.
 */
#define PIECE_MAX 512
#define SIGNS_MAX 16

#define OPENING "(\"'[{"
#define CLOSING ",.;:!?)\"']}"

/* Begins to read a text. */
void
agent_search_parse(SearchParser *parser, char *text, int len)
{
	*parser = (SearchParser){.at = text, .end = text + len};
}

/* Tells whether tokens of a type are followed by tokens for their parts. */
bool
agent_search_is_whole(int type)
{
	switch (type)
	{
	case SEARCH_EMAIL:
	case SEARCH_URL:
	case SEARCH_HOST:
	case SEARCH_NUMBER_COMPOUND:
	case SEARCH_ASCII_COMPOUND:
	case SEARCH_COMPOUND:
	case SEARCH_URL_PATH:
	case SEARCH_FILE:
	case SEARCH_PART_HOST:
		return true;
	default:
		return false;
	}
}

/* Tells whether a byte is a letter or a digit of ASCII. */
static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Tells whether a byte is a letter of ASCII. */
static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * Returns a token up to an end, from where reading goes on. What is too long for a word
 * is taken for blanks, piece by piece.
 */
static int
take(SearchParser *parser, int type, char *end, char **token, int *len)
{
	*token = parser->at;
	*len = end - parser->at;
	if (*len > PIECE_MAX)
		*len = pg_mbcliplen(*token, *len, PIECE_MAX);
	parser->at += *len;
	return *len > TOKEN_MAX && type != SEARCH_BREAK ? SEARCH_SPACE : type;
}

/* Returns the next part of the token before, or 0. */
static int
next_part(SearchParser *parser, char **token, int *len)
{
	char *at = parser->part;

	while (at < parser->part_end && !is_alnum(*at))
	{
		if (*at++ == '@' && !parser->host_told)
		{
			parser->host_told = true;
			parser->part = at;
			*token = at;
			*len = parser->part_end - at;
			return SEARCH_PART_HOST;
		}
	}
	*token = at;
	while (at < parser->part_end && is_alnum(*at))
		at++;
	*len = at - *token;
	parser->part = *len > 0 ? at : NULL;
	return *len > 0 ? SEARCH_PART : 0;
}

/* Notes that a token has parts. */
static void
begin_parts(SearchParser *parser, int type, char *token, int len)
{
	if (type != SEARCH_EMAIL && type != SEARCH_HOST && type != SEARCH_URL_PATH &&
		type != SEARCH_FILE && type != SEARCH_TAG)
		return;
	parser->part = token;
	parser->part_end = token + len;
	parser->host_told = type != SEARCH_EMAIL;
}

/* Returns the next token of the default parser, or 0 when it has done its piece. */
static int
next_inner(SearchParser *parser, char **token, int *len)
{
	int type = DatumGetInt32(DirectFunctionCall3(prsd_nexttoken,
												 parser->inner,
												 PointerGetDatum(token),
												 PointerGetDatum(len)));

	if (type == 0)
	{
		DirectFunctionCall1(prsd_end, parser->inner);
		parser->inner = (Datum) 0;
		return 0;
	}
	begin_parts(parser, type, *token, *len);
	return *len > TOKEN_MAX ? SEARCH_SPACE : type;
}

/* Returns the end of a word that has letters beyond ASCII, and whether it has digits. */
static char *
word_end(const SearchParser *parser, bool *has_digits)
{
	char *at = parser->at;

	*has_digits = false;
	while (at < parser->end)
	{
		int len;
		SearchKind kind = agent_search_kind_at(at, parser->end, &len);

		if (kind == SEARCH_ASCII ? !is_alnum(*at) : kind != SEARCH_LETTER && kind != SEARCH_EXTEND)
			break;
		*has_digits |= *at >= '0' && *at <= '9';
		at += len;
	}
	return at;
}

/* Returns a word that has letters beyond ASCII. */
static int
next_word(SearchParser *parser, char **token, int *len)
{
	bool has_digits;
	char *end = word_end(parser, &has_digits);

	return take(parser, has_digits ? SEARCH_NUMBER_WORD : SEARCH_WORD, end, token, len);
}

/*
 * Returns a token of a piece of ASCII that is one word or number between punctuation,
 * as the default parser would, which takes much longer; or 0 when it is not so simple.
 */
static int
next_simple(SearchParser *parser, char *piece_end, char **token, int *len)
{
	char *at = parser->at;
	char *core;
	char *core_end;

	while (at < piece_end && strchr(OPENING, *at) != NULL)
		at++;
	core = at;
	while (at < piece_end && is_alpha(*at))
		at++;
	if (at == core)
	{
		while (at < piece_end && *at >= '0' && *at <= '9')
			at++;
	}
	core_end = at;
	while (at < piece_end && strchr(CLOSING, *at) != NULL)
		at++;
	if (at < piece_end)
		return 0;
	if (core == core_end || core > parser->at)
		return take(parser, SEARCH_SPACE, core == core_end ? piece_end : core, token, len);
	return take(parser,
				is_alpha(*core) ? SEARCH_ASCII_WORD : SEARCH_UNSIGNED,
				core_end,
				token,
				len);
}

/* Returns the end of what is ASCII without a blank, as far as it goes to the default parser at
 * once. */
static char *
piece_end(const SearchParser *parser)
{
	char *limit = parser->at + Min(parser->end - parser->at, PIECE_MAX);
	char *end = parser->at;

	for (int signs = 0; end < limit && signs < SIGNS_MAX; end++)
	{
		if ((unsigned char) *end <= ' ' || (unsigned char) *end >= 0x7f)
			break;
		signs += strchr("@_&<~", *end) != NULL;
	}
	return end;
}

/* Returns the next token where the text is ASCII and no blank. */
static int
next_ascii(SearchParser *parser, char **token, int *len)
{
	char *end = piece_end(parser);
	char *word;
	int char_len;
	int type;
	SearchKind after;

	after = agent_search_kind_at(end, parser->end, &char_len);
	word = end;
	if (after == SEARCH_LETTER || after == SEARCH_EXTEND)
	{
		while (word > parser->at && is_alnum(word[-1]))
			word--;
	}
	if (word == parser->at)
		return next_word(parser, token, len);
	type = next_simple(parser, word, token, len);
	if (type != 0)
		return type;
	parser->inner = DirectFunctionCall2(prsd_start,
										PointerGetDatum(parser->at),
										Int32GetDatum((int32) (word - parser->at)));
	parser->at = word;
	return agent_search_token(parser, token, len);
}

/* Returns the next character of a script without blanks between words. */
static int
next_cjk(SearchParser *parser, char **token, int *len)
{
	char *end = parser->at + agent_search_unit(parser->at, parser->end);

	parser->after_cjk = true;
	return take(parser, SEARCH_CHARACTER, end, token, len);
}

/* Tells whether a character is half of a flag. */
static bool
is_flag_half(const char *at, const char *end)
{
	int len;
	uint32 c = at < end ? agent_search_char(at, end, &len) : 0;

	return c >= 0x1f1e6 && c <= 0x1f1ff;
}

/* Returns the next token where there is a symbol. */
static int
next_symbol(SearchParser *parser, char **token, int *len)
{
	char *end = parser->at + agent_search_unit(parser->at, parser->end);

	if (is_flag_half(parser->at, parser->end) && is_flag_half(end, parser->end))
		end += agent_search_unit(end, parser->end);
	return take(parser, SEARCH_EMOJI, end, token, len);
}

/* Returns what is between words, and notes where it ends a run of characters. */
static int
next_blank(SearchParser *parser, bool after_cjk, char **token, int *len)
{
	char *end = parser->at;
	int char_len;
	SearchKind kind = agent_search_kind_at(end, parser->end, &char_len);

	while (end < parser->end && (kind == SEARCH_BLANK || kind == SEARCH_EXTEND))
	{
		end += char_len;
		kind = agent_search_kind_at(end, parser->end, &char_len);
	}
	return take(parser,
				after_cjk && end < parser->end && kind == SEARCH_CJK ? SEARCH_BREAK : SEARCH_SPACE,
				end,
				token,
				len);
}

/* Returns the type of the next token and where it is, or 0 at the end. */
int
agent_search_token(SearchParser *parser, char **token, int *len)
{
	int type = 0;
	int char_len;
	bool after_cjk = parser->after_cjk;

	if (parser->part != NULL)
		type = next_part(parser, token, len);
	if (type == 0 && parser->inner != (Datum) 0)
		type = next_inner(parser, token, len);
	if (type != 0)
		return type;
	if (parser->at >= parser->end)
		return 0;
	parser->after_cjk = false;
	switch (agent_search_kind_at(parser->at, parser->end, &char_len))
	{
	case SEARCH_ASCII:
		return next_ascii(parser, token, len);
	case SEARCH_LETTER:
		return next_word(parser, token, len);
	case SEARCH_CJK:
		return next_cjk(parser, token, len);
	case SEARCH_SYMBOL:
		return next_symbol(parser, token, len);
	default:
		return next_blank(parser, after_cjk, token, len);
	}
}

PG_FUNCTION_INFO_V1(agent_search_start);

/* SQL: agent.search_start(internal, integer) returns internal */
Datum
agent_search_start(PG_FUNCTION_ARGS)
{
	SearchParser *parser = palloc(sizeof(SearchParser));

	agent_search_parse(parser, (char *) PG_GETARG_POINTER(0), PG_GETARG_INT32(1));
	PG_RETURN_POINTER(parser);
}

PG_FUNCTION_INFO_V1(agent_search_next);

/* SQL: agent.search_next(internal, internal, internal) returns internal */
Datum
agent_search_next(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(agent_search_token((SearchParser *) PG_GETARG_POINTER(0),
									   (char **) PG_GETARG_POINTER(1),
									   (int *) PG_GETARG_POINTER(2)));
}

PG_FUNCTION_INFO_V1(agent_search_end);

/* SQL: agent.search_end(internal) returns void */
Datum
agent_search_end(PG_FUNCTION_ARGS)
{
	SearchParser *parser = (SearchParser *) PG_GETARG_POINTER(0);

	if (parser->inner != (Datum) 0)
		DirectFunctionCall1(prsd_end, parser->inner);
	pfree(parser);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(agent_search_types);

/* SQL: agent.search_types(internal) returns internal */
Datum
agent_search_types(PG_FUNCTION_ARGS)
{
	static const LexDescr own[] = {
		{SEARCH_CHARACTER, "cjk", "Character of a script without blanks between words"},
		{SEARCH_BREAK, "cjk_break", "Blank or punctuation between two of those"},
		{SEARCH_EMOJI, "symbol", "Emoji or other symbol"},
		{SEARCH_PART, "part", "Word within an address, a path or a tag"},
		{SEARCH_PART_HOST, "part_host", "Host within an e-mail address"},
	};
	LexDescr *types = palloc0((SEARCH_TYPES) * sizeof(LexDescr));
	LexDescr *inner = (LexDescr *) DatumGetPointer(DirectFunctionCall1(prsd_lextype, (Datum) 0));
	int count = 0;

	for (; inner[count].lexid > 0 && count < SEARCH_CHARACTER - 1; count++)
		types[count] = inner[count];
	for (int i = 0; i < (int) lengthof(own); i++)
	{
		types[count].lexid = own[i].lexid;
		types[count].alias = pstrdup(own[i].alias);
		types[count++].descr = pstrdup(own[i].descr);
	}
	PG_RETURN_POINTER(types);
}

/* Shows the parts of an address as what they are part of. */
static void
show_once(HeadlineParsedText *text)
{
	HeadlineWordEntry *whole = NULL;

	for (int i = 0; i < text->curwords; i++)
	{
		HeadlineWordEntry *word = &text->words[i];

		if (word->repeated)
			continue;
		if (word->type != SEARCH_PART && word->type != SEARCH_PART_HOST)
		{
			whole = word;
			continue;
		}
		if (whole != NULL && word->selected)
			whole->selected = 1;
		word->skip = 1;
	}
}

PG_FUNCTION_INFO_V1(agent_search_headline);

/* SQL: agent.search_headline(internal, internal, tsquery) returns internal */
Datum
agent_search_headline(PG_FUNCTION_ARGS)
{
	HeadlineParsedText *text = (HeadlineParsedText *) PG_GETARG_POINTER(0);

	DirectFunctionCall3(prsd_headline,
						PointerGetDatum(text),
						PG_GETARG_DATUM(1),
						PG_GETARG_DATUM(2));
	show_once(text);
	PG_RETURN_POINTER(text);
}
