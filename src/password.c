/*
 * password.c
 *		Password hashes: bcrypt, by pgcrypto, in the form of passlib's
 *		bcrypt_sha256 version 2.
 *
 *		$bcrypt-sha256$v=2,t=2b,r=COST$SALT$DIGEST
 *
 * Hashes of other applications, bcrypt as it is ($2a$, $2b$, $2y$), are accepted too,
 * until the next login makes one of ours of them.
 *
 * bcrypt reads 72 bytes and stops: 24 Chinese characters. So it is given the
 * base64 of HMAC-SHA-256(SALT, password), 44 characters made of all of them.
 * Other programs that know the format can take the hashes over.
 *
 * pgcrypto is called through its library, wherever its functions are installed
 * and whatever stands in a search_path. It can be cancelled while it works.
 * Given a salt it does not know it falls back to DES without a word, so only
 * salts of one exact form reach it. Nothing here is logged. How many hashes are computed
 * at once is for admission.c to say.
 */
#include "agent.h"

#include "common/base64.h"
#include "utils/builtins.h"

#define PREFIX        "$bcrypt-sha256$v=2,t=2b,r="
#define SALT_CHARS    22
#define DIGEST_CHARS  31
#define SETTING_CHARS (7 + SALT_CHARS) /* $2a$NN$ and the salt */
#define HASH_CHARS    (SETTING_CHARS + DIGEST_CHARS)
#define COST_MAX      15 /* of a hash that is imported */
#define BCRYPT_READS  72 /* bytes of a password */

/* bcrypt's own base64. */
#define BCRYPT_ALPHABET "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Returns a function of pgcrypto's library. */
static PGFunction
pgcrypto(const char *name)
{
	return (PGFunction) load_external_function("$libdir/pgcrypto", name, true, NULL);
}

/* Returns what bcrypt is given for a password: 44 characters of base64. */
static text *
prehash(const text *password, const char *salt)
{
	uint8 mac[PG_SHA256_DIGEST_LENGTH];
	AgentBytes part = {VARDATA_ANY(password), VARSIZE_ANY_EXHDR(password)};
	char encoded[64];
	int len;

	agent_hmac(salt, SALT_CHARS, &part, 1, mac);
	len = pg_b64_encode((const agent_b64_byte *) mac, sizeof(mac), encoded, sizeof(encoded));
	explicit_bzero(mac, sizeof(mac));
	return cstring_to_text_with_len(encoded, len);
}

/* A call of bcrypt. */
typedef struct Bcrypt
{
	const text *input;
	const char *setting;
	char *hash;
} Bcrypt;

/* Computes a hash, when it is its turn. */
static void
compute(void *arg)
{
	Bcrypt *call = arg;
	Datum hash = DirectFunctionCall2(pgcrypto("pg_crypt"),
									 PointerGetDatum(call->input),
									 CStringGetTextDatum(call->setting));

	call->hash = TextDatumGetCString(hash);
}

/*
 * Returns bcrypt's hash of an input, HASH_CHARS characters.
 *
 * setting is $2a$NN$ and a salt, made here or checked by read_stored().
 */
static char *
bcrypt_of(const text *input, const char *setting)
{
	Bcrypt call = {.input = input, .setting = setting};
	char *result;

	agent_admission_run(compute, &call);
	result = call.hash;
	if (strlen(result) != HASH_CHARS || strncmp(result, setting, SETTING_CHARS) != 0)
		ereport(ERROR,
				errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				errmsg("pgcrypto did not return a bcrypt hash"));
	return result;
}

/* Returns the hash of a password in our form. */
static char *
bcrypt(const text *password, const char *setting)
{
	text *input = prehash(password, setting + 7);
	char *hash = bcrypt_of(input, setting);

	explicit_bzero(VARDATA(input), VARSIZE(input) - VARHDRSZ);
	return hash;
}

