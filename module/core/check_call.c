// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - helper calls: may it be called, do the arguments fit, what comes back */

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/check.h"
#include "core/format.h"
#include "core/report.h"
#include "core/stack.h"

/**
 * struct call - a helper call being checked
 * @at: where
 * @helper: its row
 * @map: index of the map argument, KPS_NONE before there was one
 */
struct call {
	const struct kps_at *at;
	const struct kps_helper *helper;
	u32 map;
};

static struct kapsel_rec_problem *refuse_arg(const struct call *c, u32 code, u32 n)
{
	struct kapsel_rec_problem *p = kps_refuse(c->at, code, n);

	p->helper = c->helper->id;
	p->arg = n;
	return p;
}

static int wrong_arg(const struct call *c, u32 n)
{
	u32 code = kps_pointer_fault(kps_reg_at(c->at, n));

	refuse_arg(c, code ?: KPS_D_HELPER_ARG, n)->detail = c->helper->args[n - 1];
	return -EACCES;
}

static int span_arg(const struct call *c, u32 n, u64 min, u64 max, u8 access)
{
	struct kps_access a = {
		.reg = n, .size = max, .min_size = min, .access = access,
		.helper = c->helper->id, .arg = n,
	};

	return kps_check_span(c->at, &a);
}

static bool writes_map(u32 helper)
{
	return helper == BPF_FUNC_map_update_elem || helper == BPF_FUNC_map_delete_elem ||
	       helper == BPF_FUNC_map_push_elem || helper == BPF_FUNC_map_pop_elem;
}

static bool reads_map(const struct kps_helper *helper)
{
	return helper->ret == KPS_RET_VALUE_OR_NULL || helper->args[1] == KPS_ARG_VALUE_OUT;
}

/*
 * Of a map of maps, lookups are all there is to programs; of a cgroup's storage, what
 * gives its value.
 */
static bool has_operation(const struct kps_helper *helper, const struct kps_map_type *type)
{
	u32 ops = type ? type->ops : 0;

	if (helper->id == BPF_FUNC_map_lookup_elem && ops & KAPSEL_MAP_OP_MAPS)
		return true;
	if (ops & KAPSEL_MAP_OP_LOCAL)
		return helper->map_op == KAPSEL_MAP_OP_LOCAL;
	return type && (helper->map_op & ops) == helper->map_op;
}

static int map_arg(struct call *c, u32 n)
{
	const struct kps_reg *reg = kps_reg_at(c->at, n);
	const struct kps_map_facts *map;
	const struct kps_map_type *type;
	u32 code = 0;

	if (reg->kind != KAPSEL_KIND_MAP || kps_pointer_fault(reg))
		return wrong_arg(c, n);
	map = &c->at->env->maps[reg->object];
	type = kps_map_type_find(map->type);
	if (!has_operation(c->helper, type))
		code = KPS_D_HELPER_MAP;
	else if (writes_map(c->helper->id) && map->flags & BPF_F_RDONLY_PROG)
		code = KPS_D_READ_ONLY;
	else if (reads_map(c->helper) && map->flags & BPF_F_WRONLY_PROG)
		code = KPS_D_WRITE_ONLY;
	if (code) {
		refuse_arg(c, code, n)->detail = map->type;
		return -EACCES;
	}
	c->map = reg->object;
	return 0;
}

/* A number of bytes that no NULL has. */
static bool no_bytes_of_null(const struct call *c, u32 n)
{
	u8 kind = c->helper->args[n - 2];
	u64 address;

	return (kind == KPS_ARG_MEM_OR_NULL || kind == KPS_ARG_TEXT_OR_NULL) &&
	       kps_is_const(kps_reg_at(c->at, n - 1), &address) && !address &&
	       !kps_reg_at(c->at, n)->val.r64.umax;
}

/*
 * What keeps some of its bytes must have been initialised, unless old stack may be
 * read: then it counts as written, which needs no warning.
 */
