/*
 * bench.c
 *		What identity and row-level security cost, measured in one run.
 *
 * scripts/bench makes a throw-away cluster with two databases, bench_small and
 * bench_large, loads bench/setup.sql into both, and runs this program.
 *
 * Each case is one prepared statement on one connection. Cases take turns, a
 * slice of statements each, round after round, so that whatever else the
 * machine does meets all of them. What counts is the time the backend was on a
 * processor (/proc/PID/schedstat): waiting and the client cost nothing. Figures
 * are medians over the rounds; a ratio is the median of the rounds' ratios.
 *
 * "Bare" is the limit: the same rows asked for by a superuser, whom row
 * security does not concern, with the user's id written into the statement.
 * "Busy": another connection commits a write before every statement, so that
 * nothing remembered about the caller holds without a new look.
 *
 * Environment: BENCH_ROUNDS, BENCH_STATEMENTS of a slice, BENCH_CALLS of
 * agent_uid() in one statement, BENCH_LOGINS. Exit status: 0, or 1 when
 * something failed; a figure over its limit is a figure.
 */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int rounds;
int statements;
int calls;
int logins;

/* Ends the program with a message. */
void
fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

/* Returns an option of the environment: a number from 1 to max. */
static int
option(const char *name, int preset, int max)
{
	const char *value = getenv(name);
	int number = value != NULL ? atoi(value) : preset;

	if (number < 1 || number > max)
		fail("%s must be from 1 to %d", name, max);
	return number;
}

/* Measures, and prints what was found. */
int
main(void)
{
	rounds = option("BENCH_ROUNDS", 41, MAX_ROUNDS);
	statements = option("BENCH_STATEMENTS", 100, 100000);
	calls = option("BENCH_CALLS", 20000, 10000000);
	logins = option("BENCH_LOGINS", 11, MAX_ROUNDS);
	open_sessions();
	prepare_cases();
	measure_all();
	print_all();
	for (size_t i = 0; i < session_count; i++)
		PQfinish(sessions[i]->conn);
	return 0;
}
