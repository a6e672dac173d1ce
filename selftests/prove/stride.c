// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps: small ones with every rest, and large ones around each boundary, against
 * the same on integers of 128 bits. Of each set the first and the last members that
 * 64 bits hold are tried.
 */

#include "prove/prove.h"

#define MEMBERS		6
#define MAX_STRIDES	256
#define BY_CNT		ARRAY_SIZE(by)

#define integer __int128

static const u32 large[] = { 24, 1000003, 1U << 31, (1U << 31) + 1, U32_MAX - 1, U32_MAX };
static const s64 by[] = { 1, 2, 3, 24, 40, S32_MAX, U32_MAX, 1LL << 32, S64_MAX, -1, -7, -24,
			  S32_MIN, -(1LL << 32), S64_MIN };

static struct kps_stride stride[MAX_STRIDES];
static u32 stride_cnt;

static void all_strides(u32 most)
{
	u32 step, rest, i;

	stride_cnt = 0;
	stride[stride_cnt++] = (struct kps_stride){ .step = 0 };
	for (step = 2; step <= most; step++)
		for (rest = 0; rest < step; rest++)
			stride[stride_cnt++] = (struct kps_stride){ step, rest };
	for (i = 0; i < ARRAY_SIZE(large); i++) {
		u32 rests[] = { 0, 1, large[i] / 2, large[i] - 1 };

		for (rest = 0; rest < ARRAY_SIZE(rests); rest++)
			stride[stride_cnt++] = (struct kps_stride){ large[i], rests[rest] };
	}
}

static u64 member(struct kps_stride s, u32 i)
{
	u64 step = s.step ?: 1, away = step * (i / 2);

	return i % 2 ? U64_MAX - (U64_MAX - s.rest) % step - away : s.rest + away;
}

/* A well-formed set, with @n in it. */
static bool has(struct kps_stride s, integer n)
{
	if (!s.step)
		return !s.rest;
	return s.step > 1 && s.rest < s.step && (n - s.rest) % s.step == 0;
}

static void tally_case(struct tally *tally, bool holds)
{
	tally_result(tally, holds, 0, 0);
}

static void pair_add(const struct row *row, struct kps_stride a, struct kps_stride b,
		     struct tally *tally)
{
	struct kps_stride sum = ((struct kps_stride (*)(struct kps_stride,
							struct kps_stride))row->fn)(a, b);
	bool holds = true;
	u32 i;

	for (i = 0; i < MEMBERS * MEMBERS; i++)
		holds &= has(sum, (integer)member(a, i % MEMBERS) + member(b, i / MEMBERS));
	tally_case(tally, holds);
}

typedef struct kps_stride (*join_fn)(struct kps_stride a, u64 a_member, struct kps_stride b,
				     u64 b_member);

/* Of step 0 a set is its member alone. */
static void pair_join(const struct row *row, struct kps_stride a, struct kps_stride b,
		      struct tally *tally)
{
	u32 i, n;

	for (i = 0; i < MEMBERS * MEMBERS; i++) {
		u64 x = member(a, i % MEMBERS), y = member(b, i / MEMBERS);
		struct kps_stride got = ((join_fn)row->fn)(a, x, b, y);
		bool holds = true;

		for (n = 0; n < MEMBERS; n++)
			holds &= has(got, a.step ? member(a, n) : x) &&
				 has(got, b.step ? member(b, n) : y);
		tally_case(tally, holds);
	}
}

static void pair_in(const struct row *row, struct kps_stride a, struct kps_stride b,
		    struct tally *tally)
{
	bool in, all = true;
	u32 i;

	if (!b.step)
		return;
	in = ((bool (*)(struct kps_stride, struct kps_stride))row->fn)(a, b);
	for (i = 0; i < MEMBERS; i++)
		all &= has(b, member(a, i));
	tally_case(tally, in == all);
}

