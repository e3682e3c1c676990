// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap map save`: every pinned map with its types and content, as text that `restore` reads after a
 * reboot. Numbers that a reboot makes stale are written as what they stand for: devices and cgroups by
 * name, programs and maps by pin. A program without a pin has no name that lasts, so its slot becomes a
 * comment; loading its object fills the slot again.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/map/map_facts.h"
#include "helpers/map/map_file.h"
#include "helpers/map/map_pin.h"
#include "helpers/map/map_verbs.h"
#include "helpers/map/saved.h"
#include "hook/map_users.h"
#include "kinds/maps.h"
#include "map/btf_extract.h"
#include "map/cgroup_slots.h"
#include "map/map.h"
#include "map/map_copy.h"
#include "map/map_write.h"
#include "map/resolve.h"
#include "map/taken.h"
#include "pins/bpffs.h"
#include "pins/map_id.h"
#include "text/types.h"

/* ---- the slots of a CGROUP_ARRAY, which the kernel does not show: from their notes ----------------------- */

static int print_path(const struct elfmap_cgroup_slot *slot, __u32 index, struct elfmap_resolver *names)
{
	struct elfmap_type *type = elfmap_type__new(ELFMAP_CGROUP_ID, sizeof(slot->cgroup));
	struct elfmap_value value = {.bytes = &slot->cgroup, .copies = 1};
	struct elfmap_buffer text = {};
	int err;

	if (!type)
		return -ENOMEM;
	elfmap_text__write(&text, type, &value, names);
	err = text.error;
	if (!err)
		printf("%u %.*s\n", index, (int)text.length, text.bytes);
	elfmap_buffer__free(&text);
	elfmap_type__free(type);
	return err;
}

static int save_cgroups(const char *word, struct elfmap_resolver *names, size_t *ret_unknown, struct elfmap_msg *msg)
{
	struct elfmap_cgroup_slots slots;
	char path[PATH_MAX];
	size_t unknown = 0;
	int err;

	err = elfmap_bpffs__pin_path(word, path, sizeof(path), msg);
	err = err ?: elfmap_cgroup_slots__open(path, &slots, msg);
	if (err)
		return err;
	for (__u32 i = 0; i < slots.count && !err; i++) {
		struct elfmap_cgroup_slot slot;

		err = elfmap_cgroup_slots__read(&slots, i, &slot, msg);
		if (!err && slot.state == CGROUP_SLOT_SET && print_path(&slot, i, names))
			err = elfmap_msg__set(msg, -ENOMEM, "no memory");
		unknown += !err && slot.state == CGROUP_SLOT_UNKNOWN;
	}
	elfmap_cgroup_slots__close(&slots);
	*ret_unknown = unknown;
	return err;
}

/* ---- maps ------------------------------------------------------------------------------------------------ */

#define WRITE_AT (64u << 10)

struct source {
	struct saved_map map; /* what is known before it is written: label and pins */
	__u32 id;	      /* it is opened by its id when it is written: descriptors are fewer than maps may be */
	struct bpf_map_info info;
	bool is_left_out;
};

/* A queue or stack whose values were taken out: they are put back unless the whole is saved. */
struct drained {
	struct drained *next;
	const struct source *source;
	struct elfmap_reader map;
	struct elfmap_taken taken;
};

/* What resolves names while saving: first, so that its callbacks find the rest. */
struct save {
	struct elfmap_resolver names;
	struct elfmap_resolver *system;
	struct elfmap_census census;
	char tc_dir[PATH_MAX];
	struct source *sources;
	size_t nr_sources;
	struct drained *drained;
	bool drain, stable;
	size_t nr_loose; /* slots of the map being written whose programs have no pin */
	bool loose;	 /* the entry being written has one */
	char words[PATH_MAX + 16];
};

/* ---- names ---------------------------------------------------------------------------------------- */

static struct save *save_of(struct elfmap_resolver *names)
{
	return (struct save *)names;
}

