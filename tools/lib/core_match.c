// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - CO-RE: is a type of the kernel's what the program takes it for? */

#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "btf_type.h"
#include "core_cand.h"
#include "core_spec.h"

/* Types that are being compared, and those that are still to be. */
#define MAX_PAIRS 1024
#define MAX_DEPTH 32

/**
 * struct pair - two types that must match
 * @local: id of the program's
 * @kernel: id of the kernel's
 * @behind: they are what a pointer points to
 * @depth: members and pointers on the way here
 */
struct pair {
	u32 local;
	u32 kernel;
	bool behind;
	u32 depth;
};

/**
 * struct match - a comparison
 * @local: the program's types
 * @kernel: the kernel's
 * @pairs: to be compared, those before @done have been
 * @nr: of @pairs
 * @done: of @pairs
 * @failed: they differ, or there were too many
 */
struct match {
	const struct btf *local;
	const struct btf *kernel;
	struct pair pairs[MAX_PAIRS];
	u32 nr;
	u32 done;
	bool failed;
};

static bool same_name(const struct match *m, u32 local_off, u32 kernel_off)
{
	const char *local = btf__name_by_offset(m->local, local_off) ?: "";
	const char *kernel = btf__name_by_offset(m->kernel, kernel_off) ?: "";

	return kl_core_same_name(local, kernel);
}

/* What was asked before need not be asked again: types may contain themselves. */
static bool known(const struct match *m, const struct pair *pair)
{
	u32 i;

	for (i = 0; i < m->nr; i++)
		if (m->pairs[i].local == pair->local && m->pairs[i].kernel == pair->kernel &&
		    m->pairs[i].behind == pair->behind)
			return true;
	return false;
}

static void demand(struct match *m, u32 local, u32 kernel, bool behind)
{
	struct pair pair = { local, kernel, behind, m->pairs[m->done].depth + 1 };

	if (known(m, &pair))
		return;
	if (m->nr == MAX_PAIRS || pair.depth > MAX_DEPTH)
		m->failed = true;
	else
		m->pairs[m->nr++] = pair;
}

static u32 enum_name(const struct btf_type *type, u32 i)
{
	return btf_is_enum(type) ? btf_enum(type)[i].name_off : btf_enum64(type)[i].name_off;
}

static bool has_word(const struct match *m, const struct btf_type *kernel, u32 name_off)
{
	u32 i;

	for (i = 0; i < btf_vlen(kernel); i++)
		if (same_name(m, name_off, enum_name(kernel, i)))
			return true;
	return false;
}

static bool enums(const struct match *m, const struct btf_type *local,
		  const struct btf_type *kernel)
{
	u32 i;

	if (!btf_is_any_enum(kernel) || local->size != kernel->size)
		return false;
	for (i = 0; i < btf_vlen(local); i++)
		if (!has_word(m, kernel, enum_name(local, i)))
			return false;
	return true;
}

static bool member(struct match *m, const struct btf_member *local,
		   const struct btf_type *kernel)
{
	const struct btf_member *members = btf_members(kernel);
	u32 i;

	for (i = 0; i < btf_vlen(kernel); i++) {
		if (!same_name(m, local->name_off, members[i].name_off))
			continue;
		demand(m, local->type, members[i].type, false);
		return true;
	}
	return false;
}

static bool composites(struct match *m, const struct btf_type *local,
		       const struct btf_type *kernel, bool behind)
{
	u32 i;

	if (behind && btf_is_fwd(kernel))
		return btf_is_union(local) == btf_kflag(kernel);
	if (btf_kind(local) != btf_kind(kernel))
		return false;
	for (i = 0; !behind && i < btf_vlen(local); i++)
		if (!member(m, &btf_members(local)[i], kernel))
			return false;
	return true;
}

/* A declaration alone. */
static bool forward(const struct btf_type *local, const struct btf_type *kernel, bool behind)
{
	if (btf_is_fwd(kernel))
		return btf_kflag(local) == btf_kflag(kernel);
	return behind && btf_is_composite(kernel) &&
	       btf_kflag(local) == btf_is_union(kernel);
}

static bool integers(const struct btf_type *local, const struct btf_type *kernel)
{
	return btf_is_int(kernel) && btf_int_bits(local) == btf_int_bits(kernel) &&
	       (btf_int_encoding(local) & BTF_INT_SIGNED) ==
	       (btf_int_encoding(kernel) & BTF_INT_SIGNED);
}

static bool arrays(struct match *m, const struct btf_type *local,
		   const struct btf_type *kernel)
{
	if (!btf_is_array(kernel) || btf_array(local)->nelems != btf_array(kernel)->nelems)
		return false;
	demand(m, btf_array(local)->type, btf_array(kernel)->type, false);
	return true;
}

static bool functions(struct match *m, const struct btf_type *local,
		      const struct btf_type *kernel)
{
	u32 i;

	if (!btf_is_func_proto(kernel) || btf_vlen(local) != btf_vlen(kernel))
		return false;
	for (i = 0; i < btf_vlen(local); i++)
		demand(m, btf_params(local)[i].type, btf_params(kernel)[i].type, false);
	demand(m, local->type, kernel->type, false);
	return true;
}

static bool compare(struct match *m, const struct btf_type *local,
		    const struct btf_type *kernel, bool behind)
{
	switch (btf_kind(local)) {
	case BTF_KIND_UNKN:
		return !btf_kind(kernel);
	case BTF_KIND_FWD:
		return forward(local, kernel, behind);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return enums(m, local, kernel);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return composites(m, local, kernel, behind);
	case BTF_KIND_INT:
		return integers(local, kernel);
	case BTF_KIND_ARRAY:
		return arrays(m, local, kernel);
	case BTF_KIND_FUNC_PROTO:
		return functions(m, local, kernel);
	case BTF_KIND_PTR:
		if (btf_is_ptr(kernel))
			demand(m, local->type, kernel->type, true);
		return btf_is_ptr(kernel);
	}
	return false;
}

static bool compare_next(struct match *m)
{
	struct pair pair = m->pairs[m->done];
	const struct btf_type *local = kl_btf_real(m->local, &pair.local);
	const struct btf_type *kernel = kl_btf_real(m->kernel, &pair.kernel);

	return local && kernel && same_name(m, local->name_off, kernel->name_off) &&
	       compare(m, local, kernel, pair.behind);
}

bool kl_core_matches(const struct btf *local, u32 id, const struct kl_core_cand *cand)
{
	struct match m = {
		.local = local, .kernel = cand->btf, .nr = 1,
		.pairs = { { .local = id, .kernel = cand->id } },
	};

	for (; m.done < m.nr && !m.failed; m.done++)
		if (!compare_next(&m))
			return false;
	return !m.failed;
}
