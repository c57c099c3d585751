/*
 * session.c
 *		Sessions: one per login, looked up by identity.c at every statement.
 *
 * Called by login, with SPI connected, as agent_owner.
 */
#include "agent.h"

#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#define USER_AGENT_MAX 256 /* characters */

/* Returns the request's User-Agent, cut to length, or NULL. */
static text *
user_agent(void)
{
	const char *headers = agent_request_headers();
	char *value = headers != NULL ? agent_request_header(headers, "user-agent") : NULL;

	if (value == NULL)
		return NULL;
	return cstring_to_text_with_len(value, pg_mbcharcliplen(value, strlen(value), USER_AGENT_MAX));
}

/*
 * Starts a session and removes the account's expired ones.
 *
 * False when the account was deleted or deactivated meanwhile.
 */
bool
agent_session_start(const pg_uuid_t *user_id, TimestampTz now, pg_uuid_t *session_id)
{
	TimestampTz expires_at = now + agent_access_token_ttl * USECS_PER_SEC;
	text *agent = user_agent();
	Datum expire[] = {UUIDPGetDatum(user_id), TimestampTzGetDatum(now)};
	Datum insert[] = {UUIDPGetDatum(user_id),
					  UUIDPGetDatum(session_id),
					  TimestampTzGetDatum(now),
					  TimestampTzGetDatum(expires_at),
					  PointerGetDatum(agent)};

	*session_id = agent_uuidv7();
	agent_execute(AGENT_PLAN_SESSION_EXPIRE, expire, NULL);
	return agent_execute(AGENT_PLAN_SESSION_INSERT, insert, agent == NULL ? "    n" : NULL) == 1;
}
