// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - what the verifier knows, needs and did, in words */

#include <string.h>

#include <linux/kernel.h>

#include "core/diag.h"
#include "core/proto.h"
#include "render.h"

#define U32_FULL 0xffffffffu

const char *kl_number(s64 value, char *buf, size_t size)
{
	static const s64 readable = 1LL << 33;

	if (value == S64_MIN)
		snprintf(buf, size, "-2^63");
	else if (value == S64_MAX)
		snprintf(buf, size, "2^63-1");
	else if (value > readable)
		snprintf(buf, size, "%#llx", (unsigned long long)value);
	else if (value < -readable)
		snprintf(buf, size, "-%#llx", (unsigned long long)-value);
	else
		snprintf(buf, size, "%lld", (long long)value);
	return buf;
}

static const char *unsigned_number(u64 value, char *buf, size_t size)
{
	if (value == U64_MAX)
		snprintf(buf, size, "2^64-1");
	else if (value <= (1ULL << 33))
		snprintf(buf, size, "%llu", (unsigned long long)value);
	else
		snprintf(buf, size, "%#llx", (unsigned long long)value);
	return buf;
}

static bool any_signed(const struct kapsel_facts *f)
{
	return f->smin == S64_MIN && f->smax == S64_MAX;
}

static bool any_unsigned(const struct kapsel_facts *f)
{
	return !f->umin && f->umax == U64_MAX;
}

static void low_half_text(const struct kapsel_facts *f, char *buf, size_t size)
{
	if (f->s32_min == f->smin && f->s32_max == f->smax)
		*buf = '\0';
	else if (f->s32_min > S32_MIN || f->s32_max < S32_MAX)
		snprintf(buf, size, ", low half s32 [%d, %d]", f->s32_min, f->s32_max);
	else if (f->u32_min || f->u32_max < U32_FULL)
		snprintf(buf, size, ", low half u32 [%u, %u]", f->u32_min, f->u32_max);
	else
		*buf = '\0';
}

/* Ranges in the fewest words: one reading if both say the same. */
static void range_text(const struct kapsel_facts *f, char *buf, size_t size)
{
	char a[32], b[32], c[32], d[32], low[64] = "";

	if (f->smin == f->smax) {
		snprintf(buf, size, "always %s", kl_number(f->smin, a, sizeof(a)));
		return;
	}
	kl_number(f->smin, a, sizeof(a));
	kl_number(f->smax, b, sizeof(b));
	unsigned_number(f->umin, c, sizeof(c));
	unsigned_number(f->umax, d, sizeof(d));
	if (any_signed(f) || any_unsigned(f))
		low_half_text(f, low, sizeof(low));
	if (any_signed(f) && any_unsigned(f))
		snprintf(buf, size, "any value%s", low);
	else if (f->smin >= 0)
		snprintf(buf, size, "between %s and %s", a, b);
	else if (any_unsigned(f))
		snprintf(buf, size, "s64 [%s, %s]%s", a, b, low);
	else if (any_signed(f))
		snprintf(buf, size, "u64 [%s, %s]%s", c, d, low);
	else
		snprintf(buf, size, "s64 [%s, %s], u64 [%s, %s]", a, b, c, d);
}

const char *kl_facts_map(const struct kapsel_prog *prog, const struct kapsel_facts *f)
{
	u32 index = f->object % KAPSEL_MAX_MAPS;
	const struct kapsel_map *map;

	if (!prog || index >= prog->nr_maps ||
	    (f->kind != KAPSEL_KIND_MAP && f->kind != KAPSEL_KIND_MAP_VALUE &&
	     f->kind != KAPSEL_KIND_MAP_KEY))
		return NULL;
	if (!prog->obj)
		return prog->map_names ? prog->map_names[index] : NULL;
	map = kapsel_map_at(prog->obj, prog->maps[index]);
	return map ? map->name : NULL;
}

static const struct {
	const char *words;
	const char *json;
} kinds[] = {
	[KAPSEL_KIND_UNINIT] = { "never written on this path", "uninit" },
	[KAPSEL_KIND_SCALAR] = { "a number", "scalar" },
	[KAPSEL_KIND_CTX] = { "the context", "ctx" },
	[KAPSEL_KIND_STACK] = { "the stack", "stack" },
	[KAPSEL_KIND_MAP] = { "map", "map" },
	[KAPSEL_KIND_MAP_VALUE] = { "value of map", "map_value" },
	[KAPSEL_KIND_PACKET] = { "the packet", "packet" },
	[KAPSEL_KIND_PACKET_END] = { "the packet's end", "packet_end" },
	[KAPSEL_KIND_RINGBUF] = { "a ring buffer record", "record" },
	[KAPSEL_KIND_FUNC] = { "a function", "func" },
	[KAPSEL_KIND_MAP_KEY] = { "key of map", "map_key" },
	[KAPSEL_KIND_SOCKET] = { "a socket", "socket" },
	[KAPSEL_KIND_DYNPTR] = { "a dynptr", "dynptr" },
	[KAPSEL_KIND_SAMPLE] = { "a sample's dynptr", "sample" },
	[KAPSEL_KIND_SLICE] = { "memory of a dynptr", "slice" },
	[KAPSEL_KIND_UNUSABLE] = { "different things on different paths", "unusable" },
};

const char *kl_facts_kind(const struct kapsel_facts *f)
{
	return f->kind < ARRAY_SIZE(kinds) ? kinds[f->kind].json : "unknown";
}

static bool has_offset(const struct kapsel_facts *f)
{
	return f->kind == KAPSEL_KIND_CTX || f->kind == KAPSEL_KIND_STACK ||
	       f->kind == KAPSEL_KIND_MAP_VALUE || f->kind == KAPSEL_KIND_PACKET ||
	       f->kind == KAPSEL_KIND_RINGBUF || f->kind == KAPSEL_KIND_MAP_KEY ||
	       f->kind == KAPSEL_KIND_SOCKET || f->kind == KAPSEL_KIND_SLICE;
}

