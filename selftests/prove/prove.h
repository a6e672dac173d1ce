/* SPDX-License-Identifier: GPL-2.0-only */
/* The number domain, proved by trying everything at small widths */
#ifndef KPS_PROVE_H
#define KPS_PROVE_H

#include <linux/kernel.h>
#include <linux/types.h>

#include "core/scalar.h"

/**
 * struct tally - what came of trying an operation on everything
 * @cases: operands tried, each standing for all of its members
 * @holes: results that lack a number which they should hold, or "empty" for what is not
 * @got: members of all results
 * @best: members of the smallest results that could be expressed
 * @exact: results that are as small as that
 * @ends: of results' intervals, where sizes cannot be told
 * @reached: of these, by some number that the operation gives
 */
struct tally {
	u64 cases;
	u64 holes;
	u64 got;
	u64 best;
	u64 exact;
	u64 ends;
	u64 reached;
};

/**
 * struct row - an operation
 * @name: of the operation
 * @run: tries it
 * @op: BPF_OP() of an instruction, or 0
 * @is_signed: DIV and MOD are SDIV and SMOD
 * @fn: the function to try, of the type that @run takes
 * @quick: the width in bits for a quick run
 * @full: for a whole one
 * @control: a wrong function, in which holes must be found
 */
struct row {
	const char *name;
	void (*run)(const struct row *row, unsigned int width, struct tally *tally);
	u8 op;
	bool is_signed;
	void (*fn)(void);
	unsigned int quick;
	unsigned int full;
	bool control;
};

/* A quick run: of scalars, which have one width, fewer sets are tried. */
extern bool prove_quick;

/* Each ends with a row without a name. */
extern const struct row tnum_rows[];
extern const struct row range_rows[];
extern const struct row stride_rows[];
extern const struct row scalar_rows[];
extern const struct row assume_rows[];

/** tally_result - count a result: @got members, where @best would do */
static inline void tally_result(struct tally *tally, bool holds, u64 got, u64 best)
{
	tally->cases++;
	tally->holes += !holds;
	tally->got += got;
	tally->best += best;
	tally->exact += got == best;
}

/* A pointer to a function of one type may be kept as another. */
#define PROVE_FN(f)	((void (*)(void))(f))

#endif
