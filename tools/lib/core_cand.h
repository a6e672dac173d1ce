/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - CO-RE: the kernel's types that one of the program's may be */
#ifndef KL_CORE_CAND_H
#define KL_CORE_CAND_H

#include "btf_names.h"
#include "internal.h"

/**
 * struct kl_core_cand - a type of the kernel's, or of a module's
 * @btf: it, and what belongs to it: see kl_btf_cut()
 * @id: of it there
 * @kernel_id: its id in the kernel
 */
struct kl_core_cand {
	struct btf *btf;
	u32 id;
	u32 kernel_id;
};

/**
 * struct kl_core_cands - those of one of the program's types
 * @local: id of it
 * @list: candidates: the kernel's, or if it has none all modules'
 * @count: how many
 */
struct kl_core_cands {
	u32 local;
	struct kl_core_cand *list;
	u32 count;
};

/** struct kl_core_module - a module's types, and their names */
struct kl_core_module {
	struct kl_raw raw;
	struct kl_names names;
};

/**
 * struct kl_core_types - types to relocate against, read when they are asked for
 * @file: the file that $KAPSEL_BTF names
 * @kernel: its types, or else the running kernel's
 * @names: of them; empty: they are not read
 * @modules: of its modules, unless there is such a file
 * @nr_modules: how many
 * @modules_read: they were looked for
 * @cands: what was found so far, by type
 * @nr_cands: how many
 */
struct kl_core_types {
	struct btf *file;
	struct kl_raw kernel;
	struct kl_names names;
	struct kl_core_module *modules;
	u32 nr_modules;
	bool modules_read;
	struct kl_core_cands *cands;
	u32 nr_cands;
};

/**
 * kl_core_candidates - the kernel's types of the same name and kind
 * @types: where to look
 * @btf: the program's types
 * @local: id there
 * @cands: set; good until the next call
 *
 * Return: 0; -ENOENT: no types are known; -EINVAL: those of $KAPSEL_BTF are damaged;
 * -ENOMEM.
 */
int kl_core_candidates(struct kl_core_types *types, const struct btf *btf, u32 local,
		       const struct kl_core_cands **cands);

/** kl_core_types_free - release it all */
void kl_core_types_free(struct kl_core_types *types);

/**
 * kl_core_matches - is a type what the program takes it for?
 * @local: the program's types
 * @id: the type there
 * @cand: the kernel's
 *
 * By libbpf's rules: names, flavours aside; sizes of enumerations, and their words;
 * width and sign of integers; members by name, of which the kernel's may have more;
 * behind a pointer only struct or union.
 */
bool kl_core_matches(const struct btf *local, u32 id, const struct kl_core_cand *cand);

#endif
