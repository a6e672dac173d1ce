// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - options, arguments, failures */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "out.h"

struct cli cli = { .device = KAPSEL_DEVICE };

const char *cli_suggest(const char *word, const char *const *words, char *buf, size_t size)
{
	const char *best = NULL;
	__u32 least = strlen(word) / 3 + 2;

	for (; *words; words++) {
		/* What was typed is the beginning of a word: likelier than a typo. */
		__u32 far = strncmp(word, *words, strlen(word)) ? kapsel_edits(word, *words) : 1;

		if (far < least) {
			least = far;
			best = *words;
		}
	}
	*buf = '\0';
	if (best)
		snprintf(buf, size, " (did you mean '%s'?)", best);
	return buf;
}

static void json_error(int status, const struct kapsel_error *err,
		       const struct kapsel_prog *prog, const struct kapsel_result *res)
{
	struct kapsel_json js;
	char name[16];

	out_json_begin(&js, stderr);
	kapsel_json_open(&js, "error", '{');
	kapsel_json_str(&js, "command", cli.command);
	kapsel_json_u64(&js, "status", status);
	if (err->err)
		kapsel_json_str(&js, "errno", strerrorname_np(abs(err->err)));
	if (err->code)
		kapsel_json_str(&js, "code", kapsel_code_name(err->code, name, sizeof(name)));
	kapsel_json_str(&js, "text", err->text);
	if (err->hint[0])
		kapsel_json_str(&js, "hint", err->hint);
	if (res)
		kapsel_render_json(&js, "problems", prog, res);
	kapsel_json_close(&js, '}');
	out_json_end(&js);
}

static void text_error(const struct kapsel_error *err)
{
	fprintf(stderr, "kapsel: %s%s%s\n", cli.command ? cli.command : "",
		cli.command ? ": " : "", err->text);
	if (err->hint[0])
		fprintf(stderr, "hint: %s\n", err->hint);
}

static int status_of(const struct kapsel_error *err)
{
	if (err->code && err->code < 1000)
		return CLI_REJECTED;
	if (err->code == KAPSEL_CODE_CAPABILITY || err->code == KAPSEL_CODE_LOCKDOWN ||
	    err->err == -EPERM)
		return CLI_ENVIRONMENT;
	return CLI_FAILED;
}

int cli_fail(const struct kapsel_error *err, int status)
{
	status = status ? status : status_of(err);
	fflush(stdout);
	if (cli.json)
		json_error(status, err, NULL, NULL);
	else
		text_error(err);
	return status;
}

static bool stderr_colour(void)
{
	return cli.colour && isatty(STDERR_FILENO);
}

int cli_fail_result(const struct kapsel_error *err, const struct kapsel_prog *prog,
		    const struct kapsel_result *res)
{
	struct kapsel_render how = {
		.out = stderr, .prog = prog, .colour = stderr_colour(),
		.verbose = cli.verbose,
	};
	int status = status_of(err);

	fflush(stdout);
	if (cli.json) {
		json_error(status, err, prog, res);
		return status;
	}
	kapsel_render_text(&how, res);
	text_error(err);
	return status;
}

int cli_usage(const char *fmt, ...)
{
	struct kapsel_error err = { .err = -EINVAL };
	va_list args;

	va_start(args, fmt);
	vsnprintf(err.text, sizeof(err.text), fmt, args);
	va_end(args);
	if (cli.command)
		snprintf(err.hint, sizeof(err.hint), "see `kapsel help %s`", cli.command);
	else
		snprintf(err.hint, sizeof(err.hint), "see `kapsel help`");
	return cli_fail(&err, CLI_USAGE);
}

void cli_say(const char *fmt, ...)
{
	va_list args;

	if (cli.quiet || cli.json)
		return;
	fflush(stdout);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
}

void cli_args_init(struct cli_args *args, int argc, char **argv,
		   const struct cli_option *options)
{
	memset(args, 0, sizeof(*args));
	args->argc = argc - 1;
	args->argv = argv + 1;
	args->options = options;
}

static int set_colour(const char *when)
{
	if (!strcmp(when, "always"))
		cli.colour = true;
	else if (!strcmp(when, "never"))
		cli.colour = false;
	else if (strcmp(when, "auto"))
		return cli_usage("'%s' is not auto, always or never", when), -1;
	return 1;
}

/* The library looks there, for those who call it without a command as well. */
static const char *variable_of(const char *option)
{
	if (!strcmp(option, "--btf"))
		return "KAPSEL_BTF";
	return strcmp(option, "--kconfig") ? NULL : "KAPSEL_KCONFIG";
}

