/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - what a kernel's configuration says, as .kconfig externs want it */
#ifndef KL_KCONFIG_H
#define KL_KCONFIG_H

#include "internal.h"

/** enum kl_extern_kind - by its type, what an extern can hold */
enum kl_extern_kind {
	KL_EXTERN_BOOL,
	KL_EXTERN_TRISTATE,	/* enum libbpf_tristate */
	KL_EXTERN_CHAR,		/* 'y', 'm', 'n', or a number */
	KL_EXTERN_INT,
	KL_EXTERN_STRING,	/* an array of char */
};

/**
 * struct kl_extern - a variable of .kconfig
 * @name: of it
 * @symbol: index in the object
 * @kind: enum kl_extern_kind
 * @is_signed: INT and CHAR
 * @weak: may be missing, and then is zero
 * @found: has its value
 * @size: bytes
 * @align: a power of two
 * @off: in the section
 */
struct kl_extern {
	const char *name;
	u32 symbol;
	u8 kind;
	bool is_signed;
	bool weak;
	bool found;
	u32 size;
	u32 align;
	u32 off;
};

/**
 * kl_kconfig_store - a value as the configuration has it
 * @ext: which extern
 * @value: y, m, n, a number, or "a string"
 * @to: ext->size bytes of zeroes
 *
 * Return: 0, -EINVAL if the extern's type can't hold such a value, -ERANGE.
 */
int kl_kconfig_store(const struct kl_extern *ext, const char *value, void *to);

/**
 * kl_kconfig_version - a kernel's version as LINUX_KERNEL_VERSION has it
 * @config: its configuration, which may say it on top, or NULL: of the running kernel
 *
 * Return: 0 if it is not known.
 */
u32 kl_kconfig_version(const char *config);

/**
 * kl_kconfig_read - a kernel's configuration: what $KAPSEL_KCONFIG names, or that
 * of the running one; may be compressed by gzip
 * @text: out: for free(), or NULL
 * @path: out: where it came from, or the name that it should have, for messages
 *
 * Return: 0, -ENOENT, -EIO or -ENOMEM.
 */
int kl_kconfig_read(char **text, char path[300]);

#endif
