// SPDX-License-Identifier: GPL-2.0-only
/* LPM tries as programs see them, and all at once */

#include <linux/kernel.h>
#include <pthread.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_target.h"

#define ENTRIES	256

struct prefix {
	__u32 len;
	__u8 addr[4];
};

FIXTURE(lpm) {
	int dev;
	int map;
	int finder;
};

FIXTURE_SETUP(lpm)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_LPM_TRIE, 8, 8, ENTRIES, BPF_F_NO_PREALLOC);
	ASSERT_LE(0, self->map);
	/* The key is in di; the value, or -1. */
	self->finder = km_kprobe(self->dev,
				 "r2 = *(u64 *)(r1 + 112)\n"
				 "*(u64 *)(r10 - 8) = r2\n"
				 "r2 = r10\n"
				 "r2 += -8\n"
				 "r1 = map[fd:%d] ll\n"
				 "call bpf_map_lookup_elem\n"
				 "r1 = r0\n"
				 "r0 = -1\n"
				 "if r1 == 0 goto out\n"
				 "r0 = *(u64 *)(r1 + 0)\n"
				 "out:\n"
				 "exit\n", self->map);
	ASSERT_LE(0, self->finder);
}

FIXTURE_TEARDOWN(lpm)
{
	close(self->map);
	close(self->finder);
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

static int set(int map, struct prefix key, __u64 value)
{
	return km_elem(map, KAPSEL_MAP_UPDATE, &key, sizeof(key), &value, 8, BPF_ANY);
}

static int del(int map, struct prefix key)
{
	return km_elem(map, KAPSEL_MAP_DELETE, &key, sizeof(key), NULL, 0, 0);
}

static long find(FIXTURE_DATA(lpm) * self, struct prefix key)
{
	__u64 regs[21] = {}, ret;
	int err;

	memcpy(&regs[14], &key, sizeof(key));
	err = km_run(self->finder, regs, sizeof(regs), NULL, 0, 0, &ret);
	return err ? -1000 + err : (long)ret;
}

#define P(len, a, b, c, d) ((struct prefix){ len, { a, b, c, d } })

TEST_F(lpm, the_longest_prefix_wins)
{
	ASSERT_EQ(0, set(self->map, P(8, 10, 0, 0, 0), 1));
	ASSERT_EQ(0, set(self->map, P(24, 10, 1, 2, 0), 2));
	ASSERT_EQ(0, set(self->map, P(16, 10, 1, 0, 0), 3));
	ASSERT_EQ(0, set(self->map, P(32, 10, 1, 2, 3), 4));
	EXPECT_EQ(4, find(self, P(32, 10, 1, 2, 3)));
	EXPECT_EQ(2, find(self, P(32, 10, 1, 2, 4)));
	EXPECT_EQ(3, find(self, P(32, 10, 1, 3, 4)));
	EXPECT_EQ(1, find(self, P(32, 10, 2, 2, 3)));
	EXPECT_EQ(-1, find(self, P(32, 11, 1, 2, 3)));
	/* As long as the key is, and no longer. */
	EXPECT_EQ(3, find(self, P(23, 10, 1, 2, 0)));
	EXPECT_EQ(-1, find(self, P(7, 10, 0, 0, 0)));
	EXPECT_EQ(-1, find(self, P(33, 10, 1, 2, 3)));
	ASSERT_EQ(0, set(self->map, P(0, 0, 0, 0, 0), 5));
	EXPECT_EQ(5, find(self, P(32, 11, 1, 2, 3)));
	ASSERT_EQ(0, del(self->map, P(24, 10, 1, 2, 99)));
	EXPECT_EQ(3, find(self, P(32, 10, 1, 2, 4)));
	EXPECT_EQ(4, find(self, P(32, 10, 1, 2, 3)));
}

TEST_F(lpm, full_is_no_space_and_counted)
{
	for (int i = 0; i < ENTRIES; i++)
		ASSERT_EQ(0, set(self->map, P(32, 1, i, i * 7, i * 3), i));
	EXPECT_EQ(-ENOSPC, set(self->map, P(31, 1, 2, 3, 4), 1));
	EXPECT_EQ(1, km_info(self->map).map.lost);
	EXPECT_EQ(0, set(self->map, P(32, 1, 5, 35, 15), 77));
	EXPECT_EQ(77, find(self, P(32, 1, 5, 35, 15)));
	for (int i = 0; i < ENTRIES; i++)
		ASSERT_EQ(0, del(self->map, P(32, 1, i, i * 7, i * 3)));
	EXPECT_EQ(0, km_info(self->map).map.used);
	/* Not a node is lost of those between. */
	for (int i = 0; i < ENTRIES; i++)
		ASSERT_EQ(0, set(self->map, P(32, i, 1, 2, 3), i));
}

/* ------------------------------------------------------------------------
 * Entries that stay are found at each moment, whatever comes and goes beside them.
 * They are not replaced: a value that is may be another's while it is still read.
 */
struct churn {
	int map;
	bool stop;
};

static void *churn(void *arg)
{
	struct churn *c = arg;

	for (__u32 i = 0; !__atomic_load_n(&c->stop, __ATOMIC_RELAXED); i++) {
		/* Above, below and between those that stay. */
		set(c->map, P(9 + i % 7, 10, 128, 0, 0), 1000);
		set(c->map, P(25 + i % 8, 10, 1, 2, i), 1000);
		set(c->map, P(16, 11 + i % 200, i >> 3, 0, 0), 1000);
		del(c->map, P(9 + i * 3 % 7, 10, 128, 0, 0));
		del(c->map, P(25 + i * 5 % 8, 10, 1, 2, i - 9));
		del(c->map, P(16, 11 + (i - 20) % 200, (i - 20) >> 3, 0, 0));
	}
	return NULL;
}

TEST_F_TIMEOUT(lpm, storm, 120)
{
	/* What a program must find, at each event, else it is counted as wrong. */
	int wrong = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	int prog = km_kprobe(self->dev,
			     "*(u32 *)(r10 - 8) = 32\n"
			     "*(u32 *)(r10 - 4) = 0x0403010a\n"	/* 10.1.3.4 */
			     "r2 = r10\n"
			     "r2 += -8\n"
			     "r1 = map[fd:%d] ll\n"
			     "call bpf_map_lookup_elem\n"
			     "if r0 == 0 goto bad\n"
			     "r1 = *(u64 *)(r0 + 0)\n"
			     "if r1 == 3 goto out\n"
			     "bad:\n"
			     "r6 = map[fd:%d] + 0 ll\n"
			     "r1 = 1\n"
			     "lock *(u64 *)(r6 + 0) += r1\n"
			     "out:\n"
			     "r0 = 0\n"
			     "exit\n", self->map, wrong);
	int inner = km_kprobe(self->dev,
			      "call bpf_get_prandom_u32\n"
			      "r0 |= 128\n"	/* its first byte is not 10 */
			      "*(u32 *)(r10 - 8) = 20\n"
			      "*(u32 *)(r10 - 4) = r0\n"
			      "*(u64 *)(r10 - 16) = 9\n"
			      "r2 = r10\n"
			      "r2 += -8\n"
			      "r3 = r10\n"
			      "r3 += -16\n"
			      "r4 = 0\n"
			      "r1 = map[fd:%d] ll\n"
			      "call bpf_map_update_elem\n"
			      "r2 = r10\n"
			      "r2 += -8\n"
			      "r1 = map[fd:%d] ll\n"
			      "call bpf_map_delete_elem\n"
			      "r0 = 0\n"
			      "exit\n", self->map, self->map);
	int links[3];
	struct churn c = { .map = self->map };
	struct km_fire fire;
	pthread_t threads[2];

	ASSERT_LE(0, prog);
	ASSERT_LE(0, inner);
	ASSERT_EQ(0, set(self->map, P(8, 10, 0, 0, 0), 1));
	ASSERT_EQ(0, set(self->map, P(16, 10, 1, 0, 0), 3));
	links[0] = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, TARGET);
	links[1] = km_probe(self->dev, inner, KAPSEL_HOOK_KPROBE, TARGET);
	links[2] = km_probe(self->dev, inner, KAPSEL_HOOK_KPROBE, "copy_from_user_nofault");
	ASSERT_LE(0, links[0]);
	ASSERT_LE(0, links[1]);
	ASSERT_EQ(0, km_fire_start(&fire));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, churn, &c));
	sleep(5);
	__atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	km_fire_stop(&fire);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		close(links[i]);
	EXPECT_LT(100, fire.calls);
	EXPECT_EQ(0, km_value(wrong, 0));
	close(prog);
	close(inner);
	close(wrong);
}

