/* SPDX-License-Identifier: GPL-2.0-only */
/* A generator of programs that are nearly right */
#ifndef FZ_GEN_H
#define FZ_GEN_H

#include <linux/types.h>
#include <uapi/linux/bpf.h>

#define FZ_MAX_INSNS	900
#define FZ_MAX_POOL	64

/**
 * struct fz_prog - a program
 * @type: KAPSEL_PROG_*
 * @pool: numbers around which inputs are interesting
 */
struct fz_prog {
	struct bpf_insn insn[FZ_MAX_INSNS + 64];
	u32 cnt;
	u32 type;
	u64 pool[FZ_MAX_POOL];
	u32 nr_pool;
};

/** fz_generate - a program: typed guards and uses, most just inside their bounds */
void fz_generate(struct fz_prog *p, u64 seed);

/** fz_mutate - change fields of @n instructions at will */
void fz_mutate(struct fz_prog *p, u64 seed, u32 n);

/** fz_show - write the program, as selftests/lib/asm.h reads it */
void fz_show(const struct fz_prog *p);

#endif
