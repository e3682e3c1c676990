// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of hooks, with the rows that only list; operations on a hook of any kind; descriptions. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "base/netns.h"
#include "hook/netlink.h"
#include "hook/rows.h"

/* ---- links that no other row lists, or of a device that is not visible here --------------------------------- */

static const struct elfmap_hook_kind hook_link;

static bool is_listed(const struct elfmap_hooks *hooks, const struct bpf_link_info *info)
{
	for (size_t i = 0; i < hooks->nr; i++)
		if (hooks->at[i].kind->link_type == info->type && hooks->at[i].prog == info->prog_id)
			return true;
	return false;
}

static int list_links(struct elfmap_survey *survey, struct elfmap_msg *msg)
{
	__u32 id = 0;
	int err = 0;

	(void)msg;
	while (!err && !bpf_link_get_next_id(id, &id)) {
		struct elfmap_hook hook = elfmap_survey__start(survey, &hook_link, 0);
		struct bpf_link_info info = {};
		__u32 size = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue; /* gone since */
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.prog_id && !is_listed(survey->hooks, &info)) {
			hook.link = id;
			hook.link_type = info.type;
			hook.prog = info.prog_id;
			err = elfmap_survey__add(survey, &hook);
		}
		close(fd);
	}
	return err;
}

static const struct elfmap_hook_kind hook_link = {
	.name = "link",
	.has = ELFMAP_HOOK_LINK,
	.list = list_links,
};

/* ---- the table ---------------------------------------------------------------------------------------------- */

/* Links come last: links of other rows are left out of them. */
const struct elfmap_hook_kind *const elfmap_hook_kinds[] = {
	&elfmap_hook_xdp, &elfmap_hook_tc_filter, &elfmap_hook_tcx, &hook_link, NULL,
};

const struct elfmap_hook_kind *elfmap_hook_kind__find(const char *name)
{
	const struct elfmap_hook_kind *const *at = elfmap_hook_kinds;

	while (*at && strcmp((*at)->name, name) != 0)
		at++;
	return *at;
}

/* ---- operations ------------------------------------------------------------------------------------------ */

int elfmap_hook__init(const struct elfmap_hook_kind *kind, int netns, const char *dev, struct elfmap_hook *ret_hook,
		      struct elfmap_msg *msg)
{
	struct elfmap_hook hook = {.kind = kind, .netns = netns, .is_direct = true};
	int back, err;

	err = elfmap_netns__visit(netns, &back, msg);
	if (err)
		return err;
	hook.ifindex = (int)if_nametoindex(dev);
	if (!hook.ifindex)
		err = elfmap_msg__set(msg, -ENODEV, "there is no such device; 'ip link' lists them");
	snprintf(hook.dev, sizeof(hook.dev), "%s", dev);
	err = elfmap_netns__leave(back, err, msg);
	if (!err)
		*ret_hook = hook;
	return err;
}

/* Enters the namespace of the hook for an operation, if its row has that. */
static int begin(const struct elfmap_hook *hook, bool has_operation, const char *done, int *ret_back,
		 struct elfmap_msg *msg)
{
	if (!has_operation)
		return elfmap_msg__set(msg, -EOPNOTSUPP, "%s: programs cannot be %s by this command yet",
				       hook->kind->name, done);
	return elfmap_netns__visit(hook->netns, ret_back, msg);
}

int elfmap_hook__find(const struct elfmap_hook *wanted, struct elfmap_hook *ret_hook, struct elfmap_msg *msg)
{
	int back, err = begin(wanted, wanted->kind->find, "attached", &back, msg);

	return err ?: elfmap_netns__leave(back, wanted->kind->find(wanted, ret_hook, msg), msg);
}

int elfmap_hook__attach(const struct elfmap_hook *wanted, int prog, struct elfmap_hook *ret_hook,
			struct elfmap_msg *msg)
{
	int back, err = begin(wanted, wanted->kind->attach, "attached", &back, msg);

	return err ?: elfmap_netns__leave(back, wanted->kind->attach(wanted, prog, ret_hook, msg), msg);
}

int elfmap_hook__exchange(const struct elfmap_hook *hook, __u32 expected, int prog, struct elfmap_msg *msg)
{
	int back, err = begin(hook, hook->kind->exchange, "exchanged", &back, msg);

	return err ?: elfmap_netns__leave(back, hook->kind->exchange(hook, expected, prog, msg), msg);
}

int elfmap_hook__detach(const struct elfmap_hook *wanted, struct elfmap_hook *ret_gone, struct elfmap_msg *msg)
{
	int back, err = begin(wanted, wanted->kind->detach, "detached", &back, msg);

	return err ?: elfmap_netns__leave(back, wanted->kind->detach(wanted, ret_gone, msg), msg);
}

int elfmap_hook__pin_path(const struct elfmap_hook *hook, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	int back, err = begin(hook, hook->kind->pin_path, "pinned", &back, msg);

	return err ?: elfmap_netns__leave(back, hook->kind->pin_path(hook, ret_path, size, msg), msg);
}

bool elfmap_hook__is_orphan(const char *path)
{
	const struct elfmap_hook_kind *const *at = elfmap_hook_kinds;

	while (*at && !((*at)->is_orphan && (*at)->is_orphan(path)))
		at++;
	return *at;
}

