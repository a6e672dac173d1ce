// SPDX-License-Identifier: GPL-2.0-only
/* Each pair of instructions that runs as one does what the two do one by one */

#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/code.h"
#include "core/interp.h"
#include "kselftest_harness.h"

#define ROUNDS		200
#define MAX_CODE	64
#define BUFFER		64	/* bytes; pointers are to its middle */
#define PAIR_AT		10	/* behind the registers' values */

enum where { dst, src };

static const struct row {
	const char *first;
	const char *second;
	u16 ops[2];
	enum where where;
	u16 joined;
} pairs[] = {
#define KPS_PAIR_ALSO KPS_PAIR
#define KPS_PAIR(_first, _where, _second)					\
	{ #_first, #_second, { KPS_ROW_##_first, KPS_ROW_##_second }, _where,	\
	  KPS_PAIR_##_first##_##_where##_##_second },
#include "core/pairs.tbl"
#undef KPS_PAIR
#undef KPS_PAIR_ALSO
};

/**
 * struct machine - a program and the memory that it works on
 * @read: what loads find
 * @written: where stores go
 * @regs: r0 to r7 at the end
 */
struct machine {
	struct kps_code code;
	struct kps_code_insn room[MAX_CODE];
	struct kps_run run;
	u64 read[BUFFER / 8];
	u64 written[BUFFER / 8];
	u64 regs[8];
};

/* Small and large, around the edges of 32 bits, and anything. */
static u64 some_number(void)
{
	u64 n = (u64)random() << 33 ^ (u64)random() << 11 ^ random();

	switch (random() % 4) {
	case 0:
		return n % 4;
	case 1:
		return (s64)(s32)n;
	case 2:
		return 0xfffffffeULL + n % 4;
	}
	return n;
}

static void add(struct machine *m, u16 op, u8 to, u8 from, s16 off, u64 imm)
{
	m->code.insns[m->code.cnt++] = (struct kps_code_insn){
		.op = op, .dst = to, .src = from, .off = off, .imm = imm,
	};
}

static bool is(const char *name, const char *what)
{
	return strstr(name, what);
}

static u64 middle(u64 *buffer)
{
	return (unsigned long)buffer + BUFFER / 2;
}

static u64 some_imm(const char *name)
{
	u64 n = some_number();

	if (is(name, "sh"))
		return n % (is(name, "32") ? 32 : 64);
	return is(name, "lddw") ? n : (u64)(s32)n;
}

/* r1 is the register that both have in common, r2 and r3 are the others. */
static void fill(struct machine *m, const struct row *p)
{
	bool address = is(p->second, "ldx"), same = random() % 4 == 0 && !is(p->second, "st");
	u64 r[8], imm = some_imm(p->first);
	s16 off = random() % 9 - 4;
	u32 i;

	for (i = 0; i < 8; i++)
		r[i] = some_number();
	if (is(p->first, "ldx"))
		r[2] = middle(m->read);
	if (address)
		r[1] = middle(m->read) - r[2];
	if (address && is(p->first, "lddw"))
		imm = middle(m->read);
	if (is(p->second, "st"))
		r[3] = middle(m->written);
	for (i = 0; i < 8; i++)
		add(m, KPS_ROW_lddw, i, 0, 0, r[i]);
	add(m, KPS_ROW_lddw, 8, 0, 0, (unsigned long)m->regs);
	add(m, KPS_ROW_lddw, 9, 0, 0, 0);
	add(m, p->ops[0], 1, 2, off, imm);
	add(m, p->ops[1], p->where == dst || same ? 1 : 3, p->where == src || same ? 1 : 3,
	    *p->second == 'j' ? 1 : off, some_imm(p->second));
}

/* What a jump skips, and everything written down. */
static void finish(struct machine *m)
{
	u32 i;

	add(m, KPS_ROW_mov64_imm, 7, 0, 0, 4711);
	for (i = 0; i < 8; i++)
		add(m, KPS_ROW_stxdw, 8, i, 8 * i, 0);
	add(m, KPS_ROW_exit, 0, 0, 0, 0);
}

static void run(struct machine *m)
{
	m->run.fuel = MAX_CODE;
	memset(m->written, 0xa5, sizeof(m->written));
	memset(m->regs, 0, sizeof(m->regs));
	kps_interp_run(&m->code, &m->run, 0, 0);
}

/* Where both registers are the same, another row may be the pair's. */
static bool is_joined(const struct machine *m, const struct row *p)
{
	const struct kps_code_insn *insn = &m->code.insns[PAIR_AT];

	return insn[0].op == p->joined ||
	       (insn[1].dst == insn[1].src && insn[0].op >= KPS_NR_ROWS);
}

/* The same once more, as one. */
static bool agrees(struct machine *m, const struct row *p)
{
	u64 written[BUFFER / 8], regs[8], fuel;

	run(m);
	memcpy(written, m->written, sizeof(written));
	memcpy(regs, m->regs, sizeof(regs));
	fuel = m->run.fuel;
	kps_interp_prepare(&m->code);
	if (!is_joined(m, p))
		return false;
	run(m);
	return m->run.end == KPS_RUN_DONE && m->run.fuel == fuel &&
	       !memcmp(written, m->written, sizeof(written)) &&
	       !memcmp(regs, m->regs, sizeof(regs));
}

TEST(each_is_its_two)
{
	struct machine *m = calloc(1, sizeof(*m));
	u32 i, round, n;

	ASSERT_NE(NULL, m);
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		for (round = 0; round < ROUNDS; round++) {
			m->code.cnt = 0;
			for (n = 0; n < BUFFER / 8; n++)
				m->read[n] = some_number();
			fill(m, &pairs[i]);
			finish(m);
			ASSERT_TRUE(agrees(m, &pairs[i]))
				TH_LOG("%s, %s", pairs[i].first, pairs[i].second);
		}
	}
	free(m);
}

