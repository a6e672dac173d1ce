// SPDX-License-Identifier: GPL-2.0-only
/* Lowering for the kernel's JIT: before and after, one case for each rewrite */

#include <string.h>

#include <linux/errno.h>
#include <linux/kernel.h>

#include "core/code.h"
#include "core/disasm.h"
#include "core/lower.h"
#include "core/rewrite.h"
#include "kselftest_harness.h"
#include "lib/asm.h"
#include "lib/insn_build.h"
#include "lib/naive.h"
#include "lib/run.h"

#define MAX_SLOTS	70000
#define MAX_FUNCS	4
#define CALL_BASE	0x1000
#define HELPER		0x2000		/* 4096 after the base */
#define LOOP		0x3000
#define FUNC		0x4000		/* entry of function n: n pages on */
#define MAX_TEXT	4096

static kps_helper_fn find_helper(void *priv, u32 id)
{
	(void)priv;
	return id == 5 || id == BPF_FUNC_tail_call ? (kps_helper_fn)(unsigned long)HELPER : NULL;
}

static u64 map_address(void *priv, u32 map)
{
	(void)priv;
	return 0xffff888000000000 + map;
}

FIXTURE(lower) {
	struct bpf_insn insns[MAX_SLOTS];
	struct kps_target target;
	struct kt_prog prog;
	struct kps_lower_func funcs[MAX_FUNCS];
	struct kps_lower_target jit;
	struct kps_lowered out;
	u64 entry[MAX_FUNCS];
	bool wrong[KPS_NR_ROWS];
	char text[MAX_TEXT];
	int cnt;
};

FIXTURE_SETUP(lower)
{
	self->target = (struct kps_target){
		.map = map_address, .map_value = map_address, .helper = find_helper,
	};
	self->jit = (struct kps_lower_target){
		.wrong = self->wrong, .call_base = CALL_BASE, .loop = LOOP,
		.entry = self->entry, .functions = true,
	};
	for (u32 i = 0; i < MAX_FUNCS; i++)
		self->entry[i] = FUNC + 4096 * i;
}

FIXTURE_TEARDOWN(lower)
{
	kps_lowered_free(&self->out, &self->prog.host);
	kt_put(&self->prog);
}

static void fresh(struct _test_data_lower *self)
{
	if (self->prog.in.insns) {
		kps_lowered_free(&self->out, &self->prog.host);
		kt_put(&self->prog);
	}
	self->out.insns = NULL;
	self->out.places = NULL;
}

/* 0, or what any step said. */
static int prepare(struct _test_data_lower *self, const char *text)
{
	char err[80];

	fresh(self);
	self->cnt = kt_asm(text, self->insns, MAX_SLOTS, err, sizeof(err));
	if (self->cnt < 0)
		fprintf(stderr, "# %s\n", err);
	return self->cnt < 0 ? self->cnt : kt_prove(&self->prog, self->insns, self->cnt);
}

static int lower(struct _test_data_lower *self, u32 func)
{
	int err = kt_rewrite(&self->prog, &self->target);

	if (err)
		return err;
	kps_lower_funcs(&self->prog.in, &self->prog.proof, self->funcs);
	return kps_lower(self->prog.code, self->funcs, self->prog.proof.nr_subprogs, func,
			 &self->jit, &self->prog.host, &self->out);
}

static const char *after(struct _test_data_lower *self)
{
	char line[KPS_DISASM_LEN];
	size_t used = 0;

	self->text[0] = 0;
	for (u32 pc = 0; pc < self->out.cnt;) {
		pc += kps_disasm(self->out.insns, self->out.cnt, pc, line);
		used += snprintf(self->text + used, MAX_TEXT - used, "%s\n", line);
	}
	return self->text;
}

#define EXPECT_LOWERED(_before, _after) do {				\
	ASSERT_EQ(0, prepare(self, _before));				\
	ASSERT_EQ(0, lower(self, 0));					\
	EXPECT_STREQ(_after, after(self));				\
} while (0)

static void all_wrong(struct _test_data_lower *self, u32 from, u32 to)
{
	for (u32 row = from; row <= to; row++)
		self->wrong[row] = true;
}

