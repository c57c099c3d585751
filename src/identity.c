/*
 * identity.c
 *		Who the caller is.
 *
 * Called by every policy and every function, in any role, in parallel workers
 * too. The caller is whoever the token says that is set for this transaction,
 * in agent.token or in PostgREST's request.headers, and nothing is remembered
 * about who that was: rollback, savepoints, pools and DISCARD ALL need no care.
 *
 * What is remembered is that one exact text was verified, and which versions of
 * which rows that rests upon: signing key, account and session. While no other
 * transaction has ended and no command of this one has run since, they cannot
 * have changed; else one look at each tells. So a logout or a deactivation bites
 * at the next statement, and expiry at once.
 */
#include "agent.h"

#include "access/parallel.h"
#include "access/twophase.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define MEMO_TEXT 16384 /* bytes of the longest text remembered */

/* Columns of agent.users and agent.sessions that are looked at, from 0. */
enum
{
	USER_IS_ACTIVE = 5,
	SESSION_EXPIRES_AT = 3,
	SESSION_ENDED_AT = 4
};

/*
 * What a snapshot can see: equal stamps see equal rows.
 *
 * Below xmax no transaction can begin, so those in progress only become fewer:
 * where their number is the same, they are. (While a transaction is being prepared
 * it is counted twice: where that can be, the number says nothing.) This one's own
 * writes move command; what it takes back, and its end, clear the memo's stamp.
 */
typedef struct SnapshotStamp
{
	bool known;
	TransactionId xmin;
	TransactionId xmax;
	uint32 in_progress;
	int32 subtransactions;
	CommandId command;
} SnapshotStamp;

/* Where a text came from: the same one means another thing elsewhere. */
typedef enum Source
{
	SOURCE_SETTING,
	SOURCE_HEADERS
} Source;

typedef struct Verified
{
	AgentClaims claims;
	AgentRowRef key;
	AgentRowRef user;
	AgentRowRef session;
} Verified;

static struct
{
	bool valid; /* set last, cleared first */
	Source source;
	char text[MEMO_TEXT]; /* what was verified: a token or headers */
	Verified verified;
	SnapshotStamp stamp;
} memo;

/*
 * Returns a snapshot that sees what is committed now.
 *
 * A transaction that keeps one snapshot would not see a logout; parallel workers
 * cannot take a newer one than their leader's.
 */
static Snapshot
current_snapshot(void)
{
	if (IsolationUsesXactSnapshot() && !IsInParallelMode())
		return GetLatestSnapshot();
	return ActiveSnapshotSet() ? GetActiveSnapshot() : GetTransactionSnapshot();
}

/* Returns what the snapshot can see; unknown where it does not list all it must. */
static SnapshotStamp
stamp_of(Snapshot snapshot)
{
	return (SnapshotStamp){.known = !snapshot->suboverflowed &&
									(max_prepared_xacts == 0 || snapshot->xcnt == 0),
						   .xmin = snapshot->xmin,
						   .xmax = snapshot->xmax,
						   .in_progress = snapshot->xcnt,
						   .subtransactions = snapshot->subxcnt,
						   .command = snapshot->curcid};
}

/* Tells whether two stamps are known to see the same rows. */
static bool
same_stamp(const SnapshotStamp *a, const SnapshotStamp *b)
{
	return a->known && b->known && a->xmin == b->xmin && a->xmax == b->xmax &&
		   a->in_progress == b->in_progress && a->subtransactions == b->subtransactions &&
		   a->command == b->command;
}

/* Forgets what was seen when a transaction that may have written ends. */
static void
at_transaction_end(XactEvent event, void *arg)
{
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		memo.stamp.known = false;
}

/* Forgets what was seen when a part of a transaction is taken back. */
static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		memo.stamp.known = false;
}

/* Forgets all when a table it rests upon is truncated, rewritten or dropped. */
static void
at_relation_change(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == memo.verified.key.relid ||
		relid == memo.verified.user.relid || relid == memo.verified.session.relid)
		memo.valid = false;
}

