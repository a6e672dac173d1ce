/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libkapsel - objects made by clang, the verifier offline, the device, and
 * what there is to say about them
 *
 * Unless said otherwise: functions return 0 or a negative errno and then fill
 * @err, one sentence that names the thing at fault; what a function returns by
 * pointer stays the object's it came from; different objects may be used by
 * different threads, one object by one thread at a time. The library has no
 * global state and prints nothing by itself.
 */
#ifndef KAPSEL_H
#define KAPSEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <linux/bpf.h>
#include <linux/types.h>
#include <linux/kapsel.h>

struct btf;
struct kapsel_object;

/**
 * struct kapsel_error - why something failed
 * @err: negative errno, 0: nothing failed
 * @code: of the verdict (KV and KA codes, see struct kapsel_verdict), or 0
 * @text: one line without newline
 * @hint: what may help, one line, or empty
 */
struct kapsel_error {
	int err;
	__u32 code;
	char text[480];
	char hint[320];
};

/** kapsel_errno_name - "EACCES (Permission denied)" in @buf; the sign of @err is ignored */
const char *kapsel_errno_name(int err, char *buf, size_t size);

/** kapsel_edits - how many letters to change to make @a @b, for "did you mean" */
__u32 kapsel_edits(const char *a, const char *b);

/* ------------------------------------------------------------------------
 * Hooks: where a program goes
 */

#define KAPSEL_TARGET_LEN 256

/**
 * struct kapsel_hook - a place to attach to
 * @hook: KAPSEL_HOOK_*, 0: none given
 * @prog_type: KAPSEL_PROG_* that belongs to it
 * @target: function of a kprobe or kretprobe; empty: still to be given
 * @addr: its address, 0: to be looked up by name
 * @offset: bytes into it
 * @maxactive: of a kretprobe, 0: the kernel's default
 * @family: NFPROTO_*
 * @hooknum: NF_INET_*
 * @priority: of a netfilter hook
 */
struct kapsel_hook {
	__u32 hook;
	__u32 prog_type;
	char target[KAPSEL_TARGET_LEN];
	__u64 addr;
	__u64 offset;
	__u32 maxactive;
	__u32 family;
	__u32 hooknum;
	__s32 priority;
};

/** kapsel_hook_from_sec - the hook that a section name stands for */
int kapsel_hook_from_sec(const char *sec, struct kapsel_hook *hook,
			 struct kapsel_error *err);

/** kapsel_hook_parse - a hook as people write it: kprobe:FUNC+OFF, nf:inet:input */
int kapsel_hook_parse(const char *words, struct kapsel_hook *hook,
		      struct kapsel_error *err);

/** kapsel_hook_format - the same words again; returns @buf */
const char *kapsel_hook_format(const struct kapsel_hook *hook, char *buf,
			       size_t size);

/* ------------------------------------------------------------------------
 * Objects: ELF files by clang -target bpf
 */

/**
 * struct kapsel_line - where an instruction comes from
 * @insn: first slot it speaks of; it holds up to the next line's
 * @line: 0: the compiler did not say
 * @col: from 1
 * @file: as the compiler was given it
 * @text: the line itself, with its indentation
 */
struct kapsel_line {
	__u32 insn;
	__u32 line;
	__u32 col;
	const char *file;
	const char *text;
};

/**
 * struct kapsel_func - a function of a linked program
 * @name: of the function
 * @start: first slot
 * @end: one past the last slot
 */
struct kapsel_func {
	const char *name;
	__u32 start;
	__u32 end;
};

/**
 * struct kapsel_map - a map of an object
 * @name: of the variable, or the section's for .rodata, .data and .bss
 * @type: enum bpf_map_type
 * @key_size: bytes
 * @value_size: bytes
 * @max_entries: as in struct kapsel_map_create
 * @flags: BPF_F_*
 * @key_type: BTF id in kapsel_btf(), 0: unknown
 * @value_type: BTF id, 0: unknown; of a ring buffer: of its records
 * @data: of a section: @value_size bytes of contents; may be changed before
 *	kapsel_maps_create()
 * @frozen: userspace may not write it once it is filled
 * @section: index of the ELF section behind it; 0: from .maps
 * @offset: of the variable in .maps
 * @fd: of the map in the kernel, -1: none yet. Closed with the object
 */
struct kapsel_map {
	const char *name;
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 flags;
	__u32 key_type;
	__u32 value_type;
	void *data;
	bool frozen;
	__u32 section;
	__u32 offset;
	int fd;
};

