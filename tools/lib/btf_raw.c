// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - the kernel's types as they lie in its file */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/limits.h>

#include "btf_raw.h"
#include "core/signature.h"

u32 kl_raw_size(const struct btf_type *type)
{
	int more = kps_btf_following(type->info);

	return more < 0 ? 0 : sizeof(*type) + more;
}

/* Ids are given by counting, so that every record is passed once. */
static int index_types(struct kl_raw *raw, u32 size)
{
	u32 at = 0, n = 0, len;

	raw->offs = malloc(size / sizeof(struct btf_type) * sizeof(*raw->offs) + 1);
	if (!raw->offs)
		return -ENOMEM;
	while (size - at >= sizeof(struct btf_type)) {
		len = kl_raw_size((const void *)(raw->types + at));
		if (!len || len > size - at)
			return -EINVAL;
		raw->offs[n++] = at;
		at += len;
	}
	raw->end = raw->first + n;
	return at == size ? 0 : -EINVAL;
}

static bool fits(u32 size, u32 head, u32 off, u32 len)
{
	return head <= size && off <= size - head && len <= size - head - off;
}

int kl_raw_use(struct kl_raw *raw, const void *data, u32 size, const struct kl_raw *base)
{
	const struct btf_header *hdr = data;

	raw->base = base;
	raw->first = base ? base->end : 1;
	raw->end = raw->first;
	raw->string_first = base ? base->string_first + base->string_size : 0;
	if (size < sizeof(*hdr) || hdr->magic != BTF_MAGIC || hdr->type_off % 4 ||
	    hdr->hdr_len % 4 || !fits(size, hdr->hdr_len, hdr->type_off, hdr->type_len) ||
	    !fits(size, hdr->hdr_len, hdr->str_off, hdr->str_len))
		return -EINVAL;
	raw->types = (const char *)data + hdr->hdr_len + hdr->type_off;
	raw->strings = (const char *)data + hdr->hdr_len + hdr->str_off;
	raw->string_size = hdr->str_len;
	if (raw->string_size && raw->strings[raw->string_size - 1])
		return -EINVAL;
	return index_types(raw, hdr->type_len);
}

static int read_all(int fd, char *to, size_t size)
{
	ssize_t n;

	while (size) {
		n = read(fd, to, size);
		if (n <= 0)
			return -ENOENT;
		to += n;
		size -= n;
	}
	return 0;
}

int kl_raw_read(struct kl_raw *raw, const char *path, const struct kl_raw *base)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;
	struct stat st;

	if (fd < 0)
		return -ENOENT;
	ret = fstat(fd, &st) || st.st_size > U32_MAX ? -ENOENT : 0;
	if (!ret) {
		raw->data = malloc(st.st_size + 1);
		ret = raw->data ? read_all(fd, raw->data, st.st_size) : -ENOMEM;
	}
	close(fd);
	return ret ?: kl_raw_use(raw, raw->data, st.st_size, base);
}

const struct btf_type *kl_raw_type(const struct kl_raw *raw, u32 id)
{
	while (id < raw->first && raw->base)
		raw = raw->base;
	if (id < raw->first || id >= raw->end)
		return NULL;
	return (const void *)(raw->types + raw->offs[id - raw->first]);
}

const char *kl_raw_name(const struct kl_raw *raw, u32 off)
{
	while (off < raw->string_first && raw->base)
		raw = raw->base;
	if (off < raw->string_first || off - raw->string_first >= raw->string_size)
		return NULL;
	return raw->strings + off - raw->string_first;
}

void kl_raw_free(struct kl_raw *raw)
{
	free(raw->offs);
	free(raw->data);
	*raw = (struct kl_raw){};
}
