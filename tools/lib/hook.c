// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - hooks: section names, what people write, and back */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/netfilter.h>

#include "internal.h"

static const char * const family_names[] = {
	[NFPROTO_INET] = "inet",
	[NFPROTO_IPV4] = "ip",
	[NFPROTO_IPV6] = "ip6",
};

static const char * const hook_names[] = {
	[NF_INET_PRE_ROUTING] = "prerouting",
	[NF_INET_LOCAL_IN] = "input",
	[NF_INET_FORWARD] = "forward",
	[NF_INET_LOCAL_OUT] = "output",
	[NF_INET_POST_ROUTING] = "postrouting",
};

static int find_name(const char * const *names, u32 count, const char *word,
		     size_t len)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (names[i] && strlen(names[i]) == len && !strncmp(names[i], word, len))
			return i;
	return -1;
}

/* A number behind @mark, up to @end_mark or the end. */
static int parse_number(const char *text, const char *mark, char end_mark, u64 *value,
			const char *what, struct kapsel_error *err)
{
	char *end;

	errno = 0;
	*value = strtoull(mark + 1, &end, 0);
	if (errno || end == mark + 1 || mark[1] == '-' || (*end && *end != end_mark))
		return kl_fail(err, -EINVAL, "'%s': '%s' is not %s", text, mark + 1, what);
	return 0;
}

bool kapsel_hook_is_multi(const struct kapsel_hook *hook)
{
	return hook->hook == KAPSEL_HOOK_KPROBE_MULTI ||
	       hook->hook == KAPSEL_HOOK_KRETPROBE_MULTI;
}

/* Names and patterns, commas between them: entries or returns as a whole. */
static int become_multi(const char *text, struct kapsel_hook *hook, struct kapsel_error *err)
{
	if (strlen(hook->target) != strlen(text))
		return kl_fail(err, -EINVAL, "'%s': several functions take no addresses and no offsets",
			       text);
	if (hook->hook == KAPSEL_HOOK_KPROBE)
		hook->hook = KAPSEL_HOOK_KPROBE_MULTI;
	else if (hook->hook == KAPSEL_HOOK_KRETPROBE)
		hook->hook = KAPSEL_HOOK_KRETPROBE_MULTI;
	return 0;
}

/* The function of a probe: [MODULE:]NAME[@ADDRESS][+OFFSET]. */
static int parse_function(const char *text, struct kapsel_hook *hook,
			  struct kapsel_error *err)
{
	size_t len = strcspn(text, "@+");
	const char *at = text[len] == '@' ? text + len : NULL;
	const char *plus = strchr(text + len, '+');

	if (plus && hook->hook == KAPSEL_HOOK_KRETPROBE)
		return kl_fail(err, -EINVAL, "'%s': a return probe takes no offset", text);
	if (!len || len >= sizeof(hook->target))
		return kl_fail(err, -EINVAL, "'%s' is not the name of a function", text);
	memcpy(hook->target, text, len);
	hook->target[len] = '\0';
	if (kapsel_hook_is_multi(hook) || strpbrk(hook->target, "*?[,"))
		return become_multi(text, hook, err);
	if (at && parse_number(text, at, '+', &hook->addr, "an address", err))
		return err ? err->err : -EINVAL;
	if (plus && parse_number(text, plus, 0, &hook->offset, "an offset", err))
		return err ? err->err : -EINVAL;
	return 0;
}

static int parse_priority(const char *text, struct kapsel_hook *hook,
			  struct kapsel_error *err)
{
	char *end;
	long prio;

	errno = 0;
	prio = strtol(text, &end, 10);
	if (errno || end == text || *end || prio <= INT_MIN || prio >= INT_MAX)
		return kl_fail(err, -EINVAL, "'%s' is not a priority (a number between INT_MIN and INT_MAX)",
			       text);
	hook->priority = prio;
	return 0;
}

/* HOOK[:PRIO], with whatever separates the words. */
static int parse_nf_hook(const char *text, char sep, struct kapsel_hook *hook,
			 struct kapsel_error *err)
{
	size_t len = strchrnul(text, sep) - text;
	int num = find_name(hook_names, ARRAY_SIZE(hook_names), text, len);

	if (num < 0)
		return kl_fail(err, -EINVAL, "'%.*s' is not a netfilter hook: prerouting, input, forward, output or postrouting",
			       (int)len, text);
	hook->hooknum = num;
	return text[len] ? parse_priority(text + len + 1, hook, err) : 0;
}

