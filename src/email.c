/*
 * email.c
 *		E-mail addresses: which are valid, by what they are known, how they are stored.
 *
 * Texts are UTF-8, as the database is. Results are in the current memory context; no
 * message quotes the address.
 */
#include "agent.h"

#include <locale.h>
#include <wctype.h>

#include "common/unicode_norm.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#define EMAIL_MAX 100 /* characters */

/* Returns why a code point may not be in an address, or NULL. */
static const char *
email_char_fault(pg_wchar c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return "An email address must not have control characters.";
	if (c == ' ' || c == 0xa0 || (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
		c == 0x3000 || c == 0xfeff)
		return "An email address must not have spaces.";
	return NULL;
}

/* Returns why the part before the @-sign is not valid, or NULL. */
static const char *
email_local_fault(const char *local, int len)
{
	if (len == 0)
		return "There must be something before the @-sign.";
	if (len > 64)
		return "The email address is too long before the @-sign.";
	if (local[0] == '.' || local[len - 1] == '.')
		return "An email address cannot start with a period or have one before the @-sign.";
	for (int i = 0; i < len; i++)
	{
		if (local[i] == '.' && local[i + 1] == '.')
			return "An email address cannot have two periods in a row.";
		if (strchr("\"(),:;<>[\\]", local[i]) != NULL)
			return "The email address has invalid characters before the @-sign.";
	}
	return NULL;
}

/* Returns why a label of the domain is not valid, or NULL. */
static const char *
email_label_fault(const char *label, int len)
{
	if (len == 0)
		return "An email address cannot have a period right after the @-sign, at the end, or two in a row.";
	if (len > 63)
		return "After the @-sign, periods must not be more than 63 characters apart.";
	if (label[0] == '-' || label[len - 1] == '-')
		return "After the @-sign, no part can start or end with a hyphen.";
	for (int i = 0; i < len; i++)
	{
		if (!IS_HIGHBIT_SET(label[i]) && label[i] != '-' && !isalnum((unsigned char) label[i]))
			return "The part after the @-sign has invalid characters.";
	}
	return NULL;
}

/* Returns why the part after the @-sign is not valid, or NULL. */
static const char *
email_domain_fault(const char *domain)
{
	const char *label = domain;
	const char *dot;
	const char *fault;

	if (domain[0] == '\0')
		return "There must be something after the @-sign.";
	if (strchr(domain, '.') == NULL)
		return "The part after the @-sign is not valid. It should have a period.";
	while ((dot = strchr(label, '.')) != NULL)
	{
		if ((fault = email_label_fault(label, dot - label)) != NULL)
			return fault;
		label = dot + 1;
	}
	if (label[0] != '\0' && strspn(label, "0123456789") == strlen(label))
		return "The part after the @-sign is not valid. It is not within a valid top-level domain.";
	return email_label_fault(label, strlen(label));
}

/* Returns why an address could not be delivered to, or NULL. */
const char *
agent_email_fault(const char *email)
{
	const char *at = strchr(email, '@');
	const char *fault;

	if (strlen(email) > EMAIL_MAX * MAX_MULTIBYTE_CHAR_LEN || pg_mbstrlen(email) > EMAIL_MAX)
		return psprintf("The email address is too long. It can have %d characters.", EMAIL_MAX);
	if (at == NULL)
		return "An email address must have an @-sign.";
	for (const char *c = email; *c != '\0'; c += pg_utf_mblen((const unsigned char *) c))
	{
		if ((fault = email_char_fault(utf8_to_unicode((const unsigned char *) c))) != NULL)
			return fault;
	}
	if ((fault = email_local_fault(email, at - email)) != NULL)
		return fault;
	return email_domain_fault(at + 1);
}

/*
 * Returns a letter in lower case.
 *
 * By way of upper case, so that letters with two small forms, like sigma, agree;
 * but no letter becomes one of ASCII that way, as the dotless i would.
 */
static pg_wchar
fold(pg_wchar letter, locale_t table)
{
	pg_wchar folded = towlower_l(towupper_l(letter, table), table);

	return letter >= 0x80 && folded < 0x80 ? (pg_wchar) towlower_l(letter, table) : folded;
}

/* Appends a code point as UTF-8. */
static void
append_letter(StringInfo text, pg_wchar letter)
{
	unsigned char bytes[8] = {0};

	unicode_to_utf8(letter, bytes);
	appendBinaryStringInfo(text, (char *) bytes, pg_utf_mblen(bytes));
}

/*
 * Returns a text in lower case, letter by letter.
 *
 * By the character table of C.UTF-8, so that it does not depend on the database's
 * locale, which another server that restores a dump may not have. A C library
 * without that locale folds ASCII letters alone.
 */
static char *
lower_case(const char *utf8)
{
	static locale_t table = (locale_t) 0; /* made once, kept */
	StringInfoData folded;

	if (table == (locale_t) 0)
		table = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
	initStringInfo(&folded);
	for (const char *c = utf8; *c != '\0'; c += pg_utf_mblen((const unsigned char *) c))
	{
		pg_wchar letter = utf8_to_unicode((const unsigned char *) c);

		if (table != (locale_t) 0)
			letter = fold(letter, table);
		else if (letter < 0x80)
			letter = pg_tolower(letter);
		append_letter(&folded, letter);
	}
	return folded.data;
}

/* Returns a text in Unicode's composed form (NFC). */
static char *
composed(const char *utf8)
{
	int len = pg_mbstrlen(utf8);
	pg_wchar *wide = palloc((len + 1) * sizeof(pg_wchar));
	pg_wchar *normal;
	StringInfoData text;

	pg_mb2wchar(utf8, wide);
	normal = unicode_normalize(UNICODE_NFC, wide);
	initStringInfo(&text);
	for (; *normal != 0; normal++)
		append_letter(&text, *normal);
	return text.data;
}

/*
 * Returns what an address is known by: composed and in lower case; NULL when it
 * is longer than any account's.
 */
char *
agent_email_key(const text *email)
{
	char *address = text_to_cstring(email);

	if (strlen(address) > EMAIL_MAX * MAX_MULTIBYTE_CHAR_LEN)
		return NULL;
	return composed(lower_case(composed(address)));
}

/* Returns an address as it is stored: its domain in lower case. */
char *
agent_email_stored(const text *email)
{
	char *address = text_to_cstring(email);
	char *domain = strchr(address, '@') + 1;
	char *lower = lower_case(domain);

	*domain = '\0';
	return psprintf("%s%s", address, lower);
}
