// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bits and ranges together: pairs of the window's sets, and all points in them.
 * Sizes are counted in points of the window, so they only compare.
 */

#include <stdlib.h>
#include <string.h>

#include <uapi/linux/bpf.h>

#include "lib/concrete.h"
#include "prove/prove.h"
#include "prove/window.h"

/* Of so many sets one is taken as the right operand, starting elsewhere for each left one. */
#define STRIDE		5
#define QUICK_STRIDE	61

bool prove_quick;

typedef void (*pair_fn)(const struct row *row, unsigned int w, const struct window_set *a,
			const struct window_set *b, struct tally *tally);

static void all_pairs(const struct row *row, unsigned int w, pair_fn each, struct tally *tally)
{
	struct window_set *sets = calloc(MAX_SETS, sizeof(*sets));
	u32 cnt = window_sets(sets), step = prove_quick ? QUICK_STRIDE : STRIDE, i, j;

	for (i = 0; i < cnt; i++)
		for (j = i % step; j < cnt; j += step)
			each(row, w, &sets[i], &sets[j], tally);
	free(sets);
}

/* The bounds that some result reaches are as good as can be. */
static void tally_bounds(struct tally *tally, bool holds, const struct kps_scalar *got,
			 const struct kps_range *hull)
{
	u64 reached = (got->r64.umin == hull->umin) + (got->r64.umax == hull->umax) +
		      (got->r64.smin == hull->smin) + (got->r64.smax == hull->smax);

	tally->cases++;
	tally->holes += !holds;
	tally->ends += 4;
	tally->reached += reached;
}

static void hull_add(struct kps_range *h, u64 n)
{
	h->umin = min(h->umin, n);
	h->umax = max(h->umax, n);
	h->smin = min_t(s64, h->smin, n);
	h->smax = max_t(s64, h->smax, n);
}

static const struct kps_range nothing = { U64_MAX, 0, S64_MAX, S64_MIN };

typedef void (*alu_fn)(u8 op, bool is_signed, unsigned int width, struct kps_scalar *a,
		       const struct kps_scalar *b);

static void pair_alu(const struct row *row, unsigned int w, const struct window_set *a,
		     const struct window_set *b, struct tally *tally)
{
	struct kps_scalar got = a->scalar;
	struct kps_range hull = nothing;
	bool holds = true;
	u32 x, y;
	u64 n;

	((alu_fn)row->fn)(row->op, row->is_signed, w, &got, &b->scalar);
	for (x = a->points; x; x &= x - 1) {
		for (y = b->points; y; y &= y - 1) {
			n = concrete_alu(row->op, row->is_signed, window[__ffs64(x)],
					 window[__ffs64(y)], w);
			holds &= kps_scalar_has(&got, n);
			hull_add(&hull, n);
		}
	}
	tally_bounds(tally, holds, &got, &hull);
}

static void alu(const struct row *row, unsigned int w, struct tally *tally)
{
	all_pairs(row, w, pair_alu, tally);
}

typedef bool (*assume_fn)(u8 op, unsigned int width, bool taken, struct kps_scalar *a,
			  struct kps_scalar *b);

/* What points each point compares with as true, as the left and as the right operand. */
static u32 true_with[2][WINDOW_POINTS];

static void compare_points(u8 op, unsigned int w)
{
	u64 x, y;

	memset(true_with, 0, sizeof(true_with));
	for (x = 0; x < WINDOW_POINTS; x++) {
		for (y = 0; y < WINDOW_POINTS; y++) {
			if (!concrete_jump(op, window[x], window[y], w))
				continue;
			true_with[0][x] |= 1U << y;
			true_with[1][y] |= 1U << x;
		}
	}
}

/* Which points of @a have one in @b with which the comparison has this outcome. */
static u32 partners(const u32 *with, bool taken, u32 a, u32 b)
{
	u32 x, out = 0;

	for (x = a; x; x &= x - 1)
		if ((taken ? with[__ffs64(x)] : ~with[__ffs64(x)]) & b)
			out |= x & -x;
	return out;
}

