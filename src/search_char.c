/*
 * search_char.c
 *		What the characters of Unicode are to the text search, and how they fold.
 *
 * Called by the parser and the dictionaries, for texts of anybody. What is found must
 * be the same on every system, for as long as an index lives: neither the locale nor
 * a library that changes with the system decides here. Compatibility forms come from
 * PostgreSQL's own tables. Texts are valid UTF-8; nothing is raised.
 */
#include "search.h"

#include "common/unicode_norm.h"
#include "mb/pg_wchar.h"

#define LEXEME_MAX 1024 /* bytes */

typedef struct Range
{
	uint32 first;
	uint32 last;
	SearchKind kind;
} Range;

/* In order. What is in no range is a letter. */
/* clang-format off */
static const Range ranges[] = {
	{0x80, 0xa1, SEARCH_BLANK}, {0xa2, 0xa9, SEARCH_SYMBOL}, {0xab, 0xab, SEARCH_BLANK},
	{0xac, 0xac, SEARCH_SYMBOL}, {0xad, 0xad, SEARCH_EXTEND}, {0xae, 0xb1, SEARCH_SYMBOL},
	{0xb4, 0xb4, SEARCH_BLANK}, {0xb6, 0xb8, SEARCH_BLANK}, {0xbb, 0xbb, SEARCH_BLANK},
	{0xbf, 0xbf, SEARCH_BLANK}, {0xd7, 0xd7, SEARCH_SYMBOL}, {0xf7, 0xf7, SEARCH_SYMBOL},
	{0x300, 0x36f, SEARCH_EXTEND}, {0x483, 0x489, SEARCH_EXTEND},
	{0xe00, 0xeff, SEARCH_CJK}, {0x1000, 0x109f, SEARCH_CJK}, /* Thai, Lao; Burmese */
	{0x1100, 0x115f, SEARCH_CJK}, {0x1160, 0x11ff, SEARCH_EXTEND},
	{0x1780, 0x17ff, SEARCH_CJK}, /* Khmer */
	{0x1ab0, 0x1aff, SEARCH_EXTEND}, {0x1dc0, 0x1dff, SEARCH_EXTEND},
	{0x2000, 0x200c, SEARCH_BLANK}, {0x200d, 0x200d, SEARCH_EXTEND}, {0x200e, 0x206f, SEARCH_BLANK},
	{0x20a0, 0x20cf, SEARCH_SYMBOL}, {0x20d0, 0x20ff, SEARCH_EXTEND}, {0x2100, 0x214f, SEARCH_SYMBOL},
	{0x2190, 0x23ff, SEARCH_SYMBOL}, {0x2400, 0x245f, SEARCH_BLANK}, {0x2500, 0x259f, SEARCH_BLANK},
	{0x25a0, 0x27ff, SEARCH_SYMBOL}, {0x2800, 0x28ff, SEARCH_BLANK}, {0x2900, 0x2bff, SEARCH_SYMBOL},
	{0x2e00, 0x2e7f, SEARCH_BLANK}, {0x2e80, 0x2fdf, SEARCH_CJK}, {0x2ff0, 0x3004, SEARCH_BLANK},
	{0x3005, 0x3007, SEARCH_CJK}, {0x3008, 0x3020, SEARCH_BLANK}, {0x3021, 0x3029, SEARCH_CJK},
	{0x302a, 0x302f, SEARCH_EXTEND}, {0x3030, 0x3030, SEARCH_BLANK}, {0x3031, 0x303c, SEARCH_CJK},
	{0x303d, 0x3040, SEARCH_BLANK}, {0x3041, 0x3098, SEARCH_CJK}, {0x3099, 0x309a, SEARCH_EXTEND},
	{0x309b, 0x309c, SEARCH_BLANK}, {0x309d, 0x309f, SEARCH_CJK}, {0x30a0, 0x30a0, SEARCH_BLANK},
	{0x30a1, 0x30fa, SEARCH_CJK}, {0x30fb, 0x30fb, SEARCH_BLANK}, {0x30fc, 0x4dbf, SEARCH_CJK},
	{0x4dc0, 0x4dff, SEARCH_SYMBOL}, {0x4e00, 0xa4cf, SEARCH_CJK}, {0xa960, 0xa97f, SEARCH_CJK},
	{0xac00, 0xd7a3, SEARCH_CJK}, {0xd7b0, 0xd7ff, SEARCH_EXTEND}, {0xe000, 0xf8ff, SEARCH_SYMBOL},
	{0xf900, 0xfaff, SEARCH_CJK}, {0xfe00, 0xfe0f, SEARCH_EXTEND}, {0xfe10, 0xfe1f, SEARCH_BLANK},
	{0xfe20, 0xfe2f, SEARCH_EXTEND}, {0xfe30, 0xfe6f, SEARCH_BLANK}, {0xfeff, 0xff0f, SEARCH_BLANK},
	{0xff1a, 0xff20, SEARCH_BLANK}, {0xff3b, 0xff40, SEARCH_BLANK}, {0xff5b, 0xff65, SEARCH_BLANK},
	{0xff66, 0xff9d, SEARCH_CJK}, {0xff9e, 0xff9f, SEARCH_EXTEND}, {0xffa0, 0xffdc, SEARCH_CJK},
	{0xffdd, 0xffee, SEARCH_SYMBOL}, {0xffef, 0xffff, SEARCH_BLANK}, {0x1b000, 0x1b16f, SEARCH_CJK},
	{0x1f000, 0x1f3fa, SEARCH_SYMBOL}, {0x1f3fb, 0x1f3ff, SEARCH_EXTEND},
	{0x1f400, 0x1faff, SEARCH_SYMBOL}, {0x1fb00, 0x1ffff, SEARCH_BLANK}, {0x20000, 0x3ffff, SEARCH_CJK},
	{0xe0000, 0xe0fff, SEARCH_EXTEND}, {0xf0000, 0x10ffff, SEARCH_SYMBOL},
};

