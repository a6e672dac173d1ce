// SPDX-License-Identifier: GPL-2.0-only
/* Returns by a stub around the function: what programs see, who is inside, and going */

#include <linux/kernel.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_files.h"
#include "module/lib/km_target.h"

#define TRACING		"/sys/kernel/tracing/"
#define FTRACE_ON	"/proc/sys/kernel/ftrace_enabled"
#define SLOTS		64

/* Where struct pt_regs has them. */
#define KERNEL_CS 0x10

enum { AT_AX = 80, AT_DI = 112, AT_ORIG_AX = 120, AT_IP = 128, AT_CS = 136, AT_SP = 152 };

FIXTURE(wrap) {
	int dev;
	int map;
	struct kapsel_wrap_info list[256];
};

FIXTURE_SETUP(wrap)
{
	struct kapsel_link_create arg;
	int prog, link;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0);
	ASSERT_LE(0, self->map);
	prog = km_kprobe(self->dev, KM_ACCEPT);
	km_link_probe(&arg, prog, KAPSEL_HOOK_KRETPROBE, TARGET, 0);
	arg.flags = KAPSEL_LINK_WRAP;
	link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);
	ASSERT_LE(0, link);
	if (km_info(link).link.unwrapped == KAPSEL_UNWRAPPED_KERNEL)
		SKIP(return KM_NO_TEST, "this kernel cannot wrap functions");
	close(link);
	close(prog);
}

FIXTURE_TEARDOWN(wrap)
{
	km_write(FTRACE_ON, "1");
	km_write(TRACING "current_tracer", "nop");
	km_write(TRACING "kprobe_events", "");
}

/* A link to where a function returns; flags as given. */
static int attach(int dev, int prog, const char *symbol, __u64 addr, __u32 flags)
{
	struct kapsel_link_create arg;

	km_link_probe(&arg, prog, KAPSEL_HOOK_KRETPROBE, symbol, 0);
	arg.kprobe.addr = addr;
	arg.flags = flags;
	return km_ioctl(dev, KAPSEL_LINK_CREATE, &arg);
}

static int wrap(int dev, int prog, const char *symbol)
{
	return attach(dev, prog, symbol, 0, KAPSEL_LINK_WRAP);
}

/* A map whose value is all that a program stores. */
static int numbers(int dev)
{
	return km_map(dev, BPF_MAP_TYPE_ARRAY, 4, 24, 1, 0);
}

/* Stores a register, its sum and a count, of this process alone. */
static int reads(int dev, int map, int reg)
{
	return km_kprobe(dev,
			 "r6 = *(u64 *)(r1 + %d)\n"
			 "call bpf_get_current_pid_tgid\n"
			 "r0 >>= 32\n"
			 "if r0 != %d goto out\n"
			 "r1 = map[fd:%d]+0 ll\n"
			 "*(u64 *)(r1 + 0) = r6\n"
			 "r2 = *(u64 *)(r1 + 8)\n"
			 "r2 += r6\n"
			 "*(u64 *)(r1 + 8) = r2\n"
			 "r2 = *(u64 *)(r1 + 16)\n"
			 "r2 += 1\n"
			 "*(u64 *)(r1 + 16) = r2\n"
			 "out:\n"
			 "r0 = 0\n"
			 "exit\n", reg, getpid(), map);
}

enum { LAST, SUM, COUNT, NR_NUMBERS };

static __u64 number(int map, int which)
{
	__u64 value[NR_NUMBERS] = {};
	__u32 key = 0;

	km_elem(map, KAPSEL_MAP_LOOKUP, &key, 4, value, sizeof(value), 0);
	return value[which];
}

/* Counts all, from anywhere. */
static int counter(int dev, int map)
{
	return km_kprobe(dev,
			 "r1 = map[fd:%d]+0 ll\n"
			 "r2 = 1\n"
			 "lock *(u64 *)(r1 + 0) += r2\n"
			 "r0 = 0\n"
			 "exit\n", map);
}

