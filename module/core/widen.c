// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - widening: bounds that grow end at constants of the program */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/lattice.h"

#define MAX_THRESHOLDS	1024
#define NR_FIXED	5	/* of every program */

/* Insertion keeps a short list sorted; a long one is not worth being complete. */
static void insert(struct kps_thresholds *t, u64 n)
{
	u32 i, j;

	for (i = 0; i < t->nr && t->u[i] < n; i++)
		;
	if (t->nr == MAX_THRESHOLDS || (i < t->nr && t->u[i] == n))
		return;
	for (j = t->nr++; j > i; j--)
		t->u[j] = t->u[j - 1];
	t->u[i] = n;
}

static void insert_around(struct kps_thresholds *t, s64 n)
{
	insert(t, (u64)n - 1);
	insert(t, (u64)n);
	insert(t, (u64)n + 1);
}

static bool compares_imm(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	return (class == BPF_JMP || class == BPF_JMP32) && op != BPF_JA && op != BPF_CALL &&
	       op != BPF_EXIT && BPF_SRC(insn->code) == BPF_K;
}

/* Room for all that the program can have, or for so many as are worth having. */
static u32 most_thresholds(const struct kps_env *env)
{
	u32 pc, n = NR_FIXED + 3 * env->nr_maps;

	for (pc = 0; pc < env->in->insn_cnt && n < MAX_THRESHOLDS; pc++)
		n += compares_imm(&env->in->insns[pc]) ? 6 : 0;
	return min_t(u32, n, MAX_THRESHOLDS);
}

static void insert_immediates(struct kps_env *env)
{
	u32 pc;

	for (pc = 0; pc < env->in->insn_cnt && env->thresholds.nr < MAX_THRESHOLDS;
	     pc += kps_insn_slots(&env->in->insns[pc])) {
		const struct bpf_insn *insn = &env->in->insns[pc];

		if (!compares_imm(insn))
			continue;
		insert_around(&env->thresholds, insn->imm);
		if (insn->imm < 0)
			insert_around(&env->thresholds, (u32)insn->imm);
	}
}

/* The same numbers read as signed: negative ones are the largest unsigned. */
static void sort_signed(struct kps_thresholds *t)
{
	u32 i, negative = 0;

	while (negative < t->nr && (s64)t->u[t->nr - 1 - negative] < 0)
		negative++;
	for (i = 0; i < t->nr; i++)
		t->s[(i + negative) % t->nr] = (s64)t->u[i];
}

int kps_thresholds_build(struct kps_env *env)
{
	struct kps_thresholds *t = &env->thresholds;
	u32 i, most;

	if (!env->cfg.nr_loops)
		return 0;
	most = most_thresholds(env);
	t->u = kps_arena_alloc(&env->arena, most * sizeof(*t->u));
	t->s = kps_arena_alloc(&env->arena, most * sizeof(*t->s));
	if (!t->u || !t->s)
		return -ENOMEM;
	insert(t, 0);
	insert(t, S32_MAX);
	insert(t, U32_MAX);
	insert(t, S64_MAX);
	insert(t, (u64)(s64)S32_MIN);
	for (i = 0; i < env->nr_maps; i++)
		insert_around(t, env->maps[i].value_size);
	insert_immediates(env);
	sort_signed(t);
	return 0;
}

static u64 up(const struct kps_thresholds *t, u64 n, u64 limit)
{
	u32 i;

	for (i = 0; i < t->nr && t->u[i] < n; i++)
		;
	return i < t->nr ? min(t->u[i], limit) : limit;
}

static u64 down(const struct kps_thresholds *t, u64 n)
{
	u32 i;

	for (i = t->nr; i && t->u[i - 1] > n; i--)
		;
	return i ? t->u[i - 1] : 0;
}

static s64 sup(const struct kps_thresholds *t, s64 n, s64 limit)
{
	u32 i;

	for (i = 0; i < t->nr && t->s[i] < n; i++)
		;
	return i < t->nr ? min(t->s[i], limit) : limit;
}

static s64 sdown(const struct kps_thresholds *t, s64 n, s64 limit)
{
	u32 i;

	for (i = t->nr; i && t->s[i - 1] > n; i--)
		;
	return i ? max(t->s[i - 1], limit) : limit;
}

static void widen_range(const struct kps_thresholds *t, struct kps_range *a,
			const struct kps_range *b, unsigned int width)
{
	if (b->umin < a->umin)
		a->umin = down(t, b->umin);
	if (b->umax > a->umax)
		a->umax = up(t, b->umax, kps_width_mask(width));
	if (b->smin < a->smin)
		a->smin = sdown(t, b->smin, kps_smin(width));
	if (b->smax > a->smax)
		a->smax = sup(t, b->smax, kps_smax(width));
}

/*
 * A bit that changes takes along all that the new range leaves open above it:
 * counters change from below, and what is below the first change is their step.
 */
static struct kps_tnum widen_bits(struct kps_tnum a, struct kps_tnum b,
				  const struct kps_range *range)
{
	struct kps_tnum both = kps_tnum_join(a, b);
	u64 fresh = both.mask & ~a.mask, open;

	if (!fresh)
		return both;
	open = kps_tnum_range(range->umin, range->umax).mask | fresh;
	both.mask |= kps_width_mask(fls64(open)) & ~((fresh & -fresh) - 1);
	both.value &= ~both.mask;
	return both;
}

void kps_widen_scalar(const struct kps_thresholds *t, struct kps_scalar *a,
		      const struct kps_scalar *b)
{
	a->stride = kps_scalar_join_stride(a, b);
	widen_range(t, &a->r64, &b->r64, 64);
	widen_range(t, &a->r32, &b->r32, 32);
	a->bits = widen_bits(a->bits, b->bits, &a->r64);
	/* What moves by steps is never between two of them; both sets have members. */
	if (a->stride.step)
		kps_stride_cut(a->stride, &a->r64.umin, &a->r64.umax);
}
