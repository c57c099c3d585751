/*
 * http_value.c
 *		Turns what a classic request holds into values of SQL, by the rules of validate.c.
 *
 * Called for each parameter; faults are gathered, not raised. What counts as a
 * number, a boolean or a UUID, and what is said of others, is as in pydantic 2.
 */
#include "http.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#define BLANKS " \t\n\v\f\r"

/* Of what is nested; more has escapes and blanks that nobody needs. */
#define NESTED_MAX (1024 * 1024) /* bytes */
#define NUMBER_MAX 16000         /* digits; PostgreSQL spells numbers out */

static const char *const true_words[] = {"1", "true", "on", "t", "yes", "y", NULL};
static const char *const false_words[] = {"0", "false", "off", "f", "no", "n", NULL};

/* Tells whether a word is in a list, in any case. */
static bool
is_one_of(const char *word, const char *const *list)
{
	for (; *list != NULL; list++)
	{
		if (pg_strcasecmp(word, *list) == 0)
			return true;
	}
	return false;
}

/* Reads a boolean: true, false, 1, 0, and a few words. */
static bool
boolean_value(AgentFaults *faults, const AgentFieldRule *rule, const AgentJsonMember *input,
			  Datum *value)
{
	bool is_number = input->type == JSON_TOKEN_NUMBER;
	double number = is_number ? strtod(input->value, NULL) : 0;

	if (input->type == JSON_TOKEN_TRUE || input->type == JSON_TOKEN_FALSE)
		*value = BoolGetDatum(input->type == JSON_TOKEN_TRUE);
	else if (is_number && (number == 0 || number == 1))
		*value = BoolGetDatum(number == 1);
	else if (input->type == JSON_TOKEN_STRING && is_one_of(input->value, true_words))
		*value = BoolGetDatum(true);
	else if (input->type == JSON_TOKEN_STRING && is_one_of(input->value, false_words))
		*value = BoolGetDatum(false);
	else if (input->type == JSON_TOKEN_STRING || (is_number && number == rint(number)))
	{
		agent_fault_add(faults,
						rule->name,
						"bool_parsing",
						"Input should be a valid boolean, unable to interpret input");
		return false;
	}
	else
	{
		agent_fault_add(faults, rule->name, "bool_type", "Input should be a valid boolean");
		return false;
	}
	return true;
}

/*
 * Reads a whole number: digits with a sign, single underscores between them, and
 * zeros alone after a point. One too large for SQL becomes the largest there is.
 */
static bool
parse_integer(const char *text, int64 *number)
{
	const char *c = text + strspn(text, BLANKS);
	bool negative = *c == '-';
	int64 value = 0;

	if (*c == '-' || *c == '+')
		c++;
	if (!isdigit((unsigned char) *c))
		return false;
	for (; isdigit((unsigned char) *c); c++)
	{
		value = value > (PG_INT64_MAX - 9) / 10 ? PG_INT64_MAX : value * 10 + (*c - '0');
		if (c[1] == '_' && isdigit((unsigned char) c[2]))
			c++;
	}
	if (*c == '.' && c[1] == '0')
		c += 1 + strspn(c + 1, "0");
	*number = negative ? -value : value;
	return c[strspn(c, BLANKS)] == '\0';
}

/* Reads a whole number between the rule's bounds. */
static bool
integer_value(AgentFaults *faults, AgentField field, const AgentJsonMember *input, Datum *value)
{
	int64 number;

	if (!parse_integer(input->value, &number))
		agent_fault_add(faults,
						agent_field_rule(field)->name,
						"int_parsing",
						"Input should be a valid integer, unable to parse string as an integer");
	else if (agent_check_number(faults, field, number))
	{
		*value = Int64GetDatum(number);
		return true;
	}
	return false;
}

