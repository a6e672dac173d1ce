// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same rules, as nftables has them and as programs, on the same packets
 *
 * nftables leaves in each packet's mark what each of its rules says; a program behind
 * it, at all five hooks, compares that with what its own functions say. And examples
 * that drop packets: those that nftables would have dropped are gone, no others are.
 */

#include <linux/kernel.h>
#include <netinet/udp.h>
#include <pthread.h>

#include "kapsel.h"
#include "kselftest_harness.h"
#include "module/lib/km.h"
#include "module/lib/km_packets.h"

#define PORT	7901
#define STREAM	0x40000
#define PIECES	20
#define SAMPLE	96

enum {
#define RULE(name, nft) RULE_##name,
#define BEHIND(name, nft) RULE_##name,
#include "module/lib/nft_rules.tbl"
#undef RULE
#undef BEHIND
	RULES,
};

static const struct { const char *name, *nft; } rules[RULES] = {
#define RULE(name, nft) { #name, nft },
#define BEHIND(name, nft) { #name, "meta mark & 0x80000000 == 0 " nft },
#include "module/lib/nft_rules.tbl"
#undef RULE
#undef BEHIND
};

struct sample {
	__u32 hook;
	__u32 mark;
	__u32 len;
	__u32 way;
	__u8 data[SAMPLE];
};

/* ------------------------------------------------------------------------
 * nftables
 */
#define RULES_FILE "/tmp/rules.nft"

static const char * const hooks[] = { "prerouting", "input", "forward", "output", "postrouting" };

static int load_rules(void)
{
	return system("nft -f " RULES_FILE);
}

static int write_marks(void)
{
	FILE *f = fopen(RULES_FILE, "w");

	if (!f)
		return -errno;
	fprintf(f, "table inet compare {\nchain marks {\nmeta mark set 0\n"
		   "ip frag-off & 0x1fff != 0 meta mark set 0x80000000\n"
		   "frag frag-off != 0 meta mark set 0x80000000\n");
	for (int i = 0; i < RULES; i++)
		fprintf(f, "%s meta mark set meta mark | %#x\n", rules[i].nft, 1 << i);
	fprintf(f, "}\n");
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		fprintf(f, "chain %s { type filter hook %s priority -10; jump marks; }\n",
			hooks[i], hooks[i]);
	fprintf(f, "}\n");
	return fclose(f) ? -errno : load_rules();
}

/* Of packets at a hook: those that are to be dropped and others, before and behind 0. */
static int write_counters(const char *hook, const char *drop)
{
	FILE *f = fopen(RULES_FILE, "w");

	if (!f)
		return -errno;
	fprintf(f, "table inet compare {\nchain judge {\n%s meta mark set 1\n}\n", drop);
	for (int behind = 0; behind < 2; behind++)
		fprintf(f, "chain %s { type filter hook %s priority %d; %s %s; %s; }\n",
			behind ? "behind" : "before", hook, behind ? 10 : -10,
			behind ? "" : "meta mark set 0; jump judge;",
			"meta mark 1 counter", "meta mark 0 counter");
	fprintf(f, "}\n");
	return fclose(f) ? -errno : load_rules();
}

enum { DROP_BEFORE, PASS_BEFORE, DROP_BEHIND, PASS_BEHIND, COUNTERS };

static int read_counters(long counters[COUNTERS])
{
	FILE *f = popen("nft list table inet compare", "r");
	char line[256];
	int n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		char *at = strstr(line, "counter packets ");

		if (at && n < COUNTERS)
			counters[n++] = atol(at + strlen("counter packets "));
	}
	return !f || pclose(f) || n != COUNTERS ? -EIO : 0;
}

/* ------------------------------------------------------------------------
 * Programs
 */
FIXTURE(nft) {
	struct kapsel_dev dev;
	struct kapsel_object *obj;
	struct km_wire wire;
};

