/*
 * audit.c
 *		What is kept of who did what: logins, refreshes, changes of accounts and keys.
 *
 * What is done is written in the transaction that does it, and is there exactly if that
 * commits. What is refused goes through the ring in shared memory, and is written by a
 * worker although the call fails; without preloading it is not. An entry has ids, an
 * address, a browser and a word: never a password, a token, a hash or an e-mail address.
 * Of an account that its owner deletes all of them go, and what a worker has still to write.
 */
#include "agent.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define SESSION_USE_EVERY (60 * USECS_PER_SEC)
#define EXPIRE_AT_A_WRITE 2 /* rows that an entry takes along when they are too old */

static const char *const names[AGENT_EVENT_COUNT] = {
	[AGENT_EVENT_REGISTER] = "register",
	[AGENT_EVENT_LOGIN] = "login",
	[AGENT_EVENT_LOGIN_FAILED] = "login_failed",
	[AGENT_EVENT_REFRESH] = "refresh",
	[AGENT_EVENT_REFRESH_REUSE] = "refresh_reuse",
	[AGENT_EVENT_LOGOUT] = "logout",
	[AGENT_EVENT_PASSWORD_CHANGE] = "password_change",
	[AGENT_EVENT_PASSWORD_FAILED] = "password_failed",
	[AGENT_EVENT_DELETE] = "delete",
	[AGENT_EVENT_IMPORT] = "import",
	[AGENT_EVENT_ACTIVATE] = "activate",
	[AGENT_EVENT_DEACTIVATE] = "deactivate",
	[AGENT_EVENT_SESSION_END] = "session_end",
	[AGENT_EVENT_PURGE] = "purge",
	[AGENT_EVENT_KEY_ROTATE] = "key_rotate",
	[AGENT_EVENT_RATE_LIMIT] = "rate_limit",
	[AGENT_EVENT_BUSY] = "busy",
};

/* Copies a text, cut at a whole character. */
static void
copy_cut(char *to, const char *from, Size size)
{
	if (from == NULL)
		from = "";
	strlcpy(to, from, pg_mbcliplen(from, strlen(from), size - 1) + 1);
}

/* Fills in an entry; ids and detail may be NULL. */
void
agent_audit_fill(AgentEntry *entry, AgentEvent event, const pg_uuid_t *user_id,
				 const pg_uuid_t *session_id, const char *detail)
{
	char *agent = agent_request_user_agent();

	*entry = (AgentEntry){.event = event, .id = agent_uuidv7(), .at = GetCurrentTimestamp()};
	entry->has_user = user_id != NULL;
	if (user_id != NULL)
		entry->user_id = *user_id;
	entry->has_session = session_id != NULL;
	if (session_id != NULL)
		entry->session_id = *session_id;
	if (!agent_request_address(entry->address))
		entry->address[0] = '\0';
	copy_cut(entry->user_agent, agent, sizeof(entry->user_agent));
	copy_cut(entry->detail, detail, sizeof(entry->detail));
}

/* Returns a text, or marks that it is null. */
static Datum
text_or_null(const char *text, char *null)
{
	*null = text[0] == '\0' ? 'n' : ' ';
	return CStringGetTextDatum(text);
}

/* Deletes entries that are too old, at most so many; SPI is connected. */
uint64
agent_audit_expire(int most)
{
	int64 kept = agent_audit_retention * INT64CONST(60) * USECS_PER_SEC;
	pg_uuid_t oldest = agent_uuidv7_floor(GetCurrentTimestamp() - kept);
	Datum values[] = {UUIDPGetDatum(&oldest), Int32GetDatum(most)};

	return agent_audit_retention > 0 ? agent_execute(AGENT_PLAN_AUDIT_EXPIRE, values, NULL) : 0;
}

/* Deletes the oldest entries beyond agent.audit_max_rows; SPI is connected. */
void
agent_audit_trim(void)
{
	Datum values[] = {Int32GetDatum(agent_audit_max_rows)};

	if (agent_audit_max_rows > 0)
		agent_execute(AGENT_PLAN_AUDIT_TRIM, values, NULL);
}

