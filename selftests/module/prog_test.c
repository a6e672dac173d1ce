// SPDX-License-Identifier: GPL-2.0-only
/* PROG_TEST_RUN: what programs see, what helpers give, what may be asked for */

#include <linux/kernel.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "core/proto.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"

enum { AX = 10, SI = 13, DI = 14, NR_REGS = 21 };

FIXTURE(prog) {
	int dev;
	int map;	/* array of 64 values: what netfilter programs found */
	struct kapsel_abi abi;
};

FIXTURE_SETUP(prog)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 64, 0);
	ASSERT_LE(0, self->map);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &self->abi));
}

FIXTURE_TEARDOWN(prog)
{
}

/* Runs a program with two registers set; what it returns, or -errno. */
static __u64 call(int prog, __u64 di, __u64 si)
{
	__u64 regs[NR_REGS] = { [DI] = di, [SI] = si }, ret = 0;
	int err = km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret);

	close(prog);
	return err ? (__u64)(long)err : ret;
}

/* ------------------------------------------------------------------------
 * kprobe programs
 */
TEST_F(prog, every_register_is_the_one_given)
{
	const struct kps_prog_type *type = kps_prog_type_find(KAPSEL_PROG_KPROBE);
	__u64 regs[NR_REGS], ret;

	ASSERT_EQ(sizeof(regs), type->ctx_size);
	for (int i = 0; i < NR_REGS; i++)
		regs[i] = 0x0123456789abcdefULL * (i + 1);
	for (__u32 i = 0; i < type->nr_fields; i++) {
		const struct kps_ctx_field *field = &type->fields[i];

		for (__u32 size = 1; size <= 8; size *= 2) {
			__u64 mask = size == 8 ? -1ULL : (1ULL << 8 * size) - 1;
			int prog = km_kprobe(self->dev, "r0 = *(u%u *)(r1 + %u)\nexit\n",
					     8 * size, field->offset);

			ASSERT_LE(0, prog);
			ASSERT_EQ(0, km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret));
			EXPECT_EQ(regs[field->offset / 8] & mask, ret) {
				TH_LOG("%s, %u bytes", field->name, size);
			}
			close(prog);
		}
	}
}

TEST_F(prog, registers_not_given_are_zero)
{
	int prog = km_kprobe(self->dev, "r0 = *(u64 *)(r1 + 112)\nexit\n");
	__u64 regs[NR_REGS + 1], ret;

	memset(regs, 0xff, sizeof(regs));
	EXPECT_EQ(0, km_call(prog));
	ASSERT_EQ(0, km_run(prog, regs, DI * 8, NULL, 0, 0, &ret));
	EXPECT_EQ(0, ret);
	ASSERT_EQ(0, km_run(prog, regs, DI * 8 + 1, NULL, 0, 0, &ret));
	EXPECT_EQ(0xff, ret);
	EXPECT_EQ(-E2BIG, km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret));
	regs[NR_REGS] = 0;
	EXPECT_EQ(0, km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret));
	EXPECT_EQ(-EFAULT, km_run(prog, (void *)8, 8, NULL, 0, 0, &ret));
	EXPECT_EQ(-EINVAL, km_run(prog, NULL, 8, NULL, 0, 0, &ret));
	EXPECT_EQ(-EINVAL, km_run(prog, regs, 0, NULL, 0, 0, &ret));
}

TEST_F(prog, kprobe_programs_take_no_packet)
{
	int prog = km_kprobe(self->dev, KM_ACCEPT);
	__u8 packet[64] = { 0x45 };
	__u64 ret;

	EXPECT_EQ(-EINVAL, km_run(prog, NULL, 0, packet, sizeof(packet), 0, &ret));
	EXPECT_EQ(-EINVAL, km_run(prog, NULL, 0, NULL, 20, 0, &ret));
	EXPECT_EQ(-EINVAL, km_run(prog, NULL, 0, NULL, 0, 1, &ret));
}

static void on_alarm(int sig)
{
}