/* Watches what can make the memo wrong without changing a row of its. */
void
agent_identity_init(void)
{
	CacheRegisterRelcacheCallback(at_relation_change, (Datum) 0);
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

/* Raises what is wrong with the account or the session of a good token. */
static void
check_account(Verified *verified, Snapshot snapshot)
{
	pg_uuid_t key[2] = {verified->claims.user_id, verified->claims.session_id};
	AgentRow row;
	TimestampTz expires_at;

	if (!agent_row_find(AGENT_USERS, key, snapshot, &row))
		agent_raise(AGENT_USER_NOT_FOUND, NULL);
	if (row.nulls[USER_IS_ACTIVE] || !DatumGetBool(row.values[USER_IS_ACTIVE]))
		agent_raise(AGENT_USER_INACTIVE, NULL);
	verified->user = row.ref;

	if (!agent_row_find(AGENT_SESSIONS, key, snapshot, &row) || !row.nulls[SESSION_ENDED_AT] ||
		row.nulls[SESSION_EXPIRES_AT])
		agent_raise(AGENT_INVALID_TOKEN, NULL);
	expires_at = DatumGetTimestampTz(row.values[SESSION_EXPIRES_AT]);
	if (expires_at <= GetCurrentTimestamp())
		agent_raise(AGENT_INVALID_TOKEN, NULL);
	verified->claims.good_until = Min(verified->claims.good_until, expires_at);
	verified->session = row.ref;
}

/*
 * Returns the token of an Authorization header's value, NULL when there is none.
 *
 * A scheme other than Bearer (in any case) is an error: the client meant to say
 * who it is, and an empty answer would hide that it did not get through.
 */
const char *
agent_bearer_token(const char *value)
{
	if (value == NULL || value[0] == '\0')
		return NULL;
	if (pg_strncasecmp(value, "Bearer", 6) != 0 || (value[6] != ' ' && value[6] != '\0'))
		agent_raise(AGENT_INVALID_SCHEME, NULL);
	value += 6;
	while (*value == ' ')
		value++;
	return value[0] != '\0' ? value : NULL;
}

/* Tells whether a text is the one remembered, and it still holds. */
static bool
memo_holds(Source source, const char *text, Snapshot snapshot)
{
	SnapshotStamp stamp = stamp_of(snapshot);

	if (!memo.valid || memo.source != source || strcmp(memo.text, text) != 0)
		return false;
	if (memo.verified.claims.good_until <= GetCurrentTimestamp())
		return false;
	if (same_stamp(&memo.stamp, &stamp))
		return true;
	if (!agent_row_unchanged(&memo.verified.session, snapshot) ||
		!agent_row_unchanged(&memo.verified.user, snapshot) ||
		!agent_row_unchanged(&memo.verified.key, snapshot))
		return false;
	memo.stamp = stamp;
	return true;
}

/* Remembers that a text was verified against what the stamp can see. */
static void
memo_keep(Source source, const char *text, const Verified *verified, SnapshotStamp stamp)
{
	memo.valid = false;
	if (strlcpy(memo.text, text, MEMO_TEXT) >= MEMO_TEXT)
		return;
	memo.source = source;
	memo.verified = *verified;
	memo.stamp = stamp;
	memo.valid = true;
}

/*
 * Verifies a token from scratch, or raises what is wrong with it, and remembers
 * it under the text it came in.
 */
static void
verify(const char *token, Source source, const char *text, Snapshot snapshot, Verified *verified)
{
	SnapshotStamp stamp = stamp_of(snapshot);

	snapshot = RegisterSnapshot(snapshot);
	if (!agent_token_verify(token, snapshot, &verified->claims, &verified->key))
		agent_raise(AGENT_INVALID_TOKEN, NULL);
	check_account(verified, snapshot);
	UnregisterSnapshot(snapshot);
	memo_keep(source, text, verified, stamp);
}

/*
 * Finds the caller; false without a token, an error with a bad one.
 *
 * Runs in the caller's memory context and leaves nothing behind in it.
 */
static bool
find_caller(pg_uuid_t *user_id)
{
	bool is_set = agent_token != NULL && agent_token[0] != '\0';
	Source source = is_set ? SOURCE_SETTING : SOURCE_HEADERS;
	const char *text = is_set ? agent_token : agent_request_headers();
	const char *token;
	Snapshot snapshot;
	Verified verified;
	MemoryContext scratch;
	MemoryContext caller;

	if (text == NULL)
		return false;
	snapshot = current_snapshot();
	if (memo_holds(source, text, snapshot))
	{
		*user_id = memo.verified.claims.user_id;
		return true;
	}

	scratch = AllocSetContextCreate(CurrentMemoryContext,
									"agent token verification",
									ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(scratch);
	token = is_set ? text : agent_bearer_token(agent_request_header(text, "authorization"));
	if (token != NULL)
	{
		verify(token, source, text, snapshot, &verified);
		*user_id = verified.claims.user_id;
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return token != NULL;
}

/* Returns the caller, or raises not_authenticated. */
pg_uuid_t
agent_caller(void)
{
	pg_uuid_t user_id;

	if (!find_caller(&user_id))
		agent_raise(AGENT_NOT_AUTHENTICATED, NULL);
	return user_id;
}

PG_FUNCTION_INFO_V1(agent_uid);

/* SQL: agent_uid() returns uuid */
Datum
agent_uid(PG_FUNCTION_ARGS)
{
	pg_uuid_t user_id;
	pg_uuid_t *result;

	if (!find_caller(&user_id))
		PG_RETURN_NULL();
	result = palloc(sizeof(pg_uuid_t));
	*result = user_id;
	PG_RETURN_UUID_P(result);
}

PG_FUNCTION_INFO_V1(agent_require_caller);

/* SQL: agent.require_caller() returns boolean */
Datum
agent_require_caller(PG_FUNCTION_ARGS)
{
	agent_caller();
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(agent_authenticate);

/*
 * SQL: agent_authenticate(token text) returns uuid
 *
 * The setting is local to the transaction, and made only after the token was
 * found good: a failed call leaves the identity as it was.
 */
Datum
agent_authenticate(PG_FUNCTION_ARGS)
{
	AgentFaults faults;
	text *token_text;
	char *token;
	Verified verified;
	pg_uuid_t *result;

	agent_redact_statement("agent_authenticate");
	agent_faults_init(&faults);
	token_text = agent_check_text(&faults, AGENT_FIELD_TOKEN, fcinfo, 0);
	agent_faults_raise(&faults);

	token = text_to_cstring(token_text);
	verify(token, SOURCE_SETTING, token, current_snapshot(), &verified);
	agent_set_local("agent.token", token);

	result = palloc(sizeof(pg_uuid_t));
	*result = verified.claims.user_id;
	PG_RETURN_UUID_P(result);
}
