/*
 * statements.c
 *		Every SQL statement of the module.
 *
 * Run by plans.c, as agent_owner with search_path pinned to pg_catalog; all other names
 * are qualified. USER_GET and CONVERSATION_GET may run as the signed-in person under
 * any search_path, and qualify their operators too. Every statement on conversations
 * and messages says user_id = $1 by itself; row security is the second fence. Values
 * are parameters, times among them: nothing is ever put into a text.
 */
#include "agent.h"

#include "catalog/pg_type.h"

/* clang-format off */
/* In the order of the views, whose rows the functions return. */
#define USER_COLUMNS "id, email, username, is_active, created_at"
#define CONVERSATION_COLUMNS \
	"id, title, is_archived, created_at, updated_at, message_count," \
	" is_pinned, tags, metadata, forked_from, user_id"
#define MESSAGE_COLUMNS \
	"id, conversation_id, seq, role, content, created_at, metadata, edited_at, user_id"
/* What tells a version of a row from all others (see http_etag.c). */
#define CONVERSATION_VERSION "id, xmin, ctid, updated_at"
/* clang-format on */

/* clang-format off */
/* One statement reads the rows, another one their versions. */
#define CONVERSATION_LIST \
	" FROM agent.conversations WHERE user_id = $1 AND ($4 IS NULL OR is_archived = $4)" \
	" ORDER BY created_at DESC, id DESC OFFSET $2 LIMIT $3"
#define CONVERSATION_PAGE \
	" FROM agent.conversations WHERE user_id = $1 AND (created_at, id) < ($2, $3)" \
	" AND CASE WHEN ($4 IS NULL OR is_archived = $4) AND ($5 IS NULL OR is_pinned = $5)" \
	" AND ($6 IS NULL OR $6 = ANY (tags)) AND ($7 IS NULL OR metadata @> $7) THEN true ELSE false END" \
	" ORDER BY created_at DESC, id DESC LIMIT 101"
/* clang-format on */

/* clang-format off */
/* The filters of a search on a conversation, and those on whatever was written. */
#define SEARCH_CONVERSATION \
	" ($7 IS NULL OR c.is_archived = $7) AND ($8 IS NULL OR c.is_pinned = $8)" \
	" AND ($9 IS NULL OR $9 = ANY (c.tags))"
#define SEARCH_WRITTEN(t) \
	" AND ($5 IS NULL OR " t ".created_at >= $5) AND ($6 IS NULL OR " t ".created_at < $6)" \
	" AND ($10 IS NULL OR " t ".metadata @> $10)"
/* clang-format on */

/*
 * A search, by an operator that may use the index, or by one that reads all of the
 * caller's own. What was found is ranked first; only what is shown is read. OFFSET keeps
 * the planner from reading all messages of the caller for that.
 */
/* clang-format off */
#define SEARCH(op) \
		"WITH hit AS (SELECT c.id, c.id AS conversation_id, NULL::uuid AS message_id, c.created_at," \
		" (4 * agent.search_rank(agent.search_document(c.title), $2))::real AS rank" \
		" FROM agent.conversations AS c" \
		" WHERE c.user_id = $1 AND agent.search_document(c.title) OPERATOR(" op ") $2" \
		" AND ($3 IS NULL OR c.id = $3) AND $4 IS NULL AND" SEARCH_CONVERSATION SEARCH_WRITTEN("c") \
		" UNION ALL SELECT m.id, m.conversation_id, m.id, m.created_at, agent.search_rank(m.search, $2)" \
		" FROM agent.messages AS m WHERE m.user_id = $1 AND m.search OPERATOR(" op ") $2" \
		" AND ($3 IS NULL OR m.conversation_id = $3) AND ($4 IS NULL OR m.role = $4)" SEARCH_WRITTEN("m") \
		" AND (($7 IS NULL AND $8 IS NULL AND $9 IS NULL) OR EXISTS (SELECT FROM agent.conversations AS c" \
		" WHERE c.user_id = $1 AND c.id = m.conversation_id AND" SEARCH_CONVERSATION ")))" \
		" SELECT CASE WHEN p.message_id IS NULL THEN 'title' ELSE 'message' END AS kind, p.conversation_id," \
		" c.title, p.message_id, m.seq, m.role, p.created_at, p.rank," \
		" agent.search_snippet(coalesce(m.content, c.title), $2, $14, $15) AS snippet" \
		" FROM (SELECT * FROM hit WHERE (rank, id) < ($11, $12) ORDER BY rank DESC, id DESC LIMIT $13) AS p" \
		" CROSS JOIN LATERAL (SELECT title FROM agent.conversations" \
		" WHERE user_id = $1 AND id = p.conversation_id OFFSET 0) AS c" \
		" LEFT JOIN LATERAL (SELECT seq, role, content FROM agent.messages" \
		" WHERE user_id = $1 AND id = p.message_id OFFSET 0) AS m ON true" \
		" ORDER BY p.rank DESC, coalesce(p.message_id, p.conversation_id) DESC"
