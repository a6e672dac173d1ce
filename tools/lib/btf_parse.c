// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - values from text, by their BTF type */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "btf_type.h"

#define MAX_NESTING 16

/**
 * struct parser - text being read
 * @btf: types
 * @at: what is left of the text
 * @whole: all of it, for messages
 * @depth: open braces
 * @start: where the whole value goes
 * @size: bytes there; a damaged type may name members outside it
 * @err: why not
 */
struct parser {
	const struct btf *btf;
	const char *at;
	const char *whole;
	u32 depth;
	const char *start;
	size_t size;
	struct kapsel_error *err;
};

static int parse_value(struct parser *p, u32 id, char *to, size_t size);

static int bad(const struct parser *p, u32 id, const char *why)
{
	char type[80];

	return kl_fail(p->err, -EINVAL, "'%s' is not a value of type %s: %s", p->whole,
		       kapsel_btf_name(p->btf, id, type, sizeof(type)), why);
}

static void skip_space(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

static bool take(struct parser *p, char c)
{
	skip_space(p);
	if (*p->at != c)
		return false;
	p->at++;
	return true;
}

/* A word up to what separates values; empty if there is none. */
static size_t word_len(const struct parser *p)
{
	return strcspn(p->at, " \t\n,{}[]=");
}

static void store(char *to, size_t size, u64 value)
{
	memcpy(to, &value, min(size, sizeof(value)));
}

static bool fits(u64 value, bool negative, bool is_signed, u32 bits)
{
	s64 as_signed = value;

	if (bits >= 64)
		return true;
	if (negative)
		return is_signed && as_signed >= -(1LL << (bits - 1));
	return value <= (1ULL << (is_signed ? bits - 1 : bits)) - 1;
}

/* Decimal, octal or hexadecimal, or a character between quotes. */
static int parse_number(struct parser *p, u32 id, bool is_signed, u32 bits, u64 *value)
{
	char word[64];
	size_t len = word_len(p);
	char *end;

	if (p->at[0] == '\'' && p->at[1] && p->at[2] == '\'') {
		*value = (unsigned char)p->at[1];
		p->at += 3;
		return 0;
	}
	if (!len || len >= sizeof(word))
		return bad(p, id, len ? "that is no number" : "a number is missing");
	memcpy(word, p->at, len);
	word[len] = '\0';
	errno = 0;
	*value = strtoull(word, &end, 0);
	if (errno || *end || end == word)
		return bad(p, id, errno ? "the number is too big" : "that is no number");
	if (!fits(*value, word[0] == '-', is_signed, bits))
		return bad(p, id, "the number does not fit");
	p->at += len;
	return 0;
}

static int parse_int(struct parser *p, u32 id, const struct btf_type *type, char *to)
{
	u8 encoding = btf_int_encoding(type);
	u64 value;
	int ret;

	if (encoding & BTF_INT_BOOL && !strncmp(p->at, "true", 4)) {
		p->at += 4;
		*to = 1;
		return 0;
	}
	if (encoding & BTF_INT_BOOL && !strncmp(p->at, "false", 5)) {
		p->at += 5;
		*to = 0;
		return 0;
	}
	if (type->size > sizeof(value))
		return bad(p, id, "give it as hex:...");
	/* char's sign is the compiler's choice: both readings are taken. */
	ret = parse_number(p, id, encoding & BTF_INT_SIGNED && *p->at == '-',
			   type->size * 8, &value);
	if (!ret)
		store(to, type->size, value);
	return ret;
}

static int parse_enum(struct parser *p, u32 id, const struct btf_type *type, char *to)
{
	char word[128];
	size_t len = word_len(p);
	s64 value;
	int ret;

	if (len && len < sizeof(word) && (isalpha((unsigned char)*p->at) || *p->at == '_')) {
		memcpy(word, p->at, len);
		word[len] = '\0';
		if (!kl_btf_enum_value(p->btf, type, word, &value))
			return bad(p, id, "there is no such enumerator");
		p->at += len;
	} else {
		ret = parse_number(p, id, *p->at == '-', type->size * 8, (u64 *)&value);
		if (ret)
			return ret;
	}
	store(to, type->size, value);
	return 0;
}

/* One character of a string, escapes resolved; -1 at its end. */
static int next_char(struct parser *p)
{
	unsigned int code;
	int len;

	if (!*p->at || *p->at == '"')
		return -1;
	if (*p->at != '\\')
		return (unsigned char)*p->at++;
	if (sscanf(p->at, "\\x%2x%n", &code, &len) == 1) {
		p->at += len;
		return code;
	}
	p->at++;
	if (!*p->at)
		return -1;
	code = *p->at++;
	return code == 'n' ? '\n' : code == 't' ? '\t' : code == '0' ? 0 : code;
}

static int parse_string(struct parser *p, u32 id, char *to, size_t size)
{
	size_t used = 0;
	int c;

	p->at++;
	while ((c = next_char(p)) >= 0) {
		if (used == size)
			return bad(p, id, "the string is too long");
		to[used++] = c;
	}
	return take(p, '"') ? 0 : bad(p, id, "the closing quote is missing");
}

static int parse_hex(struct parser *p, u32 id, char *to, size_t size)
{
	unsigned int byte;
	size_t i;

	p->at += strlen("hex:");
	for (i = 0; isxdigit((unsigned char)p->at[0]); i++) {
		if (i == size || !isxdigit((unsigned char)p->at[1]) ||
		    sscanf(p->at, "%2x", &byte) != 1)
			return bad(p, id, i == size ? "too many bytes" :
						      "an odd number of hex digits");
		to[i] = byte;
		p->at += 2;
	}
	return i == size ? 0 : bad(p, id, "too few bytes");
}

/* 192.0.2.1 for four bytes, 2001:db8::1 for sixteen, in network order. */
static bool parse_address(struct parser *p, char *to, size_t size)
{
	char word[INET6_ADDRSTRLEN];
	size_t len = word_len(p);

	if (!len || len >= sizeof(word))
		return false;
	memcpy(word, p->at, len);
	word[len] = '\0';
	if (!(size == 4 && strchr(word, '.') && inet_pton(AF_INET, word, to) == 1) &&
	    !(size == 16 && strchr(word, ':') && inet_pton(AF_INET6, word, to) == 1))
		return false;
	p->at += len;
	return true;
}

static int parse_array(struct parser *p, u32 id, const struct btf_type *type, char *to)
{
	const struct btf_array *array = btf_array(type);
	u32 size = kapsel_btf_size(p->btf, array->type), i;
	char close = *p->at == '[' ? ']' : '}';
	int ret;

	if (!take(p, '[') && !take(p, '{'))
		return bad(p, id, "an array is written [1, 2, 3]");
	for (i = 0; !take(p, close); i++) {
		if (i && !take(p, ','))
			return bad(p, id, "a comma is missing");
		if (i == array->nelems)
			return bad(p, id, "too many elements");
		ret = parse_value(p, array->type, to + (size_t)i * size, size);
		if (ret)
			return ret;
	}
	return 0;
}

static s32 member_named(const struct parser *p, const struct btf_type *type,
			const char *name, size_t len)
{
	u32 i;

	for (i = 0; i < btf_vlen(type); i++) {
		const char *is = btf__name_by_offset(p->btf, btf_members(type)[i].name_off);

		if (is && strlen(is) == len && !strncmp(is, name, len))
			return i;
	}
	return -1;
}

/* The member that comes next: named, or the one after the last. */
static int which_member(struct parser *p, u32 id, const struct btf_type *type, s32 *index)
{
	size_t len;

	skip_space(p);
	if (*p->at == '.')
		p->at++;
	len = word_len(p);
	if (len && p->at[len + strspn(p->at + len, " ")] == '=') {
		*index = member_named(p, type, p->at, len);
		if (*index < 0)
			return bad(p, id, "there is no such member");
		p->at += len;
		take(p, '=');
	}
	return *index < (s32)btf_vlen(type) ? 0 : bad(p, id, "too many members");
}

static int parse_struct(struct parser *p, u32 id, const struct btf_type *type, char *to)
{
	s32 index = 0;
	bool more = false;
	int ret;

	if (!take(p, '{'))
		return bad(p, id, "a struct is written {a=1, b=2}");
	for (; !take(p, '}'); index++, more = true) {
		const struct btf_member *member;

		if (more && !take(p, ','))
			return bad(p, id, "a comma is missing");
		ret = which_member(p, id, type, &index);
		if (ret)
			return ret;
		member = &btf_members(type)[index];
		if (btf_member_bitfield_size(type, index))
			return bad(p, id, "bit fields are given as hex:...");
		ret = parse_value(p, member->type,
				  to + btf_member_bit_offset(type, index) / 8,
				  kapsel_btf_size(p->btf, member->type));
		if (ret)
			return ret;
	}
	return 0;
}

static int parse_typed(struct parser *p, u32 id, const struct btf_type *type, char *to,
		       size_t size)
{
	u64 value = 0;
	int ret;

	if (btf_is_composite(type))
		return parse_struct(p, id, type, to);
	if (btf_is_array(type))
		return parse_array(p, id, type, to);
	if (btf_is_int(type))
		return parse_int(p, id, type, to);
	if (btf_is_any_enum(type))
		return parse_enum(p, id, type, to);
	if (!btf_is_ptr(type))
		return bad(p, id, "give it as hex:...");
	ret = parse_number(p, id, false, 64, &value);
	store(to, size, value);
	return ret;
}

static int parse_value(struct parser *p, u32 id, char *to, size_t size)
{
	const struct btf_type *type = kl_btf_real(p->btf, &id);
	int ret;

	skip_space(p);
	if (!type || !size || kapsel_btf_size(p->btf, id) != size ||
	    (size_t)(to - p->start) > p->size || size > p->size - (to - p->start))
		return bad(p, id, "its type is not known, give it as hex:...");
	if (!strncmp(p->at, "hex:", 4))
		return parse_hex(p, id, to, size);
	if (*p->at == '"' && btf_is_array(type) &&
	    kl_btf_is_char(p->btf, btf_array(type)->type))
		return parse_string(p, id, to, size);
	if (parse_address(p, to, size))
		return 0;
	if (p->depth++ == MAX_NESTING)
		return bad(p, id, "it nests too deep");
	ret = parse_typed(p, id, type, to, size);
	p->depth--;
	return ret;
}

int kapsel_btf_parse(const struct btf *btf, u32 type, const char *text, void *data,
		     size_t size, struct kapsel_error *err)
{
	struct parser p = { .btf = btf, .at = text, .whole = text, .start = data,
			    .size = size, .err = err };
	int ret;

	memset(data, 0, size);
	if (!btf || !type) {
		if (strncmp(text, "hex:", 4))
			return kl_fail(err, -EINVAL, "'%s': the type is not known, give the %zu bytes as hex:...",
				       text, size);
		return parse_hex(&p, type, data, size);
	}
	ret = parse_value(&p, type, data, size);
	skip_space(&p);
	if (!ret && *p.at)
		return bad(&p, type, "something follows it");
	return ret;
}
