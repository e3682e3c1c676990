// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From a request to a program at a hook, and back. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/path.h"
#include "hook/attachment.h"
#include "kinds/progs.h"
#include "load/load.h"
#include "load/note.h"
#include "map/map.h"
#include "pins/bpffs.h"
#include "pins/map_id.h"

#define MAX_TRIES 8	 /* other commands may change the hook at the same time */
#define MAX_PROG_MAPS 64 /* the kernel's own limit */

/* ---- is it the same program ------------------------------------------------------------------------------- */

struct facts {
	struct bpf_prog_info info;
	__u32 maps[MAX_PROG_MAPS]; /* in the order in which the program uses them */
};

/* The same program can be from another file. What was bound comes last. */
static void drop_note(struct facts *facts)
{
	__u32 nr = facts->info.nr_map_ids;

	for (__u32 i = nr; i-- > 0 && i + 2 >= nr;) {
		struct bpf_map_info info;

		if (!elfmap_map__describe(facts->maps[i], &info) || !elfmap_note__is(&info))
			continue;
		memmove(&facts->maps[i], &facts->maps[i + 1], (nr - i - 1) * sizeof(*facts->maps));
		facts->info.nr_map_ids--;
		return;
	}
}

static bool read_facts(int fd, struct facts *facts)
{
	__u32 size = sizeof(facts->info);

	facts->info = (struct bpf_prog_info){
		.nr_map_ids = MAX_PROG_MAPS,
		.map_ids = (__u64)(unsigned long)facts->maps,
	};
	if (bpf_obj_get_info_by_fd(fd, &facts->info, &size) || facts->info.nr_map_ids > MAX_PROG_MAPS)
		return false;
	drop_note(facts);
	return true;
}

