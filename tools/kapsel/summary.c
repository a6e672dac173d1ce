// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - what a run amounted to: counters, small maps */

#include <string.h>

#include "mapview.h"
#include "objects.h"
#include "out.h"
#include "summary.h"

/* What is longer than this is for `kapsel map dump`. */
#define SHOWN_ENTRIES 64

static const struct out_column columns[] = {
	{ "prog", NULL, false },
	{ "hook", NULL, false },
	{ "runs", NULL, true },
	{ "run_ns", NULL, true },
	{ "missed", NULL, true },
	{ "recursed", NULL, true },
	{ "aborted", NULL, true },
	{ "dropped", NULL, true },
	{ "accepted", NULL, true },
	{ "unready", NULL, true },
	{ "shadow", NULL, true },
};

static __u64 events_lost(const struct session *s)
{
	struct kapsel_obj_info info;
	struct kapsel_error err;
	__u64 lost = 0;
	__u32 i;

	for (i = 0; i < kapsel_nr_maps(s->obj); i++) {
		const struct kapsel_map *map = kapsel_map_at(s->obj, i);

		memset(&info, 0, sizeof(info));
		if (kapsel_has_records(map->type) && map->fd >= 0 &&
		    !kapsel_obj_info(map->fd, &info, &err))
			lost += info.map.lost;
	}
	return lost;
}

static bool has_events(const struct session *s)
{
	__u32 i;

	for (i = 0; i < kapsel_nr_maps(s->obj); i++)
		if (kapsel_has_records(kapsel_map_at(s->obj, i)->type))
			return true;
	return false;
}

static void text_verdicts(const struct kapsel_link_info *info)
{
	printf("   %llu %s   %llu accepted", (unsigned long long)info->dropped,
	       info->flags & KAPSEL_LINK_SHADOW ? "would be dropped (shadow)" : "dropped",
	       (unsigned long long)info->accepted);
	if (info->unready)
		printf("   %llu not ready", (unsigned long long)info->unready);
}

static void text_link(const struct session *s, const struct session_link *link,
		      const struct kapsel_link_info *info, __u64 ns)
{
	printf("%s   %llu runs", link->prog->name, (unsigned long long)info->runs);
	if (info->run_ns && info->runs)
		printf("   %llu ns/run", (unsigned long long)(info->run_ns / info->runs));
	printf("   %llu missed", (unsigned long long)(info->missed + info->recursed));
	if (info->aborted)
		printf("   %llu aborted", (unsigned long long)info->aborted);
	if (info->hook == KAPSEL_HOOK_NETFILTER)
		text_verdicts(info);
	if (has_events(s))
		printf("   %llu events lost", (unsigned long long)events_lost(s));
	printf("   %.1f s\n", ns / 1e9);
}

static void add_row(struct out_table *t, const struct session_link *link,
		    const struct object *obj)
{
	const struct kapsel_link_info *info = &obj->info.link;
	char hook[KAPSEL_TARGET_LEN + 40];

	out_str(t, link->prog->name);
	out_str(t, object_hook(obj, hook, sizeof(hook)));
	out_u64(t, info->runs);
	out_u64(t, info->run_ns);
	out_u64(t, info->missed);
	out_u64(t, info->recursed);
	out_u64(t, info->aborted);
	out_u64(t, info->dropped);
	out_u64(t, info->accepted);
	out_u64(t, info->unready);
	out_u64(t, !!(info->flags & KAPSEL_LINK_SHADOW));
}

static void put_links(const struct session *s, struct out_table *table, __u64 ns)
{
	__u32 i;

	for (i = 0; i < s->nr_links; i++) {
		struct object obj = { .fd = s->links[i].fd };
		struct kapsel_error err;

		obj.info.link.target = (unsigned long)obj.target;
		obj.info.link.target_size = sizeof(obj.target);
		if (kapsel_obj_info(obj.fd, &obj.info, &err))
			continue;
		if (!cli.json)
			text_link(s, &s->links[i], &obj.info.link, ns);
		add_row(table, &s->links[i], &obj);
	}
}

static bool is_array(const struct kapsel_view *view)
{
	return view->info.type == BPF_MAP_TYPE_ARRAY ||
	       view->info.type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_shown(const struct kapsel_map *map, const struct kapsel_view *view)
{
	if (kapsel_has_records(map->type) || map->type == BPF_MAP_TYPE_BLOOM_FILTER ||
	    map->frozen)
		return false;
	if (is_array(view))
		return map->max_entries <= SHOWN_ENTRIES;
	return view->info.used && view->info.used <= SHOWN_ENTRIES;
}

static void text_map(const struct kapsel_view *view)
{
	struct kapsel_error err;
	char type[32];

	printf("map %s   (%s, ", view->name,
	       kapsel_map_type_name(view->info.type, type, sizeof(type)));
	if (is_array(view))
		printf("%u; zeros left out)\n", view->info.max_entries);
	else
		printf("%u of %u)\n", view->info.used, mapview_room(view));
	if (mapview_text(stdout, view, "  ", is_array(view), &err))
		printf("  (%s)\n", err.text);
}

static void json_map(struct kapsel_json *js, const struct kapsel_view *view)
{
	struct kapsel_error err;

	kapsel_json_open(js, NULL, '{');
	kapsel_json_str(js, "map", view->name);
	kapsel_json_u64(js, "id", view->id);
	mapview_json(js, view, false, &err);
	kapsel_json_close(js, '}');
}

static void put_maps(const struct session *s, struct kapsel_json *js)
{
	struct kapsel_view view;
	struct kapsel_error err;
	__u32 i;

	for (i = 0; i < kapsel_nr_maps(s->obj); i++) {
		const struct kapsel_map *map = kapsel_map_at(s->obj, i);

		if (map->fd < 0 || kapsel_view_open(&s->dev, map->fd, &view, &err))
			continue;
		if (is_shown(map, &view) && js)
			json_map(js, &view);
		else if (is_shown(map, &view))
			text_map(&view);
		kapsel_view_close(&view);
	}
}

void summary_print(const struct session *s, __u64 ns)
{
	struct out_table table;
	struct kapsel_json js;

	if (cli.quiet)
		return;
	out_begin(&table, columns, ARRAY_LEN(columns));
	put_links(s, &table, ns);
	if (cli.json) {
		out_json_begin(&js, stdout);
		kapsel_json_open(&js, "summary", '{');
		kapsel_json_u64(&js, "ns", ns);
		kapsel_json_u64(&js, "events_lost", events_lost(s));
		out_json_rows(&js, "links", &table);
		kapsel_json_open(&js, "maps", '[');
		put_maps(s, &js);
		kapsel_json_close(&js, ']');
		kapsel_json_close(&js, '}');
		out_json_end(&js);
	} else {
		put_maps(s, NULL);
	}
	out_free(&table);
}
