// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - arithmetic and moves, on numbers and on pointers */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/overflow.h>
#include <linux/types.h>

#include "core/check.h"
#include "core/report.h"

#define SHIFT_REACH	4	/* instructions from a shift to the one back */

int kps_check_init(const struct kps_at *at, u32 n)
{
	if (kps_reg_at(at, n)->kind != KAPSEL_KIND_UNINIT)
		return 0;
	kps_refuse(at, KPS_D_UNINIT, n);
	return -EACCES;
}

static unsigned int insn_width(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_ALU64 ? 64 : 32;
}

static int refuse_pointer_op(const struct kps_at *at, u32 n)
{
	kps_refuse(at, kps_pointer_fault(kps_reg_at(at, n)) ?: KPS_D_POINTER_OP, n);
	return -EACCES;
}

/*
 * Anything else that is done with an address makes it a number, which only
 * programs that may know addresses can have. Nothing at all is done with what may
 * be NULL or differs from path to path, so that a later test still means it.
 */
static int number_of_pointer(const struct kps_at *at, u32 n, struct kps_reg *out)
{
	const struct kps_reg *reg = kps_reg_at(at, n);

	if (!at->env->type->leaks || reg->kind == KAPSEL_KIND_UNUSABLE ||
	    reg->flags & KAPSEL_FACT_MAYBE_NULL)
		return refuse_pointer_op(at, n);
	*out = kps_reg_scalar(kps_scalar_any(), at->pc);
	return 0;
}

/* A register as a number: itself, or what an address is to a program that may know it. */
static int number_of(const struct kps_at *at, u32 n, struct kps_reg *out)
{
	*out = *kps_reg_at(at, n);
	return kps_is_pointer(out) ? number_of_pointer(at, n, out) : 0;
}

static void move_delta(struct kps_reg *reg, s64 c)
{
	s64 delta;

	if (check_add_overflow(reg->delta, c, &delta))
		kps_weaken(reg, KPS_LINK_MODULAR);
	reg->delta = (s64)((u64)reg->delta + (u64)c);
}

/* x + c and x - c differ from x by c as integers as long as neither end can wrap. */
static void shift_link(struct kps_reg *dst, const struct kps_range *before, s64 c)
{
	s64 lo, hi;

	if (!dst->id)
		return;
	if (check_add_overflow(before->smin, c, &lo) ||
	    check_add_overflow(before->smax, c, &hi))
		kps_weaken(dst, KPS_LINK_MODULAR);
	move_delta(dst, c);
}

/*
 * x + n and x - n for a number of some range: a value of its own that is related to x.
 * That too holds for integers only if no sum wraps.
 */
static void relate_sum(struct kps_env *env, struct kps_reg *dst,
		       const struct kps_range *before, const struct kps_range *n, u8 op)
{
	s64 lo = n->smin, hi = n->smax, least, most, delta = dst->delta;
	bool exact = kps_is_exact(dst);
	u32 id = dst->id;

	kps_unlink(dst);
	if (!exact || lo < -KPS_POINTER_LIMIT || hi > KPS_POINTER_LIMIT)
		return;
	if (op == BPF_SUB) {
		lo = -n->smax;
		hi = -n->smin;
	}
	if (check_add_overflow(before->smin, lo, &least) ||
	    check_add_overflow(before->smax, hi, &most) ||
	    check_add_overflow(delta, lo, &lo) || check_add_overflow(delta, hi, &hi))
		return;
	dst->id = kps_new_id(&env->pool);
	kps_id_relate(&env->pool, dst->id, id, lo, hi);
}

/* A 32-bit sum is the integers' sum if neither end leaves 32 bits, unsigned. */
static bool fits_32(const struct kps_range *before, s64 lo, s64 hi)
{
	return before->umax <= U32_MAX && (s64)before->umin + lo >= 0 &&
	       (s64)before->umax + hi <= U32_MAX;
}

static bool is_add(u8 op)
{
	return op == BPF_ADD || op == BPF_SUB;
}

