/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - CO-RE: what a relocation speaks of, in the program's types and the kernel's */
#ifndef KL_CORE_SPEC_H
#define KL_CORE_SPEC_H

#include "internal.h"

struct btf_type;

#define KL_CORE_DEPTH 32

/** struct kl_core_relo - as in .BTF.ext */
struct kl_core_relo {
	u32 insn_off;
	u32 type_id;
	u32 access;
	u32 kind;
};

/** enum kl_core_kind - what of it is asked; the compiler's numbers */
enum kl_core_kind {
	KL_CORE_BYTE_OFFSET,
	KL_CORE_BYTE_SIZE,
	KL_CORE_FIELD_EXISTS,
	KL_CORE_SIGNED,
	KL_CORE_LSHIFT,
	KL_CORE_RSHIFT,
	KL_CORE_TYPE_LOCAL,
	KL_CORE_TYPE_TARGET,
	KL_CORE_TYPE_EXISTS,
	KL_CORE_TYPE_SIZE,
	KL_CORE_ENUM_EXISTS,
	KL_CORE_ENUM_VALUE,
	KL_CORE_TYPE_MATCHES,
};

/** struct kl_core_step - one step of a path: a member by name, or an element by index */
struct kl_core_step {
	const char *name;	/* NULL: an element */
	u32 index;
	u32 type;		/* id of a member's type, the program's */
};

/**
 * struct kl_core_place - where a field is in one BTF
 * @btf: the types
 * @root: id of the type that the path begins in
 * @type: id of the field's type
 * @bit: offset from the root's start, bits
 * @bitfield: its width, 0: it is none
 */
struct kl_core_place {
	const struct btf *btf;
	u32 root;
	u32 type;
	u32 bit;
	u32 bitfield;
};

/**
 * struct kl_core_path - a relocation's path
 * @btf: the program's types
 * @steps: from the root; the first is an index of an array of roots
 * @count: how many
 */
struct kl_core_path {
	const struct btf *btf;
	struct kl_core_step steps[KL_CORE_DEPTH];
	u32 count;
};

/** kl_core_local - follow "0:1:2" through the program's types; 0 or -errno */
int kl_core_local(const struct btf *btf, u32 type, const char *access,
		  struct kl_core_path *path, struct kl_core_place *place);

/**
 * kl_core_remote - follow the same path, by names, through other types
 *
 * A member must be of the same kind in both, as libbpf has it: its width may differ, but a
 * number is no pointer. Return: 0, -ENOENT: it is not there, or -EINVAL.
 */
int kl_core_remote(const struct btf *btf, u32 type, const struct kl_core_path *path,
		   struct kl_core_place *place);

/** kl_core_stem - length of a name without its ___flavour */
size_t kl_core_stem(const char *name);

/** kl_core_same_name - two names are the same but for their flavours */
bool kl_core_same_name(const char *a, const char *b);

/** kl_core_field - what a field's relocation asks of the field; 0 or -errno */
int kl_core_field(u32 kind, const struct kl_core_place *place, u64 *value);

#endif
