// SPDX-License-Identifier: GPL-2.0-only
/* Who reads perf events while programs are timed, so that there is always room */

#include <stdio.h>

#include <bpf/libbpf.h>
#include <kapsel.h>
#include <linux/kernel.h>
#include <linux/perf_event.h>

#include "readers.h"

#define PAGES 64	/* of Linux's buffer, for each CPU */

static struct kapsel_ring *rings[2];
static struct perf_buffer *buffer;

bool read_kapsel(const struct kapsel_dev *dev, const struct kapsel_map *map)
{
	__u32 size = kapsel_ring_size(dev, map->type, map->max_entries), i = 0;
	struct kapsel_error err = {};

	while (rings[i])
		i++;
	rings[i] = kapsel_ring_open(map->fd, size, &err);
	if (!rings[i])
		fprintf(stderr, "%s\n", err.text);
	return rings[i];
}

static enum bpf_perf_event_ret skip_linux(void *ctx, int cpu, struct perf_event_header *event)
{
	(void)ctx;
	(void)cpu;
	(void)event;
	return LIBBPF_PERF_EVENT_CONT;
}

/* As libbpf opens it, but nobody is woken: only writing is timed. */
bool read_linux(int map)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT, .sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1, .wakeup_events = 1 << 30,
	};

	buffer = perf_buffer__new_raw(map, PAGES, &attr, skip_linux, NULL, NULL);
	if (!buffer)
		perror("perf buffer");
	return buffer;
}

static int skip_kapsel(void *ctx, const void *data, __u32 size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

void readers_drain(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rings); i++)
		if (rings[i])
			kapsel_ring_read(rings[i], skip_kapsel, NULL);
	if (buffer)
		perf_buffer__consume(buffer);
}
