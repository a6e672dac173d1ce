// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any text where people write one: hooks, values of maps and variables, options,
 * names of objects, times; and what is not typed but read: /proc/kallsyms. The
 * first byte says which parser, the second picks a type.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "../kapsel/objects.h"
#include "mutate.h"
#include "parse.h"

#define MAX_VALUE 512

static struct kapsel_object *obj;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	obj = fz_seed();
	cli.command = "fuzz";
	return 0;
}

/* What a hook is shown as means the same hook. */
static void read_again(const struct kapsel_hook *hook)
{
	char text[KAPSEL_TARGET_LEN + 80], same[KAPSEL_TARGET_LEN + 80];
	struct kapsel_hook again;
	struct kapsel_error err;

	kapsel_hook_format(hook, text, sizeof(text));
	if (!hook->hook || (hook->prog_type == KAPSEL_PROG_KPROBE && !hook->target[0]))
		return;
	FZ_INSIST(!kapsel_hook_parse(text, &again, &err));
	kapsel_hook_format(&again, same, sizeof(same));
	FZ_INSIST(!strcmp(text, same));
	FZ_INSIST(again.hook == hook->hook && again.prog_type == hook->prog_type);
	FZ_INSIST(again.addr == hook->addr && again.offset == hook->offset);
	FZ_INSIST(again.family == hook->family && again.hooknum == hook->hooknum);
	FZ_INSIST(again.priority == hook->priority && !strcmp(again.target, hook->target));
}

static void section(const char *text, __u8 pick)
{
	struct kapsel_hook hook;
	struct kapsel_error err = {};
	int ret = kapsel_hook_from_sec(text, &hook, &err);

	(void)pick;
	fz_clear(ret, &err);
	if (!ret)
		read_again(&hook);
}

static void hook(const char *text, __u8 pick)
{
	struct kapsel_hook hook;
	struct kapsel_error err = {};
	int ret = kapsel_hook_parse(text, &hook, &err);

	(void)pick;
	fz_clear(ret, &err);
	if (!ret)
		read_again(&hook);
}

static char *shown(const struct btf *btf, __u32 id, const void *data, size_t size)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	kapsel_btf_print(out, btf, id, data, size);
	fclose(out);
	return text;
}

static void check_json(const struct btf *btf, __u32 id, const void *data, size_t size)
{
	struct kapsel_json js = {};
	char *text = NULL;
	size_t len;

	js.out = open_memstream(&text, &len);
	kapsel_btf_json(&js, NULL, btf, id, data, size);
	fclose(js.out);
	FZ_INSIST(!len || fz_is_json(text, len));
	free(text);
}

/* What a value is shown as, if it can be read at all, is the value. */
static void typed_value(const char *text, __u8 pick)
{
	const struct btf *btf = kapsel_btf(obj);
	__u32 id = pick % btf__type_cnt(btf), size = kapsel_btf_size(btf, id);
	__u8 data[MAX_VALUE], again[MAX_VALUE];
	struct kapsel_error err = {};
	char *word;
	int ret;

	if (!size || size > MAX_VALUE)
		return;
	ret = kapsel_btf_parse(btf, id, text, data, size, &err);
	fz_clear(ret, &err);
	if (ret)
		return;
	check_json(btf, id, data, size);
	word = shown(btf, id, data, size);
	ret = kapsel_btf_parse(btf, id, word, again, size, &err);
	fz_clear(ret, &err);
	free(word);
	if (ret)
		return;
	word = shown(btf, id, again, size);
	free(word);
}

static void bytes(const char *text, __u8 pick)
{
	__u8 data[256];
	struct kapsel_error err = {};

	fz_clear(kapsel_btf_parse(NULL, 0, text, data, pick, &err), &err);
}

static void global(const char *text, __u8 pick)
{
	static const char * const names[] = { "limit", "paint", "last", "total", "none" };
	const char *equals = strchr(text, '=');
	struct kapsel_error err = {};
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)(equals ? equals - text : 0), text);
	fz_clear(kapsel_set_global(obj, pick & 1 ? name : names[pick / 2 % 5],
				   equals ? equals + 1 : text, &err), &err);
}

static void number(const char *text, __u8 pick)
{
	__u64 n = 0;

	(void)pick;
	if (cli_parse_time(text, &n))
		FZ_INSIST(n);
	if (cli_parse_count(text, &n))
		FZ_INSIST(n);
}

/* Words by spaces, as a shell would have split them. */
static void arguments(const char *text, __u8 pick)
{
	static const struct cli_option options[] = {
		{ "--prog", 'p', true, "" }, { "--once", 'o', false, "" },
		{ "--set", 0, true, "" }, {},
	};
	char *copy = strdup(text), *argv[64] = { "fuzz" }, *save = NULL, *word;
	struct cli_args args;
	int argc = 1, got;

	for (word = strtok_r(copy, " ", &save); word && argc < 63;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	cli.json = pick & 1;
	cli_args_init(&args, argc, argv, options);
	do {
		got = cli_args_next(&args);
		if (got == CLI_ARG_WORD)
			FZ_INSIST(args.value);
		if (got == CLI_ARG_ERROR)
			FZ_INSIST(args.status == CLI_USAGE);
	} while (got != CLI_ARG_END && got != CLI_ARG_REST && got != CLI_ARG_ERROR);
	cli.json = false;
	free(copy);
}

/* NAME, ID, NAME@ID, KIND:NAME among a few objects. */
static void selector(const char *text, __u8 pick)
{
	struct object list[] = {
		{ .info = { .kind = KAPSEL_OBJ_MAP, .id = 1, .name = "counts" } },
		{ .info = { .kind = KAPSEL_OBJ_MAP, .id = 2, .name = "counts", .pin = "kept" } },
		{ .info = { .kind = KAPSEL_OBJ_PROG, .id = 1, .name = "counts" } },
		{ .info = { .kind = KAPSEL_OBJ_LINK, .id = 7, .name = "3", .pin = "prog:x" } },
	};
	struct objects objs = { list, ARRAY_SIZE(list) };
	int status = -1;

	cli.json = pick & 1;
	if (!objects_find(&objs, text, "map", &status))
		FZ_INSIST(status > 0);
	cli.json = false;
}

static void kallsyms(const char *text, __u8 pick)
{
	char names[4][KAPSEL_TARGET_LEN], path[40];
	struct kapsel_symbol found[3];
	struct kapsel_error err = {};
	struct kapsel_hook hook = { .hook = KAPSEL_HOOK_KPROBE, .addr = pick & 2 };
	int fd = memfd_create("kallsyms", MFD_CLOEXEC);
	__u32 i, count;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	count = kapsel_symbols_named(path, pick & 1 ? "mod:do_exit" : "do_exit", found, 3);
	for (i = 0; i < count && i < 3; i++)
		FZ_INSIST(!strcmp(found[i].name, "do_exit"));
	count = kapsel_symbols_like(path, "do_exti", names, 4);
	FZ_INSIST(count <= 4);
	strcpy(hook.target, "do_exit");
	fz_clear(kapsel_hook_check(&hook, path, &err), &err);
	close(fd);
}

static void (* const parsers[])(const char *text, __u8 pick) = {
	section, hook, typed_value, typed_value, typed_value, bytes, global, number,
	arguments, selector, kallsyms,
};

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	char *text;

	if (size < 2)
		return -1;
	text = strndup((const char *)data + 2, size - 2);
	parsers[data[0] % ARRAY_SIZE(parsers)](text, data[1]);
	free(text);
	return 0;
}
