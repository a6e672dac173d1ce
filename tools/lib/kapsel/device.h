/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - the device, and programs run by hand; see kapsel.h */
#ifndef KAPSEL_DEVICE_H
#define KAPSEL_DEVICE_H

#include "verdict.h"

/**
 * struct kapsel_dev - /dev/kapsel, open
 * @fd: of the device
 * @abi: what the module says it is
 */
struct kapsel_dev {
	int fd;
	struct kapsel_abi abi;
};

/**
 * kapsel_dev_open - open the device and check that library and module fit
 * @dev: filled; close it by kapsel_dev_close()
 * @path: NULL: KAPSEL_DEVICE
 * @err: filled on failure: -ENOENT no module, -EACCES no right, -EPROTO the
 *	module has another ABI
 */
int kapsel_dev_open(struct kapsel_dev *dev, const char *path,
		    struct kapsel_error *err);
/** kapsel_dev_close - objects live on while others hold them */
void kapsel_dev_close(struct kapsel_dev *dev);

/** struct kapsel_load_opts - how to load; zero is fine */
struct kapsel_load_opts {
	struct kapsel_budget budget;
	__u32 engine;		/* KAPSEL_ENGINE_* */
};

/** kapsel_maps_create - create, fill and freeze the object's maps; those that have an fd stay */
int kapsel_maps_create(const struct kapsel_dev *dev, struct kapsel_object *obj,
		       struct kapsel_error *err);

/**
 * kapsel_prog_load - load a program whose maps exist; prog->fd is its fd
 * @dev: device
 * @prog: program
 * @opts: or NULL
 * @res: filled in any case, records complete; free it
 * @err: filled on failure; err->code tells a refusal
 */
int kapsel_prog_load(const struct kapsel_dev *dev, struct kapsel_prog *prog,
		     const struct kapsel_load_opts *opts,
		     struct kapsel_result *res, struct kapsel_error *err);

/**
 * struct kapsel_attach_opts - how to attach; zero is fine, but for @netns_fd
 * @name: of the link; NULL: the program's
 * @cookie: kept with the link, and what bpf_get_attach_cookie() says
 * @cookies: for a list of names: one for each, in its place; or NULL
 * @nr_cookies: how many
 * @netns_fd: network namespace, -1: the caller's
 * @fail_closed: netfilter: packets that a run gives no verdict for are dropped
 * @shadow: netfilter: verdicts are counted only
 * @linear: netfilter: bytes of each packet that are made linear
 * @wrap: kretprobe: by code of the module's around the function, where possible
 * @defrag: netfilter: fragments are put together before
 * @beside: netfilter: 0, or KAPSEL_LINK_BEFORE or KAPSEL_LINK_AFTER
 * @beside_fd: the link that it means; the hook's priority does not count then
 */
struct kapsel_attach_opts {
	const char *name;
	__u64 cookie;
	const __u64 *cookies;
	__u32 nr_cookies;
	int netns_fd;
	bool fail_closed;
	bool shadow;
	__u32 linear;
	bool wrap;
	bool defrag;
	__u32 beside;
	int beside_fd;
};

/**
 * kapsel_attach - attach a program
 * @dev: device
 * @prog_fd: the program
 * @hook: where
 * @opts: how
 * @err: filled on failure; hints at similar names of functions
 *
 * Return: the link's fd, which the caller closes (and so detaches), or -errno.
 */
int kapsel_attach(const struct kapsel_dev *dev, int prog_fd,
		  const struct kapsel_hook *hook,
		  const struct kapsel_attach_opts *opts, struct kapsel_error *err);

/** kapsel_detach - switch a link off; it stays as a detached object */
int kapsel_detach(int link_fd, struct kapsel_error *err);
/** kapsel_update - another program for a link; @old_fd -1: whatever is there */
int kapsel_update(int link_fd, int prog_fd, int old_fd, struct kapsel_error *err);

/** kapsel_wraps - functions that are wrapped, or were; returns how many are in @list */
__u32 kapsel_wraps(const struct kapsel_dev *dev, struct kapsel_wrap_info *list, __u32 room);

/** kapsel_next_id - next object of a kind behind *@id; false: no more */
bool kapsel_next_id(const struct kapsel_dev *dev, __u32 kind, __u32 *id);
/** kapsel_fd_by_id - an fd of an object, or -errno */
int kapsel_fd_by_id(const struct kapsel_dev *dev, __u32 kind, __u32 id,
		    struct kapsel_error *err);