struct scribbler {
	struct prefix *key;
	bool stop;
};

static void *scribble(void *arg)
{
	struct scribbler *s = arg;

	for (__u32 i = 0; !__atomic_load_n(&s->stop, __ATOMIC_RELAXED); i++) {
		__u32 len = i & 1 ? 0xffffffff : i % 33, addr = i * 2654435761u;

		__atomic_store_n(&s->key->len, len, __ATOMIC_RELAXED);
		__atomic_store_n((__u32 *)s->key->addr, addr, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* A key that userspace writes to meanwhile: what is in the trie is as long as may be. */
TEST_F(lpm, a_key_changes_under_the_call)
{
	int keys = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 16, 1, BPF_F_MMAPABLE);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, keys, 0);
	struct scribbler s = { .key = page };
	struct prefix key, *before = NULL;
	pthread_t thread;
	int prog;

	ASSERT_NE(MAP_FAILED, page);
	prog = km_kprobe(self->dev,
			 "r6 = map[fd:%d]+0 ll\n"
			 "r1 = map[fd:%d] ll\n"
			 "r2 = r6\n"
			 "r3 = r6\n"
			 "r3 += 8\n"
			 "r4 = 0\n"
			 "call bpf_map_update_elem\n"
			 "r1 = map[fd:%d] ll\n"
			 "r2 = r6\n"
			 "call bpf_map_lookup_elem\n"
			 "r1 = map[fd:%d] ll\n"
			 "r2 = r6\n"
			 "call bpf_map_delete_elem\n"
			 "r0 = 0\n"
			 "exit\n", keys, self->map, self->map, self->map);
	ASSERT_LE(0, prog);
	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, &s));
	for (int i = 0; i < 20000; i++)
		ASSERT_EQ(0, km_call(prog));
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	for (; !km_next(self->map, before, &key, sizeof(key)); before = &key)
		EXPECT_GE(32, key.len);
	close(prog);
	EXPECT_EQ(0, munmap(page, 4096));
	close(keys);
}

TEST_HARNESS_MAIN
