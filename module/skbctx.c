// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - the context of netfilter programs: struct __sk_buff, as it really is */

#include <linux/build_bug.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <net/busy_poll.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "core/verifier.h"
#include "prog.h"
#include "skbctx.h"

/*
 * One macro for each row of context.tbl says where that field is: behind the
 * pointer to the packet, or in the shadow. A row without one does not compile.
 */
#define VIA(member) {							\
	.off = offsetof(struct sk_buff, member),			\
	.size = sizeof_field(struct sk_buff, member), .via = true,	\
}

#define SHADOW(member) {						\
	.off = offsetof(struct kps_skb_ctx, member),			\
	.size = sizeof_field(struct kps_skb_ctx, member),		\
}

/* Words. */
#define SHADOWS(member) {						\
	.off = offsetof(struct kps_skb_ctx, member), .size = 4,		\
}

#define SLOT_len		VIA(len)
#define SLOT_pkt_type		SHADOW(pkt_type)
#define SLOT_mark		SHADOW(mark)
#define SLOT_queue_mapping	VIA(queue_mapping)
#define SLOT_protocol		VIA(protocol)
#define SLOT_vlan_present	SHADOW(vlan_present)
#define SLOT_vlan_tci		VIA(vlan_tci)
#define SLOT_vlan_proto		VIA(vlan_proto)
#define SLOT_priority		SHADOW(priority)
#define SLOT_ingress_ifindex	VIA(skb_iif)
#define SLOT_ifindex		SHADOW(ifindex)
#define SLOT_tc_index		SHADOW(tc_index)
#define SLOT_cb			SHADOWS(cb)
#define SLOT_hash		VIA(hash)
#define SLOT_data		SHADOW(data)
#define SLOT_data_end		SHADOW(data_end)
#define SLOT_napi_id		SHADOW(napi_id)
#define SLOT_family		SHADOW(family)
#define SLOT_remote_ip4		SHADOW(remote_ip4)
#define SLOT_local_ip4		SHADOW(local_ip4)
#define SLOT_remote_ip6		SHADOWS(remote_ip6)
#define SLOT_local_ip6		SHADOWS(local_ip6)
#define SLOT_remote_port	SHADOW(remote_port)
#define SLOT_local_port		SHADOW(local_port)
#define SLOT_tstamp		SHADOW(tstamp)
#define SLOT_gso_segs		SHADOW(gso_segs)
#define SLOT_sk			SHADOW(seen)
#define SLOT_gso_size		SHADOW(gso_size)
#define SLOT_hwtstamp		SHADOW(hwtstamp)
#define SLOT_hook		SHADOW(hook)
#define SLOT_in_ifindex		SHADOW(in_ifindex)
#define SLOT_out_ifindex	SHADOW(out_ifindex)

#define FIELD_pt_regs(name)
#define FIELD_sk_buff(name)	SLOT_##name,
#define KPS_CTX_FIELD(_ctx, _off, _size, _flags, _name) FIELD_##_ctx(_name)
const struct kps_ctx_slot kps_skb_slots[] = {
#include "core/context.tbl"
};

#undef FIELD_sk_buff
#undef KPS_CTX_FIELD

static_assert(offsetof(struct kps_skb_ctx, skb) == 0);
static_assert(KPS_NR_SKB_FIELDS <= 64);
static_assert(sizeof_field(struct sk_buff, len) == 4);
static_assert(sizeof_field(struct sk_buff, queue_mapping) == 2);
static_assert(sizeof_field(struct sk_buff, protocol) == 2);
static_assert(sizeof_field(struct sk_buff, vlan_tci) == 2);
static_assert(sizeof_field(struct sk_buff, vlan_proto) == 2);
static_assert(sizeof_field(struct sk_buff, skb_iif) == 4);
static_assert(sizeof_field(struct sk_buff, hash) == 4);
static_assert(sizeof_field(struct sk_buff, mark) == 4);
static_assert(sizeof_field(struct sk_buff, priority) == 4);

#define SOCKET_FIELDS	(KPS_SKB_BIT(family) | KPS_SKB_BIT(remote_ip4) |		\
			 KPS_SKB_BIT(local_ip4) | KPS_SKB_BIT(remote_ip6) |	\
			 KPS_SKB_BIT(local_ip6) | KPS_SKB_BIT(remote_port) |	\
			 KPS_SKB_BIT(local_port))

#define PACKET_FIELDS	(KPS_SKB_BIT(tstamp) | KPS_SKB_BIT(mark) | KPS_SKB_BIT(priority) |	\
			 KPS_SKB_BIT(cb) | KPS_SKB_BIT(pkt_type) | KPS_SKB_BIT(vlan_present) |	\
			 KPS_SKB_BIT(tc_index) | KPS_SKB_BIT(napi_id) |		\
			 KPS_SKB_BIT(gso_segs) | KPS_SKB_BIT(gso_size) |	\
			 KPS_SKB_BIT(hwtstamp))

#define PLACE_FIELDS	(KPS_SKB_BIT(ifindex) | KPS_SKB_BIT(hook) |		\
			 KPS_SKB_BIT(in_ifindex) | KPS_SKB_BIT(out_ifindex))

static u32 napi_id(const struct sk_buff *skb)
{
#ifdef CONFIG_NET_RX_BUSY_POLL
	/* Below, it is the sending CPU. */
	if (skb->napi_id >= MIN_NAPI_ID)
		return skb->napi_id;
#endif
	return 0;
}

static u32 tc_index(const struct sk_buff *skb)
{
#ifdef CONFIG_NET_SCHED
	return skb->tc_index;
#else
	return 0;
#endif
}

static u32 ifindex_of(const struct net_device *dev)
{
	return dev ? dev->ifindex : 0;
}

