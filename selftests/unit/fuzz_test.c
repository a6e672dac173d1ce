// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generated programs, few and always the same: what the verifier accepts is run on
 * a machine that checks each access, and on the interpreter. `make fuzz` does more.
 */

#include "kselftest_harness.h"

#include "../../tools/fuzz/world.c"
#include "../../tools/fuzz/machine.c"
#include "../../tools/fuzz/gen.c"
#include "../../tools/fuzz/gen_use.c"
#include "../../tools/fuzz/gen_loop.c"
#include "../../tools/fuzz/check.c"

#define PROGRAMS 1500

TEST(accepted_programs_are_safe)
{
	static struct fz_prog p;
	struct fz_outcome out;
	u32 i, accepted = 0;

	fz_world_init();
	for (i = 0; i < PROGRAMS; i++) {
		fz_generate(&p, i + 1);
		fz_check(&p, i + 1, 4, false, &out);
		accepted += out.layer == FZ_FINE;
		ASSERT_LE(out.layer, FZ_REFUSED) {
			TH_LOG("seed %u: %s: %s", i + 1, fz_layer_names[out.layer], out.why);
		}
	}
	fz_world_exit();
	ASSERT_GT(accepted, PROGRAMS / 3);
}

TEST_HARNESS_MAIN
