// SPDX-License-Identifier: GPL-2.0-only
/* kapsel __complete - the words that may come next, one a line, for the shells */

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "objects.h"

static const char *prefix;

static void offer(const char *word)
{
	if (!strncmp(word, prefix, strlen(prefix)))
		puts(word);
}

static void offer_all(const char *const *words)
{
	for (; *words; words++)
		offer(*words);
}

static void offer_commands(void)
{
	const struct cli_command *cmd;

	for (cmd = cli_commands; cmd->name; cmd++)
		if (cmd->help)
			offer(cmd->name);
}

static void offer_objects(__u32 kinds)
{
	struct kapsel_error err;
	struct kapsel_dev dev;
	struct objects objs;
	__u32 i;

	/* A shell that completes must not be told why there is nothing. */
	if (kapsel_dev_open(&dev, cli.device, &err))
		return;
	objects_read(&dev, kinds, &objs);
	for (i = 0; i < objs.count; i++)
		offer(objs.list[i].info.pin[0] ? objs.list[i].info.pin :
						 objs.list[i].info.name);
	objects_free(&objs);
	kapsel_dev_close(&dev);
}

static void offer_options(const char *name)
{
	static const char *const global[] = {
		"--json", "--quiet", "--verbose", "--color=", "--device", "--btf", "--kconfig",
		"--help", NULL
	};
	const struct cli_command *cmd;
	const struct cli_option *opt;

	for (cmd = cli_commands; cmd->name; cmd++)
		for (opt = cmd->options; !strcmp(cmd->name, name) && opt && opt->name; opt++)
			offer(opt->name);
	offer_all(global);
}

static void offer_map_words(int argc, char **argv)
{
	static const char *const verbs[] = {
		"dump", "get", "set", "del", "clear", "push", "pop", "peek", "watch", NULL
	};

	(void)argv;
	if (argc == 2)
		offer_all(verbs);
	else if (argc == 3)
		offer_objects(1u << KAPSEL_OBJ_MAP);
}

static void offer_hooks(void)
{
	static const char *const hooks[] = {
		"kprobe:", "kretprobe:", "ksyscall:", "kretsyscall:", "nf:inet:input",
		"nf:inet:output", "nf:inet:forward", "nf:inet:prerouting",
		"nf:inet:postrouting", "nf:ip:input", "nf:ip6:input", NULL
	};

	offer_all(hooks);
}

/* argv[0] is the command; the last word is the one being typed. */
static void offer_words(int argc, char **argv)
{
	static const char *const kinds[] = {
		"progs", "maps", "links", "hooks", "helpers", "wraps", NULL
	};
	const char *cmd = argv[0];

	if (!strcmp(cmd, "list"))
		offer_all(kinds);
	else if (!strcmp(cmd, "explain"))
		cli_explain_words(offer);
	else if (!strcmp(cmd, "help"))
		offer_commands();
	else if (!strcmp(cmd, "map"))
		offer_map_words(argc, argv);
	else if (!strcmp(cmd, "attach") && argc == 3)
		offer_hooks();
	else if (!strcmp(cmd, "attach") || !strcmp(cmd, "log") || !strcmp(cmd, "disasm"))
		offer_objects(1u << KAPSEL_OBJ_PROG);
	else if (!strcmp(cmd, "detach"))
		offer_objects(1u << KAPSEL_OBJ_LINK);
	else if (!strcmp(cmd, "update") || !strcmp(cmd, "unload") || !strcmp(cmd, "show") ||
		 !strcmp(cmd, "pin") || !strcmp(cmd, "unpin"))
		offer_objects(KINDS_ALL);
}

/* Words that options before the command take: 0: it is none. */
static int option_words(const char *word)
{
	if (word[0] != '-')
		return 0;
	return strcmp(word, "--device") && strcmp(word, "--btf") &&
	       strcmp(word, "--kconfig") ? 1 : 2;
}

/* kapsel __complete WORDS...: what stands behind "kapsel", the last one unfinished. */
int cmd___complete(int argc, char **argv)
{
	int first = 1;

	prefix = argc > 1 ? argv[argc - 1] : "";
	while (first < argc - 1 && option_words(argv[first]))
		first += option_words(argv[first]);
	/* The value of an option: a file, for the shell to find. */
	if (first > argc - 1)
		return CLI_OK;
	if (prefix[0] == '-')
		offer_options(first < argc - 1 ? argv[first] : "");
	else if (first >= argc - 1)
		offer_commands();
	else
		offer_words(argc - first, argv + first);
	return CLI_OK;
}