/* Writes an entry by a plan. */
static void
insert_by(AgentPlan plan, const AgentEntry *entry)
{
	char nulls[] = "        ";
	Datum values[] = {UUIDPGetDatum(&entry->id),
					  TimestampTzGetDatum(entry->at),
					  CStringGetTextDatum(names[entry->event]),
					  UUIDPGetDatum(&entry->user_id),
					  UUIDPGetDatum(&entry->session_id),
					  (Datum) 0,
					  (Datum) 0,
					  (Datum) 0};

	nulls[3] = entry->has_user ? ' ' : 'n';
	nulls[4] = entry->has_session ? ' ' : 'n';
	values[5] = text_or_null(entry->address, &nulls[5]);
	values[6] = text_or_null(entry->user_agent, &nulls[6]);
	values[7] = text_or_null(entry->detail, &nulls[7]);
	agent_execute(plan, values, nulls);
}

/* Writes an entry; SPI is connected, as agent_owner. */
void
agent_audit_insert(const AgentEntry *entry)
{
	insert_by(AGENT_PLAN_AUDIT_INSERT, entry);
}

/*
 * Writes an entry of what was some time ago, unless the account it is about is gone;
 * SPI is connected, as agent_owner.
 */
void
agent_audit_insert_late(const AgentEntry *entry)
{
	insert_by(entry->has_user ? AGENT_PLAN_AUDIT_INSERT_LATE : AGENT_PLAN_AUDIT_INSERT, entry);
}

/* Writes what is being done, and takes some along of what is too old. */
static void
insert_now(const AgentEntry *entry)
{
	agent_audit_insert(entry);
	/* One that keeps its snapshot would fail where somebody else has deleted them. */
	if (!IsolationUsesXactSnapshot())
		agent_audit_expire(EXPIRE_AT_A_WRITE);
}

/*
 * Deletes what is kept of an account that was deleted, and writes that it is gone: when,
 * and nothing else; SPI is connected.
 */
void
agent_audit_erase(const pg_uuid_t *user_id)
{
	AgentEntry entry = {.event = AGENT_EVENT_DELETE,
						.id = agent_uuidv7(),
						.at = GetCurrentTimestamp(),
						.has_user = true,
						.user_id = *user_id};
	Datum values[] = {UUIDPGetDatum(user_id)};

	agent_execute(AGENT_PLAN_AUDIT_ERASE, values, NULL);
	insert_now(&entry);
}

/* Writes what is being done, in the transaction that does it; SPI is connected. */
void
agent_audit_write(AgentEvent event, const pg_uuid_t *user_id, const pg_uuid_t *session_id,
				  const char *detail)
{
	AgentEntry entry;

	agent_audit_fill(&entry, event, user_id, session_id, detail);
	insert_now(&entry);
}

/* Writes what an administrator does, and under which name they have logged in. */
void
agent_audit_write_admin(AgentEvent event, const pg_uuid_t *user_id, const pg_uuid_t *session_id)
{
	agent_audit_write(event, user_id, session_id, GetUserNameFromId(GetSessionUserId(), true));
}

/* Reports what is refused, whatever becomes of the transaction. */
void
agent_audit_report(AgentEvent event, const pg_uuid_t *user_id, const pg_uuid_t *session_id,
				   const char *detail)
{
	AgentEntry entry;

	if (!agent_is_preloaded())
		return;
	agent_audit_fill(&entry, event, user_id, session_id, detail);
	agent_ring_add(&entry);
}

/*
 * Notes that a session is used, once a minute, for all that use it.
 *
 * Not by a transaction that keeps one snapshot: it could not end or refresh a session
 * any more that is written meanwhile.
 */
void
agent_session_used(const pg_uuid_t *user_id, const pg_uuid_t *session_id)
{
	AgentEntry entry = {.event = AGENT_EVENT_SESSION_USE,
						.user_id = *user_id,
						.session_id = *session_id};

	if (IsolationUsesXactSnapshot() || RecoveryInProgress() ||
		!agent_is_within(SESSION_USE_EVERY, 1, session_id, UUID_LEN))
		return;
	entry.at = GetCurrentTimestamp();
	agent_ring_add(&entry);
}
