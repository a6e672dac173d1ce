/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - the bridge to the kernel's JIT compilers */
#ifndef KPS_JIT_H
#define KPS_JIT_H

#include <linux/types.h>

struct kps_code;
struct kps_jit;
struct kps_prog_in;
struct kps_proof;

/** typedef kps_jit_fn - compiled code: r1 in, for a metered one its counter in r2; r0 out */
typedef u64 (*kps_jit_fn)(const void *r1, void *r2);
/** typedef kps_quiet_fn - the same for code that never looks at r2 */
typedef u64 (*kps_quiet_fn)(const void *r1);

/**
 * struct kps_jit_func - a compiled function
 * @code: its machine code
 * @size: bytes; 0: it is not compiled, since nothing calls it
 * @first: its first instruction in the program's code, where a lddw is one
 * @cnt: of instructions
 * @offs: for each, the byte of @code where what it became begins: less than the
 *	next one's, if it became anything; NULL: not known
 */
struct kps_jit_func {
	const void *code;
	u32 size;
	u32 first;
	u32 cnt;
	u32 *offs;
};

/** kps_jit_funcs - the functions of a compiled program, in its order; @nr: how many */
const struct kps_jit_func *kps_jit_funcs(const struct kps_jit *jit, u32 *nr);

/**
 * struct kps_jit_result - what compiling came to
 * @jit: the compiled program; kps_jit_free() gives it back
 * @entry: where it begins
 * @calls: it calls something that may be traced
 * @slots: instruction slots that were compiled
 * @memory: bytes
 * @why: KAPSEL_WHY_*, if it can't be compiled
 * @insn: the slot of the program that is the reason
 */
struct kps_jit_result {
	struct kps_jit *jit;
	kps_jit_fn entry;
	bool calls;
	u32 slots;
	u64 memory;
	u32 why;
	u32 insn;
};

/**
 * kps_jit_why - why does the kernel's JIT not compile anything?
 *
 * Found out by giving it something to compile, so that the answer is true now:
 * a sysctl switches it. Sleeps.
 *
 * Return: KAPSEL_WHY_*, KAPSEL_WHY_NOTHING if it does.
 */
u32 kps_jit_why(void);

/**
 * kps_jit_compile - compile a program
 * @in: as verified
 * @proof: of it
 * @code: of it, by kps_rewrite()
 * @res: out
 *
 * Return: 0; -EOPNOTSUPP with @res->why; -ENOMEM, -EINTR.
 */
int kps_jit_compile(const struct kps_prog_in *in, const struct kps_proof *proof,
		    const struct kps_code *code, struct kps_jit_result *res);

/** kps_jit_free - free a compiled program that nobody runs any more; or NULL */
void kps_jit_free(struct kps_jit *jit);

/** kps_jit_init - try the compiler out, if it is on */
void kps_jit_init(void);

#endif
