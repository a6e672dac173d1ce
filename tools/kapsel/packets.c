// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - packets of a captured file, one after the other through a program */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "packets.h"

#define MAX_FILE	(256u << 20)
#define MIN_PACKET	20
#define MAX_PACKET	65535

static const struct out_column columns[] = {
	{ "packet", "PACKET", true },
	{ "bytes", "BYTES", true },
	{ "verdict", "VERDICT", false },
	{ "retval", NULL, true },
	{ "insns", "INSNS", true },
	{ "note", "", false },
};

/** struct counts - what became of the packets */
struct counts {
	__u32 accepted;
	__u32 dropped;
	__u32 stopped;
	__u32 skipped;
};

static const char *why_skipped(const struct kapsel_packet *packet)
{
	if (!packet->data)
		return "not IP";
	if (packet->size < MIN_PACKET)
		return "no whole IP header";
	return packet->size > MAX_PACKET ? "longer than a packet can be" : NULL;
}

static void add_skipped(struct out_table *table, const struct kapsel_packet *packet,
			const char *why)
{
	out_u64(table, packet->number);
	out_u64(table, packet->size);
	out_str(table, "skipped");
	out_none(table);
	out_none(table);
	out_str(table, why);
}

static const char *count_verdict(struct counts *counts, const struct kapsel_run_result *run)
{
	if (!run->finished) {
		counts->stopped++;
		return "stopped";
	}
	if (run->retval) {
		counts->accepted++;
		return "accept";
	}
	counts->dropped++;
	return "drop";
}

static void add_run(struct out_table *table, const struct kapsel_packet *packet,
		    const struct kapsel_run_result *run, const char *verdict)
{
	out_u64(table, packet->number);
	out_u64(table, packet->size);
	out_str(table, verdict);
	if (run->finished)
		out_u64(table, run->retval);
	else
		out_none(table);
	if (run->insns)
		out_u64(table, run->insns);
	else
		out_none(table);
	if (!run->finished)
		out_str(table, "ran out of instructions");
	else if (packet->cut)
		out_fmt(table, "%u bytes were not captured", packet->cut);
	else
		out_none(table);
}

static int run_all(struct kapsel_pcap *pcap, struct out_table *table, struct counts *counts,
		   int (*one)(void *priv, const struct kapsel_packet *packet,
			      struct kapsel_run_result *run),
		   void *priv, struct kapsel_error *err)
{
	struct kapsel_packet packet;
	int ret, status;

	while ((ret = kapsel_pcap_next(pcap, &packet, err)) > 0) {
		const char *why = why_skipped(&packet);
		struct kapsel_run_result run;

		if (why) {
			counts->skipped++;
			add_skipped(table, &packet, why);
			continue;
		}
		status = one(priv, &packet, &run);
		if (status)
			return status;
		add_run(table, &packet, &run, count_verdict(counts, &run));
	}
	return ret;
}

static void say_counts(const struct counts *counts)
{
	cli_say("%u accepted, %u dropped", counts->accepted, counts->dropped);
	if (counts->stopped)
		cli_say(", %u stopped", counts->stopped);
	if (counts->skipped)
		cli_say(", %u skipped", counts->skipped);
	cli_say("\n");
}

/* What came before something that is wrong is shown, but for machines, which get one answer. */
int packets_run(const void *data, size_t size,
		int (*one)(void *priv, const struct kapsel_packet *packet,
			   struct kapsel_run_result *run),
		void *priv)
{
	struct kapsel_error err = {};
	struct counts counts = {};
	struct kapsel_pcap pcap;
	struct out_table table;
	int status;

	if (kapsel_pcap_open(&pcap, data, size, &err))
		return cli_fail(&err, CLI_FAILED);
	out_begin(&table, columns, ARRAY_LEN(columns));
	status = run_all(&pcap, &table, &counts, one, priv, &err);
	if (status && cli.json)
		out_free(&table);
	else
		out_end(&table, "packets");
	if (status < 0)
		return cli_fail(&err, CLI_FAILED);
	if (!status)
		say_counts(&counts);
	return status ?: counts.stopped ? CLI_FAILED : CLI_OK;
}

static int cannot_read(const char *path, const char *why)
{
	struct kapsel_error err = { .err = -EIO };

	snprintf(err.text, sizeof(err.text), "cannot read %s: %s", path, why);
	return cli_fail(&err, CLI_FAILED);
}

static int read_all(FILE *file, const char *path, char **data, size_t *size)
{
	size_t room = 65536;
	char *more;

	*size = 0;
	for (;;) {
		more = realloc(*data, room);
		if (!more)
			return cannot_read(path, "no memory");
		*data = more;
		*size += fread(*data + *size, 1, room - *size, file);
		if (*size < room)
			break;
		if (room > MAX_FILE)
			return cannot_read(path, "it is over 256 MiB: split it, as by editcap -c");
		room *= 2;
	}
	if (ferror(file))
		return cannot_read(path, strerror(errno));
	return *size ? 0 : cannot_read(path, "it is empty");
}

int read_file(const char *path, char **data, size_t *size)
{
	FILE *file = fopen(path, "re");
	int status;

	if (!file)
		return cannot_read(path, strerror(errno));
	status = read_all(file, path, data, size);
	fclose(file);
	return status;
}
