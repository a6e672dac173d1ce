// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - the verifier's phases, in order */

#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/check.h"
#include "core/explore.h"
#include "core/lattice.h"
#include "core/live.h"
#include "core/oracle.h"
#include "core/report.h"

#define FIRST_BYTES		4096
#define MOST_FIRST_BYTES	8192
#define BYTES_AN_INSN		192
#define LATER_BYTES		64

/* States kept apart at a join, rung by rung; the last one joins nothing. */
static const u32 ladder[] = { 4, 32, 0 };

/* Refusals that belong to no state. */
static int refuse_plain(struct kps_env *env, u32 code, u32 pc, u64 detail, int err)
{
	env->problem = (struct kapsel_rec_problem){
		.hdr = { .kind = KAPSEL_REC_ERROR, .size = sizeof(env->problem), .insn = pc },
		.code = code, .detail = detail,
		.has = { .reg = KAPSEL_NO_REG }, .other = { .reg = KAPSEL_NO_REG },
	};
	env->problem_path = NULL;
	return err;
}

static int check_input(struct kps_env *env)
{
	const struct kps_prog_in *in = env->in;

	env->type = kps_prog_type_find(in->prog_type);
	if (!env->type)
		return refuse_plain(env, KPS_D_PROG_TYPE, 0, in->prog_type, -EINVAL);
	if (!in->insn_cnt || in->insn_cnt > KAPSEL_MAX_INSNS)
		return refuse_plain(env, KPS_D_SIZE, 0, in->insn_cnt, -EINVAL);
	/* Nothing else ends its runs, and a CPU is not held for long. */
	if (in->metered && in->ceiling > KAPSEL_MAX_METERED)
		return refuse_plain(env, KPS_D_CEILING, 0, KAPSEL_MAX_METERED, -EINVAL);
	return 0;
}

static int find_flow(struct kps_env *env)
{
	struct kps_cfg_error err = { .code = 0 };
	int ret = kps_cfg_build(&env->cfg, env->in->insns, env->in->insn_cnt, &env->arena,
				&env->work, &err);

	return ret == -EINVAL ? refuse_plain(env, err.code, err.pc, err.detail, -EINVAL) : ret;
}

static size_t proof_bytes(const struct kps_proof *proof)
{
	return proof->nr_subprogs * sizeof(*proof->subprogs) +
	       proof->insn_cnt * sizeof(*proof->aux);
}

/* The functions, and after them the instructions. */
static int alloc_proof(struct kps_env *env)
{
	const struct kps_host *host = env->host;
	struct kps_proof *proof = env->proof;
	u32 i;

	proof->insn_cnt = env->in->insn_cnt;
	proof->nr_subprogs = env->cfg.nr_subprogs;
	proof->subprogs = host->alloc(host->priv, proof_bytes(proof));
	if (!proof->subprogs)
		return -ENOMEM;
	proof->aux = (struct kps_insn_aux *)(proof->subprogs + proof->nr_subprogs);
	for (i = 0; i < proof->nr_subprogs; i++) {
		proof->subprogs[i].start = env->cfg.subprogs[i].start;
		proof->subprogs[i].end = env->cfg.subprogs[i].end;
	}
	return 0;
}

static bool room_for_map(struct kps_env *env, u32 map)
{
	u32 had = ALIGN(env->nr_maps, KPS_MAP_STEP), need = ALIGN(map + 1, KPS_MAP_STEP);
	struct kps_map_facts *maps;

	if (need <= had)
		return true;
	maps = kps_arena_array(&env->arena, need, sizeof(*maps));
	if (!maps)
		return false;
	if (had)
		memcpy(maps, env->maps, had * sizeof(*maps));
	env->maps = maps;
	return true;
}

static bool note_map(struct kps_env *env, u32 map, const struct kps_map_facts *facts)
{
	if (!room_for_map(env, map))
		return false;
	env->maps[map] = *facts;
	env->nr_maps = max(env->nr_maps, map + 1);
	return true;
}

/* What userspace does to maps that no program names is not known: none is frozen. */
static bool note_inner(struct kps_env *env, u32 map, const struct kps_inner_facts *inner)
{
	const struct kps_map_facts facts = {
		.type = inner->type, .key_size = inner->key_size,
		.value_size = inner->value_size, .max_entries = inner->max_entries,
		.flags = inner->flags,
	};

	return !inner->type || note_map(env, map + KPS_INNER, &facts);
}

