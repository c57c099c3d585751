/*
 * idempotency.c
 *		Idempotency keys: a request that is sent again is answered again, and done once.
 *
 * Called by functions that create something, as agent_owner, with SPI connected but
 * where it is said otherwise. Whoever comes first with a key claims it by a row, which
 * those who come after wait for; what failed leaves no row. The row holds nothing of
 * the request and nothing of the answer but the id, the seq and the time that the
 * request did not say: the rest of an answer follows from the request, which is the
 * same by its hash. That hash is an HMAC under the key, of which only a SHA-256 is
 * stored: without the key nobody can search it for a password.
 */
#include "agent.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define LABEL "agent idempotency"

/*
 * Adds a part of the request, as it is compared; a length of -1 is NULL. The data stays
 * the caller's.
 */
void
agent_idempotency_add(AgentIdempotency *request, const void *data, int len)
{
	AgentBytes *parts = request->parts + 2 * request->part_count;

	if (request->key == NULL)
		return;
	Assert(request->part_count < AGENT_IDEMPOTENCY_PARTS);
	request->lengths[request->part_count] = len;
	parts[0] = (AgentBytes){&request->lengths[request->part_count], sizeof(int)};
	parts[1] = (AgentBytes){data, Max(len, 0)};
	request->part_count++;
}

/* Adds an argument of a type of variable length, or NULL. */
void
agent_idempotency_add_value(AgentIdempotency *request, const void *value)
{
	if (value == NULL)
		agent_idempotency_add(request, "", -1);
	else
		agent_idempotency_add(request, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

/*
 * Begins a request to an operation, with the key of the function's argument, or else of
 * the header Idempotency-Key, and checks it. SPI need not be connected.
 */
void
agent_idempotency_begin(AgentIdempotency *request, AgentFaults *faults, const char *operation,
						const pg_uuid_t *user_id, FunctionCallInfo fcinfo, int arg)
{
	char *header = PG_ARGISNULL(arg) ? agent_request_idempotency_key() : NULL;

	request->operation = operation;
	request->user_id = *user_id;
	request->part_count = 0;
	request->key = agent_check_text(faults, AGENT_FIELD_IDEMPOTENCY_KEY, fcinfo, arg);
	if (header != NULL)
	{
		request->key = cstring_to_text(header);
		agent_check_text_value(faults, AGENT_FIELD_IDEMPOTENCY_KEY, request->key);
	}
	agent_idempotency_add(request, operation, strlen(operation));
}

/* Returns bytes as a value of SQL. */
static Datum
bytes_datum(const uint8 *bytes)
{
	bytea *value = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);

	SET_VARSIZE(value, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	memcpy(VARDATA(value), bytes, PG_SHA256_DIGEST_LENGTH);
	return PointerGetDatum(value);
}

/* Computes the hash of a request's parts, under its key. */
static void
hash_request(AgentIdempotency *request)
{
	int len = VARSIZE_ANY_EXHDR(request->key);
	char *key = palloc(sizeof(LABEL) + len);

	memcpy(key, LABEL, sizeof(LABEL));
	memcpy(key + sizeof(LABEL), VARDATA_ANY(request->key), len);
	agent_hmac(key,
			   sizeof(LABEL) + len,
			   request->parts,
			   2 * request->part_count,
			   request->request_hash);
	agent_sha256(VARDATA_ANY(request->key), len, request->key_hash);
	explicit_bzero(key, sizeof(LABEL) + len);
	pfree(key);
}

/* Returns the time at which keys were claimed that have expired by now. */
static Datum
expiry(TimestampTz now)
{
	return TimestampTzGetDatum(now - agent_idempotency_ttl * USECS_PER_SEC);
}

/* Reads the row of a key that was claimed; false when it is gone, or has expired and is deleted. */
static bool
read_row(AgentIdempotency *request, TimestampTz now)
{
	Datum values[] = {UUIDPGetDatum(&request->user_id),
					  bytes_datum(request->key_hash),
					  expiry(now)};
	bool isnull;
	Datum id;
	bytea *hash;

	if (agent_execute(AGENT_PLAN_IDEMPOTENCY_FIND, values, NULL) == 0)
		return false;
	if (DatumGetBool(agent_result(0, 5, &isnull)))
	{
		agent_execute(AGENT_PLAN_IDEMPOTENCY_END, values, NULL);
		return false;
	}
	hash = DatumGetByteaPP(agent_result(0, 1, &isnull));
	request->result_seq = DatumGetInt64(agent_result(0, 3, &isnull));
	request->result_at = DatumGetTimestampTz(agent_result(0, 4, &isnull));
	id = agent_result(0, 2, &isnull);
	/* Without a result it is being done: by whoever calls this, from a trigger of theirs. */
	request->is_same =
		!isnull &&
		agent_bytes_equal(VARDATA_ANY(hash), request->request_hash, PG_SHA256_DIGEST_LENGTH);
	if (!isnull)
		request->result_id = *DatumGetUUIDP(id);
	return true;
}

/*
 * Claims a request's key; true when the request is to be done, and the key, if any, is
 * this transaction's. Otherwise the request was answered before: see
 * agent_idempotency_repeat().
 */
bool
agent_idempotency_claim(AgentIdempotency *request)
{
	TimestampTz now = GetCurrentTimestamp();
	Datum values[5] = {UUIDPGetDatum(&request->user_id)};

	if (request->key == NULL)
		return true;
	hash_request(request);
	values[1] = bytes_datum(request->key_hash);
	values[2] = CStringGetTextDatum(request->operation);
	values[3] = bytes_datum(request->request_hash);
	values[4] = TimestampTzGetDatum(now);
	while (agent_execute(AGENT_PLAN_IDEMPOTENCY_CLAIM, values, NULL) == 0)
	{
		if (read_row(request, now))
			return false;
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

/* Raises idempotency_mismatch unless a request that was answered before is the same again. */
void
agent_idempotency_repeat(const AgentIdempotency *request)
{
	if (!request->is_same)
		agent_raise(AGENT_IDEMPOTENCY_MISMATCH, NULL);
}

/*
 * Stores what an answer is made of beside its request, and deletes a few keys that have
 * expired, whosever they are: not with a snapshot that is old, which others may have
 * been faster than.
 */
void
agent_idempotency_finish(AgentIdempotency *request, const pg_uuid_t *id, int64 seq, TimestampTz at)
{
	Datum values[] = {UUIDPGetDatum(&request->user_id),
					  (Datum) 0,
					  UUIDPGetDatum(id),
					  Int64GetDatum(seq),
					  TimestampTzGetDatum(at)};
	Datum expired[] = {expiry(GetCurrentTimestamp())};

	if (request->key == NULL)
		return;
	values[1] = bytes_datum(request->key_hash);
	agent_execute(AGENT_PLAN_IDEMPOTENCY_FINISH, values, NULL);
	if (!IsolationUsesXactSnapshot())
		agent_execute(AGENT_PLAN_IDEMPOTENCY_EXPIRE, expired, NULL);
}

/* Deletes the keys of an account, and the one that it was registered with. */
void
agent_idempotency_forget(const pg_uuid_t *user_id)
{
	Datum values[] = {UUIDPGetDatum(user_id)};

	agent_execute(AGENT_PLAN_IDEMPOTENCY_FORGET, values, NULL);
	agent_execute(AGENT_PLAN_IDEMPOTENCY_FORGET_REGISTER, values, NULL);
}