/**
 * struct kapsel_prog - a program of an object, linked and ready to load
 * @obj: its object
 * @name: of its main function
 * @section: as in SEC()
 * @hook: what @section says; may be changed before attaching
 * @insns: functions one behind the other, main first. Map references carry the
 *	index of the map in the object where the kernel wants an fd
 * @insn_cnt: slots
 * @lines: sorted by insn
 * @nr_lines: how many
 * @funcs: sorted by start
 * @nr_funcs: how many
 * @maps: maps used, as indexes in the object, by first use
 * @nr_maps: how many
 * @fd: of the program in the kernel, -1: none yet. Closed with the object
 */
struct kapsel_prog {
	const struct kapsel_object *obj;
	const char *name;
	const char *section;
	struct kapsel_hook hook;
	struct bpf_insn *insns;
	__u32 insn_cnt;
	struct kapsel_line *lines;
	__u32 nr_lines;
	struct kapsel_func *funcs;
	__u32 nr_funcs;
	__u32 *maps;
	__u32 nr_maps;
	int fd;
};

/**
 * kapsel_open - read an object and link its programs
 * @path: of the file
 * @err: filled on failure
 *
 * Return: the object, to be closed by kapsel_close(), or NULL.
 */
struct kapsel_object *kapsel_open(const char *path, struct kapsel_error *err);

/** kapsel_open_mem - the same from memory, which is copied; @name for messages */
struct kapsel_object *kapsel_open_mem(const void *image, size_t size,
				      const char *name, struct kapsel_error *err);

/** kapsel_close - release it with all its programs, maps and fds; NULL is fine */
void kapsel_close(struct kapsel_object *obj);

/** kapsel_nr_progs - how many programs */
__u32 kapsel_nr_progs(const struct kapsel_object *obj);
/** kapsel_prog_at - program @i, in the order of the file */
struct kapsel_prog *kapsel_prog_at(const struct kapsel_object *obj, __u32 i);
/** kapsel_prog_find - by name, or NULL */
struct kapsel_prog *kapsel_prog_find(const struct kapsel_object *obj,
				     const char *name);
/** kapsel_nr_maps - how many maps */
__u32 kapsel_nr_maps(const struct kapsel_object *obj);
/** kapsel_map_at - map @i: those of .maps first */
struct kapsel_map *kapsel_map_at(const struct kapsel_object *obj, __u32 i);
/** kapsel_map_find - by name, or NULL */
struct kapsel_map *kapsel_map_find(const struct kapsel_object *obj,
				   const char *name);
/** kapsel_object_name - the path it was opened by */
const char *kapsel_object_name(const struct kapsel_object *obj);
/** kapsel_license - as in SEC("license"), "" if there is none */
const char *kapsel_license(const struct kapsel_object *obj);
/** kapsel_license_is_gpl - whether that is compatible with the GPL, as Linux decides it */
bool kapsel_license_is_gpl(const char *license);
/** kapsel_btf - its type information, NULL if there is none */
const struct btf *kapsel_btf(const struct kapsel_object *obj);

/**
 * kapsel_set_global - give a global variable in .rodata or .data a value
 * @obj: not loaded yet
 * @name: of the variable
 * @value: as kapsel_btf_parse() takes it
 * @err: filled on failure
 */
int kapsel_set_global(struct kapsel_object *obj, const char *name,
		      const char *value, struct kapsel_error *err);

/**
 * kapsel_line_of - the source line of an instruction
 * @prog: the program
 * @insn: slot
 * @near: out: the line is a neighbour's, the instruction itself has none
 *
 * Return: the line, or NULL if the function has none at all.
 */
const struct kapsel_line *kapsel_line_of(const struct kapsel_prog *prog,
					 __u32 insn, bool *near);

/** kapsel_func_of - the function that an instruction is in, or NULL */
const struct kapsel_func *kapsel_func_of(const struct kapsel_prog *prog,
					 __u32 insn);

/** kapsel_func_is_static - whether @func is called by others: not the main one */
static inline bool kapsel_func_is_sub(const struct kapsel_func *func)
{
	return func->start != 0;
}

/**
 * kapsel_disasm - the text of an instruction, maps by name
 * @prog: the program
 * @insn: slot
 * @buf: room for the text
 * @size: of it, bytes; 192 is enough
 *
 * Return: slots taken, 1 or 2.
 */
__u32 kapsel_disasm(const struct kapsel_prog *prog, __u32 insn, char *buf,
		    size_t size);

