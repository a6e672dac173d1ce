// SPDX-License-Identifier: GPL-2.0-only
/* Links to kprobes and kretprobes: where, how often, exchanging, recursion */

#include <linux/kernel.h>
#include <linux/time_types.h>
#include <sys/syscall.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_target.h"

/*
 * Counts calls of this process in element %1 of map %2; others' don't count, so
 * that the numbers are exact.
 */
#define COUNT								\
	"call bpf_get_current_pid_tgid\n"				\
	"r0 >>= 32\n"							\
	"if r0 != %d goto out\n"					\
	"*(u32 *)(r10 - 4) = %d\n"					\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto out\n"						\
	"r1 = 1\n"							\
	"lock *(u64 *)(r0 + 0) += r1\n"					\
	"out:\n"							\
	"r0 = 0\n"							\
	"exit\n"

FIXTURE(probe) {
	int dev;
	int map;
	struct kapsel_link_create arg;
	struct kapsel_rec_problem rec;
};

FIXTURE_SETUP(probe)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0);
	ASSERT_LE(0, self->map);
}

FIXTURE_TEARDOWN(probe)
{
}

static int counter(int dev, int element, int map)
{
	return km_kprobe(dev, COUNT, getpid(), element, map);
}

TEST_F(probe, entry_counts_every_call)
{
	int prog = counter(self->dev, 0, self->map);
	int link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, TARGET);

	ASSERT_LE(0, link);
	for (int i = 0; i < CALLS; i++)
		target();
	EXPECT_EQ(CALLS, km_value(self->map, 0));
	ASSERT_EQ(0, km_detach(link));
	target();
	EXPECT_EQ(CALLS, km_value(self->map, 0));
}

TEST_F(probe, entry_sees_the_arguments)
{
	/* The wrapper's first argument points to the caller's registers. */
	int prog = km_kprobe(self->dev,
			     "r6 = *(u64 *)(r1 + 112)\n"
			     "call bpf_get_current_pid_tgid\n"
			     "r0 >>= 32\n"
			     "if r0 != %d goto out\n"
			     "r1 = r10\n"
			     "r1 += -8\n"
			     "r2 = 8\n"
			     "r3 = r6\n"
			     "r3 += 112\n"
			     "call bpf_probe_read_kernel\n"
			     "r6 = *(u64 *)(r10 - 8)\n"
			     "*(u32 *)(r10 - 12) = 0\n"
			     "r2 = r10\n"
			     "r2 += -12\n"
			     "r1 = map[fd:%d] ll\n"
			     "call bpf_map_lookup_elem\n"
			     "if r0 == 0 goto out\n"
			     "*(u64 *)(r0 + 0) = r6\n"
			     "out:\n"
			     "r0 = 0\n"
			     "exit\n", getpid(), self->map);
	int link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, TARGET);

	ASSERT_LE(0, link);
	syscall(SYS_getpgid, 424242);
	EXPECT_EQ(424242, km_value(self->map, 0));
}

/* Adds what this process' calls return to element 1, and counts in element 0. */
static int returns(int dev, int map)
{
	return km_kprobe(dev,
			 "r6 = *(u64 *)(r1 + 80)\n"
			 "call bpf_get_current_pid_tgid\n"
			 "r0 >>= 32\n"
			 "if r0 != %d goto out\n"
			 "*(u32 *)(r10 - 4) = 0\n"
			 "r2 = r10\n"
			 "r2 += -4\n"
			 "r1 = map[fd:%d] ll\n"
			 "call bpf_map_lookup_elem\n"
			 "if r0 == 0 goto out\n"
			 "r1 = 1\n"
			 "lock *(u64 *)(r0 + 0) += r1\n"
			 "*(u32 *)(r10 - 4) = 1\n"
			 "r2 = r10\n"
			 "r2 += -4\n"
			 "r1 = map[fd:%d] ll\n"
			 "call bpf_map_lookup_elem\n"
			 "if r0 == 0 goto out\n"
			 "lock *(u64 *)(r0 + 0) += r6\n"
			 "out:\n"
			 "r0 = 0\n"
			 "exit\n", getpid(), map, map);
}

