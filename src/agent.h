/*
 * agent.h
 *		What the files of the module offer each other, grouped by owner.
 *
 * Everything that is not static is named agent_*: before PostgreSQL 16 a
 * module's symbols are visible to every other module.
 */
#ifndef AGENT_H
#define AGENT_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "common/sha2.h"
#include "compat.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "storage/buf.h"
#include "storage/itemptr.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/snapshot.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* admission.c */
typedef struct AgentAdmissionState
{
	int places; /* 0: not preloaded */
	int running;
	int waiting;
	int64 refused; /* since the start of the server */
} AgentAdmissionState;

extern Size agent_admission_size(void);
extern void agent_admission_attach(void);
extern int64 agent_admission_try(void (*work)(void *), void *arg);
extern _Noreturn void agent_admission_refuse(int64 wait);
extern void agent_admission_run(void (*work)(void *), void *arg);
extern AgentAdmissionState agent_admission_state(void);

/* audit.c */
typedef enum AgentEvent
{
	AGENT_EVENT_SESSION_USE, /* not of the audit: the session was used */
	AGENT_EVENT_REGISTER,
	AGENT_EVENT_LOGIN,
	AGENT_EVENT_LOGIN_FAILED,
	AGENT_EVENT_REFRESH,
	AGENT_EVENT_REFRESH_REUSE,
	AGENT_EVENT_LOGOUT,
	AGENT_EVENT_PASSWORD_CHANGE,
	AGENT_EVENT_PASSWORD_FAILED,
	AGENT_EVENT_DELETE,
	AGENT_EVENT_IMPORT,
	AGENT_EVENT_ACTIVATE,
	AGENT_EVENT_DEACTIVATE,
	AGENT_EVENT_SESSION_END,
	AGENT_EVENT_PURGE,
	AGENT_EVENT_KEY_ROTATE,
	AGENT_EVENT_RATE_LIMIT,
	AGENT_EVENT_BUSY,
	AGENT_EVENT_COUNT
} AgentEvent;

#define AGENT_ADDRESS_TEXT 46 /* the longest address, and the terminator */

typedef struct AgentEntry
{
	AgentEvent event;
	pg_uuid_t id;
	TimestampTz at;
	bool has_user;
	bool has_session;
	pg_uuid_t user_id;
	pg_uuid_t session_id;
	char address[AGENT_ADDRESS_TEXT];
	char user_agent[128];
	char detail[64];
} AgentEntry;

extern void agent_audit_fill(AgentEntry *entry, AgentEvent event, const pg_uuid_t *user_id,
							 const pg_uuid_t *session_id, const char *detail);
extern void agent_audit_insert(const AgentEntry *entry);
extern void agent_audit_insert_late(const AgentEntry *entry);
extern void agent_audit_erase(const pg_uuid_t *user_id);
extern void agent_audit_write(AgentEvent event, const pg_uuid_t *user_id,
							  const pg_uuid_t *session_id, const char *detail);
extern void agent_audit_write_admin(AgentEvent event, const pg_uuid_t *user_id,
									const pg_uuid_t *session_id);
extern void agent_audit_report(AgentEvent event, const pg_uuid_t *user_id,
							   const pg_uuid_t *session_id, const char *detail);
extern uint64 agent_audit_expire(int most);
extern void agent_audit_trim(void);
extern void agent_session_used(const pg_uuid_t *user_id, const pg_uuid_t *session_id);

/* crypto.c */
typedef struct AgentBytes
{
	const void *data;
	Size len;
} AgentBytes;

extern void agent_random(void *bytes, Size len);
extern void agent_sha256(const void *data, Size len, uint8 *digest);
extern void agent_hmac(const void *key, Size key_len, const AgentBytes *parts, int count,
					   uint8 *mac);
extern bool agent_bytes_equal(const void *a, const void *b, Size len);

/* cursor.c */
#define AGENT_CURSOR_PLACE_MAX 64 /* bytes */

/* What a cursor is good for: a list, with all that it was asked for, and its caller. */
typedef struct AgentCursorScope
{
	StringInfoData bytes;
} AgentCursorScope;

