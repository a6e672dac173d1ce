/* SPDX-License-Identifier: GPL-2.0-only */
/* Two network namespaces, a wire between them, and sockets at its ends */
#ifndef KM_NET_H
#define KM_NET_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>

#define KM_NEAR4	"10.77.0.1"
#define KM_FAR4		"10.77.0.2"
#define KM_NEAR6	"fd77::1"
#define KM_FAR6		"fd77::2"

#define KM_NEAR_NS	"/run/netns/near"
#define KM_FAR_NS	"/run/netns/far"

#define KM_NET_DELETE	"ip netns del near 2>/dev/null; ip netns del far 2>/dev/null;"
/* Addresses are used at once: nobody else can have them. */
#define KM_NET_ADD							\
	"modprobe -q veth;"						\
	"ip netns add near && ip netns add far &&"			\
	"ip -n near link set lo up && ip -n far link set lo up &&"	\
	"ip -n near link add wire type veth peer name wire netns far &&" \
	"ip -n near addr add " KM_NEAR4 "/24 dev wire &&"		\
	"ip -n far addr add " KM_FAR4 "/24 dev wire &&"			\
	"ip -n near addr add " KM_NEAR6 "/64 dev wire nodad &&"		\
	"ip -n far addr add " KM_FAR6 "/64 dev wire nodad &&"		\
	"ip -n near link set wire up && ip -n far link set wire up"

/* All of it, however many writes that takes. */
static inline void km_pour(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, (const char *)data + done, size - done);

		if (n <= 0)
			break;
		done += n;
	}
}

static inline int km_enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = setns(fd, CLONE_NEWNET) ? -errno : 0;
	close(fd);
	return err;
}

/* Makes both, and leaves this process in the near one. */
static inline int km_net_setup(void)
{
	if (system(KM_NET_DELETE KM_NET_ADD))
		return -EIO;
	return km_enter(KM_NEAR_NS);
}

static inline void km_net_teardown(void)
{
	if (system(KM_NET_DELETE))
		return;
}

static inline socklen_t km_addr(struct sockaddr_storage *addr, const char *text,
				__u16 port)
{
	struct sockaddr_in *in4 = (void *)addr;
	struct sockaddr_in6 *in6 = (void *)addr;

	memset(addr, 0, sizeof(*addr));
	if (strchr(text, ':')) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		inet_pton(AF_INET6, text, &in6->sin6_addr);
		return sizeof(*in6);
	}
	in4->sin_family = AF_INET;
	in4->sin_port = htons(port);
	inet_pton(AF_INET, text, &in4->sin_addr);
	return sizeof(*in4);
}

/* A socket, bound; receiving gives up after 10 s. */
static inline int km_socket_here(int type, const char *text, __u16 port)
{
	const struct timeval patience = { .tv_sec = 10 };
	struct sockaddr_storage addr;
	socklen_t len = km_addr(&addr, text, port);
	int fd, one = 1;

	fd = socket(addr.ss_family, type | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return bind(fd, (void *)&addr, len) ? -errno : fd;
}

/* The same of a namespace. */
static inline int km_socket(const char *netns, int type, const char *text,
			    __u16 port)
{
	int fd;

	if (km_enter(netns))
		return -EIO;
	fd = km_socket_here(type, text, port);
	if (km_enter(KM_NEAR_NS))
		return -EIO;
	return fd;
}

static inline int km_send(int fd, const char *text, __u16 port, __u32 number)
{
	struct sockaddr_storage addr;
	socklen_t len = km_addr(&addr, text, port);

	return sendto(fd, &number, sizeof(number), 0, (void *)&addr, len) < 0 ?
	       -errno : 0;
}

/* The next packet's number, or -errno. */
static inline long km_receive(int fd)
{
	__u32 number;

	return recv(fd, &number, sizeof(number), 0) < 0 ? -errno : (long)number;
}

#endif