static int add_network(int map, const char *text, __u32 bits)
{
	struct { __u32 bits; __u8 addr[16]; } key = { .bits = bits };
	bool six = strchr(text, ':');
	__u64 value = 1;

	inet_pton(six ? AF_INET6 : AF_INET, text, key.addr);
	return km_elem(map, KAPSEL_MAP_UPDATE, &key, six ? 20 : 8, &value, 8, BPF_ANY);
}

static int fd_of(struct kapsel_object *obj, const char *map)
{
	return kapsel_map_find(obj, map)->fd;
}

/* Of @file, with its maps; NULL: it was said why. */
static struct kapsel_object *load(struct kapsel_dev *dev, const char *file, const char *global,
				  const char *value)
{
	struct kapsel_error err = {};
	struct kapsel_object *obj = kapsel_open(file, &err);
	struct kapsel_result res;
	int ret = obj && global ? kapsel_set_global(obj, global, value, &err) : 0;

	ret = ret || !obj ? -1 : kapsel_maps_create(dev, obj, &err);
	for (__u32 i = 0; !ret && i < kapsel_nr_progs(obj); i++) {
		ret = kapsel_prog_load(dev, kapsel_prog_at(obj, i), NULL, &res, &err);
		kapsel_result_free(&res);
	}
	if (!ret)
		return obj;
	fprintf(stderr, "# %s: %s\n", file, err.text);
	kapsel_close(obj);
	return NULL;
}

/* Packets to these are forwarded, from the far namespace to nowhere. */
#define BEYOND4 "10.88.0.2"
#define BEYOND6 "fd88::2"

#define MAKE_A_ROUTER							\
	"modprobe -q dummy;"						\
	"ip link add beyond type dummy && ip link set beyond up &&"	\
	"ip addr add 10.88.0.1/24 dev beyond &&"			\
	"ip addr add fd88::1/64 dev beyond nodad &&"			\
	"ip neigh add " BEYOND4 " lladdr 02:00:00:00:00:01 dev beyond &&" \
	"ip neigh add " BEYOND6 " lladdr 02:00:00:00:00:01 dev beyond &&" \
	"ip -n far route add 10.88.0.0/24 via " KM_NEAR4 " &&"		\
	"ip -n far route add fd88::/64 via " KM_NEAR6 " &&"		\
	"echo 1 >/proc/sys/net/ipv4/ip_forward &&"			\
	"echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"

#define PING								\
	"{ ping -c 2 -i 0.2 -W 10 " KM_FAR4 " &&"			\
	"ping -c 2 -i 0.2 -W 10 " KM_FAR6 " &&"				\
	"ip netns exec far ping -c 2 -i 0.2 -s 4000 -W 10 " KM_NEAR6 "; } >/dev/null"

FIXTURE_SETUP(nft)
{
	struct kapsel_error err;

	ASSERT_EQ(0, km_net_setup());
	if (system("modprobe -q nf_tables; nft list ruleset"))
		SKIP(return KM_NO_TEST, "no nftables");
	ASSERT_EQ(0, system(MAKE_A_ROUTER));
	ASSERT_EQ(0, km_wire_open(&self->wire));
	ASSERT_EQ(0, kapsel_dev_open(&self->dev, NULL, &err));
}

FIXTURE_TEARDOWN(nft)
{
	kapsel_close(self->obj);
	km_net_teardown();
}

/* ------------------------------------------------------------------------
 * Traffic
 */
static int talk(int type, const char *near, const char *far, size_t size)
{
	static __u8 data[60000];
	int here = km_socket(KM_NEAR_NS, type, near, PORT);
	int there = km_socket(KM_FAR_NS, type, far, PORT);
	struct sockaddr_storage to;
	int ok = 0;

	for (int i = 0; i < 4; i++) {
		int from = i & 1 ? here : there, at = i & 1 ? there : here;
		socklen_t len = km_addr(&to, i & 1 ? far : near, PORT);

		ok += sendto(from, data, size, 0, (void *)&to, len) == (ssize_t)size &&
		      recv(at, data, sizeof(data), 0) == (ssize_t)size;
	}
	close(here);
	close(there);
	return ok == 4 ? 0 : -EIO;
}

