// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap attach FILE|PIN ... dev DEV ingress|egress`: a program at a hook. Saying the same again
 * changes nothing; a newer object takes the older one's place. `elfmap detach` takes it away.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/load/report.h"
#include "helpers/load/request.h"
#include "pins/bpffs.h"

/* By enum elfmap_attach_result. */
static const char *const attach_results[] = {
	[ELFMAP_ATTACHED] = "attached",
	[ELFMAP_REPLACED] = "replaced",
	[ELFMAP_UNCHANGED] = "unchanged",
};

/* PIN: of a link, "": it has none. */
static void json_attachment(const struct elfmap_hook *hook, const char *pin, const char *result)
{
	json_object *root = json_object_new_object();

	json_object_object_add(root, "dev", json_object_new_string(hook->dev));
	if (hook->direction)
		json_object_object_add(root, "direction", json_object_new_string(elfmap_hook__direction(hook)));
	if (*pin)
		json_object_object_add(root, "pinned", json_object_new_string(pin));
	if (hook->kind->has & ELFMAP_HOOK_PLACE) {
		json_object_object_add(root, "prio", json_object_new_int64(hook->prio));
		json_object_object_add(root, "handle", json_object_new_int64(hook->handle));
		json_object_object_add(root, "chain", json_object_new_int64(hook->chain));
		json_object_object_add(root, "name", json_object_new_string(hook->name));
		json_object_object_add(root, "prog_id", json_object_new_int64(hook->prog));
	}
	json_object_object_add(root, "result", json_object_new_string(result));
	print_json(root);
}

static void print_attachment(const struct elfmap_attachment *attachment, const char *result)
{
	const struct elfmap_hook *hook = &attachment->done;
	char pin[PATH_MAX] = "";

	if (elfmap_hook__pin_path(&attachment->wanted, pin, sizeof(pin), NULL))
		*pin = '\0';
	if (output.json) {
		json_attachment(hook, pin, result);
		return;
	}
	print_hook(hook, *pin ? pin : hook->name);
	if (!*pin)
		printf(" id %u", hook->prog);
	printf(" %s\n", result);
}

/* The words of both verbs. Returns an exit status. */
static int start(const char *verb, const struct attach_words *words, struct elfmap_attachment *attachment,
		 char tc_dir[PATH_MAX])
{
	bool is_attach = !strcmp(verb, "attach");
	struct elfmap_attach_request request;
	struct elfmap_msg msg;

	if (attach_words__finish(words, &request, &msg)) {
		complain(verb, "%s", msg.text);
		return EXIT_USAGE;
	}
	if (!request.what && (!request.prio || !request.handle)) {
		complain(verb, "requires FILE sec NAME, a PIN, or prio and handle");
		return EXIT_USAGE;
	}
	/* To take a filter away no bpf file system is needed. */
	if (elfmap_bpffs__tc_dir(tc_dir, PATH_MAX, &msg) && (is_attach || request.kind->pin_path))
		return complain(verb, "%s", msg.text);
	if (elfmap_attachment__init(&request, -1, tc_dir, attachment, &msg))
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

static int run_detach(const void *words)
{
	struct elfmap_attachment attachment;
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int status;

	status = start("detach", words, &attachment, tc_dir);
	if (status)
		return status;
	if (elfmap_attachment__detach(&attachment, &msg))
		return complain(attachment.culprit, "%s", msg.text);
	print_attachment(&attachment, "detached");
	return EXIT_SUCCESS;
}

const struct verb attach_verb = {
	.name = "attach",
	.summary = "a program at a hook, once",
	.run = run_attach,
	.options = attach_options,
	.request_size = sizeof(struct attach_words),
	.changes = true,
};

const struct verb detach_verb = {
	.name = "detach",
	.summary = "and away from it",
	.run = run_detach,
	.options = detach_options,
	.request_size = sizeof(struct attach_words),
	.changes = true,
};
