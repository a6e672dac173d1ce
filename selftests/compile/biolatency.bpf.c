// SPDX-License-Identifier: GPL-2.0-only
/* How long requests to block devices take: histograms by device and operation */

#include "people.h"

#define SLOTS 27
#define REQ_OP_MASK 0xff

struct gendisk {
	int major;
	int first_minor;
} CORE;

struct request_queue {
	struct gendisk *disk;
} CORE;

struct request {
	struct request_queue *q;
	u32 cmd_flags;
	u32 __data_len;
} CORE;

struct hist_key {
	u32 dev;
	u32 op;
};

struct hist {
	u32 slots[SLOTS];
	u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, struct request *);
	__type(value, u64);
} start SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct hist_key);
	__type(value, struct hist);
} hists SEC(".maps");

static struct hist zero;
const volatile bool in_ms;
const volatile u32 target_dev;

static __always_inline u32 dev_of(struct request *rq)
{
	struct gendisk *disk = BPF_CORE_READ(rq, q, disk);

	return disk ? BPF_CORE_READ(disk, major) << 20 | BPF_CORE_READ(disk, first_minor) : 0;
}

SEC("kprobe/blk_mq_start_request")
int BPF_KPROBE(issued, struct request *rq)
{
	u64 ts = bpf_ktime_get_ns();

	if (target_dev && dev_of(rq) != target_dev)
		return 0;
	bpf_map_update_elem(&start, &rq, &ts, BPF_ANY);
	return 0;
}

SEC("kprobe/blk_mq_end_request")
int BPF_KPROBE(completed, struct request *rq)
{
	u64 *ts = bpf_map_lookup_elem(&start, &rq);
	struct hist_key key = {};
	struct hist *hist;
	s64 delta;
	u32 slot;

	if (!ts)
		return 0;
	delta = (s64)(bpf_ktime_get_ns() - *ts);
	if (delta < 0)
		goto cleanup;
	key.dev = dev_of(rq);
	key.op = BPF_CORE_READ(rq, cmd_flags) & REQ_OP_MASK;
	hist = bpf_map_lookup_elem(&hists, &key);
	if (!hist) {
		bpf_map_update_elem(&hists, &key, &zero, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(&hists, &key);
		if (!hist)
			goto cleanup;
	}
	slot = log2_of((u64)delta / (in_ms ? 1000000U : 1000U));
	if (slot >= SLOTS)
		slot = SLOTS - 1;
	__sync_fetch_and_add(&hist->slots[slot], 1);
	__sync_fetch_and_add(&hist->bytes, BPF_CORE_READ(rq, __data_len));
cleanup:
	bpf_map_delete_elem(&start, &rq);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
