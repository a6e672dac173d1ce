// SPDX-License-Identifier: GPL-2.0-only
/* Ring buffer: its memory, its records, and what a hostile reader can't do */

#include <linux/kernel.h>
#include <poll.h>
#include <sys/epoll.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"

#define SIZE 8192

#define OUTPUT								\
	"r6 = r1\n"							\
	"r1 = *(u64 *)(r6 + 112)\n"					\
	"*(u64 *)(r10 - 8) = r1\n"					\
	"r1 = map[fd:%d] ll\n"						\
	"r2 = r10\n"							\
	"r2 += -8\n"							\
	"r3 = 8\n"							\
	"r4 = *(u64 *)(r6 + 104)\n"					\
	"call bpf_ringbuf_output\n"					\
	"exit\n"

#define RESERVE								\
	"r6 = r1\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"r2 = %u\n"							\
	"r3 = 0\n"							\
	"call bpf_ringbuf_reserve\n"					\
	"if r0 == 0 goto none\n"					\
	"r1 = *(u64 *)(r6 + 112)\n"					\
	"*(u64 *)(r0 + 0) = r1\n"					\
	"r1 = r0\n"							\
	"r2 = 0\n"							\
	"call bpf_ringbuf_%s\n"						\
	"r0 = 1\n"							\
	"exit\n"							\
	"none:\n"							\
	"r0 = 0\n"							\
	"exit\n"

FIXTURE(ring) {
	int dev;
	int map;
	int prog;
	long page;
	unsigned long *consumer;
	unsigned long *producer;
	char *data;
};

static void *map_at(int fd, int prot, long size, long at)
{
	void *mem = mmap(NULL, size, prot, MAP_SHARED, fd, at);

	return mem == MAP_FAILED ? (void *)(long)-errno : mem;
}

#define failed(mem) ((unsigned long)(mem) > -4096UL)

FIXTURE_SETUP(ring)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_RINGBUF, 0, 0, SIZE, 0);
	ASSERT_LE(0, self->map);
	self->prog = km_kprobe(self->dev, OUTPUT, self->map);
	ASSERT_LE(0, self->prog);
	self->consumer = map_at(self->map, PROT_READ | PROT_WRITE, self->page, 0);
	ASSERT_FALSE(failed(self->consumer));
	self->producer = map_at(self->map, PROT_READ, self->page + 2 * SIZE, self->page);
	ASSERT_FALSE(failed(self->producer));
	self->data = (char *)self->producer + self->page;
}

FIXTURE_TEARDOWN(ring)
{
}

/* With di as the record and si as the flags. */
static long run(int prog, __u64 di, __u64 si)
{
	__u64 regs[21] = { [14] = di, [13] = si }, ret = 0;
	int err = km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret);

	return err ?: (long)ret;
}

static unsigned long load(const unsigned long *pos)
{
	return __atomic_load_n(pos, __ATOMIC_ACQUIRE);
}

static void consume(unsigned long *pos, unsigned long to)
{
	__atomic_store_n(pos, to, __ATOMIC_RELEASE);
}

TEST_F(ring, only_the_consumers_page_is_writable)
{
	const int rw = PROT_READ | PROT_WRITE;
	long page = self->page;

	EXPECT_EQ(-EPERM, (long)map_at(self->map, rw, 2 * page, 0));
	EXPECT_EQ(-EPERM, (long)map_at(self->map, rw, page, page));
	EXPECT_EQ(-EPERM, (long)map_at(self->map, rw, page, 2 * page));
	EXPECT_EQ(-EPERM, (long)map_at(self->map, PROT_WRITE, 2 * SIZE, 2 * page));
	EXPECT_EQ(-1, mprotect(self->producer, page, rw));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(self->data, SIZE, rw));
	EXPECT_EQ(-1, mprotect(self->consumer, page, PROT_READ | PROT_EXEC));
	EXPECT_EQ(-EINVAL, (long)map_at(self->map, PROT_READ, page, 2 * page + 2 * SIZE));
	EXPECT_EQ(-EINVAL, (long)map_at(self->map, PROT_READ, 2 * page + 2 * SIZE + page, 0));
}

