// SPDX-License-Identifier: GPL-2.0-only
/* The same for BPF_PROG_TYPE_NETFILTER, which sees packets by dynptrs only */

#include "kapsel.bpf.h"
#include "kfuncs.h"
#include "looks.h"

struct nf_hook_state;
struct sk_buff;

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
};

u64 seen;

SEC("netfilter")
int look(struct bpf_nf_ctx *ctx)
{
	const struct looks *at;
	struct bpf_dynptr packet;
	struct looks buffer;

	if (bpf_dynptr_from_skb((struct __sk_buff *)ctx->skb, 0, &packet))
		return 1;
	at = bpf_dynptr_slice(&packet, 0, &buffer, sizeof(buffer));
	if (at && looks_ours(at))
		__sync_fetch_and_add(&seen, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
