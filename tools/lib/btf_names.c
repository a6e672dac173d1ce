// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - types by name: a kernel has more than a hundred thousand */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "btf_names.h"
#include "core_spec.h"

static u32 slot_of(const struct kl_names *names, const char *name, size_t stem)
{
	u32 hash = 2166136261u;

	while (stem--)
		hash = (hash ^ (unsigned char)*name++) * 16777619u;
	return (hash ^ hash >> 15) & ((1u << names->bits) - 1);
}

/* A slot for some types, of which few have a name. */
static u32 bits_for(u32 count)
{
	u32 bits = 4;

	while (bits < 24 && 1u << bits < count / 4)
		bits++;
	return bits;
}

/* Of what has a name, most are functions. */
static bool may_be_asked_for(const struct btf_type *type)
{
	return type->name_off && !btf_is_func(type) && !btf_is_var(type) &&
	       !btf_is_datasec(type);
}

static void add(struct kl_names *names, const struct kl_raw *raw, u32 id)
{
	const struct btf_type *type = kl_raw_type(raw, id);
	const char *name;
	u32 slot;

	if (!may_be_asked_for(type))
		return;
	name = kl_raw_name(raw, type->name_off);
	if (!name)
		return;
	slot = slot_of(names, name, kl_core_stem(name));
	names->next[id - names->first] = names->head[slot];
	names->head[slot] = id;
}

int kl_names_make(struct kl_names *names, const struct kl_raw *raw)
{
	u32 id, first = raw->first, end = raw->end;

	names->first = first;
	names->bits = bits_for(end - first);
	names->head = calloc(1u << names->bits, sizeof(*names->head));
	names->next = calloc(end - first + 1, sizeof(*names->next));
	if (!names->head || !names->next) {
		kl_names_free(names);
		return -ENOMEM;
	}
	/* Each comes to be the first of its chain. */
	for (id = end; id-- > first;)
		add(names, raw, id);
	return 0;
}

u32 kl_names_first(const struct kl_names *names, const char *name, size_t stem)
{
	return names->head[slot_of(names, name, stem)];
}

void kl_names_free(struct kl_names *names)
{
	free(names->head);
	free(names->next);
	*names = (struct kl_names){};
}
