// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - what an instruction tried and what it would have needed, in words */

#include <string.h>

#include <linux/kernel.h>

#include "core/diag.h"
#include "core/proto.h"
#include "render.h"

static const char * const access_words[] = {
	[KAPSEL_ACCESS_READ] = "reads",
	[KAPSEL_ACCESS_WRITE] = "writes",
	[KAPSEL_ACCESS_ATOMIC] = "changes atomically",
};

static const char *bytes_word(u32 count)
{
	return count == 1 ? "byte" : "bytes";
}

/* What an instruction did that neither reads, writes nor calls. */
static const char * const code_words[] = {
	[KPS_D_JUMP_RANGE] = "jumps out of the function",
	[KPS_D_JUMP_MIDDLE] = "jumps into an instruction",
	[KPS_D_FALL_OFF] = "nothing follows",
	[KPS_D_RECURSION] = "leads back into this function",
	[KPS_D_DEPTH] = "one frame too many",
	[KPS_D_CALL_TARGET] = "no function there",
	[KPS_D_STACK_TOTAL] = "no stack left for this call",
	[KPS_D_UNINIT] = "not written on every path",
	[KPS_D_LEAK] = "gives an address away",
	[KPS_D_POINTER_OP] = "no such arithmetic on a pointer",
	[KPS_D_POINTER_RANGE] = "moved by a number without bounds",
	[KPS_D_POINTER_CMP] = "compared as an address",
	[KPS_D_MIXED] = "not the same thing on every path",
	[KPS_D_REF_LEAK] = "returns while a record is held",
	[KPS_D_RETURN_RANGE] = "returned",
	[KPS_D_RETURN_NUMBER] = "returned, but no number",
	[KPS_D_ENDLESS] = "comes back here with nothing changed",
	[KPS_D_UNBOUNDED] = "nothing shows that this ends",
	[KPS_D_CEILING] = "run too often",
	[KPS_D_BUDGET_TIME] = "given up here",
	[KPS_D_BUDGET_INSNS] = "given up here",
	[KPS_D_BUDGET_MEMORY] = "given up here",
	[KPS_D_LOCK_PROG] = "a map whose values have locks",
	[KPS_D_LOCK_CALL] = "calls while a lock is held",
	[KPS_D_LOCK_HELD] = "returns while a lock is held",
};

static const char *code_label(u32 code)
{
	if (code >= ARRAY_SIZE(code_words) || !code_words[code])
		return "refused";
	return code_words[code];
}

/* Such an instruction is a call of a helper that nobody has. */
const char *kl_missing_of(const struct kl_case *it)
{
	if (it->problem->code != KPS_D_HELPER || !it->how->prog)
		return NULL;
	return kapsel_missing_at(it->how->prog, it->problem->hdr.insn);
}

void kl_problem_text(const struct kl_case *it, char *buf, size_t size)
{
	const struct kapsel_rec_problem *p = it->problem;
	char helper[64], through[16] = "";

	*buf = '\0';
	if (kl_missing_of(it)) {
		snprintf(buf, size, "asks for what the kernel does not have");
		return;
	}
	if (p->has.reg <= 10)
		snprintf(through, sizeof(through), "r%u", p->has.reg);
	if (p->helper && p->arg)
		snprintf(buf, size, "argument %u of %s%s%s", p->arg,
			 kl_helper_name(p->helper, helper, sizeof(helper)),
			 *through ? ", in " : "", through);
	else if (p->helper)
		snprintf(buf, size, "calls %s",
			 kl_helper_name(p->helper, helper, sizeof(helper)));
	else if (p->access && p->access < ARRAY_SIZE(access_words) && p->access_size)
		snprintf(buf, size, "%s %u %s%s%s", access_words[p->access],
			 p->access_size, bytes_word(p->access_size),
			 *through ? " through " : "", through);
	else
		snprintf(buf, size, "%s%s%s", through, *through ? ": " : "",
			 code_label(p->code));
}

static const char * const arg_words[] = {
	[KPS_ARG_NONE] = "nothing",
	[KPS_ARG_ANY] = "a number",
	[KPS_ARG_CTX] = "the context",
	[KPS_ARG_MAP] = "a map",
	[KPS_ARG_KEY] = "initialised bytes, as many as the map's key has",
	[KPS_ARG_VALUE] = "initialised bytes, as many as the map's value has",
	[KPS_ARG_VALUE_OUT] = "writable bytes, as many as the map's value has",
	[KPS_ARG_MEM] = "initialised bytes, as many as the next argument says",
	[KPS_ARG_MEM_OUT] = "writable bytes, as many as the next argument says",
	[KPS_ARG_SIZE] = "a size of 1 or more",
	[KPS_ARG_SIZE0] = "a size of 0 or more",
	[KPS_ARG_CONST_SIZE] = "a size known at load time",
	[KPS_ARG_RECORD] = "a record from bpf_ringbuf_reserve()",
	[KPS_ARG_CALLBACK] = "a function of the program",
	[KPS_ARG_CALLBACK_CTX] = "stack memory, or NULL",
	[KPS_ARG_ZERO] = "0",
	[KPS_ARG_MAYBE] = "a number, or nothing",
	[KPS_ARG_CTX_CHANGED] = "the context",
	[KPS_ARG_MEM_OR_NULL] = "initialised bytes, or NULL and a size of 0",
	[KPS_ARG_TEXT_OR_NULL] = "initialised, writable bytes, or NULL and a size of 0",
	[KPS_ARG_STRING] = "a string in a frozen read-only map (.rodata)",
	[KPS_ARG_FORMAT] = "a format in a frozen read-only map (.rodata)",
	[KPS_ARG_WORDS_SIZE] = "a multiple of 8 known at load time, 96 at most",
	[KPS_ARG_SOCKET] = "a socket, as skb->sk or bpf_sk_fullsock() gives it",
	[KPS_ARG_VALUE_MEM] = "bytes of a map's value, as many as the next argument says",
	[KPS_ARG_DYNPTR] = "the address of a dynptr",
	[KPS_ARG_DYNPTR_OUT] = "the address of a struct bpf_dynptr on the stack",
	[KPS_ARG_DYNPTR_RECORD] = "a dynptr from bpf_ringbuf_reserve_dynptr()",
	[KPS_ARG_CTX_WRITTEN] = "the context",
	[KPS_ARG_LOCK] = "the struct bpf_spin_lock of a map's value",
};

