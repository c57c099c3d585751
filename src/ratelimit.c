/*
 * ratelimit.c
 *		Rate limits: token buckets in shared memory.
 *
 * Called before a password is checked, by account and by address, and for each
 * request of a signed-in person. What is counted stays counted whatever becomes of the
 * transaction, in read-only ones and on a standby too. A limit delays, and locks nobody
 * out: sessions that live go on, a right password gives back what it took, and whoever
 * has logged in from an address is not held up there by what others try elsewhere.
 *
 * A bucket is one time: when it will be full again. Buckets live in sets of a table of
 * a fixed size, found by a hash that nobody outside can compute; in a full set the one
 * that says least gives way. Addresses come from agent.trusted_address_header alone.
 * Nothing here raises while a lock is held.
 */
#include "agent.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "storage/spin.h"

#include <arpa/inet.h>

#define SETS        8192                    /* a power of two */
#define BUCKETS     8                       /* of a set */
#define TELL_BURST  60                      /* reports at once, and one a second */
#define TELL_AGAIN  (60 * USECS_PER_SEC)    /* until a limit is reported again */
#define TRUST_BONUS (86400 * USECS_PER_SEC) /* how much longer a trusted bucket stays */

typedef struct Bucket
{
	AgentBucketKey key;
	TimestampTz full_at; /* 0: nothing is in this place */
	TimestampTz told_at; /* when a refusal was last reported */
	bool trusted;
} Bucket;

typedef struct BucketSet
{
	slock_t lock;
	Bucket buckets[BUCKETS];
} BucketSet;

typedef struct Limits
{
	uint64 seed[2];
	BucketSet sets[SETS];
} Limits;

/* What buckets are for. */
typedef enum Purpose
{
	FOR_ACCOUNT = 1,
	FOR_ADDRESS,
	FOR_USER,
	FOR_INTERVAL
} Purpose;

/* What taking from a bucket came to. */
typedef struct Taken
{
	int64 wait; /* microseconds until it would do; 0: it did */
	bool tell;  /* a refusal that has not been reported lately */
} Taken;

static Limits *limits = NULL;

/* Returns how much shared memory is needed. */
Size
agent_limits_size(void)
{
	return MAXALIGN(sizeof(Limits));
}

/* Sets the table up, or finds it. */
void
agent_limits_attach(void)
{
	bool found;

	limits = ShmemInitStruct("agent rate limits", agent_limits_size(), &found);
	if (found)
		return;
	memset(limits, 0, sizeof(Limits));
	agent_random(limits->seed, sizeof(limits->seed));
	for (int i = 0; i < SETS; i++)
		SpinLockInit(&limits->sets[i].lock);
}

/* Tells whether the library was preloaded. */
bool
agent_is_preloaded(void)
{
	return limits != NULL;
}

/* Returns the key of a bucket of this database. */
static AgentBucketKey
key_of(Purpose purpose, const void *data, Size len)
{
	uint64 salt = (uint64) MyDatabaseId << 8 | purpose;

	return (AgentBucketKey){{hash_bytes_extended(data, len, limits->seed[0] + salt),
							 hash_bytes_extended(data, len, limits->seed[1] + salt)}};
}

/* Returns the key of a bucket for two things together. */
static AgentBucketKey
key_of_both(AgentBucketKey a, AgentBucketKey b)
{
	return (AgentBucketKey){
		{hash_combine64(a.part[0], b.part[0]), hash_combine64(a.part[1], b.part[1])}};
}

/* Returns how long a bucket is worth keeping. */
static TimestampTz
worth(const Bucket *bucket)
{
	return bucket->full_at + (bucket->trusted ? TRUST_BONUS : 0);
}

/* Finds a bucket in its set, which is locked, or returns NULL. */
static Bucket *
present_bucket(BucketSet *set, AgentBucketKey key)
{
	for (int i = 0; i < BUCKETS; i++)
	{
		Bucket *bucket = &set->buckets[i];

		if (bucket->key.part[0] == key.part[0] && bucket->key.part[1] == key.part[1])
			return bucket;
	}
	return NULL;
}

/* Finds a bucket in its set, which is locked, or puts it in the place of the least one. */
static Bucket *
find_bucket(BucketSet *set, AgentBucketKey key)
{
	Bucket *present = present_bucket(set, key);
	Bucket *least = &set->buckets[0];

	if (present != NULL)
		return present;
	for (int i = 1; i < BUCKETS; i++)
	{
		if (worth(&set->buckets[i]) < worth(least))
			least = &set->buckets[i];
	}
	*least = (Bucket){.key = key};
	return least;
}

/* Returns the set of a key, locked. */
static BucketSet *
lock_set(AgentBucketKey key)
{
	BucketSet *set = &limits->sets[key.part[0] & (SETS - 1)];

	SpinLockAcquire(&set->lock);
	return set;
}

/* Takes from a bucket that holds so many, and gets one more each interval (microseconds). */
static Taken
take(AgentBucketKey key, int64 interval, int burst)
{
	TimestampTz now = GetCurrentTimestamp();
	BucketSet *set = lock_set(key);
	Bucket *bucket = find_bucket(set, key);
	TimestampTz full_at = Max(bucket->full_at, now);
	Taken taken;

	/* Of another time, or of another setting. */
	full_at = Min(full_at, now + interval * burst);
	taken.wait = Max(full_at - now - interval * (burst - 1), 0);
	taken.tell = taken.wait > 0 && (now - bucket->told_at >= TELL_AGAIN || now < bucket->told_at);
	if (taken.wait == 0)
		full_at += interval;
	if (taken.tell)
		bucket->told_at = now;
	bucket->full_at = full_at;
	SpinLockRelease(&set->lock);
	return taken;
}

