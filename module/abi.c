// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - what this module is and can, for clients that do not want to guess */

#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/security.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "abi.h"
#include "device.h"
#include "engine.h"
#include "hooks/canary.h"
#include "hooks/hook.h"
#include "hooks/wrap.h"
#include "run.h"
#include "core/proto.h"
#include "core/verifier.h"

static u64 features(void)
{
	u64 set = 0;

	if (!security_locked_down(LOCKDOWN_BPF_READ_KERNEL))
		set |= KAPSEL_FEATURE_KERNEL_READ;
	if (kps_kprobes_on() && !security_locked_down(LOCKDOWN_KPROBES))
		set |= KAPSEL_FEATURE_KPROBES;
	if (kps_stats_time_on())
		set |= KAPSEL_FEATURE_STATS_TIME;
	return set;
}

int kps_get_abi(struct kps_call *call)
{
	struct kapsel_abi *abi = call->arg;
	u32 jit_why;

	*abi = (struct kapsel_abi){
		.abi = KAPSEL_ABI,
		.verifier = KPS_VERIFIER_REVISION,
		.features = features(),
		.engines = kps_engines(&jit_why),
		.max_insns = KAPSEL_MAX_INSNS,
		.max_stack = KAPSEL_MAX_STACK,
		.max_depth = KAPSEL_MAX_DEPTH,
		.max_maps = KAPSEL_MAX_MAPS,
		.max_btf = KAPSEL_MAX_BTF,
		.cpus = num_possible_cpus(),
		.page_size = PAGE_SIZE,
		.ceiling = KAPSEL_DEFAULT_CEILING,
		.version = KPS_VERSION,
	};
	abi->jit_why = jit_why;
	return 0;
}

/**
 * struct listing - a list on its way to the caller
 * @arg: the ioctl's struct
 * @at: the next entry
 * @room: entries that fit
 */
struct listing {
	struct kapsel_list *arg;
	u64 at;
	u32 room;
};

static int list_begin(struct listing *list, struct kps_call *call)
{
	list->arg = call->arg;
	list->at = list->arg->entries;
	list->room = list->at ? list->arg->count : 0;
	list->arg->count = 0;
	return list->room && !list->arg->entry_size ? -EINVAL : 0;
}

static int add_entry(struct listing *list, const void *entry, u32 size)
{
	void __user *to = u64_to_user_ptr(list->at);
	u32 room = list->arg->entry_size;
	u32 cut = min(room, size);

	if (list->arg->count++ >= list->room)
		return 0;
	list->at += room;
	if (copy_to_user(to, entry, cut) || clear_user(to + cut, room - cut))
		return -EFAULT;
	return 0;
}

static int list_helper(struct listing *list, const struct kps_helper *row)
{
	struct kapsel_helper_info info = {
		.id = row->id,
		.prog_types = row->progs,
		.ret = row->ret,
		.flags = row->gpl ? KAPSEL_HELPER_GPL : 0,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(info.args); i++)
		info.args[i] = row->args[i];
	strscpy(info.name, row->name, sizeof(info.name));
	return add_entry(list, &info, sizeof(info));
}

int kps_list_helpers(struct kps_call *call)
{
	struct listing list;
	u32 i;
	int err;

	err = list_begin(&list, call);
	for (i = 0; i < kps_nr_helpers && !err; i++)
		err = list_helper(&list, &kps_helpers[i]);
	return err;
}

static int list_context(struct listing *list, const struct kps_prog_type *type)
{
	u32 i;
	int err = 0;

	for (i = 0; i < type->nr_fields && !err; i++) {
		const struct kps_ctx_field *row = &type->fields[i];
		struct kapsel_ctx_info info = {
			.prog_type = type->type,
			.offset = row->offset,
			.size = row->size,
			.flags = row->flags,
		};

		strscpy(info.name, row->name, sizeof(info.name));
		err = add_entry(list, &info, sizeof(info));
	}
	return err;
}

int kps_list_contexts(struct kps_call *call)
{
	struct listing list;
	u32 i;
	int err;

	err = list_begin(&list, call);
	for (i = 0; i < kps_nr_prog_types && !err; i++)
		err = list_context(&list, &kps_prog_types[i]);
	return err;
}

int kps_list_map_types(struct kps_call *call)
{
	struct listing list;
	u32 i;
	int err;

	err = list_begin(&list, call);
	for (i = 0; i < kps_nr_map_types && !err; i++) {
		const struct kps_map_type *row = &kps_map_types[i];
		struct kapsel_map_type_info info = {
			.type = row->type,
			.flags = row->flags,
			.ops = row->ops,
		};

		strscpy(info.name, row->name, sizeof(info.name));
		err = add_entry(&list, &info, sizeof(info));
	}
	return err;
}

int kps_list_hooks(struct kps_call *call)
{
	struct listing list;
	u32 i;
	int err;

	err = list_begin(&list, call);
	for (i = 0; i < kps_nr_hooks && !err; i++) {
		const struct kps_hook *row = &kps_hooks[i];
		struct kapsel_hook_info info = {
			.hook = row->hook,
			.prog_type = row->prog_type,
			.capability = row->capability,
		};

		strscpy(info.name, row->name, sizeof(info.name));
		err = add_entry(&list, &info, sizeof(info));
	}
	return err;
}

int kps_list_wraps(struct kps_call *call)
{
	struct kapsel_wrap_info info;
	struct listing list;
	u32 i;
	int err;

	err = list_begin(&list, call);
	for (i = 0; !err && kps_wrap_info(i, &info); i++)
		err = add_entry(&list, &info, sizeof(info));
	return err;
}
