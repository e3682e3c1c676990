// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs at hooks and in slots. `elfmap attach FILE|PIN ... dev DEV ingress|egress` is idempotent: a program that is
 * attached already is left alone, and one of an older object is replaced. `elfmap detach` removes it. `elfmap graft PIN
 * SLOT FILE sec NAME` puts a program into a slot of a pinned PROG_ARRAY; the kernel replaces the old one in one step,
 * while packets flow. On failure nothing changes.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/load/request.h"
#include "kinds/progs.h"
#include "pins/bpffs.h"
#include "upgrade/deployment.h"

/* ---- attach, detach ----------------------------------------------------------------------------------------- */

void print_hook(const struct elfmap_hook *hook, const char *name)
{
	fputs("dev ", stdout);
	print_name(stdout, hook->dev);
	if (hook->direction)
		printf(" %s", elfmap_hook__direction(hook));
	else if (hook->kind->has & ELFMAP_HOOK_DIRECTION)
		printf(" parent %x:%x", hook->parent >> 16, hook->parent & 0xffff);
	if (hook->prio)
		printf(" prio %u handle 0x%x chain %u ", hook->prio, hook->handle, hook->chain);
	else if (hook->kind->has & ELFMAP_HOOK_PLACE)
		putchar(' '); /* it is not attached */
	else
		printf(" %s ", hook->kind->has & ELFMAP_HOOK_SINGLE ? elfmap_xdp__word(hook->mode) : hook->kind->name);
	print_name(stdout, name);
}

/* By enum elfmap_attach_result. */
static const char *const attach_results[] = {
	[ELFMAP_ATTACHED] = "attached",
	[ELFMAP_REPLACED] = "replaced",
	[ELFMAP_UNCHANGED] = "unchanged",
};

/* PIN is that of a link; "": not a link. */
static json_object *json_attachment(const struct elfmap_hook *hook, const char *pin, const char *result)
{
	json_object *root = json_object_new_object();

	json_object_object_add(root, "dev", json_object_new_string(hook->dev));
	if (hook->direction)
		json_object_object_add(root, "direction", json_object_new_string(elfmap_hook__direction(hook)));
	if (*pin)
		json_object_object_add(root, "pinned", json_object_new_string(pin));
	if (hook->kind->has & ELFMAP_HOOK_SINGLE)
		json_object_object_add(root, "mode", json_object_new_string(elfmap_xdp__word(hook->mode)));
	if (hook->kind->has & ELFMAP_HOOK_PLACE) {
		json_object_object_add(root, "prio", json_object_new_int64(hook->prio));
		json_object_object_add(root, "handle", json_object_new_int64(hook->handle));
		json_object_object_add(root, "chain", json_object_new_int64(hook->chain));
	}
	if (hook->kind->has & (ELFMAP_HOOK_PLACE | ELFMAP_HOOK_SINGLE)) {
		json_object_object_add(root, "name", json_object_new_string(hook->name));
		json_object_object_add(root, "prog_id", json_object_new_int64(hook->prog));
	}
	json_object_object_add(root, "result", json_object_new_string(result));
	return root;
}

static void print_attachment(const struct elfmap_attachment *attachment, const char *result)
{
	const struct elfmap_hook *hook = &attachment->done;
	char pin[PATH_MAX] = "";

	if (elfmap_hook__pin_path(&attachment->wanted, pin, sizeof(pin), NULL))
		*pin = '\0';
	if (output.json) {
		print_json(json_attachment(hook, pin, result));
		return;
	}
	print_hook(hook, *pin ? pin : hook->name);
	if (!*pin && hook->prog)
		printf(" id %u", hook->prog);
	printf(" %s\n", result);
}

/* Opens what both verbs work on. Returns an exit status. */
static int start(const char *verb, const struct attach_words *words, struct elfmap_attachment *attachment,
		 char tc_dir[PATH_MAX])
{
	bool is_attach = !strcmp(verb, "attach"), has_bpffs;
	struct elfmap_attach_request request;
	struct elfmap_msg msg;

	if (attach_words__finish(words, &request, &msg)) {
		complain(verb, "%s", msg.text);
		return EXIT_USAGE;
	}
	if (!request.what && !(request.kind->has & ELFMAP_HOOK_SINGLE) && (!request.prio || !request.handle)) {
		complain(verb, "requires FILE sec NAME, a PIN, or prio and handle");
		return EXIT_USAGE;
	}
	/* Detaching a filter needs no bpf file system. */
	has_bpffs = !elfmap_bpffs__tc_dir(tc_dir, PATH_MAX, &msg);
	if (!has_bpffs &&
	    (is_attach || request.by_link || !(request.kind->has & (ELFMAP_HOOK_PLACE | ELFMAP_HOOK_SINGLE))))
		return complain(verb, "%s", msg.text);
	if (elfmap_attachment__init(&request, -1, has_bpffs ? tc_dir : NULL, attachment, &msg))
		return complain(attachment->culprit, "%s", msg.text);
	attachment->warn = warn_of_object;
	return EXIT_SUCCESS;
}

static int run_attach(const void *words)
{
	struct elfmap_attachment attachment;
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int err, status;

	status = start("attach", words, &attachment, tc_dir);
	if (status)
		return status;
	err = elfmap_attachment__open(&attachment, true, &msg);
	err = err ?: elfmap_attachment__attach(&attachment, &msg);
	if (err)
		status = complain(attachment.culprit, "%s", msg.text);
	else
		print_attachment(&attachment, attach_results[attachment.result]);
	elfmap_attachment__close(&attachment, !err);
	return status;
}