/* Returns why a text is no UUID. */
static const char *
uuid_fault(const char *text)
{
	static const int lengths[] = {8, 4, 4, 4, 12};
	int len = strlen(text);
	int groups = 1;
	int group_start = 0;
	int bad = strspn(text, "0123456789abcdefABCDEF-");

	if (text[bad] != '\0')
		return psprintf("invalid character: expected an optional prefix of `urn:uuid:` followed by"
						" [0-9a-fA-F-], found `%.*s` at %d",
						pg_utf_mblen((const unsigned char *) text + bad),
						text + bad,
						bad + 1);
	if (strchr(text, '-') == NULL)
		return psprintf("invalid length: expected length 32 for simple format, found %d", len);
	for (const char *c = text; *c != '\0'; c++)
		groups += *c == '-';
	if (groups != 5)
		return psprintf("invalid group count: expected 5, found %d", groups);
	for (int group = 0; group < 5; group++)
	{
		int group_len = strcspn(text + group_start, "-");

		if (group_len != lengths[group])
			return psprintf("invalid group length in group %d: expected %d, found %d",
							group,
							lengths[group],
							group_len);
		group_start += group_len + 1;
	}
	return "invalid format";
}

/* Returns the digits of a UUID in one of its other forms, with hyphens. */
static const char *
hyphenated(const char *text)
{
	int len = strlen(text);

	if (len == 45 && pg_strncasecmp(text, "urn:uuid:", 9) == 0)
		return text + 9;
	if (len == 38 && text[0] == '{' && text[37] == '}')
		return pnstrdup(text + 1, 36);
	if (len == 32 && strchr(text, '-') == NULL)
		return psprintf("%.8s-%.4s-%.4s-%.4s-%.12s",
						text,
						text + 8,
						text + 12,
						text + 16,
						text + 20);
	return text;
}

