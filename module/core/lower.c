// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - lowering: from runnable code to what the kernel's JIT compiles */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/types.h>

#include "core/code.h"
#include "core/insn.h"
#include "core/lower_in.h"
#include "core/rewrite.h"

#define FIX_ZERO	0
#define FIX_SEL(value)	(value)
#define FIX_GET		KPS_FORM_GIVEN
#define FIX_SET		KPS_FORM_GIVEN
#define FIX_MOD		KPS_FORM_GIVEN
#define FIX_PSEUDO	FIX_ZERO
#define FIX_ANY		KPS_FORM_GIVEN
#define FIX_SHIFT32	KPS_FORM_GIVEN
#define FIX_SHIFT64	KPS_FORM_GIVEN

const struct kps_form kps_forms[KPS_NR_ROWS] = {
#define KPS_OPCODE_ALSO KPS_OPCODE
#define KPS_OPCODE(_name, _kind, _code, _dst, _src, _off, _imm, ...)	\
	{ KPS_OP_##_kind, _code, FIX_##_src, FIX_##_off, FIX_##_imm },
#include "core/opcodes.tbl"
#undef KPS_OPCODE
#undef KPS_OPCODE_ALSO
};

static void copy(struct lower *lo, const struct kps_code_insn *insn)
{
	emit(lo, insn->op, insn->dst, insn->src, insn->off, insn->imm);
}

/* ------------------------------------------------------------------------
 * Jumps
 */

static bool dead(const struct lower *lo, u32 at)
{
	return lo->insns[at].op == KPS_CODE_trap;
}

static u32 target_of(const struct lower *lo, const struct kps_code_insn *insn)
{
	bool by_imm = kps_forms[insn->op].kind == KPS_OP_JA;

	return lo->at + 1 + (by_imm ? (s64)insn->imm : insn->off);
}

/* Slots between the end of a jump that is @slots long and its target. */
static s64 reach(const struct lower *lo, u32 at, u32 target, u32 slots)
{
	u32 from = (lo->place[at] & ~FAR) + slots;

	return (s64)(lo->place[target] & ~FAR) - from;
}

static void jump_to(struct lower *lo, u32 target)
{
	s64 far = reach(lo, lo->at, target, lo->n - (lo->place[lo->at] & ~FAR) + 1);

	if (lo->place[lo->at] & FAR)
		emit(lo, KPS_ROW_ja32, 0, 0, 0, far);
	else
		emit(lo, KPS_ROW_ja, 0, 0, far, 0);
	if (lo->place[lo->at] & FAR && wrong(lo, KPS_ROW_ja32))
		lo->res->why = KAPSEL_WHY_FAR;
}

/* A jump that is taken for sure. */
static void take(struct lower *lo, u32 target)
{
	if (lo->target->metered)
		kps_meter_jump(lo, target);
	if (target != lo->at + 1)
		jump_to(lo, target);
}

/* The jump in slot @from skips what came since. */
static void end_skip(struct lower *lo, u32 from)
{
	if (lo->out)
		lo->out[from].off = lo->n - from - 1;
}

static void lower_ja(struct lower *lo, const struct kps_code_insn *insn)
{
	u32 target = target_of(lo, insn);

	if (dead(lo, target))
		emit_stop(lo);
	else
		take(lo, target);
}

static void lower_jcond(struct lower *lo, const struct kps_code_insn *insn)
{
	u32 target = target_of(lo, insn), skip;
	bool falls = !dead(lo, lo->at + 1);
	bool aside = lo->place[lo->at] & FAR || lo->target->metered;

	if (!falls && dead(lo, target)) {
		emit_stop(lo);
	} else if (!falls) {
		take(lo, target);
	} else if (!dead(lo, target) && aside) {
		emit(lo, insn->op, insn->dst, insn->src, 1, insn->imm);
		skip = lo->n;
		emit_skip(lo, 0);
		take(lo, target);
		end_skip(lo, skip);
	} else if (!dead(lo, target)) {
		emit(lo, insn->op, insn->dst, insn->src,
		     reach(lo, lo->at, target, 1), insn->imm);
	}
}

/* ------------------------------------------------------------------------
 * Arithmetic
 */

/* The same in 64 and in 32 bits. */
struct width {
	u16 mov_imm, mov, xor, neg, div, mod, sdiv, smod;
	u16 jeq_imm, jne_imm, jsge_imm;
};

#define WIDTH(bits) {							\
	KPS_ROW_mov##bits##_imm, KPS_ROW_mov##bits##_reg,		\
	KPS_ROW_xor##bits##_reg, KPS_ROW_neg##bits,			\
	KPS_ROW_div##bits##_reg, KPS_ROW_mod##bits##_reg,		\
	KPS_ROW_sdiv##bits##_reg, KPS_ROW_smod##bits##_reg,		\
	KPS_ROW_jeq##bits##_imm, KPS_ROW_jne##bits##_imm,		\
	KPS_ROW_jsge##bits##_imm,					\
}