int cli_global_option(int argc, char **argv)
{
	const char *arg = argv[0];

	if (!strncmp(arg, "--color=", 8))
		return set_colour(arg + 8);
	if (variable_of(arg) && argc > 1) {
		setenv(variable_of(arg), argv[1], 1);
		return 2;
	}
	if (!strcmp(arg, "--device") && argc > 1) {
		cli.device = argv[1];
		return 2;
	}
	if (!strcmp(arg, "-j") || !strcmp(arg, "--json"))
		cli.json = true;
	else if (!strcmp(arg, "-q") || !strcmp(arg, "--quiet"))
		cli.quiet = true;
	else if (arg[0] == '-' && arg[1] == 'v' && strspn(arg + 1, "v") == strlen(arg + 1))
		cli.verbose += strlen(arg + 1);
	else if (!strcmp(arg, "--verbose"))
		cli.verbose++;
	else
		return 0;
	return 1;
}

static int unknown_option(struct cli_args *args, const char *arg)
{
	const char *names[40] = {
		"--json", "--quiet", "--verbose", "--device", "--btf", "--kconfig", "--help"
	};
	__u32 count = 7, i;
	char hint[80];

	for (i = 0; args->options && args->options[i].name && count < 39; i++)
		names[count++] = args->options[i].name;
	args->status = cli_usage("unknown option '%s'%s", arg,
				 cli_suggest(arg, names, hint, sizeof(hint)));
	return CLI_ARG_ERROR;
}

static int missing_value(struct cli_args *args, const char *arg)
{
	args->status = cli_usage("option '%s' needs a value", arg);
	return CLI_ARG_ERROR;
}

static void shift(struct cli_args *args, int count)
{
	args->argc -= count;
	args->argv += count;
}

/* --name, --name VALUE, --name=VALUE, -n, -n VALUE; -1: not this one. */
static int match(struct cli_args *args, const struct cli_option *option)
{
	char *arg = args->argv[0];
	size_t len = strlen(option->name);
	bool is_letter = option->letter && arg[0] == '-' && arg[1] == option->letter &&
			 !arg[2];

	if (option->value && !strncmp(arg, option->name, len) && arg[len] == '=') {
		args->value = arg + len + 1;
		shift(args, 1);
		return 0;
	}
	if (!is_letter && strcmp(arg, option->name))
		return -1;
	if (option->value && args->argc < 2)
		return missing_value(args, arg);
	args->value = option->value ? args->argv[1] : NULL;
	shift(args, option->value ? 2 : 1);
	return 0;
}

static int next_option(struct cli_args *args)
{
	int i, taken = cli_global_option(args->argc, args->argv);

	if (taken < 0) {
		args->status = CLI_USAGE;
		return CLI_ARG_ERROR;
	}
	if (taken) {
		shift(args, taken);
		return cli_args_next(args);
	}
	for (i = 0; args->options && args->options[i].name; i++) {
		int ret = match(args, &args->options[i]);

		if (ret != -1)
			return ret ? ret : i;
	}
	return unknown_option(args, args->argv[0]);
}

int cli_args_next(struct cli_args *args)
{
	char *arg;

	if (!args->argc)
		return CLI_ARG_END;
	arg = args->argv[0];
	if (!strcmp(arg, "--")) {
		shift(args, 1);
		return CLI_ARG_REST;
	}
	/* A number may be negative: a key, a priority. */
	if (arg[0] == '-' && arg[1] && !(arg[1] >= '0' && arg[1] <= '9'))
		return next_option(args);
	args->value = arg;
	shift(args, 1);
	return CLI_ARG_WORD;
}

bool cli_parse_time(const char *text, __u64 *ms)
{
	static const struct { const char *unit; double ms; } units[] = {
		{ "", 1000 }, { "s", 1000 }, { "ms", 1 }, { "m", 60000 },
		{ "min", 60000 }, { "h", 3600000 },
	};
	char *end;
	double value = strtod(text, &end);
	__u32 i;

	if (end == text || !(value > 0) || value > 1e9)
		return false;
	for (i = 0; i < ARRAY_LEN(units); i++) {
		if (!strcmp(end, units[i].unit)) {
			*ms = value * units[i].ms;
			return *ms > 0;
		}
	}
	return false;
}

bool cli_parse_count(const char *text, __u64 *count)
{
	char *end;

	errno = 0;
	*count = strtoull(text, &end, 0);
	return !errno && end != text && !*end && *text != '-' && *count;
}
