/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - programs: from the ioctl through the verifier to an fd */
#ifndef KPS_PROG_H
#define KPS_PROG_H

#include <linux/container_of.h>
#include <uapi/linux/bpf.h>

#include "jit.h"
#include "object.h"
#include "reaper.h"
#include "core/host.h"
#include "core/proto.h"

struct kps_answer;
struct kps_call;
struct kps_code;
struct kps_log;
struct kps_map;

/**
 * struct kps_prog - a verified program; constant once published
 * @obj: head. Users are files, pins and links
 * @type: row of the table
 * @entry: of the compiled code, if it is compiled
 * @quiet: the same, if it calls nothing that may be traced
 * @look: the same again, if of its context it reads no more than the packet, and
 *	writes nothing, and does not look at what each CPU has its own of
 * @observer: the same again, if it does not read the packet either, and lets pass
 *	whatever comes: its verdict is known before it runs
 * @metered_entry: that of a metered program, which then has none of the others: who
 *	runs any other need not ask
 * @tail_entry: that of a program that makes tail calls, likewise
 * @jit: the compiled program
 * @code: for the interpreter, if it is not
 * @why: it is not compiled, KAPSEL_WHY_*
 * @why_insn: the slot that is the reason
 * @xlated_cnt: instructions of what runs
 * @fuel: instructions a run gets: as many as the verifier proved to be enough
 * @metered: that they are enough was not proved
 * @tail_calls: a run may go on in another program
 * @ctx_read: context fields that it reads, or a helper for it; one bit a field
 * @ctx_written: fields that it writes
 * @writes_packet: it stores to the packet directly
 * @changes_packet: it stores to the packet, in whatever way
 * @kernel_read: it may read kernel memory (type, lockdown)
 * @log: for trace_printk and trace_vprintk; NULL if it never calls them
 * @maps: references
 * @nr_maps: how many
 * @insns: as loaded, with map indexes in the place of fds
 * @insn_cnt: slots
 * @stack_depth: bytes
 * @verify_ns: how long verification took
 * @memory: bytes
 * @grave: frees the program after the last run that may have begun
 */
struct kps_prog {
	struct kps_object obj;
	const struct kps_prog_type *type;
	kps_jit_fn entry;
	kps_quiet_fn quiet;
	kps_quiet_fn look;
	kps_quiet_fn observer;
	kps_jit_fn metered_entry;
	kps_jit_fn tail_entry;
	struct kps_jit *jit;
	struct kps_code *code;
	u32 why;
	u32 why_insn;
	u32 xlated_cnt;
	u64 fuel;
	bool metered;
	bool tail_calls;
	u64 ctx_read;
	u64 ctx_written;
	bool writes_packet;
	bool changes_packet;
	bool kernel_read;
	struct kps_log *log;
	struct kps_map **maps;
	u32 nr_maps;
	struct bpf_insn *insns;
	u32 insn_cnt;
	u32 stack_depth;
	u64 verify_ns;
	u64 memory;
	struct kps_grave grave;
};

extern const struct kps_kind kps_prog_kind;
extern const struct kps_host kps_memory_host;

static inline struct kps_prog *kps_prog_of(struct kps_object *obj)
{
	return container_of(obj, struct kps_prog, obj);
}

/** kps_prog_may_use - the capabilities that loading and running @type needs */
int kps_prog_may_use(u32 type, int *missing);

/** kps_prog_by_fd - a reference, or ERR_PTR */
struct kps_prog *kps_prog_by_fd(u32 fd);

static inline void kps_prog_put(struct kps_prog *prog)
{
	kps_object_put(&prog->obj);
}

/* ioctl */
int kps_prog_load(struct kps_call *call);

#endif