TEST_F(prog, repeats_and_can_be_interrupted)
{
	int prog = km_kprobe(self->dev,
			     "*(u32 *)(r10 - 4) = 0\n"
			     "r2 = r10\n"
			     "r2 += -4\n"
			     "r1 = map[fd:%d] ll\n"
			     "call bpf_map_lookup_elem\n"
			     "if r0 == 0 goto out\n"
			     "r1 = 1\n"
			     "lock *(u64 *)(r0 + 0) += r1\n"
			     "out:\n"
			     "r0 = 0\n"
			     "exit\n", self->map);
	static const __u32 counts[] = { 0, 1, 63, 64, 65, 1000 };
	struct itimerval soon = { .it_value.tv_usec = 20000 };
	struct kapsel_test_run arg;
	__u64 wanted = 0;

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		arg = (struct kapsel_test_run){ .repeat = counts[i] };
		ASSERT_EQ(0, km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg));
		wanted += counts[i] ?: 1;
		EXPECT_EQ(wanted, km_value(self->map, 0));
	}
	ASSERT_EQ(0, sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_alarm }, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &soon, NULL));
	arg = (struct kapsel_test_run){ .repeat = KAPSEL_MAX_REPEAT };
	EXPECT_EQ(-EINTR, km_ioctl(prog, KAPSEL_PROG_TEST_RUN, &arg));
	EXPECT_LT(wanted, km_value(self->map, 0));
	EXPECT_GT(KAPSEL_MAX_REPEAT, km_value(self->map, 0));
}

/* ------------------------------------------------------------------------
 * Helpers
 */
#define HELPER(dev, name) km_kprobe(dev, "call bpf_" name "\nexit\n")

