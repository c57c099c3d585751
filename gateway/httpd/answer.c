/*
 * answer.c
 *		Turns what the database says, or that it says nothing, into an HTTP answer.
 *
 * The answer's head is checked before a byte of it is sent: what agent_http() gives
 * cannot split an answer in two. Every function here that takes a client or a request
 * answers it: the request is freed and the client runs, and may be gone.
 */
#include "httpd.h"
#include "parse.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static Buffer head = {0}; /* of the answer being made */

/* Returns the phrase of a status; nobody reads it but people. */
static const char *
phrase(int status)
{
	static const struct
	{
		int status;
		const char *text;
	} phrases[] = {{200, "OK"},
				   {201, "Created"},
				   {204, "No Content"},
				   {304, "Not Modified"},
				   {400, "Bad Request"},
				   {401, "Unauthorized"},
				   {403, "Forbidden"},
				   {404, "Not Found"},
				   {405, "Method Not Allowed"},
				   {408, "Request Timeout"},
				   {409, "Conflict"},
				   {413, "Request body too large"},
				   {415, "Unsupported Media Type"},
				   {417, "Expectation Failed"},
				   {422, "Unprocessable Entity"},
				   {429, "Too Many Requests"},
				   {431, "Request headers too large"},
				   {500, "Internal Server Error"},
				   {501, "Not Implemented"},
				   {503, "Service Unavailable"},
				   {505, "HTTP Version Not Supported"}};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
	{
		if (phrases[i].status == status)
			return phrases[i].text;
	}
	return "";
}

/* Returns the field Date, made once a second. */
static const char *
date_field(void)
{
	static char field[64];
	static time_t made = 0;
	struct timeval now;

	event_base_gettimeofday_cached(base, &now);
	if (now.tv_sec != made)
	{
		struct tm tm;

		made = now.tv_sec;
		strftime(field, sizeof(field), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&made, &tm));
	}
	return field;
}

/* Begins the head with what every answer has. */
static void
begin_head(Client *client, int status)
{
	char line[64];

	head.len = 0;
	snprintf(line, sizeof(line), "HTTP/1.1 %d %s\r\n", status, phrase(status));
	buffer_add_text(&head, line);
	buffer_add_text(&head, date_field());
	buffer_add_text(&head, client_connection_field(client));
}

/* Ends the head. */
static void
end_head(int status, size_t len)
{
	char line[64];

	if (status != 204 && status != 304)
	{
		snprintf(line, sizeof(line), "Content-Length: %zu\r\n", len);
		buffer_add_text(&head, line);
	}
	buffer_add_text(&head, "\r\n");
}

/*
 * Returns the HTTP status for an error that agent_http() ended with.
 *
 * Another time it may go well: what was cancelled, what the server has no means for or
 * is not up for, a lost connection, and a transaction that was rolled back for the
 * sake of another one, as COMMIT may be where the default isolation is serializable.
 */
int
answer_status_of(const char *sqlstate)
{
	if (strcmp(sqlstate, "57014") == 0 || strncmp(sqlstate, "57P", 3) == 0 ||
		strncmp(sqlstate, "53", 2) == 0 || strncmp(sqlstate, "08", 2) == 0 ||
		strncmp(sqlstate, "40", 2) == 0)
		return 503;
	return 500;
}

/* Answers with a status of our own. */
void
answer_error(Client *client, int status)
{
	char body[80];
	int len = snprintf(body, sizeof(body), "{\"detail\":\"%s\"}", phrase(status));

	begin_head(client, status);
	buffer_add_text(&head, "Content-Type: application/json\r\n");
	if (status == 503)
		buffer_add_text(&head, "Retry-After: 1\r\n");
	end_head(status, len);
	client_send(client, &head, body, client_wants_body(client) ? len : 0, NULL);
}

/* Answers a request with a status of our own. */
void
answer_request_error(Request *request, int status)
{
	Client *client = request->client;

	request_free(request);
	if (client != NULL)
		answer_error(client, status);
}

/* Reads the status of a row, or returns 0 for none that can be sent. */
static int
row_status(const PGresult *result)
{
	uint32_t status;

	if (PQgetisnull(result, 0, 0) || PQgetlength(result, 0, 0) != sizeof(status))
		return 0;
	memcpy(&status, PQgetvalue(result, 0, 0), sizeof(status));
	status = ntohl(status);
	return status >= 200 && status <= 599 ? (int) status : 0;
}

/* Tells whether a field is not for agent_http() to set. */
static bool
is_ours(const char *name)
{
	return is_hop_by_hop(name) || strcasecmp(name, "content-length") == 0 ||
		   strcasecmp(name, "date") == 0;
}

/* Appends the fields of an object; false when one of them cannot be sent. */
static bool
add_fields(json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		const char *text = json_string_value(value);

		if (text == NULL || !is_token(name) || !is_field_value(text))
			return false;
		if (is_ours(name))
			continue;
		buffer_add_text(&head, name);
		buffer_add_text(&head, ": ");
		buffer_add_text(&head, text);
		buffer_add_text(&head, "\r\n");
	}
	return true;
}

/* Appends the fields of a row, a jsonb in binary; false when they cannot be sent. */
static bool
add_row_fields(const PGresult *result)
{
	const char *value = PQgetvalue(result, 0, 1);
	int len = PQgetlength(result, 0, 1);
	json_t *object;
	bool good;

	if (PQgetisnull(result, 0, 1))
		return true;
	if (len < 1 || value[0] != JSONB_VERSION)
		return false;
	object = json_loadb(value + 1, len - 1, 0, NULL);
	good = json_is_object(object) && add_fields(object);
	json_decref(object);
	return good;
}

/* Answers a request with the row of agent_http(), which is cleared. */
void
answer_request(Request *request, PGresult *result)
{
	Client *client = request->client;
	int status = row_status(result);
	size_t len;

	request_free(request);
	if (client == NULL)
	{
		PQclear(result);
		return;
	}
	begin_head(client, status);
	if (status == 0 || !add_row_fields(result))
	{
		log_line("an answer cannot be sent: bad status or header");
		PQclear(result);
		answer_error(client, 500);
		return;
	}
	len = status == 204 || status == 304 ? 0 : PQgetlength(result, 0, 2);
	end_head(status, len);
	if (!client_wants_body(client))
		len = 0;
	client_send(client, &head, PQgetvalue(result, 0, 2), len, result);
}

/* Frees what is kept between answers. */
void
answer_cleanup(void)
{
	buffer_free(&head);
}
