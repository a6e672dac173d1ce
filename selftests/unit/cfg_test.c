// SPDX-License-Identifier: GPL-2.0-only
/* Control flow: blocks, call graph, loops, schedule */

#include <linux/kernel.h>
#include <time.h>

#include "core/arena.h"
#include "core/cfg.h"
#include "core/diag.h"
#include "core/insn.h"
#include "kselftest_harness.h"
#include "lib/insn_build.h"

FIXTURE(cfg) {
	struct kps_host host;
	struct kps_arena arena;
	struct kps_cfg cfg;
	struct kps_cfg_error err;
};

FIXTURE_SETUP(cfg)
{
	self->host = test_host(NULL);
	kps_arena_init(&self->arena, &self->host, 0);
}

FIXTURE_TEARDOWN(cfg)
{
	kps_arena_free(&self->arena);
}

#define BUILD(insns) kps_cfg_build(&self->cfg, insns, ARRAY_SIZE(insns),	\
				   &self->arena, &self->arena, &self->err)

#define EXPECT_REFUSED(insns, _code, _pc) do {				\
	EXPECT_EQ(-EINVAL, BUILD(insns));				\
	EXPECT_EQ(KPS_D_##_code, self->err.code);			\
	EXPECT_EQ(_pc, self->err.pc);					\
} while (0)

TEST_F(cfg, straight)
{
	const struct bpf_insn insns[] = { LDDW(1, 0, 1, 2), MOV(0, 0), EXIT };

	ASSERT_EQ(0, BUILD(insns));
	EXPECT_EQ(1, self->cfg.nr_blocks);
	EXPECT_EQ(1, self->cfg.nr_subprogs);
	EXPECT_EQ(0, self->cfg.nr_loops);
	EXPECT_EQ(4, self->cfg.blocks[0].end);
	EXPECT_EQ(KPS_NONE, self->cfg.blocks[0].succ[0]);
	EXPECT_EQ(1, self->cfg.subprogs[0].sched_len);
	EXPECT_EQ(1, self->cfg.subprogs[0].height);
}

TEST_F(cfg, diamond)
{
	const struct bpf_insn insns[] = {
		JEQ(1, 0, 2), MOV(0, 1), JA(1), MOV(0, 2), EXIT,
	};
	u32 order[4];
	int i;

	ASSERT_EQ(0, BUILD(insns));
	ASSERT_EQ(4, self->cfg.nr_blocks);
	for (i = 0; i < 4; i++)
		order[i] = self->cfg.blocks[i].order;
	EXPECT_EQ(0, order[0]);
	EXPECT_EQ(1, order[1]);
	EXPECT_EQ(2, order[2]);
	EXPECT_EQ(3, order[3]);
	EXPECT_EQ(1, self->cfg.blocks[0].succ[0]);
	EXPECT_EQ(2, self->cfg.blocks[0].succ[1]);
}

TEST_F(cfg, nested_loops)
{
	const struct bpf_insn insns[] = {
		MOV(1, 0),
		MOV(2, 0),		/* 1: outer head */
		ADD(2, 1),		/* 2: inner head */
		JEQ(2, 10, 1),
		JA(-3),
		ADD(1, 1),		/* 5 */
		JEQ(1, 10, 1),
		JA(-7),
		MOV(0, 0),		/* 8 */
		EXIT,
	};
	const struct kps_loop *loops;

	ASSERT_EQ(0, BUILD(insns));
	ASSERT_EQ(2, self->cfg.nr_loops);
	loops = self->cfg.loops;
	EXPECT_EQ(1, self->cfg.blocks[loops[0].head].start);
	EXPECT_EQ(2, self->cfg.blocks[loops[1].head].start);
	EXPECT_EQ(0, loops[1].parent);
	EXPECT_EQ(KPS_NONE, loops[0].parent);
	EXPECT_EQ(2, loops[1].depth);
	EXPECT_EQ(1, loops[0].first);
	EXPECT_EQ(2, loops[1].first);
	EXPECT_EQ(4, loops[1].last);
	EXPECT_EQ(6, loops[0].last);
	EXPECT_EQ(1, self->cfg.blocks[kps_cfg_block_at(&self->cfg, 4)].loop);
	EXPECT_EQ(0, self->cfg.blocks[kps_cfg_block_at(&self->cfg, 7)].loop);
	EXPECT_EQ(KPS_NONE, self->cfg.blocks[kps_cfg_block_at(&self->cfg, 8)].loop);
}

