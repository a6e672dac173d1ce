/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - ring buffer: what its helpers do. Any context */
#ifndef KPS_RINGBUF_H
#define KPS_RINGBUF_H

#include <linux/types.h>

struct kps_map;

/** kps_ringbuf_output - copy a record in; 0, -EINVAL (flags) or -EAGAIN (full) */
long kps_ringbuf_output(struct kps_map *map, const void *from, u64 size,
			u64 flags);

/** kps_ringbuf_reserve - room for a record, or NULL, which is counted */
void *kps_ringbuf_reserve(struct kps_map *map, u64 size);

/** kps_ringbuf_commit - hand a record to the reader, or have him skip it */
void kps_ringbuf_commit(void *record, u64 flags, bool discard);

/** kps_ringbuf_query - BPF_RB_AVAIL_DATA and so on; 0 for what is unknown */
u64 kps_ringbuf_query(struct kps_map *map, u64 what);

#endif
