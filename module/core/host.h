/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - what the core asks of its host, kernel or userspace */
#ifndef KPS_HOST_H
#define KPS_HOST_H

#include <linux/types.h>

/**
 * struct kps_inner_facts - what all maps in a map have in common; as in kps_map_facts
 *
 * Their values have no locks.
 */
struct kps_inner_facts {
	u32 type;
	u32 key_size;
	u32 value_size;
	u32 max_entries;
	u32 flags;
};

/**
 * struct kps_map_facts - what the verifier must know of a map
 * @type: enum bpf_map_type
 * @key_size: bytes
 * @value_size: bytes, of one value
 * @max_entries: as created
 * @flags: BPF_F_*
 * @frozen: userspace can't write it any more
 * @prog_type: of the programs in it and of those that may use it, KAPSEL_PROG_*; 0:
 *	it has none yet, or is no program array
 * @inner: of the maps in it; type 0: there are none. Their max_entries are the same
 *	in arrays only
 * @lock_size: bytes of the lock in each value, 0: there is none
 * @lock_off: where it is
 */
struct kps_map_facts {
	u32 type;
	u32 key_size;
	u32 value_size;
	u32 max_entries;
	u32 flags;
	bool frozen;
	u32 prog_type;
	struct kps_inner_facts inner;
	u32 lock_size;
	u32 lock_off;
};

/**
 * struct kps_host - callbacks of the core's host
 * @alloc: zeroed memory of @size bytes, or NULL; may sleep
 * @free: gives it back; @size as it was asked for; NULL is ignored
 * @scratch: memory with anything in it, given back before the core returns; mostly of
 *	powers of two from KPS_SCRATCH_MIN to KPS_SCRATCH_MAX bytes. Or NULL: @alloc and
 *	@free will do
 * @scratch_free: gives that back
 * @map: resolves the map file descriptor @fd of the program being loaded and
 *	fills @facts. Returns the map's index in the program, counted from 0 by
 *	first use (the same map has one index, by whatever fd), or -errno: EBADF
 *	no such fd, EINVAL not a map, E2BIG over KAPSEL_MAX_MAPS
 * @map_read: reads @size (1, 2, 4, 8) bytes at @off of a frozen, read-only map
 *	with one value into @val, in the machine's byte order. 0 or -errno
 * @emit: takes a record (struct kapsel_rec and what follows); never fails
 * @poll: called about once per thousand steps of work; 0, or -errno to give up
 *	(EINTR: killed, ETIME: out of time). May sleep
 * @priv: passed to each
 *
 * All are called from the thread that called the core, with no lock held.
 */
struct kps_host {
	void *(*alloc)(void *priv, size_t size);
	void (*free)(void *priv, void *mem, size_t size);
	void *(*scratch)(void *priv, size_t size);
	void (*scratch_free)(void *priv, void *mem, size_t size);
	int (*map)(void *priv, s32 fd, struct kps_map_facts *facts);
	int (*map_read)(void *priv, u32 map, u32 off, u32 size, u64 *val);
	void (*emit)(void *priv, const void *rec, u32 size);
	int (*poll)(void *priv);
	void *priv;
};

#define KPS_SCRATCH_MIN	2048
#define KPS_SCRATCH_MAX	32768

static inline void *kps_host_scratch(const struct kps_host *host, size_t size)
{
	return host->scratch ? host->scratch(host->priv, size) : host->alloc(host->priv, size);
}

static inline void kps_host_scratch_free(const struct kps_host *host, void *mem, size_t size)
{
	if (host->scratch)
		host->scratch_free(host->priv, mem, size);
	else
		host->free(host->priv, mem, size);
}

#endif
