// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap map swap`: a whole new content for one slot of a map of maps. Programs see all of the old one or
 * all of the new one, since the kernel exchanges the inner map in one step. The old one stays pinned next to
 * the outer map, as NAME~before~KEY, so that --rollback can put it back.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/map/map_file.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "kinds/maps.h"
#include "map/map_copy.h"
#include "pins/bpffs.h"
#include "pins/map_id.h"
#include "pins/pin_change.h"

#define MAX_KEY_IN_NAME 32 /* bytes; a longer key is in the name by its hash */

struct swap_request {
	const char *outer;
	struct option_words key;
	const char *file;
	struct elfmap_type_words words;
	const char *like; /* NULL: the maps that are there */
	bool keep_going, rollback;
};

struct swap {
	struct target outer;
	void *key;
	int lock;
	int old; /* the map in the slot; -1: it is empty */
	__u32 old_id;
	char before[PATH_MAX]; /* where the previous map is pinned */
	char next[PATH_MAX];   /* where the map in the slot is pinned while it is exchanged */
	bool is_finished;      /* a rollback that was killed: it has been completed */
	const struct swap_request *request;
};

/* ---- what there is -------------------------------------------------------------------------------- */

static int read_key(struct swap *swap)
{
	struct elfmap_msg msg = {.text = "no memory"};
	char *line = join_words(&swap->request->key);
	struct elfmap_text text;
	int err = -ENOMEM;

	swap->key = calloc(1, swap->outer.map.info.key_size);
	if (line && swap->key) {
		text = elfmap_text__new(line, strlen(line), swap->outer.resolver, &msg);
		err = elfmap_text__read(&text, swap->outer.map.format.key, swap->key);
		if (!err && !elfmap_text__is_at_end(&text))
			err = elfmap_msg__set(&msg, -EINVAL, "'%s' is more than one key", line);
	}
	free(line);
	return err ? complain(swap->outer.pin, "key: %s", msg.text) : EXIT_SUCCESS;
}

static void find_name(struct swap *swap)
{
	const unsigned char *key = swap->key;
	size_t size = swap->outer.map.info.key_size;
	char name[2 * MAX_KEY_IN_NAME + 42];
	int room = (int)(sizeof(swap->before) - sizeof(name) - sizeof("~before~~next"));

	if (size <= MAX_KEY_IN_NAME)
		for (size_t i = 0; i < size; i++)
			snprintf(name + 2 * i, 3, "%02x", key[i]);
	else
		elfmap_sha1(key, size, name);
	snprintf(swap->before, sizeof(swap->before), "%.*s~before~%s", room, swap->outer.path, name);
	snprintf(swap->next, sizeof(swap->next), "%.*s~before~%s~next", room, swap->outer.path, name);
}

static int find_old(struct swap *swap, struct elfmap_msg *msg)
{
	int err = bpf_map_lookup_elem(swap->outer.map.fd, swap->key, &swap->old_id);

	if (err == -ENOENT)
		return 0;
	if (err)
		return elfmap_msg__set(msg, err, "the slot cannot be read: %s", strerror(-err));
	swap->old = elfmap_map__open_id(swap->old_id);
	return swap->old < 0
		       ? elfmap_msg__set(msg, swap->old, "map %u in the slot: %s", swap->old_id, strerror(-swap->old))
		       : 0;
}

static int open_swap(struct swap *swap)
{
	const struct bpf_map_info *info = &swap->outer.map.info;
	const char *pin = swap->request->outer;
	struct elfmap_msg msg;
	int status = target__open(&swap->outer, pin, ELFMAP_READ_WRITE, NULL);

	if (status)
		return status;
	if (!elfmap_map__is_map_in_map(info->type))
		return complain(pin, "is %s, which has no maps in its slots", elfmap_map_kind__of(info->type)->phrase);
	status = read_key(swap);
	if (status)
		return status;
	find_name(swap);
	if (elfmap_pin__lock(swap->outer.path, &swap->lock, &msg) || find_old(swap, &msg))
		return complain(pin, "%s", msg.text);
	return EXIT_SUCCESS;
}

static void close_swap(struct swap *swap)
{
	if (swap->old >= 0)
		close(swap->old);
	if (swap->lock >= 0)
		close(swap->lock);
	free(swap->key);
	target__close(&swap->outer);
}

/* ---- exchanging ----------------------------------------------------------------------------------- */

static int put(const struct swap *swap, int fd, struct elfmap_msg *msg)
{
	int err = bpf_map_update_elem(swap->outer.map.fd, swap->key, &fd, BPF_ANY);

	if (err == -E2BIG)
		return elfmap_msg__set(msg, err, "the key is beyond its %u entries, or they are all taken",
				       swap->outer.map.info.max_entries);
	if (err == -EINVAL)
		return elfmap_msg__set(msg, err, "the form of the new map differs from that of the inner maps");
	return err ? elfmap_msg__set(msg, err, "the slot cannot be written: %s", strerror(-err)) : 0;
}