TEST_F(probe, return_sees_what_is_returned)
{
	__u64 group = getpgid(0);
	int prog = returns(self->dev, self->map);
	int link = km_probe(self->dev, prog, KAPSEL_HOOK_KRETPROBE, TARGET);

	ASSERT_LE(0, link);
	for (int i = 0; i < CALLS; i++)
		target();
	EXPECT_EQ(CALLS, km_value(self->map, 0));
	EXPECT_EQ(CALLS * group, km_value(self->map, 1));
	EXPECT_EQ(-1, syscall(SYS_getpgid, 0x7ffffff0));
	EXPECT_EQ(CALLS * group - ESRCH, km_value(self->map, 1));
	EXPECT_EQ(0, km_info(link).link.missed);
}

TEST_F(probe, several_on_one_function)
{
	int links[4];

	for (int i = 0; i < 4; i++) {
		links[i] = km_probe(self->dev, counter(self->dev, i, self->map),
				    i & 1 ? KAPSEL_HOOK_KRETPROBE : KAPSEL_HOOK_KPROBE, TARGET);
		ASSERT_LE(0, links[i]);
	}
	for (int i = 0; i < CALLS; i++)
		target();
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(CALLS, km_value(self->map, i));
	/* One goes, the others stay. */
	close(links[0]);
	target();
	EXPECT_EQ(CALLS, km_value(self->map, 0));
	for (int i = 1; i < 4; i++)
		EXPECT_EQ(CALLS + 1, km_value(self->map, i));
}

/* ------------------------------------------------------------------------
 * Places that are refused, each with its code
 */
static int create(FIXTURE_DATA(probe) * self, __u32 hook, const char *symbol,
		  __u64 offset)
{
	int link, prog = km_kprobe(self->dev, KM_ACCEPT);

	km_link_probe(&self->arg, prog, hook, symbol, offset);
	self->arg.log.buf = km_ptr(&self->rec);
	self->arg.log.size = sizeof(self->rec);
	self->rec.code = 0;
	link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg);
	close(prog);
	return link;
}

#define EXPECT_REFUSED(err, _code, hook, symbol, offset) do {		\
	EXPECT_EQ(err, create(self, hook, symbol, offset));	\
	EXPECT_EQ(_code, self->arg.log.verdict.code);			\
	EXPECT_EQ(_code, self->rec.code);				\
	EXPECT_EQ(sizeof(self->rec), self->arg.log.true_size);		\
	EXPECT_EQ(KAPSEL_REC_ERROR, self->rec.hdr.kind);		\
} while (0)

#define ENTRY	KAPSEL_HOOK_KPROBE
#define RETURN	KAPSEL_HOOK_KRETPROBE

TEST_F(probe, functions_that_are_not_there)
{
	char longest[128], longer[2048];

	EXPECT_REFUSED(-ENOENT, KPS_D_SYMBOL, ENTRY, "no_such_function_in_here", 0);
	EXPECT_REFUSED(-ENOENT, KPS_D_SYMBOL, RETURN, "no_such_function_in_here", 0);
	EXPECT_REFUSED(-ENOENT, KPS_D_SYMBOL, ENTRY, "no_such_module:function", 0);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	EXPECT_REFUSED(-ENOENT, KPS_D_SYMBOL, ENTRY, longest, 0);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	EXPECT_EQ(-ENAMETOOLONG, create(self, ENTRY, longer, 0));
	EXPECT_EQ(-EINVAL, create(self, ENTRY, "", 0));
	EXPECT_EQ(-EINVAL, create(self, ENTRY, NULL, 0));
	EXPECT_EQ(-EFAULT, create(self, ENTRY, (char *)8, 0));
}

TEST_F(probe, functions_closed_to_probes)
{
	EXPECT_REFUSED(-EINVAL, KPS_D_BLACKLIST, ENTRY, "do_int3", 0);
	EXPECT_REFUSED(-EINVAL, KPS_D_BLACKLIST, RETURN, "do_int3", 0);
	EXPECT_REFUSED(-EINVAL, KPS_D_BLACKLIST, ENTRY, "get_kprobe", 0);
}

