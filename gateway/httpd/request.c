/*
 * request.c
 *		Turns a request into the parameters of agent_http().
 *
 * Whatever bytes come, what leaves here are texts in valid UTF-8 without NUL and a
 * JSON object of strings: nothing that a client sends makes the database refuse a
 * parameter. Method, path and query stay as they were sent, still percent-encoded.
 */
#include "httpd.h"
#include "parse.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bytes of all bodies that are being received or wait, at most. */
#define BODIES_MAX ((size_t) 512 * 1024 * 1024)

static size_t bodies = 0;

/* Returns an empty request. */
Request *
request_new(Client *client, Lane *lane)
{
	Request *request = must_have(calloc(1, sizeof(Request)));

	request->client = client;
	request->lane = lane;
	return request;
}

/* Frees a request, which nobody else may know any more. */
void
request_free(Request *request)
{
	bodies -= request->body.len;
	buffer_free(&request->text);
	buffer_free(&request->body);
	free(request);
}

/* Appends a part of the target; bytes that are not printable ASCII are encoded. */
static void
add_encoded(Buffer *buffer, const char *text, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	buffer_reserve(buffer, 3 * len);
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c > ' ' && c < 0x7f)
			buffer->data[buffer->len++] = (char) c;
		else
		{
			buffer->data[buffer->len++] = '%';
			buffer->data[buffer->len++] = digits[c >> 4];
			buffer->data[buffer->len++] = digits[c & 15];
		}
	}
}

/* Returns the target without scheme and authority, or NULL if it has no path. */
static const char *
origin_form(const char *target)
{
	size_t scheme;

	if (*target == '/' || strcmp(target, "*") == 0)
		return target;
	scheme = strncasecmp(target, "http://", 7) == 0    ? 7
			 : strncasecmp(target, "https://", 8) == 0 ? 8
													   : 0;
	if (scheme == 0)
		return NULL;
	return target + scheme + strcspn(target + scheme, "/?");
}

/* Appends path and query; false when the target has none. */
static bool
add_target(Request *request, const char *target)
{
	const char *path = origin_form(target);
	size_t len;

	if (path == NULL)
		return false;
	len = strcspn(path, "?");
	if (len == 0)
		buffer_add_text(&request->text, "/");
	add_encoded(&request->text, path, len);
	request->offsets[1] = request->text.len;
	request->has_query = path[len] == '?';
	if (request->has_query)
		add_encoded(&request->text, path + len + 1, strlen(path + len + 1));
	request->offsets[2] = request->text.len;
	return true;
}

/* Returns a JSON string of a value; what is not UTF-8 is taken for ISO 8859-1. */
static json_t *
json_value(const char *value)
{
	json_t *string = json_string(value);
	Buffer decoded = {0};

	if (string != NULL)
		return string;
	buffer_reserve(&decoded, 2 * strlen(value));
	for (; *value != '\0'; value++)
	{
		unsigned char c = (unsigned char) *value;

		if (c < 0x80)
			decoded.data[decoded.len++] = (char) c;
		else
		{
			decoded.data[decoded.len++] = (char) (0xc0 | (c >> 6));
			decoded.data[decoded.len++] = (char) (0x80 | (c & 0x3f));
		}
	}
	string = must_have(json_stringn(decoded.data, decoded.len));
	buffer_free(&decoded);
	return string;
}

/* Adds a field to the object; a repeated one continues the first. */
static void
add_field(json_t *object, const Field *field)
{
	json_t *present = json_object_get(object, field->name);
	json_t *value = json_value(field->value);

	if (present != NULL)
	{
		const char *glue = strcmp(field->name, "cookie") == 0 ? "; " : ", ";
		json_t *joined = must_have(
			json_sprintf("%s%s%s", json_string_value(present), glue, json_string_value(value)));

		json_decref(value);
		value = joined;
	}
	if (json_object_set_new_nocheck(object, field->name, value) != 0)
		must_have(NULL);
}

/* Tells whether a field goes no further than here. */
static bool
field_stays(const Head *head, const Field *field)
{
	if (is_hop_by_hop(field->name))
		return true;
	for (int i = 0; i < head->count; i++)
	{
		if (strcmp(head->fields[i].name, "connection") == 0 &&
			list_contains(head->fields[i].value, field->name))
			return true;
	}
	return false;
}

/* Appends the fields as a jsonb in binary: a byte and the JSON text. */
static void
add_fields(Buffer *buffer, const Head *head)
{
	json_t *object = must_have(json_object());
	size_t size;

	for (int i = 0; i < head->count; i++)
	{
		if (!field_stays(head, &head->fields[i]))
			add_field(object, &head->fields[i]);
	}
	buffer_reserve(buffer, 1024);
	buffer->data[buffer->len++] = JSONB_VERSION;
	size = json_dumpb(object, buffer->data + buffer->len, buffer->size - buffer->len, JSON_COMPACT);
	if (size > buffer->size - buffer->len)
	{
		buffer_reserve(buffer, size);
		json_dumpb(object, buffer->data + buffer->len, size, JSON_COMPACT);
	}
	buffer->len += size;
	json_decref(object);
}

/* Takes over a head; returns 0, or the status to refuse the request with. */
int
request_set_head(Request *request, const Head *head)
{
	request->is_safe = strcmp(head->method, "GET") == 0 || strcmp(head->method, "HEAD") == 0;
	buffer_add_text(&request->text, head->method);
	request->offsets[0] = request->text.len;
	if (!add_target(request, head->target))
		return 400;
	add_fields(&request->text, head);
	request->offsets[3] = request->text.len;
	return 0;
}

/* Appends to the body; false when all bodies together would take too much memory. */
bool
request_add_body(Request *request, const char *data, size_t len)
{
	if (bodies + len > BODIES_MAX)
		return false;
	buffer_add(&request->body, data, len);
	bodies += len;
	return true;
}

/* Points at the parameters, all of them binary; they are the request's. */
void
request_parameters(const Request *request, const char **values, int *lengths)
{
	size_t start = 0;

	for (int i = 0; i < 4; i++)
	{
		values[i] = request->text.data + start;
		lengths[i] = (int) (request->offsets[i] - start);
		start = request->offsets[i];
	}
	if (!request->has_query)
		values[2] = NULL;
	values[4] = request->body.len > 0 ? request->body.data : NULL;
	lengths[4] = (int) request->body.len;
}
