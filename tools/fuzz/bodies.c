// SPDX-License-Identifier: GPL-2.0-only
/* What helpers do to the world: what their prototypes allow, not what Linux does */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/minmax.h>

#include "core/dynptr.h"
#include "core/interp.h"
#include "core/socket.h"
#include "world.h"

static void *at(u64 address)
{
	return (void *)(unsigned long)address;
}

static u32 map_of(u64 map)
{
	return (const struct kps_map_facts *)at(map) - fz_maps;
}

static bool is_hash(u32 m)
{
	return fz_maps[m].type == BPF_MAP_TYPE_HASH;
}

static struct fz_elem *find(u32 m, const void *key)
{
	struct fz_elem *e = fz_world.elem[m];
	u64 k = 0;
	u32 i;

	memcpy(&k, key, fz_maps[m].key_size);
	for (i = 0; i < fz_maps[m].max_entries; i++)
		if (e[i].used && e[i].key == k)
			return &e[i];
	return NULL;
}

/* 0: nothing, 1: the first, 2: the second. */
static u32 inside(u32 m, u64 key)
{
	return key < FZ_NR_INSIDE ? fz_world.inside[m][key] : 0;
}

static u64 lookup_map(u32 m, u64 key)
{
	u32 first = m == FZ_ROWS ? FZ_ROW : FZ_SET, n;
	u64 k = 0;

	memcpy(&k, at(key), fz_maps[m].key_size);
	n = inside(m, k);
	return n ? fz_address(&fz_maps[first + n - 1]) : 0;
}

static u64 lookup(u64 map, u64 key)
{
	u32 m = map_of(map);
	struct fz_elem *e;

	if (fz_maps[m].inner.type)
		return lookup_map(m, key);
	e = find(m, at(key));
	return e ? fz_address(e->mem) : 0;
}

/* All but the lock. */
static void copy_value(u32 m, u8 *to, const u8 *from)
{
	const struct kps_map_facts *map = &fz_maps[m];
	u32 end = map->lock_off + map->lock_size;

	if (!map->lock_size) {
		memmove(to, from, map->value_size);
		return;
	}
	memmove(to, from, map->lock_off);
	memmove(to + end, from + end, map->value_size - end);
}

static u64 update(u64 map, u64 key, u64 value, u64 flags)
{
	u32 i, m = map_of(map);
	struct fz_elem *e = find(m, at(key));

	if (flags > 2 && flags != BPF_F_LOCK)
		return -EINVAL;
	for (i = 0; is_hash(m) && !e && i < fz_maps[m].max_entries; i++) {
		if (!fz_world.elem[m][i].used) {
			e = &fz_world.elem[m][i];
			e->key = 0;
			memcpy(&e->key, at(key), fz_maps[m].key_size);
		}
	}
	if (!e)
		return -E2BIG;
	e->used = true;
	copy_value(m, e->mem, at(value));
	return 0;
}

static u64 erase(u64 map, u64 key)
{
	struct fz_elem *e = find(map_of(map), at(key));

	if (!e)
		return -ENOENT;
	e->used = !is_hash(map_of(map));
	return e->used ? -EINVAL : 0;
}

static struct fz_record *new_record(u64 size)
{
	struct fz_world *w = &fz_world;
	struct fz_record *r = &w->record[w->nr_records++];

	/* The same place in each run of a program: it may look at addresses. */
	if (!r->mem || r->size != size) {
		free(r->mem);
		r->mem = calloc(1, size ?: 1);
		if (!r->mem)
			abort();
	}
	r->size = size;
	r->held = true;
	memset(r->mem, 0xa5, size);
	return r;
}

static bool no_room(u64 size)
{
	return fz_world.nr_records == FZ_MAX_RECORDS || size > 4096 ||
	       fz_chance(&fz_world.rng, 30);
}

static u64 reserve(u64 size)
{
	return no_room(size) ? 0 : fz_address(new_record(size)->mem);
}

static void release(u64 record)
{
	u32 i;

	for (i = 0; i < fz_world.nr_records; i++)
		if (fz_world.record[i].mem == at(record))
			fz_world.record[i].held = false;
}

