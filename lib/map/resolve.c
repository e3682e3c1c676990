// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Resolves the names of devices, cgroups, programs and maps on the running system; resolve.h has the contracts. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/array.h"
#include "base/fd.h"
#include "base/msg.h"
#include "load/load.h"
#include "map/cgroup.h"
#include "map/map.h"
#include "map/resolve.h"
#include "pins/bpffs.h"
#include "pins/map_id.h"

#define NR_PATHS 1024 /* size of the cache of cgroup paths, a power of two */

struct loaded_program {
	struct elfmap_load *load;
	char *file; /* the load refers to these strings */
	char *section;
	char *tc_dir;
};

struct loaded_programs {
	struct loaded_program *all;
	size_t nr;
	bool is_kept;		   /* unloading keeps their pins */
	enum bpf_prog_type type;   /* of the programs of the table; BPF_PROG_TYPE_UNSPEC: any */
	char graft_into[PATH_MAX]; /* pin of the table; "": no table */
};

struct system_names {
	struct elfmap_resolver resolver; /* first member: callers have a pointer to it */
	char device[IF_NAMESIZE];
	__u32 last_ifindex; /* ifindex of `device` */
	struct {
		__u64 id;
		char *path;  /* NULL: unknown */
	} * paths;	     /* NR_PATHS, indexed by the low bits of the id */
	char root[PATH_MAX]; /* path of the root of cgroup2 */
	struct {	     /* the last object: many lines name the same one */
		enum elfmap_notation kind;
		char path[PATH_MAX]; /* "": found by id */
		__u64 id;
		int fd; /* -1: no object */
	} last;
	struct loaded_programs programs;
	int *fds; /* to be closed */
	size_t nr_fds;
	size_t room;
};

static struct system_names *names_of(struct elfmap_resolver *resolver)
{
	return (struct system_names *)resolver;
}

/* ---- devices ------------------------------------------------------------------------------------------- */

static int find_device(struct elfmap_resolver *self, const char *name, __u32 *ret_ifindex, struct elfmap_msg *msg)
{
	__u32 ifindex = if_nametoindex(name);

	(void)self;
	if (!ifindex)
		return elfmap_msg__set(msg, -ENODEV, "'%s': no such device in this network namespace", name);
	*ret_ifindex = ifindex;
	return 0;
}

static const char *name_device(struct elfmap_resolver *self, __u32 ifindex)
{
	struct system_names *names = names_of(self);

	if (names->last_ifindex != ifindex) {
		names->last_ifindex = ifindex;
		if (!if_indextoname(ifindex, names->device))
			*names->device = '\0';
	}
	return *names->device ? names->device : NULL;
}

/* ---- cgroups ------------------------------------------------------------------------------------------- */

/* PATH is a name below the root of cgroup2 (`/a/b`) or a path of the file system. */
static int open_cgroup(const char *path, int *ret_fd, struct elfmap_msg *msg)
{
	struct elfmap_msg why;
	char root[PATH_MAX];
	int err, first;

	first = elfmap_cgroup__open(path, ret_fd, msg);
	if (!first || *path != '/')
		return first;
	err = elfmap_cgroup__find(root, sizeof(root), &why);
	if (err || !strncmp(path, root, strlen(root)))
		return first;
	path += strspn(path, "/");
	err = elfmap_cgroup__open(*path ? path : root, ret_fd, &why);
	/* If PATH exists but is not a cgroup, the first message stays; if PATH does not exist, the second one is
	 * better. */
	if (err && msg && first == -ENOENT)
		*msg = why;
	return err;
}

static int find_root(struct system_names *names)
{
	char root[PATH_MAX];
	int fd = -1, err;
	__u64 id;

	if (*names->root)
		return 0;
	err = elfmap_cgroup__find(root, sizeof(root), NULL);
	err = err ?: elfmap_cgroup__open(root, &fd, NULL);
	err = err ?: elfmap_cgroup__id(fd, &id, NULL);
	err = err ?: elfmap_cgroup__path(id, names->root, sizeof(names->root), NULL);
	if (fd >= 0)
		close(fd);
	return err;
}

/* NULL: the cgroup was removed, or the path is not readable for this process. */
static char *find_path(struct system_names *names, __u64 id)
{
	char path[PATH_MAX];
	size_t length;

	if (find_root(names) || elfmap_cgroup__path(id, path, sizeof(path), NULL))
		return NULL;
	length = strlen(names->root);
	if (strncmp(path, names->root, length) != 0)
		return NULL;
	return strdup(path[length] ? path + length : "/");
}

static const char *name_cgroup(struct elfmap_resolver *self, __u64 id)
{
	struct system_names *names = names_of(self);
	size_t at = id & (NR_PATHS - 1);

	if (!names->paths)
		names->paths = calloc(NR_PATHS, sizeof(*names->paths));
	if (!names->paths)
		return NULL;
	if (names->paths[at].id != id) {
		free(names->paths[at].path);
		names->paths[at].path = find_path(names, id);
		names->paths[at].id = id;
	}
	return names->paths[at].path;
}

