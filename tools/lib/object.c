// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - objects: open, programs by section name, look up, close */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/kernel.h>

#include "core/insn.h"
#include "core/proto.h"
#include "object.h"

/* An object of clang's is rarely over a megabyte; this is a bound, no target. */
#define MAX_FILE (256u << 20)

static void read_license(struct kapsel_object *obj)
{
	const struct kl_section *sec = kl_section_find(obj, "license");

	if (sec && sec->data)
		snprintf(obj->license, sizeof(obj->license), "%.*s",
			 (int)min(sec->size, sizeof(obj->license)), (const char *)sec->data);
}

/* For a hook that others have: the object may do without, by the rest of it. */
static int leave_out(struct kapsel_object *obj, const struct kl_func *func,
		     struct kapsel_error *err)
{
	struct kapsel_left_out *out = kl_grow(&obj->left_out, obj->nr_left_out, sizeof(*out));

	if (!out)
		return kl_nomem(err);
	obj->nr_left_out++;
	out->name = func->name;
	out->section = obj->sections[func->section].name;
	return 0;
}

static int bad_section(const struct kapsel_object *obj, const char *name,
		       const struct kapsel_error *why, struct kapsel_error *err)
{
	kl_fail(err, why->err, "%s: program '%s': %s", obj->path, name, why->text);
	return why->hint[0] ? kl_hint(err, "%s", why->hint) : why->err;
}

static int add_prog(struct kapsel_object *obj, const struct kl_func *func,
		    struct kapsel_error *err)
{
	const char *section = obj->sections[func->section].name;
	struct kapsel_error why = {};
	struct kapsel_hook hook;
	struct kapsel_prog *prog;

	if (strlen(func->name) >= KAPSEL_NAME_LEN)
		return kl_fail(err, -ENAMETOOLONG, "%s: program '%s': the name is longer than %d characters",
			       obj->path, func->name, KAPSEL_NAME_LEN - 1);
	if (kapsel_hook_from_sec(section, &hook, &why))
		return why.err == -EOPNOTSUPP ? leave_out(obj, func, err) :
						bad_section(obj, func->name, &why, err);
	prog = kl_grow(&obj->progs, obj->nr_progs, sizeof(*prog));
	if (!prog)
		return kl_nomem(err);
	obj->nr_progs++;
	prog->obj = obj;
	prog->name = func->name;
	prog->section = section;
	prog->optional = *section == '?';
	prog->hook = hook;
	prog->fd = -1;
	return kl_link(obj, prog, func, err);
}

static int no_program(const struct kapsel_object *obj, struct kapsel_error *err)
{
	struct kapsel_hook hook;
	struct kapsel_error why = {};

	if (!obj->nr_left_out)
		return kl_fail(err, -ENOENT, "%s: no program in it (no function with SEC(...))",
			       obj->path);
	kapsel_hook_from_sec(obj->left_out->section, &hook, &why);
	return bad_section(obj, obj->left_out->name, &why, err);
}