static void only_v3(struct _test_data_lower *self)
{
	static const u16 single[] = {
		KPS_ROW_sdiv64_imm, KPS_ROW_sdiv64_reg, KPS_ROW_sdiv32_imm, KPS_ROW_sdiv32_reg,
		KPS_ROW_smod64_imm, KPS_ROW_smod64_reg, KPS_ROW_smod32_imm, KPS_ROW_smod32_reg,
		KPS_ROW_ja32,
	};

	all_wrong(self, KPS_ROW_movsx64_8, KPS_ROW_movsx64_32);
	all_wrong(self, KPS_ROW_movsx32_8, KPS_ROW_movsx32_16);
	all_wrong(self, KPS_ROW_bswap16, KPS_ROW_bswap64);
	all_wrong(self, KPS_ROW_ldsxw, KPS_ROW_ldsxb);
	for (size_t i = 0; i < ARRAY_SIZE(single); i++)
		self->wrong[single[i]] = true;
}

/* ------------------------------------------------------------------------
 * Before and after
 */
static const struct {
	const char *before;
	const char *after;
	bool v3;
} cases[] = {
	/* What the JIT does goes as it is. */
	{ "r0 = 7\nr0 += r1\nw0 *= 3\nexit\n",
	  "r0 = 7\nr0 += r1\nw0 *= 3\nexit\n", true },
	{ "r0 = (s8)r1\nw0 = (s16)w1\nr0 = *(s32 *)(r1 + 4)\nr0 = bswap32 r0\nexit\n",
	  "r0 = (s8)r1\nw0 = (s16)w1\nr0 = *(s32 *)(r1 + 4)\nr0 = bswap32 r0\nexit\n", false },
	/* Division by zero */
	{ "r1 /= r2\nexit\n",
	  "if r2 != 0 goto 3\nw1 = 0\ngoto 4\nr1 /= r2\nexit\n", false },
	{ "w1 /= w2\nexit\n",
	  "if w2 != 0 goto 3\nw1 = 0\ngoto 4\nw1 /= w2\nexit\n", false },
	{ "r1 %= r2\nexit\n", "if r2 == 0 goto 2\nr1 %= r2\nexit\n", false },
	{ "w1 %= w2\nexit\n",
	  "if w2 != 0 goto 3\nw1 = w1\ngoto 4\nw1 %= w2\nexit\n", false },
	{ "r1 /= 3\nw1 %= 3\nexit\n", "r1 /= 3\nw1 %= 3\nexit\n", false },
	{ "r1 /= 0\nr1 %= 0\nexit\n", "w1 = 0\nexit\n", false },
	{ "w1 /= 0\nw1 %= 0\nexit\n", "w1 = 0\nw1 = w1\nexit\n", false },
	/* Signed division by zero and by -1 */
	{ "r1 s/= r2\nexit\n",
	  "if r2 != 0 goto 3\nw1 = 0\ngoto 7\nif r2 != -1 goto 6\nr1 = -r1\ngoto 7\n"
	  "r1 s/= r2\nexit\n", false },
	{ "r1 s%= r2\nexit\n",
	  "if r2 != 0 goto 2\ngoto 6\nif r2 != -1 goto 5\nw1 = 0\ngoto 6\n"
	  "r1 s%= r2\nexit\n", false },
	{ "w1 s%= w2\nexit\n",
	  "if w2 != 0 goto 3\nw1 = w1\ngoto 7\nif w2 != -1 goto 6\nw1 = 0\ngoto 7\n"
	  "w1 s%= w2\nexit\n", false },
	{ "r1 s/= 0\nr1 s/= -1\nr1 s%= -1\nr1 s/= 5\nw1 s/= -1\nexit\n",
	  "w1 = 0\nr1 = -r1\nw1 = 0\nr1 s/= 5\nw1 = -w1\nexit\n", false },
	/* What an older JIT lacks */
	{ "r0 = (s8)r1\nr0 = (s16)r1\nr0 = (s32)r1\nexit\n",
	  "r0 = r1\nr0 <<= 56\nr0 s>>= 56\nr0 = r1\nr0 <<= 48\nr0 s>>= 48\n"
	  "r0 = r1\nr0 <<= 32\nr0 s>>= 32\nexit\n", true },
	{ "w0 = (s8)w1\nw0 = (s16)w1\nexit\n",
	  "w0 = w1\nw0 <<= 24\nw0 s>>= 24\nw0 = w1\nw0 <<= 16\nw0 s>>= 16\nexit\n", true },
	{ "r0 = *(s8 *)(r1 + 1)\nr0 = *(s16 *)(r1 + 2)\nr0 = *(s32 *)(r1 + 4)\nexit\n",
	  "r0 = *(u8 *)(r1 + 1)\nr0 <<= 56\nr0 s>>= 56\n"
	  "r0 = *(u16 *)(r1 + 2)\nr0 <<= 48\nr0 s>>= 48\n"
	  "r0 = *(u32 *)(r1 + 4)\nr0 <<= 32\nr0 s>>= 32\nexit\n", true },
	{ "r0 = bswap16 r0\nr0 = bswap32 r0\nr0 = bswap64 r0\nexit\n",
	  "r0 = be16 r0\nr0 = be32 r0\nr0 = be64 r0\nexit\n", true },
	{ "r0 = 1\ngotol over\nr0 = 2\nover: exit\n",
	  "r0 = 1\ngoto 3\nr0 = 2\nexit\n", true },
	{ "r1 s/= r2\nexit\n",
	  "*(u64 *)(r10 - 72) = r0\n*(u64 *)(r10 - 80) = r3\nr0 = r2\nr3 = r1\nr3 ^= r0\n"
	  "if r0 s>= 0 goto 7\nr0 = -r0\nif r1 s>= 0 goto 9\nr1 = -r1\n"
	  "if r0 != 0 goto 12\nw1 = 0\ngoto 13\nr1 /= r0\n"
	  "if r3 s>= 0 goto 15\nr1 = -r1\n"
	  "r0 = *(u64 *)(r10 - 72)\nr3 = *(u64 *)(r10 - 80)\nexit\n", true },
	{ "w0 s%= -7\nexit\n",
	  "*(u64 *)(r10 - 72) = r1\n*(u64 *)(r10 - 80) = r2\nw1 = -7\nw2 = w0\n"
	  "if w1 s>= 0 goto 6\nw1 = -w1\nif w0 s>= 0 goto 8\nw0 = -w0\n"
	  "if w1 != 0 goto 11\nw0 = w0\ngoto 12\nw0 %= w1\n"
	  "if w2 s>= 0 goto 14\nw0 = -w0\n"
	  "r1 = *(u64 *)(r10 - 72)\nr2 = *(u64 *)(r10 - 80)\nexit\n", true },
	/* The compare leaves a half of r0 as it was. */
	{ "w0 = cmpxchg32_32(r1 + 4, w0, w2)\nexit\n",
	  "w0 = cmpxchg32_32(r1 + 4, w0, w2)\nw0 = w0\nexit\n", false },
	/* Addresses and calls */
	{ "r1 = map[fd:3] ll\nr0 = 0x123456789 ll\nexit\n",
	  "r1 = 0xffff888000000003 ll\nr0 = 0x123456789 ll\nexit\n", false },
	{ "call 5\nexit\n", "call #4096\nexit\n", false },
	{ "call f\nexit\nf: exit\n", "call #16384\nexit\n", false },
	{ "r1 = 9\nr2 = func f\nr3 = 0\nr4 = 0\ncall bpf_loop\nexit\nf: exit\n",
	  "r1 = 9\nr2 = 0x7 ll\nr3 = 0\nr4 = 0\nr2 = 0x5000 ll\ncall #8192\nexit\n", false },
	/* Jumps count in slots of what comes out. */
	{ "again: r1 /= r2\nif r1 != 5 goto out\ngoto again\nout: exit\n",
	  "if r2 != 0 goto 3\nw1 = 0\ngoto 4\nr1 /= r2\nif r1 != 5 goto 6\ngoto 0\nexit\n",
	  false },
};

