// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tries each map and each program of an object. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kinds/maps.h"
#include "load/trial.h"

#define ALL SIZE_MAX
#define NONE (SIZE_MAX - 1)
#define LOG_OF_STEPS 1 /* every instruction, with the source where BTF has it */
#define LOG_OF_ERROR 4 /* the error and the figures; short enough for older kernels where the first kind is not */

struct court {
	const struct elfmap_load *load;
	const struct elfmap_trial *trial;
	int *maps;		       /* made maps, by index in load->maps; -1 */
	int *inner;		       /* the inner map lent for it; -1 */
	struct elfmap_verdict verdict; /* on a program */
};

/* ---- one attempt ----------------------------------------------------------------------------------------- */

/* What an attempt makes: map NTH_MAP, ALL, or NONE besides those that exist; and program NTH_PROG or NONE. */
struct attempt {
	size_t nth_map;
	size_t nth_prog;
	__u32 log_level;
};

/* Without inner_id only the pin of a map of maps defines its inner maps. */
static bool lacks_inner(const struct elfmap_load_map *map)
{
	return map->is_legacy && elfmap_map__is_map_in_map(map->map.def.type) && map->map.inner < 0;
}

static int prepare_map(const struct court *court, size_t nth, struct bpf_map *map, bool is_asked)
{
	if (court->maps[nth] >= 0)
		return bpf_map__reuse_fd(map, court->maps[nth]);
	if (!is_asked)
		return bpf_map__set_autocreate(map, false);
	if (!lacks_inner(&court->load->maps[nth]))
		return 0;
	if (court->inner[nth] < 0)
		court->inner[nth] = court->trial->lend_inner(court->trial->context, nth);
	return court->inner[nth] < 0 ? 0 : bpf_map__set_inner_map_fd(map, court->inner[nth]);
}

static int prepare_prog(const struct court *court, size_t nth, struct bpf_program *prog, const struct attempt *attempt)
{
	bool is_asked = attempt->nth_prog == nth;
	int err = bpf_program__set_autoload(prog, is_asked);

	if (err || !is_asked)
		return err;
	bpf_program__set_log_level(prog, attempt->log_level);
	err = elfmap_load__set_type(court->load, &court->load->progs[nth], prog);
	return err ?: bpf_program__set_log_buf(prog, elfmap_load_log, ELFMAP_LOG_SIZE);
}

static int prepare(const struct court *court, struct bpf_object *bpf, const struct attempt *attempt)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	size_t nth = 0;
	int err = 0;

	bpf_object__for_each_map (map, bpf) {
		bool is_asked = attempt->nth_map == ALL || attempt->nth_map == nth;

		err = err ?: prepare_map(court, nth, map, is_asked);
		nth++;
	}
	nth = 0;
	bpf_object__for_each_program (prog, bpf) {
		err = err ?: prepare_prog(court, nth, prog, attempt);
		nth++;
	}
	return err;
}

static int keep_maps(const struct court *court, struct bpf_object *bpf)
{
	struct bpf_map *map;
	size_t nth = 0;
	int err = 0;

	bpf_object__for_each_map (map, bpf) {
		int *kept = &court->maps[nth++], fd = elfmap_pair__fd(map);

		if (*kept >= 0 || fd < 0)
			continue;
		*kept = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		err = *kept < 0 ? -errno : err;
	}
	return err;
}

static int keep_figures(struct elfmap_verdict *verdict, int fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	verdict->xlated = info.xlated_prog_len;
	verdict->verified = info.verified_insns;
	return 0;
}

/* The kernel's or libbpf's error; 0: all were made, and the maps are kept. */
static int try(struct court *court, const struct attempt *attempt)
{
	struct bpf_object *bpf = NULL;
	struct bpf_program *prog;
	size_t nth = 0;
	int err;

	elfmap_load__listen();
	err = elfmap_load__open_again(court->load, &bpf, NULL);
	if (err)
		return err;
	err = prepare(court, bpf, attempt);
	err = err ?: bpf_object__load(bpf);
	err = err ?: keep_maps(court, bpf);
	bpf_object__for_each_program (prog, bpf)
		if (nth++ == attempt->nth_prog && !err)
			err = keep_figures(&court->verdict, bpf_program__fd(prog));
	bpf_object__close(bpf);
	return err;
}