/* One packet at every hook, and PIECES datagrams where it ends. */
static int burst(const char *near, const char *far)
{
	static const int piece = 1000;
	static __u8 data[PIECES * 1000];
	int from = km_socket(KM_NEAR_NS, SOCK_DGRAM, near, PORT);
	int at = km_socket(KM_FAR_NS, SOCK_DGRAM, far, PORT), pieces = 0;
	struct sockaddr_storage to;
	socklen_t len = km_addr(&to, far, PORT);

	if (setsockopt(from, SOL_UDP, UDP_SEGMENT, &piece, sizeof(piece)) ||
	    sendto(from, data, sizeof(data), 0, (void *)&to, len) != sizeof(data))
		return -errno;
	while (pieces < PIECES && recv(at, data, sizeof(data), 0) == piece)
		pieces++;
	close(from);
	close(at);
	return pieces == PIECES ? 0 : -EIO;
}

static void *pour(void *arg)
{
	static __u8 data[STREAM];
	int fd = accept(*(int *)arg, NULL, NULL);

	km_pour(fd, data, STREAM);
	close(fd);
	return NULL;
}

/* Segments far larger than the wire's, both ways' worth of acknowledgements. */
static int stream(const char *near, const char *far)
{
	static __u8 data[STREAM];
	int listener = km_socket(KM_FAR_NS, SOCK_STREAM, far, PORT);
	int fd = km_socket(KM_NEAR_NS, SOCK_STREAM, near, 0);
	struct sockaddr_storage to;
	socklen_t len = km_addr(&to, far, PORT);
	size_t done = 0;
	pthread_t thread;
	ssize_t n;

	if (listen(listener, 1) || pthread_create(&thread, NULL, pour, &listener))
		return -EIO;
	if (connect(fd, (void *)&to, len))
		return -errno;
	while ((n = read(fd, data, sizeof(data))) > 0)
		done += n;
	pthread_join(thread, NULL);
	close(fd);
	close(listener);
	return done == STREAM ? 0 : -EIO;
}

/* From both sides, to here, there and beyond; @len is of the packet. */
static void send_made(struct km_wire *wire, size_t len, __u64 *seed)
{
	static const char * const to4[] = { KM_NEAR4, KM_NEAR4, BEYOND4 };
	static const char * const to6[] = { KM_NEAR6, KM_NEAR6, BEYOND6 };
	static const char * const from4[] = { KM_FAR4, "192.0.2.100", "192.0.2.200" };
	static const char * const from6[] = { KM_FAR6, "2001:db8:77::1", "2001:db9::1" };
	__u8 packet[KM_MAX_MADE];

	if (len >= sizeof(struct iphdr)) {
		km_make4(packet, len, KM_PICK(seed, from4), KM_PICK(seed, to4), seed);
		km_wire_send(wire, 4, packet, len);
		km_make4(packet, len, KM_NEAR4, KM_FAR4, seed);
		km_raw_send(4, packet, len, KM_FAR4);
	}
	if (len >= sizeof(struct ip6_hdr)) {
		km_make6(packet, len, KM_PICK(seed, from6), KM_PICK(seed, to6), seed);
		km_wire_send(wire, 6, packet, len);
		km_make6(packet, len, KM_NEAR6, KM_FAR6, seed);
		km_raw_send(6, packet, len, KM_FAR6);
	}
}

/* What no kernel takes for a packet, or takes only by chance. */
static void send_junk(struct km_wire *wire, size_t len, __u64 *seed)
{
	__u8 junk[KM_MAX_MADE] = {};

	for (size_t i = 0; i < len; i++)
		junk[i] = km_random(seed);
	for (int version = 4; version <= 6; version += 2) {
		junk[0] = version << 4 | (junk[0] & 15);
		km_wire_send(wire, version, junk, len);
		km_raw_send(version, junk, len, version == 4 ? KM_FAR4 : KM_FAR6);
	}
	/* Of zeros: hop-by-hop options without an end. */
	memset(junk, 0, len);
	km_raw_send(6, junk, len, KM_FAR6);
}

