// SPDX-License-Identifier: GPL-2.0-only
/* Programs that store to packets: by helpers and directly, with sums that stay right */

#include <linux/kernel.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_net.h"

#define PORT	7801
#define OTHER	7802
#define NUMBER	0x11223344
#define CHANGED	0x55667788

struct packet {
	struct iphdr ip;
	struct udphdr udp;
	__u32 number;
} __packed;

/* ------------------------------------------------------------------------
 * Sums
 */
static __u32 sum(const void *data, size_t size, __u32 start)
{
	const __u8 *p = data;

	for (size_t i = 0; i < size; i++)
		start += i & 1 ? p[i] : p[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

/* Of the pseudo header, the UDP header and what follows: 0xffff if it is right. */
static __u32 udp_sum(const struct packet *p)
{
	return sum(&p->udp, sizeof(p->udp) + sizeof(p->number),
		   sum(&p->ip.saddr, 8, IPPROTO_UDP + ntohs(p->udp.len)));
}

static struct packet make_packet(void)
{
	struct packet p = {
		.ip = {
			.version = 4, .ihl = 5, .tot_len = htons(sizeof(p)), .ttl = 64,
			.protocol = IPPROTO_UDP, .saddr = inet_addr(KM_FAR4),
			.daddr = inet_addr(KM_NEAR4),
		},
		.udp = {
			.source = htons(PORT), .dest = htons(PORT),
			.len = htons(sizeof(p.udp) + sizeof(p.number)),
		},
		.number = NUMBER,
	};

	p.ip.check = htons(~sum(&p.ip, sizeof(p.ip), 0));
	p.udp.check = htons(~udp_sum(&p));
	return p;
}

/* ------------------------------------------------------------------------
 * Programs
 */

/* r7: the context; *(u32 *)(r10 - 4): what is stored. */
#define STORE(off, size, flags)						\
	"r1 = r7\n"							\
	"r2 = " #off "\n"						\
	"r3 = r10\n"							\
	"r3 += -4\n"							\
	"r4 = " #size "\n"						\
	"r5 = " #flags "\n"						\
	"call bpf_skb_store_bytes\n"

#define REPAIR(layer, off, from, to, flags)				\
	"r1 = r7\n"							\
	"r2 = " #off "\n"						\
	"r3 = " from "\n"						\
	"r4 = " to "\n"							\
	"r5 = " #flags "\n"						\
	"call bpf_" layer "_csum_replace\n"

/* The payload's number, with the UDP checksum repaired. */
#define NEW_NUMBER							\
	"r7 = r1\n"							\
	"*(u32 *)(r10 - 4) = 0x55667788\n"				\
	REPAIR("l4", 26, "0x11223344", "0x55667788", 4)			\
	STORE(28, 4, 0)

/* The source address becomes 10.9.8.7: both checksums. */
#define NEW_ADDRESS							\
	"r7 = r1\n"							\
	"*(u32 *)(r10 - 4) = 0x0708090a\n"				\
	REPAIR("l4", 26, "0x02004d0a", "0x0708090a", 0x14)		\
	REPAIR("l3", 10, "0x02004d0a", "0x0708090a", 4)			\
	STORE(12, 4, 0)

#define DIRECTLY(store)							\
	"r2 = *(u32 *)(r1 + 76)\n"					\
	"r3 = *(u32 *)(r1 + 80)\n"					\
	"r4 = r2\n"							\
	"r4 += 32\n"							\
	"if r4 > r3 goto out\n"						\
	store								\
	"out:\n"							\
	KM_ACCEPT

FIXTURE(packet) {
	int dev;
	struct packet in, out;
};

FIXTURE_SETUP(packet)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->in = make_packet();
	ASSERT_EQ(0xffff, udp_sum(&self->in));
	ASSERT_EQ(0, km_net_setup());
}

FIXTURE_TEARDOWN(packet)
{
	km_net_teardown();
}

/* What becomes of the packet, and the number returned. */
static long long run(struct _test_data_packet *self, const char *text, __u32 repeat)
{
	struct kapsel_test_run arg = {
		.data_in = km_ptr(&self->in), .data_size_in = sizeof(self->in),
		.data_out = km_ptr(&self->out), .data_size_out = sizeof(self->out),
		.repeat = repeat,
	};
	int prog = km_netfilter(self->dev, "%s", text);
	int err = prog < 0 ? prog : km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg);

	close(prog);
	return err ?: (long long)arg.retval;
}