struct AgentFaults;
extern void agent_cursor_scope_begin(AgentCursorScope *scope, const char *function,
									 const pg_uuid_t *caller);
extern void agent_cursor_scope_add(AgentCursorScope *scope, const void *data, int len);
extern void agent_cursor_scope_add_value(AgentCursorScope *scope, const void *value);
extern char *agent_cursor_make(const AgentCursorScope *scope, const void *place, Size len);
extern bool agent_cursor_read(struct AgentFaults *faults, const AgentCursorScope *scope,
							  const text *cursor, void *place, Size len);

/* email.c */
extern const char *agent_email_fault(const char *email);
extern char *agent_email_key(const text *email);
extern char *agent_email_stored(const text *email);

/* error.c: the table of errors. */
typedef enum AgentError
{
	AGENT_NO_ERROR,
	AGENT_NOT_AUTHENTICATED,
	AGENT_INVALID_SCHEME,
	AGENT_INVALID_TOKEN,
	AGENT_USER_NOT_FOUND,
	AGENT_USER_INACTIVE,
	AGENT_BAD_CREDENTIALS,
	AGENT_EMAIL_TAKEN,
	AGENT_USERNAME_TAKEN,
	AGENT_INVALID_REFRESH_TOKEN,
	AGENT_WRONG_PASSWORD,
	AGENT_ACCOUNT_NOT_FOUND,
	AGENT_ACCOUNT_IN_USE,
	AGENT_SESSION_NOT_FOUND,
	AGENT_CONVERSATION_NOT_FOUND,
	AGENT_MESSAGE_NOT_FOUND,
	AGENT_IDEMPOTENCY_MISMATCH,
	AGENT_RATE_LIMITED,
	AGENT_BUSY,
	AGENT_VALIDATION_FAILED,
	AGENT_PATH_NOT_FOUND,
	AGENT_METHOD_NOT_ALLOWED,
	AGENT_BODY_UNREADABLE,
	AGENT_BODY_TOO_LARGE,
	AGENT_ANSWER_TOO_LARGE,
	AGENT_READ_ONLY,
	AGENT_UNAVAILABLE,
	AGENT_INTERNAL,
	AGENT_ERROR_COUNT
} AgentError;

extern _Noreturn void agent_raise(AgentError error, const char *detail);
extern _Noreturn void agent_raise_until(AgentError error, int64 wait);
extern int agent_error_seconds(const ErrorData *caught);
extern AgentError agent_error_of(const ErrorData *caught);
extern void agent_error_forget(void);
extern AgentError agent_error_passing(void);
extern const char *agent_error_name(AgentError error);
extern int agent_error_status(AgentError error);
extern char *agent_error_text(AgentError error);

/* account.c */
struct AgentAttempt;
extern void agent_count_login(const text *email, struct AgentAttempt *attempt);
extern Datum agent_token_row(FunctionCallInfo fcinfo, const char *access_token,
							 const char *refresh_token);

/* conversation.c */
extern void agent_conversation_require(const pg_uuid_t *caller, const pg_uuid_t *conversation_id);

/* guc.c */
extern int agent_access_token_ttl;
extern int agent_audit_max_rows;
extern int agent_audit_retention;
extern int agent_hash_concurrency;
extern int agent_hash_queue;
extern int agent_idempotency_ttl;
extern int agent_login_account_burst;
extern int agent_login_account_interval;
extern int agent_login_address_burst;
extern int agent_login_address_interval;
extern bool agent_metrics_are_kept;
extern char *agent_metrics_token;
extern int agent_password_hash_cost;
extern int agent_postgrest_max_rows;
extern int agent_refresh_grace;
extern int agent_request_burst;
extern int agent_request_interval;
extern int agent_session_ttl;
extern char *agent_token;
extern char *agent_trusted_address_header;
extern void agent_guc_define(void);
extern void agent_set_local(const char *name, const char *value);
extern void agent_set_for_call(const char *name, const char *value);

/* http_serve.c */
extern bool agent_http_is_calling(void);

