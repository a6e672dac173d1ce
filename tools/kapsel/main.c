// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - runs sandboxed programs in the kernel: the command table */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "out.h"

const struct cli_command cli_commands[] = {
#define COMMAND(_name, _args, _help, _options) \
	{ .name = #_name, .args = _args, .help = _help, .options = _options, \
	  .run = cmd_##_name },
#include "commands.tbl"
#undef COMMAND
	{ .name = NULL }
};

static const struct cli_command *find_command(const char *name)
{
	const struct cli_command *cmd;

	for (cmd = cli_commands; cmd->name; cmd++)
		if (!strcmp(cmd->name, name))
			return cmd;
	return NULL;
}

static int unknown_command(const char *name)
{
	const struct cli_command *cmd;
	const char *names[40];
	__u32 i;
	char hint[80];

	for (i = 0, cmd = cli_commands; cmd->name && i < 39; cmd++)
		if (cmd->help)
			names[i++] = cmd->name;
	names[i] = NULL;
	return cli_usage("unknown command '%s'%s", name,
			 cli_suggest(name, names, hint, sizeof(hint)));
}

static void help_all(void)
{
	const struct cli_command *cmd;

	puts("usage: kapsel [-j] [-q | -v...] [--color=WHEN] [--device PATH] COMMAND [ARGS]\n");
	for (cmd = cli_commands; cmd->name; cmd++)
		if (cmd->help)
			printf("  %-9s %s\n", cmd->name, cmd->help);
	puts("\n  -j, --json     machine-readable: a document for lists, a line for each event\n"
	     "  -q, --quiet    no talk on stderr but errors\n"
	     "  -v, --verbose  more of it; -vv still more\n"
	     "  --color=WHEN   auto, always or never\n"
	     "  --btf FILE     take the kernel's types from there\n"
	     "  --kconfig FILE take the kernel's configuration from there\n\n"
	     "HOOK: kprobe:[MODULE:]FUNC[@ADDR][+OFF] | kretprobe:[MODULE:]FUNC[@ADDR] |\n"
	     "      ksyscall:NAME | kretsyscall:NAME |\n"
	     "      nf:{ip|ip6|inet}:{prerouting|input|forward|output|postrouting}[:PRIO]\n\n"
	     "status: 0 done, 1 failed, 2 wrong usage, 3 rejected by the verifier,\n"
	     "        4 environment (no module, abi, rights)\n\n"
	     "`kapsel help COMMAND` tells more.");
}

static void help_one(const struct cli_command *cmd)
{
	const struct cli_option *opt;

	printf("usage: kapsel %s %s\n\n%s\n", cmd->name, cmd->args, cmd->help);
	for (opt = cmd->options; opt && opt->name; opt++) {
		if (opt == cmd->options)
			putchar('\n');
		if (opt->letter)
			printf("  -%c, %-12s %s\n", opt->letter, opt->name, opt->help);
		else
			printf("  %-16s %s\n", opt->name, opt->help);
	}
}

int cmd_help(int argc, char **argv)
{
	const struct cli_command *cmd;

	if (argc < 2) {
		help_all();
		return CLI_OK;
	}
	cmd = find_command(argv[1]);
	if (!cmd || !cmd->help)
		return unknown_command(argv[1]);
	help_one(cmd);
	return CLI_OK;
}

static bool asks_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

static bool want_colour(void)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb");
}

static int run_command(int argc, char **argv)
{
	const struct cli_command *cmd = find_command(argv[0]);

	if (!cmd)
		return unknown_command(argv[0]);
	if (cmd->help && asks_help(argc, argv)) {
		help_one(cmd);
		return CLI_OK;
	}
	cli.command = cmd->name;
	return cmd->run(argc, argv);
}

/* Data that could not be written is not success. */
static int flush(int status)
{
	if (fflush(stdout) || ferror(stdout))
		return status ? status : CLI_FAILED;
	return status;
}

int main(int argc, char **argv)
{
	int taken;

	cli.colour = want_colour();
	for (argc--, argv++; argc && argv[0][0] == '-'; argc -= taken, argv += taken) {
		if (!strcmp(argv[0], "--version")) {
			printf("kapsel %s, abi %u, verifier %u\n", KAPSEL_VERSION,
			       KAPSEL_ABI, kapsel_verifier_revision());
			return flush(CLI_OK);
		}
		if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h")) {
			help_all();
			return flush(CLI_OK);
		}
		taken = cli_global_option(argc, argv);
		if (taken < 0)
			return CLI_USAGE;
		if (!taken)
			return cli_usage("unknown option '%s'", argv[0]);
	}
	if (!argc)
		return cli_usage("no command");
	return flush(run_command(argc, argv));
}
