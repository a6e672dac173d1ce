/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel command - packets of a captured file, one after the other through a program */
#ifndef PACKETS_H
#define PACKETS_H

#include "cli.h"

/**
 * packets_run - run a program on each packet of a file, and print the verdicts
 * @data: a pcap or pcapng file
 * @size: bytes
 * @one: runs it on one packet; 0 or an exit status, when it has said why
 * @priv: passed to it
 *
 * Return: 0 or an exit status.
 */
int packets_run(const void *data, size_t size,
		int (*one)(void *priv, const struct kapsel_packet *packet,
			   struct kapsel_run_result *run),
		void *priv);

/** read_file - a whole file, in memory of its own; 0 or an exit status */
int read_file(const char *path, char **data, size_t *size);

#endif
