/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - sockets as programs see them: struct bpf_sock and struct bpf_tcp_sock */
#ifndef KPS_SOCKVIEW_H
#define KPS_SOCKVIEW_H

#include <linux/types.h>

struct sock;

/*
 * Programs read copies, in the layout that they know: of a structure of the kernel's
 * nothing has to be found, and nothing of it is within their reach. See sockets.tbl.
 */

/** struct kps_sock_view - struct bpf_sock; ports as Linux has them there */
struct kps_sock_view {
	u32 bound_dev_if;
	u32 family;
	u32 type;
	u32 protocol;
	u32 mark;
	u32 priority;
	u32 src_ip4;
	u32 src_ip6[4];
	u32 src_port;
	u32 dst_port;
	u32 dst_ip4;
	u32 dst_ip6[4];
	u32 state;
	u32 rx_queue_mapping;
};

/** struct kps_tcp_sock_view - struct bpf_tcp_sock */
struct kps_tcp_sock_view {
	u32 snd_cwnd;
	u32 srtt_us;
	u32 rtt_min;
	u32 snd_ssthresh;
	u32 rcv_nxt;
	u32 snd_nxt;
	u32 snd_una;
	u32 mss_cache;
	u32 ecn_flags;
	u32 rate_delivered;
	u32 rate_interval_us;
	u32 packets_out;
	u32 retrans_out;
	u32 total_retrans;
	u32 segs_in;
	u32 data_segs_in;
	u32 segs_out;
	u32 data_segs_out;
	u32 lost_out;
	u32 sacked_out;
	u64 bytes_received;
	u64 bytes_acked;
	u32 dsack_dups;
	u32 delivered;
	u32 delivered_ce;
	u32 icsk_retransmits;
};

/** kps_sock_look - what a full socket of IP is like now */
void kps_sock_look(struct kps_sock_view *view, const struct sock *sk);

/** kps_tcp_sock_look - the same of TCP's part of it; false: it is none of TCP's */
bool kps_tcp_sock_look(struct kps_tcp_sock_view *view, const struct sock *sk);

#endif