/** kapsel_obj_info - what an fd's object is; pointers in @info may be set by the caller */
int kapsel_obj_info(int fd, struct kapsel_obj_info *info, struct kapsel_error *err);
/**
 * struct kapsel_image - machine code of a compiled program
 * @code: all functions, one behind the other
 * @funcs: in the order of the image
 * @insns: where the code of each instruction begins, in the order of the image; what
 *	became nothing has no entry
 * @code_size: bytes of @code
 * @func_cnt: of @funcs
 * @insn_cnt: of @insns
 */
struct kapsel_image {
	unsigned char *code;
	struct kapsel_image_func *funcs;
	struct kapsel_image_insn *insns;
	__u32 code_size;
	__u32 func_cnt;
	__u32 insn_cnt;
};

/**
 * kapsel_prog_image - read a program's machine code
 * @fd: of the program
 * @image: filled; kapsel_image_free() releases it
 * @err: filled on failure: -EOPNOTSUPP it is interpreted, -EPERM the caller may not
 *	see kernel addresses
 */
int kapsel_prog_image(int fd, struct kapsel_image *image, struct kapsel_error *err);
/** kapsel_image_free - release what kapsel_prog_image() filled */
void kapsel_image_free(struct kapsel_image *image);

/**
 * kapsel_prog_fetch - a loaded program as it was verified, with its maps' names
 * @dev: device
 * @fd: of the program, which stays the caller's
 * @err: filled on failure
 *
 * The kernel keeps no names of functions and no lines.
 *
 * Return: the program, to be released by kapsel_prog_release(), or NULL.
 */
struct kapsel_prog *kapsel_prog_fetch(const struct kapsel_dev *dev, int fd,
				      struct kapsel_error *err);
/** kapsel_prog_release - a program that was fetched; NULL is fine */
void kapsel_prog_release(struct kapsel_prog *prog);
/** kapsel_pin_obj - keep an object under a name */
int kapsel_pin_obj(const struct kapsel_dev *dev, int fd, const char *name,
		   struct kapsel_error *err);
/** kapsel_unpin - give the name and its reference up */
int kapsel_unpin(const struct kapsel_dev *dev, const char *name,
		 struct kapsel_error *err);
/** kapsel_get_pinned - an fd of the object pinned as @name, or -errno */
int kapsel_get_pinned(const struct kapsel_dev *dev, const char *name,
		      struct kapsel_error *err);

/**
 * struct kapsel_view - a map in the kernel, with its types
 * @dev: the device, of whoever opened the view
 * @fd: of the map, the caller's
 * @info: of it
 * @btf: its types, or NULL
 * @cpus: values of a key; 1 unless the map is per CPU
 * @stride: bytes of one of them in a buffer
 * @name: of the map
 * @id: of the map
 * @holds: KAPSEL_OBJ_*: its values are ids of such objects, and are set by their
 *	descriptors; 0: no
 */
struct kapsel_view {
	const struct kapsel_dev *dev;
	int fd;
	struct kapsel_map_info info;
	struct btf *btf;
	__u32 cpus;
	__u32 stride;
	char name[KAPSEL_NAME_LEN];
	__u32 id;
	__u32 holds;
};

/** kapsel_view_open - look at the map behind @fd, which stays the caller's */
int kapsel_view_open(const struct kapsel_dev *dev, int fd, struct kapsel_view *view,
		     struct kapsel_error *err);
/** kapsel_view_close - release the types */
void kapsel_view_close(struct kapsel_view *view);

/** kapsel_map_get - value(s) of @key: view->cpus * view->stride bytes */
int kapsel_map_get(const struct kapsel_view *view, const void *key, void *value,
		   struct kapsel_error *err);
/** kapsel_map_set - store value(s); @flags BPF_ANY, BPF_NOEXIST, BPF_EXIST */
int kapsel_map_set(const struct kapsel_view *view, const void *key,
		   const void *value, __u64 flags, struct kapsel_error *err);
/** kapsel_map_take - kapsel_map_get() and remove it; of a queue or stack: pop */
int kapsel_map_take(const struct kapsel_view *view, const void *key, void *value,
		    struct kapsel_error *err);
/** kapsel_map_del - remove a key */
int kapsel_map_del(const struct kapsel_view *view, const void *key,
		   struct kapsel_error *err);

/**
 * kapsel_map_each - all elements, each once
 * @view: of the map
 * @fn: called with key and value(s); what it returns if not 0 ends the walk
 * @ctx: handed to it
 * @err: filled on failure
 *
 * Return: 0, what @fn returned, or -errno.
 */
int kapsel_map_each(const struct kapsel_view *view,
		    int (*fn)(void *ctx, const void *key, const void *value),
		    void *ctx, struct kapsel_error *err);

struct kapsel_ring;

