// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The trial. libbpf gives up at the first thing that the kernel refuses, so that the object is opened
 * anew for each program: with the maps of the first opening, and this program alone to be loaded.
 * The maps are private ones: no pin is reused, none is made, and all are gone when we are.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/object/check.h"
#include "kinds/maps.h"

#define ALL SIZE_MAX
#define NONE (SIZE_MAX - 1)
#define LOG_SIZE (16u << 20) /* less than any kernel's limit; memory is used as the log grows */
#define LOG_OF_STEPS 1	     /* every instruction, with the source where BTF has it */
#define LOG_OF_ERROR 4 /* the error and the figures; short also where the first kind is too long for older kernels */

/* ---- what libbpf says ------------------------------------------------------------------------------ */

static char said[LINE_SIZE]; /* its first warning since the last opening: later ones say that all failed */

static int hear(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !*said) {
		vsnprintf(said, sizeof(said), format, args);
		said[strcspn(said, "\n")] = '\0';
	}
	return 0;
}

/* ---- opening ----------------------------------------------------------------------------------------- */

/* As tc opens it, with the pins that the object asks libbpf for taken away. NULL: errno says why. */
static struct bpf_object *open_object(const struct check *check, char **ret_pin_paths)
{
	char root[PATH_MAX];
	LIBBPF_OPTS(bpf_object_open_opts, opts, .relaxed_maps = true, .pin_root_path = root, .object_name = "check");
	struct bpf_object *bpf;
	struct bpf_map *map;
	size_t nth = 0;

	*said = '\0';
	snprintf(root, sizeof(root), "%s/globals", check->tc_dir ? check->tc_dir : "/sys/fs/bpf/tc");
	bpf = bpf_object__open_mem(check->bytes, check->size, &opts);
	if (!bpf)
		return NULL;
	bpf_object__for_each_map (map, bpf) {
		const char *path = bpf_map__pin_path(map);

		if (ret_pin_paths)
			ret_pin_paths[nth] = path ? strdup(path) : NULL;
		nth++;
		if (path && bpf_map__set_pin_path(map, NULL)) {
			bpf_object__close(bpf);
			errno = EINVAL;
			return NULL;
		}
	}
	return bpf;
}

static void list_map(struct check *check, struct check_map *map, const struct bpf_map *bpf, size_t *nr_legacy)
{
	size_t index = elfmap_object__map_order(check->object, *nr_legacy);
	const struct elfmap_map *legacy = &check->object->maps[index];

	map->is_wanted = !bpf_map__is_internal(bpf);
	if (index < check->object->nr_maps && !strcmp(bpf_map__name(bpf), legacy->name)) {
		++*nr_legacy;
		map->is_legacy = true;
		map->map = *legacy;
		map->template = legacy->inner >= 0 ? check->object->maps[legacy->inner].name : NULL;
		return;
	}
	map->map.inner = -1;
	map->map.def = (struct bpf_elf_map){
		.type = bpf_map__type(bpf),
		.size_key = bpf_map__key_size(bpf),
		.size_value = bpf_map__value_size(bpf),
		.max_elem = bpf_map__max_entries(bpf),
		.flags = bpf_map__map_flags(bpf),
	};
}

static const struct elfmap_prog *find_legacy_prog(const struct check *check, const char *name, const char *section)
{
	for (size_t i = 0; i < check->object->nr_progs; i++)
		if (!strcmp(check->object->progs[i].name, name) && !strcmp(check->object->progs[i].section, section))
			return &check->object->progs[i];
	return NULL;
}

static int list_prog(struct check *check, const char *name, const char *section, size_t nr_insns)
{
	struct check_prog *prog = &check->progs[check->nr_progs++];

	prog->name = strdup(name);
	prog->section = strdup(section);
	if (!prog->name || !prog->section)
		return -ENOMEM;
	prog->legacy = find_legacy_prog(check, name, section);
	prog->nr_insns = nr_insns;
	prog->is_chosen =
		!check->section || !strcmp(section, check->section) || (prog->legacy && prog->legacy->slot_map >= 0);
	return 0;
}

static int list_libbpfs_prog(struct check *check, const struct bpf_program *bpf)
{
	const char *section = bpf_program__section_name(bpf);

	return list_prog(check, bpf_program__name(bpf), strcmp(section, ELFMAP_TEXT_TWIN) != 0 ? section : ".text",
			 bpf_program__insn_cnt(bpf));
}

