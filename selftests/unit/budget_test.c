// SPDX-License-Identifier: GPL-2.0-only
/*
 * Budgets that run out, and a host that says stop, at many places of each case of the
 * verdict corpus: the answer says which it was, or it is the one without them.
 */

#include <errno.h>
#include <glob.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/diag.h"
#include "core/verifier.h"
#include "kselftest_harness.h"
#include "lib/corpus.h"
#include "lib/insn_build.h"
#include "tree.h"

#define PLACES	16	/* of a case, more or less */
#define MOST_INSNS	20000	/* that a case may take here */
#define DIAMONDS	2000	/* of the long program */

/**
 * struct trial - of one case, under one constraint
 * @maps: the case's
 * @stop_at: the poll that is answered by @answer, 0: none
 * @polls: how often the host was asked
 * @held: bytes not given back
 */
struct trial {
	struct kt_maps maps;
	u32 stop_at;
	int answer;
	u32 polls;
	size_t held;
	struct kapsel_verdict v;
};

static void *trial_alloc(void *priv, size_t size)
{
	((struct trial *)priv)->held += size;
	return calloc(1, size);
}

static void trial_free(void *priv, void *mem, size_t size)
{
	((struct trial *)priv)->held -= mem ? size : 0;
	free(mem);
}

static int trial_map(void *priv, s32 fd, struct kps_map_facts *facts)
{
	return kt_map(&((struct trial *)priv)->maps, fd, facts);
}

static int trial_map_read(void *priv, u32 map, u32 off, u32 size, u64 *val)
{
	(void)priv;
	(void)map;
	return kt_map_read(off, size, val);
}

static void trial_emit(void *priv, const void *rec, u32 size)
{
	(void)priv;
	(void)rec;
	(void)size;
}

static int trial_poll(void *priv)
{
	struct trial *t = priv;

	return ++t->polls == t->stop_at ? t->answer : 0;
}

static struct kps_prog_in prog_of(const struct kt_case *c)
{
	struct kps_prog_in in = c->in;

	if (!in.budget_insns || in.budget_insns > MOST_INSNS)
		in.budget_insns = MOST_INSNS;
	return in;
}

static int verify(struct trial *t, const struct kps_prog_in *in)
{
	const struct kps_host host = {
		.alloc = trial_alloc, .free = trial_free, .map = trial_map,
		.map_read = trial_map_read, .emit = trial_emit, .poll = trial_poll, .priv = t,
	};
	struct kps_proof proof;
	int err;

	t->maps.nr_used = 0;
	t->polls = 0;
	t->held = 0;
	err = kps_verify(in, &host, &t->v, &proof);
	kps_proof_free(&proof, &host);
	return t->held ? -EFAULT : err;
}

/* A loop that was walked until the budget ended is what there is to be said of. */
static bool says_budget(const struct kapsel_verdict *v, int err, u32 code)
{
	return err == -E2BIG &&
	       (v->code == code || (code == KPS_D_BUDGET_INSNS && v->code == KPS_D_UNBOUNDED));
}

static bool same(const struct kapsel_verdict *a, const struct kapsel_verdict *b)
{
	return a->code == b->code && a->insn == b->insn;
}

static bool few_insns(const struct kt_case *c, struct trial *t)
{
	struct kps_prog_in in = prog_of(c);
	int err, plenty = verify(t, &in);
	struct kapsel_verdict best = t->v;
	u64 n, step = 1 + best.visited / PLACES;

	for (n = 1 + c->line % step; n < best.visited; n += step) {
		in.budget_insns = n;
		err = verify(t, &in);
		if (!says_budget(&t->v, err, KPS_D_BUDGET_INSNS) &&
		    (err != plenty || !same(&t->v, &best)))
			return false;
	}
	return true;
}

static bool few_bytes(const struct kt_case *c, struct trial *t)
{
	struct kps_prog_in in = prog_of(c);
	int err, plenty = verify(t, &in);
	struct kapsel_verdict best = t->v;
	u64 n, step = 1 + best.state_bytes / PLACES;

	for (n = 1 + c->line % step; n < best.state_bytes; n += step) {
		in.budget_bytes = n;
		err = verify(t, &in);
		if (!says_budget(&t->v, err, KPS_D_BUDGET_MEMORY) &&
		    (err != plenty || !same(&t->v, &best)))
			return false;
	}
	return true;
}

