// SPDX-License-Identifier: GPL-2.0-only
/* The rewrite: before and after, a case for each that it does */

#include <string.h>

#include <linux/kernel.h>

#include "core/code.h"
#include "core/rewrite.h"
#include "kselftest_harness.h"
#include "lib/asm.h"
#include "lib/insn_build.h"
#include "lib/run.h"

#define MAX_SLOTS	64
#define MAX_TEXT	4096
#define MAP		0x100000	/* address of map n: n bytes on */
#define VALUE		0x200000	/* of its value */
#define HELPER		0x300000	/* of helper n: n bytes on */
#define BODY		0x400000	/* of map n's own body of helper i: 16 * i + n bytes on */

static u64 map_address(void *priv, u32 map)
{
	(void)priv;
	return MAP + map;
}

static u64 value_address(void *priv, u32 map)
{
	(void)priv;
	return VALUE + map;
}

static kps_helper_fn find_helper(void *priv, u32 id)
{
	(void)priv;
	return (kps_helper_fn)(unsigned long)(HELPER + id);
}

/* Maps of the proved programs, as fds; where their values would be. */
enum { ARRAY, HASH, PERCPU, HUGE, ONE, OUTER, NR_MAPS };

static const struct kps_map_facts maps[NR_MAPS] = {
	[ARRAY] = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 20, .max_entries = 5 },
	[HASH] = { .type = BPF_MAP_TYPE_HASH, .key_size = 8, .value_size = 8, .max_entries = 5 },
	[PERCPU] = { .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4, .value_size = 8,
		     .max_entries = 5 },
	[HUGE] = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
		   .max_entries = 0x80000000 },
	[ONE] = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1 },
	[OUTER] = { .type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4,
		    .max_entries = 2, .inner = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
						 .value_size = 8, .max_entries = 1 } },
};

static const struct kps_view views[NR_MAPS] = {
	[ARRAY] = { .values = VALUE, .stride = 24, .entries = 5 },
	[HUGE] = { .values = VALUE, .stride = 8, .entries = 0x80000000 },
	[ONE] = { .values = VALUE, .stride = 8, .entries = 1 },
};

static u32 fds[NR_MAPS], nr_fds;

static int find_map(void *priv, s32 fd, struct kps_map_facts *facts)
{
	u32 i;

	(void)priv;
	*facts = maps[fd];
	for (i = 0; i < nr_fds; i++)
		if (fds[i] == (u32)fd)
			return i;
	fds[nr_fds] = fd;
	return nr_fds++;
}

static void drop_record(void *priv, const void *rec, u32 size)
{
	(void)priv;
	(void)rec;
	(void)size;
}

static int poll_nothing(void *priv)
{
	(void)priv;
	return 0;
}

static const struct kps_view *find_view(void *priv, u32 map)
{
	(void)priv;
	return views[fds[map]].values ? &views[fds[map]] : NULL;
}

static kps_helper_fn find_body(void *priv, u32 map, u32 id)
{
	(void)priv;
	return fds[map] == HUGE ? NULL : (kps_helper_fn)(unsigned long)(BODY + 16 * id + fds[map]);
}

static const char * const op_names[] = {
#define KPS_OPCODE(_name, ...)		#_name,
#define KPS_OPCODE_ALSO KPS_OPCODE
#include "core/opcodes.tbl"
#undef KPS_OPCODE
#undef KPS_OPCODE_ALSO
#define EXTRA_NAME(_name)		#_name,
	KPS_EXTRA_OPS(EXTRA_NAME)
};

FIXTURE(rewrite) {
	struct bpf_insn insns[MAX_SLOTS];
	struct kps_target target;
	struct kt_prog prog;
	char text[MAX_TEXT];
};

FIXTURE_SETUP(rewrite)
{
	self->target = (struct kps_target){
		.map = map_address, .map_value = value_address, .view = find_view,
		.helper = find_helper, .body = find_body,
	};
}

FIXTURE_TEARDOWN(rewrite)
{
	kt_put(&self->prog);
}

static int prepare(struct _test_data_rewrite *self, const char *text)
{
	char err[80];
	int cnt = kt_asm(text, self->insns, MAX_SLOTS, err, sizeof(err));

	if (cnt < 0)
		fprintf(stderr, "# %s\n", err);
	return cnt < 0 ? cnt : kt_prove(&self->prog, self->insns, cnt);
}

