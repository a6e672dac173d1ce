// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generated programs, always the same: what the verifier accepts is run on a machine
 * that checks each access and each claim of the verifier, and on the interpreter.
 * `make fuzz` does more of the same.
 */

#include "kselftest_harness.h"

#include "../../tools/fuzz/check.h"

#define PROGRAMS	15000

static const struct fz_effort effort = {
	.runs = 4, .longest = 30000, .budget = 60000, .agree = 4,
};

FIXTURE(world) {
	struct fz_prog prog;
};

FIXTURE_SETUP(world)
{
	(void)self;
	fz_world_init();
}

FIXTURE_TEARDOWN(world)
{
	(void)self;
	fz_world_exit();
}

/* What is never accepted, or never run, would test nothing. */
static const char *rare_deed(const u32 *did)
{
	u32 i;

	for (i = 0; i < FZ_NR_DEEDS; i++)
		if (did[i] <= PROGRAMS / 1000)
			return fz_deed_names[i];
	return NULL;
}

TEST_F_TIMEOUT(world, accepted_programs_are_safe, 900)
{
	u32 seed, accepted = 0, embedded = 0, did[FZ_NR_DEEDS] = {}, i;
	struct fz_outcome out;
	const char *rare;

	for (seed = 1; seed <= PROGRAMS; seed++) {
		fz_generate(&self->prog, seed);
		fz_check(&self->prog, seed, &effort, &out);
		ASSERT_LE(out.layer, FZ_REFUSED) {
			TH_LOG("seed %u: %s: %s", seed, fz_layer_names[out.layer], out.why);
		}
		accepted += out.layer == FZ_FINE;
		embedded += out.layer == FZ_FINE && !out.unembedded;
		for (i = 0; i < FZ_NR_DEEDS; i++)
			did[i] += out.did >> i & 1;
	}
	ASSERT_GT(accepted, PROGRAMS / 2);
	ASSERT_GT(embedded, accepted * 9 / 10);
	rare = rare_deed(did);
	ASSERT_EQ(NULL, rare) {
		TH_LOG("%s in too few programs", rare);
	}
}

TEST_HARNESS_MAIN