#define LONGEST 200

static void send_odd(struct km_wire *wire)
{
	__u64 seed = 0x6b617073656c;

	for (size_t len = 0; len <= LONGEST; len++) {
		for (int i = 0; i < 6; i++)
			send_made(wire, len, &seed);
		send_junk(wire, len, &seed);
	}
	for (size_t len = LONGEST; len <= KM_MAX_MADE; len += 90)
		send_made(wire, len, &seed);
}

static int send_all(struct km_wire *wire)
{
	int err = talk(SOCK_DGRAM, KM_NEAR4, KM_FAR4, 0) ?:
		  talk(SOCK_DGRAM, KM_NEAR4, KM_FAR4, 33) ?:
		  talk(SOCK_DGRAM, KM_NEAR6, KM_FAR6, 33) ?:
		  talk(SOCK_DGRAM, KM_NEAR4, KM_FAR4, 60000) ?:
		  talk(SOCK_DGRAM, KM_NEAR6, KM_FAR6, 60000) ?:
		  burst(KM_NEAR4, KM_FAR4) ?: burst(KM_NEAR6, KM_FAR6) ?:
		  stream(KM_NEAR4, KM_FAR4) ?: stream(KM_NEAR6, KM_FAR6);

	err = err ?: system(PING);
	if (err)
		return err;
	send_odd(wire);
	return 0;
}

/* ------------------------------------------------------------------------
 * Rule by rule
 */
static void tell(int samples, __u32 rule)
{
	struct sample s = {};
	char hex[2 * SAMPLE + 1] = "";

	if (km_elem(samples, KAPSEL_MAP_LOOKUP, &rule, 4, &s, sizeof(s), 0))
		return;
	for (__u32 i = 0; i < SAMPLE && i < s.len; i++)
		sprintf(hex + 2 * i, "%02x", s.data[i]);
	fprintf(stderr, "# %s: %s, nftables says %u, %s, length %u: %s\n", rules[rule].name,
		hooks[s.hook], s.mark >> rule & 1, s.way ? "directly" : "by helper", s.len, hex);
}

/* Of many packets, some are the rule's and some are not, for both alike. */
static void check_rule(struct __test_metadata *_metadata, struct kapsel_object *obj, __u32 way,
		       __u32 rule)
{
	int answers = fd_of(obj, "answers");
	__u32 at = (way * RULES + rule) * 4;

	EXPECT_EQ(0, km_value(answers, at + 1)) tell(fd_of(obj, "samples"), rule);
	EXPECT_EQ(0, km_value(answers, at + 2)) tell(fd_of(obj, "samples"), rule);
	EXPECT_LT(10, km_value(answers, at + 3)) TH_LOG("%s", rules[rule].name);
	EXPECT_LT(10, km_value(answers, at)) TH_LOG("%s", rules[rule].name);
}

#define IN_ONE_PIECE 4096

static int attach_all(struct kapsel_dev *dev, struct kapsel_object *obj)
{
	int links = 0;

	for (__u32 hook = 0; hook <= NF_INET_POST_ROUTING; hook++)
		for (__u32 way = 0; way < 2; way++) {
			struct kapsel_link_create arg = {
				.prog_fd = kapsel_prog_at(obj, way)->fd,
				.hook = KAPSEL_HOOK_NETFILTER,
				.netfilter = {
					.family = NFPROTO_INET, .hooknum = hook,
					.linear = way ? IN_ONE_PIECE : 0,
				},
			};

			links += km_ioctl(dev->fd, KAPSEL_LINK_CREATE, &arg) >= 0;
		}
	return links;
}

