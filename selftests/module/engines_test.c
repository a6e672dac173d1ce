// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random programs: arithmetic, memory and jumps forward, on the interpreter here, on
 * that of the kernel, and compiled; all three return the same.
 *
 *	[RANDOM_PROGRAMS=N] [RANDOM_SEED=N] engines_test
 */

#include <linux/kernel.h>

#include "kselftest_harness.h"
#include "lib/run.h"
#include "module/lib/km.h"

#define KPROBE		KAPSEL_PROG_KPROBE
#define INTERP		KAPSEL_ENGINE_INTERP
#define JIT		KAPSEL_ENGINE_JIT
#define RANDOM_PROGRAMS	3000

FIXTURE(engines) {
	int dev;
	struct kapsel_prog_load arg;
};

FIXTURE_SETUP(engines)
{
	struct kapsel_abi abi;

	self->dev = km_open();
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, km_ioctl(self->dev, KAPSEL_GET_ABI, &abi));
	if (~abi.engines & (1 << INTERP | 1 << JIT))
		SKIP(return KM_NO_TEST, "engines 0x%x, KAPSEL_WHY %u", abi.engines, abi.jit_why);
}

FIXTURE_TEARDOWN(engines)
{
	close(self->dev);
}

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

static int load_random(struct _test_data_engines *self, __u32 engine,
		       struct bpf_insn *insns, __u32 cnt)
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

/* On the interpreter here, the same source without the kernel. */
static bool load_here(struct kt_prog *prog, const struct bpf_insn *insns, __u32 cnt)
{
	if (kt_prove(prog, insns, cnt) || kt_rewrite(prog, NULL))
		return false;
	kps_interp_prepare(prog->code);
	return true;
}

static __u64 told(const char *name, __u64 usual)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : usual;
}

TEST_F_TIMEOUT(engines, random_programs, 7200)
{
	__u32 programs = told("RANDOM_PROGRAMS", RANDOM_PROGRAMS), compiled = 0;
	struct bpf_insn insns[SLOTS];
	struct kt_prog here;

	rng = told("RANDOM_SEED", rng);
	for (__u32 i = 0; i < programs; i++) {
		__u64 seed = rng, regs[21], a, b;
		__u32 cnt = random_program(insns);
		int interp = load_random(self, INTERP, insns, cnt);
		int jit = load_random(self, JIT, insns, cnt);

		ASSERT_TRUE(load_here(&here, insns, cnt));
		ASSERT_LE(0, interp) TH_LOG("KV%03u @%u", self->arg.log.verdict.code,
					    self->arg.log.verdict.insn);
		for (__u32 j = 0; jit >= 0 && j < 4; j++) {
			any_regs(regs);
			ASSERT_EQ(0, km_run(interp, regs, sizeof(regs), NULL, 0, 0, &a));
			ASSERT_EQ(0, km_run(jit, regs, sizeof(regs), NULL, 0, 0, &b));
			ASSERT_EQ(a, b) TH_LOG("seed 0x%llx, run %u", seed, j);
			ASSERT_EQ(a, kt_run(&here, km_ptr(regs), 0))
				TH_LOG("seed 0x%llx, run %u", seed, j);
		}
		kt_put(&here);
		compiled += jit >= 0;
		close(interp);
		if (jit >= 0)
			close(jit);
	}
	EXPECT_EQ(programs, compiled);
	TH_LOG("%u programs, the same on all three", compiled);
}

TEST_HARNESS_MAIN