static __u32 list(FIXTURE_DATA(wrap) * self)
{
	struct kapsel_list arg = {
		.entries = km_ptr(self->list), .entry_size = sizeof(*self->list),
		.count = ARRAY_SIZE(self->list),
	};

	return km_ioctl(self->dev, KAPSEL_LIST_WRAPS, &arg) ? ~0u : arg.count;
}

static const struct kapsel_wrap_info *find(FIXTURE_DATA(wrap) * self, const char *name,
					   bool leaving)
{
	__u32 count = list(self);

	for (__u32 i = 0; i < count; i++)
		if (!strcmp(self->list[i].name, name) && self->list[i].leaving == leaving)
			return &self->list[i];
	return NULL;
}

/* Until none is left that was unwanted before; false: some stay. */
static bool drained(FIXTURE_DATA(wrap) * self)
{
	for (int i = 0; i < 300; i++) {
		if (!list(self))
			return true;
		usleep(100000);
	}
	return false;
}

static long module_users(void)
{
	FILE *f = fopen("/sys/module/kapsel/refcnt", "r");
	long users = -1;

	if (f && fscanf(f, "%ld", &users) != 1)
		users = -1;
	if (f)
		fclose(f);
	return users;
}

/* ------------------------------------------------------------------------
 * What a program sees
 */
TEST_F(wrap, sees_what_is_returned)
{
	int map = numbers(self->dev), prog = reads(self->dev, map, AT_AX);
	__u64 group = getpgid(0);
	int link = wrap(self->dev, prog, TARGET);

	ASSERT_LE(0, link);
	EXPECT_EQ(KAPSEL_VIA_WRAP, km_info(link).link.via);
	EXPECT_EQ(KAPSEL_UNWRAPPED_NOT, km_info(link).link.unwrapped);
	for (int i = 0; i < CALLS; i++)
		EXPECT_EQ(group, (__u64)getpgid(0));
	EXPECT_EQ(CALLS, number(map, COUNT));
	EXPECT_EQ(CALLS * group, number(map, SUM));
	EXPECT_EQ(-1, syscall(SYS_getpgid, 0x7ffffff0));
	EXPECT_EQ(ESRCH, errno);
	EXPECT_EQ(-ESRCH, (__s64)number(map, LAST));
	EXPECT_EQ(0, km_info(link).link.missed);
	EXPECT_EQ(0, km_info(link).link.inside);
	ASSERT_EQ(0, km_detach(link));
	EXPECT_EQ(KAPSEL_VIA_WRAP, km_info(link).link.via);
	target();
	EXPECT_EQ(CALLS + 1, number(map, COUNT));
	EXPECT_TRUE(drained(self));
}

static __u64 seen(int dev, int map, int reg, __u32 flags)
{
	int prog = reads(dev, map, reg), link = attach(dev, prog, TARGET, 0, flags);

	syscall(SYS_getpgid, 0);
	close(link);
	close(prog);
	return number(map, LAST);
}

