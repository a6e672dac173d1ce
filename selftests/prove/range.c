// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intervals. At 4 bits every pair of ranges is tried, also ones whose two readings
 * disagree, against the set of what members give; at 8 bits every interval of one
 * reading, with a ninth of them as the right operand. A result holds all that it
 * should if it holds the
 * smallest and the largest number in both readings.
 */

#include <stdlib.h>

#include <uapi/linux/bpf.h>

#include "lib/concrete.h"
#include "prove/prove.h"

#define MAX_WIDTH	8
#define NUMBERS		(1 << MAX_WIDTH)

typedef struct kps_range (*binary_fn)(struct kps_range a, struct kps_range b,
				      unsigned int width);

static const struct kps_range nothing = { U64_MAX, 0, S64_MAX, S64_MIN };

static void hull_add(struct kps_range *h, u64 n, unsigned int w)
{
	s64 s = concrete_sext(n, w);

	h->umin = min(h->umin, n);
	h->umax = max(h->umax, n);
	h->smin = min(h->smin, s);
	h->smax = max(h->smax, s);
}

static void hull_join(struct kps_range *h, const struct kps_range *other)
{
	h->umin = min(h->umin, other->umin);
	h->umax = max(h->umax, other->umax);
	h->smin = min(h->smin, other->smin);
	h->smax = max(h->smax, other->smax);
}

static bool holds(const struct kps_range *r, const struct kps_range *hull)
{
	return r->umin <= hull->umin && r->umax >= hull->umax &&
	       r->smin <= hull->smin && r->smax >= hull->smax;
}

static u64 between(u64 lo, u64 hi)
{
	return lo <= hi ? hi - lo + 1 : 0;
}

/* How many numbers are in both intervals: those that are not negative, and others. */
static u64 members(const struct kps_range *r, unsigned int w)
{
	u64 middle = 1ULL << (w - 1), all = (middle << 1) - 1, cnt = 0;

	if (r->smax >= 0)
		cnt += between(max(r->umin, (u64)max_t(s64, r->smin, 0)),
			       min3(r->umax, (u64)r->smax, middle - 1));
	if (r->smin < 0)
		cnt += between(max3(r->umin, (u64)r->smin & all, middle),
			       min(r->umax, (u64)min_t(s64, r->smax, -1) & all));
	return cnt;
}

static void tally_range(struct tally *tally, struct kps_range got,
			const struct kps_range *best, unsigned int w)
{
	tally_result(tally, holds(&got, best), members(&got, w), members(best, w));
}

/* Every range of a width, with the set of its members, numbered. */
struct sets {
	u32 cnt;
	u32 set_cnt;
	struct kps_range *range;
	u32 *set_of;
	u16 *set;
};

static u16 set_of(const struct kps_range *r, unsigned int w)
{
	u16 set = 0;
	u64 n;

	for (n = 0; n < 1ULL << w; n++) {
		s64 s = concrete_sext(n, w);

		if (n >= r->umin && n <= r->umax && s >= r->smin && s <= r->smax)
			set |= 1 << n;
	}
	return set;
}

static u32 number_of_set(struct sets *sets, u16 set)
{
	u32 i;

	for (i = 0; i < sets->set_cnt; i++)
		if (sets->set[i] == set)
			return i;
	sets->set[sets->set_cnt] = set;
	return sets->set_cnt++;
}

/* Ranges without a member come last, with set 0. */
static void all_ranges(struct sets *sets, unsigned int w, bool with_empty)
{
	u64 n, all = kps_width_mask(w);

	*sets = (struct sets){ .range = calloc(1 << (4 * w), sizeof(*sets->range)),
			       .set_of = calloc(1 << (4 * w), sizeof(*sets->set_of)),
			       .set = calloc(1 << 16, sizeof(*sets->set)) };
	for (n = 0; n < 1ULL << (4 * w); n++) {
		struct kps_range r = { n & all, n >> w & all, concrete_sext(n >> (2 * w), w),
				       concrete_sext(n >> (3 * w), w) };
		u16 set = set_of(&r, w);

		if (r.umin > r.umax || r.smin > r.smax || (!set && !with_empty))
			continue;
		sets->range[sets->cnt] = r;
		sets->set_of[sets->cnt++] = number_of_set(sets, set);
	}
}

