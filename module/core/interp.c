// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - the interpreter */

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/code.h"
#include "core/interp.h"
#include "core/rewrite.h"

/* Where objtool looks for the targets of a computed goto. */
#ifndef __annotate_jump_table
#define __annotate_jump_table
#endif

/*
 * Any alignment, any type: what the verifier allows is not C's business. Nor what other
 * CPUs do there meanwhile: maps are theirs, too, and packets the network's. What programs
 * race for is theirs to order, as it is when they are compiled.
 */
#define ACCESS(type)							\
static __always_inline type load_##type(u64 addr)			\
{									\
	type value;							\
									\
	/* See above. */						\
	data_race(__builtin_memcpy(&value, (const void *)(unsigned long)addr, \
				   sizeof(value)));			\
	return value;							\
}									\
									\
static __always_inline void store_##type(u64 addr, type value)		\
{									\
	/* See above. */						\
	data_race(__builtin_memcpy((void *)(unsigned long)addr, &value,	\
				   sizeof(value)));			\
}

ACCESS(u8)
ACCESS(u16)
ACCESS(u32)
ACCESS(u64)

/* RFC 9669: nothing traps. By zero: 0, or the dividend; MIN / -1 is MIN. */
static __always_inline u64 div_u(u64 a, u64 b)
{
	return b ? a / b : 0;
}

static __always_inline u64 mod_u(u64 a, u64 b)
{
	return b ? a % b : a;
}

static __always_inline u64 div_s(s64 a, s64 b)
{
	if (b == -1)
		return -(u64)a;
	return b ? a / b : 0;
}

static __always_inline u64 mod_s(s64 a, s64 b)
{
	if (b == -1)
		return 0;
	return b ? a % b : a;
}

static __always_inline u64 to_le(u64 value, u32 bits)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return bits == 64 ? value : value & ((1ULL << bits) - 1);
#else
#error "kapsel runs on little-endian machines"
#endif
}

static __always_inline void save(struct kps_caller *frame,
				 const struct kps_code_insn *ret, const u64 *regs)
{
	frame->ret = ret;
	frame->fp = regs[10];
	memcpy(frame->saved, &regs[6], sizeof(frame->saved));
	frame->loop_left = 0;
}

static __always_inline void restore(const struct kps_caller *frame, u64 *regs)
{
	regs[10] = frame->fp;
	memcpy(&regs[6], frame->saved, sizeof(frame->saved));
}

static __always_inline void clear_regs(u64 *regs, u32 which)
{
	u32 n;

	for (n = 1; n <= 5; n++)
		if (which & BIT(n))
			regs[n] = 0;
}

/* What bpf_loop() answers without calling anything; 1: it has to call. */
static __always_inline s64 loop_refused(const u64 *regs)
{
	if (regs[4])
		return -EINVAL;
	if ((u32)regs[1] > KPS_MAX_LOOPS)
		return -E2BIG;
	return (u32)regs[1] ? 1 : 0;
}

static __always_inline bool next_elem(const struct kps_code *code, struct kps_caller *frame,
				      u64 *regs)
{
	if (!code->next(frame->loop_map, (unsigned long)&frame->each, 0, 0, 0))
		return false;
	regs[1] = frame->loop_map;
	regs[2] = frame->each.key;
	regs[3] = frame->each.value;
	regs[4] = frame->loop_ctx;
	return true;
}

/* To be told that it was enough, too: the ring is another's then. */
static __always_inline bool next_sample(const struct kps_code *code, struct kps_caller *frame,
					u64 *regs)
{
	if (!code->drain(frame->loop_map, (unsigned long)&frame->drain, regs[0], 0, 0)) {
		frame->loop_done = frame->drain.result;
		return false;
	}
	regs[1] = (unsigned long)&frame->drain.sample;
	regs[2] = frame->loop_ctx;
	return true;
}

/* A callback has returned r0: are its arguments there for another run? */
static __always_inline bool next_round(const struct kps_code *code, struct kps_caller *frame,
				       u32 op, u64 *regs)
{
	if (op == KPS_CODE_drain)
		return next_sample(code, frame, regs);
	frame->loop_done++;
	if (regs[0] || !--frame->loop_left)
		return false;
	if (op == KPS_CODE_each)
		return next_elem(code, frame, regs);
	regs[1] = frame->loop_done;
	regs[2] = frame->loop_ctx;
	return true;
}

