// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - kprobe and kretprobe: finding and checking the place */

#include <linux/capability.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "answer.h"
#include "core/diag.h"
#include "hooks/canary.h"
#include "hooks/place.h"

/* As "name", "name [module]" or an address that is no symbol's. */
static bool name_at(unsigned long addr, const char *name)
{
	char found[KSYM_SYMBOL_LEN], *module;
	const char *plain = strchr(name, ':');

	sprint_symbol_no_offset(found, addr);
	module = strstr(found, " [");
	if (module)
		*module = '\0';
	return !strcmp(found, plain ? plain + 1 : name);
}

/* How far into its symbol an address lies, or -1 if it lies in none. */
long kps_place_offset(unsigned long addr)
{
	char found[KSYM_SYMBOL_LEN], *at;
	unsigned long offset;

	sprint_symbol(found, addr);
	at = strrchr(found, '+');
	if (!at || sscanf(at, "+0x%lx/", &offset) != 1)
		return -1;
	return offset;
}

static int read_symbol(struct kps_place *place, u64 from)
{
	long len = strncpy_from_user(place->symbol, u64_to_user_ptr(from),
				     sizeof(place->symbol));

	if (len < 0)
		return len;
	if (!len)
		return -EINVAL;
	return len == sizeof(place->symbol) ? -ENAMETOOLONG : 0;
}

int kps_place_read(struct kps_place *place, const struct kapsel_link_kprobe *arg,
		   struct kps_answer *answer)
{
	int err;

	if (arg->__reserved || (!arg->symbol && !arg->addr))
		return -EINVAL;
	place->addr = arg->addr;
	place->offset = arg->offset;
	if (arg->symbol) {
		err = read_symbol(place, arg->symbol);
		if (err)
			return err;
	}
	if (arg->addr && kps_place_offset(arg->addr))
		return kps_answer_refuse(answer, KPS_D_SYMBOL, 0, -ENOENT);
	if (arg->addr && !arg->symbol)
		sprint_symbol_no_offset(place->symbol, arg->addr);
	/* A sum that wraps would name another function. */
	if (arg->offset > S32_MAX)
		return kps_answer_refuse(answer, KPS_D_BOUNDARY, arg->offset,
					 -EINVAL);
	return 0;
}

/* The kernel's errors, each with what it stands for. */
int kps_place_refuse(struct kps_answer *answer, unsigned long detail, int err)
{
	switch (err) {
	case -ENOENT:
		return kps_answer_refuse(answer, KPS_D_SYMBOL, detail, err);
	case -EILSEQ:
		return kps_answer_refuse(answer, KPS_D_BOUNDARY, detail, err);
	case -EADDRNOTAVAIL:
		return kps_answer_refuse(answer, KPS_D_AMBIGUOUS, detail, err);
	case -EINVAL:
		/* Blacklisted, or no text: not what an existing function is. */
		return kps_answer_refuse(answer, KPS_D_BLACKLIST, detail, err);
	case -ENOMEM:
		return err;
	}
	return kps_answer_refuse(answer, KPS_D_PROBE_REFUSED, detail ?: -err, err);
}

/*
 * The probe is registered but off, so its address is known and nothing runs. On
 * some kernels the probe of an entry sits behind a landing pad.
 */
static int check_registered(const struct kps_place *place,
			    const struct kprobe *probe, struct kps_answer *answer)
{
	unsigned long addr = (unsigned long)probe->addr;
	long offset = kps_place_offset(addr);

	if (within_module(addr, THIS_MODULE))
		return kps_answer_refuse(answer, KPS_D_OWN_TEXT, 0, -EINVAL);
	if (offset < 0 || (unsigned long)offset < place->offset ||
	    offset - place->offset > (place->offset ? 0 : 4))
		return kps_answer_refuse(answer, KPS_D_BOUNDARY, place->offset,
					 -EINVAL);
	if (place->addr && addr - offset != place->addr)
		return kps_answer_refuse(answer, KPS_D_SYMBOL, 0, -ENOENT);
	if (!kps_kprobes_on())
		return kps_answer_refuse(answer, KPS_D_PROBES_OFF, 0, -EOPNOTSUPP);
	return 0;
}

/* An alias is not what the kernel calls the address; only a lookup tells. */
static void set_target(const struct kps_place *place, struct kprobe *probe)
{
	probe->flags = KPROBE_FLAG_DISABLED;
	probe->offset = place->offset;
	if (place->addr && name_at(place->addr, place->symbol))
		probe->addr = (kprobe_opcode_t *)place->addr;
	else
		probe->symbol_name = place->symbol;
}

int kps_place_find(struct kps_place *place, struct kprobe *probe,
		   int (*add)(void *owner), void (*remove)(void *owner),
		   void *owner, struct kps_answer *answer)
{
	int err;

	set_target(place, probe);
	err = add(owner);
	if (err)
		return kps_place_refuse(answer, 0, err);
	err = check_registered(place, probe, answer);
	if (err)
		remove(owner);
	else
		place->addr = (unsigned long)probe->addr -
			      kps_place_offset((unsigned long)probe->addr);
	return err;
}

struct kps_site kps_place_site(const struct kps_place *place, const struct kprobe *probe,
			       u64 cookie)
{
	return (struct kps_site){
		.ip = (unsigned long)probe->addr,
		.func = place->offset ? 0 : place->addr,
		.cookie = cookie,
	};
}

int kps_place_enable(struct kprobe *probe, void (*remove)(void *owner),
		     void *owner, struct kps_answer *answer)
{
	int err = enable_kprobe(probe);

	if (!err)
		return 0;
	remove(owner);
	return kps_place_refuse(answer, 0, err);
}

int kps_place_copy_target(const char *target, struct kapsel_link_info *info)
{
	u32 size = strlen(target) + 1, room = info->target_size;

	info->target_size = size;
	if (info->target &&
	    copy_to_user(u64_to_user_ptr(info->target), target, min(size, room)))
		return -EFAULT;
	return 0;
}

int kps_place_info(const struct kps_place *place, struct kapsel_link_info *info)
{
	info->addr = capable(CAP_SYSLOG) ? place->addr : 0;
	info->offset = place->offset;
	return kps_place_copy_target(place->symbol, info);
}
