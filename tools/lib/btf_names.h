/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - types by name: a kernel has more than a hundred thousand */
#ifndef KL_BTF_NAMES_H
#define KL_BTF_NAMES_H

#include "btf_raw.h"

/**
 * struct kl_names - the named types of a BTF, in chains by their names' stems; functions
 *	and variables are left out
 * @head: ids, the first of each chain, or 0
 * @next: ids, the next in its chain, or 0, from @first on
 * @bits: of an index into @head
 * @first: the first id; those before are another BTF's
 */
struct kl_names {
	u32 *head;
	u32 *next;
	u32 bits;
	u32 first;
};

/** kl_names_make - of the types of @raw, but not of its base; 0 or -ENOMEM */
int kl_names_make(struct kl_names *names, const struct kl_raw *raw);

/**
 * kl_names_first - a type that may have a name
 * @names: of its BTF
 * @name: the name
 * @stem: as much of it as counts, bytes: see kl_core_stem()
 *
 * Return: the lowest id of a type in the name's chain, or 0. Other names are in there.
 */
u32 kl_names_first(const struct kl_names *names, const char *name, size_t stem);

/** kl_names_next - the one behind @id in the same chain, by ids, or 0 */
static inline u32 kl_names_next(const struct kl_names *names, u32 id)
{
	return names->next[id - names->first];
}

/** kl_names_free - release it */
void kl_names_free(struct kl_names *names);

#endif
