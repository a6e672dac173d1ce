/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - the functions that a link to many watches, shown */
#ifndef SITEVIEW_H
#define SITEVIEW_H

#include "objects.h"

/** siteview_text - a line for each function, with its cookie if it has one */
void siteview_text(FILE *to, const struct object *link);

/** siteview_json - a member "functions": names and cookies */
void siteview_json(struct kapsel_json *js, const struct object *link);

#endif
