// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory runs out while the module is loaded: it is there and lacks nothing, or fails
 * with ENOMEM and is gone without a trace. See failnth_test.c.
 */

#include <linux/kernel.h>
#include <dirent.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_fail.h"
#include "module/lib/km_module.h"
#include "module/lib/km_target.h"

#define JIT_ON		"/proc/sys/net/core/bpf_jit_enable"
#define TRACE		"/sys/kernel/tracing/trace"
#define TRACE_LOADS	"/sys/kernel/tracing/events/module/module_load/enable"
#define TRIALS		20	/* of loads, where not each allocation is tried */
#define KERNELS_IN_A_ROW 20	/* allocations that were the kernel's: so are all before */

FIXTURE(insmod) {
	int file;		/* the module's */
	int fails;
	__u32 insns;		/* that the compiler does right, of those below */
};

/* ------------------------------------------------------------------------
 * What a module that is loaded can do
 */

/* Each on its own, so that none hides another. */
static int load_insn(int dev, struct bpf_insn insn)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 7 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = 3 },
		insn,
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct kapsel_prog_load arg = {
		.insns = km_ptr(insns), .insn_cnt = ARRAY_SIZE(insns), .license = "GPL",
		.prog_type = KAPSEL_PROG_KPROBE, .engine = KAPSEL_ENGINE_JIT,
	};

	return km_ioctl(dev, KAPSEL_PROG_LOAD, &arg);
}

/* All arithmetic and all jumps, on numbers and registers; how many were compiled. */
static __u32 compiled_insns(int dev)
{
	static const __u8 classes[] = { BPF_ALU, BPF_ALU64, BPF_JMP, BPF_JMP32 };
	__u32 count = 0;

	for (__u32 i = 0; i < ARRAY_SIZE(classes) << 5; i++) {
		int prog = load_insn(dev, (struct bpf_insn){
			.code = classes[i >> 5] | (i & 15) << 4 | (i & 16 ? BPF_X : BPF_K),
			.src_reg = i & 16 ? 1 : 0, .imm = i & 16 ? 0 : 5,
		});

		if (prog < 0)
			continue;
		count++;
		close(prog);
	}
	return count;
}

static bool probes_run(int dev)
{
	int prog = km_kprobe(dev, KM_ACCEPT);
	int link = km_probe(dev, prog, KAPSEL_HOOK_KPROBE, TARGET);
	bool ran;

	target();
	ran = link >= 0 && km_info(link).link.runs;
	close(link);
	close(prog);
	return ran;
}

/* Packets are taken in each network there is. */
static bool packets_are_taken(int dev)
{
	int prog = km_netfilter(dev, KM_ACCEPT);
	int link = km_hook(dev, prog, NFPROTO_IPV4, NF_INET_LOCAL_OUT, 0);

	close(link);
	close(prog);
	return link >= 0;
}

/* ------------------------------------------------------------------------
 * In and out
 */

/* How many files of a folder begin so. */
static int count_names(const char *folder, const char *begin)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		n += !strncmp(entry->d_name, begin, strlen(begin));
	closedir(dir);
	return n;
}

/* Caches are named where they are; the kernel takes its time with their names. */
static bool left_nothing(void)
{
	for (int i = 0; i < 2000; i++) {
		if (access(KAPSEL_DEVICE, F_OK) && access("/sys/module/kapsel", F_OK) &&
		    !count_names("/sys/kernel/slab", "kapsel") &&
		    !km_lines_with("/sys/kernel/debug/kprobes/list", "[kapsel]"))
			return true;
		usleep(1000);
	}
	return false;
}

FIXTURE_SETUP(insmod)
{
	int dev = km_open();

	self->file = open(KM_MODULE, O_RDONLY | O_CLOEXEC);
	if (self->file < 0)
		SKIP(return KM_NO_TEST, "no " KM_MODULE);
	self->fails = km_fail_open();
	ASSERT_LE(0, self->fails);
	ASSERT_TRUE(km_write(TRACE_LOADS, "1"));
	ASSERT_LE(0, dev);
	self->insns = compiled_insns(dev);
	km_objects_settle(dev, 0);
	close(dev);
	ASSERT_EQ(0, km_unload());
	ASSERT_TRUE(left_nothing());
}

FIXTURE_TEARDOWN(insmod)
{
	km_write(JIT_ON, "1");
	km_write(TRACE_LOADS, "0");
	if (self->file >= 0 && access(KAPSEL_DEVICE, F_OK))
		EXPECT_EQ(0, km_insmod());
}

