/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - keys of maps as text: prefixes of tries as networks */
#ifndef KEYVIEW_H
#define KEYVIEW_H

#include <stdio.h>

#include "kapsel.h"

/**
 * keyview_text - a key as text: by its type, or 10.0.0.0/8 of a trie
 * @to: where to
 * @view: the map
 * @key: as the map has it
 *
 * A trie's key is a network if 4 or 16 bytes follow the length.
 */
void keyview_text(FILE *to, const struct kapsel_view *view, const void *key);

/** keyview_json - the same as a member "key"; a network is a string */
void keyview_json(struct kapsel_json *js, const struct kapsel_view *view, const void *key);

/** keyview_parse - the inverse; 0 or -errno with @err filled */
int keyview_parse(const struct kapsel_view *view, const char *text, void *key,
		  struct kapsel_error *err);

#endif
