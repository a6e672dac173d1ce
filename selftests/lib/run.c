// SPDX-License-Identifier: GPL-2.0-only
/* Runs a program on the userspace interpreter, without a proof */

#include <errno.h>
#include <string.h>

#include "core/insn.h"
#include "lib/insn_build.h"
#include "lib/run.h"

#define LOOP_HELPER	181
#define PLENTY		1000000000000ULL

static void prove_insn(struct kt_prog *prog, u32 pc, u32 *callback)
{
	const struct bpf_insn *insn = &prog->in.insns[pc];
	struct kps_insn_aux *aux = &prog->proof.aux[pc];

	aux->seen = true;
	if (insn->code == 0x18 && insn->src_reg == BPF_PSEUDO_FUNC) {
		*callback = kps_cfg_subprog_at(&prog->cfg, pc + 1 + insn->imm);
		aux->kind = KPS_AUX_FUNC;
		aux->arg = *callback;
	} else if (insn->code == 0x18 && insn->src_reg == BPF_PSEUDO_MAP_FD) {
		aux->kind = KPS_AUX_MAP;
		aux->map = insn->imm;
	} else if (insn->code == 0x18 && insn->src_reg == BPF_PSEUDO_MAP_VALUE) {
		aux->kind = KPS_AUX_MAP_VALUE;
		aux->map = insn->imm;
		aux->arg = insn[1].imm;
	} else if (insn->code == 0x85 && !insn->src_reg &&
		   insn->imm == LOOP_HELPER) {
		aux->kind = KPS_AUX_CALLBACK;
		aux->arg = *callback;
	}
}

static int make_proof(struct kt_prog *prog)
{
	struct kps_proof *proof = &prog->proof;
	u32 i, callback = 0, cnt = prog->in.insn_cnt;

	proof->aux = kps_arena_array(&prog->arena, cnt, sizeof(*proof->aux));
	proof->subprogs = kps_arena_array(&prog->arena, prog->cfg.nr_subprogs,
					  sizeof(*proof->subprogs));
	if (!proof->aux || !proof->subprogs)
		return -ENOMEM;
	proof->insn_cnt = cnt;
	proof->nr_subprogs = prog->cfg.nr_subprogs;
	for (i = 0; i < proof->nr_subprogs; i++)
		proof->subprogs[i] = (struct kps_proof_subprog){
			.start = prog->cfg.subprogs[i].start,
			.end = prog->cfg.subprogs[i].end,
			.stack = KT_FRAME, .seen = true,
		};
	for (i = 0; i < cnt; i += kps_insn_slots(&prog->in.insns[i]))
		prove_insn(prog, i, &callback);
	return 0;
}

int kt_prove(struct kt_prog *prog, const struct bpf_insn *insns, u32 cnt)
{
	struct kps_cfg_error error;
	int err;

	memset(prog, 0, sizeof(*prog));
	prog->host = test_host(NULL);
	prog->in = (struct kps_prog_in){
		.insns = insns, .insn_cnt = cnt, .prog_type = KAPSEL_PROG_KPROBE,
	};
	kps_arena_init(&prog->arena, &prog->host, 0);
	err = kps_cfg_build(&prog->cfg, insns, cnt, &prog->arena, &prog->arena, &error);
	return err ? err : make_proof(prog);
}

static kps_helper_fn no_helper(void *priv, u32 id)
{
	(void)priv;
	(void)id;
	return NULL;
}

int kt_rewrite(struct kt_prog *prog, const struct kps_target *target)
{
	static const struct kps_target nothing = { .helper = no_helper };

	return kps_rewrite(&prog->in, &prog->proof, target ? target : &nothing,
			   &prog->host, &prog->code);
}

u64 kt_run(struct kt_prog *prog, u64 ctx, u64 arg2)
{
	prog->run.fuel = PLENTY;
	return kps_interp_run(prog->code, &prog->run, ctx, arg2);
}

void kt_put(struct kt_prog *prog)
{
	kps_code_free(prog->code, &prog->host);
	kps_arena_free(&prog->arena);
}
