// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks of calls: what helpers and maps say of them is what the kernel's own
 * eBPF says at the same moment, of the same event
 */

#include <linux/kernel.h>
#include <pthread.h>
#include <time.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_bpf.h"
#include "module/lib/km_target.h"

#define ENTRIES		16
#define DEPTH		32
#define MAX_TEXT	4096
#define STORM_SECONDS	20	/* at most */
#define MAX_ENTRY	16	/* bytes, of the first instruction and what tracing puts there */

/* Only this process' calls count. */
#define MINE								\
	"r6 = r1\n"							\
	"%s"								\
	"call bpf_get_current_pid_tgid\n"				\
	"r0 >>= 32\n"							\
	"if r0 != %d goto out\n"					\
	"*(u32 *)(r10 - 4) = 0\n"					\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto out\n"						\
	"r7 = r0\n"							\
	"r1 = r6\n"

#define ANSWER								\
	"*(u64 *)(r7 + 0) = r0\n"					\
	"out:\n"							\
	"r0 = 0\n"							\
	"exit\n"

/* The id of the stack goes into the result's first word. */
#define STACKID MINE							\
	"r2 = map[fd:%d] ll\n"						\
	"r3 = %llu ll\n"						\
	"call bpf_get_stackid\n"					\
	ANSWER

/* The length, and the stack behind it. */
#define STACK MINE							\
	"r2 = r7\n"							\
	"r2 += 8\n"							\
	"r3 = %d\n"							\
	"r4 = %llu ll\n"						\
	"call bpf_get_stack\n"						\
	ANSWER

/**
 * struct side - ours or theirs
 * @stacks: stack trace map
 * @result: array of one element
 * @prog: program
 * @link: what runs it
 */
struct side {
	int stacks;
	int result;
	int prog;
	int link;
};

struct answer {
	__u64 ret;
	__u64 ips[DEPTH];
};

FIXTURE(stack) {
	int dev;
	struct side ours;
	struct side theirs;
	__u64 offset;
};

FIXTURE_VARIANT(stack) {
	__u64 offset;
	bool at_return;
	bool all_regs;
};

FIXTURE_VARIANT_ADD(stack, entry) { 0, false, false };
FIXTURE_VARIANT_ADD(stack, entry_by_all_registers) { 0, false, true };
FIXTURE_VARIANT_ADD(stack, in_the_middle) { 5, false, false };
FIXTURE_VARIANT_ADD(stack, at_return) { 0, true, false };

FIXTURE_SETUP(stack)
{
	const __u32 size = sizeof(struct answer);

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->ours.stacks = km_map(self->dev, BPF_MAP_TYPE_STACK_TRACE, 4, DEPTH * 8,
				   ENTRIES, 0);
	self->ours.result = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, size, 1, 0);
	ASSERT_LE(0, self->ours.stacks);
	ASSERT_LE(0, self->ours.result);
	self->theirs.stacks = km_bpf_map(BPF_MAP_TYPE_STACK_TRACE, 4, DEPTH * 8, ENTRIES, 0);
	self->theirs.result = km_bpf_map(BPF_MAP_TYPE_ARRAY, 4, size, 1, 0);
}

FIXTURE_TEARDOWN(stack)
{
}

static void assemble(char *text, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, MAX_TEXT, fmt, args);
	va_end(args);
}

static int load_theirs(const char *text)
{
	struct bpf_insn insns[256];
	char why[128];
	int cnt = kt_asm(text, insns, ARRAY_SIZE(insns), why, sizeof(why));

	return cnt < 0 ? -ENOEXEC : km_bpf_kprobe(insns, cnt);
}

/* Registers that ftrace does not always save are asked for by reading one. */
static const char *wish(const FIXTURE_VARIANT(stack) * variant)
{
	return variant->all_regs ? "r2 = *(u64 *)(r1 + 40)\n" : "";
}

static int attach_ours(FIXTURE_DATA(stack) * self, const FIXTURE_VARIANT(stack) * variant)
{
	struct kapsel_link_create arg;

	int link;

	self->offset = variant->offset;
	do {
		km_link_probe(&arg, self->ours.prog, variant->at_return ? KAPSEL_HOOK_KRETPROBE :
			      KAPSEL_HOOK_KPROBE, TARGET, self->offset);
		link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);
		/* Where the next instruction begins depends on what the entry begins with. */
	} while (link == -EILSEQ && self->offset++ < variant->offset + MAX_ENTRY);
	return link;
}

