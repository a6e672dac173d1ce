/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - objects in the kernel: found by name, id or pin; who holds them */
#ifndef OBJECTS_H
#define OBJECTS_H

#include "cli.h"

/**
 * struct object - an object in the kernel
 * @fd: of it, open until objects_free()
 * @info: of it
 * @target: of a link: the function's name
 */
struct object {
	int fd;
	struct kapsel_obj_info info;
	char target[KAPSEL_TARGET_LEN];
};

/** struct objects - many of them */
struct objects {
	struct object *list;
	__u32 count;
};

#define KINDS_ALL 0xf

/** objects_read - all objects of the kinds in the mask (bit 1 << KAPSEL_OBJ_*) */
int objects_read(const struct kapsel_dev *dev, __u32 kinds, struct objects *objs);

/** objects_free - close and release */
void objects_free(struct objects *objs);

/**
 * objects_find - the one that a word means: NAME, ID, NAME@ID, a pin's name, or
 * one of these behind prog:, map: or link:
 * @objs: to look among
 * @word: as typed
 * @what: "map", for messages
 * @status: exit status if there is not exactly one; the message is printed
 */
struct object *objects_find(struct objects *objs, const char *word, const char *what,
			    int *status);

/** object_kind - "prog", "map" or "link" */
const char *object_kind(const struct object *obj);

/** object_hook - where a link is attached; returns @buf */
const char *object_hook(const struct object *obj, char *buf, size_t size);

/** object_holders - who keeps it: its pin, links, programs, processes; returns @buf */
const char *object_holders(const struct kapsel_dev *dev, const struct object *obj,
			   char *buf, size_t size);

/** objects_dev - open the device for a command; 0 or an exit status */
int objects_dev(struct kapsel_dev *dev);

#endif