static void fill_packet(struct kps_skb_ctx *ctx, const struct sk_buff *skb, u64 used)
{
	if (used & KPS_SKB_BIT(tstamp))
		ctx->tstamp = skb->tstamp;
	if (used & KPS_SKB_BIT(mark))
		ctx->mark = skb->mark;
	if (used & KPS_SKB_BIT(priority))
		ctx->priority = skb->priority;
	if (used & KPS_SKB_BIT(cb))
		memset(ctx->cb, 0, sizeof(ctx->cb));
	if (used & KPS_SKB_BIT(pkt_type))
		ctx->pkt_type = skb->pkt_type;
	if (used & KPS_SKB_BIT(vlan_present))
		ctx->vlan_present = !!skb_vlan_tag_present(skb);
	if (used & KPS_SKB_BIT(tc_index))
		ctx->tc_index = tc_index(skb);
	if (used & KPS_SKB_BIT(napi_id))
		ctx->napi_id = napi_id(skb);
	if (used & KPS_SKB_BIT(gso_segs))
		ctx->gso_segs = skb_shinfo(skb)->gso_segs;
	if (used & KPS_SKB_BIT(gso_size))
		ctx->gso_size = skb_shinfo(skb)->gso_size;
	if (used & KPS_SKB_BIT(hwtstamp))
		ctx->hwtstamp = skb_shinfo(skb)->hwtstamps.hwtstamp;
}

static void fill_place(struct kps_skb_ctx *ctx, const struct sk_buff *skb,
		       const struct nf_hook_state *state, u64 used)
{
	/* What is sent has no device of its own before routing is done. */
	if (used & KPS_SKB_BIT(ifindex))
		ctx->ifindex = ifindex_of(skb->dev ?: state->out);
	if (used & KPS_SKB_BIT(hook))
		ctx->hook = state->hook;
	if (used & KPS_SKB_BIT(in_ifindex))
		ctx->in_ifindex = ifindex_of(state->in);
	if (used & KPS_SKB_BIT(out_ifindex))
		ctx->out_ifindex = ifindex_of(state->out);
}

static void zero_socket(struct kps_skb_ctx *ctx)
{
	ctx->family = 0;
	ctx->remote_ip4 = 0;
	ctx->local_ip4 = 0;
	memset(ctx->remote_ip6, 0, sizeof(ctx->remote_ip6));
	memset(ctx->local_ip6, 0, sizeof(ctx->local_ip6));
	ctx->remote_port = 0;
	ctx->local_port = 0;
}

/* As cgroup_skb programs have it: a request is its listener's, one in TIME_WAIT is none. */
static struct sock *socket_of(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct sock *sk = sk_to_full_sk(state->sk ?: skb->sk);

	return sk && sk_fullsock(sk) ? sk : NULL;
}

static void fill_socket(struct kps_skb_ctx *ctx, const struct sock *sk)
{
	zero_socket(ctx);
	if (!sk)
		return;
	ctx->family = sk->sk_family;
	ctx->remote_ip4 = (__force u32)sk->sk_daddr;
	ctx->local_ip4 = (__force u32)sk->sk_rcv_saddr;
#if IS_ENABLED(CONFIG_IPV6)
	memcpy(ctx->remote_ip6, &sk->sk_v6_daddr, sizeof(ctx->remote_ip6));
	memcpy(ctx->local_ip6, &sk->sk_v6_rcv_saddr, sizeof(ctx->local_ip6));
#endif
	/* A 32-bit number in network order, as Linux has it; the other is not. */
	ctx->remote_port = (__force u32)htonl(ntohs(sk->sk_dport));
	ctx->local_port = sk->sk_num;
}

static void show_socket(struct kps_skb_ctx *ctx)
{
	ctx->seen = ctx->sk ? &ctx->view : NULL;
	if (ctx->sk)
		kps_sock_look(&ctx->view, ctx->sk);
}

/* Whoever else has the packet would see the change. None has, in netfilter. */
static bool make_writable(struct sk_buff *skb, u32 len)
{
	return !skb_shared(skb) && !skb_ensure_writable(skb, len);
}

bool kps_skb_writable(struct kps_skb_ctx *ctx, u32 offset, u32 len)
{
	u32 skb_len = ctx->skb->len;
	bool done = offset <= skb_len && len <= skb_len - offset &&
		    make_writable(ctx->skb, offset + len);

	kps_skb_point(ctx, ctx->skb);
	return done;
}

/* The device's sum would be wrong after a store that nobody sees. */
bool kps_skb_own(struct sk_buff *skb)
{
	if (!make_writable(skb, skb_headlen(skb)))
		return false;
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	return true;
}

void kps_skb_fill_more(struct kps_skb_ctx *ctx, u64 used, const struct nf_hook_state *state)
{
	const struct sk_buff *skb = ctx->skb;

	ctx->sk = socket_of(skb, state);
	if (used & PACKET_FIELDS)
		fill_packet(ctx, skb, used);
	if (used & PLACE_FIELDS)
		fill_place(ctx, skb, state, used);
	if (used & SOCKET_FIELDS)
		fill_socket(ctx, ctx->sk);
	if (used & KPS_SKB_BIT(sk))
		show_socket(ctx);
}

bool kps_skb_write_back(const struct kps_skb_ctx *ctx, u64 written)
{
	struct sk_buff *skb = ctx->skb;
	bool remarked = written & KPS_SKB_BIT(mark) && skb->mark != ctx->mark;

	if (remarked)
		skb->mark = ctx->mark;
	if (written & KPS_SKB_BIT(priority))
		skb->priority = ctx->priority;
	if (written & KPS_SKB_BIT(tstamp))
		skb->tstamp = ctx->tstamp;
	return remarked;
}
