// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for netfilter programs */

#include <linux/skbuff.h>
#include <linux/string.h>

#include "helpers.h"
#include "skbctx.h"

u64 kps_h_skb_load_bytes(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const struct kps_skb_ctx *ctx = (void *)(unsigned long)r1;
	void *to = (void *)(unsigned long)r3;
	u32 offset = r2, len = r4;

	if (offset <= 0xffff && !skb_copy_bits(ctx->skb, offset, to, len))
		return 0;
	memset(to, 0, len);
	return -EFAULT;
}
