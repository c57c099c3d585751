/*
 * request.c
 *		What PostgREST says of an HTTP request, and what it is told of the answer.
 *
 * PostgREST sets request.method and request.headers for the transaction, and
 * agent_http for what it calls. Any SQL client can set them too: they choose the
 * dialect of errors and carry the token, which is verified, and nothing else is
 * believed.
 */
#include "agent.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include <arpa/inet.h>

#define USER_AGENT_MAX 256 /* characters */

/* Returns a setting, or NULL when it is unset or empty. */
static const char *
setting(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Tells whom the statement serves. */
AgentDialect
agent_request_dialect(void)
{
	const char *method = setting("request.method");

	if (method == NULL)
		return AGENT_SQL;
	return strcmp(method, AGENT_HTTP_METHOD) == 0 ? AGENT_HTTP : AGENT_POSTGREST;
}

/* Returns the request's headers as JSON, owned by the GUC machinery, or NULL. */
const char *
agent_request_headers(void)
{
	return setting("request.headers");
}

/* Finds a header's value, NULL if it is not there; false when the headers are malformed. */
static bool
find_header(const char *headers, const char *name, char **value)
{
	AgentJsonObject object;
	const AgentJsonMember *member;

	if (!agent_json_object(pstrdup(headers), strlen(headers), &object))
		return false;
	member = agent_json_member(&object, name);
	*value = member != NULL && member->type == JSON_TOKEN_STRING ? member->value : NULL;
	return true;
}

/* Returns the value of a header that says no more than a word about a request, or NULL. */
static char *
remark(const char *name)
{
	const char *headers = agent_request_headers();
	char *value;

	return headers != NULL && find_header(headers, name, &value) ? value : NULL;
}

/*
 * Returns the value of a header, its name in lower case, or NULL.
 *
 * Headers that are not one JSON object of distinct names did not come from
 * PostgREST and carry no valid token.
 */
char *
agent_request_header(const char *headers, const char *name)
{
	char *value;

	if (!find_header(headers, name, &value))
		agent_raise(AGENT_INVALID_TOKEN, NULL);
	return value;
}

/* Returns the request's User-Agent, cut to length, or NULL. */
char *
agent_request_user_agent(void)
{
	char *value = remark("user-agent");

	if (value != NULL)
		value[pg_mbcharcliplen(value, strlen(value), USER_AGENT_MAX)] = '\0';
	return value;
}

/* Returns the request's Idempotency-Key, or NULL: outside HTTP there is none. */
char *
agent_request_idempotency_key(void)
{
	return agent_request_dialect() == AGENT_SQL ? NULL : remark("idempotency-key");
}

/*
 * Finds where the request comes from, as text in its one form; false when that is unknown.
 *
 * Of a list of addresses the last one counts: the proxy that is trusted has added it.
 */
bool
agent_request_address(char *address)
{
	struct in6_addr binary;
	char *value =
		agent_trusted_address_header[0] != '\0' ? remark(agent_trusted_address_header) : NULL;
	char *last;

	if (value == NULL)
		return false;
	last = strrchr(value, ',');
	last = last != NULL ? last + 1 : value;
	last += strspn(last, " \t");
	last[strcspn(last, " \t")] = '\0';
	if (inet_pton(AF_INET, last, &binary) == 1)
		return inet_ntop(AF_INET, &binary, address, AGENT_ADDRESS_TEXT) != NULL;
	if (inet_pton(AF_INET6, last, &binary) != 1)
		return false;
	/* What came by IPv4 to a socket of IPv6 is the same address. */
	if (IN6_IS_ADDR_V4MAPPED(&binary))
		return inet_ntop(AF_INET, binary.s6_addr + 12, address, AGENT_ADDRESS_TEXT) != NULL;
	return inet_ntop(AF_INET6, &binary, address, AGENT_ADDRESS_TEXT) != NULL;
}

/* Sets the status of PostgREST's answer; for anybody else it does nothing. */
void
agent_request_status(int status)
{
	char value[12];

	if (agent_request_dialect() != AGENT_POSTGREST)
		return;
	snprintf(value, sizeof(value), "%d", status);
	agent_set_local("response.status", value);
}
