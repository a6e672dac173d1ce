// SPDX-License-Identifier: GPL-2.0-only
/* Histograms by powers of two: by branches, by a loop, linear with a rest */

#include "kapsel.bpf.h"

#define SLOTS 26

struct hist {
	u32 slots[SLOTS];
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, struct hist);
} hists SEC(".maps");

static struct hist empty;

static __always_inline u64 log2_32(u32 v)
{
	u32 r, shift;

	r = (v > 0xffff) << 4;
	v >>= r;
	shift = (v > 0xff) << 3;
	v >>= shift;
	r |= shift;
	shift = (v > 0xf) << 2;
	v >>= shift;
	r |= shift;
	shift = (v > 0x3) << 1;
	v >>= shift;
	r |= shift;
	r |= v >> 1;
	return r;
}

static __always_inline u64 log2_64(u64 v)
{
	u32 hi = v >> 32;

	return hi ? log2_32(hi) + 32 : log2_32(v);
}

static __noinline u32 log2_loop(u64 v)
{
	u32 n = 0;

	while (v > 1 && n < 63) {
		v >>= 1;
		n++;
	}
	return n;
}

static __always_inline struct hist *hist_of(u32 key)
{
	struct hist *hist = bpf_map_lookup_elem(&hists, &key);

	if (hist)
		return hist;
	bpf_map_update_elem(&hists, &key, &empty, BPF_NOEXIST);
	hist = bpf_map_lookup_elem(&hists, &key);
	if (hist)
		bpf_get_current_comm(hist->comm, sizeof(hist->comm));
	return hist;
}

SEC("kprobe/vfs_read")
int by_branches(struct pt_regs *ctx)
{
	struct hist *hist = hist_of(bpf_get_current_pid_tgid() >> 32);
	u64 slot;

	if (!hist)
		return 0;
	slot = log2_64(PT_REGS_PARM3(ctx));
	if (slot >= SLOTS)
		slot = SLOTS - 1;
	__sync_fetch_and_add(&hist->slots[slot], 1);
	return 0;
}

SEC("kprobe/vfs_write")
int by_loop(struct pt_regs *ctx)
{
	struct hist *hist = hist_of(bpf_get_current_pid_tgid());
	u32 slot = log2_loop(PT_REGS_PARM3(ctx));

	if (hist && slot < SLOTS)
		hist->slots[slot]++;
	return 0;
}

SEC("kretprobe/vfs_read")
int by_thousands(struct pt_regs *ctx)
{
	struct hist *hist = hist_of(0);
	int ret = PT_REGS_RC(ctx);
	u32 slot = 0;

	if (!hist || ret < 0)
		return 0;
	if (ret >= 1000 && ret <= 20000)
		slot = (u32)ret / 1000;
	else if (ret > 20000)
		slot = 21;
	hist->slots[slot]++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
