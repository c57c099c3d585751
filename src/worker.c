/*
 * worker.c
 *		Writes what is in the ring to the databases it is for.
 *
 * The launcher is there as long as the server is, when the library is preloaded. For
 * each database that has something to be written it starts a writer, which works as
 * agent_owner, and leaves when there has been nothing for a while: an idle database can
 * be dropped. A writer that fails is started again, later each time. On a standby the
 * launcher begins with the promotion.
 */
#include "agent.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#define WRITERS       8    /* at once */
#define BATCH         64   /* entries of a transaction */
#define EXPIRE_BATCH  1000 /* rows of a transaction */
#define NAP           200  /* ms between looks of a writer */
#define IDLE_NAPS     5    /* without work, until it leaves */
#define RETRY_FIRST   1000 /* ms until a writer is started again */
#define RETRY_LAST    60000
#define RESTART_AFTER 1 /* seconds, of the launcher */
#define TRIM_EVERY    (600 * USECS_PER_SEC)

/* A writer, as the launcher knows it. */
typedef struct Writer
{
	Oid database; /* InvalidOid: none */
	BackgroundWorkerHandle *handle;
	TimestampTz started_at;
	int retry; /* ms to wait after that */
} Writer;

/* Fills in what all workers of the module have in common. */
void
agent_worker_describe(BackgroundWorker *worker, const char *name, const char *function)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	strlcpy(worker->bgw_name, name, sizeof(worker->bgw_name));
	strlcpy(worker->bgw_type, name, sizeof(worker->bgw_type));
	worker->bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker->bgw_library_name, "$libdir/agent", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, sizeof(worker->bgw_function_name));
}

/* Registers the launcher, when the library is being preloaded. */
void
agent_worker_init(void)
{
	BackgroundWorker worker;

	if (!process_shared_preload_libraries_in_progress)
		return;
	agent_worker_describe(&worker, "agent launcher", "agent_launcher_main");
	worker.bgw_restart_time = RESTART_AFTER;
	RegisterBackgroundWorker(&worker);
}

/* Starts a writer, if it is time; the answer of the server comes as a signal. */
static void
start_writer(Writer *writer, TimestampTz now)
{
	BackgroundWorker worker;

	if (now - writer->started_at < writer->retry * INT64CONST(1000))
		return;
	agent_worker_describe(&worker, "agent writer", "agent_writer_main");
	worker.bgw_main_arg = ObjectIdGetDatum(writer->database);
	worker.bgw_notify_pid = MyProcPid;
	writer->started_at = now;
	writer->retry = Min(Max(writer->retry * 2, RETRY_FIRST), RETRY_LAST);
	if (!RegisterDynamicBackgroundWorker(&worker, &writer->handle))
		writer->handle = NULL;
}

/* Tells whether a writer is at work, or about to be. */
static bool
is_at_work(Writer *writer)
{
	pid_t pid;

	if (writer->handle == NULL)
		return false;
	if (GetBackgroundWorkerPid(writer->handle, &pid) != BGWH_STOPPED)
		return true;
	pfree(writer->handle);
	writer->handle = NULL;
	return false;
}

/* Returns the writer of a database, a new one if need be, or NULL when there are too many. */
static Writer *
writer_of(Writer *writers, Oid database)
{
	Writer *free_one = NULL;

	for (int i = 0; i < WRITERS; i++)
	{
		if (writers[i].database == database)
			return &writers[i];
		if (!OidIsValid(writers[i].database))
			free_one = &writers[i];
	}
	if (free_one != NULL)
		*free_one = (Writer){.database = database};
	return free_one;
}

/* Tells whether a database is there still; what is to be written for one that is not goes. */
static bool
database_is_there(Oid database)
{
	bool there;

	StartTransactionCommand();
	there = get_database_name(database) != NULL;
	CommitTransactionCommand();
	if (!there)
		agent_ring_forget(database);
	return there;
}

/* Sees to it that each database with something to be written has a writer. */
static void
start_writers(Writer *writers)
{
	Oid databases[WRITERS];
	int count = agent_ring_databases(databases, WRITERS);
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < WRITERS; i++)
	{
		bool needed = false;

		for (int j = 0; j < count; j++)
			needed = needed || databases[j] == writers[i].database;
		if (!needed && !is_at_work(&writers[i]))
			writers[i].database = InvalidOid;
	}
	for (int i = 0; i < count; i++)
	{
		Writer *writer = database_is_there(databases[i]) ? writer_of(writers, databases[i]) : NULL;

		if (writer != NULL && !is_at_work(writer))
			start_writer(writer, now);
	}
}

