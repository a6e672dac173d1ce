// SPDX-License-Identifier: GPL-2.0-only
/* Decoding: what RFC 9669 says of each field of each instruction */

#include <linux/kernel.h>

#include "core/diag.h"
#include "core/insn.h"
#include "core/rows.h"
#include "kselftest_harness.h"
#include "lib/insn_build.h"

/* A second opinion on the opcodes: those of the RFC's table, by their ranges. */
static bool rfc_has(u8 code)
{
	u32 op = code >> 4;

	switch (code & 7) {
	case BPF_LD:
		return code == 0x18;
	case BPF_LDX:
		return (code & 0xe0) == 0x60 ||
		       ((code & 0xe0) == 0x80 && code != 0x99);
	case BPF_ST:
		return (code & 0xe0) == 0x60;
	case BPF_STX:
		return (code & 0xe0) == 0x60 || code == 0xc3 || code == 0xdb;
	case BPF_ALU:
		return op == 8 ? !(code & 8) : op <= 13;
	case BPF_ALU64:
		return op == 8 || op == 13 ? !(code & 8) : op <= 12;
	case BPF_JMP:
		if (op == 0 || op == 8 || op == 9)
			return !(code & 8);
		return op <= 13;
	default:
		if (op == 0)
			return !(code & 8);
		return op <= 13 && op != 8 && op != 9;
	}
}

static u32 check(struct bpf_insn first, struct bpf_insn second, u32 cnt)
{
	struct bpf_insn insns[2] = { first, second };
	u64 detail;

	return kps_insn_check(insns, cnt, 0, &detail);
}

#define CHECK(...) check(INSN(__VA_ARGS__), INSN(0, 0, 0, 0, 0), 2)

static bool decodes(u8 code)
{
	static const int imms[] = { 0, 16 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(imms); i++)
		if (!CHECK(code, 0, 0, 0, imms[i]))
			return true;
	return false;
}

TEST(opcodes)
{
	u32 code;

	for (code = 0; code < 256; code++)
		EXPECT_EQ(rfc_has(code), decodes(code))
			TH_LOG("opcode 0x%02x", code);
}

TEST(refused_opcodes)
{
	EXPECT_EQ(KPS_D_OPCODE, CHECK(0xff, 0, 0, 0, 0));
	EXPECT_EQ(KPS_D_OPCODE, CHECK(0x8d, 0, 0, 0, 1));
	EXPECT_EQ(KPS_D_OPCODE, CHECK(0xd3, 0, 0, 0, 0));
	EXPECT_EQ(KPS_D_LEGACY_PACKET, CHECK(0x20, 0, 0, 0, 0));
	EXPECT_EQ(KPS_D_LEGACY_PACKET, CHECK(0x28, 0, 0, 0, 0));
	EXPECT_EQ(KPS_D_LEGACY_PACKET, CHECK(0x30, 0, 0, 0, 0));
	EXPECT_EQ(KPS_D_LEGACY_PACKET, CHECK(0x40, 0, 0, 0, 0));
	EXPECT_EQ(KPS_D_LEGACY_PACKET, CHECK(0x48, 0, 1, 0, 0));
	EXPECT_EQ(KPS_D_LEGACY_PACKET, CHECK(0x50, 0, 1, 0, 0));
	EXPECT_EQ(KPS_D_OPCODE, CHECK(0x00, 0, 0, 0, 0));
}

