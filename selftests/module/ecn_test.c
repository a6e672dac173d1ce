// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marks of congestion: what bpf_skb_ecn_set_ce() says of a packet and makes of it is
 * what Linux says and makes, compiled, interpreted and offline; and at hooks, where
 * receivers find the mark.
 */

#include <linux/if_ether.h>
#include <linux/kernel.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_bpf.h"
#include "module/lib/km_packets.h"
#include "sim.h"

#define PORT		7931
#define LONGEST		64
#define MARKS		"call bpf_skb_ecn_set_ce\nr0 &= 1\nexit\n"
#define PASSES		"call bpf_skb_ecn_set_ce\n" KM_ACCEPT
#define ECN		3

/* What became of a packet. */
struct outcome {
	__u64 marked;
	__u8 packet[LONGEST];
};

/* A program that says whether there is a mark. */
static int linux_prog(void)
{
	struct bpf_insn insns[8];
	char why[128];
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SKB, .insns = km_ptr(insns),
		.expected_attach_type = BPF_CGROUP_INET_INGRESS, .license = km_ptr("GPL"),
	};

	attr.insn_cnt = kt_asm(MARKS, insns, ARRAY_SIZE(insns), why, sizeof(why));
	return km_bpf(BPF_PROG_LOAD, &attr);
}

static int our_prog(int dev, __u32 engine)
{
	struct kapsel_prog_load arg = { .engine = engine };

	return km_load_arg(dev, &arg, KAPSEL_PROG_NETFILTER, MARKS);
}

static int run_linux(int prog, const __u8 *packet, __u32 len, struct outcome *out)
{
	__u8 frame[ETH_HLEN + LONGEST] = { [12] = packet[0] >> 4 == 4 ? 0x08 : 0x86,
					   [13] = packet[0] >> 4 == 4 ? 0x00 : 0xdd };
	union bpf_attr attr = { .test = {
		.prog_fd = prog, .data_in = km_ptr(frame), .data_out = km_ptr(frame),
		.data_size_in = ETH_HLEN + len, .data_size_out = sizeof(frame),
	} };
	int err;

	memcpy(frame + ETH_HLEN, packet, len);
	err = km_bpf(BPF_PROG_TEST_RUN, &attr);
	memcpy(out->packet, frame + ETH_HLEN, len);
	out->marked = attr.test.retval;
	return err;
}

static int run_ours(int prog, const __u8 *packet, __u32 len, struct outcome *out)
{
	struct kapsel_test_run arg = {
		.data_in = km_ptr(packet), .data_size_in = len,
		.data_out = km_ptr(out->packet), .data_size_out = LONGEST,
	};
	int err = km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg);

	out->marked = arg.retval;
	return err;
}

static int run_offline(const __u8 *packet, __u32 len, struct outcome *out)
{
	struct kl_sim sim = { .packet = (char *)out->packet, .packet_size = len };

	memcpy(out->packet, packet, len);
	kl_sim_now = &sim;
	out->marked = kl_h_skb_ecn_set_ce(0, 0, 0, 0, 0);
	kl_sim_now = NULL;
	return 0;
}

FIXTURE(ecn) {
	int dev;
	int theirs;
	int ours[2];
};

FIXTURE_SETUP(ecn)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->theirs = linux_prog();
	self->ours[0] = our_prog(self->dev, KAPSEL_ENGINE_INTERP);
	self->ours[1] = our_prog(self->dev, KAPSEL_ENGINE_AUTO);
	ASSERT_LE(0, self->ours[0]);
	ASSERT_LE(0, self->ours[1]);
}

FIXTURE_TEARDOWN(ecn)
{
}

/* Each way that there is here. */
static void expect(struct __test_metadata *_metadata, struct _test_data_ecn *self,
		   const __u8 *packet, __u32 len, const struct outcome *wanted)
{
	for (int i = 0; i < 3; i++) {
		struct outcome got = {};

		ASSERT_EQ(0, i < 2 ? run_ours(self->ours[i], packet, len, &got) :
				     run_offline(packet, len, &got));
		EXPECT_EQ(wanted->marked, got.marked);
		EXPECT_EQ(0, memcmp(wanted->packet, got.packet, len)) {
			TH_LOG("way %d, version %u, %u bytes, class %02x%02x", i,
			       packet[0] >> 4, len, packet[0], packet[1]);
		}
	}
}

static int compare(struct __test_metadata *_metadata, struct _test_data_ecn *self,
		   const __u8 *packet, __u32 len)
{
	struct outcome wanted = {};

	EXPECT_EQ(0, run_linux(self->theirs, packet, len, &wanted));
	expect(_metadata, self, packet, len, &wanted);
	return wanted.marked;
}