static const char *name_device(struct elfmap_resolver *self, __u32 ifindex)
{
	struct elfmap_resolver *system = save_of(self)->system;

	return system->device_name ? system->device_name(system, ifindex) : NULL;
}

static const char *name_cgroup(struct elfmap_resolver *self, __u64 id)
{
	struct elfmap_resolver *system = save_of(self)->system;

	return system->cgroup_path ? system->cgroup_path(system, id) : NULL;
}

static const char *find_pin(const struct save *save, enum elfmap_pin_kind kind, __u32 id)
{
	for (size_t i = 0; i < save->census.pins.nr; i++)
		if (save->census.pins.pins[i].kind == kind && save->census.pins.pins[i].id == id)
			return map_pin_word(save->census.pins.pins[i].path, save->tc_dir);
	return NULL;
}

static struct source *find_source(const struct save *save, __u32 id)
{
	for (size_t i = 0; i < save->nr_sources; i++)
		if (save->sources[i].id == id)
			return &save->sources[i];
	return NULL;
}

static const char *name_object(struct elfmap_resolver *self, enum elfmap_notation kind, __u32 id)
{
	struct save *save = save_of(self);
	bool is_map = kind == ELFMAP_MAP;
	const struct source *source = is_map ? find_source(save, id) : NULL;
	const char *word = source ? source->map.label : NULL;

	if (!word)
		word = find_pin(save, is_map ? ELFMAP_PIN_MAP : ELFMAP_PIN_PROG, id);
	if (!word) {
		save->loose = true;
		return NULL;
	}
	snprintf(save->words, sizeof(save->words), "pinned %s", word);
	return save->words;
}

/* ---- which maps ----------------------------------------------------------------------------------- */

/* LABEL is taken over, also on failure. */
static int add_source(struct save *save, char *label, const struct bpf_map_info *info)
{
	struct source *grown = label ? elfmap_array__grow(save->sources, save->nr_sources, sizeof(*grown)) : NULL;

	if (!grown) {
		free(label);
		return -ENOMEM;
	}
	save->sources = grown;
	grown[save->nr_sources++] = (struct source){
		.map = {.label = label, .form = {.btf = -1, .inner = -1}}, .id = info->id, .info = *info};
	return 0;
}

static int read_pin(const struct save *save, const struct elfmap_pinned *pin, const char *word,
		    struct bpf_map_info *ret_info, struct elfmap_msg *msg)
{
	int fd, err = elfmap_map__open(pin->path, &fd, ret_info, msg);

	if (err)
		return err;
	close(fd);
	if (!elfmap_map_kind__of(ret_info->type)->is_queue)
		return 0;
	if (!save->drain)
		return elfmap_msg__set(msg, -EOPNOTSUPP,
				       "%s is a %s: reading takes its values out; --drain does that, and saves them",
				       word, elfmap_map_type_name(ret_info->type));
	err = elfmap_map__open_for(pin->path, ELFMAP_READ_WRITE, &fd, ret_info, msg);
	if (!err)
		close(fd);
	return err;
}

/* Pins that elfmap makes for itself: versions of upgrades, and notes. */
static bool is_private(const char *word)
{
	return !strncmp(word, "generations/", 12) || !strncmp(word, "elfmap/", 7);
}

static int add_pin(struct save *save, const struct elfmap_pinned *pin, struct elfmap_msg *msg)
{
	const char *word = map_pin_word(pin->path, save->tc_dir);
	struct saved_pin saved = {.mode = 0600};
	struct source *source = NULL;
	struct bpf_map_info info;
	struct stat file;
	int err = 0;

	if (is_private(word))
		return 0;
	if (pin->kind == ELFMAP_PIN_UNREADABLE) {
		struct elfmap_msg why;

		err = elfmap_refusal__explain_open(pin->path, false, -pin->err, &why);
		return elfmap_msg__set(msg, err, "%s: %s", word, why.text);
	}
	if (pin->kind != ELFMAP_PIN_MAP || pin->is_link)
		return 0;
	if (strpbrk(word, " \t\r\n") || *word == '~')
		return elfmap_msg__set(msg, -EINVAL, "%s: a pin with such a name cannot be written as a word", word);
	if (!find_source(save, pin->id)) {
		err = read_pin(save, pin, word, &info, msg);
		if (err)
			return err;
		err = add_source(save, strdup(word), &info);
	}
	if (!stat(pin->path, &file))
		saved = (struct saved_pin){.mode = file.st_mode & 07777, .uid = file.st_uid, .gid = file.st_gid};
	source = err ? NULL : find_source(save, pin->id);
	if (source) /* another map may have come under that name since */
		err = saved_map__add_pin(&source->map, word, &saved);
	return err ? elfmap_msg__set(msg, err, "no memory") : 0;
}