static void helper_programs(u32 id, char *buf, size_t size)
{
	const struct kps_helper *row = kps_helper_find(id);
	char name[64];
	size_t len;
	u32 i;

	if (!row)
		return;
	len = snprintf(buf, size, "%s is for programs of type",
		       kl_helper_name(id, name, sizeof(name)));
	for (i = 0; i < kps_nr_prog_types && len < size; i++)
		if (row->progs & kps_prog_types[i].bit)
			len += snprintf(buf + len, size - len, " %s",
					kps_prog_types[i].name);
}

static const char *bounded_thing(const struct kapsel_rec_problem *p)
{
	switch (p->code) {
	case KPS_D_RETURN_RANGE:
	case KPS_D_CALLBACK:
		return "return value";
	case KPS_D_HELPER_SIZE:
	case KPS_D_HELPER_CONST:
		return "size";
	case KPS_D_CEILING:
		return "instructions a run";
	case KPS_D_PACKET:
		return "offset into the packet";
	}
	return p->has.kind == KAPSEL_KIND_SCALAR ? "value" : "offset";
}

static void bounds_text(const struct kapsel_rec_problem *p, char *buf, size_t size)
{
	static const char * const halves[] = {
		[KAPSEL_HALF_NONE] = "",
		[KAPSEL_HALF_LOWER] = "   (the lower bound is not proved; the upper one is)",
		[KAPSEL_HALF_UPPER] = "   (the upper bound is not proved; the lower one is)",
		[KAPSEL_HALF_BOTH] = "   (neither bound is proved)",
	};
	char min[32], max[32], reg[16] = "", least[40] = "", most[40] = "";

	if (p->has.reg <= 10)
		snprintf(reg, sizeof(reg), " of r%u", p->has.reg);
	/* A bound at the end of the type is no bound. */
	if (p->need_min != S64_MIN)
		snprintf(least, sizeof(least), "%s <= ",
			 kl_number(p->need_min, min, sizeof(min)));
	if (p->need_max != S64_MAX)
		snprintf(most, sizeof(most), " <= %s",
			 kl_number(p->need_max, max, sizeof(max)));
	snprintf(buf, size, "%s%s%s%s%s", least, bounded_thing(p), reg, most,
		 *least && *most && p->half < ARRAY_SIZE(halves) ? halves[p->half] : "");
}

/* Of what is no matter of a register. */
static const char * const needed[] = {
	[KPS_D_TAIL_FUNC] = "the call in the main function",
	[KPS_D_TAIL_REF] = "each record submitted or discarded before",
	[KPS_D_LOCK_CALL] = "bpf_spin_unlock() before",
	[KPS_D_LOCK_HELD] = "bpf_spin_unlock() before",
};

static void array_type_text(u64 type, char *buf, size_t size)
{
	const struct kps_prog_type *row = kps_prog_type_find((u32)type);

	snprintf(buf, size, "an array for programs of this type; this one is for %s",
		 row ? row->name : "another");
}

void kl_needs_text(const struct kl_case *it, char *buf, size_t size)
{
	const struct kapsel_rec_problem *p = it->problem;
	const struct kps_helper *row = kps_helper_find(p->helper);

	*buf = '\0';
	if (p->code == KPS_D_HELPER_PROG)
		helper_programs(p->helper, buf, size);
	else if (p->half || p->need_min || p->need_max)
		bounds_text(p, buf, size);
	else if (p->code == KPS_D_NULL && p->has.reg <= 10)
		snprintf(buf, size, "r%u not NULL", p->has.reg);
	else if (p->code < ARRAY_SIZE(needed) && needed[p->code])
		snprintf(buf, size, "%s", needed[p->code]);
	else if (p->code == KPS_D_TAIL_TYPE)
		array_type_text(p->detail, buf, size);
	else if (p->code == KPS_D_FORMAT)
		snprintf(buf, size, "another conversion at byte %llu of the format, or none",
			 (unsigned long long)p->detail);
	else if (row && p->arg >= 1 && p->arg <= 5)
		snprintf(buf, size, "%s", arg_words[row->args[p->arg - 1]]);
}
