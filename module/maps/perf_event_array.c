// SPDX-License-Identifier: GPL-2.0-only
/*
 * kapsel - map type perf event array: records from programs, by the perf event
 * array's helper, in one ring buffer instead of one perf buffer for each CPU
 */

#include <linux/log2.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <uapi/linux/bpf.h>

#include "map.h"
#include "maps/perf_event_array.h"
#include "maps/ring.h"
#include "maps/ringbuf.h"

static int perf_check(const struct kapsel_map_create *arg)
{
	if (arg->key_size != sizeof(u32) || arg->value_size != sizeof(u32) ||
	    !arg->max_entries)
		return -EINVAL;
	return 0;
}

static struct kps_map *perf_alloc(const struct kapsel_map_create *arg)
{
	return kps_ring_new(roundup_pow_of_two(num_possible_cpus()) * KAPSEL_PERF_RING);
}

/* Linux has an event for each CPU that writes to the CPU's own buffer only. */
static int check_cpu(const struct kps_map *map, u64 flags)
{
	u32 cpu = smp_processor_id(), index = flags & BPF_F_INDEX_MASK;

	if (index == BPF_F_CURRENT_CPU)
		index = cpu;
	if (index >= map->max_entries)
		return -E2BIG;
	/* Who reads maps the position for writing. */
	if (index >= nr_cpu_ids || !cpu_possible(index) || !READ_ONCE(map->writable))
		return -ENOENT;
	return index == cpu ? 0 : -EOPNOTSUPP;
}

void *kps_perf_reserve(struct kps_map *map, u64 size, u64 flags)
{
	int err = check_cpu(map, flags);
	void *record;

	if (err) {
		kps_map_lose(map);
		return ERR_PTR(err);
	}
	record = kps_ringbuf_reserve(map, size);
	return record ?: ERR_PTR(-ENOSPC);
}

const struct kps_map_ops kps_map_perf_event_array_ops = {
	.check = perf_check,
	.alloc = perf_alloc,
	.free = kps_ring_free,
	.mmap = kps_ringbuf_mmap,
	.poll = kps_ringbuf_poll,
	.used = kps_ring_used,
};