/* Reads a UUID in any of its forms and in any case. */
static bool
uuid_value(AgentFaults *faults, const AgentFieldRule *rule, const AgentJsonMember *input,
		   Datum *value)
{
	pg_uuid_t *uuid = palloc(sizeof(pg_uuid_t));
	char *lower;

	if (input->type != JSON_TOKEN_STRING)
	{
		agent_fault_add(faults,
						rule->name,
						"uuid_type",
						"UUID input should be a string, bytes or UUID object");
		return false;
	}
	lower = pstrdup(hyphenated(input->value));
	for (char *c = lower; *c != '\0'; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	if (!agent_uuid_parse(lower, uuid))
	{
		agent_fault_add(faults,
						rule->name,
						"uuid_parsing",
						psprintf("Input should be a valid UUID, %s", uuid_fault(input->value)));
		return false;
	}
	*value = UUIDPGetDatum(uuid);
	return true;
}

/* Reads a text and checks it. */
static bool
text_value(AgentFaults *faults, AgentField field, const AgentJsonMember *input, Datum *value)
{
	text *string;

	if (input->type != JSON_TOKEN_STRING)
	{
		agent_fault_add(faults,
						agent_field_rule(field)->name,
						"string_type",
						"Input should be a valid string");
		return false;
	}
	string = cstring_to_text(input->value);
	agent_check_text_value(faults, field, string);
	*value = PointerGetDatum(string);
	return true;
}

/* Tells whether a number in JSON would be too long for PostgreSQL, spelt out. */
static bool
has_long_number(const char *json)
{
	bool quoted = false;

	for (const char *c = json; *c != '\0'; c++)
	{
		if (quoted && *c == '\\')
			c++;
		else if (*c == '"')
			quoted = !quoted;
		else if (!quoted && isdigit((unsigned char) *c))
		{
			int len = strspn(c, "0123456789.eE+-");
			int mantissa = strspn(c, "0123456789.");
			long exponent = mantissa < len ? strtol(c + mantissa + 1, NULL, 10) : 0;

			if (len > NUMBER_MAX || exponent > NUMBER_MAX - len || -exponent > NUMBER_MAX - len)
				return true;
			c += len - 1;
		}
	}
	return false;
}

/* Reads what is nested; its numbers are not too long, and the rest of it was checked. */
static Jsonb *
nested_value(const char *json)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

/* Returns the items of a list of strings; those that are none are null. */
static ArrayType *
string_array(Jsonb *list)
{
	int count = JB_ROOT_COUNT(list);
	Datum *items = palloc(Max(count, 1) * sizeof(Datum));
	bool *nulls = palloc(Max(count, 1) * sizeof(bool));
	JsonbIterator *iterator = JsonbIteratorInit(&list->root);
	JsonbValue item;
	int first = 1;
	int i = 0;

	if (count == 0)
		return construct_empty_array(TEXTOID);
	(void) JsonbIteratorNext(&iterator, &item, false);
	while (JsonbIteratorNext(&iterator, &item, true) == WJB_ELEM)
	{
		nulls[i] = item.type != jbvString;
		items[i] = nulls[i] ? (Datum) 0
							: PointerGetDatum(cstring_to_text_with_len(item.val.string.val,
																	   item.val.string.len));
		i++;
	}
	return construct_md_array(items, nulls, 1, &count, &first, TEXTOID, -1, false, TYPALIGN_INT);
}

/* Reads a list of tags and checks it. */
static bool
tags_value(AgentFaults *faults, AgentField field, const AgentJsonMember *input, Datum *value)
{
	const char *name = agent_field_rule(field)->name;
	char *raw = pnstrdup(input->raw, input->raw_len);

	if (input->type != JSON_TOKEN_ARRAY_START)
		agent_fault_add(faults, name, "list_type", "Input should be a valid list");
	else if (input->raw_len > NESTED_MAX)
		agent_fault_add(faults,
						name,
						"too_long",
						psprintf("List should have at most %d bytes", NESTED_MAX));
	else if (has_long_number(raw))
		agent_fault_add(faults, name, "list_type", "Input should be a list of strings");
	else
	{
		*value =
			PointerGetDatum(agent_check_tags_value(faults, field, string_array(nested_value(raw))));
		return true;
	}
	return false;
}

/* Reads metadata and checks it. */
static bool
metadata_value(AgentFaults *faults, AgentField field, const AgentJsonMember *input, Datum *value)
{
	char *raw = pnstrdup(input->raw, input->raw_len);
	Jsonb *metadata;

	if (input->type != JSON_TOKEN_OBJECT_START)
		agent_fault_add(faults,
						agent_field_rule(field)->name,
						"dict_type",
						"Input should be a valid dictionary");
	else if (input->raw_len > NESTED_MAX || has_long_number(raw))
		agent_fault_add_too_large(faults, field);
	else
	{
		metadata = nested_value(raw);
		agent_check_metadata_value(faults, field, metadata);
		*value = JsonbPGetDatum(metadata);
		return true;
	}
	return false;
}

/* Returns the type that a field has in SQL. */
Oid
agent_http_type(AgentField field)
{
	switch (agent_field_rule(field)->kind)
	{
	case AGENT_KIND_UUID:
		return UUIDOID;
	case AGENT_KIND_BOOLEAN:
		return BOOLOID;
	case AGENT_KIND_INTEGER:
		return INT8OID;
	case AGENT_KIND_TAGS:
		return TEXTARRAYOID;
	case AGENT_KIND_METADATA:
		return JSONBOID;
	default:
		return TEXTOID;
	}
}

/*
 * Turns a field's input, NULL when it was not sent, into a value; false where that
 * is NULL, or there is a fault.
 */
bool
agent_http_value(AgentFaults *faults, AgentField field, const AgentJsonMember *input, Datum *value)
{
	const AgentFieldRule *rule = agent_field_rule(field);

	if (input == NULL && rule->required)
		agent_fault_add_missing(faults, rule->name);
	if (input == NULL)
	{
		*value = Int64GetDatum(rule->number_default);
		return rule->kind == AGENT_KIND_INTEGER;
	}
	if (input->type == JSON_TOKEN_NULL && !rule->required)
		return false;
	switch (rule->kind)
	{
	case AGENT_KIND_UUID:
		return uuid_value(faults, rule, input, value);
	case AGENT_KIND_BOOLEAN:
		return boolean_value(faults, rule, input, value);
	case AGENT_KIND_INTEGER:
		return integer_value(faults, field, input, value);
	case AGENT_KIND_TAGS:
		return tags_value(faults, field, input, value);
	case AGENT_KIND_METADATA:
		return metadata_value(faults, field, input, value);
	default:
		return text_value(faults, field, input, value);
	}
}