/* idempotency.c */
#define AGENT_IDEMPOTENCY_PARTS 8

/* A request that may have been answered before. */
typedef struct AgentIdempotency
{
	const text *key; /* NULL: it has none */
	const char *operation;
	pg_uuid_t user_id; /* zeros where there is no caller */
	int part_count;    /* what is compared: each its length and its data */
	int lengths[AGENT_IDEMPOTENCY_PARTS];
	AgentBytes parts[2 * AGENT_IDEMPOTENCY_PARTS];
	uint8 key_hash[PG_SHA256_DIGEST_LENGTH];
	uint8 request_hash[PG_SHA256_DIGEST_LENGTH];
	bool is_same; /* as the one that was answered, with the following */
	pg_uuid_t result_id;
	int64 result_seq;
	TimestampTz result_at;
} AgentIdempotency;

extern void agent_idempotency_begin(AgentIdempotency *request, struct AgentFaults *faults,
									const char *operation, const pg_uuid_t *user_id,
									FunctionCallInfo fcinfo, int arg);
extern void agent_idempotency_add(AgentIdempotency *request, const void *data, int len);
extern void agent_idempotency_add_value(AgentIdempotency *request, const void *value);
extern bool agent_idempotency_claim(AgentIdempotency *request);
extern void agent_idempotency_repeat(const AgentIdempotency *request);
extern void agent_idempotency_finish(AgentIdempotency *request, const pg_uuid_t *id, int64 seq,
									 TimestampTz at);
extern void agent_idempotency_forget(const pg_uuid_t *user_id);

/* identity.c */
extern pg_uuid_t agent_caller(void);
extern pg_uuid_t agent_caller_session(pg_uuid_t *session_id);
extern const char *agent_bearer_token(const char *authorization);

/* json.c */
typedef struct AgentJsonMember
{
	char *name;
	JsonTokenType type; /* of a scalar; JSON_TOKEN_OBJECT_START or
						 * JSON_TOKEN_ARRAY_START of a container */
	char *value;        /* a string unescaped, a number as written;
						 * NULL for containers */
	const char *raw;    /* the value as it stands in the text */
	int raw_len;
} AgentJsonMember;

typedef struct AgentJsonObject
{
	int count;
	AgentJsonMember *members;
} AgentJsonObject;

typedef enum AgentJsonVerdict
{
	AGENT_JSON_OBJECT,
	AGENT_JSON_OTHER,   /* another value */
	AGENT_JSON_INVALID, /* no JSON */
	AGENT_JSON_NESTED   /* too deep to be read */
} AgentJsonVerdict;

extern bool agent_json_object(char *text, int len, AgentJsonObject *object);
extern AgentJsonVerdict agent_json_members(char *text, int len, const char *const *wanted,
										   AgentJsonObject *object, int *position);
extern void agent_json_add_string(StringInfo json, const char *name, const char *value);
extern const AgentJsonMember *agent_json_member(const AgentJsonObject *object, const char *name);

/* jwt.c */
#define AGENT_TOKEN_MAX      8192  /* bytes of a token, at most */
#define AGENT_TOKEN_LIFE_MAX 86400 /* seconds from iat to exp, at most */
#define AGENT_KEY_BYTES      32    /* bytes of a signing key */

typedef struct AgentClaims
{
	pg_uuid_t kid;
	pg_uuid_t user_id;      /* sub */
	pg_uuid_t session_id;   /* sid */
	int64 issued_at;        /* iat, Unix seconds */
	int64 expires_at;       /* exp, Unix seconds */
	TimestampTz good_until; /* exp, or the end of what else it rests upon */
} AgentClaims;

extern void agent_jwt_load(void);
extern bool agent_jwt_sign(const AgentClaims *claims, const uint8 *key, char *token, Size size);
extern bool agent_jwt_signature_valid(const char *token, const uint8 *key, int key_len);

/* keys.c */
typedef struct AgentKey
{
	pg_uuid_t kid;
	TimestampTz retires_at; /* DT_NOEND for the key that signs */
	uint8 secret[AGENT_KEY_BYTES];
} AgentKey;

