// SPDX-License-Identifier: GPL-2.0-only
/* The two engines: which runs a program and why, and that both do the same */

#include <signal.h>
#include <sys/wait.h>

#include <linux/kernel.h>

#include "core/diag.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"

#define KPROBE		KAPSEL_PROG_KPROBE
#define NETFILTER	KAPSEL_PROG_NETFILTER
#define INTERP		KAPSEL_ENGINE_INTERP
#define JIT		KAPSEL_ENGINE_JIT
#define SYSCTL		"/proc/sys/net/core/bpf_jit_enable"
#define HARDEN		"/proc/sys/net/core/bpf_jit_harden"
#define STORM		150

FIXTURE(jit) {
	int dev;
	int map;
	struct kapsel_abi abi;
	struct kapsel_prog_load arg;
	struct kapsel_rec_problem recs[2];
};

static int set_sysctl(const char *path, char value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = write(fd, &value, 1);

	close(fd);
	return n == 1 ? 0 : -1;
}

FIXTURE_SETUP(jit)
{
	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &self->abi));
	if (!(self->abi.engines & 1 << JIT))
		SKIP(return KM_NO_TEST, "no JIT, KAPSEL_WHY %u", self->abi.jit_why);
	self->map = km_map(self->dev, BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0);
	ASSERT_LE(0, self->map);
}

FIXTURE_TEARDOWN(jit)
{
	set_sysctl(SYSCTL, '1');
	set_sysctl(HARDEN, '0');
}

static int load(struct _test_data_jit *self, __u32 engine, __u32 type, const char *fmt, ...)
{
	static char text[16384];
	va_list args;

	self->arg.engine = engine;
	self->arg.log.buf = km_ptr(self->recs);
	self->arg.log.size = sizeof(self->recs);
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return km_load_arg(self->dev, &self->arg, type, text);
}

#define EXPECT_CHOICE(_engine, _why, _prog) do {			\
	struct kapsel_obj_info info = km_info(_prog);			\
									\
	EXPECT_EQ(_engine, info.prog.engine);				\
	EXPECT_EQ(_why, info.prog.why);					\
} while (0)

#define EXPECT_REFUSED(_why, _insn, _load) do {				\
	EXPECT_EQ(-EOPNOTSUPP, _load);					\
	EXPECT_EQ(KPS_D_ENGINE, self->arg.log.verdict.code);		\
	EXPECT_EQ(_insn, self->arg.log.verdict.insn);			\
	EXPECT_EQ(_why, self->recs[!!self->arg.log.verdict.warnings].detail); \
} while (0)

/* ------------------------------------------------------------------------
 * The choice
 */
TEST_F(jit, choice)
{
	int prog;

	EXPECT_EQ(1U << INTERP | 1U << JIT, self->abi.engines);
	EXPECT_EQ(KAPSEL_WHY_NOTHING, self->abi.jit_why);
	prog = load(self, KAPSEL_ENGINE_AUTO, NETFILTER, KM_ACCEPT);
	ASSERT_LE(0, prog);
	EXPECT_CHOICE(JIT, KAPSEL_WHY_NOTHING, prog);
	EXPECT_LT(0, km_info(prog).prog.memory);
	EXPECT_EQ(2, km_info(prog).prog.xlated_cnt);
	prog = load(self, JIT, KPROBE, KM_ACCEPT);
	ASSERT_LE(0, prog);
	EXPECT_CHOICE(JIT, KAPSEL_WHY_NOTHING, prog);
	EXPECT_EQ(1, km_call(prog));
	prog = load(self, INTERP, KPROBE, KM_ACCEPT);
	ASSERT_LE(0, prog);
	EXPECT_CHOICE(INTERP, KAPSEL_WHY_ASKED, prog);
	EXPECT_EQ(1, km_call(prog));
}

/* @depth bytes of stack, and a loop that nothing is known of. */
static int metered(struct _test_data_jit *self, __u32 engine, int depth)
{
	self->arg.flags = KAPSEL_PROG_METERED;
	return load(self, engine, KPROBE,
		    "r2 = *(u64 *)(r1 + 112)\n*(u64 *)(r10 - %d) = 0\nr0 = 0\n"
		    "again: r0 += 2\nif r0 != r2 goto again\nexit\n", depth);
}

