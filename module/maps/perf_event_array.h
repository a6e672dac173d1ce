/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - perf event array: what its helper does. Any context */
#ifndef KPS_PERF_EVENT_ARRAY_H
#define KPS_PERF_EVENT_ARRAY_H

#include <linux/types.h>

struct kps_map;

/**
 * kps_perf_reserve - room for a record, for kps_ringbuf_submit()
 * @map: the array
 * @size: bytes
 * @flags: the CPU, or BPF_F_CURRENT_CPU
 *
 * Return: the room, or ERR_PTR, which is counted: -E2BIG the array is smaller,
 * -ENOENT nobody reads, -EOPNOTSUPP another CPU's, -ENOSPC full.
 */
void *kps_perf_reserve(struct kps_map *map, u64 size, u64 flags);

#endif
