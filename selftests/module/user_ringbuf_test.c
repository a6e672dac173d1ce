// SPDX-License-Identifier: GPL-2.0-only
/*
 * User ring buffers beside the kernel's own: one object, by libbpf and by kapsel, that
 * drains what is written to both, by a writer that is honest, or not, or at it meanwhile
 */

#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/kernel.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_random.h"
#include "module/lib/km_twins.h"

#define FILE_NAME "samples.bpf.o"
#define ROUNDS 2000
#define HEAD_FLAGS (BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT)
#define RING 4096

/* As samples.bpf.c has them. */
struct order {
	__u64 stop, flags;
};

struct result {
	__s64 ret;
	__u64 calls, sum, whole;
	__s64 inner;
};

/** struct ring - a ring buffer, as its writer maps it */
struct ring {
	const unsigned long *consumer;
	unsigned long *producer;
	char *data;
};

FIXTURE(samples) {
	struct km_twins both;
	struct ring our_ring;
	struct ring their_ring;
};

FIXTURE_VARIANT(samples) {
	__u32 engine;
};

FIXTURE_VARIANT_ADD(samples, compiled) {
	.engine = KAPSEL_ENGINE_JIT,
};

FIXTURE_VARIANT_ADD(samples, interpreted) {
	.engine = KAPSEL_ENGINE_INTERP,
};

static bool map_ring(struct ring *ring, int fd)
{
	long page = sysconf(_SC_PAGESIZE);

	ring->consumer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	ring->producer = mmap(NULL, page + 2 * RING, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			      page);
	ring->data = (char *)ring->producer + page;
	return ring->consumer != MAP_FAILED && ring->producer != MAP_FAILED;
}

FIXTURE_SETUP(samples)
{
	ASSERT_EQ(0, km_load_ours(&self->both, FILE_NAME, variant->engine, NULL));
	ASSERT_TRUE(map_ring(&self->our_ring, km_our_map(&self->both, "samples")));
	if (km_load_theirs(&self->both, FILE_NAME))
		SKIP(return KM_NO_TEST, "bpf(2): %d", errno);
	ASSERT_TRUE(map_ring(&self->their_ring, km_their_map(&self->both, "samples")));
}

FIXTURE_TEARDOWN(samples)
{
	km_twins_close(&self->both);
}