static void print_detached(json_object *rows, const struct elfmap_hook *hook)
{
	if (rows) {
		json_object_array_add(rows, json_attachment(hook, "", "detached"));
		return;
	}
	print_hook(hook, hook->name);
	printf(" id %u detached\n", hook->prog);
}

/* All hooks of the file, of every kind. One that cannot be detached does not keep the others. */
static int detach_all(const struct attach_words *words)
{
	const struct elfmap_attach_request *request = &words->request;
	struct elfmap_deployment deployment = {};
	int err, status = EXIT_SUCCESS;
	struct elfmap_hook gone;
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	json_object *rows;
	bool has_bpffs;

	if (!request->what) {
		complain("detach", "--all: requires FILE or PIN");
		return EXIT_USAGE;
	}
	has_bpffs = !elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), NULL);
	if (elfmap_deployment__find(request->what, has_bpffs ? tc_dir : NULL, &deployment, &msg))
		return complain(request->what, "%s", msg.text);
	if (has_bpffs && deployment.nr && elfmap_deployment__choose(&deployment, request->what, tc_dir, &msg)) {
		elfmap_deployment__free(&deployment);
		return complain(request->what,
				"the hooks of this name are those of another object, or of several; detach one by one: "
				"'elfmap detach %s sec NAME dev DEV ingress'",
				request->what);
	}
	rows = output.json ? json_object_new_array() : NULL;
	for (size_t i = 0; i < deployment.nr; i++) {
		const struct elfmap_hook *hook = &deployment.at[i].hook;

		if (request->section && strcmp(request->section, deployment.at[i].section) != 0)
			continue;
		err = elfmap_hook__detach(hook, &gone, &msg);
		if (err && err != -ENOENT) /* or removed with another device of its shared block */
			status = complain(hook->dev, "%s", msg.text);
		else
			print_detached(rows, hook);
	}
	elfmap_deployment__free(&deployment);
	elfmap_deployment__warn_of_routes(request->what, warn_of_object);
	if (rows)
		print_json(rows);
	return status;
}

static int run_detach(const void *words)
{
	const struct attach_words *asked = words;
	struct elfmap_attachment attachment;
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int err, status;

	if (asked->all)
		return detach_all(asked);
	status = start("detach", words, &attachment, tc_dir);
	if (status)
		return status;
	err = elfmap_attachment__detach(&attachment, &msg);
	if (err && err != -ENOENT)
		return complain(attachment.culprit, "%s", msg.text);
	if (err)
		attachment.done = attachment.wanted;
	print_attachment(&attachment, err ? attach_results[ELFMAP_UNCHANGED] : "detached");
	return EXIT_SUCCESS;
}

const struct verb attach_verb = {
	.name = "attach",
	.summary = "attach a program to a hook",
	.run = run_attach,
	.options = attach_options,
	.request_size = sizeof(struct attach_words),
	.changes = true,
};

const struct verb detach_verb = {
	.name = "detach",
	.summary = "detach a program from a hook",
	.run = run_detach,
	.options = detach_options,
	.request_size = sizeof(struct attach_words),
	.changes = true,
};

/* ---- graft -------------------------------------------------------------------------------------------------- */

static void add_id(json_object *object, const char *name, int program)
{
	json_object_object_add(object, name, program >= 0 ? json_object_new_int64(elfmap_program__id(program)) : NULL);
}

static void print_graft(const struct elfmap_graft *graft)
{
	json_object *object = json_object_new_object(), *pinned = json_object_new_array();
	const struct elfmap_load *load = graft->load;

	json_object_object_add(object, "pinned", json_object_new_string(graft->path));
	json_object_object_add(object, "map_id", json_object_new_int64(graft->table.info.id));
	json_object_object_add(object, "slot", json_object_new_int64(graft->slot));
	json_object_object_add(object, "slot_name", graft->slot_name ? json_object_new_string(graft->slot_name) : NULL);
	add_id(object, "prog_id",
	       load ? bpf_program__fd(elfmap_load__find_prog(load, graft->request.section)->bpf) : -1);
	add_id(object, "old_prog_id", graft->before);
	for (size_t i = 0; load && i < load->nr_maps; i++) {
		const struct elfmap_load_map *map = &load->maps[i];

		if (map->pin_path && !map->is_reused)
			json_object_array_add(pinned, json_object_new_string(map->pin_path));
	}
	json_object_object_add(object, "new_pins", pinned);
	print_json(object);
}

static int run_graft(const void *words)
{
	struct elfmap_graft_request request = ((const struct graft_words *)words)->request;
	struct elfmap_graft graft;
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int err;

	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		return complain(request.pin, "%s", msg.text);
	request.type_name = request.type ? elfmap_prog_kind__of(request.type)->word : NULL;
	request.tc_dir = tc_dir;
	request.warn = warn_of_object;
	err = elfmap_graft__open(&request, &graft, &msg);
	if (!err)
		err = request.file ? elfmap_graft__put(&graft, &msg) : elfmap_graft__empty(&graft, &msg);
	if (err)
		complain(graft.culprit, "%s", msg.text);
	else if (output.json)
		print_graft(&graft);
	elfmap_graft__close(&graft, !err);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct verb graft_verb = {
	.name = "graft",
	.summary = "put a program into a slot of a pinned PROG_ARRAY, or empty it",
	.run = run_graft,
	.options = graft_options,
	.request_size = sizeof(struct graft_words),
	.changes = true,
};