/* ------------------------------------------------------------------------
 * JSON: a small streaming writer
 */

/**
 * struct kapsel_json - a document being written
 * @out: stream
 * @depth: open objects and arrays
 * @more: bit @depth: a member was written there, so a comma is due
 */
struct kapsel_json {
	FILE *out;
	unsigned int depth;
	__u64 more;
};

/** kapsel_json_open - begin an object '{' or array '['; @key NULL: no key */
void kapsel_json_open(struct kapsel_json *js, const char *key, char bracket);
/** kapsel_json_close - end it with '}' or ']' */
void kapsel_json_close(struct kapsel_json *js, char bracket);
/** kapsel_json_str - a string, escaped; NULL becomes null */
void kapsel_json_str(struct kapsel_json *js, const char *key, const char *value);
/** kapsel_json_strn - a string of @len bytes, which may hold anything */
void kapsel_json_strn(struct kapsel_json *js, const char *key,
		      const char *value, size_t len);
/** kapsel_json_u64 - a number */
void kapsel_json_u64(struct kapsel_json *js, const char *key, __u64 value);
/** kapsel_json_s64 - a number */
void kapsel_json_s64(struct kapsel_json *js, const char *key, __s64 value);
/** kapsel_json_bool - true or false */
void kapsel_json_bool(struct kapsel_json *js, const char *key, bool value);

/* ------------------------------------------------------------------------
 * Values by their BTF type
 */

/**
 * kapsel_btf_print - a value as text
 * @out: stream
 * @btf: types; NULL prints bytes
 * @type: id in @btf; 0 prints bytes
 * @data: the value
 * @size: bytes there are
 *
 * Numbers decimal, enums by name, char arrays as strings, pointers hexadecimal,
 * structs as {a=1, b=2}. What @size cuts off is shown as bytes.
 */
void kapsel_btf_print(FILE *out, const struct btf *btf, __u32 type,
		      const void *data, size_t size);

/** kapsel_btf_json - the same value as a JSON member */
void kapsel_btf_json(struct kapsel_json *js, const char *key,
		     const struct btf *btf, __u32 type, const void *data,
		     size_t size);

/**
 * kapsel_btf_parse - a value from text, the inverse of kapsel_btf_print()
 * @btf: types
 * @type: id
 * @text: a number, 'c', "string", an enumerator's name, {a=1,b=2}, {1,2},
 *	an IPv4 address for 4 bytes or an IPv6 address for 16, or hex:0a1b...
 * @data: room for the value
 * @size: of it, bytes; what @text does not mention becomes zero
 * @err: filled on failure
 */
int kapsel_btf_parse(const struct btf *btf, __u32 type, const char *text,
		     void *data, size_t size, struct kapsel_error *err);

/** kapsel_btf_number - the value of an integer; false: @type is none */
bool kapsel_btf_number(const struct btf *btf, __u32 type, const void *data,
		       size_t size, __s64 *number);

/** kapsel_btf_name - a type as C writes it: "struct event", "char[16]"; returns @buf */
const char *kapsel_btf_name(const struct btf *btf, __u32 type, char *buf,
			    size_t size);

/**
 * struct kapsel_field - a member of a struct
 * @name: of the member
 * @type: BTF id
 * @offset: bytes
 * @size: bytes
 */
struct kapsel_field {
	const char *name;
	__u32 type;
	__u32 offset;
	__u32 size;
};

/** kapsel_btf_fields - members of struct @type, at most @room; returns how many it has */
__u32 kapsel_btf_fields(const struct btf *btf, __u32 type,
			struct kapsel_field *fields, __u32 room);

/** kapsel_btf_size - bytes of a type, 0 if it has none */
__u32 kapsel_btf_size(const struct btf *btf, __u32 type);

/**
 * kapsel_event_type - the struct that a ring buffer's records have
 * @btf: of the object
 * @map: name of the ring buffer
 *
 * A ring buffer's definition does not say it; by kapsel's convention it is, in
 * this order: the struct named as the map or as the map without its plural s,
 * either of these with "_event"; struct event; the only struct whose name ends
 * in "event".
 *
 * Return: its id, or 0.
 */
__u32 kapsel_event_type(const struct btf *btf, const char *map);

/* ------------------------------------------------------------------------
 * Verdicts: what a load or an attachment answers, rendered
 */

/**
 * struct kapsel_result - a verdict with its records
 * @err: 0 or negative errno
 * @verdict: the fixed part
 * @recs: records (struct kapsel_rec), freed by kapsel_result_free()
 * @size: of @recs, bytes
 * @ns: time it took
 */
