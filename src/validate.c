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

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"

#define MESSAGE_MAX  (8 * 1024 * 1024) /* bytes */
#define METADATA_MAX (16 * 1024)       /* bytes, as text */

/* clang-format off */
static const AgentFieldRule rules[AGENT_FIELD_COUNT] = {
	[AGENT_FIELD_EMAIL] = {"email", true, AGENT_KIND_EMAIL, 0, 0, 0, 0},
	[AGENT_FIELD_USERNAME] = {"username", true, AGENT_KIND_TEXT, 3, 50, 0, 0},
	[AGENT_FIELD_NEW_PASSWORD] = {"password", true, AGENT_KIND_PASSWORD, 6, 65536, 0, 0},
	/* A login that cannot be right is wrong, not malformed. */
	[AGENT_FIELD_PASSWORD] = {"password", true, AGENT_KIND_PASSWORD, 0, 0, 0, 0},
	[AGENT_FIELD_CURRENT_PASSWORD] = {"current_password", true, AGENT_KIND_PASSWORD, 0, 0, 0, 0},
	[AGENT_FIELD_CHANGED_PASSWORD] = {"new_password", true, AGENT_KIND_PASSWORD, 6, 65536, 0, 0},
	[AGENT_FIELD_PASSWORD_HASH] = {"password_hash", true, AGENT_KIND_HASH, 0, 0, 0, 0},
	[AGENT_FIELD_LOGIN_EMAIL] = {"email", true, AGENT_KIND_TEXT, 0, 0, 0, 0},
	[AGENT_FIELD_TOKEN] = {"token", true, AGENT_KIND_TEXT, 0, 0, 0, 0},
	[AGENT_FIELD_REFRESH_TOKEN] = {"refresh_token", true, AGENT_KIND_PASSWORD, 0, 0, 0, 0},
	[AGENT_FIELD_REFRESH] = {"refresh", false, AGENT_KIND_BOOLEAN, 0, 0, 0, 0},
	[AGENT_FIELD_SCOPE] = {"scope", false, AGENT_KIND_SCOPE, 0, 0, 0, 0},
	[AGENT_FIELD_USER_ID] = {"user_id", true, AGENT_KIND_UUID, 0, 0, 0, 0},
	[AGENT_FIELD_SESSION_ID] = {"session_id", true, AGENT_KIND_UUID, 0, 0, 0, 0},
	[AGENT_FIELD_ACTIVE] = {"active", true, AGENT_KIND_BOOLEAN, 0, 0, 0, 0},
	[AGENT_FIELD_CONVERSATION_ID] = {"conversation_id", true, AGENT_KIND_UUID, 0, 0, 0, 0},
	[AGENT_FIELD_TITLE] = {"title", true, AGENT_KIND_TEXT, 1, 200, 0, 0},
	[AGENT_FIELD_NEW_TITLE] = {"title", false, AGENT_KIND_TEXT, 1, 200, 0, 0},
	[AGENT_FIELD_FIRST_MESSAGE] = {"first_message", false, AGENT_KIND_TEXT, 0, 0, MESSAGE_MAX, 0},
	[AGENT_FIELD_ROLE] = {"role", true, AGENT_KIND_ROLE, 0, 0, 0, 0},
	[AGENT_FIELD_CONTENT] = {"content", true, AGENT_KIND_TEXT, 1, 0, MESSAGE_MAX, 0},
	[AGENT_FIELD_IS_ARCHIVED] = {"is_archived", false, AGENT_KIND_BOOLEAN, 0, 0, 0, 0},
	[AGENT_FIELD_ARCHIVED] = {"archived", false, AGENT_KIND_BOOLEAN, 0, 0, 0, 0},
	[AGENT_FIELD_MESSAGE_ID] = {"message_id", true, AGENT_KIND_UUID, 0, 0, 0, 0},
	[AGENT_FIELD_UP_TO_MESSAGE_ID] = {"message_id", false, AGENT_KIND_UUID, 0, 0, 0, 0},
	[AGENT_FIELD_NEW_CONTENT] = {"content", false, AGENT_KIND_TEXT, 1, 0, MESSAGE_MAX, 0},
	[AGENT_FIELD_OLDER_THAN] = {"older_than", true, AGENT_KIND_INTERVAL, 0, 1000, 0, 0}, /* years */
	[AGENT_FIELD_BATCH] = {"batch", true, AGENT_KIND_INTEGER, 1, 100000, 0, 0},
	[AGENT_FIELD_IS_PINNED] = {"is_pinned", false, AGENT_KIND_BOOLEAN, 0, 0, 0, 0},
	/* The bounds are those of each tag. */
	[AGENT_FIELD_TAGS] = {"tags", false, AGENT_KIND_TAGS, 1, 50, 0, 0},
	[AGENT_FIELD_METADATA] = {"metadata", false, AGENT_KIND_METADATA, 0, 0, METADATA_MAX, 0},
	/* What it costs to look for it grows with its size, for each that is looked at. */
	[AGENT_FIELD_METADATA_FILTER] = {"metadata", false, AGENT_KIND_METADATA, 0, 0, 1024, 0},
	[AGENT_FIELD_IDEMPOTENCY_KEY] = {"idempotency_key", false, AGENT_KIND_TEXT, 1, 200, 0, 0},
	[AGENT_FIELD_IDEMPOTENCY_HEADER] = {"idempotency-key", false, AGENT_KIND_TEXT, 1, 200, 0, 0},
	[AGENT_FIELD_PINNED] = {"pinned", false, AGENT_KIND_BOOLEAN, 0, 0, 0, 0},
	[AGENT_FIELD_TAG] = {"tag", false, AGENT_KIND_TEXT, 1, 50, 0, 0},
	[AGENT_FIELD_CURSOR] = {"cursor", false, AGENT_KIND_TEXT, 0, 0, 0, 0},
	[AGENT_FIELD_CONVERSATION_PAGE_SIZE] = {"page_size", false, AGENT_KIND_INTEGER, 1, 100, 0, 20},
	[AGENT_FIELD_MESSAGE_PAGE_SIZE] = {"page_size", false, AGENT_KIND_INTEGER, 1, 100, 0, 50},
	[AGENT_FIELD_CONVERSATION_PAGE_LIMIT] = {"limit", false, AGENT_KIND_INTEGER, 1, 100, 0, 20},
	[AGENT_FIELD_MESSAGE_PAGE_LIMIT] = {"limit", false, AGENT_KIND_INTEGER, 1, 100, 0, 50},
	[AGENT_FIELD_DIRECTION] = {"direction", false, AGENT_KIND_DIRECTION, 0, 0, 0, 0},
	[AGENT_FIELD_QUERY] = {"query", true, AGENT_KIND_TEXT, 1, 200, 0, 0},
	[AGENT_FIELD_Q] = {"q", true, AGENT_KIND_TEXT, 1, 200, 0, 0},
	[AGENT_FIELD_ANY_CONVERSATION_ID] = {"conversation_id", false, AGENT_KIND_UUID, 0, 0, 0, 0},
	[AGENT_FIELD_SINCE] = {"since", false, AGENT_KIND_TIME, 0, 0, 0, 0},
	[AGENT_FIELD_BEFORE] = {"before", false, AGENT_KIND_TIME, 0, 0, 0, 0},
	[AGENT_FIELD_ANY_ROLE] = {"role", false, AGENT_KIND_ROLE, 0, 0, 0, 0},
	[AGENT_FIELD_START_MARK] = {"start_mark", false, AGENT_KIND_TEXT, 0, 64, 0, 0},
	[AGENT_FIELD_STOP_MARK] = {"stop_mark", false, AGENT_KIND_TEXT, 0, 64, 0, 0},
	[AGENT_FIELD_SKIP] = {"skip", false, AGENT_KIND_INTEGER, 0, 0, 0, 0},
	[AGENT_FIELD_CONVERSATION_LIMIT] = {"limit", false, AGENT_KIND_INTEGER, 0, 1000, 0, 10},
	[AGENT_FIELD_MESSAGE_LIMIT] = {"limit", false, AGENT_KIND_INTEGER, 0, 1000, 0, 50},
};
/* clang-format on */

