// SPDX-License-Identifier: GPL-2.0-only
/* Links to function entries: by ftrace where it can, and as a kprobe shows them */

#include <linux/kernel.h>
#include <sys/mount.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_files.h"
#include "module/lib/km_target.h"

#define TRACING		"/sys/kernel/tracing/"
#define KPROBES_ON	"/sys/kernel/debug/kprobes/enabled"
#define FTRACE_ON	"/proc/sys/kernel/ftrace_enabled"

/* Where struct pt_regs has them. */
enum { AT_R12 = 24, AT_BP = 32, AT_BX = 40, AT_DI = 112, AT_IP = 128, AT_CS = 136, AT_SP = 152 };

FIXTURE(entry) {
	int dev;
	int map;
};

FIXTURE_SETUP(entry)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0);
	ASSERT_LE(0, self->map);
}

FIXTURE_TEARDOWN(entry)
{
	km_write(FTRACE_ON, "1");
	km_write(KPROBES_ON, "1");
	km_write(TRACING "current_tracer", "nop");
	km_write(TRACING "kprobe_events", "");
}

/* Stores what is in r6 in element 0 and counts in element 1, for this process alone. */
#define STORE								\
	"call bpf_get_current_pid_tgid\n"				\
	"r0 >>= 32\n"							\
	"if r0 != %d goto out\n"					\
	"*(u32 *)(r10 - 4) = 0\n"					\
	"r2 = r10\n"							\
	"r2 += -4\n"							\
	"r1 = map[fd:%d] ll\n"						\
	"call bpf_map_lookup_elem\n"					\
	"if r0 == 0 goto out\n"						\
	"*(u64 *)(r0 + 0) = r6\n"					\
	"*(u32 *)(r10 - 4) = 1\n"					\
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

/* A program that reads one register. */
static int reads(FIXTURE_DATA(entry) * self, int reg)
{
	return km_kprobe(self->dev, "r6 = *(u64 *)(r1 + %d)\n" STORE, reg, getpid(), self->map,
			 self->map);
}

/* What it reads in a call of the target, by a link via what is said. */
static __u64 seen(FIXTURE_DATA(entry) * self, int reg, __u64 offset, __u32 *via)
{
	int prog = reads(self, reg), link;
	struct kapsel_link_create arg;

	km_link_probe(&arg, prog, KAPSEL_HOOK_KPROBE, TARGET, offset);
	link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);
	if (link < 0)
		return link;
	*via = km_info(link).link.via;
	target();
	close(link);
	close(prog);
	return km_value(self->map, 0);
}

TEST_F(entry, entries_are_ftraces_and_the_rest_is_not)
{
	int prog = km_kprobe(self->dev, KM_ACCEPT), link = -1;
	struct kapsel_link_create arg;

	link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, TARGET);
	ASSERT_LE(0, link);
	EXPECT_EQ(KAPSEL_VIA_FTRACE, km_info(link).link.via);
	EXPECT_EQ(1, km_lines_with(TRACING "enabled_functions", TARGET " "));
	/* Nothing of the kprobe by which it was found. */
	EXPECT_EQ(0, km_lines_with("/sys/kernel/debug/kprobes/list", TARGET "+"));
	close(link);
	EXPECT_EQ(0, km_lines_with(TRACING "enabled_functions", TARGET " "));
	link = km_probe(self->dev, prog, KAPSEL_HOOK_KRETPROBE, TARGET);
	ASSERT_LE(0, link);
	EXPECT_EQ(KAPSEL_VIA_KRETPROBE, km_info(link).link.via);
	close(link);
	link = -1;
	for (__u64 offset = 6; offset < 32 && link < 0; offset++) {
		km_link_probe(&arg, prog, KAPSEL_HOOK_KPROBE, TARGET, offset);
		link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);
	}
	ASSERT_LE(0, link);
	EXPECT_EQ(KAPSEL_VIA_KPROBE, km_info(link).link.via);
}

/* Functions that ftrace leaves alone, but kprobes do not. */
TEST_F(entry, functions_that_are_not_traced)
{
	static const char *const names[] = {
		"ktime_get_mono_fast_ns", "rcu_is_watching", "clear_page_rep", "memcpy_orig",
		"rep_movs_alternative", "__memcpy",
	};
	int prog = km_kprobe(self->dev, KM_ACCEPT), links = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, names[i]);

		if (link < 0)
			continue;
		EXPECT_EQ(KAPSEL_VIA_KPROBE, km_info(link).link.via) {
			TH_LOG("%s", names[i]);
		}
		EXPECT_EQ(KAPSEL_LINK_ATTACHED, km_info(link).link.state);
		links++;
		close(link);
	}
	EXPECT_LE(1, links);
}

/* ------------------------------------------------------------------------
 * What a program sees
 */
