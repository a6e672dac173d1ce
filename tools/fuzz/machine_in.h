/* SPDX-License-Identifier: GPL-2.0-only */
/* What the machine's files share */
#ifndef FZ_MACHINE_IN_H
#define FZ_MACHINE_IN_H

#include "machine.h"

static inline struct fz_val number(u64 n)
{
	return (struct fz_val){ .tag = FZ_NUM, .n = n };
}

static inline struct fz_val pointer(u16 obj, s64 off)
{
	return (struct fz_val){ .tag = FZ_PTR, .obj = obj, .n = off };
}

static inline struct fz_frame *top(struct fz_machine *m)
{
	return &m->frame[m->depth - 1];
}

static inline struct fz_val *reg(struct fz_machine *m, u32 n)
{
	return &top(m)->reg[n];
}

static inline const struct bpf_insn *insn_at(const struct fz_machine *m)
{
	return &m->in->insns[m->pc];
}

static inline bool readable(struct fz_machine *m, u32 n)
{
	return reg(m, n)->tag != FZ_UNINIT || fz_machine_bad(m, "r%u was never written", n);
}

static inline u32 bytes_of(const struct bpf_insn *insn)
{
	static const u8 bytes[] = { 4, 2, 1, 8 };

	return bytes[BPF_SIZE(insn->code) >> 3];
}

static inline void fz_did(struct fz_machine *m, enum fz_deed deed)
{
	m->did |= 1u << deed;
}

/** fz_object_at - the object whose address that is, or the number */
struct fz_val fz_object_at(struct fz_machine *m, u64 address);

/** fz_load - read @size bytes at @off from what @p points to */
bool fz_load(struct fz_machine *m, const struct fz_val *p, s64 off, u32 size,
	     struct fz_val *out);

/** fz_store - write there */
bool fz_store(struct fz_machine *m, const struct fz_val *p, s64 off, u32 size,
	      const struct fz_val *val);

/** fz_atomic - the atomic operation that the machine is at */
bool fz_atomic(struct fz_machine *m);

/** fz_span - a helper's memory argument, register @n */
bool fz_span(struct fz_machine *m, u32 n, u64 size, bool write);

/** fz_enter - begin to run a function */
bool fz_enter(struct fz_machine *m, u32 sub);

/** fz_leave - a function returns, or the program: then it is @done */
bool fz_leave(struct fz_machine *m, bool *done);

/** fz_call_helper - the helper that the machine is at */
bool fz_call_helper(struct fz_machine *m, bool *done);

/** fz_check_arg - a helper's argument, register @n; @map: out, if it is one */
bool fz_check_arg(struct fz_machine *m, const struct kps_helper *h, u32 n,
		  const struct kps_map_facts **map);

/** fz_dynptr_unread - a slot of a stack is no part of a dynptr */
bool fz_dynptr_unread(struct fz_machine *m, const struct fz_frame *f, u32 slot);

/** fz_dynptr_overwrite - a slot of a stack is written to: what dynptr was there is none */
bool fz_dynptr_overwrite(struct fz_machine *m, struct fz_frame *f, u32 slot);

/** fz_dynptr_arg - register @n points to a dynptr, of a record that is held with @record */
bool fz_dynptr_arg(struct fz_machine *m, u32 n, bool record);

/** fz_dynptr_place - it points to where one may be made */
bool fz_dynptr_place(struct fz_machine *m, u32 n);

/** fz_dynptr_made - one was made there, of a record with @record */
void fz_dynptr_made(struct fz_machine *m, u32 n, bool record);

/** fz_dynptr_gone - the one there was given back */
void fz_dynptr_gone(struct fz_machine *m, u32 n);

/** fz_dynptr_slice - what dynptr_data() returned, not 0 */
struct fz_val fz_dynptr_slice(struct fz_machine *m, u64 address);

/** fz_lookup_as_noted - what was found out of a lookup holds in this run */
bool fz_lookup_as_noted(struct fz_machine *m, const struct kps_helper *h,
			const struct kps_map_facts *map, u64 key);

#endif
