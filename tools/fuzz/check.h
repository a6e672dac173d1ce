/* SPDX-License-Identifier: GPL-2.0-only */
/* One program, verified, run on inputs, compared */
#ifndef FZ_CHECK_H
#define FZ_CHECK_H

#include "gen.h"
#include "machine.h"

/** enum fz_layer - what found a failure */
enum fz_layer {
	FZ_FINE,
	FZ_REFUSED,	/* no failure */
	FZ_HOST,	/* memory not given back, a strange error */
	FZ_MEMORY,	/* the checked machine */
	FZ_EMBED,	/* outside what the verifier claimed */
	FZ_COUNT,	/* more instructions than it said */
	FZ_INTERP,	/* the interpreter does something else */
	FZ_AGREE,	/* refused without joins */
	FZ_NR_LAYERS,
};

extern const char *const fz_layer_names[FZ_NR_LAYERS];
extern const char *const fz_deed_names[FZ_NR_DEEDS];

/**
 * struct fz_outcome - what became of a program
 * @layer: enum fz_layer
 * @code: of a refusal
 * @insn: of a refusal
 * @rung: of an acceptance
 * @why: of a failure
 * @unembedded: there were too many states to keep
 * @compared: it was verified without joins, too
 * @dear: that took more than it may
 * @apart: that was refused
 * @insns: that the machine ran
 * @did: of what kinds, bits by enum fz_deed
 */
struct fz_outcome {
	enum fz_layer layer;
	u32 code;
	u32 insn;
	u32 rung;
	char why[512];
	bool unembedded;
	bool compared;
	bool dear;
	bool apart;
	u64 insns;
	u32 did;
};

/**
 * struct fz_effort - how much is spent on a program
 * @runs: inputs it is run on
 * @longest: instructions of a run; what is longer is cut off
 * @budget: instructions that the verifier may visit
 * @agree: one program in so many is verified once more, without joins; 0: none
 */
struct fz_effort {
	u32 runs;
	u32 longest;
	u32 budget;
	u32 agree;
};

/** fz_check - verify; if accepted, run and hold to what was claimed */
void fz_check(const struct fz_prog *p, u64 seed, const struct fz_effort *effort,
	      struct fz_outcome *out);

/** fz_reduce - make a failing program smaller, as long as the same layer fails */
void fz_reduce(struct fz_prog *p, u64 seed, const struct fz_effort *effort,
	       struct fz_outcome *out);

#endif
