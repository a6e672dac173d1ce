/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - runnable code, between the rewrite and the interpreter */
#ifndef KPS_CODE_H
#define KPS_CODE_H

#include <linux/types.h>

#include "core/rows.h"

#define KPS_MAX_LOOPS	0x800000	/* rounds of bpf_loop(): 2^23 */

/*
 * What the interpreter can do: the rows of opcodes.tbl, and a few more that
 * only the rewrite makes. "via" loads go through the pointer at the start of
 * the context, which is imm bytes before src. A loop runs a function so many times,
 * "each" does for each element of a map, "drain" for each sample: all are calls of a
 * function, by a helper. A lookup is one in an array: imm is the address of its struct
 * kps_view. A tail call is a helper after which the program ends, unless it returns 0:
 * whoever runs programs goes on with the one it chose.
 */
#define KPS_EXTRA_OPS(OP)						\
	OP(trap)							\
	OP(loop)							\
	OP(each)							\
	OP(drain)							\
	OP(call_short)							\
	OP(tail_call)							\
	OP(lookup)							\
	OP(via_ldxb)							\
	OP(via_ldxh)							\
	OP(via_ldxw)							\
	OP(via_ldxdw)							\
	OP(via_ldsxb)							\
	OP(via_ldsxh)							\
	OP(via_ldsxw)

#define KPS_EXTRA_NUMBER(_name)	KPS_CODE_##_name,

/* Behind them stand the pairs, which only kps_interp_prepare() makes. */
enum kps_code_op {
	KPS_CODE_FIRST = KPS_NR_ROWS - 1,
	KPS_EXTRA_OPS(KPS_EXTRA_NUMBER)
	KPS_NR_SINGLE_OPS,
	KPS_PAIR_FIRST = KPS_NR_SINGLE_OPS - 1,
#define KPS_PAIR_ALSO KPS_PAIR
#define KPS_PAIR(_first, _where, _second) KPS_PAIR_##_first##_##_where##_##_second,
#include "core/pairs.tbl"
#undef KPS_PAIR
#undef KPS_PAIR_ALSO
	KPS_NR_CODE_OPS
};

/**
 * struct kps_code_insn - an instruction, ready to run
 * @op: enum kps_row or enum kps_code_op
 * @dst: register
 * @src: register
 * @off: of an access; of a conditional jump: instructions from the next one; of
 *	a call: bytes to the callee's frame pointer; of a lookup: 1: the array has an
 *	entry of that index; of a lddw: 1: nobody reads it, compiled code can do without
 * @clear: of call_short: bit n: rn is not given and must be 0
 * @imm: sign-extended, or 64 bits, or a helper's address; of other jumps and
 *	calls: instructions from the next one
 *
 * A lddw is one instruction here, so the distance of two instructions is a
 * count of instructions: that is how fuel is charged.
 */
struct kps_code_insn {
	u16 op;
	u8 dst;
	u8 src;
	s16 off;
	u16 clear;
	u64 imm;
};

/**
 * struct kps_code - a program, ready to run
 * @bytes: that it takes
 * @cnt: instructions
 * @next: the body of for_each_map_elem, if there is a call of it: finds the next element
 *	of map r1 by the struct kps_each at r2; 0: there is none
 * @drain: the same of user_ringbuf_drain: takes the next sample of map r1 to the struct
 *	kps_drain at r2, unless r3; 0: that was all, and the result is there
 * @insns: the program
 */
struct kps_code {
	size_t bytes;
	u32 cnt;
	u64 (*next)(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);
	u64 (*drain)(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);
	struct kps_code_insn insns[];
};

#endif
