// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - .BTF, and .BTF.ext: source lines and CO-RE relocations */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "btf_type.h"
#include "object.h"

/* The header of .BTF.ext, up to what is used here. */
struct ext_header {
	u16 magic;
	u8 version;
	u8 flags;
	u32 hdr_len;
	u32 func_off;
	u32 func_len;
	u32 line_off;
	u32 line_len;
	u32 core_off;
	u32 core_len;
};

/* What stands before the records of one section. */
struct ext_part {
	u32 name;
	u32 count;
};

struct ext_line {
	u32 insn_off;
	u32 file;
	u32 text;
	u32 line_col;
};

static int read_types(struct kapsel_object *obj, const struct kl_section *sec,
		      struct kapsel_error *err)
{
	u32 bad;
	int ret = kl_btf_new(sec->data, sec->size, &obj->btf, &bad);

	if (!ret)
		return 0;
	if (ret == -ENOMEM)
		return kl_nomem(err);
	if (!bad)
		return kl_fail(err, -ENOEXEC, "%s: section .BTF is damaged", obj->path);
	return kl_fail(err, -ENOEXEC, "%s: section .BTF is damaged at type %u", obj->path, bad);
}

static int ext_damaged(const struct kapsel_object *obj, struct kapsel_error *err)
{
	return kl_fail(err, -ENOEXEC, "%s: section .BTF.ext is damaged", obj->path);
}

typedef int (*part_fn)(struct kapsel_object *obj, struct kl_section *sec,
		       const char *recs, u32 count, u32 size,
		       struct kapsel_error *err);

/* Hands out the records of each section with code. */
static int walk_parts(struct kapsel_object *obj, const char *data, u32 len,
		      u32 min_size, part_fn fn, struct kapsel_error *err)
{
	struct ext_part part;
	u32 rec_size, pos = sizeof(rec_size);
	int ret;

	if (!len)
		return 0;
	if (len < sizeof(rec_size))
		return ext_damaged(obj, err);
	memcpy(&rec_size, data, sizeof(rec_size));
	if (rec_size < min_size || rec_size % 4 || rec_size > 4096)
		return ext_damaged(obj, err);
	while (pos < len) {
		struct kl_section *sec;
		const char *name;

		if (len - pos < sizeof(part))
			return ext_damaged(obj, err);
		memcpy(&part, data + pos, sizeof(part));
		pos += sizeof(part);
		if (part.count > (len - pos) / rec_size)
			return ext_damaged(obj, err);
		name = btf__str_by_offset(obj->btf, part.name);
		sec = name ? kl_section_find(obj, name) : NULL;
		if (sec && sec->relocs) {
			ret = fn(obj, sec, data + pos, part.count, rec_size, err);
			if (ret)
				return ret;
		}
		pos += part.count * rec_size;
	}
	return 0;
}

static int by_insn(const void *a, const void *b)
{
	const struct kapsel_line *x = a, *y = b;

	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

/* As the compiler was given it, without the "./" that it puts before. */
static const char *file_name(const char *name)
{
	if (!name)
		return "";
	return name[0] == '.' && name[1] == '/' ? name + 2 : name;
}

static int add_lines(struct kapsel_object *obj, struct kl_section *sec,
		     const char *recs, u32 count, u32 size, struct kapsel_error *err)
{
	u32 i;

	if (sec->lines || !count)
		return sec->lines ? ext_damaged(obj, err) : 0;
	sec->lines = calloc(count, sizeof(*sec->lines));
	if (!sec->lines)
		return kl_nomem(err);
	sec->nr_lines = count;
	for (i = 0; i < count; i++) {
		struct kapsel_line *to = &sec->lines[i];
		struct ext_line line;

		memcpy(&line, recs + (size_t)i * size, sizeof(line));
		to->insn = line.insn_off / sizeof(struct bpf_insn);
		to->line = line.line_col >> 10;
		to->col = line.line_col & 0x3ff;
		to->file = file_name(btf__str_by_offset(obj->btf, line.file));
		to->text = btf__str_by_offset(obj->btf, line.text) ?: "";
	}
	qsort(sec->lines, count, sizeof(*sec->lines), by_insn);
	return 0;
}

static int add_core(struct kapsel_object *obj, struct kl_section *sec,
		    const char *recs, u32 count, u32 size, struct kapsel_error *err)
{
	if (sec->core)
		return ext_damaged(obj, err);
	sec->core = recs;
	sec->nr_core = count;
	sec->core_size = size;
	return 0;
}

static const char *part_of(const struct kl_section *sec, u32 start, u32 off, u32 len)
{
	if (start > sec->size || off > sec->size - start ||
	    len > sec->size - start - off)
		return NULL;
	return (const char *)sec->data + start + off;
}

static int read_ext(struct kapsel_object *obj, const struct kl_section *sec,
		    struct kapsel_error *err)
{
	struct ext_header hdr = {};
	const char *lines, *core;
	int ret;

	if (sec->size < offsetof(struct ext_header, core_off))
		return ext_damaged(obj, err);
	memcpy(&hdr, sec->data, min_t(size_t, sizeof(hdr), sec->size));
	if (hdr.magic != BTF_MAGIC || hdr.version != BTF_VERSION ||
	    hdr.hdr_len < offsetof(struct ext_header, core_off))
		return ext_damaged(obj, err);
	if (hdr.hdr_len < sizeof(hdr))
		hdr.core_len = 0;
	lines = part_of(sec, hdr.hdr_len, hdr.line_off, hdr.line_len);
	core = part_of(sec, hdr.hdr_len, hdr.core_len ? hdr.core_off : 0, hdr.core_len);
	if (!lines || !core)
		return ext_damaged(obj, err);
	ret = walk_parts(obj, lines, hdr.line_len, sizeof(struct ext_line),
			 add_lines, err);
	return ret ?: walk_parts(obj, core, hdr.core_len, 16, add_core, err);
}

int kl_btf_read(struct kapsel_object *obj, struct kapsel_error *err)
{
	const struct kl_section *sec = kl_section_find(obj, ".BTF");
	int ret;

	if (!sec || !sec->data)
		return 0;
	ret = read_types(obj, sec, err);
	if (ret)
		return ret;
	sec = kl_section_find(obj, ".BTF.ext");
	return sec && sec->data ? read_ext(obj, sec, err) : 0;
}