TEST(selecting_fields)
{
	static const int atomics[] = {
		0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1,
	};
	u32 i, found = 0;
	int imm;

	for (imm = -1; imm < 512; imm++)
		found += !CHECK(0xdb, 1, 2, 0, imm);
	EXPECT_EQ(ARRAY_SIZE(atomics), found);
	for (i = 0; i < ARRAY_SIZE(atomics); i++) {
		EXPECT_EQ(0, CHECK(0xdb, 1, 2, -8, atomics[i]));
		EXPECT_EQ(0, CHECK(0xc3, 1, 2, -8, atomics[i]));
	}
	for (found = 0, imm = -1; imm < 256; imm++)
		found += !CHECK(0xd7, 1, 0, 0, imm);
	EXPECT_EQ(3, found);
	for (found = 0, imm = -1; imm < 256; imm++)
		found += !CHECK(0xbf, 1, 2, imm, 0);
	EXPECT_EQ(4, found);
	for (found = 0, imm = -1; imm < 256; imm++)
		found += !CHECK(0xbc, 1, 2, imm, 0);
	EXPECT_EQ(3, found);
	EXPECT_EQ(0, CHECK(0x3f, 1, 2, 1, 0));
	EXPECT_EQ(KPS_D_OPCODE, CHECK(0x3f, 1, 2, 2, 0));
	EXPECT_EQ(0, CHECK(0x85, 0, 1, 0, 5));
	EXPECT_EQ(KPS_D_OPCODE, CHECK(0x85, 0, 2, 0, 5));
}

TEST(reserved)
{
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x95, 0, 0, 0, 1));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x95, 1, 0, 0, 0));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x95, 0, 1, 0, 0));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x95, 0, 0, 1, 0));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x07, 1, 1, 0, 0));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x07, 1, 0, 1, 0));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x0f, 1, 1, 0, 1));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x87, 1, 1, 0, 0));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x87, 1, 0, 0, 1));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0xb7, 1, 0, 8, 0));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x05, 0, 0, 0, 1));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x06, 0, 0, 1, 0));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x15, 0, 1, 0, 0));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x1d, 0, 1, 0, 1));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x61, 0, 1, 0, 1));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x62, 0, 1, 0, 0));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x85, 1, 0, 0, 1));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0xd4, 1, 1, 0, 16));
}

TEST(registers)
{
	EXPECT_EQ(KPS_D_REGISTER, CHECK(0xb7, 10, 0, 0, 0));
	EXPECT_EQ(KPS_D_REGISTER, CHECK(0xb7, 11, 0, 0, 0));
	EXPECT_EQ(KPS_D_REGISTER, CHECK(0xbf, 0, 11, 0, 0));
	EXPECT_EQ(0, CHECK(0xbf, 0, 10, 0, 0));
	EXPECT_EQ(KPS_D_REGISTER, CHECK(0x61, 10, 1, 0, 0));
	EXPECT_EQ(0, CHECK(0x63, 10, 10, 0, 0));
	EXPECT_EQ(KPS_D_REGISTER, CHECK(0xdb, 1, 10, 0, 1));
	EXPECT_EQ(KPS_D_REGISTER, CHECK(0xdb, 1, 10, 0, 0xe1));
	EXPECT_EQ(0, CHECK(0xdb, 1, 10, 0, 0));
	EXPECT_EQ(KPS_D_REGISTER, CHECK(0x18, 10, 0, 0, 0));
}

TEST(shifts)
{
	static const struct { u8 code; u32 bits; } shifts[] = {
		{ 0x67, 63 }, { 0x77, 63 }, { 0xc7, 63 }, { 0x64, 31 }, { 0x74, 31 }, { 0xc4, 31 },
	};
	static const s32 amounts[] = {
		0, 1, 31, 32, 33, 63, 64, 65, 127, 128, -1, -2, -32, S32_MAX, S32_MIN,
	};

	for (size_t i = 0; i < ARRAY_SIZE(shifts); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(amounts); j++) {
			const struct bpf_insn insn = INSN(shifts[i].code, 0, 0, 0, amounts[j]);

			EXPECT_EQ(0, CHECK(shifts[i].code, 0, 0, 0, amounts[j]));
			EXPECT_EQ((u32)amounts[j] & shifts[i].bits, (u64)kps_insn_imm(&insn));
		}
		EXPECT_EQ(KPS_D_RESERVED, CHECK(shifts[i].code, 0, 1, 0, 1));
		EXPECT_EQ(KPS_D_RESERVED, CHECK(shifts[i].code, 0, 0, 1, 1));
		EXPECT_EQ(KPS_D_RESERVED, CHECK(shifts[i].code | BPF_X, 0, 0, 0, 64));
	}
}

