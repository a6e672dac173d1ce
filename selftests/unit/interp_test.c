// SPDX-License-Identifier: GPL-2.0-only
/* The interpreter and the rewrite: calls, loops, fuel, context, addresses */

#include <linux/bitops.h>
#include <linux/kernel.h>

#include "core/code.h"
#include "core/rewrite.h"
#include "kselftest_harness.h"
#include "lib/asm.h"
#include "lib/insn_build.h"
#include "lib/run.h"

#define MAX_SLOTS 256

static u64 sum(u64 a, u64 b, u64 c, u64 d, u64 e)
{
	return a + b + c + d + e;
}

static u64 answer(u64 a, u64 b, u64 c, u64 d, u64 e)
{
	(void)a, (void)b, (void)c, (void)d, (void)e;
	return 42;
}

static u64 third(u64 a, u64 b, u64 c, u64 d, u64 e)
{
	(void)a, (void)b, (void)d, (void)e;
	return c;
}

static kps_helper_fn find_helper(void *priv, u32 id)
{
	(void)priv;
	return id == 5 ? answer : id == 7 ? sum : id == BPF_FUNC_tail_call ? third : NULL;
}

static u64 map_address(void *priv, u32 map)
{
	return (unsigned long)priv + map;
}

static u64 value_address(void *priv, u32 map)
{
	return (unsigned long)priv + 4096 * map;
}

FIXTURE(interp) {
	bool pairs;
	struct bpf_insn insns[MAX_SLOTS];
	struct kps_target target;
	struct kt_prog prog;
};

FIXTURE_VARIANT(interp) {
	bool pairs;
};

FIXTURE_VARIANT_ADD(interp, as_rewritten) {
	.pairs = false,
};

FIXTURE_VARIANT_ADD(interp, in_pairs) {
	.pairs = true,
};

FIXTURE_SETUP(interp)
{
	self->pairs = variant->pairs;
	self->target = (struct kps_target){
		.map = map_address, .map_value = value_address,
		.helper = find_helper, .priv = (void *)0x100000,
	};
}

FIXTURE_TEARDOWN(interp)
{
	kt_put(&self->prog);
}

#define PREPARE(text) do {						\
	char err[80];							\
	int n = kt_asm(text, self->insns, MAX_SLOTS, err, sizeof(err));	\
									\
	ASSERT_LT(0, n) TH_LOG("%s", err);				\
	ASSERT_EQ(0, kt_prove(&self->prog, self->insns, n));		\
} while (0)

#define LOAD(text) do {							\
	PREPARE(text);							\
	ASSERT_EQ(0, kt_rewrite(&self->prog, &self->target));		\
	if (self->pairs)						\
		kps_interp_prepare(self->prog.code);			\
} while (0)

/* Runs with just so much fuel; what is left must be nothing. */
#define EXPECT_TAKES(_cnt, _r0) do {					\
	struct kps_run *run = &self->prog.run;				\
									\
	run->fuel = _cnt;						\
	EXPECT_EQ(_r0, kps_interp_run(self->prog.code, run, 0, 0));	\
	EXPECT_EQ(KPS_RUN_DONE, run->end);				\
	EXPECT_EQ(0, run->fuel);					\
	run->fuel = (_cnt) - 1;						\
	EXPECT_EQ(0, kps_interp_run(self->prog.code, run, 0, 0));	\
	EXPECT_EQ(KPS_RUN_FUEL, run->end);				\
} while (0)

TEST_F(interp, fuel)
{
	LOAD("	r0 = 5\n"
	     "	r1 = 0x123456789 ll\n"
	     "	if r0 == 5 goto over\n"
	     "	r0 = 1\n"
	     "over:	if r0 == 4 goto over\n"
	     "	exit\n");
	EXPECT_TAKES(5, 5);
}

TEST_F(interp, tail_call_ends_the_program)
{
	LOAD("	r3 = 7\n"
	     "	call bpf_tail_call\n"
	     "	r0 = 1\n"
	     "	exit\n");
	EXPECT_TAKES(2, 7);
}

TEST_F(interp, tail_call_that_fails_goes_on)
{
	LOAD("	r3 = 0\n"
	     "	call bpf_tail_call\n"
	     "	r0 = 1\n"
	     "	exit\n");
	EXPECT_TAKES(4, 1);
}

static const struct {
	const char *op;
	int left;
	int right;
} jumps[] = {
	{ "==", 3, 3 }, { "!=", 3, 4 }, { "&", 3, 1 }, { ">", 4, 3 }, { ">=", 3, 3 },
	{ "<", 3, 4 }, { "<=", 3, 3 }, { "s>", 3, -4 }, { "s>=", 3, 3 }, { "s<", -3, 4 },
	{ "s<=", 3, 3 },
};

