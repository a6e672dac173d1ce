// SPDX-License-Identifier: GPL-2.0-only
/* kapsel core - sockets: what programs may read of them */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "core/check.h"
#include "core/report.h"
#include "core/socket.h"

#define KPS_SOCK_FIELD(_struct, _least, _offset, _size, _name)			\
	{ KAPSEL_SOCK_##_least, _offset, _size, #_name },
const struct kps_sock_field kps_sock_fields[] = {
#include "core/sockets.tbl"
};

#undef KPS_SOCK_FIELD

const u32 kps_nr_sock_fields = ARRAY_SIZE(kps_sock_fields);

static bool has_field(u32 sock, const struct kps_sock_field *field)
{
	return field->least == sock ||
	       (sock == KAPSEL_SOCK_FULL && field->least == KAPSEL_SOCK_ANY);
}

u32 kps_sock_size(u32 sock)
{
	u32 i, size = 0;

	for (i = 0; i < kps_nr_sock_fields; i++)
		if (has_field(sock, &kps_sock_fields[i]))
			size = max(size, kps_sock_fields[i].offset + kps_sock_fields[i].size);
	return size;
}

/* As in Linux: of a TCP socket whole fields, of others aligned parts of words, too. */
static bool is_access(const struct kps_sock_field *field, s64 off, u64 size)
{
	s64 from = off - field->offset;

	if (from < 0 || from + (s64)size > field->size)
		return false;
	return field->least == KAPSEL_SOCK_TCP ? size == field->size :
	       size <= 4 && !(from % (s64)size);
}

static bool is_field(u32 sock, s64 off, u64 size)
{
	u32 i;

	for (i = 0; i < kps_nr_sock_fields; i++)
		if (has_field(sock, &kps_sock_fields[i]) &&
		    is_access(&kps_sock_fields[i], off, size))
			return true;
	return false;
}

/* Like the context: at known offsets only. */
int kps_check_socket(const struct kps_at *at, const struct kps_access *a)
{
	const struct kps_reg *reg = kps_reg_at(at, a->reg);
	s64 off = reg->val.r64.smin + a->off;
	struct kapsel_rec_problem *p;
	u32 code = 0;

	if (a->helper)
		code = KPS_D_HELPER_ARG;
	else if (a->access != KAPSEL_ACCESS_READ)
		code = KPS_D_READ_ONLY;
	else if (!kps_scalar_is_const(&reg->val) || !is_field(reg->object, off, a->size))
		code = KPS_D_SOCK_FIELD;
	if (!code)
		return 0;
	p = kps_refuse(at, code, a->reg);
	p->access = a->access;
	p->access_size = (u32)min_t(u64, a->size, U32_MAX);
	p->helper = a->helper;
	p->arg = a->arg;
	p->detail = (u64)off;
	return -EACCES;
}
