/*
 * http_etag.c
 *		Entity tags of what the classic REST API reads: nobody is sent what he has.
 *
 * A tag stands for the row versions that an answer is made of, as the server numbers
 * them anyway, by transaction and place, and for what tells them apart in a database set
 * back to an earlier time, which counts the same transactions again: when a conversation
 * was changed, what an account shows. Every change of a message writes its conversation's
 * row, which so stands for all of them. Versions are read before the rows, so that an
 * answer is never older than its tag.
 *
 * Called by http_serve.c with the caller known, as agent_owner under the policies. A tag
 * is a hash under the server's identifier, so that standbys make the same ones. Clients
 * are not told that, but it is no secret: whoever searched for it long enough, and then
 * for the versions, would learn how many transactions the server has had.
 */
#include "http.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"

#define LABEL     "agent etag " AGENT_VERSION
#define TAG_BYTES 16
#define TAG_TEXT  (2 * TAG_BYTES + sizeof("\"\""))

/* Appends the rows of the last result, byte by byte as they are. */
static void
add_versions(StringInfo bytes)
{
	TupleDesc desc = SPI_tuptable->tupdesc;
	bool isnull;

	for (int row = 0; row < (int) SPI_processed; row++)
	{
		for (int column = 0; column < desc->natts; column++)
		{
			Form_pg_attribute type = TupleDescAttr(desc, column);
			Datum value = agent_result(row, column + 1, &isnull);

			if (isnull)
				appendStringInfoChar(bytes, '\0');
			else if (type->attbyval)
				appendBinaryStringInfo(bytes, (const char *) &value, sizeof(value));
			else
				appendBinaryStringInfo(bytes,
									   DatumGetPointer(value),
									   datumGetSize(value, false, type->attlen));
		}
	}
}

/*
 * Adds the key that signs cursors: on a page there is one, and it is good no longer than
 * the key.
 */
static void
add_key(StringInfo bytes)
{
	AgentKey key;

	agent_key_current(&key);
	explicit_bzero(key.secret, sizeof(key.secret));
	appendBinaryStringInfo(bytes, (const char *) &key.kid, sizeof(key.kid));
}

/*
 * Reads the versions of what a request asks for; false when it is not there, and has
 * none. A cursor that is none is an error, as it is for whoever sends no tag.
 */
static bool
read_versions(const HttpRoute *route, const pg_uuid_t *caller, int count, const Datum *values,
			  const bool *nulls, StringInfo bytes)
{
	bool is_page = route->shape == HTTP_CONVERSATION_PAGE || route->shape == HTTP_MESSAGE_PAGE;
	bool is_found;

	if (is_page)
		add_key(bytes);
	SPI_connect();
	if (is_page)
		agent_page_versions(route->version, count, values, nulls);
	else
		(void) agent_http_execute(route->version, caller, count, values, nulls);
	is_found = SPI_processed > 0 || !agent_http_takes(route, HTTP_PATH);
	if (is_found)
		add_versions(bytes);
	SPI_finish();
	return is_found;
}

/* Makes the tag, quoted, of what was asked for by whom, and its versions. */
static void
make_tag(const HttpRequest *request, const pg_uuid_t *caller, StringInfo versions, char *tag)
{
	uint64 system = GetSystemIdentifier();
	uint8 mac[PG_SHA256_DIGEST_LENGTH];
	AgentBytes parts[] = {{LABEL, sizeof(LABEL)},
						  {&MyDatabaseId, sizeof(MyDatabaseId)},
						  {caller, UUID_LEN},
						  {request->path, strlen(request->path) + 1},
						  {request->query, strlen(request->query) + 1},
						  {versions->data, versions->len}};

	agent_hmac(&system, sizeof(system), parts, lengthof(parts), mac);
	tag[0] = '"';
	hex_encode((const char *) mac, TAG_BYTES, tag + 1);
	strcpy(tag + 1 + 2 * TAG_BYTES, "\"");
}

/* Tells whether a header is the star that any tag will do for. */
static bool
is_star(const char *list)
{
	const char *at = list + strspn(list, " \t");

	return *at == '*' && at[1 + strspn(at + 1, " \t")] == '\0';
}

/*
 * Tells whether the client's tags, if it sent any, have the present one.
 *
 * What stands around the quotes makes no difference: a tag that is weak, because
 * something on the way has packed the answer, is as good.
 */
static bool
matches(const char *list, const char *tag)
{
	return list != NULL && (strstr(list, tag) != NULL || is_star(list));
}

/*
 * Answers that what a request asks for is as the client has it already, or returns false
 * and leaves the answer to be written, with its tag.
 */
bool
agent_http_not_modified(const HttpRequest *request, HttpAnswer *answer, const pg_uuid_t *caller,
						int count, const Datum *values, const bool *nulls)
{
	StringInfoData versions;
	char tag[TAG_TEXT];

	initStringInfo(&versions);
	if (!read_versions(request->route, caller, count, values, nulls, &versions))
		return false;
	make_tag(request, caller, &versions, tag);
	answer->cache_control = "private, no-cache";
	agent_http_add_header(answer, "etag", pstrdup(tag));
	agent_http_add_header(answer, "vary", "Authorization");
	if (!matches(request->if_none_match, tag))
		return false;
	answer->status = 304;
	return true;
}
