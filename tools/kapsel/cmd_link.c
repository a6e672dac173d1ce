// SPDX-License-Identifier: GPL-2.0-only
/* kapsel attach, detach, update, unload, pin, unpin - objects that are in the kernel */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "objects.h"
#include "session.h"

#define MAX_WORDS 64

/** struct words - what stands behind a command, its options taken out */
struct words {
	char *list[MAX_WORDS];
	__u32 count;
	const char *pin;
	struct nf_options nf;
	bool wrap;
	bool all;
};

enum { OPT_PIN, OPT_WRAP, OPT_NF };

const struct cli_option attach_options[] = {
	[OPT_PIN] = { "--pin", 0, true, "NAME: of the pin that keeps it (default: PROG.link)" },
	[OPT_WRAP] = { "--wrap", 0, false, "kretprobe: by code around the function" },
	NF_OPTION_ROWS(OPT_NF),
	{ .name = NULL }
};

const struct cli_option unload_options[] = {
	{ "--all", 0, false, "all that is pinned" },
	{ .name = NULL }
};

static int take_option(struct words *words, int opt, const char *value)
{
	if (opt >= OPT_NF)
		return nf_options_take(&words->nf, opt - OPT_NF, value);
	if (opt == OPT_WRAP)
		words->wrap = true;
	else
		words->pin = value;
	return 0;
}

static int read_words(struct words *words, int argc, char **argv,
		      const struct cli_option *options)
{
	struct cli_args args;
	int opt, status = 0;

	memset(words, 0, sizeof(*words));
	nf_options_init(&words->nf);
	cli_args_init(&args, argc, argv, options);
	while (!status && (opt = cli_args_next(&args)) != CLI_ARG_END) {
		if (opt == CLI_ARG_ERROR)
			return args.status;
		if (opt == CLI_ARG_WORD && words->count < MAX_WORDS)
			words->list[words->count++] = args.value;
		else if (opt == CLI_ARG_WORD || opt == CLI_ARG_REST)
			return cli_usage("too many words");
		else if (options == unload_options)
			words->all = true;
		else
			status = take_option(words, opt, args.value);
	}
	return status;
}

/** struct kernel - the device and the objects of some kinds, for one command */
struct kernel {
	struct kapsel_dev dev;
	struct objects objs;
};

static int kernel_open(struct kernel *k, __u32 kinds)
{
	int status = objects_dev(&k->dev);

	if (!status)
		objects_read(&k->dev, kinds, &k->objs);
	return status;
}

static void kernel_close(struct kernel *k)
{
	objects_free(&k->objs);
	kapsel_dev_close(&k->dev);
}

/* The object of one kind that a word means. */
static struct object *find_kind(struct kernel *k, __u32 kind, const char *word, int *status)
{
	static const char * const names[] = { "", "program", "map", "link" };
	struct objects some = {};
	struct object *found, list[1024];
	__u32 i;

	some.list = list;
	for (i = 0; i < k->objs.count && some.count < 1024; i++)
		if (k->objs.list[i].info.kind == kind)
			list[some.count++] = k->objs.list[i];
	found = objects_find(&some, word, names[kind], status);
	for (i = 0; found && i < k->objs.count; i++)
		if (k->objs.list[i].fd == found->fd)
			return &k->objs.list[i];
	return NULL;
}

static int attach(struct kernel *k, const struct object *prog, const struct kapsel_hook *hook,
		  struct words *words)
{
	struct kapsel_error err = {};
	char name[KAPSEL_NAME_LEN + 8];
	int fd, status = nf_options_find(&words->nf, &k->dev);

	if (status)
		return status;
	words->nf.attach.name = prog->info.name;
	words->nf.attach.wrap = words->wrap;
	snprintf(name, sizeof(name), "%s.link", prog->info.name);
	fd = kapsel_attach(&k->dev, prog->fd, hook, &words->nf.attach, &err);
	if (fd < 0 || kapsel_pin_obj(&k->dev, fd, words->pin ? words->pin : name, &err))
		status = cli_fail(&err, 0);
	else
		cli_say("attached  %s  %s, pinned as %s\n", prog->info.name, words->list[1],
			words->pin ? words->pin : name);
	if (fd >= 0)
		close(fd);
	return status;
}

int cmd_attach(int argc, char **argv)
{
	struct kapsel_error err = {};
	struct kapsel_hook hook;
	struct words words;
	struct object *prog;
	struct kernel k = {};
	int status = read_words(&words, argc, argv, attach_options);

	if (status)
		return status;
	if (words.count != 2)
		return cli_usage("it is `kapsel attach PROG HOOK`");
	if (kapsel_hook_parse(words.list[1], &hook, &err))
		return cli_fail(&err, CLI_USAGE);
	status = kernel_open(&k, 1u << KAPSEL_OBJ_PROG);
	if (status)
		return status;
	prog = find_kind(&k, KAPSEL_OBJ_PROG, words.list[0], &status);
	if (prog)
		status = attach(&k, prog, &hook, &words);
	kernel_close(&k);
	nf_options_close(&words.nf);
	return status;
}

