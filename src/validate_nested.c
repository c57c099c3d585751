/*
 * validate_nested.c
 *		Checks values that hold others: tags and metadata.
 *
 * Called as the checks of validate.c are, by the rules of its table. No more of a value
 * is looked at than it takes to know that it is too large. Results are in the caller's
 * memory context.
 */
#include "agent.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* Adds the fault of too many tags, or of too much metadata. */
void
agent_fault_add_too_large(AgentFaults *faults, AgentField field)
{
	const AgentFieldRule *rule = agent_field_rule(field);

	agent_fault_add(
		faults,
		rule->name,
		"too_long",
		rule->kind == AGENT_KIND_TAGS
			? psprintf("List should have at most %d items", AGENT_TAGS_MAX)
			: psprintf("Dictionary should have at most %d bytes as text", rule->max_bytes));
}

/* Tells whether a tag is among some others. */
static bool
is_among(Datum tag, const Datum *tags, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (VARSIZE_ANY_EXHDR(DatumGetPointer(tag)) ==
				VARSIZE_ANY_EXHDR(DatumGetPointer(tags[i])) &&
			memcmp(VARDATA_ANY(DatumGetPointer(tag)),
				   VARDATA_ANY(DatumGetPointer(tags[i])),
				   VARSIZE_ANY_EXHDR(DatumGetPointer(tag))) == 0)
			return true;
	}
	return false;
}

/* Checks one tag, which is item number so and so. */
static void
check_tag(AgentFaults *faults, const AgentFieldRule *rule, int item, Datum tag)
{
	const char *bytes = VARDATA_ANY(DatumGetPointer(tag));
	int len = VARSIZE_ANY_EXHDR(DatumGetPointer(tag));

	if (len < rule->min)
		agent_fault_add_item(faults,
							 rule->name,
							 item,
							 "string_too_short",
							 psprintf("String should have at least %d character", rule->min));
	else if (len > rule->max * MAX_MULTIBYTE_CHAR_LEN ||
			 pg_mbstrlen_with_len(bytes, len) > rule->max)
		agent_fault_add_item(faults,
							 rule->name,
							 item,
							 "string_too_long",
							 psprintf("String should have at most %d characters", rule->max));
}

/*
 * Checks a list of tags and returns it without its duplicates, of which the first
 * stays where it is.
 *
 * No more are looked at than there may be, so that a long list costs nothing.
 */
ArrayType *
agent_check_tags_value(AgentFaults *faults, AgentField field, ArrayType *value)
{
	const AgentFieldRule *rule = agent_field_rule(field);
	Datum kept[AGENT_TAGS_MAX];
	Datum *items;
	bool *nulls;
	int count;
	int kept_count = 0;

	if (ARR_NDIM(value) > 1)
	{
		agent_fault_add(faults, rule->name, "list_type", "Input should be a list of strings");
		return value;
	}
	deconstruct_array(value, TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
		{
			agent_fault_add_item(faults,
								 rule->name,
								 i,
								 "string_type",
								 "Input should be a valid string");
			break;
		}
		if (is_among(items[i], kept, kept_count))
			continue;
		if (kept_count == AGENT_TAGS_MAX)
		{
			agent_fault_add_too_large(faults, field);
			break;
		}
		check_tag(faults, rule, i, items[i]);
		kept[kept_count++] = items[i];
	}
	return construct_array(kept, kept_count, TEXTOID, -1, false, TYPALIGN_INT);
}

/* Checks an argument that is a list of tags, and returns it, NULL when it is missing. */
ArrayType *
agent_check_tags(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo, int arg)
{
	if (PG_ARGISNULL(arg))
		return NULL;
	return agent_check_tags_value(faults, field, PG_GETARG_ARRAYTYPE_P(arg));
}

/*
 * Tells whether JSON is longer than so many bytes as text, by what its strings and
 * numbers alone take: a number of few bytes may have a hundred thousand digits.
 */
static bool
is_surely_longer(Jsonb *value, int max)
{
	JsonbIterator *iterator = JsonbIteratorInit(&value->root);
	JsonbIteratorToken token;
	JsonbValue part;
	Size sum = 0;

	while (sum <= (Size) max && (token = JsonbIteratorNext(&iterator, &part, false)) != WJB_DONE)
	{
		if (token != WJB_KEY && token != WJB_VALUE && token != WJB_ELEM)
			sum++;
		else if (part.type == jbvString)
			sum += part.val.string.len + 2;
		else if (part.type == jbvNumeric)
			sum += strlen(DatumGetCString(
				DirectFunctionCall1(numeric_out, NumericGetDatum(part.val.numeric))));
	}
	return sum > (Size) max;
}

/* Checks JSON that may be anything as long as it is an object, and not too large. */
void
agent_check_metadata_value(AgentFaults *faults, AgentField field, Jsonb *value)
{
	const AgentFieldRule *rule = agent_field_rule(field);

	if (!JB_ROOT_IS_OBJECT(value))
		agent_fault_add(faults, rule->name, "dict_type", "Input should be a valid dictionary");
	else if (is_surely_longer(value, rule->max_bytes) ||
			 strlen(JsonbToCString(NULL, &value->root, VARSIZE(value))) > (Size) rule->max_bytes)
		agent_fault_add_too_large(faults, field);
}

/* Checks an argument that is metadata, and returns it, NULL when it is missing. */
Jsonb *
agent_check_metadata(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo, int arg)
{
	Jsonb *value;

	if (PG_ARGISNULL(arg))
		return NULL;
	value = PG_GETARG_JSONB_P(arg);
	agent_check_metadata_value(faults, field, value);
	return value;
}

/* Returns metadata that says nothing: an object without members. */
Jsonb *
agent_empty_metadata(void)
{
	Jsonb *empty = palloc(VARHDRSZ + sizeof(uint32));

	SET_VARSIZE(empty, VARHDRSZ + sizeof(uint32));
	empty->root.header = JB_FOBJECT;
	return empty;
}