static __u64 now(int clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* In nanoseconds and from the same start as userspace's clocks. */
TEST_F(prog, clocks)
{
	const __u64 tick = 1000000000;	/* room for a clock of ticks */
	__u64 before = now(CLOCK_MONOTONIC), t;

	t = call(HELPER(self->dev, "ktime_get_ns"), 0, 0);
	EXPECT_LE(before, t + tick);
	EXPECT_GE(now(CLOCK_MONOTONIC) + tick, t);
	t = call(HELPER(self->dev, "ktime_get_coarse_ns"), 0, 0);
	EXPECT_LE(before, t + tick);
	EXPECT_GE(now(CLOCK_MONOTONIC) + tick, t);
	before = now(CLOCK_BOOTTIME);
	t = call(HELPER(self->dev, "ktime_get_boot_ns"), 0, 0);
	EXPECT_LE(before, t + tick);
	EXPECT_GE(now(CLOCK_BOOTTIME) + tick, t);
	t = call(HELPER(self->dev, "jiffies64"), 0, 0);
	EXPECT_LE(t, call(HELPER(self->dev, "jiffies64"), 0, 0));
}

TEST_F(prog, current_task)
{
	int prog = km_kprobe(self->dev,
			     "r1 = r10\n"
			     "r1 += -16\n"
			     "r2 = 16\n"
			     "call bpf_get_current_comm\n"
			     "r0 = *(u64 *)(r10 - 16)\n"
			     "exit\n");
	char comm[] = "kapsel1";
	__u64 wanted;

	EXPECT_EQ((__u64)getpid() << 32 | syscall(SYS_gettid),
		  call(HELPER(self->dev, "get_current_pid_tgid"), 0, 0));
	EXPECT_EQ((__u64)getgid() << 32 | getuid(),
		  call(HELPER(self->dev, "get_current_uid_gid"), 0, 0));
	memcpy(&wanted, comm, sizeof(wanted));
	ASSERT_EQ(0, prctl(PR_SET_NAME, comm));
	EXPECT_EQ(wanted, call(prog, 0, 0));
}

/* A name that does not fit is cut and ends in NUL. */
TEST_F(prog, current_task_in_little_room)
{
	int prog = km_kprobe(self->dev,
			     "*(u64 *)(r10 - 8) = -1\n"
			     "r1 = r10\n"
			     "r1 += -8\n"
			     "r2 = 4\n"
			     "call bpf_get_current_comm\n"
			     "r0 = *(u64 *)(r10 - 8)\n"
			     "exit\n");

	ASSERT_EQ(0, prctl(PR_SET_NAME, "kapsel1"));
	EXPECT_EQ(0xffffffff00000000 | 'k' | 'a' << 8 | 'p' << 16, call(prog, 0, 0));
}

TEST_F(prog, cpu_and_node)
{
	for (__u32 cpu = 0; cpu < self->abi.cpus; cpu++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
		EXPECT_EQ(cpu, call(HELPER(self->dev, "get_smp_processor_id"), 0, 0));
		EXPECT_EQ(0, call(HELPER(self->dev, "get_numa_node_id"), 0, 0));
	}
}

TEST_F(prog, random_numbers_have_32_bits)
{
	int prog = HELPER(self->dev, "get_prandom_u32");
	__u64 or = 0, and = -1, last = 0;
	int same = 0;

	for (int i = 0; i < 256; i++) {
		__u64 x = km_call(prog);

		same += x == last;
		or |= x;
		and &= x;
		last = x;
	}
	EXPECT_EQ(UINT32_MAX, or);
	EXPECT_EQ(0, and);
	EXPECT_GT(3, same);
}

/* Reads 8 bytes at di; returns the error if si is 0, else what was read. */
#define READER(name)							\
	"r6 = *(u64 *)(r1 + 104)\n"					\
	"r3 = *(u64 *)(r1 + 112)\n"					\
	"*(u64 *)(r10 - 8) = -1\n"					\
	"r1 = r10\n"							\
	"r1 += -8\n"							\
	"r2 = 8\n"							\
	"call bpf_" name "\n"						\
	"if r6 == 0 goto out\n"						\
	"r0 = *(u64 *)(r10 - 8)\n"					\
	"out:\n"							\
	"exit\n"

static const char *const readers[] = {
	READER("probe_read"), READER("probe_read_kernel"), READER("probe_read_user"),
	READER("probe_read_str"), READER("probe_read_kernel_str"),
	READER("probe_read_user_str"),
};

/* Nothing is mapped there, for either kind of reader. */
TEST_F(prog, bad_addresses_fault_and_give_zeros)
{
	static const __u64 bad[] = {
		0, 1, 8, 4096, 0x7ffffffff000, 0x800000000000, 1ULL << 63,
		0xffff7fffffffffff, 0xffffffffffffefff, -8ULL, -1ULL,
	};

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
			long err = call(km_kprobe(self->dev, readers[i]), bad[j], 0);

			EXPECT_EQ(-EFAULT, err) {
				TH_LOG("reader %zu at %#llx", i, bad[j]);
			}
			EXPECT_EQ(0, call(km_kprobe(self->dev, readers[i]), bad[j], 1)) {
				TH_LOG("reader %zu at %#llx", i, bad[j]);
			}
		}
}

/* Half of it is there: all of it counts as missing. */
TEST_F(prog, reads_across_the_end_of_memory_fault)
{
	long page = sysconf(_SC_PAGESIZE);
	char *mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	__u64 at = km_ptr(mem) + page - 4;

	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, munmap(mem + page, page));
	memset(mem, 'x', page);
	EXPECT_EQ(-EFAULT, (long)call(km_kprobe(self->dev, readers[2]), at, 0));
	EXPECT_EQ(0, call(km_kprobe(self->dev, readers[2]), at, 1));
	/* A string that ends before it does not. */
	mem[page - 2] = 0;
	EXPECT_EQ(3, call(km_kprobe(self->dev, readers[5]), at, 0));
}

