// SPDX-License-Identifier: GPL-2.0-only
/* One program, verified, run on inputs, compared */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include <linux/kernel.h>

#include "core/diag.h"
#include "core/interp.h"
#include "core/oracle.h"
#include "core/rewrite.h"
#include "check.h"
#ifdef KPS_ORACLE
#include "embed.h"
#endif

#define WATCHED		4000	/* instructions of a run that are held to what was claimed */

const char *const fz_layer_names[FZ_NR_LAYERS] = {
	"fine", "refused", "host", "memory", "embedding", "count", "interpreter", "agreement",
};

const char *const fz_deed_names[FZ_NR_DEEDS] = {
	"tail calls", "failed tail calls", "inner maps", "locks", "for_each", "loop helpers",
	"formats", "records", "queues", "packet changes", "dynptrs",
};

static void fail(struct fz_outcome *out, enum fz_layer layer, const char *why)
{
	out->layer = layer;
	snprintf(out->why, sizeof(out->why), "%s", why);
}

static struct kps_prog_in input_of(const struct fz_prog *p, u32 budget)
{
	return (struct kps_prog_in){
		.insns = p->insn, .insn_cnt = p->cnt, .prog_type = p->type, .gpl = true,
		.budget_insns = budget, .budget_bytes = 64 << 20,
	};
}

#ifdef KPS_ORACLE
static void watch_begin(const struct kps_prog_in *in)
{
	fz_embed_begin(in);
}

static bool watch_end(void)
{
	return fz_embed_end();
}

static bool watch(struct fz_machine *m)
{
	return m->count > WATCHED || fz_embed_watch(m);
}

static void set_plain(bool plain)
{
	kps_oracle.plain = plain;
}
#else
static void watch_begin(const struct kps_prog_in *in)
{
	(void)in;
}

static bool watch_end(void)
{
	return false;
}

static bool watch(struct fz_machine *m)
{
	(void)m;
	return true;
}

static void set_plain(bool plain)
{
	(void)plain;
}
#endif

static struct fz_machine machine;
static struct kps_run run;

static void clear_stack(void)
{
	memset(run.stack, 0x5a, sizeof(run.stack));
}

/* The same world again, by the interpreter: the same result, in as many instructions. */
static bool compare(const struct kps_code *code, u64 sum, struct fz_outcome *out)
{
	char why[160];
	u64 r0, ran;

	fz_world_reset();
	clear_stack();
	run.fuel = 1 << 30;
	r0 = kps_interp_run(code, &run, (unsigned long)fz_world.ctx, 0);
	ran = (1 << 30) - run.fuel;
	if (run.end == KPS_RUN_DONE && r0 == machine.r0 && ran == machine.count &&
	    fz_world_sum() == sum)
		return true;
	snprintf(why, sizeof(why), "end %u, r0 %#llx for %#llx, %llu insns for %llu, memory %s",
		 run.end, (unsigned long long)r0, (unsigned long long)machine.r0,
		 (unsigned long long)ran, (unsigned long long)machine.count,
		 fz_world_sum() == sum ? "equal" : "differs");
	fail(out, FZ_INTERP, why);
	return false;
}

/* What it returned is among the numbers that it was said to return. */
static bool returned_as_said(const struct kps_proof *proof, struct fz_outcome *out)
{
	s64 r0 = (s64)machine.r0;
	char why[96];

	if (machine.gone || machine.type->ret_min > machine.type->ret_max ||
	    (proof->ret_min <= r0 && r0 <= proof->ret_max))
		return true;
	snprintf(why, sizeof(why), "returned %lld, of %lld to %lld", (long long)r0,
		 (long long)proof->ret_min, (long long)proof->ret_max);
	fail(out, FZ_EMBED, why);
	return false;
}

static bool one_run(const struct kps_prog_in *in, const struct kps_proof *proof,
		    const struct kps_code *code, u32 longest, struct fz_outcome *out)
{
	enum fz_end end;
	char why[96];
	u64 ran;

	fz_world_reset();
	clear_stack();
	machine.in = in;
	machine.proof = proof;
	machine.type = kps_prog_type_find(in->prog_type);
	machine.stack = (unsigned long)run.stack;
	machine.limit = longest;
	machine.did = 0;
	machine.watch = out->unembedded ? NULL : watch;
	end = fz_machine_run(&machine);
	out->insns += machine.count;
	out->did |= machine.did;
	if (end == FZ_BAD) {
		fail(out, strstr(machine.why, "claim") ? FZ_EMBED : FZ_MEMORY, machine.why);
		return false;
	}
	ran = end == FZ_LONG ? machine.limit : machine.count;
	if (ran > proof->max_insns) {
		snprintf(why, sizeof(why), "ran %llu, at most %llu",
			 (unsigned long long)ran, (unsigned long long)proof->max_insns);
		fail(out, FZ_COUNT, why);
		return false;
	}
	if (end != FZ_LONG && !returned_as_said(proof, out))
		return false;
	return end == FZ_LONG || compare(code, fz_world_sum(), out);
}