/* An instruction a line: name, dst, src, off, imm. */
static const char *after(struct _test_data_rewrite *self)
{
	const struct kps_code *code = self->prog.code;
	size_t used = 0;

	for (u32 i = 0; i < code->cnt; i++) {
		const struct kps_code_insn *insn = &code->insns[i];

		used += snprintf(self->text + used, MAX_TEXT - used, "%s %u %u %d 0x%llx\n",
				 op_names[insn->op], insn->dst, insn->src, insn->off,
				 insn->imm);
	}
	return self->text;
}

#define EXPECT_REWRITTEN(_before, _after) do {				\
	kt_put(&self->prog);						\
	ASSERT_EQ(0, prepare(self, _before));				\
	ASSERT_EQ(0, kt_rewrite(&self->prog, &self->target));		\
	EXPECT_STREQ(_after, after(self));				\
} while (0)

/* The kernel's JIT takes an amount as it is, and the processor what it likes of it. */
TEST_F(rewrite, shift_amounts)
{
	EXPECT_REWRITTEN("r0 <<= 64\nr0 >>= -1\nr0 s>>= 130\nr0 <<= 63\n"
			 "w0 <<= 32\nw0 >>= -1\nw0 s>>= 63\nw0 <<= 31\nr0 += -1\nexit\n",
			 "lsh64_imm 0 0 0 0x0\n"
			 "rsh64_imm 0 0 0 0x3f\n"
			 "arsh64_imm 0 0 0 0x2\n"
			 "lsh64_imm 0 0 0 0x3f\n"
			 "lsh32_imm 0 0 0 0x0\n"
			 "rsh32_imm 0 0 0 0x1f\n"
			 "arsh32_imm 0 0 0 0x1f\n"
			 "lsh32_imm 0 0 0 0x1f\n"
			 "add64_imm 0 0 0 0xffffffffffffffff\n"
			 "exit 0 0 0 0x0\n");
}

TEST_F(rewrite, addresses)
{
	EXPECT_REWRITTEN("r1 = map[fd:3] ll\nr2 = map[fd:4] + 16 ll\nr3 = 0x1122334455667788 ll\n"
			 "call 5\nexit\n",
			 "lddw 1 1 0 0x100003\n"
			 "lddw 2 2 0 0x200014\n"
			 "lddw 3 0 0 0x1122334455667788\n"
			 "call 0 0 0 0x300005\n"
			 "exit 0 0 0 0x0\n");
}

/* A lddw is two slots before and one instruction after. */
TEST_F(rewrite, jumps)
{
	EXPECT_REWRITTEN("if r1 == 0 goto last\nr2 = 1 ll\ngoto last\nr2 = 2 ll\n"
			 "last: gotol next\nr0 = 1 ll\nnext: exit\n",
			 "jeq64_imm 1 0 3 0x0\n"
			 "lddw 2 0 0 0x1\n"
			 "ja 0 0 2 0x1\n"
			 "lddw 2 0 0 0x2\n"
			 "ja32 0 0 0 0x1\n"
			 "lddw 0 0 0 0x1\n"
			 "exit 0 0 0 0x0\n");
}

/* What no path reaches is not to be run. */
TEST_F(rewrite, what_nothing_reaches)
{
	ASSERT_EQ(0, prepare(self, "r0 = 0\nif r0 == 0 goto +1\nr0 = 1\nexit\n"));
	self->prog.proof.aux[2].seen = false;
	ASSERT_EQ(0, kt_rewrite(&self->prog, &self->target));
	EXPECT_STREQ("mov64_imm 0 0 0 0x0\n"
		     "jeq64_imm 0 0 1 0x0\n"
		     "trap 0 0 0 0x0\n"
		     "exit 0 0 0 0x0\n", after(self));
}

/* ------------------------------------------------------------------------
 * Lookups: of programs that the verifier itself has proved
 */

