// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - the verifier offline: the core, hosted by an object's maps */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/kernel.h>

#include "host.h"

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void *host_alloc(void *priv, size_t size)
{
	(void)priv;
	return calloc(1, size ?: 1);
}

static void *host_scratch(void *priv, size_t size)
{
	(void)priv;
	return malloc(size ?: 1);
}

static void host_free(void *priv, void *mem, size_t size)
{
	(void)priv;
	(void)size;
	free(mem);
}

static int index_of(struct kl_host *host, u32 map)
{
	u32 i;

	for (i = 0; i < host->nr_maps; i++)
		if (host->maps[i] == map)
			return i;
	if (host->nr_maps == KAPSEL_MAX_MAPS)
		return -E2BIG;
	host->maps[host->nr_maps] = map;
	return host->nr_maps++;
}

/* Of what is in it; what uses it may say otherwise first, and is refused there. */
static u32 prog_type_of(const struct kapsel_object *obj, const struct kapsel_map *map)
{
	const struct kapsel_prog *prog = NULL;

	if (map->type == BPF_MAP_TYPE_PROG_ARRAY && map->nr_initial)
		prog = kapsel_prog_at(obj, map->initial[0].target);
	return prog ? prog->hook.prog_type : 0;
}

static int host_map(void *priv, s32 fd, struct kps_map_facts *facts)
{
	struct kl_host *host = priv;
	const struct kapsel_map *map;

	map = fd < 0 ? NULL : kapsel_map_at(host->prog->obj, fd);
	if (!map)
		return -EBADF;
	facts->type = map->type;
	facts->key_size = map->key_size;
	facts->value_size = map->value_size;
	facts->max_entries = map->max_entries;
	facts->flags = map->flags;
	facts->frozen = map->frozen;
	facts->prog_type = prog_type_of(host->prog->obj, map);
	facts->lock_size = map->lock_size;
	facts->lock_off = map->lock_off;
	if (map->inner)
		facts->inner = (struct kps_inner_facts){
			.type = map->inner->type, .key_size = map->inner->key_size,
			.value_size = map->inner->value_size,
			.max_entries = map->inner->max_entries, .flags = map->inner->flags,
		};
	return index_of(host, fd);
}

static int host_map_read(void *priv, u32 index, u32 off, u32 size, u64 *val)
{
	struct kl_host *host = priv;
	const struct kapsel_map *map;

	if (index >= host->nr_maps)
		return -EINVAL;
	map = kapsel_map_at(host->prog->obj, host->maps[index]);
	if (!map->data || !map->frozen || size > 8 || off > map->value_size ||
	    size > map->value_size - off)
		return -EINVAL;
	*val = 0;
	memcpy(val, (const char *)map->data + off, size);
	return 0;
}

static void host_emit(void *priv, const void *rec, u32 size)
{
	struct kl_host *host = priv;
	struct kapsel_result *res = host->res;
	char *recs;

	if (host->lost)
		return;
	recs = realloc(res->recs, res->size + size);
	if (!recs) {
		host->lost = true;
		return;
	}
	memcpy(recs + res->size, rec, size);
	res->recs = recs;
	res->size += size;
}

static int host_poll(void *priv)
{
	struct kl_host *host = priv;

	return now_ns() > host->deadline ? -ETIME : 0;
}

void kl_host_init(struct kl_host *host, const struct kapsel_prog *prog, u32 ms,
		  struct kapsel_result *res)
{
	memset(host, 0, sizeof(*host));
	host->prog = prog;
	host->res = res;
	host->deadline = now_ns() + (ms ?: KPS_DEFAULT_BUDGET_MS) * 1000000ULL;
	host->ops.alloc = host_alloc;
	host->ops.free = host_free;
	host->ops.scratch = host_scratch;
	host->ops.scratch_free = host_free;
	host->ops.map = host_map;
	host->ops.map_read = host_map_read;
	host->ops.emit = host_emit;
	host->ops.poll = host_poll;
	host->ops.priv = host;
}

void kl_prog_in(const struct kapsel_prog *prog, const struct kapsel_budget *budget,
		struct kps_prog_in *in)
{
	memset(in, 0, sizeof(*in));
	in->insns = prog->insns;
	in->insn_cnt = prog->insn_cnt;
	in->prog_type = prog->hook.prog_type;
	in->any_return = prog->hook.check_only;
	in->gpl = kapsel_license_is_gpl(kapsel_license(prog->obj));
	if (!budget)
		return;
	in->metered = budget->metered;
	in->ceiling = budget->ceiling;
	in->budget_insns = budget->insns;
	in->budget_bytes = budget->bytes;
}

int kl_verdict_error(const struct kapsel_prog *prog, const struct kapsel_result *res,
		     struct kapsel_error *err)
{
	const struct kapsel_code *code = kapsel_code_find(res->verdict.code);
	char name[16];

	if (!res->verdict.code)
		return kl_errno(err, res->err, "program '%s' could not be verified",
				prog->name);
	kl_fail(err, res->err, "program '%s' was refused: %s: %s", prog->name,
		kapsel_code_name(res->verdict.code, name, sizeof(name)),
		code ? code->title : "a code that this kapsel does not know");
	if (err)
		err->code = res->verdict.code;
	return res->err;
}

int kl_verify(struct kl_host *host, const struct kps_prog_in *in,
	      struct kps_proof *proof, struct kapsel_error *err)
{
	struct kapsel_result *res = host->res;
	u64 start = now_ns();

	memset(proof, 0, sizeof(*proof));
	res->err = kps_verify(in, &host->ops, &res->verdict, proof);
	res->ns = now_ns() - start;
	/* Half of the records could say something else than all of them. */
	if (host->lost) {
		kps_proof_free(proof, &host->ops);
		res->err = -ENOMEM;
		res->verdict.code = 0;
	}
	return res->err ? kl_verdict_error(host->prog, res, err) : 0;
}

int kapsel_verify_offline(const struct kapsel_prog *prog,
			  const struct kapsel_budget *budget,
			  struct kapsel_result *res, struct kapsel_error *err)
{
	struct kps_prog_in in;
	struct kps_proof proof;
	struct kl_host host;
	int ret;

	memset(res, 0, sizeof(*res));
	kl_host_init(&host, prog, budget ? budget->ms : 0, res);
	kl_prog_in(prog, budget, &in);
	ret = kl_verify(&host, &in, &proof, err);
	if (!ret)
		kps_proof_free(&proof, &host.ops);
	return ret;
}

void kapsel_result_free(struct kapsel_result *res)
{
	free(res->recs);
	res->recs = NULL;
	res->size = 0;
}
