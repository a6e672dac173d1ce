// SPDX-License-Identifier: GPL-2.0-only
/*
 * What verification costs, and how that grows: straight code, branches whose
 * values matter, loops, and real objects; by kapsel and, where bpf(2) is to be
 * had, by Linux, program by program in one run.
 *
 *	make bench-verifier
 *
 *	verifier_bench [-d] [-i] [-o JSON] [OBJECT]...
 *
 * -d: by the module behind /dev/kapsel, not by the library. -i: the machine is a
 * VM whose clock counts instructions, so that figures hardly differ.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

#define MAX_ROUNDS 5
#define ENOUGH_NS 1000000000ULL

static const char vm_clock[] =
	"instructions of a virtual machine, each a nanosecond; caches and traps cost nothing";

static const struct bench_engine *ours = &bench_library;
static unsigned int max_rounds = MAX_ROUNDS;
static bool linux_too;

static int by_time(const void *a, const void *b)
{
	const struct bench_answer *x = a, *y = b;

	return x->ns < y->ns ? -1 : x->ns > y->ns;
}

/* The median; what takes long has fewer rounds. Returns how many. */
static unsigned int measure(const struct bench_engine *engine, const struct bench_prog *p,
			    struct bench_answer *median)
{
	struct bench_answer answers[MAX_ROUNDS] = {};
	unsigned int rounds = 0;
	u64 ns = 0;

	while (rounds < max_rounds && (ns < ENOUGH_NS || rounds % 2 == 0)) {
		engine->verify(p, &answers[rounds]);
		ns += answers[rounds].ns;
		if (answers[rounds++].refused)
			break;
	}
	qsort(answers, rounds, sizeof(answers[0]), by_time);
	*median = answers[rounds / 2];
	return rounds;
}

static void one(const struct bench_prog *p)
{
	struct bench_row row = {};

	row.rounds = measure(ours, p, &row.ours);
	if (linux_too)
		measure(&bench_linux, p, &row.theirs);
	table_row(p, &row);
}

int main(int argc, char **argv)
{
	const char *clock = "nanoseconds of this machine, medians";
	FILE *json = NULL;
	int opt;

	while ((opt = getopt(argc, argv, "dio:")) != -1) {
		if (opt == 'd') {
			ours = &bench_module;
		} else if (opt == 'i') {
			clock = vm_clock;
			max_rounds = 3;
		} else if (opt == 'o') {
			json = fopen(optarg, "w");
		} else {
			return 2;
		}
	}
	if (!ours->open()) {
		fprintf(stderr, "%s: not there\n", KAPSEL_DEVICE);
		return 1;
	}
	linux_too = bench_linux.open();
	table_begin(json, clock, linux_too);
	while (optind < argc)
		bench_each_of(argv[optind++], one);
	bench_each_made(one);
	table_end();
	return json && fclose(json) ? 1 : 0;
}
