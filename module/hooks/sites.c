// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - links to many functions: which they are, and whether they may be probed */

#include <linux/capability.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "answer.h"
#include "core/diag.h"
#include "hooks/canary.h"
#include "hooks/ftrace.h"
#include "hooks/place.h"
#include "hooks/sites.h"

static int read_pattern(struct kps_sites *sites, u64 from)
{
	long len = 0;

	if (from)
		len = strncpy_from_user(sites->pattern, u64_to_user_ptr(from),
					sizeof(sites->pattern));
	if (len < 0)
		return len;
	return len == sizeof(sites->pattern) ? -ENAMETOOLONG : 0;
}

static u64 *read_numbers(u64 from, u32 count)
{
	u64 *numbers = kvmalloc_array(count, sizeof(*numbers), GFP_KERNEL_ACCOUNT);

	if (!numbers)
		return ERR_PTR(-ENOMEM);
	if (!copy_from_user(numbers, u64_to_user_ptr(from), count * sizeof(*numbers)))
		return numbers;
	kvfree(numbers);
	return ERR_PTR(-EFAULT);
}

static int read_addrs(struct kps_sites *sites, const struct kapsel_link_multi *arg)
{
	u64 *addrs = read_numbers(arg->addrs, arg->count);
	u32 i;

	if (IS_ERR(addrs))
		return PTR_ERR(addrs);
	for (i = 0; i < arg->count; i++)
		sites->site[i].func = addrs[i];
	kvfree(addrs);
	return 0;
}

static int read_cookies(struct kps_sites *sites, const struct kapsel_link_create *arg)
{
	u64 *cookies = NULL;
	u32 i;

	if (arg->multi.cookies) {
		cookies = read_numbers(arg->multi.cookies, arg->multi.count);
		if (IS_ERR(cookies))
			return PTR_ERR(cookies);
	}
	for (i = 0; i < arg->multi.count; i++)
		sites->site[i].cookie = cookies ? cookies[i] : arg->cookie;
	kvfree(cookies);
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct kps_site *x = a, *y = b;

	return x->func < y->func ? -1 : x->func > y->func;
}

static int refuse_twice(struct kps_sites *sites, struct kps_answer *answer)
{
	u32 i;

	sort(sites->site, sites->count, sizeof(*sites->site), by_address, NULL);
	for (i = 1; i < sites->count; i++)
		if (sites->site[i].func == sites->site[i - 1].func)
			return kps_answer_refuse(answer, KPS_D_FUNCTIONS,
						 sites->site[i].func, -EINVAL);
	return 0;
}

/* The kernel's own word on it: a probe that is registered, but stays off. */
static int probe(struct kprobe *p, struct kps_site *site, struct kps_answer *answer)
{
	int err;

	if (kps_place_offset(site->func))
		return kps_answer_refuse(answer, KPS_D_SYMBOL, site->func, -ENOENT);
	if (within_module(site->func, THIS_MODULE))
		return kps_answer_refuse(answer, KPS_D_OWN_TEXT, site->func, -EINVAL);
	p->addr = (kprobe_opcode_t *)site->func;
	p->flags = KPROBE_FLAG_DISABLED;
	err = register_kprobe(p);
	if (err)
		return kps_place_refuse(answer, site->func, err);
	site->ip = (unsigned long)p->addr;
	site->traced = KPS_HAS_ENTRIES && kprobe_ftrace(p);
	return 0;
}

static bool may_skip(int err)
{
	return err == -EINVAL || err == -ENOENT || err == -EILSEQ || err == -EOPNOTSUPP;
}

/**
 * struct check - functions being looked at
 * @probes: one for each, of those that are kept
 * @list: their addresses, as the kernel wants them
 * @kept: how many are kept; they move to the front
 */
struct check {
	struct kprobe *probes;
	struct kprobe **list;
	u32 kept;
};

static int check_each(struct kps_sites *sites, struct check *check, bool skip,
		      struct kps_answer *answer)
{
	u32 i;