/* Programs that transcoding keeps from libbpf, which would refuse all of the object for one of them. */
static int list_undefined(struct check *check)
{
	int err = 0;

	for (size_t i = 0; !err && check->object->needs_help && i < check->object->nr_progs; i++) {
		const struct elfmap_prog *prog = &check->object->progs[i];

		if (!prog->undefined || (check->section && strcmp(prog->section, check->section) != 0))
			continue;
		err = list_prog(check, prog->name, prog->section, prog->size / sizeof(struct bpf_insn));
		check->progs[check->nr_progs - 1].legacy = prog;
		err = err ?: check__explain_undefined(&check->progs[check->nr_progs - 1]);
	}
	return err;
}

static int list_all(struct check *check, struct bpf_object *bpf, char **pin_paths)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	size_t nr_legacy = 0;
	int err = 0;

	bpf_object__for_each_map (map, bpf) {
		struct check_map *ours = &check->maps[check->nr_maps];

		ours->fd = ours->inner_fd = -1;
		ours->pin_path = pin_paths[check->nr_maps++];
		list_map(check, ours, map, &nr_legacy);
		ours->name = strdup(bpf_map__name(map));
		ours->map.name = ours->name;
		err = ours->name ? err : -ENOMEM;
	}
	bpf_object__for_each_program (prog, bpf)
		err = err ?: list_libbpfs_prog(check, prog);
	return err ?: list_undefined(check);
}

int check__list(struct check *check)
{
	size_t nr_maps = 0, nr_progs = check->object->nr_progs;
	struct bpf_program *prog;
	struct bpf_object *bpf;
	char **pin_paths;
	struct bpf_map *map;
	int err;

	libbpf_set_print(hear);
	bpf = open_object(check, NULL);
	if (!bpf)
		return lines__add(&check->problems, "libbpf cannot open it: %s", *said ? said : strerror(errno));
	bpf_object__for_each_map (map, bpf)
		nr_maps++;
	bpf_object__for_each_program (prog, bpf)
		nr_progs++;
	bpf_object__close(bpf);

	pin_paths = calloc(nr_maps + 1, sizeof(*pin_paths));
	check->maps = calloc(nr_maps + 1, sizeof(*check->maps));
	check->progs = calloc(nr_progs + 1, sizeof(*check->progs));
	bpf = pin_paths && check->maps && check->progs ? open_object(check, pin_paths) : NULL;
	err = bpf ? list_all(check, bpf, pin_paths) : -ENOMEM;
	bpf_object__close(bpf);
	free(pin_paths);
	return err;
}

/* ---- one attempt ----------------------------------------------------------------------------------------- */

/* What an attempt is to make: map NTH_MAP, or ALL, or NONE beside those that are made already; and
 * program NTH_PROG or NONE. */
struct attempt {
	size_t nth_map;
	size_t nth_prog;
	__u32 log_level;
	char *log;
};

static int prepare_map(struct check_map *ours, struct bpf_map *map, bool is_asked)
{
	if (ours->fd >= 0)
		return bpf_map__reuse_fd(map, ours->fd);
	if (!is_asked)
		return bpf_map__set_autocreate(map, false);
	/* Only its pin knows what is in it. */
	if (!ours->is_legacy || !elfmap_map__is_map_in_map(ours->map.def.type) || ours->map.inner >= 0)
		return 0;
	ours->inner_fd = ours->inner_fd < 0 ? check__borrow_inner(ours) : ours->inner_fd;
	return ours->inner_fd < 0 ? 0 : bpf_map__set_inner_map_fd(map, ours->inner_fd);
}

static int prepare(struct check *check, struct bpf_object *bpf, const struct attempt *attempt)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	size_t nth = 0;
	int err = 0;

	bpf_object__for_each_map (map, bpf) {
		bool is_asked = attempt->nth_map == ALL || attempt->nth_map == nth;

		err = err ?: prepare_map(&check->maps[nth], map, is_asked);
		nth++;
	}
	nth = 0;
	bpf_object__for_each_program (prog, bpf) {
		bool is_asked = attempt->nth_prog == nth;

		err = err ?: bpf_program__set_autoload(prog, is_asked);
		if (is_asked) {
			bpf_program__set_type(prog, check->progs[nth].type);
			bpf_program__set_log_level(prog, attempt->log_level);
			err = err ?: bpf_program__set_log_buf(prog, attempt->log, LOG_SIZE);
		}
		nth++;
	}
	return err;
}