/* Maps that have no pin, but a slot in a map of maps that is saved. */
static int add_inner(struct save *save, __u32 id, struct elfmap_msg *msg)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	char *label;
	int fd, err;

	if (find_source(save, id) || find_pin(save, ELFMAP_PIN_MAP, id))
		return 0;
	fd = elfmap_map__open_id(id);
	if (fd < 0)
		return 0; /* gone since */
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	if (err)
		return elfmap_msg__set(msg, err, "map %u: %s", id, strerror(-err));
	if (asprintf(&label, "~%zu", save->nr_sources) < 0)
		label = NULL;
	err = add_source(save, label, &info);
	return err ? elfmap_msg__set(msg, err, "no memory") : 0;
}

/* Opens the map by one of its pins, which needs no privilege, else by its id. */
static int open_source(const struct source *source, int *ret_fd, struct elfmap_msg *msg)
{
	bool is_queue = elfmap_map_kind__of(source->info.type)->is_queue;
	char path[PATH_MAX];
	struct bpf_map_info info;

	if (source->map.nr_pins && !elfmap_bpffs__pin_path(source->map.pins->word, path, sizeof(path), NULL) &&
	    !elfmap_map__open_for(path, is_queue ? ELFMAP_READ_WRITE : ELFMAP_READ, ret_fd, &info, NULL)) {
		if (info.id == source->id)
			return 0;
		close(*ret_fd);
	}
	*ret_fd = elfmap_map__open_id(source->id);
	return *ret_fd < 0 ? elfmap_msg__set(msg, *ret_fd, "map %u: %s", source->id, strerror(-*ret_fd)) : 0;
}

/* Is PATH that of the companion of MAIN? */
static bool has_companion(const struct source *main, const char *path)
{
	int fd = -1;
	char companion[PATH_MAX];
	bool has = !open_source(main, &fd, NULL) && map_companion_path(main->map.label, fd, companion) &&
		   !strcmp(companion, path);

	if (fd >= 0)
		close(fd);
	return has;
}

/* A companion is made again when its map is restored. */
static bool is_companion(const struct save *save, const struct source *source)
{
	for (size_t i = 0; i < save->nr_sources; i++) {
		const struct source *main = &save->sources[i];
		size_t stem = strlen(main->map.label);

		if (!strncmp(main->map.label, source->map.label, stem) && source->map.label[stem] == '_' &&
		    has_companion(main, source->map.label))
			return true;
	}
	return false;
}

static void free_source(struct source *source)
{
	saved_map__clear(&source->map);
}

static const char *inner_of(const struct save *save, const struct source *source)
{
	for (size_t i = 0; i < save->census.nr_holdings; i++) {
		const struct elfmap_holding *holding = &save->census.holdings[i];
		const struct source *inner = find_source(save, holding->inner);

		if (holding->outer == source->id)
			return inner ? inner->map.label : find_pin(save, ELFMAP_PIN_MAP, holding->inner);
	}
	return NULL;
}

/* The kernel reports too little of such a map to make it again. */
static bool is_unmakable(const struct save *save, const struct source *source)
{
	const char *why = NULL;

	if (elfmap_map_kind__of(source->info.type)->belongs_to_program)
		why = "it belongs to its program and cannot be created alone";
	else if (elfmap_map__is_map_in_map(source->info.type) && !inner_of(save, source))
		why = "it is an empty map of maps, so the form of its inner maps is unknown";
	if (why)
		complain(source->map.label, "warning: %s; it is not saved", why);
	return why;
}

