// SPDX-License-Identifier: GPL-2.0-only
/*
 * libkapsel - models of the helpers for offline runs: the packet, which is linear,
 * nobody else's, and without a sum of a device
 */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "sim.h"

#define OVERFLOW_UID 65534
#define F_IPV6 128	/* BPF_F_IPV6, which older headers lack */

static char *packet_at(u32 off, u32 size)
{
	const struct kl_sim *sim = kl_sim_now;

	return off <= sim->packet_size && size <= sim->packet_size - off ?
	       sim->packet + off : NULL;
}

MODEL(skb_load_bytes)
{
	const char *from = r2 <= 0xffff ? packet_at(r2, r4) : NULL;

	UNUSED5;
	if (from)
		memcpy(PTR(r3), from, (u32)r4);
	else
		memset(PTR(r3), 0, (u32)r4);
	return from ? 0 : (s64)-EFAULT;
}

/* There is no header before that of IP. */
MODEL(skb_load_bytes_relative)
{
	if (r5 == BPF_HDR_START_NET)
		return kl_h_skb_load_bytes(r1, r2, r3, r4, r5);
	memset(PTR(r3), 0, (u32)r4);
	return (s64)-EFAULT;
}

/* Nor a socket. */
MODEL(get_socket_cookie) { UNUSED5; return 0; }
MODEL(get_socket_uid) { UNUSED5; return OVERFLOW_UID; }
MODEL(sk_fullsock) { UNUSED5; return 0; }
MODEL(tcp_sock) { UNUSED5; return 0; }
MODEL(get_listener_sock) { UNUSED5; return 0; }
MODEL(sk_cgroup_id) { UNUSED5; return 0; }
MODEL(sk_ancestor_cgroup_id) { UNUSED5; return 0; }
MODEL(skb_cgroup_id) { UNUSED5; return 0; }
MODEL(skb_ancestor_cgroup_id) { UNUSED5; return 0; }

MODEL(skb_store_bytes)
{
	char *to = packet_at(r2, r4);

	UNUSED5;
	if (r5 & ~(u64)(BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH))
		return (s64)-EINVAL;
	if (!to)
		return (s64)-EFAULT;
	memcpy(to, PTR(r3), (u32)r4);
	return 0;
}

MODEL(skb_pull_data)
{
	UNUSED5;
	return packet_at(0, r2) ? 0 : (s64)-ENOMEM;
}

/* Sums of 16-bit words as they are in memory, with the carry added at the end. */
static u32 add(u32 a, u32 b)
{
	u64 sum = (u64)a + b;

	return (u32)(sum + (sum >> 32));
}

static u16 fold(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)(sum + (sum >> 16));
}

static u32 sum_bytes(const char *from, u32 size, u32 sum)
{
	u16 word;

	for (; size > 1; size -= 2, from += 2) {
		memcpy(&word, from, sizeof(word));
		sum = add(sum, word);
	}
	return sum;
}

MODEL(csum_diff)
{
	u32 from_size = r2, to_size = r4;

	if ((from_size | to_size) & 3 || (u64)from_size + to_size > 512)
		return (s64)-EINVAL;
	return add(sum_bytes(PTR(r3), to_size, r5), ~sum_bytes(PTR(r1), from_size, 0));
}

/* By how much the change of a field of @size bytes changes the sum. */
static bool field_diff(u64 from, u64 to, u64 size, u32 *diff)
{
	if (size == 2)
		*diff = add((u16)to, ~(u32)(u16)from);
	else
		*diff = size ? add(to, ~(u32)from) : (u32)to;
	return size == 2 || size == 4 || (!size && !from);
}

static u16 *checksum_at(u64 off)
{
	return (u32)off > 0xffff || off & 1 ? NULL : PTR(packet_at(off, 2));
}

static void repair(u16 *sum, u32 diff)
{
	*sum = (u16)~fold(add(diff, ~(u32)*sum));
}

MODEL(l3_csum_replace)
{
	u16 *sum = checksum_at(r2);
	u32 diff;

	UNUSED5;
	if (!field_diff(r3, r4, r5, &diff))
		return (s64)-EINVAL;
	if (!sum)
		return (s64)-EFAULT;
	repair(sum, diff);
	return 0;
}

MODEL(l4_csum_replace)
{
	u64 known = BPF_F_HDR_FIELD_MASK | BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 |
		    BPF_F_MARK_ENFORCE | F_IPV6;
	bool optional = r5 & BPF_F_MARK_MANGLED_0;
	u16 *sum = checksum_at(r2);
	u32 diff;

	UNUSED5;
	if (r5 & ~known || !field_diff(r3, r4, r5 & BPF_F_HDR_FIELD_MASK, &diff))
		return (s64)-EINVAL;
	if (!sum)
		return (s64)-EFAULT;
	if (optional && !(r5 & BPF_F_MARK_ENFORCE) && !*sum)
		return 0;
	repair(sum, diff);
	if (optional && !*sum)
		*sum = 0xffff;
	return 0;
}

/* The last two bits of a traffic class are 0: it takes no marks, or 3: it is marked. */
static u64 mark4(u8 *ip)
{
	u16 more = 3 - (ip[1] & 3), sum;

	if (more == 3)
		return 0;
	memcpy(&sum, ip + 10, sizeof(sum));
	if (more)
		sum = fold((u32)sum + htons(0xffff - more));
	memcpy(ip + 10, &sum, sizeof(sum));
	ip[1] |= 3;
	return 1;
}

static u64 mark6(u8 *ip)
{
	if (!(ip[1] & 0x30))
		return 0;
	ip[1] |= 0x30;
	return 1;
}

MODEL(skb_ecn_set_ce)
{
	u8 *ip = (u8 *)packet_at(0, 20);

	UNUSED5;
	if (ip && ip[0] >> 4 == 4)
		return mark4(ip);
	return ip && ip[0] >> 4 == 6 && packet_at(0, 40) ? mark6(ip) : 0;
}
