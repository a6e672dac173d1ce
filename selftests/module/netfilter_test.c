// SPDX-License-Identifier: GPL-2.0-only
/* Links to netfilter hooks, with real traffic between two namespaces */

#include <limits.h>
#include <linux/kernel.h>
#include <pthread.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_net.h"

#define PORT	7777
#define PACKETS	200

/*
 * The destination port of a UDP packet, in r6; 0 if it is none. IPv4 and IPv6
 * without options and extension headers.
 */
#define READ_PORT							\
	"r7 = r1\n"							\
	"r6 = 0\n"							\
	"r2 = *(u32 *)(r7 + 76)\n"					\
	"r3 = *(u32 *)(r7 + 80)\n"					\
	"r4 = r2\n"							\
	"r4 += 20\n"							\
	"if r4 > r3 goto port_done\n"					\
	"r5 = *(u8 *)(r2 + 0)\n"					\
	"r5 >>= 4\n"							\
	"if r5 == 6 goto six\n"						\
	"r5 = *(u8 *)(r2 + 9)\n"					\
	"if r5 != 17 goto port_done\n"					\
	"r2 += 20\n"							\
	"goto port_at\n"						\
	"six:\n"							\
	"r5 = *(u8 *)(r2 + 6)\n"					\
	"if r5 != 17 goto port_done\n"					\
	"r2 += 40\n"							\
	"port_at:\n"							\
	"r4 = r2\n"							\
	"r4 += 8\n"							\
	"if r4 > r3 goto port_done\n"					\
	"r6 = *(u16 *)(r2 + 2)\n"					\
	"r6 = be16 r6\n"						\
	"port_done:\n"

/* Adds 1 to element %1 of map %2; r6 and r7 stay. */
#define ADD_ONE								\
	"*(u32 *)(r10 - 4) = %d\n"					\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto added\n"					\
	"r1 = 1\n"							\
	"lock *(u64 *)(r0 + 0) += r1\n"					\
	"added:\n"

/* Counts UDP packets to PORT in element %2 of map %3, accepts everything. */
#define COUNT								\
	READ_PORT							\
	"if r6 != %d goto out\n"					\
	ADD_ONE								\
	"out:\n"							\
	KM_ACCEPT

/* Drops UDP packets to the port that the map's element 0 names. */
#define DROP								\
	READ_PORT							\
	"*(u32 *)(r10 - 4) = 0\n"					\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto pass\n"					\
	"r1 = *(u64 *)(r0 + 0)\n"					\
	"if r1 != r6 goto pass\n"					\
	"if r6 == 0 goto pass\n"					\
	"r0 = 0\n"							\
	"exit\n"							\
	"pass:\n"							\
	KM_ACCEPT

FIXTURE(nf) {
	int dev;
	int map;
	int near4, far4, near6, far6;
};

FIXTURE_SETUP(nf)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 8, 0);
	ASSERT_LE(0, self->map);
	ASSERT_EQ(0, km_net_setup());
	self->near4 = km_socket(KM_NEAR_NS, SOCK_DGRAM, KM_NEAR4, PORT);
	self->far4 = km_socket(KM_FAR_NS, SOCK_DGRAM, KM_FAR4, PORT);
	self->near6 = km_socket(KM_NEAR_NS, SOCK_DGRAM, KM_NEAR6, PORT);
	self->far6 = km_socket(KM_FAR_NS, SOCK_DGRAM, KM_FAR6, PORT);
	ASSERT_LE(0, self->near4);
	ASSERT_LE(0, self->far4);
	ASSERT_LE(0, self->near6);
	ASSERT_LE(0, self->far6);
}

FIXTURE_TEARDOWN(nf)
{
	km_net_teardown();
}

/* One packet each way and each family, seen to arrive. */
#define TALK(self) do {							\
	ASSERT_EQ(0, km_send((self)->near4, KM_FAR4, PORT, 1));		\
	ASSERT_EQ(1, km_receive((self)->far4));				\
	ASSERT_EQ(0, km_send((self)->far4, KM_NEAR4, PORT, 2));		\
	ASSERT_EQ(2, km_receive((self)->near4));			\
	ASSERT_EQ(0, km_send((self)->near6, KM_FAR6, PORT, 3));		\
	ASSERT_EQ(3, km_receive((self)->far6));				\
	ASSERT_EQ(0, km_send((self)->far6, KM_NEAR6, PORT, 4));		\
	ASSERT_EQ(4, km_receive((self)->near6));			\
} while (0)