TEST_F_TIMEOUT(nft, rules, 300)
{
	char wire[16];

	ASSERT_EQ(0, write_marks());
	snprintf(wire, sizeof(wire), "%u", if_nametoindex("wire"));
	self->obj = load(&self->dev, "firewall.bpf.o", "wire", wire);
	ASSERT_NE(NULL, self->obj);
	ASSERT_EQ(0, add_network(fd_of(self->obj, "prefixes4"), "10.77.0.0", 31));
	ASSERT_EQ(0, add_network(fd_of(self->obj, "prefixes4"), "10.88.0.0", 16));
	ASSERT_EQ(0, add_network(fd_of(self->obj, "prefixes4"), "192.0.2.128", 25));
	ASSERT_EQ(0, add_network(fd_of(self->obj, "prefixes6"), "fd77::", 127));
	ASSERT_EQ(0, add_network(fd_of(self->obj, "prefixes6"), "fd88::", 64));
	ASSERT_EQ(0, add_network(fd_of(self->obj, "prefixes6"), "2001:db8::", 32));
	ASSERT_EQ(10, attach_all(&self->dev, self->obj));
	ASSERT_EQ(0, send_all(&self->wire));
	for (__u32 way = 0; way < 2; way++)
		for (__u32 rule = 0; rule < RULES; rule++)
			check_rule(_metadata, self->obj, way, rule);
	for (__u32 kind = 0; kind < 4; kind++)
		EXPECT_LT(0, km_value(fd_of(self->obj, "aggregates"), kind));
}

/* ------------------------------------------------------------------------
 * Packets that are dropped
 */
static int attach(struct kapsel_dev *dev, struct kapsel_object *obj, __u32 hook)
{
	return km_hook(dev->fd, kapsel_prog_at(obj, 0)->fd, NFPROTO_INET, hook, 0);
}

static void check_drops(struct __test_metadata *_metadata)
{
	long n[COUNTERS];

	ASSERT_EQ(0, read_counters(n));
	EXPECT_LT(10, n[DROP_BEFORE]);
	EXPECT_EQ(0, n[DROP_BEHIND]);
	EXPECT_LT(10, n[PASS_BEFORE]);
	EXPECT_EQ(n[PASS_BEFORE], n[PASS_BEHIND]);
}

#define EXAMPLES "/opt/kapsel/examples/"

TEST_F_TIMEOUT(nft, portguard, 120)
{
	const __u16 ports[] = { 53, 1000, 7777 };
	__u64 value = 0;

	/* A port is in a packet's or a datagram's first piece. */
	ASSERT_EQ(0, write_counters("input", "ip frag-off & 0x1fff != 0 return\n"
				    "frag frag-off != 0 return\n"
				    "meta l4proto { 6, 17 } th dport { 53, 1000, 7777 }"));
	self->obj = load(&self->dev, EXAMPLES "portguard.bpf.o", NULL, NULL);
	ASSERT_NE(NULL, self->obj);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		ASSERT_EQ(0, km_elem(fd_of(self->obj, "blocklist"), KAPSEL_MAP_UPDATE, &ports[i], 2,
				     &value, 8, BPF_ANY));
	ASSERT_LE(0, attach(&self->dev, self->obj, NF_INET_LOCAL_IN));
	send_odd(&self->wire);
	check_drops(_metadata);
}

TEST_F_TIMEOUT(nft, blocklist, 120)
{
	ASSERT_EQ(0, write_counters("prerouting",
				    "ip saddr 192.0.2.128/25 meta mark set 1\n"
				    "ip6 saddr 2001:db8::/32"));
	self->obj = load(&self->dev, EXAMPLES "blocklist.bpf.o", NULL, NULL);
	ASSERT_NE(NULL, self->obj);
	ASSERT_EQ(0, add_network(fd_of(self->obj, "networks4"), "192.0.2.128", 25));
	ASSERT_EQ(0, add_network(fd_of(self->obj, "networks6"), "2001:db8::", 32));
	ASSERT_LE(0, attach(&self->dev, self->obj, NF_INET_PRE_ROUTING));
	send_odd(&self->wire);
	check_drops(_metadata);
}

TEST_HARNESS_MAIN