/* Beyond the maps of the program are those that are found in them. */
static const char *words_of(const struct kapsel_facts *f)
{
	if (f->object >= KAPSEL_MAX_MAPS && f->kind == KAPSEL_KIND_MAP)
		return "a map in map";
	if (f->object >= KAPSEL_MAX_MAPS && f->kind == KAPSEL_KIND_MAP_VALUE)
		return "value of a map in map";
	if (f->object >= KAPSEL_MAX_MAPS && f->kind == KAPSEL_KIND_MAP_KEY)
		return "key of a map in map";
	if (f->object == KAPSEL_SOCK_FULL && f->kind == KAPSEL_KIND_SOCKET)
		return "a full socket";
	if (f->object == KAPSEL_SOCK_TCP && f->kind == KAPSEL_KIND_SOCKET)
		return "a TCP socket";
	return kinds[f->kind].words;
}

static void pointer_text(const struct kapsel_prog *prog, const struct kapsel_facts *f,
			 char *buf, size_t size)
{
	const char *map = kl_facts_map(prog, f);
	char range[160], bytes[48] = "", offset[200] = "";

	if (f->kind == KAPSEL_KIND_PACKET)
		snprintf(bytes, sizeof(bytes), ", %u bytes proven to be there", f->size);
	else if (f->size && has_offset(f))
		snprintf(bytes, sizeof(bytes), ", %u bytes", f->size);
	if (has_offset(f) && (f->smin || f->smax)) {
		range_text(f, range, sizeof(range));
		snprintf(offset, sizeof(offset), ", offset %s", range);
	}
	snprintf(buf, size, "%s%s%s%s%s%s%s", words_of(f), map ? " \"" : "",
		 map ?: "", map ? "\"" : "",
		 f->flags & KAPSEL_FACT_MAYBE_NULL ? ", or NULL" : "", bytes, offset);
}

void kl_facts_text(const struct kapsel_prog *prog, const struct kapsel_facts *f,
		   char *buf, size_t size)
{
	char range[160];

	if (f->kind >= ARRAY_SIZE(kinds)) {
		snprintf(buf, size, "kind %u", f->kind);
	} else if (f->kind == KAPSEL_KIND_SCALAR) {
		range_text(f, range, sizeof(range));
		snprintf(buf, size, "number, %s", range);
	} else {
		pointer_text(prog, f, buf, size);
	}
}

/* All that Linux has, for those that are asked for in vain. */
#define NAME(_name) #_name
static const char * const linux_helpers[] = { __BPF_FUNC_MAPPER(NAME) };
#undef NAME

static_assert(ARRAY_SIZE(linux_helpers) >= 210);

#define FIRST_LATER 210

/* This machine's header may be of before the last of them. */
static const char *linux_name(u32 id)
{
	static const char * const later[] = { "cgrp_storage_get", "cgrp_storage_delete" };

	if (!id || id >= FIRST_LATER + ARRAY_SIZE(later))
		return NULL;
	return id < FIRST_LATER ? linux_helpers[id] : later[id - FIRST_LATER];
}

const char *kl_helper_name(u32 id, char *buf, size_t size)
{
	const struct kps_helper *helper = kps_helper_find(id);

	if (helper)
		snprintf(buf, size, "bpf_%s", helper->name);
	else if (linux_name(id))
		snprintf(buf, size, "bpf_%s (%u), which is not available in kapsel",
			 linux_name(id), id);
	else
		snprintf(buf, size, "helper %u", id);
	return buf;
}

const char *kl_step_name(u32 event)
{
	static const char * const names[] = {
		[KAPSEL_STEP_ENTRY] = "entry",
		[KAPSEL_STEP_BRANCH] = "branch",
		[KAPSEL_STEP_CALL] = "call",
		[KAPSEL_STEP_ENTER] = "enter",
		[KAPSEL_STEP_LEAVE] = "leave",
		[KAPSEL_STEP_DEFINE] = "define",
		[KAPSEL_STEP_JOIN] = "join",
		[KAPSEL_STEP_OMITTED] = "omitted",
	};

	return event < ARRAY_SIZE(names) && names[event] ? names[event] : "unknown";
}

static void register_text(const struct kapsel_prog *prog, const struct kapsel_facts *f,
			  const char *between, char *buf, size_t size)
{
	char facts[280];

	*buf = '\0';
	if (f->reg > 10)
		return;
	kl_facts_text(prog, f, facts, sizeof(facts));
	snprintf(buf, size, "r%u%s%s", f->reg, between, facts);
}

static void branch_text(const struct kapsel_prog *prog, const struct kapsel_rec_step *step,
			char *buf, size_t size)
{
	char facts[300];

	register_text(prog, &step->facts, " is ", facts, sizeof(facts));
	snprintf(buf, size, "%s here%s%s", step->outcome ? "jumps" : "goes on",
		 *facts ? ": " : "", facts);
}

void kl_step_text(const struct kapsel_prog *prog, const struct kapsel_rec_step *step,
		  char *buf, size_t size)
{
	*buf = '\0';
	switch (step->event) {
	case KAPSEL_STEP_BRANCH:
		branch_text(prog, step, buf, size);
		break;
	case KAPSEL_STEP_CALL:
		register_text(prog, &step->facts, " becomes: ", buf, size);
		break;
	case KAPSEL_STEP_DEFINE:
		register_text(prog, &step->facts, ": ", buf, size);
		break;
	case KAPSEL_STEP_JOIN:
		register_text(prog, &step->facts, ", where paths meet: ", buf, size);
		break;
	}
}