/* What Linux's own kprobe on the same function says of a register. */
static __u64 linux_sees(const char *reg)
{
	char text[128], line[512];
	__u64 value = 0;
	FILE *f;

	snprintf(text, sizeof(text), "p:kapsel_ip %s value=%%%s:x64\n", TARGET, reg);
	if (!km_write(TRACING "kprobe_events", text))
		return 0;
	km_write(TRACING "trace", "");
	km_write(TRACING "events/kprobes/kapsel_ip/enable", "1");
	target();
	km_write(TRACING "events/kprobes/kapsel_ip/enable", "0");
	f = fopen(TRACING "trace", "r");
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "value="))
			value = strtoull(strstr(line, "value=") + 6, NULL, 16);
	if (f)
		fclose(f);
	km_write(TRACING "kprobe_events", "");
	return value;
}

TEST_F(entry, the_instruction_pointer_is_a_kprobes)
{
	__u64 theirs = linux_sees("ip"), ours;
	__u32 via;

	ours = seen(self, AT_IP, 0, &via);
	EXPECT_EQ(KAPSEL_VIA_FTRACE, via);
	ASSERT_NE(0, theirs);
	EXPECT_EQ(theirs, ours);
}

/* With and without all registers saved; the function goes on all the same. */
TEST_F(entry, both_ways_of_saving_show_the_same)
{
	static const char *const names[] = { "bx", "cs", "ss", "r12", "r13" };
	static const int regs[] = { AT_BX, AT_CS, 160, AT_R12, 16 };
	__u64 group = getpgid(0), value;
	__u32 via;

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
		value = seen(self, regs[i], 0, &via);
		EXPECT_EQ(KAPSEL_VIA_FTRACE, via);
		EXPECT_EQ(group, (__u64)getpgid(0));
		if (regs[i] == AT_CS || regs[i] == 160) {
			EXPECT_EQ(linux_sees(names[i]), value) {
				TH_LOG("%s", names[i]);
			}
		}
	}
	/* The top of the stack is where the function returns to. */
	value = seen(self, AT_SP, 0, &via);
	EXPECT_EQ(0xffULL, value >> 56);
	EXPECT_EQ(KAPSEL_VIA_FTRACE, via);
}

/* What was not saved is no leftover of the kernel's, whoever reads it and how. */
TEST_F(entry, what_is_not_saved_is_zero)
{
	int prog = km_kprobe(self->dev,
			     "r3 = r1\n"
			     "r3 += %d\n"
			     "r1 = r10\n"
			     "r1 += -16\n"
			     "r2 = 8\n"
			     "call bpf_probe_read_kernel\n"
			     "r6 = *(u64 *)(r10 - 16)\n" STORE, AT_R12, getpid(), self->map,
			     self->map);
	int link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, TARGET);

	if (prog < 0)
		SKIP(return, "contexts are not read by address");
	ASSERT_LE(0, link);
	km_set(self->map, 0, 42, BPF_ANY);
	target();
	EXPECT_EQ(1, km_value(self->map, 1));
	EXPECT_EQ(0, km_value(self->map, 0));
}

TEST_F(entry, updates_need_what_was_saved)
{
	int arguments = reads(self, AT_DI), all = reads(self, AT_BX);
	int link = km_probe(self->dev, arguments, KAPSEL_HOOK_KPROBE, TARGET);

	ASSERT_LE(0, link);
	EXPECT_EQ(-EOPNOTSUPP, km_update(link, all, -1));
	EXPECT_EQ(km_info(arguments).id, km_info(link).link.prog_id);
	EXPECT_EQ(0, km_update(link, reads(self, AT_IP), -1));
	close(link);
	link = km_probe(self->dev, all, KAPSEL_HOOK_KPROBE, TARGET);
	ASSERT_LE(0, link);
	EXPECT_EQ(0, km_update(link, arguments, -1));
	EXPECT_EQ(0, km_update(link, all, -1));
	target();
	EXPECT_EQ(1, km_value(self->map, 1));
	/* Inside of a function everything is saved. */
	close(link);
	for (__u64 offset = 6; offset < 32; offset++) {
		struct kapsel_link_create arg;

		km_link_probe(&arg, arguments, KAPSEL_HOOK_KPROBE, TARGET, offset);
		link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);
		if (link >= 0)
			break;
	}
	EXPECT_EQ(0, km_update(link, all, -1));
}

/* ------------------------------------------------------------------------
 * Beside others
 */