static bool sum_is_exact(const struct bpf_insn *insn, const struct kps_range *before,
			 const struct kps_scalar *n)
{
	s64 lo = n->r32.smin, hi = n->r32.smax;

	if (insn_width(insn) == 64)
		return true;
	return BPF_OP(insn->code) == BPF_ADD ? fits_32(before, lo, hi) : fits_32(before, -hi, -lo);
}

/* What a 32-bit instruction adds is the low half, read as signed. */
static struct kps_range addend(const struct bpf_insn *insn, const struct kps_scalar *n)
{
	return insn_width(insn) == 32 ? kps_range_signed(n->r32.smin, n->r32.smax, 64) : n->r64;
}

static void link_shifted(const struct bpf_insn *insn, struct kps_reg *dst,
			 const struct kps_scalar *n)
{
	s64 c = kps_sext(n->bits.value, insn_width(insn));

	if (!sum_is_exact(insn, &dst->val.r64, n))
		kps_weaken(dst, KPS_LINK_LOW);
	if (BPF_OP(insn->code) == BPF_SUB && c == S64_MIN)
		kps_weaken(dst, KPS_LINK_MODULAR);
	shift_link(dst, &dst->val.r64, BPF_OP(insn->code) == BPF_ADD ? c : (s64)-(u64)c);
}

/* Before the sum itself: what it says depends on what the operands were. */
static void link_sum(struct kps_env *env, const struct bpf_insn *insn, struct kps_reg *dst,
		     const struct kps_scalar *src)
{
	struct kps_range n;

	if (kps_scalar_is_const(src)) {
		link_shifted(insn, dst, src);
	} else if (sum_is_exact(insn, &dst->val.r64, src)) {
		n = addend(insn, src);
		relate_sum(env, dst, &dst->val.r64, &n, BPF_OP(insn->code));
	} else {
		kps_unlink(dst);
	}
}

static void alu_numbers(const struct kps_at *at, const struct bpf_insn *insn,
			struct kps_reg *dst, const struct kps_scalar *src)
{
	if (dst->id && is_add(BPF_OP(insn->code)))
		link_sum(at->env, insn, dst, src);
	else
		kps_unlink(dst);
	kps_scalar_alu(BPF_OP(insn->code), insn->off == 1, insn_width(insn), &dst->val, src);
	dst->def = at->pc;
}

static bool can_move(const struct kps_reg *reg)
{
	return (reg->kind == KAPSEL_KIND_STACK || reg->kind == KAPSEL_KIND_MAP_VALUE ||
		reg->kind == KAPSEL_KIND_PACKET || reg->kind == KAPSEL_KIND_RINGBUF ||
		reg->kind == KAPSEL_KIND_CTX || reg->kind == KAPSEL_KIND_MAP_KEY ||
		reg->kind == KAPSEL_KIND_SOCKET || reg->kind == KAPSEL_KIND_SLICE) &&
	       !(reg->flags & KAPSEL_FACT_MAYBE_NULL);
}

/*
 * The link of a pointer's offset after @num was added. Offsets stay far from
 * wrapping, so the difference of the links is exact.
 */
static void link_offset(struct kps_env *env, struct kps_reg *ptr,
			const struct kps_range *before, const struct kps_reg *num, u8 op)
{
	u64 c;

	if (kps_is_const(num, &c)) {
		shift_link(ptr, before, op == BPF_ADD ? (s64)c : -(s64)c);
		return;
	}
	relate_sum(env, ptr, before, &num->val.r64, op);
	if (!ptr->id && op == BPF_ADD && before->umin == before->umax && kps_is_exact(num) &&
	    !check_add_overflow(num->delta, before->smin, &ptr->delta))
		ptr->id = num->id;
	if (!ptr->id) {
		ptr->id = kps_new_id(&env->pool);
		ptr->delta = 0;
	}
}

/*
 * A pointer whose bounds a loop's invariant has forgotten must not leave it by moving
 * on: how it moves is in its link, and the judged pass has real bounds.
 */
static void stay_in_reach(struct kps_reg *ptr)
{
	struct kps_scalar reach = kps_scalar_signed(-KPS_WIDE_OFFSET, KPS_WIDE_OFFSET);

	if (!kps_scalar_meet(&reach, &ptr->val))
		reach = kps_scalar_signed(-KPS_WIDE_OFFSET, KPS_WIDE_OFFSET);
	ptr->val = reach;
}

