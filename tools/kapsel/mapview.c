// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - maps shown: shape, elements, sums over CPUs */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "histogram.h"
#include "keyview.h"
#include "mapview.h"
#include "stackview.h"

const char *mapview_shape(const struct kapsel_dev *dev, int fd, char *buf, size_t size)
{
	char key[80], value[80];
	struct kapsel_view view;
	struct kapsel_error err;

	snprintf(buf, size, "?");
	if (kapsel_view_open(dev, fd, &view, &err))
		return buf;
	if (view.btf && view.info.btf_value_type_id)
		kapsel_btf_name(view.btf, view.info.btf_value_type_id, value, sizeof(value));
	else
		snprintf(value, sizeof(value), "%u bytes", view.info.value_size);
	if (view.btf && view.info.btf_key_type_id)
		kapsel_btf_name(view.btf, view.info.btf_key_type_id, key, sizeof(key));
	else
		snprintf(key, sizeof(key), "%u bytes", view.info.key_size);
	if (view.info.type == BPF_MAP_TYPE_RINGBUF ||
	    view.info.type == BPF_MAP_TYPE_USER_RINGBUF)
		snprintf(buf, size, "%u KiB%s%s", view.info.max_entries / 1024,
			 view.btf ? " of " : "", view.btf ? value : "");
	else if (kapsel_has_records(view.info.type))
		snprintf(buf, size, "records%s%s", view.btf ? " of " : "", view.btf ? value : "");
	else if (!view.info.key_size)
		snprintf(buf, size, "%s, %u", value, view.info.max_entries);
	else
		snprintf(buf, size, "%s -> %s, %u", key, value, mapview_room(&view));
	kapsel_view_close(&view);
	return buf;
}

__u32 mapview_room(const struct kapsel_view *view)
{
	return view->info.max_entries ?: view->info.used;
}

static const char *cpu_value(const struct kapsel_view *view, const void *value, __u32 cpu)
{
	return (const char *)value + (size_t)cpu * view->stride;
}

/* The sum over the CPUs, if the value is a number. */
static bool total(const struct kapsel_view *view, const void *value, __s64 *sum)
{
	__s64 number;
	__u32 cpu;

	*sum = 0;
	for (cpu = 0; cpu < view->cpus; cpu++) {
		if (!kapsel_btf_number(view->btf, view->info.btf_value_type_id,
				       cpu_value(view, value, cpu), view->stride, &number))
			return false;
		*sum += number;
	}
	return true;
}

static __u32 id_in(const void *value)
{
	__u32 id;

	memcpy(&id, value, sizeof(id));
	return id;
}

/* Programs and maps by name, as `kapsel show` takes it. */
static void print_object(FILE *to, const struct kapsel_view *view, __u32 id)
{
	struct kapsel_obj_info info = {};
	struct kapsel_error err;
	int fd = kapsel_fd_by_id(view->dev, view->holds, id, &err);

	if (fd >= 0 && !kapsel_obj_info(fd, &info, &err) && info.name[0])
		fprintf(to, "%s@%u", info.name, id);
	else
		fprintf(to, "%u", id);
	if (fd >= 0)
		close(fd);
}

static void print_one(FILE *to, const struct kapsel_view *view, const void *value)
{
	if (view->holds)
		print_object(to, view, id_in(value));
	else
		kapsel_btf_print(to, view->btf, view->info.btf_value_type_id, value,
				 view->info.value_size);
}

static bool is_zero(const char *data, size_t size)
{
	return !size || (!data[0] && !memcmp(data, data + 1, size - 1));
}

void mapview_value(FILE *to, const struct kapsel_view *view, const void *value)
{
	const char *sep = "";
	__u32 cpu;
	__s64 sum;

	if (view->info.type == BPF_MAP_TYPE_STACK_TRACE) {
		stackview_text(to, value, view->info.value_size);
		return;
	}
	if (view->cpus == 1) {
		print_one(to, view, value);
		return;
	}
	if (total(view, value, &sum)) {
		fprintf(to, "%lld", (long long)sum);
		return;
	}
	for (cpu = 0; cpu < view->cpus; cpu++) {
		const char *at = cpu_value(view, value, cpu);

		if (is_zero(at, view->stride))
			continue;
		fprintf(to, "%scpu%u ", sep, cpu);
		print_one(to, view, at);
		sep = "  ";
	}
	if (!*sep)
		fputs("0 on all CPUs", to);
}

void mapview_value_json(struct kapsel_json *js, const struct kapsel_view *view,
			const void *value)
{
	__u32 cpu, type = view->info.btf_value_type_id;
	__s64 sum;

	if (view->holds) {
		kapsel_json_u64(js, "value", id_in(value));
		return;
	}
	if (view->info.type == BPF_MAP_TYPE_STACK_TRACE) {
		stackview_json(js, value, view->info.value_size);
		return;
	}
	if (view->cpus == 1) {
		kapsel_btf_json(js, "value", view->btf, type, value, view->info.value_size);
		return;
	}
	kapsel_json_open(js, "values", '[');
	for (cpu = 0; cpu < view->cpus; cpu++)
		kapsel_btf_json(js, NULL, view->btf, type, cpu_value(view, value, cpu),
				view->info.value_size);
	kapsel_json_close(js, ']');
	if (total(view, value, &sum))
		kapsel_json_s64(js, "total", sum);
}

/** struct text_walk - elements being gathered, to be lined up */
struct text_walk {
	const struct kapsel_view *view;
	bool skip_zero;
	char **lines;		/* key, value, key, value... */
	size_t count;
	size_t wide;
};

