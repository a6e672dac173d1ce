/* SPDX-License-Identifier: GPL-2.0-only */
/* A checked machine: knows what each number is, and refuses what isn't safe */
#ifndef FZ_MACHINE_H
#define FZ_MACHINE_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "core/insn.h"
#include "core/interp.h"
#include "core/verifier.h"
#include "world.h"

/** enum fz_tag - what a value is */
enum fz_tag {
	FZ_UNINIT,
	FZ_NUM,
	FZ_PTR,		/* @n bytes into object @obj */
	FZ_MAP,		/* @n: enum fz_map_id, @obj: of the program's maps, or of those in them */
	FZ_END,		/* the packet's end */
	FZ_FUNC,	/* @n: subprogram */
	FZ_DYN,		/* half of a dynptr, @n bytes into it; object @obj */
};

/** struct fz_val - a value in a register or on the stack; @age: of the packet it is of */
struct fz_val {
	u8 tag;
	u16 obj;
	u32 age;
	u64 n;
};

/**
 * struct fz_obj - memory that pointers may point into
 * @kind: KAPSEL_KIND_*
 * @index: map, as the verifier counts them, or frame
 * @map: enum fz_map_id
 * @base: address of offset 0
 * @lo: least offset
 * @hi: one past the greatest
 * @read: it may be read
 * @write: it may be written
 * @record: of a ring buffer, and of dynptrs and slices: index in the world, or
 *	FZ_NO_RECORD
 */
struct fz_obj {
	u8 kind;
	u16 index;
	u16 map;
	u8 *base;
	s64 lo;
	s64 hi;
	bool read;
	bool write;
	u32 record;
};

#define FZ_CTX_OBJ	0
#define FZ_PACKET_OBJ	1
#define FZ_FRAME_OBJ	2	/* and those that follow */
#define FZ_MAX_OBJS	384
#define FZ_NO_RECORD	(~0u)

/**
 * struct fz_frame - a function that runs
 * @init: for each byte below the frame pointer: written in this call
 * @whole: for each slot: @slot is what its 8 bytes are
 * @loop_left: of the loop helper: runs of the callback to come
 * @loop_done: likewise, and of for_each_map_elem: those that were
 * @loop_map: of that
 * @each: likewise
 */
struct fz_frame {
	u32 subprog;
	u32 call;
	u64 fp;
	struct fz_val reg[KPS_NR_REGS];
	bool init[KAPSEL_MAX_STACK];
	bool whole[KAPSEL_MAX_STACK / 8];
	struct fz_val slot[KAPSEL_MAX_STACK / 8];
	u32 loop_left;
	u32 loop_done;
	struct fz_val loop_ctx;
	struct fz_val loop_map;
	struct kps_each each;
};

/** enum fz_deed - what runs are counted by */
enum fz_deed {
	FZ_DID_GO,	/* a tail call, for good */
	FZ_DID_STAY,	/* one of an empty slot */
	FZ_DID_INNER,	/* something with a map in a map */
	FZ_DID_LOCK,
	FZ_DID_EACH,
	FZ_DID_LOOP,
	FZ_DID_FORMAT,
	FZ_DID_RECORD,
	FZ_DID_QUEUE,
	FZ_DID_PACKET,	/* changed it */
	FZ_DID_DYNPTR,
	FZ_NR_DEEDS,
};

/**
 * struct fz_machine - a run
 * @stack: address of KAPSEL_MAX_STACK bytes
 * @age: how often the packet was changed
 * @lock: object whose lock is held, 0: none
 * @gone: it ended by a tail call
 * @did: bits by enum fz_deed; never cleared here
 * @watch: called before each instruction; false: it complains in @why
 */
struct fz_machine {
	const struct kps_prog_in *in;
	const struct kps_proof *proof;
	const struct kps_prog_type *type;
	u64 stack;
	struct fz_obj obj[FZ_MAX_OBJS];
	u32 nr_objs;
	u32 age;
	u32 lock;
	bool gone;
	u32 did;
	struct fz_frame frame[KAPSEL_MAX_DEPTH];
	u32 depth;
	u32 pc;
	u64 count;
	u64 limit;
	u64 r0;
	char why[400];
	bool (*watch)(struct fz_machine *m);
};

/** enum fz_end - how a run ended */
enum fz_end {
	FZ_DONE,
	FZ_BAD,		/* why: in fz_machine.why */
	FZ_LONG,	/* the limit of instructions */
};

/** fz_machine_run - run a proved program on the world as it is */
enum fz_end fz_machine_run(struct fz_machine *m);

/** fz_machine_bad - set the complaint; false */
__printf(2, 3) bool fz_machine_bad(struct fz_machine *m, const char *format, ...);

/** fz_val_number - the number that a value is, or its address */
u64 fz_val_number(const struct fz_machine *m, const struct fz_val *v);

/** fz_extend - the low @bits of a number, read as signed */
s64 fz_extend(u64 n, u32 bits);

/** fz_alu - arithmetic of RFC 9669 */
u64 fz_alu(const struct bpf_insn *insn, u64 dst, u64 src);

/** fz_jump - the outcome of a conditional jump */
bool fz_jump(const struct bpf_insn *insn, u64 dst, u64 src);

#endif
