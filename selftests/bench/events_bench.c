// SPDX-License-Identifier: GPL-2.0-only
/*
 * What running programs costs, in instructions of a VM whose clock counts them: by
 * nothing, by a handler in C that does nothing, by kapsel, and by the kernel's own
 * eBPF, all in one run.
 *
 *	make bench-events
 *
 *	events_bench [-j JSON] [-s SVG] FOLDER
 *
 * FOLDER: where the object files are.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/kapsel.h>

#include "events.h"
#include "figures.h"

#define TRIES 7

int bench_floor, bench_dev;

static const char *folder;

void bench_object(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", folder, name);
}

double bench_least(double (*measure)(void))
{
	double least = measure();

	for (int i = 1; i < TRIES; i++) {
		double again = measure();

		least = again < least ? again : least;
	}
	return least;
}

static int open_device(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		perror(path);
	return fd;
}

static int put(const char *path, const char *kernel, void (*print)(FILE *to, const char *kernel))
{
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		return 1;
	}
	print(f, kernel);
	return fclose(f) != 0;
}

int main(int argc, char **argv)
{
	const char *json = NULL, *svg = NULL;
	struct utsname machine;
	int opt, status = 0;

	while ((opt = getopt(argc, argv, "j:s:")) != -1) {
		if (opt == 'j')
			json = optarg;
		else if (opt == 's')
			svg = optarg;
		else
			return 2;
	}
	bench_floor = open_device(FLOOR_DEVICE);
	bench_dev = open_device(KAPSEL_DEVICE);
	if (bench_floor < 0 || bench_dev < 0 || optind != argc - 1)
		return 2;
	folder = argv[optind];
	uname(&machine);
	bench_events();
	bench_computing();
	printf("Linux %s, guest instructions. Traps, caches and locks cost nothing here.\n\n",
	       machine.release);
	figures_print();
	if (json)
		status |= put(json, machine.release, figures_json);
	if (svg)
		status |= put(svg, machine.release, figures_svg);
	return status;
}