/* Returns the rule of a field. */
const AgentFieldRule *
agent_field_rule(AgentField field)
{
	return &rules[field];
}

/* Starts a list of faults, which costs nothing while it is empty. */
void
agent_faults_init(AgentFaults *faults)
{
	faults->count = 0;
	faults->place = "body";
	faults->input = NULL;
}

/* Adds a fault whose place ends with a piece of JSON, or with nothing for NULL. */
static void
add_fault(AgentFaults *faults, const char *where, const char *shown, const char *type,
		  const char *message)
{
	if (faults->count++ == 0)
	{
		initStringInfo(&faults->text);
		initStringInfo(&faults->json);
		appendStringInfoChar(&faults->json, '[');
	}
	else
	{
		appendStringInfoChar(&faults->text, '\n');
		appendStringInfoChar(&faults->json, ',');
	}
	appendStringInfo(&faults->text, "%s: %s", shown, message);
	appendStringInfo(&faults->json, "{\"type\":\"%s\",\"loc\":[\"%s\"", type, faults->place);
	if (where != NULL)
		appendStringInfo(&faults->json, ",%s", where);
	appendStringInfoString(&faults->json, "],\"msg\":");
	escape_json(&faults->json, message);
	if (faults->input != NULL)
		appendStringInfo(&faults->json, ",\"input\":%s", faults->input);
	appendStringInfoChar(&faults->json, '}');
}