static int read_result(int result, bool ours, struct answer *out)
{
	__u32 key = 0;

	return ours ? km_elem(result, KAPSEL_MAP_LOOKUP, &key, 4, out, sizeof(*out), 0) :
		      km_bpf_elem(BPF_MAP_LOOKUP_ELEM, result, &key, out, 0);
}

/*
 * One event that both see. From one place, since the caller's frame is in the
 * stack of its user side.
 */
static noinline int ask(FIXTURE_DATA(stack) * self, const FIXTURE_VARIANT(stack) * variant,
			struct answer *ours, struct answer *theirs)
{
	int err;

	self->ours.link = attach_ours(self, variant);
	self->theirs.link = km_bpf_probe(self->theirs.prog, TARGET, self->offset,
					 variant->at_return);
	err = self->ours.link < 0 ? self->ours.link : self->theirs.link < 0 ?
	      self->theirs.link : 0;
	if (!err)
		target();
	close(self->ours.link);
	close(self->theirs.link);
	close(self->ours.prog);
	close(self->theirs.prog);
	memset(ours, 0xaa, sizeof(*ours));
	memset(theirs, 0x55, sizeof(*theirs));
	return err ?: read_result(self->ours.result, true, ours) ?:
	       read_result(self->theirs.result, false, theirs);
}

static int ask_id(FIXTURE_DATA(stack) * self, const FIXTURE_VARIANT(stack) * variant,
		  __u64 flags, struct answer *ours, struct answer *theirs)
{
	char text[MAX_TEXT];

	assemble(text, STACKID, wish(variant), getpid(), self->theirs.result,
		 self->theirs.stacks, flags);
	self->theirs.prog = load_theirs(text);
	assemble(text, STACKID, wish(variant), getpid(), self->ours.result,
		 self->ours.stacks, flags);
	self->ours.prog = km_kprobe(self->dev, "%s", text);
	return ask(self, variant, ours, theirs);
}

static int ask_stack(FIXTURE_DATA(stack) * self, const FIXTURE_VARIANT(stack) * variant,
		     int size, __u64 flags, struct answer *ours, struct answer *theirs)
{
	char text[MAX_TEXT];

	assemble(text, STACK, wish(variant), getpid(), self->theirs.result, size, flags);
	self->theirs.prog = load_theirs(text);
	assemble(text, STACK, wish(variant), getpid(), self->ours.result, size, flags);
	self->ours.prog = km_kprobe(self->dev, "%s", text);
	return ask(self, variant, ours, theirs);
}

static const __u64 all_flags[] = {
	0, 1, 3, 200, 255, BPF_F_USER_STACK, BPF_F_USER_STACK | 1,
	BPF_F_USER_STACK | 200, BPF_F_FAST_STACK_CMP, BPF_F_REUSE_STACKID,
	BPF_F_USER_STACK | BPF_F_REUSE_STACKID | BPF_F_FAST_STACK_CMP,
	1ULL << 12, 1ULL << 32, BPF_F_USER_BUILD_ID,
};

TEST_F_TIMEOUT(stack, ids_and_their_stacks_as_in_linux, 120)
{
	struct answer ours, theirs;

	if (self->theirs.stacks < 0)
		SKIP(return, "bpf(2): %d", self->theirs.stacks);
	for (size_t i = 0; i < ARRAY_SIZE(all_flags); i++) {
		__u64 a[DEPTH], b[DEPTH];
		__u32 id;

		ASSERT_EQ(0, ask_id(self, variant, all_flags[i], &ours, &theirs));
		ASSERT_EQ(theirs.ret, ours.ret) {
			TH_LOG("flags %llx", all_flags[i]);
		}
		id = ours.ret;
		if ((__s64)ours.ret < 0)
			continue;
		ASSERT_EQ(0, km_elem(self->ours.stacks, KAPSEL_MAP_LOOKUP, &id, 4, a,
				     sizeof(a), 0));
		ASSERT_EQ(0, km_bpf_elem(BPF_MAP_LOOKUP_ELEM, self->theirs.stacks, &id, b, 0));
		ASSERT_EQ(0, memcmp(a, b, sizeof(a)));
		/* A caller without frame pointers may have anything where they would lead. */
		if (!(all_flags[i] & BPF_F_USER_STACK) || !(all_flags[i] & BPF_F_SKIP_FIELD_MASK))
			ASSERT_NE(0, a[0]);
		if (!all_flags[i] && !variant->at_return)
			ASSERT_NE(0, a[2]);
	}
}

