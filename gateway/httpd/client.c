/*
 * client.c
 *		A connection from nginx: reads requests, one after the other, and writes answers.
 *
 * client_run() is the only place that goes from one state to the next. Everything
 * that may end a client, an event or an answer, ends in it, and it alone frees one:
 * after it, or after a function that says it calls it, a client may be gone.
 *
 * What has come beyond the request that is being answered waits in `in`, which is
 * bounded; then the socket is not read, and the sender has to wait.
 */
#include "httpd.h"
#include "parse.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDLE_SECONDS    120            /* without a byte, before a connection is closed */
#define REQUEST_SECONDS 120            /* from a request's first byte to its last, at most */
#define WRITE_SECONDS   60             /* without progress of an answer */
#define DRAIN_SECONDS   5              /* of reading what a refused request still sends */
#define DRAIN_MAX       (64 << 20)     /* bytes of it, at most */
#define IN_FIRST        4096           /* bytes of the buffer, to begin with */
#define IN_BODY         65536          /* bytes of it while a body is read */
#define IN_MAX          (2 * HEAD_MAX) /* at most */
#define COPY_MAX        16384          /* bytes of a body that are copied, not referred to */

typedef enum ClientState
{
	CLIENT_HEAD,    /* reads a head, or waits for one */
	CLIENT_BODY,    /* reads a body */
	CLIENT_WAITING, /* the request is the lane's */
	CLIENT_WRITING, /* an answer is on its way */
	CLIENT_DRAINING /* answered and shut down, reads what was under way */
} ClientState;

struct Client
{
	TAILQ_ENTRY(Client) link;
	Lane *lane;
	evutil_socket_t fd;
	struct event *readable;
	struct event *writable;
	ClientState state;
	Buffer in;
	size_t taken;   /* bytes of it that have been dealt with */
	size_t scanned; /* how far it has been searched for the end of the head */
	struct evbuffer *out;
	Request *request; /* until it is submitted; then the lane has it */
	Request *submitted;
	uint64_t body_left;
	bool chunked;
	Chunks chunks;
	size_t drained;
	int64_t since;   /* when the state or the request began, by clock_ms() */
	bool keep_alive; /* the connection may have another request */
	bool old;        /* HTTP/1.0 */
	bool is_head;    /* the answer has no body */
	bool running;    /* client_run() is at work */
	bool gone;       /* to be freed */
};

static TAILQ_HEAD(, Client) clients = TAILQ_HEAD_INITIALIZER(clients);
static int count = 0;
static size_t answers = 0; /* bytes that answers refer to and that are not written yet */

static void client_run(Client *client);

/* Tells how many connections there are. */
int
client_count(void)
{
	return count;
}

/* Tells how much memory answers take that their clients have still to read. */
size_t
client_answers(void)
{
	return answers;
}

/* Frees a client and what it has asked for. */
static void
destroy(Client *client)
{
	if (client->submitted != NULL)
	{
		client->submitted->client = NULL;
		lane_forget(client->submitted);
	}
	if (client->request != NULL)
		request_free(client->request);
	TAILQ_REMOVE(&clients, client, link);
	event_free(client->readable);
	event_free(client->writable);
	evbuffer_free(client->out);
	buffer_free(&client->in);
	close(client->fd);
	free(client);
	count--;
	if (count < options.clients_max - options.clients_max / 16)
		listen_pause(false);
}

/* Returns how many bytes there are that have not been dealt with. */
static size_t
pending(const Client *client)
{
	return client->in.len - client->taken;
}

/* Moves what is pending to the front. */
static void
compact(Client *client)
{
	size_t len = pending(client);

	if (len > 0 && client->taken > 0)
		memmove(client->in.data, client->in.data + client->taken, len);
	client->in.len = len;
	client->taken = 0;
}

/*
 * Reads what the socket has, once.
 *
 * Sets gone at the end of the stream: who does not wait for the answer does not
 * want it.
 */
static void
read_some(Client *client)
{
	size_t room;
	ssize_t got;

	compact(client);
	room = IN_MAX - client->in.len;
	if (room == 0)
	{
		event_del(client->readable); /* keep_reading() adds it again */
		return;
	}
	if (client->state == CLIENT_BODY)
		buffer_reserve(&client->in, room < IN_BODY ? room : IN_BODY);
	else if (client->in.len == client->in.size)
		buffer_reserve(&client->in, client->in.size > 0 ? client->in.size : IN_FIRST);
	if (room > client->in.size - client->in.len)
		room = client->in.size - client->in.len;
	got = recv(client->fd, client->in.data + client->in.len, room, 0);
	if (got > 0)
		client->in.len += got;
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		client->gone = true;
}