static void one_outcome(const struct row *row, unsigned int w, bool taken,
			const struct window_set *a, const struct window_set *b,
			struct tally *tally)
{
	u32 best_a = partners(true_with[0], taken, a->points, b->points);
	u32 best_b = partners(true_with[1], taken, b->points, a->points);
	struct kps_scalar x = a->scalar, y = b->scalar;
	u32 got_a = 0, got_b = 0;

	if (((assume_fn)row->fn)(row->op, w, taken, &x, &y)) {
		got_a = window_points(&x);
		got_b = window_points(&y);
	}
	tally_result(tally, !(best_a & ~got_a) && !(best_b & ~got_b),
		     hweight32(got_a) + hweight32(got_b), hweight32(best_a) + hweight32(best_b));
}

static void pair_assume(const struct row *row, unsigned int w, const struct window_set *a,
			const struct window_set *b, struct tally *tally)
{
	one_outcome(row, w, true, a, b, tally);
	one_outcome(row, w, false, a, b, tally);
}

static void assume(const struct row *row, unsigned int w, struct tally *tally)
{
	compare_points(row->op, w);
	all_pairs(row, w, pair_assume, tally);
}

static void pair_join(const struct row *row, unsigned int w, const struct window_set *a,
		      const struct window_set *b, struct tally *tally)
{
	struct kps_scalar got = a->scalar;
	struct kps_range hull = nothing;
	u32 either = a->points | b->points, n;

	(void)w;
	((void (*)(struct kps_scalar *, const struct kps_scalar *))row->fn)(&got, &b->scalar);
	for (n = either; n; n &= n - 1)
		hull_add(&hull, window[__ffs64(n)]);
	tally_bounds(tally, !(either & ~window_points(&got)), &got, &hull);
}

static void pair_meet(const struct row *row, unsigned int w, const struct window_set *a,
		      const struct window_set *b, struct tally *tally)
{
	struct kps_scalar got = a->scalar;
	u32 both = a->points & b->points;
	bool some = ((bool (*)(struct kps_scalar *, const struct kps_scalar *))row->fn)
		    (&got, &b->scalar);
	u32 points = some ? window_points(&got) : 0;

	(void)w;
	tally_result(tally, !(both & ~points), hweight32(points), hweight32(both));
}

static void pair_in(const struct row *row, unsigned int w, const struct window_set *a,
		    const struct window_set *b, struct tally *tally)
{
	bool in = ((bool (*)(const struct kps_scalar *, const struct kps_scalar *))row->fn)
		  (&a->scalar, &b->scalar);

	(void)w;
	tally_result(tally, !in || !(a->points & ~b->points), !in, (a->points & ~b->points) != 0);
}

static void sets(const struct row *row, unsigned int w, struct tally *tally)
{
	static const pair_fn kinds[] = { pair_join, pair_meet, pair_in };

	all_pairs(row, w, kinds[row->op], tally);
}

static u64 one_extended(u64 n, bool is_signed, unsigned int from, unsigned int to)
{
	s64 s = concrete_sext(n, from);

	return (is_signed ? (u64)s : n & (~0ULL >> (64 - from))) & (~0ULL >> (64 - to));
}

static void extend_one(const struct row *row, unsigned int from, unsigned int to,
		       const struct window_set *set, struct tally *tally)
{
	struct kps_scalar got = set->scalar;
	struct kps_range hull = nothing;
	bool holds = true;
	u32 x;
	u64 n;

	if (row->is_signed)
		((void (*)(struct kps_scalar *, unsigned int, unsigned int))row->fn)
			(&got, from, to);
	else
		((void (*)(struct kps_scalar *, unsigned int))row->fn)(&got, from);
	for (x = set->points; x; x &= x - 1) {
		n = one_extended(window[__ffs64(x)], row->is_signed, from, to);
		holds &= kps_scalar_has(&got, n);
		hull_add(&hull, n);
	}
	tally_bounds(tally, holds, &got, &hull);
}

