// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for netfilter programs: the packet's socket */

#include <linux/cgroup.h>
#include <linux/container_of.h>
#include <linux/highuid.h>
#include <linux/sock_diag.h>
#include <linux/uidgid.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "helpers.h"
#include "skbctx.h"

/* A full one, or NULL. */
static struct sock *sock_of(u64 r1)
{
	return ((const struct kps_skb_ctx *)(unsigned long)r1)->sk;
}

/* What a socket is to a program is a part of its context, where there is a socket. */
static struct kps_skb_ctx *ctx_of(u64 view)
{
	return container_of((struct kps_sock_view *)(unsigned long)view, struct kps_skb_ctx, view);
}

/* There are no others here. */
u64 kps_h_sk_fullsock(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return r1;
}

u64 kps_h_tcp_sock(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct kps_skb_ctx *ctx = ctx_of(r1);

	return kps_tcp_sock_look(&ctx->tcp, ctx->sk) ? (unsigned long)&ctx->tcp : 0;
}

/* A request is seen as its listener. One that may go before the run does is none, as in Linux. */
u64 kps_h_get_listener_sock(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const struct sock *sk = ctx_of(r1)->sk;

	return READ_ONCE(sk->sk_state) == TCP_LISTEN && sock_flag(sk, SOCK_RCU_FREE) ? r1 : 0;
}

u64 kps_h_get_socket_cookie(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	struct sock *sk = sock_of(r1);
	u32 cookie[2] = {};

	if (sk)
		sock_diag_save_cookie(sk, cookie);
	return (u64)cookie[1] << 32 | cookie[0];
}

u64 kps_h_get_socket_uid(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	const struct sock *sk = sock_of(r1);
	const struct net *net;

	if (!sk)
		return overflowuid;
	net = sock_net(sk);
	return from_kuid_munged(net->user_ns, sock_net_uid(net, sk));
}

#ifdef CONFIG_SOCK_CGROUP_DATA
static struct cgroup *cgroup_of(struct sock *sk)
{
	return sk ? sock_cgroup_ptr(&sk->sk_cgrp_data) : NULL;
}

static struct cgroup *ancestor_of(struct cgroup *cgroup, int level)
{
	return cgroup ? cgroup_ancestor(cgroup, level) : NULL;
}

static u64 id_of(const struct cgroup *cgroup)
{
	return cgroup ? cgroup_id(cgroup) : 0;
}
#else
static const void *cgroup_of(struct sock *sk)
{
	return NULL;
}

static const void *ancestor_of(const void *cgroup, int level)
{
	return NULL;
}

static u64 id_of(const void *cgroup)
{
	return 0;
}
#endif

u64 kps_h_skb_cgroup_id(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return id_of(cgroup_of(sock_of(r1)));
}

u64 kps_h_skb_ancestor_cgroup_id(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return id_of(ancestor_of(cgroup_of(sock_of(r1)), (int)r2));
}

u64 kps_h_sk_cgroup_id(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return id_of(cgroup_of(ctx_of(r1)->sk));
}

u64 kps_h_sk_ancestor_cgroup_id(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return id_of(ancestor_of(cgroup_of(ctx_of(r1)->sk), (int)r2));
}
