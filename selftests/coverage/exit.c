// SPDX-License-Identifier: GPL-2.0-only
/* A test that ends by _exit() leaves its counts, too. Linked by --wrap=_exit */

#include <gcov.h>
#include <unistd.h>

typeof(_exit) __real__exit, __wrap__exit;

void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