/* ---- programs in the notation `obj FILE sec SECTION` ------------------------------------------------------------ */

static void unload(struct loaded_program *program, bool keep)
{
	elfmap_load__end(program->load, keep);
	free(program->file);
	free(program->section);
	free(program->tc_dir);
	*program = (struct loaded_program){};
}

static int load_program(const struct loaded_programs *programs, struct loaded_program *program, struct elfmap_msg *msg)
{
	const struct elfmap_load_opts opts = {
		.tc_dir = program->tc_dir,
		.section = program->section,
		.type = programs->type,
		.graft_into = *programs->graft_into ? programs->graft_into : NULL,
	};

	return elfmap_load__run(program->file, &opts, NULL, &program->load, msg);
}

static int add_program(struct loaded_programs *programs, const char *file, const char *section, struct elfmap_msg *msg)
{
	struct loaded_program *all = elfmap_array__grow(programs->all, programs->nr, sizeof(*all)), program = {};
	struct elfmap_msg why = {.text = "no memory"};
	char tc_dir[PATH_MAX];
	int err;

	if (!all)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	programs->all = all;
	err = elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &why);
	if (!err) {
		program = (struct loaded_program){
			.file = strdup(file), .section = strdup(section), .tc_dir = strdup(tc_dir)};
		err = program.file && program.section && program.tc_dir ? load_program(programs, &program, &why)
									: -ENOMEM;
	}
	if (err) {
		unload(&program, false);
		return elfmap_msg__set(msg, err, "%s: %s", file, why.text);
	}
	all[programs->nr++] = program;
	return 0;
}

static int load_once(struct loaded_programs *programs, const char *file, const char *section, int *ret_fd,
		     struct elfmap_msg *msg)
{
	size_t i = 0;
	int err;

	while (i < programs->nr &&
	       (strcmp(programs->all[i].file, file) != 0 || strcmp(programs->all[i].section, section) != 0))
		i++;
	if (i == programs->nr) {
		err = add_program(programs, file, section, msg);
		if (err)
			return err;
	}
	*ret_fd = bpf_program__fd(elfmap_load__find_prog(programs->all[i].load, section)->bpf);
	return 0;
}

static void unload_all(struct loaded_programs *programs)
{
	/* In reverse order: a later program may use the maps of an earlier one. */
	while (programs->nr)
		unload(&programs->all[--programs->nr], programs->is_kept);
	free(programs->all);
	*programs = (struct loaded_programs){};
}

/* ---- objects ------------------------------------------------------------------------------------------- */

/* Each object needs a descriptor until its entry is written. */
static void allow_more_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int keep(struct system_names *names, int fd)
{
	if (names->nr_fds == names->room) {
		size_t room = names->room ? 2 * names->room : 16;
		int *fds = reallocarray(names->fds, room, sizeof(*fds));

		if (!fds)
			return -ENOMEM;
		names->fds = fds;
		names->room = room;
		allow_more_files();
	}
	names->fds[names->nr_fds++] = fd;
	return 0;
}

static const char *name_of_kind(const struct elfmap_reference *reference)
{
	return reference->kind == ELFMAP_PROG ? "program" : reference->kind == ELFMAP_MAP ? "map" : "cgroup";
}

static int open_by_id(const struct elfmap_reference *reference, int *ret_fd, struct elfmap_msg *msg)
{
	const char *what = name_of_kind(reference);
	char path[PATH_MAX];
	int fd;

	if (reference->kind == ELFMAP_CGROUP)
		return elfmap_cgroup__path(reference->id, path, sizeof(path), msg)
			       ?: elfmap_cgroup__open(path, ret_fd, msg);
	fd = reference->kind == ELFMAP_PROG ? bpf_prog_get_fd_by_id((__u32)reference->id)
					    : elfmap_map__open_id((__u32)reference->id);
	if (fd < 0)
		return elfmap_msg__set(msg, fd, "no %s has the id %llu: %s", what, (unsigned long long)reference->id,
				       strerror(-fd));
	*ret_fd = fd;
	return 0;
}

/* Checks the kind of a descriptor by its name in /proc, because the info of another kind would be misinterpreted. */
static int check_kind(const struct elfmap_reference *reference, int fd, const char *path, struct elfmap_msg *msg)
{
	const char *wanted = reference->kind == ELFMAP_PROG ? "bpf-prog" : "bpf-map";
	char link[32], kind[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, kind, sizeof(kind) - 1) < 0)
		return elfmap_msg__set(msg, -errno, "%s: %s", link, strerror(errno));
	if (strstr(kind, wanted))
		return 0;
	return elfmap_msg__set(msg, -EMEDIUMTYPE, "%s is not a %s", path, name_of_kind(reference));
}