/* A jump that is taken but cannot be paid for does not get where it goes. */
static void pay_for_jump(struct __test_metadata *_metadata, struct _test_data_interp *self,
			 u32 i, char reg, bool imm)
{
	struct kps_run *run = &self->prog.run;
	u64 reached = 0, ctx = (unsigned long)&reached;
	char text[200], right[8] = "r2";

	right[0] = reg;
	if (imm)
		snprintf(right, sizeof(right), "%d", jumps[i].right);
	snprintf(text, sizeof(text),
		 "r3 = %d\n r2 = %d\n if %c3 %s %s goto there\n r0 = 1\n exit\n"
		 "there: *(u64 *)(r1 + 0) = 1\n r0 = 2\n exit\n",
		 jumps[i].left, jumps[i].right, reg, jumps[i].op, right);
	LOAD(text);
	run->fuel = 2;
	EXPECT_EQ(0, kps_interp_run(self->prog.code, run, ctx, 0));
	EXPECT_EQ(KPS_RUN_FUEL, run->end);
	EXPECT_EQ(0, reached) TH_LOG("%s", text);
	run->fuel = 6;
	EXPECT_EQ(2, kps_interp_run(self->prog.code, run, ctx, 0));
	EXPECT_EQ(1, reached) TH_LOG("%s", text);
	kt_put(&self->prog);
	memset(&self->prog, 0, sizeof(self->prog));
}

TEST_F(interp, jumps_are_paid_for)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(jumps); i++) {
		pay_for_jump(_metadata, self, i, 'r', false);
		pay_for_jump(_metadata, self, i, 'r', true);
		pay_for_jump(_metadata, self, i, 'w', false);
		pay_for_jump(_metadata, self, i, 'w', true);
	}
	LOAD("exit\n");
}

TEST_F(interp, loop)
{
	LOAD("	r0 = 0\n"
	     "	r1 = 10\n"
	     "again:	r0 += r1\n"
	     "	r1 += -1\n"
	     "	if r1 != 0 goto again\n"
	     "	exit\n");
	EXPECT_TAKES(2 + 30 + 1, 55);
}

TEST_F(interp, endless)
{
	LOAD("self: goto self\n");
	self->prog.run.fuel = 1000;
	EXPECT_EQ(0, kps_interp_run(self->prog.code, &self->prog.run, 0, 0));
	EXPECT_EQ(KPS_RUN_FUEL, self->prog.run.end);
	EXPECT_EQ(0, self->prog.run.fuel);
}

TEST_F(interp, arguments)
{
	LOAD("r0 = r1\n r0 <<= 8\n r0 |= r2\n exit\n");
	EXPECT_EQ(0x1234, kt_run(&self->prog, 0x12, 0x34));
}

/* r6 to r9 survive a call, each function has a frame of its own. */
TEST_F(interp, calls)
{
	LOAD("	r6 = 1\n"
	     "	r9 = 1000\n"
	     "	*(u64 *)(r10 - 8) = 77\n"
	     "	r1 = 5\n"
	     "	call fact\n"
	     "	r0 += r6\n"
	     "	r0 += r9\n"
	     "	r1 = *(u64 *)(r10 - 8)\n"
	     "	r0 += r1\n"
	     "	exit\n"
	     "fact:	*(u64 *)(r10 - 8) = r1\n"
	     "	r6 = 2\n"
	     "	r9 = 3\n"
	     "	call twice\n"
	     "	r1 = *(u64 *)(r10 - 8)\n"
	     "	r0 += r1\n"
	     "	r0 += r6\n"
	     "	exit\n"
	     "twice:	*(u64 *)(r10 - 8) = 99\n"
	     "	r0 = r1\n"
	     "	r0 *= 2\n"
	     "	exit\n");
	EXPECT_TAKES(10 + 8 + 4, 1 + 1000 + 77 + 10 + 5 + 2);
}

TEST_F(interp, helpers)
{
	LOAD("	r1 = 1\n	r2 = 2\n	r3 = 3\n	r4 = 4\n	r5 = 5\n"
	     "	call 7\n"
	     "	r6 = r0\n"
	     "	call 5\n"
	     "	r0 += r6\n"
	     "	exit\n");
	EXPECT_TAKES(10, 57);
}