TEST_F(lower, before_and_after)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(self->wrong, 0, sizeof(self->wrong));
		if (cases[i].v3)
			only_v3(self);
		EXPECT_LOWERED(cases[i].before, cases[i].after);
		EXPECT_LE(self->funcs[0].stack, self->out.stack);
	}
}

/* The frame grows by what the sequences put by. */
TEST_F(lower, frames)
{
	EXPECT_LOWERED("r0 = 0\nexit\n", "r0 = 0\nexit\n");
	EXPECT_EQ(KT_FRAME, self->out.stack);
	only_v3(self);
	ASSERT_EQ(0, prepare(self, "r1 s/= r2\nexit\n"));
	ASSERT_EQ(0, lower(self, 0));
	EXPECT_EQ(KT_FRAME + 16, self->out.stack);
}

TEST_F(lower, arguments_not_given_are_cleared)
{
	ASSERT_EQ(0, prepare(self, "call 5\nexit\n"));
	self->prog.proof.aux[0].kind = KPS_AUX_ARGS;
	self->prog.proof.aux[0].arg = 1 << 3 | 1 << 5;
	ASSERT_EQ(0, lower(self, 0));
	EXPECT_STREQ("w3 = 0\nw5 = 0\ncall #4096\nexit\n", after(self));
}

