/*
 * metrics.c
 *		Counts the calls of the API's functions, and classic requests, in shared memory.
 *
 * Nothing is written for a call: three atomic additions, in the slot of its function,
 * when it ends, whichever way. Counted are the functions of the extension that are
 * written in C, in all databases of the cluster together, by their names. Lists are
 * SQL that the planner takes apart, which it would not for a function with a hook; and
 * agent_uid, which policies call, is asked too often. Without shared memory nothing is
 * hooked at all.
 */
#include "agent.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "portability/instr_time.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#define FUNCTIONS_MAX  64
#define STATUS_FIRST   200
#define STATUS_COUNT   400
#define FUNCTION_NAMES "agent_" /* what those of the API begin with */

typedef struct Slot
{
	char name[NAMEDATALEN];
	pg_atomic_uint64 outcomes[AGENT_ERROR_COUNT];
	pg_atomic_uint64 buckets[AGENT_METRICS_BUCKETS];
	pg_atomic_uint64 microseconds;
} Slot;

typedef struct Metrics
{
	LWLock lock; /* of names and their count */
	int count;
	Slot slots[FUNCTIONS_MAX];
	/* The last one is for what no route is for. */
	pg_atomic_uint64 requests[AGENT_METRICS_ROUTES + 1][STATUS_COUNT];
} Metrics;

/* What this session knows of a function. */
typedef struct Known
{
	Oid oid; /* the key */
	uint32 hash;
	Slot *slot; /* NULL: it is not counted */
} Known;

/* A call, in the memory of its FmgrInfo, where the next call finds it. */
typedef struct Call
{
	Slot *slot;
	uint64 start; /* microseconds; 0: it is not counted */
	Datum next;   /* what belongs to the hook before this one */
} Call;

/* Where buckets end, in microseconds; the last one does not. */
static const uint64 bounds[AGENT_METRICS_BUCKETS - 1] = {100,
														 250,
														 500,
														 1000,
														 2500,
														 5000,
														 10000,
														 25000,
														 50000,
														 100000,
														 250000,
														 500000,
														 1000000,
														 2500000,
														 5000000};

static Metrics *metrics = NULL;
static HTAB *known = NULL;
static fmgr_hook_type previous_hook = NULL;
static needs_fmgr_hook_type previous_needs_hook = NULL;

/* Returns how much shared memory is needed. */
Size
agent_metrics_size(void)
{
	return MAXALIGN(sizeof(Metrics));
}

/* Sets the counts of a slot to zero. */
static void
clear_slot(Slot *slot)
{
	for (int i = 0; i < AGENT_ERROR_COUNT; i++)
		pg_atomic_init_u64(&slot->outcomes[i], 0);
	for (int i = 0; i < AGENT_METRICS_BUCKETS; i++)
		pg_atomic_init_u64(&slot->buckets[i], 0);
	pg_atomic_init_u64(&slot->microseconds, 0);
}

/* Sets the counts up, or finds them. */
void
agent_metrics_attach(void)
{
	bool found;
	int tranche;

	metrics = ShmemInitStruct("agent metrics", agent_metrics_size(), &found);
	if (found)
		return;
	memset(metrics, 0, sizeof(Metrics));
	tranche = LWLockNewTrancheId();
	LWLockRegisterTranche(tranche, "agent metrics");
	LWLockInitialize(&metrics->lock, tranche);
	for (int i = 0; i < FUNCTIONS_MAX; i++)
		clear_slot(&metrics->slots[i]);
	for (int i = 0; i <= AGENT_METRICS_ROUTES; i++)
	{
		for (int j = 0; j < STATUS_COUNT; j++)
			pg_atomic_init_u64(&metrics->requests[i][j], 0);
	}
}

/* Returns the slot of a name, or NULL when there are no more. */
static Slot *
slot_of(const char *name)
{
	Slot *slot = NULL;

	LWLockAcquire(&metrics->lock, LW_EXCLUSIVE);
	for (int i = 0; i < metrics->count && slot == NULL; i++)
	{
		if (strcmp(metrics->slots[i].name, name) == 0)
			slot = &metrics->slots[i];
	}
	if (slot == NULL && metrics->count < FUNCTIONS_MAX)
	{
		slot = &metrics->slots[metrics->count++];
		strlcpy(slot->name, name, NAMEDATALEN);
	}
	LWLockRelease(&metrics->lock);
	return slot;
}

/* Tells whether the extension has a function. */
static bool
is_member(Oid oid)
{
	Oid extension = getExtensionOfObject(ProcedureRelationId, oid);

	return OidIsValid(extension) && extension == get_extension_oid("agent", true);
}