/* Compares the only value of libbpf's map for .rodata, or of the map of start values (load_pin.c). */
static bool same_constants(__u32 a, __u32 b, const struct bpf_map_info *info)
{
	int fd_a = elfmap_map__open_id(a), fd_b = elfmap_map__open_id(b);
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

static bool read_name(int fd, char ret_name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return false;
	memcpy(ret_name, info.name, BPF_OBJ_NAME_LEN);
	return true;
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
	wanted->mode = request->mode;
	wanted->by_link = request->by_link;
	/* The names that tc gives its filters. */
	if (attachment->is_file)
		snprintf(wanted->name, sizeof(wanted->name), "%s:[%s]", elfmap_path__name(request->what),
			 request->section);
	else if (request->what)
		snprintf(wanted->name, sizeof(wanted->name), "%s" ELFMAP_PINNED_SECTION,
			 elfmap_path__name(request->what));
	attachment->culprit = request->what;
	err = wanted->kind->pin_path ? elfmap_hook__pin_path(wanted, path, sizeof(path), msg) : 0;
	return err == -EOPNOTSUPP ? 0 : err;
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

/* The name of the function that the request selects; false: unknown, e.g. because the file is gone. */
static bool read_function(const struct elfmap_attachment *attachment, char ret_name[BPF_OBJ_NAME_LEN])
{
	struct elfmap_object *object = NULL;
	void *bytes = NULL;
	size_t size;
	bool found = false;

	if (attachment->prog >= 0)
		return read_name(attachment->prog, ret_name);
	if (!attachment->is_file || elfmap_file__read(attachment->request.what, &bytes, &size, NULL))
		return false;
	if (!elfmap_object__read(bytes, size, &object, NULL))
		for (size_t i = 0; !found && i < object->nr_progs; i++) {
			found = !strcmp(object->progs[i].section, attachment->request.section);
			if (found)
				snprintf(ret_name, BPF_OBJ_NAME_LEN, "%s", object->progs[i].name);
		}
	elfmap_object__free(object);
	free(bytes);
	return found;
}

/* A place that has room for one program only: is it that of the request? Without a name in the notes, e.g. because ip
 * attached it, the name of its function decides. */
static bool is_requested(const struct elfmap_attachment *attachment, const struct elfmap_hook *there,
			 char ret_name[BPF_OBJ_NAME_LEN])
{
	int fd = bpf_prog_get_fd_by_id(there->prog);
	char wanted[BPF_OBJ_NAME_LEN];
	bool is_known = fd >= 0 && read_name(fd, ret_name);

	if (fd >= 0)
		close(fd);
	if (!is_known)
		*ret_name = '\0';
	if (!attachment->request.what)
		return true;
	if (*there->name)
		return !strcmp(there->name, attachment->wanted.name);
	return is_known && *ret_name && read_function(attachment, wanted) && !strcmp(wanted, ret_name);
}

int elfmap_attachment__find(const struct elfmap_attachment *attachment, struct elfmap_hook *ret_there,
			    struct elfmap_msg *msg)
{
	const struct elfmap_hook *wanted = &attachment->wanted;
	char name[BPF_OBJ_NAME_LEN];
	int err = elfmap_hook__find(wanted, ret_there, msg);

	if (err || !(wanted->kind->has & ELFMAP_HOOK_SINGLE) || is_requested(attachment, ret_there, name))
		return err;
	return elfmap_msg__set(
		msg, -EEXIST, "program %u %s of %s is attached as %s, not %s; to remove it: elfmap detach dev %s %s",
		ret_there->prog, *name ? name : "''", *ret_there->name ? ret_there->name : "unknown origin",
		elfmap_xdp__word(ret_there->mode), wanted->name, wanted->dev, wanted->kind->name);
}

static int look(struct elfmap_attachment *attachment, const struct elfmap_load *load, struct elfmap_msg *msg)
{
	struct elfmap_hook *there = &attachment->there;
	int err;

	forget_there(attachment);
	err = elfmap_attachment__find(attachment, there, msg);
	if (err)
		return err == -ENOENT ? 0 : err;
	attachment->is_there = true;
	attachment->before = bpf_prog_get_fd_by_id(there->prog);
	if (there->prog && attachment->before < 0)
		return elfmap_msg__set(msg, attachment->before, "program %u, which is attached: %s", there->prog,
				       strerror(-attachment->before));
	attachment->is_same = there->is_direct && (!strcmp(there->name, attachment->wanted.name) || !*there->name) &&
			      elfmap_program__is_same(there->prog, attachment->prog, load);
	attachment->is_in_force = attachment->is_same && elfmap_load__has_stages(load, NULL, NULL);
	if (attachment->is_in_force) {
		attachment->result = ELFMAP_UNCHANGED;
		attachment->done = *there;
		memcpy(attachment->done.name, attachment->wanted.name, sizeof(there->name));
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

/* ---- a program of another type --------------------------------------------------------------------------- */

/* The word of attach for a hook that runs programs of TYPE; NULL: attach has none. */
static const char *word_for(__u32 type)
{
	return type == BPF_PROG_TYPE_XDP ? "xdp" : type == BPF_PROG_TYPE_SCHED_CLS ? "ingress" : NULL;
}

static int refuse_type(const struct elfmap_attachment *attachment, __u32 type, struct elfmap_msg *msg)
{
	const struct elfmap_attach_request *request = &attachment->request;
	const char *here = elfmap_hook__direction(&attachment->wanted) ?: request->kind->name, *word = word_for(type);
	const char *name = elfmap_prog_type_name(type) ?: "another",
		   *runs = elfmap_prog_type_name(request->kind->prog_type);

	if (!word)
		return elfmap_msg__set(
			msg, -EMEDIUMTYPE,
			"section '%s' has a program of type %s, and %s runs programs of type %s; to pin it "
			"for other commands: elfmap load %s sec %s",
			request->section, name, here, runs, request->what, request->section);
	return elfmap_msg__set(msg, -EMEDIUMTYPE,
			       "section '%s' has a program of type %s, and %s runs programs of type %s; to attach it: "
			       "elfmap attach %s sec %s dev %s %s",
			       request->section, name, here, runs, request->what, request->section, request->dev, word);
}

static bool is_of_tc(__u32 type)
{
	return type == BPF_PROG_TYPE_SCHED_CLS || type == BPF_PROG_TYPE_SCHED_ACT;
}

/* The result of a program means something else in another type, so a program whose section names its type is not loaded
 * as another one, even if the kernel would accept it. */
static int check_type(const struct elfmap_attachment *attachment, struct elfmap_msg *msg)
{
	__u32 wanted = attachment->request.kind->prog_type, type = elfmap_prog_kind__guess(attachment->request.section);

	if (!type || type == wanted || (is_of_tc(type) && is_of_tc(wanted)))
		return 0;
	return refuse_type(attachment, type, msg);
}

/* The kernel has refused the program. Would it load as that of another kind of hook? */
static int explain_type(const struct elfmap_attachment *attachment, const struct elfmap_load_opts *refused, int err,
			struct elfmap_msg *msg)
{
	const struct elfmap_load_goal goal = {.look = elfmap_load__look_only};
	struct elfmap_load_opts opts = *refused;
	struct elfmap_load *load = NULL;

	if (err != -EACCES && err != -EINVAL)
		return err;
	opts.type = opts.type == BPF_PROG_TYPE_XDP ? BPF_PROG_TYPE_SCHED_CLS : BPF_PROG_TYPE_XDP;
	opts.warn = NULL;
	if (elfmap_load__run(attachment->request.what, &opts, &goal, &load, NULL))
		return err;
	elfmap_load__free(load);
	return refuse_type(attachment, opts.type, msg);
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
		err = check_type(attachment, msg);
		err = err ?: elfmap_load__run(attachment->request.what, &opts, &goal, &attachment->load, msg);
		if (err)
			err = explain_type(attachment, &opts, err, msg);
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
		/* Another command may have been faster. */
		return err == -EEXIST && (is_known || !elfmap_hook__find(&attachment->wanted, done, NULL)) ? -ESTALE
													   : err;
	}
	*done = attachment->there;
	if (attachment->is_same) /* only its stages were exchanged */
		return 0;
	if (attachment->there.block)
		return elfmap_msg__set(
			msg, -EBUSY,
			"the filter is in the shared block %u, and runs on several devices; to exchange it on "
			"all of them: elfmap upgrade %s",
			attachment->there.block, attachment->request.what);
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
	struct elfmap_hook wanted = attachment->wanted, there;
	int err = -ESTALE;

	attachment->culprit = attachment->request.dev;
	for (int i = 0; err == -ESTALE && i < MAX_TRIES; i++) {
		err = 0;
		if (wanted.kind->has & ELFMAP_HOOK_SINGLE && !attachment->wanted.prog) {
			err = elfmap_attachment__find(attachment, &there, msg);
			wanted.prog = err ? 0 : there.prog;
		}
		err = err ?: elfmap_hook__detach(&wanted, &attachment->done, msg);
	}
	if (!err && !*attachment->done.name)
		memcpy(attachment->done.name, attachment->wanted.name, sizeof(wanted.name));
	return err;
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
