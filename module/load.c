// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - loading: from the caller's instructions to a program */

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/license.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "answer.h"
#include "device.h"
#include "engine.h"
#include "helpers.h"
#include "log.h"
#include "map.h"
#include "prog.h"
#include "scratch.h"
#include "skbctx.h"
#include "maps/prog_array.h"
#include "core/diag.h"
#include "core/rewrite.h"
#include "core/verifier.h"

#define MAPS_AT_ONCE	4	/* that room is made for */

/**
 * struct kps_load - a load on its way
 * @prog: in the making
 * @answer: what the caller will be told
 * @fds: the fd by which each map was first found
 * @deadline: for the verifier, ktime_get_ns()
 */
struct kps_load {
	struct kps_prog *prog;
	struct kps_answer answer;
	s32 fds[KAPSEL_MAX_MAPS];
	u64 deadline;
};

static void *host_alloc(void *priv, size_t size)
{
	if (size > INT_MAX)
		return NULL;
	return kvzalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
}

static void host_free(void *priv, void *mem, size_t size)
{
	kvfree(mem);
}

/* For those who only free. */
const struct kps_host kps_memory_host = {
	.alloc = host_alloc,
	.free = host_free,
};

static int index_of_map(const struct kps_prog *prog, const struct kps_map *map)
{
	u32 i;

	for (i = 0; i < prog->nr_maps; i++)
		if (prog->maps[i] == map)
			return i;
	return -ENOENT;
}

/* Most programs have few maps, and keep the array as long as they live. */
static int room_for_map(struct kps_prog *prog)
{
	struct kps_map **maps;

	if (prog->nr_maps == KAPSEL_MAX_MAPS)
		return -E2BIG;
	if (prog->nr_maps % MAPS_AT_ONCE)
		return 0;
	maps = krealloc_array(prog->maps, prog->nr_maps + MAPS_AT_ONCE, sizeof(*maps),
			      GFP_KERNEL_ACCOUNT);
	if (!maps)
		return -ENOMEM;
	prog->maps = maps;
	return 0;
}

/* Takes over the reference to @map. */
static int add_map(struct kps_load *load, struct kps_map *map, s32 fd)
{
	struct kps_prog *prog = load->prog;
	int index = index_of_map(prog, map), err;

	if (index >= 0) {
		kps_map_put(map);
		return index;
	}
	err = room_for_map(prog);
	if (err) {
		kps_map_put(map);
		return err;
	}
	load->fds[prog->nr_maps] = fd;
	prog->maps[prog->nr_maps] = map;
	return prog->nr_maps++;
}

/*
 * An fd that was seen before keeps its meaning for the whole load, even if the
 * caller's other threads close it and open something else meanwhile.
 */
static int find_fd(const struct kps_load *load, s32 fd)
{
	u32 i;

	for (i = 0; i < load->prog->nr_maps; i++)
		if (load->fds[i] == fd)
			return i;
	return -ENOENT;
}

static int host_map(void *priv, s32 fd, struct kps_map_facts *facts)
{
	struct kps_load *load = priv;
	int index = find_fd(load, fd);
	struct kps_map *map;

	if (index < 0) {
		map = kps_map_by_fd(fd);
		if (IS_ERR(map))
			return PTR_ERR(map);
		index = add_map(load, map, fd);
		if (index < 0)
			return index;
	}
	map = load->prog->maps[index];
	*facts = (struct kps_map_facts){
		.type = map->type->type,
		.key_size = map->key_size,
		.value_size = map->value_size,
		.max_entries = map->max_entries,
		.flags = map->flags,
		.frozen = READ_ONCE(map->frozen),
		.prog_type = kps_prog_array_type(map),
		.inner = map->inner,
		.lock_size = map->lock_size,
		.lock_off = map->lock_off,
	};
	return index;
}