/* The name that a program has in the notes of elfmap; for kinds of hooks that have no name in the kernel. */
void elfmap_hook__name_program(struct elfmap_hook *hook)
{
	*hook->name = '\0';
}

__u32 elfmap_program__id(int prog)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(prog, &info, &size) ? 0 : info.id;
}

/* ---- listing ----------------------------------------------------------------------------------------- */

int elfmap_survey__add(struct elfmap_survey *survey, const struct elfmap_hook *hook)
{
	struct elfmap_hooks *hooks = survey->hooks;
	struct elfmap_hook *grown = elfmap_array__grow(hooks->at, hooks->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	hooks->at = grown;
	hooks->at[hooks->nr++] = *hook;
	return 0;
}

struct elfmap_hook elfmap_survey__start(const struct elfmap_survey *survey, const struct elfmap_hook_kind *kind,
					int ifindex)
{
	struct elfmap_hook hook = survey->like;
	const struct if_nameindex *at = survey->devices;

	hook.kind = kind;
	hook.ifindex = ifindex;
	while (at->if_index && at->if_index != (unsigned int)ifindex)
		at++;
	if (at->if_index)
		snprintf(hook.dev, sizeof(hook.dev), "%s", at->if_name);
	return hook;
}

static int survey_kinds(struct elfmap_survey *survey, const struct elfmap_hook_kind *kind, struct elfmap_msg *msg)
{
	int err = 0;

	for (const struct elfmap_hook_kind *const *at = elfmap_hook_kinds; *at; at++) {
		struct elfmap_msg why;
		int failed;

		if (!(*at)->list || (kind && kind != *at))
			continue;
		failed = (*at)->list(survey, &why);
		if (failed && !err)
			err = elfmap_msg__set(msg, failed, "%s", failed == -ENOMEM ? "no memory" : why.text);
	}
	return err;
}

int elfmap_hooks__list(int netns, const struct elfmap_hook_kind *kind, const char *tc_dir,
		       struct elfmap_hooks *ret_hooks, struct elfmap_msg *msg)
{
	struct elfmap_survey survey = {
		.hooks = ret_hooks, .like = {.netns = netns, .tc_dir = tc_dir, .is_direct = true}, .sock = -1};
	int back, err;

	*ret_hooks = (struct elfmap_hooks){};
	err = elfmap_netns__visit(netns, &back, msg);
	if (err)
		return err;
	survey.sock = netlink__open(msg);
	err = survey.sock < 0 ? survey.sock : 0;
	survey.devices = if_nameindex();
	if (!survey.devices && !err)
		err = elfmap_msg__set(msg, -errno, "cannot list the devices: %s", strerror(errno));
	err = err ?: survey_kinds(&survey, kind, msg);
	if (survey.devices)
		if_freenameindex(survey.devices);
	if (survey.sock >= 0)
		close(survey.sock);
	return elfmap_netns__leave(back, err, msg);
}

/* ---- descriptions -------------------------------------------------------------------------------------------- */

__u32 elfmap_hook__parent(const struct elfmap_hook *hook)
{
	if (!hook->direction)
		return hook->parent;
	return TC_H_MAKE(TC_H_CLSACT, hook->direction == ELFMAP_EGRESS ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

const char *elfmap_hook__direction(const struct elfmap_hook *hook)
{
	static const char *const words[] = {[ELFMAP_INGRESS] = "ingress", [ELFMAP_EGRESS] = "egress"};

	return words[hook->direction];
}

const char *elfmap_hook__link_type(const struct elfmap_hook *hook)
{
	return libbpf_bpf_link_type_str((enum bpf_link_type)hook->link_type) ?: "of unknown type";
}

static void write_device(FILE *to, const struct elfmap_hook *hook, bool in_full)
{
	const struct elfmap_hook_kind *kind = hook->kind;

	if (in_full)
		fprintf(to, "%s dev ", kind->name);
	fputs(*hook->dev ? hook->dev : "''", to);
	if (hook->direction)
		fprintf(to, " %s", elfmap_hook__direction(hook));
	else if (kind->has & ELFMAP_HOOK_DIRECTION && hook->parent & 0xffff)
		fprintf(to, " parent %x:%x", hook->parent >> 16, hook->parent & 0xffff);
	else if (kind->has & ELFMAP_HOOK_DIRECTION)
		fprintf(to, " parent %x:", hook->parent >> 16);
	else if (!in_full || hook->mode)
		fprintf(to, " %s", hook->mode ? elfmap_xdp__word(hook->mode) : kind->name);
	if (in_full && hook->block)
		fprintf(to, " block %u", hook->block);
	if (in_full && kind->has & ELFMAP_HOOK_PLACE)
		fprintf(to, " pref %u chain %u handle 0x%x %s", hook->prio, hook->chain, hook->handle,
			*hook->name ? hook->name : "''");
}

void elfmap_hook__write(const struct elfmap_hook *hook, bool in_full, char *ret_text, size_t size)
{
	FILE *to = fmemopen(ret_text, size, "w");

	*ret_text = '\0';
	if (!to)
		return;
	if (hook->kind->has & ELFMAP_HOOK_DEVICE)
		write_device(to, hook, in_full);
	else if (hook->kind->has & ELFMAP_HOOK_LINK)
		fprintf(to, "link %u %s", hook->link, elfmap_hook__link_type(hook));
	else
		fprintf(to, "%s %s", hook->kind->name, hook->name);
	fclose(to);
	ret_text[size - 1] = '\0';
}