/* The counter takes three words of stack. */
TEST_F(jit, metered_programs)
{
	int prog = metered(self, KAPSEL_ENGINE_AUTO, 488);

	ASSERT_LE(0, prog);
	EXPECT_CHOICE(JIT, KAPSEL_WHY_NOTHING, prog);
	prog = metered(self, KAPSEL_ENGINE_AUTO, 496);
	ASSERT_LE(0, prog);
	EXPECT_CHOICE(INTERP, KAPSEL_WHY_METERED, prog);
	EXPECT_REFUSED(KAPSEL_WHY_METERED, 0, metered(self, JIT, 496));
	/* The flag alone takes none. */
	prog = load(self, JIT, KPROBE, "*(u64 *)(r10 - 512) = 0\n" KM_ACCEPT);
	EXPECT_LE(0, prog);
}

TEST_F(jit, switched_off)
{
	int before = load(self, JIT, KPROBE, KM_ACCEPT), prog;

	ASSERT_LE(0, before);
	ASSERT_EQ(0, set_sysctl(SYSCTL, '0'));
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &self->abi));
	EXPECT_EQ(1U << INTERP, self->abi.engines);
	EXPECT_EQ(KAPSEL_WHY_JIT_OFF, self->abi.jit_why);
	prog = load(self, KAPSEL_ENGINE_AUTO, KPROBE, KM_ACCEPT);
	ASSERT_LE(0, prog);
	EXPECT_CHOICE(INTERP, KAPSEL_WHY_JIT_OFF, prog);
	EXPECT_EQ(1, km_call(prog));
	EXPECT_REFUSED(KAPSEL_WHY_JIT_OFF, 0, load(self, JIT, KPROBE, KM_ACCEPT));
	/* What is compiled stays so. */
	EXPECT_EQ(1, km_call(before));
	ASSERT_EQ(0, set_sysctl(SYSCTL, '1'));
	EXPECT_LE(0, load(self, JIT, KPROBE, KM_ACCEPT));
}

/* @cnt sums of a constant, of which hardening makes several instructions each. */
static int long_program(struct _test_data_jit *self, __u32 engine, __u32 cnt)
{
	struct bpf_insn *insns = calloc(cnt + 2, sizeof(*insns));
	int fd;

	insns[0] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K };
	for (__u32 i = 1; i <= cnt; i++)
		insns[i] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_ADD | BPF_K, .imm = i };
	insns[cnt + 1] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	self->arg.insns = km_ptr(insns);
	self->arg.insn_cnt = cnt + 2;
	self->arg.prog_type = KPROBE;
	self->arg.engine = engine;
	self->arg.log.buf = km_ptr(self->recs);
	self->arg.log.size = sizeof(self->recs);
	strcpy(self->arg.license, "GPL");
	fd = km_ioctl(self->dev, KAPSEL_PROG_LOAD, &self->arg);
	free(insns);
	return fd;
}

static __u64 sum_to(__u64 n)
{
	return n * (n + 1) / 2;
}

TEST_F(jit, blinded_constants)
{
	int prog;

	if (set_sysctl(HARDEN, '2'))
		SKIP(return, "no hardening");
	prog = long_program(self, JIT, 500);
	ASSERT_LE(0, prog);
	EXPECT_EQ(sum_to(500), km_call(prog));
	EXPECT_REFUSED(KAPSEL_WHY_LENGTH, 0, long_program(self, JIT, 4095));
	prog = long_program(self, KAPSEL_ENGINE_AUTO, 4095);
	ASSERT_LE(0, prog);
	EXPECT_CHOICE(INTERP, KAPSEL_WHY_LENGTH, prog);
	ASSERT_EQ(0, set_sysctl(HARDEN, '0'));
	prog = long_program(self, JIT, 4095);
	ASSERT_LE(0, prog);
	EXPECT_EQ(sum_to(4095), km_call(prog));
}

/* ------------------------------------------------------------------------
 * What only compiled code does so
 */