/* What the verifier found not to be given is 0, whatever is left in the register. */
TEST_F(interp, arguments_not_given)
{
	PREPARE("	r1 = 1\n	r2 = 20\n	r3 = 300\n	r4 = 4000\n	r5 = 50000\n"
		"	call 7\n"
		"	exit\n");
	self->prog.proof.aux[5].kind = KPS_AUX_ARGS;
	self->prog.proof.aux[5].arg = BIT(3) | BIT(5);
	ASSERT_EQ(0, kt_rewrite(&self->prog, &self->target));
	EXPECT_TAKES(7, 4021);
}

TEST_F(interp, helper_without_body)
{
	PREPARE("call 9\n exit\n");
	EXPECT_EQ(-EINVAL, kt_rewrite(&self->prog, &self->target));
	EXPECT_EQ(NULL, self->prog.code);
}

static const char looping[] =
	"	r6 = r1\n"
	"	r4 = r2\n"
	"	*(u64 *)(r10 - 8) = 0\n"
	"	r2 = func body\n"
	"	r3 = r10\n"
	"	r3 += -8\n"
	"	call bpf_loop\n"
	"	r1 = *(u64 *)(r10 - 8)\n"
	"	r0 <<= 32\n"
	"	r0 += r1\n"
	"	exit\n"
	"body:	r3 = *(u64 *)(r2 + 0)\n"
	"	r3 += r1\n"
	"	*(u64 *)(r2 + 0) = r3\n"
	"	r6 = 7\n"
	"	r0 = 0\n"
	"	if r1 != 99 goto out\n"
	"	r0 = 1\n"
	"out:	exit\n";

TEST_F(interp, bpf_loop)
{
	LOAD(looping);
	EXPECT_EQ(10ULL << 32 | 45, kt_run(&self->prog, 10, 0));
	EXPECT_EQ(11 + 10 * 7, 1000000000000ULL - self->prog.run.fuel);
	EXPECT_EQ(1ULL << 32, kt_run(&self->prog, 1, 0));
	EXPECT_EQ(0, kt_run(&self->prog, 0, 0));
	EXPECT_EQ(11, 1000000000000ULL - self->prog.run.fuel);
	/* The callback says stop in its 100th call. */
	EXPECT_EQ(100ULL << 32 | 4950, kt_run(&self->prog, 1000, 0));
	EXPECT_EQ((u64)-E2BIG << 32, kt_run(&self->prog, (1 << 23) + 1, 0));
	EXPECT_EQ((u64)-EINVAL << 32, kt_run(&self->prog, 5, 1));
	EXPECT_EQ(KPS_RUN_DONE, self->prog.run.end);
}

TEST_F(interp, nested_bpf_loop)
{
	LOAD("	*(u64 *)(r10 - 8) = 0\n"
	     "	r1 = 20\n"
	     "	r2 = func outer\n"
	     "	r3 = r10\n"
	     "	r3 += -8\n"
	     "	r4 = 0\n"
	     "	call bpf_loop\n"
	     "	r0 = *(u64 *)(r10 - 8)\n"
	     "	exit\n"
	     "outer:	r3 = r2\n"
	     "	r1 = 30\n"
	     "	r2 = func inner\n"
	     "	r4 = 0\n"
	     "	call bpf_loop\n"
	     "	r0 = 0\n"
	     "	exit\n"
	     "inner:	r3 = *(u64 *)(r2 + 0)\n"
	     "	r3 += 1\n"
	     "	*(u64 *)(r2 + 0) = r3\n"
	     "	r0 = 0\n"
	     "	exit\n");
	EXPECT_EQ(600, kt_run(&self->prog, 0, 0));
}

/* Deeper than any proof allows; whatever made it so, nothing is overwritten. */
TEST_F(interp, too_deep_traps)
{
	LOAD("	call inner\n"
	     "	exit\n"
	     "inner:	r0 = 1\n"
	     "	exit\n");
	EXPECT_EQ(1, kt_run(&self->prog, 0, 0));
	self->prog.code->insns[2] = self->prog.code->insns[0];
	self->prog.code->insns[2].imm = -1;
	self->prog.code->insns[2].off = 0;
	EXPECT_EQ(0, kt_run(&self->prog, 0, 0));
	EXPECT_EQ(KPS_RUN_TRAP, self->prog.run.end);
	EXPECT_EQ(8, 1000000000000ULL - self->prog.run.fuel);
}

