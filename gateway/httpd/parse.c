/*
 * parse.c
 *		Reads HTTP/1.x: the head of a request, and the framing of a chunked body.
 *
 * Strict where two readers could disagree about where a request ends, since the
 * requests of many people share one connection from nginx: a line ends in CR LF,
 * there is one Content-Length or one chunked Transfer-Encoding and never both, no
 * folded lines, no blank before a colon, no control characters. What is refused is
 * answered and the connection closed, so that nothing after it is taken for a
 * request. A method may be any token: what it means is for others to say.
 *
 * libevent's evhttp is not used: of a method that it does not know it loses the
 * name, and it takes that request's body for the next request.
 *
 * Nothing here keeps state but what the caller passes, allocates or does any input
 * or output. The head is changed in place: what it is split into are C strings.
 */
#include "parse.h"

#include <string.h>
#include <strings.h>

/* Bytes of chunk extensions and trailers, at most; they are ignored. */
#define CHUNK_OVERHEAD_MAX 16384

/* Tells whether a byte may be part of a token: a method or a field's name. */
static bool
is_token_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		   (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Tells whether a text is a token. */
bool
is_token(const char *text)
{
	if (*text == '\0')
		return false;
	while (is_token_byte((unsigned char) *text))
		text++;
	return *text == '\0';
}

/* Tells whether a text can be the value of a field. */
bool
is_field_value(const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (((unsigned char) *text < ' ' && *text != '\t') || *text == 0x7f)
			return false;
	}
	return true;
}