static int resolve_map(struct kps_env *env, u32 pc, struct kps_insn_aux *aux)
{
	const struct bpf_insn *insn = &env->in->insns[pc];
	struct kps_map_facts facts = { .type = 0 };
	int map = env->host->map(env->host->priv, insn->imm, &facts);

	if (map == -EBADF || map == -EINVAL)
		return refuse_plain(env, KPS_D_MAP_FD, pc, (u64)(s64)insn->imm, -EINVAL);
	if (map == -E2BIG || map >= KAPSEL_MAX_MAPS)
		return refuse_plain(env, KPS_D_MAP_COUNT, pc, KAPSEL_MAX_MAPS, -EINVAL);
	if (map < 0)
		return map;
	if (facts.lock_size && !kps_may_lock(env))
		return refuse_plain(env, KPS_D_LOCK_PROG, pc, facts.type, -EACCES);
	if (!note_map(env, map, &facts) || !note_inner(env, map, &facts.inner))
		return -ENOMEM;
	aux->map = (u16)map;
	aux->kind = KPS_AUX_MAP;
	if (insn->src_reg == BPF_PSEUDO_MAP_VALUE) {
		aux->kind = KPS_AUX_MAP_VALUE;
		aux->arg = (u32)insn[1].imm;
	}
	return 0;
}

static int resolve_lddw(struct kps_env *env, u32 pc)
{
	const struct bpf_insn *insn = &env->in->insns[pc];
	struct kps_insn_aux *aux = &env->proof->aux[pc];

	if (insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE)
		return resolve_map(env, pc, aux);
	if (insn->src_reg == BPF_PSEUDO_FUNC) {
		aux->kind = KPS_AUX_FUNC;
		aux->arg = kps_cfg_subprog_at(&env->cfg, pc + insn->imm + 1);
	}
	return 0;
}

static int resolve(struct kps_env *env)
{
	u32 pc, left = env->cfg.nr_lddw;
	int err = 0;

	for (pc = 0; left && !err; pc++)
		if (kps_insn_slots(&env->in->insns[pc]) == 2) {
			err = resolve_lddw(env, pc++);
			left--;
		}
	return err;
}

/* What a rung found out is no finding of the next. */
static void forget_rung(struct kps_env *env)
{
	struct kps_proof *proof = env->proof;
	u32 i;

	for (i = 0; i < proof->insn_cnt && env->ran; i++) {
		struct kps_insn_aux *aux = &proof->aux[i];

		aux->seen = false;
		if (aux->kind >= KPS_AUX_CTX)
			*aux = (struct kps_insn_aux){ .kind = KPS_AUX_NONE };
	}
	for (i = 0; i < proof->nr_subprogs; i++) {
		proof->subprogs[i].stack = 0;
		proof->subprogs[i].seen = false;
	}
	proof->max_insns = 0;
	proof->metered = false;
	proof->tail_calls = false;
	proof->ctx_read = 0;
	proof->ctx_written = 0;
	proof->writes_packet = false;
	proof->changes_packet = false;
	proof->ret_min = S64_MAX;
	proof->ret_max = S64_MIN;
	env->ran = true;
	env->nr_warnings = 0;
	env->unjudged = 0;
	env->acquired = 0;
	env->problem.code = 0;
}

static int begin_rung(struct kps_env *env)
{
	u64 budget = env->in->budget_bytes ?: KPS_DEFAULT_BUDGET_BYTES;

	kps_arena_reset(&env->work);
	if (!env->ran)
		kps_arena_pass_on(&env->arena, LATER_BYTES, &env->work);
	forget_rung(env);
	kps_oracle_begin();
	env->work.limit = budget - min_t(u64, budget - 1, env->arena.bytes);
	env->pool = (struct kps_pool){ .arena = &env->work };
	env->anchors = NULL;
	env->visits = kps_arena_array(&env->work, env->cfg.nr_blocks, sizeof(*env->visits));
	return env->visits ? 0 : -ENOMEM;
}

static int out_of_memory(struct kps_env *env)
{
	if (!env->work.exhausted && !env->arena.exhausted)
		return -ENOMEM;
	return refuse_plain(env, KPS_D_BUDGET_MEMORY, 0,
			    env->in->budget_bytes ?: KPS_DEFAULT_BUDGET_BYTES, -E2BIG);
}

