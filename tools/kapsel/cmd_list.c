// SPDX-License-Identifier: GPL-2.0-only
/* kapsel list, kapsel show - what is in the kernel, and what there could be */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "mapview.h"
#include "objects.h"
#include "out.h"
#include "siteview.h"

static const struct out_column columns[] = {
	{ "kind", "KIND", false },
	{ "id", "ID", true },
	{ "name", "NAME", false },
	{ "type", "TYPE", false },
	{ "where", "HOOK / SHAPE", false },
	{ "state", "STATE", false },
	{ "via", "VIA", false },
	{ "runs", "RUNS", true },
	{ "owner", "HELD BY", false },
};

static const char * const engines[] = { "auto", "interp", "jit" };

static const char *engine_name(__u32 engine)
{
	return engine < ARRAY_LEN(engines) ? engines[engine] : "?";
}

static void add_prog(struct out_table *t, const struct object *obj)
{
	const struct kapsel_prog_info *prog = &obj->info.prog;

	out_str(t, kapsel_prog_type_name(prog->type));
	out_fmt(t, "%u insns, at most %llu%s", prog->insn_cnt,
		(unsigned long long)prog->max_insns, prog->tail_calls ? " + tail calls" : "");
	if (prog->why > KAPSEL_WHY_ASKED)
		out_fmt(t, "%s: %s", engine_name(prog->engine), kapsel_why(prog->why));
	else
		out_str(t, engine_name(prog->engine));
	out_none(t);
	out_none(t);
}

static void add_map(struct out_table *t, const struct object *obj,
		    const struct kapsel_dev *dev)
{
	const struct kapsel_map_info *map = &obj->info.map;
	char type[32], shape[200];

	out_str(t, kapsel_map_type_name(map->type, type, sizeof(type)));
	out_str(t, mapview_shape(dev, obj->fd, shape, sizeof(shape)));
	if (map->frozen)
		out_str(t, "frozen");
	else
		out_fmt(t, "%u %s, %llu lost", map->used,
			kapsel_has_records(map->type) ? "bytes" : "used",
			(unsigned long long)map->lost);
	out_none(t);
	out_none(t);
}

static void add_link(struct out_table *t, const struct object *obj)
{
	static const char * const states[] = { "attached", "detached", "netns gone" };
	static const char * const vias[] = { NULL, "kprobe", "kretprobe", "ftrace", "wrap" };
	const struct kapsel_link_info *link = &obj->info.link;
	char hook[KAPSEL_TARGET_LEN + 40];

	out_fmt(t, "prog %u", link->prog_id);
	object_hook(obj, hook, sizeof(hook));
	if (link->site_cnt)
		out_fmt(t, "%s (%u)", hook, link->site_cnt);
	else
		out_str(t, hook);
	out_str(t, link->state < ARRAY_LEN(states) ? states[link->state] : "?");
	if (link->unwrapped)
		out_fmt(t, "kretprobe: %s", kapsel_why_unwrapped(link->unwrapped));
	else
		out_str(t, link->via < ARRAY_LEN(vias) ? vias[link->via] : "?");
	out_u64(t, link->runs);
}

static void add_object(struct out_table *t, const struct object *obj,
		       const struct kapsel_dev *dev)
{
	char holders[400];

	out_str(t, object_kind(obj));
	out_u64(t, obj->info.id);
	out_str(t, obj->info.name);
	if (obj->info.kind == KAPSEL_OBJ_PROG)
		add_prog(t, obj);
	else if (obj->info.kind == KAPSEL_OBJ_MAP)
		add_map(t, obj, dev);
	else
		add_link(t, obj);
	object_holders(dev, obj, holders, sizeof(holders));
	out_str(t, *holders ? holders : NULL);
}

#define MAX_WRAPS	256

