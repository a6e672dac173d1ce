// SPDX-License-Identifier: GPL-2.0-only
/* What a generated program finds around it: context, packet, maps, helpers */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/minmax.h>

#include "core/proto.h"
#include "core/socket.h"
#include "core/verifier.h"
#include "world.h"

#define INNER_ROW	{ BPF_MAP_TYPE_ARRAY, 4, 24, 4 }
#define INNER_SET	{ BPF_MAP_TYPE_HASH, 8, 24, 4 }

const struct kps_map_facts fz_maps[FZ_NR_MAPS] = {
	[FZ_ARRAY] = { BPF_MAP_TYPE_ARRAY, 4, 64, 1, 0, false },
	[FZ_BIG] = { BPF_MAP_TYPE_ARRAY, 4, 4096, 1, 0, false },
	[FZ_TABLE] = { BPF_MAP_TYPE_ARRAY, 4, 48, FZ_MAX_ELEMS, 0, false },
	[FZ_HASH] = { BPF_MAP_TYPE_HASH, 8, 32, FZ_MAX_ELEMS, 0, false },
	[FZ_RODATA] = { BPF_MAP_TYPE_ARRAY, 4, 64, 1, BPF_F_RDONLY_PROG, true },
	[FZ_PERCPU] = { BPF_MAP_TYPE_PERCPU_ARRAY, 4, 40, 4, 0, false },
	[FZ_TEXT] = { BPF_MAP_TYPE_ARRAY, 4, sizeof(fz_text), 1, BPF_F_RDONLY_PROG, true },
	[FZ_LOCKED] = { BPF_MAP_TYPE_ARRAY, 4, 64, 1, .lock_size = 4, .lock_off = 0 },
	[FZ_LOCKS] = { BPF_MAP_TYPE_HASH, 8, 48, 4, .lock_size = 4, .lock_off = 20 },
	[FZ_ROW] = INNER_ROW,
	[FZ_ROW_2] = INNER_ROW,
	[FZ_SET] = INNER_SET,
	[FZ_SET_2] = INNER_SET,
	[FZ_RING] = { BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, false },
	[FZ_PROGS] = { BPF_MAP_TYPE_PROG_ARRAY, 4, 4, FZ_NR_INSIDE },
	[FZ_NF_PROGS] = { BPF_MAP_TYPE_PROG_ARRAY, 4, 4, FZ_NR_INSIDE,
			  .prog_type = KAPSEL_PROG_NETFILTER },
	[FZ_ROWS] = { BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, FZ_NR_INSIDE, .inner = INNER_ROW },
	[FZ_SETS] = { BPF_MAP_TYPE_HASH_OF_MAPS, 8, 4, FZ_NR_INSIDE, .inner = INNER_SET },
	[FZ_QUEUE] = { BPF_MAP_TYPE_QUEUE, 0, 24, 8 },
};

/* Right and wrong ones, the last without an end. */
const char fz_text[FZ_NR_TEXTS][FZ_TEXT_CELL] = {
	"n %d", "%llu %x", "%c%5u|", "plain", "%p %ld", "%s", "%pI4", "%q", "without any end ",
};

struct fz_world fz_world;

static struct kps_ctx_slot ctx_slots[FZ_MAX_FIELDS];

static u8 *exact(size_t size)
{
	u8 *mem = calloc(1, size);

	if (!mem)
		abort();
	return mem;
}

/*
 * The real context is laid out backwards, with every third readable field behind a
 * pointer and some narrower than the program sees them.
 */
static void place_fields(void)
{
	const struct kps_prog_type *type = kps_prog_type_find(KAPSEL_PROG_NETFILTER);
	u32 i, off = 8;

	for (i = type->nr_fields; i--;) {
		const struct kps_ctx_field *f = &type->fields[i];
		bool packet = f->flags & (KAPSEL_CTX_PACKET | KAPSEL_CTX_PACKET_END);
		bool plain = packet || f->flags & (KAPSEL_CTX_WRITE | KAPSEL_CTX_SOCKET);
		struct kps_ctx_slot *slot = &ctx_slots[i];

		slot->off = off;
		slot->size = packet ? 8 : min_t(u32, f->size, 4);
		slot->via = !plain && i % 3 == 0;
		if (f->size == 8)
			slot->size = 8;
		else if (!plain && f->size == 4 && i % 5 == 1)
			slot->size = 2;
		off += (max_t(u32, f->size, 8) + 7) & ~7u;
	}
}

