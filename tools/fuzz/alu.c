// SPDX-License-Identifier: GPL-2.0-only
/* What RFC 9669 says of numbers, in other words than the verifier's */

#include "machine.h"

s64 fz_extend(u64 n, u32 bits)
{
	return (s64)(n << (64 - bits)) >> (64 - bits);
}

static u64 divide(u8 op, bool is_signed, u64 a, u64 b)
{
	if (!b)
		return op == BPF_DIV ? 0 : a;
	if (is_signed && (s64)b == -1)
		return op == BPF_DIV ? -a : 0;
	if (is_signed)
		return op == BPF_DIV ? (s64)a / (s64)b : (s64)a % (s64)b;
	return op == BPF_DIV ? a / b : a % b;
}

static u64 binary(u8 op, bool is_signed, u32 width, u64 a, u64 b)
{
	u32 n = b & (width - 1);

	if (width == 32) {
		a = is_signed || op == BPF_ARSH ? (u64)fz_extend(a, 32) : (u32)a;
		b = is_signed ? (u64)fz_extend(b, 32) : (u32)b;
	}
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << n;
	case BPF_RSH:
		return a >> n;
	case BPF_ARSH:
		return (s64)a >> n;
	default:
		return divide(op, is_signed, a, b);
	}
}

static u64 swap_order(const struct bpf_insn *insn, u64 a)
{
	bool swaps = BPF_CLASS(insn->code) == BPF_ALU64 || BPF_SRC(insn->code) == BPF_TO_BE;
	u64 out = 0;
	s32 i;

	for (i = 0; i < insn->imm; i += 8)
		out |= (a >> i & 0xff) << (swaps ? insn->imm - 8 - i : i);
	return out;
}

u64 fz_alu(const struct bpf_insn *insn, u64 dst, u64 src)
{
	u32 width = BPF_CLASS(insn->code) == BPF_ALU64 ? 64 : 32;
	u64 out;

	switch (BPF_OP(insn->code)) {
	case BPF_END:
		return swap_order(insn, dst);
	case BPF_NEG:
		out = -dst;
		break;
	case BPF_MOV:
		out = insn->off ? (u64)fz_extend(src, insn->off) : src;
		break;
	default:
		out = binary(BPF_OP(insn->code), insn->off == 1, width, dst, src);
	}
	return width == 32 ? (u32)out : out;
}

bool fz_jump(const struct bpf_insn *insn, u64 a, u64 b)
{
	s64 x = a, y = b;

	if (BPF_CLASS(insn->code) == BPF_JMP32) {
		a = (u32)a;
		b = (u32)b;
		x = (s32)a;
		y = (s32)b;
	}
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSGT:
		return x > y;
	case BPF_JSGE:
		return x >= y;
	case BPF_JSLT:
		return x < y;
	case BPF_JSLE:
		return x <= y;
	default:
		return a & b;
	}
}