/* Positions beyond the module's own page do not come back around to it. */
TEST_F(ring, nothing_before_the_consumers_page_is_mapped)
{
	for (int shift = 1; shift < 52; shift++) {
		void *mem = map_at(self->map, PROT_READ, self->page, -1UL << (12 + shift - 1));

		EXPECT_TRUE(failed(mem));
	}
}

TEST_F(ring, a_record_arrives_whole)
{
	ASSERT_EQ(0, run(self->prog, 0x1122334455667788, 0));
	EXPECT_EQ(16, load(self->producer));
	EXPECT_EQ(8, *(__u32 *)self->data);
	EXPECT_EQ(0x1122334455667788, *(__u64 *)(self->data + 8));
	EXPECT_EQ(16, km_info(self->map).map.used);
	consume(self->consumer, 16);
	EXPECT_EQ(0, km_info(self->map).map.used);
}

TEST_F(ring, unknown_flags_are_invalid)
{
	EXPECT_EQ(-EINVAL, run(self->prog, 1, 4));
	EXPECT_EQ(-EINVAL, run(self->prog, 1, 1ULL << 40));
	EXPECT_EQ(0, load(self->producer));
}

/* The data lie there twice in a row: a record that wraps is read in one piece. */
TEST_F(ring, records_never_wrap)
{
	for (__u64 i = 0; i < 10 * SIZE / 16; i++) {
		unsigned long at = load(self->producer);

		ASSERT_EQ(0, run(self->prog, i, 0));
		ASSERT_EQ(i, *(__u64 *)(self->data + at % SIZE + 8));
		consume(self->consumer, load(self->producer));
	}
	EXPECT_EQ(10 * SIZE, load(self->producer));
	EXPECT_EQ(0, memcmp(self->data, self->data + SIZE, SIZE));
}

TEST_F(ring, full_is_told_and_counted)
{
	__u64 fit = 0;

	while (!run(self->prog, fit, 0))
		fit++;
	/* One byte always stays free, so one record of 16 bytes does. */
	EXPECT_EQ(SIZE / 16 - 1, fit);
	EXPECT_EQ(-EAGAIN, run(self->prog, 0, 0));
	EXPECT_EQ(2, km_info(self->map).map.lost);
	consume(self->consumer, 16);
	EXPECT_EQ(0, run(self->prog, 0, 0));
	EXPECT_EQ(-EAGAIN, run(self->prog, 0, 0));
	EXPECT_EQ(3, km_info(self->map).map.lost);
	/* What was in there is there still. */
	for (__u64 i = 1; i < fit; i++)
		ASSERT_EQ(i, *(__u64 *)(self->data + 16 * i + 8));
}

TEST_F(ring, discarded_records_are_marked)
{
	int discard = km_kprobe(self->dev, RESERVE, self->map, 16, "discard");
	int submit = km_kprobe(self->dev, RESERVE, self->map, 24, "submit");

	ASSERT_LE(0, submit);
	ASSERT_EQ(1, run(discard, 7, 0));
	ASSERT_EQ(1, run(submit, 8, 0));
	EXPECT_EQ(BPF_RINGBUF_DISCARD_BIT | 16, *(__u32 *)self->data);
	EXPECT_EQ(24, *(__u32 *)(self->data + 24));
	EXPECT_EQ(8, *(__u64 *)(self->data + 32));
	EXPECT_EQ(24 + 32, load(self->producer));
}

