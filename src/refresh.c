/*
 * refresh.c
 *		Refresh tokens: what keeps a session going when its access tokens expire.
 *
 *		agr_ and, in hexadecimal: account, session, secret (32 bytes), generation (4), tag (16)
 *
 * Only a SHA-256 of the secret is stored. Each use makes the next secret, as an HMAC
 * of the one before under the key that signs, so that whoever lost the answer gets
 * the same pair again for a short while, and many at once all get the same. The tag,
 * an HMAC under a key of the session, tells an older token of that session, which may
 * be a thief's, from one that somebody made up: the first ends the session. Which is
 * older the generation says: a newer one, whose transaction is not seen (yet, or any
 * more), ends nothing.
 *
 * Called through SQL by anybody, as agent_owner. Tokens are secrets: nothing here
 * quotes one. Results are in the caller's memory context.
 */
#include "agent.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define PREFIX     "agr_"
#define TELL_BURST 600                  /* refreshes of a session in the audit at once, */
#define TELL_EVERY (10 * USECS_PER_SEC) /* and one more */
#define TAG_BYTES  16
#define TOKEN_SIZE sizeof(RefreshToken)

/* All of it bytes: nothing is between them. */
typedef struct RefreshToken
{
	pg_uuid_t user_id;
	pg_uuid_t session_id;
	uint8 secret[AGENT_REFRESH_BYTES];
	uint8 generation[4]; /* from 0, the highest byte first */
	uint8 tag[TAG_BYTES];
} RefreshToken;

StaticAssertDecl(sizeof(RefreshToken) == 2 * UUID_LEN + AGENT_REFRESH_BYTES + 4 + TAG_BYTES,
				 "a refresh token has no padding");

/* A session's state, as the statement that reads it returns it. */
typedef struct RefreshState
{
	uint8 hash[PG_SHA256_DIGEST_LENGTH];
	uint8 previous[PG_SHA256_DIGEST_LENGTH];
	bool has_previous;
	uint8 key[AGENT_REFRESH_BYTES];
	pg_uuid_t kid; /* the key that made the current secret of the previous one */
	TimestampTz refreshed_at;
	bool is_active; /* the account */
	int32 generation;
} RefreshState;

typedef enum RefreshVerdict
{
	REFRESH_UNKNOWN, /* no session, or made up */
	REFRESH_CURRENT,
	REFRESH_PREVIOUS, /* within the grace interval */
	REFRESH_OLD       /* of this session, and used before */
} RefreshVerdict;

/* Computes an HMAC-SHA-256 of a purpose, a secret and other bytes. */
static void
hmac_for(const char *purpose, const uint8 *key, const uint8 *secret, const uint8 *more,
		 Size more_len, uint8 *mac)
{
	AgentBytes parts[] = {{purpose, strlen(purpose) + 1},
						  {secret, AGENT_REFRESH_BYTES},
						  {more, more_len}};

	agent_hmac(key, AGENT_REFRESH_BYTES, parts, lengthof(parts), mac);
}

StaticAssertDecl(AGENT_KEY_BYTES == AGENT_REFRESH_BYTES, "both kinds of key are of one size");

/* Computes the tag of a token. */
static void
make_tag(const uint8 *key, const RefreshToken *token, uint8 *tag)
{
	uint8 mac[PG_SHA256_DIGEST_LENGTH];

	hmac_for("agent refresh tag", key, token->secret, token->generation, 4, mac);
	memcpy(tag, mac, TAG_BYTES);
}

/* Computes the secret that follows another. */
static void
next_secret(const AgentKey *signing_key, const RefreshState *state, const uint8 *secret,
			uint8 *next)
{
	hmac_for("agent refresh next",
			 signing_key->secret,
			 secret,
			 state->key,
			 sizeof(state->key),
			 next);
}