struct kapsel_result {
	int err;
	struct kapsel_verdict verdict;
	void *recs;
	size_t size;
	__u64 ns;
};

/** kapsel_result_free - release what @res holds, not @res */
void kapsel_result_free(struct kapsel_result *res);

/**
 * struct kapsel_budget - limits of a load; 0: the default
 * @ceiling: most instructions a run may take
 * @insns: most instructions the verifier may visit
 * @bytes: of the verifier's memory
 * @ms: of time
 */
struct kapsel_budget {
	__u64 ceiling;
	__u64 insns;
	__u64 bytes;
	__u32 ms;
};

/**
 * kapsel_verify_offline - the verdict that the kernel module would give
 * @prog: the program
 * @budget: or NULL
 * @res: filled in any case; free it
 * @err: filled on failure
 *
 * Return: 0 accepted; res->err and err->code say why not.
 */
int kapsel_verify_offline(const struct kapsel_prog *prog,
			  const struct kapsel_budget *budget,
			  struct kapsel_result *res, struct kapsel_error *err);

/** kapsel_verifier_revision - of the verifier in this library */
__u32 kapsel_verifier_revision(void);

/**
 * struct kapsel_render - how to show records
 * @out: stream
 * @prog: the program, for names and source lines; NULL: raw loads
 * @colour: use terminal colours
 * @verbose: 0: errors and warnings; 1: all numbers known; 2: every step
 */
struct kapsel_render {
	FILE *out;
	const struct kapsel_prog *prog;
	bool colour;
	int verbose;
};

/** kapsel_render_text - all records of @res for people */
void kapsel_render_text(const struct kapsel_render *how,
			const struct kapsel_result *res);

/**
 * kapsel_render_json - errors and warnings of @res as an array of objects
 * @js: document
 * @key: of the array, or NULL
 * @prog: or NULL
 * @res: the result
 *
 * Members: v (1), code, severity, title, insn, prog, section, function, disasm,
 * file, line, col, near, text, needs {min, max, missing, access, size, text},
 * helper, arg, detail, has and other {reg, kind, maybe_null, object, map, size,
 * smin, smax, umin, umax, s32_min, ..., bits_value, bits_mask}, path [{insn,
 * event, outcome, file, line, col, near, facts}], hint. What is not known is
 * left out.
 */
void kapsel_render_json(struct kapsel_json *js, const char *key,
			const struct kapsel_prog *prog,
			const struct kapsel_result *res);

/* Codes that tell of the environment rather than of a program. */
#define KAPSEL_CODE_CAPABILITY	1001
#define KAPSEL_CODE_LOCKDOWN	1002

/** kapsel_code_name - "KV021", "KA003"; returns @buf */
const char *kapsel_code_name(__u32 code, char *buf, size_t size);

/* ------------------------------------------------------------------------
 * The device
 */

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
 * @cookie: kept with the link
 * @netns_fd: network namespace, -1: the caller's
 */