/*
 * Adds a fault of a field, or for NULL of its place as a whole, in the current
 * memory context. Name and type are constants.
 */
void
agent_fault_add(AgentFaults *faults, const char *field, const char *type, const char *message)
{
	if (field == NULL)
		add_fault(faults, NULL, faults->place, type, message);
	else
		add_fault(faults, psprintf("\"%s\"", field), field, type, message);
}

/* Adds the fault of a field, or for NULL of its place, that was not sent. */
void
agent_fault_add_missing(AgentFaults *faults, const char *field)
{
	agent_fault_add(faults, field, "missing", "Field required");
}

/* Adds a fault at a position, in characters, of a place that is a text. */
void
agent_fault_add_at(AgentFaults *faults, int position, const char *type, const char *message)
{
	char *number = psprintf("%d", position);

	add_fault(faults, number, number, type, message);
}

/* Adds the fault of an item of a field that is a list; items count from 0. */
void
agent_fault_add_item(AgentFaults *faults, const char *field, int item, const char *type,
					 const char *message)
{
	add_fault(faults,
			  psprintf("\"%s\",%d", field, item),
			  psprintf("%s.%d", field, item),
			  type,
			  message);
}

/* Raises validation_failed when there is any fault. */
void
agent_faults_raise(const AgentFaults *faults)
{
	if (faults->count == 0)
		return;
	if (agent_request_dialect() != AGENT_SQL)
		agent_raise(AGENT_VALIDATION_FAILED, psprintf("%s]", faults->json.data));
	agent_raise(AGENT_VALIDATION_FAILED, faults->text.data);
}

/* Adds a fault when a text is too short or too long. */
static void
check_length(AgentFaults *faults, const AgentFieldRule *rule, const char *bytes, int len)
{
	bool countable = rule->max == 0 || len <= rule->max * MAX_MULTIBYTE_CHAR_LEN;
	int chars;

	if (rule->max_bytes > 0 && len > rule->max_bytes)
	{
		agent_fault_add(faults,
						rule->name,
						"string_too_long",
						psprintf("String should have at most %d bytes", rule->max_bytes));
		return;
	}
	/* Bytes tell enough where characters are too many, or one is enough. */
	chars = countable && (rule->max > 0 || rule->min > 1) ? pg_mbstrlen_with_len(bytes, len) : len;
	if (rule->max > 0 && chars > rule->max)
		agent_fault_add(faults,
						rule->name,
						"string_too_long",
						psprintf("String should have at most %d characters", rule->max));
	else if (rule->min > 0 && chars < rule->min)
		agent_fault_add(faults,
						rule->name,
						"string_too_short",
						psprintf("String should have at least %d character%s",
								 rule->min,
								 rule->min == 1 ? "" : "s"));
}

/* Tells whether a text is one of the roles of a message. */
static bool
is_role(const char *role)
{
	return strcmp(role, "user") == 0 || strcmp(role, "assistant") == 0 ||
		   strcmp(role, "system") == 0;
}

/* Tells whether a text says which sessions a logout ends. */
static bool
is_scope(const char *scope)
{
	return strcmp(scope, "local") == 0 || strcmp(scope, "others") == 0 ||
		   strcmp(scope, "global") == 0;
}

/* Tells whether a text says which end of a list a page is counted from. */
static bool
is_direction(const char *direction)
{
	return strcmp(direction, "forward") == 0 || strcmp(direction, "backward") == 0;
}