/* A call that cannot be paid for does not happen, nor does a loop. */
TEST_F(interp, calls_are_paid_for)
{
	struct kps_run *run = &self->prog.run;

	LOAD("	r1 = 7\n"
	     "	call inner\n"
	     "	exit\n"
	     "inner:	r0 = r1\n"
	     "	exit\n");
	run->fuel = 1;
	EXPECT_EQ(0, kps_interp_run(self->prog.code, run, 0, 0));
	EXPECT_EQ(KPS_RUN_FUEL, run->end);
	EXPECT_EQ(7, kt_run(&self->prog, 0, 0));
	kt_put(&self->prog);
	LOAD(looping);
	run->fuel = 6;
	EXPECT_EQ(0, kps_interp_run(self->prog.code, run, 10, 0));
	EXPECT_EQ(KPS_RUN_FUEL, run->end);
	EXPECT_EQ(0, run->fuel);
	EXPECT_EQ(10ULL << 32 | 45, kt_run(&self->prog, 10, 0));
}

TEST_F(interp, unreached_traps)
{
	PREPARE("r0 = 1\n if r1 == 0 goto +1\n r0 = 2\n exit\n");
	self->prog.proof.aux[2].seen = false;
	ASSERT_EQ(0, kt_rewrite(&self->prog, &self->target));
	EXPECT_EQ(1, kt_run(&self->prog, 0, 0));
	EXPECT_EQ(KPS_RUN_DONE, self->prog.run.end);
	EXPECT_EQ(0, kt_run(&self->prog, 1, 0));
	EXPECT_EQ(KPS_RUN_TRAP, self->prog.run.end);
}

TEST_F(interp, addresses)
{
	LOAD("	r0 = map[fd:3]\n"
	     "	r1 = map[fd:2] + 16\n"
	     "	r0 += r1\n"
	     "	r1 = -1 ll\n"
	     "	r0 += r1\n"
	     "	exit\n");
	EXPECT_EQ(0x100003 + 0x102010 - 1, kt_run(&self->prog, 0, 0));
}

/* The context of a netfilter program, as some kernel might have it. */
struct packet {
	u64 pad;
	u16 protocol;
	u8 pkt_type;
	u32 mark;
	u64 data;
	u32 cb[5];
};

struct shadow {
	struct packet *packet;
	u32 mark;
	u32 cb[5];
};

#define NR_FIELDS 64
#define BEHIND(_member, _size)	{ offsetof(struct packet, _member), _size, true }
#define DIRECT(_member, _size)	{ offsetof(struct shadow, _member), _size, false }

/* By the field's offset in struct __sk_buff. */
static const struct kps_ctx_slot places[] = {
	[4] = BEHIND(pkt_type, 1),
	[8] = DIRECT(mark, 4),
	[16] = BEHIND(protocol, 2),
	[48] = DIRECT(cb, 4),
	[76] = BEHIND(data, 8),
	[92] = BEHIND(mark, 4),
};

static const struct kps_ctx_slot *slots(void)
{
	static struct kps_ctx_slot slots[NR_FIELDS];
	const struct kps_prog_type *type = kps_prog_type_find(KAPSEL_PROG_NETFILTER);
	u32 i;

	for (i = 0; i < type->nr_fields; i++)
		if (type->fields[i].offset < ARRAY_SIZE(places))
			slots[i] = places[type->fields[i].offset];
	return slots;
}

static u32 field_at(u32 offset)
{
	const struct kps_prog_type *type = kps_prog_type_find(KAPSEL_PROG_NETFILTER);
	u32 i;

	for (i = 0; type->fields[i].offset != offset; i++)
		;
	return i;
}

static struct packet packet = {
	.protocol = 0xdd86, .pkt_type = 3, .mark = 0x80000001,
	.data = 0x123456789abcdef0,
};

#define CTX(text, _pc, _field, _arg, _r0) do {				\
	struct shadow shadow = {					\
		.packet = &packet, .mark = 0x01020384,			\
		.cb = { 10, 11, 12, 13, 14 },				\
	};								\
									\
	PREPARE(text "\n exit\n");					\
	self->prog.in.prog_type = KAPSEL_PROG_NETFILTER;		\
	self->prog.proof.aux[_pc] = (struct kps_insn_aux){		\
		.kind = KPS_AUX_CTX, .seen = true, .arg = _arg,		\
		.map = field_at(_field),				\
	};								\
	self->target.ctx = slots();					\
	ASSERT_EQ(0, kt_rewrite(&self->prog, &self->target));		\
	EXPECT_EQ(_r0, kt_run(&self->prog, (unsigned long)&shadow, 0));	\
	kt_put(&self->prog);						\
	memset(&self->prog, 0, sizeof(self->prog));			\
	self->prog.host = test_host(NULL);				\
	kps_arena_init(&self->prog.arena, &self->prog.host, 0);		\
} while (0)

