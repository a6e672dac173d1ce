// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - FILE: an object, or C source that is compiled first */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "select.h"

/* Where kapsel.bpf.h is: beside the build tree's command, or installed. */
static const char *include_dir(char *buf, size_t size)
{
	const char *given = getenv("KAPSEL_INCLUDE");
	ssize_t len = readlink("/proc/self/exe", buf, size - 32);
	char *slash;

	if (given)
		return given;
	if (len > 0) {
		buf[len] = '\0';
		slash = strrchr(buf, '/');
		strcpy(slash, "/../tools/bpf");
		if (!access(buf, R_OK))
			return buf;
		strcpy(slash, "/../include/kapsel");
		if (!access(buf, R_OK))
			return buf;
	}
	return "/usr/include/kapsel";
}

static int run_clang(const char *path, const char *object)
{
	char dir[512], include[540];
	const char * const argv[] = {
		"clang", "-O2", "-g", "-target", "bpf", "-Wall",
		"-idirafter", "/usr/include/x86_64-linux-gnu", include,
		"-c", path, "-o", object, NULL,
	};
	pid_t pid;
	int status;

	snprintf(include, sizeof(include), "-I%s", include_dir(dir, sizeof(dir)));
	status = posix_spawnp(&pid, "clang", NULL, NULL, (char **)argv, environ);
	if (status)
		return -status;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static struct kapsel_object *compile_source(const char *path, struct kapsel_error *err)
{
	char object[] = "/tmp/kapsel-XXXXXX.o";
	struct kapsel_object *obj = NULL;
	int fd = mkostemps(object, 2, O_CLOEXEC), ret;

	memset(err, 0, sizeof(*err));
	if (fd < 0) {
		err->err = -errno;
		snprintf(err->text, sizeof(err->text), "cannot make a temporary file");
		return NULL;
	}
	close(fd);
	cli_say("compiling %s\n", path);
	ret = run_clang(path, object);
	if (ret < 0) {
		err->err = ret;
		snprintf(err->text, sizeof(err->text), "%s is C source, and there is no clang for it",
			 path);
		snprintf(err->hint, sizeof(err->hint), "install clang, or give an object made by clang -O2 -g -target bpf");
	} else if (ret) {
		err->err = -EINVAL;
		snprintf(err->text, sizeof(err->text), "%s does not compile", path);
	} else {
		obj = kapsel_open(object, err);
	}
	unlink(object);
	return obj;
}

static void say_left_out(const struct kapsel_object *obj)
{
	const struct kapsel_left_out *out;
	__u32 i;

	for (i = 0; (out = kapsel_left_out_at(obj, i)); i++)
		select_say_left_out(out->name, out->section);
}

struct kapsel_object *cli_open(const char *path, int *status)
{
	struct kapsel_error err = {};
	size_t len = strlen(path);
	bool source = len > 2 && !strcmp(path + len - 2, ".c");
	struct kapsel_object *obj;

	obj = source && !access(path, R_OK) ? compile_source(path, &err) : kapsel_open(path, &err);
	if (!obj)
		*status = cli_fail(&err, CLI_FAILED);
	else
		say_left_out(obj);
	if (obj && kapsel_has_legacy_maps(obj))
		cli_say("old maps  SEC(\"maps\") says nothing of types: SEC(\".maps\") does\n");
	return obj;
}
