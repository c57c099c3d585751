/*
 * jwt.c
 *		The only file that knows libjwt: it signs, and checks signatures.
 *
 * PostgreSQL and libjansson, which libjwt is built on, both export a function
 * json_object. Linked plainly, libjwt would call the server's and crash it. So
 * the library is opened at run time, with its own symbols before the server's
 * (RTLD_DEEPBIND), and tried out before it is trusted. If another module of the
 * process has loaded it the plain way, no second copy can be had, and loading
 * fails with an error.
 *
 * libjwt says whether a signature is right and nothing more, copies each
 * segment of a token to the stack, and takes anything when the key is empty.
 * The callers' part is in token.c: bounded length, clean characters, claims.
 *
 * No function here calls anything that can raise while a handle of libjwt,
 * which is malloc'ed, is alive.
 */
#include "agent.h"

#include <dlfcn.h>
#include <jwt.h>

/* The libraries whose eight functions below are the same. */
static const char *const sonames[] = {"libjwt.so.2", "libjwt.so.0"};

static struct
{
	void *handle; /* NULL until everything below is set */
	__typeof__(jwt_new) *create;
	__typeof__(jwt_free) *destroy;
	__typeof__(jwt_decode) *decode;
	__typeof__(jwt_get_alg) *get_alg;
	__typeof__(jwt_set_alg) *set_alg;
	__typeof__(jwt_add_header) *add_header;
	__typeof__(jwt_add_grant) *add_grant;
	__typeof__(jwt_add_grant_int) *add_grant_int;
	__typeof__(jwt_encode_str) *encode;
} libjwt;

/* Fails when libjwt is in the process already, bound to the server's symbols. */
static void
refuse_foreign_copy(void)
{
	for (Size i = 0; i < lengthof(sonames); i++)
	{
		if (dlopen(sonames[i], RTLD_NOW | RTLD_NOLOAD) != NULL)
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("library \"%s\" was loaded by another module", sonames[i]),
					errdetail("Loaded that way it would crash the server."),
					errhint("Put agent into shared_preload_libraries, before that module."));
	}
}

/* Opens the first libjwt there is, its own symbols first. */
static void *
open_library(void)
{
	for (Size i = 0; i < lengthof(sonames); i++)
	{
		void *handle = dlopen(sonames[i], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);

		if (handle != NULL)
			return handle;
	}
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_FILE),
			errmsg("could not load libjwt: %s", dlerror()),
			errhint("Install the package libjwt0 or libjwt2."));
}

/* Returns a function of the library. */
static void *
symbol(void *handle, const char *name)
{
	void *address = dlsym(handle, name);

	if (address == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("libjwt has no function \"%s\"", name),
				errhint("Versions 1.10 to 1.17 are supported."));
	return address;
}

/* Signs and verifies a known token, and sees to it that a changed one fails. */
static void
self_test(void)
{
	static const char known[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZ2VudCJ9."
								"gZd2ZKzfg0fDMJVSczkCOv-hNn_RdTY0tdceL8gIZtU";
	static const char unsigned_token[] = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZ2VudCJ9.";
	uint8 key[AGENT_KEY_BYTES];
	char changed[sizeof(known)];
	char made[AGENT_TOKEN_MAX + 1];
	AgentClaims claims = {.issued_at = 1, .expires_at = 2};

	for (int i = 0; i < AGENT_KEY_BYTES; i++)
		key[i] = i;
	memcpy(changed, known, sizeof(known));
	changed[sizeof(known) - 10] ^= 1;

	if (!agent_jwt_signature_valid(known, key, sizeof(key)) ||
		agent_jwt_signature_valid(changed, key, sizeof(key)) ||
		agent_jwt_signature_valid(unsigned_token, key, sizeof(key)) ||
		!agent_jwt_sign(&claims, key, made, sizeof(made)) ||
		!agent_jwt_signature_valid(made, key, sizeof(key)))
		ereport(ERROR,
				errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				errmsg("libjwt failed the self-test"),
				errdetail("It does not sign and verify a known token as it must."),
				errhint("Install the libjwt of your distribution."));
}

/* Opens libjwt and tries it out. Raises an error that names what is missing. */
void
agent_jwt_load(void)
{
	void *handle;

	if (libjwt.handle != NULL)
		return;
	refuse_foreign_copy();
	handle = open_library();
	libjwt.create = symbol(handle, "jwt_new");
	libjwt.destroy = symbol(handle, "jwt_free");
	libjwt.decode = symbol(handle, "jwt_decode");
	libjwt.get_alg = symbol(handle, "jwt_get_alg");
	libjwt.set_alg = symbol(handle, "jwt_set_alg");
	libjwt.add_header = symbol(handle, "jwt_add_header");
	libjwt.add_grant = symbol(handle, "jwt_add_grant");
	libjwt.add_grant_int = symbol(handle, "jwt_add_grant_int");
	libjwt.encode = symbol(handle, "jwt_encode_str");
	self_test();
	libjwt.handle = handle;
}

/* Fills a new handle with header and claims; false when any part failed. */
static bool
add_claims(jwt_t *jwt, const AgentClaims *claims, const uint8 *key)
{
	char kid[AGENT_UUID_TEXT];
	char sub[AGENT_UUID_TEXT];
	char sid[AGENT_UUID_TEXT];

	return libjwt.add_header(jwt, "kid", agent_uuid_text(&claims->kid, kid)) == 0 &&
		   libjwt.add_grant(jwt, "iss", "agent") == 0 &&
		   libjwt.add_grant(jwt, "kind", "access") == 0 &&
		   libjwt.add_grant(jwt, "role", "agent_user") == 0 &&
		   libjwt.add_grant(jwt, "sub", agent_uuid_text(&claims->user_id, sub)) == 0 &&
		   libjwt.add_grant(jwt, "sid", agent_uuid_text(&claims->session_id, sid)) == 0 &&
		   libjwt.add_grant_int(jwt, "iat", claims->issued_at) == 0 &&
		   libjwt.add_grant_int(jwt, "exp", claims->expires_at) == 0 &&
		   libjwt.set_alg(jwt, JWT_ALG_HS256, key, AGENT_KEY_BYTES) == 0;
}

/* Writes a signed token into the caller's buffer; false when libjwt failed. */
bool
agent_jwt_sign(const AgentClaims *claims, const uint8 *key, char *token, Size size)
{
	jwt_t *jwt;
	char *encoded = NULL;
	bool fits = false;

	if (libjwt.create(&jwt) != 0)
		return false;
	if (add_claims(jwt, claims, key))
		encoded = libjwt.encode(jwt);
	libjwt.destroy(jwt);
	if (encoded != NULL)
	{
		fits = strlcpy(token, encoded, size) < size;
		free(encoded);
	}
	return fits;
}

/*
 * Tells whether a token was signed by this key with HS256.
 *
 * The caller has bounded the token's length: libjwt copies it to the stack.
 */
bool
agent_jwt_signature_valid(const char *token, const uint8 *key, int key_len)
{
	jwt_t *jwt;
	bool valid;

	if (key_len < AGENT_KEY_BYTES || strlen(token) > AGENT_TOKEN_MAX)
		return false;
	if (libjwt.decode(&jwt, token, key, key_len) != 0)
		return false;
	valid = libjwt.get_alg(jwt) == JWT_ALG_HS256;
	libjwt.destroy(jwt);
	return valid;
}