static int put_back(const struct swap *swap, struct elfmap_msg *msg)
{
	int err = swap->old >= 0 ? put(swap, swap->old, msg) : bpf_map_delete_elem(swap->outer.map.fd, swap->key);

	return err ? elfmap_msg__set(msg, err, "the previous map cannot be pinned, and the new one is in the slot") : 0;
}

/* The map in the slot is pinned under another name first, and gets its own name when the new one is in the slot: both
 * stay pinned or in the slot, wherever the command is killed, and recover() completes it. */
static int exchange(const struct swap *swap, int fd, struct elfmap_msg *msg)
{
	int err = swap->old >= 0 ? elfmap_pin__add(swap->old, swap->next, msg) : 0;

	if (err)
		return err;
	err = put(swap, fd, msg);
	if (!err && swap->old < 0) {
		unlink(swap->before); /* of an earlier time; now there was nothing before */
	} else if (!err && rename(swap->next, swap->before)) {
		err = elfmap_msg__set(msg, -errno, "the previous map cannot be pinned: %s", strerror(errno));
		put_back(swap, msg);
	}
	if (err)
		unlink(swap->next);
	return err;
}

static __u32 pinned_id(const char *path)
{
	struct bpf_map_info info;
	int fd;

	if (access(path, F_OK) || elfmap_map__open(path, &fd, &info, NULL))
		return 0;
	close(fd);
	return info.id;
}

/* Completes what a killed command has left: the new map is in the slot, or is not yet. */
static int recover(struct swap *swap, struct elfmap_msg *msg)
{
	__u32 next = pinned_id(swap->next);

	if (!next)
		return 0;
	if (next == swap->old_id)
		return unlink(swap->next) ? elfmap_msg__set(msg, -errno, "%s: %s", swap->next, strerror(errno)) : 0;
	swap->is_finished = swap->request->rollback && pinned_id(swap->before) == swap->old_id;
	if (rename(swap->next, swap->before))
		return elfmap_msg__set(msg, -errno, "the previous map cannot be pinned: %s", strerror(errno));
	return 0;
}

static int roll_back(const struct swap *swap, struct elfmap_msg *msg)
{
	struct bpf_map_info info;
	int fd, err;

	if (swap->is_finished)
		return 0;
	if (access(swap->before, F_OK))
		return elfmap_msg__set(msg, -ENOENT,
				       "no earlier map of this slot is kept: 'swap' has not replaced one");
	err = elfmap_map__open_for(swap->before, ELFMAP_READ_WRITE, &fd, &info, msg);
	if (err)
		return err;
	if (info.id == swap->old_id)
		err = elfmap_msg__set(msg, -EALREADY, "the slot already contains the previous map");
	err = err ?: exchange(swap, fd, msg);
	close(fd);
	return err;
}

/* ---- the new map ---------------------------------------------------------------------------------- */

/* The form of the map that is in the slot, else of any other, else of the one that the user names. */
static int find_form(const struct swap *swap, struct elfmap_form *ret_form, struct elfmap_msg *msg)
{
	struct elfmap_form outer = {.btf = -1, .inner = -1};
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	char path[PATH_MAX];
	int fd = -1, err = 0;

	if (swap->request->like) {
		err = elfmap_bpffs__pin_path(swap->request->like, path, sizeof(path), msg);
		err = err ?: elfmap_map__open(path, &fd, &info, msg);
	} else if (swap->old < 0) {
		err = elfmap_form__read(swap->outer.map.fd, &swap->outer.map.info, &outer, msg);
	}
	if (!err && fd < 0)
		fd = swap->old >= 0 ? dup(swap->old) : outer.inner >= 0 ? dup(outer.inner) : -1;
	if (!err && fd < 0)
		err = elfmap_msg__set(
			msg, -ENOENT,
			"all slots are empty, so the form of its inner maps is unknown; give it with 'like PIN'");
	if (!err)
		err = bpf_obj_get_info_by_fd(fd, &info, &size);
	err = err ?: elfmap_form__read(fd, &info, ret_form, msg);
	elfmap_form__free(&outer);
	if (fd >= 0)
		close(fd);
	return err;
}

static int complain_about(const struct elfmap_source *file, const struct elfmap_job *job, int err,
			  const struct elfmap_msg *msg)
{
	char place[PATH_MAX + 32];

	if (err == -EINTR)
		return complain(file->name, "interrupted; nothing was changed");
	snprintf(place, sizeof(place), file->is_json ? "%s: entry %zu" : "%s:%zu", file->name,
		 elfmap_entries__line(&file->entries, job->refused));
	return complain(place, "%s; nothing was changed", msg->text);
}