static int text_arg(const struct call *c, u32 n, u64 min, u64 max)
{
	bool written = c->at->env->type->leaks;

	return span_arg(c, n, min, max, written ? KAPSEL_ACCESS_WRITE : KAPSEL_ACCESS_READ) ?:
	       span_arg(c, n, min, max, written ? KAPSEL_ACCESS_READ : KAPSEL_ACCESS_WRITE);
}

/* What a dynptr stands for is read and written by it, as long as the map is there. */
static int value_memory_arg(const struct call *c, u32 n, u64 min, u64 max)
{
	const struct kps_reg *reg = kps_reg_at(c->at, n);

	if (reg->kind != KAPSEL_KIND_MAP_VALUE || kps_pointer_fault(reg))
		return wrong_arg(c, n);
	return span_arg(c, n, min, max, KAPSEL_ACCESS_READ) ?:
	       span_arg(c, n, min, max, KAPSEL_ACCESS_WRITE);
}

static int memory_arg(const struct call *c, u32 n, u64 min, u64 max)
{
	switch (c->helper->args[n - 1]) {
	case KPS_ARG_TEXT_OR_NULL:
		return text_arg(c, n, min, max);
	case KPS_ARG_MEM_OUT:
		return span_arg(c, n, min, max, KAPSEL_ACCESS_WRITE);
	case KPS_ARG_VALUE_MEM:
		return value_memory_arg(c, n, min, max);
	default:
		return span_arg(c, n, min, max, KAPSEL_ACCESS_READ);
	}
}

static int size_arg(const struct call *c, u32 n, s64 least)
{
	const struct kps_reg *reg = kps_reg_at(c->at, n);
	const struct kps_range *r = &reg->val.r64;
	struct kapsel_rec_problem *p;

	if (reg->kind != KAPSEL_KIND_SCALAR)
		return wrong_arg(c, n);
	if (no_bytes_of_null(c, n))
		return 0;
	if (r->smin >= least && r->smax <= KPS_MAX_SPAN)
		return memory_arg(c, n - 1, r->umin, r->umax);
	p = refuse_arg(c, KPS_D_HELPER_SIZE, n);
	p->half = r->smin >= least ? KAPSEL_HALF_UPPER : KAPSEL_HALF_LOWER;
	if (r->smin < least && r->smax > KPS_MAX_SPAN)
		p->half = KAPSEL_HALF_BOTH;
	p->need_min = least;
	p->need_max = KPS_MAX_SPAN;
	return -EACCES;
}

static int const_arg(const struct call *c, u32 n, u64 most)
{
	struct kapsel_rec_problem *p;
	u64 val;

	if (kps_is_const(kps_reg_at(c->at, n), &val) && val <= most)
		return 0;
	p = refuse_arg(c, KPS_D_HELPER_CONST, n);
	p->need_max = (s64)most;
	return -EACCES;
}

/* So many arguments of a format, 8 bytes each. */
static int words_arg(const struct call *c, u32 n)
{
	int err = const_arg(c, n, 8 * KPS_FORMAT_ARGS);

	if (err)
		return err;
	if (!(kps_reg_at(c->at, n)->val.bits.value % 8))
		return size_arg(c, n, 0);
	refuse_arg(c, KPS_D_HELPER_SIZE, n);
	return -EACCES;
}

static int record_arg(const struct call *c, u32 n)
{
	const struct kps_reg *reg = kps_reg_at(c->at, n);

	if (kps_pointer_fault(reg) || !kps_is_pointer(reg))
		return wrong_arg(c, n);
	if (reg->kind == KAPSEL_KIND_RINGBUF && kps_ref_held(c->at->s, reg->ref) &&
	    kps_scalar_is_const(&reg->val) && !reg->val.bits.value)
		return 0;
	refuse_arg(c, KPS_D_REF_NONE, n);
	return -EACCES;
}

static int ctx_arg(const struct call *c, u32 n)
{
	const struct kps_reg *reg = kps_reg_at(c->at, n);

	if (reg->kind == KAPSEL_KIND_CTX && kps_scalar_is_const(&reg->val) &&
	    !reg->val.bits.value)
		return 0;
	return wrong_arg(c, n);
}

