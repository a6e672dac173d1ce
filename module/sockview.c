// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - sockets as programs see them: struct bpf_sock and struct bpf_tcp_sock */

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/in.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/tcp.h>
#include <linux/win_minmax.h>
#include <net/inet_connection_sock.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "sockview.h"

/* Where the verifier finds each field, there it is: else this does not compile. */
enum {
#define KPS_SOCK_FIELD(_struct, _least, _offset, _size, _name)			\
	CHECKED_##_struct##_##_name =						\
	BUILD_BUG_ON_ZERO(offsetof(struct kps_##_struct##_view, _name) != (_offset) || \
			  sizeof_field(struct kps_##_struct##_view, _name) != (_size)),
#include "core/sockets.tbl"
#undef KPS_SOCK_FIELD
};

static void look_at_ip6(struct kps_sock_view *view, const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	memcpy(view->src_ip6, &sk->sk_v6_rcv_saddr, sizeof(view->src_ip6));
	memcpy(view->dst_ip6, &sk->sk_v6_daddr, sizeof(view->dst_ip6));
#endif
}

void kps_sock_look(struct kps_sock_view *view, const struct sock *sk)
{
	*view = (struct kps_sock_view){
		.bound_dev_if = READ_ONCE(sk->sk_bound_dev_if),
		.family = sk->sk_family,
		.type = sk->sk_type,
		.protocol = sk->sk_protocol,
		.mark = READ_ONCE(sk->sk_mark),
		.priority = READ_ONCE(sk->sk_priority),
		.src_ip4 = (__force u32)sk->sk_rcv_saddr,
		.src_port = sk->sk_num,
		.dst_port = (__force u16)sk->sk_dport,
		.dst_ip4 = (__force u32)sk->sk_daddr,
		.state = READ_ONCE(sk->sk_state),
		.rx_queue_mapping = sk_rx_queue_get(sk),
	};
	look_at_ip6(view, sk);
}

/* A raw socket may say the same protocol, and is none. */
static bool is_tcp(const struct sock *sk)
{
	return (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) &&
	       sk->sk_type == SOCK_STREAM && sk->sk_protocol == IPPROTO_TCP;
}

#define SAME(name)	.name = READ_ONCE(tp->name)

/* Whoever has the socket may be changing it, as where Linux's programs look. */
bool kps_tcp_sock_look(struct kps_tcp_sock_view *view, const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (!is_tcp(sk))
		return false;
	*view = (struct kps_tcp_sock_view){
		SAME(snd_cwnd), SAME(srtt_us), SAME(snd_ssthresh), SAME(rcv_nxt),
		SAME(snd_nxt), SAME(snd_una), SAME(mss_cache), SAME(ecn_flags),
		SAME(rate_delivered), SAME(rate_interval_us), SAME(packets_out),
		SAME(retrans_out), SAME(total_retrans), SAME(segs_in), SAME(data_segs_in),
		SAME(segs_out), SAME(data_segs_out), SAME(lost_out), SAME(sacked_out),
		SAME(bytes_received), SAME(bytes_acked), SAME(dsack_dups), SAME(delivered),
		SAME(delivered_ce),
		.rtt_min = minmax_get(&tp->rtt_min),
		.icsk_retransmits = inet_csk(sk)->icsk_retransmits,
	};
	return true;
}