static const struct kps_view views[] = {
	{ .values = 0xffff888000001000, .stride = 24, .entries = 100 },
	{ .values = 0xffff888000001000, .stride = 64, .entries = 2 },
	{ .values = 0xffff888000001000, .stride = 64, .entries = 1 },
};

static const struct kps_view *find_view(void *priv, u32 map)
{
	(void)priv;
	return &views[map];
}

static int look_up_in(struct _test_data_lower *self, u32 map, u32 index)
{
	self->target.view = find_view;
	if (prepare(self, "call 1\nexit\n"))
		return -EINVAL;
	self->prog.proof.aux[0] = (struct kps_insn_aux){
		.kind = KPS_AUX_MAP_CALL, .seen = true, .map = map, .arg = index,
	};
	return lower(self, 0);
}

TEST_F(lower, lookups)
{
	ASSERT_EQ(0, look_up_in(self, 0, KPS_NO_INDEX));
	EXPECT_STREQ("r1 = *(u32 *)(r2 + 0)\nw0 = 0\nif w1 >= 100 goto 11\nr2 = r1\n"
		     "r2 += -100\nr2 s>>= 63\nr1 &= r2\nr1 *= 24\n"
		     "r0 = 0xffff888000001000 ll\nr0 += r1\nexit\n", after(self));
	ASSERT_EQ(0, look_up_in(self, 1, KPS_NO_INDEX));
	EXPECT_STREQ("r1 = *(u32 *)(r2 + 0)\nw0 = 0\nif w1 >= 2 goto 8\nw1 &= 1\n"
		     "r1 <<= 6\n"
		     "r0 = 0xffff888000001000 ll\nr0 += r1\nexit\n", after(self));
	ASSERT_EQ(0, look_up_in(self, 2, KPS_NO_INDEX));
	EXPECT_STREQ("r1 = *(u32 *)(r2 + 0)\nw0 = 0\nif w1 >= 1 goto 5\n"
		     "r0 = 0xffff888000001000 ll\nexit\n", after(self));
}

/* There is such an entry: no comparison. The limit stays, for what is only guessed. */
TEST_F(lower, lookups_inside)
{
	ASSERT_EQ(0, look_up_in(self, 0, KPS_SOME_INDEX));
	EXPECT_STREQ("r1 = *(u32 *)(r2 + 0)\nr2 = r1\nr2 += -100\nr2 s>>= 63\nr1 &= r2\n"
		     "r1 *= 24\nr0 = 0xffff888000001000 ll\nr0 += r1\nexit\n", after(self));
	ASSERT_EQ(0, look_up_in(self, 1, KPS_SOME_INDEX));
	EXPECT_STREQ("r1 = *(u32 *)(r2 + 0)\nw1 &= 1\nr1 <<= 6\n"
		     "r0 = 0xffff888000001000 ll\nr0 += r1\nexit\n", after(self));
	ASSERT_EQ(0, look_up_in(self, 2, KPS_SOME_INDEX));
	EXPECT_STREQ("r0 = 0xffff888000001000 ll\nexit\n", after(self));
}

/* Jumps to it go on behind it. */
TEST_F(lower, unread)
{
	static const char text[] =
		"if r3 == 0 goto look\nr3 = 1\nlook: r1 = map[fd:0] ll\nr2 = r10\ncall 1\nexit\n";

	self->target.view = find_view;
	ASSERT_EQ(0, prepare(self, text));
	self->prog.proof.aux[5] = (struct kps_insn_aux){
		.kind = KPS_AUX_MAP_CALL, .seen = true, .arg = KPS_SOME_INDEX, .map = 2,
	};
	ASSERT_EQ(0, lower(self, 0));
	EXPECT_STREQ("if r3 == 0 goto 2\nr3 = 1\nr2 = r10\nr0 = 0xffff888000001000 ll\nexit\n",
		     after(self));
}

/* ------------------------------------------------------------------------
 * Metered programs
 */
static void meter(struct _test_data_lower *self)
{
	self->jit.metered = true;
	self->jit.counter = HELPER;
}

#define NO_FUEL	"*(u64 *)(r1 + 0) = -2147483648\nw0 = 0\nexit\n"