TEST_F(prog, user_memory)
{
	__u64 number = 0x1122334455667788;
	char text[] = "abc", longer[] = "abcdefghijkl";

	EXPECT_EQ(number, call(km_kprobe(self->dev, readers[2]), km_ptr(&number), 1));
	EXPECT_EQ(number, call(km_kprobe(self->dev, readers[0]), km_ptr(&number), 1));
	EXPECT_EQ(4, call(km_kprobe(self->dev, readers[5]), km_ptr(text), 0));
	/* Cut strings end in NUL, which counts. */
	EXPECT_EQ(8, call(km_kprobe(self->dev, readers[5]), km_ptr(longer), 0));
	EXPECT_EQ(0x0067666564636261, call(km_kprobe(self->dev, readers[5]), km_ptr(longer), 1));
	EXPECT_EQ(1, call(km_kprobe(self->dev, readers[5]), km_ptr(text + 3), 0));
	/* Not what the kernel's readers read. */
	EXPECT_EQ(-EFAULT, (long)call(km_kprobe(self->dev, readers[1]), km_ptr(&number), 0));
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

TEST_F(prog, kernel_memory)
{
	__u64 banner = address_of("linux_banner"), wanted;

	if (!banner)
		SKIP(return, "no linux_banner");
	memcpy(&wanted, "Linux ve", 8);
	EXPECT_EQ(wanted, call(km_kprobe(self->dev, readers[1]), banner, 1));
	EXPECT_EQ(wanted, call(km_kprobe(self->dev, readers[0]), banner, 1));
	EXPECT_EQ(8, call(km_kprobe(self->dev, readers[4]), banner, 0));
	EXPECT_EQ(-EFAULT, (long)call(km_kprobe(self->dev, readers[2]), banner, 0));
}

/* ------------------------------------------------------------------------
 * Loops and calls
 */
TEST_F(prog, loop_calls_its_function_as_often_as_asked)
{
	static const char text[] =
		"*(u64 *)(r10 - 8) = 0\n"
		"r1 = %u\n"
		"r2 = func callback\n"
		"r3 = r10\n"
		"r3 += -8\n"
		"r4 = 0\n"
		"call bpf_loop\n"
		"r1 = *(u64 *)(r10 - 8)\n"
		"r0 <<= 32\n"
		"r0 |= r1\n"
		"exit\n"
		"callback:\n"
		"r3 = *(u64 *)(r2 + 0)\n"
		"r3 += r1\n"
		"*(u64 *)(r2 + 0) = r3\n"
		"r0 = 0\n"
		"if r1 != %u goto out\n"
		"r0 = 1\n"
		"out:\n"
		"exit\n";
	static const struct { __u32 n, stop, calls; } cases[] = {
		{ 0, 99999, 0 }, { 1, 99999, 1 }, { 100, 99999, 100 },
		{ 100, 0, 1 }, { 100, 9, 10 }, { 100, 99, 100 }, { 10000, 99999, 10000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		__u64 n = cases[i].calls, sum = n * (n - 1) / 2;

		EXPECT_EQ(n << 32 | sum,
			  call(km_kprobe(self->dev, text, cases[i].n, cases[i].stop), 0, 0));
	}
	/* More than the ring of Linux allows, and more than the ceiling does. */
	EXPECT_GT(0, km_kprobe(self->dev, text, 1 << 23, 0xffff));
}

TEST_F(prog, functions_have_frames_of_their_own)
{
	int prog = km_kprobe(self->dev,
			     "r6 = 1\n"
			     "*(u64 *)(r10 - 8) = 2\n"
			     "r1 = 10\n"
			     "r2 = 20\n"
			     "call add\n"
			     "r0 += r6\n"
			     "r1 = *(u64 *)(r10 - 8)\n"
			     "r0 += r1\n"
			     "exit\n"
			     "add:\n"
			     "r6 = 1000\n"
			     "*(u64 *)(r10 - 8) = 1000\n"
			     "r0 = r1\n"
			     "r0 += r2\n"
			     "call twice\n"
			     "exit\n"
			     "twice:\n"
			     "r0 = 34\n"
			     "exit\n");

	EXPECT_EQ(34 + 1 + 2, call(prog, 0, 0));
}

TEST_F(prog, eight_frames_deep)
{
	char text[1024] = "";
	int len = 0;

	for (int i = 0; i < KAPSEL_MAX_DEPTH - 1; i++)
		len += sprintf(text + len, "f%d:\ncall f%d\nr0 += 1\nexit\n", i, i + 1);
	sprintf(text + len, "f%d:\nr0 = 0\nexit\n", KAPSEL_MAX_DEPTH - 1);
	EXPECT_EQ(KAPSEL_MAX_DEPTH - 1, call(km_kprobe(self->dev, "%s", text), 0, 0));
}

/* ------------------------------------------------------------------------
 * The log
 */
#define PRINT								\
	"r3 = *(u64 *)(r1 + 112)\n"					\
	"r4 = *(u64 *)(r1 + 104)\n"					\
	"r5 = 7\n"							\
	"r1 = %lld ll\n"						\
	"*(u64 *)(r10 - 16) = r1\n"					\
	"r1 = %lld ll\n"						\
	"*(u64 *)(r10 - 8) = r1\n"					\
	"r1 = r10\n"							\
	"r1 += -16\n"							\
	"r2 = 16\n"							\
	"call bpf_trace_printk\n"					\
	"exit\n"

/* @format: at most 15 characters */
static int printer(int dev, const char *format)
{
	long long words[2] = {};

	strncpy((char *)words, format, 15);
	return km_kprobe(dev, PRINT, words[0], words[1]);
}

/* The text of the next line, without what precedes it. */
static const char *next_line(int prog, char *line, size_t size)
{
	ssize_t n = read(prog, line, size - 1);
	char *text;

	if (n < 0)
		return strerror(errno);
	line[n] = 0;
	text = strstr(line, ": ");
	return text ? text + 2 : line;
}

TEST_F(prog, lines_are_read_from_the_programs_file)
{
	static const struct { const char *format, *line; __u64 di, si; } cases[] = {
		{ "hello", "hello\n" },
		{ "hello\n", "hello\n" },
		{ "%d %u %x", "-1 5 7\n", 0xffffffff, 5 },
		{ "%lld %llx", "-1 5\n", -1ULL, 5 },
		{ "%ld %lu", "-1 5\n", -1ULL, 5 },
		{ "%c%c%%", "kp%\n", 'k', 'p' },
		{ "%X", "AB\n", 0xab },
		{ "[%pks]", "[]\n", 8 },
		{ "[%pus]", "[]\n", 8 },
		{ "[%s]", "[]\n", 8 },
	};
	char line[512];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int prog = printer(self->dev, cases[i].format);
		__u64 regs[NR_REGS] = { [DI] = cases[i].di, [SI] = cases[i].si }, ret;

		ASSERT_LE(0, prog);
		ASSERT_EQ(0, km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret));
		/* Reading would wait for ever for what was not printed. */
		ASSERT_EQ(strlen(cases[i].line) - !strchr(cases[i].format, '\n'), ret);
		EXPECT_STREQ(cases[i].line, next_line(prog, line, sizeof(line)));
		close(prog);
	}
}