static void free_ranges(struct sets *sets)
{
	free(sets->range);
	free(sets->set_of);
	free(sets->set);
}

/* What every set of numbers makes of the members of set @b. */
static void images_of_sets(const struct row *row, unsigned int w, const struct sets *sets,
			   u16 b, struct kps_range *hull)
{
	struct kps_range of_number[16];
	u64 x, y;
	u32 i;

	for (x = 0; x < 1ULL << w; x++) {
		of_number[x] = nothing;
		for (y = 0; y < 1ULL << w; y++)
			if (b >> y & 1)
				hull_add(&of_number[x],
					 concrete_alu(row->op, row->is_signed, x, y, w), w);
	}
	for (i = 0; i < sets->set_cnt; i++) {
		hull[i] = nothing;
		for (x = 0; x < 1ULL << w; x++)
			if (sets->set[i] >> x & 1)
				hull_join(&hull[i], &of_number[x]);
	}
}

static void binary(const struct row *row, unsigned int w, struct tally *tally)
{
	struct kps_range *hull;
	struct sets sets;
	u32 s, i, j;

	all_ranges(&sets, w, false);
	hull = calloc(sets.set_cnt, sizeof(*hull));
	for (s = 0; s < sets.set_cnt; s++) {
		images_of_sets(row, w, &sets, sets.set[s], hull);
		for (j = 0; j < sets.cnt; j++)
			for (i = 0; sets.set_of[j] == s && i < sets.cnt; i++)
				tally_range(tally, ((binary_fn)row->fn)(sets.range[i],
									sets.range[j], w),
					    &hull[sets.set_of[i]], w);
	}
	free(hull);
	free_ranges(&sets);
}

/* An interval of one reading, and what follows for the other. */
static struct kps_range interval(u64 lo, u64 hi, bool is_signed, unsigned int w)
{
	struct kps_range r = nothing;

	if (is_signed) {
		r = kps_range_signed(concrete_sext(lo, w), concrete_sext(hi, w), w);
		if (r.smin < 0 && r.smax >= 0)
			return r;
	} else {
		r = kps_range_unsigned(lo, hi, w);
		if (lo < 1ULL << (w - 1) && hi >= 1ULL << (w - 1))
			return r;
	}
	return (struct kps_range){ lo, hi, concrete_sext(lo, w), concrete_sext(hi, w) };
}

/* @image: what each number makes of @b. Intervals grow by one number at a time. */
static void intervals_against(const struct row *row, unsigned int w, struct kps_range b,
			      const struct kps_range *image, struct tally *tally)
{
	u64 all = kps_width_mask(w), first, len;
	int is_signed;

	for (is_signed = 0; is_signed < 2; is_signed++) {
		u64 start = is_signed ? 1ULL << (w - 1) : 0;

		for (first = 0; first <= all; first++) {
			struct kps_range hull = nothing;

			for (len = 0; first + len <= all; len++) {
				u64 lo = (start + first) & all, hi = (start + first + len) & all;

				hull_join(&hull, &image[hi]);
				tally_range(tally, ((binary_fn)row->fn)
					    (interval(lo, hi, is_signed, w), b, w), &hull, w);
			}
		}
	}
}

static void images_grow(const struct row *row, unsigned int w, u64 y, struct kps_range *image)
{
	u64 x;

	for (x = 0; x <= kps_width_mask(w); x++)
		hull_add(&image[x], concrete_alu(row->op, row->is_signed, x, y, w), w);
}

