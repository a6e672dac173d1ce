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
	struct kapsel_dev dev;
	struct kapsel_object *ours;
	struct bpf_object *theirs;
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

static int load_ours(struct kapsel_dev *dev, struct kapsel_object **obj, __u32 engine)
{
	struct kapsel_load_opts opts = { .engine = engine };
	struct kapsel_result res = {};
	struct kapsel_error err = {};
	int ret = kapsel_dev_open(dev, NULL, &err);

	if (ret)
		return ret;
	*obj = kapsel_open(FILE_NAME, &err);
	ret = *obj ? kapsel_maps_create(dev, *obj, &err) : err.err;
	for (__u32 i = 0; !ret && i < kapsel_nr_progs(*obj); i++) {
		ret = kapsel_prog_load(dev, kapsel_prog_at(*obj, i), &opts, &res, &err);
		kapsel_result_free(&res);
	}
	if (ret)
		fprintf(stderr, "# %s\n", err.text);
	return ret;
}

static int our_map(FIXTURE_DATA(samples) * self, const char *name)
{
	return kapsel_map_find(self->ours, name)->fd;
}

static int their_map(FIXTURE_DATA(samples) * self, const char *name)
{
	return bpf_object__find_map_fd_by_name(self->theirs, name);
}

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
	ASSERT_EQ(0, load_ours(&self->dev, &self->ours, variant->engine));
	ASSERT_TRUE(map_ring(&self->our_ring, our_map(self, "samples")));
	self->theirs = bpf_object__open_file(FILE_NAME, NULL);
	ASSERT_NE(NULL, self->theirs);
	if (bpf_object__load(self->theirs))
		SKIP(return, "bpf(2): %d", errno);
	ASSERT_TRUE(map_ring(&self->their_ring, their_map(self, "samples")));
}

FIXTURE_TEARDOWN(samples)
{
	kapsel_close(self->ours);
	bpf_object__close(self->theirs);
}

static int run_ours(FIXTURE_DATA(samples) * self, const char *name, struct result *result)
{
	unsigned char packet[20] = { 0x45, [3] = 20, [8] = 64, [9] = 17 };
	__u32 zero = 0;
	__u64 ret = 0;
	int err = km_run(kapsel_prog_find(self->ours, name)->fd, NULL, 0, packet, sizeof(packet),
			 1, &ret);

	if (err || ret != 1)
		return err ?: -EIO;
	return km_elem(our_map(self, "results"), KAPSEL_MAP_LOOKUP, &zero, 4, result,
		       sizeof(*result), 0);
}

static int run_theirs(FIXTURE_DATA(samples) * self, const char *name, struct result *result)
{
	unsigned char frame[14 + 20] = { [12] = 8, [14] = 0x45, [17] = 20, [22] = 64, [23] = 17 };
	struct bpf_program *prog = bpf_object__find_program_by_name(self->theirs, name);
	__u32 zero = 0;
	int err;

	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));

	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	if (err || opts.retval != 1)
		return err ?: -EIO;
	return bpf_map_lookup_elem(their_map(self, "results"), &zero, result);
}

static int give_order(FIXTURE_DATA(samples) * self, const struct order *order)
{
	struct order copy = *order;
	__u32 zero = 0;

	return km_elem(our_map(self, "orders"), KAPSEL_MAP_UPDATE, &zero, 4, &copy,
		       sizeof(copy), 0) ?:
	       bpf_map_update_elem(their_map(self, "orders"), &zero, order, 0);
}

static __u32 random_state = 1;

static __u32 rnd(__u32 below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % below;
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
	__u32 len = rnd(8) ? rnd(40) : odd[rnd(ARRAY_SIZE(odd))] + rnd(2);

	return len | (rnd(6) ? 0 : BPF_RINGBUF_DISCARD_BIT) | (rnd(8) ? 0 : BPF_RINGBUF_BUSY_BIT);
}