TEST_F(interp, context)
{
	CTX("r0 = *(u32 *)(r1 + 8)", 0, 8, 0, 0x01020384);
	CTX("r0 = *(u16 *)(r1 + 8)", 0, 8, 0, 0x0384);
	CTX("r0 = *(u8 *)(r1 + 10)", 0, 8, 2, 0x02);
	CTX("r0 = *(s8 *)(r1 + 8)", 0, 8, 0, 0xffffffffffffff84);
	CTX("r0 = *(u32 *)(r1 + 56)", 0, 48, 8, 12);
	CTX("r0 = *(u32 *)(r1 + 64)", 0, 48, 16, 14);
	/* Behind a pointer, and narrower in the kernel than in the context. */
	CTX("r0 = *(u32 *)(r1 + 16)", 0, 16, 0, 0xdd86);
	CTX("r0 = *(u16 *)(r1 + 18)", 0, 16, 2, 0);
	CTX("r0 = *(u8 *)(r1 + 17)", 0, 16, 1, 0xdd);
	CTX("r0 = *(s32 *)(r1 + 16)", 0, 16, 0, 0xdd86);
	CTX("r0 = *(s16 *)(r1 + 16)", 0, 16, 0, 0xffffffffffffdd86);
	CTX("r0 = *(u32 *)(r1 + 4)", 0, 4, 0, 3);
	CTX("r0 = *(s32 *)(r1 + 92)", 0, 92, 0, 0xffffffff80000001);
	CTX("r0 = *(u32 *)(r1 + 76)", 0, 76, 0, 0x123456789abcdef0);
	/* A register that points into the context. */
	CTX("r1 += 8\n r0 = *(u32 *)(r1 + 0)", 1, 8, 0, 0x01020384);
	CTX("r1 += 100\n r0 = *(u32 *)(r1 - 84)", 1, 16, 0, 0xdd86);
	CTX("r1 += 17\n r0 = *(u8 *)(r1 + 0)", 1, 16, 1, 0xdd);
	CTX("r1 += 8\n *(u32 *)(r1 + 0) = 5\n r1 += -8\n r0 = *(u64 *)(r1 + 8)",
	    1, 8, 0, 10ULL << 32 | 5);
	CTX("*(u32 *)(r1 + 8) = 5\n r0 = *(u64 *)(r1 + 8)", 0, 8, 0, 10ULL << 32 | 5);
	CTX("r2 = 5\n *(u32 *)(r1 + 8) = r2\n r0 = *(u64 *)(r1 + 8)",
	    1, 8, 0, 10ULL << 32 | 5);
	/* Bytes that the kernel does not have: nothing is written. */
	CTX("r0 = 3\n *(u16 *)(r1 + 18) = 5", 1, 16, 2, 3);
	CTX("r0 = 3\n r2 = 5\n *(u16 *)(r1 + 18) = r2", 2, 16, 2, 3);
	CTX("r0 = *(s16 *)(r1 + 18)", 0, 16, 2, 0);
	CTX("*(u32 *)(r1 + 52) = 9\n r0 = *(u32 *)(r1 + 16)", 0, 48, 4, 9);
}

TEST_F(interp, no_memory)
{
	size_t n, left;
	int err = -1;

	PREPARE("exit\n");
	for (n = 0; err; n++) {
		ASSERT_GT(10, n);
		left = n;
		self->prog.host.priv = &left;
		err = kt_rewrite(&self->prog, &self->target);
		if (err)
			EXPECT_EQ(-ENOMEM, err);
	}
	self->prog.host.priv = NULL;
	EXPECT_LT(16, kps_code_size(self->prog.code));
}

static struct kps_view view = { .values = 0x1000, .stride = 24, .entries = 3 };

static const struct kps_view *find_view(void *priv, u32 map)
{
	(void)priv;
	(void)map;
	return &view;
}

TEST_F(interp, lookup)
{
	static const u32 keys[] = { 0, 2, 3, S32_MAX, 0x80000000, U32_MAX };
	static const u64 found[] = { 0x1000, 0x1030, 0, 0, 0, 0 };

	self->target.view = find_view;
	PREPARE("r2 = r1\ncall 1\nexit\n");
	self->prog.proof.aux[1] = (struct kps_insn_aux){
		.kind = KPS_AUX_MAP_CALL, .seen = true, .arg = KPS_NO_INDEX,
	};
	ASSERT_EQ(0, kt_rewrite(&self->prog, &self->target));
	if (self->pairs)
		kps_interp_prepare(self->prog.code);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		EXPECT_EQ(found[i], kt_run(&self->prog, (unsigned long)&keys[i], 0));
}

TEST_HARNESS_MAIN
