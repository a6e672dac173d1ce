// SPDX-License-Identifier: GPL-2.0-only
/* Records of several kinds in one ring buffer; each way out gives them back */

#include "kapsel.bpf.h"

struct head {
	u64 ts;
	u32 kind;
	u32 size;
};

struct small {
	struct head head;
	u32 values[8];
};

struct big {
	struct head head;
	char comm[16];
	u8 stack[256];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} records SEC(".maps");

u64 lost[2];

static __always_inline void fill_head(struct head *head, u32 kind, u32 size)
{
	head->ts = bpf_ktime_get_ns();
	head->kind = kind;
	head->size = size;
}

static __noinline int put_small(u32 seed)
{
	struct small *r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	int i;

	if (!r) {
		lost[0]++;
		return -1;
	}
	fill_head(&r->head, 0, sizeof(*r));
	for (i = 0; i < 8; i++)
		r->values[i] = seed ^ (i * 0x9e3779b9);
	bpf_ringbuf_submit(r, 0);
	return 0;
}

static __noinline int put_big(struct pt_regs *ctx)
{
	struct big *r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	int ret = -1;

	if (!r) {
		lost[1]++;
		return -1;
	}
	if (bpf_get_current_comm(r->comm, sizeof(r->comm)))
		goto drop;
	if (bpf_probe_read_kernel(r->stack, sizeof(r->stack), (void *)PT_REGS_SP(ctx)))
		goto drop;
	if (!r->stack[0])
		goto drop;
	fill_head(&r->head, 1, sizeof(*r));
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return 0;
drop:
	bpf_ringbuf_discard(r, 0);
	return ret;
}

SEC("kprobe/vfs_open")
int both_kinds(struct pt_regs *ctx)
{
	u64 avail = bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA);

	if (avail > 1 << 19 || put_big(ctx))
		put_small(PT_REGS_PARM1(ctx));
	return 0;
}

/* Two at once, in either order of failing. */
SEC("kprobe/vfs_rename")
int two_at_once(struct pt_regs *ctx)
{
	struct small *from, *to;
	int err = 0;

	from = bpf_ringbuf_reserve(&records, sizeof(*from), 0);
	if (!from)
		return 0;
	to = bpf_ringbuf_reserve(&records, sizeof(*to), 0);
	if (!to)
		goto out;
	__builtin_memset(from, 0, sizeof(*from));
	fill_head(&from->head, 2, sizeof(*from));
	__builtin_memcpy(to, from, sizeof(*to));
	err = bpf_probe_read_kernel(from->values, sizeof(from->values),
				    (void *)PT_REGS_PARM1(ctx));
	if (!err)
		err = bpf_probe_read_kernel(to->values, 16, (void *)PT_REGS_PARM2(ctx));
	if (err)
		bpf_ringbuf_discard(to, 0);
	else
		bpf_ringbuf_submit(to, 0);
out:
	if (err || !to)
		bpf_ringbuf_discard(from, 0);
	else
		bpf_ringbuf_submit(from, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
