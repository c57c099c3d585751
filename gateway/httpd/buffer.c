/*
 * buffer.c
 *		Bytes that grow, and what happens when there is no memory for them.
 *
 * All sizes are bounded by the callers. A process that is out of memory all the
 * same ends: whoever supervises it starts it anew, and no request was half done.
 */
#include "httpd.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 256

/* Returns what it is given, or ends the process when that is NULL. */
void *
must_have(void *memory)
{
	if (memory == NULL)
	{
		log_line("out of memory");
		exit(1);
	}
	return memory;
}

/* Makes room for so many more bytes. */
void
buffer_reserve(Buffer *buffer, size_t more)
{
	size_t size = buffer->size > 0 ? buffer->size : FIRST_SIZE;

	if (buffer->size - buffer->len >= more)
		return;
	while (size - buffer->len < more)
		size *= 2;
	buffer->data = must_have(realloc(buffer->data, size));
	buffer->size = size;
}

/* Appends bytes. */
void
buffer_add(Buffer *buffer, const void *data, size_t len)
{
	buffer_reserve(buffer, len);
	if (len > 0)
		memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
}

/* Appends a text without its terminator. */
void
buffer_add_text(Buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

/* Gives the memory back; the buffer is empty and can be used again. */
void
buffer_free(Buffer *buffer)
{
	free(buffer->data);
	*buffer = (Buffer){0};
}
