// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracked numbers, all of them. A result holds all that it should if it holds the
 * smallest tnum around it, and that is found without going through all pairs of
 * members again: what two halves of an operand give, joined.
 */

#include <stdlib.h>

#include <uapi/linux/bpf.h>

#include "lib/concrete.h"
#include "prove/prove.h"

#define MAX_WIDTH	8

typedef struct kps_tnum (*binary_fn)(struct kps_tnum a, struct kps_tnum b);
typedef struct kps_tnum (*amount_fn)(struct kps_tnum a, unsigned int n);

/* Bits that all members have, and bits that some member has; none: no members. */
struct hull {
	u64 all;
	u64 some;
};

static const struct hull nothing = { ~0ULL, 0 };

static struct hull hull_join(struct hull a, struct hull b)
{
	return (struct hull){ a.all & b.all, a.some | b.some };
}

static void hull_add(struct hull *h, u64 n)
{
	h->all &= n;
	h->some |= n;
}

static void tally_tnum(struct tally *tally, struct kps_tnum got, struct hull best)
{
	u64 differ = best.all ^ best.some;
	bool holds = !(got.value & got.mask) && !(differ & ~got.mask) &&
		     !((best.all ^ got.value) & ~got.mask);

	tally_result(tally, holds, 1ULL << hweight64(got.mask), 1ULL << hweight64(differ));
}

/* What each number makes of the members of @b. */
static void image_of_numbers(const struct row *row, unsigned int w, struct kps_tnum b,
			     struct hull *out)
{
	u64 x, y;

	for (x = 0; x <= kps_width_mask(w); x++) {
		out[x] = nothing;
		for (y = 0; y <= kps_width_mask(w); y++)
			if ((y & ~b.mask) == b.value)
				hull_add(&out[x], concrete_alu(row->op, false, x, y, w));
	}
}

/* @best[mask][value]: what the tnum makes of @b; [0] is filled in. */
static void tnums_against(const struct row *row, unsigned int w, struct kps_tnum b,
			  struct hull (*best)[1 << MAX_WIDTH], struct tally *tally)
{
	binary_fn fn = (binary_fn)row->fn;
	u64 mask, value, top;

	for (mask = 0; mask <= kps_width_mask(w); mask++) {
		top = mask ? 1ULL << (fls64(mask) - 1) : 0;
		for (value = 0; value <= kps_width_mask(w); value++) {
			if (value & mask)
				continue;
			if (mask)
				best[mask][value] = hull_join(best[mask ^ top][value],
							      best[mask ^ top][value | top]);
			tally_tnum(tally, kps_tnum_cut(fn(kps_tnum(value, mask), b), w),
				   best[mask][value]);
		}
	}
}

/* Every tnum against every other. */
static void binary(const struct row *row, unsigned int w, struct tally *tally)
{
	static struct hull best[1 << MAX_WIDTH][1 << MAX_WIDTH];
	u64 mask, value;

	for (mask = 0; mask <= kps_width_mask(w); mask++) {
		for (value = 0; value <= kps_width_mask(w); value++) {
			if (value & mask)
				continue;
			image_of_numbers(row, w, kps_tnum(value, mask), best[0]);
			tnums_against(row, w, kps_tnum(value, mask), best, tally);
		}
	}
}

/* Members of @t after @each. */
static struct hull image(struct kps_tnum t, u64 (*each)(u64 n, unsigned int by, unsigned int w),
			 unsigned int by, unsigned int w)
{
	struct hull h = nothing;
	u64 n;

	for (n = 0; n <= kps_width_mask(w); n++)
		if ((n & ~t.mask) == t.value)
			hull_add(&h, each(n, by, w));
	return h;
}

static u64 one_lsh(u64 n, unsigned int by, unsigned int w)
{
	return concrete_alu(BPF_LSH, false, n, by, w);
}

static u64 one_rsh(u64 n, unsigned int by, unsigned int w)
{
	return concrete_alu(BPF_RSH, false, n, by, w);
}

static u64 one_arsh(u64 n, unsigned int by, unsigned int w)
{
	return concrete_alu(BPF_ARSH, false, n, by, w);
}

