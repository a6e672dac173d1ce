/* SPDX-License-Identifier: GPL-2.0-only */
/* Who verifies: kapsel's library, kapsel's module, and Linux by bpf(2) */
#ifndef BENCH_ENGINES_H
#define BENCH_ENGINES_H

#include <time.h>

#include "programs.h"

/**
 * struct bench_answer - what a verification came to
 * @refused: the program was, for whatever reason
 * @why: it was, in the verifier's words
 * @ns: time of the verification alone
 * @visited: instructions looked at, each visit counted
 * @bytes: most memory held at a time; 0: not known
 */
struct bench_answer {
	bool refused;
	char why[100];
	__u64 ns;
	__u64 visited;
	__u64 bytes;
};

/**
 * struct bench_engine - a verifier
 * @name: for people
 * @open: is it there, and may we use it?
 * @verify: one verification, which leaves nothing behind
 */
struct bench_engine {
	const char *name;
	bool (*open)(void);
	void (*verify)(const struct bench_prog *p, struct bench_answer *answer);
};

/** bench_now - nanoseconds of this thread, so that a busy machine disturbs less */
static inline __u64 bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

extern const struct bench_engine bench_library;
extern const struct bench_engine bench_module;
extern const struct bench_engine bench_linux;

/* More instructions than any program here is run or visited for. */
#define BENCH_LIMIT (1ULL << 40)

#endif
