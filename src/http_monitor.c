/*
 * http_monitor.c
 *		The classic paths of those who watch the service: /ready and /metrics.
 *
 * /ready is for balancers, which have no token: it tells nothing but whether requests
 * can be served, having tried it, and lets nobody wait. /metrics has a token of its own,
 * agent.metrics_token, and without one it is not there at all.
 */
#include "http.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "executor/spi.h"

/* Milliseconds that a lock on a table may be waited for. */
#define READY_PATIENCE "2000"

/* Tells whether a route is there, as things are set. */
bool
agent_http_is_there(const HttpRoute *route)
{
	return route->shape != HTTP_METRICS || agent_metrics_token[0] != '\0';
}

/* Tells whether two texts are the same, in a time that does not tell where they differ. */
static bool
is_same_secret(const char *a, const char *b)
{
	uint8 digest_a[PG_SHA256_DIGEST_LENGTH];
	uint8 digest_b[PG_SHA256_DIGEST_LENGTH];

	agent_sha256(a, strlen(a), digest_a);
	agent_sha256(b, strlen(b), digest_b);
	return agent_bytes_equal(digest_a, digest_b, PG_SHA256_DIGEST_LENGTH);
}

/* Raises unless a request carries the token of those who watch. */
void
agent_http_check_watcher(const HttpRequest *request)
{
	const char *token = agent_bearer_token(request->authorization);

	if (token == NULL)
		agent_raise(AGENT_NOT_AUTHENTICATED, NULL);
	if (!is_same_secret(token, agent_metrics_token))
		agent_raise(AGENT_INVALID_TOKEN, NULL);
}

/*
 * Tells whether this server takes writes.
 *
 * The transaction may be read-only because PostgREST makes it so for a GET: what others
 * will be is what counts.
 */
static bool
takes_writes(void)
{
	return !RecoveryInProgress() && !DefaultXactReadOnly;
}

/* Appends that requests can be served, or raises: every table was read, and a key signs. */
void
agent_http_ready(StringInfo json)
{
	pg_uuid_t nobody = {{0}};
	Datum values[] = {UUIDPGetDatum(&nobody)};
	bool isnull;

	agent_set_for_call("lock_timeout", READY_PATIENCE);
	SPI_connect();
	agent_execute(AGENT_PLAN_READY, values, NULL);
	if (!DatumGetBool(agent_result(0, 1, &isnull)))
		agent_raise(AGENT_UNAVAILABLE, NULL);
	SPI_finish();
	appendStringInfo(json,
					 "{\"status\":\"ready\",\"writable\":%s}",
					 takes_writes() ? "true" : "false");
}

/* Answers that requests cannot be served. */
void
agent_http_not_ready(HttpAnswer *answer)
{
	agent_http_answer_begin(answer, agent_error_status(AGENT_UNAVAILABLE));
	appendStringInfoString(&answer->body, "{\"status\":\"not ready\"}");
	agent_http_add_header(answer, "retry-after", "1");
}
