/*
 * crypto.c
 *		What the server's own cryptography computes, or an error.
 *
 * Called by whoever keeps secrets. Nothing is kept here, logged or quoted.
 */
#include "agent.h"

#include "common/cryptohash.h"
#include "common/hmac.h"

/* Fills in random bytes that nobody can guess. */
void
agent_random(void *bytes, Size len)
{
	if (!pg_strong_random(bytes, len))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes"));
}

/* Computes a SHA-256. */
void
agent_sha256(const void *data, Size len, uint8 *digest)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL || pg_cryptohash_init(hash) < 0 || pg_cryptohash_update(hash, data, len) < 0 ||
		pg_cryptohash_final(hash, digest, PG_SHA256_DIGEST_LENGTH) < 0)
	{
		pg_cryptohash_free(hash);
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a hash"));
	}
	pg_cryptohash_free(hash);
}

/* Computes an HMAC-SHA-256 of parts that follow one another. */
void
agent_hmac(const void *key, Size key_len, const AgentBytes *parts, int count, uint8 *mac)
{
	pg_hmac_ctx *hmac = pg_hmac_create(PG_SHA256);
	bool good = hmac != NULL && pg_hmac_init(hmac, key, key_len) == 0;

	for (int i = 0; good && i < count; i++)
		good = pg_hmac_update(hmac, parts[i].data, parts[i].len) == 0;
	good = good && pg_hmac_final(hmac, mac, PG_SHA256_DIGEST_LENGTH) == 0;
	pg_hmac_free(hmac);
	if (!good)
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute an HMAC"));
}

/* Tells whether bytes are the same, in a time that tells nothing. */
bool
agent_bytes_equal(const void *a, const void *b, Size len)
{
	const uint8 *left = a;
	const uint8 *right = b;
	uint8 difference = 0;

	for (Size i = 0; i < len; i++)
		difference |= left[i] ^ right[i];
	return difference == 0;
}
