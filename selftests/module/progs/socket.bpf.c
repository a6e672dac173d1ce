// SPDX-License-Identifier: GPL-2.0-only
/*
 * What there is to know of packets and their sockets, for Linux and for kapsel: the
 * same object. Facts are added up so that their order does not count. And a program
 * of kapsel's that stores to each packet, and takes it back.
 */

#include <linux/if_ether.h>

#include "kapsel.bpf.h"

#define MARK 77
#define PORT 7904
#define MOST 48		/* bytes that are read directly */
#define FAR 1400	/* what is stored to becomes linear */

enum fact {
#define FACT(name) FACT_##name,
#define SHAPE(name) FACT_##name,
#include "../lib/socket_facts.tbl"
#undef FACT
#undef SHAPE
	FACTS,
	PACKETS = FACTS,
	ELEMENTS,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ELEMENTS);
	__type(key, u32);
	__type(value, u64);
} sent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ELEMENTS);
	__type(key, u32);
	__type(value, u64);
} received SEC(".maps");

/* Of stores: packets, and what went wrong. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, u64);
} stored SEC(".maps");

static __always_inline u64 mixed(u64 value)
{
	value = (value + 1) * 0x9e3779b97f4a7c15ULL;
	value ^= value >> 29;
	value *= 0xbf58476d1ce4e5b9ULL;
	return value ^ value >> 32;
}

static __always_inline void add(void *map, u32 fact, u64 value)
{
	u64 *sum = bpf_map_lookup_elem(map, &fact);

	if (sum)
		__sync_fetch_and_add(sum, value);
}

#define KEEP(name, value) add(map, FACT_##name, mixed(value))

static __always_inline void keep_packet(struct __sk_buff *skb, void *map)
{
	KEEP(len, skb->len);
	KEEP(protocol, skb->protocol);
	KEEP(mark, skb->mark);
	KEEP(priority, skb->priority);
	KEEP(ifindex, skb->ifindex);
	KEEP(gso_segs, skb->gso_segs);
	KEEP(gso_size, skb->gso_size);
	KEEP(vlan, (u64)skb->vlan_present << 32 | skb->vlan_tci);
	KEEP(napi_id, skb->napi_id);
}

static __always_inline void keep_socket(struct __sk_buff *skb, void *map)
{
	KEEP(family, skb->family);
	KEEP(remote_ip4, skb->remote_ip4);
	KEEP(local_ip4, skb->local_ip4);
	KEEP(remote_ip6, (u64)skb->remote_ip6[0] << 32 | skb->remote_ip6[3]);
	KEEP(local_ip6, (u64)skb->local_ip6[0] << 32 | skb->local_ip6[3]);
	KEEP(remote_port, skb->remote_port);
	KEEP(local_port, skb->local_port);
	KEEP(cookie, bpf_get_socket_cookie(skb));
	KEEP(uid, bpf_get_socket_uid(skb));
	KEEP(cgroup, bpf_skb_cgroup_id(skb));
	KEEP(ancestors, bpf_skb_ancestor_cgroup_id(skb, 0) ^
			mixed(bpf_skb_ancestor_cgroup_id(skb, 1)) ^
			mixed(bpf_skb_ancestor_cgroup_id(skb, 2)) << 1 ^
			mixed(bpf_skb_ancestor_cgroup_id(skb, -1)) << 2);
}

#define ALSO(sum, value) (mixed(sum) * 31 + (value))

static __always_inline void keep_tcp(struct bpf_tcp_sock *tp, void *map)
{
	KEEP(tcp_window, ALSO(ALSO(ALSO(tp->snd_cwnd, tp->srtt_us), tp->rtt_min),
			      ALSO(tp->snd_ssthresh, tp->mss_cache)));
	KEEP(tcp_sequence, ALSO(ALSO(tp->rcv_nxt, tp->snd_nxt), tp->snd_una));
	KEEP(tcp_rate, ALSO(ALSO(tp->rate_delivered, tp->rate_interval_us), tp->ecn_flags));
	KEEP(tcp_segments, ALSO(ALSO(tp->segs_in, tp->data_segs_in),
				ALSO(tp->segs_out, tp->data_segs_out)));
	KEEP(tcp_bytes, ALSO(tp->bytes_received, tp->bytes_acked));
	KEEP(tcp_losses, ALSO(ALSO(ALSO(tp->packets_out, tp->retrans_out),
				   ALSO(tp->total_retrans, tp->lost_out)),
			      ALSO(ALSO(tp->sacked_out, tp->dsack_dups),
				   ALSO(ALSO(tp->delivered, tp->delivered_ce),
					tp->icsk_retransmits))));
}

/* The socket itself: as the context has it, whole, and TCP's. */
static __always_inline void keep_sock(struct __sk_buff *skb, void *map)
{
	struct bpf_sock *sk = skb->sk, *full;
	struct bpf_tcp_sock *tp;

	if (!sk)
		return;
	KEEP(sk_addresses, (u64)sk->src_ip4 << 32 | sk->dst_ip4);
	KEEP(sk_addresses6, ALSO((u64)sk->src_ip6[0] << 32 | sk->src_ip6[3],
				 (u64)sk->dst_ip6[0] << 32 | sk->dst_ip6[3]));
	KEEP(sk_ports, (u64)sk->src_port << 32 | sk->dst_port);
	KEEP(sk_state, ALSO((u64)sk->family << 32 | sk->state,
			    ALSO(sk->bound_dev_if, (u32)sk->rx_queue_mapping)));
	KEEP(sk_cgroup, ALSO(bpf_sk_cgroup_id(sk), bpf_sk_ancestor_cgroup_id(sk, 1)));
	full = bpf_get_listener_sock(sk);
	KEEP(sk_listener, full ? ALSO(full->src_port, full->state) : 1);
	full = bpf_sk_fullsock(sk);
	if (!full)
		return;
	KEEP(sk_full, ALSO((u64)full->type << 32 | full->protocol,
			   (u64)full->mark << 32 | full->priority));
	tp = bpf_tcp_sock(sk);
	if (tp)
		keep_tcp(tp, map);
}

