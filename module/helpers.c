// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for all programs: maps, ring buffers, time */

#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/topology.h>

#include "helpers.h"
#include "map.h"
#include "maps/prog_array.h"
#include "maps/ringbuf.h"
#include "run.h"

/*
 * Arguments were proved to be what the tables say; the prototypes are those of
 * <linux/bpf.h>, and so are the errors.
 */

#define KPS_HELPER(_id, _name, ...) { .id = _id, .body = kps_h_##_name },
static const struct {
	u32 id;
	kps_helper_fn body;
} bodies[] = {
#include "core/helpers.tbl"
};

#undef KPS_HELPER

kps_helper_fn kps_helper_body(u32 id)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bodies); i++)
		if (bodies[i].id == id)
			return bodies[i].body;
	return NULL;
}

static void *pointer(u64 reg)
{
	return (void *)(unsigned long)reg;
}

u64 kps_h_map_lookup_elem(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_map *map = pointer(r1);

	return (unsigned long)map->ops->lookup(map, pointer(r2));
}

u64 kps_h_map_update_elem(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_map *map = pointer(r1);

	return map->ops->update(map, pointer(r2), pointer(r3), r4);
}

u64 kps_h_map_delete_elem(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_map *map = pointer(r1);

	return map->ops->remove(map, pointer(r2));
}

u64 kps_h_map_push_elem(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_map *map = pointer(r1);

	return map->ops->push(map, pointer(r2), r3);
}

u64 kps_h_map_pop_elem(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_map *map = pointer(r1);

	return map->ops->pop(map, pointer(r2));
}

u64 kps_h_map_peek_elem(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_map *map = pointer(r1);

	return map->ops->peek(map, pointer(r2));
}

u64 kps_h_map_lookup_percpu_elem(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_map *map = pointer(r1);
	u32 cpu = r3;

	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return 0;
	return (unsigned long)map->ops->lookup_cpu(map, pointer(r2), cpu);
}

u64 kps_h_tail_call(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return kps_run_tail_call(kps_prog_array_at(pointer(r2), r3));
}

u64 kps_h_ringbuf_output(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return kps_ringbuf_output(pointer(r1), pointer(r2), r3, r4);
}

u64 kps_h_ringbuf_query(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return kps_ringbuf_query(pointer(r1), r2);
}

u64 kps_h_ktime_get_ns(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return ktime_get_mono_fast_ns();
}

u64 kps_h_ktime_get_boot_ns(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return ktime_get_boot_fast_ns();
}

u64 kps_h_ktime_get_tai_ns(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return ktime_get_tai_fast_ns();
}

/*
 * The kernel's coarse clocks wait for the timekeeper, and would wait for ever
 * under a probe or an NMI in the middle of its update. The fast one is safe
 * there, and as good.
 */
u64 kps_h_ktime_get_coarse_ns(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return ktime_get_mono_fast_ns();
}

u64 kps_h_jiffies64(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return get_jiffies_64();
}

u64 kps_h_get_smp_processor_id(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return raw_smp_processor_id();
}

u64 kps_h_get_numa_node_id(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return numa_node_id();
}

/* get_random_u32() takes locks. An interrupt in between costs randomness only. */
static DEFINE_PER_CPU(struct rnd_state, random_state);

u64 kps_h_get_prandom_u32(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	/* See above: each word that is stored is one that may come, maybe once more. */
	return data_race(prandom_u32_state(this_cpu_ptr(&random_state)));
}

/*
 * For the engines, which call the callback: the next element of a map, by the struct
 * kps_each at r2. There are no more of them than the verifier has reckoned with, even
 * if elements move meanwhile.
 */
static u64 next_elem(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_map *map = pointer(r1);
	struct kps_each *each = pointer(r2);

	if (each->done == map->max_entries || !map->ops->each(map, each))
		return false;
	each->done++;
	return true;
}

/* A definition by this name would pass for a loop with style checkers. */
u64 kps_h_for_each_map_elem(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5) __alias(next_elem);

/* The interpreter runs loops itself, without recursion: this is never called. */
u64 kps_h_loop(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return -EINVAL;
}

int kps_helpers_init(void)
{
	prandom_seed_full_state(&random_state);
	return 0;
}
