// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - ring buffer records printed by their type */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "events.h"
#include "stackview.h"
#include "out.h"

static bool is_one_of(const char *name, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(name, *words))
			return true;
	return false;
}

static bool is_time(const struct kapsel_field *field)
{
	static const char *const words[] = { "ts", "time", "timestamp", "ts_ns", NULL };

	return field->size == 8 && is_one_of(field->name, words);
}

static bool is_comm(const struct kapsel_field *field)
{
	static const char *const words[] = { "comm", "task", "name", NULL };

	return field->size <= KAPSEL_COMM_LEN && is_one_of(field->name, words);
}

static int width_of(const struct kapsel_field *field)
{
	int wide = field->size <= 2 ? 5 : field->size <= 4 ? 7 : 10;
	int name = strlen(field->name);

	if (is_time(field))
		return 12;
	if (is_comm(field))
		return 15;
	if (!strcmp(field->name, "cpu"))
		return 3;
	if (field->size > 8)
		wide = 24;
	return name > wide ? name : wide;
}

static __s64 clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int events_open(struct events *ev, const struct kapsel_dev *dev,
		const struct kapsel_object *obj, const struct kapsel_map *map)
{
	struct kapsel_error err = {};
	char type[80];
	__u32 i;

	/* Once, so that events keep their order however the reader is delayed. */
	ev->boot = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	ev->map = map;
	ev->btf = kapsel_btf(obj);
	ev->type = map->value_type;
	ev->ring = kapsel_ring_open(map->fd,
				    kapsel_ring_size(dev, map->type, map->max_entries), &err);
	if (!ev->ring)
		return cli_fail(&err, CLI_FAILED);
	if (ev->type)
		ev->nr_fields = kapsel_btf_fields(ev->btf, ev->type, ev->fields, EVENT_FIELDS);
	if (ev->nr_fields > EVENT_FIELDS)
		ev->nr_fields = EVENT_FIELDS;
	for (i = 0; i < ev->nr_fields; i++)
		ev->widths[i] = width_of(&ev->fields[i]);
	if (ev->type)
		cli_say("events    %s  %s\n", map->name,
			kapsel_btf_name(ev->btf, ev->type, type, sizeof(type)));
	else
		cli_say("events    %s  as bytes: no struct for them, see `kapsel explain events`\n",
			map->name);
	return 0;
}

void events_close(struct events *ev)
{
	kapsel_ring_close(ev->ring);
	ev->ring = NULL;
}

static bool right_aligned(const struct kapsel_field *field)
{
	return field->size <= 8 && !is_time(field) && !is_comm(field);
}

static void put_padded(const struct events *ev, __u32 i, const char *text)
{
	const struct kapsel_field *field = &ev->fields[i];
	bool last = i + 1 == ev->nr_fields;

	if (right_aligned(field))
		printf("%*s", ev->widths[i], text);
	else if (last)
		fputs(text, stdout);
	else
		printf("%-*s", ev->widths[i], text);
	fputs(last ? "\n" : "  ", stdout);
}

static void put_titles(struct events *ev)
{
	char title[80];
	__u32 i, j;

	ev->titled = true;
	if (ev->named)
		printf("%-12s  ", "EVENT");
	for (i = 0; i < ev->nr_fields; i++) {
		const char *name = is_time(&ev->fields[i]) ? "time" : ev->fields[i].name;

		for (j = 0; name[j] && j < sizeof(title) - 1; j++)
			title[j] = toupper((unsigned char)name[j]);
		title[j] = '\0';
		put_padded(ev, i, title);
	}
}

/* Nanoseconds of the monotonic clock as the time of day. */
static void time_text(const struct events *ev, const void *data, char *buf, size_t size)
{
	time_t seconds;
	struct tm tm;
	__s64 at;

	memcpy(&at, data, sizeof(at));
	at += ev->boot;
	seconds = at / 1000000000;
	localtime_r(&seconds, &tm);
	snprintf(buf, size, "%02d:%02d:%02d.%03lld", tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (long long)(at / 1000000 % 1000));
}

/* Functions by name. */
static void address_text(const char *data, char *buf, size_t size)
{
	__u64 addr;

	memcpy(&addr, data, sizeof(addr));
	stackview_address(addr, buf, size);
}

static void value_text(const struct events *ev, const struct kapsel_field *field,
		       const char *data, char *buf, size_t size)
{
	FILE *mem;

	if (field->size == 8 && kapsel_btf_is_pointer(ev->btf, field->type)) {
		address_text(data, buf, size);
		return;
	}
	if (is_time(field)) {
		time_text(ev, data, buf, size);
		return;
	}
	if (is_comm(field)) {
		snprintf(buf, size, "%.*s", (int)strnlen(data, field->size), data);
		return;
	}
	mem = fmemopen(buf, size, "w");
	if (!mem)
		abort();
	kapsel_btf_print(mem, ev->btf, field->type, data, field->size);
	fclose(mem);
	buf[size - 1] = '\0';
}

static void put_row(struct events *ev, const char *data, __u32 size)
{
	char text[1024];
	__u32 i;

	if (!ev->titled)
		put_titles(ev);
	if (ev->named)
		printf("%-12s  ", ev->map->name);
	for (i = 0; i < ev->nr_fields; i++) {
		const struct kapsel_field *field = &ev->fields[i];

		if (field->offset + field->size > size)
			snprintf(text, sizeof(text), "-");
		else
			value_text(ev, field, data + field->offset, text, sizeof(text));
		put_padded(ev, i, text);
	}
}

static void put_bytes(struct events *ev, const void *data, __u32 size)
{
	printf("%s  ", ev->map->name);
	kapsel_btf_print(stdout, NULL, 0, data, size);
	putchar('\n');
}

static void put_json(struct events *ev, const void *data, __u32 size)
{
	struct kapsel_json js;

	out_json_begin(&js, stdout);
	kapsel_json_str(&js, "map", ev->map->name);
	kapsel_btf_json(&js, "event", ev->btf, ev->type, data, size);
	kapsel_json_close(&js, '}');
	putchar('\n');
}

static int put_event(void *ctx, const void *data, __u32 size)
{
	struct events *ev = ctx;

	if (cli.json)
		put_json(ev, data, size);
	else if (ev->nr_fields)
		put_row(ev, data, size);
	else
		put_bytes(ev, data, size);
	++*ev->count;
	return ev->limit && *ev->count >= ev->limit;
}

bool events_print(struct events *ev)
{
	bool full = ev->limit && *ev->count >= ev->limit;

	if (!full)
		full = kapsel_ring_read(ev->ring, put_event, ev);
	fflush(stdout);
	return full;
}
