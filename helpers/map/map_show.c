// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map show`: one pinned map in full, with the types of its keys and values. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "helpers/command.h"
#include "helpers/map/map_facts.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "map/map.h"
#include "pins/bpffs.h"
#include "text/values.h"

struct whole {
	struct map_facts facts;
	struct elfmap_census census;
	struct stat pin;
	char *key; /* in words; NULL: the map's entries have no keys or cannot be read */
	char *value;
	bool has_btf;
	char *why_unreadable;
};

/* ---- query ---------------------------------------------------------------------------------------- */

static char *in_words(const struct elfmap_type *type)
{
	struct elfmap_buffer text = {};

	elfmap_type__write(&text, type);
	elfmap_buffer__add(&text, "", 1);
	if (!text.error)
		return text.bytes;
	elfmap_buffer__free(&text);
	return NULL;
}

static int read_types(struct whole *whole, struct elfmap_msg *msg)
{
	struct elfmap_reader reader;
	int err = elfmap_reader__open(whole->facts.path, &reader, msg);

	whole->has_btf = whole->facts.info.btf_key_type_id || whole->facts.info.btf_value_type_id;
	if (err == -EOPNOTSUPP) {
		whole->why_unreadable = strdup(msg->text);
		return 0;
	}
	if (err)
		return err;
	whole->key = in_words(reader.format.key);
	whole->value = in_words(reader.format.value);
	elfmap_reader__close(&reader);
	return 0;
}

static int read_whole(const char *path, struct whole *whole, struct elfmap_msg *msg)
{
	int err;

	err = elfmap_census__take(&whole->census, msg);
	err = err ?: map_facts__read(path, &whole->census, &whole->facts, msg);
	if (!err && stat(path, &whole->pin)) {
		err = -errno;
		snprintf(msg->text, sizeof(msg->text), "%s", strerror(errno));
	}
	return err ?: read_types(whole, msg);
}

static void free_whole(struct whole *whole)
{
	map_facts__free(&whole->facts);
	elfmap_census__free(&whole->census);
	free(whole->key);
	free(whole->value);
	free(whole->why_unreadable);
}

/* ---- text ----------------------------------------------------------------------------------------- */

static const struct {
	__u32 flag;
	const char *name;
} flag_names[] = {
	{BPF_F_NO_PREALLOC, "no_prealloc"}, {BPF_F_NO_COMMON_LRU, "no_common_lru"},
	{BPF_F_NUMA_NODE, "numa_node"},	    {BPF_F_RDONLY, "rdonly"},
	{BPF_F_WRONLY, "wronly"},	    {BPF_F_STACK_BUILD_ID, "stack_build_id"},
	{BPF_F_ZERO_SEED, "zero_seed"},	    {BPF_F_RDONLY_PROG, "rdonly_prog"},
	{BPF_F_WRONLY_PROG, "wronly_prog"}, {BPF_F_CLONE, "clone"},
	{BPF_F_MMAPABLE, "mmapable"},	    {BPF_F_PRESERVE_ELEMS, "preserve_elems"},
	{BPF_F_INNER_MAP, "inner_map"},
};

static void print_flags(__u32 flags)
{
	printf("flags 0x%x", flags);
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(*flag_names); i++)
		if (flags & flag_names[i].flag)
			printf(" %s", flag_names[i].name);
	putchar('\n');
}

static void print_types(const struct whole *whole)
{
	const struct bpf_map_info *info = &whole->facts.info;

	printf("key %u", info->key_size);
	if (whole->key)
		printf(" %s", whole->key);
	printf("\nvalue %u", info->value_size);
	if (whole->value)
		printf(" %s", whole->value);
	printf("\ntypes %s\n", whole->has_btf ? "btf" : "none");
}

