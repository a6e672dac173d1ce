/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs a program on the userspace interpreter, without a proof */
#ifndef KPS_TEST_RUN_H
#define KPS_TEST_RUN_H

#include <linux/types.h>
#include <uapi/linux/bpf.h>

#include "core/arena.h"
#include "core/cfg.h"
#include "core/interp.h"
#include "core/rewrite.h"
#include "core/verifier.h"

#define KT_FRAME	64	/* bytes of stack that each function is given */

/**
 * struct kt_prog - a program made runnable
 * @in: as given
 * @proof: made up: all is reached, each frame has KT_FRAME bytes
 * @code: what runs
 * @run: after kt_run()
 */
struct kt_prog {
	struct kps_host host;
	struct kps_arena arena;
	struct kps_cfg cfg;
	struct kps_prog_in in;
	struct kps_proof proof;
	struct kps_code *code;
	struct kps_run run;
};

/** kt_prove - a proof of anything; 0 or -errno. kt_put() gives it back */
int kt_prove(struct kt_prog *prog, const struct bpf_insn *insns, u32 cnt);

/** kt_rewrite - proof to code; @target NULL: no maps, no helpers */
int kt_rewrite(struct kt_prog *prog, const struct kps_target *target);

/** kt_run - run it with plenty of fuel; prog->run says how it ended */
u64 kt_run(struct kt_prog *prog, u64 ctx, u64 arg2);

/** kt_put - give all memory back */
void kt_put(struct kt_prog *prog);

#endif
