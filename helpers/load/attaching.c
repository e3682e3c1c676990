// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From words to a program at a hook, in steps that can be taken back. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/path.h"
#include "helpers/command.h"
#include "helpers/load/attaching.h"
#include "helpers/load/loading.h"
#include "hook/netlink.h"
#include "pins/bpffs.h"

/* ---- the command line ---------------------------------------------------------------------------------- */

static bool is_file(const char *word)
{
	struct stat file;

	return !stat(word, &file) && !S_ISDIR(file.st_mode) && !elfmap_bpffs__contains(word);
}

static int parse_number(const char *word, const char *value, __u32 min, __u32 max, __u32 *ret)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 0);
	if (*value < '0' || *value > '9' || *end || errno || number < min || number > max) {
		complain(word, "'%s' is no number from %u to %u", value, min, max);
		return -EINVAL;
	}
	*ret = (__u32)number;
	return 0;
}

enum pair { PAIR_SEC, PAIR_DEV, PAIR_PRIO, PAIR_HANDLE, PAIR_CHAIN, NO_PAIR };

static enum pair find_pair(const char *word)
{
	static const struct {
		const char *word;
		enum pair pair;
	} pairs[] = {
		{"sec", PAIR_SEC},   {"section", PAIR_SEC},   {"dev", PAIR_DEV},       {"prio", PAIR_PRIO},
		{"pref", PAIR_PRIO}, {"priority", PAIR_PRIO}, {"handle", PAIR_HANDLE}, {"chain", PAIR_CHAIN},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (!strcmp(word, pairs[i].word))
			return pairs[i].pair;
	return NO_PAIR;
}

/* A word with a value behind it; SEEN has a bit for each that has been taken. */
static int take_pair(enum pair pair, const char *word, const char *value, unsigned int *seen,
		     struct attaching *attaching)
{
	struct elfmap_filter *filter = &attaching->filter;

	if (!value || *seen & 1u << pair) {
		complain(word, value ? "is said twice" : "has no value behind it");
		return -EINVAL;
	}
	*seen |= 1u << pair;
	switch (pair) {
	case PAIR_SEC:
		attaching->section = value;
		return 0;
	case PAIR_DEV:
		attaching->dev = value;
		return 0;
	case PAIR_PRIO:
		return parse_number(word, value, 1, 0xffff, &filter->prio);
	case PAIR_HANDLE:
		return parse_number(word, value, 1, UINT32_MAX, &filter->handle);
	default:
		return parse_number(word, value, 0, 0xfffffff, &filter->chain);
	}
}

int attaching__parse(int argc, char **argv, struct attaching *ret_attaching)
{
	struct attaching place = {.prog = -1, .before = -1}, *attaching = &place;
	unsigned int seen = 0;

	for (int i = 1; i < argc; i++) {
		enum pair pair = find_pair(argv[i]);

		if (pair != NO_PAIR && take_pair(pair, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &seen, attaching))
			return EXIT_USAGE;
		if (pair != NO_PAIR)
			i++;
		else if (!strcmp(argv[i], "--tcx"))
			attaching->tcx = true;
		else if ((!strcmp(argv[i], "ingress") || !strcmp(argv[i], "egress")) && !attaching->direction)
			attaching->direction = argv[i];
		else if (!attaching->what)
			attaching->what = argv[i];
		else
			return complain(argv[0], "'%s' is none of its words", argv[i]), EXIT_USAGE;
	}
	if (!attaching->dev || !attaching->direction)
		return EXIT_USAGE;
	if (attaching->tcx && (attaching->filter.prio || attaching->filter.handle || attaching->filter.chain))
		return complain("--tcx", "links of tcx have no prio, handle or chain"), EXIT_USAGE;
	attaching->filter.egress = !strcmp(attaching->direction, "egress");
	attaching->section = attaching->section ?: ELF_SECTION_CLASSIFIER;
	attaching->is_file = attaching->what && is_file(attaching->what);
	*ret_attaching = place;
	return EXIT_SUCCESS;
}

int attaching__place(struct attaching *attaching, const char *tc_dir)
{
	struct elfmap_filter *filter = &attaching->filter;
	struct elfmap_msg msg;

	filter->ifindex = (int)if_nametoindex(attaching->dev);
	if (!filter->ifindex)
		return complain(attaching->dev, "there is no such device; 'ip link' lists them");
	/* The names that tc gives its filters. */
	if (attaching->is_file)
		snprintf(filter->name, sizeof(filter->name), "%s:[%s]", elfmap_path__name(attaching->what),
			 attaching->section);
	else if (attaching->what)
		snprintf(filter->name, sizeof(filter->name), "%s:[*fsobj]", elfmap_path__name(attaching->what));
	if (attaching->tcx &&
	    elfmap_link__path(tc_dir, attaching->dev, filter, attaching->link, sizeof(attaching->link), &msg))
		return complain(attaching->what, "%s", msg.text);
	return EXIT_SUCCESS;
}

/* ---- where the program is from --------------------------------------------------------------------------- */

static int open_pin(const char *word, int *ret_fd, struct elfmap_msg *msg)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	char path[PATH_MAX];
	int err, fd;

