/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - internal: what the lowering's files share */
#ifndef KPS_LOWER_IN_H
#define KPS_LOWER_IN_H

#include <linux/bitops.h>
#include <linux/types.h>

#include "core/lower.h"

/* Of a place: the jump there needs more than 16 bits. */
#define FAR	BIT(31)

/**
 * struct lower - a function being lowered
 * @insns: its instructions
 * @cnt: how many
 * @first: index of the first in the code
 * @funcs: of the program
 * @nr_funcs: how many
 * @func: this one
 * @target: the JIT
 * @place: where each instruction begins in the output, one more for the end
 * @out: NULL while it is measured
 * @n: slots so far
 * @at: the instruction being lowered
 * @put_by: bytes below the frame in which sequences save registers
 * @res: what becomes of it
 */
struct lower {
	const struct kps_code_insn *insns;
	u32 cnt;
	u32 first;
	const struct kps_lower_func *funcs;
	u32 nr_funcs;
	u32 func;
	const struct kps_lower_target *target;
	u32 *place;
	struct bpf_insn *out;
	u32 n;
	u32 at;
	u32 put_by;
	struct kps_lowered *res;
};

static inline void refuse(struct lower *lo, u32 why)
{
	if (lo->res->why)
		return;
	lo->res->why = why;
	lo->res->at = lo->first + lo->at;
}

static inline bool wrong(const struct lower *lo, u32 row)
{
	return lo->target->wrong[row];
}

static inline s64 field(u16 form, s64 given)
{
	return form == KPS_FORM_GIVEN ? given : form;
}

static inline void slot(struct lower *lo, struct bpf_insn insn)
{
	if (lo->out)
		lo->out[lo->n] = insn;
	lo->n++;
}

/* Everything that the JIT gets passes here, so it gets nothing it does wrong. */
static inline void emit(struct lower *lo, u32 row, u8 dst, u8 src, s16 off, s32 imm)
{
	const struct kps_form *form = &kps_forms[row];

	if (wrong(lo, row))
		refuse(lo, KAPSEL_WHY_INSN);
	slot(lo, (struct bpf_insn){
		.code = form->code, .dst_reg = dst,
		.src_reg = field(form->src, src),
		.off = field(form->off, off), .imm = field(form->imm, imm),
	});
}

static inline void emit_wide(struct lower *lo, u8 dst, u64 value)
{
	emit(lo, KPS_ROW_lddw, dst, 0, 0, (u32)value);
	slot(lo, (struct bpf_insn){ .imm = value >> 32 });
}

static inline void emit_skip(struct lower *lo, u32 slots)
{
	emit(lo, KPS_ROW_ja, 0, 0, slots, 0);
}

/* A register is zero: both halves. */
static inline void emit_zero(struct lower *lo, u8 dst)
{
	emit(lo, KPS_ROW_mov32_imm, dst, 0, 0, 0);
}

/* Where no path leads on, as far as the verifier knows. */
static inline void emit_stop(struct lower *lo)
{
	emit_zero(lo, BPF_REG_0);
	emit(lo, KPS_ROW_exit, 0, 0, 0, 0);
}

static inline void call_address(struct lower *lo, u64 address)
{
	s64 distance = address - lo->target->call_base;

	if (distance != (s32)distance)
		refuse(lo, KAPSEL_WHY_FAR);
	emit(lo, KPS_ROW_call, 0, 0, 0, distance);
}

/*
 * Metered functions (lower_meter.c). They count as the interpreter does: by jumps that
 * are taken, calls and exits, each of which pays for all that stands before it since
 * the last one. Between functions the counter is the number of instructions left; in
 * one, it is the index of the first instruction there is no fuel for.
 */

/** kps_meter_bytes - of the frame, that counting takes */
u32 kps_meter_bytes(const struct lower *lo);

/** kps_meter_enter - at a function's beginning: find the counter */
void kps_meter_enter(struct lower *lo);

/** kps_meter_jump - pay for a jump that is taken to @target; all registers are kept */
void kps_meter_jump(struct lower *lo, u32 target);

/** kps_meter_exit - pay for an exit; r0 is kept */
void kps_meter_exit(struct lower *lo);

/** kps_meter_call - pay for a call of a function; its arguments are kept */
void kps_meter_call(struct lower *lo);

/** kps_meter_loop - the same for a loop of callbacks, which may be refused yet: r5 for it */
void kps_meter_loop(struct lower *lo);

/** kps_meter_called - behind either: go on counting, or end with the callee; r0 is kept */
void kps_meter_called(struct lower *lo);

#endif
