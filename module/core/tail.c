// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - tail calls: what must hold where a program may go on in another */

#include <linux/errno.h>
#include <linux/types.h>

#include "core/check.h"
#include "core/report.h"

static int refuse(const struct kps_at *at, u32 code, u64 detail)
{
	struct kapsel_rec_problem *p = kps_refuse(at, code, KAPSEL_NO_REG);

	p->helper = BPF_FUNC_tail_call;
	p->detail = detail;
	return -EACCES;
}

/*
 * Whoever runs programs takes the place of the main function's caller, so that is
 * whence one may be replaced. The call itself may fail: then the path goes on.
 */
int kps_check_tail_call(const struct kps_at *at)
{
	u32 type = at->env->maps[kps_reg_at(at, 2)->object].prog_type;

	if (type && type != at->env->in->prog_type)
		return refuse(at, KPS_D_TAIL_TYPE, type);
	if (at->s->depth > 1)
		return refuse(at, KPS_D_TAIL_FUNC, 0);
	if (at->s->nr_refs)
		return refuse(at, KPS_D_TAIL_REF, at->s->ref[0]);
	if (!at->env->unjudged)
		at->env->proof->tail_calls = true;
	return 0;
}