TEST_F(ring, reservations_larger_than_the_ring_fail)
{
	static const __u32 sizes[] = {
		SIZE - 7, SIZE, SIZE + 1, 2 * SIZE, (1 << 30) - 8, 1 << 30, INT32_MAX,
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kapsel_prog_load arg = {};
		char text[1024];
		int prog;

		snprintf(text, sizeof(text), RESERVE, self->map, sizes[i], "submit");
		prog = km_load_arg(self->dev, &arg, KAPSEL_PROG_KPROBE, text);
		/* The verifier may know, the ring does. */
		if (prog >= 0)
			EXPECT_EQ(0, run(prog, 1, 0));
		close(prog);
	}
	EXPECT_EQ(0, load(self->producer));
	/* The largest that fits, with its head and the byte that stays free. */
	EXPECT_EQ(1, run(km_kprobe(self->dev, RESERVE, self->map, SIZE - 16, "submit"), 1, 0));
}

TEST_F(ring, query)
{
	static const char text[] =
		"r2 = *(u64 *)(r1 + 112)\n"
		"r1 = map[fd:%d] ll\n"
		"call bpf_ringbuf_query\n"
		"exit\n";
	int query = km_kprobe(self->dev, text, self->map);

	ASSERT_LE(0, query);
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, run(self->prog, i, 0));
	consume(self->consumer, 16);
	EXPECT_EQ(32, run(query, BPF_RB_AVAIL_DATA, 0));
	EXPECT_EQ(SIZE, run(query, BPF_RB_RING_SIZE, 0));
	EXPECT_EQ(16, run(query, BPF_RB_CONS_POS, 0));
	EXPECT_EQ(48, run(query, BPF_RB_PROD_POS, 0));
	EXPECT_EQ(0, run(query, 99, 0));
}

static int epoll_of(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	return epoll;
}

TEST_F(ring, readable_when_there_are_records)
{
	struct pollfd fd = { .fd = self->map, .events = POLLIN };

	EXPECT_EQ(0, poll(&fd, 1, 0));
	ASSERT_EQ(0, run(self->prog, 1, BPF_RB_NO_WAKEUP));
	EXPECT_EQ(1, poll(&fd, 1, 0));
	EXPECT_EQ(POLLIN, fd.revents);
	consume(self->consumer, 16);
	EXPECT_EQ(0, poll(&fd, 1, 0));
}

/* The child sleeps until a record arrives; what wakes it is the record. */
TEST_F(ring, a_sleeping_reader_is_woken)
{
	for (int i = 0; i < 20; i++) {
		unsigned long at = load(self->producer);
		pid_t child = fork();
		int status;

		if (!child) {
			struct epoll_event event;

			_exit(epoll_wait(epoll_of(self->map), &event, 1, 20000) != 1);
		}
		/* The race between sleeping and writing is part of the test. */
		usleep(i * 500);
		ASSERT_EQ(0, run(self->prog, i, 0));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_EQ(0, status);
		consume(self->consumer, at + 16);
	}
}

TEST_F(ring, a_forced_wakeup_reaches_a_reader_that_lags)
{
	int epoll = epoll_of(self->map), status;
	struct epoll_event event;
	pid_t child;

	ASSERT_EQ(0, run(self->prog, 1, 0));
	ASSERT_EQ(1, epoll_wait(epoll, &event, 1, -1));
	event.events = EPOLLIN | EPOLLET;
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_MOD, self->map, &event));
	ASSERT_EQ(1, epoll_wait(epoll, &event, 1, -1));
	child = fork();
	if (!child)
		_exit(epoll_wait(epoll, &event, 1, 20000) != 1);
	usleep(1000);
	/* It stands before the first record still. */
	ASSERT_EQ(0, run(self->prog, 2, BPF_RB_FORCE_WAKEUP));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

/* Whatever the reader claims, writers stay in the ring and the kernel lives. */
TEST_F(ring, forged_positions_hurt_nobody_else)
{
	static const unsigned long forged[] = {
		1, 7, 15, SIZE - 1, SIZE, SIZE + 1, 1UL << 31, 1UL << 32, 1UL << 63,
		-1UL, -8UL, -16UL, -(unsigned long)SIZE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(forged); i++) {
		consume(self->consumer, forged[i]);
		for (int j = 0; j < 3 * SIZE / 16; j++) {
			unsigned long before = load(self->producer);
			long ret = run(self->prog, j, 0);

			ASSERT_TRUE(ret == 0 || ret == -EAGAIN);
			ASSERT_EQ(before + (ret ? 0 : 16), load(self->producer));
		}
		ASSERT_GE(SIZE, km_info(self->map).map.used);
	}
	/* An honest position makes all well again. */
	consume(self->consumer, load(self->producer));
	EXPECT_EQ(0, run(self->prog, 0, 0));
}