/* Only an array's values lie in a row. */
static struct kps_view views[FZ_NR_MAPS];

static void place_values(u32 map)
{
	const struct kps_map_facts *facts = &fz_maps[map];
	struct fz_elem *elem = fz_world.elem[map];
	u8 *row = NULL;
	u32 i;

	if (facts->type == BPF_MAP_TYPE_ARRAY)
		row = exact((size_t)facts->max_entries * facts->value_size);
	for (i = 0; i < facts->max_entries; i++)
		elem[i].mem = row ? row + i * facts->value_size : exact(facts->value_size);
	views[map] = (struct kps_view){
		.values = fz_address(row), .stride = facts->value_size,
		.entries = facts->max_entries,
	};
}

void fz_world_init(void)
{
	struct fz_world *w = &fz_world;
	u32 m, i;

	memset(w, 0, sizeof(*w));
	place_fields();
	w->ctx = exact(FZ_CTX_BYTES);
	w->ctx_image = exact(FZ_CTX_BYTES);
	w->via = exact(FZ_CTX_BYTES);
	w->via_image = exact(FZ_CTX_BYTES);
	w->packet_image = exact(FZ_MAX_PACKET);
	for (i = 0; i < FZ_NR_SOCKS; i++)
		w->sock[i] = exact(kps_sock_size(i));
	for (m = 0; m < FZ_RING; m++) {
		place_values(m);
		for (i = 0; i < fz_maps[m].max_entries; i++) {
			w->elem[m][i].image = exact(fz_maps[m].value_size);
			w->elem[m][i].key = i;
		}
	}
}

void fz_world_exit(void)
{
	struct fz_world *w = &fz_world;
	u32 m, i;

	for (i = 0; i < FZ_MAX_RECORDS; i++)
		free(w->record[i].mem);
	free(w->ctx);
	free(w->ctx_image);
	free(w->via);
	free(w->via_image);
	free(w->packet);
	free(w->packet_image);
	for (i = 0; i < FZ_NR_SOCKS; i++)
		free(w->sock[i]);
	for (m = 0; m < FZ_RING; m++) {
		for (i = 0; i < fz_maps[m].max_entries; i++) {
			if (!i || !views[m].values)
				free(w->elem[m][i].mem);
			free(w->elem[m][i].image);
		}
	}
}

static u64 interesting(struct fz_rng *r, const u64 *pool, u32 nr)
{
	static const u64 corners[] = {
		0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x100, 0x7fff,
		0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
		0x100000000ULL, 0x100000001ULL, 0x7fffffffffffffffULL,
		0x8000000000000000ULL, ~0ULL, ~1ULL, 0xffffffff80000000ULL,
		0xffffffff7fffffffULL, 0xffffffff00000000ULL,
	};

	switch (fz_below(r, 8)) {
	case 0:
	case 1:
		return corners[fz_below(r, ARRAY_SIZE(corners))];
	case 2:
	case 3:
	case 4:
		if (nr)
			return pool[fz_below(r, nr)] + fz_in(r, -1, 1);
		return fz_below(r, 64);
	case 5:
		return fz_below(r, 64);
	case 6:
		return fz_rand(r) >> fz_below(r, 64);
	default:
		return fz_rand(r);
	}
}

static void fill_words(u8 *mem, u32 size, struct fz_rng *r, const u64 *pool, u32 nr)
{
	u32 i;
	u64 n;

	for (i = 0; i + 8 <= size; i += 8) {
		n = interesting(r, pool, nr);
		if (fz_chance(r, 30))
			n = (u32)n | interesting(r, pool, nr) << 32;
		memcpy(mem + i, &n, 8);
	}
}

static void fill_packet(struct fz_rng *r)
{
	struct fz_world *w = &fz_world;
	u32 i;

	w->packet_len = fz_chance(r, 20) ? fz_below(r, 24) : 14 + fz_below(r, 200);
	w->packet_full = w->packet_len;
	free(w->packet);
	w->packet = exact(w->packet_len ?: 1);
	for (i = 0; i < w->packet_len; i++)
		w->packet_image[i] = fz_chance(r, 60) ? fz_below(r, 32) : fz_rand(r);
}