/* Checks a text of a field. */
void
agent_check_text_value(AgentFaults *faults, AgentField field, const text *value)
{
	const AgentFieldRule *rule = &rules[field];
	const char *fault;

	if (rule->kind == AGENT_KIND_EMAIL &&
		(fault = agent_email_fault(text_to_cstring(value))) != NULL)
		agent_fault_add(faults,
						rule->name,
						"value_error",
						psprintf("value is not a valid email address: %s", fault));
	else if (rule->kind == AGENT_KIND_ROLE && !is_role(text_to_cstring(value)))
		agent_fault_add(faults,
						rule->name,
						"string_pattern_mismatch",
						"String should match pattern '" AGENT_ROLE_PATTERN "'");
	else if (rule->kind == AGENT_KIND_HASH && !agent_password_importable(text_to_cstring(value)))
		agent_fault_add(
			faults,
			rule->name,
			"value_error",
			"value is not a bcrypt hash ($2a$, $2b$ or $2y$, cost 4 to 15) or one of passlib's"
			" bcrypt_sha256");
	else if (rule->kind == AGENT_KIND_SCOPE && !is_scope(text_to_cstring(value)))
		agent_fault_add(faults,
						rule->name,
						"string_pattern_mismatch",
						"String should match pattern '" AGENT_SCOPE_PATTERN "'");
	else if (rule->kind == AGENT_KIND_DIRECTION && !is_direction(text_to_cstring(value)))
		agent_fault_add(faults,
						rule->name,
						"string_pattern_mismatch",
						"String should match pattern '" AGENT_DIRECTION_PATTERN "'");
	else
		check_length(faults, rule, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

/*
 * Checks a text argument and returns it, NULL when it is missing.
 *
 * A NULL of a required field is a fault.
 */
text *
agent_check_text(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo, int arg)
{
	text *value;

	if (PG_ARGISNULL(arg))
	{
		if (rules[field].required)
			agent_fault_add_missing(faults, rules[field].name);
		return NULL;
	}
	value = PG_GETARG_TEXT_PP(arg);
	agent_check_text_value(faults, field, value);
	return value;
}

/* Checks a uuid argument; false when it is missing, a fault where it is required. */
bool
agent_check_uuid(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo, int arg,
				 pg_uuid_t *uuid)
{
	if (PG_ARGISNULL(arg))
	{
		if (rules[field].required)
			agent_fault_add_missing(faults, rules[field].name);
		return false;
	}
	*uuid = *PG_GETARG_UUID_P(arg);
	return true;
}

/* Adds a fault when a number is out of its bounds; false when it is. */
bool
agent_check_number(AgentFaults *faults, AgentField field, int64 number)
{
	const AgentFieldRule *rule = &rules[field];

	if (number < rule->min)
		agent_fault_add(faults,
						rule->name,
						"greater_than_equal",
						psprintf("Input should be greater than or equal to %d", rule->min));
	else if (rule->max > 0 && number > rule->max)
		agent_fault_add(faults,
						rule->name,
						"less_than_equal",
						psprintf("Input should be less than or equal to %d", rule->max));
	else
		return true;
	return false;
}

/* Checks a whole number's argument and returns it; a missing one is the field's default. */
int32
agent_check_integer(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo, int arg)
{
	int32 number;

	if (PG_ARGISNULL(arg))
		return rules[field].number_default;
	number = PG_GETARG_INT32(arg);
	(void) agent_check_number(faults, field, number);
	return number;
}

/* Tells whether a number is between a bound and its negative. */
static bool
is_within(int64 number, int64 bound)
{
	return number <= bound && number >= -bound;
}

/* Tells whether an interval is no longer than so many years, part by part. */
static bool
is_within_years(const Interval *interval, int years)
{
	int64 day = (int64) years * 366;

	return is_within(interval->month, (int64) years * MONTHS_PER_YEAR) &&
		   is_within(interval->day, day) && is_within(interval->time, day * USECS_PER_DAY);
}

/* Checks an argument that is a length of time, and returns it, NULL when it is missing. */
Interval *
agent_check_interval(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo, int arg)
{
	const AgentFieldRule *rule = &rules[field];
	Interval zero = {0};
	Interval *value;

	if (PG_ARGISNULL(arg))
	{
		if (rule->required)
			agent_fault_add_missing(faults, rule->name);
		return NULL;
	}
	value = PG_GETARG_INTERVAL_P(arg);
	if (DatumGetBool(
			DirectFunctionCall2(interval_lt, IntervalPGetDatum(value), IntervalPGetDatum(&zero))))
		agent_fault_add(faults,
						rule->name,
						"greater_than_equal",
						"Input should be greater than or equal to 0");
	else if (!is_within_years(value, rule->max))
		agent_fault_add(faults,
						rule->name,
						"less_than_equal",
						psprintf("Input should be less than or equal to %d years", rule->max));
	return value;
}
