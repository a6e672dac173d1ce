// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - trials: programs that show whether a JIT compiles an instruction right */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "core/insn.h"
#include "core/lower.h"
#include "core/trial.h"

/* The instruction under trial works on r7 and r8, beside r0; r6 has the memory. */
#define MEM	BPF_REG_6
#define DST	BPF_REG_7
#define SRC	BPF_REG_8
#define SEEN	BPF_REG_9

#define OFF_IN(n)	(s16)(offsetof(struct kps_trial_mem, in) + 8 * (n))
#define OFF_WORD	(s16)offsetof(struct kps_trial_mem, word)
#define OFF_OUT(i, n)	(s16)(offsetof(struct kps_trial_mem, out) + 24 * (i) + 8 * (n))

const u64 kps_trial_values[KPS_TRIAL_VALUES] = {
	0, 1, 7, 0x8081, 0x7fffffff, 0x80000000, 0xfffffffe, 0x123456789abcdef0,
	0x8000000000000000, 0xfffffffffffffff9, U64_MAX,
};

static const s32 imms[] = { 0, 1, -1, 5, 31, 0x12345678, S32_MIN, -100 };
static const s32 shifts[] = { 0, 1, 5, 31 };

static void put(struct kps_code *code, u16 op, u8 dst, u8 src, s16 off, u64 imm)
{
	code->insns[code->cnt++] = (struct kps_code_insn){
		.op = op, .dst = dst, .src = src, .off = off, .imm = imm,
	};
}

static void begin(struct kps_code *code)
{
	put(code, KPS_ROW_ldxdw, DST, MEM, OFF_IN(0), 0);
	put(code, KPS_ROW_ldxdw, SRC, MEM, OFF_IN(1), 0);
	put(code, KPS_ROW_ldxdw, BPF_REG_0, MEM, OFF_IN(0), 0);
}

static void note(struct kps_code *code, u32 i)
{
	put(code, KPS_ROW_stxdw, MEM, DST, OFF_OUT(i, 0), 0);
	put(code, KPS_ROW_stxdw, MEM, SRC, OFF_OUT(i, 1), 0);
	put(code, KPS_ROW_stxdw, MEM, BPF_REG_0, OFF_OUT(i, 2), 0);
}

static u64 encoded_imm(const struct kps_form *form, s32 imm)
{
	return form->imm == KPS_FORM_GIVEN ? (s64)imm : form->imm;
}

static void try_registers(struct kps_code *code, u32 row, u32 i, s32 imm)
{
	begin(code);
	put(code, row, DST, SRC, kps_forms[row].off, encoded_imm(&kps_forms[row], imm));
	note(code, i);
}

static bool is_shift(const struct kps_form *form)
{
	u32 op = BPF_OP(form->code);

	return op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
}

static void try_alu(struct kps_code *code, u32 row)
{
	const struct kps_form *form = &kps_forms[row];
	bool shift = form->kind == KPS_OP_ALU && is_shift(form);
	const s32 *values = shift ? shifts : imms;
	u32 i, nr = shift ? ARRAY_SIZE(shifts) : ARRAY_SIZE(imms);

	if (form->imm != KPS_FORM_GIVEN)
		nr = 1;
	for (i = 0; i < nr; i++)
		try_registers(code, row, i, values[i]);
}

/* Which way it went is in r9, and so in place of r8. */
static void try_jump(struct kps_code *code, u32 row)
{
	const struct kps_form *form = &kps_forms[row];
	bool by_imm = form->kind == KPS_OP_JA;
	u32 i, nr = by_imm || form->imm != KPS_FORM_GIVEN ? 1 : ARRAY_SIZE(imms);

	for (i = 0; i < nr; i++) {
		begin(code);
		put(code, KPS_ROW_mov64_imm, SEEN, 0, 0, 1);
		put(code, row, DST, SRC, 1, by_imm ? 1 : (s64)imms[i]);
		put(code, KPS_ROW_mov64_imm, SEEN, 0, 0, 2);
		put(code, KPS_ROW_mov64_reg, SRC, SEEN, 0, 0);
		note(code, i);
	}
}

static void try_load(struct kps_code *code, u32 row)
{
	begin(code);
	put(code, KPS_ROW_stxdw, MEM, DST, OFF_WORD, 0);
	put(code, KPS_ROW_stxdw, MEM, SRC, OFF_WORD + 8, 0);
	put(code, row, DST, MEM, OFF_WORD, 0);
	put(code, row, SRC, MEM, OFF_WORD + 7, 0);
	note(code, 0);
}

static void try_store(struct kps_code *code, u32 row)
{
	begin(code);
	put(code, KPS_ROW_stxdw, MEM, DST, OFF_WORD, 0);
	put(code, row, MEM, SRC, OFF_WORD + 2, -100);
	note(code, 0);
}

/* r0 is what the word holds, which a compare-and-exchange looks at; then not. */
static void try_atomic(struct kps_code *code, u32 row)
{
	u32 i;

	for (i = 0; i < 2; i++) {
		begin(code);
		put(code, KPS_ROW_stxdw, MEM, DST, OFF_WORD, 0);
		put(code, KPS_ROW_add64_imm, BPF_REG_0, 0, 0, i);
		put(code, row, MEM, SRC, OFF_WORD, kps_forms[row].imm);
		put(code, KPS_ROW_ldxdw, DST, MEM, OFF_WORD, 0);
		note(code, i);
	}
}

static void try_call(struct kps_code *code, kps_helper_fn helper)
{
	u32 reg;

	begin(code);
	for (reg = BPF_REG_1; reg <= BPF_REG_5; reg++)
		put(code, KPS_ROW_ldxdw, reg, MEM, OFF_IN(reg % 2), 0);
	put(code, KPS_ROW_call, 0, 0, 0, (unsigned long)helper);
	note(code, 0);
}

static void try_wide(struct kps_code *code)
{
	begin(code);
	put(code, KPS_ROW_lddw, DST, 0, 0, 0x123456789abcdef0);
	put(code, KPS_ROW_lddw, SRC, 0, 0, (u32)-2);
	note(code, 0);
}

static int try_kind(struct kps_code *code, u32 row, kps_helper_fn helper)
{
	switch (kps_forms[row].kind) {
	case KPS_OP_JA:
	case KPS_OP_JCOND:
		try_jump(code, row);
		return 0;
	case KPS_OP_LOAD:
	case KPS_OP_LOADSX:
		try_load(code, row);
		return 0;
	case KPS_OP_STORE:
	case KPS_OP_STORE_IMM:
		try_store(code, row);
		return 0;
	case KPS_OP_ATOMIC:
		try_atomic(code, row);
		return 0;
	case KPS_OP_LDDW:
		try_wide(code);
		return 0;
	case KPS_OP_CALL:
		try_call(code, helper);
		return 0;
	case KPS_OP_CALL_LOCAL:
		return -ENOENT;
	case KPS_OP_EXIT:
		begin(code);
		return 0;
	default:
		try_alu(code, row);
		return 0;
	}
}

int kps_trial_build(u32 row, kps_helper_fn helper, struct kps_code *code)
{
	int err;

	code->cnt = 0;
	put(code, KPS_ROW_mov64_reg, MEM, BPF_REG_1, 0, 0);
	err = try_kind(code, row, helper);
	put(code, KPS_ROW_exit, 0, 0, 0, 0);
	return err;
}
