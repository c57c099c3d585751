/*
 * cursor.c
 *		Cursors: where the next page of a list begins, in the keeping of whoever reads it.
 *
 *		base64url of: version (1 byte), kid (16), place (64 at most), tag (16)
 *
 * The place is the sort key of the last row that was shown. The tag, of an HMAC under
 * a signing key, ties it to the scope: the caller, the list, and all that the list was
 * asked for. So a cursor leads nowhere but on in the list it came from, and nothing but
 * this module makes one; it is no secret of its caller's. Its label is part of nothing
 * else that a signing key signs, and no token begins like it.
 *
 * Called as agent_owner, who may see which key signs, by functions that only read.
 * Results are in the caller's memory context; no state is kept anywhere, and a cursor
 * is good until its key is gone.
 */
#include "agent.h"

#include "utils/json.h"

#define VERSION    1
#define LABEL      "agent cursor"
#define TAG_BYTES  16
#define BYTES_MAX  (sizeof(CursorHead) + AGENT_CURSOR_PLACE_MAX + TAG_BYTES)
#define TOLD_BYTES 1000 /* of a cursor that is none, at most */

/* What a cursor begins with: all of it bytes. */
typedef struct CursorHead
{
	uint8 version;
	pg_uuid_t kid;
} CursorHead;

StaticAssertDecl(sizeof(CursorHead) == 1 + UUID_LEN, "a cursor's head has no padding");

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Begins a scope: of a list, as its function is called, for a caller. */
void
agent_cursor_scope_begin(AgentCursorScope *scope, const char *function, const pg_uuid_t *caller)
{
	initStringInfo(&scope->bytes);
	agent_cursor_scope_add(scope, function, strlen(function));
	agent_cursor_scope_add(scope, caller, UUID_LEN);
}

/* Adds an argument of a type of variable length, or NULL. */
void
agent_cursor_scope_add_value(AgentCursorScope *scope, const void *value)
{
	if (value == NULL)
		agent_cursor_scope_add(scope, NULL, -1);
	else
		agent_cursor_scope_add(scope, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

/* Adds an argument that the list was asked for; a length of -1 is NULL. */
void
agent_cursor_scope_add(AgentCursorScope *scope, const void *data, int len)
{
	appendBinaryStringInfo(&scope->bytes, (const char *) &len, sizeof(len));
	if (len > 0)
		appendBinaryStringInfo(&scope->bytes, data, len);
}

/* Returns how many characters so many bytes take. */
static Size
text_len(Size len)
{
	return (len * 8 + 5) / 6;
}

/* Returns bytes as base64url, without padding. */
static char *
encode(const uint8 *bytes, Size len)
{
	char *text = palloc(text_len(len) + 1);
	char *at = text;
	uint32 bits = 0;

	for (Size i = 0; i < len; i++)
	{
		bits = bits << 8 | bytes[i];
		*at++ = digits[bits >> (2 + i % 3 * 2) & 63];
		if (i % 3 == 2)
			*at++ = digits[bits & 63];
	}
	if (len % 3 != 0)
		*at++ = digits[bits << (len % 3 == 1 ? 4 : 2) & 63];
	*at = '\0';
	return text;
}

/* Reads so many bytes; false when a text is not their one spelling. */
static bool
decode(const char *text, Size text_size, uint8 *bytes, Size len)
{
	uint32 bits = 0;
	Size at = 0;

	if (text_size != text_len(len))
		return false;
	for (Size i = 0; i < text_size; i++)
	{
		const char *digit = text[i] != '\0' ? strchr(digits, text[i]) : NULL;

		if (digit == NULL)
			return false;
		bits = bits << 6 | (uint32) (digit - digits);
		if (i % 4 != 0)
			bytes[at++] = bits >> (2 * (3 - i % 4));
	}
	/* The bits that no byte takes are zero. */
	return len % 3 == 0 || (bits & (len % 3 == 1 ? 0x0f : 0x03)) == 0;
}

/* Computes the tag of what a cursor says in a scope, and wipes the key. */
static void
make_tag(AgentKey *key, const AgentCursorScope *scope, const uint8 *bytes, Size len, uint8 *tag)
{
	uint8 mac[PG_SHA256_DIGEST_LENGTH];
	AgentBytes parts[] = {{LABEL, sizeof(LABEL)},
						  {&scope->bytes.len, sizeof(scope->bytes.len)},
						  {scope->bytes.data, scope->bytes.len},
						  {bytes, len}};

	agent_hmac(key->secret, sizeof(key->secret), parts, lengthof(parts), mac);
	explicit_bzero(key->secret, sizeof(key->secret));
	memcpy(tag, mac, TAG_BYTES);
}

/* Returns the cursor of a place in a scope. */
char *
agent_cursor_make(const AgentCursorScope *scope, const void *place, Size len)
{
	uint8 bytes[BYTES_MAX];
	CursorHead head = {.version = VERSION};
	Size tag_at = sizeof(head) + len;
	AgentKey key;

	Assert(len <= AGENT_CURSOR_PLACE_MAX);
	agent_key_current(&key);
	head.kid = key.kid;
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), place, len);
	make_tag(&key, scope, bytes, tag_at, bytes + tag_at);
	return encode(bytes, tag_at + TAG_BYTES);
}

/* Reads a cursor's place; false when it is not one of this scope. */
static bool
read_place(const AgentCursorScope *scope, const char *text, Size text_size, void *place, Size len)
{
	uint8 bytes[BYTES_MAX];
	uint8 tag[TAG_BYTES];
	CursorHead head;
	Size tag_at = sizeof(head) + len;
	AgentKey key;

	Assert(len <= AGENT_CURSOR_PLACE_MAX);
	if (!decode(text, text_size, bytes, tag_at + TAG_BYTES))
		return false;
	memcpy(&head, bytes, sizeof(head));
	if (head.version != VERSION || !agent_key_find_now(&head.kid, &key))
		return false;
	make_tag(&key, scope, bytes, tag_at, tag);
	if (!agent_bytes_equal(tag, bytes + tag_at, TAG_BYTES))
		return false;
	memcpy(place, bytes + sizeof(head), len);
	return true;
}

/* Adds the fault of a text that is no cursor of this list, which agent_http tells back. */
static void
add_fault(AgentFaults *faults, const char *text, Size len)
{
	const char *place = faults->place;
	const char *told = faults->input;

	if (agent_request_dialect() == AGENT_HTTP)
	{
		StringInfoData input;

		initStringInfo(&input);
		if (len > TOLD_BYTES)
			appendStringInfoString(&input, "null");
		else
			escape_json(&input, pnstrdup(text, len));
		faults->place = "query";
		faults->input = input.data;
	}
	agent_fault_add(faults,
					agent_field_rule(AGENT_FIELD_CURSOR)->name,
					"value_error",
					"value is not a cursor of this list");
	faults->place = place;
	faults->input = told;
}

/*
 * Reads the place where a page begins, of the length that its list makes cursors of;
 * false for the first page, which NULL and an empty text ask for, and for a fault.
 */
bool
agent_cursor_read(AgentFaults *faults, const AgentCursorScope *scope, const text *cursor,
				  void *place, Size len)
{
	Size text_size = cursor != NULL ? VARSIZE_ANY_EXHDR(cursor) : 0;

	if (text_size == 0)
		return false;
	if (read_place(scope, VARDATA_ANY(cursor), text_size, place, len))
		return true;
	add_fault(faults, VARDATA_ANY(cursor), text_size);
	return false;
}
