/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of any content, as a host may give it to the core */
#ifndef SELFTESTS_LIB_DIRTY_H
#define SELFTESTS_LIB_DIRTY_H

#include <stdlib.h>
#include <string.h>

/** dirty_memory - @size bytes of malloc(), none of them 0 */
static inline void *dirty_memory(size_t size)
{
	void *mem = malloc(size);

	return mem ? memset(mem, 0xa5, size) : NULL;
}

#endif