/* {ip|ip6|inet}:HOOK[:PRIO] */
static int parse_nf(const char *text, char sep, struct kapsel_hook *hook,
		    struct kapsel_error *err)
{
	size_t len = strchrnul(text, sep) - text;
	int family = find_name(family_names, ARRAY_SIZE(family_names), text, len);

	if (family < 0)
		return kl_fail(err, -EINVAL, "'%.*s' is not a family: ip, ip6 or inet",
			       (int)len, text);
	hook->family = family;
	if (!text[len])
		return kl_fail(err, -EINVAL, "'%s' names no netfilter hook: %s%c{prerouting|input|forward|output|postrouting}",
			       text, text, sep);
	return parse_nf_hook(text + len + 1, sep, hook, err);
}

/**
 * struct prefix - what a section name or a hook begins with
 * @word: the first word
 * @hook: KAPSEL_HOOK_*
 * @before: put before the function's name
 * @nf: 0: a probe; 1: FAMILY and HOOK follow; 2: HOOK follows, family inet
 */
struct prefix {
	const char *word;
	u32 hook;
	const char *before;
	int nf;
};

#define SYSCALL "__x64_sys_"

static const struct prefix prefixes[] = {
	{ "kprobe", KAPSEL_HOOK_KPROBE, "", 0 },
	{ "kretprobe", KAPSEL_HOOK_KRETPROBE, "", 0 },
	{ "kprobe.multi", KAPSEL_HOOK_KPROBE_MULTI, "", 0 },
	{ "kretprobe.multi", KAPSEL_HOOK_KRETPROBE_MULTI, "", 0 },
	{ "ksyscall", KAPSEL_HOOK_KPROBE, SYSCALL, 0 },
	{ "kretsyscall", KAPSEL_HOOK_KRETPROBE, SYSCALL, 0 },
	{ "nf", KAPSEL_HOOK_NETFILTER, NULL, 1 },
	{ "netfilter", KAPSEL_HOOK_NETFILTER, NULL, 2 },
};

static const struct prefix *find_prefix(const char *text, char sep)
{
	size_t len = strchrnul(text, sep) - text;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strlen(prefixes[i].word) == len &&
		    !strncmp(prefixes[i].word, text, len))
			return &prefixes[i];
	return NULL;
}

static int parse_probe(const struct prefix *prefix, const char *rest,
		       struct kapsel_hook *hook, struct kapsel_error *err)
{
	char name[KAPSEL_TARGET_LEN];

	hook->prog_type = KAPSEL_PROG_KPROBE;
	if (!rest)
		return 0;
	if (!*rest)
		return kl_fail(err, -EINVAL, "'%s' is followed by no function's name",
			       prefix->word);
	if (snprintf(name, sizeof(name), "%s%s", prefix->before, rest) >= (int)sizeof(name))
		return kl_fail(err, -EINVAL, "'%.40s...': function name is too long", rest);
	return parse_function(name, hook, err);
}

static int parse_words(const struct prefix *prefix, const char *rest, char sep,
		       struct kapsel_hook *hook, struct kapsel_error *err)
{
	hook->hook = prefix->hook;
	if (!prefix->nf)
		return parse_probe(prefix, rest, hook, err);
	hook->prog_type = KAPSEL_PROG_NETFILTER;
	hook->family = NFPROTO_INET;
	if (!rest && sep == '/') {
		/* SEC("netfilter"): a packet program, its place yet to be said. */
		hook->hook = 0;
		return 0;
	}
	if (!rest)
		return kl_fail(err, -EINVAL, "'%s' names no hook: nf:inet:input, for example",
			       prefix->word);
	return prefix->nf == 1 ? parse_nf(rest, sep, hook, err) :
				 parse_nf_hook(rest, sep, hook, err);
}

/* cgroup_skb programs see packets as kapsel's netfilter programs do. */
static bool from_cgroup_skb(const char *sec, struct kapsel_hook *hook)
{
	bool in = !strcmp(sec, "cgroup_skb/ingress");

	hook->prog_type = KAPSEL_PROG_NETFILTER;
	hook->family = NFPROTO_INET;
	/* The old name says no direction: like SEC("netfilter"), a place yet to be said. */
	if (!strcmp(sec, "cgroup/skb") || !strcmp(sec, "cgroup_skb"))
		return true;
	if (!in && strcmp(sec, "cgroup_skb/egress"))
		return false;
	hook->hook = KAPSEL_HOOK_NETFILTER;
	hook->hooknum = in ? NF_INET_LOCAL_IN : NF_INET_LOCAL_OUT;
	return true;
}