/* What the call of map_lookup_elem became, or NULL. */
static const struct kps_code_insn *lookup_of(struct _test_data_rewrite *self, const char *text)
{
	struct kps_host host = test_host(NULL);
	struct kt_prog *prog = &self->prog;
	struct kapsel_verdict verdict;
	struct kps_proof proof = {};
	u32 pc = 0, at = 0;
	int err;

	host.map = find_map;
	host.emit = drop_record;
	host.poll = poll_nothing;
	nr_fds = 0;
	kt_put(prog);
	prog->code = NULL;
	if (prepare(self, text) || kps_verify(&prog->in, &host, &verdict, &proof))
		return NULL;
	err = kps_rewrite(&prog->in, &proof, &self->target, &host, &prog->code);
	kps_proof_free(&proof, &host);
	for (; self->insns[pc].code != (BPF_JMP | BPF_CALL); at++)
		pc += self->insns[pc].code == (BPF_LD | BPF_IMM | BPF_DW) ? 2 : 1;
	return err ? NULL : &prog->code->insns[at];
}

#define EXPECT_LOOKUP(_op, _imm, _text) do {				\
	const struct kps_code_insn *insn = lookup_of(self, _text);	\
									\
	ASSERT_NE(NULL, insn);						\
	EXPECT_STREQ(#_op, op_names[insn->op]);				\
	EXPECT_EQ(_imm, insn->imm);					\
	EXPECT_EQ(0, insn->dst);					\
} while (0)

#define LOOK(map)							\
	"r1 = map[fd:" #map "] ll\nr2 = r10\nr2 += -8\ncall 1\nr0 = 0\nexit\n"

TEST_F(rewrite, known_index)
{
	EXPECT_LOOKUP(lddw, VALUE, "*(u32 *)(r10 - 8) = 0\n" LOOK(0));
	EXPECT_LOOKUP(lddw, VALUE + 4 * 24, "*(u64 *)(r10 - 8) = 4\n" LOOK(0));
	EXPECT_LOOKUP(lddw, VALUE + 24, "r3 = 1\n*(u32 *)(r10 - 8) = r3\n" LOOK(0));
	/* There is no such value. */
	EXPECT_LOOKUP(mov64_imm, 0, "*(u32 *)(r10 - 8) = 5\n" LOOK(0));
	EXPECT_LOOKUP(mov64_imm, 0, "*(u32 *)(r10 - 8) = -3\n" LOOK(0));
	/* Bytes */
	EXPECT_LOOKUP(lddw, VALUE, "*(u16 *)(r10 - 8) = 0\n*(u16 *)(r10 - 6) = 0\n" LOOK(0));
}

TEST_F(rewrite, unknown_index)
{
	const u64 view = (unsigned long)&views[ARRAY];

	EXPECT_LOOKUP(lookup, view, "r3 = *(u64 *)(r1 + 112)\n*(u32 *)(r10 - 8) = r3\n" LOOK(0));
	/* These say that it is not known, and no array has as many entries. */
	EXPECT_LOOKUP(lookup, view, "*(u32 *)(r10 - 8) = -1\n" LOOK(0));
	EXPECT_LOOKUP(lookup, view, "*(u32 *)(r10 - 8) = -2\n" LOOK(0));
	EXPECT_LOOKUP(lookup, view, "*(u16 *)(r10 - 8) = 1\n*(u16 *)(r10 - 6) = 0\n" LOOK(0));
	/* A key that is no word of the stack */
	EXPECT_LOOKUP(lookup, view, "*(u64 *)(r10 - 8) = 0\nr1 = map[fd:0] ll\nr2 = r10\n"
		      "r2 += -7\ncall 1\nr0 = 0\nexit\n");
	EXPECT_LOOKUP(lookup, view, "r1 = map[fd:0] ll\nr2 = map[fd:4] + 0 ll\n"
		      "call 1\nr0 = 0\nexit\n");
}

/* The offset says whether the array has an entry of that index. */
#define EXPECT_INSIDE(_inside, _view, _text) do {			\
	const struct kps_code_insn *insn = lookup_of(self, _text);	\
									\
	ASSERT_NE(NULL, insn);						\
	EXPECT_STREQ("lookup", op_names[insn->op]);			\
	EXPECT_EQ((unsigned long)&views[_view], insn->imm);		\
	EXPECT_EQ(_inside, insn->off);					\
} while (0)

#define ANY_WORD	"r3 = *(u64 *)(r1 + 112)\n"
#define PUT_WORD	"*(u32 *)(r10 - 8) = r3\n"

