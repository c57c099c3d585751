/*
 * hosts.c
 *		Where the next connection looks for the database, when there are several hosts.
 *
 * libpq tries them in order, and goes on by itself from one that refuses, or has not the
 * session that is asked for (target_session_attrs). One that takes a connection and says
 * nothing, or from which no packet comes back, it waits for as long as it is let: the
 * next attempt would do no better, and never come to the others. So whoever has waited
 * for too long turns the list, and what was first is last.
 *
 * All connections share the list. It is unset until it is turned first.
 */
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 30000 /* for a connection, unless connect_timeout says otherwise, */
#define SEVERAL_MS 10000 /* and where there is another host to go to */

static const char *const names[HOSTS_SETTINGS] = {"host", "hostaddr", "port"};
static char *turned[HOSTS_SETTINGS];
static int turns;

/* Fills in what a connection overrides, and notes which list it goes by. */
void
hosts_arrange(Backend *backend, const char **keywords, const char **values)
{
	backend->turns = turns;
	for (int i = 0; i < HOSTS_SETTINGS; i++)
	{
		keywords[i] = names[i];
		values[i] = turned[i];
	}
}

/* Finds what a connection has for a setting; NULL where it is empty. */
static const char *
setting(const PQconninfoOption *settings, const char *name)
{
	for (; settings != NULL && settings->keyword != NULL; settings++)
	{
		if (strcmp(settings->keyword, name) == 0)
			return settings->val != NULL && settings->val[0] != '\0' ? settings->val : NULL;
	}
	return NULL;
}

/* Tells whether a list has more than one entry. */
static bool
is_list(const char *list)
{
	return list != NULL && strchr(list, ',') != NULL;
}

/* Tells how long a connection may take to be made (ms). */
int
hosts_connect_ms(PGconn *conn)
{
	PQconninfoOption *settings = PQconninfo(conn);
	const char *timeout = setting(settings, "connect_timeout");
	long seconds = timeout != NULL ? strtol(timeout, NULL, 10) : 0;
	bool several = is_list(setting(settings, "host")) || is_list(setting(settings, "hostaddr"));

	PQconninfoFree(settings);
	if (seconds > 0 && seconds <= 3600)
		return (int) seconds * 1000;
	return several ? SEVERAL_MS : CONNECT_MS;
}

/* Returns a list whose first entry has become the last one. */
static char *
turn(const char *list)
{
	size_t first;
	char *result;

	if (list == NULL)
		return NULL;
	first = strcspn(list, ",");
	if (list[first] == '\0')
		return must_have(strdup(list));
	if (asprintf(&result, "%s,%.*s", list + first + 1, (int) first, list) < 0)
		result = NULL;
	return must_have(result);
}

/*
 * Turns the list, for a connection that took too long.
 *
 * Of connections that began with the same list, the first does it for all.
 */
void
hosts_turn(const Backend *backend)
{
	PQconninfoOption *settings;

	if (backend->turns != turns)
		return;
	turns++;
	settings = PQconninfo(backend->conn);
	for (int i = 0; i < HOSTS_SETTINGS; i++)
	{
		free(turned[i]);
		turned[i] = turn(setting(settings, names[i]));
	}
	PQconninfoFree(settings);
}

/* Frees the list. */
void
hosts_cleanup(void)
{
	for (int i = 0; i < HOSTS_SETTINGS; i++)
	{
		free(turned[i]);
		turned[i] = NULL;
	}
}