	err = elfmap_bpffs__pin_path(word, path, sizeof(path), msg);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return elfmap_msg__set(
			msg, fd, "there is no such file, and no program is pinned at %s; 'elfmap load' pins programs",
			path);
	err = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &size);
	if (!err && info.type != BPF_PROG_TYPE_SCHED_CLS)
		err = -EMEDIUMTYPE;
	if (err) {
		if (fd >= 0)
			close(fd);
		return elfmap_msg__set(msg, err, "%s: %s", path,
				       err == -EMEDIUMTYPE ? "is no classifier" : strerror(-err));
	}
	*ret_fd = fd;
	return 0;
}

static int open_file(struct attaching *attaching, const char *tc_dir, struct elfmap_msg *msg)
{
	const struct elfmap_load_opts opts = {
		.tc_dir = tc_dir,
		.section = attaching->section,
		.type = BPF_PROG_TYPE_SCHED_CLS,
		.warn = warn_of_object,
	};
	int err;

	err = elfmap_load__open(attaching->what, &opts, &attaching->load, msg);
	err = err ?: elfmap_load__kernel(attaching->load, msg);
	if (!err)
		attaching->prog = bpf_program__fd(elfmap_load__find_prog(attaching->load, attaching->section)->bpf);
	return err;
}

bool attaching__has_its_stages(const struct elfmap_load *load, attaching__slot_test *is_others, const void *context)
{
	for (size_t i = 0; load && i < load->nr_progs; i++) {
		const struct elfmap_load_prog *prog = &load->progs[i];
		const char *pin = prog->slot_map < 0 ? NULL : load->maps[prog->slot_map].pin_path;
		__u32 id;

		if (prog->slot_map < 0 || (is_others && pin && is_others(context, pin, prog->slot_key)))
			continue;
		if (bpf_map_lookup_elem(bpf_map__fd(load->maps[prog->slot_map].bpf), &prog->slot_key, &id) ||
		    !elfmap_attach__is_same(id, bpf_program__fd(prog->bpf), load))
			return false;
	}
	return true;
}

static int look_at_filter(struct attaching *attaching, struct elfmap_filter *there, struct elfmap_msg *msg)
{
	int err, sock = netlink__open(msg);

	if (sock < 0)
		return sock;
	err = elfmap_attach__find(sock, &attaching->filter, there, msg);
	close(sock);
	return err;
}

