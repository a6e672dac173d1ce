/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - sockets: what programs may read of them */
#ifndef KPS_SOCKET_H
#define KPS_SOCKET_H

#include <linux/types.h>
#include <linux/kapsel.h>

struct kps_access;
struct kps_at;

/**
 * struct kps_sock_field - a row of sockets.tbl
 * @least: KAPSEL_SOCK_* that has it
 * @offset: bytes from the start of its structure
 * @size: bytes
 * @name: of the field
 */
struct kps_sock_field {
	u32 least;
	u32 offset;
	u32 size;
	const char *name;
};

extern const struct kps_sock_field kps_sock_fields[];
extern const u32 kps_nr_sock_fields;

/** kps_sock_size - bytes of the structure by which a KAPSEL_SOCK_* is seen */
u32 kps_sock_size(u32 sock);

/** kps_check_socket - an access through a socket is a load of a field that it has */
int kps_check_socket(const struct kps_at *at, const struct kps_access *a);

#endif
