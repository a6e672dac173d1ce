// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - from what the verifier found to records */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/report.h"
#include "core/socket.h"

#define MAX_STEPS	64	/* of a path, the newest */
#define MAX_HOT		5

static u32 object_size(const struct kps_env *env, const struct kps_state *s,
		       const struct kps_reg *reg)
{
	switch (reg->kind) {
	case KAPSEL_KIND_CTX:
		return env->type->ctx_size;
	case KAPSEL_KIND_STACK:
		return KAPSEL_MAX_STACK;
	case KAPSEL_KIND_MAP_VALUE:
		return env->maps[reg->object].value_size;
	case KAPSEL_KIND_MAP_KEY:
		return env->maps[reg->object].key_size;
	case KAPSEL_KIND_PACKET:
		return (u32)s->pkt_min;
	case KAPSEL_KIND_RINGBUF:
	case KAPSEL_KIND_SLICE:
		return reg->size;
	case KAPSEL_KIND_SOCKET:
		return kps_sock_size(reg->object);
	default:
		return 0;
	}
}

struct kapsel_facts kps_facts(const struct kps_env *env, const struct kps_state *s,
			      const struct kps_reg *reg, u32 n)
{
	const struct kps_scalar *val = &reg->val;

	if (reg->kind == KAPSEL_KIND_UNINIT)
		return (struct kapsel_facts){ .reg = n };
	return (struct kapsel_facts){
		.kind = reg->kind, .flags = reg->flags & KAPSEL_FACT_MAYBE_NULL, .reg = n,
		.object = reg->object, .size = object_size(env, s, reg),
		.smin = val->r64.smin, .smax = val->r64.smax,
		.umin = val->r64.umin, .umax = val->r64.umax,
		.s32_min = (s32)val->r32.smin, .s32_max = (s32)val->r32.smax,
		.u32_min = (u32)val->r32.umin, .u32_max = (u32)val->r32.umax,
		.bits_value = val->bits.value, .bits_mask = val->bits.mask,
	};
}

static struct kapsel_rec_problem problem_at(u16 kind, const struct kps_at *at, u32 code)
{
	return (struct kapsel_rec_problem){
		.hdr = { .kind = kind, .size = sizeof(struct kapsel_rec_problem),
			 .insn = at->pc },
		.code = code,
		.has = { .reg = KAPSEL_NO_REG },
		.other = { .reg = KAPSEL_NO_REG },
	};
}

/* The second operand of arithmetic and comparisons says as much as the first. */
static void add_other(const struct kps_at *at, struct kapsel_rec_problem *p)
{
	const struct bpf_insn *insn = kps_insn_at(at);
	u8 class = BPF_CLASS(insn->code);
	u32 n = p->has.reg == insn->dst_reg ? insn->src_reg : insn->dst_reg;

	if ((class != BPF_ALU && class != BPF_ALU64 && class != BPF_JMP && class != BPF_JMP32) ||
	    BPF_SRC(insn->code) != BPF_X || BPF_OP(insn->code) == BPF_MOV ||
	    BPF_OP(insn->code) == BPF_END)
		return;
	p->other = kps_facts(at->env, at->s, kps_reg_at(at, n), n);
}

static struct kapsel_rec_problem *begin_problem(const struct kps_at *at, u32 code)
{
	struct kps_env *env = at->env;

	env->problem = problem_at(KAPSEL_REC_ERROR, at, code);
	env->problem_path = at->s->path;
	env->problem_joined = at->s->joined;
	return &env->problem;
}

struct kapsel_rec_problem *kps_refuse(const struct kps_at *at, u32 code, u32 n)
{
	struct kapsel_rec_problem *p = begin_problem(at, code);

	if (n < KPS_NR_REGS) {
		p->has = kps_facts(at->env, at->s, kps_reg_at(at, n), n);
		add_other(at, p);
	}
	return p;
}

struct kapsel_rec_problem *kps_refuse_value(const struct kps_at *at, u32 code,
					    const struct kps_reg *value)
{
	struct kapsel_rec_problem *p = begin_problem(at, code);

	p->has = kps_facts(at->env, at->s, value, KAPSEL_NO_REG);
	return p;
}

