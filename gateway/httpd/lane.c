/*
 * lane.c
 *		A lane: a listener, a bounded queue, and database connections of its own.
 *
 * How many connections a lane has is how many of its requests the database works on
 * at a time: requests that hash passwords go through a lane of few, and however many
 * of them there are, the others have their connections to themselves.
 *
 * A request is in the queue only while all connections are taken or lost, in the
 * order of arrival, for a bounded time. One that is sent a second time goes first.
 *
 * lane_submit(), lane_resubmit() and lane_dispatch() may answer requests.
 */
#include "httpd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS     8 /* of a lane, unless it says otherwise */
#define CONNECTIONS_MAX 1000
#define QUEUE           1024
#define QUEUE_MAX       1000000
#define MODE            0660 /* of a Unix socket */
#define TICK_MS         50   /* how exactly the time in the queue is kept */
#define COMPLAIN_MS     1000 /* at least, between two lines in the log about refusals */

struct Lane
{
	TAILQ_ENTRY(Lane) link;
	char *name; /* the address */
	Listener *listener;
	int connections;
	int queue_max;
	int mode;
	Pool *pool;
	TAILQ_HEAD(, Request) queue;
	int queued;
	struct event *tick;
	int64_t complained; /* when a refusal was last logged or kept from it */
};

static TAILQ_HEAD(, Lane) lanes = TAILQ_HEAD_INITIALIZER(lanes);

/* Takes a request out of the queue. */
static void
dequeue(Request *request)
{
	Lane *lane = request->lane;

	TAILQ_REMOVE(&lane->queue, request, link);
	request->queued = false;
	lane->queued--;
}

/* Puts a request into the queue. */
static void
enqueue(Lane *lane, Request *request, bool first)
{
	if (first)
		TAILQ_INSERT_HEAD(&lane->queue, request, link);
	else
		TAILQ_INSERT_TAIL(&lane->queue, request, link);
	request->queued = true;
	lane->queued++;
	if (!event_pending(lane->tick, EV_TIMEOUT, NULL))
		event_add(lane->tick, &(struct timeval){.tv_usec = TICK_MS * 1000});
}

/* Answers a request with 503, and says so in the log, though not for each. */
static void
refuse(Lane *lane, Request *request, const char *reason)
{
	int64_t now = clock_ms();

	if (now - lane->complained > COMPLAIN_MS)
		log_line("%s: answering 503: %s", lane->name, reason);
	lane->complained = now;
	answer_request_error(request, 503);
}

/*
 * Has a request worked on; false when no connection is free.
 *
 * It is refused, and not kept waiting, while too much of what others have asked for is
 * still to be read by them: they may take as long as they like.
 */
static bool
take(Lane *lane, Request *request)
{
	if (client_answers() <= options.answers_max)
		return pool_take(lane->pool, request);
	refuse(lane, request, "clients have too much still to read");
	return true;
}

/* Answers the requests that have waited too long, or that wait for nothing. */
static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	Lane *lane = arg;
	Request *request;
	bool down = pool_is_down(lane->pool);

	(void) fd;
	(void) what;
	while ((request = TAILQ_FIRST(&lane->queue)) != NULL &&
		   (down || request->deadline <= clock_ms()))
	{
		dequeue(request);
		refuse(lane,
			   request,
			   down ? "there is no database connection"
					: "no database connection was free in time");
	}
	if (lane->queued > 0)
		event_add(lane->tick, &(struct timeval){.tv_usec = TICK_MS * 1000});
}

/* Hands waiting requests to connections for as long as there are both. */
void
lane_dispatch(Lane *lane)
{
	Request *request;

	while ((request = TAILQ_FIRST(&lane->queue)) != NULL && pool_has_idle(lane->pool))
	{
		dequeue(request);
		if (!take(lane, request))
		{
			enqueue(lane, request, true);
			return;
		}
	}
}

/* Takes a request over: it will be answered, now or later. */
void
lane_submit(Lane *lane, Request *request)
{
	request->deadline = clock_ms() + options.wait_ms;
	if (pool_is_down(lane->pool))
		refuse(lane, request, "there is no database connection");
	else if (lane->queued > 0 || !take(lane, request))
	{
		if (lane->queued < lane->queue_max)
			enqueue(lane, request, false);
		else
			refuse(lane, request, "the queue is full");
	}
}