static int open_pin(const struct elfmap_reference *reference, int *ret_fd, struct elfmap_msg *msg)
{
	char path[PATH_MAX];
	int err, fd;

	err = elfmap_bpffs__pin_path(reference->path, path, sizeof(path), msg);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return elfmap_msg__set(msg, fd, "no %s at %s: %s", name_of_kind(reference), path, strerror(-fd));
	err = check_kind(reference, fd, path, msg);
	if (err) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

static int open_object(const struct elfmap_reference *reference, int *ret_fd, struct elfmap_msg *msg)
{
	if (!reference->path)
		return open_by_id(reference, ret_fd, msg);
	if (reference->kind == ELFMAP_CGROUP)
		return open_cgroup(reference->path, ret_fd, msg);
	return open_pin(reference, ret_fd, msg);
}

static int read_id(const struct elfmap_reference *reference, int fd, __u64 *ret_id, struct elfmap_msg *msg)
{
	struct bpf_prog_info prog = {};
	struct bpf_map_info map = {};
	bool is_prog = reference->kind == ELFMAP_PROG;
	__u32 size = is_prog ? sizeof(prog) : sizeof(map);
	int err;

	if (reference->kind == ELFMAP_CGROUP)
		return elfmap_cgroup__id(fd, ret_id, msg);
	err = is_prog ? bpf_obj_get_info_by_fd(fd, &prog, &size) : bpf_obj_get_info_by_fd(fd, &map, &size);
	if (err)
		return elfmap_msg__set(msg, err, "the kernel does not describe it: %s", strerror(-err));
	*ret_id = is_prog ? prog.id : map.id;
	return 0;
}

static int find_program(struct system_names *names, const struct elfmap_reference *reference, int *ret_fd,
			__u64 *ret_id, struct elfmap_msg *msg)
{
	int fd, err = load_once(&names->programs, reference->path, reference->section, &fd, msg);

	err = err ?: read_id(reference, fd, ret_id, msg);
	if (!err && ret_fd)
		*ret_fd = fd;
	return err;
}

static bool is_last(const struct system_names *names, const struct elfmap_reference *reference)
{
	return names->last.fd >= 0 && names->last.kind == reference->kind &&
	       (reference->path ? !strcmp(names->last.path, reference->path)
				: !*names->last.path && names->last.id == reference->id);
}

static void remember(struct system_names *names, const struct elfmap_reference *reference, int fd, __u64 id)
{
	names->last.fd = -1;
	if (reference->path && strlen(reference->path) >= sizeof(names->last.path))
		return;
	names->last.kind = reference->kind;
	names->last.fd = fd;
	names->last.id = id;
	strcpy(names->last.path, reference->path ?: "");
}

static int find_object(struct elfmap_resolver *self, const struct elfmap_reference *reference, int *ret_fd,
		       __u64 *ret_id, struct elfmap_msg *msg)
{
	struct system_names *names = names_of(self);
	int fd = -1, err;
	__u64 id = 0;

	if (!reference->section && is_last(names, reference)) {
		*ret_id = names->last.id;
		if (ret_fd)
			*ret_fd = names->last.fd;
		return 0;
	}
	if (reference->section)
		return find_program(names, reference, ret_fd, ret_id, msg);
	err = open_object(reference, &fd, msg);
	err = err ?: read_id(reference, fd, &id, msg);
	if (!err && ret_fd && keep(names, fd))
		err = elfmap_msg__set(msg, -ENOMEM, "no memory");
	if (fd >= 0 && (err || !ret_fd))
		close(fd);
	if (err)
		return err;
	*ret_id = id;
	if (ret_fd) {
		*ret_fd = fd;
		remember(names, reference, fd, id);
	}
	return 0;
}

/* --------------------------------------------------------------------------------------------------------- */

int elfmap_resolver__new(struct elfmap_resolver **ret_resolver, struct elfmap_msg *msg)
{
	struct system_names *names = calloc(1, sizeof(*names));

	if (!names)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	names->resolver = (struct elfmap_resolver){
		.device = find_device,
		.object = find_object,
		.device_name = name_device,
		.cgroup_path = name_cgroup,
	};
	names->last.fd = -1;
	*ret_resolver = &names->resolver;
	return 0;
}

void elfmap_resolver__forget(struct elfmap_resolver *resolver)
{
	struct system_names *names = names_of(resolver);

	names->last.fd = -1;
	while (names->nr_fds)
		close(names->fds[--names->nr_fds]);
}

void elfmap_resolver__load_for(struct elfmap_resolver *resolver, int fd, const char *path)
{
	struct loaded_programs *programs = &names_of(resolver)->programs;

	programs->type = elfmap_map__owner(fd);
	snprintf(programs->graft_into, sizeof(programs->graft_into), "%s", path);
}

void elfmap_resolver__keep(struct elfmap_resolver *resolver)
{
	names_of(resolver)->programs.is_kept = true;
}

void elfmap_resolver__free(struct elfmap_resolver *resolver)
{
	struct system_names *names = names_of(resolver);

	if (!resolver)
		return;
	elfmap_resolver__forget(resolver);
	unload_all(&names->programs);
	for (size_t i = 0; names->paths && i < NR_PATHS; i++)
		free(names->paths[i].path);
	free(names->paths);
	free(names->fds);
	free(names);
}
