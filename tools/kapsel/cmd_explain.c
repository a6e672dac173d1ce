// SPDX-License-Identifier: GPL-2.0-only
/* kapsel explain - what a code, helper, map type, program type or hook is */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <linux/bpf.h>

#include "commands.h"
#include "out.h"

static const char events_text[] =
	"events: how `kapsel run` prints a ring buffer\n\n"
	"A ring buffer's definition does not say what its records are, unless it has a\n"
	"__type(value, struct X), which kapsel takes and libbpf does not. Else kapsel takes,\n"
	"in this order: the struct named as the map, or as the map without its plural s;\n"
	"either of these with \"_event\"; struct event; the only struct whose name ends in\n"
	"\"event\". A ring buffer `opens` thus carries struct opens, struct open,\n"
	"struct opens_event or struct open_event. Each member becomes a column: ts or\n"
	"time (nanoseconds of bpf_ktime_get_ns()) is shown as the time of day, char arrays\n"
	"as strings, enums by name. What has no such struct is printed as bytes.\n\n"
	"clang describes no type that only local variables have: put\n"
	"KAPSEL_EVENT(struct open_event); behind the struct, or let a function take it.\n";

static void put_members(struct kapsel_json *js, const char *kind, const char *name)
{
	out_json_begin(js, stdout);
	kapsel_json_str(js, "kind", kind);
	kapsel_json_str(js, "name", name);
}

static void put_code(const struct kapsel_code *code)
{
	struct kapsel_json js;
	char name[16];

	kapsel_code_name(code->code, name, sizeof(name));
	if (!cli.json) {
		printf("%s (%s): %s\n\nrule     %s\nbroken   %s\nhint     %s\n", name,
		       code->name, code->title, code->rule, code->bad, code->fix);
		return;
	}
	put_members(&js, "code", name);
	kapsel_json_str(&js, "title", code->title);
	kapsel_json_str(&js, "rule", code->rule);
	kapsel_json_str(&js, "bad", code->bad);
	kapsel_json_str(&js, "fix", code->fix);
	out_json_end(&js);
}

/* KV021, kv21, 21, KA003, or the short name. */
static const struct kapsel_code *find_code(const char *word)
{
	const struct kapsel_code *code;
	char name[16], *end;
	unsigned long number = 0;
	__u32 i;

	if (!strncasecmp(word, "KV", 2) || !strncasecmp(word, "KA", 2)) {
		number = strtoul(word + 2, &end, 10);
		if (*end || end == word + 2)
			number = 0;
		else if ((word[1] | 0x20) == 'a' && number)
			number += 1000;
	}
	for (i = 0; (code = kapsel_code_at(i)); i++)
		if ((number && code->code == number) || !strcasecmp(code->name, word) ||
		    !strcasecmp(kapsel_code_name(code->code, name, sizeof(name)), word))
			return code;
	return NULL;
}

static void prog_types_text(__u32 bits, char *buf, size_t size)
{
	struct kapsel_prog_type_doc type;
	__u32 i, len = 0;

	*buf = '\0';
	for (i = 0; kapsel_prog_type_at(i, &type); i++)
		if ((bits & type.bit) && len < size)
			len += snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
					type.name);
}

static bool explain_helper(const char *word)
{
	struct kapsel_helper_doc doc;
	struct kapsel_json js;
	char types[64];
	__u32 i;

	if (!strncmp(word, "bpf_", 4))
		word += 4;
	for (i = 0; kapsel_helper_at(i, &doc); i++)
		if (!strcmp(doc.info.name, word))
			break;
	if (!kapsel_helper_at(i, &doc))
		return false;
	prog_types_text(doc.info.prog_types, types, sizeof(types));
	if (!cli.json) {
		printf("bpf_%s (helper %u): %s\n\n%s;\n\nprograms  %s\nlicense   %s\n",
		       doc.info.name, doc.info.id, doc.doc, doc.proto, types,
		       doc.info.flags & KAPSEL_HELPER_GPL ? "GPL-compatible" : "any");
		return true;
	}
	put_members(&js, "helper", doc.info.name);
	kapsel_json_u64(&js, "id", doc.info.id);
	kapsel_json_str(&js, "proto", doc.proto);
	kapsel_json_str(&js, "programs", types);
	kapsel_json_bool(&js, "gpl", doc.info.flags & KAPSEL_HELPER_GPL);
	kapsel_json_str(&js, "doc", doc.doc);
	out_json_end(&js);
	return true;
}

