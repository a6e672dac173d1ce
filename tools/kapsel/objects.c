// SPDX-License-Identifier: GPL-2.0-only
/* kapsel command - objects in the kernel: found by name, id or pin; who holds them */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "objects.h"

int objects_dev(struct kapsel_dev *dev)
{
	struct kapsel_error err = {};

	if (kapsel_dev_open(dev, cli.device, &err))
		return cli_fail(&err, CLI_ENVIRONMENT);
	return CLI_OK;
}

static void add(struct objects *objs, int fd)
{
	struct object *list, *obj;

	list = realloc(objs->list, (objs->count + 1) * sizeof(*list));
	if (!list)
		abort();
	objs->list = list;
	obj = &list[objs->count++];
	memset(obj, 0, sizeof(*obj));
	obj->fd = fd;
}

/* Pointers go into the list only once it does not move any more. */
static void read_info(struct object *obj)
{
	struct kapsel_error err;

	if (kapsel_obj_info(obj->fd, &obj->info, &err) || obj->info.kind != KAPSEL_OBJ_LINK)
		return;
	obj->info.link.target = (unsigned long)obj->target;
	obj->info.link.target_size = sizeof(obj->target);
	kapsel_obj_info(obj->fd, &obj->info, &err);
	obj->target[sizeof(obj->target) - 1] = '\0';
}

static void read_kind(const struct kapsel_dev *dev, __u32 kind, struct objects *objs)
{
	struct kapsel_error err;
	__u32 id = 0;
	int fd;

	while (kapsel_next_id(dev, kind, &id)) {
		/* It may be gone by now, which is no failure. */
		fd = kapsel_fd_by_id(dev, kind, id, &err);
		if (fd >= 0)
			add(objs, fd);
	}
}

int objects_read(const struct kapsel_dev *dev, __u32 kinds, struct objects *objs)
{
	__u32 kind, i;

	memset(objs, 0, sizeof(*objs));
	for (kind = KAPSEL_OBJ_PROG; kind <= KAPSEL_OBJ_LINK; kind++)
		if (kinds & (1u << kind))
			read_kind(dev, kind, objs);
	for (i = 0; i < objs->count; i++)
		read_info(&objs->list[i]);
	return 0;
}

void objects_free(struct objects *objs)
{
	__u32 i;

	for (i = 0; i < objs->count; i++)
		close(objs->list[i].fd);
	free(objs->list);
	memset(objs, 0, sizeof(*objs));
}

const char *object_kind(const struct object *obj)
{
	static const char * const names[] = { "?", "prog", "map", "link" };

	return names[obj->info.kind <= KAPSEL_OBJ_LINK ? obj->info.kind : 0];
}

const char *object_hook(const struct object *obj, char *buf, size_t size)
{
	const struct kapsel_link_info *link = &obj->info.link;
	struct kapsel_hook hook = {
		.hook = link->hook, .offset = link->offset, .family = link->family,
		.hooknum = link->hooknum, .priority = link->priority,
	};

	snprintf(hook.target, sizeof(hook.target), "%s", obj->target);
	return kapsel_hook_format(&hook, buf, size);
}

static bool matches(const struct object *obj, const char *word)
{
	const char *colon = strchr(word, ':'), *at;
	size_t len;
	bool by_id;

	/* prog:NAME, map:NAME, link:NAME where a name alone is not enough. */
	if (colon && (strncmp(word, object_kind(obj), colon - word) ||
		      object_kind(obj)[colon - word]))
		return false;
	word = colon ? colon + 1 : word;
	at = strchr(word, '@');
	len = at ? (size_t)(at - word) : strlen(word);
	by_id = word[strspn(word, "0123456789")] == '\0';

	if (by_id && strtoul(word, NULL, 10) == obj->info.id)
		return true;
	if (at && strtoul(at + 1, NULL, 10) != obj->info.id)
		return false;
	if (!at && obj->info.pin[0] && !strcmp(obj->info.pin, word))
		return true;
	return len && strlen(obj->info.name) == len && !strncmp(obj->info.name, word, len);
}

static int none_found(struct objects *objs, const char *word, const char *what)
{
	struct kapsel_error err = { .err = -ENOENT };
	const char *names[65];
	__u32 i;
	char hint[100];

	for (i = 0; i < objs->count && i < 64; i++)
		names[i] = objs->list[i].info.name;
	names[i] = NULL;
	snprintf(err.text, sizeof(err.text), "no %s '%s'%s", what, word,
		 cli_suggest(word, names, hint, sizeof(hint)));
	snprintf(err.hint, sizeof(err.hint), "see `kapsel list`");
	return cli_fail(&err, CLI_FAILED);
}

