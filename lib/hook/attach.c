// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* attach: finds what is at the hook, decides whether anything is to be done, and does it in one step. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "hook/attach.h"
#include "hook/netlink.h"
#include "map/map.h"

#define MAX_PROG_MAPS 64 /* the kernel's own limit */

/* ---- is it the same program ------------------------------------------------------------------------------ */

struct program {
	struct bpf_prog_info info;
	__u32 maps[MAX_PROG_MAPS]; /* in the order in which the program uses them */
};

static bool read_program(int fd, struct program *prog)
{
	__u32 size = sizeof(prog->info);

	prog->info = (struct bpf_prog_info){
		.nr_map_ids = MAX_PROG_MAPS,
		.map_ids = (__u64)(unsigned long)prog->maps,
	};
	return !bpf_obj_get_info_by_fd(fd, &prog->info, &size) && prog->info.nr_map_ids <= MAX_PROG_MAPS;
}

/* The one value of libbpf's map for .rodata, or of what variables start with (start_values.c). */
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

/* Is map ID one that LOAD makes and nobody pins? */
static bool is_made_anew(const struct elfmap_load *load, __u32 id)
{
	for (size_t i = 0; load && i < load->nr_maps; i++)
		if (!load->maps[i].pin_path && is_map(bpf_map__fd(load->maps[i].bpf), id))
			return true;
	return load && is_map(load->start_map, id);
}

/* A is ours. */
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

bool elfmap_attach__is_same(__u32 id, int prog_fd, const struct elfmap_load *load)
{
	int fd = bpf_prog_get_fd_by_id(id);
	struct program ours, theirs;
	bool same;

	if (fd < 0)
		return false;
	same = read_program(prog_fd, &ours) && read_program(fd, &theirs) && ours.info.type == theirs.info.type &&
	       !memcmp(ours.info.tag, theirs.info.tag, sizeof(ours.info.tag)) &&
	       !strcmp(ours.info.name, theirs.info.name) && ours.info.nr_map_ids == theirs.info.nr_map_ids;
	close(fd);
	for (__u32 i = 0; same && i < ours.info.nr_map_ids; i++)
		same = same_map(ours.maps[i], theirs.maps[i], load);
	return same;
}

/* ---- what is at the hook --------------------------------------------------------------------------------- */

static bool is_meant(const struct elfmap_filter *wanted, const struct elfmap_filter *filter)
{
	if (filter->chain != wanted->chain || (wanted->prio && filter->prio != wanted->prio) ||
	    (wanted->handle && filter->handle != wanted->handle))
		return false;
	if (wanted->prio && wanted->handle)
		return true; /* this very place, whatever is there */
	return !strcmp(filter->kind, "bpf") && !strcmp(filter->name, wanted->name);
}

static int refuse_several(const struct elfmap_filters *filters, const struct elfmap_filter *wanted,
			  struct elfmap_msg *msg)
{
	char places[256] = "";

	for (size_t i = 0; i < filters->nr; i++) {
		size_t used = strlen(places);

		if (is_meant(wanted, &filters->at[i]))
			snprintf(places + used, sizeof(places) - used, "%sprio %u handle 0x%x", used ? ", " : "",
				 filters->at[i].prio, filters->at[i].handle);
	}
	return elfmap_msg__set(msg, -ENOTUNIQ, "several filters are called '%s': %s; say which with prio and handle",
			       wanted->name, places);
}

int elfmap_attach__find(int sock, const struct elfmap_filter *wanted, struct elfmap_filter *ret_found,
			struct elfmap_msg *msg)
{
	const struct elfmap_filter *found = NULL;
	struct elfmap_filters filters = {};
	size_t nr = 0;
	int err;

	err = elfmap_filters__read(sock, wanted->ifindex, wanted->egress, &filters, msg);
	for (size_t i = 0; !err && i < filters.nr; i++)
		if (is_meant(wanted, &filters.at[i])) {
			found = &filters.at[i];
			nr++;
		}
	if (err)
		return err;
	if (!nr)
		err = elfmap_msg__set(msg, -ENOENT, "there is no such filter; 'tc filter show' lists them");
	else if (nr > 1)
		err = refuse_several(&filters, wanted, msg);
	else if (strcmp(found->kind, "bpf") != 0)
		err = elfmap_msg__set(msg, -EEXIST, "prio %u handle 0x%x is a filter of kind '%s'", found->prio,
				      found->handle, found->kind);
	else
		*ret_found = *found;
	free(filters.at);
	return err;
}

/* ---- filters --------------------------------------------------------------------------------------------- */

static int explain_set(const struct elfmap_filter *filter, int err, struct elfmap_msg *msg)
{
	struct elfmap_msg why = *msg;

	return elfmap_msg__set(msg, err, "the kernel does not take the filter (%s prio %u): %s",
			       filter->egress ? "egress" : "ingress", filter->prio, why.text);
}

static int set(int sock, const struct elfmap_filter *wanted, int prog_fd, const struct elfmap_load *load,
	       struct elfmap_attach *attach, struct elfmap_msg *msg)
{
	int err;

	attach->filter = *wanted;
	attach->filter.direct_action = true;
	if (wanted->prio && wanted->handle && !elfmap_filter__set(sock, &attach->filter, prog_fd, false, NULL)) {
		attach->result = ELFMAP_ATTACHED; /* nothing was at this very place */
		return 0;
	}
	err = elfmap_attach__find(sock, wanted, &attach->filter, msg);
	if (err && err != -ENOENT)
		return err;
	attach->result = err ? ELFMAP_ATTACHED : ELFMAP_REPLACED;
	if (!err && !strcmp(attach->filter.name, wanted->name) && attach->filter.direct_action &&
	    elfmap_attach__is_same(attach->filter.prog, prog_fd, load)) {
		attach->result = ELFMAP_UNCHANGED;
		return 0;
	}
	attach->filter.direct_action = true;
	attach->filter.classid = 0;
	snprintf(attach->filter.name, sizeof(attach->filter.name), "%s", wanted->name);
	err = elfmap_filter__set(sock, &attach->filter, prog_fd, attach->result == ELFMAP_REPLACED, msg);
	return err ? explain_set(&attach->filter, err, msg) : 0;
}

int elfmap_attach__filter(const struct elfmap_filter *filter, int prog_fd, const struct elfmap_load *load,
			  struct elfmap_attach *ret_attach, struct elfmap_msg *msg)
{
	struct elfmap_attach attach = {};
	int err, sock = netlink__open(msg);

	if (sock < 0)
		return sock;
	err = elfmap_clsact__add(sock, filter->ifindex, filter->egress, &attach.made_clsact, msg);
	err = err ?: set(sock, filter, prog_fd, load, &attach, msg);
	if (err && attach.made_clsact)
		elfmap_clsact__delete(sock, filter->ifindex, NULL);
	close(sock);
	if (!err)
		*ret_attach = attach;
	return err;
}

int elfmap_attach__detach(const struct elfmap_filter *wanted, struct elfmap_filter *ret_gone, struct elfmap_msg *msg)
{
	int err, sock = netlink__open(msg);

	if (sock < 0)
		return sock;
	err = elfmap_attach__find(sock, wanted, ret_gone, msg);
	err = err ?: elfmap_filter__delete(sock, ret_gone, msg);
	close(sock);
	return err;
}