struct bit_word {
	__u32 bit;
	const char *word;
};

/* What has no word is left as a number, to be seen. */
static void bits_text(__u32 bits, const struct bit_word *words, __u32 count, char *buf,
		      size_t size)
{
	__u32 i, len = 0;

	snprintf(buf, size, "none");
	for (i = 0; i < count; i++) {
		if ((bits & words[i].bit) && len < size)
			len += snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
					words[i].word);
		bits &= ~words[i].bit;
	}
	if (bits && len < size)
		snprintf(buf + len, size - len, "%s%#x", len ? ", " : "", bits);
}

static void ops_text(__u32 ops, char *buf, size_t size)
{
	static const struct bit_word words[] = {
		{ KAPSEL_MAP_OP_ELEM, "lookup, update" },
		{ KAPSEL_MAP_OP_DELETE, "delete" },
		{ KAPSEL_MAP_OP_RINGBUF, "reserve, submit, discard, output, query" },
		{ KAPSEL_MAP_OP_PERCPU, "a value for each CPU" },
		{ KAPSEL_MAP_OP_DIRECT, "values by address" },
		{ KAPSEL_MAP_OP_MMAP, "mmap" },
		{ KAPSEL_MAP_OP_PERF, "perf_event_output" },
		{ KAPSEL_MAP_OP_CGROUP, "current_task_under_cgroup" },
		{ KAPSEL_MAP_OP_STACK, "get_stackid" },
		{ KAPSEL_MAP_OP_PUSH, "push, peek" },
		{ KAPSEL_MAP_OP_POP, "pop" },
		{ KAPSEL_MAP_OP_PROGS, "tail_call" },
		{ KAPSEL_MAP_OP_MAPS, "lookup, which gives a map" },
		{ KAPSEL_MAP_OP_EACH, "for_each_map_elem" },
		{ KAPSEL_MAP_OP_DRAIN, "user_ringbuf_drain" },
		{ KAPSEL_MAP_OP_LOCAL, "get_local_storage" },
	};

	bits_text(ops, words, ARRAY_LEN(words), buf, size);
}

static void flags_text(__u32 flags, char *buf, size_t size)
{
	static const struct bit_word words[] = {
		{ BPF_F_NO_PREALLOC, "BPF_F_NO_PREALLOC" },
		{ BPF_F_RDONLY, "BPF_F_RDONLY" },
		{ BPF_F_WRONLY, "BPF_F_WRONLY" },
		{ BPF_F_RDONLY_PROG, "BPF_F_RDONLY_PROG" },
		{ BPF_F_WRONLY_PROG, "BPF_F_WRONLY_PROG" },
		{ BPF_F_MMAPABLE, "BPF_F_MMAPABLE" },
		{ BPF_F_NO_COMMON_LRU, "BPF_F_NO_COMMON_LRU" },
		{ BPF_F_ZERO_SEED, "BPF_F_ZERO_SEED" },
		{ BPF_F_PRESERVE_ELEMS, "BPF_F_PRESERVE_ELEMS" },
	};

	bits_text(flags, words, ARRAY_LEN(words), buf, size);
}

static bool explain_map_type(const char *word)
{
	struct kapsel_map_type_doc doc;
	struct kapsel_json js;
	char ops[160], flags[160];
	__u32 i;

	if (!strncasecmp(word, "BPF_MAP_TYPE_", 13))
		word += 13;
	for (i = 0; kapsel_map_type_at(i, &doc); i++)
		if (!strcasecmp(doc.info.name, word))
			break;
	if (!kapsel_map_type_at(i, &doc))
		return false;
	ops_text(doc.info.ops, ops, sizeof(ops));
	flags_text(doc.info.flags, flags, sizeof(flags));
	if (!cli.json) {
		printf("%s (map type %u): %s\n\nhas       %s\nflags     %s\n", doc.info.name,
		       doc.info.type, doc.doc, ops, flags);
		return true;
	}
	put_members(&js, "map_type", doc.info.name);
	kapsel_json_u64(&js, "type", doc.info.type);
	kapsel_json_str(&js, "operations", ops);
	kapsel_json_u64(&js, "flags", doc.info.flags);
	kapsel_json_str(&js, "flag_names", flags);
	kapsel_json_str(&js, "doc", doc.doc);
	out_json_end(&js);
	return true;
}