static void leave_out(struct save *save, bool (*is)(const struct save *save, const struct source *source))
{
	size_t kept = 0;

	for (size_t i = 0; i < save->nr_sources; i++)
		save->sources[i].is_left_out = is(save, &save->sources[i]);
	for (size_t i = 0; i < save->nr_sources; i++)
		if (save->sources[i].is_left_out)
			free_source(&save->sources[i]);
		else
			save->sources[kept++] = save->sources[i];
	save->nr_sources = kept;
}

static int compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct source *)a)->map.label, ((const struct source *)b)->map.label);
}

static int find_maps(struct save *save, const char *dir, struct elfmap_msg *msg)
{
	struct elfmap_pins pins = {};
	int err = elfmap_pins__read(dir, &pins);

	if (err)
		elfmap_msg__set(msg, err, "no memory");
	for (size_t i = 0; i < pins.nr && !err; i++)
		err = add_pin(save, &pins.pins[i], msg);
	leave_out(save, is_companion);
	for (size_t i = 0; i < save->census.nr_holdings && !err; i++)
		if (find_source(save, save->census.holdings[i].outer))
			err = add_inner(save, save->census.holdings[i].inner, msg);
	if (!err)
		leave_out(save, is_unmakable);
	qsort(save->sources, save->nr_sources, sizeof(*save->sources), compare_labels);
	elfmap_pins__free(&pins);
	return err;
}

/* ---- writing -------------------------------------------------------------------------------------- */

struct writing {
	struct save *save;
	const struct elfmap_reader *map;
	struct elfmap_buffer text;
};

static int write_text(struct elfmap_buffer *text, size_t least)
{
	if (text->error || text->length < least)
		return text->error;
	fwrite(text->bytes, 1, text->length, stdout);
	text->length = 0;
	return ferror(stdout) ? -EIO : 0;
}

