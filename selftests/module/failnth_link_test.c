// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory runs out while programs are attached, to each hook in each way, while they
 * are exchanged, and while packets go past. See failnth_test.c.
 */

#include <linux/kernel.h>
#include <netinet/in.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_fail.h"
#include "module/lib/km_net.h"
#include "module/lib/km_target.h"

#define NR_CALLS 3

static const char *const functions[NR_CALLS] = {
	TARGET, "__x64_sys_getsid", "__x64_sys_getpriority",
};

FIXTURE(failnth_link) {
	int dev;
	int fails;
	int probe;		/* programs */
	int packets;
	int rewrites;
	int socket;
	__u64 addrs[NR_CALLS];
	struct kapsel_link_create arg;
	int link;
};

/* A program that makes packets writable, and changes nothing. */
#define REWRITE								\
	"r2 = *(u32 *)(r1 + 76)\n"					\
	"r3 = *(u32 *)(r1 + 80)\n"					\
	"r4 = r2\n"							\
	"r4 += 20\n"							\
	"if r4 > r3 goto out\n"						\
	"r0 = *(u8 *)(r2 + 1)\n"					\
	"*(u8 *)(r2 + 1) = w0\n"					\
	"out:\n"							\
	"r0 = 1\n"							\
	"exit\n"

FIXTURE_SETUP(failnth_link)
{
	struct kapsel_symbol sym;

	self->fails = km_fail_open();
	ASSERT_LE(0, self->fails);
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->probe = km_kprobe(self->dev, KM_ACCEPT);
	self->packets = km_netfilter(self->dev, KM_ACCEPT);
	self->rewrites = km_netfilter(self->dev, REWRITE);
	ASSERT_LE(0, self->rewrites);
	for (int i = 0; i < NR_CALLS; i++) {
		ASSERT_EQ(1, kapsel_symbols_named(NULL, functions[i], &sym, 1));
		self->addrs[i] = sym.addr;
	}
	/* What is made once and kept is made before it is counted. */
	self->link = km_probe(self->dev, self->probe, KAPSEL_HOOK_KPROBE, TARGET);
	ASSERT_LE(0, self->link);
	close(self->link);
}

FIXTURE_TEARDOWN(failnth_link)
{
}

static int create(void *env)
{
	FIXTURE_DATA(failnth_link) * self = env;

	return km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg);
}

/* A link that is there runs, and is gone when it is closed. */
static void finish(void *env, int ret)
{
	FIXTURE_DATA(failnth_link) * self = env;

	target();
	if (ret < 0)
		return;
	if (self->arg.hook != KAPSEL_HOOK_NETFILTER && !km_info(ret).link.runs)
		fprintf(stderr, "# never ran\n");
	close(ret);
	target();
}

static void sweep(struct __test_metadata *_metadata, FIXTURE_DATA(failnth_link) * self,
		  const char *name)
{
	struct km_act act = { name, NULL, create, finish, 0 };

	km_sweep(_metadata, self->fails, self->dev, &act, self);
}

TEST_F_TIMEOUT(failnth_link, one_function, 600)
{
	km_link_probe(&self->arg, self->probe, KAPSEL_HOOK_KPROBE, TARGET, 0);
	sweep(_metadata, self, "function's entry");
	km_link_probe(&self->arg, self->probe, KAPSEL_HOOK_KRETPROBE, TARGET, 0);
	sweep(_metadata, self, "function's return");
}

/* Past the pad and ftrace's place, wherever an instruction begins. */
TEST_F_TIMEOUT(failnth_link, an_instruction, 600)
{
	int link = -1;

	for (int at = 6; link < 0 && at < 32; at++) {
		km_link_probe(&self->arg, self->probe, KAPSEL_HOOK_KPROBE, TARGET, at);
		link = create(self);
	}
	ASSERT_LE(0, link);
	close(link);
	sweep(_metadata, self, "instruction");
}

TEST_F_TIMEOUT(failnth_link, many_functions, 600)
{
	__u64 cookies[NR_CALLS] = { 1, 2, 3 };

	self->arg = (struct kapsel_link_create){
		.prog_fd = self->probe, .hook = KAPSEL_HOOK_KPROBE_MULTI,
		.multi = {
			.pattern = km_ptr("some"), .addrs = km_ptr(self->addrs),
			.cookies = km_ptr(cookies), .count = NR_CALLS,
		},
	};
	sweep(_metadata, self, "functions' entries");
	self->arg.flags = KAPSEL_LINK_SKIP;
	sweep(_metadata, self, "functions' entries, those that can be");
}

