// SPDX-License-Identifier: GPL-2.0-only
/* Text taken apart: a machine of states, escapes decoded in place, characters counted */

#include "kapsel.bpf.h"

#define TEXT_LEN 128

struct text {
	char in[TEXT_LEN];
	char out[TEXT_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct text);
} texts SEC(".maps");

u64 depths[9], characters;

enum { OUTSIDE, KEY, STRING, ESCAPED, COLON, VALUE };

static __always_inline struct text *text_of(struct pt_regs *ctx)
{
	struct text *text;
	u32 zero = 0;

	text = bpf_map_lookup_elem(&texts, &zero);
	if (!text || bpf_probe_read_user_str(text->in, TEXT_LEN, (void *)PT_REGS_PARM2(ctx)) <= 0)
		return NULL;
	return text;
}

SEC("kprobe/do_sys_openat2")
int keys_of_json(struct pt_regs *ctx)
{
	struct text *text = text_of(ctx);
	int state = OUTSIDE, depth = 0;
	u32 i, to = 0;
	char c;

	if (!text)
		return 0;
	for (i = 0; i < TEXT_LEN && text->in[i]; i++) {
		c = text->in[i];
		switch (state) {
		case OUTSIDE:
			if (c == '{') {
				depth++;
				state = KEY;
			}
			break;
		case KEY:
			if (c == '"')
				state = STRING;
			else if (c == '}')
				depth--;
			break;
		case STRING:
			if (c == '\\')
				state = ESCAPED;
			else if (c == '"')
				state = COLON;
			else if (to < TEXT_LEN)
				text->out[to++] = c;
			break;
		case ESCAPED:
			state = STRING;
			break;
		case COLON:
			if (c == ':')
				state = VALUE;
			break;
		default:
			if (c == ',')
				state = KEY;
			else if (c == '}' && --depth == 0)
				state = OUTSIDE;
		}
		if (depth < 0 || depth > 8)
			return 0;
	}
	depths[depth]++;
	return 0;
}

/* %41 becomes A: what is written never runs ahead of what is read. */
SEC("kprobe/do_sys_open")
int decode(struct pt_regs *ctx)
{
	struct text *text = text_of(ctx);
	u32 from = 0, to = 0;
	char c;

	if (!text)
		return 0;
	while (from < TEXT_LEN) {
		c = text->in[from];
		if (!c)
			break;
		if (c == '%' && from + 2 < TEXT_LEN) {
			c = (text->in[from + 1] << 4) | (text->in[from + 2] & 15);
			from += 2;
		}
		text->in[to++] = c;
		from++;
	}
	if (to < TEXT_LEN)
		text->in[to] = 0;
	return 0;
}

static __always_inline u32 utf8_len(u8 c)
{
	if (c < 0x80)
		return 1;
	if ((c & 0xe0) == 0xc0)
		return 2;
	if ((c & 0xf0) == 0xe0)
		return 3;
	return (c & 0xf8) == 0xf0 ? 4 : 0;
}

SEC("kprobe/vfs_mkdir")
int count_utf8(struct pt_regs *ctx)
{
	struct text *text = text_of(ctx);
	u32 i = 0, k, len;

	if (!text)
		return 0;
	while (i < TEXT_LEN - 3 && text->in[i]) {
		len = utf8_len(text->in[i]);
		if (!len)
			return 0;
		for (k = 1; k < len; k++)
			if ((text->in[i + k] & 0xc0) != 0x80)
				return 0;
		i += len;
		characters++;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
