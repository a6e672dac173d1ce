/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - the context of netfilter programs: struct __sk_buff, as it really is */
#ifndef KPS_SKBCTX_H
#define KPS_SKBCTX_H

#include <linux/bits.h>
#include <linux/skbuff.h>

#include "prog.h"
#include "sockview.h"
#include "core/rewrite.h"
#include "core/verifier.h"

struct nf_hook_state;
struct sock;

/* Rows of context.tbl: bits of kps_prog.ctx_read and ctx_written. */
enum {
#define KPS_FIELD_pt_regs(name)
#define KPS_FIELD_sk_buff(name)	KPS_SKB_AT_##name,
#define KPS_CTX_FIELD(_ctx, _off, _size, _flags, _name) KPS_FIELD_##_ctx(_name)
#include "core/context.tbl"
#undef KPS_CTX_FIELD
#undef KPS_FIELD_pt_regs
#undef KPS_FIELD_sk_buff
	KPS_NR_SKB_FIELDS
};

#define KPS_SKB_BIT(name)	BIT_ULL(KPS_SKB_AT_##name)
#define KPS_SKB_BYTES		(KPS_SKB_BIT(data) | KPS_SKB_BIT(data_end))
/* What is read behind the pointer to the packet, without further ado. */
#define KPS_SKB_PLAIN		(KPS_SKB_BIT(len) | KPS_SKB_BIT(queue_mapping) |	\
				 KPS_SKB_BIT(protocol) | KPS_SKB_BIT(vlan_tci) |	\
				 KPS_SKB_BIT(vlan_proto) |				\
				 KPS_SKB_BIT(ingress_ifindex) | KPS_SKB_BIT(hash))

/**
 * struct kps_skb_ctx - what r1 points to
 * @skb: the packet; fields that are plain there are read behind this pointer
 * @sk: its socket: of a request the listener; no small one; or NULL
 * @seen: @sk as the program sees it, @view, or NULL
 * @data: first byte of the IP header
 * @data_end: one past the last byte that is not in fragments
 * @view: filled if the program asks for it
 * @tcp: filled by a helper, for the program
 *
 * The others shadow what is not plain in struct sk_buff, may not be touched
 * there (cb is IP's at these hooks), or is written; see context.tbl. Only those
 * that the program uses are filled, and @sk if it may be asked for.
 */
struct kps_skb_ctx {
	struct sk_buff *skb;
	struct sock *sk;
	const struct kps_sock_view *seen;
	void *data;
	void *data_end;
	u64 tstamp;
	u64 hwtstamp;
	u32 mark;
	u32 priority;
	u32 cb[5];
	u32 pkt_type;
	u32 vlan_present;
	u32 ifindex;
	u32 tc_index;
	u32 napi_id;
	u32 family;
	u32 remote_ip4;
	u32 local_ip4;
	u32 remote_ip6[4];
	u32 local_ip6[4];
	u32 remote_port;
	u32 local_port;
	u32 gso_segs;
	u32 gso_size;
	u32 hook;
	u32 in_ifindex;
	u32 out_ifindex;
	struct kps_sock_view view;
	struct kps_tcp_sock_view tcp;
};

/** kps_skb_slots - where each field is, in the order of context.tbl's rows */
extern const struct kps_ctx_slot kps_skb_slots[];

/** kps_skb_is_plain - may kps_skb_point() do in place of kps_skb_fill()? */
static inline bool kps_skb_is_plain(u64 used)
{
	return !(used & ~(KPS_SKB_BYTES | KPS_SKB_PLAIN));
}

/** kps_skb_point - set the pointers to the packet, and to its bytes */
static __always_inline void kps_skb_point(struct kps_skb_ctx *ctx, struct sk_buff *skb)
{
	ctx->skb = skb;
	ctx->data = skb->data;
	ctx->data_end = skb->data + min_t(u32, skb_headlen(skb), KPS_MAX_PACKET);
}

/** kps_skb_fill_more - the socket, and what else of @used is to be filled */
void kps_skb_fill_more(struct kps_skb_ctx *ctx, u64 used, const struct nf_hook_state *state);

/**
 * kps_skb_fill - set the context up for a program
 * @ctx: anything may be in it, and stays in what the program does not use
 * @prog: the program; one that calls nothing sees the socket by fields only
 * @skb: the packet
 * @state: where it is
 */
static __always_inline void kps_skb_fill(struct kps_skb_ctx *ctx, const struct kps_prog *prog,
					 struct sk_buff *skb,
					 const struct nf_hook_state *state)
{
	u64 used = prog->ctx_read | prog->ctx_written;

	kps_skb_point(ctx, skb);
	if (!prog->quiet || !kps_skb_is_plain(used))
		kps_skb_fill_more(ctx, used, state);
}

/**
 * kps_skb_writable - see to it that bytes of the packet are linear, and its own
 * @ctx: the context of the program that runs; its pointers are set anew
 * @offset: first of them
 * @len: how many
 *
 * Return: false: the packet is shorter, or memory ran out.
 */
bool kps_skb_writable(struct kps_skb_ctx *ctx, u32 offset, u32 len);

/** kps_skb_own - the same for the linear part, before a program stores to it directly */
bool kps_skb_own(struct sk_buff *skb);

/** kps_skb_write_back - hand on what the program wrote; true: the mark changed */
bool kps_skb_write_back(const struct kps_skb_ctx *ctx, u64 written);

#endif
