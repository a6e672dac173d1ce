// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz [-s seed] [-n programs] [-a accepted] [-t seconds] [-b] [-k failures] [-m] [-p seed]
 *
 * Generates programs, verifies them, and holds what the verifier accepts to its
 * word: on a run, and when it is verified once more without joins, as far as that is
 * not too dear. -b: in bulk, with less effort for each; -k: stop after so many failures;
 * -m: do not make them smaller; -p: show a program, no more. Interrupted, it says how far
 * it came, and from which seed to go on.
 */

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "check.h"

static struct {
	u64 seed;
	u64 programs;
	u64 accepted;
	u32 seconds;
	u32 failures;
	bool show;
	bool reduce;
	struct fz_effort effort;
} opt = {
	.seed = 1, .programs = ~0ULL, .accepted = ~0ULL, .failures = 1, .reduce = true,
	.effort = { .runs = 6, .longest = 30000, .budget = 60000, .agree = 1 },
};

static const struct fz_effort bulk = { .runs = 3, .longest = 1500, .budget = 4000, .agree = 8 };

static struct {
	u64 programs;
	u64 accepted;
	u64 rung[4];
	u64 unembedded;
	u64 compared;
	u64 dear;
	u64 apart;
	u64 insns;
	u64 codes[1000];
	u64 failed[FZ_NR_LAYERS];
	u64 did[FZ_NR_DEEDS];
} stats;

static atomic_bool interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = true;
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "s:n:a:t:bk:p:m")) != -1) {
		switch (c) {
		case 's':
			opt.seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			opt.programs = strtoull(optarg, NULL, 0);
			break;
		case 'a':
			opt.accepted = strtoull(optarg, NULL, 0);
			break;
		case 't':
			opt.seconds = strtoul(optarg, NULL, 0);
			break;
		case 'b':
			opt.effort = bulk;
			break;
		case 'k':
			opt.failures = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			opt.seed = strtoull(optarg, NULL, 0);
			opt.programs = 1;
			opt.show = true;
			break;
		case 'm':
			opt.reduce = false;
			break;
		default:
			exit(2);
		}
	}
}

static void report(struct fz_prog *p, u64 seed, struct fz_outcome *out)
{
	struct fz_outcome small = *out;

	printf("FAILED seed %llu by %s: %s\n", (unsigned long long)seed,
	       fz_layer_names[out->layer], out->why);
	if (opt.reduce) {
		fz_reduce(p, seed, &opt.effort, &small);
		printf("reduced to %u slots: %s\n", p->cnt, small.why);
	}
	fz_show(p);
	fflush(stdout);
}

static void count(const struct fz_outcome *out)
{
	u32 i;

	stats.programs++;
	stats.insns += out->insns;
	if (out->layer == FZ_REFUSED) {
		stats.codes[out->code % 1000]++;
		return;
	}
	stats.accepted++;
	stats.rung[out->rung & 3]++;
	stats.unembedded += out->unembedded;
	stats.compared += out->compared;
	stats.dear += out->dear;
	stats.apart += out->apart;
	stats.failed[out->layer]++;
	for (i = 0; i < FZ_NR_DEEDS; i++)
		stats.did[i] += out->did >> i & 1;
}

static void summary(double seconds)
{
	u32 i;

	printf("%llu programs in %.1f s, %llu accepted (%.1f %%; rungs %llu/%llu/%llu), %llu without embedding, %llu instructions run\n",
	       (unsigned long long)stats.programs, seconds, (unsigned long long)stats.accepted,
	       100.0 * stats.accepted / (stats.programs ?: 1), (unsigned long long)stats.rung[1],
	       (unsigned long long)stats.rung[2], (unsigned long long)stats.rung[3],
	       (unsigned long long)stats.unembedded, (unsigned long long)stats.insns);
	printf("without joins: %llu verified again, %llu of them too dear, %llu refused\n",
	       (unsigned long long)stats.compared, (unsigned long long)stats.dear,
	       (unsigned long long)stats.apart);
	printf("refusals:");
	for (i = 0; i < ARRAY_SIZE(stats.codes); i++)
		if (stats.codes[i] * 200 > stats.programs)
			printf(" KV%03u %llu", i, (unsigned long long)stats.codes[i]);
	printf("\naccepted that ran:");
	for (i = 0; i < FZ_NR_DEEDS; i++)
		printf("%s %s %llu", i ? "," : "", fz_deed_names[i],
		       (unsigned long long)stats.did[i]);
	printf("\nfailures:");
	for (i = FZ_HOST; i < FZ_NR_LAYERS; i++)
		printf(" %s %llu", fz_layer_names[i], (unsigned long long)stats.failed[i]);
	printf("\n");
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static struct fz_prog p;
	struct fz_outcome out;
	double start = now();
	u32 failed = 0;
	u64 i;

	parse(argc, argv);
	fz_world_init();
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
	for (i = 0; i < opt.programs && stats.accepted < opt.accepted &&
	     failed < opt.failures && !interrupted; i++) {
		if (opt.seconds && i % 16 == 0 && now() - start > opt.seconds)
			break;
		fz_generate(&p, opt.seed + i);
		fz_check(&p, opt.seed + i, &opt.effort, &out);
		count(&out);
		if (opt.show) {
			fz_show(&p);
			printf("%s KV%03u @%u %s\n", fz_layer_names[out.layer], out.code, out.insn,
			       out.why);
		} else if (out.layer > FZ_REFUSED) {
			failed++;
			report(&p, opt.seed + i, &out);
		}
	}
	summary(now() - start);
	if (interrupted)
		printf("the next seed is %llu\n", (unsigned long long)(opt.seed + i));
	fz_world_exit();
	return failed ? 1 : 0;
}
