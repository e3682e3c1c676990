// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap attach FILE|PIN ... dev DEV ingress|egress`: a program at a hook. Saying the same again
 * changes nothing; a newer object takes the older one's place. `elfmap detach` takes it away.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach.h"
#include "bpffs.h"
#include "command.h"
#include "loading.h"
#include "msg.h"

struct hook {
	const char *what; /* FILE or PIN; NULL: detach by place alone */
	const char *section;
	const char *dev;
	const char *direction;
	bool tcx;
	struct elfmap_filter filter;
};

/* ---- the command line ---------------------------------------------------------------------------------- */

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

static bool is_prio(const char *word)
{
	return !strcmp(word, "prio") || !strcmp(word, "pref") || !strcmp(word, "priority");
}

/* A word with a value behind it. 1: it is none of them. */
static int parse_pair(const char *word, const char *value, struct hook *hook)
{
	if (!strcmp(word, "sec") || !strcmp(word, "section"))
		return hook->section = value, 0;
	if (!strcmp(word, "dev"))
		return hook->dev = value, 0;
	if (is_prio(word))
		return parse_number(word, value, 1, 0xffff, &hook->filter.prio);
	if (!strcmp(word, "handle"))
		return parse_number(word, value, 1, UINT32_MAX, &hook->filter.handle);
	if (!strcmp(word, "chain"))
		return parse_number(word, value, 0, 0xfffffff, &hook->filter.chain);
	return 1;
}

static int parse(int argc, char **argv, struct hook *hook)
{
	for (int i = 1; i < argc; i++) {
		int err = i + 1 < argc ? parse_pair(argv[i], argv[i + 1], hook) : 1;

		if (err < 0)
			return err;
		if (!err)
			i++;
		else if (!strcmp(argv[i], "--tcx"))
			hook->tcx = true;
		else if ((!strcmp(argv[i], "ingress") || !strcmp(argv[i], "egress")) && !hook->direction)
			hook->direction = argv[i];
		else if (!hook->what)
			hook->what = argv[i];
		else
			return complain(argv[0], "'%s' is none of its words", argv[i]), -EINVAL;
	}
	if (!hook->dev || !hook->direction)
		return -EINVAL;
	if (hook->tcx && (hook->filter.prio || hook->filter.handle || hook->filter.chain))
		return complain("--tcx", "links of tcx have no prio, handle or chain"), -EINVAL;
	hook->filter.egress = !strcmp(hook->direction, "egress");
	return 0;
}

static int find_device(struct hook *hook)
{
	hook->filter.ifindex = (int)if_nametoindex(hook->dev);
	return hook->filter.ifindex ? 0 : complain(hook->dev, "there is no such device; 'ip link' lists them");
}

/* ---- what is to be attached ------------------------------------------------------------------------------ */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_file(const char *word)
{
	struct stat file;

	return !stat(word, &file) && !S_ISDIR(file.st_mode) && !elfmap_bpffs__contains(word);
}

/* The names that tc gives its filters. */
static void name_filter(struct hook *hook)
{
	char *name = hook->filter.name;

	if (is_file(hook->what))
		snprintf(name, sizeof(hook->filter.name), "%s:[%s]", base_name(hook->what), hook->section);
	else
		snprintf(name, sizeof(hook->filter.name), "%s:[*fsobj]", base_name(hook->what));
}

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

/* What the program comes from: kept open until it is attached, since slots and pins are taken back if not. */
struct source {
	struct elfmap_load *load; /* NULL: a pin */
	int fd;
};

static int open_source(const struct hook *hook, const char *tc_dir, struct source *source, struct elfmap_msg *msg)
{
	struct elfmap_load_opts opts = {
		.tc_dir = tc_dir,
		.section = hook->section,
		.type = BPF_PROG_TYPE_SCHED_CLS,
		.warn = warn_of_object,
	};
	int err;

	if (!is_file(hook->what))
		return open_pin(hook->what, &source->fd, msg);
	err = load_object(hook->what, &opts, false, &source->load, msg);
	if (!err)
		source->fd = bpf_program__fd(elfmap_load__find_prog(source->load, hook->section)->bpf);
	return err;
}

static void close_source(struct source *source, bool keep)
{
	if (!source->load && source->fd >= 0)
		close(source->fd);
	if (source->load && keep)
		elfmap_load__keep(source->load);
	else if (source->load)
		elfmap_load__undo(source->load);
	elfmap_load__free(source->load);
}

/* ---- what became of it ------------------------------------------------------------------------------------- */

static const char *const results[] = {
	[ELFMAP_ATTACHED] = "attached",
	[ELFMAP_REPLACED] = "replaced",
	[ELFMAP_UNCHANGED] = "unchanged",
};

