/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - the verifier: what goes in, what comes out */
#ifndef KPS_VERIFIER_H
#define KPS_VERIFIER_H

#include <linux/types.h>
#include <linux/kapsel.h>
#include <uapi/linux/bpf.h>

#include "core/host.h"
#include "core/proto.h"

#define KPS_VERIFIER_REVISION	1

#define KPS_MAX_PACKET			65535	/* bytes from data to data_end, at most */
#define KPS_DEFAULT_BUDGET_INSNS	1000000ULL
#define KPS_DEFAULT_BUDGET_BYTES	(256ULL << 20)
#define KPS_DEFAULT_BUDGET_MS		10000u

/**
 * struct kps_prog_in - a program to verify; the caller keeps what it points to
 * @insns: as loaded, map references by fd
 * @insn_cnt: slots
 * @prog_type: KAPSEL_PROG_*
 * @gpl: its license is GPL-compatible
 * @metered: loops need no bound: the engine ends a run at @ceiling
 * @any_return: what the program type asks of the value returned does not hold;
 *	for a verdict alone: no hook takes such a program
 * @ceiling: most instructions a run may take; 0: KAPSEL_DEFAULT_CEILING
 * @budget_insns: 0: KPS_DEFAULT_BUDGET_INSNS
 * @budget_bytes: 0: KPS_DEFAULT_BUDGET_BYTES
 */
struct kps_prog_in {
	const struct bpf_insn *insns;
	u32 insn_cnt;
	u32 prog_type;
	bool gpl;
	bool metered;
	bool any_return;
	u64 ceiling;
	u64 budget_insns;
	u64 budget_bytes;
};

#define KPS_NO_INDEX	0xffffffffu	/* not known */
#define KPS_SOME_INDEX	0xfffffffeu	/* less than the map's entries on all paths */

/** enum kps_aux_kind - what an instruction was proved to do, for the rewrite */
enum kps_aux_kind {
	KPS_AUX_NONE,
	KPS_AUX_MAP,		/* lddw: the map @map itself */
	KPS_AUX_MAP_VALUE,	/* lddw: map @map's value + @arg bytes */
	KPS_AUX_FUNC,		/* lddw: subprogram @arg as callback */
	/* What follows is found out on the way through the program. */
	KPS_AUX_CTX,		/* load or store of context field @map, @arg bytes into it */
	KPS_AUX_PLAIN,		/* load or store of other memory */
	KPS_AUX_ARGS,		/* call of a helper: the registers of @arg (bit n) are not given */
	KPS_AUX_CALLBACK,	/* call of loop: subprogram @arg is the callback */
	KPS_AUX_MAP_CALL,	/* call of a helper on map @map; of map_lookup_elem @arg is
				 * the first word of the key, KPS_SOME_INDEX or KPS_NO_INDEX
				 */
	KPS_AUX_MAPS_CALL,	/* the same on one map or another */
};

/**
 * struct kps_insn_aux - a proved instruction
 * @kind: enum kps_aux_kind
 * @seen: some path reaches it; what no path reaches is not to be run
 * @map: index of a map in the program, or of a field in the context
 * @arg: by @kind
 */
struct kps_insn_aux {
	u8 kind;
	bool seen;
	u16 map;
	u32 arg;
};

/**
 * struct kps_proof_subprog - a function as proved
 * @start: first slot
 * @end: one past the last slot
 * @stack: bytes its frame needs, a multiple of 8
 * @seen: some path enters it
 */
struct kps_proof_subprog {
	u32 start;
	u32 end;
	u32 stack;
	bool seen;
};

/**
 * struct kps_proof - what the rewrite and the engines may rely on
 * @aux: one entry a slot
 * @insn_cnt: slots
 * @subprogs: sorted by start; [0] is the main function
 * @nr_subprogs: how many
 * @stack_depth: bytes of the deepest call chain
 * @max_insns: most instructions a run may take
 * @metered: only the engine's counting of them sees to it
 * @tail_calls: a run may go on in another program, which has @max_insns of its own
 * @ctx_read: bit n: field n of the program type's context is read
 * @ctx_written: bit n: field n is written
 * @writes_packet: it stores to the packet directly
 * @changes_packet: it calls what may change the packet
 * @ret_min: least that a run may return, where the program type bounds that
 * @ret_max: most; less than @ret_min: nothing returns, or anything may be returned
 */
struct kps_proof {
	struct kps_insn_aux *aux;
	u32 insn_cnt;
	struct kps_proof_subprog *subprogs;
	u32 nr_subprogs;
	u32 stack_depth;
	u64 max_insns;
	bool metered;
	bool tail_calls;
	u64 ctx_read;
	u64 ctx_written;
	bool writes_packet;
	bool changes_packet;
	s64 ret_min;
	s64 ret_max;
};

/**
 * kps_verify - prove a program safe, or say why not
 * @in: the program
 * @host: callbacks; records go to its emit
 * @verdict: filled in any case
 * @proof: filled when accepted; the caller frees it by kps_proof_free()
 *
 * The same input and the same answers of the host give the same verdict and the
 * same records, in kernel and userspace. Memory is bounded by the budget, and all
 * of it but the proof is given back. Nothing recurses.
 *
 * Return: 0 accepted; -EACCES refused, with verdict->code and records;
 * -EINVAL refused as malformed (codes below 20 and from 90 on), likewise with
 * code; -E2BIG a budget or the ceiling, likewise; -ENOMEM, or what the host's
 * poll said, without code (but BUDGET_TIME for ETIME).
 */
int kps_verify(const struct kps_prog_in *in, const struct kps_host *host,
	       struct kapsel_verdict *verdict, struct kps_proof *proof);

/** kps_proof_free - give a proof's memory back; a zeroed proof is fine */
void kps_proof_free(struct kps_proof *proof, const struct kps_host *host);

#endif