/* Refuses what is coming in; the connection ends with the answer. */
static void
refuse(Client *client, int status)
{
	client->keep_alive = false;
	if (client->request != NULL)
		request_free(client->request);
	client->request = NULL;
	answer_error(client, status);
}

/* Hands the whole request over. It may be answered before this returns. */
static void
submit(Client *client)
{
	client->state = CLIENT_WAITING;
	client->submitted = client->request;
	client->request = NULL;
	lane_submit(client->lane, client->submitted);
}

/* Begins a request whose head is whole. */
static void
begin_request(Client *client, size_t size)
{
	Head head;
	int status = head_parse(client->in.data + client->taken, size, &head);

	client->taken += size;
	client->scanned = 0;
	client->is_head = head.method != NULL && strcmp(head.method, "HEAD") == 0;
	client->old = head.minor == 0;
	client->keep_alive = head.keep_alive;
	if (status == 0 && head.length > options.body_max)
		status = 413;
	if (status == 0)
	{
		client->request = request_new(client, client->lane);
		status = request_set_head(client->request, &head);
	}
	if (status != 0)
	{
		refuse(client, status);
		return;
	}
	client->chunked = head.chunked;
	client->chunks = (Chunks){.state = CHUNK_SIZE_FIRST};
	client->body_left = head.length;
	client->state = CLIENT_BODY;
	if (head.expects_continue && head.minor > 0 && pending(client) == 0 &&
		(head.chunked || head.length > 0))
		evbuffer_add_printf(client->out, "HTTP/1.1 100 Continue\r\n\r\n");
}

/* Tells whether the request takes too long to come. */
static bool
too_late(const Client *client)
{
	return clock_ms() - client->since > REQUEST_SECONDS * 1000;
}

/* Looks for a head; false when more has to come. */
static bool
take_head(Client *client)
{
	size_t size;

	if (pending(client) == 0)
	{
		if (client->in.size > IN_FIRST)
			buffer_free(&client->in);
		client->in.len = client->taken = 0;
		return false;
	}
	size = head_size(client->in.data + client->taken, pending(client), &client->scanned);
	if (size > 0 && size <= 2)
	{
		/* An empty line before a request is of old a thing to ignore. */
		client->taken += size;
		client->scanned = 0;
		return true;
	}
	if (size > HEAD_MAX || (size == 0 && pending(client) > HEAD_MAX))
		refuse(client, 431);
	else if (size > 0)
		begin_request(client, size);
	else if (too_late(client))
		refuse(client, 408);
	return client->state != CLIENT_HEAD;
}

/* Takes what has come of a body; false when more has to come. */
static bool
take_body(Client *client)
{
	const char *data = client->in.data + client->taken;
	size_t skip = 0;
	size_t len;

	if (client->chunked)
		len = chunks_take(&client->chunks, data, pending(client), &skip);
	else
		len = pending(client) < client->body_left ? pending(client) : (size_t) client->body_left;
	client->taken += skip + len;
	client->body_left -= client->chunked ? 0 : len;

	if (client->chunked && client->chunks.state == CHUNK_BAD)
		refuse(client, 400);
	else if (client->request->body.len + len > options.body_max)
		refuse(client, 413);
	else if (!request_add_body(client->request, data + skip, len))
		refuse(client, 503);
	else if (client->chunked ? client->chunks.state == CHUNK_DONE : client->body_left == 0)
		submit(client);
	else if (too_late(client))
		refuse(client, 408);
	else
		return pending(client) > 0;
	return true;
}

/* Stops sending, and reads for a while: closing at once could take back the answer. */
static void
begin_draining(Client *client)
{
	shutdown(client->fd, SHUT_WR);
	client->state = CLIENT_DRAINING;
	client->since = clock_ms();
	client->taken = client->in.len;
	compact(client);
	event_del(client->writable);
	event_add(client->readable, &(struct timeval){.tv_sec = DRAIN_SECONDS});
}

/* Writes what there is to write; false when the socket takes no more. */
static bool
write_some(Client *client)
{
	while (evbuffer_get_length(client->out) > 0)
	{
		if (evbuffer_write(client->out, client->fd) < 0)
		{
			if (errno == EAGAIN || errno == EINTR)
				event_add(client->writable, &(struct timeval){.tv_sec = WRITE_SECONDS});
			else
				client->gone = true;
			return false;
		}
	}
	return true;
}

/* Goes on after an answer: to the next request, or to the end. */
static void
finish_answer(Client *client)
{
	client->state = CLIENT_HEAD;
	client->since = clock_ms();
	client->is_head = client->old = false;
	if (!client->keep_alive || stopping)
		begin_draining(client);
}