/* What is frozen and read-only for programs never changes again. */
static int host_map_read(void *priv, u32 index, u32 off, u32 size, u64 *val)
{
	struct kps_load *load = priv;
	struct kps_map *map;
	const void *at;

	if (index >= load->prog->nr_maps)
		return -EINVAL;
	map = load->prog->maps[index];
	if (!READ_ONCE(map->frozen) || !(map->flags & BPF_F_RDONLY_PROG) ||
	    map->max_entries != 1 || !map->ops->direct)
		return -EINVAL;
	if (size > map->value_size || off > map->value_size - size)
		return -ERANGE;
	at = map->ops->direct(map) + off;
	switch (size) {
	case 1:
		*val = *(const u8 *)at;
		return 0;
	case 2:
		*val = *(const u16 *)at;
		return 0;
	case 4:
		*val = *(const u32 *)at;
		return 0;
	case 8:
		*val = *(const u64 *)at;
		return 0;
	}
	return -EINVAL;
}

static void host_emit(void *priv, const void *rec, u32 size)
{
	struct kps_load *load = priv;

	kps_answer_emit(&load->answer, rec, size);
}

static int host_poll(void *priv)
{
	struct kps_load *load = priv;

	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;
	return ktime_get_ns() > load->deadline ? -ETIME : 0;
}

static u64 target_map(void *priv, u32 map)
{
	struct kps_load *load = priv;

	return (unsigned long)load->prog->maps[map];
}

static u64 target_map_value(void *priv, u32 index)
{
	struct kps_load *load = priv;
	struct kps_map *map = load->prog->maps[index];

	/* The verifier takes addresses of KAPSEL_MAP_OP_DIRECT types only. */
	if (WARN_ON_ONCE(!map->ops->direct))
		return 0;
	return (unsigned long)map->ops->direct(map);
}

static const struct kps_view *target_view(void *priv, u32 index)
{
	struct kps_load *load = priv;
	struct kps_map *map = load->prog->maps[index];

	return map->ops->view ? map->ops->view(map) : NULL;
}

static kps_helper_fn target_body(void *priv, u32 index, u32 id)
{
	struct kps_load *load = priv;
	const struct kps_map_ops *ops = load->prog->maps[index]->ops;

	switch (id) {
	case BPF_FUNC_map_lookup_elem:
		return ops->lookup_body;
	case BPF_FUNC_map_update_elem:
		return ops->update_body;
	case BPF_FUNC_map_push_elem:
		return ops->push_body;
	case BPF_FUNC_map_pop_elem:
		return ops->pop_body;
	default:
		return NULL;
	}
}

static kps_helper_fn target_helper(void *priv, u32 id)
{
	return kps_helper_body(id);
}

static bool calls(const struct kps_prog *prog, u32 helper)
{
	u32 i;

	for (i = 0; i < prog->insn_cnt; i++) {
		const struct bpf_insn *insn = &prog->insns[i];

		if (insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg &&
		    insn->imm == helper)
			return true;
	}
	return false;
}

/* A format's %s is a read, too: kernel_read tells it. */
static int check_lockdown(struct kps_load *load)
{
	static const u32 readers[] = {
		BPF_FUNC_probe_read, BPF_FUNC_probe_read_str,
		BPF_FUNC_probe_read_kernel, BPF_FUNC_probe_read_kernel_str,
	};
	struct kps_prog *prog = load->prog;
	int i;

	if (prog->type->type != KAPSEL_PROG_KPROBE)
		return 0;
	prog->kernel_read = !security_locked_down(LOCKDOWN_BPF_READ_KERNEL);
	for (i = 0; i < ARRAY_SIZE(readers) && !prog->kernel_read; i++)
		if (calls(prog, readers[i]))
			return kps_answer_refuse(&load->answer, KPS_D_LOCKDOWN,
						 readers[i], -EPERM);
	return 0;
}

static int rewrite(struct kps_load *load, const struct kps_prog_in *in,
		   const struct kps_proof *proof, const struct kps_host *host)
{
	struct kps_target target = {
		.map = target_map,
		.map_value = target_map_value,
		.view = target_view,
		.helper = target_helper,
		.body = target_body,
		.priv = load,
	};

	if (in->prog_type == KAPSEL_PROG_NETFILTER)
		target.ctx = kps_skb_slots;
	return kps_rewrite(in, proof, &target, host, &load->prog->code);
}

