// SPDX-License-Identifier: GPL-2.0-only
/* Text of instructions, and back */

#include <linux/kernel.h>

#include "core/disasm.h"
#include "core/insn.h"
#include "core/rows.h"
#include "kselftest_harness.h"
#include "lib/asm.h"
#include "lib/insn_build.h"

static const struct {
	struct bpf_insn insn[2];
	const char *text;
} cases[] = {
	{ { INSN(0xbf, 1, 6, 0, 0) }, "r1 = r6" },
	{ { INSN(0xb7, 1, 0, 0, -7) }, "r1 = -7" },
	{ { INSN(0x04, 0, 0, 0, 5) }, "w0 += 5" },
	{ { INSN(0xcf, 3, 4, 0, 0) }, "r3 s>>= r4" },
	{ { INSN(0x3f, 1, 2, 1, 0) }, "r1 s/= r2" },
	{ { INSN(0x94, 1, 0, 1, 3) }, "w1 s%= 3" },
	{ { INSN(0x97, 1, 0, 0, 3) }, "r1 %= 3" },
	{ { INSN(0xbf, 1, 2, 8, 0) }, "r1 = (s8)r2" },
	{ { INSN(0xbc, 1, 2, 16, 0) }, "w1 = (s16)w2" },
	{ { INSN(0x87, 1, 0, 0, 0) }, "r1 = -r1" },
	{ { INSN(0xd4, 1, 0, 0, 64) }, "r1 = le64 r1" },
	{ { INSN(0xdc, 1, 0, 0, 16) }, "r1 = be16 r1" },
	{ { INSN(0xd7, 1, 0, 0, 32) }, "r1 = bswap32 r1" },
	{ { INSN(0x71, 0, 2, 0, 0) }, "r0 = *(u8 *)(r2 + 0)" },
	{ { INSN(0x89, 1, 2, 4, 0) }, "r1 = *(s16 *)(r2 + 4)" },
	{ { INSN(0x63, 10, 1, -4, 0) }, "*(u32 *)(r10 - 4) = r1" },
	{ { INSN(0x7a, 10, 0, -32768, -1) }, "*(u64 *)(r10 - 32768) = -1" },
	{ { INSN(0x65, 1, 0, 5, 63) }, "if r1 s> 63 goto 6" },
	{ { INSN(0x46, 1, 0, 8, 4) }, "if w1 & 0x4 goto 9" },
	{ { INSN(0x05, 0, 0, -5, 0) }, "goto -5" },
	{ { INSN(0x06, 0, 0, 0, 43) }, "gotol 44" },
	{ { INSN(0xdb, 1, 2, 0, 0) }, "lock *(u64 *)(r1 + 0) += r2" },
	{ { INSN(0xc3, 1, 2, 0, 0x40) }, "lock *(u32 *)(r1 + 0) |= w2" },
	{ { INSN(0xdb, 1, 2, 0, 1) }, "r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)" },
	{ { INSN(0xc3, 1, 2, 0, 0xe1) }, "w2 = xchg32_32(r1 + 0, w2)" },
	{ { INSN(0xdb, 1, 2, 0, 0xf1) }, "r0 = cmpxchg_64(r1 + 0, r0, r2)" },
	{ { LDDW(1, 0, 0x1234, 1) }, "r1 = 0x100001234 ll" },
	{ { LDDW(1, 1, 3, 0) }, "r1 = map[fd:3]" },
	{ { LDDW(1, 2, 3, 16) }, "r1 = map[fd:3] + 16" },
	{ { LDDW(2, 4, 6, 0) }, "r2 = func @7" },
	{ { CALL(1) }, "call bpf_map_lookup_elem#1" },
	{ { CALL(9999) }, "call #9999" },
	{ { CALL_LOCAL(11) }, "call @12" },
	{ { EXIT }, "exit" },
	{ { INSN(0x95, 0, 0, 0, 1) }, ".8byte 0x100000095" },
	{ { INSN(0xff, 0, 0, 0, 0) }, ".8byte 0xff" },
	{ { INSN(0xbf, 11, 0, 0, 0) }, ".8byte 0xbbf" },
};

