// SPDX-License-Identifier: GPL-2.0-only
/* How much each user sends over TCP and UDP: calls and bytes, as they are handed over */

#include "kapsel.bpf.h"

struct sent {
	u64 calls;
	u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct sent);
} users SEC(".maps");

/*
 * udp_sendmsg, and udpv6_sendmsg where there is IPv6. All are
 * (struct sock *sk, struct msghdr *msg, size_t size).
 */
SEC("kprobe.multi/tcp_sendmsg,udp*_sendmsg")
int egress(struct pt_regs *ctx)
{
	u32 uid = bpf_get_current_uid_gid();
	u64 bytes = PT_REGS_PARM3(ctx);
	struct sent *sent, first = { 1, bytes };

	sent = bpf_map_lookup_elem(&users, &uid);
	if (sent) {
		sent->calls++;
		sent->bytes += bytes;
	} else {
		bpf_map_update_elem(&users, &uid, &first, BPF_NOEXIST);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
