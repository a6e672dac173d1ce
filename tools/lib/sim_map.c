// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - maps of offline runs; a per-CPU map has one CPU */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/netfilter.h>

#include "core/proto.h"
#include "sim.h"

static u32 type_of(const struct kl_sim_map *sim)
{
	return sim->map->type;
}

static bool is_array(const struct kl_sim_map *sim)
{
	return type_of(sim) == BPF_MAP_TYPE_ARRAY || type_of(sim) == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_lru(const struct kl_sim_map *sim)
{
	return type_of(sim) == BPF_MAP_TYPE_LRU_HASH ||
	       type_of(sim) == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_trie(const struct kl_sim_map *sim)
{
	return type_of(sim) == BPF_MAP_TYPE_LPM_TRIE;
}

static bool is_storage(const struct kl_sim_map *sim)
{
	return kps_map_type_find(type_of(sim))->ops & KAPSEL_MAP_OP_LOCAL;
}

static size_t stride(const struct kl_sim_map *sim)
{
	return ALIGN((size_t)sim->map->value_size, 8);
}

static void *value_at(const struct kl_sim_map *sim, u32 index)
{
	return sim->values + index * stride(sim);
}

static const char *key_at(const struct kl_sim_map *sim, u32 index)
{
	return sim->keys + (size_t)index * sim->map->key_size;
}

static bool alloc_entries(struct kl_sim_map *sim)
{
	u32 n = is_storage(sim) ? BPF_CGROUP_INET_EGRESS + 1 : sim->map->max_entries;

	sim->values = calloc(n, stride(sim));
	if (is_array(sim) || is_storage(sim))
		return sim->values;
	sim->keys = calloc(n, sim->map->key_size ?: 1);
	sim->used = calloc(n, sizeof(*sim->used));
	sim->stamps = calloc(n, sizeof(*sim->stamps));
	return sim->values && sim->keys && sim->used && sim->stamps;
}

int kl_sim_map_init(struct kl_sim_map *sim, const struct kapsel_map *map)
{
	memset(sim, 0, sizeof(*sim));
	sim->map = map;
	if (kapsel_has_records(map->type) || map->type == BPF_MAP_TYPE_USER_RINGBUF ||
	    map->type == BPF_MAP_TYPE_CGROUP_ARRAY ||
	    map->type == BPF_MAP_TYPE_PROG_ARRAY || map->inner)
		return 0;
	if (!alloc_entries(sim)) {
		kl_sim_map_free(sim);
		return -ENOMEM;
	}
	sim->view = (struct kps_view){
		.values = (uintptr_t)sim->values, .stride = stride(sim),
		.entries = map->max_entries,
	};
	if (map->data)
		memcpy(sim->values, map->data, map->value_size);
	return 0;
}

void kl_sim_map_free(struct kl_sim_map *sim)
{
	free(sim->keys);
	free(sim->used);
	free(sim->values);
	free(sim->stamps);
	memset(sim, 0, sizeof(*sim));
}

/* ------------------------------------------------------------------------
 * Keys. That of a trie is the number of bits, and the bits
 */
static u32 prefix_len(const void *key)
{
	u32 len;

	memcpy(&len, key, sizeof(len));
	return len;
}

static bool is_too_long(const struct kl_sim_map *sim, const void *key)
{
	return is_trie(sim) && prefix_len(key) > (sim->map->key_size - 4) * 8;
}

static bool has_prefix(const char *key, const char *prefix)
{
	u32 bits = prefix_len(prefix);
	u8 rest = bits % 8 ? (u8)(0xff << (8 - bits % 8)) : 0;

	return prefix_len(key) >= bits && !memcmp(key + 4, prefix + 4, bits / 8) &&
	       !((key[4 + bits / 8] ^ prefix[4 + bits / 8]) & rest);
}

static bool is_same(const struct kl_sim_map *sim, const char *a, const char *b)
{
	if (is_trie(sim))
		return prefix_len(a) == prefix_len(b) && has_prefix(a, b);
	return !memcmp(a, b, sim->map->key_size);
}

static u32 index_of(const struct kl_sim_map *sim, const void *key)
{
	u32 index, i;

	if (is_array(sim)) {
		memcpy(&index, key, sizeof(index));
		return index;
	}
	for (i = 0; i < sim->count; i++)
		if (sim->used[i] && is_same(sim, key_at(sim, i), key))
			return i;
	return U32_MAX;
}

/* What is in there at first is all that ever is, by 4-byte keys. */
static void *map_in(const struct kl_sim_map *sim, const void *key)
{
	const struct kapsel_map *map = sim->map;
	u32 i;

	for (i = map->nr_initial; i--;)
		if (!memcmp(&map->initial[i].index, key, sizeof(u32)))
			return &kl_sim_now->maps[map->initial[i].target];
	return NULL;
}

static u32 longest_of(const struct kl_sim_map *sim, const void *key)
{
	u32 i, best = U32_MAX;

	for (i = 0; i < sim->count; i++)
		if (sim->used[i] && has_prefix(key, key_at(sim, i)) &&
		    (best == U32_MAX ||
		     prefix_len(key_at(sim, i)) > prefix_len(key_at(sim, best))))
			best = i;
	return best;
}

/* ------------------------------------------------------------------------
 * Elements
 */
static void touch(struct kl_sim_map *sim, u32 index)
{
	if (sim->stamps)
		sim->stamps[index] = ++sim->clock;
}

static void *value_in(struct kl_sim_map *sim, const void *key)
{
	u32 index = U32_MAX;

	if (sim->values && !is_too_long(sim, key))
		index = is_trie(sim) ? longest_of(sim, key) : index_of(sim, key);
	if (index >= sim->map->max_entries)
		return NULL;
	touch(sim, index);
	return value_at(sim, index);
}

static u32 oldest(const struct kl_sim_map *sim)
{
	u32 i, best = 0;

	for (i = 1; i < sim->count; i++)
		if (sim->stamps[i] < sim->stamps[best])
			best = i;
	return best;
}

void *kl_sim_lookup(struct kl_sim_map *sim, const void *key)
{
	if (sim->map->inner)
		return map_in(sim, key);
	return value_in(sim, key);
}

/* A lock stays as it is; offline nobody else can hold it. */
static void store(const struct kl_sim_map *sim, u32 index, const void *value)
{
	const struct kapsel_map *map = sim->map;
	u32 end = map->lock_off + map->lock_size;
	char *to = value_at(sim, index);

	memcpy(to, value, map->lock_off);
	memcpy(to + end, (const char *)value + end, map->value_size - end);
}

static int add_entry(struct kl_sim_map *sim, const void *key, const void *value)
{
	u32 i = 0;

	while (i < sim->count && sim->used[i])
		i++;
	if (i == sim->map->max_entries) {
		if (!is_lru(sim))
			return is_trie(sim) ? -ENOSPC : -E2BIG;
		i = oldest(sim);
	}
	sim->count = max(sim->count, i + 1);
	sim->used[i] = true;
	memcpy(sim->keys + (size_t)i * sim->map->key_size, key, sim->map->key_size);
	store(sim, i, value);
	touch(sim, i);
	return 0;
}

int kl_sim_update(struct kl_sim_map *sim, const void *key, const void *value, u64 flags)
{
	u64 how = flags & ~(u64)BPF_F_LOCK;
	bool no_lock = flags & BPF_F_LOCK && !sim->map->lock_size;
	bool index_first = type_of(sim) == BPF_MAP_TYPE_ARRAY;
	u32 index;

	if (how > BPF_EXIST || is_too_long(sim, key) || (no_lock && !index_first))
		return -EINVAL;
	index = index_of(sim, key);
	if (index < sim->map->max_entries) {
		if (how == BPF_NOEXIST)
			return -EEXIST;
		if (no_lock)
			return -EINVAL;
		store(sim, index, value);
		touch(sim, index);
		return 0;
	}
	if (is_array(sim))
		return -E2BIG;
	return how == BPF_EXIST ? -ENOENT : add_entry(sim, key, value);
}

int kl_sim_delete(struct kl_sim_map *sim, const void *key)
{
	u32 index;

	if (is_array(sim) || is_too_long(sim, key))
		return -EINVAL;
	index = index_of(sim, key);
	if (index >= sim->count)
		return -ENOENT;
	sim->used[index] = false;
	return 0;
}

bool kl_sim_each(struct kl_sim_map *sim, struct kps_each *each)
{
	u32 end = is_array(sim) ? sim->map->max_entries : sim->count;

	while (each->at < end && sim->used && !sim->used[each->at])
		each->at++;
	if (each->at >= end)
		return false;
	each->index = each->at++;
	each->key = is_array(sim) ? (uintptr_t)&each->index :
				    (uintptr_t)key_at(sim, each->index);
	each->value = (uintptr_t)value_at(sim, each->index);
	each->done++;
	return true;
}

/* The root cgroup's, of a direction or of both. */
void *kl_sim_local(const struct kl_sim_map *sim)
{
	bool out = kl_sim_now->hooknum >= NF_INET_LOCAL_OUT;

	return value_at(sim, sim->map->key_size != sizeof(u64) && out);
}

/* ------------------------------------------------------------------------
 * Values without keys, and stacks of calls
 */
static bool in_set(const struct kl_sim_map *sim, const void *value)
{
	u32 i;

	for (i = 0; i < sim->count; i++)
		if (!memcmp(value_at(sim, i), value, sim->map->value_size))
			return true;
	return false;
}

/* Beyond what was planned for, a filter is no more sure of anything. */
static int add_to_set(struct kl_sim_map *sim, const void *value, u64 flags)
{
	if (flags != BPF_ANY)
		return -EINVAL;
	if (!in_set(sim, value) && sim->count < sim->map->max_entries)
		memcpy(value_at(sim, sim->count++), value, sim->map->value_size);
	return 0;
}

int kl_sim_push(struct kl_sim_map *sim, const void *value, u64 flags)
{
	u32 room = sim->map->max_entries;

	if (type_of(sim) == BPF_MAP_TYPE_BLOOM_FILTER)
		return add_to_set(sim, value, flags);
	if (flags != BPF_ANY && flags != BPF_EXIST)
		return -EINVAL;
	if (sim->count == room && flags != BPF_EXIST)
		return -E2BIG;
	if (sim->count == room) {
		sim->first = (sim->first + 1) % room;
		sim->count--;
	}
	memcpy(value_at(sim, ((u64)sim->first + sim->count++) % room), value,
	       sim->map->value_size);
	return 0;
}

int kl_sim_take(struct kl_sim_map *sim, void *value, bool remove)
{
	bool stack = type_of(sim) == BPF_MAP_TYPE_STACK;
	u64 at = (u64)sim->first + (stack ? sim->count - 1 : 0);

	if (!sim->count) {
		memset(value, 0, sim->map->value_size);
		return -ENOENT;
	}
	memcpy(value, value_at(sim, at % sim->map->max_entries), sim->map->value_size);
	if (!remove)
		return 0;
	if (!stack)
		sim->first = (sim->first + 1) % sim->map->max_entries;
	sim->count--;
	return 0;
}

int kl_sim_peek(struct kl_sim_map *sim, void *value)
{
	if (type_of(sim) != BPF_MAP_TYPE_BLOOM_FILTER)
		return kl_sim_take(sim, value, false);
	if (sim->count == sim->map->max_entries)
		return 0;
	return in_set(sim, value) ? 0 : -ENOENT;
}

int kl_sim_stack(struct kl_sim_map *sim, u64 ip)
{
	u32 i;

	for (i = 0; i < sim->count; i++)
		if (!memcmp(value_at(sim, i), &ip, sizeof(ip)))
			return i;
	if (i == sim->map->max_entries)
		return -ENOMEM;
	memcpy(value_at(sim, i), &ip, sizeof(ip));
	return sim->count++;
}
