/*
 * validate.c
 *		The rules of every field, each written once.
 *
 * A function checks all its arguments before it does anything, so that an
 * answer names every fault at once. Faults never quote a value: it may be a
 * password. Lengths count code points where people see characters, bytes where
 * storage is what is bounded.
 */
#include "agent.h"

#include <locale.h>
#include <wctype.h>

#include "common/unicode_norm.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"

#define EMAIL_MAX   100               /* characters */
#define MESSAGE_MAX (8 * 1024 * 1024) /* bytes */

typedef enum FieldKind
{
	KIND_TEXT,
	KIND_EMAIL,
	KIND_ROLE
} FieldKind;

typedef struct FieldRule
{
	const char *name;
	bool required;
	FieldKind kind;
	int min_chars;
	int max_chars; /* 0: not bounded */
	int max_bytes; /* 0: not bounded */
} FieldRule;

/* clang-format off */
static const FieldRule rules[AGENT_FIELD_COUNT] = {
	[AGENT_FIELD_EMAIL] = {"email", true, KIND_EMAIL, 0, 0, 0},
	[AGENT_FIELD_USERNAME] = {"username", true, KIND_TEXT, 3, 50, 0},
	[AGENT_FIELD_NEW_PASSWORD] = {"password", true, KIND_TEXT, 6, 65536, 0},
	/* A login that cannot be right is wrong, not malformed. */
	[AGENT_FIELD_PASSWORD] = {"password", true, KIND_TEXT, 0, 0, 0},
	[AGENT_FIELD_LOGIN_EMAIL] = {"email", true, KIND_TEXT, 0, 0, 0},
	[AGENT_FIELD_TOKEN] = {"token", true, KIND_TEXT, 0, 0, 0},
	[AGENT_FIELD_CONVERSATION_ID] = {"conversation_id", true, KIND_TEXT, 0, 0, 0},
	[AGENT_FIELD_TITLE] = {"title", true, KIND_TEXT, 1, 200, 0},
	[AGENT_FIELD_NEW_TITLE] = {"title", false, KIND_TEXT, 1, 200, 0},
	[AGENT_FIELD_FIRST_MESSAGE] = {"first_message", false, KIND_TEXT, 0, 0, MESSAGE_MAX},
	[AGENT_FIELD_ROLE] = {"role", true, KIND_ROLE, 0, 0, 0},
	[AGENT_FIELD_CONTENT] = {"content", true, KIND_TEXT, 1, 0, MESSAGE_MAX},
};
/* clang-format on */

/* Starts a list of faults, which costs nothing while it is empty. */
void
agent_faults_init(AgentFaults *faults)
{
	faults->count = 0;
}

/* Adds a fault of a field, in the current memory context. */
static void
add_fault(AgentFaults *faults, const char *field, const char *type, const char *message)
{
	const char *separator = faults->count > 0 ? "," : "[";

	if (faults->count++ == 0)
	{
		initStringInfo(&faults->text);
		initStringInfo(&faults->json);
	}
	else
		appendStringInfoChar(&faults->text, '\n');
	appendStringInfo(&faults->text, "%s: %s", field, message);
	appendStringInfo(&faults->json,
					 "%s{\"type\":\"%s\",\"loc\":[\"body\",\"%s\"],\"msg\":",
					 separator,
					 type,
					 field);
	escape_json(&faults->json, message);
	appendStringInfoChar(&faults->json, '}');
}

/* Raises validation_failed when there is any fault. */
void
agent_faults_raise(const AgentFaults *faults)
{
	if (faults->count == 0)
		return;
	if (agent_request_is_http())
		agent_raise(AGENT_VALIDATION_FAILED, psprintf("%s]", faults->json.data));
	agent_raise(AGENT_VALIDATION_FAILED, faults->text.data);
}

/* Adds a fault when a text is too short or too long. */
static void
check_length(AgentFaults *faults, const FieldRule *rule, const char *bytes, int len)
{
	bool countable = rule->max_chars == 0 || len <= rule->max_chars * MAX_MULTIBYTE_CHAR_LEN;
	int chars;

	if (rule->max_bytes > 0 && len > rule->max_bytes)
	{
		add_fault(faults,
				  rule->name,
				  "string_too_long",
				  psprintf("String should have at most %d bytes", rule->max_bytes));
		return;
	}
	/* Bytes tell enough where characters are too many, or one is enough. */
	chars = countable && (rule->max_chars > 0 || rule->min_chars > 1)
				? pg_mbstrlen_with_len(bytes, len)
				: len;
	if (rule->max_chars > 0 && chars > rule->max_chars)
		add_fault(faults,
				  rule->name,
				  "string_too_long",
				  psprintf("String should have at most %d characters", rule->max_chars));
	else if (rule->min_chars > 0 && chars < rule->min_chars)
		add_fault(faults,
				  rule->name,
				  "string_too_short",
				  psprintf("String should have at least %d character%s",
						   rule->min_chars,
						   rule->min_chars == 1 ? "" : "s"));
}

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
static const char *
email_fault(const char *email)
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

/* Tells whether a text is one of the roles of a message. */
static bool
is_role(const char *role)
{
	return strcmp(role, "user") == 0 || strcmp(role, "assistant") == 0 ||
		   strcmp(role, "system") == 0;
}

/*
 * Checks a text argument and returns it, NULL when it is missing.
 *
 * A NULL of a required field is a fault.
 */
text *
agent_check_text(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo, int arg)
{
	const FieldRule *rule = &rules[field];
	const char *fault;
	text *value;

	if (PG_ARGISNULL(arg))
	{
		if (rule->required)
			add_fault(faults, rule->name, "missing", "Field required");
		return NULL;
	}
	value = PG_GETARG_TEXT_PP(arg);
	if (rule->kind == KIND_EMAIL && (fault = email_fault(text_to_cstring(value))) != NULL)
		add_fault(faults,
				  rule->name,
				  "value_error",
				  psprintf("value is not a valid email address: %s", fault));
	else if (rule->kind == KIND_ROLE && !is_role(text_to_cstring(value)))
		add_fault(faults,
				  rule->name,
				  "string_pattern_mismatch",
				  "String should match pattern '^(user|assistant|system)$'");
	else
		check_length(faults, rule, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	return value;
}

/* Checks a uuid argument; false when it is missing. */
bool
agent_check_uuid(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo, int arg,
				 pg_uuid_t *uuid)
{
	if (PG_ARGISNULL(arg))
	{
		add_fault(faults, rules[field].name, "missing", "Field required");
		return false;
	}
	*uuid = *PG_GETARG_UUID_P(arg);
	return true;
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
