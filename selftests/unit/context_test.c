// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each byte of each context, before it and after it, in each width, read and
 * written: what context.tbl does not allow is refused. What it allows is worked
 * out here byte by byte, not as the verifier does it.
 */

#include <stdio.h>

#include <linux/kapsel.h>
#include <linux/kernel.h>

#include "core/proto.h"
#include "kselftest_harness.h"
#include "lib/insn_build.h"
#include "lib/judge.h"

#define BEYOND		16	/* bytes tried before and after the context */
#define MAX_BYTES	512

#define NO_FIELD	27	/* KV027, KV028 */
#define NOT_WRITABLE	28

struct row {
	u32 offset;
	u32 size;
	u32 flags;
};

static const struct row pt_regs[] = {
#define KPS_CTX_FIELD_pt_regs(offset, size, flags) { offset, size, flags },
#define KPS_CTX_FIELD_sk_buff(offset, size, flags)
#define KPS_CTX_FIELD(ctx, offset, size, flags, name) KPS_CTX_FIELD_##ctx(offset, size, flags)
#include "core/context.tbl"
#undef KPS_CTX_FIELD_pt_regs
#undef KPS_CTX_FIELD_sk_buff
};

static const struct row sk_buff[] = {
#define KPS_CTX_FIELD_pt_regs(offset, size, flags)
#define KPS_CTX_FIELD_sk_buff(offset, size, flags) { offset, size, flags },
#include "core/context.tbl"
#undef KPS_CTX_FIELD
#undef KPS_CTX_FIELD_pt_regs
#undef KPS_CTX_FIELD_sk_buff
};

/* Whose each byte of the context is. */
static void paint(const struct row **bytes, const struct row *rows, u32 count)
{
	u32 i, n;

	for (i = 0; i < count; i++)
		for (n = 0; n < rows[i].size; n++)
			bytes[rows[i].offset + n] = &rows[i];
}

/* The one field that all bytes of an access belong to. */
static const struct row *field_of(const struct row **bytes, int off, u32 width)
{
	u32 i;

	for (i = 0; i < width; i++)
		if (off < 0 || off + i >= MAX_BYTES ||
		    bytes[off + i] != bytes[off])
			return NULL;
	return bytes[off];
}

static int expected(const struct row **bytes, int off, u32 width, bool write)
{
	const struct row *field = field_of(bytes, off, width);

	if (!field || off % (int)width)
		return NO_FIELD;
	if (width != field->size && !(field->flags & KAPSEL_CTX_NARROW))
		return NO_FIELD;
	if (write && !(field->flags & KAPSEL_CTX_WRITE))
		return NOT_WRITABLE;
	return !write && !(field->flags & KAPSEL_CTX_READ) ? NO_FIELD : 0;
}

static int verdict_on(u32 type, int off, u32 width, bool write)
{
	static const u8 sizes[] = { [1] = 0x10, [2] = 0x08, [4] = 0x00, [8] = 0x18 };
	const struct bpf_insn insns[] = {
		MOV(0, 0),
		write ? INSN(0x62 | sizes[width], 1, 0, off, 0) :
			INSN(0x61 | sizes[width], 2, 1, off, 0),
		EXIT,
	};

	return kt_judge(type, insns, ARRAY_SIZE(insns), NULL, 0);
}

static u32 wrong_verdict(const struct row **bytes, u32 type, int off, u32 width, bool write)
{
	int want = expected(bytes, off, width, write);
	int got = verdict_on(type, off, width, write);

	if (want == got)
		return 0;
	fprintf(stderr, "# %s of %u bytes at %d: wanted %d, got %d\n",
		write ? "write" : "read", width, off, want, got);
	return 1;
}

static u32 wrong_verdicts(u32 type, const struct row *rows, u32 count, int size)
{
	const struct row *bytes[MAX_BYTES] = {};
	u32 width, wrong = 0;
	int off;

	paint(bytes, rows, count);
	for (off = -BEYOND; off < size + BEYOND; off++) {
		for (width = 1; width <= 8; width *= 2) {
			wrong += wrong_verdict(bytes, type, off, width, false);
			wrong += wrong_verdict(bytes, type, off, width, true);
		}
	}
	return wrong;
}

TEST(kprobe)
{
	EXPECT_EQ(0, wrong_verdicts(KAPSEL_PROG_KPROBE, pt_regs, ARRAY_SIZE(pt_regs), 168));
}

TEST(netfilter)
{
	EXPECT_EQ(0, wrong_verdicts(KAPSEL_PROG_NETFILTER, sk_buff, ARRAY_SIZE(sk_buff), 208));
}

TEST_HARNESS_MAIN
