// SPDX-License-Identifier: GPL-2.0-only
/* Metered programs: loops that only the ceiling ends, and what becomes of the event */

#include <linux/kernel.h>
#include <sys/syscall.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_net.h"

#define TARGET		"__x64_sys_getpgid"
#define CALLS		20
#define PORT		7777
#define CEILING		1000
#define KPROBE		KAPSEL_PROG_KPROBE
#define NETFILTER	KAPSEL_PROG_NETFILTER

/* r6: element 0 of map %d, which says how a run goes on. */
#define WISH								\
	"*(u32 *)(r10 - 4) = 0\n"					\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto out\n"						\
	"r6 = r0\n"

/* Spins until the wish is another than 0: the verdict is 1. */
#define SPIN								\
	WISH								\
	"again:\n"							\
	"r1 = *(u64 *)(r6 + 0)\n"					\
	"if r1 == 0 goto again\n"					\
	"out:\n"							\
	KM_ACCEPT

/* Changes with every trip, but need not come to the end that a register says. */
#define COUNT_UP							\
	"r2 = *(u64 *)(r1 + 112)\n"					\
	"r0 = 0\n"							\
	"again:\n"							\
	"r0 += 2\n"							\
	"if r0 != r2 goto again\n"					\
	"exit\n"

static bool has_engine(int dev, __u32 engine)
{
	struct kapsel_abi abi = {};

	return !km_ioctl(dev, KAPSEL_GET_ABI, &abi) && abi.engines & 1 << engine;
}

FIXTURE(meter) {
	int dev;
	int map;
	struct kapsel_prog_load arg;
	struct kapsel_rec_problem rec;
};

FIXTURE_VARIANT(meter) {
	__u32 engine;
};

FIXTURE_VARIANT_ADD(meter, interp) {
	.engine = KAPSEL_ENGINE_INTERP,
};

FIXTURE_VARIANT_ADD(meter, jit) {
	.engine = KAPSEL_ENGINE_JIT,
};

FIXTURE_SETUP(meter)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	if (!has_engine(self->dev, variant->engine))
		SKIP(return KM_NO_TEST, "no such engine");
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 2, 0);
	ASSERT_LE(0, self->map);
	self->arg = (struct kapsel_prog_load){
		.flags = KAPSEL_PROG_METERED, .ceiling = CEILING, .engine = variant->engine,
		.log = { .buf = km_ptr(&self->rec), .size = sizeof(self->rec) },
	};
}

FIXTURE_TEARDOWN(meter)
{
}

static int load(struct _test_data_meter *self, __u32 type, const char *fmt, ...)
{
	static char text[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return km_load_arg(self->dev, &self->arg, type, text);
}

static int spinner(struct _test_data_meter *self, __u32 type)
{
	return load(self, type, SPIN, self->map);
}

static int wish(struct _test_data_meter *self, __u64 value)
{
	return km_set(self->map, 0, value, BPF_ANY);
}

/* On a packet, if the type wants one. */
static int run(int prog, __u32 type, __u64 *ret)
{
	static const __u8 packet[20] = { 0x45 };

	if (type == KPROBE)
		return km_run(prog, NULL, 0, NULL, 0, 0, ret);
	return km_run(prog, NULL, 0, packet, sizeof(packet), NF_INET_LOCAL_IN, ret);
}

/* ------------------------------------------------------------------------
 * Loading
 */
TEST_F(meter, without_the_flag_the_loop_is_refused)
{
	self->arg.flags = 0;
	EXPECT_EQ(-EACCES, spinner(self, KPROBE));
	EXPECT_EQ(KPS_D_ENDLESS, self->arg.log.verdict.code);
	EXPECT_EQ(KAPSEL_REC_ERROR, self->rec.hdr.kind);
	/* Walked, it comes to the ceiling before anything else can be said of it. */
	EXPECT_EQ(-E2BIG, load(self, KPROBE, COUNT_UP));
	EXPECT_EQ(KPS_D_CEILING, self->arg.log.verdict.code);
}

TEST_F(meter, with_it_the_loop_is_a_warning)
{
	const struct kapsel_verdict *v = &self->arg.log.verdict;
	int prog = spinner(self, KPROBE);

	ASSERT_LE(0, prog);
	EXPECT_EQ(0, v->code);
	EXPECT_EQ(1, v->warnings);
	EXPECT_EQ(CEILING, v->max_insns);
	EXPECT_EQ(sizeof(self->rec), self->arg.log.true_size);
	EXPECT_EQ(KAPSEL_REC_WARNING, self->rec.hdr.kind);
	EXPECT_EQ(KPS_D_UNBOUNDED, self->rec.code);
	/* Where the loop begins: a map's address takes two slots. */
	EXPECT_EQ(8, self->rec.hdr.insn);
	EXPECT_EQ(CEILING, km_info(prog).prog.max_insns);
}

TEST_F(meter, progress_to_no_known_end_is_a_warning)
{
	int prog = load(self, KPROBE, COUNT_UP);
	__u64 regs[15] = { [14] = 6 }, ret;

	ASSERT_LE(0, prog);
	EXPECT_EQ(1, self->arg.log.verdict.warnings);
	EXPECT_EQ(KPS_D_UNBOUNDED, self->rec.code);
	EXPECT_EQ(2, self->rec.hdr.insn);
	EXPECT_EQ(0, km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret));
	EXPECT_EQ(6, ret);
	regs[14] = 7;
	EXPECT_EQ(-ETIME, km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret));
}

