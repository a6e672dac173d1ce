/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - JSON, and values by their BTF types; see kapsel.h */
#ifndef KAPSEL_VALUE_H
#define KAPSEL_VALUE_H

#include <stdbool.h>
#include <stdio.h>

#include "error.h"

struct btf;

/* ------------------------------------------------------------------------
 * JSON: a small streaming writer
 */

/**
 * struct kapsel_json - a document being written
 * @out: stream
 * @depth: open objects and arrays
 * @more: bit @depth: a member was written there, so a comma is due
 */
struct kapsel_json {
	FILE *out;
	unsigned int depth;
	__u64 more;
};

/** kapsel_json_open - begin an object '{' or array '['; @key NULL: no key */
void kapsel_json_open(struct kapsel_json *js, const char *key, char bracket);
/** kapsel_json_close - end it with '}' or ']' */
void kapsel_json_close(struct kapsel_json *js, char bracket);
/** kapsel_json_str - a string, escaped; NULL becomes null */
void kapsel_json_str(struct kapsel_json *js, const char *key, const char *value);
/** kapsel_json_strn - a string of @len bytes, which may hold anything */
void kapsel_json_strn(struct kapsel_json *js, const char *key,
		      const char *value, size_t len);
/** kapsel_json_u64 - a number */
void kapsel_json_u64(struct kapsel_json *js, const char *key, __u64 value);
/** kapsel_json_s64 - a number */
void kapsel_json_s64(struct kapsel_json *js, const char *key, __s64 value);
/** kapsel_json_bool - true or false */
void kapsel_json_bool(struct kapsel_json *js, const char *key, bool value);

/* ------------------------------------------------------------------------
 * Values by their BTF type
 */

/**
 * kapsel_btf_print - a value as text
 * @out: stream
 * @btf: types; NULL prints bytes
 * @type: id in @btf; 0 prints bytes
 * @data: the value
 * @size: bytes there are
 *
 * Numbers decimal, enums by name, char arrays as strings, pointers hexadecimal,
 * structs as {a=1, b=2}. What @size cuts off is shown as bytes.
 */
void kapsel_btf_print(FILE *out, const struct btf *btf, __u32 type,
		      const void *data, size_t size);

/** kapsel_btf_json - the same value as a JSON member */
void kapsel_btf_json(struct kapsel_json *js, const char *key,
		     const struct btf *btf, __u32 type, const void *data,
		     size_t size);

/**
 * kapsel_btf_parse - a value from text, the inverse of kapsel_btf_print()
 * @btf: types
 * @type: id
 * @text: a number, 'c', "string", an enumerator's name, {a=1,b=2}, {1,2},
 *	an IPv4 address for 4 bytes or an IPv6 address for 16, or hex:0a1b...
 * @data: room for the value
 * @size: of it, bytes; what @text does not mention becomes zero
 * @err: filled on failure
 */
int kapsel_btf_parse(const struct btf *btf, __u32 type, const char *text,
		     void *data, size_t size, struct kapsel_error *err);

/** kapsel_btf_number - the value of an integer; false: @type is none */
bool kapsel_btf_number(const struct btf *btf, __u32 type, const void *data,
		       size_t size, __s64 *number);

/** kapsel_btf_is_pointer - is it a pointer, but for typedefs and qualifiers? */
bool kapsel_btf_is_pointer(const struct btf *btf, __u32 type);

/** kapsel_btf_name - a type as C writes it: "struct event", "char[16]"; returns @buf */
const char *kapsel_btf_name(const struct btf *btf, __u32 type, char *buf,
			    size_t size);

/**
 * struct kapsel_field - a member of a struct
 * @name: of the member
 * @type: BTF id
 * @offset: bytes
 * @size: bytes
 */
struct kapsel_field {
	const char *name;
	__u32 type;
	__u32 offset;
	__u32 size;
};

/** kapsel_btf_fields - members of struct @type, at most @room; returns how many it has */
__u32 kapsel_btf_fields(const struct btf *btf, __u32 type,
			struct kapsel_field *fields, __u32 room);

/** kapsel_btf_element - the type of an array's elements and their number, or 0: it is none */
__u32 kapsel_btf_element(const struct btf *btf, __u32 type, __u32 *count);

/** kapsel_btf_size - bytes of a type, 0 if it has none */
__u32 kapsel_btf_size(const struct btf *btf, __u32 type);

/**
 * kapsel_event_type - the struct that a ring buffer's records have
 * @btf: of the object
 * @map: name of the ring buffer
 *
 * A ring buffer's definition does not say it; by kapsel's convention it is, in
 * this order: the struct named as the map or as the map without its plural s,
 * either of these with "_event"; struct event; the only struct whose name ends
 * in "event".
 *
 * Return: its id, or 0.
 */
__u32 kapsel_event_type(const struct btf *btf, const char *map);

#endif