/* Returns which token of its session it is, from 0. */
static int64
generation_of(const RefreshToken *token)
{
	const uint8 *bytes = token->generation;

	return (int64) bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

/* Returns a token as text. */
static char *
token_text(const pg_uuid_t *user_id, const pg_uuid_t *session_id, const uint8 *key,
		   const uint8 *secret, int32 generation)
{
	RefreshToken token = {.user_id = *user_id, .session_id = *session_id};
	char *text = palloc(strlen(PREFIX) + 2 * TOKEN_SIZE + 1);
	Size len = strlen(PREFIX);

	memcpy(token.secret, secret, AGENT_REFRESH_BYTES);
	for (int i = 0; i < 4; i++)
		token.generation[i] = (uint32) generation >> (24 - 8 * i);
	make_tag(key, &token, token.tag);
	memcpy(text, PREFIX, len);
	len += hex_encode((const char *) &token, TOKEN_SIZE, text + len);
	text[len] = '\0';
	explicit_bzero(&token, sizeof(token));
	return text;
}

/* Reads a token; false when it cannot be one. */
static bool
read_token(const char *text, int len, RefreshToken *token)
{
	const char *digits = text + strlen(PREFIX);

	if (len != (int) (strlen(PREFIX) + 2 * TOKEN_SIZE) || memcmp(text, PREFIX, strlen(PREFIX)) != 0)
		return false;
	for (Size i = 0; i < TOKEN_SIZE; i++)
	{
		int high = agent_hex_value(digits[2 * i]);
		int low = agent_hex_value(digits[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		((uint8 *) token)[i] = high << 4 | low;
	}
	return true;
}

/* Returns bytes as a value of SQL. */
static Datum
bytes_datum(const uint8 *bytes, int len)
{
	bytea *value = palloc(VARHDRSZ + len);

	SET_VARSIZE(value, VARHDRSZ + len);
	memcpy(VARDATA(value), bytes, len);
	return PointerGetDatum(value);
}

/* Copies bytes of the last result; false when they are null, or not so many. */
static bool
read_bytes(int column, uint8 *bytes, int len)
{
	bool isnull;
	Datum value = agent_result(0, column, &isnull);
	bytea *found = isnull ? NULL : DatumGetByteaPP(value);

	if (found == NULL || (int) VARSIZE_ANY_EXHDR(found) != len)
		return false;
	memcpy(bytes, VARDATA_ANY(found), len);
	return true;
}

/* Makes what a new session stores, and returns its first token; SPI is connected. */
char *
agent_refresh_begin(const pg_uuid_t *user_id, const pg_uuid_t *session_id, Datum *hash,
					Datum *session_key)
{
	uint8 random[2 * AGENT_REFRESH_BYTES];
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	uint8 *key = random + AGENT_REFRESH_BYTES;
	char *text;

	agent_random(random, sizeof(random));
	agent_sha256(random, AGENT_REFRESH_BYTES, digest);
	*hash = bytes_datum(digest, sizeof(digest));
	*session_key = bytes_datum(key, AGENT_REFRESH_BYTES);
	text = token_text(user_id, session_id, key, random, 0);
	explicit_bzero(random, sizeof(random));
	return text;
}

/* Reads a live session by a plan, or returns false; SPI is connected. */
static bool
read_state(AgentPlan plan, const RefreshToken *token, TimestampTz now, RefreshState *state)
{
	Datum values[] = {UUIDPGetDatum(&token->user_id),
					  UUIDPGetDatum(&token->session_id),
					  TimestampTzGetDatum(now)};
	bool isnull;
	Datum kid;

	if (agent_execute(plan, values, NULL) == 0 ||
		!read_bytes(1, state->hash, sizeof(state->hash)) ||
		!read_bytes(3, state->key, sizeof(state->key)))
		return false;
	state->has_previous = read_bytes(2, state->previous, sizeof(state->previous));
	kid = agent_result(0, 4, &isnull);
	state->has_previous = state->has_previous && !isnull;
	if (!isnull)
		state->kid = *DatumGetUUIDP(kid);
	state->refreshed_at = DatumGetTimestampTz(agent_result(0, 5, &isnull));
	state->is_active = DatumGetBool(agent_result(0, 6, &isnull));
	state->generation = DatumGetInt32(agent_result(0, 7, &isnull));
	return true;
}

/* Judges a token by the state of its session. */
static RefreshVerdict
judge(const RefreshToken *token, const RefreshState *state, TimestampTz now)
{
	uint8 tag[TAG_BYTES];
	uint8 digest[PG_SHA256_DIGEST_LENGTH];

	make_tag(state->key, token, tag);
	if (!agent_bytes_equal(tag, token->tag, TAG_BYTES) || generation_of(token) > state->generation)
		return REFRESH_UNKNOWN;
	if (generation_of(token) < state->generation - 1)
		return REFRESH_OLD;
	agent_sha256(token->secret, AGENT_REFRESH_BYTES, digest);
	if (generation_of(token) == state->generation)
		return agent_bytes_equal(digest, state->hash, sizeof(digest)) ? REFRESH_CURRENT
																	  : REFRESH_UNKNOWN;
	if (!state->has_previous || !agent_bytes_equal(digest, state->previous, sizeof(digest)))
		return REFRESH_UNKNOWN;
	return agent_refresh_grace > 0 &&
				   now - state->refreshed_at <= agent_refresh_grace * USECS_PER_SEC
			   ? REFRESH_PREVIOUS
			   : REFRESH_OLD;
}

/* Moves a session on, under its row's lock, to the secret after the token's. */
static void
rotate(const RefreshToken *token, const RefreshState *state, TimestampTz now, uint8 *secret)
{
	AgentKey key;
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	Datum values[] = {UUIDPGetDatum(&token->user_id),
					  UUIDPGetDatum(&token->session_id),
					  TimestampTzGetDatum(now),
					  TimestampTzGetDatum(agent_session_expiry(now)),
					  (Datum) 0,
					  bytes_datum(state->hash, sizeof(state->hash)),
					  UUIDPGetDatum(&key.kid)};

	agent_key_current(&key);
	next_secret(&key, state, token->secret, secret);
	explicit_bzero(key.secret, sizeof(key.secret));
	agent_sha256(secret, AGENT_REFRESH_BYTES, digest);
	values[4] = bytes_datum(digest, sizeof(digest));
	agent_execute(AGENT_PLAN_SESSION_REFRESH, values, NULL);
	/* Whoever refreshes all the time does not fill the audit. */
	if (agent_is_within(TELL_EVERY, TELL_BURST, &token->session_id, UUID_LEN))
		agent_audit_write(AGENT_EVENT_REFRESH, &token->user_id, &token->session_id, NULL);
}

/* Computes the current secret for whoever has the previous one; false if its key is gone. */
static bool
repeat_secret(const RefreshToken *token, const RefreshState *state, uint8 *secret)
{
	AgentKey key;
	uint8 digest[PG_SHA256_DIGEST_LENGTH];

	if (!agent_key_find_now(&state->kid, &key))
		return false;
	next_secret(&key, state, token->secret, secret);
	explicit_bzero(key.secret, sizeof(key.secret));
	agent_sha256(secret, AGENT_REFRESH_BYTES, digest);
	return agent_bytes_equal(digest, state->hash, sizeof(digest));
}

/*
 * Judges a token and moves its session on; returns the new token's text, or raises.
 *
 * An older token is found without a lock, which would keep the session from being
 * ended apart from this transaction: older than what any snapshot shows it stays.
 */
static char *
use_token(const RefreshToken *token, TimestampTz now)
{
	RefreshState state;
	uint8 secret[AGENT_REFRESH_BYTES];
	RefreshVerdict verdict;
	char *text;

	if (!read_state(AGENT_PLAN_SESSION_STATE, token, now, &state))
		agent_raise(AGENT_INVALID_REFRESH_TOKEN, NULL);
	verdict = judge(token, &state, now);
	if (verdict == REFRESH_OLD)
		agent_session_end_apart(&token->user_id, &token->session_id);
	if (verdict == REFRESH_OLD || verdict == REFRESH_UNKNOWN)
		agent_raise(AGENT_INVALID_REFRESH_TOKEN, NULL);
	if (!state.is_active)
		agent_raise(AGENT_USER_INACTIVE, NULL);

	if (!read_state(AGENT_PLAN_SESSION_LOCK, token, now, &state))
		agent_raise(AGENT_INVALID_REFRESH_TOKEN, NULL);
	verdict = judge(token, &state, now);
	if (verdict == REFRESH_CURRENT)
		rotate(token, &state, now, secret);
	else if (verdict != REFRESH_PREVIOUS || !repeat_secret(token, &state, secret))
		agent_raise(AGENT_INVALID_REFRESH_TOKEN, NULL);
	text = token_text(&token->user_id,
					  &token->session_id,
					  state.key,
					  secret,
					  (int32) generation_of(token) + 1);
	explicit_bzero(secret, sizeof(secret));
	return text;
}

PG_FUNCTION_INFO_V1(agent_refresh);

/* SQL: agent_refresh(refresh_token text) returns agent_token */
Datum
agent_refresh(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	AgentFaults faults;
	text *given;
	RefreshToken token;
	MemoryContext caller = CurrentMemoryContext;
	char *refresh_token;

	agent_redact_statement("agent_refresh");
	PreventCommandIfReadOnly("agent_refresh()");
	agent_faults_init(&faults);
	given = agent_check_text(&faults, AGENT_FIELD_REFRESH_TOKEN, fcinfo, 0);
	agent_faults_raise(&faults);
	if (!read_token(VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given), &token))
		agent_raise(AGENT_INVALID_REFRESH_TOKEN, NULL);

	SPI_connect();
	refresh_token = MemoryContextStrdup(caller, use_token(&token, now));
	SPI_finish();
	return agent_token_row(fcinfo,
						   agent_token_issue(&token.user_id, &token.session_id, now),
						   refresh_token);
}
