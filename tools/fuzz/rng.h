/* SPDX-License-Identifier: GPL-2.0-only */
/* Repeatable chance */
#ifndef FZ_RNG_H
#define FZ_RNG_H

#include <linux/types.h>

/** struct fz_rng - splitmix64: any seed will do */
struct fz_rng {
	u64 state;
};

static inline u64 fz_rand(struct fz_rng *r)
{
	u64 z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/** fz_below - a number in [0, @n) */
static inline u32 fz_below(struct fz_rng *r, u32 n)
{
	return n ? fz_rand(r) % n : 0;
}

/** fz_in - a number in [@lo, @hi] */
static inline s64 fz_in(struct fz_rng *r, s64 lo, s64 hi)
{
	return lo + (s64)(fz_rand(r) % (u64)(hi - lo + 1));
}

/** fz_chance - true @percent times in a hundred */
static inline bool fz_chance(struct fz_rng *r, u32 percent)
{
	return fz_below(r, 100) < percent;
}

#endif
