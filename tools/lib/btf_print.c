// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - values by their BTF type, as text and as JSON */

#include <ctype.h>
#include <string.h>

#include <linux/kernel.h>

#include "btf_type.h"

static void put_string(FILE *out, const char *text, size_t len)
{
	size_t i;

	fputc('"', out);
	for (i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void put_bytes(FILE *out, const char *data, size_t len)
{
	size_t i;

	fputs("hex:", out);
	for (i = 0; i < len; i++)
		fprintf(out, "%02x", (unsigned char)data[i]);
}

static void put_scalar(FILE *out, const struct kl_value *value)
{
	switch (value->kind) {
	case KL_BYTES:
		put_bytes(out, value->data, value->size);
		break;
	case KL_STRING:
		put_string(out, value->data, value->size);
		break;
	case KL_POINTER:
		fprintf(out, "%#llx", (unsigned long long)value->number);
		break;
	case KL_BOOL:
		fputs(value->number ? "true" : "false", out);
		break;
	case KL_UNSIGNED:
		fprintf(out, "%llu", (unsigned long long)value->number);
		break;
	default:
		if (value->enumerator)
			fputs(value->enumerator, out);
		else
			fprintf(out, "%lld", (long long)value->number);
	}
}

static void put_text(void *ctx, const struct kl_value *value)
{
	FILE *out = ctx;

	if (value->kind == KL_CLOSE) {
		fputc(value->array ? ']' : '}', out);
		return;
	}
	if (!value->first)
		fputs(", ", out);
	if (value->name && *value->name)
		fprintf(out, "%s=", value->name);
	if (value->kind == KL_STRUCT_OPEN || value->kind == KL_ARRAY_OPEN)
		fputc(value->kind == KL_ARRAY_OPEN ? '[' : '{', out);
	else
		put_scalar(out, value);
}

void kapsel_btf_print(FILE *out, const struct btf *btf, u32 type, const void *data,
		      size_t size)
{
	kl_btf_walk(btf, type, data, size, put_text, out);
}

/**
 * struct json_walk - JSON being written of a value
 * @js: writer
 * @key: of the whole value; used once
 * @depth: open structs and arrays
 * @arrays: bit @depth: that one is an array
 * @anonymous: members without name seen, to name them
 */
struct json_walk {
	struct kapsel_json *js;
	const char *key;
	u32 depth;
	u32 arrays;
	u32 anonymous;
};

static const char *key_of(struct json_walk *w, const struct kl_value *value,
			  char *buf, size_t size)
{
	if (!w->depth)
		return w->key;
	if (w->arrays & (1u << w->depth))
		return NULL;
	if (value->name && *value->name)
		return value->name;
	snprintf(buf, size, "_%u", w->anonymous++);
	return buf;
}

static void json_bytes(struct kapsel_json *js, const char *key,
		       const struct kl_value *value)
{
	size_t i;

	kapsel_json_open(js, key, '[');
	for (i = 0; i < value->size; i++)
		kapsel_json_u64(js, NULL, (unsigned char)value->data[i]);
	kapsel_json_close(js, ']');
}

static void json_scalar(struct kapsel_json *js, const char *key,
			const struct kl_value *value)
{
	switch (value->kind) {
	case KL_BYTES:
		json_bytes(js, key, value);
		break;
	case KL_STRING:
		kapsel_json_strn(js, key, value->data, value->size);
		break;
	case KL_BOOL:
		kapsel_json_bool(js, key, value->number);
		break;
	case KL_POINTER:
	case KL_UNSIGNED:
		kapsel_json_u64(js, key, value->number);
		break;
	default:
		if (value->enumerator)
			kapsel_json_str(js, key, value->enumerator);
		else
			kapsel_json_s64(js, key, value->number);
	}
}

static void put_json(void *ctx, const struct kl_value *value)
{
	struct json_walk *w = ctx;
	bool array = value->kind == KL_ARRAY_OPEN;
	const char *key;
	char name[16];

	if (value->kind == KL_CLOSE) {
		w->depth--;
		kapsel_json_close(w->js, value->array ? ']' : '}');
		return;
	}
	key = key_of(w, value, name, sizeof(name));
	if (!array && value->kind != KL_STRUCT_OPEN) {
		json_scalar(w->js, key, value);
		return;
	}
	kapsel_json_open(w->js, key, array ? '[' : '{');
	w->depth++;
	w->arrays &= ~(1u << w->depth);
	w->arrays |= (u32)array << w->depth;
}

void kapsel_btf_json(struct kapsel_json *js, const char *key, const struct btf *btf,
		     u32 type, const void *data, size_t size)
{
	struct json_walk w = { .js = js, .key = key };

	kl_btf_walk(btf, type, data, size, put_json, &w);
}
