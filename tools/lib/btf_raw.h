/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - the kernel's types as they lie in its file */
#ifndef KL_BTF_RAW_H
#define KL_BTF_RAW_H

#include <bpf/btf.h>

#include "internal.h"

/*
 * libbpf's struct btf is made for those who want all of a BTF. A program asks for ten
 * of the kernel's hundred thousand types, and to have them all copied and looked at
 * costs more than everything else about loading it. So the file is read once and left
 * as it is; what is asked for becomes a struct btf of its own: see kl_btf_cut().
 */

/**
 * struct kl_raw - types by their ids
 * @base: those with lower ids, or NULL
 * @first: the first id here
 * @end: one past the last
 * @types: where their records are
 * @offs: of each record, by id less @first
 * @strings: names; the last byte is 0
 * @string_first: what offsets of names begin with here
 * @string_size: bytes
 * @data: the file, if it is owned
 */
struct kl_raw {
	const struct kl_raw *base;
	u32 first;
	u32 end;
	const char *types;
	u32 *offs;
	const char *strings;
	u32 string_first;
	u32 string_size;
	void *data;
};

/**
 * kl_raw_read - the types of a file without ELF, as the kernel has them in sysfs
 * @raw: for kl_raw_free(), whatever comes
 * @path: the file
 * @base: what they stand on, or NULL; stays where it is
 *
 * Return: 0; -ENOENT: can't be read; -EINVAL: is none; -ENOMEM.
 */
int kl_raw_read(struct kl_raw *raw, const char *path, const struct kl_raw *base);

/** kl_raw_use - the same of what is in memory, and stays there */
int kl_raw_use(struct kl_raw *raw, const void *data, u32 size, const struct kl_raw *base);

/** kl_raw_type - a type's record, or NULL */
const struct btf_type *kl_raw_type(const struct kl_raw *raw, u32 id);

/** kl_raw_name - the name at an offset, or NULL */
const char *kl_raw_name(const struct kl_raw *raw, u32 off);

/** kl_raw_size - bytes of a record, 0: of no known kind */
u32 kl_raw_size(const struct btf_type *type);

/** kl_raw_free - release it; zeroes are fine */
void kl_raw_free(struct kl_raw *raw);

/**
 * kl_btf_cut - one type, and what belongs to it, as a BTF of its own
 * @raw: where it is
 * @id: of it there; it has id 1 in @btf
 * @btf: out, for btf__free()
 *
 * A struct that is only pointed to has no members there: nobody looks at them. What it
 * costs is in proportion to what is in the type.
 *
 * Return: 0, -EINVAL: damaged, or -ENOMEM.
 */
int kl_btf_cut(const struct kl_raw *raw, u32 id, struct btf **btf);

#endif