/* As a kretprobe has it, but for the arguments, which it has not. */
TEST_F_TIMEOUT(wrap, registers_are_as_a_kretprobe_shows_them, 120)
{
	static const int same[] = {
		0, 8, 16, 24, 32, 40, AT_AX, AT_ORIG_AX, AT_IP, 160,
	};
	static const int none[] = { 48, 56, 144 };
	int map = numbers(self->dev);

	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		EXPECT_EQ(seen(self->dev, map, same[i], 0),
			  seen(self->dev, map, same[i], KAPSEL_LINK_WRAP)) {
			TH_LOG("at %d", same[i]);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		EXPECT_EQ(0, seen(self->dev, map, none[i], KAPSEL_LINK_WRAP));
	/* Linux 6.12 leaves an address there, of its own trampoline. */
	EXPECT_EQ(KERNEL_CS, seen(self->dev, map, AT_CS, KAPSEL_LINK_WRAP));
	/* The wrapper's first argument points to the caller's registers. */
	EXPECT_EQ(0xff, seen(self->dev, map, AT_DI, KAPSEL_LINK_WRAP) >> 56);
}

/* Right above where the function returned to: the kernel moves stacks about. */
TEST_F(wrap, the_stack_is_the_callers)
{
	int map = numbers(self->dev);
	int prog = km_kprobe(self->dev,
			     "r6 = r1\n"
			     "call bpf_get_current_pid_tgid\n"
			     "r0 >>= 32\n"
			     "if r0 != %d goto out\n"
			     "r3 = *(u64 *)(r6 + %d)\n"
			     "r3 += -8\n"
			     "r1 = r10\n"
			     "r1 += -8\n"
			     "r2 = 8\n"
			     "call bpf_probe_read_kernel\n"
			     "r2 = *(u64 *)(r10 - 8)\n"
			     "r3 = *(u64 *)(r6 + %d)\n"
			     "r1 = map[fd:%d]+0 ll\n"
			     "*(u64 *)(r1 + 0) = r2\n"
			     "*(u64 *)(r1 + 8) = r3\n"
			     "out:\n"
			     "r0 = 0\n"
			     "exit\n", getpid(), AT_SP, AT_IP, map);
	int link = wrap(self->dev, prog, TARGET);

	ASSERT_LE(0, link);
	target();
	EXPECT_NE(0, number(map, LAST));
	EXPECT_EQ(number(map, LAST), number(map, SUM));
}

/* The caller, and its, without the stub. */
TEST_F(wrap, stacks_are_as_a_kretprobe_shows_them)
{
	int map = numbers(self->dev);

	for (int frame = 0; frame < 2; frame++) {
		int prog = km_kprobe(self->dev,
				     "r6 = r1\n"
				     "call bpf_get_current_pid_tgid\n"
				     "r0 >>= 32\n"
				     "if r0 != %d goto out\n"
				     "r1 = r6\n"
				     "r2 = r10\n"
				     "r2 += -16\n"
				     "r3 = 16\n"
				     "r4 = 0\n"
				     "call bpf_get_stack\n"
				     "r2 = *(u64 *)(r10 - %d)\n"
				     "r1 = map[fd:%d]+0 ll\n"
				     "*(u64 *)(r1 + 0) = r2\n"
				     "out:\n"
				     "r0 = 0\n"
				     "exit\n", getpid(), 16 - 8 * frame, map);
		__u64 ips[2];

		for (int wrapped = 0; wrapped < 2; wrapped++) {
			int link = attach(self->dev, prog, TARGET, 0,
					  wrapped ? KAPSEL_LINK_WRAP : 0);

			ASSERT_LE(0, link);
			syscall(SYS_getpgid, 0);
			close(link);
			ips[wrapped] = number(map, LAST);
		}
		EXPECT_NE(0, ips[0]);
		EXPECT_EQ(ips[0], ips[1]);
		close(prog);
	}
}

/* Each of three is inside of the one before. */
TEST_F(wrap, functions_in_functions)
{
	static const char *const names[] = { "__x64_sys_read", "ksys_read", "vfs_read" };
	int maps[3], links[3], zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char byte;

	for (int i = 0; i < 3; i++) {
		maps[i] = numbers(self->dev);
		links[i] = wrap(self->dev, reads(self->dev, maps[i], AT_AX), names[i]);
		ASSERT_LE(0, links[i]);
		EXPECT_EQ(KAPSEL_VIA_WRAP, km_info(links[i]).link.via);
	}
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(1, read(zero, &byte, 1));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(10, number(maps[i], SUM));
}

/* Files that wait for files that wait for files. */
TEST_F(wrap, functions_that_call_themselves)
{
	static const char *const names[] = { "reverse_path_check_proc", "__ep_eventpoll_poll" };
	int map = numbers(self->dev), link = -1, pipes[2], waits[4];
	struct epoll_event event = { .events = EPOLLIN };
	__u64 before;

	for (size_t i = 0; i < ARRAY_SIZE(names) && link < 0; i++) {
		link = wrap(self->dev, reads(self->dev, map, AT_AX), names[i]);
		if (link >= 0 && km_info(link).link.via != KAPSEL_VIA_WRAP) {
			close(link);
			link = -1;
		}
	}
	if (link < 0)
		SKIP(return, "no such function in this kernel");
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(1, write(pipes[1], "x", 1));
	for (int i = 0; i < 4; i++) {
		waits[i] = epoll_create1(EPOLL_CLOEXEC);
		if (i)
			ASSERT_EQ(0, epoll_ctl(waits[i], EPOLL_CTL_ADD, waits[i - 1], &event));
	}
	before = number(map, COUNT);
	ASSERT_EQ(0, epoll_ctl(waits[0], EPOLL_CTL_ADD, pipes[0], &event));
	struct pollfd poll_it = { .fd = waits[3], .events = POLLIN };

	EXPECT_EQ(1, poll(&poll_it, 1, 0));
	EXPECT_LE(before + 3, number(map, COUNT));
	EXPECT_EQ(0, km_info(link).link.missed);
	EXPECT_EQ(0, km_info(link).link.inside);
}

/* The program's own helper is what is wrapped. */
TEST_F(wrap, inner_events_are_counted)
{
	int prog = km_kprobe(self->dev, KM_CALLS_INNER);
	int link = wrap(self->dev, prog, KM_INNER);
	struct kapsel_link_info before, after;

	ASSERT_LE(0, link);
	EXPECT_EQ(KAPSEL_VIA_WRAP, km_info(link).link.via);
	before = km_info(link).link;
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(77, km_call(prog));
	after = km_info(link).link;
	EXPECT_EQ(10, after.recursed - before.recursed);
	EXPECT_EQ(0, after.missed);
}

TEST_F(wrap, programs_are_exchanged)
{
	int map = numbers(self->dev), other = numbers(self->dev);
	int link = wrap(self->dev, reads(self->dev, map, AT_AX), TARGET);

	ASSERT_LE(0, link);
	target();
	EXPECT_EQ(0, km_update(link, reads(self->dev, other, 0), -1));
	target();
	EXPECT_EQ(1, number(map, COUNT));
	EXPECT_EQ(1, number(other, COUNT));
}

/* Where RCU does not look, nothing can be run, and that is told. */
TEST_F(wrap, idle_processors_are_missed)
{
	static const char *const names[] = { "arch_cpu_idle", "cpuidle_select", "default_idle" };
	struct kapsel_link_info info = {};

	for (size_t i = 0; i < ARRAY_SIZE(names) && !info.missed; i++) {
		int link = wrap(self->dev, km_kprobe(self->dev, KM_ACCEPT), names[i]);

		if (link < 0)
			continue;
		for (int j = 0; j < 10; j++)
			usleep(20000);
		if (km_info(link).link.via == KAPSEL_VIA_WRAP)
			info = km_info(link).link;
		close(link);
	}
	if (!info.missed)
		SKIP(return, "RCU looks on while this kernel idles");
	EXPECT_LT(0, info.missed);
}

/* ------------------------------------------------------------------------
 * What is not wrapped, and why
 */
static __u32 why(int dev, int prog, const char *symbol, __u64 addr)
{
	int link = attach(dev, prog, symbol, addr, KAPSEL_LINK_WRAP);
	struct kapsel_link_info info;

	if (link < 0)
		return link;
	info = km_info(link).link;
	close(link);
	return info.via == KAPSEL_VIA_KRETPROBE ? info.unwrapped : KAPSEL_UNWRAPPED_NOT;
}

/* The address of a name that several functions have; 0: there is none. */
static __u64 shared_name(char *name)
{
	static const char *const names[] = { "c_start", "s_show", "cleanup", "read_file", "reset" };
	unsigned long long addr = 0, at;
	char line[512], symbol[256], type;
	FILE *f = fopen("/proc/kallsyms", "r");
	int count[ARRAY_SIZE(names)] = {};

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %c %255s", &at, &type, symbol) != 3 || strchr(line, '['))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			if (strcmp(symbol, names[i]) || (type | 32) != 't' || ++count[i] != 2)
				continue;
			strcpy(name, symbol);
			addr = at;
		}
	}
	if (f)
		fclose(f);
	return addr;
}