struct AgentRowRef;
extern void agent_key_current(AgentKey *key);
extern bool agent_key_find(const pg_uuid_t *kid, Snapshot snapshot, AgentKey *key,
						   struct AgentRowRef *ref);
extern bool agent_key_find_now(const pg_uuid_t *kid, AgentKey *key);
extern char *agent_key_set_json(void);

/* lookup.c */
typedef enum AgentTable
{
	AGENT_USERS,
	AGENT_SESSIONS,
	AGENT_SIGNING_KEYS,
	AGENT_CONVERSATIONS,
	AGENT_TABLE_COUNT
} AgentTable;

typedef struct AgentRowRef
{
	AgentTable table;
	Oid relid;
	AgentFile file;
	Buffer buffer; /* where the row's page was */
	ItemPointerData tid;
	TransactionId xmin;
	pg_uuid_t key[2];
} AgentRowRef;

typedef struct AgentRow
{
	AgentRowRef ref;
	Datum *values; /* in the order of the columns, from 0 */
	bool *nulls;
} AgentRow;

extern bool agent_row_find(AgentTable table, const pg_uuid_t *key, Snapshot snapshot,
						   AgentRow *row);
extern bool agent_row_unchanged(const AgentRowRef *ref, Snapshot snapshot);

/* identity_memo.c */

/* Where a text came from: the same one means another thing elsewhere. */
typedef enum AgentTokenSource
{
	AGENT_FROM_SETTING,
	AGENT_FROM_HEADERS
} AgentTokenSource;

/* A token that was found good, and the rows that rests upon. */
typedef struct AgentVerified
{
	AgentClaims claims;
	AgentRowRef key;
	AgentRowRef user;
	AgentRowRef session;
} AgentVerified;

extern void agent_memo_init(void);
extern bool agent_memo_find(AgentTokenSource source, const char *text, Snapshot snapshot,
							pg_uuid_t *user_id, pg_uuid_t *session_id);
extern void agent_memo_keep(AgentTokenSource source, const char *text,
							const AgentVerified *verified, Snapshot snapshot);

/* metrics.c */
#define AGENT_METRICS_BUCKETS 16
#define AGENT_METRICS_ROUTES  48 /* at most */

/* What was counted of a function since the start of the server. */
typedef struct AgentCalls
{
	char name[NAMEDATALEN];
	uint64 outcomes[AGENT_ERROR_COUNT];    /* AGENT_NO_ERROR: it returned */
	uint64 buckets[AGENT_METRICS_BUCKETS]; /* by duration; none is in two */
	uint64 microseconds;                   /* of all together */
} AgentCalls;

extern Size agent_metrics_size(void);
extern void agent_metrics_attach(void);
extern void agent_metrics_init(void);
extern void agent_metrics_count_request(int route, int status);
extern bool agent_metrics_calls(int number, AgentCalls *calls);
extern uint64 agent_metrics_requests(int route, int status);

/* metrics_text.c */
extern char *agent_metrics_in_text(void);

/* password.c */
extern char *agent_password_hash(const text *password);
extern bool agent_password_matches(const text *password, const char *stored);
extern bool agent_password_importable(const char *stored);
extern bool agent_password_needs_renewal(const char *stored, const text *password);
extern void agent_password_match_nothing(const text *password);

