// SPDX-License-Identifier: GPL-2.0-only
/*
 * libkapsel - CO-RE relocations: numbers that depend on the kernel's types are
 * taken from the BTF of the running kernel and its modules, or from the file that
 * $KAPSEL_BTF names
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "btf_type.h"
#include "core_cand.h"
#include "core_spec.h"
#include "object.h"

/* A call that no kernel has: harmless in dead code, refused where it is reached. */
#define POISON 195896080

/**
 * struct core - one relocation being applied
 * @obj: object
 * @func: function that it is in
 * @relo: the relocation
 * @prog: what the function was linked into
 * @insn: the instruction there
 * @path: field relocations: to the field
 * @local: field in the program's types
 * @number: enumerator relocations: its index
 * @err: why not
 */
struct core {
	struct kapsel_object *obj;
	const struct kl_func *func;
	const struct kl_core_relo *relo;
	struct kapsel_prog *prog;
	struct bpf_insn *insn;
	struct kl_core_path path;
	struct kl_core_place local;
	u32 number;
	struct kapsel_error *err;
};

static int refuse(const struct core *c, const char *why)
{
	char name[80];

	return kl_fail(c->err, -EOPNOTSUPP, "%s: function '%s': CO-RE relocation of %s (%s): %s",
		       c->obj->path, c->func->name,
		       kapsel_btf_name(c->obj->btf, c->relo->type_id, name, sizeof(name)),
		       btf__str_by_offset(c->obj->btf, c->relo->access) ?: "?", why);
}

static int find_candidates(struct core *c, const struct kl_core_cands **cands)
{
	int ret = kl_core_candidates(&c->obj->kernel, c->obj->btf, c->relo->type_id, cands);

	if (ret == -ENOMEM)
		return kl_nomem(c->err);
	if (ret == -EINVAL)
		return refuse(c, "the types of $KAPSEL_BTF are damaged");
	if (!ret)
		return 0;
	refuse(c, "the kernel's types are not known");
	return kl_hint(c->err, "needs a kernel with CONFIG_DEBUG_INFO_BTF, or a file of its types by --btf or $KAPSEL_BTF");
}

static bool is_field(u32 kind)
{
	return kind <= KL_CORE_RSHIFT;
}

static bool is_enum(u32 kind)
{
	return kind == KL_CORE_ENUM_EXISTS || kind == KL_CORE_ENUM_VALUE;
}

/* Of what isn't there these are 0, and programs count on it. */
static bool may_be_missing(u32 kind)
{
	return kind == KL_CORE_FIELD_EXISTS || kind == KL_CORE_ENUM_EXISTS ||
	       (kind >= KL_CORE_TYPE_TARGET && kind <= KL_CORE_TYPE_SIZE) ||
	       kind == KL_CORE_TYPE_MATCHES;
}

static const char *enum_word(const struct btf *btf, const struct btf_type *type, u32 index)
{
	u32 off = btf_is_enum(type) ? btf_enum(type)[index].name_off :
				      btf_enum64(type)[index].name_off;

	return btf__name_by_offset(btf, off);
}

/* The enumerator's value among the kernel's; names there have no flavour. */
static int find_enumerator(const struct core *c, const struct kl_core_cand *cand, u64 *value)
{
	u32 id = c->relo->type_id, candidate = cand->id;
	const struct btf_type *local = kl_btf_real(c->obj->btf, &id);
	const struct btf_type *type = kl_btf_real(cand->btf, &candidate);
	const char *word;
	char name[128];
	s64 number;

	if (!local || !type || !btf_is_any_enum(local) || !btf_is_any_enum(type) ||
	    c->number >= btf_vlen(local))
		return -ENOENT;
	word = enum_word(c->obj->btf, local, c->number);
	snprintf(name, sizeof(name), "%.*s", (int)kl_core_stem(word), word);
	if (!kl_btf_enum_value(cand->btf, type, name, &number))
		return -ENOENT;
	if (c->relo->kind == KL_CORE_ENUM_VALUE)
		*value = number;
	return 0;
}

static int ask_field(const struct core *c, const struct kl_core_cand *cand, u64 *value,
		     u32 *bytes)
{
	struct kl_core_place place;
	int ret = kl_core_remote(cand->btf, cand->id, &c->path, &place);

	if (ret || c->relo->kind == KL_CORE_FIELD_EXISTS)
		return ret;
	*bytes = kapsel_btf_size(place.btf, place.type);
	return kl_core_field(c->relo->kind, &place, value);
}

