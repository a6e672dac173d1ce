/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - ring buffer records printed by their type */
#ifndef EVENTS_H
#define EVENTS_H

#include "cli.h"

#define EVENT_FIELDS 32

/**
 * struct events - a ring buffer being printed
 * @ring: the ring buffer
 * @map: of the object
 * @btf: types
 * @type: of a record, 0: not known
 * @fields: its members, columns of the text
 * @nr_fields: how many
 * @widths: of the columns
 * @named: put the map's name before each record
 * @titled: the columns' names were printed
 * @boot: nanoseconds from the monotonic clock's start to 1970's
 * @count: records so far
 * @limit: most records to print, 0: no limit
 */
struct events {
	struct kapsel_ring *ring;
	const struct kapsel_map *map;
	const struct btf *btf;
	__u32 type;
	struct kapsel_field fields[EVENT_FIELDS];
	__u32 nr_fields;
	int widths[EVENT_FIELDS];
	bool named;
	bool titled;
	__s64 boot;
	__u64 *count;
	__u64 limit;
};

/** events_open - begin to print a ring buffer; 0 or an exit status */
int events_open(struct events *ev, const struct kapsel_dev *dev,
		const struct kapsel_object *obj, const struct kapsel_map *map);

/** events_print - print what is there; true: the limit is reached */
bool events_print(struct events *ev);

/** events_close - release it */
void events_close(struct events *ev);

#endif
