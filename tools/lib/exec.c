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

/** struct exec - one call */
struct exec {
	struct kl_host host;
	struct kl_sim sim;
	struct kps_prog_in in;
	struct kps_proof proof;
	struct kps_ctx_slot slots[MAX_FIELDS];
	struct kps_code *code;
	struct context ctx;
};

static u64 target_map(void *priv, u32 map)
{
	struct exec *x = priv;

	return (uintptr_t)&x->sim.maps[map];
}

static u64 target_map_value(void *priv, u32 map)
{
	struct exec *x = priv;

	return (uintptr_t)x->sim.maps[map].values;
}

static const struct kps_view *target_view(void *priv, u32 map)
{
	const struct exec *x = priv;

	return x->sim.maps[map].map->type == BPF_MAP_TYPE_ARRAY ? &x->sim.maps[map].view : NULL;
}

static kps_helper_fn target_lookup(void *priv, u32 map)
{
	(void)priv;
	(void)map;
	return NULL;
}

static kps_helper_fn target_helper(void *priv, u32 id)
{
	(void)priv;
	return kl_sim_helper(id);
}

/* Only packet pointers are elsewhere than the program sees them. */
static const struct kps_ctx_slot *fill_slots(struct exec *x)
{
	const struct kps_prog_type *type = kps_prog_type_find(x->in.prog_type);
	u32 i;

	if (x->in.prog_type != KAPSEL_PROG_NETFILTER || type->nr_fields > MAX_FIELDS)
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

static int make_maps(struct exec *x, struct kapsel_error *err)
{
	u32 i;

	for (i = 0; i < x->host.nr_maps; i++) {
		const struct kapsel_map *map = kapsel_map_at(x->sim.prog->obj, x->host.maps[i]);

		if (kl_sim_map_init(&x->sim.maps[i], map))
			return kl_fail(err, -ENOMEM, "no memory for map '%s'", map->name);
		x->sim.nr_maps++;
	}
	return 0;
}

static int make_code(struct exec *x, struct kapsel_error *err)
{
	struct kps_target target = {
		.map = target_map, .map_value = target_map_value, .view = target_view,
		.lookup = target_lookup, .helper = target_helper, .ctx = fill_slots(x), .priv = x,
	};
	int ret = kps_rewrite(&x->in, &x->proof, &target, &x->host.ops, &x->code);

	if (ret)
		return kl_errno(err, ret, "cannot make the program runnable");
	kps_interp_prepare(x->code);
	return 0;
}

static void put_u32(struct exec *x, u32 off, u32 value)
{
	memcpy(x->ctx.raw + off, &value, sizeof(value));
}

static void fill_context(struct exec *x, const struct kapsel_run_opts *opts)
{
	memset(&x->ctx, 0, sizeof(x->ctx));
	if (opts->ctx)
		memcpy(x->ctx.raw, opts->ctx, min_t(size_t, opts->ctx_size, MAX_CTX));
	if (x->in.prog_type != KAPSEL_PROG_NETFILTER)
		return;
	x->ctx.data = (uintptr_t)opts->data;
	x->ctx.data_end = (uintptr_t)opts->data + min_t(u64, opts->data_size, KPS_MAX_PACKET);
	x->sim.packet = opts->data;
	x->sim.packet_size = opts->data_size;
	put_u32(x, offsetof(struct __sk_buff, len), opts->data_size);
	put_u32(x, sizeof(struct __sk_buff), opts->hooknum);
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void run_code(struct exec *x, const struct kapsel_run_opts *opts,
		     struct kapsel_run_result *out)
{
	u64 fuel = x->proof.max_insns + !x->proof.metered, start = now_ns();
	u32 repeat = opts->repeat ?: 1, i = 0;
	struct kps_run *run = aligned_alloc(64, ALIGN(sizeof(*run), 64));

	if (!run)
		return;
	kl_sim_now = &x->sim;
	do {
		fill_context(x, opts);
		run->fuel = fuel;
		out->retval = kps_interp_run(x->code, run, (uintptr_t)&x->ctx, 0);
		out->finished = run->end == KPS_RUN_DONE;
		out->insns = fuel - run->fuel;
	} while (++i < repeat && out->finished);
	kl_sim_now = NULL;
	out->duration_ns = (now_ns() - start) / i;
	free(run);
}

static int exec(struct exec *x, const struct kapsel_run_opts *opts,
		struct kapsel_run_result *run, struct kapsel_error *err)
{
	int ret = make_maps(x, err);

	ret = ret ?: make_code(x, err);
	if (!ret)
		run_code(x, opts, run);
	return ret;
}

static void release(struct exec *x)
{
	u32 i;

	kps_code_free(x->code, &x->host.ops);
	kps_proof_free(&x->proof, &x->host.ops);
	for (i = 0; i < x->sim.nr_maps; i++)
		kl_sim_map_free(&x->sim.maps[i]);
	free(x);
}

int kapsel_run_offline(const struct kapsel_prog *prog, const struct kapsel_run_opts *opts,
		       FILE *trace, struct kapsel_run_result *run,
		       struct kapsel_result *res, struct kapsel_error *err)
{
	struct exec *x = calloc(1, sizeof(*x));
	int ret;

	memset(res, 0, sizeof(*res));
	memset(run, 0, sizeof(*run));
	if (!x)
		return kl_nomem(err);
	kl_host_init(&x->host, prog, 0, res);
	kl_prog_in(prog, opts->budget, &x->in);
	x->sim.prog = prog;
	x->sim.trace = trace;
	ret = kl_verify(&x->host, &x->in, &x->proof, err);
	if (!ret)
		ret = exec(x, opts, run, err);
	release(x);
	return ret;
}