void fz_world_fill(u32 prog_type, u64 seed, const u64 *pool, u32 nr)
{
	struct fz_world *w = &fz_world;
	struct fz_rng r = { seed };
	u32 m, i;

	w->prog_type = prog_type;
	w->run_seed = fz_rand(&r);
	fill_packet(&r);
	fill_words(w->ctx_image, FZ_CTX_BYTES, &r, pool, nr);
	fill_words(w->via_image, FZ_CTX_BYTES, &r, pool, nr);
	for (i = 0; i < FZ_NR_SOCKS; i++)
		fill_words(w->sock[i], kps_sock_size(i), &r, pool, nr);
	for (m = 0; m < FZ_RING; m++) {
		for (i = 0; i < fz_maps[m].max_entries; i++) {
			if (m != FZ_RODATA)
				fill_words(w->elem[m][i].image, fz_maps[m].value_size, &r, pool,
					   nr);
			w->elem[m][i].was_used = fz_maps[m].type != BPF_MAP_TYPE_HASH ||
						 fz_chance(&r, 50);
		}
	}
	for (m = FZ_RING; m < FZ_NR_MAPS; m++)
		for (i = 0; i < FZ_NR_INSIDE; i++)
			w->inside[m][i] = fz_below(&r, 3);
	memcpy(w->elem[FZ_TEXT][0].image, fz_text, sizeof(fz_text));
	for (i = 0; i < fz_maps[FZ_RODATA].value_size; i++)
		w->elem[FZ_RODATA][0].image[i] = i + 1;
}

static void put_address(u32 flag, const void *p)
{
	const struct kps_prog_type *type = kps_prog_type_find(KAPSEL_PROG_NETFILTER);
	u32 i;

	for (i = 0; i < type->nr_fields; i++)
		if (type->fields[i].flags & flag)
			memcpy(fz_world.ctx + ctx_slots[i].off, &p, sizeof(p));
}

void fz_world_end_packet(void)
{
	put_address(KAPSEL_CTX_PACKET_END, fz_world.packet + fz_world.packet_len);
}

void fz_world_reset(void)
{
	struct fz_world *w = &fz_world;
	u32 m, i;

	w->rng.state = w->run_seed;
	w->calls = 0;
	w->nr_records = 0;
	w->nr_dynptrs = 0;
	memcpy(w->ctx, w->ctx_image, FZ_CTX_BYTES);
	memcpy(w->via, w->via_image, FZ_CTX_BYTES);
	w->packet_len = w->packet_full;
	memcpy(w->packet, w->packet_image, w->packet_len);
	if (w->prog_type == KAPSEL_PROG_NETFILTER) {
		memcpy(w->ctx, &w->via, sizeof(w->via));
		put_address(KAPSEL_CTX_PACKET, w->packet);
		fz_world_end_packet();
		put_address(KAPSEL_CTX_SOCKET, w->run_seed & 1 ? w->sock[KAPSEL_SOCK_ANY] : NULL);
	}
	for (m = 0; m < FZ_RING; m++) {
		for (i = 0; i < fz_maps[m].max_entries; i++) {
			memcpy(w->elem[m][i].mem, w->elem[m][i].image, fz_maps[m].value_size);
			w->elem[m][i].used = w->elem[m][i].was_used;
			w->elem[m][i].key = i;
		}
	}
}

u64 fz_sum(u64 h, const void *mem, size_t size)
{
	const u8 *p = mem;

	while (size--)
		h = (h ^ *p++) * 0x100000001b3ULL;
	return h;
}

u64 fz_world_sum(void)
{
	const struct fz_world *w = &fz_world;
	u64 h = 0xcbf29ce484222325ULL;
	u32 m, i;

	h = fz_sum(h, w->ctx, FZ_CTX_BYTES);
	h = fz_sum(h, w->packet, w->packet_len);
	for (m = 0; m < FZ_RING; m++) {
		for (i = 0; i < fz_maps[m].max_entries; i++) {
			h = fz_sum(h, w->elem[m][i].mem, fz_maps[m].value_size);
			h = fz_sum(h, &w->elem[m][i].used, 1);
		}
	}
	return fz_sum(fz_sum(h, &w->nr_records, 4), &w->calls, 8);
}

const struct kps_ctx_slot *fz_ctx_slots(u32 prog_type)
{
	return prog_type == KAPSEL_PROG_NETFILTER ? ctx_slots : NULL;
}