static const struct width bits64 = WIDTH(64), bits32 = WIDTH(32);

static bool is_wide(const struct kps_code_insn *insn)
{
	return BPF_CLASS(kps_forms[insn->op].code) == BPF_ALU64;
}

static bool by_register(const struct kps_code_insn *insn)
{
	return BPF_SRC(kps_forms[insn->op].code) == BPF_X;
}

static bool is_modulo(const struct kps_code_insn *insn)
{
	return BPF_OP(kps_forms[insn->op].code) == BPF_MOD;
}

/* The dividend itself; in 32 bits with the upper half cleared. */
static void keep_dividend(struct lower *lo, const struct kps_code_insn *insn)
{
	if (!is_wide(insn))
		emit(lo, KPS_ROW_mov32_reg, insn->dst, insn->dst, 0, 0);
}

/* dst = dst / src, or dst % src, unsigned and by any number. */
static void divide(struct lower *lo, const struct kps_code_insn *insn, u8 src)
{
	const struct width *w = is_wide(insn) ? &bits64 : &bits32;

	if (!is_modulo(insn)) {
		emit(lo, w->jne_imm, src, 0, 2, 0);
		emit_zero(lo, insn->dst);
		emit_skip(lo, 1);
		emit(lo, w->div, insn->dst, src, 0, 0);
	} else if (is_wide(insn)) {
		emit(lo, w->jeq_imm, src, 0, 1, 0);
		emit(lo, w->mod, insn->dst, src, 0, 0);
	} else {
		emit(lo, w->jne_imm, src, 0, 2, 0);
		keep_dividend(lo, insn);
		emit_skip(lo, 1);
		emit(lo, w->mod, insn->dst, src, 0, 0);
	}
}

static void lower_div(struct lower *lo, const struct kps_code_insn *insn)
{
	if (by_register(insn))
		divide(lo, insn, insn->src);
	else if ((s32)insn->imm)
		copy(lo, insn);
	else if (is_modulo(insn))
		keep_dividend(lo, insn);
	else
		emit_zero(lo, insn->dst);
}

/* By -1, the processor's signed division of the least number traps. */
static void by_minus_one(struct lower *lo, const struct kps_code_insn *insn)
{
	const struct width *w = is_wide(insn) ? &bits64 : &bits32;

	if (is_modulo(insn))
		emit_zero(lo, insn->dst);
	else
		emit(lo, w->neg, insn->dst, 0, 0, 0);
}

/* In 64 bits, what a modulo by zero leaves as it is takes no instruction. */
static void signed_by_register(struct lower *lo, const struct kps_code_insn *insn)
{
	const struct width *w = is_wide(insn) ? &bits64 : &bits32;
	u32 zero = !is_modulo(insn) || !is_wide(insn);

	emit(lo, w->jne_imm, insn->src, 0, zero + 1, 0);
	if (!is_modulo(insn))
		emit_zero(lo, insn->dst);
	else
		keep_dividend(lo, insn);
	emit_skip(lo, 4);
	emit(lo, w->jne_imm, insn->src, 0, 2, -1);
	by_minus_one(lo, insn);
	emit_skip(lo, 1);
	copy(lo, insn);
}

/* Two registers that are neither @a nor @b. */
static void find_two(u8 a, u8 b, u8 *two)
{
	u8 reg, n = 0;

	for (reg = BPF_REG_0; n < 2; reg++)
		if (reg != a && reg != b)
			two[n++] = reg;
}

static void put_by(struct lower *lo, u32 row, const u8 *two)
{
	s32 below = lo->funcs[lo->func].stack + kps_meter_bytes(lo);
	u32 i;

	for (i = 0; i < 2; i++) {
		s16 off = -below - 8 * ((s32)i + 1);

		if (row == KPS_ROW_stxdw)
			emit(lo, row, BPF_REG_10, two[i], off, 0);
		else
			emit(lo, row, two[i], BPF_REG_10, off, 0);
	}
	lo->put_by = 2 * sizeof(u64);
	if (below + lo->put_by > KAPSEL_MAX_STACK)
		refuse(lo, KAPSEL_WHY_INSN);
}

