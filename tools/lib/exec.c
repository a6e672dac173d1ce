// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - a program run offline: verified, rewritten, interpreted */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/kernel.h>

#include "core/interp.h"
#include "core/rewrite.h"
#include "host.h"
#include "sim.h"

#define MAX_CTX 208
#define MAX_FIELDS 64

/**
 * struct context - what r1 points to
 * @raw: as the program sees it
 * @data: @data_end: the packet, as pointers of full width
 */
struct context {
	char raw[MAX_CTX] __aligned(8);
	u64 data;
	u64 data_end;
};

/**
 * struct part - a program of the run: the one asked for, or one that a tail call may
 *	lead to
 */
struct part {
	struct kapsel_offline *x;
	struct kl_host host;
	struct kps_prog_in in;
	struct kps_proof proof;
	struct kps_code *code;
};

/**
 * struct kapsel_offline - a program that can be run here
 * @obj: of the program
 * @main: the program, one of the parts
 * @parts: by index in the object, those that may run
 */
struct kapsel_offline {
	const struct kapsel_object *obj;
	struct part *main;
	struct kl_sim sim;
	struct part **parts;
	struct kps_ctx_slot slots[MAX_FIELDS];
	struct context ctx;
};

static struct kl_sim_map *map_of(const struct part *part, u32 map)
{
	return &part->x->sim.maps[part->host.maps[map]];
}

static u64 target_map(void *priv, u32 map)
{
	return (uintptr_t)map_of(priv, map);
}

static u64 target_map_value(void *priv, u32 map)
{
	return (uintptr_t)map_of(priv, map)->values;
}

static const struct kps_view *target_view(void *priv, u32 map)
{
	const struct kl_sim_map *sim = map_of(priv, map);

	return sim->map->type == BPF_MAP_TYPE_ARRAY ? &sim->view : NULL;
}

static kps_helper_fn target_body(void *priv, u32 map, u32 id)
{
	(void)priv;
	(void)map;
	(void)id;
	return NULL;
}

static kps_helper_fn target_helper(void *priv, u32 id)
{
	(void)priv;
	return kl_sim_helper(id);
}

/* Only packet pointers are elsewhere than the program sees them. */
static const struct kps_ctx_slot *fill_slots(struct kapsel_offline *x, u32 prog_type)
{
	const struct kps_prog_type *type = kps_prog_type_find(prog_type);
	u32 i;

	if (prog_type != KAPSEL_PROG_NETFILTER || type->nr_fields > MAX_FIELDS)
		return NULL;
	for (i = 0; i < type->nr_fields; i++) {
		const struct kps_ctx_field *field = &type->fields[i];

		x->slots[i].off = field->offset;
		x->slots[i].size = field->size > 8 ? 4 : field->size;
		if (!(field->flags & (KAPSEL_CTX_PACKET | KAPSEL_CTX_PACKET_END)))
			continue;
		x->slots[i].size = 8;
		x->slots[i].off = field->flags & KAPSEL_CTX_PACKET ?
				  offsetof(struct context, data) :
				  offsetof(struct context, data_end);
	}
	return x->slots;
}

static int make_map(struct kapsel_offline *x, u32 index, struct kapsel_error *err)
{
	const struct kapsel_map *map = kapsel_map_at(x->obj, index);

	if (!x->sim.maps[index].map && kl_sim_map_init(&x->sim.maps[index], map))
		return kl_fail(err, -ENOMEM, "no memory for map '%s'", map->name);
	return 0;
}

/* A map of maps, with those in it. */
static int make_maps(struct part *part, struct kapsel_error *err)
{
	u32 i, j;
	int ret = 0;

	for (i = 0; i < part->host.nr_maps && !ret; i++) {
		const struct kapsel_map *map = kapsel_map_at(part->x->obj, part->host.maps[i]);

		ret = make_map(part->x, part->host.maps[i], err);
		for (j = 0; map->inner && j < map->nr_initial && !ret; j++)
			ret = make_map(part->x, map->initial[j].target, err);
	}
	return ret;
}