static int look(struct attaching *attaching, struct elfmap_msg *msg)
{
	struct elfmap_filter there = {};
	int err;

	if (attaching->tcx)
		err = elfmap_link__read(attaching->link, &there) ? -ENOENT : 0;
	else
		err = look_at_filter(attaching, &there, msg);
	if (err && err != -ENOENT)
		return err;
	attaching->is_there = !err && there.ifindex;
	if (!attaching->is_there)
		return 0;
	attaching->there = there;
	attaching->before = bpf_prog_get_fd_by_id(there.prog);
	if (there.prog && attaching->before < 0)
		return elfmap_msg__set(msg, attaching->before, "program %u, which is attached: %s", there.prog,
				       strerror(-attaching->before));
	attaching->is_same = (attaching->tcx || (there.direct_action && !strcmp(there.name, attaching->filter.name))) &&
			     elfmap_attach__is_same(there.prog, attaching->prog, attaching->load);
	attaching->is_in_force = attaching->is_same && attaching__has_its_stages(attaching->load, NULL, NULL);
	if (attaching->is_in_force) {
		attaching->done.result = ELFMAP_UNCHANGED;
		attaching->done.filter = there;
	}
	return 0;
}

int attaching__open(struct attaching *attaching, const char *tc_dir, struct elfmap_msg *msg)
{
	int err = attaching->is_file ? open_file(attaching, tc_dir, msg)
				     : open_pin(attaching->what, &attaching->prog, msg);

	return err ?: look(attaching, msg);
}

/* ---- doing and undoing ----------------------------------------------------------------------------------- */

int attaching__commit(struct attaching *attaching, struct elfmap_msg *msg)
{
	return attaching->load && !attaching->is_in_force ? elfmap_load__commit(attaching->load, NULL, msg) : 0;
}

int attaching__attach(struct attaching *attaching, struct elfmap_msg *msg)
{
	struct elfmap_attach *done = &attaching->done;
	int err;

	if (attaching->is_in_force)
		return 0;
	if (attaching->tcx)
		err = elfmap_attach__tcx(attaching->filter.ifindex, attaching->filter.egress, attaching->prog,
					 attaching->load, attaching->link, &done->result, msg);
	else
		err = elfmap_attach__filter(&attaching->filter, attaching->prog, attaching->load, done, msg);
	if (err)
		return err;
	/* Other stages behind the same entry are another program, too. */
	if (done->result == ELFMAP_UNCHANGED)
		done->result = ELFMAP_REPLACED;
	attaching->is_done = true;
	return 0;
}

/* Has nobody put a filter there? */
static bool is_empty(int sock, int ifindex, bool egress)
{
	struct elfmap_filters filters = {};
	bool empty = !elfmap_filters__read(sock, ifindex, egress, &filters, NULL) && !filters.nr;

	free(filters.at);
	return empty;
}

static void put_back_filter(struct attaching *attaching)
{
	int ifindex = attaching->filter.ifindex;
	int sock = netlink__open(NULL);

	if (sock < 0)
		return;
	if (attaching->before >= 0)
		elfmap_filter__set(sock, &attaching->there, attaching->before, true, NULL);
	else if (!attaching->is_there)
		elfmap_filter__delete(sock, &attaching->done.filter, NULL);
	if (attaching->done.made_clsact && is_empty(sock, ifindex, false) && is_empty(sock, ifindex, true))
		elfmap_clsact__delete(sock, ifindex, NULL);
	close(sock);
}

static void detach(struct attaching *attaching)
{
	if (!attaching->tcx)
		put_back_filter(attaching);
	else if (attaching->before < 0)
		elfmap_attach__detach_tcx(attaching->link, NULL);
	else
		elfmap_attach__tcx(attaching->filter.ifindex, attaching->filter.egress, attaching->before, NULL,
				   attaching->link, &attaching->done.result, NULL);
}

void attaching__close(struct attaching *attaching, bool keep)
{
	if (attaching->is_done && !keep)
		detach(attaching);
	if (attaching->load && keep)
		elfmap_load__keep(attaching->load);
	else if (attaching->load)
		elfmap_load__undo(attaching->load);
	else if (attaching->prog >= 0)
		close(attaching->prog);
	if (attaching->before >= 0)
		close(attaching->before);
	elfmap_load__free(attaching->load);
	attaching->load = NULL;
	attaching->prog = attaching->before = -1;
	attaching->is_done = false;
}
