/*
 * json.c
 *		Reads the top level of a JSON object with the server's own parser.
 *
 * The text may come from anybody. It must be one object, in valid UTF-8, with
 * no name twice: two readers of a doubled name would see two different tokens.
 * Nothing is raised for bad text; results are in the caller's memory context.
 */
#include "agent.h"

#include "mb/pg_wchar.h"

/* Members of an object, at most: names are compared each with each. */
#define MAX_MEMBERS 1000
#define MAX_NESTING 100 /* the parser calls itself for each level */

typedef struct ReaderState
{
	JsonLexContext *lex;
	AgentJsonObject *object;
	int room; /* members allocated */
	bool is_object;
	bool refused; /* a name twice, or too many */
} ReaderState;

/* Tells whether the parser is at the value of a member that is kept. */
static bool
in_member(const ReaderState *state)
{
	return state->lex->lex_level == 1 && state->is_object && !state->refused;
}

/* Notes that the text is an object, or that a member is one. */
static JSON_ACTION
object_start(void *arg)
{
	ReaderState *state = arg;

	if (state->lex->lex_level == 0)
		state->is_object = true;
	else if (in_member(state))
		state->object->members[state->object->count - 1].type = JSON_TOKEN_OBJECT_START;
	JSON_ACTION_DONE;
}

/* Notes that a member is an array. */
static JSON_ACTION
array_start(void *arg)
{
	ReaderState *state = arg;

	if (in_member(state))
		state->object->members[state->object->count - 1].type = JSON_TOKEN_ARRAY_START;
	JSON_ACTION_DONE;
}

/* Adds a member of the top level. */
static JSON_ACTION
field_start(void *arg, char *name, bool isnull)
{
	ReaderState *state = arg;
	AgentJsonObject *object = state->object;

	if (state->lex->lex_level != 1 || !state->is_object)
		JSON_ACTION_DONE;
	if (state->refused || object->count == MAX_MEMBERS || agent_json_member(object, name) != NULL)
	{
		state->refused = true;
		JSON_ACTION_DONE;
	}
	if (object->count == state->room)
	{
		state->room *= 2;
		object->members = repalloc(object->members, state->room * sizeof(AgentJsonMember));
	}
	object->members[object->count++] =
		(AgentJsonMember){.name = name, .type = JSON_TOKEN_INVALID, .value = NULL};
	JSON_ACTION_DONE;
}

/* Keeps the value of a member of the top level. */
static JSON_ACTION
scalar(void *arg, char *token, JsonTokenType type)
{
	ReaderState *state = arg;
	AgentJsonMember *member;

	if (!in_member(state))
		JSON_ACTION_DONE;
	member = &state->object->members[state->object->count - 1];
	member->type = type;
	member->value = token;
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
			deepest = Max(deepest, ++depth);
		else if (!quoted && (text[i] == '}' || text[i] == ']'))
			depth--;
	}
	return deepest;
}

/* Reads an object's members, or returns false. */
bool
agent_json_object(char *text, int len, AgentJsonObject *object)
{
	ReaderState state = {.object = object, .room = 16};
	JsonSemAction actions = {.semstate = &state,
							 .object_start = object_start,
							 .array_start = array_start,
							 .object_field_start = field_start,
							 .scalar = scalar};

	if (!pg_verify_mbstr(PG_UTF8, text, len, true) || nesting(text, len) > MAX_NESTING)
		return false;
	object->count = 0;
	object->members = palloc(state.room * sizeof(AgentJsonMember));
	state.lex = agent_json_lexer(text, len);
	return pg_parse_json(state.lex, &actions) == JSON_SUCCESS && state.is_object && !state.refused;
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
