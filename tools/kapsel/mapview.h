/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - maps shown: shape, elements, sums over CPUs */
#ifndef MAPVIEW_H
#define MAPVIEW_H

#include "cli.h"

/** mapview_shape - "char[16] -> u64, 256"; returns @buf */
const char *mapview_shape(const struct kapsel_dev *dev, int fd, char *buf, size_t size);

/** mapview_room - elements that the map may have; of those nobody counts, that it has */
__u32 mapview_room(const struct kapsel_view *view);

/** mapview_value - a value for people; per CPU: the sum, or each CPU's */
void mapview_value(FILE *to, const struct kapsel_view *view, const void *value);

/** mapview_value_json - member "value", or "values" and "total" per CPU */
void mapview_value_json(struct kapsel_json *js, const struct kapsel_view *view,
			const void *value);

/** mapview_text - all elements, two columns or drawn, each line after @indent */
int mapview_text(FILE *to, const struct kapsel_view *view, const char *indent,
		 bool skip_zero, struct kapsel_error *err);

/** mapview_json - member "entries" */
int mapview_json(struct kapsel_json *js, const struct kapsel_view *view,
		 bool skip_zero, struct kapsel_error *err);

#endif