TEST_F(entry, beside_other_tracers)
{
	int link = km_probe(self->dev, reads(self, AT_DI), KAPSEL_HOOK_KPROBE, TARGET);
	int full = km_probe(self->dev, reads(self, AT_BX), KAPSEL_HOOK_KPROBE, TARGET);
	int back = km_probe(self->dev, km_kprobe(self->dev, KM_ACCEPT),
			    KAPSEL_HOOK_KRETPROBE, TARGET);

	ASSERT_LE(0, link);
	ASSERT_LE(0, full);
	ASSERT_LE(0, back);
	ASSERT_TRUE(km_write(TRACING "set_ftrace_filter", TARGET));
	ASSERT_TRUE(km_write(TRACING "current_tracer", "function"));
	ASSERT_TRUE(km_write(TRACING "kprobe_events", "p:kapsel_beside " TARGET "\n"));
	ASSERT_TRUE(km_write(TRACING "events/kprobes/kapsel_beside/enable", "1"));
	for (int i = 0; i < CALLS; i++)
		target();
	EXPECT_EQ(2 * CALLS, km_value(self->map, 1));
	EXPECT_LE(CALLS, km_info(back).link.runs);
	EXPECT_LE(CALLS, km_lines_with(TRACING "trace", TARGET));
	close(full);
	target();
	EXPECT_EQ(2 * CALLS + 1, km_value(self->map, 1));
	km_write(TRACING "events/kprobes/kapsel_beside/enable", "0");
	km_write(TRACING "current_tracer", "nop");
	km_write(TRACING "set_ftrace_filter", "");
	target();
	EXPECT_EQ(2 * CALLS + 2, km_value(self->map, 1));
}

/* Programs on what their own helpers, kapsel's ioctls and its callback run through. */
TEST_F_TIMEOUT(entry, functions_that_kapsel_uses_itself, 120)
{
	static const char *const names[] = {
		"scnprintf", "kfree", "__kmalloc", "fput", "_raw_spin_lock", "_raw_spin_lock_irqsave",
		"mutex_lock", "synchronize_rcu", "register_kprobe", "ftrace_set_filter_ip",
		"register_ftrace_function", "copy_from_kernel_nofault", "read_hpet", "ktime_get_ts64",
		"rcu_read_lock_sched_held", "lock_acquire", "schedule", "anon_inode_getfd",
	};
	int attached = 0;

	km_write("/sys/module/kapsel/parameters/stats_time", "1");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int prog = km_kprobe(self->dev, "call bpf_ktime_get_ns\n"
				     "*(u64 *)(r10 - 8) = 0x6425\n"
				     "r1 = r10\n"
				     "r1 += -8\n"
				     "r2 = 8\n"
				     "r3 = 5\n"
				     "r4 = 0\n"
				     "r5 = 0\n"
				     "call bpf_trace_printk\n"
				     "exit\n");
		int link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, names[i]);

		if (link < 0) {
			close(prog);
			continue;
		}
		attached++;
		for (int j = 0; j < 10; j++) {
			close(km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, TARGET));
			km_call(prog);
			target();
		}
		EXPECT_EQ(0, km_info(link).link.aborted);
		close(link);
		close(prog);
	}
	km_write("/sys/module/kapsel/parameters/stats_time", "0");
	EXPECT_LT(8, attached);
}

/* The program's own helper is what is probed: once inside, skipped and counted. */
TEST_F(entry, inner_events_are_counted)
{
	int prog = km_kprobe(self->dev, KM_CALLS_INNER);
	int link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, KM_INNER);
	struct kapsel_link_info before, after;

	ASSERT_LE(0, link);
	EXPECT_EQ(KAPSEL_VIA_FTRACE, km_info(link).link.via);
	before = km_info(link).link;
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(77, km_call(prog));
	after = km_info(link).link;
	EXPECT_EQ(10, after.recursed - before.recursed);
	EXPECT_EQ(0, after.missed);
}

/* Where RCU does not look, nothing can be run, and that is told. */
TEST_F(entry, idle_processors_are_missed)
{
	int prog = km_kprobe(self->dev, KM_ACCEPT);
	int link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, "arch_cpu_idle");
	struct kapsel_link_info info;

	if (link < 0)
		SKIP(return, "this kernel lets nobody probe where it idles");
	for (int i = 0; i < 10; i++)
		usleep(20000);
	ASSERT_EQ(0, km_detach(link));
	info = km_info(link).link;
	if (info.runs)
		SKIP(return, "RCU looks on while this kernel idles");
	EXPECT_LT(0, info.missed);
}

/* ------------------------------------------------------------------------
 * Where ftrace or kprobes are off
 */
TEST_F(entry, nothing_is_promised_while_they_are_off)
{
	static const char *const files[] = { FTRACE_ON, KPROBES_ON };
	int prog = km_kprobe(self->dev, KM_ACCEPT);

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct kapsel_link_create arg;

		if (!km_write(files[i], "0"))
			continue;
		km_link_probe(&arg, prog, KAPSEL_HOOK_KPROBE, TARGET, 0);
		EXPECT_EQ(-EOPNOTSUPP, km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg)) {
			TH_LOG("%s", files[i]);
		}
		EXPECT_EQ(KPS_D_PROBES_OFF, arg.log.verdict.code);
		km_write(files[i], "1");
	}
	EXPECT_LE(0, km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, TARGET));
}

