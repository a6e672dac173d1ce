/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - ring buffer: what its helpers do, in any context, and other types need */
#ifndef KPS_RINGBUF_H
#define KPS_RINGBUF_H

#include <linux/poll.h>
#include <linux/types.h>

struct kps_map;
struct vm_area_struct;

/** kps_ringbuf_output - copy a record in; 0, -EINVAL (flags) or -EAGAIN (full) */
long kps_ringbuf_output(struct kps_map *map, const void *from, u64 size,
			u64 flags);

/** kps_ringbuf_reserve - room for a record, or NULL, which is counted */
void *kps_ringbuf_reserve(struct kps_map *map, u64 size);

/** kps_ringbuf_submit - hand a record to the reader */
void kps_ringbuf_submit(void *record, u64 flags);

/** kps_ringbuf_query - BPF_RB_AVAIL_DATA and so on; 0 for what is unknown */
u64 kps_ringbuf_query(struct kps_map *map, u64 what);

/* See struct kps_map_ops. */
int kps_ringbuf_mmap(struct kps_map *map, struct vm_area_struct *vma);
__poll_t kps_ringbuf_poll(struct kps_map *map, struct file *file,
			  struct poll_table_struct *table);

#endif
