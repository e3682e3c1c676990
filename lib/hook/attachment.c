// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From a request to a program at a hook, and back. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/path.h"
#include "hook/attachment.h"
#include "load/load.h"
#include "map/map.h"
#include "pins/bpffs.h"

#define MAX_TRIES 8	 /* other commands may change the hook at the same time */
#define MAX_PROG_MAPS 64 /* the kernel's own limit */

/* ---- is it the same program ------------------------------------------------------------------------------- */

struct facts {
	struct bpf_prog_info info;
	__u32 maps[MAX_PROG_MAPS]; /* in the order in which the program uses them */
};

static bool read_facts(int fd, struct facts *facts)
{
	__u32 size = sizeof(facts->info);

	facts->info = (struct bpf_prog_info){
		.nr_map_ids = MAX_PROG_MAPS,
		.map_ids = (__u64)(unsigned long)facts->maps,
	};
	return !bpf_obj_get_info_by_fd(fd, &facts->info, &size) && facts->info.nr_map_ids <= MAX_PROG_MAPS;
}

/* Compares the only value of libbpf's map for .rodata, or of the map of start values (load_pin.c). */
static bool same_constants(__u32 a, __u32 b, const struct bpf_map_info *info)
{
	int fd_a = bpf_map_get_fd_by_id(a), fd_b = bpf_map_get_fd_by_id(b);
	char *values = calloc(2, info->value_size);
	bool same = false;
	__u32 key = 0;

	if (fd_a >= 0 && fd_b >= 0 && values && !bpf_map_lookup_elem(fd_a, &key, values) &&
	    !bpf_map_lookup_elem(fd_b, &key, values + info->value_size))
		same = !memcmp(values, values + info->value_size, info->value_size);
	free(values);
	if (fd_a >= 0)
		close(fd_a);
	if (fd_b >= 0)
		close(fd_b);
	return same;
}

static bool is_map(int fd, __u32 id)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && info.id == id;
}

/* Is map ID one that LOAD made and that has no pin? */
static bool is_made_anew(const struct elfmap_load *load, __u32 id)
{
	for (size_t i = 0; load && i < load->nr_maps; i++)
		if (!load->maps[i].pin_path && is_map(elfmap_pair__fd(load->maps[i].bpf), id))
			return true;
	return load && is_map(load->start_map, id);
}

/* A is the map of LOAD. */
static bool same_map(__u32 a, __u32 b, const struct elfmap_load *load)
{
	struct bpf_map_info left, right;

	if (a == b)
		return true;
	if (!is_made_anew(load, a) || !elfmap_map__describe(a, &left) || !elfmap_map__describe(b, &right) ||
	    left.type != right.type || left.key_size != right.key_size || left.value_size != right.value_size ||
	    left.max_entries != right.max_entries || left.map_flags != right.map_flags ||
	    strcmp(left.name, right.name) != 0)
		return false;
	if (left.type == BPF_MAP_TYPE_ARRAY && (left.map_flags & BPF_F_RDONLY_PROG) && left.max_entries == 1)
		return same_constants(a, b, &left);
	return true;
}

bool elfmap_program__is_same(__u32 id, int prog_fd, const struct elfmap_load *load)
{
	int fd = bpf_prog_get_fd_by_id(id);
	struct facts ours, theirs;
	bool same;

	if (fd < 0)
		return false;
	same = read_facts(prog_fd, &ours) && read_facts(fd, &theirs) && ours.info.type == theirs.info.type &&
	       !memcmp(ours.info.tag, theirs.info.tag, sizeof(ours.info.tag)) &&
	       !strcmp(ours.info.name, theirs.info.name) && ours.info.nr_map_ids == theirs.info.nr_map_ids;
	close(fd);
	for (__u32 i = 0; same && i < ours.info.nr_map_ids; i++)
		same = same_map(ours.maps[i], theirs.maps[i], load);
	return same;
}

/* ---- the place ------------------------------------------------------------------------------------------- */

static bool is_file(const char *word)
{
	struct stat file;

	return !stat(word, &file) && !S_ISDIR(file.st_mode) && !elfmap_bpffs__contains(word);
}

int elfmap_attachment__init(const struct elfmap_attach_request *request, int netns, const char *tc_dir,
			    struct elfmap_attachment *attachment, struct elfmap_msg *msg)
{
	struct elfmap_hook *wanted = &attachment->wanted;
	char path[PATH_MAX];
	int err;