/* Letters that decompose into nothing simpler, in order, and how they are written without them. */
static const struct
{
	uint32 letter;
	const char *plain;
} plain_letters[] = {
	{0xdf, "ss"}, {0xe6, "ae"}, {0xf0, "d"}, {0xf8, "o"}, {0xfe, "th"}, {0x111, "d"}, {0x127, "h"},
	{0x131, "i"}, {0x142, "l"}, {0x153, "oe"}, {0x167, "t"}, {0x1e9e, "ss"},
};
/* clang-format on */

/* Returns the character that begins at a place before the end, and its length in bytes. */
uint32
agent_search_char(const char *at, const char *end, int *len)
{
	*len = Min(pg_utf_mblen((const unsigned char *) at), end - at);
	if (pg_utf_mblen((const unsigned char *) at) > end - at)
		return 0xfffd;
	return utf8_to_unicode((const unsigned char *) at);
}

/* Returns what a character is. */
SearchKind
agent_search_kind(uint32 c)
{
	int low = 0;
	int high = lengthof(ranges) - 1;

	if (c < 0x80)
		return c <= ' ' || c == 0x7f ? SEARCH_BLANK : SEARCH_ASCII;
	if (c >= 0x4e00 && c <= 0x9fff)
		return SEARCH_CJK;
	while (low <= high)
	{
		int middle = (low + high) / 2;

		if (c < ranges[middle].first)
			high = middle - 1;
		else if (c > ranges[middle].last)
			low = middle + 1;
		else
			return ranges[middle].kind;
	}
	return SEARCH_LETTER;
}

/* Returns what the character at a place is, and its length; at the end it is a blank. */
SearchKind
agent_search_kind_at(const char *at, const char *end, int *len)
{
	*len = 0;
	return at < end ? agent_search_kind(agent_search_char(at, end, len)) : SEARCH_BLANK;
}

/* Returns the length of a character and of what belongs to it. */
int
agent_search_unit(const char *at, const char *end)
{
	const char *next = at;
	int len;

	(void) agent_search_char(at, end, &len);
	do
		next += len;
	while (agent_search_kind_at(next, end, &len) == SEARCH_EXTEND);
	return next - at;
}

/* Tells whether a token is of Chinese characters, kana without marks or Hangul alone. */
static bool
is_plain_cjk(const char *token, int len)
{
	for (int i = 0; i < len; i += 3)
	{
		uint32 c;
		int char_len;

		if ((token[i] & 0xf0) != 0xe0)
			return false;
		c = agent_search_char(token + i, token + len, &char_len);
		if (!((c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3041 && c <= 0x3096) ||
			  (c >= 0x30a1 && c <= 0x30fe) || (c >= 0xac00 && c <= 0xd7a3) ||
			  (c >= 0x3400 && c <= 0x4dbf)))
			return false;
	}
	return true;
}

