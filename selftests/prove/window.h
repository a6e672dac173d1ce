/* SPDX-License-Identifier: GPL-2.0-only */
/* Small windows onto the 64-bit numbers, around each boundary that rules know */
#ifndef KPS_PROVE_WINDOW_H
#define KPS_PROVE_WINDOW_H

#include "core/scalar.h"

#define WINDOW_POINTS	32
#define MAX_SETS	4096

/**
 * struct window_set - a set of numbers, and which points of the window are in it
 * @points: bit n for window[n]
 */
struct window_set {
	struct kps_scalar scalar;
	u32 points;
};

extern const u64 window[WINDOW_POINTS];

/** window_sets - every set that two points span, in each way of spanning one; their number */
u32 window_sets(struct window_set *out);

/** window_points - which points are in @s */
u32 window_points(const struct kps_scalar *s);

#endif