static void extend(const struct row *row, unsigned int w, struct tally *tally)
{
	struct window_set *sets = calloc(MAX_SETS, sizeof(*sets));
	u32 cnt = window_sets(sets), i, from;

	for (i = 0; i < cnt; i++)
		for (from = 8; from <= (row->is_signed ? 32 : w); from *= 2)
			extend_one(row, from, w, &sets[i], tally);
	free(sets);
}

/* A 32-bit outcome says nothing of the upper halves. */
static bool wrong_assume(u8 op, unsigned int width, bool taken, struct kps_scalar *a,
			 struct kps_scalar *b)
{
	(void)width;
	return kps_scalar_assume(op, 64, taken, a, b);
}

/* The low halves of operands don't tell a quotient's. */
static void wrong_alu(u8 op, bool is_signed, unsigned int width, struct kps_scalar *a,
		      const struct kps_scalar *b)
{
	(void)width;
	kps_scalar_alu(op, is_signed, 64, a, b);
	kps_scalar_zext(a, 32);
}

#define ALU(name, op, is_signed)						\
	{ name, alu, op, is_signed, PROVE_FN(kps_scalar_alu), 64, 64, 0 },	\
	{ name, alu, op, is_signed, PROVE_FN(kps_scalar_alu), 32, 32, 0 }

const struct row scalar_rows[] = {
	ALU("scalar add", BPF_ADD, 0), ALU("scalar sub", BPF_SUB, 0),
	ALU("scalar mul", BPF_MUL, 0), ALU("scalar and", BPF_AND, 0),
	ALU("scalar or", BPF_OR, 0), ALU("scalar xor", BPF_XOR, 0),
	ALU("scalar lsh", BPF_LSH, 0), ALU("scalar rsh", BPF_RSH, 0),
	ALU("scalar arsh", BPF_ARSH, 0), ALU("scalar div", BPF_DIV, 0),
	ALU("scalar mod", BPF_MOD, 0), ALU("scalar sdiv", BPF_DIV, 1),
	ALU("scalar smod", BPF_MOD, 1),
	{ "scalar join", sets, 0, 0, PROVE_FN(kps_scalar_join), 64, 64, 0 },
	{ "scalar meet", sets, 1, 0, PROVE_FN(kps_scalar_meet), 64, 64, 0 },
	{ "scalar in", sets, 2, 0, PROVE_FN(kps_scalar_in), 64, 64, 0 },
	{ "scalar zext", extend, 0, 0, PROVE_FN(kps_scalar_zext), 64, 64, 0 },
	{ "scalar sext", extend, 0, 1, PROVE_FN(kps_scalar_sext), 64, 64, 0 },
	{ "scalar sext", extend, 0, 1, PROVE_FN(kps_scalar_sext), 32, 32, 0 },
	{ "a wrong scalar div", alu, BPF_DIV, 0, PROVE_FN(wrong_alu), 32, 32, 1 },
	{ }
};

#define ASSUME(name, op)							\
	{ name, assume, op, 0, PROVE_FN(kps_scalar_assume), 64, 64, 0 },	\
	{ name, assume, op, 0, PROVE_FN(kps_scalar_assume), 32, 32, 0 }

const struct row assume_rows[] = {
	ASSUME("assume ==", BPF_JEQ), ASSUME("assume !=", BPF_JNE),
	ASSUME("assume >", BPF_JGT), ASSUME("assume >=", BPF_JGE),
	ASSUME("assume <", BPF_JLT), ASSUME("assume <=", BPF_JLE),
	ASSUME("assume s>", BPF_JSGT), ASSUME("assume s>=", BPF_JSGE),
	ASSUME("assume s<", BPF_JSLT), ASSUME("assume s<=", BPF_JSLE),
	ASSUME("assume &", BPF_JSET),
	{ "a wrong assume <", assume, BPF_JLT, 0, PROVE_FN(wrong_assume), 32, 32, 1 },
	{ }
};