/* plans.c */
typedef enum AgentPlan
{
	AGENT_NO_PLAN,
	AGENT_PLAN_USER_TAKEN,
	AGENT_PLAN_USER_INSERT,
	AGENT_PLAN_USER_BY_EMAIL,
	AGENT_PLAN_USER_GET,
	AGENT_PLAN_USER_PASSWORD,
	AGENT_PLAN_USER_SET_PASSWORD,
	AGENT_PLAN_USER_DELETE,
	AGENT_PLAN_USER_SET_ACTIVE,
	AGENT_PLAN_USER_VERSION,
	AGENT_PLAN_SESSION_INSERT,
	AGENT_PLAN_SESSION_EXPIRE,
	AGENT_PLAN_SESSION_STATE,
	AGENT_PLAN_SESSION_LOCK,
	AGENT_PLAN_SESSION_REFRESH,
	AGENT_PLAN_SESSION_END,
	AGENT_PLAN_SESSION_END_OTHERS,
	AGENT_PLAN_SESSION_END_ALL,
	AGENT_PLAN_SESSION_LIST,
	AGENT_PLAN_SESSION_END_ANY,
	AGENT_PLAN_SESSION_USE,
	AGENT_PLAN_AUDIT_INSERT,
	AGENT_PLAN_AUDIT_INSERT_LATE,
	AGENT_PLAN_AUDIT_ERASE,
	AGENT_PLAN_AUDIT_EXPIRE,
	AGENT_PLAN_AUDIT_TRIM,
	AGENT_PLAN_KEY_LOCK,
	AGENT_PLAN_KEY_INSERT,
	AGENT_PLAN_KEY_RETIRE,
	AGENT_PLAN_KEY_EXPIRE,
	AGENT_PLAN_KEY_LIST,
	AGENT_PLAN_READY,
	AGENT_PLAN_VERSION,
	AGENT_PLAN_CONVERSATION_INSERT,
	AGENT_PLAN_CONVERSATION_GET,
	AGENT_PLAN_CONVERSATION_LIST,
	AGENT_PLAN_CONVERSATION_UPDATE,
	AGENT_PLAN_CONVERSATION_DELETE,
	AGENT_PLAN_CONVERSATION_NEXT_SEQ,
	AGENT_PLAN_CONVERSATION_TOUCH,
	AGENT_PLAN_CONVERSATION_FORK,
	AGENT_PLAN_CONVERSATION_COUNTED,
	AGENT_PLAN_CONVERSATION_PURGE,
	AGENT_PLAN_CONVERSATION_VERSION,
	AGENT_PLAN_CONVERSATION_LIST_VERSION,
	AGENT_PLAN_CONVERSATION_PAGE_VERSION,
	AGENT_PLAN_EXPORT_SIZE,
	AGENT_PLAN_MESSAGE_INSERT,
	AGENT_PLAN_MESSAGE_LIST,
	AGENT_PLAN_MESSAGE_GET,
	AGENT_PLAN_MESSAGE_PLACE,
	AGENT_PLAN_MESSAGE_UPDATE,
	AGENT_PLAN_MESSAGE_DELETE,
	AGENT_PLAN_MESSAGE_COPY,
	AGENT_PLAN_CONVERSATION_PAGE,
	AGENT_PLAN_MESSAGE_PAGE,
	AGENT_PLAN_MESSAGE_PAGE_BACKWARD,
	AGENT_PLAN_SEARCH,
	AGENT_PLAN_SEARCH_OWN,
	AGENT_PLAN_MESSAGE_TOTAL,
	AGENT_PLAN_CONVERSATION_AGAIN,
	AGENT_PLAN_IDEMPOTENCY_CLAIM,
	AGENT_PLAN_IDEMPOTENCY_FIND,
	AGENT_PLAN_IDEMPOTENCY_END,
	AGENT_PLAN_IDEMPOTENCY_FINISH,
	AGENT_PLAN_IDEMPOTENCY_EXPIRE,
	AGENT_PLAN_IDEMPOTENCY_FORGET,
	AGENT_PLAN_IDEMPOTENCY_FORGET_REGISTER,
	AGENT_PLAN_COUNT
} AgentPlan;

extern uint64 agent_execute(AgentPlan plan, Datum *values, const char *nulls);
extern uint64 agent_execute_most(AgentPlan plan, Datum *values, const char *nulls, int most);
extern Datum agent_nullable(const void *value, char *null);
extern Datum agent_argument(FunctionCallInfo fcinfo, int arg, char *null);
extern Datum agent_result(int row, int column, bool *isnull);
extern Datum agent_result_row(FunctionCallInfo fcinfo);
extern Datum agent_execute_row(FunctionCallInfo fcinfo, AgentPlan plan, Datum *values,
							   const char *nulls, AgentError missing);
