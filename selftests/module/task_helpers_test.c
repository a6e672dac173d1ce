// SPDX-License-Identifier: GPL-2.0-only
/* Helpers that know the link, and those that send signals or look at namespaces */

#include <linux/kernel.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "kselftest_harness.h"
#include "module/lib/km.h"

#define TARGET	"vfs_unlink"
#define FILE_	"/tmp/task_helpers_test"

FIXTURE(task) {
	int dev;
	int map;	/* array of one number: what a program found */
};

static int signals;	/* written by the handler */

static void on_signal(int sig)
{
	__atomic_add_fetch(&signals, 1, __ATOMIC_SEQ_CST);
}

FIXTURE_SETUP(task)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	ASSERT_LE(0, self->map);
	signals = 0;
	ASSERT_EQ(0, sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_signal }, NULL));
}

FIXTURE_TEARDOWN(task)
{
}

static void make_event(void)
{
	close(open(FILE_, O_CREAT | O_WRONLY, 0600));
	unlink(FILE_);
}

/* What @helper returns in an event of @hook, @offset bytes into the function. */
static __u64 in_event(struct _test_data_task *self, const char *helper, __u32 hook, __u64 offset,
		      __u64 cookie)
{
	int link, prog = km_kprobe(self->dev, "call bpf_%s\nr2 = map[fd:%d] + 0 ll\n"
				   "*(u64 *)(r2 + 0) = r0\nr0 = 0\nexit\n", helper, self->map);
	struct kapsel_link_create arg;

	km_set(self->map, 0, -1, 0);
	km_link_probe(&arg, prog, hook, TARGET, offset);
	arg.cookie = cookie;
	link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);
	close(prog);
	if (link < 0)
		return link;
	make_event();
	close(link);
	return km_value(self->map, 0);
}

static __u64 address_of(const char *symbol)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	unsigned long long addr, found = 0;
	char name[200];

	while (!found && fscanf(file, "%llx %*c %199s%*[^\n]", &addr, name) == 2)
		if (!strcmp(name, symbol))
			found = addr;
	fclose(file);
	return found;
}

/* The first instruction boundary behind the entry that takes a probe. */
static __u64 inside(struct _test_data_task *self)
{
	int prog = km_kprobe(self->dev, "r0 = 0\nexit\n");
	struct kapsel_link_create arg;

	for (__u64 offset = 6; offset < 40; offset++) {
		int link;

		km_link_probe(&arg, prog, KAPSEL_HOOK_KPROBE, TARGET, offset);
		link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);
		if (link < 0)
			continue;
		close(link);
		return offset;
	}
	return 0;
}

TEST_F(task, function_that_is_probed)
{
	__u64 addr = address_of(TARGET);

	ASSERT_NE(0, addr);
	EXPECT_EQ(addr, in_event(self, "get_func_ip", KAPSEL_HOOK_KPROBE, 0, 0));
	EXPECT_EQ(addr, in_event(self, "get_func_ip", KAPSEL_HOOK_KRETPROBE, 0, 0));
	ASSERT_NE(0, inside(self));
	EXPECT_EQ(0, in_event(self, "get_func_ip", KAPSEL_HOOK_KPROBE, inside(self), 0));
}

TEST_F(task, cookie_of_the_link)
{
	EXPECT_EQ(0x123456789abcdefULL,
		  in_event(self, "get_attach_cookie", KAPSEL_HOOK_KPROBE, 0, 0x123456789abcdefULL));
	EXPECT_EQ(5, in_event(self, "get_attach_cookie", KAPSEL_HOOK_KRETPROBE, 0, 5));
	EXPECT_EQ(0, in_event(self, "get_attach_cookie", KAPSEL_HOOK_KPROBE, 0, 0));
}

TEST_F(task, test_runs_have_no_link)
{
	EXPECT_EQ(0, km_call(km_kprobe(self->dev, "call bpf_get_func_ip\nexit\n")));
	EXPECT_EQ(0, km_call(km_kprobe(self->dev, "call bpf_get_attach_cookie\nexit\n")));
}

#define SEND(helper)	"r1 = %d\ncall bpf_" helper "\nexit\n"

TEST_F(task, signals_from_test_runs)
{
	EXPECT_EQ(0, km_call(km_kprobe(self->dev, SEND("send_signal"), SIGUSR1)));
	EXPECT_EQ(1, signals);
	EXPECT_EQ(0, km_call(km_kprobe(self->dev, SEND("send_signal_thread"), SIGUSR1)));
	EXPECT_EQ(2, signals);
	EXPECT_EQ(-EINVAL, km_call(km_kprobe(self->dev, SEND("send_signal"), 0)));
	EXPECT_EQ(-EINVAL, km_call(km_kprobe(self->dev, SEND("send_signal"), 65)));
	EXPECT_EQ(-EINVAL, km_call(km_kprobe(self->dev, SEND("send_signal_thread"), -1)));
	EXPECT_EQ(2, signals);
}

/* At an entry interrupts are on, inside of a function they are off: both arrive. */
TEST_F(task, signals_from_probes)
{
	__u64 offsets[] = { 0, inside(self) };

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		struct kapsel_link_create arg;
		int link, prog = km_kprobe(self->dev, SEND("send_signal"), SIGUSR1);

		km_link_probe(&arg, prog, KAPSEL_HOOK_KPROBE, TARGET, offsets[i]);
		link = km_ioctl(self->dev, KAPSEL_LINK_CREATE, &arg);
		ASSERT_LE(0, link);
		signals = 0;
		make_event();
		for (int n = 0; !__atomic_load_n(&signals, __ATOMIC_SEQ_CST) && n < 1000; n++)
			usleep(1000);
		EXPECT_EQ(1, __atomic_load_n(&signals, __ATOMIC_SEQ_CST)) {
			TH_LOG("offset %llu", offsets[i]);
		}
		close(link);
		close(prog);
	}
}

#define PID_IN	"r1 = 0\nr2 = %lu ll\nr3 = r10\nr3 += -8\nr4 = %d\n"	\
		"*(u64 *)(r10 - 8) = -1\n*(u64 *)(r10 - 16) = -1\n"	\
		"call bpf_get_ns_current_pid_tgid\n"			\
		"r1 = *(u64 *)(r10 - 8)\n"				\
		"if r0 == 0 goto out\nr1 = r0\nout: r0 = r1\nexit\n"

TEST_F(task, pid_in_a_namespace)
{
	__u64 want = (__u64)getpid() << 32 | (__u32)getpid();
	struct stat ns;

	ASSERT_EQ(0, stat("/proc/self/ns/pid", &ns));
	EXPECT_EQ(want, km_call(km_kprobe(self->dev, PID_IN, ns.st_ino, 8)));
	EXPECT_EQ(-EINVAL, km_call(km_kprobe(self->dev, PID_IN, ns.st_ino + 1, 8)));
	EXPECT_EQ(-EINVAL, km_call(km_kprobe(self->dev, PID_IN, ns.st_ino, 4)));
}

TEST_F(task, atomic_time)
{
	struct timespec ts;
	__u64 before, now;

	clock_gettime(CLOCK_TAI, &ts);
	before = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
	now = km_call(km_kprobe(self->dev, "call bpf_ktime_get_tai_ns\nexit\n"));
	EXPECT_LE(before, now + 1000000);
	EXPECT_GT(before + 10000000000ULL, now);
}

TEST_HARNESS_MAIN
