// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap convert FILE OUT`: converts a legacy object to a modern one, for loaders without elfmap: bpftool, libbpf,
 * cilium/ebpf, plain tc. OUT is replaced in one step: a temporary file in its directory is renamed.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/quote.h"
#include "helpers/command.h"
#include "kinds/progs.h"
#include "object/object.h"

#define TEMPORARY_NAME ".elfmap-XXXXXX"

enum { LOADER_TC = 1 };

struct request {
	const char *file;
	const char *out;
	__u32 type; /* of program; BPF_PROG_TYPE_UNSPEC: not given */
	int loader; /* LOADER_TC or 0 */
	bool pin;
};

/* ---- the file ----------------------------------------------------------------------------------- */

/* OUT must be absent, or a regular file other than the input. A link is not followed: what it points to was not named.
 * EXIT_FAILURE: refused. */
static int check_place(const char *file, const char *out)
{
	struct stat input, place;

	if (lstat(out, &place))
		return errno == ENOENT ? EXIT_SUCCESS : complain(out, "cannot write: %s", strerror(errno));
	if (S_ISLNK(place.st_mode))
		return complain(out, "is a symbolic link, which is not followed; name the file that it points to");
	if (S_ISDIR(place.st_mode))
		return complain(out, "cannot write: %s", strerror(EISDIR));
	if (!S_ISREG(place.st_mode))
		return complain(out, "not a regular file");
	if (!stat(file, &input) && input.st_dev == place.st_dev && input.st_ino == place.st_ino)
		return complain(out, "is the input, which is not overwritten; name another file");
	return access(out, W_OK) ? complain(out, "cannot write: %s", strerror(errno)) : EXIT_SUCCESS;
}

static int write_all(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size) {
		ssize_t written = write(fd, at, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written ? -errno : -EIO;
		at += written;
		size -= (size_t)written;
	}
	return 0;
}

static int set_usual_mode(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	return fchmod(fd, 0644 & ~mask) ? -errno : 0;
}

static int replace_file(const char *place, const void *bytes, size_t size)
{
	const char *slash = strrchr(place, '/');
	char temporary[PATH_MAX];
	int fd, err;

	err = snprintf(temporary, sizeof(temporary), "%.*s" TEMPORARY_NAME, slash ? (int)(slash + 1 - place) : 0,
		       place);
	if (err >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = mkstemp(temporary);
	if (fd < 0)
		return -errno;
	err = write_all(fd, bytes, size);
	err = err ?: set_usual_mode(fd);
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temporary, place))
		err = -errno;
	if (err)
		unlink(temporary);
	return err;
}

/* Signals are blocked, so that the temporary file is always removed. */
static int write_object(const struct request *request, const void *bytes, size_t size)
{
	sigset_t all, before;
	int err;

	if (check_place(request->file, request->out))
		return EXIT_FAILURE;
	signal(SIGXFSZ, SIG_IGN); /* write() then fails with EFBIG */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	err = replace_file(request->out, bytes, size);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err ? complain(request->out, "cannot write: %s", strerror(-err)) : EXIT_SUCCESS;
}

/* ---- --for tc ------------------------------------------------------------------------------------ */

/* tc loads the chosen section and leaves the slots to `tc exec bpf graft`, which opens a pin by name. */
static int check_slots_are_reachable(const struct elfmap_object *object, const char *file)
{
	for (size_t i = 0; i < object->nr_progs; i++) {
		const struct elfmap_prog *prog = &object->progs[i];

		if (prog->slot_map < 0 || object->maps[prog->slot_map].def.pinning == PIN_GLOBAL_NS)
			continue;
		return complain(file,
				"section '%s': map '%s' is not pinned globally, so that tc cannot fill it; "
				"'elfmap tc' can, and so can bpftool without '--for tc'",
				prog->section, object->maps[prog->slot_map].name);
	}
	return EXIT_SUCCESS;
}

static void write_grafts(FILE *to, const struct elfmap_object *object, const struct request *request)
{
	char quoted[4 * PATH_MAX + 3];

	for (size_t i = 0; i < object->nr_progs; i++) {
		const struct elfmap_prog *prog = &object->progs[i];

		if (prog->slot_map < 0)
			continue;
		fprintf(to, "tc exec bpf graft m:globals/%s key %u obj ", object->maps[prog->slot_map].name,
			prog->slot_key);
		fputs(elfmap_word__quote(request->out, quoted, sizeof(quoted)), to);
		if (request->type)
			fprintf(to, " type %s", elfmap_prog_kind__of(request->type)->word);
		fprintf(to, " sec slot_%u_%u\n", prog->slot_id, prog->slot_key);
	}
}