	for (i = 0; i < sites->count; i++) {
		struct kprobe *p = &check->probes[check->kept];
		int err;

		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		memset(p, 0, sizeof(*p));
		err = probe(p, &sites->site[i], skip ? NULL : answer);
		if (err && skip && may_skip(err))
			continue;
		if (err)
			return err;
		check->list[check->kept] = p;
		sites->site[check->kept++] = sites->site[i];
	}
	return 0;
}

static int check_all(struct kps_sites *sites, bool skip, struct kps_answer *answer)
{
	u32 count = sites->count;
	struct check check = {
		.probes = kvmalloc_array(count, sizeof(*check.probes), GFP_KERNEL_ACCOUNT),
		.list = kvmalloc_array(count, sizeof(*check.list), GFP_KERNEL_ACCOUNT),
	};
	int err = -ENOMEM;

	if (check.probes && check.list) {
		err = check_each(sites, &check, skip, answer);
		if (check.kept)
			unregister_kprobes(check.list, check.kept);
		sites->count = check.kept;
	}
	kvfree(check.list);
	kvfree(check.probes);
	return err;
}

static int traced_first(const void *a, const void *b)
{
	const struct kps_site *x = a, *y = b;

	if (x->traced != y->traced)
		return x->traced ? -1 : 1;
	return x->ip < y->ip ? -1 : x->ip > y->ip;
}

static void arrange(struct kps_sites *sites, bool traced_only)
{
	sort(sites->site, sites->count, sizeof(*sites->site), traced_first, NULL);
	while (sites->traced < sites->count && sites->site[sites->traced].traced)
		sites->traced++;
	if (traced_only)
		sites->count = sites->traced;
}

int kps_sites_read(struct kps_sites *sites, const struct kapsel_link_create *arg,
		   u32 most, bool traced_only, struct kps_answer *answer)
{
	u32 count = arg->multi.count;
	bool skip = arg->flags & KAPSEL_LINK_SKIP;
	int err;

	lockdep_assert_held(&kps_entry_lock);
	if (!count || count > most)
		return kps_answer_refuse(answer, KPS_D_FUNCTIONS, 0, count ? -E2BIG : -EINVAL);
	sites->site = kvcalloc(count, sizeof(*sites->site), GFP_KERNEL_ACCOUNT);
	if (!sites->site)
		return -ENOMEM;
	sites->count = count;
	err = read_pattern(sites, arg->multi.pattern) ?:
	      read_addrs(sites, &arg->multi) ?:
	      read_cookies(sites, arg) ?:
	      refuse_twice(sites, answer);
	if (!err && !kps_kprobes_on())
		err = kps_answer_refuse(answer, KPS_D_PROBES_OFF, 0, -EOPNOTSUPP);
	err = err ?: check_all(sites, skip, answer);
	if (err)
		return err;
	arrange(sites, skip && traced_only);
	sites->skipped = count - sites->count;
	return sites->count ? 0 :
	       kps_answer_refuse(answer, KPS_D_FUNCTIONS, 0, -ENOENT);
}

void kps_sites_free(struct kps_sites *sites)
{
	kvfree(sites->site);
}

static int copy_sites(const struct kps_sites *sites, struct kapsel_link_info *info)
{
	struct kapsel_link_site __user *to = u64_to_user_ptr(info->sites);
	u32 room = info->sites ? min(info->site_cnt, sites->count) : 0, i;
	bool may_see = capable(CAP_SYSLOG);

	for (i = 0; i < room; i++) {
		struct kapsel_link_site site = {
			.addr = may_see ? sites->site[i].func : 0,
			.cookie = sites->site[i].cookie,
		};

		if (copy_to_user(&to[i], &site, sizeof(site)))
			return -EFAULT;
	}
	return 0;
}

int kps_sites_info(const struct kps_sites *sites, struct kapsel_link_info *info)
{
	int err = copy_sites(sites, info);

	info->site_cnt = sites->count;
	info->skipped = sites->skipped;
	return err ?: kps_place_copy_target(sites->pattern, info);
}