TEST_F(packet, a_field_of_the_payload)
{
	ASSERT_EQ(1, run(self, NEW_NUMBER KM_ACCEPT, 1));
	EXPECT_EQ(CHANGED, self->out.number);
	EXPECT_EQ(0xffff, udp_sum(&self->out));
	EXPECT_NE(self->in.udp.check, self->out.udp.check);
}

TEST_F(packet, an_address)
{
	ASSERT_EQ(htonl(0x0a4d0002), self->in.ip.saddr);
	ASSERT_EQ(1, run(self, NEW_ADDRESS KM_ACCEPT, 1));
	EXPECT_EQ(htonl(0x0a090807), self->out.ip.saddr);
	EXPECT_EQ(0xffff, udp_sum(&self->out));
	EXPECT_EQ(0xffff, sum(&self->out.ip, sizeof(self->out.ip), 0));
}

TEST_F(packet, a_difference_taken_by_the_program)
{
	ASSERT_EQ(1, run(self,
			 "r7 = r1\n*(u32 *)(r10 - 8) = 0x11223344\n"
			 "*(u32 *)(r10 - 4) = 0x55667788\n"
			 "r1 = r10\nr1 += -8\nr2 = 4\nr3 = r10\nr3 += -4\nr4 = 4\nr5 = 0\n"
			 "call bpf_csum_diff\nr6 = r0\n"
			 REPAIR("l4", 26, "0", "r6", 0) STORE(28, 4, 0) KM_ACCEPT, 1));
	EXPECT_EQ(0xffff, udp_sum(&self->out));
	EXPECT_EQ(CHANGED, self->out.number);
}

TEST_F(packet, udp_without_a_checksum_stays_so)
{
	self->in.udp.check = 0;
	ASSERT_EQ(1, run(self, "r7 = r1\n*(u32 *)(r10 - 4) = 0x55667788\n"
			 REPAIR("l4", 26, "1", "2", 0x24) STORE(28, 4, 0) KM_ACCEPT, 1));
	EXPECT_EQ(0, self->out.udp.check);
}

/* Accepts if a call, of the packet by r7, returns what it should. */
#define RETURNS								\
	"r7 = r1\n"							\
	"*(u32 *)(r10 - 4) = 7\n"					\
	"%s"								\
	"r6 = %d\n"							\
	"if r0 == r6 goto good\n"					\
	"r0 = 0\n"							\
	"exit\n"							\
	"good:\n"							\
	KM_ACCEPT