/* Behind the memory is the record's number, from 1: it is to be given back without, too. */
static u64 reserve_dynptr(u32 size, u64 flags, struct kps_dynptr *ptr)
{
	int err = kps_dynptr_refused(size, flags) ?: no_room(size) ? -ENOMEM : 0;

	kps_dynptr_set(ptr, 0, 0);
	if (fz_world.nr_records == FZ_MAX_RECORDS)
		return -ENOMEM;
	if (err)
		new_record(0);
	else
		kps_dynptr_set(ptr, fz_address(new_record(size)->mem), size);
	ptr->__reserved = fz_world.nr_records;
	return err;
}

static u64 release_dynptr(struct kps_dynptr *ptr)
{
	if (ptr->__reserved)
		fz_world.record[ptr->__reserved - 1].held = false;
	kps_dynptr_set(ptr, 0, 0);
	return 0;
}

/* The checked machine remembers each of them. */
static bool one_too_many(void)
{
	return fz_world.nr_dynptrs++ >= FZ_MAX_DYNPTRS;
}

static u64 make_dynptr(u64 mem, u32 size, u64 flags, struct kps_dynptr *ptr)
{
	return kps_dynptr_make(ptr, one_too_many() ? 0 : mem, size, flags);
}

static u64 slice(const struct kps_dynptr *ptr, u32 off, u32 len)
{
	return one_too_many() ? 0 : kps_dynptr_data(ptr, off, len);
}

static u64 fill_memory(u64 mem, u64 size, bool may_fail)
{
	u8 *p = at(mem);
	u64 i;

	if (may_fail && fz_chance(&fz_world.rng, 30)) {
		memset(p, 0, size);
		return -EFAULT;
	}
	for (i = 0; i < size; i++)
		p[i] = fz_rand(&fz_world.rng);
	return 0;
}

static u64 read_string(u64 mem, u64 size)
{
	u64 len = size ? fz_in(&fz_world.rng, 1, size) : 0;

	if (fill_memory(mem, size, true) || !size)
		return -EFAULT;
	((u8 *)at(mem))[len - 1] = 0;
	return len;
}

/* Like the kernel's, but a read of memory is enough to show that it is there. */
static u64 read_memory(u64 mem, u64 size)
{
	fz_world.calls += fz_sum(fz_world.calls, at(mem), size);
	return fz_chance(&fz_world.rng, 50) ? 0 : -ENOSPC;
}

/* Shorter, and not what it was. The address stays: a program may look at it. */
static u64 change_packet(void)
{
	struct fz_world *w = &fz_world;

	w->packet_len = fz_below(&w->rng, w->packet_len + 1);
	fz_world_end_packet();
	return fill_memory(fz_address(w->packet), w->packet_len, true);
}

static u64 maybe_socket(u32 sock)
{
	return fz_chance(&fz_world.rng, 60) ? fz_address(fz_world.sock[sock]) : 0;
}

/* Keys have a place of their own, the same in each run. */
static u64 next_elem(u64 map, u64 walk)
{
	struct kps_each *each = at(walk);
	u32 m = map_of(map);

	while (each->at < fz_maps[m].max_entries) {
		struct fz_elem *e = &fz_world.elem[m][each->at++];

		if (!e->used)
			continue;
		each->key = fz_address(&e->key);
		each->value = fz_address(e->mem);
		return 1;
	}
	return 0;
}

static u64 set_lock(u64 lock, u32 n)
{
	memcpy(at(lock), &n, sizeof(n));
	return 0;
}

/* Some of the bytes, and the NUL. */
static u64 print(const u64 *a)
{
	u64 len = fz_below(&fz_world.rng, 40);
	char *to = at(a[0]);

	read_memory(a[3], a[4]);
	if (a[1]) {
		fill_memory(a[0], min(len, a[1] - 1), false);
		to[min(len, a[1] - 1)] = 0;
	}
	return len + 1;
}

