// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - the core's tables as documentation */

#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>

#include "core/diag.h"
#include "core/proto.h"
#include "core/socket.h"
#include "core/verifier.h"
#include "internal.h"

static const struct kapsel_code codes[] = {
#define KPS_DIAG(_code, _name, _title, _rule, _bad, _fix)			\
	{ .code = _code, .name = #_name, .title = _title, .rule = _rule,	\
	  .bad = _bad, .fix = _fix },
#include "core/diag.tbl"
#undef KPS_DIAG
};

const struct kapsel_code *kapsel_code_at(u32 i)
{
	return i < ARRAY_SIZE(codes) ? &codes[i] : NULL;
}

const struct kapsel_code *kapsel_code_find(u32 code)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].code == code)
			return &codes[i];
	return NULL;
}

const char *kapsel_code_name(u32 code, char *buf, size_t size)
{
	if (code > 1000)
		snprintf(buf, size, "KA%03u", code - 1000);
	else
		snprintf(buf, size, "KV%03u", code);
	return buf;
}

const char *kapsel_why(u32 why)
{
	static const char * const whys[] = {
		[KAPSEL_WHY_NOTHING] = "",
		[KAPSEL_WHY_ASKED] = "it was asked for",
		[KAPSEL_WHY_NO_JIT] = "the kernel was built without a JIT",
		[KAPSEL_WHY_JIT_OFF] = "net.core.bpf_jit_enable is 0",
		[KAPSEL_WHY_METERED] = "metered, and no room on its stack to count",
		[KAPSEL_WHY_INSN] = "the kernel's JIT compiles an instruction wrong",
		[KAPSEL_WHY_FUNCTIONS] = "functions are not compiled on this machine",
		[KAPSEL_WHY_FAR] = "a jump or call reaches too far",
		[KAPSEL_WHY_LENGTH] = "too long for a hardened JIT",
		[KAPSEL_WHY_REFUSED] = "the kernel's JIT refused",
		[KAPSEL_WHY_NO_INTERP] = "the kernel was built to have no interpreter",
	};

	return why < ARRAY_SIZE(whys) ? whys[why] : "for a reason unknown here";
}

const char *kapsel_why_unwrapped(u32 why)
{
	static const char * const whys[] = {
		[KAPSEL_UNWRAPPED_NOT] = "",
		[KAPSEL_UNWRAPPED_KERNEL] = "this kernel cannot wrap functions",
		[KAPSEL_UNWRAPPED_ENTRY] = "ftrace does not watch its entry",
		[KAPSEL_UNWRAPPED_MODULE] = "a module's function",
		[KAPSEL_UNWRAPPED_TYPE] = "the kernel's BTF does not say how it is called",
		[KAPSEL_UNWRAPPED_NAME] = "several symbols share its name",
		[KAPSEL_UNWRAPPED_ARGS] = "not all its arguments are in registers",
		[KAPSEL_UNWRAPPED_STAYS] = "it does not return, sleeps for ever, or patches code",
		[KAPSEL_UNWRAPPED_BUSY] = "wrapped by another link, or an fentry, fexit or LSM program's",
		[KAPSEL_UNWRAPPED_FULL] = "as many are wrapped as can be",
		[KAPSEL_UNWRAPPED_MEMORY] = "no memory",
		[KAPSEL_UNWRAPPED_REFUSED] = "ftrace refused",
	};

	return why < ARRAY_SIZE(whys) ? whys[why] : "for a reason unknown here";
}

u32 kapsel_verifier_revision(void)
{
	return KPS_VERIFIER_REVISION;
}