TEST(immediates)
{
	const struct bpf_insn plain = INSN(0x07, 0, 0, 0, -1), jump = INSN(0x15, 0, 0, 0, -64),
			      store = INSN(0x62, 1, 0, 0, S32_MIN);

	EXPECT_EQ(-1, kps_insn_imm(&plain));
	EXPECT_EQ(-64, kps_insn_imm(&jump));
	EXPECT_EQ(S32_MIN, kps_insn_imm(&store));
}

TEST(lddw)
{
	const struct bpf_insn first = INSN(0x18, 1, 0, 0, 7);
	u32 src;

	EXPECT_EQ(0, check(first, INSN(0, 0, 0, 0, -1), 2));
	EXPECT_EQ(KPS_D_LDDW, check(first, INSN(0, 0, 0, 0, 0), 1));
	EXPECT_EQ(KPS_D_LDDW, check(first, INSN(5, 0, 0, 0, 0), 2));
	EXPECT_EQ(KPS_D_LDDW, check(first, INSN(0, 1, 0, 0, 0), 2));
	EXPECT_EQ(KPS_D_LDDW, check(first, INSN(0, 0, 1, 0, 0), 2));
	EXPECT_EQ(KPS_D_LDDW, check(first, INSN(0, 0, 0, 1, 0), 2));
	EXPECT_EQ(KPS_D_RESERVED, CHECK(0x18, 1, 0, 1, 0));
	for (src = 0; src < 16; src++)
		EXPECT_EQ(src < 5 && src != 3 ? 0 : KPS_D_PSEUDO,
			  CHECK(0x18, 1, src, 0, 0));
	for (src = 0; src < 5; src++)
		EXPECT_EQ(src == 1 || src == 4 ? KPS_D_RESERVED :
			  src == 3 ? KPS_D_PSEUDO : 0,
			  check(INSN(0x18, 1, src, 0, 0), INSN(0, 0, 0, 0, 1), 2));
}

#define EXPECT_REGS(_use, _def, ...) do {				\
	struct bpf_insn insn = INSN(__VA_ARGS__);			\
									\
	EXPECT_EQ(_use, kps_insn_regs(&insn).use);			\
	EXPECT_EQ(_def, kps_insn_regs(&insn).def);			\
} while (0)

TEST(regs)
{
	EXPECT_REGS(0x0, 0x2, 0xb7, 1, 0, 0, 5);
	EXPECT_REGS(0x4, 0x2, 0xbf, 1, 2, 0, 0);
	EXPECT_REGS(0x6, 0x2, 0x0f, 1, 2, 0, 0);
	EXPECT_REGS(0x2, 0x2, 0x07, 1, 0, 0, 1);
	EXPECT_REGS(0x6, 0x0, 0x7b, 1, 2, 0, 0);
	EXPECT_REGS(0x2, 0x0, 0x7a, 1, 0, 0, 0);
	EXPECT_REGS(0x6, 0x0, 0xdb, 1, 2, 0, 0);
	EXPECT_REGS(0x6, 0x4, 0xdb, 1, 2, 0, 1);
	EXPECT_REGS(0x7, 0x1, 0xdb, 1, 2, 0, 0xf1);
	EXPECT_REGS(0x3e, 0x3f, 0x85, 0, 0, 0, 1);
	EXPECT_REGS(0x1, 0x0, 0x95, 0, 0, 0, 0);
	EXPECT_REGS(0x0, 0x2, 0x18, 1, 1, 0, 0);
	EXPECT_REGS(0x6, 0x0, 0x1d, 1, 2, 0, 0);
	EXPECT_REGS(0x2, 0x2, 0xdc, 1, 0, 0, 16);
}

TEST_HARNESS_MAIN
