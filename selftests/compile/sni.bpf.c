// SPDX-License-Identifier: GPL-2.0-only
/* The server name in a TLS ClientHello, by bpf_skb_load_bytes */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include "kapsel.bpf.h"

#define NAME_LEN 64
#define MAX_EXTENSIONS 20

struct hello_event {
	u32 source;
	u32 len;
	char name[NAME_LEN];
};

KAPSEL_EVENT(struct hello_event);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} hellos SEC(".maps");

struct extension {
	__be16 type;
	__be16 len;
};

static __always_inline int skip_u8(struct __sk_buff *skb, u32 *off)
{
	u8 len;

	if (bpf_skb_load_bytes(skb, *off, &len, sizeof(len)))
		return -1;
	*off += 1 + len;
	return 0;
}

static __always_inline int skip_u16(struct __sk_buff *skb, u32 *off)
{
	__be16 len;

	if (bpf_skb_load_bytes(skb, *off, &len, sizeof(len)))
		return -1;
	*off += 2 + bpf_ntohs(len);
	return 0;
}

static __always_inline void report(struct __sk_buff *skb, u32 source, u32 off)
{
	struct hello_event *event;
	__be16 wire;
	u32 len;

	if (bpf_skb_load_bytes(skb, off + 3, &wire, sizeof(wire)))
		return;
	len = bpf_ntohs(wire);
	event = bpf_ringbuf_reserve(&hellos, sizeof(*event), 0);
	if (!event)
		return;
	__builtin_memset(event, 0, sizeof(*event));
	event->source = source;
	event->len = len;
	if (len > NAME_LEN)
		len = NAME_LEN;
	if (!len || bpf_skb_load_bytes(skb, off + 5, event->name, len)) {
		bpf_ringbuf_discard(event, 0);
		return;
	}
	bpf_ringbuf_submit(event, 0);
}

SEC("nf/inet/forward")
int sni(struct __sk_buff *skb)
{
	struct iphdr ip;
	struct tcphdr tcp;
	u8 record[6];
	u32 off, i;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.protocol != IPPROTO_TCP)
		return KAPSEL_ACCEPT;
	off = ip.ihl * 4;
	if (bpf_skb_load_bytes(skb, off, &tcp, sizeof(tcp)) || tcp.dest != bpf_htons(443))
		return KAPSEL_ACCEPT;
	off += tcp.doff * 4;
	if (bpf_skb_load_bytes(skb, off, record, sizeof(record)))
		return KAPSEL_ACCEPT;
	if (record[0] != 22 || record[5] != 1)
		return KAPSEL_ACCEPT;
	off += 5 + 4 + 2 + 32;
	if (skip_u8(skb, &off) || skip_u16(skb, &off) || skip_u8(skb, &off))
		return KAPSEL_ACCEPT;
	off += 2;
	for (i = 0; i < MAX_EXTENSIONS; i++) {
		struct extension ext;

		if (bpf_skb_load_bytes(skb, off, &ext, sizeof(ext)))
			break;
		off += sizeof(ext);
		if (!ext.type) {
			report(skb, ip.saddr, off);
			break;
		}
		off += bpf_ntohs(ext.len);
	}
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
