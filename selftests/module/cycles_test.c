// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module goes and comes again while others use it, are killed, and come back as soon
 * as there is a device: make cycles N=
 */

#include <linux/kernel.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_module.h"
#include "module/lib/storm.h"
#include "module/lib/storm_seat.h"

#define USERS	3
#define CYCLES	16
#define TRIES	4000	/* to unload it, a millisecond apart */

FIXTURE(cycles) {
	pid_t users[USERS];
	__u32 born;
	__u64 addrs[2];
};

/* ------------------------------------------------------------------------
 * Users: hold something for a while, all over again, until they are killed
 */
static void hold_something(struct storm *s)
{
	struct storm_seat *seat = &s->seats[0];

	storm_make(s, seat, storm_random(s, STORM_NR_PLACES));
	storm_attach(s, seat);
	for (__u32 n = storm_random(s, 20); n; n--)
		storm_event(s->socket);
	storm_unseat(s, seat);
	for (int i = 0; i < STORM_GRAVES && i < s->nr_graves; i++)
		storm_count_close(&s->graves[i].count);
	s->nr_graves = 0;
	s->op++;
}

static void prepare(struct storm *s, int index, __u64 seed, const __u64 *addrs)
{
	*s = (struct storm){ .seed = seed, .index = index, .doing = "use", .state = seed + 1 };
	memcpy(s->addrs, addrs, sizeof(s->addrs));
	storm_must(s, unshare(CLONE_NEWNET), "a network of its own");
	storm_must(s, storm_lo_up(), "loopback");
	s->socket = storm_must(s, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
}

static _Noreturn void use(int index, __u64 seed, const __u64 *addrs)
{
	static struct storm s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prepare(&s, index, seed, addrs);
	for (;;) {
		s.dev = km_open();
		if (s.dev < 0) {
			/* Gone, going or coming. */
			if (s.dev != -ENOENT && s.dev != -ENODEV && s.dev != -ENXIO)
				storm_fail(&s, "device: %d", s.dev);
			usleep(2000);
			continue;
		}
		s.churn = storm_must(&s, km_map(s.dev, BPF_MAP_TYPE_LRU_HASH, 8, 8, 16, 0), "map");
		hold_something(&s);
		close(s.churn);
		close(s.dev);
		usleep(storm_random(&s, 20000));
	}
}

static void bear(FIXTURE_DATA(cycles) * self, int which)
{
	self->born++;
	self->users[which] = fork();
	if (!self->users[which])
		use(which, self->born, self->addrs);
}

/* Return: whether it lived until then. */
static bool slay(pid_t user)
{
	int status;

	kill(user, SIGKILL);
	return waitpid(user, &status, 0) == user && WIFSIGNALED(status);
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

static int unload(void)
{
	int err = -EWOULDBLOCK;

	for (int i = 0; i < TRIES && err == -EWOULDBLOCK; i++) {
		err = km_rmmod();
		if (err)
			usleep(1000);
	}
	return err;
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
		ASSERT_TRUE(slay(self->users[n % USERS])) {
			TH_LOG("cycle %ld: a user failed", n);
		}
		ASSERT_EQ(0, unload()) {
			TH_LOG("cycle %ld", n);
		}
		EXPECT_NE(0, access("/sys/module/kapsel", F_OK));
		bear(self, n % USERS);
		ASSERT_EQ(0, km_insmod());
	}
out:
	for (int i = 0; i < USERS; i++)
		EXPECT_TRUE(slay(self->users[i]));
}

TEST_HARNESS_MAIN
