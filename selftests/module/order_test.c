// SPDX-License-Identifier: GPL-2.0-only
/* Links before and after each other, at a hook of netfilter */

#include <limits.h>
#include <linux/kernel.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_net.h"

#define PORT 7902

/* Appends a digit to what the packet's mark says. */
#define SIGN								\
	"r6 = *(u32 *)(r1 + 8)\n"					\
	"r6 *= 10\n"							\
	"r6 += %d\n"							\
	"*(u32 *)(r1 + 8) = r6\n"					\
	KM_ACCEPT

/* Whose signatures, in which order. */
#define READ								\
	"r6 = *(u32 *)(r1 + 8)\n"					\
	"r1 = map[fd:%d]+0 ll\n"					\
	"*(u64 *)(r1 + 0) = r6\n"					\
	KM_ACCEPT

FIXTURE(order) {
	int dev;
	int map;
	int near, far;
	int reader;
	int anchor;
};

FIXTURE_SETUP(order)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	ASSERT_EQ(0, km_net_setup());
	self->near = km_socket(KM_NEAR_NS, SOCK_DGRAM, KM_NEAR4, PORT);
	self->far = km_socket(KM_FAR_NS, SOCK_DGRAM, KM_FAR4, PORT);
	self->reader = km_hook(self->dev, km_netfilter(self->dev, READ, self->map), NFPROTO_IPV4,
			       NF_INET_LOCAL_IN, 1000);
	self->anchor = km_hook(self->dev, km_netfilter(self->dev, SIGN, 1), NFPROTO_IPV4,
			       NF_INET_LOCAL_IN, 5);
	ASSERT_LE(0, self->reader);
	ASSERT_LE(0, self->anchor);
}

FIXTURE_TEARDOWN(order)
{
	km_net_teardown();
}

static int create(int dev, struct kapsel_link_create *arg, __u32 *code)
{
	int link = km_ioctl(dev, KAPSEL_LINK_CREATE, arg);

	*code = arg->log.verdict.code;
	return link;
}

/* What signs with @digit beside @other. */
static int beside(int dev, __u32 family, __u32 hook, __u32 flags, int other, int digit, __u32 *code)
{
	struct kapsel_link_create arg = {
		.hook = KAPSEL_HOOK_NETFILTER, .flags = flags,
		.netfilter = { .family = family, .hooknum = hook, .link_fd = other },
		.prog_fd = km_netfilter(dev, SIGN, digit),
	};
	int link = create(dev, &arg, code);

	close(arg.prog_fd);
	return link;
}

static __u64 signatures(struct _test_data_order *self)
{
	if (km_send(self->far, KM_NEAR4, PORT, 1) || km_receive(self->near) != 1)
		return -1;
	return km_value(self->map, 0);
}

#define IN(self, flags, other, digit)					\
	beside((self)->dev, NFPROTO_IPV4, NF_INET_LOCAL_IN, flags, other, digit, &code)

TEST_F(order, before_and_after)
{
	int two, three, four, five;
	__u32 code;

	EXPECT_EQ(1, signatures(self));
	two = IN(self, KAPSEL_LINK_BEFORE, self->anchor, 2);
	three = IN(self, KAPSEL_LINK_AFTER, self->anchor, 3);
	ASSERT_LE(0, two);
	ASSERT_LE(0, three);
	EXPECT_EQ(213, signatures(self));
	/* Of the same priority as the anchor's, and as the one after it. */
	four = IN(self, KAPSEL_LINK_AFTER, two, 4);
	five = IN(self, KAPSEL_LINK_BEFORE, three, 5);
	ASSERT_LE(0, four);
	ASSERT_LE(0, five);
	EXPECT_EQ(21543, signatures(self));
	EXPECT_EQ(5, km_info(two).link.priority);
	EXPECT_EQ(6, km_info(three).link.priority);
	close(self->anchor);
	EXPECT_EQ(2543, signatures(self));
}

TEST_F(order, positions)
{
	__u32 code;
	int before = IN(self, KAPSEL_LINK_BEFORE, self->anchor, 2);
	int six = km_hook(self->dev, km_netfilter(self->dev, KM_ACCEPT), NFPROTO_IPV6,
			  NF_INET_LOCAL_IN, 5);
	int both = km_hook(self->dev, km_netfilter(self->dev, KM_ACCEPT), NFPROTO_INET,
			   NF_INET_LOCAL_IN, 5);
	int out = km_hook(self->dev, km_netfilter(self->dev, KM_ACCEPT), NFPROTO_IPV4,
			  NF_INET_LOCAL_OUT, 5);

	EXPECT_EQ(1, km_info(both).link.position);
	EXPECT_EQ(2, km_info(before).link.position);
	EXPECT_EQ(3, km_info(self->anchor).link.position);
	EXPECT_EQ(4, km_info(self->reader).link.position);
	EXPECT_EQ(2, km_info(six).link.position);
	EXPECT_EQ(1, km_info(out).link.position);
	ASSERT_EQ(0, km_detach(before));
	EXPECT_EQ(0, km_info(before).link.position);
	EXPECT_EQ(2, km_info(self->anchor).link.position);
}