TEST(text)
{
	char buf[KPS_DISASM_LEN], err[80];
	struct bpf_insn back[2] = {};
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		n = kps_disasm(cases[i].insn, 2, 0, buf);
		EXPECT_STREQ(cases[i].text, buf);
		ASSERT_EQ((int)n, kt_asm(buf, back, 2, err, sizeof(err)))
			TH_LOG("%s: %s", buf, err);
		EXPECT_EQ(0, memcmp(back, cases[i].insn, n * sizeof(*back)))
			TH_LOG("%s", buf);
	}
}

/* Every bit pattern has a text, and the text gives the same bits. */
TEST(random_bits)
{
	u64 seed = 0x9e3779b97f4a7c15;
	struct bpf_insn insn[2], back[2];
	char buf[KPS_DISASM_LEN], err[80];
	u32 i, n, known = 0;
	u64 bits;

	for (i = 0; i < 30000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		bits = i & 1 ? seed : seed & 0x00000003000133ff;
		memset(insn, 0, sizeof(insn));
		memcpy(insn, &bits, sizeof(bits));
		insn[1].imm = insn->src_reg == 2 ? seed >> 40 : 0;
		n = kps_disasm(insn, 2, 0, buf);
		known += buf[0] != '.';
		ASSERT_EQ((int)n, kt_asm(buf, back, 2, err, sizeof(err)))
			TH_LOG("%s: %s", buf, err);
		ASSERT_EQ(0, memcmp(back, insn, n * sizeof(*back)))
			TH_LOG("%s", buf);
	}
	EXPECT_LT(1000, known);
}

static const char program[] =
	"	r6 = r1			# a comment\n"
	"again:	if r1 > 5 goto done	; another\n"
	"	r1 += 1\n"
	"	goto again\n"
	"done:	call sub		// and one more\n"
	"	call bpf_loop\n"
	"	call 181\n"
	"	r2 = func sub\n"
	"	w1 = *(u32 *)(r10 - 4)\n"
	"	exit\n"
	"sub:	r0 = 0\n"
	"	exit\n";

TEST(labels)
{
	struct bpf_insn insns[16] = {};
	char err[80];

	ASSERT_EQ(13, kt_asm(program, insns, 16, err, sizeof(err)))
		TH_LOG("%s", err);
	EXPECT_EQ(2, insns[1].off);
	EXPECT_EQ(-3, insns[3].off);
	EXPECT_EQ(6, insns[4].imm);
	EXPECT_TRUE(insns[4].src_reg == BPF_PSEUDO_CALL);
	EXPECT_EQ(181, insns[5].imm);
	EXPECT_EQ(181, insns[6].imm);
	EXPECT_EQ(3, insns[7].imm);
	EXPECT_TRUE(insns[7].src_reg == BPF_PSEUDO_FUNC);
}

TEST(mistakes)
{
	struct bpf_insn insns[4];
	char err[80];

	EXPECT_EQ(-1, kt_asm("exit\ngoto nowhere\n", insns, 4, err, sizeof(err)));
	EXPECT_STREQ("line 2: no such label", err);
	EXPECT_EQ(-1, kt_asm("r1 = r16", insns, 4, err, sizeof(err)));
	EXPECT_EQ(-1, kt_asm("r1 = 4294967296", insns, 4, err, sizeof(err)));
	EXPECT_EQ(-1, kt_asm("exit exit", insns, 4, err, sizeof(err)));
	EXPECT_EQ(-1, kt_asm("r1 = 1 ll", insns, 1, err, sizeof(err)));
	EXPECT_STREQ("line 1: program is too long", err);
}

TEST_HARNESS_MAIN