TEST_F_TIMEOUT(stack, copies_as_in_linux, 120)
{
	static const int sizes[] = { 0, 7, 8, 24, DEPTH * 8 };
	struct answer ours, theirs;

	if (self->theirs.result < 0)
		SKIP(return, "bpf(2): %d", self->theirs.result);
	for (size_t i = 0; i < ARRAY_SIZE(all_flags) - 1; i++)
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			ASSERT_EQ(0, ask_stack(self, variant, sizes[j], all_flags[i], &ours,
					       &theirs));
			ASSERT_EQ(theirs.ret, ours.ret) {
				TH_LOG("size %d flags %llx", sizes[j], all_flags[i]);
			}
			ASSERT_EQ(0, memcmp(ours.ips, theirs.ips, sizeof(ours.ips)));
		}
}

/* ------------------------------------------------------------------------
 * The map alone
 */
FIXTURE(ids) {
	int dev;
	int map;
	int prog;
	__u64 regs[21];
};

/* A kernel stack of one address, the ip of the registers that a test run gives. */
FIXTURE_SETUP(ids)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_STACK_TRACE, 4, 16, ENTRIES, 0);
	ASSERT_LE(0, self->map);
	self->prog = km_kprobe(self->dev,
			       "r3 = *(u64 *)(r1 + 112)\n"
			       "r2 = map[fd:%d] ll\n"
			       "call bpf_get_stackid\n"
			       "exit\n", self->map);
	ASSERT_LE(0, self->prog);
}

FIXTURE_TEARDOWN(ids)
{
	close(self->map);
	close(self->prog);
	EXPECT_EQ(0, km_objects_settle(self->dev, 0));
}

static long id_of(FIXTURE_DATA(ids) * self, __u64 ip, __u64 flags)
{
	__u64 ret;
	int err;

	self->regs[16] = ip;
	self->regs[14] = flags;
	err = km_run(self->prog, self->regs, sizeof(self->regs), NULL, 0, 0, &ret);
	return err ?: (long)ret;
}

TEST_F(ids, registers_of_a_test_run_are_harmless)
{
	static const __u64 odd[] = {
		0, 1, 0xffff800000000000, 0xffffffffffffffff, 0x7fffffffffff, 0xffffffff81000000,
	};
	__u64 value[2];

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		for (size_t j = 0; j < ARRAY_SIZE(odd); j++) {
			long id;
			__u32 key;

			self->regs[19] = odd[j];
			self->regs[4] = odd[i];
			id = id_of(self, odd[i], BPF_F_REUSE_STACKID);
			ASSERT_LE(0, id);
			key = id;
			ASSERT_EQ(0, km_elem(self->map, KAPSEL_MAP_LOOKUP, &key, 4, value, 16, 0));
			EXPECT_EQ(odd[i], value[0]);
			EXPECT_EQ(-EFAULT, id_of(self, odd[i], 2));
		}
}

TEST_F(ids, one_stack_has_one_id)
{
	long id = id_of(self, 4711, 0);

	ASSERT_LE(0, id);
	EXPECT_EQ(id, id_of(self, 4711, 0));
	EXPECT_EQ(id, id_of(self, 4711, BPF_F_FAST_STACK_CMP));
	EXPECT_EQ(id, id_of(self, 4711, BPF_F_REUSE_STACKID));
	EXPECT_EQ(1, km_info(self->map).map.used);
}

TEST_F(ids, a_taken_id_is_refused_or_taken_over)
{
	long first = id_of(self, 1, 0);
	__u64 ip = 2, value[2];
	__u32 key = first;

	/* Another one with the same id. */
	while (ip < 1000 && (id_of(self, ip, 0) != -EEXIST ||
			     id_of(self, ip, BPF_F_REUSE_STACKID) != first))
		ip++;
	ASSERT_GT(1000, ip);
	ASSERT_EQ(0, km_elem(self->map, KAPSEL_MAP_LOOKUP, &key, 4, value, 16, 0));
	EXPECT_EQ(ip, value[0]);
	EXPECT_EQ(0, value[1]);
}

TEST_F(ids, full_is_no_memory_and_counted)
{
	int map = km_map(self->dev, BPF_MAP_TYPE_STACK_TRACE, 4, 8, 5, 0);
	int prog = km_kprobe(self->dev, "r2 = map[fd:%d] ll\nr3 = 0\n"
			     "call bpf_get_stackid\nexit\n", map);
	__u64 ret, lost = 0;
	__u32 key = 0, id = 0;

	ASSERT_LE(0, prog);
	for (__u64 ip = 1; ip < 200; ip++) {
		self->regs[16] = ip;
		ASSERT_EQ(0, km_run(prog, self->regs, sizeof(self->regs), NULL, 0, 0, &ret));
		ASSERT_TRUE((long)ret == -ENOMEM || (long)ret == -EEXIST || ret < 8);
		lost += (long)ret == -ENOMEM;
	}
	EXPECT_EQ(5, km_info(map).map.used);
	EXPECT_LT(0, lost);
	EXPECT_EQ(lost, km_info(map).map.lost);
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, km_next(map, i ? &key : NULL, &id, 4));
		key = id;
	}
	EXPECT_EQ(-ENOENT, km_next(map, &key, &id, 4));
	close(prog);
	close(map);
}