	*attachment = (struct elfmap_attachment)ELFMAP_NO_ATTACHMENT;
	attachment->request = *request;
	attachment->culprit = request->dev;
	err = elfmap_hook__init(request->kind, netns, request->dev, wanted, msg);
	if (err)
		return err;
	attachment->is_file = request->source == ELFMAP_FROM_FILE ||
			      (request->source == ELFMAP_FROM_ANY && request->what && is_file(request->what));
	wanted->tc_dir = tc_dir;
	wanted->direction = request->direction;
	wanted->prio = request->prio;
	wanted->handle = request->handle;
	wanted->chain = request->chain;
	/* The names that tc gives its filters. */
	if (attachment->is_file)
		snprintf(wanted->name, sizeof(wanted->name), "%s:[%s]", elfmap_path__name(request->what),
			 request->section);
	else if (request->what)
		snprintf(wanted->name, sizeof(wanted->name), "%s:[*fsobj]", elfmap_path__name(request->what));
	attachment->culprit = request->what;
	return wanted->kind->pin_path ? elfmap_hook__pin_path(wanted, path, sizeof(path), msg) : 0;
}

/* ---- opening the program --------------------------------------------------------------------------- */

int elfmap_program__open_pin(const char *pin, enum bpf_prog_type type, int *ret_prog, struct elfmap_msg *msg)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	char path[PATH_MAX];
	int err, fd;

	err = elfmap_bpffs__pin_path(pin, path, sizeof(path), msg);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return elfmap_msg__set(
			msg, fd, "there is no such file, and no program is pinned at %s; 'elfmap load' pins programs",
			path);
	err = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &size);
	if (!err && info.type != type)
		err = -EMEDIUMTYPE;
	if (err) {
		if (fd >= 0)
			close(fd);
		if (err != -EMEDIUMTYPE || type == BPF_PROG_TYPE_SCHED_CLS)
			return elfmap_msg__set(msg, err, "%s: %s", path,
					       err == -EMEDIUMTYPE ? "is not a classifier" : strerror(-err));
		return elfmap_msg__set(msg, err, "%s: is not a program of type %s", path, elfmap_prog_type_name(type));
	}
	*ret_prog = fd;
	return 0;
}

bool elfmap_load__has_stages(const struct elfmap_load *load, elfmap_slot_test *is_others, const void *context)
{
	for (size_t i = 0; load && i < load->nr_progs; i++) {
		const struct elfmap_load_prog *prog = &load->progs[i];
		const char *pin = prog->slot_map < 0 ? NULL : load->maps[prog->slot_map].pin_path;
		__u32 id;

		if (prog->slot_map < 0 || (is_others && pin && is_others(context, pin, prog->slot_key)))
			continue;
		if (bpf_map_lookup_elem(elfmap_pair__fd(load->maps[prog->slot_map].bpf), &prog->slot_key, &id) ||
		    !elfmap_program__is_same(id, bpf_program__fd(prog->bpf), load))
			return false;
	}
	return true;
}

/* ---- looking at the hook --------------------------------------------------------------------------------------- */

static void forget_there(struct elfmap_attachment *attachment)
{
	if (attachment->before >= 0)
		close(attachment->before);
	attachment->before = -1;
	attachment->is_there = attachment->is_same = attachment->is_in_force = false;
}

static int look(struct elfmap_attachment *attachment, const struct elfmap_load *load, struct elfmap_msg *msg)
{
	struct elfmap_hook *there = &attachment->there;
	int err;

	forget_there(attachment);
	err = elfmap_hook__find(&attachment->wanted, there, msg);
	if (err)
		return err == -ENOENT ? 0 : err;
	attachment->is_there = true;
	attachment->before = bpf_prog_get_fd_by_id(there->prog);
	if (there->prog && attachment->before < 0)
		return elfmap_msg__set(msg, attachment->before, "program %u, which is attached: %s", there->prog,
				       strerror(-attachment->before));
	attachment->is_same = there->is_direct && !strcmp(there->name, attachment->wanted.name) &&
			      elfmap_program__is_same(there->prog, attachment->prog, load);
	attachment->is_in_force = attachment->is_same && elfmap_load__has_stages(load, NULL, NULL);
	if (attachment->is_in_force) {
		attachment->result = ELFMAP_UNCHANGED;
		attachment->done = *there;
	}
	return 0;
}