TEST_F(probe, the_modules_own_text)
{
	EXPECT_REFUSED(-EINVAL, KPS_D_OWN_TEXT, ENTRY, "kps_map_create", 0);
	EXPECT_REFUSED(-EINVAL, KPS_D_OWN_TEXT, RETURN, "kps_map_create", 0);
	EXPECT_REFUSED(-EINVAL, KPS_D_OWN_TEXT, ENTRY, "kapsel:kps_map_create", 0);
}

TEST_F(probe, offsets_of_returns)
{
	EXPECT_REFUSED(-EINVAL, KPS_D_OFFSET, RETURN, TARGET, 1);
	EXPECT_REFUSED(-EINVAL, KPS_D_OFFSET, RETURN, TARGET, 1ULL << 63);
}

TEST_F(probe, offsets_beyond_the_function)
{
	static const __u64 beyond[] = {
		1 << 20, INT32_MAX, (__u64)INT32_MAX + 1, UINT32_MAX, 1ULL << 32,
		1ULL << 63, -1ULL, -16ULL,
	};

	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++) {
		EXPECT_GT(0, create(self, ENTRY, TARGET, beyond[i])) {
			TH_LOG("offset %#llx", beyond[i]);
		}
		/* Far enough there is no kernel any more, and no name for it. */
		EXPECT_TRUE(self->arg.log.verdict.code == KPS_D_BOUNDARY ||
			    self->arg.log.verdict.code == KPS_D_SYMBOL) {
			TH_LOG("offset %#llx: %u", beyond[i], self->arg.log.verdict.code);
		}
	}
}

/* Some offsets are boundaries and some are not, and each probe on one is hit. */
TEST_F(probe, offsets_are_instructions)
{
	int fine = 0, refused = 0;

	for (__u64 offset = 1; offset < 32; offset++) {
		int link = create(self, ENTRY, TARGET, offset);

		if (link < 0) {
			/* Some instructions the kernel keeps for itself. */
			EXPECT_TRUE(self->arg.log.verdict.code == KPS_D_BOUNDARY ||
				    self->arg.log.verdict.code == KPS_D_BLACKLIST) {
				TH_LOG("offset %llu: %d", offset, link);
			}
			refused++;
			continue;
		}
		EXPECT_EQ(offset, km_info(link).link.offset);
		close(link);
		fine++;
	}
	EXPECT_LT(2, fine);
	EXPECT_LT(2, refused);
}

TEST_F(probe, an_instruction_inside_counts_every_call)
{
	int prog = counter(self->dev, 0, self->map), link = -1;

	/* The first boundary behind the entry and what tracing put there. */
	for (__u64 offset = 6; offset < 32 && link < 0; offset++) {
		km_link_probe(&self->arg, prog, ENTRY, TARGET, offset);
		link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg);
	}
	ASSERT_LE(0, link);
	for (int i = 0; i < CALLS; i++)
		target();
	EXPECT_EQ(CALLS, km_value(self->map, 0));
}

TEST_F(probe, programs_and_hooks_that_do_not_fit)
{
	int prog = km_netfilter(self->dev, KM_ACCEPT), pipes[2];

	for (__u32 hook = ENTRY; hook <= RETURN; hook++) {
		km_link_probe(&self->arg, prog, hook, TARGET, 0);
		EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg));
		EXPECT_EQ(KPS_D_PROG_HOOK, self->arg.log.verdict.code);
	}
	EXPECT_REFUSED(-EINVAL, KPS_D_HOOK, 0, TARGET, 0);
	EXPECT_REFUSED(-EINVAL, KPS_D_HOOK, 6, TARGET, 0);
	EXPECT_REFUSED(-EINVAL, KPS_D_HOOK, UINT32_MAX, TARGET, 0);
	ASSERT_EQ(0, pipe(pipes));
	km_link_probe(&self->arg, pipes[0], ENTRY, TARGET, 0);
	EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg));
	km_link_probe(&self->arg, self->map, ENTRY, TARGET, 0);
	EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg));
	km_link_probe(&self->arg, 1000, ENTRY, TARGET, 0);
	EXPECT_EQ(-EBADF, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg));
	km_link_probe(&self->arg, -1, ENTRY, TARGET, 0);
	EXPECT_EQ(-EBADF, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg));
}

