/*
 * token.c
 *		Access tokens: what is in one, and every rule it must meet.
 *
 * The text comes from anybody. libjwt only compares the signature, and leniently,
 * so the shape is checked before it sees the token and the claims are read again,
 * by the server's own JSON parser, from the very bytes that were signed.
 * Whatever is wrong, the answer is the same: false. Nothing is logged.
 */
#include "agent.h"

#include "utils/builtins.h"

#define CLOCK_SKEW      30 /* seconds another server's clock may be ahead */
#define HS256_SIGNATURE 43 /* characters of 32 bytes in base64url */

/* Seconds from the Unix epoch to PostgreSQL's. */
#define EPOCH_SHIFT ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

typedef struct Segment
{
	const char *start;
	int len;
} Segment;

/* Returns the value of a base64url character, or -1. */
static int
base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	if (c == '_')
		return 63;
	return -1;
}

/*
 * Tells whether a segment is base64url in its one proper spelling: no padding,
 * no other characters, no bits set beyond the last byte.
 */
static bool
segment_is_canonical(const Segment *segment)
{
	static const int unused_bits[] = {0, 0x3f, 0x0f, 0x03};

	if (segment->len == 0 || segment->len % 4 == 1)
		return false;
	for (int i = 0; i < segment->len; i++)
	{
		if (base64url_value(segment->start[i]) < 0)
			return false;
	}
	return (base64url_value(segment->start[segment->len - 1]) & unused_bits[segment->len % 4]) == 0;
}

/* Splits a token into header, payload and signature; false when it has none. */
static bool
split_token(const char *token, Segment *segments)
{
	const char *end = token + strlen(token);
	const char *start = token;

	if (end - token > AGENT_TOKEN_MAX)
		return false;
	for (int i = 0; i < 3; i++)
	{
		const char *stop = i < 2 ? memchr(start, '.', end - start) : end;

		if (stop == NULL)
			return false;
		segments[i].start = start;
		segments[i].len = stop - start;
		if (!segment_is_canonical(&segments[i]))
			return false;
		start = stop + 1;
	}
	return segments[2].len == HS256_SIGNATURE;
}

/* Decodes a canonical segment that must be a JSON object. */
static bool
read_segment(const Segment *segment, AgentJsonObject *object)
{
	char *bytes = palloc(segment->len);
	uint32 bits = 0;
	int len = 0;

	for (int i = 0; i < segment->len; i++)
	{
		bits = bits << 6 | base64url_value(segment->start[i]);
		if (i % 4 != 0)
			bytes[len++] = (char) (bits >> (2 * (3 - i % 4)));
	}
	if (memchr(bytes, '\0', len) != NULL)
		return false;
	return agent_json_object(bytes, len, object);
}

/* Tells whether a member is this string. */
static bool
member_is(const AgentJsonObject *object, const char *name, const char *value)
{
	const AgentJsonMember *member = agent_json_member(object, name);

	return member != NULL && member->type == JSON_TOKEN_STRING && strcmp(member->value, value) == 0;
}

/* Reads a member that must be a UUID in its canonical form. */
static bool
member_uuid(const AgentJsonObject *object, const char *name, pg_uuid_t *uuid)
{
	const AgentJsonMember *member = agent_json_member(object, name);

	return member != NULL && member->type == JSON_TOKEN_STRING &&
		   agent_uuid_parse(member->value, uuid);
}

/* Reads a member that must be a non-negative integer of 12 digits at most. */
static bool
member_time(const AgentJsonObject *object, const char *name, int64 *value)
{
	const AgentJsonMember *member = agent_json_member(object, name);

	if (member == NULL || member->type != JSON_TOKEN_NUMBER)
		return false;
	if (strlen(member->value) > 12 || strspn(member->value, "0123456789") != strlen(member->value))
		return false;
	*value = strtoll(member->value, NULL, 10);
	return true;
}

/* Tells whether the header names the one algorithm and asks for nothing more. */
static bool
header_is_acceptable(const AgentJsonObject *header)
{
	return member_is(header, "alg", "HS256") && agent_json_member(header, "crit") == NULL &&
		   (agent_json_member(header, "typ") == NULL || member_is(header, "typ", "JWT"));
}

/* Returns a time in Unix seconds. */
static int64
unix_time(TimestampTz time)
{
	return time / USECS_PER_SEC + EPOCH_SHIFT;
}