u64 fz_helper(u32 id, const u64 *a)
{
	/* A lookup may be no call by then. */
	fz_world.calls += id != BPF_FUNC_map_lookup_elem;
	switch (id) {
	case BPF_FUNC_map_lookup_elem:
		return lookup(a[0], a[1]);
	case BPF_FUNC_map_lookup_percpu_elem:
		return (u32)a[2] ? 0 : lookup(a[0], a[1]);
	case BPF_FUNC_map_update_elem:
		return update(a[0], a[1], a[2], a[3]);
	case BPF_FUNC_map_delete_elem:
		return erase(a[0], a[1]);
	case BPF_FUNC_map_push_elem:
		return read_memory(a[1], fz_maps[map_of(a[0])].value_size);
	case BPF_FUNC_map_pop_elem:
	case BPF_FUNC_map_peek_elem:
		return fill_memory(a[1], fz_maps[map_of(a[0])].value_size, true);
	case BPF_FUNC_for_each_map_elem:
		return next_elem(a[0], a[1]);
	case BPF_FUNC_tail_call:
		return inside(map_of(a[1]), (u32)a[2]) != 0;
	case BPF_FUNC_spin_lock:
	case BPF_FUNC_spin_unlock:
		return set_lock(a[0], id == BPF_FUNC_spin_lock);
	case BPF_FUNC_snprintf:
		return print(a);
	case BPF_FUNC_trace_vprintk:
		read_memory(a[2], a[3]);
		return read_memory(a[0], a[1]);
	case BPF_FUNC_strncmp:
		return read_memory(a[0], a[1]);
	case BPF_FUNC_ringbuf_reserve:
		return reserve(a[1]);
	case BPF_FUNC_ringbuf_submit:
	case BPF_FUNC_ringbuf_discard:
		release(a[0]);
		return 0;
	case BPF_FUNC_dynptr_from_mem:
		return make_dynptr(a[0], a[1], a[2], at(a[3]));
	case BPF_FUNC_ringbuf_reserve_dynptr:
		return reserve_dynptr(a[1], a[2], at(a[3]));
	case BPF_FUNC_ringbuf_submit_dynptr:
	case BPF_FUNC_ringbuf_discard_dynptr:
		return release_dynptr(at(a[0]));
	case BPF_FUNC_dynptr_read:
		return kps_dynptr_read(at(a[0]), a[1], at(a[2]), a[3], a[4]);
	case BPF_FUNC_dynptr_write:
		return kps_dynptr_write(at(a[0]), a[1], at(a[2]), a[3], a[4]);
	case BPF_FUNC_dynptr_data:
		return slice(at(a[0]), a[1], a[2]);
	case BPF_FUNC_ringbuf_output:
		return read_memory(a[1], a[2]);
	case BPF_FUNC_trace_printk:
		fz_world.calls += a[2] ^ a[3] << 1 ^ a[4] << 2;
		return read_memory(a[0], a[1]);
	case BPF_FUNC_sk_fullsock:
		return maybe_socket(KAPSEL_SOCK_FULL);
	case BPF_FUNC_tcp_sock:
		return maybe_socket(KAPSEL_SOCK_TCP);
	case BPF_FUNC_skb_pull_data:
		return change_packet();
	case BPF_FUNC_skb_load_bytes:
	case BPF_FUNC_skb_load_bytes_relative:
		return fill_memory(a[2], a[3], true);
	case BPF_FUNC_get_current_comm:
	case BPF_FUNC_probe_read:
	case BPF_FUNC_probe_read_user:
	case BPF_FUNC_probe_read_kernel:
		return fill_memory(a[0], a[1], true);
	case BPF_FUNC_probe_read_str:
	case BPF_FUNC_probe_read_user_str:
	case BPF_FUNC_probe_read_kernel_str:
		return read_string(a[0], a[1]);
	case BPF_FUNC_get_prandom_u32:
		return (u32)fz_rand(&fz_world.rng);
	case BPF_FUNC_get_smp_processor_id:
	case BPF_FUNC_get_numa_node_id:
		return fz_below(&fz_world.rng, 4);
	default:
		return fz_rand(&fz_world.rng) >> fz_below(&fz_world.rng, 64);
	}
}

#define BODY(id)							\
static u64 body_##id(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)		\
{									\
	u64 args[5] = { r1, r2, r3, r4, r5 };				\
									\
	return fz_helper(id, args);					\
}

#define BODIES(F)							\
	F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(12) F(14) F(15) F(16) F(26)	\
	F(39) F(42) F(45) F(87) F(88) F(89) F(93) F(94) F(95) F(96) F(112) F(113)	\
	F(114) F(115) F(118) F(125) F(130) F(131) F(132) F(133) F(134) F(160) F(164)	\
	F(165) F(177) F(182) F(195) F(197) F(198) F(199) F(200) F(201) F(202) F(203)

BODIES(BODY)

#define ENTRY(id) { id, body_##id },

static const struct {
	u32 id;
	kps_helper_fn fn;
} bodies[] = { BODIES(ENTRY) };

kps_helper_fn fz_body(u32 id)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bodies); i++)
		if (bodies[i].id == id)
			return bodies[i].fn;
	return NULL;
}
