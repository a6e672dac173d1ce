// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - memory that is allocated piece by piece and freed whole */

#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/arena.h"

#define MIN_CHUNK	(4 * 1024)
#define MAX_CHUNK	(32 * 1024)

struct kps_chunk {
	struct kps_chunk *next;
	size_t size;
	size_t used;
	u64 mem[];
};

void kps_arena_init(struct kps_arena *arena, const struct kps_host *host,
		    size_t limit)
{
	*arena = (struct kps_arena){ .host = host, .limit = limit };
}

static struct kps_chunk *add_chunk(struct kps_arena *arena, size_t room)
{
	/* As large as all before: small programs take little, large ones few pieces. */
	size_t usual = clamp_t(size_t, arena->bytes, MIN_CHUNK, MAX_CHUNK);
	size_t size = max_t(size_t, room + sizeof(struct kps_chunk), usual);
	struct kps_chunk *chunk;

	if (arena->limit && size > arena->limit - min(arena->bytes, arena->limit)) {
		arena->exhausted = true;
		return NULL;
	}
	chunk = arena->host->alloc(arena->host->priv, size);
	if (!chunk) {
		arena->failed = true;
		return NULL;
	}
	chunk->size = size;
	chunk->used = sizeof(*chunk);
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->bytes += size;
	return chunk;
}

void *kps_arena_alloc(struct kps_arena *arena, size_t size)
{
	struct kps_chunk *chunk = arena->chunks;
	void *mem;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = ALIGN(size, 8);
	if (!chunk || chunk->size - chunk->used < size)
		chunk = add_chunk(arena, size);
	if (!chunk)
		return NULL;
	mem = (char *)chunk + chunk->used;
	chunk->used += size;
	return mem;
}

void *kps_arena_array(struct kps_arena *arena, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / 2 / size)
		return NULL;
	return kps_arena_alloc(arena, n * size);
}

void kps_arena_free(struct kps_arena *arena)
{
	const struct kps_host *host = arena->host;

	while (arena->chunks) {
		struct kps_chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		host->free(host->priv, chunk, chunk->size);
	}
	arena->bytes = 0;
	arena->exhausted = false;
	arena->failed = false;
}
