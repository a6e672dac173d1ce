// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - maps of offline runs; a per-CPU map has one CPU */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "sim.h"

static bool is_array(const struct kl_sim_map *sim)
{
	return sim->map->type == BPF_MAP_TYPE_ARRAY ||
	       sim->map->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static size_t stride(const struct kl_sim_map *sim)
{
	return ALIGN((size_t)sim->map->value_size, 8);
}

int kl_sim_map_init(struct kl_sim_map *sim, const struct kapsel_map *map)
{
	memset(sim, 0, sizeof(*sim));
	sim->map = map;
	if (kapsel_has_records(map->type) || map->type == BPF_MAP_TYPE_CGROUP_ARRAY ||
	    map->type == BPF_MAP_TYPE_PROG_ARRAY || map->inner)
		return 0;
	sim->values = calloc(map->max_entries, stride(sim));
	if (!is_array(sim)) {
		sim->keys = calloc(map->max_entries, map->key_size);
		sim->used = calloc(map->max_entries, sizeof(*sim->used));
	}
	if (!sim->values || (!is_array(sim) && (!sim->keys || !sim->used))) {
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
	memset(sim, 0, sizeof(*sim));
}

static u32 index_of(const struct kl_sim_map *sim, const void *key)
{
	u32 index, i;

	if (is_array(sim)) {
		memcpy(&index, key, sizeof(index));
		return index;
	}
	for (i = 0; i < sim->count; i++)
		if (sim->used[i] && !memcmp(sim->keys + (size_t)i * sim->map->key_size, key,
					    sim->map->key_size))
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

static void *value_in(struct kl_sim_map *sim, const void *key)
{
	u32 index = sim->values ? index_of(sim, key) : U32_MAX;

	if (index >= sim->map->max_entries)
		return NULL;
	return sim->values + index * stride(sim);
}

void *kl_sim_lookup(struct kl_sim_map *sim, const void *key)
{
	if (sim->map->inner)
		return map_in(sim, key);
	return value_in(sim, key);
}

static int add_entry(struct kl_sim_map *sim, const void *key, const void *value)
{
	u32 i = 0;

	while (i < sim->count && sim->used[i])
		i++;
	if (i == sim->map->max_entries)
		return -E2BIG;
	sim->count = max(sim->count, i + 1);
	sim->used[i] = true;
	memcpy(sim->keys + (size_t)i * sim->map->key_size, key, sim->map->key_size);
	memcpy(sim->values + i * stride(sim), value, sim->map->value_size);
	return 0;
}

int kl_sim_update(struct kl_sim_map *sim, const void *key, const void *value, u64 flags)
{
	void *there = kl_sim_lookup(sim, key);

	if (flags > BPF_EXIST)
		return -EINVAL;
	if (there && flags == BPF_NOEXIST)
		return -EEXIST;
	if (there) {
		memcpy(there, value, sim->map->value_size);
		return 0;
	}
	if (is_array(sim))
		return -E2BIG;
	return flags == BPF_EXIST ? -ENOENT : add_entry(sim, key, value);
}

int kl_sim_delete(struct kl_sim_map *sim, const void *key)
{
	u32 index;

	if (is_array(sim))
		return -EINVAL;
	index = index_of(sim, key);
	if (index >= sim->count)
		return -ENOENT;
	sim->used[index] = false;
	return 0;
}

int kl_sim_stack(struct kl_sim_map *sim, u64 ip)
{
	u32 i;

	for (i = 0; i < sim->count; i++)
		if (!memcmp(sim->values + i * stride(sim), &ip, sizeof(ip)))
			return i;
	if (i == sim->map->max_entries)
		return -ENOMEM;
	memcpy(sim->values + i * stride(sim), &ip, sizeof(ip));
	sim->used[i] = true;
	return sim->count++;
}