static int run_rung(struct kps_env *env, u32 width)
{
	int err;

	env->width = width;
	do {
		err = begin_rung(env) ?: kps_explore(env);
	} while (err == -EAGAIN && !env->work.failed);
	/* What was not remembered for want of memory must not change the verdict. */
	if (env->work.failed || env->arena.failed)
		return -ENOMEM;
	if (err == -ENOMEM || env->work.exhausted || env->arena.exhausted)
		err = out_of_memory(env);
	else if (err == -ETIME)
		err = refuse_plain(env, KPS_D_BUDGET_TIME, env->problem.hdr.insn, 0, -E2BIG);
	return err;
}

/* A refusal on a path that was never joined is one whatever the joins. */
static bool worth_climbing(const struct kps_env *env, int err)
{
	return (err == -EACCES || (err == -E2BIG && env->problem.code == KPS_D_CEILING)) &&
	       env->problem_joined;
}

/*
 * A refusal in a loop may be the fault of its invariant: then it is walked, the
 * innermost loop first. What is around it is still proved as a whole.
 */
static bool walk_around(struct kps_env *env)
{
	const struct kps_cfg *cfg = &env->cfg;
	u32 loop = cfg->blocks[kps_cfg_block_at(cfg, env->problem.hdr.insn)].loop;

	while (loop != KPS_NONE && env->walk[loop])
		loop = cfg->loops[loop].parent;
	if (loop == KPS_NONE)
		return false;
	env->walk[loop] = 1;
	return true;
}

static int climb(struct kps_env *env, struct kapsel_verdict *verdict)
{
	int err = -EACCES;

	verdict->rung = kps_oracle_plain() ? ARRAY_SIZE(ladder) : 1;
	for (; verdict->rung <= ARRAY_SIZE(ladder); verdict->rung++) {
		do {
			err = run_rung(env, ladder[verdict->rung - 1]);
			if (!worth_climbing(env, err))
				return err;
		} while (env->width && err == -EACCES && walk_around(env));
	}
	verdict->rung = ARRAY_SIZE(ladder);
	return err;
}

/*
 * The budget went into a loop that had to be walked because nothing bounds it: that
 * is what the program's author can mend.
 */
static void blame_loop(struct kps_env *env)
{
	const struct kps_cfg *cfg = &env->cfg;
	u32 i, worst = KPS_NONE;

	for (i = 0; i < cfg->nr_loops; i++)
		if (env->walk[i] && (worst == KPS_NONE || env->visits[cfg->loops[i].head] >
				     env->visits[cfg->loops[worst].head]))
			worst = i;
	if (env->problem.code != KPS_D_BUDGET_INSNS || worst == KPS_NONE)
		return;
	env->problem.code = KPS_D_UNBOUNDED;
	env->problem.hdr.insn = cfg->blocks[cfg->loops[worst].head].start;
}

/* Once more the way of the refusal, keeping what was known at each decision. */
static int retrace(struct kps_env *env, u32 width)
{
	struct kapsel_rec_problem found = env->problem;
	u64 visited = env->visited;
	int err;

	env->trace = true;
	env->limit_visited = U64_MAX;
	err = run_rung(env, width);
	if (err != -EACCES) {
		env->problem = found;
		env->problem_path = NULL;
	}
	env->trace = false;
	env->visited = visited;
	return err == -ENOMEM || err == -EINTR ? err : -EACCES;
}

/*
 * The deepest stack below each function. A function is called by higher ones only,
 * so one pass for each height sees callees before callers.
 */
static u32 callee_of(const struct kps_env *env, u32 pc)
{
	const struct bpf_insn *insn = &env->in->insns[pc];

	if (!env->proof->aux[pc].seen)
		return KPS_NONE;
	if (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL)
		return kps_cfg_subprog_at(&env->cfg, pc + insn->imm + 1);
	return env->proof->aux[pc].kind == KPS_AUX_FUNC ? env->proof->aux[pc].arg : KPS_NONE;
}