static int socket_arg(const struct call *c, u32 n)
{
	const struct kps_reg *reg = kps_reg_at(c->at, n);

	if (reg->kind == KAPSEL_KIND_SOCKET && !kps_pointer_fault(reg) &&
	    reg->object != KAPSEL_SOCK_TCP && kps_scalar_is_const(&reg->val) &&
	    !reg->val.bits.value)
		return 0;
	return wrong_arg(c, n);
}

static int callback_arg(const struct call *c, u32 n)
{
	if (kps_reg_at(c->at, n)->kind == KAPSEL_KIND_FUNC)
		return 0;
	refuse_arg(c, KPS_D_CALLBACK, n);
	return -EACCES;
}

static int callback_ctx_arg(const struct call *c, u32 n)
{
	const struct kps_reg *reg = kps_reg_at(c->at, n);
	u64 val;

	if (reg->kind == KAPSEL_KIND_STACK || (kps_is_const(reg, &val) && !val))
		return 0;
	return wrong_arg(c, n);
}

static int any_arg(const struct call *c, u32 n)
{
	const struct kps_reg *reg = kps_reg_at(c->at, n);

	if (reg->kind == KAPSEL_KIND_UNUSABLE)
		return wrong_arg(c, n);
	return kps_check_leak(c->at, n);
}

/*
 * An argument that is not given is whatever is left in the register, so the engines
 * clear it: on every path, if there is one that does not give it.
 */
static int maybe_arg(const struct call *c, u32 n)
{
	struct kps_insn_aux *aux = kps_aux_at(c->at);

	if (kps_reg_at(c->at, n)->kind != KAPSEL_KIND_UNINIT)
		return any_arg(c, n);
	aux->kind = KPS_AUX_ARGS;
	aux->arg |= BIT(n);
	return 0;
}

/* A set is asked for a value; from what is popped from, values come. */
static u8 value_access(const struct call *c)
{
	const struct kps_map_type *type = kps_map_type_find(c->at->env->maps[c->map].type);

	return type->ops & KAPSEL_MAP_OP_POP ? KAPSEL_ACCESS_WRITE : KAPSEL_ACCESS_READ;
}

static int check_arg(struct call *c, u32 n)
{
	switch (c->helper->args[n - 1]) {
	case KPS_ARG_ANY:
		return any_arg(c, n);
	case KPS_ARG_MAYBE:
		return maybe_arg(c, n);
	case KPS_ARG_CTX:
	case KPS_ARG_CTX_CHANGED:
	case KPS_ARG_CTX_WRITTEN:
		return ctx_arg(c, n);
	case KPS_ARG_MAP:
		return map_arg(c, n);
	case KPS_ARG_KEY:
		return span_arg(c, n, c->at->env->maps[c->map].key_size,
				c->at->env->maps[c->map].key_size, KAPSEL_ACCESS_READ);
	case KPS_ARG_VALUE:
		return span_arg(c, n, c->at->env->maps[c->map].value_size,
				c->at->env->maps[c->map].value_size, KAPSEL_ACCESS_READ);
	case KPS_ARG_VALUE_OUT:
		return span_arg(c, n, c->at->env->maps[c->map].value_size,
				c->at->env->maps[c->map].value_size, value_access(c));
	case KPS_ARG_SIZE:
		return size_arg(c, n, 1);
	case KPS_ARG_SIZE0:
		return size_arg(c, n, 0);
	case KPS_ARG_CONST_SIZE:
		return const_arg(c, n, KPS_MAX_SPAN);
	case KPS_ARG_ZERO:
		return const_arg(c, n, 0);
	case KPS_ARG_STRING:
	case KPS_ARG_FORMAT:
		return kps_check_string(c->at, c->helper->id, n);
	case KPS_ARG_WORDS_SIZE:
		return words_arg(c, n);
	case KPS_ARG_RECORD:
		return record_arg(c, n);
	case KPS_ARG_LOCK:
		return kps_check_lock(c->at);
	case KPS_ARG_SOCKET:
		return socket_arg(c, n);
	case KPS_ARG_DYNPTR:
	case KPS_ARG_DYNPTR_OUT:
	case KPS_ARG_DYNPTR_RECORD:
		return kps_check_dynptr(c->at, c->helper, n);
	case KPS_ARG_CALLBACK:
		return callback_arg(c, n);
	case KPS_ARG_CALLBACK_CTX:
		return callback_ctx_arg(c, n);
	default:
		return 0;	/* memory: checked with its size */
	}
}

