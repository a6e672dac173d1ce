// SPDX-License-Identifier: GPL-2.0-only
/* PROG_TEST_RUN of netfilter programs: packets in and out, the context */

#include <linux/kernel.h>
#include <net/if.h>

#include "core/proto.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"

#define MAX_PACKET 65535

FIXTURE(skb) {
	int dev;
	int map;	/* what programs found */
	__u8 packet[MAX_PACKET + 1];
	__u8 out[MAX_PACKET + 1];
};

FIXTURE_SETUP(skb)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	ASSERT_LE(0, self->map);
	for (size_t i = 0; i < sizeof(self->packet); i++)
		self->packet[i] = i * 7;
	self->packet[0] = 0x45;
}

FIXTURE_TEARDOWN(skb)
{
}

/* Stores r6 as the map's value and accepts. */
#define STORE_R6							\
	"*(u32 *)(r10 - 4) = 0\n"					\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto none\n"					\
	"*(u64 *)(r0 + 0) = r6\n"					\
	"none:\n"							\
	"r0 = 1\n"							\
	"exit\n"

static int run(int prog, const void *packet, __u32 size, __u32 hook)
{
	__u64 ret = -1;
	int err = km_run(prog, NULL, 0, packet, size, hook, &ret);

	return err ?: (int)ret;
}

/* What a program that begins with @text leaves in r6. */
#define FOUND(self, ctx, ctx_size, size, hook, text, ...) ({		\
	int _prog = km_netfilter((self)->dev, text STORE_R6,		\
				 ##__VA_ARGS__, (self)->map);		\
	__u64 _ret = 0;							\
									\
	km_set((self)->map, 0, -1, BPF_ANY);				\
	if (km_run(_prog, ctx, ctx_size, (self)->packet, size, hook, &_ret)) \
		_ret = 0;						\
	close(_prog);							\
	_ret == 1 ? km_value((self)->map, 0) : -2ULL;			\
})

TEST_F(skb, sizes)
{
	int prog = km_netfilter(self->dev, KM_ACCEPT);

	EXPECT_EQ(-EINVAL, run(prog, self->packet, 0, 0));
	EXPECT_EQ(-EINVAL, run(prog, self->packet, 19, 0));
	EXPECT_EQ(1, run(prog, self->packet, 20, 0));
	EXPECT_EQ(1, run(prog, self->packet, 1500, 0));
	EXPECT_EQ(1, run(prog, self->packet, MAX_PACKET, 0));
	EXPECT_EQ(-EINVAL, run(prog, self->packet, MAX_PACKET + 1, 0));
	EXPECT_EQ(-EINVAL, run(prog, self->packet, UINT32_MAX, 0));
}

TEST_F(skb, pointers)
{
	long page = sysconf(_SC_PAGESIZE);
	char *mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int prog = km_netfilter(self->dev, KM_ACCEPT);

	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, munmap(mem + page, page));
	mem[page - 20] = 0x45;
	EXPECT_EQ(1, run(prog, mem + page - 20, 20, 0));
	EXPECT_EQ(-EFAULT, run(prog, mem + page - 20, 21, 0));
	EXPECT_EQ(-EFAULT, run(prog, NULL, 20, 0));
	EXPECT_EQ(-EFAULT, run(prog, (void *)(1UL << 63), 20, 0));
}

TEST_F(skb, only_two_versions_of_ip)
{
	int prog = km_netfilter(self->dev, KM_ACCEPT);

	for (int version = 0; version < 16; version++) {
		self->packet[0] = version << 4 | 5;
		EXPECT_EQ(version == 4 || version == 6 ? 1 : -EINVAL,
			  run(prog, self->packet, 40, 0));
	}
}

TEST_F(skb, verdict)
{
	EXPECT_EQ(0, run(km_netfilter(self->dev, KM_DROP), self->packet, 20, 0));
	EXPECT_EQ(1, run(km_netfilter(self->dev, KM_ACCEPT), self->packet, 20, 0));
}

