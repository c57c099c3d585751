/*
 * uuidv7.c
 *		Time-ordered ids (RFC 9562, UUID version 7), and UUIDs as text.
 *
 * 48 bits of milliseconds, 12 bits of their fraction, 62 random bits. Within a
 * backend ids only grow, whatever the clock does. The random bytes are drawn in
 * bulk: one call per id would cost twenty times the rest.
 */
#include "agent.h"

#include <time.h>

#define POOL_BYTES   4096
#define RANDOM_BYTES 8 /* of an id */

static uint8 pool[POOL_BYTES];
static int pool_left = 0;

/* Takes random bytes out of the pool, and out of memory. */
static void
take_random(uint8 *bytes)
{
	if (pool_left < RANDOM_BYTES)
	{
		agent_random(pool, POOL_BYTES);
		pool_left = POOL_BYTES;
	}
	pool_left -= RANDOM_BYTES;
	memcpy(bytes, pool + pool_left, RANDOM_BYTES);
	explicit_bzero(pool + pool_left, RANDOM_BYTES);
}

/* Returns a new id, greater than every earlier one of this backend. */
pg_uuid_t
agent_uuidv7(void)
{
	static uint64 last = 0; /* milliseconds << 12 | fraction */
	struct timespec now;
	uint64 stamp;
	pg_uuid_t uuid;

	clock_gettime(CLOCK_REALTIME, &now);
	stamp = ((uint64) now.tv_sec * 1000 + now.tv_nsec / 1000000) << 12;
	stamp |= ((uint64) (now.tv_nsec % 1000000) << 12) / 1000000;
	if (stamp <= last)
		stamp = last + 1;

	take_random(uuid.data + 8);
	last = stamp;
	for (int i = 0; i < 6; i++)
		uuid.data[i] = (uint8) (stamp >> (52 - 8 * i));
	uuid.data[6] = 0x70 | ((stamp >> 8) & 0x0f);
	uuid.data[7] = (uint8) stamp;
	uuid.data[8] = 0x80 | (uuid.data[8] & 0x3f);
	return uuid;
}

PG_FUNCTION_INFO_V1(agent_uuidv7_next);

/* SQL: agent.uuidv7() returns uuid */
Datum
agent_uuidv7_next(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));

	*id = agent_uuidv7();
	PG_RETURN_UUID_P(id);
}

/* Returns what no id of a time, or of a later one, is below. */
pg_uuid_t
agent_uuidv7_floor(TimestampTz time)
{
	int64 unix_ms = (time - SetEpochTimestamp()) / 1000;
	pg_uuid_t uuid = {{0}};

	for (int i = 0; i < 6; i++)
		uuid.data[i] = (uint8) (Max(unix_ms, 0) >> (40 - 8 * i));
	return uuid;
}

/* Returns the value of a lower-case hexadecimal digit, or -1. */
int
agent_hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return -1;
}

/* Reads a UUID in its canonical form only: 36 characters, lower case. */
bool
agent_uuid_parse(const char *text, pg_uuid_t *uuid)
{
	int byte = 0;

	if (strlen(text) != AGENT_UUID_TEXT - 1)
		return false;
	for (int i = 0; i < AGENT_UUID_TEXT - 1; i += 2)
	{
		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (text[i++] != '-')
				return false;
		}
		if (agent_hex_value(text[i]) < 0 || agent_hex_value(text[i + 1]) < 0)
			return false;
		uuid->data[byte++] = agent_hex_value(text[i]) << 4 | agent_hex_value(text[i + 1]);
	}
	return true;
}

/* Writes a UUID in its canonical form into the buffer and returns the buffer. */
char *
agent_uuid_text(const pg_uuid_t *uuid, char *buffer)
{
	static const char digits[] = "0123456789abcdef";
	char *out = buffer;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = digits[uuid->data[i] >> 4];
		*out++ = digits[uuid->data[i] & 0x0f];
	}
	*out = '\0';
	return buffer;
}