/* Why rmmod is refused, though there may be nothing left to see. */
static void say_leaving(const struct kapsel_dev *dev)
{
	struct kapsel_wrap_info wraps[MAX_WRAPS];
	__u32 i, count = kapsel_wraps(dev, wraps, MAX_WRAPS);

	for (i = 0; i < count; i++)
		if (wraps[i].leaving)
			cli_say("leaving   %s: %llu calls have not returned, and keep the module loaded\n",
				wraps[i].name, (unsigned long long)wraps[i].inside);
}

static int list_objects(__u32 kinds, const char *name)
{
	struct kapsel_dev dev;
	struct out_table table;
	struct objects objs;
	__u32 i;
	int status = objects_dev(&dev);

	if (status)
		return status;
	out_begin(&table, columns, ARRAY_LEN(columns));
	objects_read(&dev, kinds, &objs);
	for (i = 0; i < objs.count; i++)
		add_object(&table, &objs.list[i], &dev);
	if (!objs.count)
		cli_say("nothing is loaded\n");
	objects_free(&objs);
	out_end(&table, name);
	if (kinds & (1u << KAPSEL_OBJ_LINK))
		say_leaving(&dev);
	kapsel_dev_close(&dev);
	return CLI_OK;
}

static const struct out_column wrap_columns[] = {
	{ "function", "FUNCTION", false },
	{ "inside", "INSIDE", true },
	{ "state", "STATE", false },
};

static int list_wraps(void)
{
	struct kapsel_wrap_info wraps[MAX_WRAPS];
	struct out_table table;
	struct kapsel_dev dev;
	__u32 i, count;
	int status = objects_dev(&dev);

	if (status)
		return status;
	count = kapsel_wraps(&dev, wraps, MAX_WRAPS);
	out_begin(&table, wrap_columns, ARRAY_LEN(wrap_columns));
	for (i = 0; i < count; i++) {
		out_str(&table, wraps[i].name);
		out_u64(&table, wraps[i].inside);
		out_str(&table, wraps[i].leaving ? "leaving" : "wrapped");
	}
	kapsel_dev_close(&dev);
	if (!count)
		cli_say("no function is wrapped\n");
	out_end(&table, "wraps");
	return CLI_OK;
}

static const struct out_column hook_columns[] = {
	{ "name", "HOOK", false },
	{ "prog_type", "PROGRAMS", false },
	{ "form", "WRITTEN", false },
	{ "sections", NULL, false },
	{ "doc", NULL, false },
};

static int list_hooks(void)
{
	const struct kapsel_hook_doc *doc;
	struct out_table table;
	__u32 i;

	out_begin(&table, hook_columns, ARRAY_LEN(hook_columns));
	for (i = 0; (doc = kapsel_hook_doc_at(i)); i++) {
		out_str(&table, doc->name);
		out_str(&table, kapsel_prog_type_name(doc->prog_type));
		out_str(&table, doc->form);
		out_str(&table, doc->sections);
		out_str(&table, doc->doc);
	}
	out_end(&table, "hooks");
	return CLI_OK;
}

static const struct out_column helper_columns[] = {
	{ "id", "ID", true },
	{ "name", "HELPER", false },
	{ "programs", "PROGRAMS", false },
	{ "doc", "WHAT IT DOES", false },
	{ "proto", NULL, false },
};

static int list_helpers(void)
{
	struct kapsel_helper_doc doc;
	struct out_table table;
	__u32 i;

	out_begin(&table, helper_columns, ARRAY_LEN(helper_columns));
	for (i = 0; kapsel_helper_at(i, &doc); i++) {
		out_u64(&table, doc.info.id);
		out_fmt(&table, "bpf_%s", doc.info.name);
		out_str(&table, doc.info.prog_types == KAPSEL_FOR_ALL ? "all" :
			doc.info.prog_types == KAPSEL_FOR_KPROBE ? "kprobe" : "netfilter");
		out_str(&table, doc.doc);
		out_str(&table, doc.proto);
	}
	out_end(&table, "helpers");
	return CLI_OK;
}