TEST_F(skb, the_packet_comes_out_as_it_is)
{
	struct kapsel_test_run arg = {
		.data_in = km_ptr(self->packet), .data_size_in = 1500,
		.data_out = km_ptr(self->out), .data_size_out = sizeof(self->out),
	};
	int prog = km_netfilter(self->dev, KM_ACCEPT);

	ASSERT_EQ(0, km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg));
	EXPECT_EQ(1500, arg.data_size_out);
	EXPECT_EQ(0, memcmp(self->packet, self->out, 1500));
	EXPECT_EQ(0, self->out[1500]);
	memset(self->out, 0, sizeof(self->out));
	arg.data_size_out = 10;
	ASSERT_EQ(0, km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg));
	EXPECT_EQ(1500, arg.data_size_out);
	EXPECT_EQ(0, memcmp(self->packet, self->out, 10));
	EXPECT_EQ(0, self->out[10]);
	arg.data_out = 8;
	EXPECT_EQ(-EFAULT, km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg));
}

TEST_F(skb, context_sizes)
{
	struct __sk_buff ctx[2] = { { .mark = 5 } };
	int prog = km_netfilter(self->dev, KM_ACCEPT);
	__u64 ret;

	for (__u32 size = 1; size <= sizeof(ctx); size *= 2)
		EXPECT_EQ(0, km_run(prog, ctx, size, self->packet, 20, 0, &ret));
	ctx[1].len = 1;
	EXPECT_EQ(-E2BIG, km_run(prog, ctx, sizeof(ctx), self->packet, 20, 0, &ret));
	EXPECT_EQ(-EINVAL, km_run(prog, NULL, 8, self->packet, 20, 0, &ret));
	EXPECT_EQ(-EINVAL, km_run(prog, ctx, 0, self->packet, 20, 0, &ret));
	EXPECT_EQ(-EFAULT, km_run(prog, (void *)8, 8, self->packet, 20, 0, &ret));
}

#define WORD(self, ctx, size, hook, offset) \
	FOUND(self, ctx, sizeof(struct __sk_buff), size, hook, \
	      "r6 = *(u32 *)(r1 + %u)\n", offset)
#define LONG(self, ctx, offset) \
	FOUND(self, ctx, sizeof(struct __sk_buff), 40, 0, "r6 = *(u64 *)(r1 + %u)\n", offset)
#define FIELD(name) ((__u32)offsetof(struct __sk_buff, name))

TEST_F(skb, given_fields_are_found)
{
	struct __sk_buff ctx = {
		.mark = 0x11223344, .priority = 0x55667788, .tstamp = 0x1122334455667788,
		.cb = { 1, 2, 3, 4, 0xffffffff }, .ingress_ifindex = 0x01020304,
		.gso_segs = 0xffff, .gso_size = 0x8001, .hwtstamp = 0x99aabbccddeeff00,
	};

	EXPECT_EQ(0x11223344, WORD(self, &ctx, 40, 0, FIELD(mark)));
	EXPECT_EQ(0x55667788, WORD(self, &ctx, 40, 0, FIELD(priority)));
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(ctx.cb[i], WORD(self, &ctx, 40, 0, (__u32)(FIELD(cb) + 4 * i)));
	EXPECT_EQ(0x01020304, WORD(self, &ctx, 40, 0, FIELD(ingress_ifindex)));
	EXPECT_EQ(0xffff, WORD(self, &ctx, 40, 0, FIELD(gso_segs)));
	EXPECT_EQ(0x8001, WORD(self, &ctx, 40, 0, FIELD(gso_size)));
	EXPECT_EQ(0x1122334455667788, LONG(self, &ctx, FIELD(tstamp)));
	EXPECT_EQ(0x99aabbccddeeff00, LONG(self, &ctx, FIELD(hwtstamp)));
}

TEST_F(skb, fields_that_no_packet_has)
{
	struct __sk_buff segs = { .gso_segs = 0x10000 }, size = { .gso_size = 0x10000 };
	int prog = km_netfilter(self->dev, KM_ACCEPT);
	__u64 ret;

	EXPECT_EQ(-EINVAL, km_run(prog, &segs, sizeof(segs), self->packet, 40, 0, &ret));
	EXPECT_EQ(-EINVAL, km_run(prog, &size, sizeof(size), self->packet, 40, 0, &ret));
}

TEST_F(skb, fields_of_the_packet)
{
	struct __sk_buff none = {};

	EXPECT_EQ(40, WORD(self, &none, 40, 0, FIELD(len)));
	EXPECT_EQ(MAX_PACKET, WORD(self, &none, MAX_PACKET, 0, FIELD(len)));
	EXPECT_EQ(0x0008, WORD(self, &none, 40, 0, FIELD(protocol)));
	self->packet[0] = 0x60;
	EXPECT_EQ(0xdd86, WORD(self, &none, 40, 0, FIELD(protocol)));
	EXPECT_EQ(0, WORD(self, &none, 40, 0, FIELD(mark)));
	EXPECT_EQ(0, WORD(self, &none, 40, 0, FIELD(family)));
}

