/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions that Linux has for its own eBPF programs */
#ifndef BENCH_KFUNCS_H
#define BENCH_KFUNCS_H

SEC(".ksyms") int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *to);
SEC(".ksyms") void *bpf_dynptr_slice(const struct bpf_dynptr *from, u32 offset, void *buffer,
				     u32 size);

#endif