/* In the near namespace packets come in by the first two hooks, leave by the last. */
TEST_F(nf, hooks_see_the_packets_that_pass_them)
{
	static const __u32 families[] = { NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET };

	for (size_t f = 0; f < ARRAY_SIZE(families); f++)
		for (__u32 hook = 0; hook <= NF_INET_POST_ROUTING; hook++) {
			__u64 wanted = families[f] == NFPROTO_INET ? 2 : 1;
			int prog, link;

			ASSERT_EQ(0, km_set(self->map, 0, 0, BPF_ANY));
			prog = km_netfilter(self->dev, COUNT, PORT, 0, self->map);
			link = km_hook(self->dev, prog, families[f], hook, 0);
			ASSERT_LE(0, link);
			TALK(self);
			EXPECT_EQ(hook == NF_INET_FORWARD ? 0 : wanted, km_value(self->map, 0)) {
				TH_LOG("family %u hook %u", families[f], hook);
			}
			EXPECT_LE(hook == NF_INET_FORWARD ? 0 : wanted,
				  km_info(link).link.accepted);
			close(link);
			close(prog);
			TALK(self);
		}
}

TEST_F(nf, information)
{
	struct kapsel_link_create arg = {
		.hook = KAPSEL_HOOK_NETFILTER, .cookie = 99, .name = "informed",
		.netfilter = { NFPROTO_INET, NF_INET_LOCAL_IN, -5 },
		.prog_fd = km_netfilter(self->dev, KM_ACCEPT),
	};
	int link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);
	struct kapsel_obj_info info = km_info(link);
	char path[64];

	ASSERT_LE(0, link);
	EXPECT_STREQ("informed", info.name);
	EXPECT_EQ(KAPSEL_HOOK_NETFILTER, info.link.hook);
	EXPECT_EQ(KAPSEL_LINK_ATTACHED, info.link.state);
	EXPECT_EQ(NFPROTO_INET, info.link.family);
	EXPECT_EQ(NF_INET_LOCAL_IN, info.link.hooknum);
	EXPECT_EQ(-5, info.link.priority);
	EXPECT_EQ(99, info.link.cookie);
	ASSERT_LT(0, readlink("/proc/self/ns/net", path, sizeof(path)));
	EXPECT_EQ(strtoull(path + strlen("net:["), NULL, 10), info.link.netns_ino);
}

TEST_F(nf, dropped_packets_do_not_arrive_and_the_map_decides)
{
	int prog = km_netfilter(self->dev, DROP, self->map);
	int other = km_socket(KM_FAR_NS, SOCK_DGRAM, KM_FAR4, PORT + 1);
	int link = km_hook(self->dev, prog, NFPROTO_IPV4, NF_INET_POST_ROUTING, 0);

	ASSERT_LE(0, link);
	TALK(self);
	/* The wire keeps the order: what came second shows that the first is lost. */
	ASSERT_EQ(0, km_set(self->map, 0, PORT, BPF_ANY));
	for (int i = 0; i < PACKETS; i++)
		km_send(self->near4, KM_FAR4, PORT, 100 + i);
	ASSERT_EQ(0, km_send(self->near4, KM_FAR4, PORT + 1, 7));
	EXPECT_EQ(7, km_receive(other));
	EXPECT_EQ(PACKETS, km_info(link).link.dropped);
	ASSERT_EQ(0, km_set(self->map, 0, PORT + 1, BPF_ANY));
	ASSERT_EQ(0, km_send(self->near4, KM_FAR4, PORT, 8));
	EXPECT_EQ(8, km_receive(self->far4));
	km_send(self->near4, KM_FAR4, PORT + 1, 9);
	EXPECT_EQ(PACKETS + 1, km_info(link).link.dropped);
	ASSERT_EQ(0, km_detach(link));
	ASSERT_EQ(0, km_send(self->near4, KM_FAR4, PORT + 1, 10));
	EXPECT_EQ(10, km_receive(other));
	EXPECT_EQ(PACKETS + 1, km_info(link).link.dropped);
}