void kps_warn(const struct kps_at *at, u32 code, u32 n)
{
	struct kps_env *env = at->env;
	struct kapsel_rec_problem *p;
	u32 i;

	if (env->unjudged)
		return;
	for (i = 0; i < env->nr_warnings; i++)
		if (env->warnings[i].hdr.insn == at->pc && env->warnings[i].code == code)
			return;
	if (env->nr_warnings == KPS_MAX_WARNINGS)
		return;
	if (!env->warnings)
		env->warnings = kps_arena_zalloc(&env->arena, KPS_MAX_WARNINGS * sizeof(*p));
	if (!env->warnings)
		return;
	p = &env->warnings[env->nr_warnings++];
	*p = problem_at(KAPSEL_REC_WARNING, at, code);
	if (n < KPS_NR_REGS)
		p->has = kps_facts(env, at->s, kps_reg_at(at, n), n);
}

int kps_path_add(const struct kps_at *at, u32 event, u32 outcome, u32 n)
{
	struct kps_env *env = at->env;
	bool traced = env->trace && n < KPS_NR_REGS;
	struct kps_node *node;

	if (env->unjudged)
		return 0;
	node = kps_arena_alloc(&env->work, sizeof(*node) + traced * sizeof(node->facts[0]));
	if (!node)
		return -ENOMEM;
	if (traced)
		node->facts[0] = kps_facts(env, at->s, kps_reg_at(at, n), n);
	node->parent = at->s->path;
	node->insn = at->pc;
	node->event = event;
	node->traced = traced;
	node->outcome = outcome;
	at->s->path = node;
	return 0;
}

static void emit_step(const struct kps_env *env, u32 insn, u32 event, u32 outcome,
		      const struct kapsel_facts *facts)
{
	struct kapsel_rec_step step = {
		.hdr = { .kind = KAPSEL_REC_STEP, .size = sizeof(step), .insn = insn },
		.event = event, .outcome = outcome,
		.facts = { .reg = KAPSEL_NO_REG },
	};

	if (facts)
		step.facts = *facts;
	env->host->emit(env->host->priv, &step, sizeof(step));
}

/* Iterations of loops are many; what was decided in them says more. */
static bool worth_telling(const struct kps_node *node)
{
	return node->event != KAPSEL_STEP_JOIN;
}

static void emit_path(const struct kps_env *env)
{
	const struct kps_node *node, *newest[MAX_STEPS];
	u32 n = 0, all = 0;

	for (node = env->problem_path; node; node = node->parent) {
		if (!worth_telling(node))
			continue;
		if (n < MAX_STEPS)
			newest[n++] = node;
		all++;
	}
	emit_step(env, 0, KAPSEL_STEP_ENTRY, 0, NULL);
	if (all > n)
		emit_step(env, 0, KAPSEL_STEP_OMITTED, all - n, NULL);
	while (n--)
		emit_step(env, newest[n]->insn, newest[n]->event, newest[n]->outcome,
			  newest[n]->traced ? newest[n]->facts : NULL);
}

static u64 heat(const struct kps_env *env, u32 block)
{
	const struct kps_block *b = &env->cfg.blocks[block];

	return (u64)env->visits[block] * (b->end - b->start);
}

/* The blocks where the work went, dearest first, each named by its first instruction. */
static void emit_hot(const struct kps_env *env)
{
	struct kapsel_rec_hot hot = {
		.hdr = { .kind = KAPSEL_REC_HOT, .size = sizeof(hot) },
	};
	u64 below = ~0ULL;
	u32 n, b, best;

	for (n = 0; n < MAX_HOT; n++) {
		best = KPS_NONE;
		for (b = 0; b < env->cfg.nr_blocks; b++)
			if (heat(env, b) < below && heat(env, b) &&
			    (best == KPS_NONE || heat(env, b) > heat(env, best)))
				best = b;
		if (best == KPS_NONE)
			return;
		below = heat(env, best);
		hot.hdr.insn = env->cfg.blocks[best].start;
		hot.visits = env->visits[best];
		env->host->emit(env->host->priv, &hot, sizeof(hot));
	}
}

static bool is_budget(u32 code)
{
	return code >= KPS_D_CEILING && code <= KPS_D_BUDGET_TIME;
}

void kps_report(struct kps_env *env, struct kapsel_verdict *verdict)
{
	verdict->code = env->problem.code;
	verdict->insn = env->problem.hdr.insn;
	env->host->emit(env->host->priv, &env->problem, sizeof(env->problem));
	emit_path(env);
	if (is_budget(env->problem.code) && env->visits)
		emit_hot(env);
}

void kps_report_warnings(struct kps_env *env, struct kapsel_verdict *verdict)
{
	u32 i;

	verdict->warnings = env->nr_warnings;
	for (i = 0; i < env->nr_warnings; i++)
		env->host->emit(env->host->priv, &env->warnings[i], sizeof(env->warnings[i]));
}