/*
 * Fuel is counted by jumps alone, in bytes of instructions: it would end at a
 * place, were there no jump. Addresses are signed for this: none is near an end.
 */
#define MAX_FUEL BIT_ULL(58)

static __always_inline s64 place(const struct kps_code_insn *insn)
{
	return (long)insn;
}

static __always_inline s64 fuel_bytes(const struct kps_run *run)
{
	return min_t(u64, run->fuel, MAX_FUEL) * sizeof(struct kps_code_insn);
}

static __always_inline void keep_fuel(struct kps_run *run, s64 bytes)
{
	run->fuel -= min_t(u64, run->fuel, MAX_FUEL);
	if (bytes > 0)
		run->fuel += (u64)bytes / sizeof(struct kps_code_insn);
}

enum where { dst, src };

/** struct pair - a row of pairs.tbl */
struct pair {
	u8 first;
	u8 second;
	u8 where;
};

static const struct pair pairs[] = {
#define KPS_PAIR_ALSO KPS_PAIR
#define KPS_PAIR(_first, _where, _second)	\
	{ KPS_ROW_##_first, KPS_ROW_##_second, _where },
#include "core/pairs.tbl"
#undef KPS_PAIR
#undef KPS_PAIR_ALSO
};

/* The first row of a first, plus one; 0: there is none. */
static const u8 rows_of[KPS_NR_ROWS] = {
#define KPS_PAIR_ALSO(...)
#define KPS_PAIR(_first, _where, _second)	\
	[KPS_ROW_##_first] = KPS_PAIR_##_first##_##_where##_##_second - KPS_NR_SINGLE_OPS + 1,
#include "core/pairs.tbl"
#undef KPS_PAIR
#undef KPS_PAIR_ALSO
};

static_assert(ARRAY_SIZE(pairs) < 255 && KPS_NR_ROWS < 256);

static u16 joined(const struct kps_code_insn *insn)
{
	const struct kps_code_insn *next = insn + 1;
	u32 i = insn->op < KPS_NR_ROWS ? rows_of[insn->op] : 0;

	if (!i)
		return insn->op;
	for (i--; i < ARRAY_SIZE(pairs) && pairs[i].first == insn->op; i++)
		if (pairs[i].second == next->op &&
		    insn->dst == (pairs[i].where == dst ? next->dst : next->src))
			return KPS_NR_SINGLE_OPS + i;
	return insn->op;
}

/* Each looks at the next one, which is not a pair yet. */
void kps_interp_prepare(struct kps_code *code)
{
	u32 i;

	for (i = 0; i + 1 < code->cnt; i++)
		code->insns[i].op = joined(&code->insns[i]);
}

#define KPS_EXTRA_LABEL(_name)	&&L_##_name,

notrace u64 kps_interp_run(const struct kps_code *code, struct kps_run *run,
			   u64 ctx, u64 arg2)
{
	static const void * const labels[] __annotate_jump_table = {
#define KPS_OPCODE(_name, ...)		&&L_##_name,
#define KPS_OPCODE_ALSO(_name, ...)	&&L_##_name,
#include "core/opcodes.tbl"
#undef KPS_OPCODE
#undef KPS_OPCODE_ALSO
		KPS_EXTRA_OPS(KPS_EXTRA_LABEL)
#define KPS_PAIR_ALSO KPS_PAIR
#define KPS_PAIR(_first, _where, _second) &&L_##_first##_##_where##_##_second,
#include "core/pairs.tbl"
#undef KPS_PAIR
#undef KPS_PAIR_ALSO
	};
	const struct kps_code_insn *insn = code->insns;
	struct kps_caller *frame = run->frames;
	s64 last = place(insn) + fuel_bytes(run);
	u64 regs[KPS_NR_REGS] = {};

	BUILD_BUG_ON(ARRAY_SIZE(labels) != KPS_NR_CODE_OPS);
	regs[1] = ctx;
	regs[2] = arg2;
	regs[10] = (unsigned long)run->stack + sizeof(run->stack);
	goto *labels[insn->op];

#include "core/handlers.inc"
#include "core/pairs.inc"

L_trap:
	run->end = KPS_RUN_TRAP;
	keep_fuel(run, last - place(insn));
	return 0;
no_fuel:
	run->end = KPS_RUN_FUEL;
	keep_fuel(run, 0);
	return 0;
}
