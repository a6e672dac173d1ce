// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time of the userspace interpreter, an instruction:
 *
 *	make bench-interp
 */

#include <stdio.h>
#include <time.h>

#include <linux/kernel.h>

#include "lib/asm.h"
#include "lib/run.h"

#define MAX_SLOTS	64
#define TRIES		5

static const struct {
	const char *name;
	const char *text;
} programs[] = {
	/* Each instruction waits for the one before it. */
	{ "xorshift", "r1 = 12345\n r2 = 5000000\n"
	  "again: r3 = r1\n r3 <<= 13\n r1 ^= r3\n r3 = r1\n r3 >>= 7\n"
	  "r1 ^= r3\n r3 = r1\n r3 <<= 17\n r1 ^= r3\n r2 += -1\n"
	  "if r2 != 0 goto again\n r0 = r1\n exit\n" },
	{ "mix", "r1 = 1\n r2 = 5000000\n r3 = 3\n r4 = 4\n r5 = 5\n r0 = 0\n"
	  "again: r1 += 3\n *(u64 *)(r10 - 8) = r1\n r3 += r4\n"
	  "r6 = *(u64 *)(r10 - 8)\n r5 ^= r6\n r4 &= 255\n r4 += 7\n"
	  "if r3 > 5 goto skip\n r0 += 1\n skip: r2 += -1\n"
	  "if r2 != 0 goto again\n exit\n" },
	{ "calls", "r6 = 5000000\n r0 = 0\n again: r1 = r0\n call add\n"
	  "r6 += -1\n if r6 != 0 goto again\n exit\n"
	  "add: r0 = r1\n r0 += 1\n exit\n" },
};

/* Of the thread, so that a busy machine disturbs less. */
static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static double best_of(struct kt_prog *prog)
{
	double start, ns, best = 0;
	u64 before = 1ULL << 40;
	int i;

	for (i = 0; i < TRIES; i++) {
		prog->run.fuel = before;
		start = now_ns();
		kps_interp_run(prog->code, &prog->run, 0, 0);
		ns = (now_ns() - start) / (before - prog->run.fuel);
		if (!best || ns < best)
			best = ns;
	}
	return best;
}

int main(void)
{
	struct bpf_insn insns[MAX_SLOTS];
	struct kt_prog prog;
	char err[80];
	u32 i;
	int n;

	for (i = 0; i < ARRAY_SIZE(programs); i++) {
		n = kt_asm(programs[i].text, insns, MAX_SLOTS, err, sizeof(err));
		if (n < 0 || kt_prove(&prog, insns, n) || kt_rewrite(&prog, NULL))
			return 1;
		printf("%-10s %.2f ns/instruction\n", programs[i].name,
		       best_of(&prog));
		kt_put(&prog);
	}
	return 0;
}