TEST_F(packet, what_helpers_refuse)
{
	static const struct { const char *call; int err; } cases[] = {
		{ STORE(28, 4, 0), 0 }, { STORE(28, 4, 3), 0 },
		{ STORE(28, 4, 4), -EINVAL }, { STORE(29, 4, 0), -EFAULT },
		{ STORE(32, 1, 0), -EFAULT }, { STORE(-1, 4, 0), -EFAULT },
		{ STORE(0x7fffffff, 4, 0), -EFAULT },
		{ REPAIR("l3", 10, "1", "2", 2), 0 }, { REPAIR("l3", 10, "0", "2", 0), 0 },
		{ REPAIR("l3", 10, "1", "2", 0), -EINVAL },
		{ REPAIR("l3", 10, "1", "2", 3), -EINVAL },
		{ REPAIR("l3", 10, "1", "2", 0x12), -EINVAL },
		{ REPAIR("l3", 11, "1", "2", 2), -EFAULT },
		{ REPAIR("l3", 32, "1", "2", 2), -EFAULT },
		{ REPAIR("l3", 0x10000, "1", "2", 2), -EFAULT },
		{ REPAIR("l4", 26, "1", "2", 2), 0 }, { REPAIR("l4", 26, "1", "2", 0x72), 0 },
		{ REPAIR("l4", 26, "1", "2", 8), -EINVAL },
		{ REPAIR("l4", 26, "1", "2", 0x100), -EINVAL },
		{ REPAIR("l4", 31, "1", "2", 2), -EFAULT },
		{ REPAIR("l4", 32, "1", "2", 2), -EFAULT },
		{ "r1 = r7\nr2 = 32\ncall bpf_skb_pull_data\n", 0 },
		{ "r1 = r7\nr2 = 0\ncall bpf_skb_pull_data\n", 0 },
		{ "r1 = r7\nr2 = 33\ncall bpf_skb_pull_data\n", -ENOMEM },
		{ "r1 = r7\nr2 = -1\ncall bpf_skb_pull_data\n", -ENOMEM },
		{ "r1 = 0\nr2 = 0\nr3 = r10\nr3 += -4\nr4 = 3\nr5 = 0\ncall bpf_csum_diff\n",
		  -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[512];

		snprintf(text, sizeof(text), RETURNS, cases[i].call, cases[i].err);
		EXPECT_EQ(1, run(self, text, 1)) {
			TH_LOG("%s wanted %d", cases[i].call, cases[i].err);
		}
	}
}

TEST_F(packet, directly)
{
	ASSERT_EQ(1, run(self, DIRECTLY("*(u32 *)(r2 + 28) = 0x55667788\n"), 1));
	EXPECT_EQ(CHANGED, self->out.number);
	EXPECT_EQ(0, memcmp(&self->in, &self->out, offsetof(struct packet, number)));
	/* Each run finds what the one before left. */
	ASSERT_EQ(1, run(self, DIRECTLY("r5 = *(u8 *)(r2 + 8)\nr5 += -1\n"
					"*(u8 *)(r2 + 8) = r5\n"), 10));
	EXPECT_EQ(54, self->out.ip.ttl);
}

/* After a helper moved the packet, its pointers are the new ones. */
TEST_F(packet, pointers_after_a_pull)
{
	ASSERT_EQ(1, run(self, "r7 = r1\nr2 = 32\ncall bpf_skb_pull_data\nr1 = r7\n"
			 DIRECTLY("*(u8 *)(r2 + 31) = 9\n"), 1));
	EXPECT_EQ(9, ((__u8 *)&self->out)[31]);
}

/* ------------------------------------------------------------------------
 * On the wire
 */
static int send_raw(const struct packet *p)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = p->ip.daddr };
	int fd, err;

	if (km_enter(KM_FAR_NS))
		return -EIO;
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	err = sendto(fd, p, sizeof(*p), 0, (void *)&to, sizeof(to)) == sizeof(*p) ? 0 : -errno;
	close(fd);
	return km_enter(KM_NEAR_NS) ?: err;
}

/*
 * The receiver looks at the checksum of what no device vouches for: what is not
 * repaired does not arrive. The second packet shows that the first is not late.
 */