TEST_F(meter, the_default_ceiling_is_one_too)
{
	self->arg.ceiling = 0;
	EXPECT_EQ(KAPSEL_DEFAULT_CEILING, km_info(spinner(self, NETFILTER)).prog.max_insns);
}

TEST_F(meter, bounded_programs_are_no_other_for_it)
{
	int prog = load(self, KPROBE,
			"r0 = 0\nagain:\nr0 += 1\nif r0 != 10 goto again\nexit\n");

	ASSERT_LE(0, prog);
	EXPECT_EQ(0, self->arg.log.verdict.warnings);
	EXPECT_GT(CEILING, km_info(prog).prog.max_insns);
	EXPECT_EQ(10, km_call(prog));
}

TEST_F(meter, metered_programs_take_no_references)
{
	int ring = km_map(self->dev, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);

	EXPECT_GT(0, load(self, KPROBE,
			  WISH
			  "again:\n"
			  "r1 = *(u64 *)(r6 + 0)\n"
			  "if r1 == 0 goto again\n"
			  "r1 = map[fd:%d] ll\n"
			  "r2 = 8\n"
			  "r3 = 0\n"
			  "call bpf_ringbuf_reserve\n"
			  "if r0 == 0 goto out\n"
			  "r1 = r0\n"
			  "r2 = 0\n"
			  "call bpf_ringbuf_discard\n"
			  "out:\n"
			  "r0 = 0\n"
			  "exit\n", self->map, ring));
	EXPECT_EQ(KPS_D_METERED_REF, self->arg.log.verdict.code);
	EXPECT_EQ(KPS_D_METERED_REF, self->rec.code);
}

/* ------------------------------------------------------------------------
 * Runs by PROG_TEST_RUN
 */
TEST_F(meter, runs_without_end_are_ended)
{
	static const __u32 types[] = { KPROBE, NETFILTER };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		int prog = spinner(self, types[i]);
		__u64 ret;

		ASSERT_LE(0, prog);
		ASSERT_EQ(0, wish(self, 0));
		for (int j = 0; j < CALLS; j++)
			EXPECT_EQ(-ETIME, run(prog, types[i], &ret));
		/* And when it does end, it is a run like any other. */
		ASSERT_EQ(0, wish(self, 1));
		EXPECT_EQ(0, run(prog, types[i], &ret));
		EXPECT_EQ(1, ret);
		close(prog);
	}
}

/* To the instruction: with one less than it takes, the same run is ended. */
TEST_F(meter, the_ceiling_is_exact)
{
	static const char text[] =
		"r0 = 0\nagain:\nr0 += 1\nif r0 != 100 goto again\nexit\n";
	int prog;

	self->arg.ceiling = 202;
	prog = load(self, KPROBE, text);
	ASSERT_LE(0, prog);
	EXPECT_EQ(100, km_call(prog));
	close(prog);
	self->arg.ceiling = 201;
	prog = load(self, KPROBE, text);
	ASSERT_LE(0, prog);
	EXPECT_EQ(201, km_info(prog).prog.max_insns);
	EXPECT_EQ(-ETIME, (long)km_call(prog));
	self->arg.flags = 0;
	EXPECT_EQ(-E2BIG, load(self, KPROBE, text));
	EXPECT_EQ(KPS_D_CEILING, self->arg.log.verdict.code);
}

