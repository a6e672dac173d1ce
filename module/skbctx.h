/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - the context of netfilter programs: struct __sk_buff, as it really is */
#ifndef KPS_SKBCTX_H
#define KPS_SKBCTX_H

#include <linux/types.h>

#include "sockview.h"
#include "core/rewrite.h"

struct kps_prog;
struct nf_hook_state;
struct sk_buff;
struct sock;

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
 * that the program uses are filled.
 */
struct kps_skb_ctx {
	struct sk_buff *skb;
	struct sock *sk;
	const struct kps_sock_view *seen;
	void *data;
	void *data_end;
	u64 tstamp;
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

/** kps_skb_fill - set the context up for a program */
void kps_skb_fill(struct kps_skb_ctx *ctx, const struct kps_prog *prog,
		  struct sk_buff *skb, const struct nf_hook_state *state);

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