/* Its own: the program may write to it, and a run finds what the one before left. */
static int make_packet(struct kapsel_offline *x, const struct kapsel_run_opts *opts,
		       struct kapsel_error *err)
{
	free(x->sim.packet);
	x->sim.packet_size = opts->data ? opts->data_size : 0;
	x->sim.packet = malloc(x->sim.packet_size + 1);
	return x->sim.packet ? 0 : kl_fail(err, -ENOMEM, "no memory for the packet");
}

static int make_code(struct part *part, struct kapsel_error *err)
{
	struct kps_target target = {
		.map = target_map, .map_value = target_map_value, .view = target_view,
		.helper = target_helper, .body = target_body,
		.ctx = fill_slots(part->x, part->in.prog_type), .priv = part,
	};
	int ret = kps_rewrite(&part->in, &part->proof, &target, &part->host.ops, &part->code);

	if (ret)
		return kl_errno(err, ret, "cannot make the program runnable");
	kps_interp_prepare(part->code);
	return 0;
}

static int make_part(struct kapsel_offline *x, u32 index, const struct kapsel_budget *budget,
		     struct kapsel_result *res, struct kapsel_error *err)
{
	const struct kapsel_prog *prog = kapsel_prog_at(x->obj, index);
	struct part *part = calloc(1, sizeof(*part));
	int ret;

	if (!part)
		return kl_nomem(err);
	part->x = x;
	x->parts[index] = part;
	kl_host_init(&part->host, prog, 0, res);
	kl_prog_in(prog, budget, &part->in);
	ret = kl_verify(&part->host, &part->in, &part->proof, err);
	ret = ret ?: make_maps(part, err);
	return ret ?: make_code(part, err);
}

static void put_u32(struct kapsel_offline *x, u32 off, u32 value)
{
	memcpy(x->ctx.raw + off, &value, sizeof(value));
}

