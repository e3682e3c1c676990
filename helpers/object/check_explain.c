// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Explains the kernel's refusals: what it reports, and what that usually means. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/object/check.h"
#include "kinds/maps.h"

#define LOG_END 4096 /* bytes of the log that are searched for the cause */
#define LOG_LINES 6  /* of the verifier's that are kept, in addition to the source line */

static int set_why(char **why, int err, const char *text)
{
	if (asprintf(why, "%s: %s", strerror(-err), text) >= 0)
		return 0;
	*why = NULL;
	return -ENOMEM;
}

/* ---- maps ----------------------------------------------------------------------------------------------- */

/* The inner template of an outer map; NULL: it has none. */
static const struct check_map *find_template(const struct check *check, const struct elfmap_load_map *outer)
{
	const struct elfmap_object *object = check->load->object;

	for (size_t i = 0; outer->is_legacy && outer->map.inner >= 0 && i < check->nr_maps; i++)
		if (!strcmp(check->maps[i].of->map.name, object->maps[outer->map.inner].name))
			return &check->maps[i];
	return NULL;
}

int check__explain_map(const struct check *check, struct check_map *map, int err, const char *text)
{
	const struct bpf_elf_map *def = &map->of->map.def;
	const struct check_map *template = find_template(check, map->of);
	const char *fault = elfmap_map__fault(def);
	char line[LINE_SIZE];

	if (template && template->err)
		snprintf(line, sizeof(line), "its inner map '%s' cannot be created", template->of->map.name);
	else if (map->of->is_legacy && elfmap_map__is_map_in_map(def->type) && map->of->map.inner < 0)
		snprintf(line, sizeof(line),
			 "a map of maps without inner_id; it can only be used if it is already pinned and contains an "
			 "inner map");
	else if (err == -EPERM)
		snprintf(line, sizeof(line), "not permitted: loading needs CAP_BPF and CAP_NET_ADMIN; run it as root");
	else if (fault)
		snprintf(line, sizeof(line), "%s", fault);
	else if (libbpf_probe_bpf_map_type(def->type, NULL) == 0)
		snprintf(line, sizeof(line), "this kernel has no maps of type %s", elfmap_map_type_name(def->type));
	else if (!elfmap_map_type_name(def->type))
		snprintf(line, sizeof(line), "type %u is unknown to elfmap and to this kernel", def->type);
	else if (err == -ENOMEM || err == -E2BIG)
		snprintf(line, sizeof(line), "too large: %u entries of %u and %u bytes", def->max_elem, def->size_key,
			 def->size_value);
	else
		snprintf(line, sizeof(line), "%s", *text ? text : "the kernel gives no reason");
	return set_why(&map->why, err, line);
}

/* ---- programs --------------------------------------------------------------------------------------------- */

/* What the verifier prints, and what it means; the first match counts. */
static const struct {
	const char *pattern;
	const char *meaning;
} causes[] = {
	{"cannot call GPL-restricted function", "it uses a helper that the kernel has for GPL programs only"},
	{"cannot call GPL only function", "it uses a helper that the kernel has for GPL programs only"},
	{"is referenced but wasn't created", "it uses a map that cannot be created here"},
	{"invalid func ", "it uses a helper that this kernel does not know"},
	{"unknown func ", "it uses a helper that is not for programs of this type"},
	{"program of this type cannot use helper", "it uses a helper that is not for programs of this type"},
	{"has to have BTF", "its map holds a lock or a timer, which requires the types of the map (BTF)"},
	{"invalid bpf_context access", "it uses a field of its context that is not available to programs of this type"},
	{"BPF program is too large", "it has too many paths for the verifier"},
	{"back-edge from insn", "it has a loop, which this kernel does not support; unroll it"},
	{"infinite loop detected", "it has a loop that does not end, as far as the verifier can tell"},
	{"unreachable insn", "it has unreachable code"},
	{"invalid access to packet", "it reads or writes the packet without a comparison with data_end that covers it"},
	{"'map_value_or_null'", "it uses what a look-up returned without a comparison with NULL"},
	{"_or_null'", "it uses a pointer without a comparison with NULL"},
	{"combined stack size", "its functions together need more than 512 bytes of stack"},
	{"invalid indirect read from stack", "it passes a part of the stack that it has not written, such as padding"},
	{"invalid read from stack", "it reads a part of the stack that it has not written"},
	{"invalid write to stack", "it writes beyond its stack of 512 bytes"},
	{"invalid size of register spill",
	 "it stores a part of an address; this happens if its own loader would have patched in a value"},
	{"partial copy of pointer",
	 "it copies a part of an address; this happens if its own loader would have patched in a value"},
	{"32-bit pointer arithmetic prohibited",
	 "it does arithmetic with a part of an address; this happens if its own loader would have patched in a value"},
	{"!read_ok", "it reads an uninitialized register"},
	{"At program exit the register R0", "its return value is not valid for programs of this type"},
	{"invalid mem access", "it dereferences a value that is not a pointer"},
};