TEST_F(nf, runs_are_verdicts)
{
	int prog = km_netfilter(self->dev, DROP, self->map);
	int link = km_hook(self->dev, prog, NFPROTO_INET, NF_INET_LOCAL_IN, 0);
	struct kapsel_link_info info;

	ASSERT_LE(0, link);
	for (int i = 0; i < 10; i++)
		TALK(self);
	info = km_info(link).link;
	EXPECT_LE(20, info.accepted);
	EXPECT_EQ(info.runs, info.accepted + info.dropped);
	EXPECT_EQ(0, info.aborted);
	EXPECT_EQ(0, info.recursed);
}

/*
 * What a program does beside, with its context in r7, decides how it is called; the
 * packets that it sees are the same.
 */
static const struct way {
	const char *also;
	__u32 engine;
	__u32 linear;
} ways[] = {
	{ "" },
	{ "r8 = *(u32 *)(r7 + 16)\nr8 = *(u32 *)(r7 + 0)\n" },
	{ "r8 = *(u32 *)(r7 + 192)\n" },
	{ "r8 = *(u32 *)(r7 + 88)\n" },
	{ "r8 = *(u32 *)(r7 + 32)\n*(u32 *)(r7 + 32) = r8\n" },
	{ "call bpf_ktime_get_ns\n" },
	{ "", KAPSEL_ENGINE_INTERP },
	{ "", 0, 48 },
};

static int hook_in_a_way(int dev, const struct way *way, int map)
{
	struct kapsel_prog_load load = { .engine = way->engine };
	struct kapsel_link_create arg = {
		.hook = KAPSEL_HOOK_NETFILTER,
		.netfilter = {
			.family = NFPROTO_INET, .hooknum = NF_INET_LOCAL_IN, .linear = way->linear,
		},
	};
	char text[2048];

	snprintf(text, sizeof(text),
		 READ_PORT "%sif r6 != %d goto out\n" ADD_ONE "out:\n" KM_ACCEPT, way->also, PORT,
		 0, map);
	arg.prog_fd = km_load_arg(dev, &load, KAPSEL_PROG_NETFILTER, text);
	return km_ioctl(dev, KAPSEL_LINK_CREATE, &arg);
}

TEST_F(nf, ways_to_be_run)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		int link = hook_in_a_way(self->dev, &ways[i], self->map);
		struct kapsel_link_info info;

		ASSERT_LE(0, link);
		ASSERT_EQ(0, km_set(self->map, 0, 0, BPF_ANY));
		for (int n = 0; n < 10; n++)
			TALK(self);
		info = km_info(link).link;
		EXPECT_EQ(20, km_value(self->map, 0)) {
			TH_LOG("%s", ways[i].also);
		}
		EXPECT_LE(20, info.accepted);
		EXPECT_EQ(0, info.dropped + info.unready + info.aborted + info.recursed);
		close(link);
	}
}

/* Counts every packet in the only element of a map, lets it pass, and does nothing else. */
#define OBSERVE								\
	"r1 = map[fd:%d]+0 ll\n"					\
	"r2 = 1\n"							\
	"lock *(u64 *)(r1 + 0) += r2\n"					\
	KM_ACCEPT

