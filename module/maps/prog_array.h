/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - program arrays: what tail calls ask of them */
#ifndef KPS_PROG_ARRAY_H
#define KPS_PROG_ARRAY_H

#include <linux/types.h>

struct kps_map;
struct kps_prog;

/**
 * kps_prog_array_at - the program at an index, or NULL
 *
 * Any context; it lives as long as preemption stays off.
 */
const struct kps_prog *kps_prog_array_at(struct kps_map *map, u32 index);

/** kps_prog_array_type - KAPSEL_PROG_* of its programs; 0: none yet, or another map */
u32 kps_prog_array_type(const struct kps_map *map);

/**
 * kps_prog_array_claim - say of which type the programs are, if nobody did
 *
 * Return: whether it is that type now; of a map of another kind: true.
 */
bool kps_prog_array_claim(struct kps_map *map, u32 type);

#endif