static u32 stack_below(const struct kps_env *env, u32 sub, const u32 *total)
{
	const struct kps_subprog *s = &env->cfg.subprogs[sub];
	u32 pc, callee, most = 0;

	/* At height 1 nothing is called. */
	for (pc = s->height > 1 ? s->start : s->end; pc < s->end;
	     pc += kps_insn_slots(&env->in->insns[pc])) {
		callee = callee_of(env, pc);
		if (callee != KPS_NONE)
			most = max(most, total[callee]);
	}
	return most + env->proof->subprogs[sub].stack;
}

/* A run that may be ended anywhere can't hold what must be given back. */
static int check_metered(struct kps_env *env)
{
	if (env->acquired)
		return refuse_plain(env, KPS_D_METERED_REF, env->acquired - 1, 0, -EACCES);
	env->proof->max_insns = env->ceiling;
	return 0;
}

/* A block is entered at its first slot and left at its last. */
static void mark_seen(struct kps_env *env)
{
	struct kps_insn_aux *aux = env->proof->aux;
	u32 b, pc;

	for (b = 0; b < env->cfg.nr_blocks; b++) {
		const struct kps_block *block = &env->cfg.blocks[b];
		u32 end = aux[block->start].seen ? block->end : block->start;

		for (pc = block->start; pc < end; pc++)
			aux[pc].seen = true;
	}
}

/* Paths that end inside of loops are counted when the loops are done. */
static int check_ceiling(struct kps_env *env)
{
	if (env->in->metered && env->proof->max_insns > env->ceiling)
		env->proof->metered = true;
	if (env->proof->metered)
		return check_metered(env);
	if (env->proof->max_insns <= env->ceiling)
		return 0;
	return refuse_plain(env, KPS_D_CEILING, 0, env->ceiling, -E2BIG);
}

static int check_stack(struct kps_env *env)
{
	u32 *total = kps_arena_array(&env->arena, env->cfg.nr_subprogs, sizeof(*total));
	u32 height, i;

	if (!total)
		return out_of_memory(env);
	for (height = 1; height <= KAPSEL_MAX_DEPTH; height++)
		for (i = 0; i < env->cfg.nr_subprogs; i++)
			if (env->cfg.subprogs[i].height == height)
				total[i] = stack_below(env, i, total);
	env->proof->stack_depth = total[0];
	if (total[0] <= KAPSEL_MAX_STACK)
		return 0;
	return refuse_plain(env, KPS_D_STACK_TOTAL, 0, total[0], -EACCES);
}

/*
 * A jump into a loop past its head: what it brings is not among the head's states, of
 * which all that is said of a loop holds. Such loops are walked.
 */
static void mark_second_entries(struct kps_env *env, const struct kps_block *from, u32 to)
{
	const struct kps_cfg *cfg = &env->cfg;
	u32 loop = cfg->blocks[to].loop;

	for (; loop != KPS_NONE; loop = cfg->loops[loop].parent)
		if (cfg->loops[loop].head != to && (from->order < cfg->loops[loop].first ||
						    from->order >= cfg->loops[loop].last))
			env->walk[loop] = 1;
}

static int find_walked(struct kps_env *env)
{
	const struct kps_cfg *cfg = &env->cfg;
	u32 b, i;

	env->walk = kps_arena_zalloc(&env->arena, cfg->nr_loops + 1);
	if (!env->walk)
		return -ENOMEM;
	for (b = 0; b < cfg->nr_blocks && cfg->nr_loops; b++)
		for (i = 0; i < 2; i++)
			if (cfg->blocks[b].succ[i] != KPS_NONE)
				mark_second_entries(env, &cfg->blocks[b], cfg->blocks[b].succ[i]);
	return 0;
}

static struct kps_pairs *alloc_pairs(struct kps_env *env, u32 max)
{
	struct kps_pairs *pairs;

	pairs = kps_arena_alloc(&env->arena, sizeof(*pairs) + max * sizeof(pairs->pair[0]));
	if (pairs)
		*pairs = (struct kps_pairs){ .max = max };
	return pairs;
}

/*
 * Values are in registers and where something is put; what may be NULL comes of a call
 * that takes more than one instruction. Of pairs for which there is no room less is known.
 */