static bool skipped(const struct kapsel_view *view, bool skip_zero, const void *value)
{
	return (skip_zero || view->holds) && is_zero(value, (size_t)view->cpus * view->stride);
}

static char *to_text(const struct kapsel_view *view, const void *data, bool key)
{
	char *text = NULL;
	size_t size;
	FILE *mem = open_memstream(&text, &size);

	if (!mem)
		abort();
	if (key)
		keyview_text(mem, view, data);
	else
		mapview_value(mem, view, data);
	fclose(mem);
	return text;
}

static int gather(void *ctx, const void *key, const void *value)
{
	struct text_walk *w = ctx;
	char **lines;
	size_t len;

	if (skipped(w->view, w->skip_zero, value))
		return 0;
	lines = realloc(w->lines, (w->count + 2) * sizeof(*lines));
	if (!lines)
		return -1;
	w->lines = lines;
	lines[w->count++] = to_text(w->view, key, true);
	lines[w->count++] = to_text(w->view, value, false);
	len = strlen(lines[w->count - 2]);
	w->wide = len > w->wide ? len : w->wide;
	return 0;
}

/** struct drawing - histograms being drawn */
struct drawing {
	const struct kapsel_view *view;
	const struct histogram *hist;
	FILE *to;
	const char *indent;
	__u64 counts[HISTOGRAM_SLOTS];
};

/* One slot of a map that is a histogram as a whole. */
static int gather_slot(void *ctx, const void *key, const void *value)
{
	struct drawing *d = ctx;
	__u32 slot = id_in(key);
	__s64 sum;

	if (slot < HISTOGRAM_SLOTS && total(d->view, value, &sum))
		d->counts[slot] = sum;
	return 0;
}

/* What a value has beside its slots, where it is one value. */
static void put_others(const struct drawing *d, const void *value)
{
	struct kapsel_field fields[32];
	__u32 i, count = kapsel_btf_fields(d->view->btf, d->view->info.btf_value_type_id,
					   fields, ARRAY_LEN(fields));

	for (i = 0; d->view->cpus == 1 && i < count && i < ARRAY_LEN(fields); i++) {
		if (fields[i].offset == d->hist->offset)
			continue;
		fprintf(d->to, "  %s=", fields[i].name);
		kapsel_btf_print(d->to, d->view->btf, fields[i].type,
				 (const char *)value + fields[i].offset, fields[i].size);
	}
}

/* The histogram of one key, its CPUs added up. */
static int draw_value(void *ctx, const void *key, const void *value)
{
	struct drawing *d = ctx;
	__u32 cpu;

	if (is_zero(value, (size_t)d->view->cpus * d->view->stride))
		return 0;
	memset(d->counts, 0, sizeof(d->counts));
	for (cpu = 0; cpu < d->view->cpus; cpu++)
		histogram_add(d->hist, d->view->btf, cpu_value(d->view, value, cpu), d->counts);
	fputs(d->indent, d->to);
	keyview_text(d->to, d->view, key);
	put_others(d, value);
	fputc('\n', d->to);
	histogram_draw(d->to, d->indent, d->counts);
	return 0;
}

static int draw(FILE *to, const struct kapsel_view *view, const struct histogram *hist,
		const char *indent, struct kapsel_error *err)
{
	struct drawing d = { .view = view, .hist = hist, .to = to, .indent = indent };
	int ret = kapsel_map_each(view, hist->whole ? gather_slot : draw_value, &d, err);

	if (hist->whole)
		histogram_draw(to, indent, d.counts);
	return ret;
}

static int list(FILE *to, const struct kapsel_view *view, const char *indent,
		bool skip_zero, struct kapsel_error *err)
{
	struct text_walk w = { .view = view, .skip_zero = skip_zero };
	size_t i;
	int ret = kapsel_map_each(view, gather, &w, err);

	for (i = 0; i + 1 < w.count; i += 2) {
		fprintf(to, "%s%-*s%s%s\n", indent, (int)w.wide, w.lines[i],
			w.wide ? "  " : "", w.lines[i + 1]);
		free(w.lines[i]);
		free(w.lines[i + 1]);
	}
	free(w.lines);
	return ret;
}

int mapview_text(FILE *to, const struct kapsel_view *view, const char *indent,
		 bool skip_zero, struct kapsel_error *err)
{
	struct histogram hist;

	if (histogram_of(view, &hist))
		return draw(to, view, &hist, indent, err);
	return list(to, view, indent, skip_zero, err);
}

struct json_walk {
	const struct kapsel_view *view;
	struct kapsel_json *js;
	bool skip_zero;
};

static int put_entry(void *ctx, const void *key, const void *value)
{
	struct json_walk *w = ctx;

	if (skipped(w->view, w->skip_zero, value))
		return 0;
	kapsel_json_open(w->js, NULL, '{');
	keyview_json(w->js, w->view, key);
	mapview_value_json(w->js, w->view, value);
	kapsel_json_close(w->js, '}');
	return 0;
}

int mapview_json(struct kapsel_json *js, const struct kapsel_view *view, bool skip_zero,
		 struct kapsel_error *err)
{
	struct json_walk w = { .view = view, .js = js, .skip_zero = skip_zero };
	int ret;

	kapsel_json_open(js, "entries", '[');
	ret = kapsel_map_each(view, put_entry, &w, err);
	kapsel_json_close(js, ']');
	return ret;
}
