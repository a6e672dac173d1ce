// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for netfilter programs: checksums in the packet */

#include <linux/if_ether.h>
#include <linux/limits.h>
#include <linux/skbuff.h>
#include <net/checksum.h>
#include <uapi/linux/bpf.h>

#include "helpers.h"
#include "skbctx.h"

#define MOST_BYTES	512	/* of csum_diff, as Linux has it */
#define F_IPV6		128	/* BPF_F_IPV6, which older headers lack */

static __wsum sum_of(u64 r)
{
	return (__force __wsum)(u32)r;
}

/*
 * By how much a field's change changes the sum; false: there is no such field. Two
 * bytes are summed up as they are in memory.
 */
static bool field_diff(u64 from, u64 to, u64 size, __wsum *diff)
{
	switch (size) {
	case 0:		/* the program took the difference itself */
		*diff = sum_of(to);
		return !from;
	case 2:
		*diff = csum_sub(sum_of((u16)to), sum_of((u16)from));
		return true;
	case 4:
		*diff = csum_sub(sum_of(to), sum_of(from));
		return true;
	default:
		return false;
	}
}

/* The checksum at @offset of the packet, which may be written; or NULL. */
static __sum16 *checksum_at(struct kps_skb_ctx *ctx, u32 offset)
{
	if (offset > 0xffff || offset & 1 || !kps_skb_writable(ctx, offset, sizeof(__sum16)))
		return NULL;
	return (__sum16 *)(ctx->skb->data + offset);
}

static void repair(__sum16 *sum, __wsum diff)
{
	*sum = csum_fold(csum_add(diff, ~csum_unfold(*sum)));
}

u64 kps_h_l3_csum_replace(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	__wsum diff;
	__sum16 *sum;

	if (!field_diff(r3, r4, r5, &diff))
		return -EINVAL;
	sum = checksum_at((void *)(unsigned long)r1, r2);
	if (!sum)
		return -EFAULT;
	repair(sum, diff);
	return 0;
}

/*
 * A checksum that the device is to fill in holds that of the pseudo header only. In
 * one that came with the device's own sum, the change of the field and that of the
 * checksum cancel out, but for a field of the pseudo header: of IPv4's the header's
 * checksum was repaired, too, so that one change is left.
 */
static void repair_l4(struct sk_buff *skb, __sum16 *sum, __wsum diff, bool pseudo)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		if (pseudo)
			*sum = ~csum_fold(csum_add(diff, csum_unfold(*sum)));
		return;
	}
	repair(sum, diff);
	if (skb->ip_summed == CHECKSUM_COMPLETE && pseudo &&
	    skb->protocol != htons(ETH_P_IPV6))
		skb->csum = ~csum_add(diff, ~skb->csum);
}

u64 kps_h_l4_csum_replace(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_skb_ctx *ctx = (void *)(unsigned long)r1;
	u64 known = BPF_F_HDR_FIELD_MASK | BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 |
		    BPF_F_MARK_ENFORCE | F_IPV6;
	bool optional = r5 & BPF_F_MARK_MANGLED_0;
	__wsum diff;
	__sum16 *sum;

	if (r5 & ~known || !field_diff(r3, r4, r5 & BPF_F_HDR_FIELD_MASK, &diff))
		return -EINVAL;
	sum = checksum_at(ctx, r2);
	if (!sum)
		return -EFAULT;
	/* UDP over IPv4 without a checksum stays so. */
	if (optional && !(r5 & BPF_F_MARK_ENFORCE) && !*sum)
		return 0;
	repair_l4(ctx->skb, sum, diff, r5 & BPF_F_PSEUDO_HDR);
	if (optional && !*sum)
		*sum = CSUM_MANGLED_0;
	return 0;
}

u64 kps_h_csum_diff(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const void *from = (void *)(unsigned long)r1, *to = (void *)(unsigned long)r3;
	u32 from_size = r2, to_size = r4;
	__wsum sum = sum_of(r5);

	if ((from_size | to_size) & 3 || (u64)from_size + to_size > MOST_BYTES)
		return -EINVAL;
	if (to_size)
		sum = csum_partial(to, to_size, sum);
	if (from_size)
		sum = csum_sub(sum, csum_partial(from, from_size, 0));
	return (__force u32)sum;
}