TEST_F(wrap, functions_that_are_not_wrapped)
{
	int prog = km_kprobe(self->dev, KM_ACCEPT);
	char name[256];
	__u64 addr;

	EXPECT_EQ(KAPSEL_UNWRAPPED_ARGS, why(self->dev, prog, "do_mmap", 0));
	EXPECT_EQ(KAPSEL_UNWRAPPED_ARGS, why(self->dev, prog, "_printk", 0));
	EXPECT_EQ(KAPSEL_UNWRAPPED_STAYS, why(self->dev, prog, "do_exit", 0));
	EXPECT_EQ(KAPSEL_UNWRAPPED_STAYS, why(self->dev, prog, "schedule", 0));
	EXPECT_EQ(KAPSEL_UNWRAPPED_STAYS, why(self->dev, prog, "worker_thread", 0));
	EXPECT_EQ(KAPSEL_UNWRAPPED_ENTRY, why(self->dev, prog, "ktime_get_mono_fast_ns", 0));
	EXPECT_EQ(KAPSEL_UNWRAPPED_NOT, why(self->dev, prog, "vfs_read", 0));
	addr = shared_name(name);
	if (addr) {
		EXPECT_EQ(KAPSEL_UNWRAPPED_NAME, why(self->dev, prog, name, addr)) {
			TH_LOG("%s", name);
		}
	}
	/* Unless the kernel has it built in, which modprobe is content with. */
	if (access("/sys/module/dummy", F_OK) &&
	    !system("modprobe -q dummy && grep -q '^dummy ' /proc/modules")) {
		EXPECT_EQ(KAPSEL_UNWRAPPED_MODULE, why(self->dev, prog, "dummy_xmit", 0));
		EXPECT_EQ(0, system("rmmod dummy"));
	}
	EXPECT_TRUE(drained(self));
}

