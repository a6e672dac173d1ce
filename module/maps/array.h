/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - what array and per-CPU array share: keys are indexes */
#ifndef KPS_ARRAY_H
#define KPS_ARRAY_H

#include <linux/types.h>

struct kps_batch;
struct kps_map;

long kps_array_remove(struct kps_map *map, const void *key);
int kps_array_next_key(struct kps_map *map, const void *key, void *next);
int kps_array_batch(struct kps_map *map, struct kps_batch *batch);
u32 kps_array_used(struct kps_map *map);

#endif