TEST_F(probe, return_slots)
{
	int prog = km_kprobe(self->dev, KM_ACCEPT), link;

	km_link_probe(&self->arg, prog, RETURN, TARGET, 0);
	self->arg.kprobe.maxactive = 17;
	link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg);
	ASSERT_LE(0, link);
	EXPECT_EQ(17, km_info(link).link.maxactive);
	self->arg.kprobe.maxactive = 1 << 20;
	EXPECT_EQ(-E2BIG, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg));
	self->arg.hook = ENTRY;
	self->arg.kprobe.maxactive = 1;
	EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg));
}

static __u64 address_of(const char *symbol)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	unsigned long long addr, found = 0;
	char line[512], name[256];

	while (!found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %*c %255s", &addr, name) == 2 && !strcmp(name, symbol))
			found = addr;
	fclose(f);
	return found;
}

TEST_F(probe, addresses_are_checked_against_the_name)
{
	__u64 addr = address_of(TARGET), other = address_of("__x64_sys_getsid");
	struct kapsel_obj_info info = {};
	int prog = km_kprobe(self->dev, KM_ACCEPT), link;
	char name[64] = "";

	ASSERT_NE(0, addr);
	km_link_probe(&self->arg, prog, ENTRY, TARGET, 0);
	self->arg.kprobe.addr = addr;
	link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg);
	ASSERT_LE(0, link);
	EXPECT_EQ(addr, km_info(link).link.addr);
	close(link);
	self->arg.kprobe.symbol = 0;
	link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg);
	ASSERT_LE(0, link);
	info.link.target = km_ptr(name);
	info.link.target_size = sizeof(name);
	ASSERT_EQ(0, km_ioctl(link, KAPSEL_OBJ_INFO, &info));
	EXPECT_STREQ(TARGET, name);
	EXPECT_EQ(sizeof(TARGET), info.link.target_size);
	close(link);
	self->arg.kprobe.symbol = km_ptr(TARGET);
	const __u64 bad[] = { other, addr + 1, 8, -1ULL, 0xffff888000000000, addr ^ 1ULL << 40 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		self->arg.kprobe.addr = bad[i];
		EXPECT_EQ(-ENOENT, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg)) {
			TH_LOG("%#llx", bad[i]);
		}
		EXPECT_EQ(KPS_D_SYMBOL, self->arg.log.verdict.code);
	}
}

TEST_F(probe, information)
{
	int prog = counter(self->dev, 0, self->map), link;
	struct kapsel_obj_info info = {};
	char name[8];

	km_link_probe(&self->arg, prog, ENTRY, TARGET, 0);
	self->arg.cookie = 0x1122334455667788;
	strcpy(self->arg.name, "informed");
	link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &self->arg);
	ASSERT_LE(0, link);
	target();
	target();
	memset(name, 0xee, sizeof(name));
	info.link.target = km_ptr(name);
	info.link.target_size = 4;
	ASSERT_EQ(0, km_ioctl(link, KAPSEL_OBJ_INFO, &info));
	EXPECT_STREQ("informed", info.name);
	EXPECT_EQ(KAPSEL_OBJ_LINK, info.kind);
	EXPECT_EQ(km_info(prog).id, info.link.prog_id);
	EXPECT_EQ(KAPSEL_HOOK_KPROBE, info.link.hook);
	EXPECT_EQ(KAPSEL_LINK_ATTACHED, info.link.state);
	EXPECT_EQ(0x1122334455667788, info.link.cookie);
	EXPECT_EQ(sizeof(TARGET), info.link.target_size);
	EXPECT_EQ(0, memcmp(TARGET, name, 4));
	EXPECT_EQ((char)0xee, name[4]);
	EXPECT_LE(2, info.link.runs);
	EXPECT_EQ(0, info.link.aborted);
	EXPECT_EQ(0, info.link.run_ns);
	info.link.target = 8;
	EXPECT_EQ(-EFAULT, km_ioctl(link, KAPSEL_OBJ_INFO, &info));
}