/* Numbers that the caller does not give are 0, not what the registers held. */
TEST_F(prog, numbers_not_given_are_zero)
{
	static const char *const lines[] = { "0 0 0\n", "1 0 0\n", "1 2 0\n", "1 2 3\n" };
	static const char *const given[] = { "", "r3 = 1\n", "r3 = 1\nr4 = 2\n",
					     "r3 = 1\nr4 = 2\nr5 = 3\n" };
	char line[512], format[] = "%u %u %u";
	__u64 words[2] = {};

	memcpy(words, format, sizeof(format));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		/* The call before leaves something in them. */
		int prog = km_kprobe(self->dev,
				     "r1 = %lld ll\n"
				     "*(u64 *)(r10 - 16) = r1\n"
				     "r1 = %lld ll\n"
				     "*(u64 *)(r10 - 8) = r1\n"
				     "r3 = 77\n"
				     "r4 = 78\n"
				     "r5 = 79\n"
				     "call bpf_get_prandom_u32\n"
				     "r1 = r10\n"
				     "r1 += -16\n"
				     "r2 = 16\n"
				     "%scall bpf_trace_printk\n"
				     "exit\n", words[0], words[1], given[i]);

		ASSERT_LE(0, prog);
		ASSERT_EQ(strlen(lines[i]) - 1, km_call(prog));
		EXPECT_STREQ(lines[i], next_line(prog, line, sizeof(line)));
		close(prog);
	}
}