static int counter(int dev)
{
	return km_map(dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
}

TEST_F(nf, observers_are_counted)
{
	int seen = counter(self->dev), prog = km_netfilter(self->dev, OBSERVE, seen);
	int link = km_hook(self->dev, prog, NFPROTO_INET, NF_INET_LOCAL_IN, 0);
	struct kapsel_link_info info;

	ASSERT_LE(0, link);
	for (int i = 0; i < 10; i++)
		TALK(self);
	info = km_info(link).link;
	EXPECT_LE(20, info.accepted);
	EXPECT_EQ(km_value(seen, 0), info.accepted);
	EXPECT_EQ(info.runs, info.accepted);
	EXPECT_EQ(0, info.dropped);
}

/* From one that only counts to one that judges, and back. */
TEST_F(nf, observers_become_judges)
{
	int seen = counter(self->dev), observer = km_netfilter(self->dev, OBSERVE, seen);
	int link = km_hook(self->dev, observer, NFPROTO_IPV4, NF_INET_POST_ROUTING, 0);
	struct kapsel_link_info info;

	ASSERT_LE(0, link);
	ASSERT_EQ(0, km_set(self->map, 0, PORT, BPF_ANY));
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, km_update(link, km_netfilter(self->dev, DROP, self->map), -1));
		for (int n = 0; n < 10; n++)
			km_send(self->near4, KM_FAR4, PORT, 1);
		ASSERT_EQ(0, km_update(link, observer, -1));
		ASSERT_EQ(0, km_send(self->near4, KM_FAR4, PORT, 2 + i));
		ASSERT_EQ(2 + i, km_receive(self->far4));
	}
	info = km_info(link).link;
	EXPECT_EQ(50, info.dropped);
	EXPECT_EQ(5, info.accepted);
	EXPECT_EQ(55, info.runs);
	EXPECT_EQ(5, km_value(seen, 0));
}

static int measure_time(bool on)
{
	return system(on ? "echo 1 >/sys/module/kapsel/parameters/stats_time" :
			   "echo 0 >/sys/module/kapsel/parameters/stats_time");
}

/* Their time is measured the long way. */
TEST_F(nf, observers_time)
{
	int seen = counter(self->dev), prog = km_netfilter(self->dev, OBSERVE, seen);
	int link = km_hook(self->dev, prog, NFPROTO_INET, NF_INET_LOCAL_IN, 0);
	struct kapsel_link_info info;

	ASSERT_LE(0, link);
	TALK(self);
	EXPECT_EQ(0, km_info(link).link.run_ns);
	ASSERT_EQ(0, measure_time(true));
	for (int i = 0; i < 10; i++)
		TALK(self);
	ASSERT_EQ(0, measure_time(false));
	TALK(self);
	info = km_info(link).link;
	EXPECT_LT(0, info.run_ns);
	EXPECT_EQ(km_value(seen, 0), info.accepted);
}

/* Stores the mark that it finds in element %1, leaves mark %3. */
#define MARK								\
	READ_PORT							\
	"if r6 != %d goto out\n"					\
	"r6 = *(u32 *)(r7 + 8)\n"					\
	"*(u32 *)(r10 - 4) = %d\n"					\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto out\n"						\
	"*(u64 *)(r0 + 0) = r6\n"					\
	"*(u32 *)(r7 + 8) = %d\n"					\
	"out:\n"							\
	KM_ACCEPT