static const char *find_cause(const char *log)
{
	size_t length = strlen(log);

	log += length > LOG_END ? length - LOG_END : 0;
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if (strstr(log, causes[i].pattern))
			return causes[i].meaning;
	return NULL;
}

int check__explain_prog(const struct check *check, struct check_prog *prog, int err, const char *text, const char *log)
{
	const char *cause = find_cause(log), *type = elfmap_prog_type_name(prog->type);
	const char *license = check->load->object->license;
	char line[LINE_SIZE];

	if (cause && strstr(log, "cannot call GPL"))
		snprintf(line, sizeof(line),
			 "%s, and the object's licence is %s%.60s%s; a program under the GPL has "
			 "char _license[] SEC(\"license\") = \"GPL\"",
			 cause, *license ? "'" : "none", license, *license ? "'" : "");
	else if (cause && strstr(cause, "of this type"))
		snprintf(line, sizeof(line), "%s (%s); 'type' selects another", cause, type ? type : "unknown");
	else if (cause)
		snprintf(line, sizeof(line), "%s", cause);
	else if (prog->log.nr)
		snprintf(line, sizeof(line), "the verifier refuses it: %s", prog->log.text[prog->log.nr - 1]);
	else if (err == -EPERM)
		snprintf(line, sizeof(line), "not permitted: loading needs CAP_BPF and CAP_NET_ADMIN; run it as root");
	else
		snprintf(line, sizeof(line), "%s", *text ? text : "the kernel gives no reason");
	return set_why(&prog->why, err, line);
}

int check__explain_undefined(struct check_prog *prog, const struct elfmap_prog *read)
{
	char line[LINE_SIZE];

	prog->err = -ENOENT;
	snprintf(line, sizeof(line), "it uses '%s', %s", read->undefined, read->undefined_why);
	prog->why = strdup(line);
	return prog->why ? 0 : -ENOMEM;
}

/* ---- the verifier's log ------------------------------------------------------------------------------------ */

/* Statistics, which follow the verifier's message. */
static bool is_figure(const char *line, size_t length)
{
	static const char *const figures[] = {"processed ", "verification time ", "stack depth ",
					      "max_states_per_insn"};

	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		if (!strncmp(line, figures[i], strlen(figures[i])))
			return true;
	return !length;
}

static const char *start_of_line(const char *log, const char *end)
{
	while (end > log && end[-1] != '\n')
		end--;
	return end;
}

int check__keep_log(struct check_prog *prog, const char *log)
{
	const char *end = log + strlen(log), *kept[LOG_LINES + 1];
	bool has_source = false;
	size_t nr = 0;
	int err = 0;

	lines__free(&prog->log);
	/* The last few lines, and then the source line that they belong to. */
	while (end > log && !(has_source && nr >= LOG_LINES)) {
		const char *start = start_of_line(log, --end);
		bool is_source = *start == ';';

		if ((nr < LOG_LINES && !is_figure(start, (size_t)(end - start))) || (is_source && !has_source && nr))
			kept[nr++] = start;
		has_source = has_source || (is_source && nr);
		end = start;
	}
	while (!err && nr--)
		err = lines__add(&prog->log, "%.*s", (int)strcspn(kept[nr], "\n"), kept[nr]);
	return err;
}