/* kapsel's own fields, behind those of Linux. */
enum { HOOK = 192, IN_IFINDEX = 196, OUT_IFINDEX = 200 };

TEST_F(skb, fields_of_the_place)
{
	static const struct { __u32 hook; bool in, out; } hooks[] = {
		{ NF_INET_PRE_ROUTING, true, false }, { NF_INET_LOCAL_IN, true, false },
		{ NF_INET_FORWARD, true, true }, { NF_INET_LOCAL_OUT, false, true },
		{ NF_INET_POST_ROUTING, false, true },
	};
	__u32 lo = if_nametoindex("lo");
	struct __sk_buff none = {};
	struct __sk_buff ctx = { .ifindex = 12345 };
	__u64 ret;

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		EXPECT_EQ(hooks[i].hook, WORD(self, &none, 40, hooks[i].hook, HOOK));
		EXPECT_EQ(hooks[i].in ? lo : 0, WORD(self, &none, 40, hooks[i].hook, IN_IFINDEX));
		EXPECT_EQ(hooks[i].out ? lo : 0, WORD(self, &none, 40, hooks[i].hook, OUT_IFINDEX));
		EXPECT_EQ(lo, WORD(self, &none, 40, hooks[i].hook, FIELD(ifindex)));
	}
	EXPECT_EQ(-ENODEV, km_run(km_netfilter(self->dev, KM_ACCEPT), &ctx, sizeof(ctx),
				  self->packet, 40, 0, &ret));
	EXPECT_EQ(-EINVAL, run(km_netfilter(self->dev, KM_ACCEPT), self->packet, 40, 5));
}

TEST_F(skb, every_byte_can_be_read)
{
	const struct kps_prog_type *type = kps_prog_type_find(KAPSEL_PROG_NETFILTER);

	for (__u32 i = 0; i < type->nr_fields; i++) {
		const struct kps_ctx_field *f = &type->fields[i];

		if (!(f->flags & KAPSEL_CTX_NARROW))
			continue;
		for (__u32 at = f->offset; at < f->offset + f->size; at++) {
			EXPECT_NE(-2ULL, FOUND(self, NULL, 0, 40, 0,
					       "r6 = *(u8 *)(r1 + %u)\n", at)) {
				TH_LOG("%s", f->name);
			}
		}
	}
}

/* A narrow read is a part of the whole, whatever is behind the field. */
TEST_F(skb, narrow_reads_are_parts_of_the_whole)
{
	const struct kps_prog_type *type = kps_prog_type_find(KAPSEL_PROG_NETFILTER);
	struct __sk_buff ctx = {
		.mark = 0x81828384, .priority = 0x85868788, .tstamp = 0x8182838485868788,
		.cb = { 0x11121314, 0x21222324, 0x31323334, 0x41424344, 0x51525354 },
	};

	for (__u32 i = 0; i < type->nr_fields; i++) {
		const struct kps_ctx_field *f = &type->fields[i];

		if (!(f->flags & KAPSEL_CTX_NARROW))
			continue;
		for (__u32 at = f->offset; at < f->offset + f->size; at += 4) {
			__u64 word = WORD(self, &ctx, 40, 1, at);

			for (__u32 b = 0; b < 4; b++) {
				EXPECT_EQ(word >> 8 * b & 0xff,
					  FOUND(self, &ctx, sizeof(ctx), 40, 1,
						"r6 = *(u8 *)(r1 + %u)\n", at + b)) {
					TH_LOG("%s byte %u", f->name, b);
				}
			}
			for (__u32 h = 0; h < 4; h += 2)
				EXPECT_EQ(word >> 8 * h & 0xffff,
					  FOUND(self, &ctx, sizeof(ctx), 40, 1,
						"r6 = *(u16 *)(r1 + %u)\n", at + h));
		}
	}
}

