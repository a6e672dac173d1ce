// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for netfilter programs: the storage that goes with where they run */

#include <linux/netfilter.h>
#include <uapi/linux/bpf.h>

#include "helpers.h"
#include "map.h"
#include "run.h"
#include "skbctx.h"

/* What is on its way in or through comes in; see kps_prog.ctx_read, by which the hook is there. */
static u32 direction(void)
{
	return kps_run_current()->skb->hook < NF_INET_LOCAL_OUT ? BPF_CGROUP_INET_INGRESS :
								   BPF_CGROUP_INET_EGRESS;
}

u64 kps_h_get_local_storage(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_map *map = (void *)(unsigned long)r1;

	return (unsigned long)map->ops->local(map, direction());
}