static int move_pointer(const struct kps_at *at, struct kps_reg *ptr,
			const struct kps_reg *num, u8 op, u32 n)
{
	struct kps_range before = ptr->val.r64;
	struct kapsel_rec_problem *p;

	if (num->val.r64.smin < -KPS_POINTER_LIMIT || num->val.r64.smax > KPS_POINTER_LIMIT)
		goto too_far;
	kps_scalar_alu(op, false, 64, &ptr->val, &num->val);
	if (ptr->val.r64.smin < -KPS_POINTER_LIMIT || ptr->val.r64.smax > KPS_POINTER_LIMIT)
		goto too_far;
	link_offset(at->env, ptr, &before, num, op);
	if (at->env->unjudged)
		stay_in_reach(ptr);
	ptr->def = at->pc;
	return 0;
too_far:
	p = kps_refuse_value(at, KPS_D_POINTER_RANGE, num);
	p->has.reg = n;
	p->need_min = -KPS_POINTER_LIMIT;
	p->need_max = KPS_POINTER_LIMIT;
	return -EACCES;
}

/* Into the same object, so that their difference says nothing about addresses. */
static bool same_packet(const struct kps_reg *a, const struct kps_reg *b)
{
	return !a->flags && !b->flags &&
	       (a->kind == KAPSEL_KIND_PACKET || a->kind == KAPSEL_KIND_PACKET_END) &&
	       (b->kind == KAPSEL_KIND_PACKET || b->kind == KAPSEL_KIND_PACKET_END);
}

/* Two lookups in a map may give two values; of a map with one there is only that. */
static bool is_one_object(const struct kps_env *env, const struct kps_reg *reg)
{
	const struct kps_map_facts *map;

	if (reg->kind == KAPSEL_KIND_MAP_VALUE) {
		map = &env->maps[reg->object];
		return map->max_entries == 1 && !kps_is_inner(reg->object) &&
		       kps_map_type_find(map->type)->ops & KAPSEL_MAP_OP_DIRECT;
	}
	return reg->kind == KAPSEL_KIND_PACKET || reg->kind == KAPSEL_KIND_STACK ||
	       reg->kind == KAPSEL_KIND_RINGBUF || reg->kind == KAPSEL_KIND_CTX;
}

bool kps_same_object(const struct kps_env *env, const struct kps_reg *a,
		     const struct kps_reg *b)
{
	return a->kind == b->kind && a->object == b->object && a->ref == b->ref &&
	       !a->flags && !b->flags && is_one_object(env, a);
}

/* Compilers take but the low half of it, where the length that they want has 32 bits. */
static void pointer_difference(const struct kps_at *at, struct kps_reg *dst,
			       const struct kps_reg *src, unsigned int width)
{
	struct kps_reg diff = kps_reg_scalar(kps_scalar_signed(S32_MIN, S32_MAX), at->pc);

	if (dst->kind == src->kind && dst->kind != KAPSEL_KIND_PACKET_END) {
		diff.val = dst->val;
		kps_scalar_alu(BPF_SUB, false, 64, &diff.val, &src->val);
	}
	kps_scalar_zext(&diff.val, width);
	*dst = diff;
}

/* Operands of which one at least is an address, taken for numbers. */
static int alu_as_numbers(const struct kps_at *at, const struct bpf_insn *insn,
			  const struct kps_scalar *imm)
{
	struct kps_reg dst, src;
	int err = number_of(at, insn->dst_reg, &dst);

	if (!err && !imm)
		err = number_of(at, insn->src_reg, &src);
	if (err)
		return err;
	alu_numbers(at, insn, &dst, imm ?: &src.val);
	*kps_reg_at(at, insn->dst_reg) = dst;
	return 0;
}

