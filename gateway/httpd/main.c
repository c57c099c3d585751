/*
 * main.c
 *		agent-httpd: HTTP requests from nginx in, one SQL statement each, answers out.
 *
 * Reads the command line, runs the event loop and ends it: at SIGTERM or SIGINT no
 * more connections are accepted, requests in flight are finished, and the exit status
 * is 0; a second signal does not wait for them.
 *
 * What is logged, one line each on standard error, never quotes a request.
 */
#include "httpd.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/*
 * More than agent_http() takes, which knows the limit to the byte and the order in
 * which faults are told: this one is for the memory here.
 */
#define BODY_MAX     ((16 << 20) + (64 << 10))
#define ANSWERS_MAX  (1 << 30)
#define WAIT_SECONDS 30
#define STOP_SECONDS 10 /* for what is in flight */
#define SPARE_FILES  32
#define CLIENTS_MIN  16

Options options = {.database = "",
				   .schema = "api",
				   .body_max = BODY_MAX,
				   .answers_max = ANSWERS_MAX,
				   .wait_ms = WAIT_SECONDS * 1000};
struct event_base *base = NULL;
bool stopping = false;

static const char usage[] =
	"Usage: agent-httpd --listen ADDRESS[,OPTION=N...] [OPTION...]\n"
	"\n"
	"Answers HTTP/1.1 requests with what agent_http() says to them.\n"
	"\n"
	"  --listen ADDRESS       a lane: unix:/PATH, 127.0.0.1:PORT or [::1]:PORT; may be repeated\n"
	"          ,connections=N   database connections of the lane, and so how many of its\n"
	"                           requests are worked on at a time (8)\n"
	"          ,queue=N         requests that wait for one, at most; more get 503 (1024)\n"
	"          ,mode=OCTAL      permissions of a Unix socket (0660)\n"
	"  --database CONNINFO    the database, as libpq takes it; by default the environment's.\n"
	"                         Of several hosts the next one is tried when one has not answered\n"
	"                         for connect_timeout (10 s; 30 s where there is but one)\n"
	"  --schema NAME          where agent_http() is (api)\n"
	"  --wait SECONDS         for a database connection, at most, then 503 (30); and twice\n"
	"                         that for the database's answer\n"
	"  --max-body BYTES       of a request, at most, more get 413 (16842752: a little more\n"
	"                         than agent_http() takes, which then says 413 itself)\n"
	"  --max-answers BYTES    of all answers that clients have not read yet; while there are\n"
	"                         more, requests get 503 (1073741824)\n"
	"  --help, --version\n"
	"\n"
	"Passwords are not for the command line: use PGPASSFILE, PGPASSWORD or a service file.\n"
	"Unless CONNINFO or PGOPTIONS has options, they are:\n"
	"  -c statement_timeout=30s -c default_transaction_isolation=read\\ committed\n"
	"(PgBouncer does not take that: say options='' for it)\n"
	"SIGTERM and SIGINT: finishes what is in flight and exits.\n";

/* Writes a line to the log. */
void
log_line(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "agent-httpd: %s\n", line);
}

/* Logs what happened with a message from elsewhere: its first line, without controls. */
void
log_message(const char *what, const char *message)
{
	char line[512];
	size_t len = strcspn(message, "\n");

	if (len >= sizeof(line))
		len = sizeof(line) - 1;
	for (size_t i = 0; i < len; i++)
		line[i] = (unsigned char) message[i] < ' ' ? ' ' : message[i];
	line[len] = '\0';
	log_line("%s: %s", what, line);
}

/* Returns the milliseconds of a clock that only goes forward. */
int64_t
clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads a number within bounds, or ends the process with a message. */
static long
number(const char *name, const char *text, long min, long max)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min || value > max)
	{
		log_line("--%s: \"%s\" is no number from %ld to %ld", name, text, min, max);
		exit(2);
	}
	return value;
}

/* Checks the connection string, and notes whether it has options. */
static void
check_database(void)
{
	PQconninfoOption *parsed;
	char *message = NULL;

	if (strchr(options.database, '=') == NULL && strstr(options.database, "://") == NULL)
		return;
	parsed = PQconninfoParse(options.database, &message);
	if (parsed == NULL)
	{
		/* The message may quote a password. */
		log_line("--database: this is no connection string that libpq understands");
		PQfreemem(message);
		exit(2);
	}
	for (PQconninfoOption *option = parsed; option->keyword != NULL; option++)
	{
		if (strcmp(option->keyword, "options") == 0 && option->val != NULL)
			options.has_options = true;
		if (strstr(option->keyword, "password") != NULL && option->val != NULL)
		{
			log_line("--database: a password on the command line can be read by everybody: "
					 "use PGPASSFILE");
			exit(2);
		}
	}
	PQconninfoFree(parsed);
}

