/*
 * shmem.c
 *		Shared memory: what the sessions of a cluster know of each other.
 *
 * There only when the library is preloaded (shared_preload_libraries); what rests on
 * it asks first, and does without. Each part is owned by one file, which knows its
 * size and sets it up, once, in the postmaster; a crash of any process sets all of it
 * up anew.
 */
#include "agent.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* Asks for the memory. */
static void
request(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(
		add_size(add_size(agent_limits_size(), agent_admission_size()), agent_ring_size()));
	RequestAddinShmemSpace(agent_metrics_size());
}

/* Sets the memory up, or finds it. */
static void
startup(void)
{
	if (previous_startup_hook != NULL)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	agent_limits_attach();
	agent_admission_attach();
	agent_ring_attach();
	agent_metrics_attach();
	LWLockRelease(AddinShmemInitLock);
}

/* Installs the hooks, when the library is being preloaded. */
void
agent_shmem_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup;
}
