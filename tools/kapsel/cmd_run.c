// SPDX-License-Identifier: GPL-2.0-only
/* kapsel run - load all, attach, print events; then undo */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "events.h"
#include "objects.h"
#include "out.h"
#include "session.h"
#include "summary.h"

enum { OPT_FOR, OPT_COUNT, OPT_SESSION };

const struct cli_option run_options[] = {
	[OPT_FOR] = { "--for", 0, true, "TIME: end after 10s, 500ms, 2m" },
	[OPT_COUNT] = { "--count", 0, true, "N: end after N events" },
	SESSION_OPTION_ROWS(OPT_SESSION),
	{ .name = NULL }
};

/* Signals, stdout, then ring buffers, then programs' logs. */
#define FIXED_POLLS 2
#define MAX_POLLS (2 * SELECT_MAX + FIXED_POLLS)

/**
 * struct run - one call of the command
 * @session: what is loaded
 * @path: FILE
 * @for_ms: 0: no limit
 * @events: one for each ring buffer
 * @signals: signalfd of SIGINT, SIGTERM, SIGCHLD
 * @child: of `-- CMD`, 0: none
 * @child_status: CMD's exit status once it ended
 * @done: time to stop
 */
struct run {
	struct session session;
	const char *path;
	char **cmd;
	__u64 for_ms;
	__u64 limit;
	__u64 count;
	struct events *events;
	__u32 nr_events;
	int signals;
	pid_t child;
	int child_status;
	bool done;
	__u64 start;
};

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int open_events(struct run *run)
{
	struct kapsel_object *obj = run->session.obj;
	__u32 i, count = kapsel_nr_maps(obj);
	int status = 0;

	run->events = calloc(count + 1, sizeof(*run->events));
	if (!run->events)
		abort();
	for (i = 0; i < count && !status && run->nr_events < SELECT_MAX; i++) {
		struct events *ev = &run->events[run->nr_events];

		if (!kapsel_has_records(kapsel_map_at(obj, i)->type))
			continue;
		ev->count = &run->count;
		ev->limit = run->limit;
		status = events_open(ev, &run->session.dev, obj, kapsel_map_at(obj, i));
		run->nr_events += !status;
	}
	for (i = 0; i < run->nr_events; i++)
		run->events[i].named = run->nr_events > 1;
	return status;
}