extern Datum agent_form_row(FunctionCallInfo fcinfo, int columns, Datum *values);
extern Datum agent_form_row_or_null(FunctionCallInfo fcinfo, int columns, Datum *values,
									bool *nulls);
extern const char *agent_schema_of(FunctionCallInfo fcinfo);

/* page.c */

/* A page in the making. */
typedef struct AgentPage
{
	AgentCursorScope scope;
	int size;      /* rows asked for */
	int count;     /* rows on it */
	bool has_more; /* whether any follow */
} AgentPage;

extern void agent_page_read(AgentPage *page, AgentPlan plan, Datum *values, const char *nulls);
extern void agent_page_versions(AgentPlan plan, int count, const Datum *values, const bool *nulls);
extern Datum agent_page_finish(FunctionCallInfo fcinfo, const AgentPage *page, const void *place,
							   Size len, MemoryContext context);

/* ratelimit.c */
typedef struct AgentBucketKey
{
	uint64 part[2];
} AgentBucketKey;

/* What an attempt at a password has taken from which buckets. */
typedef struct AgentAttempt
{
	int64 interval; /* microseconds; 0: nothing */
	bool has_address;
	AgentBucketKey pair;    /* account and address */
	AgentBucketKey counted; /* the account, or the pair where that is trusted */
} AgentAttempt;

extern Size agent_limits_size(void);
extern void agent_limits_attach(void);
extern bool agent_is_preloaded(void);
extern void agent_limit_register(void);
extern void agent_limit_attempt(AgentAttempt *attempt, const void *account, Size len,
								const pg_uuid_t *user_id);
extern void agent_limit_forgive(const AgentAttempt *attempt, bool was_right);
extern void agent_limit_request(const pg_uuid_t *user_id, bool is_call);
extern bool agent_is_within(int64 interval, int burst, const void *what, Size len);

/* redact.c */
extern void agent_redact_init(void);
extern void agent_redact_statement(const char *what);

/* refresh.c */
#define AGENT_REFRESH_BYTES 32 /* of a secret */

extern char *agent_refresh_begin(const pg_uuid_t *user_id, const pg_uuid_t *session_id, Datum *hash,
								 Datum *session_key);

/* register.c */
extern Datum agent_account_insert(FunctionCallInfo fcinfo, AgentEvent event, const text *email,
								  const text *username, Datum password_hash, Datum created_at,
								  bool is_active);

/* request.c */
typedef enum AgentDialect
{
	AGENT_SQL,       /* whoever speaks SQL */
	AGENT_POSTGREST, /* PostgREST, for a client */
	AGENT_HTTP       /* agent_http, which makes the answer itself */
} AgentDialect;

#define AGENT_HTTP_METHOD "agent_http" /* request.method, while agent_http serves a request */

extern AgentDialect agent_request_dialect(void);
extern const char *agent_request_headers(void);
extern char *agent_request_header(const char *headers, const char *name);
extern char *agent_request_user_agent(void);
extern char *agent_request_idempotency_key(void);
extern bool agent_request_address(char *address);
extern void agent_request_status(int status);

/* ring.c */
typedef struct AgentRingEntry
{
	uint64 number;
	AgentEntry entry;
} AgentRingEntry;

typedef struct AgentRingState
{
	int launcher_pid; /* 0: there is none */
	int pending;      /* entries that are still to be written */
	int64 lost;       /* since the start of the server */
} AgentRingState;

struct Latch;
extern Size agent_ring_size(void);
extern void agent_ring_attach(void);
extern void agent_ring_add(const AgentEntry *entry);
extern int agent_ring_read(Oid database, AgentRingEntry *entries, int most);
extern void agent_ring_written(const AgentRingEntry *entries, int count);
extern void agent_ring_forget(Oid database);
extern int agent_ring_databases(Oid *databases, int most);
extern void agent_ring_wakes(struct Latch *latch);
extern AgentRingState agent_ring_state(void);

/* session.c */
extern TimestampTz agent_session_expiry(TimestampTz now);
extern char *agent_session_start(const pg_uuid_t *user_id, const char *password_hash,
								 TimestampTz now, pg_uuid_t *session_id);