TEST_F(wrap, flags_are_for_single_returns)
{
	int prog = km_kprobe(self->dev, KM_ACCEPT);
	struct kapsel_link_create arg;

	km_link_probe(&arg, prog, KAPSEL_HOOK_KPROBE, TARGET, 0);
	arg.flags = KAPSEL_LINK_WRAP;
	EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg));
	arg.hook = KAPSEL_HOOK_KRETPROBE_MULTI;
	EXPECT_EQ(-EINVAL, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg));
	EXPECT_EQ(-EINVAL, attach(self->dev, prog, TARGET, 0, KAPSEL_LINK_WRAP | 1 << 31));
	/* What is wrong with the place is wrong either way. */
	EXPECT_EQ(-ENOENT, wrap(self->dev, prog, "no_such_function_in_here"));
}

/* The second link to a function has a kretprobe, and both see all. */
TEST_F(wrap, one_at_a_time)
{
	int maps[2] = { numbers(self->dev), numbers(self->dev) }, links[2];

	for (int i = 0; i < 2; i++) {
		links[i] = wrap(self->dev, reads(self->dev, maps[i], AT_AX), TARGET);
		ASSERT_LE(0, links[i]);
	}
	EXPECT_EQ(KAPSEL_VIA_WRAP, km_info(links[0]).link.via);
	EXPECT_EQ(KAPSEL_VIA_KRETPROBE, km_info(links[1]).link.via);
	EXPECT_EQ(KAPSEL_UNWRAPPED_BUSY, km_info(links[1]).link.unwrapped);
	for (int i = 0; i < 100; i++)
		target();
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(100, number(maps[i], COUNT));
	close(links[0]);
	target();
	EXPECT_EQ(101, number(maps[1], COUNT));
	/* At once: what is leaving is in nobody's way. */
	links[0] = wrap(self->dev, reads(self->dev, maps[0], AT_AX), TARGET);
	EXPECT_EQ(KAPSEL_VIA_WRAP, km_info(links[0]).link.via);
	target();
	EXPECT_EQ(101, number(maps[0], COUNT));
}