TEST_F(skb, writable_fields_are_written_and_others_are_not)
{
	const struct kps_prog_type *type = kps_prog_type_find(KAPSEL_PROG_NETFILTER);

	for (__u32 i = 0; i < type->nr_fields; i++) {
		const struct kps_ctx_field *f = &type->fields[i];
		__u32 width = f->size == 8 ? 64 : 32;
		struct kapsel_prog_load arg = {};
		char text[512];
		int prog;

		snprintf(text, sizeof(text),
			 "r6 = 0x1234\n*(u%u *)(r1 + %u) = r6\nr6 = *(u%u *)(r1 + %u)\n"
			 STORE_R6, width, f->offset, width, f->offset, self->map);
		prog = km_load_arg(self->dev, &arg, KAPSEL_PROG_NETFILTER, text);
		EXPECT_EQ(!(f->flags & KAPSEL_CTX_WRITE), prog < 0) {
			TH_LOG("%s: %d, KV%03u", f->name, prog, arg.log.verdict.code);
		}
		if (prog < 0)
			continue;
		km_set(self->map, 0, 0, BPF_ANY);
		ASSERT_EQ(1, run(prog, self->packet, 40, 0));
		EXPECT_EQ(0x1234, km_value(self->map, 0)) {
			TH_LOG("%s", f->name);
		}
		close(prog);
	}
}

/* The mark belongs to the packet, cb to the run. */
TEST_F(skb, what_is_written_stays_with_the_packet)
{
	static const char text[] =
		"r7 = r1\n"
		"r6 = *(u32 *)(r7 + %u)\n"
		"r6 += 1\n"
		"*(u32 *)(r7 + %u) = r6\n"
		STORE_R6;
	static const struct { __u32 at; __u64 after; } cases[] = {
		{ FIELD(mark), 5 }, { FIELD(priority), 5 }, { FIELD(cb), 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kapsel_test_run arg = {
			.data_in = km_ptr(self->packet), .data_size_in = 40, .repeat = 5,
		};
		int prog = km_netfilter(self->dev, text, cases[i].at, cases[i].at, self->map);

		ASSERT_LE(0, prog);
		ASSERT_EQ(0, km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg));
		EXPECT_EQ(cases[i].after, km_value(self->map, 0));
	}
}

/* Byte %2, if there are %1 of them. */
#define BYTE								\
	"r6 = 0\n"							\
	"r2 = *(u32 *)(r1 + 76)\n"					\
	"r3 = *(u32 *)(r1 + 80)\n"					\
	"r4 = r2\n"							\
	"r4 += %u\n"							\
	"if r4 > r3 goto short\n"					\
	"r6 = *(u8 *)(r2 + %u)\n"					\
	"short:\n"

TEST_F(skb, bytes_of_the_packet)
{
	self->packet[39] = 0xab;
	EXPECT_EQ(0xab, FOUND(self, NULL, 0, 40, 0, BYTE, 40, 39));
	EXPECT_EQ(0, FOUND(self, NULL, 0, 40, 0, BYTE, 41, 40));
	EXPECT_EQ(self->packet[999], FOUND(self, NULL, 0, MAX_PACKET, 0, BYTE, 1000, 999));
}

/* From offset r2, r4 bytes; a failure leaves zeros. */
#define LOAD								\
	"*(u64 *)(r10 - 16) = -1\n"					\
	"*(u64 *)(r10 - 8) = -1\n"					\
	"r2 = %d\n"							\
	"r3 = r10\n"							\
	"r3 += -16\n"							\
	"r4 = %u\n"							\
	"call bpf_skb_load_bytes\n"

TEST_F(skb, load_bytes)
{
	static const int beyond[] = { 33, 40, 41, 65535, 65536, INT32_MAX, -1, -8, INT32_MIN };
	__u64 wanted;

	memcpy(&wanted, self->packet + 32, 8);
	EXPECT_EQ(0, FOUND(self, NULL, 0, 40, 0, LOAD "r6 = r0\n", 32, 8));
	EXPECT_EQ(wanted, FOUND(self, NULL, 0, 40, 0, LOAD "r6 = *(u64 *)(r10 - 16)\n", 32, 8));
	/* No byte more than asked for. */
	EXPECT_EQ(-1ULL, FOUND(self, NULL, 0, 40, 0, LOAD "r6 = *(u64 *)(r10 - 8)\n", 32, 8));
	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++) {
		EXPECT_EQ(-EFAULT, (long)FOUND(self, NULL, 0, 40, 0, LOAD "r6 = r0\n",
					       beyond[i], 8));
		EXPECT_EQ(0, FOUND(self, NULL, 0, 40, 0, LOAD "r6 = *(u64 *)(r10 - 16)\n",
				   beyond[i], 8));
		EXPECT_EQ(-1ULL, FOUND(self, NULL, 0, 40, 0, LOAD "r6 = *(u64 *)(r10 - 8)\n",
				       beyond[i], 8));
	}
}

TEST_HARNESS_MAIN
