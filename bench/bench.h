/*
 * bench.h
 *		What the parts of the benchmark share: limits, cases, figures.
 */
#ifndef BENCH_H
#define BENCH_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#define MAX_ROUNDS        101
#define MAX_PARAMS        5
#define ID_TEXT           37   /* a UUID as text, and its terminator */
#define CONVERSATIONS     2000 /* of the measured account, as in setup.sql */
#define LONG_CONVERSATION 1000 /* messages of its first one */
#define PAGE              50   /* messages of a page */
#define FRESH             5    /* conversations a slice writes into */

/* What the project promises. */
#define READ_LIMIT  1.15 /* ratio to bare */
#define WRITE_LIMIT 1.25
#define SIZE_LIMIT  1.20 /* ratio of a large table to a small one */
#define CALL_LIMIT  0.30 /* microseconds */
#define COUNT_LIMIT 1.00 /* likewise */

typedef char Id[ID_TEXT];

typedef struct Database
{
	const char *name;
	char rows[24]; /* messages it was loaded with */
	Id user_id;    /* the measured account */
	Id conversations[CONVERSATIONS];
	Id fresh[FRESH];
	char *tokens[2]; /* of two sessions of the account */
} Database;

typedef enum Role
{
	SUPERUSER,
	SIGNED_IN
} Role;

typedef struct Session
{
	Database *database;
	Role role;
	const char *setting; /* run once, or NULL */
	PGconn *conn;
} Session;

typedef enum CaseId
{
	GET_BARE,
	GET_VIEW,
	GET_FUNCTION,
	LIST_BARE,
	LIST_VIEW,
	LIST_FUNCTION,
	MESSAGES_BARE,
	MESSAGES_VIEW,
	MESSAGES_FUNCTION,
	SMALL_BARE,
	SMALL_RANDOM,
	SMALL_FUNCTION,
	LARGE_BARE,
	LARGE_RANDOM,
	LARGE_FUNCTION,
	CALLS_NOTHING,
	CALLS_UID,
	STATEMENT_NOTHING,
	STATEMENT_UID,
	TOKEN_NOTHING,
	TOKEN_UID,
	PLPGSQL_NOTHING,
	PLPGSQL_VERIFY,
	COUNTED_NOTHING,
	COUNTED_GET,
	COUNTED_UPDATE_NOTHING,
	COUNTED_UPDATE,
	LOGIN_10_KNOWN,
	LOGIN_10_UNKNOWN,
	LOGIN_12_KNOWN,
	LOGIN_12_UNKNOWN,
	CASE_COUNT
} CaseId;

/* Fills in the parameters of the i-th statement of a slice. */
typedef void (*Fill)(const Database *database, int i, const char **values);

typedef struct Case
{
	const char *label; /* NULL: only taken off the next one */
	Session *session;
	const char *sql;
	Fill fill; /* NULL without parameters */
} Case;

/* bench.c */
extern int rounds;
extern int statements;
extern int calls;
extern int logins;
extern _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* cases.c */
extern Database small;
extern Database large;
extern Session bare_small;
extern Session bare_large;
extern Session other;
extern Session *const sessions[];
extern const size_t session_count;
extern const Case cases[CASE_COUNT];

/* measure.c */
extern double cpu[CASE_COUNT][2][MAX_ROUNDS]; /* microseconds; [1] is busy */
extern void open_sessions(void);
extern void prepare_cases(void);
extern void measure_all(void);

/* report.c */
extern void print_all(void);

#endif /* BENCH_H */