/* The first run without a result is the last. */
TEST_F(meter, repetitions_end_with_the_first)
{
	struct kapsel_test_run arg = { .repeat = KAPSEL_MAX_REPEAT };
	int prog = load(self, KPROBE,
			WISH
			"r1 = 1\n"
			"lock *(u64 *)(r6 + 0) += r1\n"
			"again:\n"
			"r1 = *(u64 *)(r6 + 0)\n"
			"if r1 == 10 goto again\n"
			"out:\n"
			KM_ACCEPT, self->map);

	ASSERT_LE(0, prog);
	EXPECT_EQ(-ETIME, km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg));
	/* What it did until then, it did. */
	EXPECT_EQ(10, km_value(self->map, 0));
}

/* Deep inside: the next run of the CPU finds nothing of it. */
TEST_F(meter, callbacks_and_functions_are_ended_too)
{
	int next = km_kprobe(self->dev, "r1 = 7\ncall f\nr0 += 1\nexit\nf:\nr0 = r1\nexit\n");
	int prog = load(self, KPROBE,
			WISH
			"r1 = 10\n"
			"r2 = func each\n"
			"r3 = r10\n"
			"r4 = 0\n"
			"call bpf_loop\n"
			"out:\n"
			"r0 = 0\n"
			"exit\n"
			"each:\n"
			"call f\n"
			"exit\n"
			"f:\n"
			"call bpf_get_prandom_u32\n"
			"if r0 != 0x12345678 goto f\n"
			"r0 = 0\n"
			"exit\n", self->map);

	ASSERT_LE(0, next);
	ASSERT_LE(0, prog);
	EXPECT_EQ(CEILING, km_info(prog).prog.max_insns);
	for (int i = 0; i < CALLS; i++) {
		EXPECT_EQ(-ETIME, (long)km_call(prog));
		EXPECT_EQ(8, km_call(next));
	}
}

/*
 * Everything that pays: jumps taken either way, functions, callbacks, one of which ends
 * its loop, a loop that is refused. Each step adds a digit to the map's second value.
 */
#define STEP(n)								\
	"r1 = *(u64 *)(r6 + 0)\n"					\
	"r1 *= 10\n"							\
	"r1 += " #n "\n"						\
	"*(u64 *)(r6 + 0) = r1\n"

#define TRIP								\
	"r6 = map[fd:%d] + 0 ll\n"					\
	"r7 = 3\n"							\
	"again:\n"							\
	STEP(1)								\
	"if r7 == 2 goto two\n"						\
	STEP(2)								\
	"goto next\n"							\
	"two:\n"							\
	"r1 = r7\n"							\
	"call f\n"							\
	STEP(3)								\
	"next:\n"							\
	"r7 += -1\n"							\
	"if r7 != 0 goto again\n"					\
	"r1 = 0x800001\n"						\
	"r2 = func each\n"						\
	"r3 = r10\n"							\
	"r4 = 0\n"							\
	"call bpf_loop\n"						\
	STEP(4)								\
	"r1 = 5\n"							\
	"r2 = func each\n"						\
	"r3 = r10\n"							\
	"r4 = 0\n"							\
	"call bpf_loop\n"						\
	STEP(5)								\
	"r0 = *(u64 *)(r6 + 0)\n"					\
	"exit\n"							\
	"each:\n"							\
	"r6 = map[fd:%d] + 0 ll\n"					\
	"r7 = r1\n"							\
	"r3 = 3\n"							\
	"call f\n"							\
	STEP(6)								\
	"r0 = 0\n"							\
	"if r7 < 2 goto out\n"						\
	"r0 = 1\n"							\
	"out:\n"							\
	"exit\n"							\
	"f:\n"								\
	"r6 = map[fd:%d] + 0 ll\n"					\
	STEP(7)								\
	"r0 = r1\n"							\
	"exit\n"

/* What came of the run, and how far it came. */
static __u64 trip(struct _test_data_meter *self, int map, __u64 ceiling, __u64 *far)
{
	__u64 ret = -1;
	int prog;

	self->arg.ceiling = ceiling;
	prog = load(self, KPROBE, TRIP, map, map, map);
	if (prog < 0 || km_set(map, 0, 0, BPF_ANY))
		return prog;
	ret = km_call(prog);
	*far = km_value(map, 0);
	close(prog);
	return ret;
}