extern PGDLLEXPORT void agent_session_end_main(Datum arg);
extern void agent_session_end_by(AgentPlan plan, const pg_uuid_t *user_id,
								 const pg_uuid_t *session_id);
extern void agent_session_end_apart(const pg_uuid_t *user_id, const pg_uuid_t *session_id);

/* shmem.c */
extern void agent_shmem_init(void);

/* statements.c */
#define AGENT_STATEMENT_ARGS 15 /* at most */

typedef struct AgentStatement
{
	const char *text;
	bool read_only; /* sees what the calling statement sees */
	int nargs;
	Oid args[AGENT_STATEMENT_ARGS];
} AgentStatement;

extern const AgentStatement agent_statements[AGENT_PLAN_COUNT];

/* token.c */
extern char *agent_token_issue(const pg_uuid_t *user_id, const pg_uuid_t *session_id,
							   TimestampTz now);
extern bool agent_token_verify(const char *token, Snapshot snapshot, AgentClaims *claims,
							   AgentRowRef *key_ref);

/* uuidv7.c */
extern pg_uuid_t agent_uuidv7(void);
extern pg_uuid_t agent_uuidv7_floor(TimestampTz time);
extern int agent_hex_value(char digit);
extern bool agent_uuid_parse(const char *text, pg_uuid_t *uuid);
extern char *agent_uuid_text(const pg_uuid_t *uuid, char *buffer);
#define AGENT_UUID_TEXT 37 /* 36 characters and the terminator */

/* validate.c */
typedef enum AgentField
{
	AGENT_FIELD_EMAIL,
	AGENT_FIELD_USERNAME,
	AGENT_FIELD_NEW_PASSWORD,
	AGENT_FIELD_PASSWORD,
	AGENT_FIELD_CURRENT_PASSWORD,
	AGENT_FIELD_CHANGED_PASSWORD,
	AGENT_FIELD_PASSWORD_HASH,
	AGENT_FIELD_LOGIN_EMAIL,
	AGENT_FIELD_REFRESH,
	AGENT_FIELD_TOKEN,
	AGENT_FIELD_REFRESH_TOKEN,
	AGENT_FIELD_SCOPE,
	AGENT_FIELD_USER_ID,
	AGENT_FIELD_SESSION_ID,
	AGENT_FIELD_ACTIVE,
	AGENT_FIELD_CONVERSATION_ID,
	AGENT_FIELD_TITLE,
	AGENT_FIELD_NEW_TITLE,
	AGENT_FIELD_FIRST_MESSAGE,
	AGENT_FIELD_ROLE,
	AGENT_FIELD_CONTENT,
	AGENT_FIELD_IS_ARCHIVED,
	AGENT_FIELD_ARCHIVED,
	AGENT_FIELD_MESSAGE_ID,
	AGENT_FIELD_UP_TO_MESSAGE_ID,
	AGENT_FIELD_NEW_CONTENT,
	AGENT_FIELD_OLDER_THAN,
	AGENT_FIELD_BATCH,
	AGENT_FIELD_IS_PINNED,
	AGENT_FIELD_TAGS,
	AGENT_FIELD_METADATA,
	AGENT_FIELD_METADATA_FILTER,
	AGENT_FIELD_PINNED,
	AGENT_FIELD_IDEMPOTENCY_KEY,
	AGENT_FIELD_IDEMPOTENCY_HEADER,
	AGENT_FIELD_TAG,
	AGENT_FIELD_CURSOR,
	AGENT_FIELD_CONVERSATION_PAGE_SIZE,
	AGENT_FIELD_MESSAGE_PAGE_SIZE,
	AGENT_FIELD_CONVERSATION_PAGE_LIMIT,
	AGENT_FIELD_MESSAGE_PAGE_LIMIT,
	AGENT_FIELD_DIRECTION,
	AGENT_FIELD_SKIP,
	AGENT_FIELD_CONVERSATION_LIMIT,
	AGENT_FIELD_MESSAGE_LIMIT,
	AGENT_FIELD_QUERY,
	AGENT_FIELD_Q,
	AGENT_FIELD_ANY_CONVERSATION_ID,
	AGENT_FIELD_ANY_ROLE,
	AGENT_FIELD_SINCE,
	AGENT_FIELD_BEFORE,
	AGENT_FIELD_START_MARK,
	AGENT_FIELD_STOP_MARK,
	AGENT_FIELD_COUNT
} AgentField;

