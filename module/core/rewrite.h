/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - the rewrite: from proved to runnable */
#ifndef KPS_REWRITE_H
#define KPS_REWRITE_H

#include <linux/types.h>
#include <uapi/linux/bpf.h>

#include "core/host.h"
#include "core/proto.h"
#include "core/verifier.h"

/** typedef kps_helper_fn - a helper's body; unused arguments are ignored */
typedef u64 (*kps_helper_fn)(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);

/**
 * struct kps_ctx_slot - where a context field really is, one per context field
 * @off: bytes; from the context pointer, or, with @via, from what that points to
 * @size: bytes of the load or store that reaches the field as a whole. Fields
 *	of several words (cb, addresses): the size of a word is that of the access
 * @via: the field is behind the pointer at offset 0 of the context
 *
 * Packet fields are 8-byte pointers here, whatever size the program loads.
 * A field that is @via is never written.
 */
struct kps_ctx_slot {
	u32 off;
	u8 size;
	bool via;
};

/**
 * struct kps_view - an array, as programs see it; constant while the map lives
 * @values: address of the first value
 * @stride: bytes from one to the next
 * @entries: how many there are
 */
struct kps_view {
	u64 values;
	u32 stride;
	u32 entries;
};

/**
 * struct kps_target - what the rewrite needs to know of the engine's side
 * @map: the address that a map reference becomes
 * @map_value: the address of a map's value, of a type with KAPSEL_MAP_OP_DIRECT
 * @view: where an array's values are, NULL for a map of another kind
 * @helper: the body of a helper, NULL if there is none
 * @body: the body of a helper for a map, NULL: the helper's own will do
 * @ctx: where the fields of @type's context are, in the order of its rows;
 *	NULL: the context is laid out as the program sees it
 * @priv: passed to each
 */
struct kps_target {
	u64 (*map)(void *priv, u32 map);
	u64 (*map_value)(void *priv, u32 map);
	const struct kps_view *(*view)(void *priv, u32 map);
	kps_helper_fn (*helper)(void *priv, u32 id);
	kps_helper_fn (*body)(void *priv, u32 map, u32 id);
	const struct kps_ctx_slot *ctx;
	void *priv;
};

struct kps_code;

/**
 * kps_rewrite - make a proved program runnable by the interpreter
 * @in: the program as verified
 * @proof: of it
 * @target: addresses
 * @host: for memory
 * @code: out
 *
 * Map references become addresses, context fields accesses to where they are,
 * helpers their bodies, unreachable instructions traps. A lookup in an array becomes
 * an address if the index is known, else a comparison; what else is done to a map a
 * call of that type's own function.
 *
 * Return: 0, -ENOMEM, or -EINVAL if a helper has no body.
 */
int kps_rewrite(const struct kps_prog_in *in, const struct kps_proof *proof,
		const struct kps_target *target, const struct kps_host *host,
		struct kps_code **code);

/** kps_code_free - give runnable code back; NULL is ignored */
void kps_code_free(struct kps_code *code, const struct kps_host *host);

/** kps_code_size - bytes it takes */
size_t kps_code_size(const struct kps_code *code);

#endif
