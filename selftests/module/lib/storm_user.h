/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Users of the module: processes that hold something for a while, all over again, come
 * back as soon as there is a device, and are killed in the end.
 */
#ifndef STORM_USER_H
#define STORM_USER_H

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include "module/lib/km.h"
#include "module/lib/storm.h"
#include "module/lib/storm_seat.h"

static inline void storm_user_hold(struct storm *s)
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

static inline void storm_user_prepare(struct storm *s, int index, __u64 seed, const __u64 *addrs)
{
	*s = (struct storm){ .seed = seed, .index = index, .doing = "use", .state = seed + 1 };
	memcpy(s->addrs, addrs, sizeof(s->addrs));
	storm_must(s, unshare(CLONE_NEWNET), "a network of its own");
	storm_must(s, storm_lo_up(), "loopback");
	s->socket = storm_must(s, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
}

static inline _Noreturn void storm_user_live(int index, __u64 seed, const __u64 *addrs)
{
	static struct storm s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	storm_user_prepare(&s, index, seed, addrs);
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
		storm_user_hold(&s);
		close(s.churn);
		close(s.dev);
		usleep(storm_random(&s, 20000));
	}
}

/* Return: its pid, or -1. What it does follows from @seed. */
static inline pid_t storm_user_bear(int index, __u64 seed, const __u64 *addrs)
{
	pid_t pid = fork();

	if (!pid)
		storm_user_live(index, seed, addrs);
	return pid;
}

/* Return: whether it lived until then. */
static inline bool storm_user_slay(pid_t user)
{
	int status;

	kill(user, SIGKILL);
	return waitpid(user, &status, 0) == user && WIFSIGNALED(status);
}

#endif