TEST_F(lower, metered_main)
{
	meter(self);
	EXPECT_LOWERED("again: r3 = r4\nif r3 != 0 goto again\nexit\n",
		       "*(u64 *)(r10 - 72) = r2\n"
		       "r3 = r4\n"
		       "if r3 != 0 goto 4\ngoto 17\n"
		       "*(u64 *)(r10 - 88) = r0\n*(u64 *)(r10 - 80) = r1\n"
		       "r1 = *(u64 *)(r10 - 72)\nr0 = *(u64 *)(r1 + 0)\n"
		       "if r0 s>= 2 goto 12\n" NO_FUEL
		       "r0 += -2\n*(u64 *)(r1 + 0) = r0\n"
		       "r0 = *(u64 *)(r10 - 88)\nr1 = *(u64 *)(r10 - 80)\ngoto 1\n"
		       "r1 = *(u64 *)(r10 - 72)\nr2 = *(u64 *)(r1 + 0)\n"
		       "if r2 s>= 3 goto 23\n" NO_FUEL
		       "r2 += -3\n*(u64 *)(r1 + 0) = r2\nexit\n");
	EXPECT_EQ(KT_FRAME + 24, self->out.stack);
}

TEST_F(lower, metered_calls)
{
	static const char main_call[] =
		"*(u64 *)(r10 - 72) = r2\nr3 = 0\n"
		"*(u64 *)(r10 - 80) = r1\nr1 = *(u64 *)(r10 - 72)\nr0 = *(u64 *)(r1 + 0)\n"
		"if r0 s>= 2 goto 9\n" NO_FUEL
		"r0 += -2\n*(u64 *)(r1 + 0) = r0\nr1 = *(u64 *)(r10 - 80)\n"
		"call #16384\n"
		"r1 = *(u64 *)(r10 - 72)\nr2 = *(u64 *)(r1 + 0)\n"
		"if r2 != -2147483648 goto 18\nw0 = 0\nexit\n"
		"r2 += 2\n*(u64 *)(r1 + 0) = r2\n";

	meter(self);
	ASSERT_EQ(0, prepare(self, "r3 = 0\ncall f\nexit\nf: exit\n"));
	ASSERT_EQ(0, lower(self, 0));
	EXPECT_EQ(0, strncmp(main_call, after(self), strlen(main_call)));
	ASSERT_EQ(0, prepare(self, "r3 = 0\ncall f\nexit\nf: r0 = 0\nexit\n"));
	ASSERT_EQ(0, lower(self, 1));
	EXPECT_STREQ("*(u64 *)(r10 - 80) = r1\n*(u64 *)(r10 - 88) = r2\n"
		     "*(u64 *)(r10 - 96) = r3\n*(u64 *)(r10 - 104) = r4\n"
		     "*(u64 *)(r10 - 112) = r5\ncall #4096\n*(u64 *)(r10 - 72) = r0\n"
		     "r1 = *(u64 *)(r10 - 80)\nr2 = *(u64 *)(r10 - 88)\n"
		     "r3 = *(u64 *)(r10 - 96)\nr4 = *(u64 *)(r10 - 104)\n"
		     "r5 = *(u64 *)(r10 - 112)\n"
		     "r0 = 0\n"
		     "r1 = *(u64 *)(r10 - 72)\nr2 = *(u64 *)(r1 + 0)\n"
		     "if r2 s>= 2 goto 19\n" NO_FUEL
		     "r2 += -2\n*(u64 *)(r1 + 0) = r2\nexit\n", after(self));
	EXPECT_EQ(KT_FRAME + 48, self->out.stack);
}

/* What is refused is not paid for: it takes what is left below nothing, for a moment. */
TEST_F(lower, metered_loops)
{
	meter(self);
	ASSERT_EQ(0, prepare(self, "r2 = func f\ncall bpf_loop\nexit\nf: exit\n"));
	ASSERT_EQ(0, lower(self, 0));
	EXPECT_NE(NULL, strstr(after(self),
			       "r2 = 0x5000 ll\nr5 = *(u64 *)(r10 - 72)\n"
			       "r0 = *(u64 *)(r5 + 0)\nr0 += -2\n*(u64 *)(r5 + 0) = r0\n"
			       "call #8192\nr1 = *(u64 *)(r10 - 72)\n"));
}

/* It ends the program, unless there is none to go on with; that is paid for as an exit. */
TEST_F(lower, tail_calls)
{
	static const char text[] = "r3 = 0\ncall bpf_tail_call\nr0 = 1\nexit\n";

	EXPECT_LOWERED(text, "r3 = 0\ncall #4096\nif r0 == 0 goto 4\nexit\nr0 = 1\nexit\n");
	meter(self);
	ASSERT_EQ(0, prepare(self, text));
	ASSERT_EQ(0, lower(self, 0));
	EXPECT_NE(NULL, strstr(after(self),
			       "call #4096\nif r0 == 0 goto 13\n"
			       "r1 = *(u64 *)(r10 - 72)\nr2 = *(u64 *)(r1 + 0)\n"
			       "if r2 s>= 2 goto 10\n" NO_FUEL
			       "r2 += -2\n*(u64 *)(r1 + 0) = r2\nexit\nr0 = 1\n"));
}

