// SPDX-License-Identifier: GPL-2.0-only
/* The name that a DNS query asks for, in lower case with dots, counted */

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include "kapsel.bpf.h"

#define NAME_MAX_LEN 64

struct name {
	char text[NAME_MAX_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct name);
	__type(value, u64);
} asked SEC(".maps");

struct dns {
	__be16 id;
	__be16 flags;
	__be16 questions;
	__be16 answers;
	__be16 authorities;
	__be16 additions;
};

static __always_inline u8 lower(u8 c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* One label after the other, by a pointer that moves on. */
static __always_inline int read_labels(u8 *at, u8 *end, struct name *name)
{
	u32 to = 0, label, i, len;

	for (label = 0; label < 4; label++) {
		if (at + 1 > end)
			return -1;
		len = *at++;
		if (!len)
			return 0;
		for (i = 0; i < 16; i++) {
			if (i >= len)
				break;
			if (at + 1 > end)
				return -1;
			name->text[to++ & (NAME_MAX_LEN - 1)] = lower(*at);
			at++;
		}
		name->text[to++ & (NAME_MAX_LEN - 1)] = '.';
	}
	return 0;
}

/* Byte by byte, with what is left of the label in a counter. */
static __always_inline int read_flat(const u8 *at, const u8 *end, struct name *name)
{
	u32 left = 0, i;

	for (i = 0; i < NAME_MAX_LEN && at + 1 <= end; i++, at++) {
		if (left) {
			name->text[i] = lower(*at);
			left--;
			continue;
		}
		if (!*at)
			return 0;
		if (*at > 63)
			break;
		left = *at;
		name->text[i] = '.';
	}
	return -1;
}

static __always_inline void count(struct name *name)
{
	u64 one = 1, *n = bpf_map_lookup_elem(&asked, name);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&asked, name, &one, BPF_ANY);
}

/* Where the name of a DNS query begins, or NULL. */
static __always_inline u8 *name_in(u8 *data, u8 *end)
{
	struct iphdr *ip = (void *)data;
	struct udphdr *udp;
	struct dns *dns;

	if ((u8 *)(ip + 1) > end || ip->protocol != IPPROTO_UDP)
		return NULL;
	udp = (void *)ip + ip->ihl * 4;
	if ((u8 *)(udp + 1) > end || udp->dest != bpf_htons(53))
		return NULL;
	dns = (void *)(udp + 1);
	return (u8 *)(dns + 1) > end ? NULL : (u8 *)(dns + 1);
}

SEC("nf/inet/output")
int dns_labels(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	u8 *at = name_in(data, end);
	struct name name = {};

	if (!at)
		return KAPSEL_ACCEPT;
	if (read_labels(at, end, &name) < 0)
		return KAPSEL_DROP;
	count(&name);
	return KAPSEL_ACCEPT;
}

SEC("nf/inet/forward")
int dns_flat(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	u8 *at = name_in(data, end);
	struct name name = {};

	if (!at)
		return KAPSEL_ACCEPT;
	if (read_flat(at, end, &name) < 0)
		return KAPSEL_DROP;
	count(&name);
	return KAPSEL_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";