/* Tells nobody to wake this process any more. */
static void
launcher_leaves(int code, Datum arg)
{
	agent_ring_wakes(NULL);
}

/* Waits until something happens, or for some time (ms). */
static void
wait_for(long time, const char *event)
{
	(void) WaitLatch(MyLatch,
					 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 time,
					 agent_wait_event(event));
	ResetLatch(MyLatch);
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* The launcher: the worker's main function. */
void
agent_launcher_main(Datum arg)
{
	Writer writers[WRITERS] = {{0}};

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	before_shmem_exit(launcher_leaves, (Datum) 0);
	agent_ring_wakes(MyLatch);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		start_writers(writers);
		wait_for(RETRY_FIRST, "AgentLauncherMain");
	}
}

/* Prepares a worker's connection; whoever waits for it may hold what it needs. */
void
agent_worker_connect(Oid database)
{
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	SetConfigOption("search_path", "pg_catalog", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("lock_timeout", "1s", PGC_USERSET, PGC_S_OVERRIDE);
}

/* Does work in a transaction of its own, as agent_owner: nothing in it runs as a superuser. */
void
agent_worker_transaction(void (*work)(void *), void *arg)
{
	Oid user;
	int context;

	GetUserIdAndSecContext(&user, &context);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SetUserIdAndSecContext(get_role_oid("agent_owner", false),
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	work(arg);
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	SetUserIdAndSecContext(user, context);
	pgstat_report_stat(true);
}

/* What a writer has read of the ring. */
typedef struct Batch
{
	int count;
	AgentRingEntry entries[BATCH];
} Batch;

/* Notes that a session was used. */
static void
write_use(const AgentEntry *entry)
{
	Datum values[] = {UUIDPGetDatum(&entry->user_id),
					  UUIDPGetDatum(&entry->session_id),
					  TimestampTzGetDatum(entry->at)};

	agent_execute(AGENT_PLAN_SESSION_USE, values, NULL);
}

/*
 * Writes what was read of the ring.
 *
 * The audit may wait for an account that is being deleted, which in turn would wait for
 * its sessions: those come last.
 */
static void
write_batch(void *arg)
{
	Batch *batch = arg;

	for (int i = 0; i < batch->count; i++)
	{
		if (batch->entries[i].entry.event != AGENT_EVENT_SESSION_USE)
			agent_audit_insert_late(&batch->entries[i].entry);
	}
	for (int i = 0; i < batch->count; i++)
	{
		if (batch->entries[i].entry.event == AGENT_EVENT_SESSION_USE)
			write_use(&batch->entries[i].entry);
	}
}

/* Deletes some of what is too old, and now and then what is too much. */
static void
expire(void *arg)
{
	uint64 *deleted = arg;

	*deleted = agent_audit_expire(EXPIRE_BATCH);
	if (*deleted < EXPIRE_BATCH && agent_is_within(TRIM_EVERY, 1, "trim", 4))
		agent_audit_trim();
}

/* Tells whether the extension is in the database: what was refused may have been its removal. */
static bool
extension_is_there(void)
{
	bool there;

	StartTransactionCommand();
	there = OidIsValid(get_extension_oid("agent", true));
	CommitTransactionCommand();
	return there;
}

/*
 * Writes all there is; false when there was nothing.
 *
 * An entry is crossed out when it was committed, and its id keeps it from being there
 * twice should that fail.
 */
static bool
write_all(Oid database, Batch *batch)
{
	bool worked = false;

	while ((batch->count = agent_ring_read(database, batch->entries, BATCH)) > 0)
	{
		worked = true;
		if (extension_is_there())
			agent_worker_transaction(write_batch, batch);
		agent_ring_written(batch->entries, batch->count);
		CHECK_FOR_INTERRUPTS();
	}
	return worked;
}

/* A writer: the worker's main function; it leaves when it is told to with nothing left behind. */
void
agent_writer_main(Datum arg)
{
	Oid database = DatumGetObjectId(arg);
	Batch *batch = palloc(sizeof(Batch));
	uint64 deleted = EXPIRE_BATCH;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	agent_worker_connect(database);
	pgstat_report_appname("agent writer");
	for (int idle = 0; idle < IDLE_NAPS && !ShutdownRequestPending;)
	{
		idle = write_all(database, batch) ? 0 : idle + 1;
		if (deleted == EXPIRE_BATCH && extension_is_there())
			agent_worker_transaction(expire, &deleted);
		else
			wait_for(NAP, "AgentWriterMain");
	}
	write_all(database, batch);
	proc_exit(0);
}
