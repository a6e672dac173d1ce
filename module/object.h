/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - what programs, maps and links have in common */
#ifndef KPS_OBJECT_H
#define KPS_OBJECT_H

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/uidgid.h>
#include <linux/kapsel.h>

struct kps_call;
struct kps_object;
struct kps_pin;

/**
 * struct kps_kind - a kind of object
 * @kind: KAPSEL_OBJ_*
 * @name: for people
 * @fops: of its files; private_data is the struct kps_object
 * @release: frees the object after its last reference; may sleep
 * @orphan: no file and no pin holds the object any more, though others may, which
 *	it may hold itself; optional. May come again, and may sleep
 * @info: fills the kind's part of OBJ_INFO
 */
struct kps_kind {
	u32 kind;
	const char *name;
	const struct file_operations *fops;
	void (*release)(struct kps_object *obj);
	void (*orphan)(struct kps_object *obj);
	int (*info)(struct kps_object *obj, struct kapsel_obj_info *info);
};

/**
 * struct kps_object - the head of each object
 * @kind: constant
 * @ref: one for each file, for the pin, and for each object that uses this one
 * @holders: files and the pin, of @ref
 * @id: unique in its kind; 0 until published
 * @created: CLOCK_BOOTTIME
 * @uid: of the creator
 * @pid: of the creator's process, a reference
 * @pin: protected by the pins' lock
 * @comm: of the creator
 * @name: constant
 */
struct kps_object {
	const struct kps_kind *kind;
	struct kref ref;
	atomic_t holders;
	u32 id;
	u64 created;
	kuid_t uid;
	struct pid *pid;
	struct kps_pin *pin;
	char comm[KAPSEL_COMM_LEN];
	char name[KAPSEL_NAME_LEN];
};

/** kps_name_check - 0 if @name is well-formed and terminated, else -EINVAL */
int kps_name_check(const char *name);

/** kps_object_init - set a new object up, with one reference for the caller */
void kps_object_init(struct kps_object *obj, const struct kps_kind *kind,
		     const char *name);

/**
 * kps_open_flags - what a file of an object is opened for
 * @flags: BPF_F_RDONLY, BPF_F_WRONLY, of maps only, or 0: for both
 *
 * Return: O_*, or -EINVAL.
 */
int kps_open_flags(const struct kps_kind *kind, u32 flags);

/**
 * kps_object_publish - give an object its id and reserve an fd of it
 * @flags: see kps_open_flags()
 *
 * From here on others find the object. The fd is installed by the ioctl's exit
 * path once nothing can fail any more, and undone there if something did.
 */
int kps_object_publish(struct kps_object *obj, u32 flags, struct kps_call *call);

/** kps_object_fd - reserve one more fd of a published object */
int kps_object_fd(struct kps_object *obj, u32 flags, struct kps_call *call);

static inline void kps_object_get(struct kps_object *obj)
{
	kref_get(&obj->ref);
}

/** kps_object_put - drop a reference; may free the object and sleep */
void kps_object_put(struct kps_object *obj);

/** kps_object_hold - a reference of a file or a pin */
void kps_object_hold(struct kps_object *obj);

/** kps_object_unhold - drop it; after the last of them the object is an orphan */
void kps_object_unhold(struct kps_object *obj);

/** kps_object_by_fd - a reference by fd; -EBADF, or -EINVAL if of another kind */
struct kps_object *kps_object_by_fd(u32 fd, const struct kps_kind *kind);

/** kps_object_by_any_fd - a reference by the fd of an object of any kind */
struct kps_object *kps_object_by_any_fd(u32 fd);

/* The parts of file_operations that are the same for all kinds. */
int kps_object_release(struct inode *inode, struct file *file);
void kps_object_fdinfo(struct seq_file *seq, struct file *file);

/* ioctls */
int kps_next_id(struct kps_call *call);
int kps_fd_by_id(struct kps_call *call);
int kps_obj_info(struct kps_call *call);

#endif
