// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trials of the JIT: each must notice when its instruction is taken for any other
 * of its kind, as old compilers did.
 */

#include <string.h>

#include <linux/errno.h>
#include <linux/kernel.h>

#include "core/interp.h"
#include "core/lower.h"
#include "core/trial.h"
#include "kselftest_harness.h"

static const char * const names[] = {
#define KPS_OPCODE(_name, ...)		#_name,
#define KPS_OPCODE_ALSO(_name, ...)	#_name,
#include "core/opcodes.tbl"
#undef KPS_OPCODE
#undef KPS_OPCODE_ALSO
};

static u64 add_up(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return r1 + 2 * r2 + 3 * r3 + 4 * r4 + 5 * r5;
}

static u64 other(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return r1 + r2 + r3 + r4 + r5;
}

FIXTURE(trial) {
	struct kps_run run;
	struct kps_code *code;
	struct kps_code *mistaken;
};

FIXTURE_SETUP(trial)
{
	size_t size = sizeof(*self->code) + KPS_TRIAL_SLOTS * sizeof(self->code->insns[0]);

	self->code = calloc(1, size);
	self->mistaken = calloc(1, size);
	ASSERT_TRUE(self->code && self->mistaken);
}

FIXTURE_TEARDOWN(trial)
{
	free(self->code);
	free(self->mistaken);
}

static u64 run(struct _test_data_trial *self, const struct kps_code *code,
	       struct kps_trial_mem *mem, u64 a, u64 b)
{
	memset(mem, 0, sizeof(*mem));
	mem->in[0] = a;
	mem->in[1] = b;
	self->run.fuel = U64_MAX;
	return kps_interp_run(code, &self->run, (unsigned long)mem, 0);
}

/* Some pair of values tells the two programs apart. */
static bool differ(struct _test_data_trial *self)
{
	struct kps_trial_mem mem[2];

	for (u32 a = 0; a < KPS_TRIAL_VALUES; a++) {
		for (u32 b = 0; b < KPS_TRIAL_VALUES; b++) {
			u64 x = kps_trial_values[a], y = kps_trial_values[b];

			if (run(self, self->code, &mem[0], x, y) !=
			    run(self, self->mistaken, &mem[1], x, y) ||
			    memcmp(&mem[0], &mem[1], sizeof(mem[0])))
				return true;
		}
	}
	return false;
}

TEST_F(trial, all_run)
{
	struct kps_trial_mem mem;

	for (u32 row = 0; row < KPS_NR_ROWS; row++) {
		int err = kps_trial_build(row, add_up, self->code);

		EXPECT_EQ(row == KPS_ROW_call_local ? -ENOENT : 0, err);
		if (err)
			continue;
		EXPECT_GE(KPS_TRIAL_SLOTS, self->code->cnt);
		run(self, self->code, &mem, 1, 2);
		EXPECT_EQ(KPS_RUN_DONE, self->run.end);
	}
}

/* Rows that make the trial itself: without them nothing would run at all. */
static bool is_scaffold(u32 row)
{
	return row == KPS_ROW_ldxdw || row == KPS_ROW_stxdw || row == KPS_ROW_mov64_imm ||
	       row == KPS_ROW_mov64_reg || row == KPS_ROW_add64_imm;
}

/* On a machine of this byte order, or of this form, they are the same. */
static bool are_the_same(u32 row, u32 mistaken)
{
	return (row >= KPS_ROW_be16 && row <= KPS_ROW_be64 &&
		mistaken == row - KPS_ROW_be16 + KPS_ROW_bswap16) ||
	       (row >= KPS_ROW_bswap16 && row <= KPS_ROW_bswap64 &&
		mistaken == row - KPS_ROW_bswap16 + KPS_ROW_be16) ||
	       kps_forms[row].kind == KPS_OP_JA;
}

static void mistake(struct _test_data_trial *self, u32 row, u32 for_row)
{
	size_t size = sizeof(*self->code) + KPS_TRIAL_SLOTS * sizeof(self->code->insns[0]);

	memcpy(self->mistaken, self->code, size);
	for (u32 i = 0; i < self->code->cnt; i++)
		if (self->code->insns[i].op == row)
			self->mistaken->insns[i].op = for_row;
}

TEST_F(trial, mistakes_are_noticed)
{
	u32 pairs = 0;

	for (u32 row = 0; row < KPS_NR_ROWS; row++) {
		if (is_scaffold(row) || kps_trial_build(row, add_up, self->code))
			continue;
		for (u32 as = 0; as < KPS_NR_ROWS; as++) {
			if (as == row || kps_forms[as].kind != kps_forms[row].kind ||
			    are_the_same(row, as))
				continue;
			mistake(self, row, as);
			EXPECT_TRUE(differ(self)) TH_LOG("%s as %s", names[row], names[as]);
			pairs++;
		}
	}
	EXPECT_LT(3000, pairs);
}

TEST_F(trial, sign_extensions_left_out_are_noticed)
{
	static const u16 loads[][2] = {
		{ KPS_ROW_ldsxb, KPS_ROW_ldxb }, { KPS_ROW_ldsxh, KPS_ROW_ldxh },
		{ KPS_ROW_ldsxw, KPS_ROW_ldxw }, { KPS_ROW_movsx64_8, KPS_ROW_mov64_reg },
		{ KPS_ROW_movsx64_32, KPS_ROW_mov64_reg },
		{ KPS_ROW_movsx32_16, KPS_ROW_mov32_reg },
	};

	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		ASSERT_EQ(0, kps_trial_build(loads[i][0], add_up, self->code));
		mistake(self, loads[i][0], loads[i][1]);
		EXPECT_TRUE(differ(self)) TH_LOG("%s", names[loads[i][0]]);
	}
}

TEST_F(trial, calls)
{
	ASSERT_EQ(0, kps_trial_build(KPS_ROW_call, other, self->mistaken));
	ASSERT_EQ(0, kps_trial_build(KPS_ROW_call, add_up, self->code));
	EXPECT_TRUE(differ(self));
}

TEST_HARNESS_MAIN
