// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finds the hooks of an object by the names that tc and elfmap give filters, and exchanges what runs there. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "hook/attach.h"
#include "hook/netlink.h"
#include "pins/pins.h"
#include "upgrade/hooks.h"

/* ---- finding --------------------------------------------------------------------------------------------- */

/* "SECTION" of "OBJECT:[SECTION]", or NULL; free() it. */
static char *section_of(const char *object, const char *name)
{
	size_t length = strlen(object), whole = strlen(name);

	if (strncmp(name, object, length) != 0 || strncmp(name + length, ":[", 2) != 0 || name[whole - 1] != ']')
		return NULL;
	return strndup(name + length + 2, whole - length - 3);
}

/* SECTION is taken over, also on failure. */
static int add_hook(struct elfmap_hooks *hooks, const struct elfmap_filter *filter, char *section, const char *link)
{
	struct elfmap_hook hook = {.section = section, .filter = *filter};
	struct elfmap_hook *grown = reallocarray(hooks->at, hooks->nr + 1, sizeof(*grown));
	int err = -ENOMEM;

	if (grown)
		hooks->at = grown;
	hook.link = link ? strdup(link) : NULL;
	if (grown && (hook.link || !link)) {
		hook.before = bpf_prog_get_fd_by_id(filter->prog);
		err = hook.before < 0 ? hook.before : 0;
	}
	if (!err) {
		hooks->at[hooks->nr++] = hook;
		return 0;
	}
	free(hook.link);
	free(section);
	return err;
}

static int find_filters(int sock, int ifindex, bool egress, const char *object, struct elfmap_hooks *hooks,
			struct elfmap_msg *msg)
{
	struct elfmap_filters filters = {};
	int err = elfmap_filters__read(sock, ifindex, egress, &filters, msg);

	if (err == -ENODEV)
		return 0; /* gone since */
	for (size_t i = 0; !err && i < filters.nr; i++) {
		const struct elfmap_filter *filter = &filters.at[i];
		char *section = strcmp(filter->kind, "bpf") ? NULL : section_of(object, filter->name);

		if (!section)
			continue;
		err = add_hook(hooks, filter, section, NULL);
		if (err)
			elfmap_msg__set(msg, err, "program %u: %s", filter->prog, strerror(-err));
	}
	free(filters.at);
	return err;
}

static int find_all_filters(const char *object, struct elfmap_hooks *hooks, struct elfmap_msg *msg)
{
	struct if_nameindex *devices = if_nameindex();
	int err = 0, sock = netlink__open(msg);

	if (!devices)
		err = elfmap_msg__set(msg, -errno, "the devices cannot be listed: %s", strerror(errno));
	for (size_t i = 0; devices && !err && sock >= 0 && devices[i].if_index; i++)
		err = find_filters(sock, (int)devices[i].if_index, false, object, hooks, msg)
			      ?: find_filters(sock, (int)devices[i].if_index, true, object, hooks, msg);
	if (devices)
		if_freenameindex(devices);
	if (sock >= 0)
		close(sock);
	return sock < 0 ? sock : err;
}

static int add_link(const char *object, const char *path, struct elfmap_hooks *hooks)
{
	struct elfmap_filter filter;
	char *section = NULL;
	int err = elfmap_link__read(path, &filter);

	if (err == -EINVAL || err == -ENOENT)
		return 0; /* another's, or gone since */
	if (!err && filter.ifindex)
		section = section_of(object, filter.name);
	return section ? add_hook(hooks, &filter, section, path) : err;
}

static int find_links(const char *object, const char *tc_dir, struct elfmap_hooks *hooks, struct elfmap_msg *msg)
{
	struct elfmap_pins pins = {};
	char dir[PATH_MAX];
	int err;

	err = elfmap_links__dir(tc_dir, dir, sizeof(dir), msg);
	if (err)
		return err;
	if (elfmap_pins__read(dir, &pins))
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	for (size_t i = 0; !err && i < pins.nr; i++) {
		err = pins.pins[i].kind == ELFMAP_PIN_LINK ? add_link(object, pins.pins[i].path, hooks) : 0;
		if (err)
			elfmap_msg__set(msg, err, "%s: %s", pins.pins[i].path, strerror(-err));
	}
	elfmap_pins__free(&pins);
	return err;
}

int elfmap_hooks__find(const char *object, const char *tc_dir, struct elfmap_hooks *ret_hooks, struct elfmap_msg *msg)
{
	struct elfmap_hooks hooks = {};
	int err = find_all_filters(object, &hooks, msg) ?: find_links(object, tc_dir, &hooks, msg);

	if (err)
		elfmap_hooks__free(&hooks);
	else
		*ret_hooks = hooks;
	return err;
}

void elfmap_hooks__free(struct elfmap_hooks *hooks)
{
	for (size_t i = 0; i < hooks->nr; i++) {
		free(hooks->at[i].section);
		free(hooks->at[i].link);
		close(hooks->at[i].before);
	}
	free(hooks->at);
	*hooks = (struct elfmap_hooks){};
}

/* ---- exchanging ------------------------------------------------------------------------------------------ */

static int set_program(int sock, const struct elfmap_hook *hook, int prog, struct elfmap_msg *msg)
{
	struct elfmap_filter filter = hook->filter;
	int err, link;

	if (!hook->link)
		return elfmap_filter__set(sock, &filter, prog, true, msg);
	link = bpf_obj_get(hook->link);
	if (link < 0)
		return elfmap_msg__set(msg, link, "%s: %s", hook->link, strerror(-link));
	err = bpf_link_update(link, prog, NULL);
	close(link);
	return err ? elfmap_msg__set(msg, err, "%s: %s", hook->link, strerror(-err)) : 0;
}

int elfmap_hooks__switch(struct elfmap_hooks *hooks, const struct elfmap_generation *gen, struct elfmap_msg *msg)
{
	int err = 0, sock;
	size_t done = 0;

	for (size_t i = 0; i < hooks->nr; i++)
		if (elfmap_generation__find(gen, hooks->at[i].section) < 0)
			return elfmap_msg__set(msg, -ENOENT,
					       "section '%s' is attached, and the other version has none of that name",
					       hooks->at[i].section);
	sock = netlink__open(msg);
	if (sock < 0)
		return sock;
	for (; !err && done < hooks->nr; done++)
		err = set_program(sock, &hooks->at[done], elfmap_generation__find(gen, hooks->at[done].section), msg);
	while (err && done--)
		set_program(sock, &hooks->at[done], hooks->at[done].before, NULL);
	close(sock);
	return err;
}
