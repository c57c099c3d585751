/*
 * ring.c
 *		The ring in shared memory, for what must be written although a call fails.
 *
 * A session adds entries, at any point of a transaction, without raising and without
 * waiting for a disk; worker.c writes them to their database. What nobody has written
 * when the ring comes round is lost, and counted. So is all that is in it when the
 * server crashes; over a shutdown it is kept in a file, since by then there is nobody
 * who could write it to a table. Text in it is in the encoding of the database, UTF-8.
 */
#include "agent.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#define ENTRIES 4096

#define FILE_NAME   PGSTAT_STAT_PERMANENT_DIRECTORY "/agent_ring.stat"
#define FILE_FORMAT 1

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

/* What the file begins with. */
typedef struct FileHead
{
	uint32 format;
	uint32 slot_size; /* bytes: of another build, it cannot be read */
	int32 count;      /* slots that follow */
} FileHead;

static Ring *ring = NULL;

/* Returns how much shared memory is needed. */
Size
agent_ring_size(void)
{
	return MAXALIGN(sizeof(Ring));
}

/* Returns how many slots are pending. */
static int
pending(void)
{
	int count = 0;

	for (int i = 0; i < ENTRIES; i++)
		count += ring->slots[i].pending;
	return count;
}

/* Writes what is pending, or returns false. */
static bool
write_file(FILE *file)
{
	FileHead head = {FILE_FORMAT, sizeof(Slot), pending()};

	if (fwrite(&head, sizeof(head), 1, file) != 1)
		return false;
	/* From the oldest on. */
	for (uint64 i = 0; i < ENTRIES; i++)
	{
		Slot *slot = &ring->slots[(ring->newest + i) % ENTRIES];

		if (slot->pending && fwrite(slot, sizeof(Slot), 1, file) != 1)
			return false;
	}
	return true;
}

/*
 * Keeps what is pending in the file: of the postmaster, in an orderly shutdown, when
 * nobody else is left who could change it.
 */
static void
save(int code, Datum arg)
{
	FILE *file;
	bool good;

	if (code != 0 || ring == NULL || pending() == 0)
		return;
	file = AllocateFile(FILE_NAME ".tmp", PG_BINARY_W);
	good = file != NULL && write_file(file);
	if (file != NULL && FreeFile(file) != 0)
		good = false;
	if (!good)
		ereport(LOG,
				errcode_for_file_access(),
				errmsg("could not write file \"%s\": %m", FILE_NAME ".tmp"));
	else
		(void) durable_rename(FILE_NAME ".tmp", FILE_NAME, LOG);
}

/* Reads what the file has into the empty ring, or returns false. */
static bool
read_file(FILE *file)
{
	FileHead head;

	if (fread(&head, sizeof(head), 1, file) != 1 || head.format != FILE_FORMAT ||
		head.slot_size != sizeof(Slot) || head.count < 0 || head.count > ENTRIES)
		return false;
	while (ring->newest < (uint64) head.count)
	{
		Slot *slot = &ring->slots[ring->newest];

		if (fread(slot, sizeof(Slot), 1, file) != 1)
		{
			slot->pending = false;
			return false;
		}
		slot->number = ++ring->newest;
	}
	return true;
}

/* Takes back what was kept over a shutdown; the file is gone then, so that it is no older copy. */
static void
load(void)
{
	FILE *file = AllocateFile(FILE_NAME, PG_BINARY_R);

	if (file == NULL && errno == ENOENT)
		return;
	if (file == NULL || !read_file(file))
		ereport(LOG,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("could not read all of file \"%s\"", FILE_NAME),
				errdetail("What it held of the audit is lost."));
	if (file != NULL)
		FreeFile(file);
	(void) durable_unlink(FILE_NAME, LOG);
}

/* Sets the ring up, or finds it. */
void
agent_ring_attach(void)
{
	bool found;
	int tranche;

	ring = ShmemInitStruct("agent ring", agent_ring_size(), &found);
	if (!IsUnderPostmaster)
		on_shmem_exit(save, (Datum) 0);
	if (found)
		return;
	memset(ring, 0, sizeof(Ring));
	tranche = LWLockNewTrancheId();
	LWLockRegisterTranche(tranche, "agent ring");
	LWLockInitialize(&ring->lock, tranche);
	if (!IsUnderPostmaster)
		load();
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
	state.pending = pending();
	LWLockRelease(&ring->lock);
	return state;
}