TEST_F(nf, priorities_are_an_order)
{
	static const struct { int first, second; __u64 found[2]; } cases[] = {
		{ -10, 10, { 0, 11 } }, { 10, -10, { 12, 0 } },
		{ INT_MIN + 1, INT_MAX - 1, { 0, 11 } },
		/* Of equals the last that came is first. */
		{ 0, 0, { 12, 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int first = km_netfilter(self->dev, MARK, PORT, 0, self->map, 11);
		int second = km_netfilter(self->dev, MARK, PORT, 1, self->map, 12);
		int links[] = {
			km_hook(self->dev, first, NFPROTO_IPV4, NF_INET_LOCAL_IN, cases[i].first),
			km_hook(self->dev, second, NFPROTO_IPV4, NF_INET_LOCAL_IN, cases[i].second),
		};

		ASSERT_LE(0, links[0]);
		ASSERT_LE(0, links[1]);
		ASSERT_EQ(0, km_send(self->far4, KM_NEAR4, PORT, 1));
		ASSERT_EQ(1, km_receive(self->near4));
		EXPECT_EQ(cases[i].found[0], km_value(self->map, 0));
		EXPECT_EQ(cases[i].found[1], km_value(self->map, 1));
		close(links[0]);
		close(links[1]);
	}
}

/* A mark given on the way out counts for the route. */
TEST_F(nf, a_new_mark_is_a_new_route)
{
	int prog = km_netfilter(self->dev, MARK, PORT, 0, self->map, 77), link;

	ASSERT_EQ(0, system("ip rule add fwmark 77 prohibit"));
	ASSERT_EQ(0, system("ip -6 rule add fwmark 77 prohibit"));
	TALK(self);
	link = km_hook(self->dev, prog, NFPROTO_INET, NF_INET_LOCAL_OUT, 0);
	ASSERT_LE(0, link);
	EXPECT_GT(0, km_send(self->near4, KM_FAR4, PORT, 1));
	EXPECT_GT(0, km_send(self->near6, KM_FAR6, PORT, 1));
	ASSERT_EQ(0, km_update(link, km_netfilter(self->dev, MARK, PORT, 0, self->map, 0), -1));
	TALK(self);
}

/* ------------------------------------------------------------------------
 * Places that are refused
 */
TEST_F(nf, places_that_are_none)
{
	static const struct { __u32 family, hook; __s32 priority; __u32 code; } bad[] = {
		{ NFPROTO_IPV4, 0, INT_MIN, KPS_D_PRIORITY },
		{ NFPROTO_IPV4, 0, INT_MAX, KPS_D_PRIORITY },
		{ 0, 0, 0, KPS_D_FAMILY }, { 3, 0, 0, KPS_D_FAMILY },
		{ 5, 0, 0, KPS_D_FAMILY }, { 7, 0, 0, KPS_D_FAMILY },
		{ UINT32_MAX, 0, 0, KPS_D_FAMILY },
		{ NFPROTO_IPV4, 5, 0, KPS_D_FAMILY },
		{ NFPROTO_INET, 5, 0, KPS_D_FAMILY },
		{ NFPROTO_IPV4, UINT32_MAX, 0, KPS_D_FAMILY },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct kapsel_link_create arg = {
			.hook = KAPSEL_HOOK_NETFILTER,
			.netfilter = { bad[i].family, bad[i].hook, bad[i].priority },
			.prog_fd = km_netfilter(self->dev, KM_ACCEPT),
		};

		EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg));
		EXPECT_EQ(bad[i].code, arg.log.verdict.code);
	}
}

static int hook_in(int dev, int prog, int netns, __u32 *code)
{
	struct kapsel_link_create arg = {
		.hook = KAPSEL_HOOK_NETFILTER, .flags = KAPSEL_LINK_NETNS,
		.netfilter = { NFPROTO_INET, NF_INET_LOCAL_IN, 0, netns }, .prog_fd = prog,
	};
	int link = km_ioctl(dev, KAPSEL_LINK_CREATE, &arg);

	*code = arg.log.verdict.code;
	return link;
}

TEST_F(nf, namespaces_that_are_none)
{
	int prog = km_netfilter(self->dev, KM_ACCEPT), pipes[2];
	__u32 code;

	ASSERT_EQ(0, pipe(pipes));
	const int bad[] = { 1000, -1, pipes[0], self->dev, prog,
			    open("/proc/self/ns/uts", O_RDONLY) };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_GT(0, hook_in(self->dev, prog, bad[i], &code)) {
			TH_LOG("%zu", i);
		}
		EXPECT_EQ(KPS_D_NETNS, code);
	}
}

TEST_F(nf, kprobe_programs_judge_no_packets)
{
	struct kapsel_link_create arg = {
		.hook = KAPSEL_HOOK_NETFILTER, .netfilter = { NFPROTO_IPV4 },
		.prog_fd = km_kprobe(self->dev, KM_ACCEPT),
	};

	EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg));
	EXPECT_EQ(KPS_D_PROG_HOOK, arg.log.verdict.code);
}

/* ------------------------------------------------------------------------
 * Namespaces
 */