TEST_F(probe, time_is_measured_while_that_is_on)
{
	static const char path[] = "/sys/module/kapsel/parameters/stats_time";
	int link = km_probe(self->dev, counter(self->dev, 0, self->map), ENTRY, TARGET);
	int quick = km_probe(self->dev, km_kprobe(self->dev, KM_ACCEPT), ENTRY, TARGET);
	int fd = open(path, O_WRONLY);
	__u64 ns;

	ASSERT_LE(0, link);
	ASSERT_LE(0, quick);
	ASSERT_EQ(1, write(fd, "1", 1));
	target();
	ns = km_info(link).link.run_ns;
	EXPECT_LT(0, ns);
	EXPECT_LT(0, km_info(quick).link.run_ns);
	ASSERT_EQ(1, write(fd, "0", 1));
	target();
	EXPECT_EQ(ns, km_info(link).link.run_ns);
	EXPECT_LE(2, km_info(quick).link.runs);
}

/* ------------------------------------------------------------------------
 * Detaching and exchanging
 */
TEST_F(probe, detached_links_stay_and_do_nothing)
{
	int link = km_probe(self->dev, counter(self->dev, 0, self->map), ENTRY, TARGET);
	int other = counter(self->dev, 1, self->map);

	ASSERT_LE(0, link);
	ASSERT_EQ(0, km_detach(link));
	target();
	EXPECT_EQ(0, km_value(self->map, 0));
	EXPECT_EQ(KAPSEL_LINK_DETACHED, km_info(link).link.state);
	EXPECT_EQ(-ENOENT, km_detach(link));
	EXPECT_EQ(-ENOENT, km_update(link, other, -1));
}

TEST_F(probe, updates)
{
	int first = counter(self->dev, 0, self->map);
	int second = counter(self->dev, 1, self->map);
	int link = km_probe(self->dev, first, ENTRY, TARGET);
	int packets = km_netfilter(self->dev, KM_ACCEPT);

	ASSERT_LE(0, link);
	target();
	EXPECT_EQ(-ESTALE, km_update(link, second, second));
	EXPECT_EQ(0, km_update(link, second, first));
	EXPECT_EQ(km_info(second).id, km_info(link).link.prog_id);
	target();
	EXPECT_EQ(-ESTALE, km_update(link, second, first));
	EXPECT_EQ(-EINVAL, km_update(link, packets, -1));
	EXPECT_EQ(-EINVAL, km_update(link, self->map, -1));
	EXPECT_EQ(-EBADF, km_update(link, 1000, -1));
	EXPECT_EQ(-EBADF, km_update(link, first, 1000));
	EXPECT_EQ(0, km_update(link, second, -1));
	EXPECT_EQ(1, km_value(self->map, 0));
	EXPECT_EQ(1, km_value(self->map, 1));
}

/* Each call runs one program: none is lost, none is counted twice. */
TEST_F_TIMEOUT(probe, updates_under_load_lose_nothing, 60)
{
	int progs[2] = { counter(self->dev, 0, self->map), counter(self->dev, 1, self->map) };
	int link = km_probe(self->dev, progs[0], ENTRY, TARGET);
	struct km_fire fire;

	ASSERT_LE(0, link);
	ASSERT_EQ(0, km_fire_start(&fire));
	for (int i = 0; i < 500; i++) {
		__u64 before = __atomic_load_n(&fire.calls, __ATOMIC_RELAXED);

		ASSERT_EQ(0, km_update(link, progs[~i & 1], progs[i & 1]));
		while (__atomic_load_n(&fire.calls, __ATOMIC_RELAXED) - before < 4)
			sched_yield();
	}
	km_fire_stop(&fire);
	EXPECT_EQ(fire.calls, km_value(self->map, 0) + km_value(self->map, 1));
	EXPECT_LT(250, km_value(self->map, 0));
	EXPECT_LT(250, km_value(self->map, 1));
	EXPECT_EQ(0, km_info(link).link.aborted);
}

/* ------------------------------------------------------------------------
 * Recursion: programs on functions that running programs call
 */