/* Takes back a request that a connection could not answer, to be sent once more. */
void
lane_resubmit(Lane *lane, Request *request)
{
	if (request->client == NULL)
	{
		request_free(request);
		return;
	}
	enqueue(lane, request, true);
	lane_dispatch(lane);
}

/* Drops a request whose client has gone, if it is still waiting. */
void
lane_forget(Request *request)
{
	if (!request->queued)
		return;
	dequeue(request);
	request_free(request);
}

/* Reads the number after NAME= in an option of a lane; false when it is out of range. */
static bool
number_option(const char *option, const char *name, int radix, long max, int *number)
{
	size_t len = strlen(name);
	char *end;
	long value;

	if (strncmp(option, name, len) != 0 || option[len] < '0' || option[len] > '9')
		return false;
	errno = 0;
	value = strtol(option + len, &end, radix);
	if (*end != '\0' || errno != 0 || value < 0 || value > max)
		return false;
	*number = (int) value;
	return true;
}

/* Sets the options after the address, which are separated by commas. */
static bool
set_options(Lane *lane, char *list)
{
	for (char *option = strtok(list, ","); option != NULL; option = strtok(NULL, ","))
	{
		if (!number_option(option, "connections=", 10, CONNECTIONS_MAX, &lane->connections) &&
			!number_option(option, "queue=", 10, QUEUE_MAX, &lane->queue_max) &&
			!number_option(option, "mode=", 8, 0777, &lane->mode))
		{
			log_line("--listen %s: bad option \"%s\"", lane->name, option);
			return false;
		}
	}
	if (lane->connections == 0)
		log_line("--listen %s: connections must be 1 or more", lane->name);
	return lane->connections > 0;
}

/* Makes a lane from what --listen says; false, with a message, when it is wrong. */
bool
lane_new(const char *spec)
{
	Lane *lane = must_have(calloc(1, sizeof(Lane)));
	char *comma;

	lane->name = must_have(strdup(spec));
	lane->connections = CONNECTIONS;
	lane->queue_max = QUEUE;
	lane->mode = MODE;
	TAILQ_INIT(&lane->queue);
	TAILQ_INSERT_TAIL(&lanes, lane, link);
	comma = strchr(lane->name, ',');
	if (comma != NULL)
		*comma = '\0';
	if (comma != NULL && !set_options(lane, comma + 1))
		return false;
	lane->listener = listen_new(lane, lane->name, lane->mode);
	return lane->listener != NULL;
}

/* Starts all lanes; false, with a message, when one cannot listen. */
bool
lane_start_all(void)
{
	Lane *lane;

	TAILQ_FOREACH(lane, &lanes, link)
	{
		if (!listen_start(lane->listener))
			return false;
	}
	TAILQ_FOREACH(lane, &lanes, link)
	{
		lane->tick = must_have(evtimer_new(base, on_tick, lane));
		lane->pool = pool_new(lane, lane->name, lane->connections);
		log_line("%s: listening, %d connections, queue of %d",
				 lane->name,
				 lane->connections,
				 lane->queue_max);
	}
	return true;
}

/* Tells how many database connections all lanes have. */
int
lane_connections(void)
{
	Lane *lane;
	int sum = 0;

	TAILQ_FOREACH(lane, &lanes, link)
	{
		sum += lane->connections;
	}
	return sum;
}

/* Has all lost connections opened at once: the database is there. */
void
lane_wake_all(void)
{
	Lane *lane;

	TAILQ_FOREACH(lane, &lanes, link)
	{
		if (lane->pool != NULL)
			pool_wake(lane->pool);
	}
}

/* Frees all lanes; there are no clients any more. */
void
lane_free_all(void)
{
	Lane *lane;

	while ((lane = TAILQ_FIRST(&lanes)) != NULL)
	{
		TAILQ_REMOVE(&lanes, lane, link);
		if (lane->pool != NULL)
			pool_free(lane->pool);
		if (lane->tick != NULL)
			event_free(lane->tick);
		free(lane->name);
		free(lane);
	}
}
