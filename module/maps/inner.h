/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - maps in maps: what both types of them share */
#ifndef KPS_MAPS_INNER_H
#define KPS_MAPS_INNER_H

#include <linux/types.h>

struct kapsel_map_create;
struct kps_map;

/** kps_inner_like - say what the maps in @map are like, by inner_map_fd; 0 or -errno */
int kps_inner_like(struct kps_map *map, const struct kapsel_map_create *arg);

/**
 * kps_inner_get - a reference to a map that may be put into another
 * @map: the other
 * @value: a descriptor, u32
 *
 * Return: the map, or ERR_PTR: EBADF; EINVAL: not a map, or not like the others.
 */
struct kps_map *kps_inner_get(const struct kps_map *map, const void *value);

#endif