/** kapsel_has_records - is a map of enum bpf_map_type @type read as a ring buffer? */
bool kapsel_has_records(__u32 type);

/** kapsel_ring_size - bytes of a map's ring buffer, for kapsel_ring_open() */
__u32 kapsel_ring_size(const struct kapsel_dev *dev, __u32 type, __u32 max_entries);

/** kapsel_ring_open - read a ring buffer of @size bytes; NULL: @err says why */
struct kapsel_ring *kapsel_ring_open(int map_fd, __u32 size, struct kapsel_error *err);
/** kapsel_ring_close - NULL is fine */
void kapsel_ring_close(struct kapsel_ring *ring);
/** kapsel_ring_fd - readable when there are records; for poll() and epoll */
int kapsel_ring_fd(const struct kapsel_ring *ring);

/**
 * kapsel_ring_read - hand out the records that are there, oldest first
 * @ring: the ring buffer
 * @fn: called for each; what it returns if not 0 ends the reading behind it
 * @ctx: handed to it
 *
 * Return: 0, or what @fn returned.
 */
int kapsel_ring_read(struct kapsel_ring *ring,
		     int (*fn)(void *ctx, const void *data, __u32 size), void *ctx);

struct kapsel_producer;

/**
 * kapsel_producer_open - write to a user ring buffer of @size bytes
 *
 * Nobody else may write to it meanwhile. Return: NULL: @err says why.
 */
struct kapsel_producer *kapsel_producer_open(int map_fd, __u32 size, struct kapsel_error *err);
/** kapsel_producer_close - NULL is fine */
void kapsel_producer_close(struct kapsel_producer *p);
/** kapsel_producer_fd - writable when there is room; for poll() and epoll */
int kapsel_producer_fd(const struct kapsel_producer *p);

/** kapsel_producer_push - write a sample: 0, -ENOSPC (no room yet) or -E2BIG (never) */
int kapsel_producer_push(struct kapsel_producer *p, const void *sample, __u32 len);

/** struct kapsel_run_opts - input of a program that is run by hand */
struct kapsel_run_opts {
	const void *ctx;	/* struct pt_regs or struct __sk_buff, or NULL */
	__u32 ctx_size;
	const void *data;	/* packet from the IP header on, or NULL */
	__u32 data_size;
	__u32 hooknum;		/* netfilter: NF_INET_* */
	__u32 repeat;		/* 0 as 1; a run that does not finish is the last */
	const struct kapsel_budget *budget; /* offline, or NULL */
};

/** struct kapsel_run_result - what came of it; @duration_ns is the mean of a run */
struct kapsel_run_result {
	__u64 retval;
	__u64 duration_ns;
	__u64 insns;		/* offline: instructions of the last run */
	bool finished;		/* offline: it was not stopped, and so has a result */
};

/** kapsel_run_device - run a loaded program on the device, on given input */
int kapsel_run_device(int prog_fd, const struct kapsel_run_opts *opts,
		      struct kapsel_run_result *run, struct kapsel_error *err);

struct kapsel_offline;

/**
 * kapsel_offline_open - make a program ready to be run here, by the core's interpreter
 * @prog: the program; it is verified first
 * @budget: or NULL
 * @trace: where ring buffer records and trace_printk lines go, or NULL
 * @offline: gets it; NULL on failure
 * @res: verdict; free it
 * @err: filled on failure
 *
 * Maps begin with the object's contents, and each run finds what the one before left;
 * kernel memory can't be read (-EFAULT); the task is always pid 1 of uid 0, "kapsel".
 */
int kapsel_offline_open(const struct kapsel_prog *prog, const struct kapsel_budget *budget,
			FILE *trace, struct kapsel_offline **offline,
			struct kapsel_result *res, struct kapsel_error *err);

/** kapsel_offline_run - run it; -ENOMEM is all that can fail */
int kapsel_offline_run(struct kapsel_offline *offline, const struct kapsel_run_opts *opts,
		       struct kapsel_run_result *run, struct kapsel_error *err);

/** kapsel_offline_close - release it; NULL is fine */
void kapsel_offline_close(struct kapsel_offline *offline);

/**
 * kapsel_run_offline - open, run and close
 * @prog: the program; it is verified first
 * @opts: input
 * @trace: where ring buffer records and trace_printk lines go, or NULL
 * @run: filled
 * @res: verdict; free it
 * @err: filled on failure
 *
 * Maps begin with the object's contents and end with the run.
 */
int kapsel_run_offline(const struct kapsel_prog *prog,
		       const struct kapsel_run_opts *opts, FILE *trace,
		       struct kapsel_run_result *run, struct kapsel_result *res,
		       struct kapsel_error *err);

#endif