TEST_F_TIMEOUT(wrap, as_many_as_can_be, 240)
{
	int prog = km_kprobe(self->dev, KM_ACCEPT), links[SLOTS + 1];
	FILE *f = fopen(TRACING "available_filter_functions", "r");
	char line[512];
	int count = 0;

	ASSERT_TRUE(f);
	while (count <= SLOTS && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n ")] = '\0';
		if (strncmp(line, "__x64_sys_", 10) || strstr(line, "exit"))
			continue;
		links[count] = wrap(self->dev, prog, line);
		if (links[count] < 0)
			continue;
		struct kapsel_link_info info = km_info(links[count]).link;

		if (info.via == KAPSEL_VIA_WRAP || info.unwrapped == KAPSEL_UNWRAPPED_FULL)
			count++;
		else
			close(links[count]);
	}
	fclose(f);
	ASSERT_EQ(SLOTS + 1, count);
	EXPECT_EQ(SLOTS, list(self));
	EXPECT_EQ(KAPSEL_UNWRAPPED_FULL, km_info(links[SLOTS]).link.unwrapped);
	EXPECT_EQ(KAPSEL_VIA_KRETPROBE, km_info(links[SLOTS]).link.via);
	for (int i = 0; i <= SLOTS; i++)
		close(links[i]);
	EXPECT_TRUE(drained(self));
	EXPECT_EQ(KAPSEL_UNWRAPPED_NOT, why(self->dev, prog, TARGET, 0));
}

/* ------------------------------------------------------------------------
 * Beside others
 */
/* A program of bpf(2)'s where a function returns; its link, or -errno. */
static int fexit(const char *function)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K }, { .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FEXIT);
	int prog, link;

	opts.attach_btf_id = libbpf_find_vmlinux_btf_id(function, BPF_TRACE_FEXIT);
	prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "fexit", "GPL", nothing, 2, &opts);
	if (prog < 0)
		return prog;
	link = bpf_raw_tracepoint_open(NULL, prog);
	close(prog);
	return link;
}

TEST_F(wrap, beside_programs_of_bpf)
{
	int map = numbers(self->dev), prog = reads(self->dev, map, AT_AX);
	int theirs = fexit(TARGET), link;

	if (theirs < 0)
		SKIP(return, "no fexit in this kernel");
	link = wrap(self->dev, prog, TARGET);
	ASSERT_LE(0, link);
	EXPECT_EQ(KAPSEL_VIA_KRETPROBE, km_info(link).link.via);
	EXPECT_EQ(KAPSEL_UNWRAPPED_BUSY, km_info(link).link.unwrapped);
	target();
	EXPECT_EQ(1, number(map, COUNT));
	close(link);
	close(theirs);
	/* Theirs goes by and by. */
	for (int i = 0; i < 100 && why(self->dev, prog, TARGET, 0); i++)
		usleep(100000);
	link = wrap(self->dev, prog, TARGET);
	EXPECT_EQ(KAPSEL_VIA_WRAP, km_info(link).link.via);
	/* EBUSY, from Linux 7 on EINVAL. */
	EXPECT_GT(0, fexit(TARGET));
	close(link);
	theirs = fexit(TARGET);
	EXPECT_LE(0, theirs);
	close(theirs);
}