static struct kps_run native;

/* Runs @code with @fuel on @mem, r2 = @r2. */
static u64 run_code(const struct kps_code *code, u64 fuel, u64 *mem, u64 *r2)
{
	mem[0] = 7;
	mem[1] = 7;
	native.fuel = fuel;
	return kps_interp_run(code, &native, (unsigned long)mem, (unsigned long)r2);
}

/* With any fuel, what was lowered ends where the interpreter does, and so does what it did. */
TEST_F(lower, metered_as_interpreted)
{
	static const char text[] =
		"*(u64 *)(r1 + 0) = 0\n"
		"r6 = r1\n"
		"r7 = 4\n"
		"r9 = 0x123456789 ll\n"
		"again: r8 = *(u64 *)(r6 + 0)\n"
		"r8 *= 3\n"
		"r8 += r7\n"
		"*(u64 *)(r6 + 0) = r8\n"
		"if r7 == 3 goto next\n"
		"if w8 & 1 goto odd\n"
		"*(u64 *)(r6 + 8) = r8\n"
		"goto next\n"
		"odd: r8 s%= r7\n"
		"r9 += r8\n"
		"*(u64 *)(r6 + 8) = r9\n"
		"next: r7 += -1\n"
		"if r7 s> 0 goto again\n"
		"gotol over\n"
		"r0 = 1\n"
		"over: r0 = r9\n"
		"exit\n";
	u64 ended = 0, done = 0;
	struct kt_prog again;

	meter(self);
	ASSERT_EQ(0, prepare(self, text));
	ASSERT_EQ(0, lower(self, 0));
	ASSERT_EQ(0, kt_prove(&again, self->out.insns, self->out.cnt));
	ASSERT_EQ(0, kt_rewrite(&again, &self->target));
	for (u64 fuel = 0; fuel < 100; fuel++) {
		u64 a[2], b[2], left = fuel, r0 = run_code(self->prog.code, fuel, a, NULL);
		bool ends = native.end == KPS_RUN_FUEL;
		u64 rest = native.fuel;

		EXPECT_EQ(r0, run_code(again.code, 1 << 20, b, &left));
		EXPECT_EQ(0, memcmp(a, b, sizeof(a))) TH_LOG("fuel %llu", fuel);
		EXPECT_EQ(ends ? (u64)KPS_LOWER_NO_FUEL : rest, left) TH_LOG("fuel %llu", fuel);
		ended += ends;
		done += !ends;
	}
	EXPECT_LT(20, ended);
	EXPECT_LT(20, done);
	kt_put(&again);
}

static void run_dead(struct _test_data_lower *self, u32 from, u32 to)
{
	for (u32 pc = from; pc < to; pc++)
		self->prog.proof.aux[pc].seen = false;
}

#define EXPECT_WITHOUT(_from, _to, _before, _after) do {		\
	ASSERT_EQ(0, prepare(self, _before));				\
	run_dead(self, _from, _to);					\
	ASSERT_EQ(0, lower(self, 0));					\
	EXPECT_STREQ(_after, after(self));				\
} while (0)

/* What no path reaches is not there, nor is the branch that led to it. */
TEST_F(lower, dead_code)
{
	const char *text = "if r1 == 0 goto other\nr0 = 1\nexit\nother: r0 = 2\nexit\n";

	EXPECT_WITHOUT(0, 0, text, "if r1 == 0 goto 3\nr0 = 1\nexit\nr0 = 2\nexit\n");
	EXPECT_WITHOUT(1, 3, text, "goto 1\nr0 = 2\nexit\n");
	EXPECT_WITHOUT(3, 5, text, "r0 = 1\nexit\n");
	EXPECT_WITHOUT(1, 5, text, "w0 = 0\nexit\n");
	EXPECT_WITHOUT(1, 3, "goto 2\nr0 = 1\nr0 = 2\nexit\n", "w0 = 0\nexit\nexit\n");
	EXPECT_WITHOUT(1, 3, "r0 = 0\nr0 = 1\nexit\n", "r0 = 0\nw0 = 0\nexit\n");
}

/* ------------------------------------------------------------------------
 * Context fields, as the rewrite leaves them
 */
static void via(struct _test_data_lower *self, u32 op, u64 moved)
{
	struct kps_code_insn *insn = self->prog.code->insns;

	*insn = (struct kps_code_insn){
		.op = op, .dst = 2, .src = 6, .off = 40, .imm = moved,
	};
}