/* At each ceiling, either engine ends the run at the same instruction. */
TEST_F(meter, engines_agree)
{
	int map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	__u64 far = 0, other = 0, ret = 0, ceiling = 1;

	ASSERT_LE(0, map);
	for (; ceiling < 400 && (__s64)ret <= 0; ceiling++) {
		self->arg.engine = variant->engine;
		ret = trip(self, map, ceiling, &far);
		self->arg.engine = KAPSEL_ENGINE_INTERP;
		ASSERT_EQ(ret, trip(self, map, ceiling, &other)) TH_LOG("at %llu", ceiling);
		ASSERT_EQ(other, far) TH_LOG("at %llu", ceiling);
	}
	EXPECT_EQ(121731247676765, ret);
	EXPECT_LT(100, ceiling);
}

/* ------------------------------------------------------------------------
 * Links
 */
TEST_F(meter, probes_count_the_runs_that_were_ended)
{
	/* Only this process': the numbers are exact. */
	int prog = load(self, KPROBE,
			"call bpf_get_current_pid_tgid\n"
			"r0 >>= 32\n"
			"if r0 != %d goto out\n"
			SPIN, getpid(), self->map), link;
	struct kapsel_link_info before, info;

	ASSERT_LE(0, prog);
	link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, TARGET);
	ASSERT_LE(0, link);
	for (int i = 0; i < CALLS; i++)
		EXPECT_EQ(getpgrp(), syscall(SYS_getpgid, 0));
	before = km_info(link).link;
	EXPECT_EQ(CALLS, before.aborted);
	ASSERT_EQ(0, wish(self, 1));
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getpgid, 0);
	info = km_info(link).link;
	EXPECT_EQ(CALLS, info.aborted);
	EXPECT_LE(before.runs + CALLS, info.runs);
}

TEST_F(meter, flags_of_links)
{
	static const __u32 bad[] = {
		KAPSEL_LINK_SKIP, KAPSEL_LINK_FAIL_CLOSED | 16, 1U << 31, UINT32_MAX,
	};
	struct kapsel_link_create arg;

	for (__u32 hook = KAPSEL_HOOK_KPROBE; hook <= KAPSEL_HOOK_KRETPROBE; hook++) {
		km_link_probe(&arg, spinner(self, KPROBE), hook, TARGET, 0);
		arg.flags = KAPSEL_LINK_FAIL_CLOSED;
		EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg));
	}
	arg = (struct kapsel_link_create){
		.prog_fd = spinner(self, NETFILTER), .hook = KAPSEL_HOOK_NETFILTER,
		.netfilter = { NFPROTO_INET, NF_INET_LOCAL_IN },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		arg.flags = bad[i];
		EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg));
	}
	arg.flags = KAPSEL_LINK_FAIL_CLOSED;
	EXPECT_LE(0, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg));
}

/* ------------------------------------------------------------------------
 * Packets
 */
FIXTURE(packets) {
	FIXTURE_DATA(meter) meter;
	struct kapsel_link_create arg;
	int near, far;
};

FIXTURE_VARIANT(packets) {
	__u32 engine;
};

FIXTURE_VARIANT_ADD(packets, interp) {
	.engine = KAPSEL_ENGINE_INTERP,
};

FIXTURE_VARIANT_ADD(packets, jit) {
	.engine = KAPSEL_ENGINE_JIT,
};

FIXTURE_SETUP(packets)
{
	struct _test_data_meter *m = &self->meter;

	m->dev = km_open();
	if (!has_engine(m->dev, variant->engine))
		SKIP(return KM_NO_TEST, "no such engine");
	m->map = km_map(m->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 2, 0);
	m->arg = (struct kapsel_prog_load){
		.flags = KAPSEL_PROG_METERED, .ceiling = CEILING, .engine = variant->engine,
	};
	ASSERT_LE(0, m->map);
	ASSERT_EQ(0, km_net_setup());
	self->near = km_socket(KM_NEAR_NS, SOCK_DGRAM, KM_NEAR4, PORT);
	self->far = km_socket(KM_FAR_NS, SOCK_DGRAM, KM_FAR4, PORT);
	ASSERT_LE(0, self->near);
	ASSERT_LE(0, self->far);
	self->arg = (struct kapsel_link_create){
		.prog_fd = spinner(m, NETFILTER), .hook = KAPSEL_HOOK_NETFILTER,
		.netfilter = { NFPROTO_IPV4, NF_INET_LOCAL_IN },
	};
}