static void check_whole(struct __test_metadata *_metadata, const FIXTURE_DATA(insmod) * self,
			unsigned int n)
{
	int dev = km_open();

	ASSERT_LE(0, dev);
	EXPECT_TRUE(probes_run(dev) && packets_are_taken(dev)) {
		TH_LOG("allocation %u: loaded, and something does not work", n);
	}
	km_objects_settle(dev, 0);
	close(dev);
}

/* ------------------------------------------------------------------------
 * Allocations, one by one
 */
/**
 * struct attempt - a load that was to fail
 * @err: what the kernel said
 * @left: allocations that it would have taken beyond; 0: one failed
 * @began: the kernel's part was done: what failed then is the module's affair
 */
struct attempt {
	int err;
	long left;
	bool began;
};

static struct attempt load_failing(FIXTURE_DATA(insmod) * self, const char *params,
				   unsigned int n)
{
	struct attempt a = { .err = -EIO, .left = -1 };

	km_write(TRACE, "");
	if (!km_fail_arm(self->fails, n))
		return a;
	a.err = syscall(SYS_finit_module, self->file, params, 0) ? -errno : 0;
	a.left = km_fail_disarm(self->fails);
	a.began = km_lines_with(TRACE, "module_load: kapsel") > 0;
	return a;
}

/* The kernel has its own ways to fail where it reads a file; the module has one. */
static void judge(struct __test_metadata *_metadata, const struct attempt *a, unsigned int n)
{
	EXPECT_TRUE(!a->err || (!a->left && (!a->began || a->err == -ENOMEM))) {
		TH_LOG("allocation %u: error %d", n, a->err);
	}
	if (a->err)
		EXPECT_TRUE(left_nothing()) {
			TH_LOG("allocation %u: error %d, and something is left", n, a->err);
		}
}

static void try_one(struct __test_metadata *_metadata, FIXTURE_DATA(insmod) * self,
		    unsigned int n, struct attempt *a)
{
	*a = load_failing(self, "", n);
	judge(_metadata, a, n);
	if (a->err)
		return;
	check_whole(_metadata, self, n);
	EXPECT_EQ(0, km_unload());
	EXPECT_TRUE(left_nothing());
}

/* How many allocations a load takes. */
static unsigned int count_allocations(struct __test_metadata *_metadata,
				      FIXTURE_DATA(insmod) * self)
{
	struct attempt a = load_failing(self, "", KM_FAIL_MOST);

	EXPECT_EQ(0, a.err);
	EXPECT_LT(0, a.left);
	EXPECT_EQ(0, km_unload());
	return KM_FAIL_MOST - a.left;
}

/* ------------------------------------------------------------------------
 * Tests
 */
/*
 * Backwards, from the last allocation to where the kernel itself is at work for a while.
 * The compiler is tried with a thousand programs, which are the next test's.
 */
TEST_F_TIMEOUT(insmod, each_of_the_modules_own, 3600)
{
	unsigned int all, n, own = 0, refused = 0, others = 0;

	ASSERT_TRUE(km_write(JIT_ON, "0"));
	all = count_allocations(_metadata, self);
	for (n = all; n && others < KERNELS_IN_A_ROW && _metadata->passed; n--) {
		struct attempt a;

		try_one(_metadata, self, n, &a);
		others = a.began ? 0 : others + 1;
		own += a.began;
		refused += a.began && a.err;
	}
	EXPECT_LT(0, refused);
	TH_LOG("of %u allocations %u were the module's, of which %u refused it", all, own,
	       refused);
}

TEST_F_TIMEOUT(insmod, some_of_the_kernels, 3600)
{
	unsigned int all, n, refused = 0;
	struct attempt a;

	ASSERT_TRUE(km_write(JIT_ON, "0"));
	all = count_allocations(_metadata, self);
	for (n = 1; n < all && _metadata->passed; n += all / TRIALS + 1) {
		try_one(_metadata, self, n, &a);
		refused += !!a.err;
	}
	EXPECT_LT(0, refused);
}

/* What was tried without memory says nothing of the compiler. */
TEST_F_TIMEOUT(insmod, while_the_compiler_is_tried, 3600)
{
	unsigned int all = count_allocations(_metadata, self), step = all / TRIALS + 1, n;

	ASSERT_LT(0, self->insns);
	for (n = step; n < all && _metadata->passed; n += step) {
		struct attempt a = load_failing(self, "", n);
		int dev;

		judge(_metadata, &a, n);
		if (a.err)
			continue;
		dev = km_open();
		EXPECT_EQ(self->insns, compiled_insns(dev)) {
			TH_LOG("allocation %u of %u", n, all);
		}
		km_objects_settle(dev, 0);
		close(dev);
		ASSERT_EQ(0, km_unload());
	}
}

TEST_HARNESS_MAIN