/* Who is stopped while the way of a refusal is looked for was refused already. */
static bool stops(struct trial *t, const struct kps_prog_in *in, int answer,
		  const struct kapsel_verdict *best)
{
	int err;

	t->answer = answer;
	err = verify(t, in);
	if (err == -EACCES && same(&t->v, best))
		return true;
	return answer == -ETIME ? says_budget(&t->v, err, KPS_D_BUDGET_TIME) :
	       err == answer && !t->v.code;
}

static bool stopped_at(const struct kt_case *c, struct trial *t, u32 places)
{
	struct kps_prog_in in = prog_of(c);
	struct kapsel_verdict best;
	u32 polls, step;

	verify(t, &in);
	best = t->v;
	polls = t->polls;
	step = 1 + polls / places;
	for (t->stop_at = 1; t->stop_at <= polls; t->stop_at += step)
		if (!stops(t, &in, -EINTR, &best) || !stops(t, &in, -ETIME, &best))
			return false;
	return true;
}

static bool stopped(const struct kt_case *c, struct trial *t)
{
	return stopped_at(c, t, PLACES);
}

/**
 * struct sweep - one kind of trial of every case
 * @holds: does the case answer as it should?
 * @failed: the case that does not
 */
struct sweep {
	bool (*holds)(const struct kt_case *c, struct trial *t);
	u32 cases;
	char failed[128];
};

static bool try_case(const struct kt_case *c, void *arg)
{
	struct trial t = { .maps = { .c = c } };
	struct sweep *sweep = arg;

	sweep->cases++;
	if (!sweep->holds(c, &t))
		strcpy(sweep->failed, c->name);
	return !sweep->failed[0];
}

FIXTURE(corpus)
{
	glob_t found;
};

FIXTURE_SETUP(corpus)
{
	char path[PATH_MAX];

	ASSERT_EQ(0, glob(tree_path("selftests/verdict/*.kv", path), 0, NULL, &self->found));
}

FIXTURE_TEARDOWN(corpus)
{
	globfree(&self->found);
}

static const char *try_all(struct _test_data_corpus *self, struct sweep *sweep)
{
	static char err[1200];
	size_t i;

	for (i = 0; i < self->found.gl_pathc && !sweep->failed[0]; i++)
		if (kt_corpus_read(self->found.gl_pathv[i], try_case, sweep, err, sizeof(err)) < 0)
			return err;
	return sweep->failed;
}

TEST_F_TIMEOUT(corpus, few_insns, 300)
{
	struct sweep sweep = { .holds = few_insns };

	ASSERT_STREQ("", try_all(self, &sweep));
	ASSERT_LT(100, sweep.cases);
}

TEST_F_TIMEOUT(corpus, few_bytes, 300)
{
	struct sweep sweep = { .holds = few_bytes };

	ASSERT_STREQ("", try_all(self, &sweep));
	ASSERT_LT(100, sweep.cases);
}

TEST_F_TIMEOUT(corpus, stopped, 300)
{
	struct sweep sweep = { .holds = stopped };

	ASSERT_STREQ("", try_all(self, &sweep));
	ASSERT_LT(100, sweep.cases);
}

/* Control flow that takes a while by itself: a loop around many blocks, and a function. */
static u32 long_program(struct bpf_insn *insns)
{
	u32 i, n = 0;

	insns[n++] = MOV(6, 0);
	for (i = 0; i < DIAMONDS; i++) {
		insns[n++] = JEQ(6, i, 1);
		insns[n++] = MOV(7, i);
	}
	insns[n++] = CALL_LOCAL(4);
	insns[n++] = ADD(6, 1);
	insns[n++] = INSN(BPF_JMP | BPF_JLT | BPF_K, 6, 0, -2 * DIAMONDS - 3, 3);
	insns[n++] = MOV(0, 1);
	insns[n++] = EXIT;
	insns[n++] = MOV(0, 0);
	insns[n++] = EXIT;
	return n;
}

TEST_F_TIMEOUT(corpus, long_program_stopped, 300)
{
	static struct bpf_insn insns[2 * DIAMONDS + 8];
	struct kt_case c = { .in = { .insns = insns, .insn_cnt = long_program(insns),
				     .prog_type = KAPSEL_PROG_NETFILTER } };
	struct trial t = { .maps = { .c = &c } };

	ASSERT_EQ(0, verify(&t, &c.in)) {
		TH_LOG("KV%03u @%u", t.v.code, t.v.insn);
	}
	ASSERT_LT(20, t.polls);
	ASSERT_TRUE(stopped_at(&c, &t, t.polls + 1)) {
		TH_LOG("poll %u", t.stop_at);
	}
}

TEST_HARNESS_MAIN
