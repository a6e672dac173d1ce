/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - BTF types, what printing and parsing of values share */
#ifndef KL_BTF_TYPE_H
#define KL_BTF_TYPE_H

#include "internal.h"

struct btf_type;

/** kl_btf_real - the type behind typedefs, qualifiers and variables; @id follows */
const struct btf_type *kl_btf_real(const struct btf *btf, u32 *id);

/** kl_btf_is_char - a character, of which arrays are strings */
bool kl_btf_is_char(const struct btf *btf, u32 id);

/** kl_btf_enum_name - the enumerator with a value, or NULL */
const char *kl_btf_enum_name(const struct btf *btf, const struct btf_type *type,
			     s64 value);

/** kl_btf_enum_value - the value of an enumerator; false: there is none */
bool kl_btf_enum_value(const struct btf *btf, const struct btf_type *type,
		       const char *name, s64 *value);

/** kl_load_int - an integer of 1 to 8 bytes, sign-extended on demand */
s64 kl_load_int(const void *data, u32 size, bool is_signed);

/** enum kl_value_kind - how a value is shown */
enum kl_value_kind {
	KL_BYTES,		/* type unknown */
	KL_NUMBER,
	KL_UNSIGNED,
	KL_BOOL,
	KL_POINTER,
	KL_ENUM,
	KL_STRING,
	KL_STRUCT_OPEN,
	KL_ARRAY_OPEN,
	KL_CLOSE,		/* of the innermost struct or array */
};

/**
 * struct kl_value - one step of a walk through a value
 * @kind: enum kl_value_kind
 * @name: of the member, or NULL in arrays and at the top
 * @data: bytes of STRING and BYTES
 * @size: bytes there
 * @number: of the other kinds
 * @enumerator: of ENUM, NULL if the number has none
 * @first: of its struct or array
 * @array: CLOSE ends an array
 */
struct kl_value {
	u8 kind;
	const char *name;
	const char *data;
	size_t size;
	s64 number;
	const char *enumerator;
	bool first;
	bool array;
};

/**
 * kl_btf_walk - take a value apart, in the order of its members
 * @btf: types, may be NULL
 * @id: type; 0: bytes
 * @data: the value
 * @size: bytes there are
 * @fn: called for each step
 * @ctx: handed to it
 *
 * Iterative; what nests deeper than 16 is shown as bytes.
 */
void kl_btf_walk(const struct btf *btf, u32 id, const void *data, size_t size,
		 void (*fn)(void *ctx, const struct kl_value *value), void *ctx);

/** kl_btf_unsound - the first type that refers to what is not there, or 0 */
u32 kl_btf_unsound(const struct btf *btf);

/**
 * kl_btf_new - types from an object, or from a map that somebody made
 * @data: as .BTF has them
 * @size: bytes
 * @btf: the types, or NULL
 * @bad: the first type that is damaged, 0: it's not one type
 *
 * libbpf checks that the types fill the section, not what they refer to. Names are
 * made fit for a terminal.
 *
 * Return: 0, -ENOEXEC or -ENOMEM.
 */
int kl_btf_new(const void *data, size_t size, struct btf **btf, u32 *bad);

#endif
