/*
 * identity_memo.c
 *		Remembers which texts were verified, and what that rests upon.
 *
 * Called by identity.c alone. For each text, the versions of three rows are kept:
 * signing key, account and session. While no other transaction has ended and no
 * command of this one has run since, they cannot have changed; else one look at
 * each tells. So a logout or a deactivation bites at the next statement, and expiry
 * at once. Behind a pool one backend serves many people in turn: it keeps a text
 * for each, in places found by a hash, where a newer one takes over.
 */
#include "agent.h"

#include "access/twophase.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/inval.h"

#define MEMO_PLACES 256  /* a power of two */
#define MEMO_TEXT   4096 /* bytes of the longest text remembered */
#define TELL_USE    (60 * USECS_PER_SEC)

/*
 * What a snapshot can see: equal stamps see equal rows.
 *
 * Below xmax no transaction can begin, so those in progress only become fewer:
 * where their number is the same, they are. (While a transaction is being prepared
 * it is counted twice: where that can be, the number says nothing.) This one's own
 * writes move command; what it takes back, and its end, begin another epoch.
 */
typedef struct SnapshotStamp
{
	bool known;
	uint64 epoch;
	TransactionId xmin;
	TransactionId xmax;
	uint32 in_progress;
	int32 subtransactions;
	CommandId command;
} SnapshotStamp;

typedef struct Memo
{
	bool valid; /* set last, cleared first */
	AgentTokenSource source;
	char text[MEMO_TEXT]; /* what was verified: a token or headers */
	AgentVerified verified;
	SnapshotStamp stamp;
	TimestampTz used_at; /* when the use of the session was last told */
} Memo;

static Memo memos[MEMO_PLACES];
static Memo *latest = &memos[0]; /* tried first */
static uint64 epoch = 0;

/* Returns what the snapshot can see; unknown where it does not list all it must. */
static SnapshotStamp
stamp_of(Snapshot snapshot)
{
	return (SnapshotStamp){.known = !snapshot->suboverflowed &&
									(max_prepared_xacts == 0 || snapshot->xcnt == 0),
						   .epoch = epoch,
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
	return a->known && b->known && a->epoch == b->epoch && a->xmin == b->xmin &&
		   a->xmax == b->xmax && a->in_progress == b->in_progress &&
		   a->subtransactions == b->subtransactions && a->command == b->command;
}

/* Forgets what was seen when a transaction that may have written ends. */
static void
at_transaction_end(XactEvent event, void *arg)
{
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		epoch++;
}

/* Forgets what was seen when a part of a transaction is taken back. */
static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		epoch++;
}

/* Forgets all when a table it rests upon is truncated, rewritten or dropped. */
static void
at_relation_change(Datum arg, Oid relid)
{
	const AgentVerified *verified = &latest->verified;

	/* All rest upon the same three tables. */
	if (OidIsValid(relid) && OidIsValid(verified->key.relid) && relid != verified->key.relid &&
		relid != verified->user.relid && relid != verified->session.relid)
		return;
	for (int i = 0; i < MEMO_PLACES; i++)
		memos[i].valid = false;
}

/* Watches what can make the memo wrong without changing a row of its. */
void
agent_memo_init(void)
{
	CacheRegisterRelcacheCallback(at_relation_change, (Datum) 0);
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

/* Tells whether a place remembers a text. */
static bool
is_of(const Memo *memo, AgentTokenSource source, const char *text)
{
	return memo->valid && memo->source == source && strcmp(memo->text, text) == 0;
}

/* Returns the place for a text. */
static Memo *
place_of(const char *text)
{
	uint32 hash = hash_bytes((const unsigned char *) text, strlen(text));

	return &memos[hash & (MEMO_PLACES - 1)];
}

/* Tells whether what was found still holds. */
static bool
still_holds(Memo *memo, Snapshot snapshot)
{
	SnapshotStamp stamp = stamp_of(snapshot);
	TimestampTz now = GetCurrentTimestamp();

	if (memo->verified.claims.good_until <= now)
		return false;
	if (now - memo->used_at >= TELL_USE)
	{
		memo->used_at = now;
		agent_session_used(&memo->verified.claims.user_id, &memo->verified.claims.session_id);
	}
	if (same_stamp(&memo->stamp, &stamp))
		return true;
	if (!agent_row_unchanged(&memo->verified.session, snapshot) ||
		!agent_row_unchanged(&memo->verified.user, snapshot) ||
		!agent_row_unchanged(&memo->verified.key, snapshot))
		return false;
	memo->stamp = stamp;
	return true;
}

/* Finds whose token a text is, if that was verified before and still holds. */
bool
agent_memo_find(AgentTokenSource source, const char *text, Snapshot snapshot, pg_uuid_t *user_id,
				pg_uuid_t *session_id)
{
	if (!is_of(latest, source, text))
	{
		Memo *memo = place_of(text);

		if (!is_of(memo, source, text))
			return false;
		latest = memo;
	}
	if (!still_holds(latest, snapshot))
		return false;
	*user_id = latest->verified.claims.user_id;
	*session_id = latest->verified.claims.session_id;
	return true;
}

/* Remembers that a text was verified against what the snapshot can see. */
void
agent_memo_keep(AgentTokenSource source, const char *text, const AgentVerified *verified,
				Snapshot snapshot)
{
	Memo *memo = place_of(text);

	memo->valid = false;
	if (strlcpy(memo->text, text, MEMO_TEXT) >= MEMO_TEXT)
		return;
	memo->source = source;
	memo->verified = *verified;
	memo->stamp = stamp_of(snapshot);
	memo->used_at = 0;
	memo->valid = true;
	latest = memo;
}
