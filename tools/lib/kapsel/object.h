/* SPDX-License-Identifier: GPL-2.0-only */
/* libkapsel - objects: ELF files by clang -target bpf; see kapsel.h */
#ifndef KAPSEL_OBJECT_H
#define KAPSEL_OBJECT_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/kapsel.h>

#include "hook.h"

struct btf;
struct kapsel_object;

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

/** struct kapsel_initial - what a map of programs, or of maps, holds at first */
struct kapsel_initial {
	__u32 index;	/* or key */
	__u32 target;	/* index of a program, or of a map, in the object */
};

/**
 * struct kapsel_map - a map of an object
 * @name: of the variable, or the section's for .rodata, .data, .bss and .kconfig
 * @type: enum bpf_map_type
 * @key_size: bytes
 * @value_size: bytes
 * @max_entries: as in struct kapsel_map_create
 * @flags: BPF_F_*
 * @extra: as in struct kapsel_map_create
 * @lock_size: as in struct kapsel_map_create
 * @lock_off: as in struct kapsel_map_create
 * @key_type: BTF id in kapsel_btf(), 0: unknown
 * @value_type: BTF id, 0: unknown; of a ring buffer: of its records
 * @data: of a section: @value_size bytes of contents; may be changed before
 *	kapsel_maps_create()
 * @frozen: userspace may not write it once it is filled
 * @section: index of the ELF section behind it; 0: from .maps; ~0: of .kconfig,
 *	which is in no file
 * @offset: of the variable in .maps, or in the section of old definitions
 * @definitions: the name of that section
 * @values_from: @values_to: bytes in .maps of what is said of its contents
 * @initial: what it holds at first, put in as the programs are loaded
 * @nr_initial: how many
 * @inner: of a map of maps: what each of those is like
 * @is_inner: it is such
 * @fd: of the map in the kernel, -1: none yet. Closed with the object
 */
struct kapsel_map {
	const char *name;
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 flags;
	__u32 extra;
	__u32 lock_size;
	__u32 lock_off;
	__u32 key_type;
	__u32 value_type;
	void *data;
	bool frozen;
	__u32 section;
	__u32 offset;
	const char *definitions;
	__u32 values_from;
	__u32 values_to;
	struct kapsel_initial *initial;
	__u32 nr_initial;
	struct kapsel_map *inner;
	bool is_inner;
	int fd;
};

/**
 * struct kapsel_missing - an instruction that speaks of what the kernel does not have
 * @insn: slot; refused if it is reached
 * @text: what it is, and what there is instead
 */
struct kapsel_missing {
	__u32 insn;
	char text[240];
};

/**
 * struct kapsel_prog - a program of an object, linked and ready to load
 * @obj: its object, NULL: it came from kapsel_prog_fetch()
 * @name: of its main function
 * @section: as in SEC()
 * @optional: SEC("?..."): to be loaded only if it is asked for
 * @hook: what @section says; may be changed before attaching
 * @insns: functions one behind the other, main first. Map references carry the
 *	index of the map in the object where the kernel wants an fd
 * @insn_cnt: slots
 * @lines: sorted by insn
 * @nr_lines: how many
 * @funcs: sorted by start
 * @nr_funcs: how many
 * @missing: by CO-RE relocations, in no order
 * @nr_missing: how many
 * @maps: maps used, as indexes in the object, by first use
 * @nr_maps: how many
 * @map_names: without @obj: names of the maps that references are indexes of
 * @fd: of the program in the kernel, -1: none yet. Closed with the object
 */
struct kapsel_prog {
	const struct kapsel_object *obj;
	const char *name;
	const char *section;
	bool optional;
	struct kapsel_hook hook;
	struct bpf_insn *insns;
	__u32 insn_cnt;
	struct kapsel_line *lines;
	__u32 nr_lines;
	struct kapsel_func *funcs;
	__u32 nr_funcs;
	struct kapsel_missing *missing;
	__u32 nr_missing;
	__u32 *maps;
	__u32 nr_maps;
	char (*map_names)[KAPSEL_NAME_LEN];
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

/**
 * struct kapsel_raw - a program that comes from no file
 * @name: of the program
 * @license: as in SEC("license")
 * @prog_type: KAPSEL_PROG_*
 * @insns: the program. Map references carry the index 0, of @data
 * @insn_cnt: slots
 * @data: contents of its one map, an array's only value; not looked at later
 * @data_size: bytes, 0: there is no map
 */
struct kapsel_raw {
	const char *name;
	const char *license;
	__u32 prog_type;
	const struct bpf_insn *insns;
	__u32 insn_cnt;
	const void *data;
	__u32 data_size;
};

/** kapsel_open_raw - an object of one program; to be closed, or NULL */
struct kapsel_object *kapsel_open_raw(const struct kapsel_raw *raw, struct kapsel_error *err);

/** kapsel_close - release it with all its programs, maps and fds; NULL is fine */
void kapsel_close(struct kapsel_object *obj);

/** kapsel_nr_progs - how many programs */
__u32 kapsel_nr_progs(const struct kapsel_object *obj);
/** kapsel_prog_at - program @i, in the order of the file */
struct kapsel_prog *kapsel_prog_at(const struct kapsel_object *obj, __u32 i);
/** kapsel_prog_find - by name, or NULL */
struct kapsel_prog *kapsel_prog_find(const struct kapsel_object *obj,
				     const char *name);
/**
 * struct kapsel_left_out - a program for a hook that kapsel does not have
 * @name: of its main function
 * @section: as in SEC()
 *
 * Objects often have the same program for several hooks, for kernels of all ages.
 */
struct kapsel_left_out {
	const char *name;
	const char *section;
};

/** kapsel_left_out_at - program @i of those left out, or NULL behind the last */
const struct kapsel_left_out *kapsel_left_out_at(const struct kapsel_object *obj, __u32 i);
/** kapsel_has_legacy_maps - are maps defined by SEC("maps"), as before libbpf 1.0? */
bool kapsel_has_legacy_maps(const struct kapsel_object *obj);
/** kapsel_nr_maps - how many maps */
__u32 kapsel_nr_maps(const struct kapsel_object *obj);
/** kapsel_map_at - map @i: those of .maps first */
struct kapsel_map *kapsel_map_at(const struct kapsel_object *obj, __u32 i);
/** kapsel_map_find - by name, or NULL */
struct kapsel_map *kapsel_map_find(const struct kapsel_object *obj,
				   const char *name);
/** kapsel_map_holds - whether @map holds @prog at first */
bool kapsel_map_holds(const struct kapsel_map *map, const struct kapsel_prog *prog);
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

/** kapsel_tail_calls - whether a program makes tail calls, as far as its code says */
bool kapsel_tail_calls(const struct kapsel_prog *prog);

/** kapsel_missing_at - what an instruction misses in the kernel's types, or NULL */
const char *kapsel_missing_at(const struct kapsel_prog *prog, __u32 insn);

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

#endif