/* A link for both families goes beside one for either. */
TEST_F(order, families)
{
	int six = km_hook(self->dev, km_netfilter(self->dev, KM_ACCEPT), NFPROTO_IPV6,
			  NF_INET_LOCAL_IN, 5);
	__u32 code;

	EXPECT_LE(0, beside(self->dev, NFPROTO_INET, NF_INET_LOCAL_IN, KAPSEL_LINK_BEFORE,
			    self->anchor, 2, &code));
	EXPECT_LE(0, beside(self->dev, NFPROTO_INET, NF_INET_LOCAL_IN, KAPSEL_LINK_AFTER,
			    six, 3, &code));
	EXPECT_EQ(213, signatures(self));
	EXPECT_EQ(-EINVAL, IN(self, KAPSEL_LINK_BEFORE, six, 4));
	EXPECT_EQ(KPS_D_ANCHOR, code);
}

TEST_F(order, links_that_are_elsewhere)
{
	const __u32 ways[] = { KAPSEL_LINK_BEFORE, KAPSEL_LINK_AFTER };
	int probe = km_probe(self->dev, km_kprobe(self->dev, KM_ACCEPT), KAPSEL_HOOK_KPROBE,
			     "__x64_sys_getpgid");
	int detached, there;
	__u32 code;

	detached = IN(self, KAPSEL_LINK_BEFORE, self->anchor, 2);
	ASSERT_LE(0, probe);
	ASSERT_EQ(0, km_detach(detached));
	ASSERT_EQ(0, km_enter(KM_FAR_NS));
	there = km_hook(self->dev, km_netfilter(self->dev, KM_ACCEPT), NFPROTO_IPV4,
			NF_INET_LOCAL_IN, 5);
	ASSERT_EQ(0, km_enter(KM_NEAR_NS));
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct { int fd, err; } bad[] = {
			{ probe, -EINVAL }, { detached, -EINVAL }, { there, -EINVAL },
			{ self->map, -EINVAL }, { self->dev, -EINVAL }, { 0, -EINVAL },
			{ 12345, -EBADF }, { -1, -EBADF },
		};

		for (size_t n = 0; n < ARRAY_SIZE(bad); n++) {
			EXPECT_EQ(bad[n].err, IN(self, ways[i], bad[n].fd, 2)) TH_LOG("%zu", n);
			EXPECT_EQ(KPS_D_ANCHOR, code);
		}
		EXPECT_EQ(-EINVAL, beside(self->dev, NFPROTO_IPV4, NF_INET_LOCAL_OUT, ways[i],
					  self->anchor, 2, &code));
		EXPECT_EQ(KPS_D_ANCHOR, code);
	}
	EXPECT_EQ(1, signatures(self));
}

TEST_F(order, orders_that_are_none)
{
	struct kapsel_link_create arg = {
		.hook = KAPSEL_HOOK_NETFILTER, .netfilter = { NFPROTO_IPV4, NF_INET_LOCAL_IN },
		.prog_fd = km_netfilter(self->dev, KM_ACCEPT),
	};
	int last = km_hook(self->dev, arg.prog_fd, NFPROTO_IPV4, NF_INET_LOCAL_IN, INT_MAX - 1);
	__u32 code;

	EXPECT_EQ(-EINVAL, IN(self, KAPSEL_LINK_BEFORE | KAPSEL_LINK_AFTER, self->anchor, 2));
	EXPECT_EQ(-EINVAL, IN(self, KAPSEL_LINK_AFTER, last, 2));
	EXPECT_EQ(KPS_D_PRIORITY, code);
	EXPECT_LE(0, IN(self, KAPSEL_LINK_BEFORE, last, 2));
	arg.netfilter.link_fd = self->anchor;
	EXPECT_EQ(-EINVAL, create(self->dev, &arg, &code));
	arg.flags = KAPSEL_LINK_BEFORE;
	arg.netfilter.priority = 5;
	EXPECT_EQ(-EINVAL, create(self->dev, &arg, &code));
	arg.netfilter.priority = 0;
	EXPECT_LE(0, create(self->dev, &arg, &code));
}

TEST_HARNESS_MAIN