/* Tells whether the times make a token of ours that is good now. */
static bool
times_are_good(const AgentJsonObject *payload, AgentClaims *claims)
{
	int64 now = unix_time(GetCurrentTimestamp());
	int64 not_before;

	if (!member_time(payload, "exp", &claims->expires_at) ||
		!member_time(payload, "iat", &claims->issued_at))
		return false;
	if (agent_json_member(payload, "nbf") != NULL &&
		(!member_time(payload, "nbf", &not_before) || not_before > now + CLOCK_SKEW))
		return false;
	return claims->expires_at > now && claims->issued_at <= now + CLOCK_SKEW &&
		   claims->expires_at > claims->issued_at &&
		   claims->expires_at - claims->issued_at <= AGENT_TOKEN_LIFE_MAX;
}

/* Tells whether the payload has every claim of an access token. */
static bool
claims_are_good(const AgentJsonObject *payload, AgentClaims *claims)
{
	return member_is(payload, "iss", "agent") && member_is(payload, "kind", "access") &&
		   member_is(payload, "role", "agent_user") &&
		   member_uuid(payload, "sub", &claims->user_id) &&
		   member_uuid(payload, "sid", &claims->session_id) && times_are_good(payload, claims);
}

/* Returns the time of Unix seconds. */
static TimestampTz
time_of_unix(int64 seconds)
{
	return (seconds - EPOCH_SHIFT) * USECS_PER_SEC;
}

/* Signs an access token for a session, good from now on. */
char *
agent_token_issue(const pg_uuid_t *user_id, const pg_uuid_t *session_id, TimestampTz now)
{
	AgentClaims claims = {.user_id = *user_id, .session_id = *session_id};
	AgentKey key;
	char *token = palloc(AGENT_TOKEN_MAX);
	bool made;

	claims.issued_at = unix_time(now);
	claims.expires_at = claims.issued_at + agent_access_token_ttl;
	agent_key_current(&key);
	claims.kid = key.kid;
	made = agent_jwt_sign(&claims, key.secret, token, AGENT_TOKEN_MAX);
	explicit_bzero(&key, sizeof(key));
	if (!made)
		ereport(ERROR,
				errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				errmsg("could not sign a token"));
	return token;
}

/*
 * Opens a token with a key: its shape, its header and its signature.
 *
 * The payload is what was signed; what it claims is the caller's to judge.
 */
static bool
open_token(const char *token, const Segment *segments, const AgentJsonObject *header,
		   const uint8 *key, int key_len, AgentJsonObject *payload)
{
	return header_is_acceptable(header) && agent_jwt_signature_valid(token, key, key_len) &&
		   read_segment(&segments[1], payload);
}

/*
 * Verifies an access token: everything but its session and account.
 *
 * On success the claims are filled, and key_ref says which key it rests on.
 */
bool
agent_token_verify(const char *token, Snapshot snapshot, AgentClaims *claims, AgentRowRef *key_ref)
{
	Segment segments[3];
	AgentJsonObject header;
	AgentJsonObject payload;
	AgentKey key;
	bool opened;

	if (!split_token(token, segments) || !read_segment(&segments[0], &header) ||
		!member_uuid(&header, "kid", &claims->kid) ||
		!agent_key_find(&claims->kid, snapshot, &key, key_ref))
		return false;
	opened = open_token(token, segments, &header, key.secret, sizeof(key.secret), &payload);
	explicit_bzero(key.secret, sizeof(key.secret));
	if (!opened || !claims_are_good(&payload, claims))
		return false;
	claims->good_until = Min(time_of_unix(claims->expires_at), key.retires_at);
	return true;
}

PG_FUNCTION_INFO_V1(agent_test_token_open);

/*
 * Opens a token with a given key and returns whether that worked.
 *
 * For tests with published vectors, whose payloads are not ours. The
 * installation script does not define it; a superuser's test may:
 * agent_test_token_open(token text, key bytea) returns boolean.
 */
Datum
agent_test_token_open(PG_FUNCTION_ARGS)
{
	char *token;
	bytea *key;
	Segment segments[3];
	AgentJsonObject header;
	AgentJsonObject payload;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	token = text_to_cstring(PG_GETARG_TEXT_PP(0));
	key = PG_GETARG_BYTEA_PP(1);
	PG_RETURN_BOOL(split_token(token, segments) && read_segment(&segments[0], &header) &&
				   open_token(token,
							  segments,
							  &header,
							  (uint8 *) VARDATA_ANY(key),
							  VARSIZE_ANY_EXHDR(key),
							  &payload));
}