#define HOLD(n)								\
	"r1 = map[fd:%d] ll\n"						\
	"r2 = 2000\n"							\
	"r3 = 0\n"							\
	"call bpf_ringbuf_reserve\n"					\
	"*(u64 *)(r10 - " #n ") = r0\n"

#define GIVE_BACK(n)							\
	"r1 = *(u64 *)(r10 - " #n ")\n"					\
	"if r1 == 0 goto none" #n "\n"					\
	"r6 += 1\n"							\
	"r2 = 0\n"							\
	"call bpf_ringbuf_discard\n"					\
	"none" #n ":\n"

/* Four fit, whatever the reader says that it has read of those that are being written. */
TEST_F(ring, what_is_being_written_is_not_written_over)
{
	int map = self->map;
	int prog = km_kprobe(self->dev,
			     HOLD(8) HOLD(16) HOLD(24) HOLD(32) HOLD(40)
			     "r6 = 0\n"
			     GIVE_BACK(8) GIVE_BACK(16) GIVE_BACK(24) GIVE_BACK(32) GIVE_BACK(40)
			     "r0 = r6\nexit\n", map, map, map, map, map);

	ASSERT_LE(0, prog);
	consume(self->consumer, 2000);
	EXPECT_EQ(4, run(prog, 0, 0));
	EXPECT_EQ(1, km_info(self->map).map.lost);
}

/* A position that is any power of two ahead or behind, give or take a little. */
TEST_F_TIMEOUT(ring, positions_around_every_power_of_two, 120)
{
	static const int little[] = { -16, -8, -1, 0, 1, 8, 16 };
	unsigned long written = 0, lost = 0;

	for (size_t i = 0; i < 2 * 64 * ARRAY_SIZE(little); i++) {
		unsigned long far = 1UL << (i / 2 % 64);

		consume(self->consumer, load(self->producer) + (i & 1 ? far : -far) +
			little[i / 128]);
		for (int j = 0; j < 4; j++)
			if (run(self->prog, i, j & 2))
				lost++;
			else
				written++;
	}
	/* Either it is there, whole, or it is counted. */
	EXPECT_EQ(16 * written, load(self->producer));
	EXPECT_EQ(lost, km_info(self->map).map.lost);
	EXPECT_LT(0, lost);
	EXPECT_LT(0, written);
	consume(self->consumer, load(self->producer));
	EXPECT_EQ(0, run(self->prog, 0, 0));
}

TEST_F(ring, random_positions_under_writers)
{
	pid_t child = fork();
	int status;

	if (!child) {
		unsigned long x = 88172645463325252;

		for (int i = 0; i < 200000; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			consume(self->consumer, i & 1 ? x : load(self->producer) - (x & 0xffff));
		}
		_exit(0);
	}
	for (int i = 0; i < 20000; i++) {
		long ret = run(self->prog, i, i & 3);

		ASSERT_TRUE(ret == 0 || ret == -EAGAIN || ret == -EINVAL);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	consume(self->consumer, load(self->producer));
	EXPECT_EQ(0, run(self->prog, 0, 0));
}

TEST_F(ring, memory_outlives_map_and_program)
{
	ASSERT_EQ(0, run(self->prog, 5, 0));
	close(self->prog);
	close(self->map);
	EXPECT_EQ(5, *(__u64 *)(self->data + 8));
	EXPECT_EQ(1, km_objects_settle(self->dev, 1));
	munmap(self->consumer, self->page);
	munmap(self->producer, self->page + 2 * SIZE);
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

TEST_HARNESS_MAIN
