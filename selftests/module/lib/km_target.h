/* SPDX-License-Identifier: GPL-2.0-only */
/* A function of the kernel's to probe, and threads that call it */
#ifndef KM_TARGET_H
#define KM_TARGET_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/types.h>

/* A system call that nobody makes by chance, and the function behind it. */
#define TARGET		"__x64_sys_getpgid"
#define CALLS		1000

static inline void target(void)
{
	syscall(SYS_getpgid, 0);
}

/* Calls a function of the kernel's that may be watched by the program itself; gives 77. */
#define KM_INNER		"copy_from_kernel_nofault"
#define KM_CALLS_INNER					\
	"r3 = r10\n"					\
	"r3 += -8\n"					\
	"*(u64 *)(r10 - 8) = 77\n"			\
	"r1 = r10\n"					\
	"r1 += -16\n"					\
	"r2 = 8\n"					\
	"call bpf_probe_read_kernel\n"			\
	"r0 = *(u64 *)(r10 - 16)\n"			\
	"exit\n"

/**
 * struct km_fire - two threads that call it all the time
 * @stop: they are to end
 * @calls: of both
 * @threads: which
 */
struct km_fire {
	bool stop;
	__u64 calls;
	pthread_t threads[2];
};

static inline void *km_fire_thread(void *arg)
{
	struct km_fire *fire = arg;

	while (!__atomic_load_n(&fire->stop, __ATOMIC_RELAXED)) {
		target();
		__atomic_fetch_add(&fire->calls, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* 0, or what pthread_create() said; then none is left. */
static inline int km_fire_start(struct km_fire *fire)
{
	int err;

	*fire = (struct km_fire){};
	err = pthread_create(&fire->threads[0], NULL, km_fire_thread, fire);
	if (err)
		return err;
	err = pthread_create(&fire->threads[1], NULL, km_fire_thread, fire);
	if (err) {
		__atomic_store_n(&fire->stop, true, __ATOMIC_RELAXED);
		pthread_join(fire->threads[0], NULL);
	}
	return err;
}

static inline void km_fire_stop(struct km_fire *fire)
{
	__atomic_store_n(&fire->stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(fire->threads[i], NULL);
}

#endif