TEST_F(cfg, unreachable)
{
	const struct bpf_insn insns[] = { MOV(0, 0), EXIT, MOV(0, 1), EXIT };

	ASSERT_EQ(0, BUILD(insns));
	EXPECT_EQ(2, self->cfg.nr_blocks);
	EXPECT_EQ(KPS_NONE, self->cfg.blocks[1].order);
	EXPECT_EQ(1, self->cfg.subprogs[0].sched_len);
}

TEST_F(cfg, subprograms)
{
	const struct bpf_insn insns[] = {
		CALL_LOCAL(4),			/* 0 -> 5 */
		LDDW(2, 4, 5, 0),		/* 1 -> 7 */
		CALL(181),
		EXIT,
		CALL_LOCAL(1), EXIT,		/* 5 -> 7 */
		MOV(0, 0), EXIT,		/* 7 */
	};

	ASSERT_EQ(0, BUILD(insns));
	ASSERT_EQ(3, self->cfg.nr_subprogs);
	EXPECT_EQ(3, self->cfg.subprogs[0].height);
	EXPECT_EQ(2, self->cfg.subprogs[1].height);
	EXPECT_EQ(1, self->cfg.subprogs[2].height);
	EXPECT_TRUE(self->cfg.subprogs[2].callback);
	EXPECT_FALSE(self->cfg.subprogs[1].callback);
	EXPECT_EQ(2, kps_cfg_subprog_at(&self->cfg, 7));
	EXPECT_EQ(KPS_NONE, kps_cfg_subprog_at(&self->cfg, 6));
	/* Local calls end a block, and so does that of the loop helper. */
	EXPECT_EQ(3, self->cfg.subprogs[0].blocks);
	EXPECT_EQ(1, self->cfg.blocks[0].succ[0]);
}

TEST_F(cfg, refusals)
{
	const struct bpf_insn range[] = { JA(1), EXIT };
	const struct bpf_insn before[] = { JA(-2), EXIT };
	const struct bpf_insn middle[] = { JA(1), LDDW(0, 0, 0, 0), EXIT };
	const struct bpf_insn off_end[] = { MOV(0, 0) };
	const struct bpf_insn cond_end[] = { JEQ(0, 0, -1) };
	const struct bpf_insn lddw_end[] = { LDDW(0, 0, 0, 0) };
	const struct bpf_insn self_call[] = { CALL_LOCAL(-1), EXIT };
	const struct bpf_insn mutual[] = {
		CALL_LOCAL(1), EXIT, CALL_LOCAL(1), EXIT, CALL_LOCAL(-3), EXIT,
	};
	const struct bpf_insn main_callback[] = { LDDW(2, 4, -1, 0), EXIT };
	const struct bpf_insn far_call[] = { CALL_LOCAL(1), EXIT };
	const struct bpf_insn mid_call[] = { CALL_LOCAL(1), LDDW(0, 0, 0, 0), EXIT };
	const struct bpf_insn other_sub[] = { CALL_LOCAL(2), JA(1), EXIT, EXIT };
	const struct bpf_insn into_sub[] = { CALL_LOCAL(2), MOV(0, 0), MOV(0, 0), EXIT };

	EXPECT_REFUSED(range, JUMP_RANGE, 0);
	EXPECT_REFUSED(before, JUMP_RANGE, 0);
	EXPECT_REFUSED(middle, JUMP_MIDDLE, 0);
	EXPECT_REFUSED(off_end, FALL_OFF, 0);
	EXPECT_REFUSED(cond_end, FALL_OFF, 0);
	EXPECT_REFUSED(lddw_end, FALL_OFF, 0);
	EXPECT_REFUSED(self_call, RECURSION, 0);
	EXPECT_REFUSED(mutual, RECURSION, 4);
	EXPECT_REFUSED(main_callback, RECURSION, 0);
	EXPECT_REFUSED(far_call, CALL_TARGET, 0);
	EXPECT_REFUSED(mid_call, CALL_TARGET, 0);
	EXPECT_REFUSED(other_sub, JUMP_RANGE, 1);
	EXPECT_REFUSED(into_sub, FALL_OFF, 2);
	EXPECT_EQ(-EINVAL, kps_cfg_build(&self->cfg, range, 0, &self->arena, &self->arena,
					 &self->err));
	EXPECT_EQ(KPS_D_SIZE, self->err.code);
}