/* Returns a setting with a fresh salt. */
static char *
new_setting(void)
{
	Datum setting = DirectFunctionCall2(pgcrypto("pg_gen_salt_rounds"),
										CStringGetTextDatum("bf"),
										Int32GetDatum(agent_password_hash_cost));
	char *result = TextDatumGetCString(setting);

	if (strlen(result) != SETTING_CHARS || strncmp(result, "$2a$", 4) != 0)
		ereport(ERROR,
				errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				errmsg("pgcrypto did not return a bcrypt salt"));
	return result;
}

/*
 * Splits a stored hash into bcrypt's setting and digest; false when it is not
 * exactly of one of the forms above.
 */
static bool
read_stored(const char *stored, char *setting, const char **digest, bool *is_plain)
{
	bool is_ours = strncmp(stored, PREFIX, strlen(PREFIX)) == 0;
	const char *cost = stored + (is_ours ? strlen(PREFIX) : 4);
	const char *salt = cost + 3;

	*is_plain = strncmp(stored, "$2a$", 4) == 0 || strncmp(stored, "$2b$", 4) == 0 ||
				strncmp(stored, "$2y$", 4) == 0;
	if ((!is_ours && !*is_plain) ||
		(int) strlen(stored) != (int) (cost - stored) + 3 + SALT_CHARS + is_ours + DIGEST_CHARS)
		return false;
	*digest = salt + SALT_CHARS + is_ours;
	if (strspn(cost, "0123456789") != 2 || cost[2] != '$' ||
		(int) strspn(salt, BCRYPT_ALPHABET) != SALT_CHARS + (is_ours ? 0 : DIGEST_CHARS) ||
		(is_ours && salt[SALT_CHARS] != '$') || strspn(*digest, BCRYPT_ALPHABET) != DIGEST_CHARS)
		return false;
	/* The last characters stand for fewer bits than they could: no others are ever made. */
	if (strchr(".Oeu", salt[SALT_CHARS - 1]) == NULL ||
		strchr(".CGKOSWaeimquy26", (*digest)[DIGEST_CHARS - 1]) == NULL)
		return false;
	snprintf(setting, SETTING_CHARS + 1, "$2a$%.2s$%.*s", cost, SALT_CHARS, salt);
	return true;
}

/* Tells whether a hash of another application is one that a password can be checked by. */
bool
agent_password_importable(const char *stored)
{
	char setting[SETTING_CHARS + 1];
	const char *digest;
	bool is_plain;

	return read_stored(stored, setting, &digest, &is_plain) && atoi(setting + 4) >= 4 &&
		   atoi(setting + 4) <= COST_MAX;
}

/*
 * Tells whether a hash should be made anew of its password: of another application, or
 * cheaper than a new one. What bcrypt as it is did not read of a password is not known to
 * be right: such a hash stays.
 */
bool
agent_password_needs_renewal(const char *stored, const text *password)
{
	char setting[SETTING_CHARS + 1];
	const char *digest;
	bool is_plain;

	if (!read_stored(stored, setting, &digest, &is_plain))
		return false;
	if (is_plain)
		return VARSIZE_ANY_EXHDR(password) <= BCRYPT_READS;
	return atoi(setting + 4) < agent_password_hash_cost;
}

/* Returns a new hash to store. */
char *
agent_password_hash(const text *password)
{
	char *setting = new_setting();
	char *hash = bcrypt(password, setting);

	return psprintf(PREFIX "%.2s$%.*s$%s",
					setting + 4,
					SALT_CHARS,
					setting + 7,
					hash + SETTING_CHARS);
}

/* Tells whether a password is the one a stored hash was made of. */
bool
agent_password_matches(const text *password, const char *stored)
{
	char setting[SETTING_CHARS + 1];
	const char *digest;
	const char *computed;
	bool is_plain;

	if (!read_stored(stored, setting, &digest, &is_plain))
	{
		agent_password_match_nothing(password);
		return false;
	}
	computed =
		(is_plain ? bcrypt_of(password, setting) : bcrypt(password, setting)) + SETTING_CHARS;
	return agent_bytes_equal(computed, digest, DIGEST_CHARS);
}

/* Takes the time of a comparison: an unknown account must not answer faster. */
void
agent_password_match_nothing(const text *password)
{
	(void) bcrypt(password, new_setting());
}