/* Has the socket read again, if that was stopped and there is room. */
static void
keep_reading(Client *client)
{
	if (pending(client) < IN_MAX && !event_pending(client->readable, EV_READ, NULL))
		event_add(client->readable, &(struct timeval){.tv_sec = IDLE_SECONDS});
}

/* Goes one step further; false when something has to happen first. */
static bool
step(Client *client)
{
	switch (client->state)
	{
	case CLIENT_HEAD:
		return take_head(client);
	case CLIENT_BODY:
		if (!write_some(client)) /* 100 Continue */
			return false;
		return take_body(client);
	case CLIENT_WRITING:
		if (!write_some(client))
			return false;
		finish_answer(client);
		return true;
	case CLIENT_WAITING:
	case CLIENT_DRAINING:
		break;
	}
	return false;
}

/* Goes on for as long as something can be done, and frees the client if it is gone. */
static void
client_run(Client *client)
{
	if (client->running)
		return;
	client->running = true;
	while (!client->gone && step(client))
		;
	client->running = false;
	if (client->gone)
		destroy(client);
	else
		keep_reading(client);
}

/* Reads and forgets; ends the client when that is over. */
static void
drain(Client *client)
{
	client->drained += pending(client);
	client->taken = client->in.len;
	if (client->drained > DRAIN_MAX || clock_ms() - client->since > DRAIN_SECONDS * 1000)
		client->gone = true;
}

/* The socket can be read, or nothing has come for too long. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	Client *client = arg;
	bool receives = client->state == CLIENT_HEAD || client->state == CLIENT_BODY;

	(void) fd;
	if (what & EV_TIMEOUT)
		client->gone = receives || client->state == CLIENT_DRAINING;
	else
	{
		if (client->state == CLIENT_HEAD && pending(client) == 0)
			client->since = clock_ms();
		read_some(client);
		if (client->state == CLIENT_DRAINING)
			drain(client);
	}
	client_run(client);
}

/* The socket can be written to, or has taken nothing for too long. */
static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	Client *client = arg;

	(void) fd;
	if (what & EV_TIMEOUT)
		client->gone = true;
	client_run(client);
}

/* Takes over an accepted connection. */
void
client_new(Lane *lane, evutil_socket_t fd)
{
	Client *client = must_have(calloc(1, sizeof(Client)));
	int on = 1;

	client->lane = lane;
	client->fd = fd;
	client->since = clock_ms();
	client->out = must_have(evbuffer_new());
	client->readable = must_have(event_new(base, fd, EV_READ | EV_PERSIST, on_readable, client));
	client->writable = must_have(event_new(base, fd, EV_WRITE, on_writable, client));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* fails on a Unix socket */
	TAILQ_INSERT_TAIL(&clients, client, link);
	count++;
	event_add(client->readable, &(struct timeval){.tv_sec = IDLE_SECONDS});
}

/* Tells whether the body of an answer is to be sent. */
bool
client_wants_body(const Client *client)
{
	return !client->is_head;
}

/* Returns the field that says what becomes of the connection, or an empty text. */
const char *
client_connection_field(Client *client)
{
	if (stopping)
		client->keep_alive = false;
	if (!client->keep_alive)
		return "Connection: close\r\n";
	return client->old ? "Connection: keep-alive\r\n" : "";
}

/* Frees the result that a body was part of. */
static void
clear_result(const void *data, size_t len, void *result)
{
	(void) data;
	answers -= len;
	PQclear(result);
}

/*
 * Sends an answer. The result that the body is part of, or NULL, is cleared here.
 *
 * Runs the client, which may be gone afterwards.
 */
void
client_send(Client *client, const Buffer *head, const char *body, size_t len, PGresult *owner)
{
	client->submitted = NULL;
	client->state = CLIENT_WRITING;
	if (evbuffer_add(client->out, head->data, head->len) != 0)
		must_have(NULL);
	if (len > COPY_MAX && owner != NULL)
	{
		if (evbuffer_add_reference(client->out, body, len, clear_result, owner) != 0)
			must_have(NULL);
		answers += len;
	}
	else
	{
		if (evbuffer_add(client->out, body, len) != 0)
			must_have(NULL);
		PQclear(owner);
	}
	client_run(client);
}

/* Ends connections: those that no request has come on, or all of them. */
void
client_stop_all(bool at_once)
{
	Client *next;

	for (Client *client = TAILQ_FIRST(&clients); client != NULL; client = next)
	{
		next = TAILQ_NEXT(client, link);
		if (at_once || (client->state == CLIENT_HEAD && pending(client) == 0))
			destroy(client);
	}
}