static const char * const arg_types[] = {
	[KPS_ARG_ANY] = "u64 value",
	[KPS_ARG_CTX] = "void *ctx",
	[KPS_ARG_MAP] = "void *map",
	[KPS_ARG_KEY] = "const void *key",
	[KPS_ARG_VALUE] = "const void *value",
	[KPS_ARG_VALUE_OUT] = "void *value",
	[KPS_ARG_MEM] = "const void *mem",
	[KPS_ARG_MEM_OUT] = "void *buf",
	[KPS_ARG_SIZE] = "u32 size",
	[KPS_ARG_SIZE0] = "u32 size",
	[KPS_ARG_CONST_SIZE] = "u64 size",
	[KPS_ARG_RECORD] = "void *record",
	[KPS_ARG_CALLBACK] = "void *fn",
	[KPS_ARG_CALLBACK_CTX] = "void *data",
	[KPS_ARG_ZERO] = "u64 flags",
	[KPS_ARG_MAYBE] = "u64 value",
	[KPS_ARG_CTX_CHANGED] = "void *ctx",
	[KPS_ARG_MEM_OR_NULL] = "const void *mem",
	[KPS_ARG_TEXT_OR_NULL] = "char *buf",
	[KPS_ARG_STRING] = "const char *string",
	[KPS_ARG_FORMAT] = "const char *format",
	[KPS_ARG_WORDS_SIZE] = "u32 size",
	[KPS_ARG_SOCKET] = "struct bpf_sock *sk",
	[KPS_ARG_VALUE_MEM] = "void *value",
	[KPS_ARG_DYNPTR] = "const struct bpf_dynptr *ptr",
	[KPS_ARG_DYNPTR_OUT] = "struct bpf_dynptr *ptr",
	[KPS_ARG_DYNPTR_RECORD] = "struct bpf_dynptr *ptr",
	[KPS_ARG_CTX_WRITTEN] = "void *ctx",
	[KPS_ARG_LOCK] = "struct bpf_spin_lock *lock",
};

static const char * const ret_types[] = {
	[KPS_RET_VOID] = "void ",
	[KPS_RET_INT] = "u64 ",
	[KPS_RET_ERR] = "long ",
	[KPS_RET_VALUE_OR_NULL] = "void *",
	[KPS_RET_RECORD_OR_NULL] = "void *",
	[KPS_RET_SOCK_OR_NULL] = "struct bpf_sock *",
	[KPS_RET_SLICE_OR_NULL] = "void *",
	[KPS_RET_VALUE] = "void *",
	[KPS_RET_TCP_OR_NULL] = "struct bpf_tcp_sock *",
};

static void write_proto(const struct kps_helper *row, char *buf, size_t size)
{
	int len = snprintf(buf, size, "%sbpf_%s(", ret_types[row->ret], row->name);
	u32 i;

	for (i = 0; i < 5 && row->args[i] != KPS_ARG_NONE; i++)
		len += snprintf(buf + len, size - len, "%s%s", i ? ", " : "",
				arg_types[row->args[i]]);
	snprintf(buf + len, size - len, "%s)", i ? "" : "void");
}

bool kapsel_helper_at(u32 i, struct kapsel_helper_doc *doc)
{
	const struct kps_helper *row = &kps_helpers[i];
	u32 j;

	if (i >= kps_nr_helpers)
		return false;
	memset(doc, 0, sizeof(*doc));
	doc->info.id = row->id;
	doc->info.prog_types = row->progs;
	doc->info.ret = row->ret;
	doc->info.flags = row->gpl ? KAPSEL_HELPER_GPL : 0;
	for (j = 0; j < 5; j++)
		doc->info.args[j] = row->args[j];
	snprintf(doc->info.name, sizeof(doc->info.name), "%s", row->name);
	write_proto(row, doc->proto, sizeof(doc->proto));
	doc->doc = row->doc;
	return true;
}

bool kapsel_map_type_at(u32 i, struct kapsel_map_type_doc *doc)
{
	const struct kps_map_type *row = &kps_map_types[i];

	if (i >= kps_nr_map_types)
		return false;
	memset(doc, 0, sizeof(*doc));
	doc->info.type = row->type;
	doc->info.flags = row->flags;
	doc->info.ops = row->ops;
	snprintf(doc->info.name, sizeof(doc->info.name), "%s", row->name);
	doc->doc = row->doc;
	return true;
}

/* Linux's names by number, for maps that kapsel refuses by name. */
static const char * const linux_map_types[] = {
	"unspec", "hash", "array", "prog_array", "perf_event_array",
	"percpu_hash", "percpu_array", "stack_trace", "cgroup_array",
	"lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps",
	"hash_of_maps", "devmap", "sockmap", "cpumap", "xskmap", "sockhash",
	"cgroup_storage", "reuseport_sockarray", "percpu_cgroup_storage",
	"queue", "stack", "sk_storage", "devmap_hash", "struct_ops", "ringbuf",
	"inode_storage", "task_storage", "bloom_filter", "user_ringbuf",
	"cgrp_storage", "arena",
};

