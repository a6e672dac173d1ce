/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - decoding: RFC 9669 as a table with one row for each instruction */
#ifndef KPS_INSN_H
#define KPS_INSN_H

#include <linux/types.h>
#include <uapi/linux/bpf.h>

#define KPS_NR_REGS 11

/**
 * enum kps_op_kind - what family an instruction belongs to
 *
 * The families are what the verifier and the disassembler distinguish; the
 * operation within ALU and JMP families is BPF_OP(code).
 */
enum kps_op_kind {
	KPS_OP_NONE,		/* no such instruction */
	KPS_OP_ALU,		/* dst = dst op (src | imm), 32 or 64 bits */
	KPS_OP_MOV,		/* dst = src | imm */
	KPS_OP_MOVSX,		/* dst = sign-extended src; width in insn->off */
	KPS_OP_NEG,
	KPS_OP_END,		/* byte swap: to little, to big, or always */
	KPS_OP_LDDW,		/* 64-bit immediate, map reference or function */
	KPS_OP_LOAD,		/* zero-extending */
	KPS_OP_LOADSX,		/* sign-extending */
	KPS_OP_STORE,		/* of a register */
	KPS_OP_STORE_IMM,
	KPS_OP_ATOMIC,
	KPS_OP_JA,		/* also with a 32-bit offset */
	KPS_OP_JCOND,
	KPS_OP_CALL,		/* a helper */
	KPS_OP_CALL_LOCAL,	/* a subprogram */
	KPS_OP_EXIT,
};

/**
 * struct kps_op - a row of opcodes.tbl
 * @kind: family
 * @code: the opcode byte
 * @version: instruction set version as clang counts (-mcpu=v1 to v4)
 * @name: mnemonic for messages and tests
 * @tmpl: how the disassembler prints it
 */
struct kps_op {
	u8 kind;
	u8 code;
	u8 version;
	const char *name;
	const char *tmpl;
};

/**
 * kps_op_find - find the row of an instruction
 * @insn: of a lddw: its first slot
 *
 * Looks at the opcode and at the fields that select an instruction (src of
 * call, off of div/mod/mov, imm of atomics and byte swaps); does not check the
 * reserved ones.
 *
 * Return: the row, or NULL if RFC 9669 has no such instruction or it is one of
 * the deprecated packet access group.
 */
const struct kps_op *kps_op_find(const struct bpf_insn *insn);

/**
 * kps_insn_check - check one instruction's encoding
 * @insns: the program
 * @cnt: its slots
 * @pc: the instruction, not the second slot of a lddw
 * @detail: where a code needs it: the offending value
 *
 * Checks opcode, register numbers (r10 is not written), reserved fields (zero),
 * lddw's second slot and its source. Jump targets are the business of cfg.h.
 *
 * Return: 0, or the code of diag.tbl.
 */
u32 kps_insn_check(const struct bpf_insn *insns, u32 cnt, u32 pc, u64 *detail);

/**
 * kps_insn_next_special - pass over plain arithmetic and memory accesses
 * @insns: the program
 * @pc: from here
 * @cnt: its slots
 *
 * Return: the next instruction that may go elsewhere, has two slots or is not
 * well-formed at a glance: one for kps_insn_check(); @cnt if there is none.
 */
u32 kps_insn_next_special(const struct bpf_insn *insns, u32 pc, u32 cnt);

/** kps_insn_slots - 2 for lddw, else 1 */
static inline u32 kps_insn_slots(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) ? 2 : 1;
}

extern const u8 kps_shift_bits[256];

/**
 * kps_insn_imm - the immediate as the instruction means it
 * @insn: any but a lddw
 *
 * It is extended by its sign; of a shift's amount remain the bits that RFC 9669
 * lets count. The verifier and the rewrite have it from here, so what is proved is
 * what runs.
 */
static inline s64 kps_insn_imm(const struct bpf_insn *insn)
{
	u8 bits = kps_shift_bits[insn->code];

	return bits ? insn->imm & bits : insn->imm;
}

/**
 * struct kps_regset - registers that an instruction reads and writes
 * @use: bit n: rn is read
 * @def: bit n: rn is written (helper and local calls: r0 to r5)
 */
struct kps_regset {
	u16 use;
	u16 def;
};

/* What an opcode does to its registers; VARY: other fields have a say. */
#define KPS_USE_DST	1
#define KPS_DEF_DST	2
#define KPS_USE_SRC	4
#define KPS_VARY_REGS	8

extern const u8 kps_insn_uses[256];

struct kps_regset kps_insn_varying_regs(const struct bpf_insn *insn);

/**
 * kps_insn_regs - the registers of a checked instruction
 * @insn: the instruction
 *
 * A call reads r1 to r5: which of them it really needs is the callee's
 * prototype's business (see live.c). exit reads r0.
 */
static inline struct kps_regset kps_insn_regs(const struct bpf_insn *insn)
{
	u32 what = kps_insn_uses[insn->code];

	if (what & KPS_VARY_REGS)
		return kps_insn_varying_regs(insn);
	return (struct kps_regset){
		.use = (what & 1) << insn->dst_reg | (what >> 2) << insn->src_reg,
		.def = (what >> 1 & 1) << insn->dst_reg,
	};
}

/** kps_insn_jump - offset in slots of a jump, relative to the next slot */
s32 kps_insn_jump(const struct bpf_insn *insn);

#endif
