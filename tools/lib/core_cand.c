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

static void forget_kernel(struct kl_core_types *types)
{
	kl_raw_free(&types->kernel);
	btf__free(types->file);
	types->file = NULL;
}

/* A file of somebody's may be ELF, and must be looked at. */
static int read_file(struct kl_core_types *types, const char *path)
{
	const void *data;
	u32 size;

	types->file = btf__parse(path, NULL);
	if (!types->file)
		return errno == ENOMEM ? -ENOMEM : -ENOENT;
	if (kl_btf_unsound(types->file))
		return -EINVAL;
	data = btf__raw_data(types->file, &size);
	return data ? kl_raw_use(&types->kernel, data, size, NULL) : -ENOMEM;
}

static int read_kernel(struct kl_core_types *types)
{
	const char *path = getenv("KAPSEL_BTF");
	int ret;

	if (types->names.head)
		return 0;
	forget_kernel(types);
	ret = path ? read_file(types, path) :
		     kl_raw_read(&types->kernel, BTF_FOLDER "/vmlinux", NULL);
	/* Of a kind that only later kernels have. */
	if (ret == -EINVAL && !path)
		ret = -ENOENT;
	return ret ?: kl_names_make(&types->names, &types->kernel);
}

/* A module that goes meanwhile takes its types with it: it is passed over. */
static int read_module(struct kl_core_types *types, const char *name)
{
	struct kl_raw raw = {};
	struct kl_core_module *to;
	char path[300];
	int ret;

	snprintf(path, sizeof(path), BTF_FOLDER "/%s", name);
	ret = kl_raw_read(&raw, path, &types->kernel);
	to = ret ? NULL : kl_grow(&types->modules, types->nr_modules, sizeof(*to));
	if (!to) {
		kl_raw_free(&raw);
		return ret && ret != -ENOMEM ? 0 : -ENOMEM;
	}
	types->nr_modules++;
	to->raw = raw;
	return kl_names_make(&to->names, &to->raw);
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

static bool suits(const struct wanted *wanted, const struct kl_raw *raw,
		  const struct btf_type *type)
{
	const char *name = kl_raw_name(raw, type->name_off);

	if (btf_kind(type) != btf_kind(wanted->type) &&
	    !(btf_is_any_enum(type) && btf_is_any_enum(wanted->type)))
		return false;
	return name && !strncmp(name, wanted->name, wanted->stem) &&
	       kl_core_stem(name) == wanted->stem;
}

static int add_candidate(struct kl_core_cands *cands, const struct kl_raw *raw, u32 id)
{
	struct kl_core_cand *to = kl_grow(&cands->list, cands->count, sizeof(*to));

	if (!to)
		return -ENOMEM;
	cands->count++;
	*to = (struct kl_core_cand){ .id = 1, .kernel_id = id };
	return kl_btf_cut(raw, id, &to->btf);
}

static int search(struct kl_core_cands *cands, const struct wanted *wanted,
		  const struct kl_raw *raw, const struct kl_names *names)
{
	u32 id = kl_names_first(names, wanted->name, wanted->stem);
	int ret = 0;

	for (; id && !ret; id = kl_names_next(names, id))
		if (suits(wanted, raw, kl_raw_type(raw, id)))
			ret = add_candidate(cands, raw, id);
	return ret;
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
	ret = search(cands, &wanted, &types->kernel, &types->names);
	if (ret || cands->count)
		return ret;
	ret = read_modules(types);
	for (i = 0; i < types->nr_modules && !ret; i++)
		ret = search(cands, &wanted, &types->modules[i].raw, &types->modules[i].names);
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

static void free_cands(struct kl_core_cands *cands)
{
	u32 i;

	for (i = 0; i < cands->count; i++)
		btf__free(cands->list[i].btf);
	free(cands->list);
}

void kl_core_types_free(struct kl_core_types *types)
{
	u32 i;

	for (i = 0; i < types->nr_cands; i++)
		free_cands(&types->cands[i]);
	free(types->cands);
	for (i = 0; i < types->nr_modules; i++) {
		kl_names_free(&types->modules[i].names);
		kl_raw_free(&types->modules[i].raw);
	}
	free(types->modules);
	kl_names_free(&types->names);
	forget_kernel(types);
}