static int write_entry(void *context, const void *key, const void *value)
{
	struct writing *writing = context;
	struct elfmap_buffer *text = &writing->text;
	size_t before = text->length;

	writing->save->loose = false;
	elfmap_text__write_entry(text, &writing->map->format, key, value, false, &writing->save->names);
	if (writing->save->loose) {
		/* Once more, behind a `#`. */
		text->length = before;
		elfmap_buffer__add(text, "# no pin: ", 10);
		elfmap_text__write_entry(text, &writing->map->format, key, value, false, &writing->save->names);
		writing->save->nr_loose++;
	}
	return writing->save->stable ? text->error : write_text(text, WRITE_AT);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Writes the lines in TEXT in the order of their characters. */
static int write_sorted(struct elfmap_buffer *text)
{
	size_t nr = 0, at = 0;
	char **lines;

	for (size_t i = 0; i < text->length; i++)
		nr += text->bytes[i] == '\n';
	lines = calloc(nr + 1, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		char *end = memchr(text->bytes + at, '\n', text->length - at);

		*end = '\0';
		lines[i] = text->bytes + at;
		at = (size_t)(end - text->bytes) + 1;
	}
	qsort(lines, nr, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < nr; i++)
		puts(lines[i]);
	free(lines);
	text->length = 0;
	return ferror(stdout) ? -EIO : 0;
}

static int write_entries(struct save *save, const struct source *source, const struct elfmap_reader *reader,
			 struct elfmap_msg *msg)
{
	struct writing writing = {.save = save, .map = reader};
	int err;

	save->nr_loose = 0;
	err = elfmap_reader__each(reader, write_entry, &writing, msg);
	if (!err)
		err = save->stable && !writing.text.error ? write_sorted(&writing.text) : write_text(&writing.text, 1);
	elfmap_buffer__free(&writing.text);
	if (!err && save->nr_loose)
		complain(source->map.label,
			 "warning: %zu slots hold programs or maps without a pin; they are saved as comments and not "
			 "restored; load their object to fill the slots again",
			 save->nr_loose);
	return err;
}

/* Takes the values out one by one, and writes each before the next. MAP is taken over, also on failure. */
static int drain(struct save *save, const struct source *source, const struct elfmap_reader *map,
		 struct elfmap_msg *msg)
{
	struct drained *drained = calloc(1, sizeof(*drained));
	struct elfmap_buffer text = {};
	const void *value;
	int err = 0;

	if (!drained)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	*drained = (struct drained){.next = save->drained, .source = source, .map = *map};
	drained->taken.map = &drained->map;
	save->drained = drained;
	while (!err) {
		if (interrupted)
			err = elfmap_msg__set(msg, -EINTR, "interrupted");
		err = err ?: elfmap_taken__next(&drained->taken, &value, msg);
		if (err)
			break;
		elfmap_text__write_entry(&text, &map->format, NULL, value, false, NULL);
		err = write_text(&text, 1);
		if (!err && fflush(stdout))
			err = -EIO;
	}
	elfmap_buffer__free(&text);
	return err == -ENOENT ? 0 : err;
}

/* Returns false after a complaint. */
static bool end_drained(struct save *save, bool is_saved)
{
	struct elfmap_msg msg;
	bool ok = true;

	for (struct drained *at = save->drained, *next; at; at = next) {
		next = at->next;
		if (!is_saved && elfmap_taken__put_back(&at->taken, &msg)) {
			complain(at->source->map.label, "%s", msg.text);
			ok = false;
		}
		elfmap_taken__free(&at->taken);
		elfmap_reader__close(&at->map);
		free(at);
	}
	save->drained = NULL;
	return ok;
}

/* A map before this one with the same BTF: those of one object have. */
static const struct source *find_types(const struct save *save, const struct source *source)
{
	for (const struct source *at = save->sources; at < source && source->info.btf_id; at++)
		if (at->info.btf_id == source->info.btf_id)
			return at;
	return NULL;
}

/* Leaves only the types of keys and values in the BTF of OWNER, for all maps that have this BTF. */
static void reduce_types(struct save *save, struct source *owner)
{
	__u32 **ids = calloc(2 * save->nr_sources, sizeof(*ids));
	struct saved_map *map = &owner->map;
	size_t nr = 0, size;
	void *bytes;

	for (size_t i = 0; ids && i < save->nr_sources; i++)
		if (save->sources[i].info.btf_id == owner->info.btf_id) {
			ids[nr++] = &save->sources[i].info.btf_key_type_id;
			ids[nr++] = &save->sources[i].info.btf_value_type_id;
		}
	if (nr && !elfmap_btf__extract(map->btf, map->btf_size, ids, nr, &bytes, &size)) {
		free(map->btf);
		map->btf = bytes;
		map->btf_size = size;
		map->form.btf_key = owner->info.btf_key_type_id;
		map->form.btf_value = owner->info.btf_value_type_id;
	}
	free(ids);
}

static int describe(struct save *save, struct source *source, int fd, struct elfmap_msg *msg)
{
	int err, cpus = elfmap_map_kind__of(source->info.type)->per_cpu ? libbpf_num_possible_cpus() : 0;
	const char *inner = inner_of(save, source);
	struct saved_map *map = &source->map;
	const struct source *twin = find_types(save, source);

	map->cpus = cpus > 0 ? (unsigned int)cpus : 0;
	map->inner = inner ? strdup(inner) : NULL;
	if (inner && !map->inner)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	map->btf_of = twin ? strdup(twin->map.label) : NULL;
	if (twin && !map->btf_of)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	err = elfmap_form__read(fd, &source->info, &map->form, msg);
	if (err || twin)
		return err;
	err = elfmap_form__read_btf(&map->form, &map->btf, &map->btf_size, msg);
	if (!err && map->btf)
		reduce_types(save, source);
	return err;
}

static int write_cgroups(struct save *save, const struct source *source, struct elfmap_msg *msg)
{
	size_t unknown;
	int err = save_cgroups(source->map.pins->word, &save->names, &unknown, msg);

	if (!err && unknown)
		complain(source->map.label, "warning: the cgroups in its slots are unknown, because the kernel does "
					    "not report them; they are "
					    "not saved; 'elfmap cgroup set' notes what it sets");
	return err;
}

static int write_content(struct save *save, const struct source *source, const struct elfmap_reader *reader,
			 struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(reader->info.type);

	if (kind->value == ELFMAP_VALUE_CGROUP && source->map.nr_pins)
		return write_cgroups(save, source, msg);
	if (!elfmap_map__check_copyable(&reader->info, msg))
		return write_entries(save, source, reader, msg);
	printf("# %s\n", msg->text);
	complain(source->map.label, "warning: %s; it is saved without content", msg->text);
	return 0;
}

static int write_map(struct save *save, struct source *source, struct elfmap_msg *msg)
{
	struct elfmap_reader reader;
	int fd, err = open_source(source, &fd, msg);

	if (err)
		return err;
	err = describe(save, source, fd, msg);
	err = err ?: elfmap_reader__open_fd(fd, source->map.label, NULL, &reader, msg);
	close(fd);
	if (err)
		return err;
	saved_map__print(stdout, &source->map);
	if (elfmap_map_kind__of(reader.info.type)->is_queue) {
		err = drain(save, source, &reader, msg); /* closes it */
	} else {
		err = write_content(save, source, &reader, msg);
		elfmap_reader__close(&reader);
	}
	if (!err)
		puts("end");
	elfmap_form__free(&source->map.form);
	return err;
}

static int write_maps(struct save *save, struct elfmap_msg *msg, const char **ret_culprit)
{
	time_t now = time(NULL);
	char date[32] = "";
	struct tm tm;
	int err = 0;

	if (!save->stable && gmtime_r(&now, &tm))
		strftime(date, sizeof(date), ", %Y-%m-%d %H:%M:%S UTC", &tm);
	printf("# elfmap map save%s\nmaps %zu version %d\n", date, save->nr_sources, SAVED_VERSION);
	for (size_t i = 0; i < save->nr_sources && !err; i++) {
		*ret_culprit = save->sources[i].map.label;
		err = write_map(save, &save->sources[i], msg);
	}
	return err;
}

/* ------------------------------------------------------------------------------------------------- */

static int prepare(struct save *save, struct elfmap_msg *msg)
{
	int err = elfmap_resolver__new(&save->system, msg);

	save->names = (struct elfmap_resolver){
		.device_name = name_device, .cgroup_path = name_cgroup, .object_words = name_object};
	return err ?: elfmap_census__take(&save->census, msg);
}

static void clear_save(struct save *save)
{
	for (size_t i = 0; i < save->nr_sources; i++)
		free_source(&save->sources[i]);
	free(save->sources);
	elfmap_census__free(&save->census);
	elfmap_resolver__free(save->system);
}

struct save_request {
	const char *dir, *file;
	bool drain, stable;
};

/* ---- where it goes ------------------------------------------------------------------------------- */

/* The file that is written, a temporary one next to FILE; or, for -j, memory. */
struct destination {
	const char *file;
	char temporary[PATH_MAX];
	FILE *before;
	char *text;
	size_t size;
};

static int create_file(struct destination *to)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	if (snprintf(to->temporary, sizeof(to->temporary), "%s.XXXXXX", to->file) >= (int)sizeof(to->temporary))
		return -ENAMETOOLONG;
	fd = mkostemp(to->temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fchmod(fd, 0666 & ~mask))
		stdout = fdopen(fd, "w");
	if (stdout && stdout != to->before)
		return 0;
	stdout = to->before;
	unlink(to->temporary);
	close(fd);
	return -ENOMEM;
}