static void shift(const struct row *row, unsigned int w, struct tally *tally)
{
	u64 (*each)(u64 n, unsigned int by, unsigned int w) =
		row->op == BPF_LSH ? one_lsh : row->op == BPF_RSH ? one_rsh : one_arsh;
	u64 mask, value, n;

	for (n = 0; n < (1ULL << (2 * w)) * w; n++) {
		mask = n / w & kps_width_mask(w);
		value = n / w >> w;
		if (!(value & mask)) {
			struct kps_tnum t = kps_tnum(value, mask), wide = t;

			if (row->op == BPF_ARSH)
				wide = kps_tnum_sext(t, w);
			tally_tnum(tally, kps_tnum_cut(((amount_fn)row->fn)(wide, n % w), w),
				   image(t, each, n % w, w));
		}
	}
}

static u64 one_sext(u64 n, unsigned int from, unsigned int w)
{
	(void)w;
	return concrete_sext(n, from);
}

static u64 one_cut(u64 n, unsigned int to, unsigned int w)
{
	(void)w;
	return n & (~0ULL >> (64 - to));
}

/* To and from every width up to @w, all 64 bits of the result. */
static void resize(const struct row *row, unsigned int w, struct tally *tally)
{
	u64 mask, value;
	unsigned int to;

	for (mask = 0; mask <= kps_width_mask(w); mask++) {
		for (value = 0; value <= kps_width_mask(w); value++) {
			struct kps_tnum t = kps_tnum(value, mask);

			for (to = 1; !(value & mask) && to <= w; to++)
				tally_tnum(tally, ((amount_fn)row->fn)(t, to),
					   image(t, row->is_signed ? one_sext : one_cut, to, w));
		}
	}
}

/* kps_tnum_range() of every interval. */
static void intervals(const struct row *row, unsigned int w, struct tally *tally)
{
	struct kps_tnum (*fn)(u64 min, u64 max) = (struct kps_tnum (*)(u64, u64))row->fn;
	u64 min, max;

	for (min = 0; min <= kps_width_mask(w); min++) {
		struct hull h = nothing;

		for (max = min; max <= kps_width_mask(w); max++) {
			hull_add(&h, max);
			tally_tnum(tally, fn(min, max), h);
		}
	}
}

/* Sets of two operands: members are marked in a bitmap, 4 words for 8 bits. */
#define WORDS	((1 << MAX_WIDTH) / 64)

struct members {
	u64 word[WORDS];
};

static struct members members_of(struct kps_tnum t, unsigned int w)
{
	struct members m = { };
	u64 n;

	for (n = 0; n <= kps_width_mask(w); n++)
		if ((n & ~t.mask) == t.value)
			m.word[n / 64] |= 1ULL << (n % 64);
	return m;
}

struct pair {
	struct kps_tnum a, b;
	struct members in_a, in_b;
};

typedef void (*pair_fn)(const struct row *row, unsigned int w, const struct pair *pair,
			struct tally *tally);

static u64 shared_members(const struct pair *p)
{
	u64 i, cnt = 0;

	for (i = 0; i < WORDS; i++)
		cnt += hweight64(p->in_a.word[i] & p->in_b.word[i]);
	return cnt;
}

static void pair_join(const struct row *row, unsigned int w, const struct pair *p,
		      struct tally *tally)
{
	struct hull a = { p->a.value, p->a.value | p->a.mask };
	struct hull b = { p->b.value, p->b.value | p->b.mask };

	(void)w;
	tally_tnum(tally, ((binary_fn)row->fn)(p->a, p->b), hull_join(a, b));
}

/* The result is exactly what is in both; kps_tnum_meet() says when that is nothing. */
static void pair_meet(const struct row *row, unsigned int w, const struct pair *p,
		      struct tally *tally)
{
	struct kps_tnum got;
	bool some = ((bool (*)(struct kps_tnum, struct kps_tnum, struct kps_tnum *))row->fn)
		    (p->a, p->b, &got);
	u64 i, best = shared_members(p);
	bool holds = some || !best;