static void intervals(const struct row *row, unsigned int w, struct tally *tally)
{
	u64 all = kps_width_mask(w), first, len, i;
	struct kps_range image[NUMBERS];
	int is_signed;

	for (is_signed = 0; is_signed < 2; is_signed++) {
		u64 start = is_signed ? 1ULL << (w - 1) : 0;

		for (first = 0; first <= all; first += 3) {
			for (i = 0; i <= all; i++)
				image[i] = nothing;
			for (len = 0; first + len <= all; len++) {
				u64 lo = (start + first) & all, hi = (start + first + len) & all;

				images_grow(row, w, hi, image);
				if (len % 3)
					continue;
				intervals_against(row, w, interval(lo, hi, is_signed, w), image,
						  tally);
			}
		}
	}
}

/* Every range, also such as have no member: only these may be said to be empty. */
static void agree(const struct row *row, unsigned int w, struct tally *tally)
{
	u64 all = kps_width_mask(w), n, x;

	for (n = 0; n < 1ULL << (4 * w); n++) {
		struct kps_range r = { n & all, n >> w & all, concrete_sext(n >> (2 * w), w),
				       concrete_sext(n >> (3 * w), w) };
		struct kps_range best = nothing, got = r;
		bool some;

		for (x = r.umin; x <= r.umax; x++)
			if (concrete_sext(x, w) >= r.smin && concrete_sext(x, w) <= r.smax)
				hull_add(&best, x, w);
		some = ((bool (*)(struct kps_range *, unsigned int))row->fn)(&got, w);
		if (best.umin > best.umax)
			tally_result(tally, true, some, 0);
		else
			tally_result(tally, some && holds(&got, &best), members(&got, w),
				     members(&best, w));
	}
}

static u64 missing_in(const struct sets *sets, u32 set, const struct kps_range *r,
		      unsigned int w)
{
	return sets->set[set] & ~set_of(r, w);
}

static void pair_join(const struct row *row, unsigned int w, const struct sets *sets, u32 i,
		      u32 j, struct tally *tally)
{
	struct kps_range best = sets->range[i], got;
	u64 missing;

	hull_join(&best, &sets->range[j]);
	got = ((struct kps_range (*)(struct kps_range, struct kps_range))row->fn)
	      (sets->range[i], sets->range[j]);
	missing = missing_in(sets, sets->set_of[i], &got, w) |
		  missing_in(sets, sets->set_of[j], &got, w);
	tally_result(tally, !missing, members(&got, w), members(&best, w));
}

static void pair_meet(const struct row *row, unsigned int w, const struct sets *sets, u32 i,
		      u32 j, struct tally *tally)
{
	u16 both = sets->set[sets->set_of[i]] & sets->set[sets->set_of[j]];
	struct kps_range got = sets->range[i];
	bool some = ((bool (*)(struct kps_range *, struct kps_range))row->fn)
		    (&got, sets->range[j]);

	tally_result(tally, some ? !(both & ~set_of(&got, w)) : !both,
		     some ? members(&got, w) : 0, hweight16(both));
}

static void pair_in(const struct row *row, unsigned int w, const struct sets *sets, u32 i,
		    u32 j, struct tally *tally)
{
	bool in = ((bool (*)(struct kps_range, struct kps_range))row->fn)(sets->range[i],
									 sets->range[j]);
	bool is_in = !(sets->set[sets->set_of[i]] & ~sets->set[sets->set_of[j]]);

	(void)w;
	tally_result(tally, is_in || !in, !in, !is_in);
}

static void pairs(const struct row *row, unsigned int w, struct tally *tally)
{
	static void (*const kinds[])(const struct row *row, unsigned int w,
				     const struct sets *sets, u32 i, u32 j,
				     struct tally *tally) = { pair_join, pair_meet, pair_in };
	struct sets sets;
	u32 i, j;

	all_ranges(&sets, w, true);
	for (i = 0; i < sets.cnt; i++)
		for (j = 0; j < sets.cnt; j++)
			kinds[row->op](row, w, &sets, i, j, tally);
	free_ranges(&sets);
}