/* Tells whether a field, by its name in any case, is between two neighbours only. */
bool
is_hop_by_hop(const char *name)
{
	static const char *const names[] = {"connection",
										"expect",
										"keep-alive",
										"proxy-authenticate",
										"proxy-authorization",
										"proxy-connection",
										"te",
										"trailer",
										"transfer-encoding",
										"upgrade"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (strcasecmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

/* Tells whether a comma-separated list has an item, in any case. */
bool
list_contains(const char *list, const char *item)
{
	size_t wanted = strlen(item);

	while (*list != '\0')
	{
		size_t len;

		list += strspn(list, ", \t");
		len = strcspn(list, ", \t");
		if (len == wanted && strncasecmp(list, item, len) == 0)
			return true;
		list += len;
	}
	return false;
}

/*
 * Returns how long the head at the start of the data is, through its empty line, or
 * 0 when that has not come yet.
 *
 * scanned is 0 at first and says where to go on when there is more data.
 */
size_t
head_size(const char *data, size_t len, size_t *scanned)
{
	const char *end = data + len;
	const char *line = data + *scanned;
	const char *lf;

	while ((lf = memchr(line, '\n', end - line)) != NULL)
	{
		if (lf == line || (lf == line + 1 && *line == '\r'))
			return lf + 1 - data;
		line = lf + 1;
	}
	*scanned = line - data;
	return 0;
}

/* Ends the line that starts here and returns the next one, or NULL for no CR LF. */
static char *
cut_line(char *line, const char *end)
{
	char *lf = memchr(line, '\n', end - line);

	if (lf == NULL || lf == line || lf[-1] != '\r')
		return NULL;
	lf[-1] = '\0';
	return strlen(line) == (size_t) (lf - 1 - line) ? lf + 1 : NULL;
}

/* Tells whether a text can be a target: there is no control character in it. */
static bool
is_target(const char *text)
{
	if (*text == '\0')
		return false;
	while ((unsigned char) *text > ' ')
		text++;
	return *text == '\0';
}

/* Splits the request line; returns 0, or the status to refuse it with. */
static int
parse_request_line(char *line, Head *head)
{
	char *target = strchr(line, ' ');
	char *version = target != NULL ? strchr(target + 1, ' ') : NULL;

	if (version == NULL)
		return 400;
	*target++ = '\0';
	*version++ = '\0';
	if (!is_token(line) || strlen(line) > METHOD_MAX || !is_target(target))
		return 400;
	if (strncmp(version, "HTTP/", 5) != 0 || strlen(version) != 8 || version[6] != '.')
		return 400;
	if (version[5] != '1')
		return version[5] >= '0' && version[5] <= '9' ? 505 : 400;
	if (version[7] < '0' || version[7] > '9')
		return 400;
	head->method = line;
	head->target = target;
	head->minor = version[7] - '0';
	return 0;
}

/* Splits a line into name and value; returns 0, or the status to refuse it with. */
static int
parse_field(char *line, Head *head)
{
	char *colon = strchr(line, ':');
	char *value;
	char *end;

	if (head->count == HEAD_FIELDS_MAX)
		return 431;
	if (colon == NULL)
		return 400;
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	if (!is_token(line) || !is_field_value(value))
		return 400;
	for (char *c = line; *c != '\0'; c++)
	{
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	}
	head->fields[head->count++] = (Field){.name = line, .value = value};
	return 0;
}

/* Reads a Content-Length; false when it is no number. */
static bool
parse_length(const char *value, uint64_t *length)
{
	*length = 0;
	if (*value == '\0' || strlen(value) > 18)
		return false;
	for (; *value != '\0'; value++)
	{
		if (*value < '0' || *value > '9')
			return false;
		*length = *length * 10 + (*value - '0');
	}
	return true;
}

/* What the fields say about the request's framing, while they are read. */
typedef struct Framing
{
	int hosts;
	int lengths;
	int codings;
	bool close;
	bool keep_alive;
} Framing;

/* Takes what a field says about framing; returns 0, or the status to refuse it with. */
static int
note_framing(const Field *field, Head *head, Framing *framing)
{
	if (strcmp(field->name, "host") == 0)
		framing->hosts++;
	else if (strcmp(field->name, "content-length") == 0)
	{
		framing->lengths++;
		if (!parse_length(field->value, &head->length))
			return 400;
	}
	else if (strcmp(field->name, "transfer-encoding") == 0)
	{
		framing->codings++;
		head->chunked = strcasecmp(field->value, "chunked") == 0;
		if (!head->chunked)
			return 501;
	}
	else if (strcmp(field->name, "connection") == 0)
	{
		framing->close |= list_contains(field->value, "close");
		framing->keep_alive |= list_contains(field->value, "keep-alive");
	}
	else if (strcmp(field->name, "expect") == 0)
	{
		head->expects_continue = strcasecmp(field->value, "100-continue") == 0;
		if (!head->expects_continue)
			return 417;
	}
	return 0;
}

/* Concludes how the request is framed; returns 0, or the status to refuse it with. */
static int
check_framing(Head *head)
{
	Framing framing = {0};

	for (int i = 0; i < head->count; i++)
	{
		int status = note_framing(&head->fields[i], head, &framing);

		if (status != 0)
			return status;
	}
	if (framing.lengths + framing.codings > 1 || framing.hosts > 1)
		return 400;
	if (head->minor > 0 ? framing.hosts == 0 : framing.codings > 0)
		return 400;
	head->keep_alive = !framing.close && (head->minor > 0 || framing.keep_alive);
	return 0;
}

/*
 * Splits a head, of the length that head_size() told; returns 0, or the status to
 * refuse the request with.
 *
 * When it is refused the method may be known or NULL.
 */
int
head_parse(char *data, size_t len, Head *head)
{
	const char *end = data + len;
	char *line = data;
	char *next = cut_line(line, end);
	int status;

	head->method = head->target = NULL;
	head->minor = 1;
	head->count = 0;
	head->length = 0;
	head->chunked = head->keep_alive = head->expects_continue = false;

	if (next == NULL)
		return 400;
	status = parse_request_line(line, head);
	while (status == 0)
	{
		line = next;
		next = cut_line(line, end);
		if (next == NULL)
			return 400;
		if (*line == '\0')
			return check_framing(head);
		status = parse_field(line, head);
	}
	return status;
}

/* Returns the value of a hexadecimal digit, or -1. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Returns the state after a byte of a chunk's size. */
static ChunkState
size_byte(Chunks *chunks, char c)
{
	int digit = hex_digit(c);

	if (digit >= 0 && chunks->left < UINT64_C(1) << 56)
	{
		chunks->left = chunks->left * 16 + digit;
		return CHUNK_SIZE;
	}
	if (digit >= 0 || chunks->state == CHUNK_SIZE_FIRST)
		return CHUNK_BAD;
	if (c == ';')
		return CHUNK_EXTENSION;
	return c == '\r' ? CHUNK_SIZE_LF : CHUNK_BAD;
}

/* Returns the state after a byte of a chunk extension or of a trailer. */
static ChunkState
ignored_byte(Chunks *chunks, char c)
{
	bool is_extension = chunks->state == CHUNK_EXTENSION;

	if (++chunks->overhead > CHUNK_OVERHEAD_MAX || c == '\0')
		return CHUNK_BAD;
	if (chunks->state == CHUNK_TRAILER_FIRST && c == '\r')
		return CHUNK_END_LF;
	if (is_extension)
		return c == '\r' ? CHUNK_SIZE_LF : c == '\n' ? CHUNK_BAD : CHUNK_EXTENSION;
	return c == '\n' ? CHUNK_TRAILER_FIRST : CHUNK_TRAILER;
}

/* Returns the state after a byte that is not data. */
static ChunkState
framing_byte(Chunks *chunks, char c)
{
	switch (chunks->state)
	{
	case CHUNK_SIZE_FIRST:
		chunks->left = 0;
		return size_byte(chunks, c);
	case CHUNK_SIZE:
		return size_byte(chunks, c);
	case CHUNK_EXTENSION:
	case CHUNK_TRAILER_FIRST:
	case CHUNK_TRAILER:
		return ignored_byte(chunks, c);
	case CHUNK_SIZE_LF:
		if (c != '\n')
			return CHUNK_BAD;
		return chunks->left > 0 ? CHUNK_DATA : CHUNK_TRAILER_FIRST;
	case CHUNK_DATA_CR:
		return c == '\r' ? CHUNK_DATA_LF : CHUNK_BAD;
	case CHUNK_DATA_LF:
		return c == '\n' ? CHUNK_SIZE_FIRST : CHUNK_BAD;
	case CHUNK_END_LF:
		return c == '\n' ? CHUNK_DONE : CHUNK_BAD;
	default:
		return CHUNK_BAD;
	}
}

/*
 * Reads on in a chunked body: skips framing, and returns how many bytes of the body
 * follow it.
 *
 * 0 with all data skipped means that more has to come. The end and an error are told
 * by the state.
 */
size_t
chunks_take(Chunks *chunks, const char *data, size_t len, size_t *skip)
{
	size_t taken;

	*skip = 0;
	while (*skip < len && chunks->state != CHUNK_DATA)
	{
		chunks->state = framing_byte(chunks, data[(*skip)++]);
		if (chunks->state == CHUNK_DONE || chunks->state == CHUNK_BAD)
			return 0;
	}
	if (chunks->state != CHUNK_DATA)
		return 0;
	taken = len - *skip < chunks->left ? len - *skip : (size_t) chunks->left;
	chunks->left -= taken;
	if (chunks->left == 0)
		chunks->state = CHUNK_DATA_CR;
	return taken;
}