/* A jump into a pair runs the second alone. */
TEST(the_second_stays)
{
	struct machine *m = calloc(1, sizeof(*m));

	ASSERT_NE(NULL, m);
	add(m, KPS_ROW_mov64_imm, 0, 0, 0, 40);
	add(m, KPS_ROW_ja, 0, 0, 0, 1);
	add(m, KPS_ROW_mov64_reg, 0, 10, 0, 0);
	add(m, KPS_ROW_add64_imm, 0, 0, 0, 2);
	add(m, KPS_ROW_exit, 0, 0, 0, 0);
	kps_interp_prepare(&m->code);
	EXPECT_NE(KPS_ROW_mov64_reg, m->code.insns[2].op);
	EXPECT_EQ(KPS_ROW_add64_imm, m->code.insns[3].op);
	m->run.fuel = 4;
	EXPECT_EQ(42, kps_interp_run(&m->code, &m->run, 0, 0));
	EXPECT_EQ(0, m->run.fuel);
	free(m);
}

/* Registers that differ, and the last instruction, are left alone. */
TEST(what_is_no_pair)
{
	struct machine *m = calloc(1, sizeof(*m));

	ASSERT_NE(NULL, m);
	kps_interp_prepare(&m->code);
	add(m, KPS_ROW_mov64_reg, 1, 0, 0, 0);
	add(m, KPS_ROW_add64_imm, 2, 0, 0, 0);
	add(m, KPS_ROW_mov64_reg, 1, 0, 0, 0);
	m->room[3] = (struct kps_code_insn){ .op = KPS_ROW_add64_imm, .dst = 1 };
	kps_interp_prepare(&m->code);
	EXPECT_EQ(KPS_ROW_mov64_reg, m->code.insns[0].op);
	EXPECT_EQ(KPS_ROW_add64_imm, m->code.insns[1].op);
	EXPECT_EQ(KPS_ROW_mov64_reg, m->code.insns[2].op);
	free(m);
}

TEST_HARNESS_MAIN
