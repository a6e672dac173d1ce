// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - keys of maps as text: prefixes of tries as networks */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include "keyview.h"
#include "stackview.h"

#define MAX_NETWORK (INET6_ADDRSTRLEN + 5)

/* AF_INET, AF_INET6, or 0: the key is something else. */
static int family_of(const struct kapsel_view *view)
{
	if (view->info.type != BPF_MAP_TYPE_LPM_TRIE)
		return 0;
	if (view->info.key_size == 4 + sizeof(struct in_addr))
		return AF_INET;
	return view->info.key_size == 4 + sizeof(struct in6_addr) ? AF_INET6 : 0;
}

static bool to_network(const struct kapsel_view *view, const void *key, char *buf)
{
	int family = family_of(view);
	__u32 bits;

	if (!family || !inet_ntop(family, (const char *)key + 4, buf, INET6_ADDRSTRLEN))
		return false;
	memcpy(&bits, key, sizeof(bits));
	sprintf(buf + strlen(buf), "/%u", bits % 1000);
	return true;
}

/* Of stacks the key is what bpf_get_stackid() returned; objects say no type. */
static bool is_stack_id(const struct kapsel_view *view, const void *key, __u32 *id)
{
	if (view->info.type != BPF_MAP_TYPE_STACK_TRACE || view->info.key_size != sizeof(*id))
		return false;
	memcpy(id, key, sizeof(*id));
	return true;
}

/* Addresses by name, of functions above all. */
static bool is_address(const struct kapsel_view *view)
{
	return view->info.key_size == sizeof(__u64) &&
	       kapsel_btf_is_pointer(view->btf, view->info.btf_key_type_id);
}

void keyview_text(FILE *to, const struct kapsel_view *view, const void *key)
{
	char network[MAX_NETWORK], name[KAPSEL_TARGET_LEN + 100];
	__u64 addr;
	__u32 id;

	if (!view->info.key_size)
		return;
	if (to_network(view, key, network)) {
		fputs(network, to);
	} else if (is_stack_id(view, key, &id)) {
		fprintf(to, "%u", id);
	} else if (is_address(view)) {
		memcpy(&addr, key, sizeof(addr));
		fputs(stackview_address(addr, name, sizeof(name)), to);
	} else {
		kapsel_btf_print(to, view->btf, view->info.btf_key_type_id, key,
				 view->info.key_size);
	}
}

void keyview_json(struct kapsel_json *js, const struct kapsel_view *view, const void *key)
{
	char network[MAX_NETWORK];
	__u32 id;

	if (!view->info.key_size)
		return;
	if (to_network(view, key, network))
		kapsel_json_str(js, "key", network);
	else if (is_stack_id(view, key, &id))
		kapsel_json_u64(js, "key", id);
	else
		kapsel_btf_json(js, "key", view->btf, view->info.btf_key_type_id, key,
				view->info.key_size);
}

/* ADDRESS/BITS, or false: something else, to be parsed by type. */
static bool from_network(int family, const char *text, void *key)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN], *end;
	unsigned long bits;
	__u32 len;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, slash - text);
	address[slash - text] = '\0';
	bits = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end || bits > (family == AF_INET ? 32 : 128))
		return false;
	len = bits;
	memcpy(key, &len, sizeof(len));
	return inet_pton(family, address, (char *)key + 4) == 1;
}

/* A number where there is no type to say that it is one. */
static bool from_stack_id(const struct kapsel_view *view, const char *text, void *key)
{
	unsigned long value;
	char *end;
	__u32 id;

	value = strtoul(text, &end, 10);
	if (!is_stack_id(view, key, &id) || view->info.btf_key_type_id ||
	    end == text || *end || *text == '-' || value > UINT32_MAX)
		return false;
	id = value;
	memcpy(key, &id, sizeof(id));
	return true;
}

int keyview_parse(const struct kapsel_view *view, const char *text, void *key,
		  struct kapsel_error *err)
{
	int family = family_of(view);

	if (family && from_network(family, text, key))
		return 0;
	if (from_stack_id(view, text, key))
		return 0;
	return kapsel_btf_parse(view->btf, view->info.btf_key_type_id, text, key,
				view->info.key_size, err);
}
