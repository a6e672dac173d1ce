/* SPDX-License-Identifier: GPL-2.0-only */
/* What was measured: a table for people, JSON for programs */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stdio.h>

#include "engines.h"

/**
 * struct bench_row - a program's answers; each the median of some rounds
 * @ours: kapsel's
 * @theirs: Linux's
 * @rounds: how many
 */
struct bench_row {
	struct bench_answer ours;
	struct bench_answer theirs;
	unsigned int rounds;
};

/**
 * table_begin - the heads
 * @json: where that goes; or NULL
 * @clock: what a nanosecond is
 * @linux_too: the second half is filled
 */
void table_begin(FILE *json, const char *clock, bool linux_too);
/** table_row - one program more */
void table_row(const struct bench_prog *p, const struct bench_row *row);
/** table_end - how each group grew */
void table_end(void);

#endif
