// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - which engine runs a program, and why */

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kconfig.h>
#include <linux/module.h>
#include <linux/kapsel.h>

#include "engine.h"
#include "jit.h"
#include "map.h"
#include "prog.h"
#include "skbctx.h"
#include "core/code.h"
#include "core/interp.h"
#include "core/rewrite.h"
#include "core/verifier.h"

/* Who builds a kernel so wants no interpreter of programs in it. */
static bool interpreter = !IS_ENABLED(CONFIG_BPF_JIT_ALWAYS_ON);
module_param(interpreter, bool, 0444);
MODULE_PARM_DESC(interpreter,
		 "interpret what is not compiled (default: yes, unless the kernel has CONFIG_BPF_JIT_ALWAYS_ON)");

u32 kps_engines(u32 *jit_why)
{
	*jit_why = kps_jit_why();
	return (interpreter ? BIT(KAPSEL_ENGINE_INTERP) : 0) |
	       (*jit_why ? 0 : BIT(KAPSEL_ENGINE_JIT));
}

u32 kps_engine_missing(u32 asked)
{
	if (asked == KAPSEL_ENGINE_JIT)
		return kps_jit_why();
	if (asked == KAPSEL_ENGINE_INTERP && !interpreter)
		return KAPSEL_WHY_NO_INTERP;
	return KAPSEL_WHY_NOTHING;
}

/* It may be moved to another CPU in the middle, and needs little of its context. */
static bool looks_only(const struct kps_prog *prog, const struct kps_proof *proof)
{
	u32 i;

	for (i = 0; i < prog->nr_maps; i++)
		if (prog->maps[i]->type->ops & KAPSEL_MAP_OP_PERCPU)
			return false;
	return prog->type->type == KAPSEL_PROG_NETFILTER && !proof->ctx_written &&
	       !proof->writes_packet && kps_skb_is_plain(proof->ctx_read);
}

static bool lets_pass(const struct kps_proof *proof)
{
	return !proof->ctx_read && proof->ret_min == 1;
}

static void set_entries(struct kps_prog *prog, const struct kps_jit_result *res,
			const struct kps_proof *proof)
{
	if (proof->metered) {
		prog->metered_entry = res->entry;
		return;
	}
	if (proof->tail_calls) {
		prog->tail_entry = res->entry;
		return;
	}
	prog->entry = res->entry;
	if (!res->calls)
		prog->quiet = (kps_quiet_fn)(unsigned long)res->entry;
	if (prog->quiet && looks_only(prog, proof))
		prog->look = prog->quiet;
	if (prog->look && lets_pass(proof))
		prog->observer = prog->look;
}

static int compile(struct kps_prog *prog, const struct kps_prog_in *in,
		   const struct kps_proof *proof)
{
	struct kps_jit_result res;
	int err;

	err = kps_jit_compile(in, proof, prog->code, &res);
	prog->why = res.why;
	prog->why_insn = res.insn;
	if (err)
		return err;
	prog->jit = res.jit;
	set_entries(prog, &res, proof);
	prog->xlated_cnt = res.slots;
	prog->memory += res.memory;
	kps_code_free(prog->code, &kps_memory_host);
	prog->code = NULL;
	return 0;
}

/* Only now that nothing else is to read the code. */
static void interpret(struct kps_prog *prog)
{
	kps_interp_prepare(prog->code);
	prog->xlated_cnt = prog->code->cnt;
	prog->memory += kps_code_size(prog->code);
}

int kps_engine_choose(struct kps_prog *prog, u32 asked,
		      const struct kps_prog_in *in, const struct kps_proof *proof)
{
	int err = -EOPNOTSUPP;

	prog->why = KAPSEL_WHY_ASKED;
	if (asked != KAPSEL_ENGINE_INTERP)
		err = compile(prog, in, proof);
	if (err != -EOPNOTSUPP || asked == KAPSEL_ENGINE_JIT || !interpreter)
		return err;
	interpret(prog);
	return 0;
}