static void absolute(struct lower *lo, const struct width *w, u8 reg)
{
	emit(lo, w->jsge_imm, reg, 0, 1, 0);
	emit(lo, w->neg, reg, 0, 0, 0);
}

/*
 * By the unsigned division of magnitudes: the quotient has the sign of both
 * together, the remainder that of the dividend. The least number is its own
 * negative, and right as an unsigned magnitude.
 */
static void signed_by_unsigned(struct lower *lo, const struct kps_code_insn *insn)
{
	const struct width *w = is_wide(insn) ? &bits64 : &bits32;
	u8 two[2], by, sign;

	find_two(insn->dst, insn->src, two);
	by = two[0];
	sign = two[1];
	put_by(lo, KPS_ROW_stxdw, two);
	if (by_register(insn))
		emit(lo, w->mov, by, insn->src, 0, 0);
	else
		emit(lo, w->mov_imm, by, 0, 0, insn->imm);
	emit(lo, w->mov, sign, insn->dst, 0, 0);
	if (!is_modulo(insn))
		emit(lo, w->xor, sign, by, 0, 0);
	absolute(lo, w, by);
	absolute(lo, w, insn->dst);
	divide(lo, insn, by);
	emit(lo, w->jsge_imm, sign, 0, 1, 0);
	emit(lo, w->neg, insn->dst, 0, 0, 0);
	put_by(lo, KPS_ROW_ldxdw, two);
}

static void lower_sdiv(struct lower *lo, const struct kps_code_insn *insn)
{
	s32 imm = insn->imm;

	if (!by_register(insn) && !imm)
		lower_div(lo, insn);
	else if (!by_register(insn) && imm == -1)
		by_minus_one(lo, insn);
	else if (wrong(lo, insn->op))
		signed_by_unsigned(lo, insn);
	else if (by_register(insn))
		signed_by_register(lo, insn);
	else
		copy(lo, insn);
}

static void shift_out_and_in(struct lower *lo, bool wide, u8 reg, u32 by)
{
	emit(lo, wide ? KPS_ROW_lsh64_imm : KPS_ROW_lsh32_imm, reg, 0, 0, by);
	emit(lo, wide ? KPS_ROW_arsh64_imm : KPS_ROW_arsh32_imm, reg, 0, 0, by);
}

static void lower_movsx(struct lower *lo, const struct kps_code_insn *insn)
{
	bool wide = is_wide(insn);
	u32 bits = kps_forms[insn->op].off;

	emit(lo, wide ? KPS_ROW_mov64_reg : KPS_ROW_mov32_reg, insn->dst,
	     insn->src, 0, 0);
	shift_out_and_in(lo, wide, insn->dst, (wide ? 64 : 32) - bits);
}

/* On the little-endian machines that kapsel runs on, a swap is one to big. */
static void lower_bswap(struct lower *lo, const struct kps_code_insn *insn)
{
	u32 rows[] = { KPS_ROW_be16, KPS_ROW_be32, KPS_ROW_be64 };

	emit(lo, rows[insn->op - KPS_ROW_bswap16], insn->dst, 0, 0, 0);
}

/* ------------------------------------------------------------------------
 * Memory
 */

/* A load by its row, sign-extending or not. */
static void load(struct lower *lo, u32 row, u8 dst, u8 src, s16 off)
{
	bool sign = kps_forms[row].kind == KPS_OP_LOADSX;

	if (!sign || !wrong(lo, row)) {
		emit(lo, row, dst, src, off, 0);
	} else if (row == KPS_ROW_ldsxb) {
		emit(lo, KPS_ROW_ldxb, dst, src, off, 0);
		shift_out_and_in(lo, true, dst, 56);
	} else if (row == KPS_ROW_ldsxh) {
		emit(lo, KPS_ROW_ldxh, dst, src, off, 0);
		shift_out_and_in(lo, true, dst, 48);
	} else {
		emit(lo, KPS_ROW_ldxw, dst, src, off, 0);
		shift_out_and_in(lo, true, dst, 32);
	}
}

