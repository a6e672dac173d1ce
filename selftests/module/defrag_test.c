// SPDX-License-Identifier: GPL-2.0-only
/* Links that see no fragments, but the packets that those are of */

#include <linux/kernel.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_net.h"

#define PORT	7903
#define SIZE	4000

/* Element 0: fragments; 1: UDP packets as long as what is sent. IPv4 and IPv6. */
#define COUNT								\
	"r7 = r1\n"							\
	"r2 = *(u32 *)(r7 + 76)\n"					\
	"r3 = *(u32 *)(r7 + 80)\n"					\
	"r4 = r2\n"							\
	"r4 += 20\n"							\
	"if r4 > r3 goto out\n"						\
	"*(u32 *)(r10 - 4) = 0\n"					\
	"r5 = *(u8 *)(r2 + 0)\n"					\
	"r5 >>= 4\n"							\
	"if r5 == 6 goto six\n"						\
	"r5 = *(u16 *)(r2 + 6)\n"					\
	"r5 = be16 r5\n"						\
	"r5 &= 0x3fff\n"						\
	"if r5 != 0 goto add\n"						\
	"goto whole\n"							\
	"six:\n"							\
	"r5 = *(u8 *)(r2 + 6)\n"					\
	"if r5 == 44 goto add\n"					\
	"whole:\n"							\
	"r5 = *(u32 *)(r7 + 0)\n"					\
	"if r5 < 4000 goto out\n"					\
	"*(u32 *)(r10 - 4) = 1\n"					\
	"add:\n"							\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto out\n"						\
	"r1 = 1\n"							\
	"lock *(u64 *)(r0 + 0) += r1\n"					\
	"out:\n"							\
	KM_ACCEPT

FIXTURE(defrag) {
	int dev;
	int map;
	int prog;
	int near4, far4, near6, far6;
};

FIXTURE_SETUP(defrag)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 2, 0);
	self->prog = km_netfilter(self->dev, COUNT, self->map);
	ASSERT_LE(0, self->prog);
	ASSERT_EQ(0, km_net_setup());
	self->near4 = km_socket(KM_NEAR_NS, SOCK_DGRAM, KM_NEAR4, PORT);
	self->far4 = km_socket(KM_FAR_NS, SOCK_DGRAM, KM_FAR4, PORT);
	self->near6 = km_socket(KM_NEAR_NS, SOCK_DGRAM, KM_NEAR6, PORT);
	self->far6 = km_socket(KM_FAR_NS, SOCK_DGRAM, KM_FAR6, PORT);
}

FIXTURE_TEARDOWN(defrag)
{
	km_net_teardown();
}

static int attach(struct _test_data_defrag *self, __u32 family, __s32 priority, __u32 flags,
		  __u32 *code)
{
	struct kapsel_link_create arg = {
		.hook = KAPSEL_HOOK_NETFILTER, .flags = flags, .prog_fd = self->prog,
		.netfilter = { family, NF_INET_PRE_ROUTING, priority },
	};
	int link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);

	*code = arg.log.verdict.code;
	return link;
}

/* What is sent from far to near arrives as it was; the counters begin at 0. */
static int send_big(struct _test_data_defrag *self, bool six)
{
	static __u8 data[SIZE], got[SIZE + 1];
	struct sockaddr_storage to;
	socklen_t len = km_addr(&to, six ? KM_NEAR6 : KM_NEAR4, PORT);

	for (int i = 0; i < SIZE; i++)
		data[i] = i * 31 >> 3;
	km_set(self->map, 0, 0, BPF_ANY);
	km_set(self->map, 1, 0, BPF_ANY);
	return sendto(six ? self->far6 : self->far4, data, SIZE, 0, (void *)&to, len) == SIZE &&
	       recv(six ? self->near6 : self->near4, got, sizeof(got), 0) == SIZE &&
	       !memcmp(data, got, SIZE) ? 0 : -EIO;
}

#define SEES_FRAGMENTS(self, six) do {					\
	ASSERT_EQ(0, send_big(self, six));				\
	EXPECT_EQ(3, km_value((self)->map, 0));				\
	EXPECT_EQ(0, km_value((self)->map, 1));				\
} while (0)

#define SEES_THE_WHOLE(self, six) do {					\
	ASSERT_EQ(0, send_big(self, six));				\
	EXPECT_EQ(0, km_value((self)->map, 0));				\
	EXPECT_EQ(1, km_value((self)->map, 1));				\
} while (0)

TEST_F(defrag, whole_packets)
{
	static const __u32 families[] = { NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET };
	__u32 code;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		int link = attach(self, families[i], 0, 0, &code);

		if (families[i] != NFPROTO_IPV6)
			SEES_FRAGMENTS(self, false);
		if (families[i] != NFPROTO_IPV4)
			SEES_FRAGMENTS(self, true);
		EXPECT_EQ(0, km_info(link).link.flags);
		close(link);
		link = attach(self, families[i], 0, KAPSEL_LINK_DEFRAG, &code);
		ASSERT_LE(0, link);
		if (families[i] != NFPROTO_IPV6)
			SEES_THE_WHOLE(self, false);
		if (families[i] != NFPROTO_IPV4)
			SEES_THE_WHOLE(self, true);
		EXPECT_EQ(KAPSEL_LINK_DEFRAG, km_info(link).link.flags);
		close(link);
	}
}

