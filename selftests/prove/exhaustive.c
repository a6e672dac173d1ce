// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every transfer function of the number domain on every operand of a small width:
 *
 *	exhaustive [-q] [-j JOBS] [NAME]
 *
 * -q: at smaller widths yet. NAME: only operations whose name has it.
 *
 * One result for each operation: how many operands were tried, and how much
 * larger the results are than the smallest that could be expressed. A hole, which
 * is a number that the operation gives and its result lacks, is a failure. The
 * controls are operations that are wrong, and fail when nothing is found.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prove/prove.h"

#define MAX_ROWS	128

static const struct row *rows[MAX_ROWS];
static struct tally *tallies;
static unsigned int row_cnt;

static void take_rows(const struct row *from, const char *name)
{
	for (; from->name; from++)
		if (strstr(from->name, name) && row_cnt < MAX_ROWS)
			rows[row_cnt++] = from;
}

static unsigned int width_of(const struct row *row)
{
	return prove_quick ? row->quick : row->full;
}

/* A child that dies leaves no cases, which is a failure. */
static void start(unsigned int i)
{
	struct tally tally = { };

	if (fork())
		return;
	rows[i]->run(rows[i], width_of(rows[i]), &tally);
	tallies[i] = tally;
	_exit(0);
}

static void run_all(long jobs)
{
	unsigned int i;

	for (i = 0; i < row_cnt; i++) {
		if (i >= jobs)
			wait(NULL);
		start(i);
	}
	while (wait(NULL) > 0)
		;
}

static bool passed(const struct row *row, const struct tally *t)
{
	bool found = t->holes > 0;

	return t->cases && found == row->control;
}

static void report(unsigned int i)
{
	const struct row *row = rows[i];
	const struct tally *t = &tallies[i];

	printf("%sok %u - %s%s, %u bits: %llu cases, %llu holes", passed(row, t) ? "" : "not ",
	       i + 1, row->control ? "control: " : "", row->name, width_of(row), t->cases,
	       t->holes);
	if (!row->control && t->best)
		printf(", %.3f times the best size, %.1f %% best",
		       (double)t->got / t->best, 100.0 * t->exact / t->cases);
	if (!row->control && t->ends)
		printf(", %.1f %% of the ends are reached", 100.0 * t->reached / t->ends);
	printf("\n");
}

int main(int argc, char **argv)
{
	long jobs = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int i, failed = 0;
	const char *name;
	int c;

	while ((c = getopt(argc, argv, "qj:")) != -1) {
		if (c == 'q')
			prove_quick = true;
		else if (c == 'j' && atol(optarg) > 0)
			jobs = atol(optarg);
		else
			return 2;
	}
	name = optind < argc ? argv[optind] : "";
	take_rows(tnum_rows, name);
	take_rows(range_rows, name);
	take_rows(stride_rows, name);
	take_rows(scalar_rows, name);
	take_rows(assume_rows, name);
	tallies = mmap(NULL, sizeof(*tallies) * MAX_ROWS, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tallies == MAP_FAILED)
		return 1;
	printf("TAP version 13\n1..%u\n", row_cnt);
	fflush(stdout);
	run_all(jobs);
	for (i = 0; i < row_cnt; i++) {
		report(i);
		failed += !passed(rows[i], &tallies[i]);
	}
	printf("# Totals: pass:%u fail:%u\n", row_cnt - failed, failed);
	return failed ? 1 : 0;
}
