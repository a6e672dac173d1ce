/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - cgroup array: what its helper does. Any context */
#ifndef KPS_CGROUP_ARRAY_H
#define KPS_CGROUP_ARRAY_H

#include <linux/types.h>

struct kps_map;

/**
 * kps_cgroup_holds_current - is the current task in a cgroup or below it?
 *
 * Return: 1, 0, -E2BIG the array is smaller, or -EAGAIN there is no cgroup.
 */
long kps_cgroup_holds_current(struct kps_map *map, u32 index);

#endif
