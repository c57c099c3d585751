/*
 * pool.c
 *		The database connections of a lane: which is free, and what is said of them.
 *
 * What one connection does is in backend.c. They have a generation: when a statement
 * turns out to be out of date, then those of all connections are, which are opened
 * anew, each when it is free.
 *
 * A pool logs the first of its connections that fails, further ones when there is
 * news, and that all are back.
 */
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOWN_MS     5000 /* without any connection: requests do not wait for one */
#define COMPLAIN_MS 1000 /* at least, between two lines in the log about one failure */
#define RENEW_MS    1000 /* at least, between renewals of all connections */

/* Tells whether a request can be sent now. */
bool
pool_has_idle(const Pool *pool)
{
	return !TAILQ_EMPTY(&pool->idle);
}

/* Tells whether the database has been away for too long to wait for it. */
bool
pool_is_down(const Pool *pool)
{
	return pool->connected == 0 && clock_ms() - pool->down_since > DOWN_MS;
}

/* Changes the state, and with it the counts of the pool. */
void
pool_set_state(Backend *backend, BackendState state)
{
	Pool *pool = backend->pool;

	if (backend->state == BACKEND_IDLE)
		TAILQ_REMOVE(&pool->idle, backend, link);
	if (state == BACKEND_IDLE) /* the last one used is the first one used again */
		TAILQ_INSERT_HEAD(&pool->idle, backend, link);
	pool->connected += (state >= BACKEND_IDLE) - (backend->state >= BACKEND_IDLE);
	if (backend->state >= BACKEND_IDLE && pool->connected == 0)
		pool->down_since = clock_ms();
	backend->state = state;
}

/* Logs the failure of a connection: the first one, and then what is news. */
void
pool_complain(Backend *backend, const char *what, const char *message)
{
	Pool *pool = backend->pool;
	char text[160];
	bool first = pool->failing == 0;

	if (!backend->failing)
		pool->failing++;
	backend->failing = true;
	if (!first &&
		(strcmp(message, pool->complaint) == 0 || clock_ms() - pool->complained < COMPLAIN_MS))
		return;
	snprintf(pool->complaint, sizeof(pool->complaint), "%s", message);
	pool->complained = clock_ms();
	snprintf(text, sizeof(text), "%s: database connection %s", pool->name, what);
	log_message(text, message);
}

/* Notes that a connection is good, and logs when all are again. */
void
pool_be_content(Backend *backend)
{
	Pool *pool = backend->pool;

	if (!backend->failing)
		return;
	backend->failing = false;
	if (--pool->failing == 0)
		log_line("%s: all %d database connections are back", pool->name, pool->count);
}

/*
 * Tells whether a connection whose statement is out of date may be opened anew for it.
 *
 * An error of the same code that has another cause would come back each time.
 */
bool
pool_may_renew(const Backend *backend)
{
	const Pool *pool = backend->pool;

	return backend->generation != pool->generation || clock_ms() - pool->renewed > RENEW_MS;
}

/* Opens a connection anew, and with it all of its generation. */
void
pool_renew(Backend *backend)
{
	Pool *pool = backend->pool;
	Backend *next;

	if (backend->generation == pool->generation)
	{
		pool->generation++;
		pool->renewed = clock_ms();
	}
	backend_renew(backend);
	for (backend = TAILQ_FIRST(&pool->idle); backend != NULL; backend = next)
	{
		next = TAILQ_NEXT(backend, link);
		if (backend->generation != pool->generation)
			backend_renew(backend);
	}
}

/* Has a request sent over an idle connection; false when there is none. */
bool
pool_take(Pool *pool, Request *request)
{
	Backend *backend;

	while ((backend = TAILQ_FIRST(&pool->idle)) != NULL)
	{
		if (backend_send(backend, request))
			return true;
	}
	return false;
}

/* Ends the pauses of connections that have failed. */
void
pool_wake(Pool *pool)
{
	for (int i = 0; i < pool->count; i++)
		backend_wake(&pool->backends[i]);
}

/* Makes a pool, whose connections begin to open. */
Pool *
pool_new(Lane *lane, const char *name, int connections)
{
	Pool *pool = must_have(calloc(1, sizeof(Pool) + connections * sizeof(Backend)));

	pool->lane = lane;
	pool->name = name;
	pool->count = connections;
	pool->down_since = clock_ms();
	TAILQ_INIT(&pool->idle);
	for (int i = 0; i < connections; i++)
		backend_init(&pool->backends[i], pool);
	return pool;
}

/* Closes all connections and frees the pool; nobody waits for its answers any more. */
void
pool_free(Pool *pool)
{
	for (int i = 0; i < pool->count; i++)
		backend_free(&pool->backends[i]);
	free(pool);
}