	if (some) {
		struct members m = members_of(got, w);

		for (i = 0; i < WORDS; i++)
			holds &= !(p->in_a.word[i] & p->in_b.word[i] & ~m.word[i]);
	}
	tally_result(tally, holds, some ? 1ULL << hweight64(got.mask) : 0, best);
}

/* "In" when some member is not is a hole; "not in" when all are is only not best. */
static void pair_in(const struct row *row, unsigned int w, const struct pair *p,
		    struct tally *tally)
{
	bool in = ((bool (*)(struct kps_tnum, struct kps_tnum))row->fn)(p->a, p->b);
	bool is_in = shared_members(p) == 1ULL << hweight64(p->a.mask);

	(void)w;
	tally_result(tally, is_in || !in, !in, !is_in);
}

static void pairs_with(const struct row *row, unsigned int w, pair_fn each, struct pair *p,
		       struct tally *tally)
{
	u64 mask, value;

	for (mask = 0; mask <= kps_width_mask(w); mask++) {
		for (value = 0; value <= kps_width_mask(w); value++) {
			if (value & mask)
				continue;
			p->b = kps_tnum(value, mask);
			p->in_b = members_of(p->b, w);
			each(row, w, p, tally);
		}
	}
}

static void pairs(const struct row *row, unsigned int w, struct tally *tally)
{
	static const pair_fn kinds[] = { pair_join, pair_meet, pair_in };
	struct pair p;
	u64 n;

	for (n = 0; n < 1ULL << (2 * w); n++) {
		p.a = kps_tnum(n >> w, n & kps_width_mask(w));
		if (p.a.value & p.a.mask)
			continue;
		p.in_a = members_of(p.a, w);
		pairs_with(row, w, kinds[row->op], &p, tally);
	}
}

/* Forgets that a carry may come from unknown bits of both operands. */
static struct kps_tnum wrong_add(struct kps_tnum a, struct kps_tnum b)
{
	u64 sum = a.value + b.value;
	u64 unknown = ((sum + a.mask) ^ sum) | a.mask | b.mask;

	return kps_tnum(sum & ~unknown, unknown);
}

const struct row tnum_rows[] = {
	{ "tnum add", binary, BPF_ADD, 0, PROVE_FN(kps_tnum_add), 6, 8, 0 },
	{ "tnum sub", binary, BPF_SUB, 0, PROVE_FN(kps_tnum_sub), 6, 8, 0 },
	{ "tnum mul", binary, BPF_MUL, 0, PROVE_FN(kps_tnum_mul), 6, 8, 0 },
	{ "tnum and", binary, BPF_AND, 0, PROVE_FN(kps_tnum_and), 6, 8, 0 },
	{ "tnum or", binary, BPF_OR, 0, PROVE_FN(kps_tnum_or), 6, 8, 0 },
	{ "tnum xor", binary, BPF_XOR, 0, PROVE_FN(kps_tnum_xor), 6, 8, 0 },
	{ "tnum lsh", shift, BPF_LSH, 0, PROVE_FN(kps_tnum_lsh), 8, 8, 0 },
	{ "tnum rsh", shift, BPF_RSH, 0, PROVE_FN(kps_tnum_rsh), 8, 8, 0 },
	{ "tnum arsh", shift, BPF_ARSH, 0, PROVE_FN(kps_tnum_arsh), 8, 8, 0 },
	{ "tnum sext", resize, 0, 1, PROVE_FN(kps_tnum_sext), 8, 8, 0 },
	{ "tnum cut", resize, 0, 0, PROVE_FN(kps_tnum_cut), 8, 8, 0 },
	{ "tnum range", intervals, 0, 0, PROVE_FN(kps_tnum_range), 8, 10, 0 },
	{ "tnum join", pairs, 0, 0, PROVE_FN(kps_tnum_join), 5, 6, 0 },
	{ "tnum meet", pairs, 1, 0, PROVE_FN(kps_tnum_meet), 5, 6, 0 },
	{ "tnum in", pairs, 2, 0, PROVE_FN(kps_tnum_in), 5, 6, 0 },
	{ "a wrong tnum add", binary, BPF_ADD, 0, PROVE_FN(wrong_add), 5, 6, 1 },
	{ }
};