TEST_F(prog, bad_formats_are_invalid_and_print_nothing)
{
	static const char *const bad[] = {
		"%", "%s%s%s%s", "%d%d%d%d", "%n", "%#d", "%pI5", "%lls", "%f", "%lc",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int prog = printer(self->dev, bad[i]);

		EXPECT_EQ(-EINVAL, (long)km_call(prog)) {
			TH_LOG("format %s", bad[i]);
		}
		EXPECT_EQ(0, poll(&(struct pollfd){ prog, POLLIN }, 1, 0));
		close(prog);
	}
}

TEST_F(prog, pointers_are_printed_hashed)
{
	int prog = printer(self->dev, "%p");
	__u64 regs[NR_REGS] = { [DI] = 0xffff888012345678 }, ret;
	char line[512];

	ASSERT_EQ(0, km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret));
	next_line(prog, line, sizeof(line));
	EXPECT_EQ(NULL, strstr(line, "12345678"));
}

TEST_F(prog, an_empty_log_waits_or_says_so)
{
	int prog = printer(self->dev, "x"), other = km_kprobe(self->dev, KM_ACCEPT);
	int pipes[2], status;
	char line[512];
	pid_t child;

	ASSERT_EQ(0, pipe(pipes));
	child = fork();
	if (!child) {
		const char *text = next_line(prog, line, sizeof(line));

		_exit(strcmp(text, "x\n") != 0);
	}
	usleep(2000);
	ASSERT_EQ(1, km_call(prog));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(0, fcntl(prog, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(prog, line, sizeof(line)));
	EXPECT_EQ(EAGAIN, errno);
	/* One that prints nothing has no log: end of file. */
	EXPECT_EQ(0, read(other, line, sizeof(line)));
}

TEST_F(prog, lines_too_long_for_the_reader_stay)
{
	int prog = printer(self->dev, "0123456789");
	char line[512];

	ASSERT_EQ(10, km_call(prog));
	EXPECT_EQ(-1, read(prog, line, 4));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_STREQ("0123456789\n", next_line(prog, line, sizeof(line)));
}

/* Overwritten lines are counted, and those that stay are whole and in order. */
TEST_F(prog, what_nobody_reads_is_overwritten_and_counted)
{
	int prog = printer(self->dev, "line %u.");
	unsigned int lost, first = 0, n = 0;
	char line[512], text[32];

	for (unsigned int i = 0; i < 5000; i++) {
		__u64 regs[NR_REGS] = { [DI] = i }, ret;

		ASSERT_EQ(0, km_run(prog, regs, sizeof(regs), NULL, 0, 0, &ret));
	}
	lost = km_info(prog).prog.log_lost;
	EXPECT_LT(0, lost);
	fcntl(prog, F_SETFL, O_NONBLOCK);
	for (n = lost; n < 5000; n++) {
		/* Room for one line, not two. */
		ssize_t got = read(prog, line, 60);

		ASSERT_LT(0, got);
		line[got] = 0;
		for (char *at = line; (at = strstr(at, "line ")); at++, first++) {
			sprintf(text, "line %u.\n", lost + first);
			ASSERT_EQ(0, strncmp(at, text, strlen(text))) {
				TH_LOG("%s for %s", at, text);
			}
		}
		n = lost + first - 1;
	}
	EXPECT_EQ(-1, read(prog, line, sizeof(line)));
	EXPECT_EQ(5000, lost + first);
}

TEST_HARNESS_MAIN