TEST_F(rewrite, index_inside)
{
	EXPECT_INSIDE(0, ARRAY, ANY_WORD PUT_WORD LOOK(0));
	EXPECT_INSIDE(1, ARRAY, ANY_WORD "r3 &= 3\n" PUT_WORD LOOK(0));
	EXPECT_INSIDE(0, ARRAY, ANY_WORD "r3 &= 7\n" PUT_WORD LOOK(0));
	EXPECT_INSIDE(1, ARRAY, ANY_WORD "if r3 > 4 goto out\n" PUT_WORD LOOK(0)
		      "out: r0 = 0\nexit\n");
	EXPECT_INSIDE(0, ARRAY, ANY_WORD "if r3 > 5 goto out\n" PUT_WORD LOOK(0)
		      "out: r0 = 0\nexit\n");
	/* Less than 5, but not as an unsigned number */
	EXPECT_INSIDE(0, ARRAY, ANY_WORD "if w3 s> 4 goto out\n" PUT_WORD LOOK(0)
		      "out: r0 = 0\nexit\n");
	/* The low half of what is known as a whole, and of what is not */
	EXPECT_INSIDE(1, ARRAY, ANY_WORD "if r3 > 4 goto out\n*(u64 *)(r10 - 8) = r3\n" LOOK(0)
		      "out: r0 = 0\nexit\n");
	EXPECT_INSIDE(1, ARRAY, ANY_WORD "if w3 > 4 goto out\n*(u64 *)(r10 - 8) = r3\n" LOOK(0)
		      "out: r0 = 0\nexit\n");
	/* A part of it was written since */
	EXPECT_INSIDE(0, ARRAY, ANY_WORD "r3 &= 3\n" PUT_WORD "*(u8 *)(r10 - 6) = 1\n" LOOK(0));
	/* Not always the same, but always there; or not on one path */
	EXPECT_INSIDE(1, ARRAY, ANY_WORD "*(u32 *)(r10 - 8) = 1\nif r3 == 0 goto +1\n"
		      "*(u32 *)(r10 - 8) = 2\n" LOOK(0));
	EXPECT_INSIDE(0, ARRAY, ANY_WORD "*(u32 *)(r10 - 8) = 1\nif r3 == 0 goto +1\n"
		      "*(u32 *)(r10 - 8) = 5\n" LOOK(0));
	EXPECT_INSIDE(0, ARRAY, ANY_WORD "*(u32 *)(r10 - 8) = 1\nif r3 == 0 goto +1\n"
		      PUT_WORD LOOK(0));
}

/* ------------------------------------------------------------------------
 * A map's address that nobody reads: the first lddw's offset says so
 */
static int is_unread(struct _test_data_rewrite *self, const char *text)
{
	if (!lookup_of(self, text))
		return -1;
	for (u32 at = 0; at < self->prog.code->cnt; at++)
		if (self->prog.code->insns[at].op == KPS_ROW_lddw)
			return self->prog.code->insns[at].off;
	return -1;
}

TEST_F(rewrite, unread)
{
	EXPECT_EQ(1, is_unread(self, ANY_WORD PUT_WORD LOOK(0)));
	EXPECT_EQ(1, is_unread(self, "*(u32 *)(r10 - 8) = 5\n" LOOK(0)));
	/* Overwritten before anything */
	EXPECT_EQ(1, is_unread(self, ANY_WORD PUT_WORD "r1 = map[fd:1] ll\n" LOOK(0)));
}

TEST_F(rewrite, read)
{
	/* A call */
	EXPECT_EQ(0, is_unread(self, "*(u64 *)(r10 - 8) = 1\n" LOOK(1)));
	/* Copied, and passed to one */
	EXPECT_EQ(0, is_unread(self, ANY_WORD PUT_WORD "r1 = map[fd:4] ll\nr6 = r1\nr2 = r10\n"
			       "r2 += -8\ncall 1\nr1 = r6\nr2 = r10\nr2 += -8\nr3 = r2\n"
			       "r4 = 0\ncall 2\nr0 = 0\nexit\n"));
	/* Kept for later, over the lookup */
	EXPECT_EQ(0, is_unread(self, ANY_WORD PUT_WORD "r6 = map[fd:0] ll\nr1 = r6\nr2 = r10\n"
			       "r2 += -8\ncall 1\nr0 = 0\nexit\n"));
	/* Maybe; and behind a branch */
	EXPECT_EQ(0, is_unread(self, ANY_WORD PUT_WORD "r1 = map[fd:0] ll\nif r3 == 0 goto +2\n"
			       "r1 = map[fd:1] ll\nr2 = r10\nr2 += -8\ncall 1\nr0 = 0\nexit\n"));
	EXPECT_EQ(0, is_unread(self, ANY_WORD PUT_WORD "r2 = r10\nr2 += -8\nr1 = map[fd:0] ll\n"
			       "if r3 == 0 goto out\ncall 1\nout: r0 = 0\nexit\n"));
}

