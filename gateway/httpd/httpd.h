/*
 * httpd.h
 *		What the files of agent-httpd know of each other, under the name of each.
 *
 * A Client is a connection from nginx; it has one Request at a time. A Request
 * belongs to its client until it is submitted to the lane, then to the lane, and
 * lives until it is answered: when the client goes away first, a request that waits
 * is freed, and one that the database works on forgets its client.
 *
 * One thread: a function that calls another file's may find, when it returns, that
 * requests have been answered and clients closed. Each such function says so.
 */
#ifndef HTTPD_H
#define HTTPD_H

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

typedef struct Client Client;
typedef struct Head Head;
typedef struct Lane Lane;
typedef struct Listener Listener;
typedef struct Pool Pool;
typedef struct Request Request;

/* buffer.c: bytes that grow. */
typedef struct Buffer
{
	char *data;
	size_t len;
	size_t size;
} Buffer;

extern void *must_have(void *memory);
extern void buffer_reserve(Buffer *buffer, size_t more);
extern void buffer_add(Buffer *buffer, const void *data, size_t len);
extern void buffer_add_text(Buffer *buffer, const char *text);
extern void buffer_free(Buffer *buffer);

/* main.c */
typedef struct Options
{
	const char *database; /* a connection string, or a name */
	const char *schema;
	size_t body_max;    /* bytes of a body, at most */
	size_t answers_max; /* bytes of answers on their way; above that there are no more */
	int wait_ms;        /* in the queue, at most */
	int clients_max;    /* connections from nginx, at most */
	bool has_options;   /* the connection string has options */
} Options;

extern Options options;
extern struct event_base *base;
extern bool stopping; /* no new requests: what is in flight is finished */
extern void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern void log_message(const char *what, const char *message);
extern int64_t clock_ms(void);

/* request.c */
#define REQUEST_PARAMETERS 5 /* method, path, query, headers, body */
#define JSONB_VERSION      1 /* the first byte of a jsonb in binary */

struct Request
{
	TAILQ_ENTRY(Request) link; /* in the lane's queue */
	Client *client;            /* NULL when it has gone away */
	Lane *lane;
	int64_t deadline; /* of waiting in the queue, by clock_ms() */
	bool queued;
	bool is_safe; /* GET or HEAD: may be sent twice */
	bool retried; /* has been, after its connection broke */
	bool renewed; /* has been, after its statement was out of date */
	Buffer text;  /* the parameters but the body */
	Buffer body;
	size_t offsets[REQUEST_PARAMETERS]; /* where each ends in the text */
	bool has_query;
};

extern Request *request_new(Client *client, Lane *lane);
extern int request_set_head(Request *request, const Head *head);
extern bool request_add_body(Request *request, const char *data, size_t len);
extern void request_parameters(const Request *request, const char **values, int *lengths);
extern void request_free(Request *request);

/* answer.c */
extern int answer_status_of(const char *sqlstate);
extern void answer_error(Client *client, int status);
extern void answer_request_error(Request *request, int status);
extern void answer_request(Request *request, PGresult *result);
extern void answer_cleanup(void);

/* client.c */
extern void client_new(Lane *lane, evutil_socket_t fd);
extern bool client_wants_body(const Client *client);
extern const char *client_connection_field(Client *client);
extern void client_send(Client *client, const Buffer *head, const char *body, size_t len,
						PGresult *owner);
extern void client_stop_all(bool at_once);
extern int client_count(void);
extern size_t client_answers(void);

/* lane.c */
extern bool lane_new(const char *spec);
extern bool lane_start_all(void);
extern int lane_connections(void);
extern void lane_submit(Lane *lane, Request *request);
extern void lane_resubmit(Lane *lane, Request *request);
extern void lane_forget(Request *request);
extern void lane_dispatch(Lane *lane);
extern void lane_wake_all(void);
extern void lane_free_all(void);

/* listen.c */
extern Listener *listen_new(Lane *lane, const char *name, int mode);
extern bool listen_start(Listener *listener);
extern void listen_pause(bool pause);
extern void listen_stop_all(void);

/* hosts.c */
extern void hosts_cleanup(void);

/* pool.c */
extern Pool *pool_new(Lane *lane, const char *name, int connections);
extern bool pool_has_idle(const Pool *pool);
extern bool pool_is_down(const Pool *pool);
extern bool pool_take(Pool *pool, Request *request);
extern void pool_wake(Pool *pool);
extern void pool_free(Pool *pool);

#endif /* HTTPD_H */