static int list_what(const char *what)
{
	static const char *const words[] = {
		"progs", "maps", "links", "hooks", "helpers", "wraps", NULL
	};
	char hint[80];

	if (!what)
		return list_objects(KINDS_ALL, "objects");
	if (!strcmp(what, "progs"))
		return list_objects(1u << KAPSEL_OBJ_PROG, what);
	if (!strcmp(what, "maps"))
		return list_objects(1u << KAPSEL_OBJ_MAP, what);
	if (!strcmp(what, "links"))
		return list_objects(1u << KAPSEL_OBJ_LINK, what);
	if (!strcmp(what, "hooks"))
		return list_hooks();
	if (!strcmp(what, "helpers"))
		return list_helpers();
	if (!strcmp(what, "wraps"))
		return list_wraps();
	return cli_usage("'%s' is not progs, maps, links, hooks, helpers or wraps%s", what,
			 cli_suggest(what, words, hint, sizeof(hint)));
}

int cmd_list(int argc, char **argv)
{
	const char *what = NULL;
	struct cli_args args;
	int opt;

	cli_args_init(&args, argc, argv, NULL);
	while ((opt = cli_args_next(&args)) != CLI_ARG_END) {
		if (opt == CLI_ARG_ERROR)
			return args.status;
		if (opt != CLI_ARG_WORD || what)
			return cli_usage("one word is enough, what is '%s'?",
					 args.value ? args.value : "--");
		what = args.value;
	}
	return list_what(what);
}

static const struct out_column link_columns[] = {
	{ "prog_id", "PROG", true },
	{ "runs", "RUNS", true },
	{ "run_ns", "NS", true },
	{ "recursed", "RECURSED", true },
	{ "missed", "MISSED", true },
	{ "inside", "INSIDE", true },
	{ "aborted", "ABORTED", true },
	{ "dropped", "DROPPED", true },
	{ "accepted", "ACCEPTED", true },
	{ "unready", "UNREADY", true },
	{ "shadow", "SHADOW", true },
	{ "fail_closed", "FAIL CLOSED", true },
	{ "linear", "LINEAR", true },
	{ "defrag", "DEFRAG", true },
	{ "position", "POSITION", true },
	{ "cookie", "COOKIE", true },
	{ "netns_ino", "NETNS", true },
};

static const struct out_column prog_columns[] = {
	{ "engine", "ENGINE", false },
	{ "why", "WHY NOT JIT", false },
	{ "why_insn", "AT", true },
	{ "insns", "INSNS", true },
	{ "xlated", "REWRITTEN", true },
	{ "max_insns", "AT MOST", true },
	{ "stack", "STACK", true },
	{ "maps", "MAPS", true },
	{ "verify_ns", "VERIFIED IN", true },
	{ "memory", "MEMORY", true },
	{ "log_lost", "LOG LOST", true },
};

static const struct out_column map_columns[] = {
	{ "key_size", "KEY", true },
	{ "value_size", "VALUE", true },
	{ "max_entries", "ENTRIES", true },
	{ "used", "USED", true },
	{ "lost", "LOST", true },
	{ "flags", "FLAGS", true },
	{ "frozen", "FROZEN", true },
	{ "memory", "MEMORY", true },
	{ "btf_bytes", "BTF", true },
};

static void link_facts(struct out_table *t, const struct kapsel_link_info *link)
{
	out_begin(t, link_columns, ARRAY_LEN(link_columns));
	out_u64(t, link->prog_id);
	out_u64(t, link->runs);
	out_u64(t, link->run_ns);
	out_u64(t, link->recursed);
	out_u64(t, link->missed);
	out_u64(t, link->inside);
	out_u64(t, link->aborted);
	out_u64(t, link->dropped);
	out_u64(t, link->accepted);
	out_u64(t, link->unready);
	out_u64(t, !!(link->flags & KAPSEL_LINK_SHADOW));
	out_u64(t, !!(link->flags & KAPSEL_LINK_FAIL_CLOSED));
	out_u64(t, link->linear);
	out_u64(t, !!(link->flags & KAPSEL_LINK_DEFRAG));
	out_u64(t, link->position);
	out_u64(t, link->cookie);
	out_u64(t, link->netns_ino);
}