/* What userspace may do, as bpf(2) has it. */
TEST_F(ids, elements)
{
	__u64 value[2] = { 1, 2 };
	long id = id_of(self, 77, 0);
	__u32 key = id, beyond = ENTRIES, other = id ^ 1;
	struct kapsel_map_batch batch = {
		.op = KAPSEL_BATCH_LOOKUP, .count = 1, .key_size = 4, .value_size = 16,
		.keys = km_ptr(&other), .values = km_ptr(value),
	};

	EXPECT_EQ(-EINVAL, km_elem(self->map, KAPSEL_MAP_UPDATE, &key, 4, value, 16, 0));
	EXPECT_EQ(-ENOENT, km_elem(self->map, KAPSEL_MAP_LOOKUP, &other, 4, value, 16, 0));
	EXPECT_EQ(-ENOENT, km_elem(self->map, KAPSEL_MAP_LOOKUP, &beyond, 4, value, 16, 0));
	EXPECT_EQ(-ENOENT, km_elem(self->map, KAPSEL_MAP_DELETE, &other, 4, NULL, 0, 0));
	EXPECT_EQ(-E2BIG, km_elem(self->map, KAPSEL_MAP_DELETE, &beyond, 4, NULL, 0, 0));
	ASSERT_EQ(0, km_ioctl(self->map, KAPSEL_MAP_BATCH, &batch));
	EXPECT_EQ(1, batch.count);
	EXPECT_EQ(id, other);
	EXPECT_EQ(77, value[0]);
	EXPECT_EQ(0, value[1]);
	EXPECT_EQ(0, km_elem(self->map, KAPSEL_MAP_LOOKUP_DELETE, &key, 4, value, 16, 0));
	EXPECT_EQ(-ENOENT, km_elem(self->map, KAPSEL_MAP_DELETE, &key, 4, NULL, 0, 0));
	EXPECT_EQ(0, km_info(self->map).map.used);
}

/* ------------------------------------------------------------------------
 * Two CPUs, probes inside the map's own code, and userspace that deletes
 */
TEST_F_TIMEOUT(stack, storm, 120)
{
	static const char *const inner[] = {
		"unwind_next_frame", "copy_from_user_nofault", "kps_stack_trace_id",
	};
	int map = self->ours.stacks, links[ARRAY_SIZE(inner) + 1];
	int prog = km_kprobe(self->dev,
			     "r6 = r1\n"
			     "r2 = map[fd:%d] ll\n"
			     "r3 = 1024\n"
			     "call bpf_get_stackid\n"
			     "r1 = r6\n"
			     "r2 = map[fd:%d] ll\n"
			     "r3 = 256\n"
			     "call bpf_get_stackid\n"
			     "r0 = 0\n"
			     "exit\n", map, map);
	time_t end = time(NULL) + STORM_SECONDS;
	struct km_fire fire;
	__u64 ips[DEPTH];
	__u32 key, seen = 0;

	ASSERT_LE(0, prog);
	links[ARRAY_SIZE(inner)] = km_probe(self->dev, prog, variant->at_return ?
					    KAPSEL_HOOK_KRETPROBE : KAPSEL_HOOK_KPROBE, TARGET);
	ASSERT_LE(0, links[ARRAY_SIZE(inner)]);
	/* Some kernels let none of these be probed, or the module's own not. */
	for (size_t i = 0; i < ARRAY_SIZE(inner); i++)
		links[i] = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, inner[i]);
	ASSERT_EQ(0, km_fire_start(&fire));
	/* KASAN walks the stack at each allocation, and each step of that is a probe's. */
	for (int i = 0; i < 2000 && time(NULL) < end; i++) {
		if (km_next(map, NULL, &key, 4))
			continue;
		seen += !km_elem(map, KAPSEL_MAP_LOOKUP, &key, 4, ips, sizeof(ips), 0);
		km_elem(map, KAPSEL_MAP_DELETE, &key, 4, NULL, 0, 0);
	}
	km_fire_stop(&fire);
	EXPECT_LT(0, fire.calls);
	EXPECT_LT(0, seen);
	EXPECT_GE(ENTRIES, km_info(map).map.used);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		close(links[i]);
	close(prog);
}

TEST_HARNESS_MAIN
