// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading an object: by libkapsel, and by libbpf into the kernel beside it
 *
 * The object has hundreds of instructions, dozens of them relocated against the
 * kernel's types: reading those is what takes the time. Each load is a process of its
 * own, since both libraries keep nothing from one to the next.
 */

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kapsel.h"

#define LOADS 9

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int by_libkapsel(const char *path)
{
	struct kapsel_error err = {};
	struct kapsel_object *obj;
	struct kapsel_result res;
	struct kapsel_dev dev;
	int ret = kapsel_dev_open(&dev, NULL, &err);

	obj = ret ? NULL : kapsel_open(path, &err);
	ret = obj ? kapsel_maps_create(&dev, obj, &err) : -1;
	for (__u32 i = 0; !ret && i < kapsel_nr_progs(obj); i++)
		ret = kapsel_prog_load(&dev, kapsel_prog_at(obj, i), NULL, &res, &err);
	if (ret)
		fprintf(stderr, "libkapsel: %s\n", err.text);
	return ret;
}

static int by_libbpf(const char *path)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);

	return obj ? bpf_object__load(obj) : -1;
}

/* Milliseconds from fork() to the end, or less than 0. */
static double load_once(int (*load)(const char *path), const char *path)
{
	double start = now_ms();
	pid_t child = fork();
	int status;

	if (!child)
		_exit(!!load(path));
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		return -1;
	return now_ms() - start;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median. */
static double load_often(int (*load)(const char *path), const char *path)
{
	double ms[LOADS];

	for (int i = 0; i < LOADS; i++) {
		ms[i] = load_once(load, path);
		if (ms[i] < 0)
			return -1;
	}
	qsort(ms, LOADS, sizeof(*ms), by_value);
	return ms[LOADS / 2];
}

int main(int argc, char **argv)
{
	double ours, theirs;

	if (argc != 2) {
		fprintf(stderr, "usage: object_bench OBJECT\n");
		return 2;
	}
	ours = load_often(by_libkapsel, argv[1]);
	theirs = load_often(by_libbpf, argv[1]);
	if (ours < 0 || theirs < 0) {
		fprintf(stderr, "%s could not be loaded\n", argv[1]);
		return 1;
	}
	printf("libkapsel %.1f ms, libbpf %.1f ms: %.2f of it\n", ours, theirs, ours / theirs);
	return 0;
}
