// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reduced product knows only 64 and 32 bits, too many to try. What its rules
 * depend on is where ends lie: beside zero, the signs' and the halves' boundaries.
 * So take a few points around each of them, and the sets that they span.
 */

#include "prove/window.h"

#define B31	(1ULL << 31)
#define B32	(1ULL << 32)
#define B63	(1ULL << 63)

#define MAX_STEPS	100000

const u64 window[WINDOW_POINTS] = {
	0, 1, 2, 7, 40, B31 - 1, B31, B31 + 1,
	B32 - 40, B32 - 1, B32, B32 + 1, B32 + B31 - 1, B32 + B31, 2 * B32 - 1, 2 * B32,
	B63 - B32, B63 - B31, B63 - 1, B63, B63 + 1, B63 + B31 - 1, B63 + B31, B63 + B32,
	-2 * B32, -B32 - 1, -B32, -B31 - 1, -B31, -40ULL, -2ULL, -1ULL,
};

u32 window_points(const struct kps_scalar *s)
{
	u32 points = 0;
	int i;

	for (i = 0; i < WINDOW_POINTS; i++)
		if (kps_scalar_has(s, window[i]))
			points |= 1U << i;
	return points;
}

static void add_set(struct window_set *out, u32 *cnt, struct kps_scalar s)
{
	struct window_set set = { s, window_points(&s) };

	if (set.points && *cnt < MAX_SETS)
		out[(*cnt)++] = set;
}

/* By a join of two constants, by either reading, and by the bits in which they differ. */
static void span(struct window_set *out, u32 *cnt, u64 p, u64 q)
{
	struct kps_scalar s = kps_scalar_const(p), other = kps_scalar_const(q);

	kps_scalar_join(&s, &other);
	add_set(out, cnt, s);
	if (p < q)
		add_set(out, cnt, kps_scalar_unsigned(p, q));
	if ((s64)p < (s64)q)
		add_set(out, cnt, kps_scalar_signed(p, q));
	s = kps_scalar_any();
	s.bits = kps_tnum(p & q, p ^ q);
	other = kps_scalar_any();
	if (kps_scalar_meet(&s, &other))
		add_set(out, cnt, s);
}

/*
 * By steps from one to the other, few of which have a low half that may be: then the
 * ends of the interval need not be in step.
 */
static void add_steps(struct window_set *out, u32 *cnt, u64 p, u64 q, u64 step)
{
	struct kps_scalar s = kps_scalar_any();

	s.stride = (struct kps_stride){ step, p % step };
	s.r64.umin = p - min(p, 8 * B32);
	s.r64.umax = q + min(U64_MAX - q, 8 * B32);
	s.r32 = kps_range_unsigned(min_t(u32, p, q), max_t(u32, p, q), 32);
	if (kps_scalar_sync(&s))
		add_set(out, cnt, s);
}

/* Into a few steps, and by small ones. */
static void span_by_steps(struct window_set *out, u32 *cnt, u64 p, u64 q)
{
	u64 apart = q - p, n;

	for (n = 3; n < MAX_STEPS; n++) {
		if (apart % n)
			continue;
		if (apart / n <= U32_MAX && apart / n > 1)
			add_steps(out, cnt, p, q, apart / n);
		if (n > 40)
			add_steps(out, cnt, p, q, n);
		if (n > 40)
			break;
	}
}

u32 window_sets(struct window_set *out)
{
	u32 cnt = 0;
	int i, j;

	for (i = 0; i < WINDOW_POINTS; i++) {
		add_set(out, &cnt, kps_scalar_const(window[i]));
		for (j = 0; j < WINDOW_POINTS; j++) {
			if (i != j)
				span(out, &cnt, window[i], window[j]);
			if (window[i] < window[j])
				span_by_steps(out, &cnt, window[i], window[j]);
		}
	}
	return cnt;
}
