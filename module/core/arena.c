// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - memory that is allocated piece by piece and freed whole */

#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/arena.h"

#define MIN_CHUNK	((size_t)2048)
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

/*
 * A quarter of all before: small programs take little, large ones few pieces. Hosts
 * give powers of two anyway.
 */
static size_t chunk_size(const struct kps_arena *arena, size_t room)
{
	size_t usual = clamp_t(size_t, arena->bytes / 4, MIN_CHUNK, MAX_CHUNK);
	size_t size = MIN_CHUNK;

	room += sizeof(struct kps_chunk);
	if (room > MAX_CHUNK)
		return room;
	while (size < room || size < usual)
		size *= 2;
	return size;
}

static size_t space_in(const struct kps_chunk *chunk)
{
	return chunk ? chunk->size - chunk->used : 0;
}

static struct kps_chunk *new_chunk(struct kps_arena *arena, size_t room)
{
	size_t size = chunk_size(arena, room);
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
	arena->bytes += size;
	return chunk;
}

/* The chunk with more space left goes first. */
static void link_chunk(struct kps_arena *arena, struct kps_chunk *chunk)
{
	struct kps_chunk *first = arena->chunks;

	if (space_in(first) <= space_in(chunk)) {
		chunk->next = first;
		arena->chunks = chunk;
	} else {
		chunk->next = first->next;
		first->next = chunk;
	}
}

void *kps_arena_take(struct kps_arena *arena, size_t size)
{
	struct kps_chunk *chunk = arena->chunks;
	bool fits;
	void *mem;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = ALIGN(size, 8);
	fits = space_in(chunk) >= size && chunk;
	if (!fits)
		chunk = new_chunk(arena, size);
	if (!chunk)
		return NULL;
	mem = (char *)chunk + chunk->used;
	chunk->used += size;
	if (!fits)
		link_chunk(arena, chunk);
	return mem;
}

void *kps_arena_alloc(struct kps_arena *arena, size_t size)
{
	void *mem = kps_arena_take(arena, size);

	return mem ? memset(mem, 0, ALIGN(size, 8)) : NULL;
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