/* Reads the command line; returns how many lanes there are. */
static int
read_options(int argc, char **argv)
{
	static const struct option known[] = {{"listen", required_argument, NULL, 'l'},
										  {"database", required_argument, NULL, 'd'},
										  {"schema", required_argument, NULL, 's'},
										  {"wait", required_argument, NULL, 'w'},
										  {"max-body", required_argument, NULL, 'm'},
										  {"max-answers", required_argument, NULL, 'a'},
										  {"help", no_argument, NULL, 'h'},
										  {"version", no_argument, NULL, 'v'},
										  {NULL, 0, NULL, 0}};
	int lanes = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
	{
		switch (option)
		{
		case 'l':
			if (!lane_new(optarg))
				exit(2);
			lanes++;
			break;
		case 'd':
			options.database = optarg;
			break;
		case 's':
			options.schema = optarg;
			break;
		case 'w':
			options.wait_ms = 1000 * (int) number("wait", optarg, 1, 3600);
			break;
		case 'm':
			options.body_max = number("max-body", optarg, 0, 256 << 20);
			break;
		case 'a':
			options.answers_max = number("max-answers", optarg, 0, LONG_MAX);
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		case 'v':
			puts("agent-httpd " AGENT_HTTPD_VERSION);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind < argc)
	{
		log_line("\"%s\" is no option; see --help", argv[optind]);
		exit(2);
	}
	return lanes;
}

/* Gets as many file descriptors as are allowed, and divides them up. */
static void
claim_files(void)
{
	struct rlimit limit;
	rlim_t own = lane_connections() + SPARE_FILES;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
	{
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < own + CLIENTS_MIN)
	{
		log_line("too few open files are allowed (ulimit -n): at least %llu are needed",
				 (unsigned long long) own + CLIENTS_MIN);
		exit(1);
	}
	options.clients_max = limit.rlim_cur - own > INT_MAX ? INT_MAX : (int) (limit.rlim_cur - own);
}

/* Looks whether everything in flight is finished. */
static void
on_stop_tick(evutil_socket_t fd, short what, void *arg)
{
	int64_t *end = arg;

	(void) fd;
	(void) what;
	client_stop_all(false);
	if (client_count() == 0 || clock_ms() > *end)
		event_base_loopbreak(base);
}

/* A signal: begins to stop, or stops at once. */
static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	static int64_t end;
	static struct event *tick;

	(void) number;
	(void) what;
	if (stopping)
	{
		event_base_loopbreak(base);
		return;
	}
	log_line("stopping");
	stopping = true;
	end = clock_ms() + STOP_SECONDS * 1000;
	listen_stop_all();
	tick = *(struct event **) arg;
	event_assign(tick, base, -1, EV_PERSIST, on_stop_tick, &end);
	event_add(tick, &(struct timeval){.tv_usec = 10000});
}

/* Runs until it is told to stop. */
int
main(int argc, char **argv)
{
	struct event *term;
	struct event *interrupt;
	struct event *tick;

	if (read_options(argc, argv) == 0)
	{
		log_line("--listen is missing; see --help");
		return 2;
	}
	check_database();
	claim_files();
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stderr, NULL, _IOLBF, 0);
	base = must_have(event_base_new());
	tick = must_have(event_new(base, -1, 0, on_stop_tick, NULL));
	term = must_have(evsignal_new(base, SIGTERM, on_signal, &tick));
	interrupt = must_have(evsignal_new(base, SIGINT, on_signal, &tick));
	event_add(term, NULL);
	event_add(interrupt, NULL);
	if (!lane_start_all())
		return 1;
	event_base_dispatch(base);

	listen_stop_all();
	client_stop_all(true);
	lane_free_all();
	hosts_cleanup();
	answer_cleanup();
	event_free(term);
	event_free(interrupt);
	event_free(tick);
	event_base_free(base);
	libevent_global_shutdown();
	log_line("stopped");
	return 0;
}
