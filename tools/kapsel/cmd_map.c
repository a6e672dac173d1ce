// SPDX-License-Identifier: GPL-2.0-only
/* kapsel map - elements of maps, typed by BTF */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "keyview.h"
#include "mapview.h"
#include "objects.h"
#include "out.h"

enum { OPT_NEW, OPT_EXISTING, OPT_EVERY };

const struct cli_option map_options[] = {
	[OPT_NEW] = { "--new", 0, false, "set: the key must not be there yet" },
	[OPT_EXISTING] = { "--existing", 0, false,
			   "set: the key must be there; push: the oldest makes room" },
	[OPT_EVERY] = { "--every", 'd', true, "TIME: watch: between two looks (default 1s)" },
	{ .name = NULL }
};

/** struct call - kapsel map VERB MAP [WORDS] */
struct call {
	char *words[4];
	__u32 nr_words;
	__u64 flags;
	__u64 every_ms;
	struct kapsel_view view;
	struct kapsel_error err;
};

static size_t value_bytes(const struct kapsel_view *view)
{
	return (size_t)view->cpus * view->stride;
}

static int failed(struct call *call)
{
	return cli_fail(&call->err, CLI_FAILED);
}

static void *parse(struct call *call, const char *text, bool key)
{
	const struct kapsel_map_info *info = &call->view.info;
	void *data = calloc(1, (key ? info->key_size : info->value_size) + 8);
	int ret = -ENOMEM;

	if (data && key)
		ret = keyview_parse(&call->view, text, data, &call->err);
	else if (data)
		ret = kapsel_btf_parse(call->view.btf, info->btf_value_type_id, text, data,
				       info->value_size, &call->err);
	if (!ret)
		return data;
	free(data);
	return NULL;
}

static int dump(struct call *call)
{
	struct kapsel_json js;
	int ret;

	if (call->view.info.type == BPF_MAP_TYPE_BLOOM_FILTER)
		return cli_usage("'%s' knows whether it was given a value, not which ones",
				 call->view.name);
	if (call->view.info.type == BPF_MAP_TYPE_USER_RINGBUF)
		return cli_usage("'%s' has samples for programs, no elements", call->view.name);
	if (kapsel_has_records(call->view.info.type))
		return cli_usage("'%s' has records, no elements: `kapsel run` prints them",
				 call->view.name);
	if (!cli.json) {
		ret = mapview_text(stdout, &call->view, "", false, &call->err);
		return ret ? failed(call) : CLI_OK;
	}
	out_json_begin(&js, stdout);
	kapsel_json_str(&js, "map", call->view.name);
	kapsel_json_u64(&js, "id", call->view.id);
	ret = mapview_json(&js, &call->view, false, &call->err);
	out_json_end(&js);
	return ret ? failed(call) : CLI_OK;
}

typedef int (*read_fn)(const struct kapsel_view *view, const void *key, void *value,
		       struct kapsel_error *err);

static int print_one(struct call *call, read_fn read, const void *key)
{
	void *value = calloc(1, value_bytes(&call->view) + 8);
	struct kapsel_json js;
	int ret = value ? read(&call->view, key, value, &call->err) : -ENOMEM;

	if (!ret && cli.json) {
		out_json_begin(&js, stdout);
		mapview_value_json(&js, &call->view, value);
		out_json_end(&js);
	} else if (!ret) {
		mapview_value(stdout, &call->view, value);
		putchar('\n');
	}
	free(value);
	return ret ? failed(call) : CLI_OK;
}

static int get(struct call *call)
{
	void *key = parse(call, call->words[2], true);
	int status;

	if (!key)
		return failed(call);
	status = print_one(call, kapsel_map_get, key);
	free(key);
	return status;
}

/* Whether values are pushed, and come out again if need be; else what is wrong. */
static bool takes_values(const struct call *call, bool out, int *status)
{
	const struct kapsel_view *view = &call->view;

	*status = CLI_OK;
	if (view->info.key_size || kapsel_has_records(view->info.type) ||
	    view->info.type == BPF_MAP_TYPE_USER_RINGBUF)
		*status = cli_usage("'%s' has no values without keys", view->name);
	else if (out && view->info.type == BPF_MAP_TYPE_BLOOM_FILTER)
		*status = cli_usage("nothing comes out of '%s'", view->name);
	return *status == CLI_OK;
}

static int peek(struct call *call)
{
	int status;

	return takes_values(call, true, &status) ? print_one(call, kapsel_map_get, NULL) : status;
}

static int pop(struct call *call)
{
	int status;

	return takes_values(call, true, &status) ? print_one(call, kapsel_map_take, NULL) : status;
}

static int fail_push(struct call *call, int ret)
{
	call->err.err = ret;
	snprintf(call->err.text, sizeof(call->err.text), "'%s' %s", call->view.name,
		 ret == -ENOSPC ? "is full" : "has no room for such a sample, ever");
	return failed(call);
}