/* What programs' own helpers, ioctls and the probes' machinery run through. */
static const char *const inner[] = {
	"copy_from_kernel_nofault", "copy_from_user_nofault", "scnprintf", "vsnprintf",
	"ktime_get_mono_fast_ns", "irq_work_queue", "jhash", "prandom_u32_state",
	"strscpy", "from_kuid", "__rcu_read_lock", "_raw_spin_lock", "_raw_spin_unlock",
	"_copy_from_user", "_copy_to_user", "kfree", "__kmalloc", "fput", "hash_map_put",
};

TEST_F_TIMEOUT(probe, programs_on_their_own_helpers_do_not_hang, 120)
{
	int hash = km_map(self->dev, BPF_MAP_TYPE_HASH, 4, 8, 64, 0);
	int ring = km_map(self->dev, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	int attached = 0;

	for (size_t i = 0; i < ARRAY_SIZE(inner); i++) {
		int prog = km_kprobe(self->dev,
				     "call bpf_get_prandom_u32\n"
				     "r0 &= 127\n"
				     "*(u32 *)(r10 - 4) = r0\n"
				     "*(u64 *)(r10 - 16) = 1\n"
				     "r1 = map[fd:%d] ll\n"
				     "r2 = r10\n"
				     "r2 += -4\n"
				     "r3 = r10\n"
				     "r3 += -16\n"
				     "r4 = 0\n"
				     "call bpf_map_update_elem\n"
				     "r1 = map[fd:%d] ll\n"
				     "r2 = r10\n"
				     "r2 += -4\n"
				     "call bpf_map_delete_elem\n"
				     "r1 = map[fd:%d] ll\n"
				     "r2 = r10\n"
				     "r2 += -16\n"
				     "r3 = 8\n"
				     "r4 = 0\n"
				     "call bpf_ringbuf_output\n"
				     "r1 = r10\n"
				     "r1 += -16\n"
				     "r2 = 8\n"
				     "r3 = 8\n"
				     "call bpf_probe_read_kernel\n"
				     "r1 = 0x6425 ll\n"
				     "*(u64 *)(r10 - 16) = r1\n"
				     "r1 = r10\n"
				     "r1 += -16\n"
				     "r2 = 8\n"
				     "r3 = 5\n"
				     "r4 = 0\n"
				     "r5 = 0\n"
				     "call bpf_trace_printk\n"
				     "call bpf_ktime_get_ns\n"
				     "call bpf_get_current_uid_gid\n"
				     "r0 = 0\n"
				     "exit\n", hash, hash, ring);
		struct kapsel_link_create arg;
		int link;

		ASSERT_LE(0, prog);
		km_link_probe(&arg, prog, ENTRY, inner[i], 0);
		link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);
		if (link < 0) {
			close(prog);
			continue;
		}
		attached++;
		for (int j = 0; j < 20; j++) {
			km_set(hash, j, j, BPF_ANY);
			km_call(prog);
			target();
			close(open("/dev/null", O_RDONLY));
		}
		EXPECT_EQ(0, km_info(link).link.aborted);
		close(link);
		close(prog);
	}
	EXPECT_LT(5, attached);
}

/* A helper that is probed by its own program: the inner run is skipped and told. */
TEST_F(probe, inner_runs_are_skipped_and_counted)
{
	int prog = km_kprobe(self->dev,
			     "*(u64 *)(r10 - 8) = 0x6425\n"
			     "r1 = r10\n"
			     "r1 += -8\n"
			     "r2 = 8\n"
			     "r3 = 5\n"
			     "r4 = 0\n"
			     "r5 = 0\n"
			     "call bpf_trace_printk\n"
			     "exit\n");
	int link = km_probe(self->dev, prog, ENTRY, "scnprintf"), i;
	struct kapsel_link_info info = {};

	ASSERT_LE(0, link);
	/* By PROG_TEST_RUN, which is no probe itself: the kernel's guard is not it. */
	for (i = 0; i < 10; i++)
		EXPECT_EQ(1, (long)km_call(prog));
	info = km_info(link).link;
	EXPECT_LE(10, info.recursed + info.missed);
}

TEST_HARNESS_MAIN
