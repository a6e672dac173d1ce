/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - a kernel of cardboard: what a program finds when it runs offline */
#ifndef KL_SIM_H
#define KL_SIM_H

#include "core/interp.h"
#include "core/rewrite.h"
#include "internal.h"

/**
 * struct kl_sim_map - a map during an offline run
 * @map: as the object defines it
 * @keys: @used: @values: one of each an entry; of an array only @values
 * @count: entries of @keys that were ever used; values of a queue or stack
 * @first: the oldest value of a queue or stack
 * @stamps: when an entry was last used
 * @clock: the last of them
 * @view: of an array's @values
 */
struct kl_sim_map {
	const struct kapsel_map *map;
	char *keys;
	bool *used;
	char *values;
	u32 count;
	u32 first;
	u64 *stamps;
	u64 clock;
	struct kps_view view;
};

/**
 * struct kl_sim - an offline run
 * @prog: the program
 * @prog_type: KAPSEL_PROG_*
 * @maps: by index in the object; there is one where a program uses it
 * @tail_calls: so far, of this run
 * @next: index in the object of the program to go on with, @tail_called: there is one
 * @trace: where records and lines go, or NULL
 * @packet: of a netfilter program
 * @packet_size: bytes
 * @hooknum: where it is, NF_INET_*
 * @random: state of bpf_get_prandom_u32(), the same in each run
 */
struct kl_sim {
	const struct kapsel_prog *prog;
	u32 prog_type;
	struct kl_sim_map *maps;
	u32 tail_calls;
	u32 next;
	bool tail_called;
	FILE *trace;
	char *packet;
	u32 packet_size;
	u32 hooknum;
	u32 random;
};

/** The run that the calling thread is in: helpers get no pointer to it. */
extern __thread struct kl_sim *kl_sim_now;

/** kl_sim_map_init - an empty map, or the contents that the object gives it */
int kl_sim_map_init(struct kl_sim_map *sim, const struct kapsel_map *map);

/** kl_sim_map_free - release it */
void kl_sim_map_free(struct kl_sim_map *sim);

/** kl_sim_lookup - address of a value, or NULL */
void *kl_sim_lookup(struct kl_sim_map *sim, const void *key);

/** kl_sim_update - store a value; 0 or -errno */
int kl_sim_update(struct kl_sim_map *sim, const void *key, const void *value, u64 flags);

/** kl_sim_delete - remove a key; 0 or -errno */
int kl_sim_delete(struct kl_sim_map *sim, const void *key);

/** kl_sim_each - the next element of a walk; false: there is none */
bool kl_sim_each(struct kl_sim_map *sim, struct kps_each *each);

/** kl_sim_local - address of a cgroup storage's value, for where the run is */
void *kl_sim_local(const struct kl_sim_map *sim);

/** kl_sim_push - store a value without a key; 0 or -errno */
int kl_sim_push(struct kl_sim_map *sim, const void *value, u64 flags);

/** kl_sim_take - the next value of a queue or stack, zeroes if there is none; 0 or -errno */
int kl_sim_take(struct kl_sim_map *sim, void *value, bool remove);

/** kl_sim_peek - kl_sim_take() that removes nothing, or ask a bloom filter */
int kl_sim_peek(struct kl_sim_map *sim, void *value);

/** kl_sim_stack - the id of a stack of one address; -ENOMEM: no more fit */
int kl_sim_stack(struct kl_sim_map *sim, u64 ip);

/** typedef kl_helper_fn - a helper's model */
typedef u64 (*kl_helper_fn)(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);

#define MODEL(name) u64 kl_h_##name(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5)
#define UNUSED5 ((void)r1, (void)r2, (void)r3, (void)r4, (void)r5)
#define PTR(reg) ((void *)(uintptr_t)(reg))

/* One declaration a row: a row without a model does not link. */
#define KPS_HELPER(_id, _name, ...) kl_h_##_name,
typedef u64 kl_model_fn(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);
kl_model_fn
#include "core/helpers.tbl"
	kl_h_map_lookup_elem;
#undef KPS_HELPER

/** kl_sim_helper - the model of a helper, NULL if there is none */
kl_helper_fn kl_sim_helper(u32 id);

#endif
