// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for netfilter programs: the packet's bytes */

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/limits.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <net/inet_ecn.h>
#include <uapi/linux/bpf.h>

#include "helpers.h"
#include "skbctx.h"

static struct kps_skb_ctx *ctx_of(u64 r1)
{
	return (void *)(unsigned long)r1;
}

u64 kps_h_skb_load_bytes(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const struct kps_skb_ctx *ctx = ctx_of(r1);
	void *to = (void *)(unsigned long)r3;
	u32 offset = r2, len = r4;

	if (offset <= 0xffff && !skb_copy_bits(ctx->skb, offset, to, len))
		return 0;
	memset(to, 0, len);
	return -EFAULT;
}

/* Where bytes are counted from, or NULL. */
static const u8 *start_of(const struct sk_buff *skb, u32 start)
{
	if (start == BPF_HDR_START_NET)
		return skb_network_header(skb);
	return start == BPF_HDR_START_MAC && skb_mac_header_was_set(skb) ?
	       skb_mac_header(skb) : NULL;
}

u64 kps_h_skb_load_bytes_relative(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const struct sk_buff *skb = ctx_of(r1)->skb;
	const u8 *from = start_of(skb, (u32)r5);
	void *to = (void *)(unsigned long)r3;
	u32 offset = r2, len = r4;

	if (from && offset <= 0xffff && from + offset + len <= skb_tail_pointer(skb)) {
		memcpy(to, from + offset, len);
		return 0;
	}
	memset(to, 0, len);
	return -EFAULT;
}

/*
 * What is counted into a device's checksum of the packet is taken out of it and put
 * in again. Without the flag it is left alone: then the program repairs the packet's
 * own checksum, so that the sum over both stays the same.
 */
static void overwrite(struct sk_buff *skb, u32 offset, const void *from, u32 len, u64 flags)
{
	void *to = skb->data + offset;

	if (flags & BPF_F_RECOMPUTE_CSUM)
		__skb_postpull_rcsum(skb, to, len, offset);
	memcpy(to, from, len);
	if (flags & BPF_F_RECOMPUTE_CSUM)
		__skb_postpush_rcsum(skb, to, len, offset);
	if (flags & BPF_F_INVALIDATE_HASH)
		skb_clear_hash(skb);
}

u64 kps_h_skb_store_bytes(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_skb_ctx *ctx = ctx_of(r1);
	u32 offset = r2, len = r4;

	if (r5 & ~(u64)(BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH))
		return -EINVAL;
	if (offset > INT_MAX || !kps_skb_writable(ctx, offset, len))
		return -EFAULT;
	overwrite(ctx->skb, offset, (void *)(unsigned long)r3, len, r5);
	return 0;
}

u64 kps_h_skb_pull_data(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_skb_ctx *ctx = ctx_of(r1);
	u32 len = r2;

	return kps_skb_writable(ctx, 0, len ?: skb_headlen(ctx->skb)) ? 0 : -ENOMEM;
}

/* 0: none whose marks are known. */
static u32 header_len(const struct sk_buff *skb)
{
	switch (skb_protocol(skb, true)) {
	case htons(ETH_P_IP):
		return sizeof(struct iphdr);
	case htons(ETH_P_IPV6):
		return sizeof(struct ipv6hdr);
	}
	return 0;
}

/* The bytes stay where they are, or there is no mark: whoever looks at them goes on. */
u64 kps_h_skb_ecn_set_ce(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct sk_buff *skb = ctx_of(r1)->skb;
	u32 len = header_len(skb);

	if (!len || skb_headlen(skb) < len ||
	    (skb_cloned(skb) && !skb_clone_writable(skb, len)))
		return 0;
	return INET_ECN_set_ce(skb);
}