typedef enum AgentKind
{
	AGENT_KIND_TEXT,
	AGENT_KIND_EMAIL,
	AGENT_KIND_PASSWORD, /* a text that is never shown */
	AGENT_KIND_HASH,
	AGENT_KIND_ROLE,
	AGENT_KIND_SCOPE,
	AGENT_KIND_DIRECTION,
	AGENT_KIND_UUID,
	AGENT_KIND_BOOLEAN,
	AGENT_KIND_INTEGER,
	AGENT_KIND_TAGS,
	AGENT_KIND_METADATA,
	AGENT_KIND_INTERVAL,
	AGENT_KIND_TIME,
	AGENT_KIND_COUNT
} AgentKind;

typedef struct AgentFieldRule
{
	const char *name;
	bool required;
	AgentKind kind;
	int min;            /* of its characters, of those of a tag, or of the number itself */
	int max;            /* likewise; 0: not bounded */
	int max_bytes;      /* 0: not bounded */
	int number_default; /* of an integer */
} AgentFieldRule;

typedef struct AgentFaults
{
	int count;
	const char *place;   /* of the fields being checked */
	const char *input;   /* what was sent, as JSON; NULL is not told */
	StringInfoData text; /* for a person at a SQL prompt */
	StringInfoData json; /* for a program */
} AgentFaults;

#define AGENT_ROLE_PATTERN      "^(user|assistant|system)$"
#define AGENT_SCOPE_PATTERN     "^(local|others|global)$"
#define AGENT_DIRECTION_PATTERN "^(forward|backward)$"
#define AGENT_TAGS_MAX          20 /* of a conversation */

extern const AgentFieldRule *agent_field_rule(AgentField field);
extern void agent_faults_init(AgentFaults *faults);
extern void agent_fault_add(AgentFaults *faults, const char *field, const char *type,
							const char *message);
extern void agent_fault_add_missing(AgentFaults *faults, const char *field);
extern void agent_fault_add_at(AgentFaults *faults, int position, const char *type,
							   const char *message);
extern void agent_fault_add_item(AgentFaults *faults, const char *field, int item, const char *type,
								 const char *message);
extern void agent_check_text_value(AgentFaults *faults, AgentField field, const text *value);
extern text *agent_check_text(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo,
							  int arg);
extern bool agent_check_uuid(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo,
							 int arg, pg_uuid_t *uuid);
extern bool agent_check_number(AgentFaults *faults, AgentField field, int64 number);
extern int32 agent_check_integer(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo,
								 int arg);
extern Interval *agent_check_interval(AgentFaults *faults, AgentField field,
									  FunctionCallInfo fcinfo, int arg);
extern void agent_faults_raise(const AgentFaults *faults);

/* validate_nested.c */
extern void agent_fault_add_too_large(AgentFaults *faults, AgentField field);
extern ArrayType *agent_check_tags_value(AgentFaults *faults, AgentField field, ArrayType *value);
extern ArrayType *agent_check_tags(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo,
								   int arg);
extern void agent_check_metadata_value(AgentFaults *faults, AgentField field, Jsonb *value);
extern Jsonb *agent_check_metadata(AgentFaults *faults, AgentField field, FunctionCallInfo fcinfo,
								   int arg);
extern Jsonb *agent_empty_metadata(void);

/* worker.c */
struct BackgroundWorker;
extern void agent_worker_init(void);
extern void agent_worker_describe(struct BackgroundWorker *worker, const char *name,
								  const char *function);
extern void agent_worker_connect(Oid database);
extern void agent_worker_transaction(void (*work)(void *), void *arg);
extern PGDLLEXPORT void agent_launcher_main(Datum arg);
extern PGDLLEXPORT void agent_writer_main(Datum arg);

#endif /* AGENT_H */