/* Eight bytes at an offset that depends on the packet, inside of it or not. */
static __always_inline void keep_bytes(struct __sk_buff *skb, void *map)
{
	u32 at = skb->len * 7 % (skb->len + 9);
	u64 bytes = -1;
	long err;

	err = bpf_skb_load_bytes(skb, at, &bytes, sizeof(bytes));
	KEEP(bytes, bytes + mixed(err));
	bytes = -1;
	err = bpf_skb_load_bytes(skb, skb->len - 7, &bytes, sizeof(bytes));
	KEEP(bytes_behind, bytes + mixed(err));
}

static __always_inline void keep_linear(struct __sk_buff *skb, void *map)
{
	u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	u64 sum = 0;
	u32 i;

	for (i = 0; i < MOST && data + i + 1 <= end; i++)
		sum = sum * 31 + data[i];
	KEEP(tstamp, skb->tstamp);
	KEEP(linear, i);
	KEEP(direct, sum);
}

#define RELATIVE(name, start) do {					\
	u64 _bytes = -1;						\
	long _err = bpf_skb_load_bytes_relative(skb, at, &_bytes, sizeof(_bytes), start); \
									\
	KEEP(name, _bytes + mixed(_err));				\
} while (0)

static __always_inline void keep_relative(struct __sk_buff *skb, void *map)
{
	u32 at = skb->len * 5 % (skb->len + 9);

	RELATIVE(relative, BPF_HDR_START_NET);
	RELATIVE(relative_nowhere, 2);
	at &= 7;
	RELATIVE(relative_mac, BPF_HDR_START_MAC);
}

/* What a listener answers, Linux 6.1 shows to a cgroup's programs for IPv4 only. */
static __always_inline bool answers6(struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_IPV6) && skb->local_port == PORT &&
	       !skb->remote_port;
}

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *skb)
{
	if (skb->mark != MARK || answers6(skb))
		return 1;
	add(&sent, PACKETS, 1);
	keep_packet(skb, &sent);
	keep_socket(skb, &sent);
	keep_sock(skb, &sent);
	keep_bytes(skb, &sent);
	keep_linear(skb, &sent);
	keep_relative(skb, &sent);
	return 1;
}

/* Of connections: whose socket else a packet is for is known later than in netfilter. */
SEC("cgroup_skb/ingress")
int on_ingress(struct __sk_buff *skb)
{
	if (skb->local_port != PORT || !skb->remote_port)
		return 1;
	add(&received, PACKETS, 1);
	keep_packet(skb, &received);
	keep_socket(skb, &received);
	keep_sock(skb, &received);
	keep_bytes(skb, &received);
	return 1;
}

static __always_inline bool stores(struct __sk_buff *skb, u32 at)
{
	u8 byte = 0, other, seen = 0;

	if (bpf_skb_load_bytes(skb, at, &byte, 1))
		return false;
	other = ~byte;
	if (bpf_skb_store_bytes(skb, at, &other, 1, 0) || bpf_skb_load_bytes(skb, at, &seen, 1))
		return false;
	return seen == other && !bpf_skb_store_bytes(skb, at, &byte, 1, 0);
}

static __always_inline bool stores_directly(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	u8 byte;

	if (data + 20 > end)
		return true;
	byte = data[19];
	data[19] = ~byte;
	if (data[19] == byte)
		return false;
	data[19] = byte;
	return true;
}

/* There is a socket where the context has its addresses, and the same one. */
static __always_inline bool same_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return !skb->family;
	return sk->family == skb->family && sk->src_port == skb->local_port &&
	       sk->dst_ip4 == skb->remote_ip4;
}

SEC("?nf/inet/prerouting")
int on_any_hook(struct __sk_buff *skb)
{
	u32 len = skb->len, last = len > FAR ? FAR : len - 1;
	u16 none = 0;

	add(&stored, 0, 1);
	if (!same_socket(skb))
		add(&stored, 1, 1);
	if (!stores_directly(skb) || !stores(skb, 0) || !stores(skb, last) ||
	    !stores(skb, last / 2))
		add(&stored, 1, 1);
	if (bpf_skb_store_bytes(skb, len, &none, 1, 0) != -14 ||
	    bpf_skb_store_bytes(skb, len - 1, &none, 2, 0) != -14)
		add(&stored, 1, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