/* Where byte @arg of a field is, or NULL: it is not there and reads as 0. */
static u8 *field_byte(const struct kps_prog_type *type, u32 field, u32 arg)
{
	const struct kps_ctx_field *f = &type->fields[field];
	const struct kps_ctx_slot *slot = &ctx_slots[field];

	if (type->type != KAPSEL_PROG_NETFILTER)
		return fz_world.ctx + f->offset + arg;
	if (f->size <= 8 && arg >= slot->size)
		return NULL;
	return (slot->via ? fz_world.via : fz_world.ctx) + slot->off + arg;
}

u64 fz_ctx_read(const struct kps_prog_type *type, u32 field, u32 arg, u32 size)
{
	u64 val = 0;
	u32 i;

	for (i = 0; i < size; i++) {
		const u8 *p = field_byte(type, field, arg + i);

		val |= (u64)(p ? *p : 0) << 8 * i;
	}
	return val;
}

void fz_ctx_write(const struct kps_prog_type *type, u32 field, u32 arg, u32 size, u64 val)
{
	u32 i;

	for (i = 0; i < size; i++) {
		u8 *p = field_byte(type, field, arg + i);

		if (p)
			*p = val >> 8 * i;
	}
}

/* Maps are numbered by first use: the host remembers which is which. */
static u32 used_maps[KAPSEL_MAX_MAPS];
static u32 nr_used;

u32 fz_map_used(u32 map)
{
	return used_maps[map];
}

u32 fz_maps_used(void)
{
	return nr_used;
}

static kps_helper_fn target_helper(void *priv, u32 id)
{
	(void)priv;
	return fz_body(id);
}

static u64 target_map(void *priv, u32 map)
{
	(void)priv;
	return fz_address(&fz_maps[used_maps[map]]);
}

static u64 target_map_value(void *priv, u32 map)
{
	(void)priv;
	return fz_address(fz_world.elem[used_maps[map]][0].mem);
}

static const struct kps_view *target_view(void *priv, u32 map)
{
	const struct kps_view *view = &views[used_maps[map]];

	(void)priv;
	return view->values ? view : NULL;
}

static kps_helper_fn target_body(void *priv, u32 map, u32 id)
{
	(void)priv;
	(void)map;
	(void)id;
	return NULL;
}

struct kps_target fz_target(u32 prog_type)
{
	return (struct kps_target){
		.map = target_map, .map_value = target_map_value, .view = target_view,
		.helper = target_helper, .body = target_body,
		.ctx = fz_ctx_slots(prog_type),
	};
}

static void *host_alloc(void *priv, size_t size)
{
	*(size_t *)priv += size;
	return calloc(1, size);
}

/* Whatever was there before. */
static void *host_scratch(void *priv, size_t size)
{
	void *mem = malloc(size);

	*(size_t *)priv += size;
	return mem ? memset(mem, 0xa5, size) : NULL;
}

static void host_free(void *priv, void *mem, size_t size)
{
	*(size_t *)priv -= mem ? size : 0;
	free(mem);
}

static int host_map(void *priv, s32 fd, struct kps_map_facts *facts)
{
	u32 i;

	if (fd < 0 || fd >= FZ_NR_MAPS || (fd >= FZ_ROW && fd <= FZ_SET_2))
		return -EBADF;
	*facts = fz_maps[fd];
	(void)priv;
	for (i = 0; i < nr_used; i++)
		if (used_maps[i] == (u32)fd)
			return i;
	used_maps[nr_used] = fd;
	return nr_used++;
}

static int host_map_read(void *priv, u32 map, u32 off, u32 size, u64 *val)
{
	const u8 *text = (const u8 *)fz_text;

	(void)priv;
	*val = 0;
	while (size--)
		*val = *val << 8 | (used_maps[map] == FZ_TEXT ? text[off + size] :
				    (u8)(off + size + 1));
	return 0;
}

static void host_emit(void *priv, const void *rec, u32 size)
{
	(void)priv;
	(void)rec;
	(void)size;
}

static int host_poll(void *priv)
{
	(void)priv;
	return 0;
}

struct kps_host fz_host(size_t *held)
{
	nr_used = 0;
	return (struct kps_host){
		.alloc = host_alloc, .free = host_free,
		.scratch = host_scratch, .scratch_free = host_free, .map = host_map,
		.map_read = host_map_read, .emit = host_emit, .poll = host_poll, .priv = held,
	};
}
