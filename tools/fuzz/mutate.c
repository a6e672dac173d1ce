// SPDX-License-Identifier: GPL-2.0-only
/* Damage that a parser may meet: in the numbers of a structure, not in any byte */

#include <elf.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "mutate.h"

/* Numbers that break sums, products, shifts and signs. */
static u64 nasty(struct fz_rng *r, u64 was)
{
	static const u64 numbers[] = {
		0, 1, 2, 7, 8, 255, 256, 4096, 0x7fff, 0xffff, 0x10000, 0xffffff,
		0x10000000, 0x1fffffff, 0x20000000, 0x7fffffff, 0x80000000, 0xfffffff8,
		0xffffffff, 0x100000000ULL, 0x7fffffffffffffffULL, 0xfffffffffffffff8ULL, ~0ULL,
	};

	switch (fz_below(r, 6)) {
	case 0:
		return numbers[fz_below(r, ARRAY_SIZE(numbers))];
	case 1:
		return was + fz_in(r, -8, 8);
	case 2:
		return was ^ 1ULL << fz_below(r, 64);
	case 3:
		return fz_below(r, 64);
	case 4:
		return -was;
	default:
		return was * 2;
	}
}

static void damage_word(struct fz_rng *r, u8 *data, size_t size)
{
	static const u8 widths[] = { 1, 2, 4, 4, 4, 8 };
	u32 width = widths[fz_below(r, ARRAY_SIZE(widths))];
	u64 word = 0;
	size_t at;

	if (size < width)
		return;
	at = fz_below(r, size / width) * width;
	memcpy(&word, data + at, width);
	/* What some other place refers to may do here, too. */
	if (fz_chance(r, 25))
		memcpy(&word, data + fz_below(r, size / width) * width, width);
	else
		word = nasty(r, word);
	memcpy(data + at, &word, width);
}

void fz_damage_words(struct fz_rng *r, u8 *data, size_t size)
{
	u32 times = 1 + fz_below(r, 4);

	while (times--)
		damage_word(r, data, size);
}

/** struct part - a range of the object's bytes */
struct part {
	u8 *data;
	size_t size;
};

static struct part part_of(u8 *data, size_t size, u64 from, u64 len)
{
	if (from > size || len > size - from)
		return (struct part){ data, 0 };
	return (struct part){ data + from, len };
}

static struct part headers_of(u8 *data, size_t size)
{
	Elf64_Ehdr ehdr;

	if (size < sizeof(ehdr))
		return (struct part){ data, 0 };
	memcpy(&ehdr, data, sizeof(ehdr));
	return part_of(data, size, ehdr.e_shoff, ehdr.e_shnum * sizeof(Elf64_Shdr));
}

static struct part any_section(struct fz_rng *r, u8 *data, size_t size)
{
	struct part headers = headers_of(data, size);
	u32 count = headers.size / sizeof(Elf64_Shdr);
	Elf64_Shdr sh;

	if (!count)
		return (struct part){ data, size };
	memcpy(&sh, headers.data + fz_below(r, count) * sizeof(sh), sizeof(sh));
	return part_of(data, size, sh.sh_offset, sh.sh_size);
}

static struct part find_types(struct fz_rng *r, u8 *data, size_t size)
{
	struct btf_header hdr;
	struct part sec = { data, 0 };
	int tries;

	for (tries = 0; tries < 40; tries++) {
		sec = any_section(r, data, size);
		if (sec.size < sizeof(hdr))
			continue;
		memcpy(&hdr, sec.data, sizeof(hdr));
		if (hdr.magic == BTF_MAGIC && hdr.hdr_len == sizeof(hdr))
			return part_of(sec.data, sec.size, sizeof(hdr) + (u64)hdr.type_off,
				       hdr.type_len);
	}
	return (struct part){ data, 0 };
}

static size_t behind_type(const struct btf_type *type)
{
	u32 n = btf_vlen(type);

	switch (btf_kind(type)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
	case BTF_KIND_DATASEC:
		return n * 12;
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	default:
		return 0;
	}
}

/* One type becomes of another kind, or gets another number of members. */
static void damage_type(struct fz_rng *r, struct part types)
{
	u32 left = fz_below(r, 200);
	struct btf_type type;
	size_t pos = 0;

	while (pos + sizeof(type) <= types.size) {
		memcpy(&type, types.data + pos, sizeof(type));
		if (!left--)
			break;
		pos += sizeof(type) + behind_type(&type);
	}
	if (pos + sizeof(type) > types.size)
		return;
	if (fz_chance(r, 30))
		type.info = (type.info & ~0x1f000000u) | fz_below(r, 21) << 24;
	else if (fz_chance(r, 30))
		type.info = (type.info & ~0xffffu) | fz_below(r, 8);
	else
		type.type = fz_chance(r, 70) ? fz_below(r, 60) : nasty(r, type.type);
	memcpy(types.data + pos, &type, sizeof(type));
}

/* Contents that were one section's become another's. */
static void copy_header(struct fz_rng *r, struct part headers)
{
	u32 count = headers.size / sizeof(Elf64_Shdr);
	Elf64_Shdr from, to;
	u8 *at;

	if (!count)
		return;
	at = headers.data + fz_below(r, count) * sizeof(to);
	memcpy(&from, headers.data + fz_below(r, count) * sizeof(from), sizeof(from));
	memcpy(&to, at, sizeof(to));
	if (fz_chance(r, 50)) {
		to.sh_offset = from.sh_offset;
		to.sh_size = from.sh_size;
	} else {
		to.sh_name = from.sh_name;
		to.sh_type = from.sh_type;
		to.sh_flags = from.sh_flags;
	}
	memcpy(at, &to, sizeof(to));
}

size_t fz_damage_elf(struct fz_rng *r, u8 *data, size_t size)
{
	struct part sec, headers = headers_of(data, size);
	u32 what = fz_below(r, 100);

	if (what < 45) {
		sec = any_section(r, data, size);
		fz_damage_words(r, sec.data, sec.size);
	} else if (what < 75) {
		damage_type(r, find_types(r, data, size));
	} else if (what < 85) {
		fz_damage_words(r, headers.data, headers.size);
	} else if (what < 92) {
		copy_header(r, headers);
	} else if (what < 96) {
		fz_damage_words(r, data, min_t(size_t, size, sizeof(Elf64_Ehdr)));
	} else {
		size = 1 + fz_below(r, size);
	}
	return size;
}
