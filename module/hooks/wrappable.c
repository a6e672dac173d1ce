// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - which functions a stub may go around */

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kernel.h>
#include <linux/path.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/kapsel.h>

#include "link.h"
#include "core/signature.h"
#include "hooks/symbols.h"
#include "hooks/wrappable.h"

#define BTF_FILE	"/sys/kernel/btf/vmlinux"
#define MAX_BTF		(256 << 20)

#define KPS_UNWRAPPABLE(name)	name,
static const char * const denied[] = {
#include "hooks/unwrappable.tbl"
};

#undef KPS_UNWRAPPABLE

/* Learned when it is first asked for: it takes a while, and the kernel's do not change. */
static struct kps_names shared;

static bool matches(const char *row, const char *name)
{
	size_t len = strlen(row), has = strlen(name);

	if (row[len - 1] == '*')
		return !strncmp(row, name, len - 1);
	if (row[0] == '*')
		return has >= len - 1 && !strcmp(row + 1, name + has - (len - 1));
	return !strcmp(row, name);
}

static bool is_denied(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(denied); i++)
		if (matches(denied[i], name))
			return true;
	return false;
}

static u32 check_name(const char *name, unsigned long addr)
{
	if (is_denied(name))
		return KAPSEL_UNWRAPPED_STAYS;
	/* The compiler made it of another one, and chose how it is called. */
	if (strchr(name, '.'))
		return KAPSEL_UNWRAPPED_TYPE;
	if (!shared.hashes && kps_names_learn(&shared, addr))
		return KAPSEL_UNWRAPPED_MEMORY;
	return kps_names_has(&shared, name) ? KAPSEL_UNWRAPPED_NAME : 0;
}

/* Not that of kernel threads, who from Linux 7 on see no file at all. */
static bool get_root_of_init(struct path *root)
{
	struct task_struct *init;
	bool found = false;

	rcu_read_lock();
	init = READ_ONCE(init_pid_ns.child_reaper);
	task_lock(init);
	/* A thread of init's that ends has none. */
	if (init->fs) {
		get_fs_root(init->fs, root);
		found = true;
	}
	task_unlock(init);
	rcu_read_unlock();
	return found;
}

/* By init's view of the file system: a caller's own may show another file there. */
static struct file *open_as_init(const char *name)
{
	struct file *file;
	struct path root;

	if (!get_root_of_init(&root))
		return ERR_PTR(-ENOENT);
	file = file_open_root(&root, name, O_RDONLY, 0);
	path_put(&root);
	return file;
}

/* @size bytes of a file into @mem; false: there are fewer. */
static bool read_all(struct file *file, char *mem, size_t size)
{
	loff_t pos = 0;

	while (pos < size) {
		ssize_t got = kernel_read(file, mem + pos, size - pos, &pos);

		if (got <= 0)
			return false;
	}
	return true;
}

/*
 * The kernel's types, for vfree(). Not by kernel_read_file(): security modules want to
 * know of it what is read, and have no word for this.
 */
static void *read_btf(size_t *size)
{
	struct file *file = open_as_init(BTF_FILE);
	void *mem = ERR_PTR(-EIO);

	if (IS_ERR(file))
		return ERR_CAST(file);
	*size = i_size_read(file_inode(file));
	if (*size && *size <= MAX_BTF)
		mem = vmalloc(*size) ?: ERR_PTR(-ENOMEM);
	if (!IS_ERR(mem) && !read_all(file, mem, *size)) {
		vfree(mem);
		mem = ERR_PTR(-EIO);
	}
	fput(file);
	return mem;
}

static u32 check_signature(const char *name)
{
	enum kps_signature is = KPS_SIGNATURE_UNKNOWN;
	size_t size;
	void *btf = read_btf(&size);

	if (PTR_ERR_OR_ZERO(btf) == -ENOMEM)
		return KAPSEL_UNWRAPPED_MEMORY;
	if (!IS_ERR(btf)) {
		is = kps_signature_find(btf, size, name);
		vfree(btf);
	}
	switch (is) {
	case KPS_SIGNATURE_REGISTERS:
		return KAPSEL_UNWRAPPED_NOT;
	case KPS_SIGNATURE_MEMORY:
		return KAPSEL_UNWRAPPED_ARGS;
	case KPS_SIGNATURE_UNKNOWN:
		break;
	}
	return KAPSEL_UNWRAPPED_TYPE;
}

u32 kps_unwrappable(const struct kps_site *site, const char *name)
{
	struct kps_symbol symbol;

	if (!site->traced)
		return KAPSEL_UNWRAPPED_ENTRY;
	if (!kps_symbol_at(site->ip, &symbol))
		return KAPSEL_UNWRAPPED_MODULE;
	if (is_denied(name))
		return KAPSEL_UNWRAPPED_STAYS;
	return check_name(symbol.name, site->ip) ?: check_signature(symbol.name);
}

void kps_unwrappable_exit(void)
{
	kvfree(shared.hashes);
}