static void set_class(__u8 *packet, int version, int class)
{
	packet[0] = version == 4 ? 0x45 : 0x60 | class >> 4;
	packet[1] = version == 4 ? class : class << 4 | 7;
}

/* Each class, and of each some sums, right or wrong. */
TEST_F(ecn, of_packets_as_linux_marks_them)
{
	static const __u16 sums[] = { 0, 1, 2, 0x0100, 0x0200, 0xfffd, 0xfffe, 0xffff };
	__u8 packet[LONGEST] = { [8] = 64, [9] = 17 };
	int marked = 0;

	if (self->theirs < 0)
		SKIP(return, "no bpf(2)");
	for (int i = 0; i < 256 * (int)ARRAY_SIZE(sums); i++) {
		__u16 check = htons(sums[i % ARRAY_SIZE(sums)] + i * 7 % 3);

		memcpy(packet + 10, &check, 2);
		set_class(packet, 4, i / ARRAY_SIZE(sums));
		marked += compare(_metadata, self, packet, 20 + i % 44);
		set_class(packet, 6, i / ARRAY_SIZE(sums));
		marked += compare(_metadata, self, packet, 40 + i % 24);
	}
	EXPECT_EQ(2 * 192 * (int)ARRAY_SIZE(sums), marked);
}

/* Of which Linux makes no packet for a test. */
TEST_F(ecn, half_a_header_is_left_alone)
{
	struct outcome wanted = {};

	for (int i = 0; i < 256; i++)
		for (__u32 len = 20; len < 40; len++) {
			set_class(wanted.packet, 6, i);
			expect(_metadata, self, wanted.packet, len, &wanted);
		}
}

/* ------------------------------------------------------------------------
 * At hooks: what a sender says of its datagrams is what the receiver finds, or CE
 */
FIXTURE(marked) {
	int dev;
	int prog;
};

FIXTURE_SETUP(marked)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->prog = km_netfilter(self->dev, PASSES);
	ASSERT_LE(0, self->prog);
	ASSERT_EQ(0, km_net_setup());
}

FIXTURE_TEARDOWN(marked)
{
	km_net_teardown();
}

static int level(bool v6)
{
	return v6 ? IPPROTO_IPV6 : IPPROTO_IP;
}

static int send_as(int fd, const char *to, int class)
{
	bool v6 = strchr(to, ':');

	if (setsockopt(fd, level(v6), v6 ? IPV6_TCLASS : IP_TOS, &class, sizeof(class)))
		return -errno;
	return km_send(fd, to, PORT, class);
}

/* The class of the next datagram, or -errno. */
static int class_received(int fd, bool v6)
{
	char room[100], number[4];
	struct iovec io = { number, sizeof(number) };
	struct msghdr msg = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *cmsg;

	if (recvmsg(fd, &msg, 0) < 0)
		return -errno;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_level != level(v6))
		return -ENODATA;
	return *(__u8 *)CMSG_DATA(cmsg);
}

static void see(struct __test_metadata *_metadata, bool out, bool v6, bool marks)
{
	const char *near = v6 ? KM_NEAR6 : KM_NEAR4, *far = v6 ? KM_FAR6 : KM_FAR4;
	int here = km_socket(KM_NEAR_NS, SOCK_DGRAM, near, PORT), one = 1;
	int there = km_socket(KM_FAR_NS, SOCK_DGRAM, far, PORT);

	ASSERT_EQ(0, setsockopt(out ? there : here, level(v6), v6 ? IPV6_RECVTCLASS : IP_RECVTOS,
				&one, sizeof(one)));
	for (int class = 0; class < 16; class++) {
		int wanted = marks && class & ECN ? class | ECN : class;

		ASSERT_EQ(0, send_as(out ? here : there, out ? far : near, class));
		EXPECT_EQ(wanted, class_received(out ? there : here, v6));
	}
	close(here);
	close(there);
}

TEST_F(marked, datagrams_at_hooks)
{
	static const __u32 hooks[] = {
		NF_INET_PRE_ROUTING, NF_INET_LOCAL_IN, NF_INET_LOCAL_OUT, NF_INET_POST_ROUTING,
	};

	see(_metadata, false, false, false);
	see(_metadata, true, true, false);
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		int link = km_hook(self->dev, self->prog, NFPROTO_INET, hooks[i], 0);

		ASSERT_LE(0, link);
		see(_metadata, i > 1, false, true);
		see(_metadata, i > 1, true, true);
		see(_metadata, i <= 1, false, false);
		close(link);
	}
}

TEST_HARNESS_MAIN
