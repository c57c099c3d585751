/*
 * backend.c
 *		A connection to the database, which opens itself again.
 *
 * It goes CONNECTING, PREPARING, IDLE, BUSY, IDLE, and so on; whatever fails, it is
 * dropped, PAUSED for a moment, and begins anew. It holds a request only while it is
 * BUSY. All of libpq is used without blocking, but for the look-up of a host's name.
 *
 * A request is sent a second time when that cannot do anything twice: it was never
 * sent as a whole, or its statement failed for being out of date, or it is GET or HEAD
 * and the server ended the connection on purpose. Otherwise whoever waits for it is
 * told 503: a request that crashes the server must not do so twice, and the one that
 * did looks the same as those beside it.
 *
 * Logged are SQLSTATE and primary message of an error, which agent_http() raises for
 * no reason that a client can give, and never a parameter.
 */
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT     "agent_http"
#define PAUSE_MIN_MS  100
#define PAUSE_MAX_MS  1000
#define LARGE         (4 << 20) /* bytes in a message; libpq's buffers keep such a size */
#define LARGE_IDLE_MS 10000     /* idle time after which a connection gives them back */

static void connect_backend(Backend *backend);
static void on_io(evutil_socket_t fd, short what, void *arg);

/* Sets the timer of a connection, or with 0 stops it. */
static void
set_timer(Backend *backend, int ms)
{
	struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (ms > 0)
		event_add(backend->timer, &time);
	else
		event_del(backend->timer);
}

/* Waits for the socket to become readable, writable or both. */
static void
watch(Backend *backend, short what)
{
	if (backend->watched == what)
		return;
	event_del(backend->io);
	event_assign(backend->io, base, PQsocket(backend->conn), what | EV_PERSIST, on_io, backend);
	event_add(backend->io, NULL);
	backend->watched = what;
}

/* Stops waiting for the socket: libpq may be about to close it. */
static void
unwatch(Backend *backend)
{
	if (backend->watched != 0)
		event_del(backend->io);
	backend->watched = 0;
}

/*
 * Waits before a connection is opened anew, longer each time.
 *
 * How long is left to chance, by half: of many connections that were lost at once, one
 * soon finds out that the database is back, and tells the others.
 */
static void
pause_backend(Backend *backend)
{
	set_timer(backend, backend->pause_ms / 2 + (int) (random() % (backend->pause_ms / 2)));
	backend->pause_ms *= 2;
	if (backend->pause_ms > PAUSE_MAX_MS)
		backend->pause_ms = PAUSE_MAX_MS;
}

/* Drops the connection and begins anew after a pause, or at once. */
static void
drop(Backend *backend, bool at_once)
{
	unwatch(backend);
	PQclear(backend->result);
	backend->result = NULL;
	PQfinish(backend->conn);
	backend->conn = NULL;
	backend->large = false;
	pool_set_state(backend, BACKEND_PAUSED);
	if (at_once)
		connect_backend(backend);
	else
		pause_backend(backend);
}

/* Tells whether the server has said that it ends the connection, and not for a crash. */
static bool
was_ended(const Backend *backend)
{
	const char *state = PQresultErrorField(backend->result, PG_DIAG_SQLSTATE);

	/* by an administrator, or for having been idle */
	return state != NULL && (strcmp(state, "57P01") == 0 || strcmp(state, "57P05") == 0);
}

/* Drops a connection that has failed. Its request is sent once more, or answered. */
static void
lose(Backend *backend, const char *what, const char *message)
{
	Request *request = backend->request;
	bool ended = was_ended(backend);

	backend->request = NULL;
	pool_complain(backend, what, message);
	drop(backend, false);
	if (request == NULL)
		return;
	if (request->is_safe && ended && !request->retried)
	{
		request->retried = true;
		lane_resubmit(backend->pool->lane, request);
	}
	else
		answer_request_error(request, 503);
}

/* Drops a connection that has failed, for the reason that libpq gives. */
static void
lose_for_error(Backend *backend)
{
	char message[sizeof(backend->pool->complaint)];

	snprintf(message, sizeof(message), "%s", PQerrorMessage(backend->conn));
	lose(backend, backend->state >= BACKEND_IDLE ? "lost" : "failed", message);
}

/* Renews a connection whose statement is out of date, or whose buffers are large. */
void
backend_renew(Backend *backend)
{
	drop(backend, true);
}

/* Ends the pause of a connection: another one has found the database there. */
void
backend_wake(Backend *backend)
{
	if (backend->state == BACKEND_PAUSED)
		set_timer(backend, 1);
}

/* Makes a connection free for the next request; it may have one when this returns. */
static void
make_idle(Backend *backend)
{
	PQclear(backend->result);
	backend->result = NULL;
	set_timer(backend, backend->large ? LARGE_IDLE_MS : 0);
	if (backend->generation != backend->pool->generation)
		backend_renew(backend);
	else
		pool_set_state(backend, BACKEND_IDLE);
	lane_dispatch(backend->pool->lane);
}