/* Off, if it is not so already, and without the pin that kept it. */
static int drop(struct kernel *k, const struct object *obj)
{
	struct kapsel_error err = {};

	if (obj->info.kind == KAPSEL_OBJ_LINK && kapsel_detach(obj->fd, &err) &&
	    err.err != -ENOENT)
		return cli_fail(&err, 0);
	if (obj->info.pin[0] && kapsel_unpin(&k->dev, obj->info.pin, &err) &&
	    err.err != -ENOENT)
		return cli_fail(&err, 0);
	return 0;
}

int cmd_detach(int argc, char **argv)
{
	struct words words;
	struct object *link;
	struct kernel k = {};
	int status = read_words(&words, argc, argv, NULL);

	if (status)
		return status;
	if (words.count != 1)
		return cli_usage("it is `kapsel detach LINK`");
	status = kernel_open(&k, 1u << KAPSEL_OBJ_LINK);
	if (status)
		return status;
	link = find_kind(&k, KAPSEL_OBJ_LINK, words.list[0], &status);
	if (link)
		status = drop(&k, link);
	kernel_close(&k);
	return status;
}

static int update(const struct object *link, const struct object *prog)
{
	struct kapsel_error err = {};

	return kapsel_update(link->fd, prog->fd, -1, &err) ? cli_fail(&err, 0) : 0;
}

int cmd_update(int argc, char **argv)
{
	struct object *link, *prog = NULL;
	struct words words;
	struct kernel k = {};
	int status = read_words(&words, argc, argv, NULL);

	if (status)
		return status;
	if (words.count != 2)
		return cli_usage("it is `kapsel update LINK PROG`");
	status = kernel_open(&k, KINDS_ALL);
	if (status)
		return status;
	link = find_kind(&k, KAPSEL_OBJ_LINK, words.list[0], &status);
	if (link)
		prog = find_kind(&k, KAPSEL_OBJ_PROG, words.list[1], &status);
	if (prog)
		status = update(link, prog);
	kernel_close(&k);
	return status;
}

/* A program goes with the links that run it. */
static int unload(struct kernel *k, const struct object *obj)
{
	int status = drop(k, obj);
	__u32 i;

	for (i = 0; obj->info.kind == KAPSEL_OBJ_PROG && i < k->objs.count && !status; i++) {
		const struct object *link = &k->objs.list[i];

		if (link->info.kind == KAPSEL_OBJ_LINK && link->info.link.prog_id == obj->info.id)
			status = drop(k, link);
	}
	return status;
}

static int unload_all(struct kernel *k)
{
	__u32 i, dropped = 0;
	int status = 0;

	for (i = 0; i < k->objs.count && !status; i++) {
		if (!k->objs.list[i].info.pin[0])
			continue;
		status = drop(k, &k->objs.list[i]);
		dropped++;
	}
	cli_say("%u pin%s taken away\n", dropped, dropped == 1 ? "" : "s");
	return status;
}

int cmd_unload(int argc, char **argv)
{
	struct words words;
	struct kernel k = {};
	__u32 i;
	int status = read_words(&words, argc, argv, unload_options);

	if (status)
		return status;
	if (!words.count == !words.all)
		return cli_usage("it is `kapsel unload OBJ...` or `kapsel unload --all`");
	status = kernel_open(&k, KINDS_ALL);
	if (status)
		return status;
	if (words.all)
		status = unload_all(&k);
	for (i = 0; i < words.count && !status; i++) {
		struct object *obj = objects_find(&k.objs, words.list[i], "object", &status);

		if (obj)
			status = unload(&k, obj);
	}
	kernel_close(&k);
	return status;
}

int cmd_pin(int argc, char **argv)
{
	struct kapsel_error err = {};
	struct words words;
	struct object *obj;
	struct kernel k = {};
	int status = read_words(&words, argc, argv, NULL);

	if (status)
		return status;
	if (words.count != 2)
		return cli_usage("it is `kapsel pin OBJ NAME`");
	status = kernel_open(&k, KINDS_ALL);
	if (status)
		return status;
	obj = objects_find(&k.objs, words.list[0], "object", &status);
	if (obj && kapsel_pin_obj(&k.dev, obj->fd, words.list[1], &err))
		status = cli_fail(&err, 0);
	kernel_close(&k);
	return status;
}

int cmd_unpin(int argc, char **argv)
{
	struct kapsel_error err = {};
	struct kapsel_dev dev;
	struct words words;
	int status = read_words(&words, argc, argv, NULL);

	if (status)
		return status;
	if (words.count != 1)
		return cli_usage("it is `kapsel unpin NAME`");
	status = objects_dev(&dev);
	if (status)
		return status;
	if (kapsel_unpin(&dev, words.list[0], &err))
		status = cli_fail(&err, 0);
	kapsel_dev_close(&dev);
	return status;
}
