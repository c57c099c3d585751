/*
 * parse.h
 *		What parse.c makes of the bytes of a request.
 */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_MAX        65536 /* bytes of a request line and its header fields, at most */
#define HEAD_FIELDS_MAX 256   /* header fields, at most */
#define METHOD_MAX      32    /* bytes of a method's name, at most */

typedef struct Field
{
	char *name; /* in lower case */
	char *value;
} Field;

typedef struct Head
{
	char *method;
	char *target;
	int minor; /* of HTTP/1.minor */
	int count;
	Field fields[HEAD_FIELDS_MAX];
	uint64_t length; /* of the body, when it is not chunked */
	bool chunked;
	bool keep_alive;
	bool expects_continue;
} Head;

typedef enum ChunkState
{
	CHUNK_SIZE_FIRST, /* at the first digit of a size */
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER_FIRST, /* at the first byte of a line after the last chunk */
	CHUNK_TRAILER,
	CHUNK_END_LF,
	CHUNK_DONE,
	CHUNK_BAD
} ChunkState;

typedef struct Chunks
{
	ChunkState state;
	uint64_t left;   /* bytes of this chunk that are still to come */
	size_t overhead; /* bytes of extensions and trailers so far */
} Chunks;

extern size_t head_size(const char *data, size_t len, size_t *scanned);
extern int head_parse(char *data, size_t len, Head *head);
extern size_t chunks_take(Chunks *chunks, const char *data, size_t len, size_t *skip);
extern bool is_token(const char *text);
extern bool is_field_value(const char *text);
extern bool is_hop_by_hop(const char *name);
extern bool list_contains(const char *list, const char *item);

#endif /* PARSE_H */
