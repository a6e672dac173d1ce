// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that runs out, at each allocation in turn: the answer is ENOMEM, nothing is
 * said of the program, and all is given back.
 */

#include <errno.h>
#include <glob.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/arena.h"
#include "core/state.h"
#include "core/verifier.h"
#include "kselftest_harness.h"
#include "lib/corpus.h"

#include "../../tools/fuzz/gen.h"
#include "../../tools/fuzz/world.h"
#include "tree.h"

#define PROGRAMS 40
#define DIAMONDS 1000
#define MOST_PIECES 100	/* of a program, more or less, that are made to fail */
#define OF_A_CASE 100	/* the same of a case of the corpus, */
#define STEPS_OF_A_CASE 4000	/* of which this much is verified */

/**
 * struct purse - allocations that are left
 * @good: how many succeed
 * @once: then one fails, and no other; else all do
 * @used: how many there were
 * @held: bytes not given back
 */
struct purse {
	size_t good;
	bool once;
	size_t used;
	size_t held;
};

static struct purse purse;

static void *purse_alloc(void *priv, size_t size)
{
	size_t n = purse.used++;

	(void)priv;
	if (n == purse.good || (n > purse.good && !purse.once))
		return NULL;
	purse.held += size;
	return calloc(1, size);
}

static void purse_free(void *priv, void *mem, size_t size)
{
	(void)priv;
	purse.held -= mem ? size : 0;
	free(mem);
}

/* Pieces of arenas, counted likewise; at first they are plenty. */
static struct purse pieces = { .good = SIZE_MAX };

typeof(kps_arena_alloc) __real_kps_arena_alloc, __wrap_kps_arena_alloc;
typeof(kps_arena_array) __real_kps_arena_array, __wrap_kps_arena_array;

/* As if this piece had needed memory of the host that was not there. */
static bool piece_fails(struct kps_arena *arena)
{
	size_t n = pieces.used++;

	if (n != pieces.good && (n < pieces.good || pieces.once))
		return false;
	arena->failed = true;
	return true;
}

void *__wrap_kps_arena_alloc(struct kps_arena *arena, size_t size)
{
	return piece_fails(arena) ? NULL : __real_kps_arena_alloc(arena, size);
}

void *__wrap_kps_arena_array(struct kps_arena *arena, size_t n, size_t size)
{
	return piece_fails(arena) ? NULL : __real_kps_arena_array(arena, n, size);
}

/* States and frames that were freed are used again: then no memory is needed. Not here. */
typeof(kps_state_free) __real_kps_state_free, __wrap_kps_state_free;
typeof(kps_state_free_list) __real_kps_state_free_list, __wrap_kps_state_free_list;
typeof(kps_frame_pop) __real_kps_frame_pop, __wrap_kps_frame_pop;

static void forget_freed(struct kps_pool *pool)
{
	pool->states = NULL;
	memset(pool->frames, 0, sizeof(pool->frames));
}

void __wrap_kps_state_free(struct kps_pool *pool, struct kps_state *s)
{
	__real_kps_state_free(pool, s);
	forget_freed(pool);
}

void __wrap_kps_state_free_list(struct kps_pool *pool, struct kps_state *s)
{
	__real_kps_state_free_list(pool, s);
	forget_freed(pool);
}

void __wrap_kps_frame_pop(struct kps_pool *pool, struct kps_state *s)
{
	__real_kps_frame_pop(pool, s);
	forget_freed(pool);
}

/* The maps of a case, which is not run; of generated programs the world knows them. */
static struct kt_maps maps;

static int case_map(void *priv, s32 fd, struct kps_map_facts *facts)
{
	(void)priv;
	return kt_map(&maps, fd, facts);
}

static int case_map_read(void *priv, u32 map, u32 off, u32 size, u64 *val)
{
	(void)priv;
	(void)map;
	return kt_map_read(off, size, val);
}

static u64 case_address(void *priv, u32 map)
{
	(void)priv;
	return 4096 * (map + 1);
}

static struct kps_host host_of(size_t *unused)
{
	struct kps_host host = fz_host(unused);

	host.alloc = purse_alloc;
	host.free = purse_free;
	host.scratch = purse_alloc;
	host.scratch_free = purse_free;
	if (maps.c) {
		maps.nr_used = 0;
		host.map = case_map;
		host.map_read = case_map_read;
	}
	return host;
}

static struct kps_target target_of(u32 prog_type)
{
	struct kps_target target = fz_target(prog_type);

	if (maps.c) {
		target.map = case_address;
		target.map_value = case_address;
	}
	return target;
}

/* Verified and, if that went well, rewritten; @good allocations succeed. */
static int attempt(const struct kps_prog_in *in, size_t good, bool once,
		   struct kapsel_verdict *v)
{
	size_t unused;
	struct kps_host host = host_of(&unused);
	struct kps_target target = target_of(in->prog_type);
	struct kps_code *code = NULL;
	struct kps_proof proof = {};
	int err;

	purse = (struct purse){ .good = good, .once = once };
	err = kps_verify(in, &host, v, &proof);
	if (!err)
		err = kps_rewrite(in, &proof, &target, &host, &code);
	kps_code_free(code, &host);
	kps_proof_free(&proof, &host);
	return err;
}

/* Returns how many allocations it takes, or 0: something was wrong. */
static size_t starve(const struct kps_prog_in *in, bool once)
{
	struct kapsel_verdict plenty, v;
	int err, best = attempt(in, SIZE_MAX, false, &plenty);
	size_t n, needed = purse.used;

	if (purse.held || best == -ENOMEM)
		return 0;
	for (n = 0; n < needed; n++) {
		err = attempt(in, n, once, &v);
		if (err != -ENOMEM || v.code || purse.held)
			return 0;
	}
	err = attempt(in, needed, once, &v);
	return err == best && !memcmp(&v, &plenty, sizeof(v)) && !purse.held ? needed : 0;
}

