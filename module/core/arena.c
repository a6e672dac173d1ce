// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - memory that is allocated piece by piece and freed whole */

#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>

#include "core/arena.h"

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

void kps_arena_lend(struct kps_arena *arena, void *mem, size_t size)
{
	struct kps_chunk *chunk = mem;

	chunk->next = NULL;
	chunk->size = size;
	chunk->used = sizeof(*chunk);
	arena->lent = chunk;
	arena->chunks = chunk;
	arena->bytes = size;
}

/*
 * An eighth of all before: small programs take little, large ones few pieces. Hosts
 * give powers of two anyway.
 */
static size_t chunk_size(const struct kps_arena *arena, size_t room)
{
	size_t usual = clamp_t(size_t, arena->bytes / 8, KPS_SCRATCH_MIN, KPS_SCRATCH_MAX);
	size_t size = KPS_SCRATCH_MIN;

	room += sizeof(struct kps_chunk);
	if (room > KPS_SCRATCH_MAX)
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
	chunk = kps_host_scratch(arena->host, size);
	if (!chunk) {
		arena->failed = true;
		return NULL;
	}
	chunk->next = NULL;
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

void *kps_arena_alloc(struct kps_arena *arena, size_t size)
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

void *kps_arena_zalloc(struct kps_arena *arena, size_t size)
{
	void *mem = kps_arena_alloc(arena, size);

	if (mem)
		memset(mem, 0, size);
	return mem;
}

void *kps_arena_array(struct kps_arena *arena, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / 2 / size)
		return NULL;
	return kps_arena_zalloc(arena, n * size);
}

void kps_arena_free(struct kps_arena *arena)
{
	while (arena->chunks) {
		struct kps_chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		if (chunk != arena->lent)
			kps_host_scratch_free(arena->host, chunk, chunk->size);
	}
	arena->lent = NULL;
	arena->bytes = 0;
	arena->exhausted = false;
	arena->failed = false;
}

void kps_arena_reset(struct kps_arena *arena)
{
	struct kps_chunk *lent = arena->lent;

	kps_arena_free(arena);
	if (lent)
		kps_arena_lend(arena, lent, lent->size);
}

void kps_arena_pass_on(struct kps_arena *from, size_t keep, struct kps_arena *to)
{
	struct kps_chunk *chunk = from->lent, *old = to->lent;
	size_t rest = chunk && space_in(chunk) > keep ? (space_in(chunk) - keep) & ~7UL : 0;
	size_t size;

	if (!rest || !old)
		return;
	chunk->size -= rest;
	from->bytes -= rest;
	size = old->size + rest;
	kps_arena_lend(to, (char *)chunk + chunk->size, size);
}