static void prog_facts(struct out_table *t, const struct kapsel_prog_info *prog)
{
	out_begin(t, prog_columns, ARRAY_LEN(prog_columns));
	out_str(t, engine_name(prog->engine));
	out_str(t, prog->why ? kapsel_why(prog->why) : NULL);
	if (prog->why == KAPSEL_WHY_INSN)
		out_u64(t, prog->why_insn);
	else
		out_none(t);
	out_u64(t, prog->insn_cnt);
	out_u64(t, prog->xlated_cnt);
	if (prog->tail_calls)
		out_labelled(t, prog->max_insns, "%llu + tail calls",
			     (unsigned long long)prog->max_insns);
	else
		out_u64(t, prog->max_insns);
	out_u64(t, prog->stack_depth);
	out_u64(t, prog->map_cnt);
	out_labelled(t, prog->verify_ns, "%.2f ms", prog->verify_ns / 1e6);
	out_u64(t, prog->memory);
	out_u64(t, prog->log_lost);
}

static void map_facts(struct out_table *t, const struct kapsel_map_info *map)
{
	out_begin(t, map_columns, ARRAY_LEN(map_columns));
	out_u64(t, map->key_size);
	out_u64(t, map->value_size);
	out_u64(t, map->max_entries);
	out_u64(t, map->used);
	out_u64(t, map->lost);
	out_u64(t, map->flags);
	out_u64(t, map->frozen);
	out_u64(t, map->memory);
	out_u64(t, map->btf_size);
}

static void show(const struct kapsel_dev *dev, const struct object *obj)
{
	bool many = obj->info.kind == KAPSEL_OBJ_LINK && obj->info.link.site_cnt;
	struct out_table common, special;
	struct kapsel_json js;

	out_begin(&common, columns, ARRAY_LEN(columns));
	add_object(&common, obj, dev);
	if (obj->info.kind == KAPSEL_OBJ_LINK)
		link_facts(&special, &obj->info.link);
	else if (obj->info.kind == KAPSEL_OBJ_PROG)
		prog_facts(&special, &obj->info.prog);
	else
		map_facts(&special, &obj->info.map);
	if (cli.json) {
		out_json_begin(&js, stdout);
		out_json_members(&js, &common);
		out_json_members(&js, &special);
		kapsel_json_u64(&js, "uid", obj->info.uid);
		kapsel_json_u64(&js, "pid", obj->info.pid);
		kapsel_json_str(&js, "comm", obj->info.comm);
		if (many)
			siteview_json(&js, obj);
		out_json_end(&js);
	} else {
		out_text_table(&common, stdout);
		putchar('\n');
		out_text_table(&special, stdout);
		printf("\ncreated by %s[%u], uid %u\n", obj->info.comm, obj->info.pid,
		       obj->info.uid);
		if (many)
			siteview_text(stdout, obj);
	}
	out_free(&common);
	out_free(&special);
}

int cmd_show(int argc, char **argv)
{
	struct kapsel_dev dev;
	struct objects objs;
	struct cli_args args;
	struct object *obj;
	int opt, status;

	cli_args_init(&args, argc, argv, NULL);
	opt = cli_args_next(&args);
	if (opt == CLI_ARG_ERROR)
		return args.status;
	if (opt != CLI_ARG_WORD)
		return cli_usage("no object");
	status = objects_dev(&dev);
	if (status)
		return status;
	objects_read(&dev, KINDS_ALL, &objs);
	obj = objects_find(&objs, args.value, "object", &status);
	if (obj)
		show(&dev, obj);
	objects_free(&objs);
	kapsel_dev_close(&dev);
	return status;
}