/* What is known must be so on all paths. */
TEST_F(rewrite, paths)
{
	const u64 view = (unsigned long)&views[ARRAY];

	EXPECT_LOOKUP(lookup, view, "r3 = *(u64 *)(r1 + 112)\n*(u32 *)(r10 - 8) = 1\n"
		      "if r3 == 0 goto +1\n*(u32 *)(r10 - 8) = 2\n" LOOK(0));
	EXPECT_LOOKUP(lddw, VALUE + 24, "r3 = *(u64 *)(r1 + 112)\n*(u32 *)(r10 - 8) = 1\n"
		      "if r3 == 0 goto +1\n*(u32 *)(r10 - 8) = 1\n" LOOK(0));
	EXPECT_LOOKUP(lookup, view, "*(u32 *)(r10 - 8) = 0\nagain: r1 = map[fd:0] ll\nr2 = r10\n"
		      "r2 += -8\ncall 1\nr3 = *(u32 *)(r10 - 8)\nr3 += 1\n"
		      "*(u32 *)(r10 - 8) = r3\nif r3 < 3 goto again\nr0 = 0\nexit\n");
	EXPECT_LOOKUP(call, HELPER + 1, "r3 = *(u64 *)(r1 + 112)\n*(u64 *)(r10 - 8) = 1\n"
		      "r2 = r10\nr2 += -8\nr1 = map[fd:0] ll\nif r3 == 0 goto +2\n"
		      "r1 = map[fd:1] ll\ncall 1\nr0 = 0\nexit\n");
}

TEST_F(rewrite, other_maps)
{
	EXPECT_LOOKUP(call, BODY + 16 + HASH, "*(u64 *)(r10 - 8) = 1\n" LOOK(1));
	EXPECT_LOOKUP(call, BODY + 16 + PERCPU, "*(u32 *)(r10 - 8) = 1\n" LOOK(2));
	EXPECT_LOOKUP(call, HELPER + 1, "*(u32 *)(r10 - 8) = 1\n" LOOK(3));
}

/* Which map it is that was found, and where, is not known before it runs. */
TEST_F(rewrite, a_map_that_was_found)
{
	const struct kps_code_insn *insn;

	insn = lookup_of(self, "*(u32 *)(r10 - 8) = 0\nr1 = map[fd:5] ll\nr2 = r10\n"
			 "r2 += -8\ncall 1\nif r0 == 0 goto out\nr1 = r0\nr2 = r10\n"
			 "r2 += -8\ncall 1\nout: r0 = 0\nexit\n");
	ASSERT_NE(NULL, insn);
	EXPECT_EQ(BODY + 16 + OUTER, insn->imm);
	do
		insn++;
	while (strcmp("call", op_names[insn->op]));
	EXPECT_EQ(HELPER + 1, insn->imm);
}

#define STORE(map)							\
	"r1 = map[fd:" #map "] ll\nr2 = r10\nr2 += -8\nr3 = r2\nr4 = 0\ncall 2\nr0 = 0\nexit\n"

/* Other helpers have bodies of the map's own, too; on one map or another none. */
TEST_F(rewrite, updates)
{
	EXPECT_LOOKUP(call, BODY + 32 + HASH, "*(u64 *)(r10 - 8) = 1\n" STORE(1));
	EXPECT_LOOKUP(call, HELPER + 2, "*(u64 *)(r10 - 8) = 1\n" STORE(3));
	EXPECT_LOOKUP(call, HELPER + 2, "*(u64 *)(r10 - 8) = 1\nr6 = *(u64 *)(r1 + 112)\n"
		      "r2 = r10\nr2 += -8\nr3 = r2\nr4 = 0\nr1 = map[fd:1] ll\n"
		      "if r6 == 0 goto +2\nr1 = map[fd:2] ll\ncall 2\nr0 = 0\nexit\n");
}

TEST_HARNESS_MAIN