/* The same to both, no more than they hold; the position may be a bad one. */
static void write_samples(FIXTURE_DATA(samples) * self)
{
	unsigned long at = position(self->our_ring.consumer), end = at, most = at + RING;
	__u32 n = rnd(12);

	for (unsigned long pos = at; pos < at + RING; pos += 4) {
		__u32 word = rnd(1 << 24);

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
		end = rnd(2) ? most : at;
	if (!rnd(8))
		end = rnd(2) ? end + rnd(8) : end - 8 * rnd(20);
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
		order.stop = rnd(3) ? 0 : rnd(6);
		order.flags = rnd(8) ? rnd(4) : rnd(64);
		write_samples(self);
		ASSERT_EQ(0, give_order(self, &order));
		ASSERT_EQ(0, run_ours(self, "plain", &ours));
		ASSERT_EQ(0, run_theirs(self, "plain", &theirs));
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

	ASSERT_EQ(0, give_order(self, &order));
	write_one(&self->our_ring);
	write_one(&self->their_ring);
	ASSERT_EQ(0, run_ours(self, "nested", &ours));
	ASSERT_EQ(0, run_theirs(self, "nested", &theirs));
	EXPECT_TRUE(same(&ours, &theirs));
	EXPECT_EQ(-EBUSY, ours.inner);
	EXPECT_EQ(1, ours.ret);
	/* And is free again. */
	write_one(&self->our_ring);
	ASSERT_EQ(0, run_ours(self, "plain", &ours));
	EXPECT_EQ(1, ours.ret);
	EXPECT_EQ(1, ours.sum);
}

/* Linux would go on: here a run takes no more than the ring holds. */
TEST_F(samples, a_writer_that_is_far_ahead)
{
	struct result ours;
	struct order order = {};

	ASSERT_EQ(0, give_order(self, &order));
	memset(self->our_ring.data, 0, RING);
	produce(&self->our_ring, 1ul << 40);
	ASSERT_EQ(0, run_ours(self, "plain", &ours));
	EXPECT_EQ(RING / 8, ours.ret);
	EXPECT_EQ(RING, position(self->our_ring.consumer));
	produce(&self->our_ring, -8ul);
	ASSERT_EQ(0, run_ours(self, "plain", &ours));
	EXPECT_EQ(RING / 8, ours.ret);
	produce(&self->our_ring, 8);
	ASSERT_EQ(0, run_ours(self, "plain", &ours));
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
	ASSERT_EQ(0, give_order(self, &order));
	ASSERT_EQ(0, pthread_create(&writer, NULL, scribble, &self->our_ring));
	for (int i = 0; i < 10 * ROUNDS; i++) {
		ASSERT_EQ(0, run_ours(self, "plain", &ours));
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
	int ours = our_map(self, "samples"), theirs = their_map(self, "samples");
	long page = sysconf(_SC_PAGESIZE), most = 2 * page + 2 * RING;

	for (long at = 0; at <= most; at += page) {
		for (long len = page; len <= most + page; len += page) {
			EXPECT_TRUE(mapped_alike(ours, theirs, len, at)) {
				TH_LOG("%ld at %ld", len, at);
			}
		}
	}
	EXPECT_EQ(-EPERM, try_mmap(our_map(self, "samples"), PROT_WRITE, page, 0));
	EXPECT_EQ(1, try_mmap(our_map(self, "samples"), PROT_READ, page, 0));
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
		EXPECT_EQ(events_of(their_map(self, "samples")),
			  events_of(our_map(self, "samples"))) {
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
	int fd = our_map(self, "samples");
	struct order order = {};
	struct result ours;
	pthread_t writer;
	void *ready;

	ASSERT_EQ(0, give_order(self, &order));
	put_word(&self->our_ring, 0, RING - 8);
	produce(&self->our_ring, RING);
	ASSERT_EQ(0, events_of(fd));
	ASSERT_EQ(0, pthread_create(&writer, NULL, wait_for_room, &fd));
	usleep(100000);
	ASSERT_EQ(0, run_ours(self, "plain", &ours));
	EXPECT_EQ(1, ours.ret);
	ASSERT_EQ(0, pthread_join(writer, &ready));
	EXPECT_EQ(1, (long)ready);
}

TEST_HARNESS_MAIN
