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
		.map = map_address, .map_value = value_address, .helper = find_helper,
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

TEST_HARNESS_MAIN
