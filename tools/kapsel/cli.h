/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - what all commands share: options, arguments, failures */
#ifndef CLI_H
#define CLI_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "kapsel.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/** Exit statuses; see kapsel(8). */
enum {
	CLI_OK,
	CLI_FAILED,
	CLI_USAGE,
	CLI_REJECTED,
	CLI_ENVIRONMENT,
};

/**
 * struct cli - options before or behind the command
 * @command: name of the command that runs, for messages
 * @device: path of the device
 * @verbose: number of -v
 * @json: -j
 * @quiet: -q
 * @colour: on stdout
 */
struct cli {
	const char *command;
	const char *device;
	int verbose;
	bool json;
	bool quiet;
	bool colour;
};

extern struct cli cli;

/** struct cli_option - an option of a command; a table ends with name NULL */
struct cli_option {
	const char *name;	/* with dashes: "--prog" */
	char letter;		/* 'p' for -p, or 0 */
	bool value;		/* takes one */
	const char *help;
};

/**
 * struct cli_command - a row of the command table
 * @name: what people type
 * @args: behind the name, for the usage
 * @help: one line
 * @options: or NULL
 * @run: returns the exit status; argv[0] is the command
 */
struct cli_command {
	const char *name;
	const char *args;
	const char *help;
	const struct cli_option *options;
	int (*run)(int argc, char **argv);
};

extern const struct cli_command cli_commands[];

/**
 * struct cli_args - the command line of a command being read
 * @argc: @argv: what is left of it
 * @options: of the command, or NULL
 * @value: of the option just read
 * @status: CLI_USAGE after a message
 */
struct cli_args {
	int argc;
	char **argv;
	const struct cli_option *options;
	char *value;
	int status;
	bool only_words;
};

enum { CLI_ARG_END = -1, CLI_ARG_WORD = -2, CLI_ARG_ERROR = -3, CLI_ARG_REST = -4 };

/** cli_args_init - begin behind argv[0] */
void cli_args_init(struct cli_args *args, int argc, char **argv,
		   const struct cli_option *options);

/**
 * cli_args_next - the next option or word
 *
 * Options of all commands (-j, -v ...) are taken on the way.
 *
 * Return: index of an option; CLI_ARG_WORD with @value; CLI_ARG_REST: "--" was
 * read, argv holds what follows; CLI_ARG_END; CLI_ARG_ERROR, message printed.
 */
int cli_args_next(struct cli_args *args);

/** cli_global_option - take an option of all commands: slots, 0: it's none, -1: said why */
int cli_global_option(int argc, char **argv);

/** cli_usage - say what is wrong with the command line; returns CLI_USAGE */
__printf(1, 2) int cli_usage(const char *fmt, ...);

/** cli_suggest - append "did you mean" of @words (NULL-terminated), or "" */
const char *cli_suggest(const char *word, const char *const *words, char *buf,
			size_t size);

/** cli_fail - show an error; returns @status, or what the error implies if that is 0 */
int cli_fail(const struct kapsel_error *err, int status);

/** cli_fail_result - the same with the records of a load or an attachment */
int cli_fail_result(const struct kapsel_error *err, const struct kapsel_prog *prog,
		    const struct kapsel_result *res);

/** cli_say - talk on stderr, unless -q or -j */
__printf(1, 2) void cli_say(const char *fmt, ...);

/** cli_open - open FILE, compiled first if it is C source; NULL: message printed */
struct kapsel_object *cli_open(const char *path, int *status);

/** cli_set_globals - each --set VAR=VALUE; 0 or an exit status after a message */
int cli_set_globals(struct kapsel_object *obj, char **sets, __u32 count);

/** cli_parse_time - "10", "1.5s", "200ms", "2m" in milliseconds; false: not a time */
bool cli_parse_time(const char *text, __u64 *ms);

/** cli_parse_count - a number that is no less than 1 */
bool cli_parse_count(const char *text, __u64 *count);

#endif