static int check_args(struct call *c)
{
	u32 n;
	int err = 0;

	for (n = 1; n <= 5 && !err && c->helper->args[n - 1] != KPS_ARG_NONE; n++)
		if (c->helper->args[n - 1] != KPS_ARG_MAYBE)
			err = kps_check_init(c->at, n);
	for (n = 1; n <= 5 && !err && c->helper->args[n - 1] != KPS_ARG_NONE; n++)
		err = check_arg(c, n);
	return err;
}

/* The first word of the key that r2 points to, if it is on the stack and known. */
static u32 index_of(const struct call *c)
{
	const struct kps_map_facts *map = &c->at->env->maps[c->map];
	const struct kps_reg *key = kps_reg_at(c->at, 2);
	struct kps_range word;

	if (c->helper->id != BPF_FUNC_map_lookup_elem || key->kind != KAPSEL_KIND_STACK ||
	    !kps_scalar_is_const(&key->val) || map->key_size < sizeof(u32) ||
	    !kps_stack_word(c->at, key->object, key->val.r64.smin, &word))
		return KPS_NO_INDEX;
	if (word.umin == word.umax && word.umax < KPS_SOME_INDEX)
		return (u32)word.umax;
	return word.umax < map->max_entries ? KPS_SOME_INDEX : KPS_NO_INDEX;
}

static bool is_inside(const struct call *c, u32 index)
{
	return index == KPS_SOME_INDEX || index < c->at->env->maps[c->map].max_entries;
}

static u32 join_index(const struct call *c, u32 a, u32 b)
{
	if (a == b)
		return a;
	return is_inside(c, a) && is_inside(c, b) ? KPS_SOME_INDEX : KPS_NO_INDEX;
}

/* The engines rely on what is the same on all paths. */
static void note_map(const struct call *c)
{
	struct kps_insn_aux *aux = kps_aux_at(c->at);
	u32 index;

	if (c->at->env->unjudged)
		return;
	/* Which of the maps it is, is not known before it runs. */
	if (kps_is_inner(c->map)) {
		aux->kind = KPS_AUX_MAPS_CALL;
		return;
	}
	index = index_of(c);
	if (aux->kind == KPS_AUX_NONE) {
		aux->kind = KPS_AUX_MAP_CALL;
		aux->map = (u16)c->map;
		aux->arg = index;
	}
	if (aux->map != c->map)
		aux->kind = KPS_AUX_MAPS_CALL;
	aux->arg = join_index(c, aux->arg, index);
}

/* Callbacks have a note of their own. */
static bool is_on_map(const struct kps_helper *helper)
{
	return helper->args[0] == KPS_ARG_MAP && helper->args[1] != KPS_ARG_CALLBACK;
}

static int refuse_helper(const struct kps_at *at, u32 code, u32 id)
{
	kps_refuse(at, code, KAPSEL_NO_REG)->helper = id;
	return -EACCES;
}

