// SPDX-License-Identifier: GPL-2.0-only
/* RFC 9669 read aloud: arithmetic and comparisons without any cleverness */

#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>

#include "lib/naive.h"

/*
 * This is the judge of the interpreter and the JIT, so it works bit by bit and
 * uses no operator on a whole value that the RFC has an instruction for, but
 * for addition of one bit and comparison of equals.
 */
#define BIT_OF(x, i)	((x) >> (i) & 1)

static u64 low(u64 x, u32 width)
{
	u64 out = 0;
	u32 i;

	for (i = 0; i < width; i++)
		out |= BIT_OF(x, i) << i;
	return out;
}

static u64 extend(u64 x, u32 from)
{
	u32 i;

	x = low(x, from);
	for (i = from; i < 64; i++)
		x |= BIT_OF(x, from - 1) << i;
	return x;
}

static u64 add(u64 a, u64 b, u32 width)
{
	u64 out = 0, carry = 0;
	u32 i;

	for (i = 0; i < width; i++) {
		u64 total = BIT_OF(a, i) + BIT_OF(b, i) + carry;

		out |= (total & 1) << i;
		carry = total >> 1;
	}
	return out;
}

static u64 negate(u64 a, u32 width)
{
	return add(low(~a, width), 1, width);
}

static u64 sub(u64 a, u64 b, u32 width)
{
	return add(a, negate(b, width), width);
}

static u64 lsh(u64 a, u64 n, u32 width)
{
	while (n--)
		a = add(a, a, width);
	return low(a, width);
}

static u64 halve(u64 a, u32 width, u64 top)
{
	u64 out = top << (width - 1);
	u32 i;

	for (i = 1; i < width; i++)
		out |= BIT_OF(a, i) << (i - 1);
	return out;
}

static u64 rsh(u64 a, u64 n, u32 width)
{
	while (n--)
		a = halve(a, width, 0);
	return a;
}

static u64 arsh(u64 a, u64 n, u32 width)
{
	while (n--)
		a = halve(a, width, BIT_OF(a, width - 1));
	return a;
}

static u64 mul(u64 a, u64 b, u32 width)
{
	u64 out = 0;
	u32 i;

	for (i = 0; i < width; i++) {
		if (BIT_OF(b, i))
			out = add(out, a, width);
		a = add(a, a, width);
	}
	return out;
}

/* The first bit from the top in which they differ decides. */
static bool less(u64 a, u64 b, u32 width)
{
	while (width--)
		if (BIT_OF(a, width) != BIT_OF(b, width))
			return BIT_OF(b, width);
	return false;
}

static bool less_signed(u64 a, u64 b, u32 width)
{
	if (BIT_OF(a, width - 1) != BIT_OF(b, width - 1))
		return BIT_OF(a, width - 1);
	return less(a, b, width);
}

/* Long division, as at school. */
static u64 divide(u64 a, u64 b, u32 width, u64 *rest)
{
	u64 quotient = 0;

	*rest = 0;
	while (width--) {
		u64 top = BIT_OF(*rest, 63);

		*rest = *rest << 1 | BIT_OF(a, width);
		if (top || !less(*rest, b, 64)) {
			*rest = sub(*rest, b, 64);
			quotient |= 1ULL << width;
		}
	}
	return quotient;
}

static u64 udiv(u64 a, u64 b, u32 width)
{
	u64 rest;

	return b ? divide(a, b, width, &rest) : 0;
}

static u64 umod(u64 a, u64 b, u32 width)
{
	u64 rest;

	if (!b)
		return a;
	divide(a, b, width, &rest);
	return rest;
}

static u64 magnitude(u64 a, u32 width)
{
	return BIT_OF(a, width - 1) ? negate(a, width) : a;
}

static u64 sdiv(u64 a, u64 b, u32 width)
{
	u64 quotient = udiv(magnitude(a, width), magnitude(b, width), width);

	if (BIT_OF(a, width - 1) != BIT_OF(b, width - 1))
		return negate(quotient, width);
	return quotient;
}

