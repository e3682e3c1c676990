// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap convert FILE OUT`: a modern object from a legacy one, for loaders that know nothing of
 * elfmap: bpftool, libbpf, cilium/ebpf, a tc without the preload.
 *
 * OUT appears whole or not at all: it is written beside its place and renamed.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/command.h"
#include "kinds/progs.h"
#include "object/object.h"

#define TEMPORARY_NAME ".elfmap-XXXXXX"

struct request {
	const char *file;
	const char *out;
	__u32 type; /* of program; BPF_PROG_TYPE_UNSPEC: none was named */
	bool pin;
	bool for_tc;
};

/* ---- the command line --------------------------------------------------------------------------- */

static int parse_loader(const char *word, struct request *request)
{
	if (strcmp(word, "tc") != 0) {
		complain("convert", "'--for %s': only tc needs an object of its own", word);
		return -EINVAL;
	}
	request->for_tc = true;
	return 0;
}

static int parse_type(const char *word, struct request *request)
{
	if (request->type) {
		complain("convert", "'type %s': a type was named before, %s", word,
			 elfmap_prog_kind__of(request->type)->word);
		return -EINVAL;
	}
	return parse_prog_type(word, "convert", &request->type);
}

static int refuse_word(const char *word)
{
	complain("convert", "'%s': %s", word, strcmp(word, "type") != 0 ? "not expected here" : "which one?");
	return -EINVAL;
}

static int parse_request(int argc, char **argv, struct request *request)
{
	int err = 0;

	for (int i = 1; i < argc && !err; i++) {
		if (!strcmp(argv[i], "--pin"))
			request->pin = true;
		else if (!strcmp(argv[i], "--for=tc"))
			request->for_tc = true;
		else if (!strcmp(argv[i], "--for") && i + 1 < argc)
			err = parse_loader(argv[++i], request);
		else if (!request->file)
			request->file = argv[i];
		else if (!request->out)
			request->out = argv[i];
		else if (!strcmp(argv[i], "type") && i + 1 < argc)
			err = parse_type(argv[++i], request);
		else
			err = refuse_word(argv[i]);
	}
	if (!err && output.json)
		err = refuse_word("-j"); /* there is nothing to say in JSON */
	if (err || request->out)
		return err;
	complain("convert", "%s", request->file ? "to what file?" : "which file?");
	return -EINVAL;
}

/* ---- the file ----------------------------------------------------------------------------------- */

/* Where OUT really is, so that a link stays a link and no device is replaced by a file. */
static int find_place(const char *out, char place[PATH_MAX])
{
	struct stat st;

	if (!realpath(out, place)) {
		if (!lstat(out, &st)) /* a link to nothing, or to a pipe, which has no path */
			return stat(out, &st) ? -errno : -EINVAL;
		if (errno != ENOENT || snprintf(place, PATH_MAX, "%s", out) >= PATH_MAX)
			return -errno;
		return 0;
	}
	if (stat(place, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return access(place, W_OK) ? -errno : 0;
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

/* No signal that a user or a limit sends may come between the temporary file and its removal. */
static int write_object(const char *out, const void *bytes, size_t size)
{
	char place[PATH_MAX];
	sigset_t all, before;
	int err;

	err = find_place(out, place);
	if (err == -EINVAL)
		return complain(out, "not a regular file");
	if (!err) {
		signal(SIGXFSZ, SIG_IGN); /* EFBIG says it as well */
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, &before);
		err = replace_file(place, bytes, size);
		sigprocmask(SIG_SETMASK, &before, NULL);
	}
	if (err)
		return complain(out, "cannot write: %s", strerror(-err));
	return EXIT_SUCCESS;
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

/* In single quotes where the shell would take it for more than a word. */
static void print_word(const char *word)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./,:@%";

	if (*word && strspn(word, harmless) == strlen(word)) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	}
	putchar('\'');
}

static void print_grafts(const struct elfmap_object *object, const struct request *request)
{
	for (size_t i = 0; i < object->nr_progs; i++) {
		const struct elfmap_prog *prog = &object->progs[i];

		if (prog->slot_map < 0)
			continue;
		printf("tc exec bpf graft m:globals/%s key %u obj ", object->maps[prog->slot_map].name, prog->slot_key);
		print_word(request->out);
		if (request->type)
			printf(" type %s", elfmap_prog_kind__of(request->type)->word);
		printf(" sec slot_%u_%u\n", prog->slot_id, prog->slot_key);
	}
}

/* ---- the verb ------------------------------------------------------------------------------------ */

/* libbpf's by-name pinning knows one directory, so only global pins can be kept. */
static void warn_of_lost_pins(const struct elfmap_object *object, const char *file)
{
	for (size_t i = 0; i < object->nr_maps; i++) {
		__u32 pinning = object->maps[i].def.pinning;

		if (pinning != PIN_NONE && pinning != PIN_GLOBAL_NS)
			complain(file, "warning: map '%s': pinning %u is not kept, only global pins are",
				 object->maps[i].name, pinning);
	}
}

/* Said, since a loader of old took it when it was asked for. */
static void tell_spare(const struct elfmap_object *object, const struct request *request,
		       const struct elfmap_transcode_opts *options)
{
	const char *spare = options->text_is_library ? elfmap_object__spare(object) : NULL;

	if (spare)
		complain(request->file,
			 "warning: function '%s' in .text is not converted to a program: other sections have programs, "
			 "and "
			 "nothing calls it",
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
	if (request->for_tc)
		return check_slots_are_reachable(object, request->file);
	return EXIT_SUCCESS;
}

static struct elfmap_transcode_opts options_of(const struct request *request)
{
	struct elfmap_transcode_opts options = {
		.sz = sizeof(options),
		.text_is_library = !request->for_tc,
		.slot_values = !request->for_tc,
		.pin_by_name = request->pin || request->for_tc,
		.rename_slots = request->for_tc,
	};

	/* tc picks a program by its section's name, and knows the type from its own command line. */
	if (request->type && !request->for_tc)
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
	status = write_object(request->out, bytes, size);
	free(bytes);
	if (status)
		return status;
	tell_spare(object, request, &options);
	if (options.pin_by_name)
		warn_of_lost_pins(object, request->file);
	if (request->for_tc)
		print_grafts(object, request);
	return EXIT_SUCCESS;
}

int verb_convert(int argc, char **argv)
{
	struct elfmap_object *object = NULL;
	struct request request = {};
	struct elfmap_msg msg = {};
	int status = EXIT_FAILURE;
	void *bytes = NULL;
	size_t size = 0;

	argc = take_options(argc, argv, "--pin --for --for=tc");
	if (argc < 0 || parse_request(argc, argv, &request))
		return EXIT_USAGE;

	if (elfmap_file__read(request.file, &bytes, &size, &msg) || elfmap_object__read(bytes, size, &object, &msg))
		complain(request.file, "%s", msg.text);
	else
		status = convert(object, &request);
	elfmap_object__free(object);
	free(bytes);
	return status;
}