TEST_F(wrap, beside_other_tracers)
{
	int map = numbers(self->dev), prog = reads(self->dev, map, AT_AX);
	int link = wrap(self->dev, prog, TARGET);
	int entry = km_probe(self->dev, km_kprobe(self->dev, KM_ACCEPT), KAPSEL_HOOK_KPROBE,
			     TARGET);

	ASSERT_LE(0, link);
	ASSERT_LE(0, entry);
	EXPECT_EQ(KAPSEL_VIA_WRAP, km_info(link).link.via);
	ASSERT_TRUE(km_write(TRACING "set_ftrace_filter", TARGET));
	ASSERT_TRUE(km_write(TRACING "current_tracer", "function"));
	ASSERT_TRUE(km_write(TRACING "kprobe_events", "r:kapsel_beside " TARGET "\n"));
	ASSERT_TRUE(km_write(TRACING "events/kprobes/kapsel_beside/enable", "1"));
	for (int i = 0; i < CALLS; i++)
		EXPECT_EQ(getpgid(0), (pid_t)syscall(SYS_getpgid, 0));
	EXPECT_EQ(2 * CALLS, number(map, COUNT));
	EXPECT_LE(2 * CALLS, km_info(entry).link.runs);
	km_write(TRACING "events/kprobes/kapsel_beside/enable", "0");
	km_write(TRACING "current_tracer", "nop");
	km_write(TRACING "set_ftrace_filter", "");
	target();
	EXPECT_EQ(2 * CALLS + 1, number(map, COUNT));
}

TEST_F(wrap, nothing_is_promised_while_ftrace_is_off)
{
	int prog = km_kprobe(self->dev, KM_ACCEPT);

	if (!km_write(FTRACE_ON, "0"))
		SKIP(return, "ftrace can't be switched off");
	EXPECT_EQ(-EOPNOTSUPP, wrap(self->dev, prog, TARGET));
	km_write(FTRACE_ON, "1");
	EXPECT_EQ(KAPSEL_UNWRAPPED_NOT, why(self->dev, prog, TARGET, 0));
}

/* ------------------------------------------------------------------------
 * Coming and going
 */
TEST_F_TIMEOUT(wrap, attached_and_detached_under_fire, 240)
{
	int map = numbers(self->dev), prog = counter(self->dev, map);
	struct km_fire fire;

	ASSERT_EQ(0, km_fire_start(&fire));
	for (int i = 0; i < 40; i++) {
		int link = wrap(self->dev, prog, TARGET);
		__u64 runs;

		ASSERT_LE(0, link);
		EXPECT_EQ(KAPSEL_VIA_WRAP, km_info(link).link.via);
		for (int j = 0; j < 200; j++)
			EXPECT_EQ(getpgid(0), (pid_t)syscall(SYS_getpgid, 0));
		EXPECT_LE(400, km_info(link).link.runs);
		ASSERT_EQ(0, km_detach(link));
		runs = km_info(link).link.runs;
		for (int j = 0; j < 20; j++)
			target();
		EXPECT_EQ(runs, km_info(link).link.runs);
		close(link);
	}
	km_fire_stop(&fire);
	EXPECT_TRUE(drained(self));
}

/* Nothing is lost, and nothing twice: two processors, and each call counted by itself. */
TEST_F(wrap, calls_on_two_processors)
{
	int map = numbers(self->dev), prog = counter(self->dev, map);
	int link = wrap(self->dev, prog, TARGET);
	struct km_fire fire;
	__u64 others;

	ASSERT_LE(0, link);
	others = number(map, LAST);
	ASSERT_EQ(0, km_fire_start(&fire));
	usleep(500000);
	km_fire_stop(&fire);
	EXPECT_LE(fire.calls, number(map, LAST) - others);
	EXPECT_EQ(number(map, LAST), km_info(link).link.runs);
	EXPECT_EQ(0, km_info(link).link.inside);
	EXPECT_EQ(0, km_info(link).link.missed);
}