static unsigned long position(const unsigned long *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void produce(const struct ring *ring, unsigned long to)
{
	__atomic_store_n(ring->producer, to, __ATOMIC_RELEASE);
}

static void put_word(const struct ring *ring, unsigned long at, __u32 word)
{
	*(__u32 *)(ring->data + at % RING) = word;
}

/* Lengths around those that matter, and now and then anything. */
static __u32 some_head(void)
{
	static const __u32 odd[] = { 0, 7, RING - 8, RING - 7, RING, 0xffffff, 0x1000000,
				     -1u >> 2 };
	__u32 len = km_rnd(8) ? km_rnd(40) : odd[km_rnd(ARRAY_SIZE(odd))] + km_rnd(2);

	return len | (km_rnd(6) ? 0 : BPF_RINGBUF_DISCARD_BIT) |
	       (km_rnd(8) ? 0 : BPF_RINGBUF_BUSY_BIT);
}

/* The same to both, no more than they hold; the position may be a bad one. */
static void write_samples(FIXTURE_DATA(samples) * self)
{
	unsigned long at = position(self->our_ring.consumer), end = at, most = at + RING;
	__u32 n = km_rnd(12);

	for (unsigned long pos = at; pos < at + RING; pos += 4) {
		__u32 word = km_rnd(1 << 24);

		put_word(&self->our_ring, pos, word);
		put_word(&self->their_ring, pos, word);
	}
	while (n-- && end < most) {
		__u32 head = some_head();

		put_word(&self->our_ring, end, head);
		put_word(&self->their_ring, end, head);
		end += ((head & ~HEAD_FLAGS) + 8ul + 7) / 8 * 8;
	}
	if (end > most)
		end = km_rnd(2) ? most : at;
	if (!km_rnd(8))
		end = km_rnd(2) ? end + km_rnd(8) : end - 8 * km_rnd(20);
	produce(&self->our_ring, end);
	produce(&self->their_ring, end);
}

static bool same(const struct result *a, const struct result *b)
{
	if (!memcmp(a, b, sizeof(*a)))
		return true;
	fprintf(stderr, "# kapsel %lld, %llu calls, sum %llu, Linux %lld, %llu calls, sum %llu\n",
		a->ret, a->calls, a->sum, b->ret, b->calls, b->sum);
	return false;
}

TEST_F(samples, drained_as_in_linux)
{
	struct result ours, theirs;
	struct order order;

	for (int i = 0; i < ROUNDS; i++) {
		order.stop = km_rnd(3) ? 0 : km_rnd(6);
		order.flags = km_rnd(8) ? km_rnd(4) : km_rnd(64);
		write_samples(self);
		ASSERT_EQ(0, km_give_order(&self->both, &order, sizeof(order)));
		ASSERT_EQ(0, km_run_ours(&self->both, "plain", &ours, sizeof(ours)));
		ASSERT_EQ(0, km_run_theirs(&self->both, "plain", &theirs));
		ASSERT_TRUE(same(&ours, &theirs));
		ASSERT_EQ(position(self->their_ring.consumer), position(self->our_ring.consumer));
		ASSERT_EQ(0, memcmp(self->our_ring.data, self->their_ring.data, RING));
	}
}

static void write_one(const struct ring *ring)
{
	unsigned long at = position(ring->producer);

	put_word(ring, at, 8);
	put_word(ring, at + 8, 1);
	put_word(ring, at + 12, 0);
	produce(ring, at + 16);
}

/* A ring is drained by one run at a time, in a callback or elsewhere. */
TEST_F(samples, busy_while_they_are_drained)
{
	struct result ours, theirs;
	struct order order = {};

	ASSERT_EQ(0, km_give_order(&self->both, &order, sizeof(order)));
	write_one(&self->our_ring);
	write_one(&self->their_ring);
	ASSERT_EQ(0, km_run_ours(&self->both, "nested", &ours, sizeof(ours)));
	ASSERT_EQ(0, km_run_theirs(&self->both, "nested", &theirs));
	EXPECT_TRUE(same(&ours, &theirs));
	EXPECT_EQ(-EBUSY, ours.inner);
	EXPECT_EQ(1, ours.ret);
	/* And is free again. */
	write_one(&self->our_ring);
	ASSERT_EQ(0, km_run_ours(&self->both, "plain", &ours, sizeof(ours)));
	EXPECT_EQ(1, ours.ret);
	EXPECT_EQ(1, ours.sum);
}

/* Linux would go on: here a run takes no more than the ring holds. */
TEST_F(samples, a_writer_that_is_far_ahead)
{
	struct result ours;
	struct order order = {};

	ASSERT_EQ(0, km_give_order(&self->both, &order, sizeof(order)));
	memset(self->our_ring.data, 0, RING);
	produce(&self->our_ring, 1ul << 40);
	ASSERT_EQ(0, km_run_ours(&self->both, "plain", &ours, sizeof(ours)));
	EXPECT_EQ(RING / 8, ours.ret);
	EXPECT_EQ(RING, position(self->our_ring.consumer));
	produce(&self->our_ring, -8ul);
	ASSERT_EQ(0, km_run_ours(&self->both, "plain", &ours, sizeof(ours)));
	EXPECT_EQ(RING / 8, ours.ret);
	produce(&self->our_ring, 8);
	ASSERT_EQ(0, km_run_ours(&self->both, "plain", &ours, sizeof(ours)));
	EXPECT_EQ(0, ours.ret);
}

static bool stop;

static void *scribble(void *ctx)
{
	const struct ring *ring = ctx;
	__u32 seed = 7;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		seed = seed * 1664525 + 1013904223;
		put_word(ring, (seed >> 8) % RING / 4 * 4,
			 seed & 1 ? (seed >> 20) % 64 : seed);
		produce(ring, position(ring->consumer) + (seed >> 12) % (2 * RING) / 8 * 8);
	}
	return NULL;
}