static int lower_again(struct _test_data_lower *self)
{
	kps_lowered_free(&self->out, &self->prog.host);
	return kps_lower(self->prog.code, self->funcs, 1, 0, &self->jit, &self->prog.host,
			 &self->out);
}

TEST_F(lower, fields_behind_a_pointer)
{
	only_v3(self);
	ASSERT_EQ(0, prepare(self, "r2 = 0\nexit\n"));
	ASSERT_EQ(0, lower(self, 0));
	via(self, KPS_CODE_via_ldxh, 0);
	ASSERT_EQ(0, lower_again(self));
	EXPECT_STREQ("r2 = *(u64 *)(r6 + 0)\nr2 = *(u16 *)(r2 + 40)\nexit\n", after(self));
	via(self, KPS_CODE_via_ldsxw, 24);
	ASSERT_EQ(0, lower_again(self));
	EXPECT_STREQ("r2 = *(u64 *)(r6 - 24)\nr2 = *(u32 *)(r2 + 40)\nr2 <<= 32\nr2 s>>= 32\n"
		     "exit\n", after(self));
	via(self, KPS_CODE_via_ldxdw, 40000);
	EXPECT_EQ(-EOPNOTSUPP, lower_again(self));
	EXPECT_EQ(KAPSEL_WHY_FAR, self->out.why);
}

/* ------------------------------------------------------------------------
 * Refusals
 */
#define EXPECT_REFUSED(_why, _slot, _text) do {				\
	ASSERT_EQ(0, prepare(self, _text));				\
	EXPECT_EQ(-EOPNOTSUPP, lower(self, 0));				\
	EXPECT_EQ(_why, self->out.why);					\
	EXPECT_EQ(_slot, kps_lower_slot(&self->prog.in, self->out.at));	\
	EXPECT_EQ(NULL, self->out.insns);				\
} while (0)

TEST_F(lower, refusals)
{
	all_wrong(self, KPS_ROW_atomic64_fetch_add, KPS_ROW_atomic64_fetch_add);
	EXPECT_REFUSED(KAPSEL_WHY_INSN, 3,
		       "r2 = 0\nr1 = 5 ll\nr2 = atomic_fetch_add((u64 *)(r1 + 0), r2)\nexit\n");
	/* A sequence needs rows of its own. */
	only_v3(self);
	self->wrong[KPS_ROW_arsh64_imm] = true;
	EXPECT_REFUSED(KAPSEL_WHY_INSN, 1, "r0 = 1\nr0 = (s8)r1\nexit\n");
	self->jit.functions = false;
	EXPECT_REFUSED(KAPSEL_WHY_FUNCTIONS, 0, "call f\nexit\nf: exit\n");
	self->jit.call_base = 1ULL << 40;
	EXPECT_REFUSED(KAPSEL_WHY_FAR, 1, "r1 = 0\ncall 5\nexit\n");
}

TEST_F(lower, no_memory)
{
	struct kps_host host;
	size_t left;
	int err;

	ASSERT_EQ(0, prepare(self, "r0 = 0\nexit\n"));
	ASSERT_EQ(0, lower(self, 0));
	for (left = 0; left < 2; left++) {
		size_t n = left;

		host = test_host(&n);
		err = kps_lower(self->prog.code, self->funcs, 1, 0, &self->jit, &host,
				&self->out);
		EXPECT_EQ(-ENOMEM, err);
	}
}

/* ------------------------------------------------------------------------
 * Far jumps
 */

/* A branch over @cnt divisions, of four slots each when lowered. */
static int branch_over(struct _test_data_lower *self, u32 cnt)
{
	u32 i, n = 0;

	fresh(self);
	self->insns[n++] = JEQ(1, 0, cnt + 1);
	self->insns[n++] = JA(0);
	for (i = 0; i < cnt; i++)
		self->insns[n++] = INSN(0x3f, 1, 2, 0, 0);
	self->insns[n++] = MOV(0, 1);
	self->insns[n++] = EXIT;
	return kt_prove(&self->prog, self->insns, n) ? : lower(self, 0);
}

