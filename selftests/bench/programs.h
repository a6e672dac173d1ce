/* SPDX-License-Identifier: GPL-2.0-only */
/* What the verifiers are timed on: programs made to measure, and real ones */
#ifndef BENCH_PROGRAMS_H
#define BENCH_PROGRAMS_H

#include <kapsel.h>

#include "lib/elf_build.h"

/**
 * struct bench_prog - a program in an object in memory
 * @group: programs that differ in size alone have the same
 * @size: what grows in the group; 0: the program is as its author wrote it
 * @name: for people
 * @elf: the object, when it was made here
 * @image: the object, as all loaders take it
 * @image_size: bytes
 * @obj: the same, opened
 * @prog: the program in it
 */
struct bench_prog {
	const char *group;
	__u32 size;
	char name[64];
	struct elf_build elf;
	const void *image;
	size_t image_size;
	struct kapsel_object *obj;
	struct kapsel_prog *prog;
};

/** typedef bench_fn - called with each program, which lives until it returns */
typedef void (*bench_fn)(const struct bench_prog *prog);

/** bench_each_made - programs made to measure, group by group, small ones first */
void bench_each_made(bench_fn fn);

/** bench_each_of - the programs of an object file */
void bench_each_of(const char *path, bench_fn fn);

#endif