/* As long as one of them wants it. */
TEST_F(defrag, the_last_one_switches_it_off)
{
	__u32 code;
	int watch = attach(self, NFPROTO_IPV4, 10, 0, &code);
	int links[] = {
		attach(self, NFPROTO_IPV6, 0, KAPSEL_LINK_DEFRAG, &code),
		attach(self, NFPROTO_IPV4, 0, KAPSEL_LINK_DEFRAG, &code),
		attach(self, NFPROTO_INET, 0, KAPSEL_LINK_DEFRAG, &code),
	};

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		ASSERT_LE(0, links[i]);
		ASSERT_EQ(0, km_update(links[i], km_netfilter(self->dev, KM_ACCEPT), -1));
	}
	ASSERT_LE(0, watch);
	SEES_THE_WHOLE(self, false);
	ASSERT_EQ(0, km_detach(links[1]));
	SEES_THE_WHOLE(self, false);
	close(links[2]);
	SEES_FRAGMENTS(self, false);
}

static int users_of(const char *module)
{
	char path[80];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

TEST_F(defrag, the_namespace_may_die)
{
	__u32 code;
	int ours = attach(self, NFPROTO_INET, 0, KAPSEL_LINK_DEFRAG, &code), link;
	int users = users_of("nf_defrag_ipv4"), far = open(KM_FAR_NS, O_RDONLY);

	ASSERT_LE(0, ours);
	ASSERT_EQ(0, setns(far, CLONE_NEWNET));
	link = attach(self, NFPROTO_INET, 0, KAPSEL_LINK_DEFRAG, &code);
	ASSERT_LE(0, link);
	ASSERT_EQ(0, km_enter(KM_NEAR_NS));
	if (users >= 0)
		EXPECT_LT(users, users_of("nf_defrag_ipv4"));
	SEES_THE_WHOLE(self, false);
	close(self->far4);
	close(self->far6);
	close(far);
	ASSERT_EQ(0, system("ip netns del far"));
	EXPECT_TRUE(KM_UNTIL(km_info(link).link.state == KAPSEL_LINK_NETNS_GONE));
	close(link);
	EXPECT_TRUE(KM_UNTIL(users_of("nf_defrag_ipv4") == users));
}

TEST_F(defrag, priorities)
{
	__u32 code;

	EXPECT_EQ(-EINVAL, attach(self, NFPROTO_IPV4, -400, KAPSEL_LINK_DEFRAG, &code));
	EXPECT_EQ(KPS_D_DEFRAG_FIRST, code);
	EXPECT_EQ(-EINVAL, attach(self, NFPROTO_INET, -401, KAPSEL_LINK_DEFRAG, &code));
	EXPECT_EQ(KPS_D_DEFRAG_FIRST, code);
	EXPECT_LE(0, attach(self, NFPROTO_IPV4, -401, 0, &code));
	EXPECT_LE(0, attach(self, NFPROTO_IPV4, -399, KAPSEL_LINK_DEFRAG, &code));
	/* One before it, one behind it. */
	ASSERT_EQ(0, send_big(self, false));
	EXPECT_EQ(3, km_value(self->map, 0));
	EXPECT_EQ(1, km_value(self->map, 1));
}

#define NO_MODPROBE							\
	"m=$(cat /proc/sys/kernel/modprobe);"				\
	"echo /none >/proc/sys/kernel/modprobe; echo $m >/tmp/modprobe"

#define MODPROBE "cat /tmp/modprobe >/proc/sys/kernel/modprobe"

TEST_F(defrag, a_kernel_without_it)
{
	static const __u32 families[] = { NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET };
	int objects = km_objects(self->dev);
	__u32 code;

	if (system("rmmod nf_defrag_ipv6 2>/dev/null; rmmod nf_defrag_ipv4 2>/dev/null;"
		   "! grep -q nf_defrag_ipv4_enable /proc/kallsyms"))
		SKIP(return, "nf_defrag_ipv4 is in use, or no module");
	ASSERT_EQ(0, system(NO_MODPROBE));
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		EXPECT_EQ(-EOPNOTSUPP, attach(self, families[i], 0, KAPSEL_LINK_DEFRAG, &code));
		EXPECT_EQ(KPS_D_NO_DEFRAG, code);
	}
	ASSERT_EQ(0, system(MODPROBE));
	EXPECT_EQ(objects, km_objects_settle(self->dev, objects));
	EXPECT_LE(0, attach(self, NFPROTO_INET, 0, KAPSEL_LINK_DEFRAG, &code));
}

TEST_HARNESS_MAIN
