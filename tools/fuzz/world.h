/* SPDX-License-Identifier: GPL-2.0-only */
/* What a generated program finds around it: context, packet, maps, helpers */
#ifndef FZ_WORLD_H
#define FZ_WORLD_H

#include <linux/types.h>
#include <linux/kapsel.h>

#include "core/host.h"
#include "core/rewrite.h"
#include "rng.h"

#define FZ_MAX_ELEMS	8
#define FZ_MAX_PACKET	256
#define FZ_MAX_RECORDS	64
#define FZ_MAX_DYNPTRS	64	/* made of values, and slices, in a run */
#define FZ_CTX_BYTES	1024
#define FZ_MAX_FIELDS	64

/** enum fz_map_id - the maps that every generated program may use, by fd, and those in them */
enum fz_map_id {
	FZ_ARRAY,	/* one value of 64 bytes */
	FZ_BIG,		/* one value of 4096 bytes */
	FZ_TABLE,	/* array of 8 values of 48 bytes */
	FZ_HASH,	/* key 8, value 32 */
	FZ_RODATA,	/* frozen, 64 bytes */
	FZ_PERCPU,	/* per-CPU array */
	FZ_TEXT,	/* frozen, formats */
	FZ_LOCKED,	/* one value of 64 bytes with a lock */
	FZ_LOCKS,	/* hash of values of 48 bytes with locks */
	FZ_ROW,		/* arrays of 4 values of 24 bytes, which no fd has */
	FZ_ROW_2,
	FZ_SET,		/* likewise hashes */
	FZ_SET_2,
	FZ_RING,	/* those from here on have no values */
	FZ_PROGS,	/* programs of any type */
	FZ_NF_PROGS,	/* of netfilter */
	FZ_ROWS,	/* array with FZ_ROW and FZ_ROW_2 in it */
	FZ_SETS,	/* hash with FZ_SET and FZ_SET_2 in it */
	FZ_QUEUE,
	FZ_NR_MAPS,
};

#define FZ_NR_INSIDE	4	/* maps in a map, and programs in a program array */
#define FZ_TEXT_CELL	16	/* bytes for a format */
#define FZ_NR_TEXTS	9

#define FZ_NR_SOCKS	3	/* KAPSEL_SOCK_* */

/** struct fz_elem - a value; each has memory of its own, so that ASan sees its ends */
struct fz_elem {
	u8 *mem;
	u8 *image;
	u64 key;
	bool used;
	bool was_used;
};

/** struct fz_record - a ring buffer record; @held: neither submitted nor discarded */
struct fz_record {
	u8 *mem;
	u32 size;
	bool held;
};

/**
 * struct fz_world - everything but registers and stack
 * @images: what is restored before a run
 * @sock: one for each KAPSEL_SOCK_*, of which the packet has the first or none
 * @packet_full: the packet's length then
 * @inside: of maps of maps and of programs, by key: 0: nothing; 1 or 2: the first or second
 */
struct fz_world {
	u32 prog_type;
	u8 *ctx;
	u8 *ctx_image;
	u8 *via;
	u8 *via_image;
	u8 *packet;
	u8 *packet_image;
	u8 *sock[FZ_NR_SOCKS];
	u32 packet_full;
	u32 packet_len;
	struct fz_elem elem[FZ_NR_MAPS][FZ_MAX_ELEMS];
	struct fz_record record[FZ_MAX_RECORDS];
	u32 nr_records;
	u32 nr_dynptrs;
	u8 inside[FZ_NR_MAPS][FZ_NR_INSIDE];
	struct fz_rng rng;
	u64 run_seed;
	u64 calls;
};

extern const struct kps_map_facts fz_maps[FZ_NR_MAPS];
extern const char fz_text[FZ_NR_TEXTS][FZ_TEXT_CELL];
extern struct fz_world fz_world;

/** fz_world_init - allocate; once */
void fz_world_init(void);

/** fz_world_fill - new contents, made from @seed and the @nr numbers of @pool */
void fz_world_fill(u32 prog_type, u64 seed, const u64 *pool, u32 nr);

/** fz_world_reset - contents as they were filled */
void fz_world_reset(void);

/** fz_world_exit - give all back */
void fz_world_exit(void);

/** fz_world_sum - a digest of all that programs may change */
u64 fz_world_sum(void);

/** fz_ctx_slots - where context fields are, NULL if as the program sees them */
const struct kps_ctx_slot *fz_ctx_slots(u32 prog_type);

/** fz_ctx_read - a part of a field as a program sees it */
u64 fz_ctx_read(const struct kps_prog_type *type, u32 field, u32 arg, u32 size);

/** fz_ctx_write - a store to part of a field */
void fz_ctx_write(const struct kps_prog_type *type, u32 field, u32 arg, u32 size, u64 val);

/** fz_helper - a helper's body, on addresses; maps are pointers into fz_maps */
u64 fz_helper(u32 id, const u64 *args);

/** fz_body - the same, as the interpreter calls it; NULL: there is none */
kps_helper_fn fz_body(u32 id);

/** fz_world_end_packet - the packet's length has changed */
void fz_world_end_packet(void);

/** fz_sum - add @size bytes at @mem to a digest */
u64 fz_sum(u64 h, const void *mem, size_t size);

static inline u64 fz_address(const void *p)
{
	return (unsigned long)p;
}

/** fz_map_used - which map the program's @map-th one is */
u32 fz_map_used(u32 map);

/** fz_maps_used - how many maps the program uses */
u32 fz_maps_used(void);

/** fz_target - for kps_rewrite() */
struct kps_target fz_target(u32 prog_type);

/** LLVMFuzzerTestOneInput - libFuzzer calls it (crash.c) */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/** fz_host - for kps_verify(); counts memory in *@held */
struct kps_host fz_host(size_t *held);

#endif