/* A chain of @n functions, each calling the next. */
static void chain(struct bpf_insn *insns, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		insns[2 * i] = i + 1 < n ? CALL_LOCAL(1) : MOV(0, 0);
		insns[2 * i + 1] = EXIT;
	}
}

TEST_F(cfg, depth)
{
	struct bpf_insn insns[18];

	chain(insns, 8);
	ASSERT_EQ(0, kps_cfg_build(&self->cfg, insns, 16, &self->arena, &self->arena, &self->err));
	EXPECT_EQ(8, self->cfg.subprogs[0].height);
	chain(insns, 9);
	EXPECT_REFUSED(insns, DEPTH, 0);
	EXPECT_EQ(9, self->err.detail);
}

/* Is block @b in loop @l, by the tree of loops? */
static bool in_loop(const struct kps_cfg *cfg, u32 b, u32 l)
{
	u32 i;

	for (i = cfg->blocks[b].loop; i != KPS_NONE; i = cfg->loops[i].parent)
		if (i == l)
			return true;
	return false;
}

/* The definition of a weak topological order, edge by edge. */
static const char *bad_edge(const struct kps_cfg *cfg, u32 from, u32 to)
{
	const struct kps_block *u = &cfg->blocks[from], *v = &cfg->blocks[to];

	if (v->order == KPS_NONE)
		return "successor of a reachable block is unreachable";
	if (u->order < v->order)
		return NULL;
	if (v->loop == KPS_NONE || cfg->loops[v->loop].head != to)
		return "back edge to a block that is no head";
	return in_loop(cfg, from, v->loop) ? NULL : "back edge from outside";
}

static const char *bad_block(const struct kps_cfg *cfg, u32 i)
{
	const struct kps_block *block = &cfg->blocks[i];
	const char *why = NULL;
	u32 l, k;

	if (block->order == KPS_NONE)
		return NULL;
	if (cfg->schedule[cfg->subprogs[block->subprog].sched + block->order] != i)
		return "schedule and order disagree";
	for (l = 0; l < cfg->nr_loops; l++) {
		bool within = block->order >= cfg->loops[l].first &&
			      block->order < cfg->loops[l].last;

		if (within != in_loop(cfg, i, l))
			return "loop is not contiguous";
	}
	for (k = 0; k < 2 && !why; k++)
		if (block->succ[k] != KPS_NONE)
			why = bad_edge(cfg, i, block->succ[k]);
	return why;
}

static const char *bad_loop(const struct kps_cfg *cfg, u32 i)
{
	const struct kps_loop *loop = &cfg->loops[i];

	if (cfg->blocks[loop->head].loop != i)
		return "head is not in its loop";
	if (cfg->blocks[loop->head].order != loop->first)
		return "head is not first";
	if (loop->parent != KPS_NONE &&
	    (loop->parent >= i || loop->depth != cfg->loops[loop->parent].depth + 1))
		return "loop before its parent";
	return NULL;
}

static const char *bad_order(const struct kps_cfg *cfg)
{
	const char *why = NULL;
	u32 i;

	for (i = 0; i < cfg->nr_blocks && !why; i++)
		why = bad_block(cfg, i);
	for (i = 0; i < cfg->nr_loops && !why; i++)
		why = bad_loop(cfg, i);
	return why;
}

static u32 random_below(u64 *seed, u32 n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (u32)(*seed >> 32) % n;
}

static void random_program(struct bpf_insn *insns, u32 n, u64 *seed)
{
	u32 i;

	for (i = 0; i + 1 < n; i++) {
		s32 off = (s32)random_below(seed, n) - (s32)i - 1;
		u32 what = random_below(seed, 8);

		insns[i] = what < 3 ? JEQ(1, 0, off) : what == 3 ? JA(off) :
			   what == 4 ? EXIT : MOV(0, 0);
	}
	insns[n - 1] = EXIT;
}