int kps_check_helper(const struct kps_at *at, const struct kps_helper **helper)
{
	u32 id = (u32)kps_insn_at(at)->imm;
	struct call c = { .at = at, .helper = kps_helper_find(id), .map = KPS_NONE };
	int err = 0;

	*helper = c.helper;
	if (!c.helper)
		return refuse_helper(at, KPS_D_HELPER, id);
	if (!(c.helper->progs & at->env->type->bit))
		return refuse_helper(at, KPS_D_HELPER_PROG, id);
	if (c.helper->gpl && !at->env->in->gpl)
		return refuse_helper(at, KPS_D_HELPER_GPL, id);
	if (id != BPF_FUNC_spin_unlock)
		err = kps_check_unlocked(at, KPS_D_LOCK_CALL);
	err = err ?: check_args(&c);
	if (!err && is_on_map(c.helper))
		note_map(&c);
	if (!err && id == BPF_FUNC_tail_call)
		err = kps_check_tail_call(at);
	if (!err && id == BPF_FUNC_snprintf)
		err = kps_check_format(at);
	return err;
}

void kps_make_stale(struct kps_reg *reg, void *arg)
{
	(void)arg;
	*reg = kps_reg_pointer(KAPSEL_KIND_UNUSABLE, 0, 0, reg->def);
	reg->flags = KPS_REG_STALE;
}

static bool has_ref(const struct kps_reg *reg, const void *arg)
{
	return reg->ref && reg->ref == *(const u32 *)arg;
}

int kps_release(const struct kps_at *at, u32 ref)
{
	kps_ref_drop(at->s, ref);
	return kps_state_each(&at->env->pool, at->s, has_ref, kps_make_stale, &ref) ? 0 : -ENOMEM;
}

static bool in_packet(const struct kps_reg *reg, const void *arg)
{
	(void)arg;
	return reg->kind == KAPSEL_KIND_PACKET || reg->kind == KAPSEL_KIND_PACKET_END;
}

/* Who may only look at packets may not run it. */
static void note_change(const struct kps_at *at)
{
	if (!at->env->unjudged)
		at->env->proof->changes_packet = true;
}

/* The packet may be elsewhere now, and shorter: in all frames, not only in the top one. */
static int change_packet(const struct kps_at *at)
{
	at->s->pkt_min = 0;
	at->s->nr_facts = 0;
	note_change(at);
	return kps_state_each(&at->env->pool, at->s, in_packet, kps_make_stale, NULL) ? 0 : -ENOMEM;
}

void kps_maybe_null(const struct kps_at *at, u8 kind, u32 object, struct kps_reg *out)
{
	*out = kps_reg_pointer(kind, (u16)object, 0, at->pc);
	out->flags = KAPSEL_FACT_MAYBE_NULL;
	out->nid = kps_new_id(&at->env->pool);
}

int kps_acquire(const struct kps_at *at, u32 *ref)
{
	*ref = kps_new_id(&at->env->pool);
	if (!at->env->unjudged)
		at->env->acquired = at->pc + 1;
	if (kps_ref_add(at->s, *ref))
		return 0;
	kps_refuse(at, KPS_D_REF_COUNT, KAPSEL_NO_REG);
	return -EACCES;
}

static int acquire_record(const struct kps_at *at, struct kps_reg *out)
{
	kps_maybe_null(at, KAPSEL_KIND_RINGBUF, 0, out);
	out->size = (u32)kps_reg_at(at, 2)->val.bits.value;
	return kps_acquire(at, &out->ref);
}

/* What is in a map: a value, or a map. */
static void look_up(const struct kps_at *at, u32 map, struct kps_reg *out)
{
	if (at->env->maps[map].inner.type) {
		kps_maybe_null(at, KAPSEL_KIND_MAP, map + KPS_INNER, out);
		return;
	}
	kps_maybe_null(at, KAPSEL_KIND_MAP_VALUE, map, out);
	out->ref = kps_value_ref(at->env, map);
}

/* What is always there. */
static void take_value(const struct kps_at *at, u32 map, struct kps_reg *out)
{
	*out = kps_reg_pointer(KAPSEL_KIND_MAP_VALUE, (u16)map, 0, at->pc);
	out->ref = kps_value_ref(at->env, map);
}

/* The largest size that the helper was given. */
static s64 most_bytes(const struct kps_at *at, const struct kps_helper *helper)
{
	u32 n = 1;

	while (helper->args[n - 1] != KPS_ARG_SIZE0)
		n++;
	return kps_reg_at(at, n)->val.r64.smax;
}

