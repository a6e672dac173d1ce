// SPDX-License-Identifier: GPL-2.0-only
/* Counts calls of the file system layer: counters in .bss, one for each probe */

#include "people.h"

enum { S_READ, S_WRITE, S_FSYNC, S_OPEN, S_CREATE, S_STATS };

u64 stats[S_STATS] = {};

static __always_inline int inc(int which)
{
	if (which >= 0 && which < S_STATS)
		__sync_fetch_and_add(&stats[which], 1);
	return 0;
}

SEC("kprobe/vfs_read")
int BPF_KPROBE(on_read) { return inc(S_READ); }

SEC("kprobe/vfs_write")
int BPF_KPROBE(on_write) { return inc(S_WRITE); }

SEC("kprobe/vfs_fsync_range")
int BPF_KPROBE(on_fsync) { return inc(S_FSYNC); }

SEC("kprobe/vfs_open")
int BPF_KPROBE(on_open) { return inc(S_OPEN); }

SEC("kprobe/vfs_create")
int BPF_KPROBE(on_create) { return inc(S_CREATE); }

char LICENSE[] SEC("license") = "GPL";
