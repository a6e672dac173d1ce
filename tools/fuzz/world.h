/* SPDX-License-Identifier: GPL-2.0-only */
/* What a generated program finds around it: context, packet, maps, helpers */
#ifndef FZ_WORLD_H
#define FZ_WORLD_H

#include <linux/types.h>
#include <linux/kapsel.h>

#include "core/host.h"
#include "core/rewrite.h"
#include "rng.h"

#define FZ_NR_MAPS	7
#define FZ_MAX_ELEMS	8
#define FZ_MAX_PACKET	256
#define FZ_MAX_RECORDS	64
#define FZ_CTX_BYTES	1024
#define FZ_MAX_FIELDS	64

/** enum fz_map_id - the maps that every generated program may use, by fd */
enum fz_map_id {
	FZ_ARRAY,	/* one value of 64 bytes */
	FZ_BIG,		/* one value of 4096 bytes */
	FZ_TABLE,	/* array of 8 values of 48 bytes */
	FZ_HASH,	/* key 8, value 32 */
	FZ_RODATA,	/* frozen, 64 bytes */
	FZ_PERCPU,	/* per-CPU array */
	FZ_RING,
};

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
	struct fz_rng rng;
	u64 run_seed;
	u64 calls;
};

extern const struct kps_map_facts fz_maps[FZ_NR_MAPS];
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