static void lower_ldsx(struct lower *lo, const struct kps_code_insn *insn)
{
	load(lo, insn->op, insn->dst, insn->src, insn->off);
}

static void lower_via(struct lower *lo, const struct kps_code_insn *insn)
{
	static const u16 rows[] = {
		KPS_ROW_ldxb, KPS_ROW_ldxh, KPS_ROW_ldxw, KPS_ROW_ldxdw,
		KPS_ROW_ldsxb, KPS_ROW_ldsxh, KPS_ROW_ldsxw,
	};
	s64 back = -(s64)insn->imm;

	if (back != (s16)back)
		refuse(lo, KAPSEL_WHY_FAR);
	emit(lo, KPS_ROW_ldxdw, insn->dst, insn->src, back, 0);
	load(lo, rows[insn->op - KPS_CODE_via_ldxb], insn->dst, insn->dst, insn->off);
}

/* Where old and expected value agree, processors leave r0's upper half alone. */
static void lower_cmpxchg32(struct lower *lo, const struct kps_code_insn *insn)
{
	copy(lo, insn);
	emit(lo, KPS_ROW_mov32_reg, BPF_REG_0, BPF_REG_0, 0, 0);
}

static void lower_lddw(struct lower *lo, const struct kps_code_insn *insn)
{
	if (!insn->off)
		emit_wide(lo, insn->dst, insn->imm);
}

/* ------------------------------------------------------------------------
 * Calls
 */

static void lower_call(struct lower *lo, const struct kps_code_insn *insn)
{
	u8 reg;

	for (reg = BPF_REG_1; reg <= BPF_REG_5; reg++)
		if (insn->op == KPS_CODE_call_short && insn->clear & BIT(reg))
			emit_zero(lo, reg);
	call_address(lo, insn->imm);
}

/* Ends the program if a program was found to go on with, which is not called. */
static void lower_tail_call(struct lower *lo, const struct kps_code_insn *insn)
{
	u32 skip;

	call_address(lo, insn->imm);
	skip = lo->n;
	emit(lo, KPS_ROW_jeq64_imm, BPF_REG_0, 0, 0, 0);
	if (lo->target->metered)
		kps_meter_exit(lo);
	emit(lo, KPS_ROW_exit, 0, 0, 0, 0);
	end_skip(lo, skip);
}

/*
 * r1 := index, if there is such an entry. Arithmetic says so, too: a mispredicted check
 * must not become a read beyond the array. r1 and r2 are free after a call.
 */
static void limit_index(struct lower *lo, u32 entries)
{
	if (!(entries & (entries - 1))) {
		emit(lo, KPS_ROW_and32_imm, BPF_REG_1, 0, 0, entries - 1);
		return;
	}
	emit(lo, KPS_ROW_mov64_reg, BPF_REG_2, BPF_REG_1, 0, 0);
	emit(lo, KPS_ROW_add64_imm, BPF_REG_2, 0, 0, -(s32)entries);
	emit(lo, KPS_ROW_arsh64_imm, BPF_REG_2, 0, 0, 63);
	emit(lo, KPS_ROW_and64_reg, BPF_REG_1, BPF_REG_2, 0, 0);
}

static void scale(struct lower *lo, u8 reg, u32 by)
{
	if (!(by & (by - 1)))
		emit(lo, KPS_ROW_lsh64_imm, reg, 0, 0, __ffs(by));
	else
		emit(lo, KPS_ROW_mul64_imm, reg, 0, 0, by);
}

/* r0 := the address of an entry, whose index is in r1. */
static void value_at(struct lower *lo, const struct kps_view *view)
{
	if (view->entries > 1) {
		limit_index(lo, view->entries);
		scale(lo, BPF_REG_1, view->stride);
	}
	emit_wide(lo, BPF_REG_0, view->values);
	if (view->entries > 1)
		emit(lo, KPS_ROW_add64_reg, BPF_REG_0, BPF_REG_1, 0, 0);
}

static void lower_lookup(struct lower *lo, const struct kps_code_insn *insn)
{
	const struct kps_view *view = (const void *)(unsigned long)insn->imm;
	bool inside = insn->off;
	u32 skip;

	if (!inside || view->entries > 1)
		emit(lo, KPS_ROW_ldxw, BPF_REG_1, BPF_REG_2, 0, 0);
	if (inside) {
		value_at(lo, view);
		return;
	}
	emit_zero(lo, BPF_REG_0);
	skip = lo->n;
	emit(lo, KPS_ROW_jge32_imm, BPF_REG_1, 0, 0, view->entries);
	value_at(lo, view);
	end_skip(lo, skip);
}

