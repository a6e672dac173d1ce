/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - lowering: from runnable code to what the kernel's JIT compiles */
#ifndef KPS_LOWER_H
#define KPS_LOWER_H

#include <linux/limits.h>
#include <linux/types.h>
#include <linux/kapsel.h>
#include <uapi/linux/bpf.h>

#include "core/code.h"
#include "core/host.h"

struct kps_prog_in;
struct kps_proof;

#define KPS_FORM_GIVEN	0xffff

/* What the counter of a metered program says when its fuel is out. */
#define KPS_LOWER_NO_FUEL	S32_MIN

/**
 * struct kps_form - how a row of opcodes.tbl is encoded
 * @kind: enum kps_op_kind
 * @code: the opcode
 * @src: @off, @imm: what the field must be, or KPS_FORM_GIVEN
 */
struct kps_form {
	u8 kind;
	u8 code;
	u16 src;
	u16 off;
	u16 imm;
};

extern const struct kps_form kps_forms[KPS_NR_ROWS];

/**
 * struct kps_lower_func - a function of a program
 * @first: its first instruction in the code
 * @end: one past its last
 * @stack: bytes of its frame
 * @seen: something calls it; what nothing calls is not compiled
 */
struct kps_lower_func {
	u32 first;
	u32 end;
	u32 stack;
	bool seen;
};

/**
 * struct kps_lower_target - what is known of the kernel's JIT
 * @wrong: for each row of opcodes.tbl: the JIT compiles it wrong or not at all
 * @call_base: calls are encoded as the distance from here
 * @loop: the function that runs callbacks: (rounds, callback, context, flags)
 * @each: the one that runs them for elements: (map, callback, context, flags)
 * @drain: the same for samples; not in metered programs
 * @entry: for each function, where its compiled code begins; 0: not there yet
 * @functions: compiled code may call compiled code
 * @metered: the program is ended at its ceiling. Its main function gets the address of
 *	a counter in r2, s64: instructions that are left, or in the end
 *	KPS_LOWER_NO_FUEL. @loop and @each get it, too, as a fifth argument; they look at it
 *	before the first round (negative: there is no fuel for that) and after each
 * @counter: a function that returns the counter's address
 * @far: every jump is to be a far one; for trials
 */
struct kps_lower_target {
	const bool *wrong;
	u64 call_base;
	u64 loop;
	u64 each;
	u64 drain;
	const u64 *entry;
	bool functions;
	bool metered;
	u64 counter;
	bool far;
};

/**
 * struct kps_lowered - a function as the kernel's JIT is to get it
 * @insns: plain eBPF, without maps, contexts, divisions by zero
 * @cnt: slots
 * @bytes: of @insns
 * @places: for each instruction of the function, and for the end, the slot where what
 *	it became begins
 * @place_bytes: of @places
 * @stack: bytes of its frame, those that sequences put by included
 * @why: KAPSEL_WHY_*, if it can't be lowered
 * @at: the instruction of the code that can't
 */
struct kps_lowered {
	struct bpf_insn *insns;
	u32 cnt;
	size_t bytes;
	u32 *places;
	size_t place_bytes;
	u32 stack;
	u32 why;
	u32 at;
};

/**
 * kps_lower_funcs - the functions of a program in its code
 * @in: as verified
 * @proof: of it
 * @funcs: out: one for each of the proof's
 */
void kps_lower_funcs(const struct kps_prog_in *in, const struct kps_proof *proof,
		     struct kps_lower_func *funcs);

/** kps_lower_slot - the slot, in @in, of instruction @at of the code */
u32 kps_lower_slot(const struct kps_prog_in *in, u32 at);

/** kps_lower_find - which of @nr functions, ascending, instruction @at is in */
u32 kps_lower_find(const struct kps_lower_func *funcs, u32 nr, u32 at);

/**
 * kps_lower_callee - which function an instruction calls
 * @code: the program
 * @at: the instruction
 * @funcs: of the program, ascending
 * @nr: how many
 *
 * Return: its index, or -ENOENT if this is no call of a function.
 */
int kps_lower_callee(const struct kps_code *code, u32 at,
		     const struct kps_lower_func *funcs, u32 nr);

/**
 * kps_lower - make a function compilable
 * @code: the program
 * @funcs: of it
 * @nr: how many
 * @func: which
 * @target: the JIT
 * @host: for memory
 * @out: kps_lowered_free() gives it back; after an error there is nothing to free
 *
 * Each instruction becomes one or more that the JIT is known to compile right.
 * What a metered program spends is counted as kps_interp_run() counts it.
 * What is guarded: division and modulo by zero, and the signed ones by -1, which
 * processors trap on. What no path reaches is left out, with the branches to it.
 *
 * Return: 0; -ENOMEM; -EOPNOTSUPP with @out->why and @out->at.
 */
int kps_lower(const struct kps_code *code, const struct kps_lower_func *funcs,
	      u32 nr, u32 func, const struct kps_lower_target *target,
	      const struct kps_host *host, struct kps_lowered *out);

/** kps_lowered_free - give the instructions back */
void kps_lowered_free(struct kps_lowered *lowered, const struct kps_host *host);

#endif