static const struct out_column field_columns[] = {
	{ "offset", "OFFSET", true },
	{ "size", "SIZE", true },
	{ "access", "ACCESS", false },
	{ "name", "NAME", false },
};

static void put_fields(__u32 type, struct out_table *table)
{
	struct kapsel_ctx_info info;
	__u32 i;

	out_begin(table, field_columns, ARRAY_LEN(field_columns));
	for (i = 0; kapsel_ctx_field_at(type, i, &info); i++) {
		out_u64(table, info.offset);
		out_u64(table, info.size);
		if (info.flags & (KAPSEL_CTX_PACKET | KAPSEL_CTX_PACKET_END))
			out_str(table, "packet");
		else if (info.flags & KAPSEL_CTX_SOCKET)
			out_str(table, "socket");
		else
			out_str(table, info.flags & KAPSEL_CTX_WRITE ? "read, write" : "read");
		out_str(table, info.name);
	}
}

static void put_prog_type(const struct kapsel_prog_type_doc *doc)
{
	struct out_table table;
	struct kapsel_json js;

	put_fields(doc->type, &table);
	if (cli.json) {
		put_members(&js, "prog_type", doc->name);
		kapsel_json_u64(&js, "type", doc->type);
		kapsel_json_str(&js, "doc", doc->doc);
		kapsel_json_s64(&js, "ret_min", doc->ret_min);
		kapsel_json_s64(&js, "ret_max", doc->ret_max);
		out_json_rows(&js, "context", &table);
		out_json_end(&js);
		out_free(&table);
		return;
	}
	printf("%s (program type %u): %s\n\ncontext   %s, %u bytes\n", doc->name, doc->type,
	       doc->doc, doc->context, doc->ctx_size);
	if (doc->ret_min <= doc->ret_max)
		printf("returns   %lld to %lld\n", (long long)doc->ret_min,
		       (long long)doc->ret_max);
	else
		puts("returns   anything");
	putchar('\n');
	out_text_table(&table, stdout);
	out_free(&table);
}

static bool explain_prog_type(const char *word)
{
	struct kapsel_prog_type_doc doc;
	__u32 i;

	for (i = 0; kapsel_prog_type_at(i, &doc); i++) {
		if (!strcmp(doc.name, word)) {
			put_prog_type(&doc);
			return true;
		}
	}
	return false;
}

static const struct out_column sock_columns[] = {
	{ "socket", "SOCKET", false },
	{ "offset", "OFFSET", true },
	{ "size", "SIZE", true },
	{ "name", "NAME", false },
};

static void put_sockets(void)
{
	static const char * const sockets[] = {
		[KAPSEL_SOCK_ANY] = "any", [KAPSEL_SOCK_FULL] = "full", [KAPSEL_SOCK_TCP] = "tcp",
	};
	__u32 i, least, offset, size;
	struct out_table table;
	struct kapsel_json js;
	const char *name;

	out_begin(&table, sock_columns, ARRAY_LEN(sock_columns));
	for (i = 0; kapsel_sock_field_at(i, &least, &offset, &size, &name); i++) {
		out_str(&table, sockets[least]);
		out_u64(&table, offset);
		out_u64(&table, size);
		out_str(&table, name);
	}
	if (cli.json) {
		put_members(&js, "structures", "sockets");
		out_json_rows(&js, "fields", &table);
		out_json_end(&js);
	} else {
		puts("sockets: skb->sk is any, struct bpf_sock; bpf_sk_fullsock() makes it full,\n"
		     "bpf_tcp_sock() a struct bpf_tcp_sock; each may be NULL, and is read only\n");
		out_text_table(&table, stdout);
	}
	out_free(&table);
}