/* A process that sleeps in the function until it is killed. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		syscall(SYS_pause);
		_exit(0);
	}
	usleep(200000);
	return pid;
}

static void wake(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#define SLEEPS	"__x64_sys_pause"

TEST_F_TIMEOUT(wrap, who_sleeps_inside_keeps_the_module, 120)
{
	int map = numbers(self->dev), prog = counter(self->dev, map);
	int link, again;
	pid_t first, second;
	long users;

	ASSERT_TRUE(drained(self));
	users = module_users();
	link = wrap(self->dev, prog, SLEEPS);
	ASSERT_LE(0, link);
	ASSERT_EQ(KAPSEL_VIA_WRAP, km_info(link).link.via);
	first = sleeper();
	EXPECT_EQ(1, km_info(link).link.inside);
	EXPECT_TRUE(find(self, SLEEPS, false));
	/* No close(): who sleeps has its file, too. */
	ASSERT_EQ(0, km_detach(link));
	ASSERT_TRUE(find(self, SLEEPS, true));
	EXPECT_EQ(1, find(self, SLEEPS, true)->inside);
	/* Long enough for what is empty. */
	sleep(3);
	ASSERT_TRUE(find(self, SLEEPS, true));
	EXPECT_EQ(users + 2, module_users());

	/* Another one in the same function, while it is there. */
	again = wrap(self->dev, prog, SLEEPS);
	ASSERT_LE(0, again);
	EXPECT_EQ(KAPSEL_VIA_WRAP, km_info(again).link.via);
	second = sleeper();
	EXPECT_EQ(1, km_info(again).link.inside);
	wake(first);
	/* It entered before this link came. */
	EXPECT_EQ(0, km_info(again).link.runs);
	wake(second);
	EXPECT_EQ(1, km_info(again).link.runs);
	EXPECT_EQ(1, number(map, LAST));
	close(again);
	close(link);
	EXPECT_TRUE(drained(self));
	EXPECT_EQ(users, module_users());
}

/* Its owner is killed, with a call inside. */
TEST_F_TIMEOUT(wrap, owners_that_are_killed, 60)
{
	int ready[2];
	pid_t owner, inside;
	long users;
	char byte;

	ASSERT_TRUE(drained(self));
	users = module_users();
	ASSERT_EQ(0, pipe(ready));
	owner = fork();
	if (!owner) {
		int prog = km_kprobe(self->dev, KM_ACCEPT);

		byte = wrap(self->dev, prog, SLEEPS) >= 0;
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(0);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(1, byte);
	inside = sleeper();
	wake(owner);
	EXPECT_TRUE(find(self, SLEEPS, true));
	wake(inside);
	EXPECT_TRUE(drained(self));
	EXPECT_EQ(users, module_users());
}

/* Each allocation fails once: the link comes about all the same, or cleanly not. */
TEST_F_TIMEOUT(wrap, without_memory, 240)
{
	int prog = km_kprobe(self->dev, KM_ACCEPT), by[5] = {}, refused = 0, link;
	int fails = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	char text[16];

	if (fails < 0)
		SKIP(return, "no fault injection in this kernel");
	km_write("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	for (int n = 1; n < 200; n++) {
		int len = snprintf(text, sizeof(text), "%d", n);

		ASSERT_EQ(len, pwrite(fails, text, len, 0));
		link = wrap(self->dev, prog, TARGET);
		ASSERT_LT(0, pread(fails, text, sizeof(text), 0));
		ASSERT_EQ(1, pwrite(fails, "0", 1, 0));
		if (link < 0) {
			refused++;
			continue;
		}
		by[km_info(link).link.via % 5]++;
		__u64 runs = km_info(link).link.runs;

		target();
		EXPECT_LT(runs, km_info(link).link.runs);
		close(link);
		/* Fewer allocations than that. */
		if (atoi(text))
			break;
	}
	TH_LOG("%d refused, %d kretprobes, %d wrapped", refused, by[KAPSEL_VIA_KRETPROBE],
	       by[KAPSEL_VIA_WRAP]);
	EXPECT_LT(0, refused);
	EXPECT_LT(0, by[KAPSEL_VIA_KRETPROBE]);
	EXPECT_LT(0, by[KAPSEL_VIA_WRAP]);
	EXPECT_TRUE(drained(self));
}

TEST_HARNESS_MAIN
