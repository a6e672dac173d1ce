// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - strings that are known at load time, and formats among them */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/check.h"
#include "core/format.h"
#include "core/report.h"

#define BYTES_A_STEP	64	/* that are read for the price of an instruction */

static int refuse(const struct kps_at *at, u32 code, u32 helper, u32 n, u64 detail)
{
	struct kapsel_rec_problem *p = kps_refuse(at, code, n);

	p->helper = helper;
	p->arg = n;
	p->detail = detail;
	return -EACCES;
}

/* The same maps as those whose contents are constants to loads. */
static bool is_known(const struct kps_at *at, const struct kps_reg *reg)
{
	const struct kps_map_facts *map;

	if (reg->kind != KAPSEL_KIND_MAP_VALUE || !kps_scalar_is_const(&reg->val))
		return false;
	map = &at->env->maps[reg->object];
	return map->frozen && map->flags & BPF_F_RDONLY_PROG && map->max_entries == 1 &&
	       reg->val.r64.smin >= 0 && reg->val.r64.smin < map->value_size;
}

/* Return: its length with NUL, 0 if it does not end, or -errno. */
static long string_length(const struct kps_at *at, const struct kps_reg *reg)
{
	const struct kps_host *host = at->env->host;
	u32 off = (u32)reg->val.r64.smin;
	u32 n, max = min_t(u32, at->env->maps[reg->object].value_size - off, KPS_MAX_STRING);
	u64 c;

	for (n = 0; n < max; n++) {
		int err = n % BYTES_A_STEP ? 0 : kps_tick(at, 1);

		if (err)
			return err;
		if (host->map_read(host->priv, reg->object, off + n, 1, &c))
			return 0;
		if (!c)
			return n + 1;
	}
	return 0;
}

int kps_check_string(const struct kps_at *at, u32 helper, u32 n)
{
	const struct kps_reg *reg = kps_reg_at(at, n);
	u32 code = kps_pointer_fault(reg);
	long len;

	if (!code && !is_known(at, reg))
		code = KPS_D_STRING;
	if (code)
		return refuse(at, code, helper, n, 0);
	len = string_length(at, reg);
	if (len < 0)
		return len;
	return len ? 0 : refuse(at, KPS_D_STRING, helper, n, 0);
}

/**
 * struct reading - a format, read from its map to be understood
 * @format: what it is
 * @text: the format
 */
struct reading {
	struct kps_format format;
	char text[KPS_MAX_STRING];
};

static int read_text(const struct kps_at *at, const struct kps_reg *reg, struct reading *r)
{
	const struct kps_host *host = at->env->host;
	u32 n, off = (u32)reg->val.r64.smin;
	long len = string_length(at, reg);
	u64 c = 0;

	for (n = 0; n < len; n++) {
		if (host->map_read(host->priv, reg->object, off + n, 1, &c))
			return -EIO;
		r->text[n] = (char)c;
	}
	return len < 0 ? len : 0;
}

static int judge(const struct kps_at *at, struct reading *r)
{
	u32 i, bad, nr_args = (u32)kps_reg_at(at, 5)->val.bits.value / 8;

	if (kps_format_parse(&r->format, r->text, KPS_MAX_STRING, nr_args, &bad))
		return refuse(at, KPS_D_FORMAT, BPF_FUNC_snprintf, 3, bad);
	for (i = 0; i < r->format.nr && !at->env->type->leaks; i++)
		if (kps_reads_memory(&r->format.conv[i]))
			return refuse(at, KPS_D_FORMAT, BPF_FUNC_snprintf, 3,
				      r->format.conv[i].at);
	return 0;
}

int kps_check_format(const struct kps_at *at)
{
	const struct kps_host *host = at->env->host;
	struct reading *r = host->alloc(host->priv, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	err = read_text(at, kps_reg_at(at, 3), r) ?: judge(at, r);
	host->free(host->priv, r, sizeof(*r));
	return err;
}
