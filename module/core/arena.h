/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - memory that is allocated piece by piece and freed whole */
#ifndef KPS_ARENA_H
#define KPS_ARENA_H

#include <linux/types.h>

#include "core/host.h"

struct kps_chunk;

/**
 * struct kps_arena - a bump allocator on the host's memory
 * @host: where chunks come from
 * @chunks: newest first
 * @lent: the first chunk, if it is the caller's
 * @bytes: of all chunks
 * @limit: most bytes to take; 0: no limit
 * @exhausted: an allocation failed because of @limit, not of the host
 * @failed: one failed because of the host
 */
struct kps_arena {
	const struct kps_host *host;
	struct kps_chunk *chunks;
	struct kps_chunk *lent;
	size_t bytes;
	size_t limit;
	bool exhausted;
	bool failed;
};

/** kps_arena_init - an empty arena; owns nothing until the first allocation */
void kps_arena_init(struct kps_arena *arena, const struct kps_host *host,
		    size_t limit);

/**
 * kps_arena_lend - use this memory before any of the host's
 * @arena: empty
 * @mem: 8-byte aligned; the caller's, who has it back once the arena is free
 * @size: bytes, 64 at least
 */
void kps_arena_lend(struct kps_arena *arena, void *mem, size_t size);

/**
 * kps_arena_pass_on - what is lent and not used is lent to another arena
 * @from: an arena with lent memory
 * @keep: bytes that it does not pass on
 * @to: an empty one, whose lent memory follows immediately
 */
void kps_arena_pass_on(struct kps_arena *from, size_t keep, struct kps_arena *to);

/**
 * kps_arena_alloc - memory with anything in it that lives as long as the arena
 * @arena: from here
 * @size: bytes
 *
 * Return: 8-byte aligned memory, or NULL: out of memory or over the limit.
 */
void *kps_arena_alloc(struct kps_arena *arena, size_t size);

/** kps_arena_zalloc - the same, zeroed */
void *kps_arena_zalloc(struct kps_arena *arena, size_t size);

/** kps_arena_array - kps_arena_zalloc() of @n * @size bytes, overflow checked */
void *kps_arena_array(struct kps_arena *arena, size_t n, size_t size);

/** kps_arena_reset - give the host's memory back; the arena is empty, what is lent remains */
void kps_arena_reset(struct kps_arena *arena);

/** kps_arena_free - give all memory back, what is lent with whatever is in it */
void kps_arena_free(struct kps_arena *arena);

#endif