static int push_sample(struct call *call)
{
	const struct kapsel_map_info *info = &call->view.info;
	__u32 type = info->btf_value_type_id;
	__u32 size = call->view.btf && type ? kapsel_btf_size(call->view.btf, type) : 0;
	struct kapsel_producer *to = NULL;
	void *sample;
	int ret;

	if (!size)
		return cli_usage("'%s' does not say what its samples are: __type(value, ...)",
				 call->view.name);
	sample = calloc(1, size + 8);
	if (!sample) {
		call->err.err = -ENOMEM;
		snprintf(call->err.text, sizeof(call->err.text), "no memory for a sample");
		return failed(call);
	}
	ret = kapsel_btf_parse(call->view.btf, type, call->words[2], sample, size, &call->err);
	if (!ret)
		to = kapsel_producer_open(call->view.fd, info->max_entries, &call->err);
	ret = to ? kapsel_producer_push(to, sample, size) : -EINVAL;
	kapsel_producer_close(to);
	free(sample);
	if (to && ret)
		return fail_push(call, ret);
	return ret ? failed(call) : CLI_OK;
}

static int push(struct call *call)
{
	void *value;
	int ret;

	if (call->view.info.type == BPF_MAP_TYPE_USER_RINGBUF)
		return push_sample(call);
	if (!takes_values(call, false, &ret))
		return ret;
	value = parse(call, call->words[2], false);
	if (!value)
		return failed(call);
	ret = kapsel_map_set(&call->view, NULL, value, call->flags, &call->err);
	free(value);
	return ret ? failed(call) : CLI_OK;
}

/* Of a per-CPU map, every CPU gets the value. */
static void *for_all_cpus(struct call *call, const void *one)
{
	char *all = calloc(1, value_bytes(&call->view) + 8);
	__u32 cpu;

	for (cpu = 0; all && cpu < call->view.cpus; cpu++)
		memcpy(all + (size_t)cpu * call->view.stride, one,
		       call->view.info.value_size);
	return all;
}

/* Programs and maps are put in by their descriptors, which end with the command. */
static void *find_held(struct call *call)
{
	const struct kapsel_view *view = &call->view;
	__u32 *fd = calloc(1, sizeof(*fd)), kind = view->holds;
	struct objects objs;
	struct object *obj;
	int status = 0;

	if (!fd)
		return NULL;
	objects_read(view->dev, 1u << kind, &objs);
	obj = objects_find(&objs, call->words[3], kind == KAPSEL_OBJ_PROG ? "prog" : "map",
			   &status);
	if (obj)
		*fd = dup(obj->fd);
	objects_free(&objs);
	if (obj)
		return fd;
	free(fd);
	return NULL;
}

