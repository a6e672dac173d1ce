// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the verifier's cost grows: straight code, branches that matter, loops.
 *
 *	make bench-verifier
 *
 * Times are this machine's; the last column, relative to the first row of each
 * group, is what to compare.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/verifier.h"

#define ROUNDS 5

static size_t held, peak;

static void *host_alloc(void *priv, size_t size)
{
	(void)priv;
	held += size;
	peak = held > peak ? held : peak;
	return calloc(1, size);
}

static void host_free(void *priv, void *mem, size_t size)
{
	(void)priv;
	held -= mem ? size : 0;
	free(mem);
}

static int host_map(void *priv, s32 fd, struct kps_map_facts *facts)
{
	(void)priv;
	(void)fd;
	(void)facts;
	return -EBADF;
}

static void host_emit(void *priv, const void *rec, u32 size)
{
	(void)priv;
	(void)rec;
	(void)size;
}

static int host_poll(void *priv)
{
	(void)priv;
	return 0;
}

static const struct kps_host host = {
	.alloc = host_alloc, .free = host_free, .map = host_map,
	.emit = host_emit, .poll = host_poll,
};

static struct bpf_insn *prog;
static u32 cnt;

static void add(u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	prog[cnt++] = (struct bpf_insn){
		.code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm,
	};
}

static void straight(u32 n)
{
	add(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 0, 0);
	while (cnt + 6 < n) {
		add(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, 1);
		add(BPF_ALU64 | BPF_MOV | BPF_X, 3, 2, 0, 0);
		add(BPF_ALU64 | BPF_AND | BPF_K, 3, 0, 0, 255);
		add(BPF_ALU64 | BPF_ADD | BPF_X, 3, 2, 0, 0);
	}
	add(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);
	add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* Each branch counts in r7, which is returned: its value matters to the end. */
static void diamonds(u32 n)
{
	add(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	add(BPF_ALU64 | BPF_MOV | BPF_K, 7, 0, 0, 0);
	while (n--) {
		add(BPF_LDX | BPF_MEM | BPF_W, 2, 6, 0, 0);
		add(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1, n);
		add(BPF_ALU64 | BPF_ADD | BPF_K, 7, 0, 0, 1);
	}
	add(BPF_ALU64 | BPF_AND | BPF_K, 7, 0, 0, 1);
	add(BPF_ALU64 | BPF_MOV | BPF_X, 0, 7, 0, 0);
	add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void loop(u32 n)
{
	add(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);
	add(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 0);
	add(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, 1);
	add(BPF_JMP | BPF_JNE | BPF_K, 1, 0, -2, n);
	add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static double verify(struct kapsel_verdict *v)
{
	const struct kps_prog_in in = {
		.insns = prog, .insn_cnt = cnt, .prog_type = KAPSEL_PROG_NETFILTER, .gpl = true,
		.ceiling = 1ULL << 40, .budget_insns = 1ULL << 30,
	};
	struct timespec from, to;
	struct kps_proof proof;

	clock_gettime(CLOCK_MONOTONIC, &from);
	if (kps_verify(&in, &host, v, &proof))
		fprintf(stderr, "refused with KV%03u\n", v->code);
	clock_gettime(CLOCK_MONOTONIC, &to);
	kps_proof_free(&proof, &host);
	return (to.tv_sec - from.tv_sec) * 1e6 + (to.tv_nsec - from.tv_nsec) / 1e3;
}

/* The fastest of some rounds: what else the machine does only adds. */
static double best(struct kapsel_verdict *v)
{
	double us, least = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		us = verify(v);
		least = !i || us < least ? us : least;
	}
	return least;
}

static void row(const char *what, void (*make)(u32 n), u32 n, double *first)
{
	struct kapsel_verdict v;
	double us;

	cnt = 0;
	peak = 0;
	make(n);
	us = best(&v);
	*first = *first ? *first : us;
	printf("%-10s %9u %10llu %12.1f %8.1f %10zu %9.2f\n", what, n,
	       (unsigned long long)v.visited, us, us * 1000 / v.visited, peak / 1024,
	       us / *first);
}

static void group(const char *what, void (*make)(u32 n), u32 from, u32 to)
{
	double first = 0;
	u32 n;

	for (n = from; n <= to; n *= 10)
		row(what, make, n, &first);
}

int main(void)
{
	prog = calloc(KAPSEL_MAX_INSNS + 8, sizeof(*prog));
	if (!prog)
		return 1;
	printf("%-10s %9s %10s %12s %8s %10s %9s\n", "program", "size", "visited",
	       "us", "ns each", "peak KiB", "ratio");
	group("straight", straight, 1000, 1000000);
	group("diamonds", diamonds, 10, 100000);
	group("loop", loop, 10, 1000000);
	free(prog);
	return 0;
}