/* Finds the slot of a function in the catalogs; NULL when it is not counted. */
static Slot *
look_up(Oid oid)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(oid));
	char name[NAMEDATALEN];
	bool may_be;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	strlcpy(name, NameStr(((Form_pg_proc) GETSTRUCT(tuple))->proname), NAMEDATALEN);
	may_be = ((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId &&
			 strncmp(name, FUNCTION_NAMES, strlen(FUNCTION_NAMES)) == 0 &&
			 strcmp(name, "agent_uid") != 0;
	ReleaseSysCache(tuple);
	return may_be && is_member(oid) ? slot_of(name) : NULL;
}

/* Makes the memory of what is known. */
static void
begin_knowing(void)
{
	HASHCTL control = {.keysize = sizeof(Oid),
					   .entrysize = sizeof(Known),
					   .hcxt = TopMemoryContext};

	known = hash_create("agent functions", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Returns the slot of a function; NULL when it is not counted. */
static Slot *
find_slot(Oid oid)
{
	Known *entry;
	Slot *slot;
	uint32 hash;

	if (metrics == NULL)
		return NULL;
	if (known == NULL)
		begin_knowing();
	entry = hash_search(known, &oid, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->slot;
	/* What comes in meanwhile may take entries away. */
	slot = look_up(oid);
	hash = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(oid));
	entry = hash_search(known, &oid, HASH_ENTER, NULL);
	entry->hash = hash;
	entry->slot = slot;
	return slot;
}

/* Forgets a function that has changed, or all of them. */
static void
at_function_change(Datum arg, int cache, uint32 hash)
{
	HASH_SEQ_STATUS scan;
	Known *entry;

	if (known == NULL)
		return;
	hash_seq_init(&scan, known);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (hash == 0 || entry->hash == hash)
			(void) hash_search(known, &entry->oid, HASH_REMOVE, NULL);
	}
}

/* Returns a time that never runs backwards, in microseconds. */
static uint64
now(void)
{
	instr_time time;

	INSTR_TIME_SET_CURRENT(time);
	return INSTR_TIME_GET_MICROSEC(time);
}

/* Counts a call that ends. */
static void
count_call(const Call *call, AgentError outcome)
{
	uint64 duration = now() - call->start;
	int bucket = 0;

	while (bucket < AGENT_METRICS_BUCKETS - 1 && duration > bounds[bucket])
		bucket++;
	pg_atomic_fetch_add_u64(&call->slot->outcomes[outcome], 1);
	pg_atomic_fetch_add_u64(&call->slot->buckets[bucket], 1);
	pg_atomic_fetch_add_u64(&call->slot->microseconds, duration);
}

/* Tells that the calls of a function are to be told to the hook below. */
static bool
needs_hook(Oid oid)
{
	if (previous_needs_hook != NULL && previous_needs_hook(oid))
		return true;
	return agent_metrics_are_kept && find_slot(oid) != NULL;
}

/* Returns the call of an FmgrInfo. */
static Call *
call_of(FmgrInfo *flinfo, Datum *private)
{
	if (DatumGetPointer(*private) == NULL)
	{
		Call *call = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(Call));

		call->slot = find_slot(flinfo->fn_oid);
		*private = PointerGetDatum(call);
	}
	return (Call *) DatumGetPointer(*private);
}

/* Notes the beginning of a call, and counts its end. Others than those counted come here too. */
static void
at_call(FmgrHookEventType event, FmgrInfo *flinfo, Datum *private)
{
	Call *call;

	if (!agent_metrics_are_kept && DatumGetPointer(*private) == NULL && previous_hook == NULL)
		return;
	call = call_of(flinfo, private);
	if (event == FHET_START && call->slot != NULL)
	{
		agent_error_forget();
		call->start = agent_metrics_are_kept ? now() : 0;
	}
	else if (call->slot != NULL && call->start != 0)
		count_call(call, event == FHET_ABORT ? agent_error_passing() : AGENT_NO_ERROR);
	if (previous_hook != NULL)
		previous_hook(event, flinfo, &call->next);
}

/* Installs the hooks, when the library is being preloaded. */
void
agent_metrics_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_hook = fmgr_hook;
	fmgr_hook = at_call;
	previous_needs_hook = needs_fmgr_hook;
	needs_fmgr_hook = needs_hook;
	CacheRegisterSyscacheCallback(PROCOID, at_function_change, (Datum) 0);
}

/* Counts an answer to a classic request, of a route by its number; -1: there is none. */
void
agent_metrics_count_request(int route, int status)
{
	if (metrics == NULL || !agent_metrics_are_kept || status < STATUS_FIRST ||
		status >= STATUS_FIRST + STATUS_COUNT)
		return;
	if (route < 0 || route >= AGENT_METRICS_ROUTES)
		route = AGENT_METRICS_ROUTES;
	pg_atomic_fetch_add_u64(&metrics->requests[route][status - STATUS_FIRST], 1);
}

/* Tells what was counted of a function, by its number from 0; false when there are no more. */
bool
agent_metrics_calls(int number, AgentCalls *calls)
{
	Slot *slot;
	bool is_there;

	if (metrics == NULL || number >= FUNCTIONS_MAX)
		return false;
	slot = &metrics->slots[number];
	LWLockAcquire(&metrics->lock, LW_SHARED);
	is_there = number < metrics->count;
	strlcpy(calls->name, slot->name, NAMEDATALEN);
	LWLockRelease(&metrics->lock);
	for (int i = 0; i < AGENT_ERROR_COUNT; i++)
		calls->outcomes[i] = pg_atomic_read_u64(&slot->outcomes[i]);
	for (int i = 0; i < AGENT_METRICS_BUCKETS; i++)
		calls->buckets[i] = pg_atomic_read_u64(&slot->buckets[i]);
	calls->microseconds = pg_atomic_read_u64(&slot->microseconds);
	return is_there;
}

/* Tells how often a route, or for -1 none, was answered with a status. */
uint64
agent_metrics_requests(int route, int status)
{
	if (metrics == NULL)
		return 0;
	if (route < 0)
		route = AGENT_METRICS_ROUTES;
	return pg_atomic_read_u64(&metrics->requests[route][status - STATUS_FIRST]);
}
