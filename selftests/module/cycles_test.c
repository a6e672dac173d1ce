// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module goes and comes again while others use it, are killed, and come back as soon
 * as there is a device: make cycles N=
 */

#include <linux/kernel.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_module.h"
#include "module/lib/storm_user.h"

#define USERS	3
#define CYCLES	16

FIXTURE(cycles) {
	pid_t users[USERS];
	__u32 born;
	__u64 addrs[2];
};

static void bear(FIXTURE_DATA(cycles) * self, int which)
{
	self->born++;
	self->users[which] = storm_user_bear(which, self->born, self->addrs);
}

FIXTURE_SETUP(cycles)
{
	ASSERT_TRUE(storm_find_functions(self->addrs));
	for (int i = 0; i < USERS; i++)
		bear(self, i);
}

FIXTURE_TEARDOWN(cycles)
{
	km_insmod();
}

static long cycles(void)
{
	const char *text = getenv("KAPSEL_CYCLES");

	return text && *text ? atol(text) : CYCLES;
}

TEST_F_TIMEOUT(cycles, in_and_out_under_fire, 36000)
{
	if (access(KM_MODULE, R_OK))
		SKIP(goto out, "no " KM_MODULE);
	for (long n = 0; n < cycles(); n++) {
		usleep(n % 7 * 10000);
		/* It can't go as long as somebody has it, and somebody may be killed. */
		ASSERT_TRUE(storm_user_slay(self->users[n % USERS])) {
			TH_LOG("cycle %ld: a user failed", n);
		}
		ASSERT_EQ(0, km_unload()) {
			TH_LOG("cycle %ld", n);
		}
		EXPECT_NE(0, access("/sys/module/kapsel", F_OK));
		bear(self, n % USERS);
		ASSERT_EQ(0, km_insmod());
	}
out:
	for (int i = 0; i < USERS; i++)
		EXPECT_TRUE(storm_user_slay(self->users[i]));
}

TEST_HARNESS_MAIN