static int alu_pointers(const struct kps_at *at, const struct bpf_insn *insn)
{
	struct kps_reg *dst = kps_reg_at(at, insn->dst_reg);
	struct kps_reg *src = kps_reg_at(at, insn->src_reg);
	struct kps_reg sum;
	u8 op = BPF_OP(insn->code);
	int err;

	if (op == BPF_SUB &&
	    (same_packet(dst, src) || kps_same_object(at->env, dst, src))) {
		pointer_difference(at, dst, src, insn_width(insn));
		return 0;
	}
	if (insn_width(insn) == 64 && is_add(op) && can_move(dst) &&
	    src->kind == KAPSEL_KIND_SCALAR)
		return move_pointer(at, dst, src, op, insn->src_reg);
	if (insn_width(insn) == 64 && op == BPF_ADD && can_move(src) &&
	    dst->kind == KAPSEL_KIND_SCALAR) {
		sum = *src;
		err = move_pointer(at, &sum, dst, op, insn->dst_reg);
		*dst = err ? *dst : sum;
		return err;
	}
	return alu_as_numbers(at, insn, NULL);
}

/* What is left of a link when a number was cut or extended: its low half's, or none. */
static void keep_low(struct kps_reg *reg, u32 width)
{
	if (width == 32)
		kps_weaken(reg, KPS_LINK_LOW);
	else
		kps_unlink(reg);
}

/* (s8) src and the like; the number stays the same if it was in range already. */
static void sign_extend(struct kps_reg *dst, u32 from, u32 to)
{
	const struct kps_range *r = &dst->val.r64;
	bool same = r->smin >= kps_smin(from) && r->smax <= kps_smax(from) &&
		    (to == 64 || r->smin >= 0);

	kps_scalar_sext(&dst->val, from, to);
	if (!same)
		keep_low(dst, from);
}

static bool shifts_down(const struct bpf_insn *insn)
{
	return insn->code == (BPF_ALU64 | BPF_RSH | BPF_K) ||
	       insn->code == (BPF_ALU64 | BPF_ARSH | BPF_K);
}

/* Which of @regs hold the number still, or as well, behind @insn; 0: that is not followed. */
static u32 still_hold(const struct bpf_insn *insn, u32 regs)
{
	u8 class = BPF_CLASS(insn->code);

	if (class == BPF_ST || (class == BPF_STX && BPF_MODE(insn->code) == BPF_MEM))
		return regs;
	if (class != BPF_ALU && class != BPF_ALU64 && class != BPF_LDX)
		return 0;
	if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && !insn->off &&
	    regs & 1u << insn->src_reg)
		return regs | 1u << insn->dst_reg;
	return regs & ~(1u << insn->dst_reg);
}

/*
 * Compilers extend a number by shifting it up and down again, by way of another register
 * and with a little other work between at times. Then the number before is what it is
 * about: it stays itself, and linked, if its upper bits say no more.
 *
 * Return: where it is shifted down again; 0: nowhere near.
 */
static u32 shifted_back_at(const struct kps_at *at, const struct bpf_insn *insn)
{
	u32 pc, regs = 1u << insn->dst_reg;

	if (insn->code != (BPF_ALU64 | BPF_LSH | BPF_K) || insn->imm < 32 || insn->imm > 56)
		return 0;
	for (pc = at->pc + 1; pc < at->end && pc <= at->pc + SHIFT_REACH && regs; pc++) {
		const struct bpf_insn *next = &at->env->in->insns[pc];

		if (shifts_down(next) && regs & 1u << next->dst_reg)
			return next->imm == insn->imm ? pc : 0;
		regs = still_hold(next, regs);
	}
	return 0;
}

static void extend(const struct kps_at *at, const struct bpf_insn *insn, struct kps_reg *dst)
{
	u32 width = 64 - (u32)insn->imm;

	*dst = at->env->shifted;
	dst->def = at->pc;
	if (BPF_OP(insn->code) == BPF_ARSH) {
		sign_extend(dst, width, 64);
	} else if (dst->val.r64.umax > kps_width_mask(width)) {
		kps_scalar_zext(&dst->val, width);
		keep_low(dst, width);
	}
}

/*
 * What most instructions do: add a small constant, or mask. A sum whose ends don't wrap
 * is the integers' sum.
 */