/* The caller's fds mean nothing later on; the order of the maps does. */
static void name_maps_by_index(struct kps_load *load)
{
	struct kps_prog *prog = load->prog;
	struct bpf_insn *insn;
	u32 i;

	for (i = 0; i < prog->insn_cnt; i++) {
		insn = &prog->insns[i];
		if (insn->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (insn->src_reg == BPF_PSEUDO_MAP_FD ||
		    insn->src_reg == BPF_PSEUDO_MAP_VALUE)
			insn->imm = find_fd(load, insn->imm);
		i++;
	}
}

static void take_facts(struct kps_prog *prog, const struct kps_proof *proof)
{
	prog->fuel = proof->max_insns;
	prog->metered = proof->metered;
	prog->ctx_read = proof->ctx_read;
	prog->ctx_written = proof->ctx_written;
	prog->writes_packet = proof->writes_packet;
	prog->changes_packet = proof->writes_packet || proof->changes_packet;
	prog->tail_calls = proof->tail_calls;
	/* Which hook it is, the helper asks. */
	if (calls(prog, BPF_FUNC_get_local_storage))
		prog->ctx_read |= KPS_SKB_BIT(hook);
	/* Whatever the programs that it leads to look at, or change. */
	if (proof->tail_calls) {
		prog->ctx_read = U64_MAX;
		prog->ctx_written = U64_MAX;
		prog->writes_packet = prog->type->type == KAPSEL_PROG_NETFILTER;
		prog->changes_packet = prog->writes_packet;
	}
	prog->stack_depth = proof->stack_depth;
	prog->memory = sizeof(*prog) + prog->insn_cnt * sizeof(*prog->insns) +
		       ALIGN(prog->nr_maps, MAPS_AT_ONCE) * sizeof(*prog->maps) +
		       kps_log_memory(prog->log);
}

/* What the verifier saw of an array may be another's by now. */
static int claim_arrays(struct kps_load *load)
{
	struct kps_prog *prog = load->prog;
	u32 i;

	for (i = 0; i < prog->nr_maps; i++)
		if (!kps_prog_array_claim(prog->maps[i], prog->type->type))
			return kps_answer_refuse(&load->answer, KPS_D_TAIL_TYPE,
						 kps_prog_array_type(prog->maps[i]), -EACCES);
	return 0;
}

static int choose_engine(struct kps_load *load, u32 asked,
			 const struct kps_prog_in *in, const struct kps_proof *proof)
{
	struct kps_prog *prog = load->prog;
	int err = kps_engine_choose(prog, asked, in, proof);

	if (err != -EOPNOTSUPP)
		return err;
	load->answer.log->verdict.insn = prog->why_insn;
	return kps_answer_refuse(&load->answer, KPS_D_ENGINE, prog->why, err);
}

static int verify(struct kps_load *load, struct kapsel_prog_load *arg)
{
	const struct kps_host host = {
		.alloc = host_alloc,
		.free = host_free,
		.scratch = kps_scratch_alloc,
		.scratch_free = kps_scratch_free,
		.map = host_map,
		.map_read = host_map_read,
		.emit = host_emit,
		.poll = host_poll,
		.priv = load,
	};
	const struct kps_prog_in in = {
		.insns = load->prog->insns,
		.insn_cnt = arg->insn_cnt,
		.prog_type = arg->prog_type,
		.gpl = license_is_gpl_compatible(arg->license),
		.metered = arg->flags & KAPSEL_PROG_METERED,
		.ceiling = arg->ceiling,
		.budget_insns = arg->budget_insns,
		.budget_bytes = arg->budget_bytes,
	};
	struct kps_proof proof = {};
	u64 start = ktime_get_ns();
	int err;

	load->deadline = start + NSEC_PER_MSEC *
			 (arg->budget_ms ?: KPS_DEFAULT_BUDGET_MS);
	err = kps_verify(&in, &host, &arg->log.verdict, &proof);
	if (err)
		return err;
	load->prog->verify_ns = ktime_get_ns() - start;
	err = check_lockdown(load) ?: claim_arrays(load) ?: rewrite(load, &in, &proof, &host);
	if (!err) {
		take_facts(load->prog, &proof);
		err = choose_engine(load, arg->engine, &in, &proof);
	}
	kps_proof_free(&proof, &host);
	return err;
}

static int copy_program(struct kps_load *load, struct kapsel_prog_load *arg)
{
	struct kps_prog *prog = load->prog;

	if (!arg->insn_cnt || arg->insn_cnt > KAPSEL_MAX_INSNS)
		return kps_answer_refuse(&load->answer, KPS_D_SIZE,
					 arg->insn_cnt, -EINVAL);
	prog->insns = kvmalloc_array(arg->insn_cnt, sizeof(*prog->insns),
				     GFP_KERNEL_ACCOUNT);
	if (!prog->insns)
		return -ENOMEM;
	prog->insn_cnt = arg->insn_cnt;
	if (copy_from_user(prog->insns, u64_to_user_ptr(arg->insns),
			   arg->insn_cnt * sizeof(*prog->insns)))
		return -EFAULT;
	if (calls(prog, BPF_FUNC_trace_printk) || calls(prog, BPF_FUNC_trace_vprintk)) {
		prog->log = kps_log_new();
		if (!prog->log)
			return -ENOMEM;
	}
	return 0;
}

static int check_arg(const struct kapsel_prog_load *arg)
{
	if (arg->flags & ~KAPSEL_PROG_METERED || arg->__reserved || arg->engine > KAPSEL_ENGINE_JIT)
		return -EINVAL;
	if (strnlen(arg->license, KAPSEL_LICENSE_LEN) == KAPSEL_LICENSE_LEN)
		return -EINVAL;
	return kps_name_check(arg->name);
}

static int check_type(struct kps_load *load, const struct kapsel_prog_load *arg)
{
	int missing;
	u32 why;

	load->prog->type = kps_prog_type_find(arg->prog_type);
	if (!load->prog->type)
		return kps_answer_refuse(&load->answer, KPS_D_PROG_TYPE,
					 arg->prog_type, -EINVAL);
	if (kps_prog_may_use(arg->prog_type, &missing))
		return kps_answer_missing(&load->answer, missing);
	why = kps_engine_missing(arg->engine);
	if (why)
		return kps_answer_refuse(&load->answer, KPS_D_ENGINE, why,
					 -EOPNOTSUPP);
	return 0;
}

static int load_prog(struct kps_load *load, struct kps_call *call)
{
	struct kapsel_prog_load *arg = call->arg;
	int err;

	err = check_arg(arg) ?:
	      check_type(load, arg) ?:
	      copy_program(load, arg) ?:
	      verify(load, arg);
	if (err)
		return err;
	name_maps_by_index(load);
	return kps_object_publish(&load->prog->obj, 0, call);
}

int kps_prog_load(struct kps_call *call)
{
	struct kapsel_prog_load *arg = call->arg;
	struct kps_load *load;
	int err, missing;

	load = kzalloc(sizeof(*load), GFP_KERNEL_ACCOUNT);
	if (!load)
		return -ENOMEM;
	err = kps_answer_begin(&load->answer, &arg->log);
	if (err)
		goto free_load;
	err = -ENOMEM;
	load->prog = kzalloc(sizeof(*load->prog), GFP_KERNEL_ACCOUNT);
	if (!load->prog)
		goto end_answer;
	kps_object_init(&load->prog->obj, &kps_prog_kind, arg->name);
	/* What the type needs beside comes with the type. */
	if (kps_prog_may_use(0, &missing))
		err = kps_answer_missing(&load->answer, missing);
	else
		err = load_prog(load, call);
	kps_object_put(&load->prog->obj);
end_answer:
	err = kps_answer_end(&load->answer, err);
free_load:
	kfree(load);
	return err;
}
