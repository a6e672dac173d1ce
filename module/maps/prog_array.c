// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - map type program array: programs by index, for tail calls */

#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <uapi/linux/bpf.h>

#include "map.h"
#include "prog.h"
#include "maps/area.h"
#include "maps/array.h"
#include "maps/prog_array.h"

/**
 * struct kps_prog_array - a program array
 * @map: head
 * @type: KAPSEL_PROG_* of its programs, and of those that use it; 0: none came yet.
 *	Then it stays
 * @progs: by index; each a reference. A program lives on for a grace period after
 *	its last
 *
 * A program in the array may hold the array, by using it: neither would ever go. So
 * the array is emptied when userspace has it no more, and nobody can fill it then.
 */
struct kps_prog_array {
	struct kps_map map;
	u32 type;
	struct kps_prog **progs;
};

static struct kps_prog_array *array_of(const struct kps_map *map)
{
	return container_of(map, struct kps_prog_array, map);
}

static int progs_check(const struct kapsel_map_create *arg)
{
	if (arg->key_size != sizeof(u32) || arg->value_size != sizeof(u32) ||
	    !arg->max_entries)
		return -EINVAL;
	return 0;
}

static struct kps_map *progs_alloc(const struct kapsel_map_create *arg)
{
	struct kps_prog_array *array = kzalloc(sizeof(*array), GFP_KERNEL_ACCOUNT);
	u64 size = (u64)arg->max_entries * sizeof(*array->progs);

	if (!array)
		return ERR_PTR(-ENOMEM);
	array->progs = kps_area_alloc(size);
	if (!array->progs) {
		kfree(array);
		return ERR_PTR(-ENOMEM);
	}
	array->map.user_size = sizeof(u32);
	array->map.memory = sizeof(*array) + size;
	return &array->map;
}

static void put_old(struct kps_prog *prog)
{
	if (prog)
		kps_prog_put(prog);
}

static void progs_orphan(struct kps_map *map)
{
	struct kps_prog_array *array = array_of(map);
	u32 i;

	for (i = 0; i < map->max_entries; i++) {
		put_old(xchg(&array->progs[i], NULL));
		cond_resched();
	}
}

/* It has been empty since its last file was closed, or was never filled. */
static void progs_free(struct kps_map *map)
{
	struct kps_prog_array *array = array_of(map);

	kvfree(array->progs);
	kfree(array);
}

static struct kps_prog **slot(struct kps_map *map, u32 index)
{
	if (index >= map->max_entries)
		return NULL;
	/* A mispredicted check must not become a read beyond the array. */
	return &array_of(map)->progs[array_index_nospec(index, map->max_entries)];
}

static int progs_write(struct kps_map *map, const void *key, const void *value, u64 flags)
{
	struct kps_prog **at = slot(map, *(const u32 *)key), *prog;

	if (flags != BPF_ANY)
		return -EINVAL;
	if (!at)
		return -E2BIG;
	prog = kps_prog_by_fd(*(const u32 *)value);
	if (IS_ERR(prog))
		return PTR_ERR(prog);
	if (!kps_prog_array_claim(map, prog->type->type)) {
		kps_prog_put(prog);
		return -EINVAL;
	}
	put_old(xchg(at, prog));
	return 0;
}

static long progs_remove(struct kps_map *map, const void *key)
{
	struct kps_prog **at = slot(map, *(const u32 *)key), *prog;

	if (!at)
		return -E2BIG;
	prog = xchg(at, NULL);
	if (!prog)
		return -ENOENT;
	kps_prog_put(prog);
	return 0;
}

/* What userspace reads are ids. */
static int progs_read(struct kps_map *map, const void *key, void *value)
{
	struct kps_prog **at = slot(map, *(const u32 *)key), *prog;

	if (!at)
		return -ENOENT;
	rcu_read_lock();
	prog = READ_ONCE(*at);
	*(u32 *)value = prog ? prog->obj.id : 0;
	rcu_read_unlock();
	return *(u32 *)value ? 0 : -ENOENT;
}

static u32 progs_used(struct kps_map *map)
{
	u32 i, n = 0;

	for (i = 0; i < map->max_entries; i++)
		n += !!READ_ONCE(array_of(map)->progs[i]);
	return n;
}

const struct kps_prog *kps_prog_array_at(struct kps_map *map, u32 index)
{
	struct kps_prog **at = slot(map, index);

	return at ? READ_ONCE(*at) : NULL;
}

u32 kps_prog_array_type(const struct kps_map *map)
{
	if (map->ops != &kps_map_prog_array_ops)
		return 0;
	return READ_ONCE(array_of(map)->type);
}

bool kps_prog_array_claim(struct kps_map *map, u32 type)
{
	u32 was;

	if (map->ops != &kps_map_prog_array_ops)
		return true;
	was = cmpxchg(&array_of(map)->type, 0, type);
	return !was || was == type;
}

const struct kps_map_ops kps_map_prog_array_ops = {
	.check = progs_check,
	.alloc = progs_alloc,
	.free = progs_free,
	.remove = progs_remove,
	.read = progs_read,
	.write = progs_write,
	.next_key = kps_array_next_key,
	.batch = kps_array_batch,
	.orphan = progs_orphan,
	.used = progs_used,
};