/* Each allocation fails once: the link comes about all the same, or cleanly not. */
TEST_F_TIMEOUT(entry, without_memory, 120)
{
	int prog = km_kprobe(self->dev, KM_ACCEPT), by[4] = {}, refused = 0, link = -1;
	int fails = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	char text[16];

	if (fails < 0)
		SKIP(return, "no fault injection in this kernel");
	km_write("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	for (int n = 1; n < 100; n++) {
		int len = snprintf(text, sizeof(text), "%d", n);

		ASSERT_EQ(len, pwrite(fails, text, len, 0));
		link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, TARGET);
		ASSERT_LT(0, pread(fails, text, sizeof(text), 0));
		ASSERT_EQ(1, pwrite(fails, "0", 1, 0));
		if (link < 0) {
			refused++;
			continue;
		}
		by[km_info(link).link.via & 3]++;
		__u64 runs = km_info(link).link.runs;

		target();
		EXPECT_LT(runs, km_info(link).link.runs);
		close(link);
		/* Fewer allocations than that. */
		if (atoi(text))
			break;
	}
	TH_LOG("%d refused, %d kprobes, %d by ftrace", refused, by[KAPSEL_VIA_KPROBE],
	       by[KAPSEL_VIA_FTRACE]);
	EXPECT_LT(0, refused);
	EXPECT_LT(0, by[KAPSEL_VIA_FTRACE]);
}

/* ------------------------------------------------------------------------
 * Coming and going
 */
/* Each program reads its own constant: a link never runs for another's function. */
TEST_F_TIMEOUT(entry, attached_and_detached_under_fire, 120)
{
	static const char *const names[] = { TARGET, "__x64_sys_getsid" };
	int progs[2] = { reads(self, AT_DI), reads(self, AT_BX) };
	struct km_fire fire;

	ASSERT_EQ(0, km_fire_start(&fire));
	for (int i = 0; i < 100; i++) {
		int link = km_probe(self->dev, progs[i & 1], KAPSEL_HOOK_KPROBE, names[i / 2 & 1]);

		ASSERT_LE(0, link);
		for (int j = 0; j < 20; j++)
			target();
		ASSERT_EQ(0, km_detach(link));
		__u64 runs = km_info(link).link.runs;

		for (int j = 0; j < 20; j++)
			target();
		EXPECT_EQ(runs, km_info(link).link.runs);
		/* Nobody calls the other function. */
		EXPECT_LE(i / 2 & 1 ? 0 : 20, runs);
		EXPECT_GE(i / 2 & 1 ? 0 : UINT64_MAX, runs);
		close(link);
	}
	km_fire_stop(&fire);
}

/* More than are kept for later; what is too many goes by and by. */
TEST_F_TIMEOUT(entry, many_at_a_time, 120)
{
	int prog = reads(self, AT_DI), links[40], left = 0;

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		links[i] = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, TARGET);
		ASSERT_LE(0, links[i]);
	}
	target();
	EXPECT_EQ(ARRAY_SIZE(links), km_value(self->map, 1));
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		close(links[i]);
	target();
	EXPECT_EQ(ARRAY_SIZE(links), km_value(self->map, 1));
	EXPECT_EQ(0, km_lines_with(TRACING "enabled_functions", TARGET " "));
	for (int i = 0; i < 600 && left != 1; i++) {
		/* "(8)": as many as may wait. */
		left = km_lines_with(TRACING "enabled_functions", "waiting_room [kapsel] (8)");
		usleep(100000);
	}
	EXPECT_EQ(1, left);
}

/* A module's function, and then another module at its place. */
TEST_F_TIMEOUT(entry, modules_that_go, 60)
{
	int prog = km_kprobe(self->dev, KM_ACCEPT), link;

	if (system("modprobe -q dummy"))
		SKIP(return, "no module to try it with");
	link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, "dummy:dummy_xmit");
	if (link < 0)
		link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, "dummy_xmit");
	ASSERT_LE(0, link);
	EXPECT_EQ(KAPSEL_VIA_FTRACE, km_info(link).link.via);
	ASSERT_EQ(0, system("rmmod dummy"));
	EXPECT_EQ(0, km_lines_with(TRACING "enabled_functions", "dummy_xmit"));
	ASSERT_EQ(0, system("modprobe -q dummy"));
	EXPECT_EQ(0, km_lines_with(TRACING "enabled_functions", "dummy"));
	EXPECT_EQ(0, km_detach(link));
	ASSERT_EQ(0, system("rmmod dummy"));
	target();
	EXPECT_EQ(-ENOENT, km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, "dummy_xmit"));
}

TEST_HARNESS_MAIN
