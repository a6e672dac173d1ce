// SPDX-License-Identifier: GPL-2.0-only
/* RFC 9669's arithmetic and comparisons on numbers of any width */

#include <uapi/linux/bpf.h>

#include "lib/concrete.h"

static u64 all_ones(unsigned int w)
{
	return w == 64 ? ~0ULL : (1ULL << w) - 1;
}

s64 concrete_sext(u64 n, unsigned int w)
{
	u64 sign = 1ULL << (w - 1);

	return ((n & all_ones(w)) ^ sign) - sign;
}

static u64 divide(bool is_signed, u64 a, u64 b, unsigned int w)
{
	s64 x = concrete_sext(a, w), y = concrete_sext(b, w);

	if (!b)
		return 0;
	if (!is_signed)
		return a / b;
	return y == -1 ? -a : (u64)(x / y);
}

static u64 modulo(bool is_signed, u64 a, u64 b, unsigned int w)
{
	s64 x = concrete_sext(a, w), y = concrete_sext(b, w);

	if (!b)
		return a;
	if (!is_signed)
		return a % b;
	return y == -1 ? 0 : x % y;
}

static u64 alu(u8 op, bool is_signed, u64 a, u64 b, unsigned int w)
{
	switch (op) {
	case BPF_ADD: return a + b;
	case BPF_SUB: return a - b;
	case BPF_MUL: return a * b;
	case BPF_AND: return a & b;
	case BPF_OR: return a | b;
	case BPF_XOR: return a ^ b;
	case BPF_LSH: return a << (b & (w - 1));
	case BPF_RSH: return a >> (b & (w - 1));
	case BPF_ARSH: return concrete_sext(a, w) >> (b & (w - 1));
	case BPF_DIV: return divide(is_signed, a, b, w);
	default: return modulo(is_signed, a, b, w);
	}
}

u64 concrete_alu(u8 op, bool is_signed, u64 a, u64 b, unsigned int w)
{
	return alu(op, is_signed, a & all_ones(w), b & all_ones(w), w) & all_ones(w);
}

bool concrete_jump(u8 op, u64 a, u64 b, unsigned int w)
{
	s64 x = concrete_sext(a, w), y = concrete_sext(b, w);

	a &= all_ones(w);
	b &= all_ones(w);
	switch (op) {
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSGT: return x > y;
	case BPF_JSGE: return x >= y;
	case BPF_JSLT: return x < y;
	case BPF_JSLE: return x <= y;
	default: return a & b;
	}
}