static void pairs(const struct row *row, unsigned int most, struct tally *tally)
{
	static void (*const kinds[])(const struct row *row, struct kps_stride a,
				     struct kps_stride b, struct tally *tally) = {
		pair_add, pair_join, pair_in,
	};
	u32 i, j;

	all_strides(most);
	for (i = 0; i < stride_cnt; i++)
		for (j = 0; j < stride_cnt; j++)
			kinds[row->op](row, stride[i], stride[j], tally);
}

/* Products with more than 32 bits are not followed. */
static void one_scale(const struct row *row, struct kps_stride s, s64 n, struct tally *tally)
{
	u32 times = (u32)n ?: U32_MAX, i;
	struct kps_stride got = ((struct kps_stride (*)(struct kps_stride,
							u64))row->fn)(s, times);
	bool holds = true;

	for (i = 0; i < MEMBERS; i++)
		holds &= has(got, (integer)member(s, i) * times);
	tally_case(tally, holds);
}

static void one_shift(const struct row *row, struct kps_stride s, s64 n, struct tally *tally)
{
	struct kps_stride got = ((struct kps_stride (*)(struct kps_stride, s64))row->fn)(s, n);
	bool holds = true;
	u32 i;

	for (i = 0; i < MEMBERS; i++)
		holds &= has(got, (integer)member(s, i) + n);
	tally_case(tally, holds);
}

static void one_negate(const struct row *row, struct kps_stride s, s64 n, struct tally *tally)
{
	struct kps_stride got = ((struct kps_stride (*)(struct kps_stride))row->fn)(s);
	bool holds = true;
	u32 i;

	(void)n;
	for (i = 0; i < MEMBERS; i++)
		holds &= has(got, -(integer)member(s, i));
	tally_case(tally, holds);
}

/* From beside each member to @n numbers further: the first and the last one in step. */
static void one_cut(const struct row *row, struct kps_stride s, s64 n, struct tally *tally)
{
	u32 i;

	if (!s.step)
		return;
	for (i = 0; i < 3 * MEMBERS; i++) {
		u64 min = member(s, i / 3) + i % 3 - 1, max = min + (u64)n, lo = min, hi = max;
		integer first = min + ((integer)s.rest + s.step - min % s.step) % s.step;
		integer last = max - ((integer)s.step + max % s.step - s.rest) % s.step;
		bool some;

		if (max < min)
			continue;
		some = ((bool (*)(struct kps_stride, u64 *, u64 *))row->fn)(s, &lo, &hi);
		tally_case(tally, first > last ? !some : some && lo == first && hi == last);
	}
}

static void each(const struct row *row, unsigned int most, struct tally *tally)
{
	static void (*const kinds[])(const struct row *row, struct kps_stride s, s64 n,
				     struct tally *tally) = {
		one_scale, one_shift, one_negate, one_cut,
	};
	u32 i, j;

	all_strides(most);
	for (i = 0; i < stride_cnt; i++)
		for (j = 0; j < BY_CNT; j++)
			kinds[row->op](row, stride[i], by[j], tally);
}

/* How far apart members are counts, too. */
static struct kps_stride wrong_join(struct kps_stride a, u64 a_member, struct kps_stride b,
				    u64 b_member)
{
	(void)b_member;
	return kps_stride_join(a, a_member, b, a_member);
}

const struct row stride_rows[] = {
	{ "stride add", pairs, 0, 0, PROVE_FN(kps_stride_add), 9, 16, 0 },
	{ "stride join", pairs, 1, 0, PROVE_FN(kps_stride_join), 9, 16, 0 },
	{ "stride in", pairs, 2, 0, PROVE_FN(kps_stride_in), 9, 16, 0 },
	{ "stride scale", each, 0, 0, PROVE_FN(kps_stride_scale), 9, 16, 0 },
	{ "stride shift", each, 1, 0, PROVE_FN(kps_stride_shift), 9, 16, 0 },
	{ "stride negate", each, 2, 0, PROVE_FN(kps_stride_negate), 9, 16, 0 },
	{ "stride cut", each, 3, 0, PROVE_FN(kps_stride_cut), 9, 16, 0 },
	{ "a wrong stride join", pairs, 1, 0, PROVE_FN(wrong_join), 9, 9, 1 },
	{ }
};
