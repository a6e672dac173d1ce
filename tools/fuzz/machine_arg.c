// SPDX-License-Identifier: GPL-2.0-only
/* The checked machine's calls: what a helper's arguments must be */

#include <string.h>

#include <linux/kernel.h>

#include "core/socket.h"
#include "machine_in.h"

static bool size_arg(struct fz_machine *m, const struct kps_helper *h, u32 n)
{
	const struct fz_val *v = reg(m, n), *p = reg(m, n - 1);
	u8 mem = h->args[n - 2], kind = h->args[n - 1];
	bool text = mem == KPS_ARG_TEXT_OR_NULL;

	if (v->tag != FZ_NUM || (!v->n && kind == KPS_ARG_SIZE) ||
	    (kind == KPS_ARG_WORDS_SIZE && (v->n % 8 || v->n > 96)))
		return fz_machine_bad(m, "size");
	if ((text || mem == KPS_ARG_MEM_OR_NULL) && p->tag == FZ_NUM && !p->n && !v->n)
		return true;
	if (mem == KPS_ARG_VALUE_MEM && (p->tag != FZ_PTR ||
					 m->obj[p->obj].kind != KAPSEL_KIND_MAP_VALUE))
		return fz_machine_bad(m, "not a map's value");
	/* Of a text some bytes may stay what they are. */
	if (text && !fz_span(m, n - 1, v->n, false))
		return false;
	return fz_span(m, n - 1, v->n, text || mem == KPS_ARG_MEM_OUT ||
		       mem == KPS_ARG_VALUE_MEM);
}

/* In the map that can't change, and it ends there. */
static bool string_arg(const struct fz_machine *m, const struct fz_val *v)
{
	const struct fz_obj *o = &m->obj[v->obj];

	return v->tag == FZ_PTR && o->kind == KAPSEL_KIND_MAP_VALUE && o->map == FZ_TEXT &&
	       v->n < sizeof(fz_text) &&
	       memchr((const char *)fz_text + v->n, 0, sizeof(fz_text) - v->n);
}

/* One argument for each percent sign; some letters read memory, and one is none. */
static bool format_arg(struct fz_machine *m, const struct fz_val *v)
{
	const char *c = (const char *)fz_text + v->n;
	u32 used = 0;

	for (; *c; c++) {
		used += *c == '%';
		if (used && (*c == 'q' || (strchr("sI", *c) && !m->type->leaks)))
			return false;
	}
	return 8 * used <= reg(m, 5)->n;
}

static bool lock_arg(struct fz_machine *m, const struct kps_helper *h, const struct fz_val *v)
{
	const struct fz_obj *o = &m->obj[v->obj];
	bool give_back = h->id == BPF_FUNC_spin_unlock;

	if (v->tag != FZ_PTR || o->kind != KAPSEL_KIND_MAP_VALUE || !fz_maps[o->map].lock_size ||
	    v->n != fz_maps[o->map].lock_off)
		return fz_machine_bad(m, "not a lock");
	if (m->lock != (give_back ? v->obj : 0))
		return fz_machine_bad(m, "lock of object %u while that of %u is held", v->obj,
				      m->lock);
	m->lock = give_back ? 0 : v->obj;
	return true;
}

bool fz_check_arg(struct fz_machine *m, const struct kps_helper *h, u32 n,
		  const struct kps_map_facts **map)
{
	const struct fz_val *v = reg(m, n);
	const struct fz_obj *o = &m->obj[v->obj];

	switch (h->args[n - 1]) {
	case KPS_ARG_ANY:
		return v->tag == FZ_NUM || m->type->leaks || fz_machine_bad(m, "leak to helper");
	case KPS_ARG_MAYBE:
		return v->tag != FZ_PTR || m->type->leaks || fz_machine_bad(m, "leak to helper");
	case KPS_ARG_CTX:
	case KPS_ARG_CTX_CHANGED:
	case KPS_ARG_CTX_WRITTEN:
		return (v->tag == FZ_PTR && v->obj == FZ_CTX_OBJ && !v->n) ||
		       fz_machine_bad(m, "not the context");
	case KPS_ARG_MAP:
		if (v->tag != FZ_MAP)
			return fz_machine_bad(m, "not a map");
		*map = &fz_maps[v->n];
		return true;
	case KPS_ARG_KEY:
		return fz_span(m, n, (*map)->key_size, false);
	case KPS_ARG_VALUE:
		return fz_span(m, n, (*map)->value_size, false);
	case KPS_ARG_VALUE_OUT:
		return fz_span(m, n, (*map)->value_size, true);
	case KPS_ARG_SIZE:
	case KPS_ARG_SIZE0:
	case KPS_ARG_WORDS_SIZE:
		return size_arg(m, h, n);
	case KPS_ARG_STRING:
		return string_arg(m, v) || fz_machine_bad(m, "not a constant string");
	case KPS_ARG_FORMAT:
		return (string_arg(m, v) && format_arg(m, v)) || fz_machine_bad(m, "format");
	case KPS_ARG_LOCK:
		return lock_arg(m, h, v);
	case KPS_ARG_CONST_SIZE:
	case KPS_ARG_ZERO:
		return v->tag == FZ_NUM || fz_machine_bad(m, "not a number");
	case KPS_ARG_SOCKET:
		return (v->tag == FZ_PTR && o->kind == KAPSEL_KIND_SOCKET && !v->n &&
			o->index != KAPSEL_SOCK_TCP) || fz_machine_bad(m, "not a socket");
	case KPS_ARG_DYNPTR:
	case KPS_ARG_DYNPTR_RECORD:
		return fz_dynptr_arg(m, n, h->args[n - 1] == KPS_ARG_DYNPTR_RECORD);
	case KPS_ARG_DYNPTR_OUT:
		return fz_dynptr_place(m, n);
	case KPS_ARG_RECORD:
		return (v->tag == FZ_PTR && o->kind == KAPSEL_KIND_RINGBUF && !v->n &&
			fz_world.record[o->record].held) || fz_machine_bad(m, "not a record");
	default:
		return true;
	}
}

/* What was found out of a lookup holds in this run. */
bool fz_lookup_as_noted(struct fz_machine *m, const struct kps_helper *h,
			const struct kps_map_facts *map, u64 key)
{
	const struct kps_insn_aux *aux = &m->proof->aux[m->pc];
	u32 index;

	if (h->id != BPF_FUNC_map_lookup_elem || aux->kind == KPS_AUX_MAPS_CALL)
		return true;
	if (aux->kind != KPS_AUX_MAP_CALL || aux->map != reg(m, 1)->obj)
		return fz_machine_bad(m, "lookup in another map");
	if (aux->arg == KPS_NO_INDEX)
		return true;
	memcpy(&index, (const void *)(uintptr_t)key, sizeof(index));
	if (aux->arg == KPS_SOME_INDEX)
		return index < map->max_entries || fz_machine_bad(m, "index out of bounds");
	return aux->arg == index || fz_machine_bad(m, "lookup of another index");
}
