/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - internal: what the verifier's files share during one verification */
#ifndef KPS_ENV_H
#define KPS_ENV_H

#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/types.h>
#include <linux/kapsel.h>

#include "core/cfg.h"
#include "core/diag.h"
#include "core/state.h"
#include "core/verifier.h"

#define KPS_MAX_WARNINGS	64
#define KPS_POINTER_LIMIT	0x200000000LL	/* a pointer's distance from its object */
#define KPS_WIDE_OFFSET		0x100000000LL	/* ... in a loop's invariant, at most */
#define KPS_MAX_SPAN		0x20000000LL	/* bytes of a helper's memory argument */

#define KPS_MAX_LINKS		64	/* told apart when states are compared */
#define KPS_MAX_NIDS		32
#define KPS_INNER		KAPSEL_MAX_MAPS	/* the maps in map n are map n + KPS_INNER */
#define KPS_MAP_STEP		2	/* maps that room is made for at once */

/**
 * struct kps_pair - ids of two states that play the same part
 * @a: id in the one state, 0: the constant 0
 * @b: id in the other
 * @shift: difference of the values' deltas, @a's minus @b's
 * @id: the id of the pair in a joined state
 * @exact: some value has an exact link by this pair
 */
struct kps_pair {
	u32 a;
	u32 b;
	s64 shift;
	u32 id;
	bool exact;
};

/** struct kps_pairs - scratch memory of one comparison or join */
struct kps_pairs {
	u32 nr;
	u32 max;
	struct kps_pair pair[];
};

/**
 * struct kps_node - a decision on the way to a state
 * @parent: the one before
 * @insn: where
 * @event: KAPSEL_STEP_*
 * @traced: @facts has the register concerned; only while a refusal is retraced
 * @outcome: as in struct kapsel_rec_step
 * @facts: none or one
 */
struct kps_node {
	const struct kps_node *parent;
	u32 insn:20;
	u32 event:11;
	u32 traced:1;
	u32 outcome;
	struct kapsel_facts facts[];
};

static_assert(KAPSEL_MAX_INSNS <= 1 << 20);

#define KPS_PLACES_A_FRAME	(KPS_FP + KPS_NR_SLOTS)

/**
 * struct kps_anchor - what a loop measures the value at a place from
 * @id: 0: there is no value
 * @delta: the value minus that of @id
 */
struct kps_anchor {
	u32 id;
	s64 delta;
};

/** struct kps_thresholds - sorted constants, unsigned and signed */
struct kps_thresholds {
	u64 *u;
	s64 *s;
	u32 nr;
	u32 most;
};

struct kps_live;

/** enum kps_widening - what a join makes of values that differ */
enum kps_widening {
	KPS_JOIN,		/* the smallest set around both */
	KPS_WIDEN,		/* one that ends at constants of the program */
	KPS_FORGET,		/* anything */
};

/**
 * struct kps_env - one verification
 * @in: the program
 * @type: its type's row
 * @host: callbacks
 * @bytes: of this allocation: what follows is lent to the arenas
 * @arena: what lasts through the verification
 * @work: what lasts through one rung of the ladder; at first, scratch of cfg.c
 * @pool: states; on @work
 * @cfg: control flow; on @arena
 * @live: for each block: what may be read before it is written
 * @proof: what is found out
 * @maps: facts of the program's maps, and of those in them; there when the first is
 * @nr_maps: how many
 * @visits: for each block: how often a state ran through it
 * @visited: instructions, all visits
 * @polled: @visited when the host was last asked
 * @limit_visited: the budget
 * @ceiling: most instructions a run may take
 * @width: most states kept apart at a join; 0: no joins
 * @ran: this is not the first rung
 * @trace: keep facts in nodes
 * @problem: the refusal
 * @problem_path: how the refused state came there
 * @problem_joined: that state stood for several paths
 * @warnings: of this pass; there when the first is
 * @nr_warnings: how many
 * @unjudged: loops being explored whose checks do not count yet
 * @acquired: an instruction that takes a reference, plus one; 0: there is none
 * @walk: for each loop: nothing bounds it, so it is walked
 * @thresholds: constants of the program, where widening stops; see widen.c
 * @above: for bounds that grow, those of the loop whose head is being widened
 * @below: for bounds that fall
 * @anchors: scratch of measure.c; on @work
 * @shifted: a number before the first of two shifts that extend it; check_alu.c
 * @shifted_for: where the second one is; 0: nowhere
 * @last_miss: the register by which a state was last outside of another
 * @moved_only: registers of the top frame whose numbers kps_state_in() skips
 * @skipped: it skipped one that is not inside
 * @links: scratch of lattice.c
 * @nids: scratch of lattice.c
 */
struct kps_env {
	const struct kps_prog_in *in;
	const struct kps_prog_type *type;
	const struct kps_host *host;
	size_t bytes;
	struct kps_arena arena;
	struct kps_arena work;
	struct kps_pool pool;
	struct kps_cfg cfg;
	struct kps_live *live;
	struct kps_proof *proof;
	struct kps_map_facts *maps;
	u32 nr_maps;
	u32 *visits;
	u64 visited;
	u64 polled;
	u64 limit_visited;
	u64 ceiling;
	u32 width;
	bool ran;
	bool trace;
	struct kapsel_rec_problem problem;
	const struct kps_node *problem_path;
	bool problem_joined;
	struct kapsel_rec_problem *warnings;
	u32 nr_warnings;
	u32 unjudged;
	u32 acquired;
	u8 *walk;
	struct kps_thresholds thresholds;
	struct kps_thresholds above;
	struct kps_thresholds below;
	struct kps_anchor *anchors;
	struct kps_reg shifted;
	u32 shifted_for;
	u32 last_miss;
	u16 moved_only;
	bool skipped;
	struct kps_pairs *links;
	struct kps_pairs *nids;
};

/**
 * struct kps_at - where the verifier is
 * @env: the verification
 * @s: the state, its top frame its own
 * @pc: the instruction
 * @end: one past the last slot of the block that is being run
 */
struct kps_at {
	struct kps_env *env;
	struct kps_state *s;
	u32 pc;
	u32 end;
};

static inline struct kps_reg *kps_reg_at(const struct kps_at *at, u32 n)
{
	return &kps_top(at->s)->reg[n];
}

static inline const struct bpf_insn *kps_insn_at(const struct kps_at *at)
{
	return &at->env->in->insns[at->pc];
}

static inline struct kps_insn_aux *kps_aux_at(const struct kps_at *at)
{
	return &at->env->proof->aux[at->pc];
}

/** kps_is_inner - of a map's index: no certain map, but one in map @map - KPS_INNER */
static inline bool kps_is_inner(u32 map)
{
	return map >= KPS_INNER;
}

/** kps_forgive - a refusal in a pass that is not judged is none */
static inline int kps_forgive(const struct kps_env *env, int err)
{
	return err == -EACCES && env->unjudged ? 0 : err;
}

/** kps_tick - count @n instructions; 0, -E2BIG or poll's answer */
int kps_tick(const struct kps_at *at, u32 n);

#endif
