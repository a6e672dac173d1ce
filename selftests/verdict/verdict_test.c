// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict corpus: each case of each .kv file is accepted or refused exactly
 * as it says. What a file looks like is told in lib/corpus.h.
 */

#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <glob.h>

#include "kselftest.h"

#include "core/diag.h"
#include "core/verifier.h"
#include "lib/corpus.h"

/**
 * struct kv_host - who is asked while a case is verified
 * @maps: the case's
 * @warned: code of the first warning
 * @warned_at: its instruction
 * @held: bytes not given back
 * @polls: that are left until the time is over
 */
struct kv_host {
	struct kt_maps maps;
	u32 warned;
	u32 warned_at;
	size_t held;
	u32 polls;
};

static struct kv_host kv;
static u32 passed, failed;
static bool met[1000];		/* codes that some case was refused with */

static void *host_alloc(void *priv, size_t size)
{
	((struct kv_host *)priv)->held += size;
	return calloc(1, size);
}

/* Whatever was there before. */
static void *host_scratch(void *priv, size_t size)
{
	void *mem = malloc(size);

	((struct kv_host *)priv)->held += size;
	return mem ? memset(mem, 0xa5, size) : NULL;
}

static void host_free(void *priv, void *mem, size_t size)
{
	((struct kv_host *)priv)->held -= mem ? size : 0;
	free(mem);
}

static int host_map(void *priv, s32 fd, struct kps_map_facts *facts)
{
	return kt_map(&((struct kv_host *)priv)->maps, fd, facts);
}

static int host_map_read(void *priv, u32 map, u32 off, u32 size, u64 *val)
{
	(void)priv;
	(void)map;
	return kt_map_read(off, size, val);
}

static void host_emit(void *priv, const void *rec, u32 size)
{
	const struct kapsel_rec_problem *p = rec;
	struct kv_host *h = priv;

	(void)size;
	if (p->hdr.kind != KAPSEL_REC_WARNING || h->warned)
		return;
	h->warned = p->code;
	h->warned_at = p->hdr.insn;
}

/* A case that has polls left runs out of time with the last one. */
static int host_poll(void *priv)
{
	struct kv_host *h = priv;

	return h->polls && !--h->polls ? -ETIME : 0;
}

static int verify(const struct kt_case *c, struct kapsel_verdict *v)
{
	const struct kps_host host = {
		.alloc = host_alloc, .free = host_free,
		.scratch = host_scratch, .scratch_free = host_free, .map = host_map,
		.map_read = host_map_read, .emit = host_emit, .poll = host_poll, .priv = &kv,
	};
	struct kps_proof proof;
	int err;

	kv = (struct kv_host){ .maps = { .c = c }, .polls = c->polls };
	err = kps_verify(&c->in, &host, v, &proof);
	kps_proof_free(&proof, &host);
	if (!kv.held)
		return err;
	ksft_print_msg("%zu bytes not given back\n", kv.held);
	return -EFAULT;
}

static bool accepted(const char *want, const struct kapsel_verdict *v, int err)
{
	unsigned long long n;

	if (err || v->code)
		return false;
	want = strstr(want, "insns ");
	return !want || (sscanf(want, "insns %llu", &n) == 1 && n == v->max_insns);
}

static bool refused(const char *want, const struct kapsel_verdict *v, int err)
{
	unsigned int code, insn;

	if (sscanf(want, "reject KV%u @%u", &code, &insn) != 2)
		return false;
	return err && v->code == code && v->insn == insn;
}

static bool as_wanted(const struct kt_case *c, const struct kapsel_verdict *v, int err)
{
	if (c->warn && (kv.warned != c->warn || kv.warned_at != c->warn_at)) {
		ksft_print_msg("warned: KV%03u @%u\n", kv.warned, kv.warned_at);
		return false;
	}
	return !strncmp(c->want, "accept", 6) ? accepted(c->want, v, err) :
	       refused(c->want, v, err);
}

static bool run_case(const struct kt_case *c, void *arg)
{
	struct kapsel_verdict v = { .code = 0 };
	int err = verify(c, &v);

	if (as_wanted(c, &v, err)) {
		met[v.code] = true;
		passed++;
		return true;
	}
	failed++;
	ksft_print_msg("%s:%u: %s: wanted %s, got KV%03u @%u, error %d, max %llu, rung %u\n",
		       (const char *)arg, c->line, c->name, c->want, v.code, v.insn, err,
		       (unsigned long long)v.max_insns, v.rung);
	return true;
}

static void run_file(char *path)
{
	char *file = basename(path), err[1200];
	u32 before = failed;
	int cases = kt_corpus_read(path, run_case, file, err, sizeof(err));

	if (cases < 0)
		ksft_exit_fail_msg("%s: %s\n", path, err);
	ksft_test_result(failed == before && cases, "%s: %d cases\n", file, cases);
}

/* A rule that no case breaks is not tested. */
static void every_code_is_met(void)
{
	static const struct { u32 code; const char *name; } rows[] = {
#define KPS_DIAG(code, name, title, rule, bad, fix) { code, #name },
#include "core/diag.tbl"
	};
	u32 missing = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].code > 999 || met[rows[i].code])
			continue;
		ksft_print_msg("KV%03u %s is never met\n", rows[i].code, rows[i].name);
		missing++;
	}
	ksft_test_result(!missing, "every code has a case that is refused with it\n");
}

int main(int argc, char **argv)
{
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*.kv", dirname(argv[0]));
	if (argc > 1)
		snprintf(pattern, sizeof(pattern), "%s", argv[1]);
	ksft_print_header();
	if (glob(pattern, 0, NULL, &found) || !found.gl_pathc)
		ksft_exit_fail_msg("no files %s\n", pattern);
	ksft_set_plan(found.gl_pathc + (argc < 2));
	for (size_t i = 0; i < found.gl_pathc; i++)
		run_file(found.gl_pathv[i]);
	if (argc < 2)
		every_code_is_met();
	ksft_print_msg("%u cases passed, %u failed\n", passed, failed);
	globfree(&found);
	ksft_finished();
}