TEST_F(nf, each_namespace_has_its_own_hooks)
{
	int prog = km_netfilter(self->dev, COUNT, PORT, 0, self->map);
	int other = km_netfilter(self->dev, COUNT, PORT, 1, self->map);
	int far = open(KM_FAR_NS, O_RDONLY);
	int to_self = km_socket(KM_FAR_NS, SOCK_DGRAM, "127.0.0.1", PORT);
	int here = km_hook(self->dev, prog, NFPROTO_INET, NF_INET_LOCAL_IN, 0);
	__u32 code;
	int there = hook_in(self->dev, other, far, &code);

	ASSERT_LE(0, here);
	ASSERT_LE(0, there);
	EXPECT_NE(km_info(here).link.netns_ino, km_info(there).link.netns_ino);
	TALK(self);
	EXPECT_EQ(2, km_value(self->map, 0));
	EXPECT_EQ(2, km_value(self->map, 1));
	ASSERT_EQ(0, km_send(to_self, "127.0.0.1", PORT, 5));
	ASSERT_EQ(5, km_receive(to_self));
	EXPECT_EQ(2, km_value(self->map, 0));
	EXPECT_EQ(3, km_value(self->map, 1));
}

TEST_F(nf, links_outlive_their_namespace)
{
	int prog = km_netfilter(self->dev, COUNT, PORT, 0, self->map);
	int other = km_netfilter(self->dev, COUNT, PORT, 1, self->map);
	int far = open(KM_FAR_NS, O_RDONLY), objects, links[8];
	__u32 code;

	objects = km_objects(self->dev);
	for (int i = 0; i < 8; i++) {
		links[i] = hook_in(self->dev, prog, far, &code);
		ASSERT_LE(0, links[i]);
	}
	TALK(self);
	close(far);
	close(self->far4);
	close(self->far6);
	/* Some go before it, some while it dies. */
	close(links[0]);
	ASSERT_EQ(0, system("ip netns del far"));
	close(links[1]);
	ASSERT_TRUE(KM_UNTIL(km_info(links[2]).link.state == KAPSEL_LINK_NETNS_GONE));
	EXPECT_LE(2, km_value(self->map, 0));
	EXPECT_EQ(-ENOENT, km_detach(links[2]));
	EXPECT_EQ(-ENOENT, km_update(links[2], other, -1));
	EXPECT_EQ(KAPSEL_LINK_NETNS_GONE, km_info(links[2]).link.state);
	EXPECT_LT(0, km_info(links[2]).link.netns_ino);
	for (int i = 2; i < 8; i++)
		close(links[i]);
	EXPECT_EQ(objects, km_objects_settle(self->dev, objects));
}

/* ------------------------------------------------------------------------
 * Exchanging programs
 */
struct sender {
	int fd;
	bool stop;
	__u64 sent;
};

