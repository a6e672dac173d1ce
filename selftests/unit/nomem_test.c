// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that runs out, at each allocation in turn: the answer is ENOMEM, nothing is
 * said of the program, and all is given back.
 */

#include <errno.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/arena.h"
#include "core/verifier.h"
#include "kselftest_harness.h"

#include "../../tools/fuzz/gen.h"
#include "../../tools/fuzz/world.h"

#define PROGRAMS 40
#define DIAMONDS 1000
#define MOST_PIECES 100	/* of a program, more or less, that are made to fail */

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

/* Verified and, if that went well, rewritten; @good allocations succeed. */
static int attempt(const struct kps_prog_in *in, size_t good, bool once,
		   struct kapsel_verdict *v)
{
	size_t unused;
	struct kps_host host = fz_host(&unused);
	struct kps_target target = fz_target(in->prog_type);
	struct kps_code *code = NULL;
	struct kps_proof proof = {};
	int err;

	host.alloc = purse_alloc;
	host.free = purse_free;
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

/* Returns how many pieces it takes, or 0: something was wrong. */
static size_t starve_pieces(const struct kps_prog_in *in, bool once)
{
	struct kapsel_verdict v;
	size_t n, needed;
	int err;

	pieces = (struct purse){ .good = SIZE_MAX };
	err = attempt(in, SIZE_MAX, false, &v);
	needed = pieces.used;
	if (purse.held || err == -ENOMEM)
		return 0;
	for (n = 0; n < needed; n += 1 + needed / MOST_PIECES) {
		pieces = (struct purse){ .good = n, .once = once };
		err = attempt(in, SIZE_MAX, false, &v);
		if (err != -ENOMEM || v.code || purse.held)
			return 0;
	}
	pieces = (struct purse){ .good = SIZE_MAX };
	return needed;
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

TEST_F(nomem, one_fails)
{
	u32 seed;

	for (seed = 1; seed <= PROGRAMS; seed++) {
		ASSERT_TRUE(generated(self, seed, true)) {
			TH_LOG("seed %u, allocation %zu", seed, purse.good);
		}
	}
}

TEST_F(nomem, all_fail_from_then_on)
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
		ASSERT_LT(0, starve_pieces(&self->in, seed % 2)) {
			TH_LOG("seed %u, piece %zu of %zu", seed, pieces.good, pieces.used);
		}
	}
}

/* Many states, so many pieces of memory. */
TEST_F(nomem, many_states)
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

TEST_HARNESS_MAIN
