// SPDX-License-Identifier: GPL-2.0-only
/* libkapsel - a kernel's configuration: the file, its lines, its values */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>

#include <linux/kernel.h>

#include "kconfig.h"

#define MAX_CONFIG (8u << 20)	/* Debian's has 300 KiB */

static int store_tristate(const struct kl_extern *ext, char value, void *to)
{
	static const char values[] = { 'n', 'y', 'm' };	/* as libbpf numbers them */
	const char *at = memchr(values, value, sizeof(values));
	u32 number = at - values;

	switch (ext->kind) {
	case KL_EXTERN_BOOL:
		if (value == 'm')
			return -EINVAL;
		*(u8 *)to = value == 'y';
		return 0;
	case KL_EXTERN_TRISTATE:
		memcpy(to, &number, sizeof(number));
		return 0;
	case KL_EXTERN_CHAR:
		*(char *)to = value;
		return 0;
	}
	return -EINVAL;
}

static bool fits(const struct kl_extern *ext, u64 number)
{
	u32 bits = ext->size * 8;

	if (bits == 64)
		return true;
	if (ext->is_signed)
		return number + (1ULL << (bits - 1)) < 1ULL << bits;
	return !(number >> bits);
}

static int store_number(const struct kl_extern *ext, const char *value, void *to)
{
	char *end;
	u64 number;

	if (ext->kind != KL_EXTERN_INT && ext->kind != KL_EXTERN_CHAR)
		return -EINVAL;
	errno = 0;
	number = strtoull(value, &end, 0);
	if (end == value || *end)
		return -EINVAL;
	if (errno || !fits(ext, number))
		return -ERANGE;
	/* Little-endian, as programs are. */
	memcpy(to, &number, ext->size);
	return 0;
}

/* What is too long is cut, and ends in NUL even so. */
static int store_string(const struct kl_extern *ext, const char *value, void *to)
{
	size_t len = strlen(value);

	if (ext->kind != KL_EXTERN_STRING || len < 2 || value[len - 1] != '"')
		return -EINVAL;
	memcpy(to, value + 1, min_t(size_t, len - 2, ext->size - 1));
	return 0;
}

int kl_kconfig_store(const struct kl_extern *ext, const char *value, void *to)
{
	if (*value == '"')
		return store_string(ext, value, to);
	if (*value && strchr("ymn", *value) && !value[1])
		return store_tristate(ext, *value, to);
	return store_number(ext, value, to);
}

static u32 version_code(const char *text)
{
	u32 major, minor, patch;

	if (sscanf(text, "%u.%u.%u", &major, &minor, &patch) != 3)
		return 0;
	return (major << 16) + (minor << 8) + min(patch, 255u);
}

/* Debian's release names have 0 for the third number. */
static u32 running_version(void)
{
	const char *debian;
	struct utsname uts;

	if (uname(&uts))
		return 0;
	debian = strstr(uts.version, "Debian ");
	return version_code(debian ? debian + strlen("Debian ") : uts.release);
}

u32 kl_kconfig_version(const char *config)
{
	const char *at;

	if (!config)
		return running_version();
	/* # Linux/x86 6.1.0 Kernel Configuration */
	at = strstr(config, "# Linux/");
	at = at ? strchr(at + strlen("# Linux/"), ' ') : NULL;
	return at ? version_code(at + 1) : 0;
}

static int read_config(const char *path, char **text)
{
	gzFile file = gzopen(path, "re");
	int got, ret = 0;

	if (!file)
		return errno == ENOMEM ? -ENOMEM : -ENOENT;
	*text = malloc(MAX_CONFIG + 1);
	got = *text ? gzread(file, *text, MAX_CONFIG) : 0;
	if (!*text)
		ret = -ENOMEM;
	else if (got < 0 || !gzeof(file))
		ret = -EIO;
	else
		(*text)[got] = '\0';
	gzclose(file);
	if (ret) {
		free(*text);
		*text = NULL;
	}
	return ret;
}

int kl_kconfig_read(char **text, char path[300])
{
	const char *given = getenv("KAPSEL_KCONFIG");
	struct utsname uts;
	int ret = -ENOENT;

	*text = NULL;
	if (given) {
		snprintf(path, 300, "%s", given);
		return read_config(path, text);
	}
	snprintf(path, 300, "/proc/config.gz");
	if (!uname(&uts)) {
		snprintf(path, 300, "/boot/config-%s", uts.release);
		ret = read_config(path, text);
	}
	return ret == -ENOENT ? read_config("/proc/config.gz", text) : ret;
}