TEST_F(packet, repaired_packets_arrive)
{
	static const struct { const char *text; bool arrives; } cases[] = {
		{ NEW_NUMBER KM_ACCEPT, true },
		{ "r7 = r1\n*(u32 *)(r10 - 4) = 0x55667788\n" STORE(28, 4, 0) KM_ACCEPT, false },
		{ DIRECTLY("*(u32 *)(r2 + 28) = 0x55667788\n"), false },
	};
	int sock = km_socket(KM_NEAR_NS, SOCK_DGRAM, KM_NEAR4, PORT);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int prog = km_netfilter(self->dev, "%s", cases[i].text);
		int link = km_hook(self->dev, prog, NFPROTO_IPV4, NF_INET_PRE_ROUTING, 0);

		ASSERT_LE(0, link);
		ASSERT_EQ(0, send_raw(&self->in));
		/* Off the wire it is taken a moment later. */
		EXPECT_TRUE(KM_UNTIL(km_info(link).link.accepted));
		close(link);
		close(prog);
		ASSERT_EQ(0, send_raw(&self->in));
		if (cases[i].arrives)
			EXPECT_EQ(CHANGED, km_receive(sock));
		EXPECT_EQ(NUMBER, km_receive(sock));
	}
}

/* A clone of what is sent goes to whoever listens: it must not see the change. */
TEST_F(packet, others_do_not_see_it)
{
	int sock = km_socket(KM_NEAR_NS, SOCK_DGRAM, KM_NEAR4, PORT);
	int far = km_socket(KM_FAR_NS, SOCK_DGRAM, KM_FAR4, PORT);
	int prog = km_netfilter(self->dev, "%s", DIRECTLY("*(u32 *)(r2 + 28) = 0x55667788\n"));
	int link, tap = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(0x0800));
	const struct timeval patience = { .tv_sec = 10 };
	struct packet seen = {};

	ASSERT_LE(0, tap);
	setsockopt(tap, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	link = km_hook(self->dev, prog, NFPROTO_IPV4, NF_INET_PRE_ROUTING, 0);
	ASSERT_LE(0, link);
	ASSERT_EQ(0, km_send(far, KM_NEAR4, PORT, NUMBER));
	EXPECT_EQ(CHANGED, km_receive(sock));
	EXPECT_EQ(sizeof(seen), recv(tap, &seen, sizeof(seen), 0));
	EXPECT_EQ(NUMBER, seen.number);
}

/* ------------------------------------------------------------------------
 * Options of links
 */
static int hook_with(int dev, int prog, __u32 flags, __u32 linear, __u32 *code)
{
	struct kapsel_link_create arg = {
		.hook = KAPSEL_HOOK_NETFILTER, .flags = flags, .prog_fd = prog,
		.netfilter = {
			.family = NFPROTO_IPV4, .hooknum = NF_INET_LOCAL_IN, .linear = linear,
		},
	};
	int link = km_ioctl(dev, KAPSEL_LINK_CREATE, &arg);

	*code = arg.log.verdict.code;
	return link;
}

TEST_F(packet, shadows_drop_nothing)
{
	static const char *const texts[] = {
		KM_DROP, "r6 = *(u32 *)(r1 + 0)\n" KM_DROP, "*(u32 *)(r1 + 8) = 5\n" KM_DROP,
	};
	int sock = km_socket(KM_NEAR_NS, SOCK_DGRAM, KM_NEAR4, PORT);
	int far = km_socket(KM_FAR_NS, SOCK_DGRAM, KM_FAR4, PORT);
	__u32 code;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int prog = km_netfilter(self->dev, "%s", texts[i]);
		int link = hook_with(self->dev, prog, KAPSEL_LINK_SHADOW, 0, &code);

		ASSERT_LE(0, link);
		EXPECT_EQ(KAPSEL_LINK_SHADOW, km_info(link).link.flags);
		for (int n = 0; n < 10; n++) {
			ASSERT_EQ(0, km_send(far, KM_NEAR4, PORT, n));
			EXPECT_EQ(n, km_receive(sock));
		}
		EXPECT_LE(10, km_info(link).link.dropped);
		EXPECT_EQ(0, km_info(link).link.accepted);
		close(link);
		close(prog);
	}
}

