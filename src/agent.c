/*
 * agent.c
 *		Loading the module.
 *
 * The server calls _PG_init() once per process, or once in the postmaster when
 * the module is preloaded. It fails rather than leave a backend in which a
 * token could not be trusted: see agent_jwt_load().
 */
#include "agent.h"

AGENT_MODULE_MAGIC;

extern void _PG_init(void);

/* Sets the module up. */
void
_PG_init(void)
{
	/* First: what fails here is tried again by the session's next call. */
	agent_jwt_load();
	agent_guc_define();
	agent_memo_init();
	agent_redact_init();
	agent_shmem_init();
	agent_metrics_init();
	agent_worker_init();
}