/* The sign is the dividend's. */
static u64 smod(u64 a, u64 b, u32 width)
{
	u64 rest = umod(magnitude(a, width), magnitude(b, width), width);

	return BIT_OF(a, width - 1) ? negate(rest, width) : rest;
}

static u64 bitwise(u64 a, u64 b, u32 width, u32 truth)
{
	u64 out = 0;
	u32 i;

	for (i = 0; i < width; i++)
		out |= (u64)(truth >> (2 * BIT_OF(a, i) + BIT_OF(b, i)) & 1) << i;
	return out;
}

static u64 swap_bytes(u64 a, u32 width)
{
	u64 out = 0;
	u32 i;

	for (i = 0; i < width; i++)
		out |= BIT_OF(a, i) << (width - 8 - i / 8 * 8 + i % 8);
	return out;
}

static bool alu(const char *op, u64 a, u64 b, u32 width, u64 *out)
{
	static const struct {
		const char *name;
		u64 (*fn)(u64 a, u64 b, u32 width);
	} ops[] = {
		{ "add", add }, { "sub", sub }, { "mul", mul }, { "div", udiv },
		{ "mod", umod }, { "sdiv", sdiv }, { "smod", smod },
		{ "lsh", lsh }, { "rsh", rsh }, { "arsh", arsh },
	};
	bool shift = strstr(op, "sh");
	u32 i;

	a = low(a, width);
	b = low(b, shift ? (width == 64 ? 6 : 5) : width);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		if (!strcmp(op, ops[i].name)) {
			*out = ops[i].fn(a, b, width);
			return true;
		}
	}
	return false;
}

static bool logic(const char *op, u64 a, u64 b, u32 width, u64 *out)
{
	if (!strcmp(op, "mov"))
		*out = low(b, width);
	else if (!strcmp(op, "neg"))
		*out = negate(a, width);
	else if (!strcmp(op, "and"))
		*out = bitwise(a, b, width, 8);
	else if (!strcmp(op, "or"))
		*out = bitwise(a, b, width, 14);
	else if (!strcmp(op, "xor"))
		*out = bitwise(a, b, width, 6);
	else if (!strcmp(op, "le"))
		*out = low(a, width);
	else if (!strcmp(op, "be") || !strcmp(op, "bswap"))
		*out = swap_bytes(a, width);
	else
		return false;
	return true;
}

static bool jump(const char *op, u64 a, u64 b, u32 width, u64 *out)
{
	bool is_signed = op[1] == 's' && strcmp(op, "jset");
	bool below, equal;

	op += is_signed ? 2 : 1;
	a = low(a, width);
	b = low(b, width);
	equal = a == b;
	below = is_signed ? less_signed(a, b, width) : less(a, b, width);
	if (!strcmp(op, "eq") || !strcmp(op, "ne"))
		*out = equal == (*op == 'e');
	else if (!strcmp(op, "lt") || !strcmp(op, "ge"))
		*out = below == (*op == 'l');
	else if (!strcmp(op, "gt") || !strcmp(op, "le"))
		*out = (!below && !equal) == (*op == 'g');
	else if (!strcmp(op, "set"))
		*out = bitwise(a, b, width, 8) != 0;
	else
		return false;
	return true;
}

bool naive_eval(const char *row, u64 dst, u64 src, u64 *result)
{
	u32 width = 0, from = 0;
	char op[16] = {};

	if (sscanf(row, "%15[a-z]%u_%u", op, &width, &from) < 2)
		return false;
	if (!strcmp(op, "movsx")) {
		*result = low(extend(src, from), width);
		return true;
	}
	if (*op == 'j')
		return jump(op, dst, src, width, result);
	return alu(op, dst, src, width, result) ||
	       logic(op, dst, src, width, result);
}
