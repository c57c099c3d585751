/*
 * json.c
 *		Reads the top level of a JSON object with the server's own parser, and writes
 *		a member.
 *
 * The text may come from anybody. A token or a request's headers must have no
 * name twice: two readers of a doubled name would see two different tokens. Of a
 * request's body the last one counts, as in other readers.
 * Nothing is raised for bad text; results are in the caller's memory context.
 */
#include "agent.h"

#include "mb/pg_wchar.h"
#include "utils/json.h"

/* Members of an object, at most: names are compared each with each. */
#define MAX_MEMBERS 1000
#define MAX_NESTING 100 /* the parser calls itself for each level */

typedef struct ReaderState
{
	JsonLexContext *lex;
	const char *const *wanted; /* names that are kept, up to a NULL; or all */
	AgentJsonObject *object;
	AgentJsonMember *member; /* that is being read, if it is kept */
	int room;                /* members allocated */
	bool is_object;
	bool refused; /* a name twice, or too many */
} ReaderState;

/* Tells whether the parser is at the value of a member that is kept. */
static bool
in_member(const ReaderState *state)
{
	return state->lex->lex_level == 1 && state->is_object && state->member != NULL;
}

/* Notes that the text is an object, or that a member is one. */
static JSON_ACTION
object_start(void *arg)
{
	ReaderState *state = arg;

	if (state->lex->lex_level == 0)
		state->is_object = true;
	else if (in_member(state))
		state->member->type = JSON_TOKEN_OBJECT_START;
	JSON_ACTION_DONE;
}

/* Notes that a member is an array. */
static JSON_ACTION
array_start(void *arg)
{
	ReaderState *state = arg;

	if (in_member(state))
		state->member->type = JSON_TOKEN_ARRAY_START;
	JSON_ACTION_DONE;
}

/* Returns a place for a member that is the first of its name, or NULL. */
static AgentJsonMember *
new_member(ReaderState *state)
{
	AgentJsonObject *object = state->object;

	if (object->count == MAX_MEMBERS)
		return NULL;
	if (object->count == state->room)
	{
		state->room *= 2;
		object->members = repalloc(object->members, state->room * sizeof(AgentJsonMember));
	}
	return &object->members[object->count++];
}

/* Returns a place for a member; NULL when it is not to be kept. */
static AgentJsonMember *
place_of(ReaderState *state, const char *name)
{
	AgentJsonMember *earlier;

	if (state->refused)
		return NULL;
	earlier = (AgentJsonMember *) agent_json_member(state->object, name);
	if (state->wanted == NULL)
	{
		AgentJsonMember *place = earlier != NULL ? NULL : new_member(state);

		state->refused = place == NULL;
		return place;
	}
	for (const char *const *wanted = state->wanted; *wanted != NULL; wanted++)
	{
		if (strcmp(*wanted, name) == 0)
			return earlier != NULL ? earlier : new_member(state);
	}
	return NULL;
}

/* Adds a member of the top level. */
static JSON_ACTION
field_start(void *arg, char *name, bool isnull)
{
	ReaderState *state = arg;

	if (state->lex->lex_level != 1 || !state->is_object)
		JSON_ACTION_DONE;
	state->member = place_of(state, name);
	if (state->member != NULL)
		*state->member = (AgentJsonMember){.name = name,
										   .type = JSON_TOKEN_INVALID,
										   .value = NULL,
										   .raw = state->lex->token_start};
	JSON_ACTION_DONE;
}

/* Notes where a member of the top level ends. */
static JSON_ACTION
field_end(void *arg, char *name, bool isnull)
{
	ReaderState *state = arg;

	if (in_member(state))
		state->member->raw_len = state->lex->prev_token_terminator - state->member->raw;
	JSON_ACTION_DONE;
}

/* Keeps the value of a member of the top level. */
static JSON_ACTION
scalar(void *arg, char *token, JsonTokenType type)
{
	ReaderState *state = arg;

	if (!in_member(state))
		JSON_ACTION_DONE;
	state->member->type = type;
	state->member->value = token;
	JSON_ACTION_DONE;
}

/* Returns how deep brackets are nested, at most, outside of strings. */
static int
nesting(const char *text, int len)
{
	int depth = 0;
	int deepest = 0;
	bool quoted = false;

	for (int i = 0; i < len; i++)
	{
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '{' || text[i] == '['))
		{
			depth++;
			deepest = Max(deepest, depth);
		}
		else if (!quoted && (text[i] == '}' || text[i] == ']'))
			depth--;
	}
	return deepest;
}

/* Reads a text into the state's object, or returns false where it is no JSON. */
static bool
read_json(ReaderState *state, char *text, int len)
{
	JsonSemAction actions = {.semstate = state,
							 .object_start = object_start,
							 .array_start = array_start,
							 .object_field_start = field_start,
							 .object_field_end = field_end,
							 .scalar = scalar};

	state->room = 16;
	state->object->count = 0;
	state->object->members = palloc(state->room * sizeof(AgentJsonMember));
	state->lex = agent_json_lexer(text, len);
	return pg_parse_json(state->lex, &actions) == JSON_SUCCESS;
}

/* Reads an object's members, no name twice, or returns false. */
bool
agent_json_object(char *text, int len, AgentJsonObject *object)
{
	ReaderState state = {.object = object};

	if (!pg_verify_mbstr(PG_UTF8, text, len, true) || nesting(text, len) > MAX_NESTING)
		return false;
	return read_json(&state, text, len) && state.is_object && !state.refused;
}

/*
 * Reads those members of an object that are wanted; of a name that stands twice,
 * the last.
 *
 * The text is valid UTF-8. position is where it stops being JSON, in characters.
 */
AgentJsonVerdict
agent_json_members(char *text, int len, const char *const *wanted, AgentJsonObject *object,
				   int *position)
{
	ReaderState state = {.object = object, .wanted = wanted};

	if (nesting(text, len) > MAX_NESTING)
		return AGENT_JSON_NESTED;
	if (!read_json(&state, text, len))
	{
		/* At the end of the text there is no token. */
		const char *token = state.lex->token_start;

		*position = pg_mbstrlen_with_len(text, token != NULL ? token - text : len);
		return AGENT_JSON_INVALID;
	}
	return state.is_object ? AGENT_JSON_OBJECT : AGENT_JSON_OTHER;
}

/* Returns the member of that name, or NULL. */
const AgentJsonMember *
agent_json_member(const AgentJsonObject *object, const char *name)
{
	for (int i = 0; i < object->count; i++)
	{
		if (strcmp(object->members[i].name, name) == 0)
			return &object->members[i];
	}
	return NULL;
}

/* Appends a member of an object whose value is a string, or null. */
void
agent_json_add_string(StringInfo json, const char *name, const char *value)
{
	char last = json->data[json->len - 1];

	if (last != '{' && last != '[')
		appendStringInfoChar(json, ',');
	escape_json(json, name);
	appendStringInfoChar(json, ':');
	if (value == NULL)
		appendStringInfoString(json, "null");
	else
		escape_json(json, value);
}