TEST_F(cfg, random_graphs)
{
	u64 seed = 0x6b617073656c;
	struct bpf_insn insns[40];
	const char *why = NULL;
	int round;
	u32 n;

	for (round = 0; round < 20000 && !why; round++) {
		n = 2 + random_below(&seed, ARRAY_SIZE(insns) - 1);
		random_program(insns, n, &seed);
		ASSERT_EQ(0, kps_cfg_build(&self->cfg, insns, n, &self->arena, &self->arena,
					   &self->err));
		why = bad_order(&self->cfg);
		kps_arena_free(&self->arena);
	}
	if (why)
		TH_LOG("round %d, %u slots: %s", round - 1, n, why);
	EXPECT_EQ(NULL, why);
}

/* Each cycle goes through a head: without back edges the schedule is a sort. */
TEST_F(cfg, two_entries)
{
	const struct bpf_insn insns[] = {
		JEQ(1, 0, 2),		/* into the middle */
		ADD(1, 1),		/* 1 */
		JEQ(1, 2, 2),
		ADD(1, 2),		/* 3 */
		JEQ(1, 3, -4),
		EXIT,
	};

	ASSERT_EQ(0, BUILD(insns));
	EXPECT_EQ(1, self->cfg.nr_loops);
	EXPECT_EQ(NULL, bad_order(&self->cfg));
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* n loops, each around the next; a far jump back is a gotol of its own. */
static void nest(struct bpf_insn *insns, u32 n)
{
	u32 i, at;

	for (i = 0; i < n; i++)
		insns[i] = ADD(1, 1);
	for (i = 0; i < n; i++) {
		at = n + 2 * i;
		insns[at] = JEQ(1, 1, 1);
		insns[at + 1] = JA32((s32)(n - 1 - i) - (s32)(at + 2));
	}
	insns[3 * n] = EXIT;
}

/* Square time would show here as minutes. */
TEST_F(cfg, deep_nest)
{
	const u32 n = 100000;
	struct bpf_insn *insns = calloc(3 * n + 1, sizeof(*insns));
	double start = seconds();

	ASSERT_NE(NULL, insns);
	nest(insns, n);
	EXPECT_EQ(0, kps_cfg_build(&self->cfg, insns, 3 * n + 1, &self->arena, &self->arena,
				   &self->err));
	EXPECT_EQ(n, self->cfg.nr_loops);
	EXPECT_EQ(n, self->cfg.loops[n - 1].depth);
	TH_LOG("%u nested loops: %.1f ms", n, (seconds() - start) * 1e3);
	free(insns);
}

TEST_F(cfg, million)
{
	const u32 n = 1000000;
	struct bpf_insn *insns = calloc(n, sizeof(*insns));
	double start;
	u32 i;

	ASSERT_NE(NULL, insns);
	for (i = 0; i + 1 < n; i++)
		insns[i] = i % 10 ? MOV(0, 0) : JEQ(1, 0, 4);
	for (i = n - 8; i < n; i++)
		insns[i] = EXIT;
	start = seconds();
	EXPECT_EQ(0, kps_cfg_build(&self->cfg, insns, n, &self->arena, &self->arena, &self->err));
	TH_LOG("%u slots, %u blocks: %.1f ms", n, self->cfg.nr_blocks,
	       (seconds() - start) * 1e3);
	free(insns);
}

/* Each allocation fails once, and nothing leaks (the sanitizer looks). */
TEST_F(cfg, no_memory)
{
	const struct bpf_insn insns[] = { CALL_LOCAL(1), EXIT, MOV(0, 0), EXIT };
	struct kps_arena arena;
	struct kps_host host;
	size_t n, left;
	int err = -1;

	for (n = 0; err; n++) {
		ASSERT_GT(100, n);
		left = n;
		host = test_host(&left);
		kps_arena_init(&arena, &host, 0);
		err = kps_cfg_build(&self->cfg, insns, 4, &arena, &arena, &self->err);
		if (err)
			EXPECT_EQ(-ENOMEM, err);
		kps_arena_free(&arena);
	}
}

static int stop(void *priv)
{
	(void)priv;
	return -EINTR;
}

TEST_F(cfg, killed)
{
	static struct bpf_insn insns[2000];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(insns); i++)
		insns[i] = EXIT;
	self->host.poll = stop;
	EXPECT_EQ(-EINTR, BUILD(insns));
}

TEST_HARNESS_MAIN