/*
 * About @most pieces fail, one by one, from the @first on. False: something was wrong.
 */
static bool starve_pieces(const struct kps_prog_in *in, bool once, size_t first, size_t most)
{
	struct kapsel_verdict v;
	size_t n, needed;
	int err;

	pieces = (struct purse){ .good = SIZE_MAX };
	err = attempt(in, SIZE_MAX, false, &v);
	needed = pieces.used;
	if (purse.held || err == -ENOMEM)
		return false;
	for (n = first % (1 + needed / most); n < needed; n += 1 + needed / most) {
		pieces = (struct purse){ .good = n, .once = once };
		err = attempt(in, SIZE_MAX, false, &v);
		if (err != -ENOMEM || v.code || purse.held)
			return false;
	}
	pieces = (struct purse){ .good = SIZE_MAX };
	return true;
}

FIXTURE(nomem)
{
	struct fz_prog p;
	struct kps_prog_in in;
};

FIXTURE_SETUP(nomem)
{
	fz_world_init();
	self->in = (struct kps_prog_in){
		.insns = self->p.insn, .gpl = true, .budget_insns = 4000,
	};
}

FIXTURE_TEARDOWN(nomem)
{
	fz_world_exit();
}

static bool generated(struct _test_data_nomem *self, u32 seed, bool once)
{
	fz_generate(&self->p, seed);
	self->in.insn_cnt = self->p.cnt;
	self->in.prog_type = self->p.type;
	return starve(&self->in, once);
}

TEST_F_TIMEOUT(nomem, one_fails, 300)
{
	u32 seed;

	for (seed = 1; seed <= PROGRAMS; seed++) {
		ASSERT_TRUE(generated(self, seed, true)) {
			TH_LOG("seed %u, allocation %zu", seed, purse.good);
		}
	}
}

TEST_F_TIMEOUT(nomem, all_fail_from_then_on, 300)
{
	u32 seed;

	for (seed = 1; seed <= PROGRAMS; seed++) {
		ASSERT_TRUE(generated(self, seed, false)) {
			TH_LOG("seed %u, allocation %zu", seed, purse.good);
		}
	}
}

TEST_F_TIMEOUT(nomem, pieces, 300)
{
	u32 seed;

	for (seed = 1; seed <= PROGRAMS; seed++) {
		fz_generate(&self->p, seed);
		self->in.insn_cnt = self->p.cnt;
		self->in.prog_type = self->p.type;
		ASSERT_TRUE(starve_pieces(&self->in, seed % 2, 0, MOST_PIECES)) {
			TH_LOG("seed %u, piece %zu of %zu", seed, pieces.good, pieces.used);
		}
	}
}

/* Many states, so many pieces of memory. */
TEST_F_TIMEOUT(nomem, many_states, 300)
{
	static struct bpf_insn insns[4 * DIAMONDS + 4];
	u32 cnt = 0, i;

	insns[cnt++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 7 };
	for (i = 0; i < DIAMONDS; i++) {
		insns[cnt++] = (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_W,
						  .dst_reg = 2, .src_reg = 1 };
		insns[cnt++] = (struct bpf_insn){ .code = BPF_JMP | BPF_JEQ | BPF_K,
						  .dst_reg = 2, .off = 1, .imm = i };
		insns[cnt++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_XOR | BPF_K,
						  .dst_reg = 7, .imm = 1 << i % 31 };
	}
	insns[cnt++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K };
	insns[cnt++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	self->in.insns = insns;
	self->in.insn_cnt = cnt;
	self->in.prog_type = KAPSEL_PROG_NETFILTER;
	self->in.budget_insns = 1000000;
	ASSERT_LT(10, starve(&self->in, false)) {
		TH_LOG("allocation %zu of %zu", purse.good, purse.used);
	}
}

/**
 * struct progress - through the corpus
 * @cases: starved
 * @failed: the one that went wrong, "": none
 */
struct progress {
	u32 cases;
	char failed[128];
};

static bool starve_case(const struct kt_case *c, void *arg)
{
	struct kps_prog_in in = c->in;
	struct progress *p = arg;
	u32 n = ++p->cases;

	maps.c = c;
	if (!in.budget_insns || in.budget_insns > STEPS_OF_A_CASE)
		in.budget_insns = STEPS_OF_A_CASE;
	if (!starve_pieces(&in, n % 2, n, OF_A_CASE))
		strcpy(p->failed, c->name);
	return !p->failed[0];
}

/* Each rule has a program there: together they need memory wherever any is needed. */
TEST_F_TIMEOUT(nomem, corpus, 300)
{
	struct progress p = {};
	char path[PATH_MAX], err[1200];
	glob_t found;
	size_t i;

	ASSERT_EQ(0, glob(tree_path("selftests/verdict/*.kv", path), 0, NULL, &found));
	for (i = 0; i < found.gl_pathc; i++) {
		ASSERT_LT(0, kt_corpus_read(found.gl_pathv[i], starve_case, &p, err, sizeof(err))) {
			TH_LOG("%s: %s", found.gl_pathv[i], err);
		}
		ASSERT_STREQ("", p.failed) {
			TH_LOG("%s: piece %zu of %zu", found.gl_pathv[i], pieces.good, pieces.used);
		}
	}
	globfree(&found);
	maps.c = NULL;
	ASSERT_LT(100, p.cases);
}

TEST_HARNESS_MAIN
