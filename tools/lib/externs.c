// SPDX-License-Identifier: GPL-2.0-only
/*
 * libkapsel - externs of .kconfig: what a program asks of the kernel's version
 * and configuration becomes a read-only map, as libbpf makes one
 */

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "btf_type.h"
#include "core/proto.h"
#include "kconfig.h"
#include "object.h"

#define SECTION ".kconfig"
#define MAX_STRING 4096

/**
 * struct externs - the externs of an object being read
 * @obj: the object
 * @all: externs, later by place
 * @count: how many
 * @size: bytes of them all
 * @data: their values
 * @config: the configuration, NULL: not known
 * @path: of it
 * @err: why not
 */
struct externs {
	struct kapsel_object *obj;
	struct kl_extern *all;
	u32 count;
	u32 size;
	char *data;
	char *config;
	char path[300];
	struct kapsel_error *err;
};

static bool is_tristate(const struct btf *btf, const struct btf_type *type)
{
	const char *name = btf__name_by_offset(btf, type->name_off);

	return btf_is_any_enum(type) && type->size == 4 && !strcmp(name, "libbpf_tristate");
}

static int kind_of_int(const struct btf_type *type, struct kl_extern *ext)
{
	u8 encoding = btf_int_encoding(type);

	ext->is_signed = encoding & BTF_INT_SIGNED;
	ext->kind = KL_EXTERN_INT;
	if (encoding & BTF_INT_BOOL)
		ext->kind = KL_EXTERN_BOOL;
	else if (type->size == 1)
		ext->kind = KL_EXTERN_CHAR;
	ext->align = type->size;
	if (ext->kind == KL_EXTERN_BOOL)
		return type->size == 1 ? 0 : -EINVAL;
	return type->size && type->size <= 8 && !(type->size & (type->size - 1)) ? 0 : -EINVAL;
}

/* What the extern's type lets it hold; -EINVAL: nothing. */
static int kind_of(const struct btf *btf, u32 id, struct kl_extern *ext)
{
	const struct btf_type *type = kl_btf_real(btf, &id);

	if (!type)
		return -EINVAL;
	ext->size = kapsel_btf_size(btf, id);
	if (btf_is_int(type))
		return kind_of_int(type, ext);
	ext->align = 4;
	ext->kind = KL_EXTERN_TRISTATE;
	if (is_tristate(btf, type))
		return 0;
	ext->align = 1;
	ext->kind = KL_EXTERN_STRING;
	if (btf_is_array(type) && ext->size && ext->size <= MAX_STRING &&
	    kl_btf_is_char(btf, btf_array(type)->type))
		return 0;
	return -EINVAL;
}

static struct kl_symbol *find_symbol(struct kapsel_object *obj, const char *name)
{
	u32 i;

	for (i = 0; i < obj->nr_symbols; i++)
		if (!obj->symbols[i].section && !strcmp(obj->symbols[i].name, name))
			return &obj->symbols[i];
	return NULL;
}

static int add_extern(struct externs *x, const struct btf_type *var)
{
	const struct btf *btf = x->obj->btf;
	const char *name = btf__name_by_offset(btf, var->name_off);
	struct kl_symbol *sym = find_symbol(x->obj, name);
	struct kl_extern *ext;

	if (!btf_is_var(var) || !sym)
		return 0;
	ext = kl_grow(&x->all, x->count, sizeof(*ext));
	if (!ext)
		return kl_nomem(x->err);
	x->count++;
	ext->name = name;
	ext->symbol = sym - x->obj->symbols;
	ext->weak = sym->bind == STB_WEAK;
	if (!kind_of(btf, var->type, ext))
		return 0;
	kl_fail(x->err, -EOPNOTSUPP, "%s: extern '%s' of %s has a type that no configuration value fits",
		x->obj->path, name, SECTION);
	return kl_hint(x->err, "a bool, an integer, enum libbpf_tristate or an array of char");
}

static int find_externs(struct externs *x)
{
	const struct btf *btf = x->obj->btf;
	s32 id = btf ? btf__find_by_name_kind(btf, SECTION, BTF_KIND_DATASEC) : 0;
	const struct btf_type *sec = id > 0 ? btf__type_by_id(btf, id) : NULL;
	u32 i;
	int ret = 0;

	for (i = 0; sec && i < btf_vlen(sec) && !ret; i++)
		ret = add_extern(x, btf__type_by_id(btf, btf_var_secinfos(sec)[i].type));
	return ret;
}

