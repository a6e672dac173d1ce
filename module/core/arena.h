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
 * @bytes: taken from the host
 * @limit: most bytes to take; 0: no limit
 * @exhausted: an allocation failed because of @limit, not of the host
 * @failed: one failed because of the host
 */
struct kps_arena {
	const struct kps_host *host;
	struct kps_chunk *chunks;
	size_t bytes;
	size_t limit;
	bool exhausted;
	bool failed;
};

/** kps_arena_init - an empty arena; owns nothing until the first allocation */
void kps_arena_init(struct kps_arena *arena, const struct kps_host *host,
		    size_t limit);

/**
 * kps_arena_alloc - zeroed memory that lives as long as the arena
 * @arena: from here
 * @size: bytes
 *
 * Return: 8-byte aligned memory, or NULL: out of memory or over the limit.
 */
void *kps_arena_alloc(struct kps_arena *arena, size_t size);

/** kps_arena_take - the same of any content, for what is written whole at once */
void *kps_arena_take(struct kps_arena *arena, size_t size);

/** kps_arena_array - kps_arena_alloc() of @n * @size bytes, overflow checked */
void *kps_arena_array(struct kps_arena *arena, size_t n, size_t size);

/** kps_arena_free - give all memory back; the arena is empty again */
void kps_arena_free(struct kps_arena *arena);

#endif