static int print_grafts(const struct elfmap_object *object, const struct request *request)
{
	char *text = NULL;
	size_t size;
	FILE *to;

	if (!output.json) {
		write_grafts(stdout, object, request);
		return EXIT_SUCCESS;
	}
	to = open_memstream(&text, &size);
	if (!to)
		return complain(request->file, "no memory");
	write_grafts(to, object, request);
	fclose(to);
	output__add("commands", json_object_new_string(text));
	free(text);
	return EXIT_SUCCESS;
}

/* ---- the verb ------------------------------------------------------------------------------------ */

/* libbpf pins by name in one directory only, so only global pins can be kept. */
static void warn_of_lost_pins(const struct elfmap_object *object, const char *file)
{
	for (size_t i = 0; i < object->nr_maps; i++) {
		__u32 pinning = object->maps[i].def.pinning;

		if (pinning != PIN_NONE && pinning != PIN_GLOBAL_NS)
			complain(file, "warning: map '%s': pinning %u is not kept, only global pins are",
				 object->maps[i].name, pinning);
	}
}

/* A warning, since legacy loaders loaded this function on request. */
static void warn_of_spare(const struct elfmap_object *object, const struct request *request,
			  const struct elfmap_transcode_opts *options)
{
	const char *spare = options->text_is_library ? elfmap_object__spare(object) : NULL;

	if (spare)
		complain(request->file,
			 "warning: function '%s' in .text is not converted to a program: other sections have programs, "
			 "and nothing calls it",
			 spare);
}

static int check_object(const struct elfmap_object *object, const struct request *request)
{
	if (!object->needs_help)
		return complain(request->file, "nothing to convert: no section 'maps'%s",
				object->has_btf_maps ? ", its '.maps' is modern already" : "");
	if (object->nr_problems > 1)
		return complain(request->file, "%s; 'elfmap show' lists %zu problems", object->problems[0],
				object->nr_problems);
	if (request->loader)
		return check_slots_are_reachable(object, request->file);
	return EXIT_SUCCESS;
}

static struct elfmap_transcode_opts options_of(const struct request *request)
{
	struct elfmap_transcode_opts options = {
		.sz = sizeof(options),
		.text_is_library = !request->loader,
		.slot_values = !request->loader,
		.pin_by_name = request->pin || request->loader,
		.rename_slots = request->loader,
	};

	/* tc selects a program by its section's name, and gets the type from its own command line. */
	if (request->type && !request->loader)
		options.prog_section = elfmap_prog_kind__of(request->type)->section;
	return options;
}

static int convert(const struct elfmap_object *object, const struct request *request)
{
	struct elfmap_transcode_opts options = options_of(request);
	struct elfmap_msg msg = {};
	void *bytes = NULL;
	size_t size = 0;
	int status;

	status = check_object(object, request);
	if (status)
		return status;
	if (elfmap_object__transcode(object, &options, &bytes, &size, &msg))
		return complain(request->file, "%s", msg.text);
	status = write_object(request, bytes, size);
	free(bytes);
	if (status)
		return status;
	warn_of_spare(object, request, &options);
	if (options.pin_by_name)
		warn_of_lost_pins(object, request->file);
	return request->loader ? print_grafts(object, request) : EXIT_SUCCESS;
}

static int run(const void *words)
{
	const struct request *request = words;
	struct elfmap_object *object = NULL;
	struct elfmap_msg msg = {};
	int status = EXIT_FAILURE;
	void *bytes = NULL;
	size_t size = 0;

	if (elfmap_file__read(request->file, &bytes, &size, &msg) || elfmap_object__read(bytes, size, &object, &msg))
		complain(request->file, "%s", msg.text);
	else
		status = convert(object, request);
	elfmap_object__free(object);
	free(bytes);
	return status;
}

static const struct option_choice loaders[] = {{"tc", LOADER_TC, false}, {}};

static const struct option_row option_rows[] = {
	{NULL, "FILE", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct request, file),
	 .completes = COMPLETE_FILE},
	{NULL, "OUT", OPTION_REQUIRED, OPTION_TEXT_AT(struct request, out), .completes = COMPLETE_FILE},
	OPTION_PROG_TYPE_ROW(struct request, type),
	{"--pin", NULL, 0, OPTION_FLAG_AT(struct request, pin), .help = "let loaders pin the maps by name"},
	{"--for", NULL, 0, OPTION_CHOICE_AT(struct request, loader, loaders),
	 .help = "for tc without elfmap; print the commands that fill the slots"},
	{},
};

const struct verb convert_verb = {
	.name = "convert",
	.summary = "convert a legacy object to a modern one",
	.run = run,
	.options = option_rows,
	.request_size = sizeof(struct request),
	.changes = true,
};
