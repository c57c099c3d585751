/*
 * search.h
 *		What the files of the text search offer each other.
 */
#ifndef AGENT_SEARCH_H
#define AGENT_SEARCH_H

#include "agent.h"

#include "tsearch/ts_public.h"
#include "tsearch/ts_type.h"

/* Bytes of a text that are searched: its beginning. */
#define AGENT_SEARCH_REACH (128 * 1024)

/* What a character is to the parser. */
typedef enum SearchKind
{
	SEARCH_BLANK,  /* between words */
	SEARCH_ASCII,  /* below 0x80 and no blank */
	SEARCH_LETTER, /* of a script that separates words */
	SEARCH_CJK,    /* of one that does not */
	SEARCH_SYMBOL, /* a word by itself */
	SEARCH_EXTEND  /* belongs to the character before */
} SearchKind;

/* Types of tokens: up to 23 those of the default parser. */
enum
{
	SEARCH_ASCII_WORD = 1,
	SEARCH_WORD = 2,
	SEARCH_NUMBER_WORD = 3,
	SEARCH_EMAIL = 4,
	SEARCH_URL = 5,
	SEARCH_HOST = 6,
	SEARCH_SPACE = 12,
	SEARCH_TAG = 13,
	SEARCH_NUMBER_COMPOUND = 15,
	SEARCH_ASCII_COMPOUND = 16,
	SEARCH_COMPOUND = 17,
	SEARCH_URL_PATH = 18,
	SEARCH_FILE = 19,
	SEARCH_UNSIGNED = 22,
	SEARCH_CHARACTER = 24, /* of Chinese, Japanese or Korean */
	SEARCH_BREAK = 25,     /* between two of those: a place without a word */
	SEARCH_EMOJI = 26,     /* any symbol */
	SEARCH_PART = 27,      /* a word within an address, a path or a tag */
	SEARCH_PART_HOST = 28, /* the host within an e-mail address */
	SEARCH_TYPES
};

/* search_char.c */
extern uint32 agent_search_char(const char *at, const char *end, int *len);
extern SearchKind agent_search_kind(uint32 c);
extern SearchKind agent_search_kind_at(const char *at, const char *end, int *len);
extern int agent_search_unit(const char *at, const char *end);
extern char *agent_search_fold(const char *token, int len);

/* search_parser.c */
typedef struct SearchParser
{
	char *at; /* what is still to be read */
	char *end;
	Datum inner; /* the default parser, at work on a piece of ASCII; 0: it is not */
	char *part;  /* where the parts of the last token go on; NULL: nowhere */
	char *part_end;
	bool host_told; /* of an e-mail address */
	bool after_cjk; /* the token before was a SEARCH_CHARACTER */
} SearchParser;

extern void agent_search_parse(SearchParser *parser, char *text, int len);
extern int agent_search_token(SearchParser *parser, char **token, int *len);
extern bool agent_search_is_whole(int type);

/* search_query.c */

/* A word of a text, with its place. */
typedef struct SearchTerm
{
	int type;
	int position;
	bool is_joined; /* to the one before: nothing stands between them */
	char *token;
	int len;
	TSLexeme *lexemes;
} SearchTerm;

extern void agent_search_append(StringInfo query, const char *lexeme, bool is_prefix);
extern int agent_search_terms(Oid config, char *text, int len, SearchTerm *terms);
extern Size agent_search_room(int len);
extern char *agent_search_pair(const SearchTerm *second);
extern TSQuery agent_search_query_make(const text *query);

/* search_phrase.c */
#define SEARCH_PHRASE_MAX 32 /* words of a phrase that are compared */

/* A word of a phrase of the query, and how far it is from the first one. */
typedef struct SearchMember
{
	int word; /* which of the query's, however often that has it */
	int distance;
} SearchMember;

/* A phrase of the query; a single word is one too. */
typedef struct SearchPhrase
{
	int count;
	SearchMember members[SEARCH_PHRASE_MAX];
} SearchPhrase;

typedef struct SearchPhrases
{
	TSQuery words; /* the query's, each once */
	int count;
	SearchPhrase *phrases;
} SearchPhrases;

extern SearchPhrases *agent_search_phrases(TSQuery query);
extern int *agent_search_mark(const SearchPhrases *phrases, const HeadlineParsedText *text);

/* search_vector.c */
extern Oid agent_search_configuration(void);

#endif /* AGENT_SEARCH_H */