/* Tells whether an error says that the statement has to be prepared anew. */
static bool
is_out_of_date(const char *sqlstate)
{
	return strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "0A000") == 0;
}

/* Logs an error of the database. */
static void
log_sql_error(const Backend *backend, const char *sqlstate)
{
	char what[160];
	const char *message = PQresultErrorField(backend->result, PG_DIAG_MESSAGE_PRIMARY);

	snprintf(what, sizeof(what), "%s: SQL error %s", backend->pool->name, sqlstate);
	log_message(what, message != NULL ? message : "");
}

/* Deals with a request whose statement has failed. */
static void
finish_with_error(Backend *backend)
{
	const char *severity = PQresultErrorField(backend->result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *state = PQresultErrorField(backend->result, PG_DIAG_SQLSTATE);
	Request *request = backend->request;
	int status;

	if (state == NULL || severity == NULL || strcmp(severity, "ERROR") != 0 ||
		PQstatus(backend->conn) == CONNECTION_BAD)
	{
		lose_for_error(backend);
		return;
	}
	log_sql_error(backend, state);
	if (is_out_of_date(state) && !request->renewed && pool_may_renew(backend))
	{
		request->renewed = true;
		backend->request = NULL;
		pool_renew(backend);
		lane_resubmit(backend->pool->lane, request);
		return;
	}
	status = answer_status_of(state);
	backend->request = NULL;
	make_idle(backend);
	answer_request_error(request, status);
}

/* Deals with a request whose statement has ended. */
static void
finish_request(Backend *backend)
{
	PGresult *result = backend->result;
	Request *request = backend->request;

	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1 ||
		PQnfields(result) != 3)
	{
		finish_with_error(backend);
		return;
	}
	if (PQgetlength(result, 0, 2) > LARGE || request->body.len > LARGE)
		backend->large = true;
	backend->request = NULL;
	backend->result = NULL;
	make_idle(backend); /* first, so that the database works while the answer is written */
	answer_request(request, result);
}

/* Deals with the end of what was sent last. */
static void
finish(Backend *backend)
{
	if (backend->state == BACKEND_BUSY)
		finish_request(backend);
	else if (backend->state != BACKEND_PREPARING)
		return;
	else if (PQresultStatus(backend->result) != PGRES_COMMAND_OK)
		lose_for_error(backend);
	else
	{
		backend->pause_ms = PAUSE_MIN_MS;
		pool_be_content(backend);
		lane_wake_all();
		make_idle(backend);
	}
}

/* Keeps a result: the first error, or else the last one. */
static void
keep_result(Backend *backend, PGresult *result)
{
	if (PQresultStatus(backend->result) == PGRES_FATAL_ERROR && backend->result != NULL)
		PQclear(result);
	else
	{
		PQclear(backend->result);
		backend->result = result;
	}
}

/* Sends what libpq has still to send; false when the connection is lost. */
static bool
flush(Backend *backend)
{
	int more = PQflush(backend->conn);

	if (more < 0)
		return false;
	watch(backend, more > 0 ? EV_READ | EV_WRITE : EV_READ);
	return true;
}

/* Reads what has come. */
static void
receive(Backend *backend)
{
	PGresult *result;

	if (!PQconsumeInput(backend->conn) || !flush(backend))
	{
		lose_for_error(backend);
		return;
	}
	while (!PQisBusy(backend->conn))
	{
		result = PQgetResult(backend->conn);
		if (result == NULL)
		{
			if (PQstatus(backend->conn) == CONNECTION_BAD && backend->state == BACKEND_IDLE)
				lose_for_error(backend);
			else
				finish(backend);
			return;
		}
		keep_result(backend, result);
	}
}

/* Sends the statement to be prepared, over a connection that has just been made. */
static void
prepare(Backend *backend)
{
	static const Oid types[REQUEST_PARAMETERS] = {25, 25, 25, 3802, 17};
	char *schema = PQescapeIdentifier(backend->conn, options.schema, strlen(options.schema));
	Buffer sql = {0};
	bool sent;

	/*
	 * A function in FROM would have its row stored and read again, body and all.
	 * OFFSET 0 keeps the call from being made once for each field.
	 */
	buffer_add_text(&sql, "SELECT (r).status, (r).headers, (r).body FROM (SELECT ");
	buffer_add_text(&sql, schema != NULL ? schema : "");
	buffer_add_text(&sql, ".agent_http($1, $2, $3, $4, $5) AS r OFFSET 0) AS x");
	buffer_add(&sql, "", 1);
	PQfreemem(schema);
	pool_set_state(backend, BACKEND_PREPARING);
	PQsetnonblocking(backend->conn, 1);
	sent = PQsendPrepare(backend->conn, STATEMENT, sql.data, REQUEST_PARAMETERS, types);
	buffer_free(&sql);
	if (!sent || !flush(backend))
		lose_for_error(backend);
}

