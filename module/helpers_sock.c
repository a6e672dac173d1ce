// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - helpers for netfilter programs: the packet's socket */

#include <linux/cgroup.h>
#include <linux/highuid.h>
#include <linux/sock_diag.h>
#include <linux/uidgid.h>
#include <net/sock.h>

#include "helpers.h"
#include "skbctx.h"

/* A full one, or NULL. */
static struct sock *sock_of(u64 r1)
{
	return ((const struct kps_skb_ctx *)(unsigned long)r1)->sk;
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
static struct cgroup *cgroup_of(u64 r1)
{
	struct sock *sk = sock_of(r1);

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
static const void *cgroup_of(u64 r1)
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
	return id_of(cgroup_of(r1));
}

u64 kps_h_skb_ancestor_cgroup_id(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
{
	return id_of(ancestor_of(cgroup_of(r1), (int)r2));
}
