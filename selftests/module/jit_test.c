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
#define RANDOM_PROGRAMS	3000
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
		SKIP(return, "no JIT, KAPSEL_WHY %u", self->abi.jit_why);
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

/* Eight functions deep, each with its share of the stack. */
TEST_F(jit, functions_call_functions)
{
	static const char text[] =
		"r6 = 1\n r1 = r10\n r1 += -8\n *(u64 *)(r10 - 8) = 100\n call f1\n"
		" r0 += r6\n r1 = *(u64 *)(r10 - 8)\n r0 += r1\n exit\n"
		"f1: r6 = 10\n call f2\n r0 += r6\n exit\n"
		"f2: r6 = 20\n *(u64 *)(r10 - 64) = 5\n call f3\n r0 += r6\n exit\n"
		"f3: r6 = 30\n *(u64 *)(r10 - 64) = 5\n call f4\n r0 += r6\n exit\n"
		"f4: r6 = 40\n *(u64 *)(r10 - 64) = 5\n call f5\n r0 += r6\n exit\n"
		"f5: r6 = 50\n *(u64 *)(r10 - 64) = 5\n call f6\n r0 += r6\n exit\n"
		"f6: r6 = 60\n *(u64 *)(r10 - 64) = 5\n call f7\n r0 += r6\n exit\n"
		"f7: r2 = *(u64 *)(r1 + 0)\n r2 += 1\n *(u64 *)(r1 + 0) = r2\n r0 = 7\n exit\n";

	for (__u32 engine = INTERP; engine <= JIT; engine++) {
		int prog = load(self, engine, KPROBE, text);

		ASSERT_LE(0, prog);
		EXPECT_EQ(7 + 10 + 20 + 30 + 40 + 50 + 60 + 1 + 101, km_call(prog));
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
 * Random programs
 */
static __u64 rng = 0x9e3779b97f4a7c15;

static __u32 any(__u32 n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng >> 16) % n;
}

static __s32 any_imm(void)
{
	static const __s32 edges[] = { 0, 1, -1, 2, 31, 255, -128, INT32_MAX, INT32_MIN };

	return any(2) ? edges[any(ARRAY_SIZE(edges))] : (__s32)(rng >> 8);
}

static struct bpf_insn any_alu(void)
{
	static const __u8 ops[] = {
		BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_MOD, BPF_OR, BPF_AND, BPF_XOR,
		BPF_LSH, BPF_RSH, BPF_ARSH, BPF_MOV,
	};
	static const __u8 widths[] = { 8, 16, 32 };
	__u8 op = ops[any(ARRAY_SIZE(ops))], class = any(2) ? BPF_ALU64 : BPF_ALU;
	struct bpf_insn insn = { .dst_reg = any(6) };
	bool shift = op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;

	insn.code = class | op | (any(2) ? BPF_X : BPF_K);
	if (BPF_SRC(insn.code) == BPF_X)
		insn.src_reg = any(6);
	else
		insn.imm = shift && any(4) ? (__s32)any(class == BPF_ALU ? 32 : 64) : any_imm();
	if (op == BPF_DIV || op == BPF_MOD)
		insn.off = any(2);
	if (op == BPF_MOV && BPF_SRC(insn.code) == BPF_X && any(2))
		insn.off = widths[any(class == BPF_ALU ? 2 : 3)];
	return insn;
}

static struct bpf_insn any_memory(void)
{
	static const __u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	static const __u8 atomics[] = {
		BPF_ADD, BPF_OR, BPF_AND, BPF_XOR, BPF_ADD | BPF_FETCH, BPF_OR | BPF_FETCH,
		BPF_AND | BPF_FETCH, BPF_XOR | BPF_FETCH, BPF_XCHG, BPF_CMPXCHG,
	};
	__u32 size = any(4);
	struct bpf_insn insn = { .off = -8 * (1 + (__s16)any(4)) };

	switch (any(5)) {
	case 0:
		insn.code = BPF_LDX | BPF_MEM | sizes[size];
		insn.dst_reg = any(6);
		insn.src_reg = 10;
		break;
	case 1:
		insn.code = BPF_LDX | 0x80 | sizes[size % 3];
		insn.dst_reg = any(6);
		insn.src_reg = 10;
		break;
	case 2:
		insn.code = BPF_STX | BPF_MEM | sizes[size];
		insn.dst_reg = 10;
		insn.src_reg = any(6);
		break;
	case 3:
		insn.code = BPF_ST | BPF_MEM | sizes[size];
		insn.dst_reg = 10;
		insn.imm = any_imm();
		break;
	default:
		insn.code = BPF_STX | BPF_ATOMIC | (any(2) ? BPF_DW : BPF_W);
		insn.dst_reg = 10;
		insn.src_reg = any(6);
		insn.imm = atomics[any(ARRAY_SIZE(atomics))];
	}
	return insn;
}

/* Forward only: every program ends. */
static struct bpf_insn any_jump(__u32 left)
{
	static const __u8 ops[] = {
		BPF_JEQ, BPF_JNE, BPF_JSET, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE, BPF_JSGT,
		BPF_JSGE, BPF_JSLT, BPF_JSLE,
	};
	struct bpf_insn insn = {
		.code = (any(2) ? BPF_JMP : BPF_JMP32) | ops[any(ARRAY_SIZE(ops))],
		.dst_reg = any(6), .off = left ? any(left < 8 ? left : 8) : 0,
	};

	if (any(2)) {
		insn.code |= BPF_X;
		insn.src_reg = any(6);
	} else {
		insn.imm = any_imm();
	}
	return insn;
}

static struct bpf_insn any_swap(void)
{
	static const __u8 codes[] = { 0xd4, 0xdc, 0xd7 };
	static const __s32 widths[] = { 16, 32, 64 };

	if (!any(4))
		return (struct bpf_insn){
			.code = (any(2) ? BPF_ALU64 : BPF_ALU) | BPF_NEG, .dst_reg = any(6),
		};
	return (struct bpf_insn){
		.code = codes[any(3)], .dst_reg = any(6), .imm = widths[any(3)],
	};
}

#define BODY	40
#define SLOTS	(BODY + 40)

static __u32 put(struct bpf_insn *insns, __u32 n, const char *text)
{
	char err[80];
	int cnt = kt_asm(text, insns + n, SLOTS - n, err, sizeof(err));

	if (cnt < 0)
		fprintf(stderr, "# %s\n", err);
	return n + cnt;
}

/* Six registers and four words of stack, mixed up and then added up. */
static __u32 random_program(struct bpf_insn *insns)
{
	__u32 n = put(insns, 0,
		      "r6 = r1\nr0 = *(u64 *)(r6 + 112)\nr1 = *(u64 *)(r6 + 104)\n"
		      "r2 = *(u64 *)(r6 + 96)\nr3 = *(u64 *)(r6 + 88)\nr4 = *(u64 *)(r6 + 72)\n"
		      "r5 = *(u64 *)(r6 + 64)\n*(u64 *)(r10 - 8) = r1\n*(u64 *)(r10 - 16) = r2\n"
		      "*(u64 *)(r10 - 24) = r3\n*(u64 *)(r10 - 32) = r4\n");

	for (__u32 i = 0; i < BODY; i++) {
		__u32 kind = any(10);

		insns[n++] = kind < 5 ? any_alu() : kind < 7 ? any_memory() :
			     kind < 9 ? any_jump(BODY - 1 - i) : any_swap();
	}
	return put(insns, n,
		   "r0 += r1\nr0 *= 31\nr0 ^= r2\nr0 *= 31\nr0 += r3\nr0 *= 31\nr0 ^= r4\n"
		   "r0 *= 31\nr0 += r5\nr1 = *(u64 *)(r10 - 8)\nr0 ^= r1\nr0 *= 31\n"
		   "r1 = *(u64 *)(r10 - 16)\nr0 += r1\nr0 *= 31\nr1 = *(u64 *)(r10 - 24)\n"
		   "r0 ^= r1\nr0 *= 31\nr1 = *(u64 *)(r10 - 32)\nr0 += r1\nexit\n");
}

static int load_random(struct _test_data_jit *self, __u32 engine, struct bpf_insn *insns, __u32 cnt)
{
	self->arg = (struct kapsel_prog_load){
		.insns = km_ptr(insns), .insn_cnt = cnt, .prog_type = KPROBE,
		.engine = engine, .license = "GPL",
	};
	return km_ioctl(self->dev, KAPSEL_PROG_LOAD, &self->arg);
}

static void any_regs(__u64 *regs)
{
	for (__u32 i = 0; i < 21; i++) {
		any(1);
		regs[i] = any(3) ? rng : (__u64)any_imm();
	}
}

TEST_F_TIMEOUT(jit, random_programs, 300)
{
	struct bpf_insn insns[SLOTS];
	__u32 compiled = 0;

	for (__u32 i = 0; i < RANDOM_PROGRAMS; i++) {
		__u64 seed = rng, regs[21], a, b;
		__u32 cnt = random_program(insns);
		int interp = load_random(self, INTERP, insns, cnt);
		int jit = load_random(self, JIT, insns, cnt);

		ASSERT_LE(0, interp) TH_LOG("KV%03u @%u", self->arg.log.verdict.code,
					    self->arg.log.verdict.insn);
		for (__u32 j = 0; jit >= 0 && j < 4; j++) {
			any_regs(regs);
			ASSERT_EQ(0, km_run(interp, regs, sizeof(regs), NULL, 0, 0, &a));
			ASSERT_EQ(0, km_run(jit, regs, sizeof(regs), NULL, 0, 0, &b));
			ASSERT_EQ(a, b) TH_LOG("seed 0x%llx, run %u", seed, j);
		}
		compiled += jit >= 0;
		close(interp);
		if (jit >= 0)
			close(jit);
	}
	EXPECT_EQ(RANDOM_PROGRAMS, compiled);
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

TEST_HARNESS_MAIN
