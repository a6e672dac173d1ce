/* SPDX-License-Identifier: GPL-2.0-only */
/* The verdict corpus: programs, and what is to be said of them */
#ifndef KPS_TEST_CORPUS_H
#define KPS_TEST_CORPUS_H

#include <linux/types.h>
#include <uapi/linux/bpf.h>

#include "core/host.h"
#include "core/verifier.h"

#define KT_CASE_MAPS	80

/*
 * A file:
 *
 *	# comment
 *	map array 4 64 1 [rdonly|wronly]	maps of the cases that follow, map[fd:0] first;
 *	map array 4 64 1 [unfrozen|frozen]	`rdonly` is read-only to programs, and frozen
 *	map prog_array 4 4 1 [of=kprobe]	the type of the programs in it
 *	map array_of_maps 4 4 1 in=0	with maps such as map[fd:0]
 *	-- case name of the case
 *	-- type kprobe | netfilter | NUMBER	(stays until changed)
 *	-- license GPL				(stays until changed; GPL at first)
 *	-- budget insns 1000 | budget bytes 1000 | ceiling 1000	(of this case)
 *	-- metered				(of this case: loops need no bound)
 *	-- any return				(of this case, a socket filter's)
 *	-- polls 3				(out of time when asked for the third time)
 *	the program, as asm.h reads it
 *	-- accept [insns N]
 *	-- reject KV021 @7
 *	-- warn KV025 @3			(before the verdict)
 */

/**
 * struct kt_case - a case
 * @name: of one file no two have the same
 * @line: where it begins
 * @in: the program, as kps_verify() takes it
 * @polls: the poll that says that the time is over, 0: none
 * @warn: code of the first warning, 0: any
 * @warn_at: its instruction
 * @maps: what map[fd:N] is
 * @nr_maps: how many
 * @want: "accept" or "reject" and what follows
 */
struct kt_case {
	char name[128];
	u32 line;
	struct kps_prog_in in;
	u32 polls;
	u32 warn;
	u32 warn_at;
	struct kps_map_facts maps[KT_CASE_MAPS];
	u32 nr_maps;
	const char *want;
};

/** typedef kt_case_fn - what is done with a case; false: no more of this file */
typedef bool (*kt_case_fn)(const struct kt_case *c, void *arg);

/**
 * kt_corpus_read - hand each case of a file to @fn
 * @path: the file
 * @fn: called for each
 * @arg: for it
 * @err: filled with "line N: why" on failure
 * @errlen: its size
 *
 * Return: cases handed out, or -1: the file can't be read.
 */
int kt_corpus_read(const char *path, kt_case_fn fn, void *arg, char *err, size_t errlen);

/** struct kt_maps - a case's maps, as a host answers for them */
struct kt_maps {
	const struct kt_case *c;
	s32 fds[KT_CASE_MAPS];
	u32 nr_used;
};

/** kt_map - kps_host.map: maps are numbered as they are met */
int kt_map(struct kt_maps *maps, s32 fd, struct kps_map_facts *facts);

/** kt_map_byte - what frozen maps hold: 1, 2, 3, ... byte by byte; from 256 on texts */
u8 kt_map_byte(u32 off);

/** kt_map_read - kps_host.map_read: the same */
int kt_map_read(u32 off, u32 size, u64 *val);

#endif