/* The widest first, so that none needs a gap before it. */
static int by_alignment(const void *a, const void *b)
{
	const struct kl_extern *x = a, *y = b;

	if (x->align != y->align)
		return x->align > y->align ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The undefined symbols become variables of a section that is in no file. */
static void place(struct externs *x)
{
	u32 i;

	qsort(x->all, x->count, sizeof(*x->all), by_alignment);
	for (i = 0; i < x->count; i++) {
		struct kl_symbol *sym = &x->obj->symbols[x->all[i].symbol];

		x->size = ALIGN(x->size, x->all[i].align);
		x->all[i].off = x->size;
		x->size += x->all[i].size;
		sym->section = KL_SECTION_KCONFIG;
		sym->type = STT_OBJECT;
		sym->value = x->all[i].off;
		sym->size = x->all[i].size;
	}
}

static int bad_value(const struct externs *x, const struct kl_extern *ext, int why,
		     const char *value)
{
	return kl_fail(x->err, why, "%s: extern '%s': its type can't hold %.80s",
		       x->obj->path, ext->name, value);
}

static int store(const struct externs *x, struct kl_extern *ext, const char *value)
{
	int ret = kl_kconfig_store(ext, value, x->data + ext->off);

	ext->found = !ret;
	return ret ? bad_value(x, ext, ret, value) : 0;
}

static int store_answer(const struct externs *x, struct kl_extern *ext, bool yes)
{
	if (ext->kind == KL_EXTERN_BOOL)
		return store(x, ext, yes ? "y" : "n");
	return store(x, ext, yes ? "1" : "0");
}

/*
 * Those of libbpf's own making, which asks the kernel. Here x86-64 answers, which has
 * had wrappers since 4.17, and kapsel, whose links have cookies, whatever the kernel.
 */
static int store_virtual(const struct externs *x, struct kl_extern *ext)
{
	char number[16];
	u32 version;

	if (!strcmp(ext->name, "LINUX_HAS_SYSCALL_WRAPPER"))
		return store_answer(x, ext, true);
	if (!strcmp(ext->name, "LINUX_HAS_BPF_COOKIE"))
		return store_answer(x, ext, kps_helper_find(BPF_FUNC_get_attach_cookie));
	if (strcmp(ext->name, "LINUX_KERNEL_VERSION"))
		return 0;
	version = kl_kconfig_version(getenv("KAPSEL_KCONFIG") ? x->config : NULL);
	if (!version)
		version = kl_kconfig_version(NULL);
	snprintf(number, sizeof(number), "%u", version);
	return store(x, ext, number);
}

static int store_line(const struct externs *x, const char *line)
{
	const char *value = strchr(line, '=');
	u32 i;

	for (i = 0; value && i < x->count; i++) {
		struct kl_extern *ext = &x->all[i];
		size_t len = strlen(ext->name);

		if (!ext->found && len == (size_t)(value - line) &&
		    !strncmp(line, ext->name, len))
			return store(x, ext, value + 1);
	}
	return 0;
}

static int store_config(const struct externs *x)
{
	char *line = x->config, *end;
	int ret = 0;

	for (; line && !ret; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		if (!strncmp(line, "CONFIG_", 7))
			ret = store_line(x, line);
	}
	return ret;
}

static int missing(const struct externs *x, const struct kl_extern *ext)
{
	if (strncmp(ext->name, "CONFIG_", 7)) {
		kl_fail(x->err, -ENOENT, "%s: extern '%s' of %s is not known", x->obj->path,
			ext->name, SECTION);
		return kl_hint(x->err, "known are LINUX_KERNEL_VERSION, LINUX_HAS_SYSCALL_WRAPPER, LINUX_HAS_BPF_COOKIE and CONFIG_*; a __weak one may be missing");
	}
	kl_fail(x->err, -ENOENT, "%s: extern '%s' is not set in the kernel's configuration (%s)",
		x->obj->path, ext->name, x->path);
	return kl_hint(x->err, "declare it __weak to have zero then");
}

static bool asks_config(const struct externs *x)
{
	u32 i;

	for (i = 0; i < x->count; i++)
		if (!strncmp(x->all[i].name, "CONFIG_", 7))
			return true;
	return false;
}

/* Zero would be a guess as long as nobody has looked. */
static int need_config(struct externs *x)
{
	int ret;

	if (!asks_config(x) && !getenv("KAPSEL_KCONFIG"))
		return 0;
	ret = kl_kconfig_read(&x->config, x->path);
	if (!ret)
		return 0;
	if (ret == -ENOMEM)
		return kl_nomem(x->err);
	kl_errno(x->err, ret, "%s: cannot read the kernel's configuration, %s", x->obj->path,
		 x->path);
	return kl_hint(x->err, "give the file by --kconfig or $KAPSEL_KCONFIG");
}

static int fill(struct externs *x)
{
	int ret = need_config(x);
	u32 i;

	for (i = 0; i < x->count && !ret; i++)
		ret = store_virtual(x, &x->all[i]);
	ret = ret ?: store_config(x);
	for (i = 0; i < x->count && !ret; i++)
		if (!x->all[i].found && !x->all[i].weak)
			ret = missing(x, &x->all[i]);
	return ret;
}

static int add_map(struct externs *x)
{
	struct kapsel_object *obj = x->obj;
	struct kapsel_map *map = kl_grow(&obj->maps, obj->nr_maps, sizeof(*map));

	if (!map)
		return kl_nomem(x->err);
	obj->nr_maps++;
	*map = (struct kapsel_map){
		.name = SECTION, .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = x->size, .max_entries = 1, .flags = BPF_F_RDONLY_PROG,
		.frozen = true, .section = KL_SECTION_KCONFIG, .data = x->data, .fd = -1,
	};
	x->data = NULL;
	return 0;
}

int kl_externs_read(struct kapsel_object *obj, struct kapsel_error *err)
{
	struct externs x = { .obj = obj, .err = err };
	int ret = find_externs(&x);

	if (!ret && x.count) {
		place(&x);
		x.data = calloc(1, x.size);
		ret = x.data ? fill(&x) : kl_nomem(err);
		ret = ret ?: add_map(&x);
	}
	free(x.all);
	free(x.data);
	free(x.config);
	return ret;
}
