// SPDX-License-Identifier: GPL-2.0-only
/* Which HTTP methods come in, and drops what asks for a path on a list */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include "kapsel.bpf.h"

#define METHODS 6
#define METHOD_LEN 8
#define PATH_LEN 12

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, METHODS + 1);
	__type(key, u32);
	__type(value, u64);
} seen SEC(".maps");

static const char methods[METHODS][METHOD_LEN] = {
	"GET ", "POST ", "PUT ", "DELETE ", "HEAD ", "OPTION",
};

static __always_inline int starts_with(const u8 *at, const u8 *end, const char *word, int max)
{
	int i;

	for (i = 0; i < max && word[i]; i++) {
		if (at + i + 1 > end)
			return 0;
		if (at[i] != word[i])
			return 0;
	}
	return 1;
}

static __always_inline u32 method_of(const u8 *at, const u8 *end)
{
	u32 i;

	for (i = 0; i < METHODS; i++)
		if (starts_with(at, end, methods[i], METHOD_LEN))
			break;
	return i;
}

static __always_inline int wants_admin(const u8 *at, const u8 *end)
{
	static const char path[] = "/admin/";
	int i;

	for (i = 0; i < PATH_LEN; i++, at++) {
		if (at + sizeof(path) > end)
			return 0;
		if (*at == ' ')
			return starts_with(at + 1, end, path, sizeof(path));
	}
	return 0;
}

SEC("nf/inet/input")
int http(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = (void *)data;
	struct tcphdr *tcp;
	u32 method;
	u8 *body;
	u64 *n;

	if ((u8 *)(ip + 1) > end || ip->protocol != IPPROTO_TCP)
		return KAPSEL_ACCEPT;
	tcp = (struct tcphdr *)(data + (ip->ihl << 2));
	if ((u8 *)(tcp + 1) > end || bpf_ntohs(tcp->dest) != 80)
		return KAPSEL_ACCEPT;
	body = (u8 *)tcp + (tcp->doff << 2);
	method = method_of(body, end);
	n = bpf_map_lookup_elem(&seen, &method);
	if (n)
		__sync_fetch_and_add(n, 1);
	if (wants_admin(body, end))
		return KAPSEL_DROP;
	return KAPSEL_ACCEPT;
}

static __always_inline int changes(const char *head)
{
	static const char delete[] = "DELETE ", put[] = "PUT ";

	return starts_with((u8 *)head, (u8 *)head + METHOD_LEN, delete, sizeof(delete)) ||
	       !__builtin_memcmp(head, put, sizeof(put) - 1);
}

/* The same without data and data_end, as on packets that are not linear. */
SEC("nf/inet/forward")
int http_copied(struct __sk_buff *skb)
{
	char head[METHOD_LEN] = {};
	struct iphdr ip;
	struct tcphdr tcp;
	u32 off;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.protocol != IPPROTO_TCP)
		return KAPSEL_ACCEPT;
	off = ip.ihl * 4;
	if (bpf_skb_load_bytes(skb, off, &tcp, sizeof(tcp)))
		return KAPSEL_ACCEPT;
	off += tcp.doff * 4;
	if (bpf_skb_load_bytes(skb, off, head, sizeof(head)))
		return KAPSEL_ACCEPT;
	return changes(head) ? KAPSEL_DROP : KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