/* Called before the commit, which is left out if all is in force. */
static int look_at_hook(void *context, struct elfmap_load *load, struct elfmap_msg *msg)
{
	struct elfmap_attachment *attachment = context;
	int err;

	attachment->prog = bpf_program__fd(elfmap_load__find_prog(load, attachment->request.section)->bpf);
	err = look(attachment, load, msg);
	return err ?: attachment->is_in_force;
}

static int look_only(void *context, struct elfmap_load *load, struct elfmap_msg *msg)
{
	int err = look_at_hook(context, load, msg);

	return err < 0 ? err : 1;
}

int elfmap_attachment__open(struct elfmap_attachment *attachment, bool commit, struct elfmap_msg *msg)
{
	const struct elfmap_load_goal goal = {.look = commit ? look_at_hook : look_only, .context = attachment};
	const struct elfmap_load_opts opts = {
		.tc_dir = attachment->wanted.tc_dir,
		.section = attachment->request.section,
		.settings = &attachment->request.settings,
		.type = attachment->wanted.kind->prog_type,
		.warn = attachment->warn,
	};
	int err;

	attachment->culprit = attachment->request.what;
	if (attachment->is_file) {
		err = elfmap_load__run(attachment->request.what, &opts, &goal, &attachment->load, msg);
		if (err)
			attachment->prog = -1; /* closed with the load */
	} else {
		err = elfmap_program__open_pin(attachment->request.what, opts.type, &attachment->prog, msg);
		err = err ?: look(attachment, NULL, msg);
	}
	if (err)
		elfmap_attachment__close(attachment, false);
	return err;
}

/* ---- doing and undoing ----------------------------------------------------------------------------------- */

static int attach_once(struct elfmap_attachment *attachment, struct elfmap_msg *msg)
{
	struct elfmap_hook *done = &attachment->done;
	bool is_known = attachment->is_known;
	int err = is_known ? 0 : look(attachment, attachment->load, msg);

	attachment->is_known = false;
	if (err)
		return err;
	if (!attachment->is_there) {
		err = elfmap_hook__attach(&attachment->wanted, attachment->prog, done, msg);
		return err == -EEXIST && is_known ? -ESTALE : err;
	}
	*done = attachment->there;
	if (attachment->is_same) /* only its stages were exchanged */
		return 0;
	done->is_direct = true;
	done->classid = 0;
	memcpy(done->name, attachment->wanted.name, sizeof(done->name));
	err = elfmap_hook__exchange(done, attachment->there.prog, attachment->prog, msg);
	done->prog = elfmap_program__id(attachment->prog);
	return err;
}

int elfmap_attachment__attach(struct elfmap_attachment *attachment, struct elfmap_msg *msg)
{
	int err = -ESTALE;

	if (attachment->is_in_force)
		return 0;
	attachment->culprit = attachment->request.dev;
	for (int i = 0; err == -ESTALE && i < MAX_TRIES; i++)
		err = attach_once(attachment, msg);
	if (err)
		return err;
	/* The same entry with other stages counts as replaced. */
	attachment->result = attachment->is_there ? ELFMAP_REPLACED : ELFMAP_ATTACHED;
	attachment->is_done = true;
	return 0;
}

int elfmap_attachment__detach(struct elfmap_attachment *attachment, struct elfmap_msg *msg)
{
	attachment->culprit = attachment->request.dev;
	return elfmap_hook__detach(&attachment->wanted, &attachment->done, msg);
}

static void put_back(struct elfmap_attachment *attachment)
{
	struct elfmap_hook gone;

	if (attachment->before >= 0)
		elfmap_hook__exchange(&attachment->there, attachment->done.prog, attachment->before, NULL);
	else if (!attachment->is_there)
		elfmap_hook__detach(&attachment->done, &gone, NULL);
}

void elfmap_attachment__close(struct elfmap_attachment *attachment, bool keep)
{
	if (attachment->is_done && !keep)
		put_back(attachment);
	if (!attachment->load && attachment->prog >= 0)
		close(attachment->prog);
	elfmap_load__end(attachment->load, keep);
	if (attachment->before >= 0)
		close(attachment->before);
	attachment->load = NULL;
	attachment->prog = attachment->before = -1;
	attachment->is_done = false;
}