/* Returns a letter in lower case, in the scripts where that needs no context. */
static uint32
lower(uint32 c)
{
	if (c < 0x80)
		return pg_ascii_tolower(c);
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x410 && c <= 0x42f) ||
		(c >= 0x391 && c <= 0x3ab))
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if (c >= 0x531 && c <= 0x556)
		return c + 48;
	if (c == 0x3c2)
		return 0x3c3;
	if ((c >= 0x100 && c <= 0x137) || (c >= 0x14a && c <= 0x177) || (c >= 0x460 && c <= 0x481) ||
		(c >= 0x48a && c <= 0x4bf) || (c >= 0x4d0 && c <= 0x52f))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	return c;
}

/* Tells whether a character, after its base, makes no difference to what is found. */
static bool
is_dropped(uint32 c, uint32 base)
{
	if (c == 0xad || c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x20d0 && c <= 0x20ff) ||
		(c >= 0x1f3fb && c <= 0x1f3ff) || (c >= 0xe0000 && c <= 0xe0fff))
		return true;
	if (c < 0x300 || c > 0x36f)
		return false;
	/* In Cyrillic a mark makes another letter, but for the stress and the dots of e. */
	if (base >= 0x400 && base <= 0x52f)
		return c == 0x301 || (c == 0x308 && base == 0x435);
	return true;
}

/* Appends a character, written plainly, as UTF-8. */
static void
append_plain(StringInfo folded, uint32 c)
{
	unsigned char bytes[MAX_MULTIBYTE_CHAR_LEN + 1];

	for (int i = 0; i < (int) lengthof(plain_letters); i++)
	{
		if (plain_letters[i].letter == c)
		{
			appendStringInfoString(folded, plain_letters[i].plain);
			return;
		}
	}
	unicode_to_utf8(c, bytes);
	appendBinaryStringInfo(folded, (char *) bytes, pg_utf_mblen(bytes));
}

/* Returns the characters of a text, up to a zero. */
static pg_wchar *
characters(const char *token, int len)
{
	pg_wchar *wide = palloc((len + 1) * sizeof(pg_wchar));
	const char *end = token + len;
	int count = 0;
	int char_len;

	for (; token < end; token += char_len)
		wide[count++] = agent_search_char(token, end, &char_len);
	wide[count] = 0;
	return wide;
}

/* Folds any text: taken apart, without marks, in lower case, put together again. */
static char *
fold_any(const char *token, int len)
{
	pg_wchar *wide = unicode_normalize(UNICODE_NFKD, characters(token, len));
	int count = 0;
	uint32 base = 0;
	StringInfoData folded;

	for (int i = 0; wide[i] != 0; i++)
	{
		uint32 c = lower(wide[i]);

		if (is_dropped(c, base))
			continue;
		if (agent_search_kind(c) != SEARCH_EXTEND)
			base = c;
		wide[count++] = c;
	}
	wide[count] = 0;
	wide = unicode_normalize(UNICODE_NFKC, wide);
	initStringInfo(&folded);
	for (int i = 0; wide[i] != 0 && folded.len < LEXEME_MAX; i++)
		append_plain(&folded, lower(wide[i]));
	return folded.data;
}

/*
 * Returns a token as it is compared: without case, width and compatibility forms, Latin
 * and Greek without accents, numbers without a sign; empty when nothing is left.
 */
char *
agent_search_fold(const char *token, int len)
{
	char *folded;

	if (len > 1 && (token[0] == '-' || token[0] == '+') && isdigit((unsigned char) token[1]))
	{
		token++;
		len--;
	}
	if (is_plain_cjk(token, len))
		return pnstrdup(token, len);
	folded = pnstrdup(token, len);
	for (int i = 0; i < len; i++)
	{
		if (IS_HIGHBIT_SET(token[i]))
		{
			pfree(folded);
			return fold_any(token, len);
		}
		folded[i] = pg_ascii_tolower((unsigned char) token[i]);
	}
	return folded;
}