TEST_F(packet, shadows_change_nothing)
{
	int stores = km_netfilter(self->dev, "%s", DIRECTLY("*(u8 *)(r2 + 8) = 1\n"));
	int calls = km_netfilter(self->dev, "%s", NEW_NUMBER KM_ACCEPT);
	int marks = km_netfilter(self->dev, "call bpf_skb_ecn_set_ce\n" KM_ACCEPT);
	int link;
	__u32 code;

	EXPECT_EQ(-EINVAL, hook_with(self->dev, stores, KAPSEL_LINK_SHADOW, 0, &code));
	EXPECT_EQ(KPS_D_SHADOW, code);
	EXPECT_EQ(-EINVAL, hook_with(self->dev, calls, KAPSEL_LINK_SHADOW, 0, &code));
	EXPECT_EQ(KPS_D_SHADOW, code);
	EXPECT_EQ(-EINVAL, hook_with(self->dev, marks, KAPSEL_LINK_SHADOW, 0, &code));
	EXPECT_EQ(KPS_D_SHADOW, code);
	link = hook_with(self->dev, km_netfilter(self->dev, KM_ACCEPT), KAPSEL_LINK_SHADOW, 0,
			 &code);
	ASSERT_LE(0, link);
	EXPECT_EQ(-EOPNOTSUPP, km_update(link, marks, -1));
	EXPECT_EQ(-EOPNOTSUPP, km_update(link, stores, -1));
	EXPECT_EQ(-EOPNOTSUPP, km_update(link, calls, -1));
	EXPECT_EQ(0, km_update(link, km_netfilter(self->dev, KM_DROP), -1));
}

/* Drops what has its first 3,000 bytes not in one piece. */
#define IN_ONE_PIECE							\
	"r2 = *(u32 *)(r1 + 76)\n"					\
	"r3 = *(u32 *)(r1 + 80)\n"					\
	"r0 = 0\n"							\
	"r2 += 3000\n"							\
	"if r2 > r3 goto out\n"						\
	"r0 = 1\n"							\
	"out:\n"							\
	"exit\n"

/* A datagram of three fragments is in pieces, until somebody asks for one. */
TEST_F(packet, linear)
{
	static char data[4000];
	int sock = km_socket(KM_NEAR_NS, SOCK_DGRAM, KM_NEAR4, PORT);
	int far = km_socket(KM_FAR_NS, SOCK_DGRAM, KM_FAR4, PORT);
	int prog = km_netfilter(self->dev, IN_ONE_PIECE), link;
	struct sockaddr_storage to;
	socklen_t len = km_addr(&to, KM_NEAR4, PORT);
	__u32 code;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 31 >> 3;
	for (__u32 linear = 2999; linear <= 65535; linear += linear == 2999 ? 1 : 62535) {
		static char got[sizeof(data) + 1];

		link = hook_with(self->dev, prog, 0, linear, &code);
		ASSERT_LE(0, link);
		EXPECT_EQ(linear, km_info(link).link.linear);
		ASSERT_EQ(sizeof(data), sendto(far, data, sizeof(data), 0, (void *)&to, len));
		if (linear == 2999) {
			EXPECT_TRUE(KM_UNTIL(km_info(link).link.dropped));
			ASSERT_EQ(0, km_update(link, km_netfilter(self->dev, KM_ACCEPT), -1));
			ASSERT_EQ(0, km_send(far, KM_NEAR4, PORT, 1));
			EXPECT_EQ(1, km_receive(sock));
			EXPECT_EQ(1, km_info(link).link.dropped);
		} else {
			EXPECT_EQ(sizeof(data), recv(sock, got, sizeof(got), 0));
			EXPECT_EQ(0, memcmp(data, got, sizeof(data)));
			EXPECT_EQ(1, km_info(link).link.accepted);
		}
		EXPECT_EQ(0, km_info(link).link.unready);
		close(link);
	}
	EXPECT_EQ(-EINVAL, hook_with(self->dev, prog, 0, 65536, &code));
}

TEST_HARNESS_MAIN
