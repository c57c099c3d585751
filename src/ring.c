/*
 * ring.c
 *		The ring in shared memory, for what must be written although a call fails.
 *
 * A session adds entries, at any point of a transaction, without raising and without
 * waiting for a disk; worker.c writes them to their database. What nobody has written
 * when the ring comes round is lost, and counted. So is all that is in it when the
 * server crashes. Text in it is in the encoding of the database, UTF-8.
 */
#include "agent.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#define ENTRIES 4096

typedef struct Slot
{
	uint64 number; /* of the entry, from 1 */
	bool pending;  /* nobody has written it yet */
	Oid database;
	AgentEntry entry;
} Slot;

typedef struct Ring
{
	LWLock lock;
	uint64 newest; /* number of the newest entry; 0: none */
	int64 lost;
	int launcher_pid; /* 0: there is none */
	Latch *launcher;  /* woken by what is added */
	Slot slots[ENTRIES];
} Ring;

static Ring *ring = NULL;

/* Returns how much shared memory is needed. */
Size
agent_ring_size(void)
{
	return MAXALIGN(sizeof(Ring));
}

/* Sets the ring up, or finds it. */
void
agent_ring_attach(void)
{
	bool found;
	int tranche;

	ring = ShmemInitStruct("agent ring", agent_ring_size(), &found);
	if (found)
		return;
	memset(ring, 0, sizeof(Ring));
	tranche = LWLockNewTrancheId();
	LWLockRegisterTranche(tranche, "agent ring");
	LWLockInitialize(&ring->lock, tranche);
}

/* Adds an entry for this database. */
void
agent_ring_add(const AgentEntry *entry)
{
	Slot *slot;

	if (ring == NULL)
		return;
	LWLockAcquire(&ring->lock, LW_EXCLUSIVE);
	slot = &ring->slots[ring->newest % ENTRIES];
	/* Uses of sessions may be left out, evidence not. */
	if (!slot->pending || entry->event != AGENT_EVENT_SESSION_USE)
	{
		ring->lost += slot->pending && slot->entry.event != AGENT_EVENT_SESSION_USE;
		ring->newest++;
		*slot = (Slot){ring->newest, true, MyDatabaseId, *entry};
		if (ring->launcher != NULL)
			SetLatch(ring->launcher);
	}
	LWLockRelease(&ring->lock);
}

/* Copies the oldest entries that are still to be written for a database; returns how many. */
int
agent_ring_read(Oid database, AgentRingEntry *entries, int most)
{
	uint64 number;
	int count = 0;

	LWLockAcquire(&ring->lock, LW_SHARED);
	number = ring->newest > ENTRIES ? ring->newest - ENTRIES : 0;
	for (; number < ring->newest && count < most; number++)
	{
		Slot *slot = &ring->slots[number % ENTRIES];

		if (slot->pending && slot->database == database)
			entries[count++] = (AgentRingEntry){slot->number, slot->entry};
	}
	LWLockRelease(&ring->lock);
	return count;
}

/* Notes that entries were written. */
void
agent_ring_written(const AgentRingEntry *entries, int count)
{
	LWLockAcquire(&ring->lock, LW_EXCLUSIVE);
	for (int i = 0; i < count; i++)
	{
		Slot *slot = &ring->slots[(entries[i].number - 1) % ENTRIES];

		if (slot->number == entries[i].number)
			slot->pending = false;
	}
	LWLockRelease(&ring->lock);
}

/* Crosses out all entries for a database. */
void
agent_ring_forget(Oid database)
{
	LWLockAcquire(&ring->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ENTRIES; i++)
	{
		if (ring->slots[i].database == database)
			ring->slots[i].pending = false;
	}
	LWLockRelease(&ring->lock);
}

/* Fills in which databases have entries to be written; returns how many. */
int
agent_ring_databases(Oid *databases, int most)
{
	int count = 0;

	LWLockAcquire(&ring->lock, LW_SHARED);
	for (int i = 0; i < ENTRIES && count < most; i++)
	{
		bool known = !ring->slots[i].pending;

		for (int j = 0; j < count && !known; j++)
			known = databases[j] == ring->slots[i].database;
		if (!known)
			databases[count++] = ring->slots[i].database;
	}
	LWLockRelease(&ring->lock);
	return count;
}

/* Makes this process the one that is woken by what is added, or, with NULL, nobody. */
void
agent_ring_wakes(Latch *latch)
{
	LWLockAcquire(&ring->lock, LW_EXCLUSIVE);
	ring->launcher = latch;
	ring->launcher_pid = latch != NULL ? MyProcPid : 0;
	LWLockRelease(&ring->lock);
}

/* Tells how full the ring is, what it has lost, and who writes it. */
AgentRingState
agent_ring_state(void)
{
	AgentRingState state = {0};

	if (ring == NULL)
		return state;
	LWLockAcquire(&ring->lock, LW_SHARED);
	state.launcher_pid = ring->launcher_pid;
	state.lost = ring->lost;
	for (int i = 0; i < ENTRIES; i++)
		state.pending += ring->slots[i].pending;
	LWLockRelease(&ring->lock);
	return state;
}