static void print_users(const struct whole *whole)
{
	const struct elfmap_census *census = &whole->census;
	__u32 id = whole->facts.info.id;

	for (size_t i = 0; i < census->nr_progs; i++) {
		const struct elfmap_program *prog = &census->progs[i];
		const char *type = elfmap_prog_type_name(prog->type);

		if (!elfmap_program__uses(prog, id))
			continue;
		printf("used by prog %u %s %.*s\n", prog->id, type ?: "of unknown type", (int)sizeof(prog->name),
		       prog->name);
		map_print_places(stdout, prog->id, census, true, "\tat ", "\n\tat ", "\n");
	}
	if (!census->complete)
		puts("used by ?");
	for (size_t i = 0; i < census->nr_holdings; i++)
		if (census->holdings[i].inner == id)
			printf("used by map %u\n", census->holdings[i].outer);
	for (size_t i = 0; i < census->pins.nr; i++)
		if (elfmap_pinned__is_other(&census->pins.pins[i], id, whole->facts.path)) {
			fputs("used by pin ", stdout);
			print_name(stdout, census->pins.pins[i].path);
			putchar('\n');
		}
}

static void print_whole(const struct whole *whole)
{
	const struct map_facts *facts = &whole->facts;
	const struct bpf_map_info *info = &facts->info;
	static const char *const kept[] = {[ELFMAP_LOST] = "no", [ELFMAP_KEPT] = "yes", [ELFMAP_UNKNOWN] = "?"};
	char text[16];

	fputs("pin ", stdout);
	print_name(stdout, facts->path);
	printf("\nid %u\n", info->id);
	if (*info->name)
		printf("name %.*s\n", (int)sizeof(info->name), info->name);
	printf("type %s\n", map_facts__type(facts, text));
	print_types(whole);
	if (facts->entries >= 0)
		printf("entries %lld of %u\n", facts->entries, info->max_entries);
	else
		printf("entries - of %u\n", info->max_entries);
	print_flags(info->map_flags);
	if (info->map_extra)
		printf("extra 0x%llx\n", info->map_extra);
	printf("frozen %s\n", facts->frozen ? "yes" : "no");
	printf("owner %u group %u mode %04o\n", whole->pin.st_uid, whole->pin.st_gid, whole->pin.st_mode & 07777);
	printf("kept %s\n", kept[facts->survival]);
	print_users(whole);
	if (whole->why_unreadable)
		printf("note %s\n", whole->why_unreadable);
}

/* ------------------------------------------------------------------------------------------------- */

static void print_whole_json(const struct whole *whole)
{
	json_object *root = map_facts__json(&whole->facts, &whole->census);

	json_object_object_add(root, "key_type", whole->key ? json_object_new_string(whole->key) : NULL);
	json_object_object_add(root, "value_type", whole->value ? json_object_new_string(whole->value) : NULL);
	json_object_object_add(root, "btf_id", json_object_new_int64(whole->facts.info.btf_id));
	json_object_object_add(root, "map_extra", json_object_new_int64((int64_t)whole->facts.info.map_extra));
	json_object_object_add(root, "uid", json_object_new_int64(whole->pin.st_uid));
	json_object_object_add(root, "gid", json_object_new_int64(whole->pin.st_gid));
	json_object_object_add(root, "mode", json_object_new_int64(whole->pin.st_mode & 07777));
	print_json(root);
}

struct show_request {
	const char *pin;
};

static int run(const void *words)
{
	const struct show_request *request = words;
	struct whole whole = {};
	struct elfmap_msg msg;
	char path[PATH_MAX];
	int status = EXIT_SUCCESS;

	if (elfmap_bpffs__pin_path(request->pin, path, sizeof(path), &msg) || read_whole(path, &whole, &msg))
		status = complain(request->pin, "%s", msg.text);
	else if (output.json)
		print_whole_json(&whole);
	else
		print_whole(&whole);
	free_whole(&whole);
	return status;
}

static const struct option_row options[] = {PIN_ROW(struct show_request), {}};

const struct verb map_show_verb = {
	.name = "show",
	.summary = "one map in full: types, entries, flags, who uses it",
	.run = run,
	.options = options,
	.request_size = sizeof(struct show_request),
};