static void run_all(const struct fz_prog *p, const struct kps_prog_in *in,
		    const struct kps_proof *proof, const struct kps_host *host, u64 seed,
		    const struct fz_effort *effort, struct fz_outcome *out)
{
	struct kps_target target = fz_target(p->type);
	struct kps_code *code;
	u32 i;

	if (kps_rewrite(in, proof, &target, host, &code)) {
		fail(out, FZ_HOST, "rewrite");
		return;
	}
	kps_interp_prepare(code);
	for (i = 0; i < effort->runs; i++) {
		fz_world_fill(p->type, seed + i, p->pool, p->nr_pool);
		if (!one_run(in, proof, code, effort->longest, out))
			break;
	}
	kps_code_free(code, host);
}

/*
 * What was accepted with joins must not be refused without, but for what it costs. Where
 * an address may be a number, a join may have made it one; and one that it made useless
 * may stay wherever it is, even if it was a frame's: that is only counted.
 */
static void check_plain(const struct kps_prog_in *in, struct fz_outcome *out)
{
	struct kps_prog_in again = *in;
	struct kapsel_verdict v;
	struct kps_proof proof;
	size_t held = 0;
	struct kps_host host = fz_host(&held);
	char why[96];
	int err;

	again.budget_insns /= 5;
	again.budget_bytes = 8 << 20;
	set_plain(true);
	err = kps_verify(&again, &host, &v, &proof);
	set_plain(false);
	kps_proof_free(&proof, &host);
	out->compared = true;
	out->dear = err == -E2BIG;
	out->apart = err && !out->dear;
	if (!out->apart || v.code == KPS_D_FRAME || kps_prog_type_find(in->prog_type)->leaks)
		return;
	snprintf(why, sizeof(why), "KV%03u @%u, error %d", v.code, v.insn, err);
	fail(out, FZ_AGREE, why);
}

void fz_check(const struct fz_prog *p, u64 seed, const struct fz_effort *effort,
	      struct fz_outcome *out)
{
	struct kps_prog_in in = input_of(p, effort->budget);
	struct kapsel_verdict v;
	struct kps_proof proof;
	size_t held = 0;
	struct kps_host host = fz_host(&held);
	int err;

	*out = (struct fz_outcome){ .layer = FZ_FINE };
	watch_begin(&in);
	err = kps_verify(&in, &host, &v, &proof);
	out->unembedded = !watch_end();
	out->code = v.code;
	out->insn = v.insn;
	out->rung = v.rung;
	if (err) {
		out->layer = FZ_REFUSED;
		if (!v.code || (err != -EACCES && err != -EINVAL && err != -E2BIG))
			fail(out, FZ_HOST, "no code");
	} else {
		run_all(p, &in, &proof, &host, seed, effort, out);
	}
	kps_proof_free(&proof, &host);
	if (held)
		fail(out, FZ_HOST, "memory not given back");
	if (!err && out->layer == FZ_FINE && effort->agree && seed % effort->agree == 0)
		check_plain(&in, out);
}

/* Reduction. */
static bool still(const struct fz_prog *p, u64 seed, const struct fz_effort *effort,
		  const struct fz_outcome *was)
{
	struct fz_outcome out;

	fz_check(p, seed, effort, &out);
	return out.layer == was->layer;
}

static bool targets_inside(const struct fz_prog *p, u32 pc, u32 n)
{
	u32 i;

	for (i = 0; i < p->cnt; i++) {
		u8 class = BPF_CLASS(p->insn[i].code);
		bool jump = class == BPF_JMP || class == BPF_JMP32;

		if (jump && i + 1 + p->insn[i].off > pc && i + 1 + p->insn[i].off < pc + n)
			return true;
	}
	return false;
}

static s32 moved(s32 from, s32 distance, s32 pc, s32 n)
{
	s32 to = from + 1 + distance;

	if (from < pc && to >= pc + n)
		return distance - n;
	if (from >= pc + n && to <= pc)
		return distance + n;
	return distance;
}

/* Take out @n slots at @pc. */
static bool without(struct fz_prog *p, u32 pc, u32 n)
{
	u32 i;

	if (targets_inside(p, pc, n) || p->cnt <= n)
		return false;
	for (i = 0; i < p->cnt; i++) {
		struct bpf_insn *insn = &p->insn[i];
		u8 class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

		if (insn->code == 0x18 && insn->src_reg == BPF_PSEUDO_FUNC)
			insn->imm = moved(i, insn->imm, pc, n);
		if (class != BPF_JMP && class != BPF_JMP32)
			continue;
		if (op == BPF_CALL && insn->src_reg == 1)
			insn->imm = moved(i, insn->imm, pc, n);
		else if (op != BPF_CALL && op != BPF_EXIT)
			insn->off = moved(i, insn->off, pc, n);
	}
	memmove(&p->insn[pc], &p->insn[pc + n], (p->cnt - pc - n) * sizeof(p->insn[0]));
	p->cnt -= n;
	return true;
}

void fz_reduce(struct fz_prog *p, u64 seed, const struct fz_effort *effort,
	       struct fz_outcome *out)
{
	static struct fz_prog smaller;
	u32 n, pc;
	bool changed = true;

	while (changed) {
		changed = false;
		for (n = 16; n; n /= 2) {
			for (pc = 0; pc < p->cnt;) {
				smaller = *p;
				if (!without(&smaller, pc, n) ||
				    !still(&smaller, seed, effort, out)) {
					pc++;
					continue;
				}
				*p = smaller;
				changed = true;
			}
		}
	}
	fz_check(p, seed, effort, out);
}
