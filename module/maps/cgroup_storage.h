/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - cgroup storage: what both types share. Keys say which of a few values it is */
#ifndef KPS_CGROUP_STORAGE_H
#define KPS_CGROUP_STORAGE_H

#include <linux/types.h>
#include <uapi/linux/bpf.h>

#include "map.h"

/*
 * In Linux a cgroup that a program is attached to has a value in the program's map.
 * Hooks of netfilter see what all of a network namespace's sockets send and receive, as
 * a program does that is attached to the root: so there are the root's values, for as
 * long as the map is there. Its places are those of enum bpf_attach_type.
 */
#define KPS_STORAGE_PLACES (BPF_CGROUP_INET_EGRESS + 1)

/** kps_storage_check - see struct kps_map_ops; @most: bytes of a value */
int kps_storage_check(const struct kapsel_map_create *arg, u32 most);

/** kps_storage_count - values that a map with such keys has: one a direction, or one */
static inline u32 kps_storage_count(u32 key_size)
{
	return key_size == sizeof(u64) ? 1 : KPS_STORAGE_PLACES;
}

/** kps_storage_at - the place of a direction's value, enum bpf_attach_type */
static inline u32 kps_storage_at(const struct kps_map *map, u32 direction)
{
	return map->key_size == sizeof(u64) ? 0 : direction;
}

/** kps_storage_place - a key's place, or -ENOENT */
int kps_storage_place(const struct kps_map *map, const void *key);

/* See struct kps_map_ops. */
long kps_storage_remove(struct kps_map *map, const void *key);
int kps_storage_next_key(struct kps_map *map, const void *key, void *next);
int kps_storage_batch(struct kps_map *map, struct kps_batch *batch);
u32 kps_storage_used(struct kps_map *map);

#endif
