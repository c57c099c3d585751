/*
 * http_time.c
 *		Reads the times of classic requests: ISO 8601, whatever DateStyle and TimeZone are.
 *
 * Called by http_value.c, with texts of anybody. Nothing is raised.
 */
#include "http.h"

#include "utils/datetime.h"

/* Reads so many digits at a place, which moves behind them; false when there are fewer. */
static bool
read_digits(const char **at, int count, int *number)
{
	*number = 0;
	for (int i = 0; i < count; i++)
	{
		if (!isdigit((unsigned char) **at))
			return false;
		*number = *number * 10 + *(*at)++ - '0';
	}
	return true;
}

/* Passes a character; false when another one is there. */
static bool
read_character(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* Reads a date that there is. */
static bool
read_date(const char **at, struct pg_tm *tm)
{
	return read_digits(at, 4, &tm->tm_year) && read_character(at, '-') &&
		   read_digits(at, 2, &tm->tm_mon) && read_character(at, '-') &&
		   read_digits(at, 2, &tm->tm_mday) && tm->tm_year >= 1 && tm->tm_mon >= 1 &&
		   tm->tm_mon <= MONTHS_PER_YEAR && tm->tm_mday >= 1 &&
		   tm->tm_mday <= day_tab[isleap(tm->tm_year)][tm->tm_mon - 1];
}

/* Reads the digits after a point, as microseconds; more than six are cut. */
static bool
read_fraction(const char **at, fsec_t *fraction)
{
	int unit = USECS_PER_SEC;

	if (!isdigit((unsigned char) **at))
		return false;
	for (; isdigit((unsigned char) **at); (*at)++)
	{
		unit /= 10;
		*fraction += (**at - '0') * unit;
	}
	return true;
}

/* Reads the time of a day; seconds may be left out. */
static bool
read_clock(const char **at, struct pg_tm *tm, fsec_t *fraction)
{
	if (!read_digits(at, 2, &tm->tm_hour) || !read_character(at, ':') ||
		!read_digits(at, 2, &tm->tm_min) || tm->tm_hour > 23 || tm->tm_min > 59)
		return false;
	if (!read_character(at, ':'))
		return true;
	if (!read_digits(at, 2, &tm->tm_sec) || tm->tm_sec > 59)
		return false;
	return !read_character(at, '.') || read_fraction(at, fraction);
}

/*
 * Reads an offset from UTC, as seconds west of it: Z, +hh:mm or +hhmm; none is UTC. In a
 * query a plus sign that was not escaped has become a blank.
 */
static bool
read_offset(const char **at, int *west)
{
	int sign = **at == '-' ? 1 : -1;
	int hours;
	int minutes;

	*west = 0;
	if (**at == '\0' || read_character(at, 'Z') || read_character(at, 'z'))
		return true;
	if (!read_character(at, '+') && !read_character(at, ' ') && !read_character(at, '-'))
		return false;
	if (!read_digits(at, 2, &hours) || (read_character(at, ':'), !read_digits(at, 2, &minutes)) ||
		hours > 15 || minutes > 59)
		return false;
	*west = sign * (hours * SECS_PER_HOUR + minutes * SECS_PER_MINUTE);
	return true;
}

/* Reads a time; a date alone is its beginning. False when the text is none. */
bool
agent_http_time(const char *text, TimestampTz *time)
{
	const char *at = text;
	struct pg_tm tm = {0};
	fsec_t fraction = 0;
	int west = 0;

	if (!read_date(&at, &tm))
		return false;
	if (*at != '\0' &&
		((!read_character(&at, 'T') && !read_character(&at, 't') && !read_character(&at, ' ')) ||
		 !read_clock(&at, &tm, &fraction) || !read_offset(&at, &west)))
		return false;
	return *at == '\0' && tm2timestamp(&tm, fraction, &west, time) == 0;
}
