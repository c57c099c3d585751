/*
 * report.c
 *		Medians and ratios of what was measured, as a table.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Compares two numbers for qsort. */
static int
compare(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Returns the median; the numbers are sorted. */
static double
median(double *numbers, int count)
{
	qsort(numbers, count, sizeof(double), compare);
	return (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
}

/* Returns a case's time. */
static double
time_of(CaseId id, bool busy, int count)
{
	double times[MAX_ROUNDS];

	memcpy(times, cpu[id][busy], sizeof(times));
	return median(times, count);
}

/* Returns the ratio of one case to another. */
static double
ratio_of(CaseId id, CaseId base, bool busy, int count)
{
	double ratios[MAX_ROUNDS];

	for (int i = 0; i < count; i++)
		ratios[i] = cpu[id][busy][i] / cpu[base][busy][i];
	return median(ratios, count);
}

/* Returns what a case takes beyond the one before it. */
static double
difference_of(CaseId id, bool busy)
{
	double differences[MAX_ROUNDS];

	for (int i = 0; i < rounds; i++)
		differences[i] = cpu[id][busy][i] - cpu[id - 1][busy][i];
	return median(differences, rounds);
}

/* Ends a line of the table with what its figure, as printed, is held against, if anything. */
static void
print_verdict(double figure, double limit, int gap)
{
	if (limit > 0)
		printf("%*s  %5.2f  %s", gap, "", limit, figure < limit + 0.005 ? "PASS" : "over");
	putchar('\n');
}

/* Prints reads; both ratios must be within the limit. */
static void
print_reads(const char *title, CaseId first, CaseId last)
{
	printf("%s\n", title);
	for (CaseId id = first; id <= last; id++)
	{
		double alone = ratio_of(id, first, false, rounds);
		double busy = ratio_of(id, first, true, rounds);

		printf("  %-42s %7.1f %6.2f %8.1f %6.2f",
			   cases[id].label,
			   time_of(id, false, rounds),
			   alone,
			   time_of(id, true, rounds),
			   busy);
		/* A statement within a statement, which one function is, has no limit. */
		print_verdict(alone > busy ? alone : busy,
					  id == first || id == GET_FUNCTION ? 0 : READ_LIMIT,
					  0);
	}
}

/* Prints writes into one table. */
static void
print_writes(const Database *database, CaseId first, CaseId bounded)
{
	printf("Write a message into a table of %s\n", database->rows);
	for (CaseId id = first; id <= bounded; id++)
	{
		double ratio = ratio_of(id, first, false, rounds);

		printf("  %-42s %7.1f %6.2f", cases[id].label, time_of(id, false, rounds), ratio);
		print_verdict(ratio, id == bounded ? WRITE_LIMIT : 0, 16);
	}
}

/* Prints how writing depends on the size of the table. */
static void
print_growth(void)
{
	double ratio = ratio_of(LARGE_FUNCTION, SMALL_FUNCTION, false, rounds);

	printf("  %-42s %7s %6.2f", "the same, to the small table's", "", ratio);
	print_verdict(ratio, SIZE_LIMIT, 16);
}

/* Prints what identity costs. */
static void
print_identity(void)
{
	double call = difference_of(CALLS_UID, false) / calls;

	printf("Who is calling, less the same statement with pg_backend_pid()\n");
	printf("  %-42s %7.3f", cases[CALLS_UID].label, call);
	print_verdict(call, CALL_LIMIT, 23);
	printf("  %-42s %7.2f %15.2f\n",
		   cases[STATEMENT_UID].label,
		   difference_of(STATEMENT_UID, false),
		   difference_of(STATEMENT_UID, true));
	printf("  %-42s %7.1f\n", cases[TOKEN_UID].label, difference_of(TOKEN_UID, false));
	printf("  %-42s %7.1f\n", cases[PLPGSQL_VERIFY].label, difference_of(PLPGSQL_VERIFY, false));
}

/* Prints what counting a call costs. */
static void
print_counting(void)
{
	printf("Count a call, less the same statement with agent.metrics = off\n");
	for (CaseId id = COUNTED_GET; id <= COUNTED_UPDATE; id += 2)
	{
		double difference = difference_of(id, false);

		printf("  %-42s %7.2f %6.2f",
			   cases[id].label,
			   difference,
			   ratio_of(id, id - 1, false, rounds));
		print_verdict(difference, COUNT_LIMIT, 16);
	}
}

/* Prints logins, in milliseconds. */
static void
print_logins(void)
{
	printf("Log in with a wrong password, ms\n");
	for (CaseId id = LOGIN_10_KNOWN; id <= LOGIN_12_UNKNOWN; id++)
		printf("  %-42s %7.1f %6.3f\n",
			   cases[id].label,
			   time_of(id, false, logins) / 1000,
			   ratio_of(id, id - (id - LOGIN_10_KNOWN) % 2, false, logins));
}

/* Prints the table. */
void
print_all(void)
{
	int version = PQserverVersion(bare_large.conn);

	printf("PostgreSQL %d.%d, %d rounds of %d statements a case, synchronous_commit = off.\n"
		   "CPU time of the backend, us a statement, and its ratio to the first of a group;\n"
		   "busy: another connection commits before each statement.\n\n",
		   version / 10000,
		   version % 10000,
		   rounds,
		   statements);
	printf("  %-42s %7s %6s %8s %6s  %5s\n", "", "us", "ratio", "busy us", "ratio", "limit");
	print_reads("Read one conversation of 2000", GET_BARE, GET_FUNCTION);
	print_reads("Read the newest 10 conversations of 2000", LIST_BARE, LIST_FUNCTION);
	print_reads("Read 50 messages of 1000", MESSAGES_BARE, MESSAGES_FUNCTION);
	print_writes(&small, SMALL_BARE, SMALL_FUNCTION);
	print_writes(&large, LARGE_BARE, LARGE_FUNCTION);
	print_growth();
	print_identity();
	print_counting();
	print_logins();
}