/* Tells whether whoever has a bucket is trusted; without one they are not. */
static bool
is_trusted(AgentBucketKey key)
{
	BucketSet *set = lock_set(key);
	Bucket *bucket = present_bucket(set, key);
	bool trusted = bucket != NULL && bucket->trusted;

	SpinLockRelease(&set->lock);
	return trusted;
}

/* Gives back what was taken, and remembers that whoever took it may be trusted. */
static void
give_back(AgentBucketKey key, int64 interval, bool trusted)
{
	TimestampTz now = GetCurrentTimestamp();
	BucketSet *set = lock_set(key);
	Bucket *bucket = find_bucket(set, key);

	bucket->full_at -= Min(bucket->full_at, interval);
	/* Trust is kept from now on. */
	if (trusted)
		bucket->full_at = Max(bucket->full_at, now);
	bucket->trusted = bucket->trusted || trusted;
	SpinLockRelease(&set->lock);
}

/* Raises that a limit is reached, and reports it, as long as there are not too many reports. */
static void
refuse(const Taken *taken, const char *what, const pg_uuid_t *user_id)
{
	if (taken->wait == 0)
		return;
	if (taken->tell && agent_is_within(USECS_PER_SEC, TELL_BURST, "told", 4))
		agent_audit_report(AGENT_EVENT_RATE_LIMIT, user_id, NULL, what);
	agent_raise_until(AGENT_RATE_LIMITED, taken->wait);
}

/* Returns the key of an address: of IPv6 a network's, of which anybody has all addresses. */
static AgentBucketKey
key_of_address(const char *text)
{
	struct in6_addr binary;

	if (inet_pton(AF_INET6, text, &binary) == 1)
		return key_of(FOR_ADDRESS, &binary, 8);
	return key_of(FOR_ADDRESS, text, strlen(text));
}

/* Counts what checks or makes a password, by the address it comes from; false without one. */
static bool
count_address(AgentBucketKey *address)
{
	char text[AGENT_ADDRESS_TEXT];
	Taken taken;

	if (!agent_request_address(text))
		return false;
	*address = key_of_address(text);
	if (agent_login_address_interval == 0)
		return true;
	taken =
		take(*address, agent_login_address_interval * INT64CONST(1000), agent_login_address_burst);
	refuse(&taken, "address", NULL);
	return true;
}

/* Counts a registration, or raises that there were too many. */
void
agent_limit_register(void)
{
	AgentBucketKey address;

	if (limits != NULL)
		(void) count_address(&address);
}

/*
 * Counts an attempt at an account's password, or raises that there were too many.
 *
 * account is what tells accounts apart, whether it exists or not; user_id may be NULL.
 */
void
agent_limit_attempt(AgentAttempt *attempt, const void *account, Size len, const pg_uuid_t *user_id)
{
	int64 interval = agent_login_account_interval * INT64CONST(1000);
	AgentBucketKey address;
	bool trusted = false;
	Taken taken;

	*attempt = (AgentAttempt){.interval = interval};
	if (limits == NULL)
		return;
	attempt->has_address = count_address(&address);
	if (interval == 0)
		return;
	attempt->counted = key_of(FOR_ACCOUNT, account, len);
	if (attempt->has_address)
	{
		attempt->pair = key_of_both(attempt->counted, address);
		trusted = is_trusted(attempt->pair);
		if (trusted)
			attempt->counted = attempt->pair;
	}
	taken = take(attempt->counted, interval, agent_login_account_burst);
	refuse(&taken, trusted ? "account and address" : "account", user_id);
}

/* Takes an attempt back: the password was right, or nobody has looked at it. */
void
agent_limit_forgive(const AgentAttempt *attempt, bool was_right)
{
	if (limits == NULL || attempt->interval == 0)
		return;
	give_back(attempt->counted, attempt->interval, false);
	if (was_right && attempt->has_address)
		give_back(attempt->pair, 0, true);
}

/*
 * Counts a request of a signed-in person, or raises that there were too many.
 *
 * Each call of a function counts; the reads of a statement, and what agent_http calls,
 * count as one.
 */
void
agent_limit_request(const pg_uuid_t *user_id, bool is_call)
{
	static struct
	{
		TimestampTz statement;
		pg_uuid_t user_id;
	} counted;
	TimestampTz statement;
	Taken taken;

	if (agent_request_interval == 0 || limits == NULL || IsParallelWorker())
		return;
	statement = GetCurrentStatementStartTimestamp();
	if (statement == counted.statement && memcmp(user_id, &counted.user_id, UUID_LEN) == 0 &&
		(!is_call || agent_http_is_calling()))
		return;
	taken = take(key_of(FOR_USER, user_id, UUID_LEN),
				 agent_request_interval * INT64CONST(1000),
				 agent_request_burst);
	refuse(&taken, "user", user_id);
	counted.statement = statement;
	counted.user_id = *user_id;
}

/*
 * Tells whether something does not happen too often, in all sessions together: so many
 * times at once, and one more each interval (microseconds).
 */
bool
agent_is_within(int64 interval, int burst, const void *what, Size len)
{
	AgentBucketKey key;

	if (limits == NULL)
		return true;
	key = key_of(FOR_INTERVAL, what, len);
	key.part[1] += interval * burst;
	return take(key, interval, burst).wait == 0;
}
