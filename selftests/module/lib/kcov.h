/* SPDX-License-Identifier: GPL-2.0-only */
/* What of a module's code this thread ran, where the kernel has KCOV */
#ifndef KM_KCOV_H
#define KM_KCOV_H

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kcov.h>

#define KCOV_WORDS	(64 * 1024)
#define KCOV_MODULES	0xffffffffa0000000UL	/* where x86-64 has modules' code */
#define KCOV_CELLS	(1 << 16)

/**
 * struct kcov - coverage
 * @fd: -1: there is none
 * @words: filled by the kernel: how many, and then addresses
 * @seen: places by the hash of their addresses
 * @places: how many were seen
 */
struct kcov {
	int fd;
	unsigned long *words;
	bool seen[KCOV_CELLS];
	unsigned int places;
};

static inline void kcov_open(struct kcov *k)
{
	memset(k, 0, sizeof(*k));
	k->fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (k->fd < 0)
		return;
	k->words = MAP_FAILED;
	if (!ioctl(k->fd, KCOV_INIT_TRACE, KCOV_WORDS))
		k->words = mmap(NULL, KCOV_WORDS * sizeof(long), PROT_READ | PROT_WRITE,
				MAP_SHARED, k->fd, 0);
	if (k->words != MAP_FAILED && !ioctl(k->fd, KCOV_ENABLE, KCOV_TRACE_PC))
		return;
	close(k->fd);
	k->fd = -1;
}

static inline void kcov_begin(struct kcov *k)
{
	if (k->fd >= 0)
		__atomic_store_n(&k->words[0], 0, __ATOMIC_RELAXED);
}

/* Return: whether anything new was run since kcov_begin(). */
static inline bool kcov_end(struct kcov *k)
{
	unsigned int before = k->places;
	unsigned long n, pc;

	if (k->fd < 0)
		return false;
	n = __atomic_load_n(&k->words[0], __ATOMIC_RELAXED);
	for (unsigned long i = 1; i <= n; i++) {
		pc = k->words[i];
		if (pc < KCOV_MODULES)
			continue;
		pc = pc * 0x9e3779b97f4a7c15UL >> 48;
		k->places += !k->seen[pc];
		k->seen[pc] = true;
	}
	return k->places > before;
}

#endif
