/*
 * admission.c
 *		How many password hashes are computed at once, in all sessions together.
 *
 * A hash takes a core for a quarter of a second, on purpose: as many at once as cores
 * can be spared leave the others to reads. Whoever comes on top waits in the order of
 * arrival, as many as agent.hash_queue says, and the rest are told to come again.
 * Waiting ends with statement_timeout, a cancel or the session, as hashing does, and
 * each way the place is free again. Whoever hashes lets others have the core every
 * millisecond: reads are over in less. Without shared memory everybody is let in.
 */
#include "agent.h"

#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/timeout.h"

#include <sched.h>
#include <unistd.h>

#define TELL_EVERY (60 * USECS_PER_SEC) /* that callers are sent away */

typedef struct Admission
{
	slock_t lock;
	int cores;
	int running;
	int waiting;
	int64 refused;
	double usual; /* time of a hash, in microseconds */
	ConditionVariable free;
} Admission;

/* Where this process is; what it holds it gives back on every way out. */
typedef enum Place
{
	OUTSIDE,
	WAITING,
	RUNNING
} Place;

#define YIELD_EVERY 1 /* ms */

static Admission *admission = NULL;
static Place place = OUTSIDE;
static TimeoutId yielding = MAX_TIMEOUTS; /* not registered yet */

/* Returns how much shared memory is needed. */
Size
agent_admission_size(void)
{
	return MAXALIGN(sizeof(Admission));
}

/* Sets the counts up, or finds them. */
void
agent_admission_attach(void)
{
	bool found;

	admission = ShmemInitStruct("agent hash admission", agent_admission_size(), &found);
	if (found)
		return;
	memset(admission, 0, sizeof(Admission));
	SpinLockInit(&admission->lock);
	ConditionVariableInit(&admission->free);
	admission->cores = (int) sysconf(_SC_NPROCESSORS_ONLN);
	admission->usual = 250000;
}

/* Returns how many may run at once. */
static int
places(void)
{
	return agent_hash_concurrency > 0 ? agent_hash_concurrency : Max(admission->cores - 1, 1);
}

/* Takes a place if one is free; those who come do not overtake those who wait. */
static bool
try_enter(void)
{
	bool entered;

	SpinLockAcquire(&admission->lock);
	entered = admission->running < places() && (place == WAITING || admission->waiting == 0);
	if (entered)
	{
		admission->running++;
		admission->waiting -= place == WAITING;
	}
	SpinLockRelease(&admission->lock);
	if (entered)
		place = RUNNING;
	return entered;
}

/* Joins the queue, or returns how long it will take (microseconds) when that is full. */
static int64
try_queue(void)
{
	int64 wait = 0;

	SpinLockAcquire(&admission->lock);
	if (admission->waiting < agent_hash_queue)
		admission->waiting++;
	else
	{
		wait = (int64) ((admission->waiting + 1) * admission->usual / places());
		admission->refused++;
	}
	SpinLockRelease(&admission->lock);
	if (wait == 0)
		place = WAITING;
	return wait;
}

/* Tells whether somebody who waits could enter. */
static bool
next_may_enter(void)
{
	bool may;

	SpinLockAcquire(&admission->lock);
	may = admission->running < places() && admission->waiting > 0;
	SpinLockRelease(&admission->lock);
	return may;
}

/*
 * Wakes the next one in the queue, if there is a place: whoever is woken in vain goes to
 * the end of it.
 */
static void
wake_next(void)
{
	if (next_may_enter())
		ConditionVariableSignal(&admission->free);
}

/* Lets others have the core, in the handler of a signal. */
static void
yield_core(void)
{
	(void) sched_yield();
}

/* Begins to let others have the core now and then. */
static void
begin_yielding(void)
{
	if (yielding == MAX_TIMEOUTS)
		yielding = RegisterTimeout(USER_TIMEOUT, yield_core);
	enable_timeout_every(yielding,
						 TimestampTzPlusMilliseconds(GetCurrentTimestamp(), YIELD_EVERY),
						 YIELD_EVERY);
}

/* Gives back what this process holds, and lets the next one in. */
static void
leave(void)
{
	Place held = place;

	if (held == OUTSIDE)
		return;
	if (held == RUNNING && yielding != MAX_TIMEOUTS)
		disable_timeout(yielding, false);
	/* Not to wake itself up. */
	ConditionVariableCancelSleep();
	SpinLockAcquire(&admission->lock);
	if (held == RUNNING)
		admission->running--;
	else
		admission->waiting--;
	SpinLockRelease(&admission->lock);
	place = OUTSIDE;
	wake_next();
}

/* The same, as errors and the end of the process call it. */
static void
leave_on_the_way_out(int code, Datum arg)
{
	leave();
}

/* Waits for a place; 0, or how long it would take when the queue is full (microseconds). */
static int64
enter(void)
{
	int64 wait;

	if (try_enter())
		return 0;
	wait = try_queue();
	if (wait > 0)
		return wait;
	ConditionVariablePrepareToSleep(&admission->free);
	while (!try_enter())
		ConditionVariableSleep(&admission->free, agent_wait_event("AgentHashQueue"));
	ConditionVariableCancelSleep();
	/* There may be more places than there were. */
	wake_next();
	return 0;
}

/* Raises that the queue is full, and reports it. */
void
agent_admission_refuse(int64 wait)
{
	if (agent_is_within(TELL_EVERY, 1, "busy", 4))
		agent_audit_report(AGENT_EVENT_BUSY, NULL, NULL, NULL);
	agent_raise_until(AGENT_BUSY, wait);
}

/* Keeps the usual time of a hash, of which this was one. */
static void
learn_time(instr_time start)
{
	instr_time end;

	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	SpinLockAcquire(&admission->lock);
	admission->usual += (INSTR_TIME_GET_MICROSEC(end) - admission->usual) / 8;
	SpinLockRelease(&admission->lock);
}

/*
 * Does work that hashes passwords, in its turn.
 *
 * Returns 0, or, with the queue full and nothing done, how long it would take
 * (microseconds).
 */
int64
agent_admission_try(void (*work)(void *), void *arg)
{
	instr_time start;
	int64 wait;

	/* Within another's work it has a place already. */
	if (admission == NULL || place != OUTSIDE)
	{
		work(arg);
		return 0;
	}
	PG_ENSURE_ERROR_CLEANUP(leave_on_the_way_out, (Datum) 0);
	{
		wait = enter();
		INSTR_TIME_SET_CURRENT(start);
		if (wait == 0)
		{
			begin_yielding();
			work(arg);
			learn_time(start);
		}
	}
	PG_END_ENSURE_ERROR_CLEANUP(leave_on_the_way_out, (Datum) 0);
	leave();
	return wait;
}

/* The same, and raises that the queue is full. */
void
agent_admission_run(void (*work)(void *), void *arg)
{
	int64 wait = agent_admission_try(work, arg);

	if (wait > 0)
		agent_admission_refuse(wait);
}

/* Tells how many hash and wait now, how many may, and how many were sent away. */
AgentAdmissionState
agent_admission_state(void)
{
	AgentAdmissionState state = {0};

	if (admission == NULL)
		return state;
	SpinLockAcquire(&admission->lock);
	state = (AgentAdmissionState){.places = places(),
								  .running = admission->running,
								  .waiting = admission->waiting,
								  .refused = admission->refused};
	SpinLockRelease(&admission->lock);
	return state;
}