static int fill(const struct target *inner, const char *name, bool keep_going, size_t *ret_refused)
{
	struct elfmap_source file = {};
	struct progress progress;
	struct elfmap_job job = {
		.map = &inner->map, .stop = &interrupted, .progress = progress__update, .context = &progress};
	struct elfmap_msg msg;
	int status, err;

	if (elfmap_map__check_writable(&inner->map, &msg))
		return complain(inner->pin, "%s", msg.text);
	status = map_file__read(&file, inner, name, keep_going ? MAP_FILE_KEEP_GOING : MAP_FILE_STRICT);
	status = status ?: map_file__open_objects(&file, inner);
	if (!status) {
		progress__begin(&progress, file.entries.count);
		err = elfmap_job__update(&job, file.entries.key_size ? file.entries.keys : NULL, file.entries.values,
					 file.entries.count, &msg);
		progress__end(&progress);
		if (err)
			status = complain_about(&file, &job, err, &msg);
	}
	*ret_refused = file.nr_refused;
	elfmap_source__close(&file);
	return status;
}

static int open_inner(const struct swap *swap, const struct elfmap_form *form, struct target *inner,
		      struct elfmap_msg *msg)
{
	int fd, err;

	*inner = (struct target){.pin = swap->outer.pin, .map.fd = -1};
	err = elfmap_form__create(form, &fd, msg);
	if (err)
		return err;
	err = elfmap_reader__open_fd(fd, form->name, &swap->request->words, &inner->map, msg);
	close(fd);
	return err ?: elfmap_resolver__new(&inner->resolver, msg);
}

static int swap_in(const struct swap *swap)
{
	struct elfmap_form form = {.btf = -1, .inner = -1};
	struct target inner = {.map.fd = -1};
	struct elfmap_msg msg;
	size_t refused = 0;
	int status, err;

	err = find_form(swap, &form, &msg);
	err = err ?: open_inner(swap, &form, &inner, &msg);
	status = err ? complain(swap->outer.pin, "%s", msg.text)
		     : fill(&inner, swap->request->file, swap->request->keep_going, &refused);
	if (!status && form.frozen)
		bpf_map_freeze(inner.map.fd);
	if (!status && exchange(swap, inner.map.fd, &msg))
		status = complain(swap->outer.pin, "%s; nothing was changed", msg.text);
	if (!status)
		elfmap_resolver__keep(inner.resolver);
	target__close(&inner);
	elfmap_form__free(&form);
	if (!status && refused)
		status = EXIT_FAILURE;
	return status;
}

/* ------------------------------------------------------------------------------------------------- */

static int run(const void *words)
{
	const struct swap_request *request = words;
	struct swap swap = {.outer.map.fd = -1, .lock = -1, .old = -1, .request = request};
	struct elfmap_msg msg;
	int status;

	interrupt__catch();
	status = open_swap(&swap);
	if (!status && recover(&swap, &msg))
		status = complain(request->outer, "%s", msg.text);
	if (!status && request->rollback)
		status = roll_back(&swap, &msg) ? complain(request->outer, "%s", msg.text) : EXIT_SUCCESS;
	else if (!status)
		status = swap_in(&swap);
	close_swap(&swap);
	return status;
}

static const struct option_row options[] = {
	{NULL, "OUTER", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct swap_request, outer),
	 .completes = COMPLETE_PIN},
	{NULL, "KEY", OPTION_REQUIRED, OPTION_WORDS_AT(struct swap_request, key)},
	{NULL, "FILE|-", OPTION_REQUIRED, OPTION_TEXT_AT(struct swap_request, file), .unless = "--rollback",
	 .completes = COMPLETE_FILE},
	{"like", "PIN", OPTION_LAST, OPTION_TEXT_AT(struct swap_request, like), .min = 3, .completes = COMPLETE_PIN,
	 .help = "template of the new map, if all slots are empty"},
	TYPES_ROW(struct swap_request),
	{"--keep-going", NULL, 0, OPTION_FLAG_AT(struct swap_request, keep_going),
	 .help = "write the valid lines, even if others are refused"},
	{"--rollback", NULL, 0, OPTION_FLAG_AT(struct swap_request, rollback),
	 .help = "the map that was in the slot before, instead of FILE"},
	{},
};

const struct verb map_swap_verb = {
	.name = "swap",
	.summary = "exchange an inner map in one step; --rollback: return to the previous map",
	.run = run,
	.options = options,
	.request_size = sizeof(struct swap_request),
	.changes = true,
};
