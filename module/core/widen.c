// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - widening: bounds that grow end at constants of the program */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/lattice.h"
#include "core/loop.h"

#define MAX_THRESHOLDS	1024
#define MAX_NEAR	24	/* of one loop */
#define NR_FIXED	5	/* of every program */
#define CALL_WRITES	0x3fu	/* r0 to r5 */

/* Insertion keeps a short list sorted; a long one is not worth being complete. */
static void insert(struct kps_thresholds *t, u64 n)
{
	u32 i, j;

	for (i = 0; i < t->nr && t->u[i] < n; i++)
		;
	if (t->nr == t->most || (i < t->nr && t->u[i] == n))
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

static bool compares(const struct bpf_insn *insn)
{
	u8 class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	return (class == BPF_JMP || class == BPF_JMP32) && op != BPF_JA && op != BPF_CALL &&
	       op != BPF_EXIT;
}

static bool compares_imm(const struct bpf_insn *insn)
{
	return compares(insn) && BPF_SRC(insn->code) == BPF_K;
}

static void insert_immediate(struct kps_thresholds *t, s32 imm)
{
	insert_around(t, imm);
	if (imm < 0)
		insert_around(t, (u32)imm);
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

		if (compares_imm(insn))
			insert_immediate(&env->thresholds, insn->imm);
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

static bool thresholds_alloc(struct kps_env *env, struct kps_thresholds *t, u32 most)
{
	t->most = most;
	t->u = kps_arena_alloc(&env->arena, most * sizeof(*t->u));
	t->s = kps_arena_alloc(&env->arena, most * sizeof(*t->s));
	return t->u && t->s;
}

int kps_thresholds_build(struct kps_env *env)
{
	struct kps_thresholds *t = &env->thresholds;
	u32 i, most;

	if (!env->cfg.nr_loops)
		return 0;
	most = most_thresholds(env);
	if (!thresholds_alloc(env, t, most) || !thresholds_alloc(env, &env->above, MAX_NEAR) ||
	    !thresholds_alloc(env, &env->below, MAX_NEAR))
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

/*
 * How a loop compares with a limit. Where a counter that is stopped by it may be at the
 * loop's head: a test for equality lets nothing pass, so that no number may be jumped
 * over; beside an inequality it may be one further, and narrowing takes back the rest.
 */
enum limit {
	AT_LIMIT,
	BELOW_LIMIT,	/* < and >= */
	UP_TO_LIMIT,	/* <= and > */
	NR_LIMITS,
	NO_LIMIT = NR_LIMITS,
};

static enum limit limit_of(const struct bpf_insn *insn)
{
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
	case BPF_JNE:
		return AT_LIMIT;
	case BPF_JLT:
	case BPF_JGE:
	case BPF_JSLT:
	case BPF_JSGE:
		return BELOW_LIMIT;
	case BPF_JLE:
	case BPF_JGT:
	case BPF_JSLE:
	case BPF_JSGT:
		return UP_TO_LIMIT;
	default:
		return NO_LIMIT;
	}
}

/* The same comparison, seen from its other side. */
static enum limit seen_from_limit(enum limit limit)
{
	if (limit == BELOW_LIMIT)
		return UP_TO_LIMIT;
	return limit == UP_TO_LIMIT ? BELOW_LIMIT : limit;
}

static void insert_near(struct kps_env *env, enum limit limit, u64 n)
{
	switch (limit) {
	case AT_LIMIT:
		insert_around(&env->above, n);
		insert_around(&env->below, n);
		break;
	case BELOW_LIMIT:
		insert(&env->above, n);
		insert(&env->below, n - 1);
		break;
	case UP_TO_LIMIT:
		insert(&env->above, n + 1);
		insert(&env->below, n);
		break;
	case NO_LIMIT:
		break;
	}
}

static void insert_near_imm(struct kps_env *env, enum limit limit, s32 imm)
{
	insert_near(env, limit, (u64)(s64)imm);
	if (imm < 0)
		insert_near(env, limit, (u32)imm);
}

/* A register that the loop leaves alone may be what a counter is compared with. */
static void insert_register(struct kps_env *env, enum limit limit, const struct kps_reg *reg)
{
	if (reg->kind != KAPSEL_KIND_SCALAR)
		return;
	if (reg->val.r64.umin)
		insert_near(env, limit, reg->val.r64.umin);
	if (reg->val.r64.umax != U64_MAX)
		insert_near(env, limit, reg->val.r64.umax);
}

/* What the loop's own comparisons are with: constants, and registers: @regs. */
static void insert_compared(struct kps_env *env, const struct kps_block *b, u32 *regs)
{
	const struct bpf_insn *insn = &env->in->insns[b->end - 1];
	enum limit limit = compares(insn) ? limit_of(insn) : NO_LIMIT;

	if (limit == NO_LIMIT)
		return;
	if (BPF_SRC(insn->code) == BPF_K) {
		insert_near_imm(env, limit, insn->imm);
	} else {
		regs[limit] |= 1u << insn->src_reg;
		regs[seen_from_limit(limit)] |= 1u << insn->dst_reg;
	}
}

static void insert_moved(struct kps_env *env, const struct bpf_insn *insn, const u32 *regs)
{
	u32 limit;

	if (insn->code != (BPF_ALU64 | BPF_MOV | BPF_K) &&
	    insn->code != (BPF_ALU | BPF_MOV | BPF_K))
		return;
	for (limit = 0; limit < NR_LIMITS; limit++)
		if (regs[limit] & 1u << insn->dst_reg)
			insert_near_imm(env, limit, insn->imm);
}

/* Constants that compared registers are set to in the block; which registers it writes. */
static u32 insert_moves(struct kps_env *env, const struct kps_block *b, const u32 *regs)
{
	const struct bpf_insn *insn;
	u32 pc, written = 0;

	for (pc = b->start; pc < b->end; pc += kps_insn_slots(insn)) {
		u8 class;

		insn = &env->in->insns[pc];
		class = BPF_CLASS(insn->code);
		if (insn->code == (BPF_JMP | BPF_CALL))
			written |= CALL_WRITES;
		if (class == BPF_JMP || class == BPF_JMP32 || class == BPF_ST)
			continue;
		written |= 1u << insn->dst_reg;
		insert_moved(env, insn, regs);
	}
	return written;
}

static void insert_registers(struct kps_env *env, const struct kps_frame *f, const u32 *regs,
			     u32 written)
{
	u32 limit, n;

	for (limit = 0; limit < NR_LIMITS; limit++)
		for (n = 0; n < KPS_FP; n++)
			if (regs[limit] & ~written & 1u << n)
				insert_register(env, limit, &f->reg[n]);
}

void kps_thresholds_near(struct kps_env *env, const struct kps_loop_run *run)
{
	const struct kps_loop *loop = &env->cfg.loops[run->loop];
	const u32 *schedule = &env->cfg.schedule[env->cfg.subprogs[run->act->subprog].sched];
	u32 pos, written = 0, regs[NR_LIMITS] = {};

	env->above.nr = 0;
	env->below.nr = 0;
	for (pos = loop->first; pos < loop->last; pos++)
		insert_compared(env, &env->cfg.blocks[schedule[pos]], regs);
	if (regs[AT_LIMIT] | regs[BELOW_LIMIT] | regs[UP_TO_LIMIT]) {
		for (pos = loop->first; pos < loop->last; pos++)
			written |= insert_moves(env, &env->cfg.blocks[schedule[pos]], regs);
		insert_registers(env, kps_top(run->head.first), regs, written);
	}
	sort_signed(&env->above);
	sort_signed(&env->below);
}

/* The index of the first that is not below @n. */
static u32 first_from(const struct kps_thresholds *t, u64 n)
{
	u32 i;

	for (i = 0; i < t->nr && t->u[i] < n; i++)
		;
	return i;
}

static u32 first_from_signed(const struct kps_thresholds *t, s64 n)
{
	u32 i;

	for (i = 0; i < t->nr && t->s[i] < n; i++)
		;
	return i;
}

/* The loop's own constants go first: another's would only cost a pass. */
static u64 up(const struct kps_env *env, u64 n, u64 limit)
{
	const struct kps_thresholds *t = &env->above;
	u32 i = first_from(t, n);

	if (i == t->nr) {
		t = &env->thresholds;
		i = first_from(t, n);
	}
	return i < t->nr ? min(t->u[i], limit) : limit;
}

static u64 down(const struct kps_env *env, u64 n)
{
	const struct kps_thresholds *t = &env->below;

	if (!t->nr || t->u[0] > n)
		t = &env->thresholds;
	if (t->u[0] > n)
		return 0;
	return t->u[n == U64_MAX ? t->nr - 1 : first_from(t, n + 1) - 1];
}

static s64 sup(const struct kps_env *env, s64 n, s64 limit)
{
	const struct kps_thresholds *t = &env->above;
	u32 i = first_from_signed(t, n);

	if (i == t->nr) {
		t = &env->thresholds;
		i = first_from_signed(t, n);
	}
	return i < t->nr ? min(t->s[i], limit) : limit;
}

static s64 sdown(const struct kps_env *env, s64 n, s64 limit)
{
	const struct kps_thresholds *t = &env->below;

	if (!t->nr || t->s[0] > n)
		t = &env->thresholds;
	if (t->s[0] > n)
		return limit;
	return max(t->s[n == S64_MAX ? t->nr - 1 : first_from_signed(t, n + 1) - 1], limit);
}

static void widen_range(const struct kps_env *env, struct kps_range *a,
			const struct kps_range *b, unsigned int width)
{
	if (b->umin < a->umin)
		a->umin = down(env, b->umin);
	if (b->umax > a->umax)
		a->umax = up(env, b->umax, kps_width_mask(width));
	if (b->smin < a->smin)
		a->smin = sdown(env, b->smin, kps_smin(width));
	if (b->smax > a->smax)
		a->smax = sup(env, b->smax, kps_smax(width));
}

/*
 * A bit that changes takes along all that the new range leaves open above it:
 * counters change from below, and what is below the first change is their step. So do
 * bits that change no more, where the range has left behind what they hold.
 */
static struct kps_tnum widen_bits(struct kps_tnum a, struct kps_tnum b,
				  const struct kps_range *range)
{
	struct kps_tnum both = kps_tnum_join(a, b);
	u64 fresh = both.mask & ~a.mask, open;

	if (!fresh && range->umax > (both.value | both.mask))
		fresh = both.mask & -both.mask;
	if (!fresh)
		return both;
	open = kps_tnum_range(range->umin, range->umax).mask | fresh;
	both.mask |= kps_width_mask(fls64(open)) & ~((fresh & -fresh) - 1);
	both.value &= ~both.mask;
	return both;
}

void kps_widen_scalar(const struct kps_env *env, struct kps_scalar *a,
		      const struct kps_scalar *b)
{
	a->stride = kps_scalar_join_stride(a, b);
	widen_range(env, &a->r64, &b->r64, 64);
	widen_range(env, &a->r32, &b->r32, 32);
	a->bits = widen_bits(a->bits, b->bits, &a->r64);
	/* What moves by steps is never between two of them; both sets have members. */
	if (a->stride.step)
		kps_stride_cut(a->stride, &a->r64.umin, &a->r64.umax);
}
