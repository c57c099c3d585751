/*
 * http_etag.c
 *		Entity tags of what the classic REST API reads: nobody is sent what he has.
 *
 * A tag stands for the row versions that an answer is made of, as the server numbers
 * them anyway: by transaction and place, and by when the row says that it changed, for
 * a database set back to an earlier time counts the same transactions again. Every
 * change of a message writes its conversation's row, which so stands for all of them.
 * Versions are read before the rows, so that an answer is never older than its tag.
 *
 * Called by http_serve.c with the caller known, as agent_owner under the policies. A tag
 * tells nothing but that it is another one: it is a hash, under what the server calls
 * itself, which no client of the REST API gets to know. Standbys make the same tags.
 */
#include "http.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define LABEL     "agent etag " AGENT_VERSION
#define TAG_BYTES 16
#define TAG_TEXT  (2 * TAG_BYTES + sizeof("\"\""))

/* Appends the versions of the last result's rows: id, transaction, place and time of each. */
static void
add_versions(StringInfo bytes)
{
	bool isnull;

	for (int i = 0; i < (int) SPI_processed; i++)
	{
		TransactionId xmin = DatumGetTransactionId(agent_result(i, 2, &isnull));
		TimestampTz changed_at = DatumGetTimestampTz(agent_result(i, 4, &isnull));

		appendBinaryStringInfo(bytes, DatumGetPointer(agent_result(i, 1, &isnull)), UUID_LEN);
		appendBinaryStringInfo(bytes, (const char *) &xmin, sizeof(xmin));
		appendBinaryStringInfo(bytes,
							   DatumGetPointer(agent_result(i, 3, &isnull)),
							   sizeof(ItemPointerData));
		appendBinaryStringInfo(bytes, (const char *) &changed_at, sizeof(changed_at));
	}
}

/* Reads the versions of what a request asks for; false when it is not there, and has none. */
static bool
read_versions(const HttpRoute *route, const pg_uuid_t *caller, int count, const Datum *values,
			  const bool *nulls, StringInfo bytes)
{
	bool is_found;

	SPI_connect();
	if (route->version == AGENT_PLAN_CONVERSATION_PAGE_VERSION)
	{
		agent_conversation_page_versions(count, values, nulls);
		is_found = true;
	}
	else
		is_found = agent_http_execute(route->version, caller, count, values, nulls) > 0 ||
				   !agent_http_takes(route, HTTP_PATH);
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

/*
 * Tells whether a list of tags has one, or is the star that any will do for.
 *
 * What stands around the quotes makes no difference: a tag that is weak, because
 * something on the way has packed the answer, is as good.
 */
static bool
list_has(const char *list, const char *tag)
{
	return strstr(list, tag) != NULL || strcmp(list + strspn(list, " \t"), "*") == 0;
}

/*
 * Adds the tag of what a request asks for to its answer, and tells whether the client
 * has that already: then the answer is whole.
 */
bool
agent_http_is_known(const HttpRequest *request, HttpAnswer *answer, const pg_uuid_t *caller,
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
	if (request->if_none_match == NULL || !list_has(request->if_none_match, tag))
		return false;
	answer->status = 304;
	return true;
}
