/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that are the same in each run */
#ifndef KM_RANDOM_H
#define KM_RANDOM_H

#include <linux/types.h>

/** km_random - the next number; @seed is not 0, and moves on */
static inline __u32 km_random(__u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 16;
}

/* Of those who are content with one sequence: where it is. */
static __u64 km_random_state = 1;

/** km_rnd - that sequence's next number, below @below */
static inline __u32 km_rnd(__u32 below)
{
	return km_random(&km_random_state) % below;
}

#endif