static int keep_maps(struct check *check, struct bpf_object *bpf)
{
	struct bpf_map *map;
	size_t nth = 0;
	int err = 0;

	bpf_object__for_each_map (map, bpf) {
		struct check_map *ours = &check->maps[nth++];

		if (ours->fd >= 0 || bpf_map__fd(map) < 0)
			continue;
		ours->fd = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);
		err = ours->fd < 0 ? -errno : err;
	}
	return err;
}

static int keep_figures(struct check_prog *prog, int fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	prog->xlated = info.xlated_prog_len;
	prog->verified = info.verified_insns;
	return 0;
}

/* The kernel's or libbpf's error; 0: everything was made, and kept in CHECK. */
static int try(struct check *check, const struct attempt *attempt)
{
	struct bpf_object *bpf = open_object(check, NULL);
	struct bpf_program *prog;
	size_t nth = 0;
	int err;

	if (!bpf)
		return -errno;
	err = prepare(check, bpf, attempt);
	err = err ?: bpf_object__load(bpf);
	err = err ?: keep_maps(check, bpf);
	bpf_object__for_each_program (prog, bpf)
		if (nth++ == attempt->nth_prog && !err)
			err = keep_figures(&check->progs[attempt->nth_prog], bpf_program__fd(prog));
	bpf_object__close(bpf);
	return err;
}

/* ---- all of it --------------------------------------------------------------------------------------------- */

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void drop_maps(struct check *check)
{
	for (size_t i = 0; i < check->nr_maps; i++) {
		drop(&check->maps[i].fd);
		drop(&check->maps[i].inner_fd);
	}
}

/* At once, and when that fails one after the other, to see which of them it is. */
static int make_maps(struct check *check)
{
	int err = try(check, &(struct attempt){.nth_map = ALL, .nth_prog = NONE});

	if (!err)
		return 0;
	for (size_t i = 0; i < check->nr_maps; i++) {
		struct check_map *map = &check->maps[i];

		map->err = try(check, &(struct attempt){.nth_map = i, .nth_prog = NONE});
		err = map->err ? check__explain_map(check, map, map->err, said) : 0;
		if (err)
			return err;
	}
	return 0;
}

/* The error once more with the steps that led to it; LOG stays what it is where that is too long. */
static int add_steps(struct check *check, size_t nth, char *log)
{
	struct attempt attempt = {.nth_map = NONE, .nth_prog = nth, .log_level = LOG_OF_STEPS, .log = log};
	char *error = strdup(log);

	if (!error)
		return -ENOMEM;
	if (try(check, &attempt) != check->progs[nth].err)
		strcpy(log, error);
	free(error);
	return 0;
}

static int load_prog(struct check *check, size_t nth, char *log)
{
	struct attempt attempt = {.nth_map = NONE, .nth_prog = nth, .log_level = LOG_OF_ERROR, .log = log};
	struct check_prog *prog = &check->progs[nth];
	int err = 0;

	*log = '\0';
	prog->err = try(check, &attempt);
	prog->verified = prog->verified ? prog->verified : check__processed_insns(log);
	if (!prog->err)
		return 0;
	if (*log)
		err = add_steps(check, nth, log);
	err = err ?: check__keep_log(prog, log);
	return err ?: check__explain_prog(check, prog, prog->err, said, log);
}

int check__load(struct check *check)
{
	enum bpf_prog_type made_for = BPF_PROG_TYPE_UNSPEC;
	char *log = malloc(LOG_SIZE);
	int err = log ? make_maps(check) : -ENOMEM;

	for (size_t i = 0; !err && i < check->nr_progs; i++) {
		struct check_prog *prog = &check->progs[i];

		if (!prog->is_chosen || prog->err)
			continue;
		/* A PROG_ARRAY belongs to the type of the first program that uses it. */
		if (made_for != BPF_PROG_TYPE_UNSPEC && made_for != prog->type) {
			drop_maps(check);
			err = make_maps(check);
		}
		made_for = prog->type;
		err = err ?: load_prog(check, i, log);
	}
	drop_maps(check);
	free(log);
	return err;
}