#define SEARCH_ARGS \
		UUIDOID, TSQUERYOID, UUIDOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID, BOOLOID, TEXTOID, JSONBOID, \
		FLOAT4OID, UUIDOID, INT4OID, TEXTOID, TEXTOID
/* clang-format on */

/* clang-format off */
#define SESSION_STATE \
	"SELECT s.refresh_hash, s.refresh_previous, s.refresh_key, s.refresh_kid, s.refreshed_at," \
	" u.is_active, s.refresh_generation FROM agent.sessions AS s JOIN agent.users AS u ON u.id = s.user_id" \
	" WHERE s.user_id = $1 AND s.id = $2 AND s.ended_at IS NULL AND s.expires_at > $3"
/* clang-format on */

/* clang-format off */
const AgentStatement agent_statements[AGENT_PLAN_COUNT] = {
	[AGENT_PLAN_USER_TAKEN] = {
		"SELECT EXISTS (SELECT FROM agent.users WHERE email_key = $1),"
		" EXISTS (SELECT FROM agent.users WHERE username = $2)",
		false, 2, {TEXTOID, TEXTOID}
	},
	[AGENT_PLAN_USER_INSERT] = {
		"INSERT INTO agent.users (id, email, email_key, username, password_hash, created_at, is_active)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING " USER_COLUMNS,
		false, 7, {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, BOOLOID}
	},
	[AGENT_PLAN_USER_BY_EMAIL] = {
		"SELECT id, password_hash, is_active FROM agent.users WHERE email_key = $1",
		false, 1, {TEXTOID}
	},
	[AGENT_PLAN_USER_GET] = {
		"SELECT " USER_COLUMNS " FROM agent.users WHERE id OPERATOR(pg_catalog.=) $1",
		true, 1, {UUIDOID}
	},
	[AGENT_PLAN_USER_VERSION] = {
		"SELECT xmin, ctid, " USER_COLUMNS " FROM agent.users WHERE id = $1",
		true, 1, {UUIDOID}
	},
	[AGENT_PLAN_USER_PASSWORD] = {
		"SELECT password_hash FROM agent.users WHERE id = $1",
		false, 1, {UUIDOID}
	},
	/* Not over a change that somebody else has made meanwhile. */
	[AGENT_PLAN_USER_SET_PASSWORD] = {
		"UPDATE agent.users SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
		false, 3, {UUIDOID, TEXTOID, TEXTOID}
	},
	[AGENT_PLAN_USER_SET_ACTIVE] = {
		"UPDATE agent.users SET is_active = $2 WHERE id = $1 RETURNING " USER_COLUMNS,
		false, 2, {UUIDOID, BOOLOID}
	},
	[AGENT_PLAN_USER_DELETE] = {
		"DELETE FROM agent.users WHERE id = $1",
		false, 1, {UUIDOID}
	},
	[AGENT_PLAN_SESSION_INSERT] = {
		"INSERT INTO agent.sessions (user_id, id, created_at, expires_at, user_agent,"
		" refreshed_at, refresh_hash, refresh_key, last_used_at, address)"
		" SELECT id, $2, $3, $4, $5, $3, $6, $7, $3, $9::inet"
		" FROM agent.users WHERE id = $1 AND is_active AND password_hash = $8 FOR SHARE",
		false, 9,
		{UUIDOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, BYTEAOID, BYTEAOID, TEXTOID, TEXTOID}
	},
	[AGENT_PLAN_SESSION_EXPIRE] = {
		"DELETE FROM agent.sessions WHERE user_id = $1 AND expires_at <= $2",
		false, 2, {UUIDOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_SESSION_STATE] = {
		SESSION_STATE,
		false, 3, {UUIDOID, UUIDOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_SESSION_LOCK] = {
		SESSION_STATE " FOR NO KEY UPDATE OF s",
		false, 3, {UUIDOID, UUIDOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_SESSION_REFRESH] = {
		"UPDATE agent.sessions SET refreshed_at = $3, last_used_at = $3, expires_at = $4, refresh_hash = $5,"
		" refresh_previous = $6, refresh_kid = $7, refresh_generation = refresh_generation + 1 WHERE user_id = $1 AND id = $2",
		false, 7, {UUIDOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BYTEAOID, BYTEAOID, UUIDOID}
	},
	[AGENT_PLAN_SESSION_END] = {
		"UPDATE agent.sessions SET ended_at = $3 WHERE user_id = $1 AND id = $2 AND ended_at IS NULL",
		false, 3, {UUIDOID, UUIDOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_SESSION_END_OTHERS] = {
		"UPDATE agent.sessions SET ended_at = $3 WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL",
		false, 3, {UUIDOID, UUIDOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_SESSION_END_ALL] = {
		"UPDATE agent.sessions SET ended_at = $3 WHERE user_id = $1 AND ended_at IS NULL",
		false, 3, {UUIDOID, UUIDOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_SESSION_END_ANY] = {
		"UPDATE agent.sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING user_id",
		false, 2, {UUIDOID, TIMESTAMPTZOID}
	},
	/* Whoever has the row locked uses it too, and must not be waited for. */
	[AGENT_PLAN_SESSION_USE] = {
		"UPDATE agent.sessions AS s SET last_used_at = $3 FROM (SELECT user_id, id FROM agent.sessions"
		" WHERE user_id = $1 AND id = $2 AND last_used_at < $3 FOR NO KEY UPDATE SKIP LOCKED) AS f"
		" WHERE s.user_id = f.user_id AND s.id = f.id",
		false, 3, {UUIDOID, UUIDOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_SESSION_LIST] = {
		"SELECT id, created_at, last_used_at, expires_at, user_agent, host(address) AS address,"
		" id = agent.session_id() AS is_current"
		" FROM agent.sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > clock_timestamp()"
		" ORDER BY created_at DESC, id DESC",
		true, 1, {UUIDOID}
	},
	/* What comes out of the ring may be in already. */
	[AGENT_PLAN_AUDIT_INSERT] = {
		"INSERT INTO agent.audit (id, created_at, event, user_id, session_id, address, user_agent, detail)"
		" VALUES ($1, $2, $3, $4, $5, $6::inet, $7, $8) ON CONFLICT DO NOTHING",
		false, 8, {UUIDOID, TIMESTAMPTZOID, TEXTOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID}
	},
	/* By a worker: not of an account that is gone, and none that is going escapes it. */
	[AGENT_PLAN_AUDIT_INSERT_LATE] = {
		"INSERT INTO agent.audit (id, created_at, event, user_id, session_id, address, user_agent, detail)"
		" SELECT $1, $2, $3, id, $5, $6::inet, $7, $8 FROM agent.users WHERE id = $4 FOR KEY SHARE"
		" ON CONFLICT DO NOTHING",
		false, 8, {UUIDOID, TIMESTAMPTZOID, TEXTOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID}
	},
	[AGENT_PLAN_AUDIT_ERASE] = {
		"DELETE FROM agent.audit WHERE user_id = $1",
		false, 1, {UUIDOID}
	},
	[AGENT_PLAN_AUDIT_EXPIRE] = {
		"DELETE FROM agent.audit WHERE id IN (SELECT id FROM agent.audit WHERE id < $1 ORDER BY id"
		" LIMIT $2 FOR UPDATE SKIP LOCKED)",
		false, 2, {UUIDOID, INT4OID}
	},
	[AGENT_PLAN_AUDIT_TRIM] = {
		"DELETE FROM agent.audit WHERE id <= (SELECT id FROM agent.audit ORDER BY id DESC OFFSET $1 LIMIT 1)",
		false, 1, {INT4OID}
	},
	/* One rotation at a time: two would leave two keys that sign. */
	[AGENT_PLAN_KEY_LOCK] = {
		"LOCK TABLE agent.signing_keys IN SHARE ROW EXCLUSIVE MODE",
		false, 0, {0}
	},
	[AGENT_PLAN_KEY_INSERT] = {
		"INSERT INTO agent.signing_keys (kid, secret, created_at) VALUES ($1, $2, $3)",
		false, 3, {UUIDOID, BYTEAOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_KEY_RETIRE] = {
		"UPDATE agent.signing_keys SET retires_at = $1 WHERE retires_at IS NULL",
		false, 1, {TIMESTAMPTZOID}
	},
	[AGENT_PLAN_KEY_EXPIRE] = {
		"DELETE FROM agent.signing_keys WHERE retires_at <= $1",
		false, 1, {TIMESTAMPTZOID}
	},
	/* Of each table, as much as tells that it can be read. */
	[AGENT_PLAN_READY] = {
		"SELECT EXISTS (SELECT FROM agent.signing_keys WHERE retires_at IS NULL),"
		" EXISTS (SELECT FROM agent.users), EXISTS (SELECT FROM agent.sessions),"
		" EXISTS (SELECT FROM agent.audit), EXISTS (SELECT FROM agent.idempotency_keys),"
		" EXISTS (SELECT FROM agent.conversations WHERE user_id = $1),"
		" EXISTS (SELECT FROM agent.messages WHERE user_id = $1)",
		false, 1, {UUIDOID}
	},
	[AGENT_PLAN_VERSION] = {
		"SELECT extversion FROM pg_catalog.pg_extension"
		" WHERE extname OPERATOR(pg_catalog.=) 'agent'",
		true, 0, {0}
	},
	[AGENT_PLAN_KEY_LIST] = {
		"SELECT kid FROM agent.signing_keys WHERE retires_at IS NULL OR retires_at > $1"
		" ORDER BY retires_at DESC NULLS FIRST, created_at DESC",
		false, 1, {TIMESTAMPTZOID}
	},
	[AGENT_PLAN_CONVERSATION_INSERT] = {
		"INSERT INTO agent.conversations"
		" (user_id, id, title, created_at, updated_at, message_count, next_seq,"
		" tags, metadata)"
		" VALUES ($1, $2, $3, $4, $4, $5, $5 + 1, coalesce($6, '{}'), coalesce($7, '{}'))"
		" RETURNING " CONVERSATION_COLUMNS,
		false, 7, {UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID, INT8OID, TEXTARRAYOID, JSONBOID}
	},
	[AGENT_PLAN_CONVERSATION_GET] = {
		"SELECT " CONVERSATION_COLUMNS " FROM agent.conversations"
		" WHERE user_id OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2",
		true, 2, {UUIDOID, UUIDOID}
	},
	[AGENT_PLAN_CONVERSATION_LIST] = {
		"SELECT " CONVERSATION_COLUMNS CONVERSATION_LIST,
		true, 4, {UUIDOID, INT8OID, INT8OID, BOOLOID}
	},
	[AGENT_PLAN_CONVERSATION_LIST_VERSION] = {
		"SELECT " CONVERSATION_VERSION CONVERSATION_LIST,
		true, 4, {UUIDOID, INT8OID, INT8OID, BOOLOID}
	},
	[AGENT_PLAN_CONVERSATION_VERSION] = {
		"SELECT " CONVERSATION_VERSION " FROM agent.conversations WHERE user_id = $1 AND id = $2",
		true, 2, {UUIDOID, UUIDOID}
	},
	[AGENT_PLAN_CONVERSATION_UPDATE] = {
		"UPDATE agent.conversations SET title = coalesce($3, title),"
		" is_archived = coalesce($4, is_archived), updated_at = greatest(updated_at, $5),"
		" is_pinned = coalesce($6, is_pinned), tags = coalesce($7, tags), metadata = coalesce($8, metadata)"
		" WHERE user_id = $1 AND id = $2 RETURNING " CONVERSATION_COLUMNS,
		false, 8, {UUIDOID, UUIDOID, TEXTOID, BOOLOID, TIMESTAMPTZOID, BOOLOID, TEXTARRAYOID, JSONBOID}
	},
	[AGENT_PLAN_CONVERSATION_DELETE] = {
		"DELETE FROM agent.conversations WHERE user_id = $1 AND id = $2",
		false, 2, {UUIDOID, UUIDOID}
	},

	/*
	 * Takes the row's lock, so that seq is given out without a gap and follows the order
	 * of acceptance, and updated_at (the message's time) never runs backwards.
	 */
	[AGENT_PLAN_CONVERSATION_NEXT_SEQ] = {
		"UPDATE agent.conversations SET next_seq = next_seq + 1,"
		" message_count = message_count + 1, updated_at = greatest(updated_at, $3)"
		" WHERE user_id = $1 AND id = $2 RETURNING next_seq - 1, updated_at",
		false, 3, {UUIDOID, UUIDOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_MESSAGE_INSERT] = {
		"INSERT INTO agent.messages (user_id, id, conversation_id, seq, role, content, created_at, metadata)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		false, 8, {UUIDOID, UUIDOID, UUIDOID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, JSONBOID}
	},
	[AGENT_PLAN_MESSAGE_LIST] = {
		"SELECT id, conversation_id, role, content, created_at FROM agent.messages"
		" WHERE user_id = $1 AND conversation_id = $2 ORDER BY seq OFFSET $3 LIMIT $4",
		true, 4, {UUIDOID, UUIDOID, INT8OID, INT8OID}
	},

	/* Whoever changes a message has its conversation's lock before the message's own. */
	[AGENT_PLAN_CONVERSATION_TOUCH] = {
		"UPDATE agent.conversations SET updated_at = greatest(updated_at, $3), message_count = message_count - $4"
		" WHERE user_id = $1 AND id = $2 RETURNING updated_at",
		false, 4, {UUIDOID, UUIDOID, TIMESTAMPTZOID, INT8OID}
	},
	[AGENT_PLAN_MESSAGE_GET] = {
		"SELECT " MESSAGE_COLUMNS " FROM agent.messages WHERE user_id = $1 AND id = $2",
		false, 2, {UUIDOID, UUIDOID}
	},
	[AGENT_PLAN_MESSAGE_PLACE] = {
		"SELECT conversation_id, seq FROM agent.messages WHERE user_id = $1 AND id = $2",
		false, 2, {UUIDOID, UUIDOID}
	},
	[AGENT_PLAN_MESSAGE_UPDATE] = {
		"UPDATE agent.messages SET content = coalesce($3, content), metadata = coalesce($4, metadata),"
		" edited_at = CASE WHEN $3 IS NULL THEN edited_at ELSE $5 END"
		" WHERE user_id = $1 AND id = $2 RETURNING " MESSAGE_COLUMNS,
		false, 5, {UUIDOID, UUIDOID, TEXTOID, JSONBOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_MESSAGE_DELETE] = {
		"DELETE FROM agent.messages WHERE user_id = $1 AND id = $2",
		false, 2, {UUIDOID, UUIDOID}
	},

	/*
	 * What is copied cannot be deleted meanwhile. A time ahead of the clock is copied
	 * too: the messages that come next are not older than those before them.
	 */
	[AGENT_PLAN_CONVERSATION_FORK] = {
		"INSERT INTO agent.conversations (user_id, id, title, created_at, updated_at, tags, metadata, forked_from)"
		" SELECT user_id, $3, coalesce($4, title), $5,"
		" greatest(updated_at, $5), tags, metadata, id"
		" FROM agent.conversations WHERE user_id = $1 AND id = $2 FOR KEY SHARE",
		false, 5, {UUIDOID, UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_MESSAGE_COPY] = {
		"INSERT INTO agent.messages"
		" (user_id, id, conversation_id, seq, role, content, created_at, metadata, edited_at)"
		" SELECT user_id, agent.uuidv7(), $3, row_number() OVER (ORDER BY seq), role, content, created_at,"
		" metadata, edited_at"
		" FROM agent.messages WHERE user_id = $1 AND conversation_id = $2 AND seq <= $4 ORDER BY seq",
		false, 4, {UUIDOID, UUIDOID, UUIDOID, INT8OID}
	},
	/* About as much as JSON makes of it; what is stored out of line is not read. */
	[AGENT_PLAN_EXPORT_SIZE] = {
		"SELECT coalesce((SELECT sum(octet_length(content) + octet_length(metadata::text) + 300)"
		" FROM agent.messages WHERE user_id = $1), 0)::bigint"
		" + coalesce((SELECT sum(octet_length(metadata::text) + 5000) FROM agent.conversations WHERE user_id = $1), 0)::bigint"
		" + 1000 * (SELECT count(*) FROM agent.audit WHERE user_id = $1)"
		" + 1000 * (SELECT count(*) FROM agent.sessions WHERE user_id = $1)",
		true, 1, {UUIDOID}
	},

	/* The statement itself is in sql/55_admin.sql: it runs as another role. */
	[AGENT_PLAN_CONVERSATION_PURGE] = {
		"SELECT agent.purge($1, $2)",
		false, 2, {TIMESTAMPTZOID, INT4OID}
	},
	[AGENT_PLAN_CONVERSATION_COUNTED] = {
		"UPDATE agent.conversations SET message_count = $3, next_seq = $3 + 1"
		" WHERE user_id = $1 AND id = $2 RETURNING " CONVERSATION_COLUMNS,
		false, 3, {UUIDOID, UUIDOID, INT8OID}
	},

	/* The row that CONVERSATION_INSERT returned for the same values. */
	[AGENT_PLAN_CONVERSATION_AGAIN] = {
		"SELECT $2 AS id, $3 AS title, false AS is_archived, $4 AS created_at, $4 AS updated_at,"
		" $5 AS message_count, false AS is_pinned, coalesce($6, '{}') AS tags,"
		" coalesce($7, '{}') AS metadata, NULL::uuid AS forked_from, $1 AS user_id",
		true, 7, {UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID, INT8OID, TEXTARRAYOID, JSONBOID}
	},

	/* Waits for whoever has claimed the same key in a transaction that still runs. */
	[AGENT_PLAN_IDEMPOTENCY_CLAIM] = {
		"INSERT INTO agent.idempotency_keys (user_id, key_hash, operation, request_hash, created_at)"
		" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id, key_hash) DO NOTHING",
		false, 5, {UUIDOID, BYTEAOID, TEXTOID, BYTEAOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_IDEMPOTENCY_FIND] = {
		"SELECT request_hash, result_id, result_seq, result_at, created_at <= $3"
		" FROM agent.idempotency_keys WHERE user_id = $1 AND key_hash = $2",
		false, 3, {UUIDOID, BYTEAOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_IDEMPOTENCY_END] = {
		"DELETE FROM agent.idempotency_keys WHERE user_id = $1 AND key_hash = $2 AND created_at <= $3",
		false, 3, {UUIDOID, BYTEAOID, TIMESTAMPTZOID}
	},
	[AGENT_PLAN_IDEMPOTENCY_FINISH] = {
		"UPDATE agent.idempotency_keys SET result_id = $3, result_seq = $4, result_at = $5"
		" WHERE user_id = $1 AND key_hash = $2",
		false, 5, {UUIDOID, BYTEAOID, UUIDOID, INT8OID, TIMESTAMPTZOID}
	},
	/* Everybody's: whoever else deletes them meanwhile is not waited for. */
	[AGENT_PLAN_IDEMPOTENCY_EXPIRE] = {
		"DELETE FROM agent.idempotency_keys WHERE ctid = ANY (ARRAY(SELECT ctid FROM agent.idempotency_keys"
		" WHERE created_at <= $1 ORDER BY created_at LIMIT 10 FOR UPDATE SKIP LOCKED))",
		false, 1, {TIMESTAMPTZOID}
	},
	[AGENT_PLAN_IDEMPOTENCY_FORGET] = {
		"DELETE FROM agent.idempotency_keys WHERE user_id = $1",
		false, 1, {UUIDOID}
	},
	[AGENT_PLAN_IDEMPOTENCY_FORGET_REGISTER] = {
		"DELETE FROM agent.idempotency_keys"
		" WHERE user_id = '00000000-0000-0000-0000-000000000000' AND result_id = $1",
		false, 1, {UUIDOID}
	},

	/*
	 * Pages: ranges of an index. The bound is a constant, one row more than the largest
	 * page has, so that the planner knows how few are wanted; the caller says how many.
	 * Of a CASE it guesses nothing: were it to think that hardly a row meets the filters,
	 * it would read all of the range and sort.
	 */
	[AGENT_PLAN_CONVERSATION_PAGE] = {
		"SELECT " CONVERSATION_COLUMNS CONVERSATION_PAGE,
		true, 7, {UUIDOID, TIMESTAMPTZOID, UUIDOID, BOOLOID, BOOLOID, TEXTOID, JSONBOID}
	},
	[AGENT_PLAN_CONVERSATION_PAGE_VERSION] = {
		"SELECT " CONVERSATION_VERSION CONVERSATION_PAGE,
		true, 7, {UUIDOID, TIMESTAMPTZOID, UUIDOID, BOOLOID, BOOLOID, TEXTOID, JSONBOID}
	},
	[AGENT_PLAN_MESSAGE_PAGE] = {
		"SELECT " MESSAGE_COLUMNS " FROM agent.messages"
		" WHERE user_id = $1 AND conversation_id = $2 AND seq > $3 ORDER BY seq LIMIT 101",
		true, 3, {UUIDOID, UUIDOID, INT8OID}
	},
	[AGENT_PLAN_MESSAGE_PAGE_BACKWARD] = {
		"SELECT " MESSAGE_COLUMNS " FROM agent.messages"
		" WHERE user_id = $1 AND conversation_id = $2 AND seq < $3 ORDER BY seq DESC LIMIT 101",
		true, 3, {UUIDOID, UUIDOID, INT8OID}
	},

	[AGENT_PLAN_SEARCH] = {
		SEARCH("agent.@@"), true, 15, {SEARCH_ARGS}
	},
	[AGENT_PLAN_SEARCH_OWN] = {
		SEARCH("pg_catalog.@@"), true, 15, {SEARCH_ARGS}
	},
	[AGENT_PLAN_MESSAGE_TOTAL] = {
		"SELECT coalesce(sum(message_count), 0)::bigint FROM agent.conversations WHERE user_id = $1",
		true, 1, {UUIDOID}
	},

};
/* clang-format on */