struct kapsel_attach_opts {
	const char *name;
	__u64 cookie;
	int netns_fd;
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

/** kapsel_next_id - next object of a kind behind *@id; false: no more */
bool kapsel_next_id(const struct kapsel_dev *dev, __u32 kind, __u32 *id);
/** kapsel_fd_by_id - an fd of an object, or -errno */
int kapsel_fd_by_id(const struct kapsel_dev *dev, __u32 kind, __u32 id,
		    struct kapsel_error *err);
/** kapsel_obj_info - what an fd's object is; pointers in @info may be set by the caller */
int kapsel_obj_info(int fd, struct kapsel_obj_info *info, struct kapsel_error *err);
/** kapsel_pin - keep an object under a name */
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
 * @fd: of the map, the caller's
 * @info: of it
 * @btf: its types, or NULL
 * @cpus: values of a key; 1 unless the map is per CPU
 * @stride: bytes of one of them in a buffer
 * @name: of the map
 * @id: of the map
 */
struct kapsel_view {
	int fd;
	struct kapsel_map_info info;
	struct btf *btf;
	__u32 cpus;
	__u32 stride;
	char name[KAPSEL_NAME_LEN];
	__u32 id;
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

/** struct kapsel_run_opts - input of a program that is run by hand */
struct kapsel_run_opts {
	const void *ctx;	/* struct pt_regs or struct __sk_buff, or NULL */
	__u32 ctx_size;
	const void *data;	/* packet from the IP header on, or NULL */
	__u32 data_size;
	__u32 hooknum;		/* netfilter: NF_INET_* */
	__u32 repeat;		/* 0 as 1 */
};

/** struct kapsel_run_result - what came of it; @duration_ns is the mean of a run */
struct kapsel_run_result {
	__u64 retval;
	__u64 duration_ns;
	__u64 insns;		/* offline: instructions of the last run */
	bool finished;		/* offline: it was not ended by the fuel counter */
};

/** kapsel_run_device - run a loaded program on the device, on given input */
int kapsel_run_device(int prog_fd, const struct kapsel_run_opts *opts,
		      struct kapsel_run_result *run, struct kapsel_error *err);

/**
 * kapsel_run_offline - run a program here, by the core's interpreter
 * @prog: the program; it is verified first
 * @opts: input
 * @trace: where ring buffer records and trace_printk lines go, or NULL
 * @run: filled
 * @res: verdict; free it
 * @err: filled on failure
 *
 * Maps begin with the object's contents and end with the run; kernel memory
 * can't be read (-EFAULT); the task is always pid 1 of uid 0, "kapsel".
 */
int kapsel_run_offline(const struct kapsel_prog *prog,
		       const struct kapsel_run_opts *opts, FILE *trace,
		       struct kapsel_run_result *run, struct kapsel_result *res,
		       struct kapsel_error *err);

/**
 * kapsel_symbols_like - functions of the running kernel that a name may mean
 * @name: as somebody wrote it
 * @names: filled with at most @room names, nearest first
 * @room: how many
 *
 * Return: how many were filled in.
 */
__u32 kapsel_symbols_like(const char *name, char (*names)[KAPSEL_TARGET_LEN],
			  __u32 room);

/* ------------------------------------------------------------------------
 * Tables: what there is
 */

/**
 * struct kapsel_code - a row of the diagnostics
 * @code: see struct kapsel_verdict
 * @name: short name
 * @title: what may go wrong
 * @rule: what the verifier asks for
 * @bad: smallest program that breaks it
 * @fix: what to do
 */
struct kapsel_code {
	__u32 code;
	const char *name;
	const char *title;
	const char *rule;
	const char *bad;
	const char *fix;
};

/** kapsel_code_at - row @i, or NULL behind the last */
const struct kapsel_code *kapsel_code_at(__u32 i);
/** kapsel_code_find - by number, or NULL */
const struct kapsel_code *kapsel_code_find(__u32 code);

/** struct kapsel_helper_doc - a helper: its row, C prototype and one line */
struct kapsel_helper_doc {
	struct kapsel_helper_info info;
	char proto[200];
	const char *doc;
};

/** kapsel_helper_at - fill @doc with row @i; false behind the last */
bool kapsel_helper_at(__u32 i, struct kapsel_helper_doc *doc);

/** struct kapsel_map_type_doc - a map type */
struct kapsel_map_type_doc {
	struct kapsel_map_type_info info;
	const char *doc;
};

/** kapsel_map_type_at - fill @doc with row @i; false behind the last */
bool kapsel_map_type_at(__u32 i, struct kapsel_map_type_doc *doc);
/** kapsel_map_type_name - Linux's name of a map type, "type 99" if it has none */
const char *kapsel_map_type_name(__u32 type, char *buf, size_t size);

/** struct kapsel_prog_type_doc - a program type */
struct kapsel_prog_type_doc {
	__u32 type;
	const char *name;
	const char *context;
	__u32 ctx_size;
	__s64 ret_min;
	__s64 ret_max;
	__u32 bit;
	const char *doc;
};

/** kapsel_prog_type_at - fill @doc with row @i; false behind the last */
bool kapsel_prog_type_at(__u32 i, struct kapsel_prog_type_doc *doc);
/** kapsel_prog_type_name - "kprobe"; "?" if there is none */
const char *kapsel_prog_type_name(__u32 type);
/** kapsel_ctx_field_at - field @i of program type @type; false behind the last */
bool kapsel_ctx_field_at(__u32 type, __u32 i, struct kapsel_ctx_info *info);

/** struct kapsel_hook_doc - a kind of hook */
struct kapsel_hook_doc {
	__u32 hook;
	const char *name;
	const char *form;
	const char *sections;
	__u32 prog_type;
	const char *doc;
};

/** kapsel_hook_doc_at - row @i, or NULL behind the last */
const struct kapsel_hook_doc *kapsel_hook_doc_at(__u32 i);

#endif