TEST_F(samples, a_writer_that_scribbles_meanwhile)
{
	unsigned long at = 0, now;
	struct order order = {};
	struct result ours;
	pthread_t writer;

	stop = false;
	ASSERT_EQ(0, km_give_order(&self->both, &order, sizeof(order)));
	ASSERT_EQ(0, pthread_create(&writer, NULL, scribble, &self->our_ring));
	for (int i = 0; i < 10 * ROUNDS; i++) {
		ASSERT_EQ(0, km_run_ours(&self->both, "plain", &ours, sizeof(ours)));
		EXPECT_GE(RING / 8, ours.ret);
		if (ours.ret < 0)
			EXPECT_TRUE(ours.ret == -EINVAL || ours.ret == -E2BIG);
		now = position(self->our_ring.consumer);
		EXPECT_LE(at, now);
		EXPECT_EQ(0, now % 8);
		at = now;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(writer, NULL));
}

static int try_mmap(int fd, int prot, long len, long at)
{
	void *mem = mmap(NULL, len, prot, MAP_SHARED, fd, at);
	int err = mem == MAP_FAILED ? -errno : 0;

	/* What was mapped for reading does not become writable. */
	if (!err && !(prot & PROT_WRITE) && mprotect(mem, len, PROT_READ | PROT_WRITE))
		err = 1;
	if (mem != MAP_FAILED)
		munmap(mem, len);
	return err;
}

/* Whichever way it is asked for, by one map as by the other. */
static bool mapped_alike(int ours, int theirs, long len, long at)
{
	static const int prots[] = { PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE };
	int ret, want;

	for (size_t i = 0; i < ARRAY_SIZE(prots); i++) {
		ret = try_mmap(ours, prots[i], len, at);
		want = try_mmap(theirs, prots[i], len, at);
		if (ret != want) {
			fprintf(stderr, "# prot %d: %d, in Linux %d\n", prots[i], ret, want);
			return false;
		}
	}
	/* Here nothing of a map is ever run. */
	return try_mmap(ours, PROT_READ | PROT_EXEC, len, at) < 0;
}

TEST_F(samples, mapped_as_in_linux)
{
	int ours = km_our_map(&self->both, "samples"), theirs = km_their_map(&self->both, "samples");
	long page = sysconf(_SC_PAGESIZE), most = 2 * page + 2 * RING;

	for (long at = 0; at <= most; at += page) {
		for (long len = page; len <= most + page; len += page) {
			EXPECT_TRUE(mapped_alike(ours, theirs, len, at)) {
				TH_LOG("%ld at %ld", len, at);
			}
		}
	}
	EXPECT_EQ(-EPERM, try_mmap(km_our_map(&self->both, "samples"), PROT_WRITE, page, 0));
	EXPECT_EQ(1, try_mmap(km_our_map(&self->both, "samples"), PROT_READ, page, 0));
}

static int events_of(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&poll_fd, 1, 0) == 1 ? poll_fd.revents : 0;
}

TEST_F(samples, writable_while_there_is_room)
{
	for (unsigned long ahead = 0; ahead <= RING + 8; ahead += 8) {
		produce(&self->our_ring, ahead);
		produce(&self->their_ring, ahead);
		EXPECT_EQ(events_of(km_their_map(&self->both, "samples")),
			  events_of(km_our_map(&self->both, "samples"))) {
			TH_LOG("%lu ahead", ahead);
		}
	}
}

static void *wait_for_room(void *ctx)
{
	struct pollfd poll_fd = { .fd = *(int *)ctx, .events = POLLOUT };

	return (void *)(long)poll(&poll_fd, 1, 10000);
}

TEST_F(samples, a_writer_that_waits_is_woken)
{
	int fd = km_our_map(&self->both, "samples");
	struct order order = {};
	struct result ours;
	pthread_t writer;
	void *ready;

	ASSERT_EQ(0, km_give_order(&self->both, &order, sizeof(order)));
	put_word(&self->our_ring, 0, RING - 8);
	produce(&self->our_ring, RING);
	ASSERT_EQ(0, events_of(fd));
	ASSERT_EQ(0, pthread_create(&writer, NULL, wait_for_room, &fd));
	usleep(100000);
	ASSERT_EQ(0, km_run_ours(&self->both, "plain", &ours, sizeof(ours)));
	EXPECT_EQ(1, ours.ret);
	ASSERT_EQ(0, pthread_join(writer, &ready));
	EXPECT_EQ(1, (long)ready);
}

TEST_HARNESS_MAIN