static int alloc_scratch(struct kps_env *env)
{
	u32 regs = KPS_FP * env->cfg.subprogs[0].height, cnt = env->in->insn_cnt;

	env->links = alloc_pairs(env, min_t(u32, regs + cnt / 2, KPS_MAX_LINKS));
	env->nids = alloc_pairs(env, min_t(u32, regs + cnt / 4, KPS_MAX_NIDS));
	return env->links && env->nids ? 0 : -ENOMEM;
}

static int prepare(struct kps_env *env)
{
	int err = check_input(env) ?: find_flow(env) ?: alloc_proof(env) ?: resolve(env) ?:
		  kps_live_build(env) ?: kps_thresholds_build(env) ?: find_walked(env) ?:
		  alloc_scratch(env);

	if (err == -ENOMEM)
		err = out_of_memory(env);
	else if (err == -ETIME)
		err = refuse_plain(env, KPS_D_BUDGET_TIME, 0, 0, -E2BIG);
	return err;
}

static int verify(struct kps_env *env, struct kapsel_verdict *verdict)
{
	int err = prepare(env);

	if (err)
		return err;
	err = climb(env, verdict);
	if (err == -EACCES)
		err = retrace(env, ladder[verdict->rung - 1]);
	else if (err == -E2BIG)
		blame_loop(env);
	if (err)
		return err;
	mark_seen(env);
	return check_ceiling(env) ?: check_stack(env);
}

static void fill_verdict(const struct kps_env *env, struct kapsel_verdict *verdict)
{
	verdict->subprogs = env->cfg.nr_subprogs;
	verdict->visited = env->visited;
	verdict->states = env->pool.peak;
	verdict->state_bytes = env->arena.bytes + env->work.bytes;
	verdict->stack_depth = env->proof->stack_depth;
	verdict->max_insns = env->proof->max_insns;
}

/*
 * One allocation serves small programs: both arenas begin with memory beside the
 * verification's own. Hosts give powers of two, and take time to clear them.
 */
static size_t first_bytes(u32 insn_cnt)
{
	size_t size = FIRST_BYTES;

	while (size < MOST_FIRST_BYTES && size < insn_cnt * BYTES_AN_INSN)
		size *= 2;
	return size;
}

static void lend(struct kps_env *env, u64 limit)
{
	size_t room = env->bytes - sizeof(*env), part = ALIGN(room / 2, 8);

	kps_arena_init(&env->arena, env->host, limit);
	kps_arena_init(&env->work, env->host, limit);
	if (limit < env->bytes)
		return;
	kps_arena_lend(&env->arena, env + 1, part);
	kps_arena_lend(&env->work, (char *)(env + 1) + part, room - part);
}

static struct kps_env *env_new(const struct kps_prog_in *in, const struct kps_host *host,
			       struct kps_proof *proof)
{
	size_t size = first_bytes(in->insn_cnt);
	struct kps_env *env = kps_host_scratch(host, size);

	if (!env)
		return NULL;
	memset(env, 0, sizeof(*env));
	env->bytes = size;
	env->in = in;
	env->host = host;
	env->proof = proof;
	env->limit_visited = in->budget_insns ?: KPS_DEFAULT_BUDGET_INSNS;
	env->ceiling = in->ceiling ?: KAPSEL_DEFAULT_CEILING;
	lend(env, in->budget_bytes ?: KPS_DEFAULT_BUDGET_BYTES);
	return env;
}

int kps_verify(const struct kps_prog_in *in, const struct kps_host *host,
	       struct kapsel_verdict *verdict, struct kps_proof *proof)
{
	struct kps_env *env;
	int err;

	memset(verdict, 0, sizeof(*verdict));
	memset(proof, 0, sizeof(*proof));
	env = env_new(in, host, proof);
	if (!env)
		return -ENOMEM;
	err = verify(env, verdict);
	fill_verdict(env, verdict);
	if (err == -EACCES || err == -EINVAL || err == -E2BIG)
		kps_report(env, verdict);
	else if (!err)
		kps_report_warnings(env, verdict);
	if (err)
		kps_proof_free(proof, host);
	kps_arena_free(&env->work);
	kps_arena_free(&env->arena);
	kps_host_scratch_free(host, env, env->bytes);
	return err;
}

void kps_proof_free(struct kps_proof *proof, const struct kps_host *host)
{
	if (proof->subprogs)
		host->free(host->priv, proof->subprogs, proof_bytes(proof));
	*proof = (struct kps_proof){ .aux = NULL };
}