/* What the relocation asks, of one candidate. -ENOENT: it isn't there. */
static int ask(const struct core *c, const struct kl_core_cand *cand, u64 *value, u32 *bytes)
{
	switch (c->relo->kind) {
	case KL_CORE_ENUM_EXISTS:
	case KL_CORE_ENUM_VALUE:
		return find_enumerator(c, cand, value);
	case KL_CORE_TYPE_TARGET:
		*value = cand->kernel_id;
		return 0;
	case KL_CORE_TYPE_SIZE:
		*value = kapsel_btf_size(cand->btf, cand->id);
		return 0;
	case KL_CORE_TYPE_EXISTS:
		return 0;
	case KL_CORE_TYPE_MATCHES:
		return kl_core_matches(c->obj->btf, c->relo->type_id, cand) ? 0 : -ENOENT;
	}
	return ask_field(c, cand, value, bytes);
}

/**
 * struct answer - what the kernel's types say
 * @found: some candidate has it
 * @value: what was asked
 * @bytes: size of a field, for loads of another width
 */
struct answer {
	bool found;
	u64 value;
	u32 bytes;
};

/* All candidates that have it must say the same. */
static int take_answer(const struct core *c, const struct kl_core_cand *cand,
		       struct answer *answer)
{
	u32 bytes = 0;
	u64 value = 1;
	int ret = ask(c, cand, &value, &bytes);

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return refuse(c, "what it asks can't be told of this field");
	if (answer->found && answer->value != value && c->relo->kind != KL_CORE_TYPE_TARGET)
		return refuse(c, "the kernel has several such types that differ");
	if (!answer->found)
		*answer = (struct answer){ true, value, bytes };
	return 0;
}

static int ask_kernel(struct core *c, struct answer *answer)
{
	const struct kl_core_cands *cands = NULL;
	int ret = find_candidates(c, &cands);
	u32 i;

	for (i = 0; !ret && i < cands->count; i++)
		ret = take_answer(c, &cands->list[i], answer);
	if (!ret && !answer->found && may_be_missing(c->relo->kind))
		*answer = (struct answer){ true, 0, 0 };
	return ret;
}

static void poison(struct bpf_insn *insn)
{
	*insn = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = POISON };
}

/* A field of other width than the program's type has: the load follows. */
static int fit_load(struct core *c, u32 bytes)
{
	static const u8 sizes[] = { [1] = BPF_B, [2] = BPF_H, [4] = BPF_W, [8] = BPF_DW };
	u32 was = kapsel_btf_size(c->local.btf, c->local.type);

	if (BPF_CLASS(c->insn->code) != BPF_LDX || was == bytes || !was || !bytes ||
	    was > 8 || c->local.bitfield)
		return 0;
	if (bytes > 8 || (bytes & (bytes - 1)))
		return refuse(c, "the field can't be loaded at once");
	c->insn->code = BPF_MODE(c->insn->code) | sizes[bytes] | BPF_LDX;
	return 0;
}

static int patch_access(struct core *c, const struct answer *answer)
{
	if (answer->value > S16_MAX)
		return refuse(c, "the field is too far from its struct's start");
	c->insn->off = answer->value;
	return fit_load(c, answer->bytes);
}

static int patch(struct core *c, const struct answer *answer)
{
	struct bpf_insn *insn = c->insn;

	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		if (BPF_SRC(insn->code) != BPF_K)
			return refuse(c, "the instruction has no number to be replaced");
		if (answer->value > S32_MAX)
			return refuse(c, "the number does not fit into the instruction");
		insn->imm = answer->value;
		return 0;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		return patch_access(c, answer);
	case BPF_LD:
		if (insn->code != (BPF_LD | BPF_IMM | BPF_DW))
			break;
		insn[0].imm = (u32)answer->value;
		insn[1].imm = answer->value >> 32;
		return 0;
	}
	return refuse(c, "it is on an instruction that it can't change");
}

/* How far the kernel's type goes along: the first step that it does not have. */
static u32 first_unknown(const struct core *c, const struct kl_core_cand *cand,
			 struct kl_core_place *last)
{
	struct kl_core_path path = c->path;
	struct kl_core_place place;
	u32 n;

	for (n = 1; n <= c->path.count; n++) {
		path.count = n;
		if (kl_core_remote(cand->btf, cand->id, &path, &place))
			break;
		*last = place;
	}
	return n - 1;
}