/* Functions of .text, and static ones, are there to be called. */
int kl_progs_read(struct kapsel_object *obj, struct kapsel_error *err)
{
	u32 i;
	int ret = 0;

	for (i = 0; i < obj->nr_funcs && !ret; i++) {
		const struct kl_func *func = &obj->funcs[i];

		if (func->global && strcmp(obj->sections[func->section].name, ".text"))
			ret = add_prog(obj, func, err);
	}
	return ret || obj->nr_progs ? ret : no_program(obj, err);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

static int read_object(struct kapsel_object *obj, struct kapsel_error *err)
{
	int ret = kl_elf_read(obj, err);

	/* libbpf talks on stderr by default; the library does not. */
	libbpf_set_print(quiet);
	ret = ret ?: kl_btf_read(obj, err);
	if (ret)
		return ret;
	read_license(obj);
	ret = kl_maps_read(obj, err);
	ret = ret ?: kl_data_read(obj, err);
	ret = ret ?: kl_externs_read(obj, err);
	kl_locks_find(obj);
	ret = ret ?: kl_progs_read(obj, err);
	return ret ?: kl_maps_fill(obj, err);
}

/* Takes over @image. */
static struct kapsel_object *open_image(void *image, size_t size, const char *name,
					struct kapsel_error *err)
{
	struct kapsel_object *obj = calloc(1, sizeof(*obj));

	if (!obj) {
		free(image);
		kl_nomem(err);
		return NULL;
	}
	obj->image = image;
	obj->size = size;
	obj->path = strdup(name);
	if (!obj->path)
		kl_nomem(err);
	if (!obj->path || read_object(obj, err)) {
		kapsel_close(obj);
		return NULL;
	}
	return obj;
}

struct kapsel_object *kapsel_open_mem(const void *image, size_t size,
				      const char *name, struct kapsel_error *err)
{
	void *copy = malloc(size ?: 1);

	if (!copy) {
		kl_nomem(err);
		return NULL;
	}
	memcpy(copy, image, size);
	return open_image(copy, size, name, err);
}

static int read_whole(int fd, char *to, size_t size)
{
	ssize_t got;

	while (size) {
		got = read(fd, to, size);
		if (got <= 0)
			return got ? -errno : -EIO;
		to += got;
		size -= got;
	}
	return 0;
}

static void *read_file(const char *path, size_t *size, struct kapsel_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret = 0;
	void *image = NULL;
	struct stat st;

	if (fd < 0) {
		kl_errno(err, -errno, "cannot open %s", path);
		return NULL;
	}
	if (fstat(fd, &st)) {
		kl_errno(err, -errno, "%s", path);
	} else if (!S_ISREG(st.st_mode)) {
		kl_fail(err, -EINVAL, "%s: not a regular file", path);
	} else if (st.st_size > MAX_FILE) {
		kl_fail(err, -E2BIG, "%s: too big for an object (over %u MiB)", path,
			MAX_FILE >> 20);
	} else {
		image = malloc(st.st_size + 1);
		ret = image ? read_whole(fd, image, st.st_size) : -ENOMEM;
	}
	if (ret) {
		kl_errno(err, ret, "cannot read %s", path);
		free(image);
		image = NULL;
	}
	*size = st.st_size;
	close(fd);
	return image;
}

struct kapsel_object *kapsel_open(const char *path, struct kapsel_error *err)
{
	size_t size;
	void *image = read_file(path, &size, err);

	return image ? open_image(image, size, path, err) : NULL;
}

static void free_prog(struct kapsel_prog *prog)
{
	free(prog->insns);
	free(prog->lines);
	free(prog->funcs);
	free(prog->missing);
	free(prog->maps);
	if (prog->fd >= 0)
		close(prog->fd);
}

void kapsel_close(struct kapsel_object *obj)
{
	u32 i;

	if (!obj)
		return;
	for (i = 0; i < obj->nr_progs; i++)
		free_prog(&obj->progs[i]);
	for (i = 0; i < obj->nr_maps; i++) {
		free(obj->maps[i].data);
		free(obj->maps[i].initial);
		free(obj->maps[i].inner);
		if (obj->maps[i].fd >= 0)
			close(obj->maps[i].fd);
	}
	free(obj->progs);
	free(obj->left_out);
	free(obj->maps);
	btf__free(obj->btf);
	kl_core_types_free(&obj->kernel);
	kl_elf_free(obj);
	free(obj->path);
	free(obj->image);
	free(obj);
}

u32 kapsel_nr_progs(const struct kapsel_object *obj)
{
	return obj->nr_progs;
}

struct kapsel_prog *kapsel_prog_at(const struct kapsel_object *obj, u32 i)
{
	return i < obj->nr_progs ? &obj->progs[i] : NULL;
}

struct kapsel_prog *kapsel_prog_find(const struct kapsel_object *obj, const char *name)
{
	u32 i;

	for (i = 0; i < obj->nr_progs; i++)
		if (!strcmp(obj->progs[i].name, name))
			return &obj->progs[i];
	return NULL;
}

bool kapsel_tail_calls(const struct kapsel_prog *prog)
{
	u32 i;

	for (i = 0; i < prog->insn_cnt; i += kps_insn_slots(&prog->insns[i])) {
		const struct bpf_insn *insn = &prog->insns[i];

		if (insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg &&
		    insn->imm == BPF_FUNC_tail_call)
			return true;
	}
	return false;
}

bool kapsel_map_holds(const struct kapsel_map *map, const struct kapsel_prog *prog)
{
	const struct kps_map_type *type = kps_map_type_find(map->type);
	u32 i;

	for (i = 0; type && type->ops & KAPSEL_MAP_OP_PROGS && i < map->nr_initial; i++)
		if (kapsel_prog_at(prog->obj, map->initial[i].target) == prog)
			return true;
	return false;
}

const struct kapsel_left_out *kapsel_left_out_at(const struct kapsel_object *obj, u32 i)
{
	return i < obj->nr_left_out ? &obj->left_out[i] : NULL;
}

u32 kapsel_nr_maps(const struct kapsel_object *obj)
{
	return obj->nr_maps;
}

struct kapsel_map *kapsel_map_at(const struct kapsel_object *obj, u32 i)
{
	return i < obj->nr_maps ? &obj->maps[i] : NULL;
}

struct kapsel_map *kapsel_map_find(const struct kapsel_object *obj, const char *name)
{
	u32 i;

	for (i = 0; i < obj->nr_maps; i++)
		if (!strcmp(obj->maps[i].name, name))
			return &obj->maps[i];
	return NULL;
}

const char *kapsel_object_name(const struct kapsel_object *obj)
{
	return obj->path;
}

const char *kapsel_license(const struct kapsel_object *obj)
{
	return obj->license;
}

/* The list of include/linux/license.h. */
bool kapsel_license_is_gpl(const char *license)
{
	static const char * const gpl[] = {
		"GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL",
		"Dual MIT/GPL", "Dual MPL/GPL",
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(gpl); i++)
		if (!strcmp(license, gpl[i]))
			return true;
	return false;
}

const struct btf *kapsel_btf(const struct kapsel_object *obj)
{
	return obj->btf;
}