static bool alu_plainly(const struct bpf_insn *insn, struct kps_reg *dst)
{
	s64 c = insn->imm;

	switch (insn->code) {
	case BPF_ALU64 | BPF_ADD | BPF_K:
		if (!kps_scalar_add_const(&dst->val, c))
			return false;
		if (dst->id)
			move_delta(dst, c);
		return true;
	case BPF_ALU64 | BPF_AND | BPF_K:
		if (!kps_scalar_mask(&dst->val, (u64)c))
			return false;
		kps_unlink(dst);
		return true;
	}
	return false;
}

static noinline void alu_imm(const struct kps_at *at, const struct bpf_insn *insn,
			     struct kps_reg *dst)
{
	struct kps_scalar imm = kps_scalar_const((u64)kps_insn_imm(insn));
	struct kps_env *env = at->env;
	u32 back;

	if (env->shifted_for == at->pc) {
		extend(at, insn, dst);
		return;
	}
	back = shifted_back_at(at, insn);
	if (back) {
		env->shifted = *dst;
		env->shifted_for = back;
	}
	alu_numbers(at, insn, dst, &imm);
}

static noinline int move_by_imm(const struct kps_at *at, const struct bpf_insn *insn,
				struct kps_reg *ptr)
{
	struct kps_reg num = kps_reg_scalar(kps_scalar_const((u64)kps_insn_imm(insn)), at->pc);

	if (!can_move(ptr) || insn_width(insn) != 64 || !is_add(BPF_OP(insn->code)))
		return alu_as_numbers(at, insn, &num.val);
	return move_pointer(at, ptr, &num, BPF_OP(insn->code), KAPSEL_NO_REG);
}

static int step_with_imm(const struct kps_at *at, const struct bpf_insn *insn)
{
	struct kps_reg *dst = kps_reg_at(at, insn->dst_reg);

	if (kps_is_pointer(dst))
		return move_by_imm(at, insn, dst);
	if (alu_plainly(insn, dst))
		dst->def = at->pc;
	else
		alu_imm(at, insn, dst);
	return 0;
}

static int step_binary(const struct kps_at *at, const struct bpf_insn *insn)
{
	struct kps_reg *dst = kps_reg_at(at, insn->dst_reg);
	struct kps_reg *src = kps_reg_at(at, insn->src_reg);
	int err = kps_check_init(at, insn->dst_reg);

	if (err || BPF_SRC(insn->code) == BPF_K)
		return err ?: step_with_imm(at, insn);
	err = kps_check_init(at, insn->src_reg);
	if (err)
		return err;
	if (kps_is_pointer(dst) || kps_is_pointer(src))
		return alu_pointers(at, insn);
	alu_numbers(at, insn, dst, &src->val);
	return 0;
}

/* A copy and its original get one link, so that a test of one narrows both. */
static void copy_number(struct kps_env *env, struct kps_reg *dst, struct kps_reg *src)
{
	if (!src->id && !kps_scalar_is_const(&src->val)) {
		src->id = kps_new_id(&env->pool);
		src->delta = 0;
	}
	*dst = *src;
}

static int move_number(const struct kps_at *at, const struct bpf_insn *insn)
{
	struct kps_reg *dst = kps_reg_at(at, insn->dst_reg);
	struct kps_reg *src = kps_reg_at(at, insn->src_reg);
	unsigned int width = insn_width(insn);

	copy_number(at->env, dst, src);
	dst->def = at->pc;
	if (insn->off) {
		sign_extend(dst, insn->off, width);
	} else if (width == 32 && src->val.r64.umax > U32_MAX) {
		kps_scalar_zext(&dst->val, 32);
		keep_low(dst, 32);
	}
	return 0;
}

static int step_mov(const struct kps_at *at, const struct bpf_insn *insn)
{
	struct kps_reg *dst = kps_reg_at(at, insn->dst_reg);
	u64 imm = (u64)(s64)insn->imm;
	int err;

	if (BPF_SRC(insn->code) == BPF_K) {
		if (insn_width(insn) == 32)
			imm = (u32)imm;
		*dst = kps_reg_scalar(kps_scalar_const(imm), at->pc);
		return 0;
	}
	err = kps_check_init(at, insn->src_reg);
	if (err)
		return err;
	if (!kps_is_pointer(kps_reg_at(at, insn->src_reg)))
		return move_number(at, insn);
	if (insn_width(insn) == 64 && !insn->off) {
		*dst = *kps_reg_at(at, insn->src_reg);
		return 0;
	}
	err = number_of_pointer(at, insn->src_reg, dst);
	if (!err)
		kps_scalar_zext(&dst->val, insn_width(insn));
	return err;
}