static int open_destination(struct destination *to)
{
	FILE *memory;
	int err;

	to->before = stdout;
	if (to->file) {
		err = create_file(to);
		return err ? complain(to->file, "cannot be created: %s", strerror(-err)) : EXIT_SUCCESS;
	}
	memory = output.json ? open_memstream(&to->text, &to->size) : stdout;
	if (!memory)
		return complain("map save", "no memory");
	stdout = memory;
	return EXIT_SUCCESS;
}

static int put_in_place(const struct destination *to, int status)
{
	int err = status ? 0 : fflush(stdout) || ferror(stdout) || fsync(fileno(stdout)) ? -errno : 0;

	if (!status && !err && rename(to->temporary, to->file))
		err = -errno;
	if (err)
		status = complain(to->file, "cannot be written: %s", strerror(-err));
	if (status)
		unlink(to->temporary);
	return status;
}

/* Nothing is at FILE unless all of it is. */
static int close_destination(struct destination *to, int status)
{
	if (to->file)
		status = put_in_place(to, status);
	else if (stdout == to->before)
		return end_output() && !status ? EXIT_FAILURE : status;
	if (fclose(stdout) && !status)
		status = complain(to->file ?: "map save", "%s", strerror(errno));
	stdout = to->before;
	return status;
}

/* -j prints the text as a member of its object, now: what was taken out goes back if it cannot be printed. */
static int print_text(const struct destination *to, const struct save_request *request, size_t nr_maps)
{
	json_object *root;

	if (!to->text || !request->drain)
		return EXIT_SUCCESS;
	root = json_object_new_object();
	json_object_object_add(root, "done", json_object_new_string("map save"));
	json_object_object_add(root, "drain", json_object_new_boolean(true));
	json_object_object_add(root, "maps", json_object_new_uint64(nr_maps));
	json_object_object_add(root, "text", json_object_new_string_len(to->text, (int)to->size));
	print_json(root);
	return end_output();
}