/* A name like @name among the members of a struct, or NULL. */
static const char *similar_member(const struct kl_core_place *place, const char *name)
{
	u32 id = place->type, i, least = strlen(name) / 3 + 2;
	const struct btf_type *type = kl_btf_real(place->btf, &id);
	const char *best = NULL;

	for (i = 0; type && btf_is_composite(type) && i < btf_vlen(type); i++) {
		const char *is = btf__name_by_offset(place->btf, btf_members(type)[i].name_off);
		u32 edits = strstr(is, name) ? 1 : kapsel_edits(is, name);

		if (*is && edits < least) {
			least = edits;
			best = is;
		}
	}
	return best;
}

static void field_missing(const struct core *c, const struct kl_core_cand *cand, char *buf,
			  size_t size)
{
	struct kl_core_place last = { .btf = cand->btf, .type = cand->id };
	u32 step = first_unknown(c, cand, &last);
	const char *name = step < c->path.count ? c->path.steps[step].name : NULL;
	const char *like = name ? similar_member(&last, name) : NULL;
	char type[80];

	kapsel_btf_name(last.btf, last.type, type, sizeof(type));
	if (!name)
		snprintf(buf, size, "has fewer elements in %s", type);
	else if (like && !strcmp(like, name))
		snprintf(buf, size, "has another kind of '%s' in %s", name, type);
	else
		snprintf(buf, size, "has no '%s' in %s%s%s%s", name, type,
			 like ? "; it has '" : "", like ?: "", like ? "'" : "");
}

/* What the instruction asks for and why that can't be had, for a later refusal. */
static int note_missing(struct core *c)
{
	struct kapsel_prog *prog = c->prog;
	const struct kl_core_cands *cands = NULL;
	struct kapsel_missing *to;
	char type[80];
	int ret = find_candidates(c, &cands);

	if (ret)
		return ret;
	to = kl_grow(&prog->missing, prog->nr_missing, sizeof(*to));
	if (!to)
		return kl_nomem(c->err);
	prog->nr_missing++;
	to->insn = c->insn - prog->insns;
	kapsel_btf_name(c->obj->btf, c->relo->type_id, type, sizeof(type));
	if (!cands->count)
		snprintf(to->text, sizeof(to->text), "has no %s", type);
	else if (is_field(c->relo->kind))
		field_missing(c, &cands->list[0], to->text, sizeof(to->text));
	else
		snprintf(to->text, sizeof(to->text), "has %s without what is asked of it", type);
	return 0;
}

static bool fills_two(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

static int read_access(struct core *c)
{
	const char *access = btf__str_by_offset(c->obj->btf, c->relo->access);

	if (!access || c->relo->type_id >= btf__type_cnt(c->obj->btf) || !c->relo->type_id)
		return refuse(c, "it is damaged");
	if (is_enum(c->relo->kind))
		c->number = strtoul(access, NULL, 10);
	if (is_field(c->relo->kind) &&
	    kl_core_local(c->obj->btf, c->relo->type_id, access, &c->path, &c->local))
		return refuse(c, "it is damaged");
	return 0;
}

static int apply(struct core *c)
{
	struct answer answer = { .found = true };
	int ret = read_access(c);

	if (ret)
		return ret;
	if (c->relo->kind == KL_CORE_TYPE_LOCAL) {
		answer.value = c->relo->type_id;
		return patch(c, &answer);
	}
	if (c->relo->kind > KL_CORE_TYPE_MATCHES)
		return refuse(c, "its kind is not known");
	answer.found = false;
	ret = ask_kernel(c, &answer);
	if (ret || answer.found)
		return ret ?: patch(c, &answer);
	/* It may be in code that the program itself keeps from running. */
	ret = note_missing(c);
	if (fills_two(c->insn))
		poison(c->insn + 1);
	poison(c->insn);
	return ret;
}

int kl_core_apply(struct kapsel_object *obj, const struct kl_func *func,
		  struct kapsel_prog *prog, u32 place, struct kapsel_error *err)
{
	const struct kl_section *sec = &obj->sections[func->section];
	u32 i, at;
	int ret = 0;

	for (i = 0; i < sec->nr_core && !ret; i++) {
		struct kl_core_relo relo;
		struct core c = { .obj = obj, .func = func, .relo = &relo, .prog = prog,
				  .err = err };

		memcpy(&relo, sec->core + (size_t)i * sec->core_size, sizeof(relo));
		at = relo.insn_off / sizeof(struct bpf_insn);
		if (at < func->start || at >= func->end)
			continue;
		c.insn = prog->insns + place + at - func->start;
		if (fills_two(c.insn) && at + 1 >= func->end)
			return refuse(&c, "it is damaged");
		ret = apply(&c);
	}
	return ret;
}
