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
	if (rule->kind == KIND_EMAIL && (fault = agent_email_fault(text_to_cstring(value))) != NULL)
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