static int several_found(struct objects *objs, const char *word, const char *what)
{
	struct kapsel_error err = { .err = -ENOTUNIQ };
	size_t len = 0;
	__u32 i;

	snprintf(err.text, sizeof(err.text), "'%s' may be any of several: say which %s", word,
		 what);
	for (i = 0; i < objs->count && len < sizeof(err.hint); i++) {
		const struct object *obj = &objs->list[i];

		if (matches(obj, word))
			len += snprintf(err.hint + len, sizeof(err.hint) - len, "%s%s:%s@%u",
					len ? ", " : "", object_kind(obj), obj->info.name,
					obj->info.id);
	}
	return cli_fail(&err, CLI_FAILED);
}

struct object *objects_find(struct objects *objs, const char *word, const char *what,
			    int *status)
{
	struct object *found = NULL;
	__u32 i, count = 0;

	for (i = 0; i < objs->count; i++) {
		if (!matches(&objs->list[i], word))
			continue;
		found = &objs->list[i];
		count++;
		/* A pin's name means one object and no other. */
		if (!strcmp(found->info.pin, word))
			return found;
	}
	if (count == 1)
		return found;
	*status = count ? several_found(objs, word, what) : none_found(objs, word, what);
	return NULL;
}

/* "kapsel-kind:\tprog\nkapsel-id:\t3\n" somewhere in an fdinfo file. */
static bool fdinfo_is(const char *path, const struct object *obj)
{
	char line[160], kind[16] = "";
	unsigned int id = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "kapsel-kind: %15s", kind) != 1 &&
		    sscanf(line, "kapsel-id: %u", &id) != 1)
			continue;
	fclose(file);
	return id == obj->info.id && !strcmp(kind, object_kind(obj));
}

static bool process_holds(const char *pid, const struct object *obj)
{
	char path[600], link[64];
	struct dirent *entry;
	bool holds = false;
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && !holds && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, entry->d_name);
		len = readlink(path, link, sizeof(link) - 1);
		if (len <= 0)
			continue;
		link[len] = '\0';
		if (strncmp(link, "anon_inode:", 11))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, entry->d_name);
		holds = fdinfo_is(path, obj);
	}
	if (dir)
		closedir(dir);
	return holds;
}

static void comm_of(const char *pid, char *buf, size_t size)
{
	char path[300];
	FILE *file;

	snprintf(buf, size, "?");
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(buf, size, file))
		buf[strcspn(buf, "\n")] = '\0';
	fclose(file);
}

static bool uses_map(const struct object *prog, __u32 id)
{
	struct kapsel_obj_info info = {};
	struct kapsel_error err;
	__u32 ids[KAPSEL_MAX_MAPS], i;

	info.prog.map_ids = (unsigned long)ids;
	info.prog.map_cnt = KAPSEL_MAX_MAPS;
	if (kapsel_obj_info(prog->fd, &info, &err))
		return false;
	for (i = 0; i < info.prog.map_cnt && i < KAPSEL_MAX_MAPS; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static void add_holder(char *buf, size_t size, const char *kind, const char *name, __u32 id)
{
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s%s%s[%u]", len ? " " : "", kind, name, id);
}

/* A link holds its program, a program its maps. */
static void object_users(const struct kapsel_dev *dev, const struct object *obj, char *buf,
			 size_t size)
{
	bool prog = obj->info.kind == KAPSEL_OBJ_PROG;
	struct objects objs;
	__u32 i;

	if (obj->info.kind == KAPSEL_OBJ_LINK)
		return;
	objects_read(dev, 1u << (prog ? KAPSEL_OBJ_LINK : KAPSEL_OBJ_PROG), &objs);
	for (i = 0; i < objs.count; i++) {
		const struct object *user = &objs.list[i];

		if (prog ? user->info.link.prog_id == obj->info.id :
			   uses_map(user, obj->info.id))
			add_holder(buf, size, prog ? "link:" : "prog:", user->info.name,
				   user->info.id);
	}
	objects_free(&objs);
}

static void object_processes(const struct object *obj, char *buf, size_t size)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char comm[32];

	while (proc && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    atoi(entry->d_name) == getpid() || !process_holds(entry->d_name, obj))
			continue;
		comm_of(entry->d_name, comm, sizeof(comm));
		add_holder(buf, size, "", comm, atoi(entry->d_name));
	}
	if (proc)
		closedir(proc);
}

const char *object_holders(const struct kapsel_dev *dev, const struct object *obj, char *buf,
			   size_t size)
{
	*buf = '\0';
	if (obj->info.pin[0])
		snprintf(buf, size, "pin:%s", obj->info.pin);
	object_users(dev, obj, buf, size);
	object_processes(obj, buf, size);
	return buf;
}
