// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random programs: arithmetic, jumps forward and the stack, on the interpreter in
 * userspace, in pairs and one by one, against RFC 9669 read aloud.
 *
 *	random_test [PROGRAMS [SEED]]
 */

#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/insn.h"
#include "kselftest.h"
#include "lib/naive.h"
#include "lib/run.h"

#define PROGRAMS	20000
#define LENGTH		24	/* instructions in the middle */
#define LOADS		10	/* of registers, at the beginning */
#define MAX_SLOTS	(LOADS + LENGTH + 2 * LOADS + 2)
#define SLOTS		4	/* of the stack, that are used */

enum { FIELD_NONE = -1, FIELD_ZERO = 0 };

#define FIELD_ANY	FIELD_NONE
#define FIELD_GET	FIELD_NONE
#define FIELD_MOD	FIELD_NONE
#define FIELD_SHIFT32	FIELD_NONE
#define FIELD_SHIFT64	FIELD_NONE
#define FIELD_PSEUDO	FIELD_NONE
#define FIELD_SEL(value) (value)

/* The rows of opcodes.tbl, with the fields that select them. */
static const struct row {
	const char *name;
	u8 kind;
	u8 code;
	int src;
	int off;
	int imm;
} rows[] = {
#define KPS_OPCODE(_name, _kind, _code, _dst, _src, _off, _imm, ...)		\
	{ #_name, KPS_OP_##_kind, _code, FIELD_##_src, FIELD_##_off, FIELD_##_imm },
#define KPS_OPCODE_ALSO KPS_OPCODE
#include "core/opcodes.tbl"
#undef KPS_OPCODE
#undef KPS_OPCODE_ALSO
};

/**
 * struct sample - a program and what it should do
 * @which: the row of each instruction in the middle
 * @given: registers at the beginning
 * @regs: at the end
 */
struct sample {
	struct bpf_insn insns[MAX_SLOTS];
	u32 cnt;
	const struct row *which[LENGTH];
	u64 given[LOADS];
	u64 regs[LOADS];
	u8 stack[SLOTS * 8];
};

static u64 state;

/* xorshift64* */
static u64 rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

static u64 some_number(void)
{
	u64 n = rnd();

	switch (rnd() % 5) {
	case 0:
		return n % 8;
	case 1:
		return (s64)(s32)n;
	case 2:
		return 1ULL << n % 64;
	case 3:
		return 0x7ffffffeULL + n % 4;
	}
	return n;
}

static bool is_simple(const struct row *row)
{
	switch (row->kind) {
	case KPS_OP_ALU:
	case KPS_OP_MOV:
	case KPS_OP_MOVSX:
	case KPS_OP_NEG:
	case KPS_OP_END:
	case KPS_OP_JCOND:
	case KPS_OP_LOAD:
	case KPS_OP_LOADSX:
	case KPS_OP_STORE:
	case KPS_OP_STORE_IMM:
		return true;
	}
	return false;
}

static u32 bytes_of(const struct bpf_insn *insn)
{
	static const u8 bytes[] = { 4, 2, 1, 8 };

	return bytes[BPF_SIZE(insn->code) >> 3];
}

static bool is_memory(u32 kind)
{
	return kind == KPS_OP_LOAD || kind == KPS_OP_LOADSX || kind == KPS_OP_STORE ||
	       kind == KPS_OP_STORE_IMM;
}

/* Somewhere in the slots, aligned. */
static void place(struct bpf_insn *insn, u32 kind)
{
	u32 bytes = bytes_of(insn);

	insn->off = -(s16)(rnd() % (SLOTS * 8 / bytes) + 1) * (s16)bytes;
	if (kind == KPS_OP_LOAD || kind == KPS_OP_LOADSX)
		insn->src_reg = BPF_REG_10;
	else
		insn->dst_reg = BPF_REG_10;
}

/* A shift's amount is mostly below the width, but may be anything. */
static s32 some_imm(const struct row *row)
{
	bool shift = strstr(row->name, "sh32") || strstr(row->name, "sh64");

	return shift && rnd() % 4 ? rnd() % (strstr(row->name, "32") ? 32 : 64) : some_number();
}

static void choose(struct sample *s, u32 i)
{
	struct bpf_insn *insn = &s->insns[s->cnt++];
	const struct row *row;

	do
		row = &rows[rnd() % ARRAY_SIZE(rows)];
	while (!is_simple(row));
	s->which[i] = row;
	/* Few registers, so that they meet. */
	*insn = (struct bpf_insn){
		.code = row->code, .dst_reg = rnd() % 4,
		.src_reg = row->src == FIELD_NONE ? rnd() % 4 : row->src,
		.off = row->off == FIELD_NONE ? 0 : row->off,
		.imm = row->imm == FIELD_NONE ? some_imm(row) : row->imm,
	};
	if (row->kind == KPS_OP_JCOND)
		insn->off = rnd() % (LENGTH - i) % 4;
	else if (is_memory(row->kind))
		place(insn, row->kind);
}

static void add(struct sample *s, u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	s->insns[s->cnt++] = (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm,
	};
}

static const u8 load_order[LOADS] = { 0, 2, 3, 4, 5, 6, 7, 8, 9, 1 };

/* Registers from the context, what is random, registers back into it. */
static void make(struct sample *s)
{
	u32 i;

	s->cnt = 0;
	for (i = 0; i < LOADS; i++) {
		s->given[i] = some_number();
		add(s, BPF_LDX | BPF_MEM | BPF_DW, load_order[i], 1, 8 * load_order[i], 0);
	}
	for (i = 0; i < LENGTH; i++)
		choose(s, i);
	for (i = 0; i < LOADS; i++)
		add(s, BPF_STX | BPF_MEM | BPF_DW, 10, i, -8 * (SLOTS + 1 + i), 0);
	add(s, BPF_ALU64 | BPF_MOV | BPF_X, 0, 10, 0, 0);
	add(s, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static u64 load_naive(const u8 *at, u32 bytes, bool is_signed)
{
	u64 value = 0;
	u32 i;

	for (i = 0; i < bytes; i++)
		value |= (u64)at[i] << 8 * i;
	for (; is_signed && i < 8 && at[bytes - 1] & 0x80; i++)
		value |= 0xffULL << 8 * i;
	return value;
}

static void store_naive(u8 *at, u32 bytes, u64 value)
{
	for (; bytes; bytes--, value >>= 8)
		*at++ = value;
}

/* One instruction; how many to skip behind it, or -1. */
static int step_naive(struct sample *s, const struct row *row, const struct bpf_insn *insn)
{
	bool by_reg = BPF_SRC(insn->code) == BPF_X && row->src == FIELD_NONE;
	u64 *to = &s->regs[insn->dst_reg], out;
	u8 *at = s->stack + SLOTS * 8 + insn->off;

	if (row->kind == KPS_OP_LOAD || row->kind == KPS_OP_LOADSX) {
		*to = load_naive(at, bytes_of(insn), row->kind == KPS_OP_LOADSX);
		return 0;
	}
	if (is_memory(row->kind)) {
		store_naive(at, bytes_of(insn), row->kind == KPS_OP_STORE ?
			    s->regs[insn->src_reg] : (u64)(s64)insn->imm);
		return 0;
	}
	if (!naive_eval(row->name, *to, by_reg ? s->regs[insn->src_reg] : (u64)(s64)insn->imm,
			&out))
		return -1;
	if (row->kind == KPS_OP_JCOND)
		return out ? insn->off : 0;
	*to = out;
	return 0;
}

static bool run_naive(struct sample *s)
{
	int skip = 0;
	u32 i;

	memcpy(s->regs, s->given, sizeof(s->regs));
	memset(s->stack, 0, sizeof(s->stack));
	for (i = 0; i < LENGTH && skip >= 0; i += 1 + skip)
		skip = step_naive(s, s->which[i], &s->insns[LOADS + i]);
	return skip >= 0;
}

/* The stack as it begins and ends is what run->stack has below its end. */
static bool same(struct sample *s, struct kt_prog *prog)
{
	u8 *end = (u8 *)prog->run.stack + sizeof(prog->run.stack);
	u8 *saved = end - 8 * (SLOTS + LOADS);
	u32 i;

	memset(prog->run.stack, 0, sizeof(prog->run.stack));
	kt_run(prog, (unsigned long)s->given, 0);
	if (prog->run.end != KPS_RUN_DONE || memcmp(end - SLOTS * 8, s->stack, SLOTS * 8))
		return false;
	for (i = 0; i < LOADS; i++)
		if (memcmp(saved + 8 * (LOADS - 1 - i), &s->regs[i], 8))
			return false;
	return true;
}

static const char *check(struct sample *s)
{
	const char *why = NULL;
	struct kt_prog prog;

	if (!run_naive(s))
		return "an instruction that naive_eval() does not know";
	if (kt_prove(&prog, s->insns, s->cnt) || kt_rewrite(&prog, NULL))
		why = "it cannot be rewritten";
	else if (!same(s, &prog))
		why = "one by one";
	if (!why) {
		kps_interp_prepare(prog.code);
		why = same(s, &prog) ? NULL : "in pairs";
	}
	kt_put(&prog);
	return why;
}

static void show(const struct sample *s)
{
	u32 i;

	for (i = 0; i < LOADS; i++)
		ksft_print_msg("r%u = 0x%llx\n", i, s->given[i]);
	for (i = 0; i < LENGTH; i++)
		ksft_print_msg("%s dst r%u src r%u off %d imm %d\n", s->which[i]->name,
			       s->insns[LOADS + i].dst_reg, s->insns[LOADS + i].src_reg,
			       s->insns[LOADS + i].off, s->insns[LOADS + i].imm);
}

int main(int argc, char **argv)
{
	u64 programs = argc > 1 ? strtoull(argv[1], NULL, 0) : PROGRAMS, done = 0;
	u64 seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	struct sample *s = calloc(1, sizeof(*s));
	const char *why = NULL;

	ksft_print_header();
	ksft_set_plan(1);
	if (!s)
		ksft_exit_fail_msg("no memory\n");
	for (; done < programs && !why; done++) {
		state = (seed << 32) + done + 1;
		rnd();
		make(s);
		why = check(s);
	}
	if (why) {
		ksft_print_msg("seed %llu, program %llu: %s\n", seed, done - 1, why);
		show(s);
	}
	ksft_test_result(!why, "%llu random programs of %d instructions\n", done, LENGTH);
	free(s);
	ksft_finished();
}
