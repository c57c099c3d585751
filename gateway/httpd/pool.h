/*
 * pool.h
 *		A lane's database connections: what pool.c and backend.c share.
 */
#ifndef POOL_H
#define POOL_H

#include "httpd.h"

typedef enum BackendState
{
	BACKEND_PAUSED, /* after a failure, for a moment */
	BACKEND_CONNECTING,
	BACKEND_PREPARING, /* its statement */
	BACKEND_IDLE,
	BACKEND_BUSY /* with a request */
} BackendState;

/* backend.c: one connection. */
typedef struct Backend
{
	TAILQ_ENTRY(Backend) link; /* among the idle ones */
	Pool *pool;
	BackendState state;
	PGconn *conn;
	struct event *io;
	struct event *timer;
	short watched; /* what io waits for */
	Request *request;
	PGresult *result; /* the first error, or else the last one */
	int pause_ms;     /* after the next failure */
	int generation;   /* of the pool, when it was opened */
	int turns;        /* of the list of hosts, likewise */
	bool failing;     /* has failed and is not back */
	bool large;       /* has carried a large message */
} Backend;

extern void backend_init(Backend *backend, Pool *pool);
extern bool backend_send(Backend *backend, Request *request);
extern void backend_renew(Backend *backend);
extern void backend_wake(Backend *backend);
extern void backend_free(Backend *backend);

/* hosts.c: where the database is. */
#define HOSTS_SETTINGS 3 /* host, hostaddr, port */

extern void hosts_arrange(Backend *backend, const char **keywords, const char **values);
extern int hosts_connect_ms(PGconn *conn);
extern void hosts_turn(const Backend *backend);

/* pool.c: all of a lane. */
struct Pool
{
	Lane *lane;
	const char *name;
	TAILQ_HEAD(, Backend) idle;
	int connected;
	int64_t down_since;  /* by clock_ms(), when there is no connection */
	int generation;      /* of statements; older ones are out of date */
	int64_t renewed;     /* when it was counted up */
	int failing;         /* connections that have failed and are not back */
	int64_t complained;  /* when that was logged last */
	char complaint[256]; /* and what */
	int count;
	Backend backends[];
};

extern void pool_set_state(Backend *backend, BackendState state);
extern void pool_complain(Backend *backend, const char *what, const char *message);
extern void pool_be_content(Backend *backend);
extern bool pool_may_renew(const Backend *backend);
extern void pool_renew(Backend *backend);

#endif /* POOL_H */