/* Eight functions deep, each with its share of the stack, and compiled by itself. */
static const char chain[] =
	"r6 = 1\n r1 = r10\n r1 += -8\n *(u64 *)(r10 - 8) = 100\n call f1\n"
	" r0 += r6\n r1 = *(u64 *)(r10 - 8)\n r0 += r1\n exit\n"
	"f1: r6 = 10\n call f2\n r0 += r6\n exit\n"
	"f2: r6 = 20\n *(u64 *)(r10 - 64) = 5\n call f3\n r0 += r6\n exit\n"
	"f3: r6 = 30\n *(u64 *)(r10 - 64) = 5\n call f4\n r0 += r6\n exit\n"
	"f4: r6 = 40\n *(u64 *)(r10 - 64) = 5\n call f5\n r0 += r6\n exit\n"
	"f5: r6 = 50\n *(u64 *)(r10 - 64) = 5\n call f6\n r0 += r6\n exit\n"
	"f6: r6 = 60\n *(u64 *)(r10 - 64) = 5\n call f7\n r0 += r6\n exit\n"
	"f7: r2 = *(u64 *)(r1 + 0)\n r2 += 1\n *(u64 *)(r1 + 0) = r2\n r0 = 7\n exit\n";

#define CHAIN_RETURNS	(7 + 10 + 20 + 30 + 40 + 50 + 60 + 1 + 101)

TEST_F(jit, functions_call_functions)
{
	for (__u32 engine = INTERP; engine <= JIT; engine++) {
		int prog = load(self, engine, KPROBE, chain);

		ASSERT_LE(0, prog);
		EXPECT_EQ(CHAIN_RETURNS, km_call(prog));
	}
}

TEST_F(jit, loops_in_loops)
{
	static const char text[] =
		"*(u64 *)(r10 - 8) = 0\n r7 = 7\n r1 = 10\n r2 = func outer\n r3 = r10\n"
		" r3 += -8\n r4 = 0\n call bpf_loop\n r0 <<= 32\n r1 = *(u64 *)(r10 - 8)\n"
		" r0 += r1\n r0 += r7\n exit\n"
		"outer: r6 = r1\n r7 = r2\n r1 = 4\n r2 = func inner\n r3 = r7\n r4 = 0\n"
		" call bpf_loop\n r0 = 0\n if r6 != 5 goto go_on\n r0 = 1\n"
		"go_on: exit\n"
		"inner: r3 = *(u64 *)(r2 + 0)\n r3 += 1\n r3 += r1\n *(u64 *)(r2 + 0) = r3\n"
		" r0 = 0\n exit\n";

	for (__u32 engine = INTERP; engine <= JIT; engine++) {
		int prog = load(self, engine, KPROBE, text);

		ASSERT_LE(0, prog);
		/* Six rounds of four: each adds its number and one. */
		EXPECT_EQ((6ULL << 32) + 6 * (4 + 6) + 7, km_call(prog));
	}
}

TEST_F(jit, maps_and_helpers)
{
	int prog = load(self, JIT, KPROBE,
			"*(u32 *)(r10 - 4) = 1\n r2 = r10\n r2 += -4\n r1 = map[fd:%d] ll\n"
			" call bpf_map_lookup_elem\n if r0 == 0 goto out\n r1 = 3\n"
			" lock *(u64 *)(r0 + 0) += r1\n r6 = r0\n call bpf_get_current_pid_tgid\n"
			" r0 >>= 32\n exit\n"
			"out: r0 = 0\n exit\n", self->map);

	ASSERT_LE(0, prog);
	EXPECT_EQ(getpid(), km_call(prog));
	EXPECT_EQ(getpid(), km_call(prog));
	EXPECT_EQ(6, km_value(self->map, 1));
}

/* Both engines, on a packet; the context lies elsewhere than the program thinks. */
TEST_F(jit, packets)
{
	static const __u8 packet[28] = { 0x45, [9] = 17, [20] = 0x12, 0x34 };
	static const char text[] =
		"r6 = r1\n r2 = *(u32 *)(r1 + 76)\n r3 = *(u32 *)(r1 + 80)\n r4 = r2\n r4 += 28\n"
		" r0 = 0\n if r4 > r3 goto out\n r0 = *(u16 *)(r2 + 20)\n r0 = be16 r0\n"
		" r1 = *(u32 *)(r6 + 0)\n r0 <<= 16\n r0 |= r1\n r1 = *(u32 *)(r6 + 16)\n"
		" r0 <<= 16\n r0 |= r1\n *(u32 *)(r6 + 8) = 77\n r1 = *(u32 *)(r6 + 8)\n"
		" if r1 == 77 goto good\n r0 = 0\n"
		"good: if r0 == 0 goto out\n r1 = r0\n r0 = 0\n r2 = 0x1234001c0008 ll\n"
		" if r1 != r2 goto out\n r0 = 1\n"
		"out: exit\n";
	__u64 ret;

	for (__u32 engine = INTERP; engine <= JIT; engine++) {
		int prog = load(self, engine, NETFILTER, text);

		ASSERT_LE(0, prog);
		ASSERT_EQ(0, km_run(prog, NULL, 0, packet, sizeof(packet), NF_INET_LOCAL_IN, &ret));
		EXPECT_EQ(1, ret);
	}
}