static u64 callee(struct lower *lo, const struct kps_code_insn *insn)
{
	u32 first = lo->first + lo->at + 1 + (s64)insn->imm;

	if (!lo->target->functions)
		refuse(lo, KAPSEL_WHY_FUNCTIONS);
	return lo->target->entry[kps_lower_find(lo->funcs, lo->nr_funcs, first)];
}

static void lower_call_local(struct lower *lo, const struct kps_code_insn *insn)
{
	if (lo->target->metered)
		kps_meter_call(lo);
	call_address(lo, callee(lo, insn));
	if (lo->target->metered)
		kps_meter_called(lo);
}

static u64 runner(const struct lower *lo, u32 op)
{
	switch (op) {
	case KPS_CODE_each:
		return lo->target->each;
	case KPS_CODE_drain:
		return lo->target->drain;
	}
	return lo->target->loop;
}

static void lower_loop(struct lower *lo, const struct kps_code_insn *insn)
{
	emit_wide(lo, BPF_REG_2, callee(lo, insn));
	if (lo->target->metered)
		kps_meter_loop(lo);
	call_address(lo, runner(lo, insn->op));
	if (lo->target->metered)
		kps_meter_called(lo);
}

static void lower_exit(struct lower *lo, const struct kps_code_insn *insn)
{
	if (lo->target->metered)
		kps_meter_exit(lo);
	copy(lo, insn);
}

/* ------------------------------------------------------------------------
 * The table, and the passes
 */

/**
 * struct rule - a row for each rewrite
 * @fn: emits it
 * @always: else only what the JIT does wrong is rewritten
 */
struct rule {
	void (*fn)(struct lower *lo, const struct kps_code_insn *insn);
	bool always;
};

