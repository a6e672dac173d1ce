/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fault injection: something is done again and again, with its first allocation
 * failing, its second, and so on until there are no more, and each time leaves
 * nothing behind.
 */
#ifndef KM_FAIL_H
#define KM_FAIL_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_files.h"

#define KM_FAIL_MOST	20000	/* allocations that are failed, one a time */

/* Without it there is nothing to test, either. */
static void __attribute__((constructor)) km_need_faults(void)
{
	if (access(KAPSEL_DEVICE, F_OK) || !access("/proc/thread-self/fail-nth", F_OK))
		return;
	printf("TAP version 13\n1..0 # SKIP no fault injection in this kernel\n");
	exit(4);
}

/* All allocations may fail, those that may wait and single pages too, in silence. */
static inline int km_fail_open(void)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc" };
	char path[64];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/ignore-gfp-wait", kinds[i]);
		km_write(path, "N");
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/verbose", kinds[i]);
		km_write(path, "0");
	}
	km_write("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	km_write("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	return open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
}

/* The @n-th allocation of this thread fails from here on; 0: none. */
static inline bool km_fail_arm(int fd, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(fd, text, len, 0) == len;
}

/* None any more. Return: how many more it would have taken; 0: one failed; -1: error */
static inline long km_fail_disarm(int fd)
{
	char text[16] = "";
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	if (len < 1 || !km_fail_arm(fd, 0))
		return -1;
	return atol(text);
}

static inline int km_module_users(void)
{
	FILE *f = fopen("/sys/module/kapsel/refcnt", "r");
	int n = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%d", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

/**
 * struct km_count - what must be as it was
 */
struct km_count {
	int objects;
	int fds;
	int users;
};

static inline struct km_count km_count(int dev)
{
	return (struct km_count){
		.objects = km_objects(dev), .fds = km_count_fds(), .users = km_module_users(),
	};
}

/* Objects end a moment after their last user, and the module's users with them. */
static inline bool km_counts_settle(int dev, const struct km_count *wanted)
{
	for (int i = 0; i < 5000; i++) {
		struct km_count now = km_count(dev);

		if (now.objects == wanted->objects && now.fds == wanted->fds &&
		    now.users == wanted->users)
			return true;
		usleep(1000);
	}
	return false;
}

/**
 * struct km_act - something that allocates
 * @name: for people
 * @begin: gets ready, unwatched; or NULL
 * @run: does it: 0, a new fd, or -errno
 * @undo: what was begun, given @run's result; NULL: close the fd, if there is one
 * @may: an errno that a lack of memory may give beside ENOMEM, or 0
 */
struct km_act {
	const char *name;
	void (*begin)(void *env);
	int (*run)(void *env);
	void (*undo)(void *env, int ret);
	int may;
};

static inline void km_act_undo(const struct km_act *act, void *env, int ret)
{
	if (act->undo)
		act->undo(env, ret);
	else if (ret > 2)
		close(ret);
}

static inline bool km_act_excused(const struct km_act *act, int ret)
{
	return ret >= 0 || ret == -ENOMEM || (act->may && ret == -act->may);
}

/* Once, with the @n-th allocation failing. Return: as km_fail_disarm(). */
static inline long km_act_fail(struct __test_metadata *_metadata, int fails, int dev,
			       const struct km_act *act, void *env, unsigned int n)
{
	struct km_count before = km_count(dev);
	long left;
	int ret;

	if (act->begin)
		act->begin(env);
	if (!km_fail_arm(fails, n))
		return -1;
	ret = act->run(env);
	left = km_fail_disarm(fails);
	EXPECT_TRUE(km_act_excused(act, ret)) {
		TH_LOG("%s: allocation %u: error %d", act->name, n, ret);
	}
	/* Nothing failed: nothing may go wrong. */
	EXPECT_TRUE(!left || ret >= 0) {
		TH_LOG("%s: error %d with all memory", act->name, ret);
	}
	km_act_undo(act, env, ret);
	EXPECT_TRUE(km_counts_settle(dev, &before)) {
		struct km_count now = km_count(dev);

		TH_LOG("%s: allocation %u: objects %d -> %d, fds %d -> %d, users %d -> %d",
		       act->name, n, before.objects, now.objects, before.fds, now.fds,
		       before.users, now.users);
	}
	return left;
}

/* What was let go before is gone, too: objects may end a while after. */
static inline void km_calm(int dev)
{
	int before = km_objects(dev), now;

	for (int calm = 0; calm < 4; before = now) {
		usleep(50000);
		now = km_objects(dev);
		calm = now == before ? calm + 1 : 0;
	}
}

/* To the end; nothing is left behind, whichever it was. */
static inline void km_sweep(struct __test_metadata *_metadata, int fails, int dev,
			    const struct km_act *act, void *env)
{
	unsigned int n = 0;
	long left;

	km_calm(dev);
	do {
		left = km_act_fail(_metadata, fails, dev, act, env, ++n);
	} while (!left && n < KM_FAIL_MOST && _metadata->passed);
	EXPECT_LT(0, left) {
		TH_LOG("%s: no end after %u", act->name, n);
	}
	TH_LOG("%s: %u allocations", act->name, n - 1);
}

#endif
