// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - CO-RE relocations */

#include <errno.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/kernel.h>

#include "object.h"

/* As in .BTF.ext. */
struct core_relo {
	u32 insn_off;
	u32 type_id;
	u32 access;
	u32 kind;
};

static int refuse(const struct kapsel_object *obj, const struct kl_func *func,
		  const struct core_relo *relo, struct kapsel_error *err)
{
	char name[80];

	kl_fail(err, -EOPNOTSUPP, "%s: function '%s': instruction %u needs a CO-RE relocation of %s (%s)",
		obj->path, func->name,
		relo->insn_off / (u32)sizeof(struct bpf_insn) - func->start,
		kapsel_btf_name(obj->btf, relo->type_id, name, sizeof(name)),
		btf__str_by_offset(obj->btf, relo->access) ?: "?");
	return kl_hint(err, "use bpf_probe_read_kernel() with the running kernel's own headers");
}

int kl_core_apply(struct kapsel_object *obj, const struct kl_func *func,
		  struct bpf_insn *insns, struct kapsel_error *err)
{
	const struct kl_section *sec = &obj->sections[func->section];
	u32 i;

	(void)insns;
	for (i = 0; i < sec->nr_core; i++) {
		struct core_relo relo;
		u32 at;

		memcpy(&relo, sec->core + (size_t)i * sec->core_size, sizeof(relo));
		at = relo.insn_off / sizeof(struct bpf_insn);
		if (at >= func->start && at < func->end)
			return refuse(obj, func, &relo, err);
	}
	return 0;
}
