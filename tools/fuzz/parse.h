/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzzers of parsers share: the object they use, and what they insist on */
#ifndef FZ_PARSE_H
#define FZ_PARSE_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <kapsel.h>

/* Holds, or the fuzzer has found something. */
#define FZ_INSIST(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
		abort();						\
	}								\
} while (0)

/** fz_seed - the object of seeds/everything.bpf.c, from the file in $FUZZ_SEED */
struct kapsel_object *fz_seed(void);

/** fz_clear - a refusal says why, in one line */
void fz_clear(int ret, const struct kapsel_error *err);

/** fz_is_plain - a text holds nothing that a terminal obeys, but ends of lines */
bool fz_is_plain(const char *text, size_t len);

/** fz_is_json - a text is one JSON value and nothing else */
bool fz_is_json(const char *text, size_t len);

/* libFuzzer's side. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);
size_t LLVMFuzzerCustomMutator(__u8 *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerMutate(__u8 *data, size_t size, size_t max);

#endif