/* Runs count, recursion and verdicts too, whichever engine runs. */
TEST_F(jit, links_count_alike)
{
	for (__u32 engine = INTERP; engine <= JIT; engine++) {
		int prog = load(self, engine, KPROBE,
				"call bpf_get_current_pid_tgid\nr0 >>= 32\nexit\n");
		int link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, "__x64_sys_getpgid");
		struct kapsel_link_info info;

		ASSERT_LE(0, link);
		for (int i = 0; i < 20; i++)
			getpgid(0);
		info = km_info(link).link;
		EXPECT_LE(20, info.runs);
		EXPECT_EQ(0, info.aborted);
		close(link);
		close(prog);
	}
}

/* ------------------------------------------------------------------------
 * Lifetime
 */
static void load_and_run(struct _test_data_jit *self)
{
	for (int i = 0; i < STORM; i++) {
		int prog = load(self, i % 3, KPROBE, "call f\nexit\nf: r0 = 1\nexit\n");

		if (prog < 0 || km_call(prog) != 1)
			_exit(1);
		close(prog);
	}
	_exit(0);
}

/* Compiled and freed by several at once. */
TEST_F_TIMEOUT(jit, storm, 120)
{
	int before = km_objects(self->dev), status;
	pid_t pids[4];

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (!pids[i])
			load_and_run(self);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		waitpid(pids[i], &status, 0);
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(before, km_objects_settle(self->dev, before));
}

/* A program is freed while a probe on another CPU runs it. */
TEST_F(jit, freed_while_it_runs)
{
	pid_t busy = fork();

	if (!busy)
		for (;;)
			getpgid(0);
	for (int i = 0; i < 30; i++) {
		int prog = load(self, JIT, KPROBE, "call f\nexit\nf: r0 = 1\nexit\n");
		int link = km_probe(self->dev, prog, KAPSEL_HOOK_KPROBE, "__x64_sys_getpgid");

		EXPECT_LE(0, link);
		close(prog);
		usleep(1000);
		close(link);
	}
	kill(busy, SIGKILL);
	waitpid(busy, NULL, 0);
}

/* Each allocation fails once: the program runs all the same, or cleanly does not. */
TEST_F_TIMEOUT(jit, without_memory, 240)
{
	int fails = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC), before = km_objects(self->dev);
	int by[3] = {}, refused = 0;
	char text[16];

	if (fails < 0)
		SKIP(return, "no fault injection in this kernel");
	set_sysctl("/sys/kernel/debug/failslab/ignore-gfp-wait", 'N');
	for (int n = 1; n < 1000; n++) {
		int len = snprintf(text, sizeof(text), "%d", n), prog;

		ASSERT_EQ(len, pwrite(fails, text, len, 0));
		prog = load(self, KAPSEL_ENGINE_AUTO, KPROBE, chain);
		ASSERT_LT(0, pread(fails, text, sizeof(text), 0));
		ASSERT_EQ(1, pwrite(fails, "0", 1, 0));
		if (prog < 0) {
			refused++;
			continue;
		}
		by[km_info(prog).prog.engine % 3]++;
		EXPECT_EQ(CHAIN_RETURNS, km_call(prog));
		close(prog);
		/* Fewer allocations than that. */
		if (atoi(text))
			break;
	}
	TH_LOG("%d refused, %d interpreted, %d compiled", refused, by[INTERP], by[JIT]);
	EXPECT_LT(0, refused);
	EXPECT_LT(0, by[JIT]);
	EXPECT_EQ(before, km_objects_settle(self->dev, before));
}

TEST_HARNESS_MAIN