/* ------------------------------------------------------------------------------------------------- */

static int save_maps(const struct save_request *request)
{
	const char *culprit = "map save";
	struct save save = {.drain = request->drain, .stable = request->stable};
	struct destination to = {.file = request->file};
	struct elfmap_msg msg;
	char path[PATH_MAX];
	int err, status;

	if (map_find_start("map save", request->dir, path, save.tc_dir))
		return EXIT_FAILURE;
	err = prepare(&save, &msg);
	err = err ?: find_maps(&save, path, &msg);
	status = err ? complain(culprit, "%s", msg.text) : open_destination(&to);
	if (!status) {
		err = write_maps(&save, &msg, &culprit);
		if (err && (err == -EINTR || !ferror(stdout)))
			status = complain(culprit, "%s", msg.text);
		else if (err && to.file)
			status = complain(to.file, "cannot be written: %s", strerror(errno));
		status = close_destination(&to, status) ?: print_text(&to, request, save.nr_sources);
	}
	if (!end_drained(&save, !status))
		status = EXIT_FAILURE;
	output__add("maps", json_object_new_uint64(save.nr_sources));
	if (!status && to.text)
		output__add("text", json_object_new_string_len(to.text, (int)to.size));
	free(to.text);
	clear_save(&save);
	return status;
}

static int run(const void *words)
{
	const struct save_request *request = words;

	if (request->drain)
		interrupt__keep_output();
	begin_output();
	return save_maps(request);
}

static const struct option_row options[] = {
	{NULL, "DIR", OPTION_FIRST, OPTION_TEXT_AT(struct save_request, dir), .completes = COMPLETE_PIN_DIR},
	{"-o", "FILE", 0, OPTION_TEXT_AT(struct save_request, file), .completes = COMPLETE_FILE,
	 .help = "write to FILE, when all is saved, instead of standard output"},
	{"--stable", NULL, 0, OPTION_FLAG_AT(struct save_request, stable),
	 .help = "without the time, and entries in order: the same maps make the same text"},
	{"--drain", NULL, 0, OPTION_FLAG_AT(struct save_request, drain),
	 .help = "take the values out of queues and stacks, and save them"},
	{},
};

const struct verb map_save_verb = {
	.name = "save",
	.summary = "write all maps with types and content as text",
	.run = run,
	.options = options,
	.request_size = sizeof(struct save_request),
};
