// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time of the userspace interpreter, an instruction:
 *
 *	make bench-interp
 *
 *	interp [PROGRAM ROUNDS]
 *
 * With a program's name: one run, and how many instructions it took.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/kernel.h>

#include "lib/asm.h"
#include "lib/run.h"

#define MAX_SLOTS	64
#define TRIES		7
#define ROUNDS		1000000
#define FUEL		(1ULL << 50)

/* r1: memory, 2 KiB; r2: rounds. */
static const struct {
	const char *name;
	const char *text;
} programs[] = {
	/* Each instruction waits for the one before it. */
	{ "xorshift", "r1 = 12345\n"
	  "again: r3 = r1\n r3 <<= 13\n r1 ^= r3\n r3 = r1\n r3 >>= 7\n"
	  "r1 ^= r3\n r3 = r1\n r3 <<= 17\n r1 ^= r3\n r2 += -1\n"
	  "if r2 != 0 goto again\n r0 = r1\n exit\n" },
	{ "mix", "r1 = 1\n r3 = 3\n r4 = 4\n r5 = 5\n r0 = 0\n"
	  "again: r1 += 3\n *(u64 *)(r10 - 8) = r1\n r3 += r4\n"
	  "r6 = *(u64 *)(r10 - 8)\n r5 ^= r6\n r4 &= 255\n r4 += 7\n"
	  "if r3 > 5 goto skip\n r0 += 1\n skip: r2 += -1\n"
	  "if r2 != 0 goto again\n exit\n" },
	{ "calls", "r6 = r2\n r0 = 0\n again: r1 = r0\n call add\n"
	  "r6 += -1\n if r6 != 0 goto again\n exit\n"
	  "add: r0 = r1\n r0 += 1\n exit\n" },
	{ "fnv", "r0 = 0xcbf29ce484222325 ll\n r4 = 0x100000001b3 ll\n r5 = 0\n"
	  "again: r3 = r5\n r3 &= 1023\n r6 = r1\n r6 += r3\n"
	  "r6 = *(u8 *)(r6 + 0)\n r0 ^= r6\n r0 *= r4\n r5 += 1\n"
	  "if r5 < r2 goto again\n exit\n" },
	{ "checksum", "r0 = 0\n again: r3 = r1\n r4 = 16\n"
	  "inner: r5 = *(u16 *)(r3 + 0)\n r5 = be16 r5\n r0 += r5\n r3 += 2\n"
	  "r4 += -1\n if r4 != 0 goto inner\n r2 += -1\n"
	  "if r2 != 0 goto again\n exit\n" },
	/* Whether it is TCP or UDP, and how long. */
	{ "parse", "r0 = 0\n r5 = r1\n"
	  "again: r3 = *(u8 *)(r5 + 9)\n if r3 == 6 goto tcp\n"
	  "if r3 == 17 goto udp\n goto next\n"
	  "tcp: r4 = *(u16 *)(r5 + 2)\n r4 = be16 r4\n r4 <<= 32\n r4 >>= 32\n"
	  "if r4 > 1500 goto next\n r0 += r4\n goto next\n"
	  "udp: r4 = *(u16 *)(r5 + 4)\n r4 = be16 r4\n r0 += r4\n"
	  "next: r5 = r1\n r3 = r2\n r3 &= 63\n r3 <<= 4\n r5 += r3\n"
	  "r2 += -1\n if r2 != 0 goto again\n exit\n" },
};

static unsigned char memory[2048];

/* Headers of 16 bytes: two of TCP, one of UDP. */
static void fill_memory(void)
{
	u32 i;

	for (i = 0; i < sizeof(memory); i++)
		memory[i] = i % 16 == 9 ? (i / 16 % 3 ? 6 : 17) : i * 7;
}

/* Of the thread, so that a busy machine disturbs less. */
static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static u64 run(struct kt_prog *prog, u64 rounds)
{
	prog->run.fuel = FUEL;
	kps_interp_run(prog->code, &prog->run, (unsigned long)memory, rounds);
	return FUEL - prog->run.fuel;
}

static double best_of(struct kt_prog *prog)
{
	double start, ns, best = 0;
	u64 insns;
	int i;

	for (i = 0; i < TRIES; i++) {
		start = now_ns();
		insns = run(prog, ROUNDS);
		ns = (now_ns() - start) / insns;
		if (!best || ns < best)
			best = ns;
	}
	return best;
}

static bool make(struct kt_prog *prog, const char *text)
{
	struct bpf_insn insns[MAX_SLOTS];
	char err[80];
	int n = kt_asm(text, insns, MAX_SLOTS, err, sizeof(err));

	if (n < 0 || kt_prove(prog, insns, n) || kt_rewrite(prog, NULL))
		return false;
	kps_interp_prepare(prog->code);
	return true;
}

int main(int argc, char **argv)
{
	struct kt_prog prog;
	u32 i;

	fill_memory();
	for (i = 0; i < ARRAY_SIZE(programs); i++) {
		if (argc == 3 && strcmp(programs[i].name, argv[1]))
			continue;
		if (!make(&prog, programs[i].text))
			return 1;
		if (argc == 3)
			printf("%llu\n", run(&prog, strtoul(argv[2], NULL, 0)));
		else
			printf("%-10s %.2f ns/instruction\n", programs[i].name, best_of(&prog));
		kt_put(&prog);
	}
	return 0;
}