const char *kapsel_map_type_name(u32 type, char *buf, size_t size)
{
	if (type < ARRAY_SIZE(linux_map_types))
		return linux_map_types[type];
	snprintf(buf, size, "type %u", type);
	return buf;
}

bool kapsel_prog_type_at(u32 i, struct kapsel_prog_type_doc *doc)
{
	const struct kps_prog_type *row = &kps_prog_types[i];

	if (i >= kps_nr_prog_types)
		return false;
	doc->type = row->type;
	doc->name = row->name;
	doc->context = row->type == KAPSEL_PROG_KPROBE ? "struct pt_regs" :
							 "struct __sk_buff";
	doc->ctx_size = row->ctx_size;
	doc->ret_min = row->ret_min;
	doc->ret_max = row->ret_max;
	doc->bit = row->bit;
	doc->doc = row->doc;
	return true;
}

const char *kapsel_prog_type_name(u32 type)
{
	const struct kps_prog_type *row = kps_prog_type_find(type);

	return row ? row->name : "?";
}

bool kapsel_ctx_field_at(u32 type, u32 i, struct kapsel_ctx_info *info)
{
	const struct kps_prog_type *row = kps_prog_type_find(type);

	if (!row || i >= row->nr_fields)
		return false;
	memset(info, 0, sizeof(*info));
	info->prog_type = type;
	info->offset = row->fields[i].offset;
	info->size = row->fields[i].size;
	info->flags = row->fields[i].flags;
	snprintf(info->name, sizeof(info->name), "%s", row->fields[i].name);
	return true;
}

bool kapsel_sock_field_at(u32 i, u32 *least, u32 *offset, u32 *size, const char **name)
{
	if (i >= kps_nr_sock_fields)
		return false;
	*least = kps_sock_fields[i].least;
	*offset = kps_sock_fields[i].offset;
	*size = kps_sock_fields[i].size;
	*name = kps_sock_fields[i].name;
	return true;
}

static const struct kapsel_hook_doc hooks[] = {
	{ KAPSEL_HOOK_KPROBE, "kprobe", "kprobe:[MODULE:]FUNC[@ADDR][+OFF], ksyscall:NAME",
	  "kprobe/FUNC[+OFF], ksyscall/NAME", KAPSEL_PROG_KPROBE,
	  "runs when a kernel function is entered, or an instruction of it is reached" },
	{ KAPSEL_HOOK_KRETPROBE, "kretprobe", "kretprobe:[MODULE:]FUNC[@ADDR], kretsyscall:NAME",
	  "kretprobe/FUNC, kretsyscall/NAME", KAPSEL_PROG_KPROBE,
	  "runs when a kernel function returns; PT_REGS_RC() is what it returns" },
	{ KAPSEL_HOOK_KPROBE_MULTI, "kprobe.multi", "kprobe:PATTERN[,PATTERN...], kprobe.multi:PATTERN",
	  "kprobe.multi/PATTERN", KAPSEL_PROG_KPROBE,
	  "runs when any of many functions is entered, by one link; bpf_get_func_ip() says which" },
	{ KAPSEL_HOOK_KRETPROBE_MULTI, "kretprobe.multi", "kretprobe:PATTERN[,PATTERN...], kretprobe.multi:PATTERN",
	  "kretprobe.multi/PATTERN", KAPSEL_PROG_KPROBE,
	  "runs when any of many functions returns, by one link" },
	{ KAPSEL_HOOK_NETFILTER, "netfilter",
	  "nf:{ip|ip6|inet}:{prerouting|input|forward|output|postrouting}[:PRIO]",
	  "nf/FAMILY/HOOK[/PRIO], netfilter/HOOK[/PRIO], cgroup_skb/ingress, cgroup_skb/egress",
	  KAPSEL_PROG_NETFILTER,
	  "judges each packet at a netfilter hook of one network namespace" },
};

const struct kapsel_hook_doc *kapsel_hook_doc_at(u32 i)
{
	return i < ARRAY_SIZE(hooks) ? &hooks[i] : NULL;
}
