// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - CO-RE: the kernel's types that one of the program's may be */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "btf_type.h"
#include "core_cand.h"
#include "core_spec.h"

#define BTF_FOLDER "/sys/kernel/btf"

static int read_kernel(struct kl_core_types *types)
{
	const char *path = getenv("KAPSEL_BTF");

	if (types->names.head)
		return 0;
	if (!types->kernel)
		types->kernel = btf__parse(path ?: BTF_FOLDER "/vmlinux", NULL);
	if (!types->kernel)
		return errno == ENOMEM ? -ENOMEM : -ENOENT;
	if (path && kl_btf_unsound(types->kernel))
		return -EINVAL;
	return kl_names_make(&types->names, types->kernel, 1);
}

/* A module that goes meanwhile takes its types with it: it is passed over. */
static int read_module(struct kl_core_types *types, const char *name)
{
	struct kl_core_module *to;
	char path[300];
	struct btf *btf;

	snprintf(path, sizeof(path), BTF_FOLDER "/%s", name);
	btf = btf__parse_split(path, types->kernel);
	if (!btf)
		return errno == ENOMEM ? -ENOMEM : 0;
	to = kl_grow(&types->modules, types->nr_modules, sizeof(*to));
	if (!to) {
		btf__free(btf);
		return -ENOMEM;
	}
	types->nr_modules++;
	to->btf = btf;
	return kl_names_make(&to->names, btf, btf__type_cnt(types->kernel));
}

static int read_modules(struct kl_core_types *types)
{
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	if (types->modules_read || getenv("KAPSEL_BTF"))
		return 0;
	types->modules_read = true;
	dir = opendir(BTF_FOLDER);
	while (dir && !ret && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "vmlinux"))
			ret = read_module(types, entry->d_name);
	if (dir)
		closedir(dir);
	return ret;
}

/** struct wanted - what a candidate must be */
struct wanted {
	const struct btf_type *type;
	const char *name;
	size_t stem;
};

static bool suits(const struct wanted *wanted, const struct btf *btf,
		  const struct btf_type *type)
{
	const char *name = btf__name_by_offset(btf, type->name_off);

	if (btf_kind(type) != btf_kind(wanted->type) &&
	    !(btf_is_any_enum(type) && btf_is_any_enum(wanted->type)))
		return false;
	return name && !strncmp(name, wanted->name, wanted->stem) &&
	       kl_core_stem(name) == wanted->stem;
}

static int search(struct kl_core_cands *cands, const struct wanted *wanted,
		  const struct btf *btf, const struct kl_names *names)
{
	u32 id = kl_names_first(names, wanted->name, wanted->stem);
	struct kl_core_cand *to;

	for (; id; id = kl_names_next(names, id)) {
		if (!suits(wanted, btf, btf__type_by_id(btf, id)))
			continue;
		to = kl_grow(&cands->list, cands->count, sizeof(*to));
		if (!to)
			return -ENOMEM;
		cands->count++;
		*to = (struct kl_core_cand){ btf, id };
	}
	return 0;
}

static int search_all(struct kl_core_types *types, const struct btf *btf, u32 local,
		      struct kl_core_cands *cands)
{
	struct wanted wanted = { .type = btf__type_by_id(btf, local) };
	int ret;
	u32 i;

	wanted.name = btf__name_by_offset(btf, wanted.type->name_off);
	if (!wanted.name || !*wanted.name)
		return 0;
	wanted.stem = kl_core_stem(wanted.name);
	ret = search(cands, &wanted, types->kernel, &types->names);
	if (ret || cands->count)
		return ret;
	ret = read_modules(types);
	for (i = 0; i < types->nr_modules && !ret; i++)
		ret = search(cands, &wanted, types->modules[i].btf, &types->modules[i].names);
	return ret;
}

int kl_core_candidates(struct kl_core_types *types, const struct btf *btf, u32 local,
		       const struct kl_core_cands **cands)
{
	struct kl_core_cands *to;
	int ret = read_kernel(types);
	u32 i;

	if (ret)
		return ret;
	for (i = 0; i < types->nr_cands; i++) {
		*cands = &types->cands[i];
		if (types->cands[i].local == local)
			return 0;
	}
	to = kl_grow(&types->cands, types->nr_cands, sizeof(*to));
	if (!to)
		return -ENOMEM;
	/* Counted at once: what was found before memory ran out is to be freed. */
	types->nr_cands++;
	to->local = local;
	*cands = to;
	return search_all(types, btf, local, to);
}

void kl_core_types_free(struct kl_core_types *types)
{
	u32 i;

	for (i = 0; i < types->nr_cands; i++)
		free(types->cands[i].list);
	free(types->cands);
	for (i = 0; i < types->nr_modules; i++) {
		kl_names_free(&types->modules[i].names);
		btf__free(types->modules[i].btf);
	}
	free(types->modules);
	kl_names_free(&types->names);
	btf__free(types->kernel);
}