/* Goes on with connecting. */
static void
go_on_connecting(Backend *backend)
{
	unwatch(backend); /* the socket may be another one afterwards */
	switch (PQconnectPoll(backend->conn))
	{
	case PGRES_POLLING_READING:
		watch(backend, EV_READ);
		break;
	case PGRES_POLLING_WRITING:
		watch(backend, EV_WRITE);
		break;
	case PGRES_POLLING_OK:
		prepare(backend);
		break;
	default:
		lose_for_error(backend);
		break;
	}
}

/* Drops a notice: it may be about anything, and nobody asked for it. */
static void
ignore_notice(void *arg, const PGresult *result)
{
	(void) arg;
	(void) result;
}

/*
 * Opens a connection.
 *
 * What comes before dbname are defaults; what comes after it overrides. Dead hosts
 * are noticed by TCP itself.
 */
static void
connect_backend(Backend *backend)
{
	const char *keywords[] = {"application_name",
							  "tcp_user_timeout",
							  "keepalives_idle",
							  "keepalives_interval",
							  "keepalives_count",
							  "dbname",
							  "client_encoding",
							  "options",
							  [8 + HOSTS_SETTINGS] = NULL};
	const char *values[8 + HOSTS_SETTINGS + 1] =
		{"agent-httpd", "10000", "10", "5", "3", options.database, "UTF8"};

	if (getenv("PGOPTIONS") == NULL && !options.has_options)
		values[7] = "-c statement_timeout=30s -c default_transaction_isolation=read\\ committed";
	hosts_arrange(backend, keywords + 8, values + 8);
	backend->generation = backend->pool->generation;
	backend->conn = must_have(PQconnectStartParams(keywords, values, 1));
	PQsetNoticeReceiver(backend->conn, ignore_notice, NULL);
	pool_set_state(backend, BACKEND_CONNECTING);
	set_timer(backend, hosts_connect_ms(backend->conn));
	if (PQstatus(backend->conn) == CONNECTION_BAD)
		lose_for_error(backend);
	else
		watch(backend, EV_WRITE);
}

/* The socket of a connection is ready. */
static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	Backend *backend = arg;

	(void) fd;
	if (backend->state == BACKEND_CONNECTING)
		go_on_connecting(backend);
	else if ((what & EV_WRITE) && !flush(backend))
		lose_for_error(backend);
	else if (what & EV_READ)
		receive(backend);
}

/* The time of what a connection is doing is over. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	Backend *backend = arg;

	(void) fd;
	(void) what;
	switch (backend->state)
	{
	case BACKEND_PAUSED:
		connect_backend(backend);
		break;
	case BACKEND_IDLE:
		backend_renew(backend);
		break;
	case BACKEND_CONNECTING:
	case BACKEND_PREPARING:
		hosts_turn(backend);
		lose(backend, "failed", "it takes too long");
		break;
	case BACKEND_BUSY:
		lose(backend, "given up", "the database does not answer");
		break;
	}
}

/*
 * Sends a request over an idle connection; when that is lost, returns false.
 *
 * A connection that the server has closed in the meantime is found out by reading
 * first: once a request has been sent over it, nobody knows whether it was received.
 */
bool
backend_send(Backend *backend, Request *request)
{
	static const int binary[REQUEST_PARAMETERS] = {1, 1, 1, 1, 1};
	const char *values[REQUEST_PARAMETERS];
	int lengths[REQUEST_PARAMETERS];
	PGconn *conn = backend->conn;

	request_parameters(request, values, lengths);
	if (!PQconsumeInput(conn) || PQstatus(conn) == CONNECTION_BAD ||
		!PQsendQueryPrepared(conn, STATEMENT, REQUEST_PARAMETERS, values, lengths, binary, 1))
	{
		lose_for_error(backend);
		return false;
	}
	pool_set_state(backend, BACKEND_BUSY);
	set_timer(backend, 2 * options.wait_ms);
	backend->request = request;
	if (!flush(backend))
		lose_for_error(backend);
	return true;
}

/* Begins to open a connection, in memory that the pool has cleared. */
void
backend_init(Backend *backend, Pool *pool)
{
	backend->pool = pool;
	backend->pause_ms = PAUSE_MIN_MS;
	backend->io = must_have(event_new(base, -1, 0, on_io, backend));
	backend->timer = must_have(evtimer_new(base, on_timer, backend));
	connect_backend(backend);
}

/* Closes a connection and frees what it holds. */
void
backend_free(Backend *backend)
{
	unwatch(backend);
	event_free(backend->io);
	event_free(backend->timer);
	PQclear(backend->result);
	PQfinish(backend->conn);
	if (backend->request != NULL)
		request_free(backend->request);
}