static int result_of(const struct kps_at *at, const struct kps_helper *helper,
		     struct kps_reg *out)
{
	switch (helper->ret) {
	case KPS_RET_VOID:
		*out = kps_reg_uninit();
		return 0;
	case KPS_RET_VALUE_OR_NULL:
		look_up(at, kps_reg_at(at, 1)->object, out);
		return 0;
	case KPS_RET_VALUE:
		take_value(at, kps_reg_at(at, 1)->object, out);
		return 0;
	case KPS_RET_RECORD_OR_NULL:
		return acquire_record(at, out);
	case KPS_RET_SOCK_OR_NULL:
		kps_maybe_null(at, KAPSEL_KIND_SOCKET, KAPSEL_SOCK_FULL, out);
		return 0;
	case KPS_RET_TCP_OR_NULL:
		kps_maybe_null(at, KAPSEL_KIND_SOCKET, KAPSEL_SOCK_TCP, out);
		return 0;
	case KPS_RET_SLICE_OR_NULL:
		kps_dynptr_slice(at, out);
		return 0;
	case KPS_RET_LEN:
		*out = kps_reg_scalar(kps_scalar_signed(-4095, most_bytes(at, helper)), at->pc);
		return 0;
	default:
		*out = kps_reg_scalar(kps_scalar_any(), at->pc);
		return 0;
	}
}

int kps_helper_result(const struct kps_at *at, const struct kps_helper *helper)
{
	struct kps_reg result;
	int err = result_of(at, helper, &result);
	u32 n;

	if (!err && helper->args[0] == KPS_ARG_RECORD)
		err = kps_release(at, kps_reg_at(at, 1)->ref);
	if (!err && helper->args[0] == KPS_ARG_CTX_CHANGED)
		err = change_packet(at);
	if (err)
		return err;
	if (helper->args[0] == KPS_ARG_CTX_WRITTEN)
		note_change(at);
	if (helper->args[0] == KPS_ARG_LOCK)
		kps_change_lock(at);
	*kps_reg_at(at, 0) = result;
	for (n = 1; n <= 5; n++)
		kps_reg_forget(kps_reg_at(at, n));
	return kps_path_add(at, KAPSEL_STEP_CALL, helper->id, 0);
}

int kps_step_helper(const struct kps_at *at)
{
	const struct kps_helper *helper;

	return kps_check_helper(at, &helper) ?: kps_helper_result(at, helper);
}

static int refuse_return(const struct kps_at *at, u32 code)
{
	struct kapsel_rec_problem *p = kps_refuse(at, code, 0);

	p->need_min = at->env->type->ret_min;
	p->need_max = at->env->type->ret_max;
	return -EACCES;
}

static void note_return(const struct kps_at *at, const struct kps_range *r)
{
	struct kps_proof *proof = at->env->proof;

	if (at->env->unjudged)
		return;
	proof->ret_min = min(proof->ret_min, r->smin);
	proof->ret_max = max(proof->ret_max, r->smax);
}

int kps_step_exit_main(const struct kps_at *at)
{
	const struct kps_prog_type *type = at->env->type;
	const struct kps_reg *r0 = kps_reg_at(at, 0);
	int err = kps_check_init(at, 0) ?: kps_check_unlocked(at, KPS_D_LOCK_HELD);

	if (err)
		return err;
	if (at->s->nr_refs) {
		kps_refuse(at, KPS_D_REF_LEAK, KAPSEL_NO_REG)->detail = at->s->ref[0];
		return -EACCES;
	}
	if (kps_is_pointer(r0) && !type->leaks)
		return refuse_return(at, KPS_D_RETURN_NUMBER);
	if (type->ret_min > type->ret_max || at->env->in->any_return)
		return 0;
	if (r0->val.r64.smin < type->ret_min || r0->val.r64.smax > type->ret_max)
		return refuse_return(at, KPS_D_RETURN_RANGE);
	note_return(at, &r0->val.r64);
	return 0;
}