static void print_filter(const struct hook *hook, const struct elfmap_filter *filter, const char *result)
{
	json_object *root;

	if (!output.json) {
		printf("dev %s %s prio %u handle 0x%x chain %u ", hook->dev, hook->direction, filter->prio,
		       filter->handle, filter->chain);
		print_name(stdout, filter->name);
		printf(" id %u %s\n", filter->prog, result);
		return;
	}
	root = json_object_new_object();
	json_object_object_add(root, "dev", json_object_new_string(hook->dev));
	json_object_object_add(root, "direction", json_object_new_string(hook->direction));
	json_object_object_add(root, "prio", json_object_new_int64(filter->prio));
	json_object_object_add(root, "handle", json_object_new_int64(filter->handle));
	json_object_object_add(root, "chain", json_object_new_int64(filter->chain));
	json_object_object_add(root, "name", json_object_new_string(filter->name));
	json_object_object_add(root, "prog_id", json_object_new_int64(filter->prog));
	json_object_object_add(root, "result", json_object_new_string(result));
	print_json(root);
}

static void print_link(const struct hook *hook, const char *path, const char *result)
{
	json_object *root;

	if (!output.json) {
		printf("dev %s %s tcx %s %s\n", hook->dev, hook->direction, path, result);
		return;
	}
	root = json_object_new_object();
	json_object_object_add(root, "dev", json_object_new_string(hook->dev));
	json_object_object_add(root, "direction", json_object_new_string(hook->direction));
	json_object_object_add(root, "pinned", json_object_new_string(path));
	json_object_object_add(root, "result", json_object_new_string(result));
	print_json(root);
}

/* ---- the verbs ----------------------------------------------------------------------------------------------- */

static int attach(struct hook *hook, const char *tc_dir)
{
	struct source source = {.fd = -1};
	struct elfmap_attach done = {};
	char path[PATH_MAX] = "";
	struct elfmap_msg msg;
	int err;

	if (hook->tcx && elfmap_link__path(tc_dir, hook->dev, &hook->filter, path, sizeof(path), &msg))
		return complain(hook->what, "%s", msg.text);
	err = open_source(hook, tc_dir, &source, &msg);
	if (err)
		return complain(hook->what, "%s", msg.text);
	if (hook->tcx)
		err = elfmap_attach__tcx(hook->filter.ifindex, hook->filter.egress, source.fd, path, &done.result,
					 &msg);
	else
		err = elfmap_attach__filter(&hook->filter, source.fd, &done, &msg);
	close_source(&source, !err);
	if (err)
		return complain(hook->dev, "%s", msg.text);
	if (hook->tcx)
		print_link(hook, path, results[done.result]);
	else
		print_filter(hook, &done.filter, results[done.result]);
	return EXIT_SUCCESS;
}

int verb_attach(int argc, char **argv)
{
	struct hook hook = {};
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];

	argc = take_options(argc, argv, "--tcx");
	if (argc < 0 || parse(argc, argv, &hook) || !hook.what)
		return EXIT_USAGE;
	hook.section = hook.section ?: ELF_SECTION_CLASSIFIER;
	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		return complain(argv[0], "%s", msg.text);
	if (find_device(&hook))
		return EXIT_FAILURE;
	name_filter(&hook);
	return attach(&hook, tc_dir);
}

int verb_detach(int argc, char **argv)
{
	struct elfmap_filter gone;
	struct hook hook = {};
	char tc_dir[PATH_MAX], path[PATH_MAX];
	struct elfmap_msg msg;

	argc = take_options(argc, argv, "--tcx");
	if (argc < 0 || parse(argc, argv, &hook))
		return EXIT_USAGE;
	if (!hook.what && (!hook.filter.prio || !hook.filter.handle || hook.tcx))
		return complain(argv[0], "say which: FILE sec NAME, a PIN, or prio and handle"), EXIT_USAGE;
	hook.section = hook.section ?: ELF_SECTION_CLASSIFIER;
	if (find_device(&hook))
		return EXIT_FAILURE;
	if (hook.what)
		name_filter(&hook);
	if (!hook.tcx) {
		if (elfmap_attach__detach(&hook.filter, &gone, &msg))
			return complain(hook.dev, "%s", msg.text);
		print_filter(&hook, &gone, "detached");
		return EXIT_SUCCESS;
	}
	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		return complain(argv[0], "%s", msg.text);
	if (elfmap_link__path(tc_dir, hook.dev, &hook.filter, path, sizeof(path), &msg) ||
	    elfmap_attach__detach_tcx(path, &msg))
		return complain(hook.dev, "%s", msg.text);
	print_link(&hook, path, "detached");
	return EXIT_SUCCESS;
}