/*
 * SEC("socket"), "socket1", "socket/...": what they see and return is not a firewall's,
 * but their context is, and what is safe for one is for the other.
 */
static bool from_socket(const char *sec, struct kapsel_hook *hook)
{
	size_t word = strlen("socket");

	if (strncmp(sec, "socket", word))
		return false;
	word += strspn(sec + word, "0123456789");
	if (sec[word] && sec[word] != '/')
		return false;
	hook->prog_type = KAPSEL_PROG_NETFILTER;
	hook->family = NFPROTO_INET;
	hook->check_only = true;
	return true;
}

int kapsel_hook_from_sec(const char *sec, struct kapsel_hook *hook,
			 struct kapsel_error *err)
{
	const struct prefix *prefix;
	const char *rest;

	memset(hook, 0, sizeof(*hook));
	if (*sec == '?')
		sec++;
	if (from_socket(sec, hook) || from_cgroup_skb(sec, hook))
		return 0;
	memset(hook, 0, sizeof(*hook));
	prefix = find_prefix(sec, '/');
	if (!prefix) {
		kl_fail(err, -EOPNOTSUPP, "SEC(\"%s\"): kapsel has no such hook", sec);
		return kl_hint(err, "kapsel knows kprobe/FUNC, kretprobe/FUNC, kprobe.multi/PATTERN, kretprobe.multi/PATTERN, ksyscall/NAME, kretsyscall/NAME, nf/FAMILY/HOOK, netfilter/HOOK, cgroup_skb/ingress and egress, and verifies socket");
	}
	rest = strchr(sec, '/');
	return parse_words(prefix, rest ? rest + 1 : NULL, '/', hook, err);
}

int kapsel_hook_parse(const char *words, struct kapsel_hook *hook,
		      struct kapsel_error *err)
{
	const struct prefix *prefix = find_prefix(words, ':');
	const char *rest = strchr(words, ':');

	memset(hook, 0, sizeof(*hook));
	if (!prefix) {
		kl_fail(err, -EINVAL, "'%s' is not a hook", words);
		return kl_hint(err, "kprobe:[MODULE:]FUNC[@ADDR][+OFF], kretprobe:[MODULE:]FUNC[@ADDR], kprobe:PATTERN[,PATTERN...], ksyscall:NAME or nf:{ip|ip6|inet}:{prerouting|input|forward|output|postrouting}[:PRIO]");
	}
	if (!rest)
		return kl_fail(err, -EINVAL, "'%s' does not say where: %s:%s", words, words,
			       prefix->nf ? "inet:input, for example" : "FUNCTION");
	return parse_words(prefix, rest + 1, ':', hook, err);
}

static const char *format_nf(const struct kapsel_hook *hook, char *buf, size_t size)
{
	const char *family = NULL, *name = NULL;
	int len;

	if (hook->family < ARRAY_SIZE(family_names))
		family = family_names[hook->family];
	if (hook->hooknum < ARRAY_SIZE(hook_names))
		name = hook_names[hook->hooknum];
	len = snprintf(buf, size, "nf:%s:%s", family ?: "?", name ?: "?");
	if (hook->priority && len < (int)size)
		snprintf(buf + len, size - len, ":%d", hook->priority);
	return buf;
}

static const char *format_probe(const struct kapsel_hook *hook, char *buf, size_t size)
{
	static const char * const names[] = {
		[KAPSEL_HOOK_KPROBE] = "kprobe",
		[KAPSEL_HOOK_KRETPROBE] = "kretprobe",
		[KAPSEL_HOOK_KPROBE_MULTI] = "kprobe.multi",
		[KAPSEL_HOOK_KRETPROBE_MULTI] = "kretprobe.multi",
	};
	char addr[24] = "", offset[24] = "";

	if (hook->addr)
		snprintf(addr, sizeof(addr), "@%#llx", (unsigned long long)hook->addr);
	if (hook->offset)
		snprintf(offset, sizeof(offset), "+%#llx", (unsigned long long)hook->offset);
	snprintf(buf, size, "%s:%s%s%s", names[hook->hook],
		 hook->target[0] ? hook->target : "?", addr, offset);
	return buf;
}

const char *kapsel_hook_format(const struct kapsel_hook *hook, char *buf, size_t size)
{
	if (hook->hook == KAPSEL_HOOK_NETFILTER)
		return format_nf(hook, buf, size);
	if (hook->hook && hook->hook <= KAPSEL_HOOK_KRETPROBE_MULTI)
		return format_probe(hook, buf, size);
	snprintf(buf, size, "-");
	return buf;
}