static void put_hook(const struct kapsel_hook_doc *doc)
{
	struct kapsel_json js;

	if (!cli.json) {
		printf("hook %s: %s\n\nwritten   %s\nsections  %s\nprograms  %s\n", doc->name,
		       doc->doc, doc->form, doc->sections,
		       kapsel_prog_type_name(doc->prog_type));
		return;
	}
	put_members(&js, "hook", doc->name);
	kapsel_json_str(&js, "form", doc->form);
	kapsel_json_str(&js, "sections", doc->sections);
	kapsel_json_str(&js, "prog_type", kapsel_prog_type_name(doc->prog_type));
	kapsel_json_str(&js, "doc", doc->doc);
	out_json_end(&js);
}

static bool explain_hook(const char *word)
{
	const struct kapsel_hook_doc *doc;
	size_t len = strcspn(word, ":/");
	__u32 i;

	if (len == 2 && !strncmp(word, "nf", 2)) {
		word = "netfilter";
		len = strlen(word);
	}
	for (i = 0; (doc = kapsel_hook_doc_at(i)); i++) {
		if (strlen(doc->name) == len && !strncmp(doc->name, word, len)) {
			put_hook(doc);
			return true;
		}
	}
	return false;
}

#define MOST_HELPERS 128

static void all_words(const char **words, __u32 room, char (*codes)[8])
{
	static struct kapsel_helper_doc helpers[MOST_HELPERS];
	static struct kapsel_map_type_doc types[32];
	struct kapsel_prog_type_doc prog;
	const struct kapsel_code *code;
	__u32 count = 0, i;

	for (i = 0; i < MOST_HELPERS && kapsel_helper_at(i, &helpers[i]); i++)
		words[count++] = helpers[i].info.name;
	for (i = 0; i < 32 && kapsel_map_type_at(i, &types[i]); i++)
		words[count++] = types[i].info.name;
	for (i = 0; kapsel_prog_type_at(i, &prog) && count < room - 1; i++)
		words[count++] = prog.name;
	for (i = 0; (code = kapsel_code_at(i)) && count < room - 1 && i < 128; i++)
		words[count++] = kapsel_code_name(code->code, codes[i], 8);
	words[count] = NULL;
}

void cli_explain_words(void (*fn)(const char *word))
{
	const char *words[300];
	char codes[128][8];
	__u32 i;

	all_words(words, ARRAY_LEN(words), codes);
	for (i = 0; words[i]; i++)
		fn(words[i]);
	fn("events");
	fn("sockets");
}

static int unknown(const char *word)
{
	const char *words[300];
	char codes[128][8], hint[100];

	all_words(words, ARRAY_LEN(words), codes);
	return cli_usage("nothing is known of '%s'%s", word,
			 cli_suggest(word, words, hint, sizeof(hint)));
}

static int explain(const char *word)
{
	const struct kapsel_code *code = find_code(word);

	if (code && !explain_helper(word)) {
		put_code(code);
		return CLI_OK;
	}
	if (code)
		return CLI_OK;
	if (!strcmp(word, "events") && !cli.json) {
		fputs(events_text, stdout);
		return CLI_OK;
	}
	if (!strcmp(word, "sockets")) {
		put_sockets();
		return CLI_OK;
	}
	if (explain_helper(word) || explain_map_type(word) || explain_prog_type(word) ||
	    explain_hook(word))
		return CLI_OK;
	return unknown(word);
}

int cmd_explain(int argc, char **argv)
{
	const char *word = NULL;
	struct cli_args args;
	int opt;

	cli_args_init(&args, argc, argv, NULL);
	while ((opt = cli_args_next(&args)) != CLI_ARG_END) {
		if (opt == CLI_ARG_ERROR)
			return args.status;
		if (opt == CLI_ARG_WORD && word)
			return cli_usage("what is '%s'? One word is enough", args.value);
		if (opt == CLI_ARG_WORD)
			word = args.value;
	}
	return word ? explain(word) : cli_usage("nothing to explain: give a code, a helper, a map type, a program type or a hook");
}