FIXTURE_TEARDOWN(packets)
{
	km_net_teardown();
}

TEST_F(packets, without_a_verdict_they_pass)
{
	int link = km_ioctl(self->meter.dev, KAPSEL_LINK_CREATE, &self->arg);
	struct kapsel_link_info info;

	ASSERT_LE(0, link);
	for (int i = 0; i < CALLS; i++) {
		ASSERT_EQ(0, km_send(self->far, KM_NEAR4, PORT, i));
		EXPECT_EQ(i, km_receive(self->near));
	}
	info = km_info(link).link;
	EXPECT_LE(CALLS, info.aborted);
	EXPECT_EQ(0, info.runs);
	EXPECT_EQ(0, info.accepted + info.dropped);
}

TEST_F(packets, they_are_dropped_by_a_link_that_fails_closed)
{
	int link;

	self->arg.flags = KAPSEL_LINK_FAIL_CLOSED;
	link = km_ioctl(self->meter.dev, KAPSEL_LINK_CREATE, &self->arg);
	ASSERT_LE(0, link);
	for (int i = 0; i < CALLS; i++)
		ASSERT_EQ(0, km_send(self->far, KM_NEAR4, PORT, i));
	EXPECT_TRUE(KM_UNTIL(km_info(link).link.aborted >= CALLS));
	/* No verdict is no verdict of 0. */
	EXPECT_EQ(0, km_info(link).link.dropped);
	/* The wire keeps the order: what arrives first shows that the others are lost. */
	ASSERT_EQ(0, wish(&self->meter, 1));
	ASSERT_EQ(0, km_send(self->far, KM_NEAR4, PORT, 777));
	EXPECT_EQ(777, km_receive(self->near));
	EXPECT_LT(0, km_info(link).link.accepted);
}

/* It is the link that fails closed, whatever program it runs. */
TEST_F(packets, another_program_changes_nothing_of_that)
{
	int pass = km_netfilter(self->meter.dev, KM_ACCEPT), link;

	self->arg.flags = KAPSEL_LINK_FAIL_CLOSED;
	link = km_ioctl(self->meter.dev, KAPSEL_LINK_CREATE, &self->arg);
	ASSERT_LE(0, link);
	ASSERT_EQ(0, km_update(link, pass, self->arg.prog_fd));
	ASSERT_EQ(0, km_send(self->far, KM_NEAR4, PORT, 1));
	EXPECT_EQ(1, km_receive(self->near));
	ASSERT_EQ(0, km_update(link, self->arg.prog_fd, pass));
	ASSERT_EQ(0, km_send(self->far, KM_NEAR4, PORT, 2));
	EXPECT_TRUE(KM_UNTIL(km_info(link).link.aborted));
	ASSERT_EQ(0, km_update(link, pass, self->arg.prog_fd));
	ASSERT_EQ(0, km_send(self->far, KM_NEAR4, PORT, 3));
	EXPECT_EQ(3, km_receive(self->near));
}

/* A mark that an ended run had set is not the packet's: later hooks see none. */
TEST_F(packets, an_ended_run_leaves_the_packet_alone)
{
	struct _test_data_meter *m = &self->meter;
	int first, second;

	first = load(m, NETFILTER, "*(u32 *)(r1 + 8) = 77\n" SPIN, m->map);
	second = km_netfilter(m->dev,
			      "r7 = r1\n"
			      WISH
			      "r1 = *(u32 *)(r7 + 8)\n"
			      "if r1 != 77 goto out\n"
			      "*(u64 *)(r6 + 0) = 2\n"
			      "out:\n"
			      KM_ACCEPT, m->map);
	ASSERT_LE(0, km_hook(m->dev, first, NFPROTO_IPV4, NF_INET_LOCAL_IN, -1));
	ASSERT_LE(0, km_hook(m->dev, second, NFPROTO_IPV4, NF_INET_LOCAL_IN, 1));
	ASSERT_EQ(0, km_send(self->far, KM_NEAR4, PORT, 1));
	ASSERT_EQ(1, km_receive(self->near));
	EXPECT_EQ(0, km_value(m->map, 0));
	ASSERT_EQ(0, wish(m, 1));
	ASSERT_EQ(0, km_send(self->far, KM_NEAR4, PORT, 2));
	ASSERT_EQ(2, km_receive(self->near));
	EXPECT_EQ(2, km_value(m->map, 0));
}

TEST_HARNESS_MAIN