/* ---- maps ------------------------------------------------------------------------------------------------ */

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void drop_maps(const struct court *court)
{
	for (size_t i = 0; i < court->load->nr_maps; i++) {
		drop(&court->maps[i]);
		drop(&court->inner[i]);
	}
}

/* All at once; if that fails, one after the other, to find the refused ones. */
static int make_maps(struct court *court)
{
	int err = try(court, &(struct attempt){.nth_map = ALL, .nth_prog = NONE});

	if (!err)
		return 0;
	for (size_t i = 0; i < court->load->nr_maps; i++) {
		struct elfmap_verdict verdict = {};

		verdict.err = try(court, &(struct attempt){.nth_map = i, .nth_prog = NONE});
		verdict.said = elfmap_load__said();
		err = verdict.err ? court->trial->hear_map(court->trial->context, i, &verdict) : 0;
		if (err)
			return err;
	}
	return 0;
}

/* ---- programs -------------------------------------------------------------------------------------------- */

static __u32 processed_insns(const char *log)
{
	const char *at = strstr(log, "processed ");
	unsigned int number;

	return at && sscanf(at, "processed %u insns", &number) == 1 ? number : 0;
}

/* Repeats the attempt with the steps that led to the error; keeps the old log if the new one is too long. */
static int add_steps(struct court *court, size_t nth)
{
	char *error = strdup(elfmap_load_log);

	if (!error)
		return -ENOMEM;
	if (try(court, &(struct attempt){.nth_map = NONE, .nth_prog = nth, .log_level = LOG_OF_STEPS}) !=
	    court->verdict.err)
		strcpy(elfmap_load_log, error);
	free(error);
	return 0;
}

static int try_prog(struct court *court, size_t nth)
{
	int err = 0;

	*elfmap_load_log = '\0';
	court->verdict = (struct elfmap_verdict){.log = elfmap_load_log};
	court->verdict.err = try(court, &(struct attempt){.nth_map = NONE, .nth_prog = nth, .log_level = LOG_OF_ERROR});
	court->verdict.verified = court->verdict.verified ?: processed_insns(elfmap_load_log);
	if (court->verdict.err && *elfmap_load_log)
		err = add_steps(court, nth);
	court->verdict.said = elfmap_load__said();
	return err ?: court->trial->hear_prog(court->trial->context, nth, &court->verdict);
}

/* A PROG_ARRAY accepts only the kind of the first program that uses it. */
static bool is_of_kind(const struct elfmap_load_prog *a, const struct elfmap_load_prog *b)
{
	return a->type == b->type &&
	       bpf_program__expected_attach_type(a->bpf) == bpf_program__expected_attach_type(b->bpf) &&
	       bpf_program__flags(a->bpf) == bpf_program__flags(b->bpf);
}

static int try_progs(struct court *court)
{
	const struct elfmap_load *load = court->load;
	const struct elfmap_load_prog *made_for = NULL;
	int err = 0;

	for (size_t i = 0; !err && i < load->nr_progs; i++) {
		const struct elfmap_load_prog *prog = &load->progs[i];

		if (!prog->is_wanted)
			continue;
		err = elfmap_load__set_type(load, prog, prog->bpf);
		if (!err && made_for && !is_of_kind(made_for, prog)) {
			drop_maps(court);
			err = make_maps(court);
		}
		made_for = prog;
		err = err ?: try_prog(court, i);
	}
	return err;
}

int elfmap_load__try(const struct elfmap_load *load, const struct elfmap_trial *trial)
{
	struct court court = {
		.load = load,
		.trial = trial,
		.maps = calloc(load->nr_maps + 1, sizeof(*court.maps)),
		.inner = calloc(load->nr_maps + 1, sizeof(*court.inner)),
	};
	int err = court.maps && court.inner ? 0 : -ENOMEM;

	if (!err) {
		for (size_t i = 0; i < load->nr_maps; i++)
			court.maps[i] = court.inner[i] = -1;
		err = make_maps(&court);
		err = err ?: try_progs(&court);
		drop_maps(&court);
		elfmap_load__stop_listening();
	}
	free(court.maps);
	free(court.inner);
	return err;
}
