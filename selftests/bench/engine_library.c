// SPDX-License-Identifier: GPL-2.0-only
/* kapsel's verifier in this process; all memory goes through two counters */

#include <stdio.h>
#include <stdlib.h>

#include "engines.h"
#include "host.h"

static size_t held, peak;

static void count(size_t size)
{
	held += size;
	peak = held > peak ? held : peak;
}

static void *count_alloc(void *priv, size_t size)
{
	(void)priv;
	count(size);
	return calloc(1, size);
}

static void *count_scratch(void *priv, size_t size)
{
	(void)priv;
	count(size);
	return malloc(size);
}

static void count_free(void *priv, void *mem, size_t size)
{
	(void)priv;
	held -= mem ? size : 0;
	free(mem);
}

static bool library_open(void)
{
	return true;
}

static void library_verify(const struct bench_prog *p, struct bench_answer *answer)
{
	const struct kapsel_budget budget = { .ceiling = BENCH_LIMIT, .insns = BENCH_LIMIT };
	struct kapsel_result res = {};
	struct kps_proof proof = {};
	struct kps_prog_in in;
	struct kl_host host;
	u64 start;

	kl_host_init(&host, p->prog, 600000, &res);
	host.ops.alloc = count_alloc;
	host.ops.free = count_free;
	host.ops.scratch = count_scratch;
	host.ops.scratch_free = count_free;
	kl_prog_in(p->prog, &budget, &in);
	peak = 0;
	start = bench_now();
	answer->refused = kps_verify(&in, &host.ops, &res.verdict, &proof);
	answer->ns = bench_now() - start;
	answer->visited = res.verdict.visited;
	answer->bytes = peak;
	kps_proof_free(&proof, &host.ops);
	kapsel_result_free(&res);
	if (answer->refused)
		snprintf(answer->why, sizeof(answer->why), "KV%03u", res.verdict.code);
	if (held)
		fprintf(stderr, "%s: %zu bytes were kept\n", p->name, held);
}

const struct bench_engine bench_library = {
	.name = "kapsel", .open = library_open, .verify = library_verify,
};