static void *send_all_the_time(void *arg)
{
	struct sender *s = arg;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		if (!km_send(s->fd, KM_FAR4, PORT, 0))
			__atomic_fetch_add(&s->sent, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* How many packets were sent, while two programs took turns; or 0. */
static __u64 exchange_under_traffic(int link, const int progs[2], int fd)
{
	struct sender s = { .fd = fd };
	pthread_t thread;
	int err = 0;

	if (pthread_create(&thread, NULL, send_all_the_time, &s))
		return 0;
	for (int i = 0; i < 300 && !err; i++) {
		__u64 before = __atomic_load_n(&s.sent, __ATOMIC_RELAXED);

		err = km_update(link, progs[~i & 1], progs[i & 1]);
		while (__atomic_load_n(&s.sent, __ATOMIC_RELAXED) - before < 3)
			sched_yield();
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	return err ? 0 : s.sent;
}

TEST_F_TIMEOUT(nf, updates_under_traffic_lose_and_double_nothing, 60)
{
	int progs[2] = {
		km_netfilter(self->dev, COUNT, PORT, 0, self->map),
		km_netfilter(self->dev, COUNT, PORT, 1, self->map),
	};
	int link = km_hook(self->dev, progs[0], NFPROTO_INET, NF_INET_LOCAL_OUT, 0);
	__u64 sent;

	ASSERT_LE(0, link);
	sent = exchange_under_traffic(link, progs, self->near4);
	EXPECT_EQ(sent, km_value(self->map, 0) + km_value(self->map, 1));
	EXPECT_LT(100, km_value(self->map, 0));
	EXPECT_LT(100, km_value(self->map, 1));
}

/* What comes by the short way and what comes by the long one. */
TEST_F_TIMEOUT(nf, updates_of_observers_under_traffic, 60)
{
	int seen = counter(self->dev), progs[2] = {
		km_netfilter(self->dev, OBSERVE, seen),
		km_netfilter(self->dev, COUNT, PORT, 1, self->map),
	};
	int link = km_hook(self->dev, progs[0], NFPROTO_IPV4, NF_INET_LOCAL_OUT, 0);
	__u64 sent;

	ASSERT_LE(0, link);
	sent = exchange_under_traffic(link, progs, self->near4);
	EXPECT_EQ(sent, km_value(seen, 0) + km_value(self->map, 1));
	EXPECT_EQ(sent, km_info(link).link.accepted);
	EXPECT_LT(100, km_value(seen, 0));
	EXPECT_LT(100, km_value(self->map, 1));
}

/* ------------------------------------------------------------------------
 * Other traffic
 */
TEST_F(nf, ping)
{
	int prog = km_netfilter(self->dev, KM_DROP);
	int pass = km_netfilter(self->dev, KM_ACCEPT);
	int link = km_hook(self->dev, pass, NFPROTO_INET, NF_INET_LOCAL_IN, 0);

	ASSERT_LE(0, link);
	EXPECT_EQ(0, system("ping -c 1 -W 10 " KM_FAR4 " >/dev/null"));
	EXPECT_EQ(0, system("ping -c 1 -W 10 " KM_FAR6 " >/dev/null"));
	ASSERT_EQ(0, km_update(link, prog, -1));
	EXPECT_NE(0, system("ping -c 1 -W 1 " KM_FAR4 " >/dev/null"));
}

#define STREAM 0x100000

static void *stream(void *arg)
{
	static char data[STREAM];
	int fd = accept(*(int *)arg, NULL, NULL);

	for (int i = 0; i < STREAM; i++)
		data[i] = i * 31 >> 4;
	km_pour(fd, data, STREAM);
	close(fd);
	return NULL;
}

/* Reads the last byte of each packet by helper; element 1 counts failures. */
#define LAST_BYTE							\
	"r7 = r1\n"							\
	"r2 = *(u32 *)(r1 + 0)\n"					\
	"r2 += -1\n"							\
	"r3 = r10\n"							\
	"r3 += -8\n"							\
	"r4 = 1\n"							\
	"call bpf_skb_load_bytes\n"					\
	"if r0 == 0 goto out\n"						\
	ADD_ONE								\
	"out:\n"							\
	KM_ACCEPT

/* Big, segmented and paged packets: every hook, both ends, nothing is harmed. */
TEST_F_TIMEOUT(nf, tcp_stream, 60)
{
	static char data[STREAM];
	struct sockaddr_storage addr;
	int prog = km_netfilter(self->dev, LAST_BYTE, 1, self->map);
	int listener = km_socket(KM_FAR_NS, SOCK_STREAM, KM_FAR4, PORT);
	int fd = km_socket(KM_NEAR_NS, SOCK_STREAM, KM_NEAR4, 0);
	int far = open(KM_FAR_NS, O_RDONLY), wrong = 0;
	socklen_t len = km_addr(&addr, KM_FAR4, PORT);
	size_t done = 0;
	pthread_t thread;
	ssize_t n;
	__u32 code;

	for (__u32 hook = 0; hook <= NF_INET_POST_ROUTING; hook++)
		ASSERT_LE(0, km_hook(self->dev, prog, NFPROTO_INET, hook, 0));
	ASSERT_LE(0, hook_in(self->dev, prog, far, &code));
	ASSERT_EQ(0, listen(listener, 1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, stream, &listener));
	ASSERT_EQ(0, connect(fd, (void *)&addr, len));
	while ((n = read(fd, data + done, STREAM - done)) > 0)
		done += n;
	pthread_join(thread, NULL);
	ASSERT_EQ(STREAM, done);
	for (int i = 0; i < STREAM; i++)
		wrong += data[i] != (char)(i * 31 >> 4);
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(0, km_value(self->map, 1));
}

TEST_HARNESS_MAIN
