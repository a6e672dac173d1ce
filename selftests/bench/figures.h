/* SPDX-License-Identifier: GPL-2.0-only */
/* What the bench of running programs found: table, JSON, picture */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stdbool.h>
#include <stdio.h>

/** enum figure_who - whose figure it is; decides on the colour */
enum figure_who {
	FIGURE_FLOOR,		/* C: nothing can be less */
	FIGURE_KAPSEL,
	FIGURE_LINUX,		/* in-tree eBPF */
	FIGURE_WHOS
};

/**
 * struct figure - one of them
 * @group: figures that are of the same thing have the same
 * @name: what it is of
 * @who: whose
 * @insns: guest instructions
 */
struct figure {
	const char *group;
	const char *name;
	enum figure_who who;
	double insns;
};

/** figure_add - one more; groups come one after the other */
void figure_add(const char *group, const char *name, enum figure_who who, double insns);

/** figure_missing - why one that is expected is not there */
void figure_missing(const char *group, const char *name, const char *why);

/** figures_print - the table: each figure, and its ratio to kapsel's JIT, the first of kapsel's */
void figures_print(void);
/** figures_json - the same for programs */
void figures_json(FILE *to, const char *kernel);
/** figures_svg - the same to look at */
void figures_svg(FILE *to, const char *kernel);

/** figures_at - figure @i, or NULL */
const struct figure *figures_at(unsigned int i);

#endif