TEST_F(lower, far_jumps)
{
	ASSERT_EQ(0, branch_over(self, 8191));
	EXPECT_EQ(8191 * 4 + 3, self->out.cnt);
	EXPECT_EQ(32764, self->out.insns[0].off);
	/* 16 bits no longer do: around a jump of 32. */
	ASSERT_EQ(0, branch_over(self, 8192));
	EXPECT_EQ(8192 * 4 + 5, self->out.cnt);
	EXPECT_EQ(1, self->out.insns[0].off);
	EXPECT_EQ(1, self->out.insns[1].off);
	EXPECT_EQ(0x06, self->out.insns[2].code);
	EXPECT_EQ(32768, self->out.insns[2].imm);
	self->wrong[KPS_ROW_ja32] = true;
	EXPECT_EQ(-EOPNOTSUPP, branch_over(self, 8192));
	EXPECT_EQ(KAPSEL_WHY_FAR, self->out.why);
	EXPECT_EQ(0, self->out.at);
}

/* ------------------------------------------------------------------------
 * What comes out does what went in
 */
static const u64 edges[] = {
	0, 1, 2, 3, 7, 0x7f, 0x80, 0xff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
	0x100000000, 0x123456789abcdef0, 0x7fffffffffffffff, 0x8000000000000000,
	0xfffffffffffffff9, 0xffffffff80000000, 0xffffffffffffffff,
};

static const char * const same_row[] = {
	"div64_reg", "mod64_reg", "div32_reg", "mod32_reg",
	"sdiv64_reg", "smod64_reg", "sdiv32_reg", "smod32_reg",
	"movsx64_8", "movsx64_16", "movsx64_32", "movsx32_8", "movsx32_16",
};

static const char * const same_text[] = {
	"r1 /= r2", "r1 %= r2", "w1 /= w2", "w1 %= w2",
	"r1 s/= r2", "r1 s%= r2", "w1 s/= w2", "w1 s%= w2",
	"r1 = (s8)r2", "r1 = (s16)r2", "r1 = (s32)r2", "w1 = (s8)w2", "w1 = (s16)w2",
};

/* The context is two numbers; r0 and r3 must not suffer. */
static int lower_pair(struct _test_data_lower *self, const char *text)
{
	char program[300];

	snprintf(program, sizeof(program),
		 "r2 = *(u64 *)(r1 + 8)\nr1 = *(u64 *)(r1 + 0)\nr0 = 40\nr3 = 2\n%s\n"
		 "r0 += r3\nif r0 == 42 goto good\nr1 = 0xbad\ngood: r0 = r1\nexit\n", text);
	return prepare(self, program) ? : lower(self, 0);
}

static u64 run_lowered(struct _test_data_lower *self, u64 a, u64 b)
{
	const u64 pair[2] = { a, b };
	struct kt_prog prog = {};
	u64 ret = 0xdead;

	if (!kt_prove(&prog, self->out.insns, self->out.cnt) && !kt_rewrite(&prog, &self->target))
		ret = kt_run(&prog, (unsigned long)pair, 0);
	kt_put(&prog);
	return ret;
}

static void same_results(struct __test_metadata *_metadata, struct _test_data_lower *self, u32 i)
{
	ASSERT_EQ(0, lower_pair(self, same_text[i]));
	for (size_t a = 0; a < ARRAY_SIZE(edges); a++) {
		for (size_t b = 0; b < ARRAY_SIZE(edges); b++) {
			u64 expected;

			ASSERT_TRUE(naive_eval(same_row[i], edges[a], edges[b], &expected));
			EXPECT_EQ(expected, run_lowered(self, edges[a], edges[b]))
				TH_LOG("%s", same_text[i]);
		}
	}
}

TEST_F(lower, results_are_the_same)
{
	for (size_t i = 0; i < ARRAY_SIZE(same_row); i++)
		same_results(_metadata, self, i);
	only_v3(self);
	for (size_t i = 0; i < ARRAY_SIZE(same_row); i++)
		same_results(_metadata, self, i);
}

/* ------------------------------------------------------------------------
 * Functions
 */
TEST_F(lower, functions)
{
	ASSERT_EQ(0, prepare(self, "r1 = 7 ll\ncall g\nexit\n"
			     "f: r0 = 1\nexit\n"
			     "g: call f\nexit\n"));
	ASSERT_EQ(0, lower(self, 2));
	EXPECT_STREQ("call #16384\nexit\n", after(self));
	EXPECT_EQ(0, self->funcs[0].first);
	EXPECT_EQ(3, self->funcs[1].first);
	EXPECT_EQ(5, self->funcs[2].first);
	EXPECT_EQ(7, self->funcs[2].end);
	EXPECT_EQ(-ENOENT, kps_lower_callee(self->prog.code, 0, self->funcs, 3));
	EXPECT_EQ(2, kps_lower_callee(self->prog.code, 1, self->funcs, 3));
	EXPECT_EQ(1, kps_lower_callee(self->prog.code, 5, self->funcs, 3));
}

TEST_HARNESS_MAIN