/* Each allocation takes the kernel to patch what comes before it, and to take it back. */
TEST_F_TIMEOUT(failnth_link, many_functions_returns, 600)
{
	self->arg = (struct kapsel_link_create){
		.prog_fd = self->probe, .hook = KAPSEL_HOOK_KRETPROBE_MULTI,
		.multi = {
			.addrs = km_ptr(self->addrs), .count = NR_CALLS, .maxactive = 1,
		},
	};
	sweep(_metadata, self, "functions' returns");
}

/* ------------------------------------------------------------------------
 * Packets
 */
static const struct option {
	const char *name;
	__u32 flags;
	__u32 family;
	__u32 linear;
} options[] = {
	{ "netfilter", 0, NFPROTO_IPV4, 0 },
	{ "netfilter, both versions", 0, NFPROTO_INET, 0 },
	{ "netfilter, closed", KAPSEL_LINK_FAIL_CLOSED, NFPROTO_IPV6, 0 },
	{ "netfilter, shadow", KAPSEL_LINK_SHADOW, NFPROTO_INET, 0 },
	{ "netfilter, linear", 0, NFPROTO_INET, 100 },
	{ "netfilter, elsewhere", KAPSEL_LINK_NETNS, NFPROTO_INET, 0 },
};

static void take_option(FIXTURE_DATA(failnth_link) * self, const struct option *option, int netns)
{
	self->arg = (struct kapsel_link_create){
		.prog_fd = self->packets, .hook = KAPSEL_HOOK_NETFILTER, .flags = option->flags,
		.netfilter = {
			.family = option->family, .hooknum = NF_INET_LOCAL_OUT,
			.netns_fd = option->flags & KAPSEL_LINK_NETNS ? netns : 0,
			.linear = option->linear,
		},
	};
}

TEST_F_TIMEOUT(failnth_link, packets, 600)
{
	int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		take_option(self, &options[i], netns);
		sweep(_metadata, self, options[i].name);
	}
}

static int send_run(void *env)
{
	FIXTURE_DATA(failnth_link) * self = env;
	static const char data[4000];
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	ssize_t sent = sendto(self->socket, data, sizeof(data), 0, (void *)&to, sizeof(to));

	/* Nobody listens there: what arrived comes back as an error of the next call. */
	return sent < 0 && errno != ECONNREFUSED ? -errno : 0;
}

/* Programs that want packets linear, or writable, go without them, and that is counted. */
TEST_F_TIMEOUT(failnth_link, packets_going_past, 600)
{
	static const struct km_act act = { "packet", NULL, send_run, NULL, ENOBUFS };
	struct option option = { "", 0, NFPROTO_IPV4, 65535 };
	struct kapsel_link_info info;
	int link;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, system("ip link set lo up"));
	self->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ASSERT_LE(0, self->socket);
	take_option(self, &option, 0);
	self->arg.prog_fd = self->rewrites;
	link = create(self);
	ASSERT_LE(0, link);
	km_sweep(_metadata, self->fails, self->dev, &act, self);
	info = km_info(link).link;
	TH_LOG("%llu runs, %llu packets not ready", info.runs, info.unready);
	EXPECT_LT(0, info.runs);
}

/* ------------------------------------------------------------------------
 * Exchanges, by which a link that was there stays
 */
static int update_run(void *env)
{
	FIXTURE_DATA(failnth_link) * self = env;

	return km_update(self->link, self->probe, -1);
}

static int info_run(void *env)
{
	FIXTURE_DATA(failnth_link) * self = env;
	static char target[64];
	static struct kapsel_link_site sites[NR_CALLS];
	struct kapsel_obj_info info = {
		.link = {
			.target = km_ptr(target), .target_size = sizeof(target),
			.sites = km_ptr(sites), .site_cnt = NR_CALLS,
		},
	};

	return km_ioctl(self->link, KAPSEL_OBJ_INFO, &info);
}

TEST_F_TIMEOUT(failnth_link, exchanges, 600)
{
	static const struct km_act acts[] = {
		{ "exchange", NULL, update_run, NULL, 0 },
		{ "information", NULL, info_run, NULL, 0 },
	};
	__u64 runs;

	self->arg = (struct kapsel_link_create){
		.prog_fd = self->probe, .hook = KAPSEL_HOOK_KPROBE_MULTI,
		.multi = { .addrs = km_ptr(self->addrs), .count = NR_CALLS },
	};
	self->link = create(self);
	ASSERT_LE(0, self->link);
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		km_sweep(_metadata, self->fails, self->dev, &acts[i], self);
	runs = km_info(self->link).link.runs;
	target();
	EXPECT_LT(runs, km_info(self->link).link.runs);
}

TEST_HARNESS_MAIN
