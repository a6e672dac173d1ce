// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers that write records, of data and of the packet */

#include <linux/err.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <uapi/linux/bpf.h>

#include "helpers.h"
#include "prog.h"
#include "run.h"
#include "skbctx.h"
#include "maps/perf_event_array.h"
#include "maps/ringbuf.h"

/* How much of the packet goes behind the data. */
static u32 packet_bytes(u64 flags)
{
	return (flags & BPF_F_CTXLEN_MASK) >> 32;
}

static long check_flags(const struct kps_skb_ctx *ctx, u64 flags)
{
	u64 known = BPF_F_INDEX_MASK;

	if (ctx)
		known |= BPF_F_CTXLEN_MASK;
	if (flags & ~known)
		return -EINVAL;
	return ctx && packet_bytes(flags) > ctx->skb->len ? -EFAULT : 0;
}

static long output(const struct kps_skb_ctx *ctx, struct kps_map *map, u64 flags,
		   const void *data, u64 size)
{
	u32 more = packet_bytes(flags);
	long err = check_flags(ctx, flags);
	void *record;

	if (err)
		return err;
	record = kps_perf_reserve(map, size + more, flags);
	if (IS_ERR(record))
		return PTR_ERR(record);
	memcpy(record, data, size);
	if (more && skb_copy_bits(ctx->skb, 0, record + size, more))
		memset(record + size, 0, more);
	kps_ringbuf_submit(record, 0);
	return 0;
}

u64 kps_h_perf_event_output(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const struct kps_skb_ctx *ctx = NULL;

	if (kps_run_current()->prog->type->type == KAPSEL_PROG_NETFILTER)
		ctx = (void *)(unsigned long)r1;
	return output(ctx, (void *)(unsigned long)r2, r3, (void *)(unsigned long)r4, r5);
}
