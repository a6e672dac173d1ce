// SPDX-License-Identifier: GPL-2.0-only
/* kapsel log - the lines that a program wrote by bpf_trace_printk() */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "objects.h"
#include "out.h"

enum { OPT_FOLLOW };

const struct cli_option log_options[] = {
	[OPT_FOLLOW] = { "--follow", 'f', false, "wait for more" },
	{ .name = NULL }
};

static void put_line(const struct object *prog, const char *line, size_t len)
{
	struct kapsel_json js;

	if (!cli.json) {
		printf("%.*s\n", (int)len, line);
		return;
	}
	out_json_begin(&js, stdout);
	kapsel_json_str(&js, "prog", prog->info.name);
	kapsel_json_strn(&js, "log", line, len);
	out_json_end(&js);
}

/* The kernel hands out whole lines. */
static void put_lines(const struct object *prog, const char *text, size_t len)
{
	const char *end = text + len, *line = text;

	while (line < end) {
		const char *next = memchr(line, '\n', end - line);
		size_t part = next ? next - line : end - line;

		put_line(prog, line, part);
		line += part + 1;
	}
	fflush(stdout);
}

static void read_log(const struct object *prog, bool follow)
{
	char buf[8192];
	ssize_t len;

	if (!follow)
		fcntl(prog->fd, F_SETFL, fcntl(prog->fd, F_GETFL) | O_NONBLOCK);
	while ((len = read(prog->fd, buf, sizeof(buf))) > 0 && !ferror(stdout))
		put_lines(prog, buf, len);
}

int cmd_log(int argc, char **argv)
{
	const char *word = NULL;
	struct kapsel_dev dev;
	struct cli_args args;
	struct objects objs;
	struct object *prog;
	bool follow = false;
	int opt, status;

	cli_args_init(&args, argc, argv, log_options);
	while ((opt = cli_args_next(&args)) != CLI_ARG_END) {
		if (opt == CLI_ARG_ERROR)
			return args.status;
		if (opt == OPT_FOLLOW)
			follow = true;
		else if (opt == CLI_ARG_WORD && !word)
			word = args.value;
		else
			return cli_usage("one PROG is enough");
	}
	if (!word)
		return cli_usage("no PROG");
	status = objects_dev(&dev);
	if (status)
		return status;
	objects_read(&dev, 1u << KAPSEL_OBJ_PROG, &objs);
	prog = objects_find(&objs, word, "program", &status);
	if (prog)
		read_log(prog, follow);
	objects_free(&objs);
	kapsel_dev_close(&dev);
	return status;
}
