/*
 * listen.c
 *		The sockets that connections are accepted on.
 *
 * A Unix socket that is left over from a process that has ended is replaced, and
 * nothing else is. No more connections are accepted than there are files for; the
 * others wait with the kernel until one is closed.
 */
#include "httpd.h"

#include <errno.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG  511
#define PAUSE_MS 100 /* without accepting, when that has failed */

struct Listener
{
	TAILQ_ENTRY(Listener) link;
	Lane *lane;
	const char *name;
	int mode; /* of a Unix socket */
	union
	{
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_storage storage;
	} address;
	int address_len;
	struct evconnlistener *accepting; /* NULL until it listens */
	struct stat file;                 /* the Unix socket that was made */
};

static TAILQ_HEAD(, Listener) listeners = TAILQ_HEAD_INITIALIZER(listeners);
static bool paused = false;
static struct event *resume = NULL;

/* Stops accepting connections, or goes on with it. */
void
listen_pause(bool pause)
{
	Listener *listener;

	if (pause == paused)
		return;
	paused = pause;
	TAILQ_FOREACH(listener, &listeners, link)
	{
		if (listener->accepting == NULL)
			continue;
		if (pause)
			evconnlistener_disable(listener->accepting);
		else
			evconnlistener_enable(listener->accepting);
	}
}

/* A connection has been accepted. */
static void
on_accept(struct evconnlistener *accepting, evutil_socket_t fd, struct sockaddr *address, int len,
		  void *arg)
{
	Listener *listener = arg;

	(void) accepting;
	(void) address;
	(void) len;
	client_new(listener->lane, fd);
	if (client_count() >= options.clients_max)
	{
		log_line("%d connections are open: no more are accepted for now", client_count());
		listen_pause(true);
	}
}

/* The pause after a connection could not be accepted is over. */
static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	(void) arg;
	if (client_count() < options.clients_max)
		listen_pause(false);
}

/* A connection could not be accepted: trying again at once would do nothing else. */
static void
on_accept_error(struct evconnlistener *accepting, void *arg)
{
	Listener *listener = arg;

	(void) accepting;
	log_line("%s: could not accept a connection: %s", listener->name, strerror(errno));
	listen_pause(true);
	event_add(resume, &(struct timeval){.tv_usec = PAUSE_MS * 1000});
}

/* Reads the address of a lane. */
static bool
set_address(Listener *listener)
{
	const char *path = listener->name + strlen("unix:");

	if (strncmp(listener->name, "unix:", strlen("unix:")) != 0)
	{
		listener->address_len = sizeof(listener->address);
		if (evutil_parse_sockaddr_port(listener->name,
									   &listener->address.any,
									   &listener->address_len) == 0 &&
			strrchr(listener->name, ':') != NULL)
			return true;
		log_line("--listen %s: neither unix:/PATH nor ADDRESS:PORT", listener->name);
		return false;
	}
	if (*path != '/' || strlen(path) >= sizeof(listener->address.local.sun_path))
	{
		log_line("--listen %s: the path must begin with / and have at most %zu bytes",
				 listener->name,
				 sizeof(listener->address.local.sun_path) - 1);
		return false;
	}
	listener->address.local.sun_family = AF_UNIX;
	strcpy(listener->address.local.sun_path, path);
	listener->address_len = sizeof(listener->address.local);
	return true;
}

/* Makes a listener, which does not listen yet, or returns NULL, with a message. */
Listener *
listen_new(Lane *lane, const char *name, int mode)
{
	Listener *listener = must_have(calloc(1, sizeof(Listener)));

	listener->lane = lane;
	listener->name = name;
	listener->mode = mode;
	if (!set_address(listener))
	{
		free(listener);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&listeners, listener, link);
	return listener;
}

/* Removes a Unix socket that nobody listens on; false when the path is not free then. */
static bool
clear_path(const Listener *listener)
{
	const char *path = listener->address.local.sun_path;
	struct stat file;
	int fd;
	bool answered;

	if (lstat(path, &file) != 0)
		return errno == ENOENT;
	if (!S_ISSOCK(file.st_mode))
	{
		errno = EEXIST;
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	answered = fd < 0 || connect(fd, &listener->address.any, listener->address_len) == 0;
	if (fd >= 0)
		close(fd);
	if (answered)
	{
		errno = EADDRINUSE;
		return false;
	}
	return unlink(path) == 0;
}

/* Binds a socket; a Unix socket never has more permissions than it is to have. */
static bool
bind_socket(Listener *listener, int fd)
{
	mode_t mask;
	bool bound;
	int on = 1;

	if (listener->address.any.sa_family != AF_UNIX)
	{
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		return bind(fd, &listener->address.any, listener->address_len) == 0;
	}
	if (!clear_path(listener))
		return false;
	mask = umask(0777 & ~listener->mode);
	bound = bind(fd, &listener->address.any, listener->address_len) == 0;
	umask(mask);
	return bound && lstat(listener->address.local.sun_path, &listener->file) == 0;
}

/* Begins to listen; false, with a message, when that fails. */
bool
listen_start(Listener *listener)
{
	int fd = socket(listener->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (resume == NULL)
		resume = must_have(evtimer_new(base, on_resume, NULL));
	if (fd >= 0 && bind_socket(listener, fd))
		listener->accepting =
			evconnlistener_new(base, on_accept, listener, LEV_OPT_CLOSE_ON_FREE, BACKLOG, fd);
	if (listener->accepting == NULL)
	{
		log_line("could not listen on %s: %s", listener->name, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	evconnlistener_set_error_cb(listener->accepting, on_accept_error);
	return true;
}

/* Stops listening. A Unix socket is removed if it is still the one that was made. */
static void
stop(Listener *listener)
{
	const char *path = listener->address.local.sun_path;
	struct stat file;

	evconnlistener_free(listener->accepting);
	if (listener->address.any.sa_family == AF_UNIX && lstat(path, &file) == 0 &&
		file.st_ino == listener->file.st_ino && file.st_dev == listener->file.st_dev)
		unlink(path);
}

/* Stops all listening, and frees the listeners. */
void
listen_stop_all(void)
{
	Listener *listener;

	while ((listener = TAILQ_FIRST(&listeners)) != NULL)
	{
		TAILQ_REMOVE(&listeners, listener, link);
		if (listener->accepting != NULL)
			stop(listener);
		free(listener);
	}
	if (resume != NULL)
		event_free(resume);
	resume = NULL;
}
