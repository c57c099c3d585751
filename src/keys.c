/*
 * keys.c
 *		Signing keys: made, found, rotated, and handed to PostgREST as a JWK set.
 *
 * Secrets are read through lookup.c, below the level of SQL, where no role may
 * read them. A copy lives on the C stack of the function that needs it and is
 * wiped; the JWK set is the one that leaves the module. Nothing here is logged.
 */
#include "agent.h"

#include "commands/async.h"
#include "common/base64.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

/* Columns of agent.signing_keys, from 0. */
enum
{
	KEY_KID,
	KEY_SECRET,
	KEY_CREATED_AT,
	KEY_RETIRES_AT
};

/* Finds a key that may still verify; false for one unknown or retired. */
bool
agent_key_find(const pg_uuid_t *kid, Snapshot snapshot, AgentKey *key, AgentRowRef *ref)
{
	AgentRow row;
	bytea *secret;

	if (!agent_row_find(AGENT_SIGNING_KEYS, kid, snapshot, &row) || row.nulls[KEY_SECRET])
		return false;
	key->retires_at =
		row.nulls[KEY_RETIRES_AT] ? DT_NOEND : DatumGetTimestampTz(row.values[KEY_RETIRES_AT]);
	if (key->retires_at <= GetCurrentTimestamp())
		return false;
	secret = DatumGetByteaPP(row.values[KEY_SECRET]);
	if (VARSIZE_ANY_EXHDR(secret) != AGENT_KEY_BYTES)
		return false;
	key->kid = *kid;
	memcpy(key->secret, VARDATA_ANY(secret), AGENT_KEY_BYTES);
	explicit_bzero(VARDATA_ANY(secret), AGENT_KEY_BYTES);
	*ref = row.ref;
	return true;
}

/*
 * Finds a key as it is committed now.
 *
 * The snapshot of the calling statement may be older: a login has spent its time on
 * the hash.
 */
bool
agent_key_find_now(const pg_uuid_t *kid, AgentKey *key)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	AgentRowRef ref;
	bool found = agent_key_find(kid, snapshot, key, &ref);

	UnregisterSnapshot(snapshot);
	return found;
}

/* Lists the kids that may verify, the one that signs first; SPI is connected. */
static int
list_kids(pg_uuid_t **kids)
{
	Datum values[] = {TimestampTzGetDatum(GetCurrentTimestamp())};
	int count = agent_execute(AGENT_PLAN_KEY_LIST, values, NULL);

	*kids = palloc(Max(count, 1) * sizeof(pg_uuid_t));
	for (int i = 0; i < count; i++)
	{
		bool isnull;

		(*kids)[i] = *DatumGetUUIDP(agent_result(i, 1, &isnull));
	}
	return count;
}

/* Gets the key that signs. */
void
agent_key_current(AgentKey *key)
{
	pg_uuid_t *kids;
	bool found;

	SPI_connect();
	found = list_kids(&kids) > 0 && agent_key_find_now(&kids[0], key);
	SPI_finish();
	if (!found)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("there is no signing key"),
				errhint("Make one with agent_key_rotate."));
}

/* Appends a key to a JWK set, its secret in base64url. */
static void
append_jwk(StringInfo json, const AgentKey *key)
{
	char kid[AGENT_UUID_TEXT];
	char secret[48];
	int len = pg_b64_encode((const agent_b64_byte *) key->secret,
							AGENT_KEY_BYTES,
							secret,
							sizeof(secret));

	while (len > 0 && secret[len - 1] == '=')
		len--;
	for (int i = 0; i < len; i++)
	{
		if (secret[i] == '+')
			secret[i] = '-';
		else if (secret[i] == '/')
			secret[i] = '_';
	}
	appendStringInfo(json,
					 "%s{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"%s\",\"k\":\"%.*s\"}",
					 json->data[json->len - 1] == '[' ? "" : ",",
					 agent_uuid_text(&key->kid, kid),
					 len,
					 secret);
	explicit_bzero(secret, sizeof(secret));
}

/* Returns all keys that may verify as a JWK set, in the caller's memory. */
char *
agent_key_set_json(void)
{
	StringInfoData json;
	pg_uuid_t *kids;
	int count;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"keys\":[");
	SPI_connect();
	count = list_kids(&kids);
	for (int i = 0; i < count; i++)
	{
		AgentKey key;

		if (agent_key_find_now(&kids[i], &key))
			append_jwk(&json, &key);
		explicit_bzero(&key, sizeof(key));
	}
	SPI_finish();
	appendStringInfoString(&json, "]}");
	return json.data;
}

/* Adds a key of fresh random bytes; SPI is connected. */
static pg_uuid_t
insert_key(TimestampTz now)
{
	pg_uuid_t kid = agent_uuidv7();
	bytea *secret = palloc(VARHDRSZ + AGENT_KEY_BYTES);
	Datum values[] = {UUIDPGetDatum(&kid), PointerGetDatum(secret), TimestampTzGetDatum(now)};

	SET_VARSIZE(secret, VARHDRSZ + AGENT_KEY_BYTES);
	agent_random(VARDATA(secret), AGENT_KEY_BYTES);
	agent_execute(AGENT_PLAN_KEY_INSERT, values, NULL);
	explicit_bzero(VARDATA(secret), AGENT_KEY_BYTES);
	return kid;
}

PG_FUNCTION_INFO_V1(agent_key_rotate);

/* SQL: agent_key_rotate() returns uuid */
Datum
agent_key_rotate(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz last_expiry = now + AGENT_TOKEN_LIFE_MAX * USECS_PER_SEC;
	Datum expire[] = {TimestampTzGetDatum(now)};
	Datum retire[] = {TimestampTzGetDatum(last_expiry)};
	pg_uuid_t *kid = palloc(sizeof(pg_uuid_t));

	PreventCommandIfReadOnly("agent_key_rotate()");
	SPI_connect();
	agent_execute(AGENT_PLAN_KEY_LOCK, NULL, NULL);
	agent_execute(AGENT_PLAN_KEY_EXPIRE, expire, NULL);
	agent_execute(AGENT_PLAN_KEY_RETIRE, retire, NULL);
	*kid = insert_key(now);
	agent_audit_write_admin(AGENT_EVENT_KEY_ROTATE, NULL, NULL);
	SPI_finish();
	Async_Notify("pgrst", "reload config");
	PG_RETURN_UUID_P(kid);
}
