/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - helpers, map types, program types: the tables as data */
#ifndef KPS_PROTO_H
#define KPS_PROTO_H

#include <linux/types.h>
#include <linux/kapsel.h>
#include <uapi/linux/bpf.h>

/** enum kps_arg - what a helper's argument must be */
enum kps_arg {
	KPS_ARG_NONE,		/* not an argument */
	KPS_ARG_ANY,		/* any initialised number; a pointer only where leaks are allowed */
	KPS_ARG_CTX,
	KPS_ARG_MAP,		/* a map whose type has the helper's operation */
	KPS_ARG_KEY,		/* key_size initialised bytes, of the map before */
	KPS_ARG_VALUE,		/* value_size initialised bytes */
	KPS_ARG_VALUE_OUT,	/* value_size writable bytes; a VALUE if nothing comes out */
	KPS_ARG_MEM,		/* initialised bytes; the next argument is their number */
	KPS_ARG_MEM_OUT,	/* writable bytes; the next argument is their number */
	KPS_ARG_SIZE,		/* of the memory before, 1 or more */
	KPS_ARG_SIZE0,		/* of the memory before, 0 or more */
	KPS_ARG_CONST_SIZE,	/* a known number of bytes: size of what is returned */
	KPS_ARG_RECORD,		/* a ring buffer reservation; its reference ends */
	KPS_ARG_CALLBACK,	/* a function -> 0 or 1; its arguments are the helper's business */
	KPS_ARG_CALLBACK_CTX,	/* stack memory or NULL, handed to the callback */
	KPS_ARG_ZERO,		/* flags of which none is defined: must be 0 */
	KPS_ARG_MAYBE,		/* any number, or not given: then it is 0 */
	KPS_ARG_CTX_CHANGED,	/* the context; pointers into its packet end with the call */
	KPS_ARG_MEM_OR_NULL,	/* initialised bytes, or NULL if the next argument is 0 */
	KPS_ARG_TEXT_OR_NULL,	/* bytes of which some are written, or NULL likewise */
	KPS_ARG_STRING,		/* a string in a frozen read-only map, known at load time */
	KPS_ARG_FORMAT,		/* the same, and a format for the two arguments behind it */
	KPS_ARG_WORDS_SIZE,	/* of the memory before: a known multiple of 8, 96 at most */
	KPS_ARG_LOCK,		/* the lock in a map's value */
	KPS_ARG_SOCKET,		/* a socket, as the context has it or a full one */
	KPS_ARG_VALUE_MEM,	/* bytes of a map's value; the next argument is their number */
	KPS_ARG_DYNPTR,		/* a dynptr */
	KPS_ARG_DYNPTR_OUT,	/* where on the stack one is made, of what comes before it */
	KPS_ARG_DYNPTR_RECORD,	/* one of a ring buffer reservation; its reference ends */
	KPS_ARG_CTX_WRITTEN,	/* the context; bytes of its packet change where they are */
};

/** enum kps_ret - what a helper returns */
enum kps_ret {
	KPS_RET_VOID,		/* r0 is unreadable afterwards */
	KPS_RET_INT,		/* any number */
	KPS_RET_LEN,		/* at most the size that is an argument, or a negative errno */
	KPS_RET_ERR,		/* 0 or a negative errno, as a 64-bit number */
	KPS_RET_VALUE_OR_NULL,	/* of the map in the first argument */
	KPS_RET_RECORD_OR_NULL,	/* of KPS_ARG_CONST_SIZE bytes; a reference begins */
	KPS_RET_SOCK_OR_NULL,	/* a full socket; it lasts as long as the run */
	KPS_RET_TCP_OR_NULL,	/* the same of a TCP socket */
	KPS_RET_SLICE_OR_NULL,	/* KPS_ARG_CONST_SIZE bytes of the dynptr that is an argument */
	KPS_RET_VALUE,		/* of the map in the first argument */
};

/**
 * struct kps_helper - a row of helpers.tbl
 * @id: enum bpf_func_id
 * @name: without "bpf_"
 * @ret: enum kps_ret
 * @args: enum kps_arg
 * @progs: KAPSEL_FOR_*
 * @map_op: KAPSEL_MAP_OP_* that the map argument's type must have, or 0
 * @gpl: for GPL-compatible programs only
 * @doc: one line for `kapsel explain` and the generated header
 */
struct kps_helper {
	u32 id;
	const char *name;
	u8 ret;
	u8 args[5];
	u8 progs;
	u32 map_op;
	bool gpl;
	const char *doc;
};

/* Of the descriptor that a map is created with, not of the map. */
#define KPS_OPEN_FLAGS	(BPF_F_RDONLY | BPF_F_WRONLY)

/**
 * struct kps_map_type - a row of maptypes.tbl
 * @type: enum bpf_map_type
 * @name: as people write it
 * @ops: KAPSEL_MAP_OP_*
 * @flags: map flags it takes
 * @doc: one line
 */
struct kps_map_type {
	u32 type;
	const char *name;
	u32 ops;
	u32 flags;
	const char *doc;
};

/**
 * struct kps_ctx_field - a row of a context table
 * @offset: bytes from the context's start
 * @size: bytes
 * @flags: KAPSEL_CTX_*
 * @name: of the field
 */
struct kps_ctx_field {
	u32 offset;
	u32 size;
	u32 flags;
	const char *name;
};

/**
 * struct kps_prog_type - a row of progtypes.tbl
 * @type: KAPSEL_PROG_*
 * @name: as people write it
 * @bit: KAPSEL_FOR_*
 * @ctx_size: bytes
 * @fields: of the context, by offset
 * @nr_fields: how many
 * @ret_min: smallest value that may be returned
 * @ret_max: largest; smaller than @ret_min: anything may be returned
 * @leaks: the loader may read kernel memory anyway, so pointers may be stored,
 *	returned and made numbers, and uninitialised stack may be read
 * @doc: one line
 */
struct kps_prog_type {
	u32 type;
	const char *name;
	u8 bit;
	u32 ctx_size;
	const struct kps_ctx_field *fields;
	u32 nr_fields;
	s64 ret_min;
	s64 ret_max;
	bool leaks;
	const char *doc;
};

extern const struct kps_helper kps_helpers[];
extern const u32 kps_nr_helpers;
extern const struct kps_map_type kps_map_types[];
extern const u32 kps_nr_map_types;
extern const struct kps_prog_type kps_prog_types[];
extern const u32 kps_nr_prog_types;

/** kps_helper_find - the row of helper @id, or NULL */
const struct kps_helper *kps_helper_find(u32 id);

/** kps_calls_back - a call of a helper that runs a function of the program */
static inline bool kps_calls_back(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg &&
	       (insn->imm == BPF_FUNC_loop || insn->imm == BPF_FUNC_for_each_map_elem ||
		insn->imm == BPF_FUNC_user_ringbuf_drain);
}

/** kps_map_type_find - the row of map type @type, or NULL */
const struct kps_map_type *kps_map_type_find(u32 type);

/** kps_prog_type_find - the row of program type @type, or NULL */
const struct kps_prog_type *kps_prog_type_find(u32 type);

/**
 * kps_ctx_field_find - the context field that an access lies in
 * @type: of the program
 * @off: bytes from the context's start
 * @size: of the access, bytes
 *
 * Return: the field that holds all the bytes, or NULL.
 */
const struct kps_ctx_field *
kps_ctx_field_find(const struct kps_prog_type *type, u32 off, u32 size);

#endif