/* Blocked before anything is attached, so that none can end us half-way. */
static void catch_signals(struct run *run, sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, old);
	/* A closed pipe ends us by the failing write, in the ordinary way. */
	signal(SIGPIPE, SIG_IGN);
	run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int start_child(struct run *run, const sigset_t *old)
{
	struct kapsel_error err = {};

	if (!run->cmd)
		return 0;
	run->child = fork();
	if (run->child < 0) {
		err.err = -errno;
		snprintf(err.text, sizeof(err.text), "cannot start %s", run->cmd[0]);
		return cli_fail(&err, CLI_FAILED);
	}
	if (run->child)
		return 0;
	sigprocmask(SIG_SETMASK, old, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(run->cmd[0], run->cmd);
	fprintf(stderr, "kapsel: run: cannot start %s: %s\n", run->cmd[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void reap_child(struct run *run)
{
	int status;

	if (!run->child || waitpid(run->child, &status, WNOHANG) != run->child)
		return;
	run->child = 0;
	run->done = true;
	run->child_status = WIFEXITED(status) ? WEXITSTATUS(status) :
						128 + WTERMSIG(status);
}

static void read_signals(struct run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap_child(run);
		else if (!run->child || info.ssi_signo == SIGTERM)
			run->done = true;
		/* Ctrl-C went to CMD as well: its end is ours. */
	}
}

/* Lines of trace_printk, as they come. */
static void read_log(const struct kapsel_prog *prog)
{
	char buf[4096], *line, *end;
	struct kapsel_json js;
	ssize_t len = read(prog->fd, buf, sizeof(buf) - 1);

	if (len <= 0)
		return;
	buf[len] = '\0';
	for (line = buf; *line; line = end + (*end != '\0')) {
		end = strchrnul(line, '\n');
		if (cli.json) {
			out_json_begin(&js, stdout);
			kapsel_json_str(&js, "prog", prog->name);
			kapsel_json_strn(&js, "log", line, end - line);
			out_json_end(&js);
		} else {
			printf("%s: %.*s\n", prog->name, (int)(end - line), line);
		}
		if (!*end)
			break;
	}
	fflush(stdout);
}

static int timeout_ms(const struct run *run)
{
	__u64 past = (now_ns() - run->start) / 1000000;

	if (!run->for_ms)
		return -1;
	return past >= run->for_ms ? 0 : (int)(run->for_ms - past);
}

static __u32 fill_polls(const struct run *run, struct pollfd *polls)
{
	__u32 i, n = 0;

	polls[n++] = (struct pollfd){ .fd = run->signals, .events = POLLIN };
	polls[n++] = (struct pollfd){ .fd = STDOUT_FILENO };
	for (i = 0; i < run->nr_events; i++)
		polls[n++] = (struct pollfd){ .fd = kapsel_ring_fd(run->events[i].ring),
					      .events = POLLIN };
	for (i = 0; i < run->session.nr_links && n < MAX_POLLS; i++)
		polls[n++] = (struct pollfd){ .fd = run->session.links[i].prog->fd,
					      .events = POLLIN };
	return n;
}

static void print_events(struct run *run)
{
	__u32 i;

	for (i = 0; i < run->nr_events; i++)
		if (events_print(&run->events[i]))
			run->done = true;
	if (ferror(stdout))
		run->done = true;
}

static void loop(struct run *run)
{
	struct pollfd polls[MAX_POLLS];
	__u32 i, n;

	while (!run->done) {
		n = fill_polls(run, polls);
		if (poll(polls, n, timeout_ms(run)) == 0 && run->for_ms)
			run->done = true;
		if (polls[0].revents)
			read_signals(run);
		/* Whoever read our output went away. */
		if (polls[1].revents & POLLERR)
			run->done = true;
		print_events(run);
		for (i = FIXED_POLLS + run->nr_events; i < n; i++)
			if (polls[i].revents & POLLIN)
				read_log(run->session.links[i - FIXED_POLLS - run->nr_events].prog);
		if (run->for_ms && !timeout_ms(run))
			run->done = true;
	}
}

/* Hooks off first, then what was still on its way, then what it amounts to. */
static void finish(struct run *run)
{
	struct kapsel_error err;
	__u64 ns = now_ns() - run->start;
	__u32 i;

	for (i = 0; i < run->session.nr_links; i++)
		kapsel_detach(run->session.links[i].fd, &err);
	print_events(run);
	if (run->child) {
		kill(run->child, SIGTERM);
		waitpid(run->child, NULL, 0);
	}
	summary_print(&run->session, ns);
}

static int run_it(struct run *run)
{
	sigset_t old;
	int status = session_load(&run->session, run->path);

	if (status)
		return status;
	catch_signals(run, &old);
	/* Reads the time zone's file now, before our own programs see that. */
	tzset();
	status = session_attach(&run->session);
	if (!status)
		status = open_events(run);
	run->start = now_ns();
	if (!status)
		status = start_child(run, &old);
	if (status)
		return status;
	if (!run->cmd && !run->for_ms && !run->limit)
		cli_say("Ctrl-C to stop\n");
	loop(run);
	finish(run);
	return run->cmd ? run->child_status : CLI_OK;
}

static int take_option(struct run *run, int opt, char *value)
{
	if (opt >= OPT_SESSION)
		return session_option(&run->session, opt - OPT_SESSION, value);
	switch (opt) {
	case OPT_FOR:
		return cli_parse_time(value, &run->for_ms) ? 0 :
		       cli_usage("'%s' is not a time: 10s, 500ms, 2m", value);
	case OPT_COUNT:
		return cli_parse_count(value, &run->limit) ? 0 :
		       cli_usage("'%s' is not a number of events", value);
	}
	if (run->path)
		return cli_usage("what is '%s'? A command to run stands behind --", value);
	run->path = value;
	return 0;
}

static int read_args(struct run *run, struct cli_args *args)
{
	int opt, status = 0;

	while (!status && (opt = cli_args_next(args)) != CLI_ARG_END) {
		if (opt == CLI_ARG_ERROR)
			return args->status;
		if (opt == CLI_ARG_REST) {
			run->cmd = args->argc ? args->argv : NULL;
			break;
		}
		status = take_option(run, opt, args->value);
	}
	return status ? status : run->path ? 0 : cli_usage("no FILE");
}

int cmd_run(int argc, char **argv)
{
	struct cli_args args;
	struct run run = { .signals = -1 };
	int status;
	__u32 i;

	session_init(&run.session);
	cli_args_init(&args, argc, argv, run_options);
	status = read_args(&run, &args);
	if (!status)
		status = run_it(&run);
	for (i = 0; i < run.nr_events; i++)
		events_close(&run.events[i]);
	free(run.events);
	session_close(&run.session);
	return status;
}
