/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Storms: processes that do random things to objects of their own while functions are
 * called and packets sent, and know what must be true after each. What a process does
 * follows from its seed; what the others do meanwhile does not.
 */
#ifndef STORM_H
#define STORM_H

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/compiler.h>

#include "module/lib/km.h"
#include "module/lib/km_target.h"

#define STORM_SEATS	6
#define STORM_GRAVES	8
#define STORM_KEYS	32
#define STORM_ENTRIES	24
#define STORM_PATIENCE	20000	/* ms, for what may take its time */

/**
 * struct storm_count - where the runs of a link's programs are counted
 * @map: array of four numbers, each a program's or a path's; or -1
 * @inner: arrays of one number, if the program finds where to count in a map; or -1
 * @ring: ring buffer with a record of 16 bytes for each run; or -1
 * @producer: of the ring
 * @consumer: of the ring
 * @queue: a value for each run; or -1
 * @popped: values that were taken out
 */
struct storm_count {
	int map;
	int inner[2];
	int ring;
	unsigned long *producer;
	unsigned long *consumer;
	int queue;
	__u64 popped;
};

/**
 * struct storm_seat - a link and what belongs to it
 * @link: its fd, or -1: the seat is free
 * @progs: of one type, each with a number of its own in @count, the first attached
 * @swap: program array or array of maps that the first one looks into; or -1
 * @flavour: of the program
 * @place: where it is attached
 * @attached: it runs
 * @count: of its runs
 */
struct storm_seat {
	int link;
	int progs[3];
	int swap;
	int flavour;
	int place;
	bool attached;
	struct storm_count count;
};

/**
 * struct storm_grave - what must not run any more
 * @count: of its runs
 * @total: so many there were
 */
struct storm_grave {
	struct storm_count count;
	__u64 total;
};

/**
 * struct storm - a process in the storm
 * @seed: that all began with
 * @state: of the random numbers
 * @index: which process
 * @op: how many things were done
 * @doing: the name of what is done
 * @dev: kapsel
 * @socket: sends packets to this process' own network
 * @addrs: of two functions
 * @offset: of an instruction in TARGET
 * @seats: links
 * @graves: of links that were
 * @nr_graves: ever
 * @map: a hash table
 * @used: keys that are in it
 * @values: of them
 * @nr_used: how many
 * @churn: map that programs write to and whoever likes
 */
struct storm {
	__u64 seed;
	__u64 state;
	int index;
	__u64 op;
	const char *doing;
	int dev;
	int socket;
	__u64 addrs[2];
	__u64 offset;
	struct storm_seat seats[STORM_SEATS];
	struct storm_grave graves[STORM_GRAVES];
	__u64 nr_graves;
	int map;
	bool used[STORM_KEYS];
	__u64 values[STORM_KEYS];
	__u32 nr_used;
	int churn;
};

static inline __u32 storm_random(struct storm *s, __u32 below)
{
	s->state ^= s->state >> 12;
	s->state ^= s->state << 25;
	s->state ^= s->state >> 27;
	return (s->state * 2685821657736338717ULL >> 33) % below;
}

/* Ends the process, and says how to see it again. */
static inline _Noreturn void __printf(2, 3)
storm_fail(const struct storm *s, const char *fmt, ...)
{
	va_list args;

	printf("# seed %llu, process %d, operation %llu (%s): ", s->seed, s->index, s->op,
	       s->doing);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

/* What must succeed. Return: @ret */
static inline int storm_must(const struct storm *s, int ret, const char *what)
{
	if (ret < 0)
		storm_fail(s, "%s: error %d", what, ret);
	return ret;
}

static inline void storm_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ------------------------------------------------------------------------
 * Events
 */
static inline int storm_lo_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	err = ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return err;
}

/* Nobody listens: packets come back as errors, which are packets too. */
static inline void storm_event(int socket)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	target();
	sendto(socket, "storm", 5, MSG_DONTWAIT, (void *)&to, sizeof(to));
}

static inline void *storm_events(void *arg)
{
	const struct storm *s = arg;

	for (;;) {
		storm_event(s->socket);
		usleep(200);
	}
	return NULL;
}

/* ------------------------------------------------------------------------
 * Counts
 */
static inline struct storm_count storm_no_count(void)
{
	return (struct storm_count){ .map = -1, .inner = { -1, -1 }, .ring = -1, .queue = -1 };
}

static inline __u64 storm_total(const struct storm *s, const struct storm_count *c)
{
	__u64 total = 0, n = 0;

	for (__u32 i = 0; i < 4 && c->map >= 0; i++) {
		storm_must(s, km_get(c->map, i, &n), "looking at a count");
		total += n;
	}
	for (int i = 0; i < 2 && c->inner[i] >= 0; i++) {
		storm_must(s, km_get(c->inner[i], 0, &n), "looking into a map of a map");
		total += n;
	}
	if (c->ring >= 0)
		total += __atomic_load_n(c->producer, __ATOMIC_ACQUIRE) / 16 +
			 km_info(c->ring).map.lost;
	if (c->queue >= 0) {
		struct kapsel_map_info info = km_info(c->queue).map;

		total += info.used + info.lost + c->popped;
	}
	return total;
}

static inline void storm_count_close(struct storm_count *c)
{
	long page = sysconf(_SC_PAGESIZE);

	if (c->ring >= 0) {
		munmap(c->producer, page);
		munmap(c->consumer, page);
	}
	storm_close(&c->map);
	storm_close(&c->inner[0]);
	storm_close(&c->inner[1]);
	storm_close(&c->ring);
	storm_close(&c->queue);
}

/* Nothing runs there: not now and, as is seen later, not then. */
static inline void storm_bury(struct storm *s, struct storm_count *count)
{
	struct storm_grave *g = &s->graves[s->nr_graves % STORM_GRAVES];
	__u64 total = storm_total(s, count), now;

	for (int i = 0; i < 2; i++)
		storm_event(s->socket);
	now = storm_total(s, count);
	if (now != total)
		storm_fail(s, "%llu runs after the end", now - total);
	if (s->nr_graves++ >= STORM_GRAVES)
		storm_count_close(&g->count);
	*g = (struct storm_grave){ *count, total };
}

static inline void storm_visit_grave(struct storm *s, __u32 which)
{
	const struct storm_grave *g = &s->graves[which];
	__u64 now;

	if (which >= s->nr_graves)
		return;
	now = storm_total(s, &g->count);
	if (now != g->total)
		storm_fail(s, "%llu runs long after the end", now - g->total);
}

#endif
