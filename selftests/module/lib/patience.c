// SPDX-License-Identifier: GPL-2.0-only
/* Tests of the module may take longer where the kernel does */

#include <stdlib.h>
#include <unistd.h>

typeof(alarm) __real_alarm;
typeof(alarm) __wrap_alarm;

/*
 * The harness ends a test by alarm(), after seconds that are meant for Debian's kernel.
 * One with KASAN and lockdep, in an emulated machine, takes as many times as
 * KAPSEL_PATIENCE says (scripts/guest/run-tests).
 */
unsigned int __wrap_alarm(unsigned int seconds)
{
	const char *times = getenv("KAPSEL_PATIENCE");

	return __real_alarm(times ? seconds * (unsigned int)atoi(times) : seconds);
}