#define BOTH(name, bits, fn)						\
	[KPS_ROW_##name##bits##_imm] = { fn, true },			\
	[KPS_ROW_##name##bits##_reg] = { fn, true }
#define ALL(name, fn)	BOTH(name, 64, fn), BOTH(name, 32, fn)

static const struct rule rules[KPS_NR_CODE_OPS] = {
	ALL(div, lower_div),
	ALL(mod, lower_div),
	ALL(sdiv, lower_sdiv),
	ALL(smod, lower_sdiv),
	[KPS_ROW_movsx64_8] = { lower_movsx },
	[KPS_ROW_movsx64_16] = { lower_movsx },
	[KPS_ROW_movsx64_32] = { lower_movsx },
	[KPS_ROW_movsx32_8] = { lower_movsx },
	[KPS_ROW_movsx32_16] = { lower_movsx },
	[KPS_ROW_bswap16] = { lower_bswap },
	[KPS_ROW_bswap32] = { lower_bswap },
	[KPS_ROW_bswap64] = { lower_bswap },
	[KPS_ROW_ldsxb] = { lower_ldsx },
	[KPS_ROW_ldsxh] = { lower_ldsx },
	[KPS_ROW_ldsxw] = { lower_ldsx },
	[KPS_ROW_atomic32_cmpxchg] = { lower_cmpxchg32, true },
	[KPS_ROW_lddw] = { lower_lddw, true },
	[KPS_ROW_call] = { lower_call, true },
	[KPS_ROW_call_local] = { lower_call_local, true },
	[KPS_ROW_exit] = { lower_exit, true },
	[KPS_ROW_ja] = { lower_ja, true },
	[KPS_ROW_ja32] = { lower_ja, true },
	[KPS_CODE_call_short] = { lower_call, true },
	[KPS_CODE_loop] = { lower_loop, true },
	[KPS_CODE_each] = { lower_loop, true },
	[KPS_CODE_drain] = { lower_loop, true },
	[KPS_CODE_tail_call] = { lower_tail_call, true },
	[KPS_CODE_lookup] = { lower_lookup, true },
	[KPS_CODE_via_ldxb] = { lower_via, true },
	[KPS_CODE_via_ldxh] = { lower_via, true },
	[KPS_CODE_via_ldxw] = { lower_via, true },
	[KPS_CODE_via_ldxdw] = { lower_via, true },
	[KPS_CODE_via_ldsxb] = { lower_via, true },
	[KPS_CODE_via_ldsxh] = { lower_via, true },
	[KPS_CODE_via_ldsxw] = { lower_via, true },
};

static u32 kind_of(const struct kps_code_insn *insn)
{
	return insn->op < KPS_NR_ROWS ? kps_forms[insn->op].kind : KPS_OP_NONE;
}

static bool goes_on(const struct kps_code_insn *insn)
{
	u32 kind = kind_of(insn);

	return kind != KPS_OP_EXIT && kind != KPS_OP_JA && kind != KPS_OP_JCOND;
}

static void lower_insn(struct lower *lo)
{
	const struct kps_code_insn *insn = &lo->insns[lo->at];
	const struct rule *rule = &rules[insn->op];

	if (dead(lo, lo->at))
		return;
	if (rule->fn && (rule->always || wrong(lo, insn->op)))
		rule->fn(lo, insn);
	else if (kind_of(insn) == KPS_OP_JCOND)
		lower_jcond(lo, insn);
	else
		copy(lo, insn);
	if (goes_on(insn) && lo->at + 1 < lo->cnt && dead(lo, lo->at + 1))
		emit_stop(lo);
}

static void lower_all(struct lower *lo)
{
	lo->n = 0;
	lo->at = 0;
	if (lo->target->metered)
		kps_meter_enter(lo);
	for (; lo->at < lo->cnt && !lo->res->why; lo->at++) {
		lo->place[lo->at] = (lo->place[lo->at] & FAR) | lo->n;
		if (lo->target->far)
			lo->place[lo->at] |= FAR;
		lower_insn(lo);
	}
	lo->place[lo->cnt] = lo->n;
}

static bool is_jump(const struct kps_code_insn *insn)
{
	return kind_of(insn) == KPS_OP_JA || kind_of(insn) == KPS_OP_JCOND;
}

/* A jump that became far makes others longer; none becomes near again. */
static bool stretch(struct lower *lo)
{
	bool changed = false;

	for (lo->at = 0; lo->at < lo->cnt; lo->at++) {
		const struct kps_code_insn *insn = &lo->insns[lo->at];
		s64 far;

		if (!is_jump(insn) || lo->place[lo->at] & FAR)
			continue;
		far = reach(lo, lo->at, target_of(lo, insn), 1);
		if (far == (s16)far)
			continue;
		lo->place[lo->at] |= FAR;
		changed = true;
	}
	return changed;
}

static int lower_placed(struct lower *lo, const struct kps_host *host)
{
	struct kps_lowered *res = lo->res;

	do
		lower_all(lo);
	while (!res->why && stretch(lo));
	if (res->why)
		return -EOPNOTSUPP;
	res->cnt = lo->n;
	res->bytes = lo->n * sizeof(*res->insns);
	res->stack = lo->funcs[lo->func].stack + kps_meter_bytes(lo) + lo->put_by;
	res->insns = host->alloc(host->priv, res->bytes);
	if (!res->insns)
		return -ENOMEM;
	lo->out = res->insns;
	lower_all(lo);
	return 0;
}

static void hand_out_places(struct lower *lo, size_t bytes)
{
	for (lo->at = 0; lo->at < lo->cnt; lo->at++)
		lo->place[lo->at] &= ~FAR;
	lo->res->places = lo->place;
	lo->res->place_bytes = bytes;
}

int kps_lower(const struct kps_code *code, const struct kps_lower_func *funcs,
	      u32 nr, u32 func, const struct kps_lower_target *target,
	      const struct kps_host *host, struct kps_lowered *out)
{
	const struct kps_lower_func *it = &funcs[func];
	struct lower lo = {
		.insns = &code->insns[it->first], .cnt = it->end - it->first,
		.first = it->first, .funcs = funcs, .nr_funcs = nr, .func = func,
		.target = target, .res = out,
	};
	size_t bytes = (lo.cnt + 1) * sizeof(*lo.place);
	int err;

	*out = (struct kps_lowered){};
	lo.place = host->alloc(host->priv, bytes);
	if (!lo.place)
		return -ENOMEM;
	err = lower_placed(&lo, host);
	if (err)
		host->free(host->priv, lo.place, bytes);
	else
		hand_out_places(&lo, bytes);
	return err;
}

void kps_lowered_free(struct kps_lowered *lowered, const struct kps_host *host)
{
	host->free(host->priv, lowered->insns, lowered->bytes);
	host->free(host->priv, lowered->places, lowered->place_bytes);
}