/* kps_range_has() of every range and number, and the ranges made of one number. */
static void has(const struct row *row, unsigned int w, struct tally *tally)
{
	bool (*fn)(struct kps_range, u64, unsigned int) =
		(bool (*)(struct kps_range, u64, unsigned int))row->fn;
	struct sets sets;
	u64 n;
	u32 i;

	all_ranges(&sets, w, true);
	for (i = 0; i < sets.cnt; i++) {
		for (n = 0; n < 1ULL << w; n++) {
			bool is_in = sets.set[sets.set_of[i]] >> n & 1;

			tally_result(tally, fn(sets.range[i], n, w) == is_in, is_in, is_in);
		}
	}
	free_ranges(&sets);
}

static void constants(const struct row *row, unsigned int w, struct tally *tally)
{
	u64 n;

	for (n = 0; n <= kps_width_mask(w); n++) {
		struct kps_range best = nothing;

		hull_add(&best, n, w);
		tally_range(tally, ((struct kps_range (*)(u64, unsigned int))row->fn)
			    (n | ~kps_width_mask(w), w), &best, w);
	}
}

/* Takes it that the sums of both ends never wrap. */
static struct kps_range wrong_add(struct kps_range a, struct kps_range b, unsigned int width)
{
	u64 all = kps_width_mask(width);

	return kps_range_unsigned((a.umin + b.umin) & all, (a.umax + b.umax) & all, width);
}

/* Division by zero gives 0, and there the quotient is smaller than by the largest. */
static struct kps_range wrong_div(struct kps_range a, struct kps_range b, unsigned int width)
{
	return kps_range_unsigned(a.umin / max(b.umax, 1ULL), a.umax / max(b.umin, 1ULL), width);
}

#define BOTH(name, op, is_signed, fn, quick)					\
	{ name, binary, op, is_signed, PROVE_FN(fn), quick, 4, 0 },		\
	{ name " of intervals", intervals, op, is_signed, PROVE_FN(fn), 4, 8, 0 }

const struct row range_rows[] = {
	BOTH("range add", BPF_ADD, 0, kps_range_add, 3),
	BOTH("range sub", BPF_SUB, 0, kps_range_sub, 3),
	BOTH("range mul", BPF_MUL, 0, kps_range_mul, 3),
	BOTH("range and", BPF_AND, 0, kps_range_and, 3),
	BOTH("range or", BPF_OR, 0, kps_range_or, 3),
	BOTH("range lsh", BPF_LSH, 0, kps_range_lsh, 2),
	BOTH("range rsh", BPF_RSH, 0, kps_range_rsh, 2),
	BOTH("range arsh", BPF_ARSH, 0, kps_range_arsh, 2),
	BOTH("range div", BPF_DIV, 0, kps_range_div, 3),
	BOTH("range mod", BPF_MOD, 0, kps_range_mod, 3),
	BOTH("range sdiv", BPF_DIV, 1, kps_range_sdiv, 3),
	BOTH("range smod", BPF_MOD, 1, kps_range_smod, 3),
	{ "range agree", agree, 0, 0, PROVE_FN(kps_range_agree), 4, 6, 0 },
	{ "range join", pairs, 0, 0, PROVE_FN(kps_range_join), 2, 3, 0 },
	{ "range meet", pairs, 1, 0, PROVE_FN(kps_range_meet), 2, 3, 0 },
	{ "range in", pairs, 2, 0, PROVE_FN(kps_range_in), 2, 3, 0 },
	{ "range has", has, 0, 0, PROVE_FN(kps_range_has), 3, 4, 0 },
	{ "range const", constants, 0, 0, PROVE_FN(kps_range_const), 8, 8, 0 },
	{ "a wrong range add", binary, BPF_ADD, 0, PROVE_FN(wrong_add), 2, 2, 1 },
	{ "a wrong range div", binary, BPF_DIV, 0, PROVE_FN(wrong_div), 2, 2, 1 },
	{ }
};