static int step_neg(const struct kps_at *at, const struct bpf_insn *insn)
{
	struct kps_reg zero = kps_reg_scalar(kps_scalar_const(0), at->pc);
	struct kps_reg val;
	int err = kps_check_init(at, insn->dst_reg) ?: number_of(at, insn->dst_reg, &val);

	if (err)
		return err;
	kps_scalar_alu(BPF_SUB, false, insn_width(insn), &zero.val, &val.val);
	*kps_reg_at(at, insn->dst_reg) = zero;
	return 0;
}

/* Swapping to the machine's own order (little) only cuts. */
static int step_end(const struct kps_at *at, const struct bpf_insn *insn)
{
	bool swaps = BPF_CLASS(insn->code) == BPF_ALU64 || BPF_SRC(insn->code) == BPF_TO_BE;
	struct kps_reg val;
	int err = kps_check_init(at, insn->dst_reg) ?: number_of(at, insn->dst_reg, &val);

	if (err)
		return err;
	if (swaps)
		val = kps_reg_scalar(kps_scalar_any(), at->pc);
	if (val.val.r64.umax > kps_width_mask(insn->imm))
		keep_low(&val, insn->imm);
	kps_scalar_zext(&val.val, insn->imm);
	val.def = at->pc;
	*kps_reg_at(at, insn->dst_reg) = val;
	return 0;
}

int kps_step_alu(const struct kps_at *at)
{
	const struct bpf_insn *insn = kps_insn_at(at);

	switch (BPF_OP(insn->code)) {
	case BPF_MOV:
		return step_mov(at, insn);
	case BPF_NEG:
		return step_neg(at, insn);
	case BPF_END:
		return step_end(at, insn);
	default:
		return step_binary(at, insn);
	}
}

static int refuse_map(const struct kps_at *at, u32 code, s64 detail)
{
	kps_refuse(at, code, KAPSEL_NO_REG)->detail = (u64)detail;
	return -EACCES;
}

/* Which map a lddw means was resolved before the first path (verifier.c). */
static int lddw_value(const struct kps_at *at, struct kps_reg *dst)
{
	const struct kps_insn_aux *aux = kps_aux_at(at);
	const struct kps_map_facts *map = &at->env->maps[aux->map];
	const struct kps_map_type *type = kps_map_type_find(map->type);

	if (!type || !(type->ops & KAPSEL_MAP_OP_DIRECT) || map->max_entries != 1 ||
	    aux->arg >= map->value_size)
		return refuse_map(at, KPS_D_MAP_VALUE, aux->arg);
	*dst = kps_reg_pointer(KAPSEL_KIND_MAP_VALUE, aux->map, aux->arg, at->pc);
	dst->ref = kps_value_ref(at->env, aux->map);
	return 0;
}

int kps_step_lddw(const struct kps_at *at)
{
	const struct bpf_insn *insn = kps_insn_at(at);
	const struct kps_insn_aux *aux = kps_aux_at(at);
	struct kps_reg *dst = kps_reg_at(at, insn->dst_reg);
	u64 imm;

	switch (aux->kind) {
	case KPS_AUX_MAP:
		*dst = kps_reg_pointer(KAPSEL_KIND_MAP, aux->map, 0, at->pc);
		return 0;
	case KPS_AUX_MAP_VALUE:
		return lddw_value(at, dst);
	case KPS_AUX_FUNC:
		*dst = kps_reg_pointer(KAPSEL_KIND_FUNC, aux->arg, 0, at->pc);
		return 0;
	default:
		imm = (u32)insn->imm | (u64)(u32)insn[1].imm << 32;
		*dst = kps_reg_scalar(kps_scalar_const(imm), at->pc);
		return 0;
	}
}