static void fill_context(struct kapsel_offline *x, u32 prog_type,
			 const struct kapsel_run_opts *opts)
{
	memset(&x->ctx, 0, sizeof(x->ctx));
	if (opts->ctx)
		memcpy(x->ctx.raw, opts->ctx, min_t(size_t, opts->ctx_size, MAX_CTX));
	if (prog_type != KAPSEL_PROG_NETFILTER)
		return;
	/* There is no socket, whatever the input says. */
	memset(x->ctx.raw + offsetof(struct __sk_buff, sk), 0, sizeof(u64));
	x->ctx.data = (uintptr_t)x->sim.packet;
	x->ctx.data_end = x->ctx.data + min_t(u64, opts->data_size, KPS_MAX_PACKET);
	put_u32(x, offsetof(struct __sk_buff, len), opts->data_size);
	put_u32(x, sizeof(struct __sk_buff), opts->hooknum);
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* With fuel of its own. */
static void run_part(struct part *part, struct kps_run *run, struct kapsel_run_result *out)
{
	u64 fuel = part->proof.max_insns + !part->proof.metered;

	run->fuel = fuel;
	out->retval = kps_interp_run(part->code, run, (uintptr_t)&part->x->ctx, 0);
	out->finished = run->end == KPS_RUN_DONE;
	out->insns += fuel - run->fuel;
}

static void run_once(struct kapsel_offline *x, struct part *part, struct kps_run *run,
		     struct kapsel_run_result *out)
{
	out->insns = 0;
	x->sim.tail_calls = 0;
	do {
		x->sim.tail_called = false;
		run_part(part, run, out);
		part = x->sim.tail_called ? x->parts[x->sim.next] : NULL;
	} while (part && out->finished);
}

static bool run_code(struct kapsel_offline *x, struct part *part,
		     const struct kapsel_run_opts *opts, struct kapsel_run_result *out)
{
	struct kps_run *run = aligned_alloc(64, ALIGN(sizeof(*run), 64));
	u32 repeat = opts->repeat ?: 1, i = 0;
	u64 start = now_ns();

	if (!run)
		return false;
	kl_sim_now = &x->sim;
	x->sim.prog_type = part->in.prog_type;
	x->sim.hooknum = opts->hooknum;
	if (x->sim.packet_size)
		memcpy(x->sim.packet, opts->data, x->sim.packet_size);
	do {
		fill_context(x, part->in.prog_type, opts);
		run_once(x, part, run, out);
	} while (++i < repeat && out->finished);
	kl_sim_now = NULL;
	out->duration_ns = (now_ns() - start) / i;
	free(run);
	return true;
}

/* What @map holds that is not made runnable yet; the object's number of programs: nothing. */
static u32 not_made(const struct kapsel_offline *x, const struct kapsel_map *map)
{
	u32 i;

	for (i = 0; map->type == BPF_MAP_TYPE_PROG_ARRAY && i < map->nr_initial; i++)
		if (!x->parts[map->initial[i].target])
			return map->initial[i].target;
	return kapsel_nr_progs(x->obj);
}

/* Each that becomes runnable may use arrays with more of them. */
static int make_called(struct kapsel_offline *x, const struct kapsel_budget *budget,
		       struct kapsel_error *err)
{
	u32 i, prog, nr = kapsel_nr_maps(x->obj);
	struct kapsel_result res = {};
	int ret = 0;

	for (i = 0; i < nr && !ret; i++) {
		prog = x->sim.maps[i].map ? not_made(x, x->sim.maps[i].map) :
					    kapsel_nr_progs(x->obj);
		if (prog == kapsel_nr_progs(x->obj))
			continue;
		ret = make_part(x, prog, budget, &res, err);
		kapsel_result_free(&res);
		i = -1;
	}
	return ret;
}

static void free_part(struct part *part)
{
	if (!part)
		return;
	kps_code_free(part->code, &part->host.ops);
	kps_proof_free(&part->proof, &part->host.ops);
	free(part);
}

void kapsel_offline_close(struct kapsel_offline *x)
{
	u32 i;

	if (!x)
		return;
	free(x->sim.packet);
	for (i = 0; x->parts && i < kapsel_nr_progs(x->obj); i++)
		free_part(x->parts[i]);
	for (i = 0; x->sim.maps && i < kapsel_nr_maps(x->obj); i++)
		kl_sim_map_free(&x->sim.maps[i]);
	free(x->parts);
	free(x->sim.maps);
	free(x);
}

static int make_all(struct kapsel_offline *x, const struct kapsel_prog *prog,
		    const struct kapsel_budget *budget, struct kapsel_result *res,
		    struct kapsel_error *err)
{
	u32 index = 0;
	int ret;

	while (kapsel_prog_at(x->obj, index) != prog)
		index++;
	ret = make_part(x, index, budget, res, err);
	x->main = x->parts[index];
	return ret ?: make_called(x, budget, err);
}

int kapsel_offline_open(const struct kapsel_prog *prog, const struct kapsel_budget *budget,
			FILE *trace, struct kapsel_offline **out,
			struct kapsel_result *res, struct kapsel_error *err)
{
	struct kapsel_offline *x = calloc(1, sizeof(*x));
	int ret;

	memset(res, 0, sizeof(*res));
	*out = NULL;
	if (!x)
		return kl_nomem(err);
	x->obj = prog->obj;
	x->parts = calloc(kapsel_nr_progs(x->obj), sizeof(*x->parts));
	x->sim.maps = calloc(kapsel_nr_maps(x->obj) + 1, sizeof(*x->sim.maps));
	x->sim.prog = prog;
	x->sim.trace = trace;
	ret = x->parts && x->sim.maps ? make_all(x, prog, budget, res, err) : kl_nomem(err);
	if (ret)
		kapsel_offline_close(x);
	else
		*out = x;
	return ret;
}

int kapsel_offline_run(struct kapsel_offline *x, const struct kapsel_run_opts *opts,
		       struct kapsel_run_result *run, struct kapsel_error *err)
{
	memset(run, 0, sizeof(*run));
	if (make_packet(x, opts, err))
		return -ENOMEM;
	return run_code(x, x->main, opts, run) ? 0 : kl_nomem(err);
}

int kapsel_run_offline(const struct kapsel_prog *prog, const struct kapsel_run_opts *opts,
		       FILE *trace, struct kapsel_run_result *run,
		       struct kapsel_result *res, struct kapsel_error *err)
{
	struct kapsel_offline *offline;
	int ret;

	memset(run, 0, sizeof(*run));
	ret = kapsel_offline_open(prog, opts->budget, trace, &offline, res, err);
	if (!ret)
		ret = kapsel_offline_run(offline, opts, run, err);
	kapsel_offline_close(offline);
	return ret;
}
