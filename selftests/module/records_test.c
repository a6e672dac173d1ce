// SPDX-License-Identifier: GPL-2.0-only
/* Perf event arrays: who may write where, what the reader gets, what is counted */

#include <linux/kernel.h>
#include <sched.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_bpf.h"

/* Puts di out, with the flags in si. */
#define OUTPUT								\
	"r6 = r1\n"							\
	"r1 = *(u64 *)(r6 + 112)\n"					\
	"*(u64 *)(r10 - 8) = r1\n"					\
	"r3 = *(u64 *)(r6 + 104)\n"					\
	"r1 = r6\n"							\
	"r2 = map[fd:%d] ll\n"						\
	"r4 = r10\n"							\
	"r4 += -8\n"							\
	"r5 = 8\n"							\
	"call bpf_perf_event_output\n"					\
	"exit\n"

FIXTURE(perf) {
	int dev;
	int map;
	int prog;
	long page;
	unsigned long size;
	unsigned long *consumer;
	unsigned long *producer;
	char *data;
};

static long run(int prog, __u64 number, __u64 flags)
{
	__u64 regs[21] = { [14] = number, [13] = flags };
	struct kapsel_test_run arg = { .ctx_in = km_ptr(regs), .ctx_size = sizeof(regs) };
	int err = km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg);

	return err ? -1000 : (long)arg.retval;
}

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

FIXTURE_SETUP(perf)
{
	struct kapsel_abi abi;

	self->page = sysconf(_SC_PAGESIZE);
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	for (self->size = KAPSEL_PERF_RING; self->size < abi.cpus * KAPSEL_PERF_RING;)
		self->size *= 2;
	self->map = km_map(self->dev, BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, abi.cpus, 0);
	ASSERT_LE(0, self->map);
	self->prog = km_kprobe(self->dev, OUTPUT, self->map);
	ASSERT_LE(0, self->prog);
	pin_to(0);
}

FIXTURE_TEARDOWN(perf)
{
	if (self->consumer)
		munmap(self->consumer, self->page);
	if (self->producer)
		munmap(self->producer, self->page + 2 * self->size);
	close(self->prog);
	close(self->map);
}

static void read_from(FIXTURE_DATA(perf) * self)
{
	self->consumer = mmap(NULL, self->page, PROT_READ | PROT_WRITE, MAP_SHARED,
			      self->map, 0);
	self->producer = mmap(NULL, self->page + 2 * self->size, PROT_READ, MAP_SHARED,
			      self->map, self->page);
	self->data = (char *)self->producer + self->page;
}

TEST_F(perf, nobody_reads)
{
	EXPECT_EQ(-ENOENT, run(self->prog, 1, BPF_F_CURRENT_CPU));
	EXPECT_EQ(1, km_info(self->map).map.lost);
	read_from(self);
	ASSERT_NE(MAP_FAILED, self->consumer);
	EXPECT_EQ(0, run(self->prog, 1, BPF_F_CURRENT_CPU));
	munmap(self->consumer, self->page);
	self->consumer = NULL;
	EXPECT_EQ(-ENOENT, run(self->prog, 1, BPF_F_CURRENT_CPU));
}

TEST_F(perf, a_record_arrives_whole)
{
	read_from(self);
	ASSERT_NE(MAP_FAILED, self->producer);
	ASSERT_EQ(0, run(self->prog, 0x1122334455667788, BPF_F_CURRENT_CPU));
	ASSERT_EQ(0, run(self->prog, 2, 0));
	EXPECT_EQ(32, *self->producer);
	EXPECT_EQ(8, *(__u32 *)self->data);
	EXPECT_EQ(0x1122334455667788, *(__u64 *)(self->data + 8));
	EXPECT_EQ(2, *(__u64 *)(self->data + 24));
	EXPECT_EQ(0, km_info(self->map).map.lost);
}

TEST_F(perf, cpus_and_flags)
{
	read_from(self);
	EXPECT_EQ(-EINVAL, run(self->prog, 1, 1ULL << 32));
	EXPECT_EQ(-EINVAL, run(self->prog, 1, BPF_F_CTXLEN_MASK));
	EXPECT_EQ(-EINVAL, run(self->prog, 1, 1ULL << 63));
	EXPECT_EQ(-E2BIG, run(self->prog, 1, 100000));
	if (km_info(self->map).map.max_entries > 1)
		EXPECT_EQ(-EOPNOTSUPP, run(self->prog, 1, 1));
	EXPECT_EQ(0, *self->producer);
}

TEST_F(perf, full_is_told_and_counted)
{
	__u64 fit = 0;

	read_from(self);
	while (!run(self->prog, fit, BPF_F_CURRENT_CPU))
		fit++;
	EXPECT_EQ(self->size / 16 - 1, fit);
	EXPECT_EQ(-ENOSPC, run(self->prog, 0, BPF_F_CURRENT_CPU));
	EXPECT_EQ(2, km_info(self->map).map.lost);
	*self->consumer = 16;
	EXPECT_EQ(0, run(self->prog, 0, BPF_F_CURRENT_CPU));
}

/* A packet's first bytes stand behind the data, if it has as many. */
TEST_F(perf, packets)
{
	static const char text[] =
		"r6 = r1\n"
		"*(u64 *)(r10 - 8) = 7\n"
		"r3 = *(u32 *)(r6 + 8)\n"
		"r3 <<= 32\n"
		"r4 = 0xffffffff ll\n"
		"r3 |= r4\n"
		"r1 = r6\n"
		"r2 = map[fd:%d] ll\n"
		"r4 = r10\n"
		"r4 += -8\n"
		"r5 = 8\n"
		"call bpf_perf_event_output\n"
		"r0 s>>= 63\n"
		"r0 += 1\n"
		"exit\n";
	unsigned char packet[40] = { 0x45, 0, 0, 40, [8] = 64, [9] = 6 };
	struct __sk_buff skb = { .mark = 40 };
	struct kapsel_test_run arg = {
		.ctx_in = km_ptr(&skb), .ctx_size = sizeof(skb),
		.data_in = km_ptr(packet), .data_size_in = sizeof(packet),
	};
	int prog = km_netfilter(self->dev, text, self->map);

	ASSERT_LE(0, prog);
	for (int i = 10; i < 40; i++)
		packet[i] = i;
	read_from(self);
	ASSERT_EQ(0, km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg));
	EXPECT_EQ(1, arg.retval);
	EXPECT_EQ(48, *(__u32 *)self->data);
	EXPECT_EQ(7, *(__u64 *)(self->data + 8));
	EXPECT_EQ(0, memcmp(self->data + 16, packet, 40));
	/* One byte more than there is. */
	skb.mark = 41;
	ASSERT_EQ(0, km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg));
	EXPECT_EQ(0, arg.retval);
	EXPECT_EQ(56, *self->producer);
	close(prog);
}

TEST_F(perf, no_elements)
{
	__u32 key = 0, value = self->dev;

	EXPECT_EQ(-EOPNOTSUPP, km_elem(self->map, KAPSEL_MAP_LOOKUP, &key, 4, &value, 4, 0));
	EXPECT_EQ(-EOPNOTSUPP, km_elem(self->map, KAPSEL_MAP_UPDATE, &key, 4, &value, 4, 0));
	EXPECT_EQ(-EOPNOTSUPP, km_elem(self->map, KAPSEL_MAP_DELETE, &key, 4, NULL, 0, 0));
}

TEST_HARNESS_MAIN