/* A cgroup is the directory that shows it. */
static void *open_cgroup(struct call *call)
{
	__u32 *fd = calloc(1, sizeof(*fd));
	int dir = open(call->words[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd && dir >= 0) {
		*fd = dir;
		return fd;
	}
	call->err.err = -errno;
	snprintf(call->err.text, sizeof(call->err.text), "cannot open the cgroup '%.300s': %s",
		 call->words[3], strerror(errno));
	failed(call);
	free(fd);
	return NULL;
}

static int set_held(struct call *call)
{
	bool cgroup = call->view.info.type == BPF_MAP_TYPE_CGROUP_ARRAY;
	void *key = parse(call, call->words[2], true);
	__u32 *fd = NULL;
	int ret = -ENOENT;

	if (key)
		fd = cgroup ? open_cgroup(call) : find_held(call);
	if (key && !fd) {
		free(key);
		return CLI_FAILED;
	}
	if (fd) {
		ret = kapsel_map_set(&call->view, key, fd, call->flags, &call->err);
		close(*fd);
	}
	free(key);
	free(fd);
	return ret ? failed(call) : CLI_OK;
}

static int set_value(struct call *call)
{
	void *key = parse(call, call->words[2], true);
	void *one = key ? parse(call, call->words[3], false) : NULL;
	void *all = one ? for_all_cpus(call, one) : NULL;
	int ret = -ENOMEM;

	if (all)
		ret = kapsel_map_set(&call->view, key, all, call->flags, &call->err);
	free(key);
	free(one);
	free(all);
	return ret ? failed(call) : CLI_OK;
}

static int set(struct call *call)
{
	if (call->view.holds || call->view.info.type == BPF_MAP_TYPE_CGROUP_ARRAY)
		return set_held(call);
	return set_value(call);
}

static int del(struct call *call)
{
	void *key = parse(call, call->words[2], true);
	int ret;

	if (!key)
		return failed(call);
	ret = kapsel_map_del(&call->view, key, &call->err);
	free(key);
	return ret ? failed(call) : CLI_OK;
}

struct clearing {
	const struct kapsel_view *view;
	const void *zeros;
	struct kapsel_error *err;
};

/* What an array has can't be removed; it becomes zero. */
static int clear_one(void *ctx, const void *key, const void *value)
{
	struct clearing *c = ctx;
	int ret = kapsel_map_del(c->view, key, c->err);

	(void)value;
	if (ret == -EOPNOTSUPP || ret == -EINVAL)
		ret = kapsel_map_set(c->view, key, c->zeros, BPF_ANY, c->err);
	return ret == -ENOENT ? 0 : ret;
}

static int clear(struct call *call)
{
	void *zeros = calloc(1, value_bytes(&call->view) + 8);
	struct clearing c = { .view = &call->view, .zeros = zeros, .err = &call->err };
	int ret;

	if (!zeros)
		return CLI_FAILED;
	ret = kapsel_map_each(&call->view, clear_one, &c, &call->err);
	free(zeros);
	return ret ? failed(call) : CLI_OK;
}

static int watch(struct call *call)
{
	struct timespec wait = {
		.tv_sec = call->every_ms / 1000,
		.tv_nsec = call->every_ms % 1000 * 1000000,
	};
	int status;

	for (;;) {
		if (!cli.json && cli.colour)
			fputs("\033[H\033[2J", stdout);
		status = dump(call);
		if (!cli.json && !cli.colour)
			putchar('\n');
		if (status || fflush(stdout))
			return status;
		nanosleep(&wait, NULL);
	}
}

static const struct verb {
	const char *name;
	__u32 words;
	const char *usage;
	int (*run)(struct call *call);
} verbs[] = {
	{ "dump", 2, "dump MAP", dump },
	{ "get", 3, "get MAP KEY", get },
	{ "set", 4, "set MAP KEY VALUE", set },
	{ "del", 3, "del MAP KEY", del },
	{ "clear", 2, "clear MAP", clear },
	{ "push", 3, "push MAP VALUE", push },
	{ "pop", 2, "pop MAP", pop },
	{ "peek", 2, "peek MAP", peek },
	{ "watch", 2, "watch MAP", watch },
};

static const struct verb *find_verb(struct call *call, int *status)
{
	const char *names[ARRAY_LEN(verbs) + 1];
	char hint[80];
	__u32 i;

	for (i = 0; i < ARRAY_LEN(verbs); i++) {
		names[i] = verbs[i].name;
		if (call->nr_words && !strcmp(call->words[0], verbs[i].name))
			break;
	}
	names[i] = NULL;
	if (i < ARRAY_LEN(verbs) && call->nr_words == verbs[i].words)
		return &verbs[i];
	if (i < ARRAY_LEN(verbs))
		*status = cli_usage("it is `kapsel map %s`", verbs[i].usage);
	else if (!call->nr_words)
		*status = cli_usage("dump, get, set, del, clear, push, pop, peek or watch?");
	else
		*status = cli_usage("unknown verb '%s'%s", call->words[0],
				    cli_suggest(call->words[0], names, hint, sizeof(hint)));
	return NULL;
}

static int read_args(struct call *call, struct cli_args *args)
{
	int opt;

	call->every_ms = 1000;
	while ((opt = cli_args_next(args)) != CLI_ARG_END) {
		if (opt == CLI_ARG_ERROR)
			return args->status;
		if (opt == OPT_NEW)
			call->flags = BPF_NOEXIST;
		else if (opt == OPT_EXISTING)
			call->flags = BPF_EXIST;
		else if (opt == OPT_EVERY && !cli_parse_time(args->value, &call->every_ms))
			return cli_usage("'%s' is not a time", args->value);
		else if (opt == CLI_ARG_WORD && call->nr_words == ARRAY_LEN(call->words))
			return cli_usage("what is '%s'?", args->value);
		else if (opt == CLI_ARG_WORD)
			call->words[call->nr_words++] = args->value;
	}
	return 0;
}

static int with_map(struct call *call, const struct verb *verb, const struct kapsel_dev *dev)
{
	struct objects objs;
	struct object *obj;
	int status = CLI_OK;

	objects_read(dev, 1u << KAPSEL_OBJ_MAP, &objs);
	obj = objects_find(&objs, call->words[1], "map", &status);
	if (obj && kapsel_view_open(dev, obj->fd, &call->view, &call->err))
		status = failed(call);
	else if (obj)
		status = verb->run(call);
	kapsel_view_close(&call->view);
	objects_free(&objs);
	return status;
}

int cmd_map(int argc, char **argv)
{
	const struct verb *verb;
	struct call call = {};
	struct kapsel_dev dev;
	struct cli_args args;
	int status;

	cli_args_init(&args, argc, argv, map_options);
	status = read_args(&call, &args);
	if (status)
		return status;
	verb = find_verb(&call, &status);
	if (!verb)
		return status;
	status = objects_dev(&dev);
	if (status)
		return status;
	status = with_map(&call, verb, &dev);
	kapsel_dev_close(&dev);
	return status;
}
