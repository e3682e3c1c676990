// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's refusals in words: what it said, and what that usually means. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/object/check.h"
#include "kinds/maps.h"

#define LOG_END 4096 /* bytes of the log that the cause is looked for in */
#define LOG_LINES 6  /* of the verifier's that are kept, beside the line of source */

static int set_why(char **why, int err, const char *text)
{
	if (asprintf(why, "%s: %s", strerror(-err), text) >= 0)
		return 0;
	*why = NULL;
	return -ENOMEM;
}

/* ---- maps ----------------------------------------------------------------------------------------------- */

/* The map that an outer map takes its inner ones after; NULL: there is none, or the object does not say. */
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
		snprintf(line, sizeof(line), "its inner maps are like '%s', which cannot be made",
			 template->of->map.name);
	else if (map->of->is_legacy && elfmap_map__is_map_in_map(def->type) && map->of->map.inner < 0)
		snprintf(line, sizeof(line),
			 "a map of maps, and the object gives it no inner_id; it can only be used "
			 "when it is pinned already and has an inner map in it");
	else if (err == -EPERM)
		snprintf(line, sizeof(line), "not permitted: loading needs CAP_BPF and CAP_NET_ADMIN; try it as root");
	else if (fault)
		snprintf(line, sizeof(line), "%s", fault);
	else if (libbpf_probe_bpf_map_type(def->type, NULL) == 0)
		snprintf(line, sizeof(line), "this kernel has no maps of type %s", elfmap_map_type_name(def->type));
	else if (!elfmap_map_type_name(def->type))
		snprintf(line, sizeof(line), "type %u is unknown, to this kernel too as it seems", def->type);
	else if (err == -ENOMEM || err == -E2BIG)
		snprintf(line, sizeof(line), "too large: %u entries of %u and %u bytes", def->max_elem, def->size_key,
			 def->size_value);
	else
		snprintf(line, sizeof(line), "%s", *text ? text : "the kernel does not say what is wrong with it");
	return set_why(&map->why, err, line);
}

/* ---- programs --------------------------------------------------------------------------------------------- */

/* What the verifier says, and what to make of it; the first that fits. */
static const struct {
	const char *says;
	const char *means;
} causes[] = {
	{"cannot call GPL-restricted function", "it uses a helper that the kernel has for GPL programs only"},
	{"cannot call GPL only function", "it uses a helper that the kernel has for GPL programs only"},
	{"is referenced but wasn't created", "it uses a map that cannot be made here"},
	{"invalid func ", "it uses a helper that this kernel does not know"},
	{"unknown func ", "it uses a helper that is not for programs of this type"},
	{"program of this type cannot use helper", "it uses a helper that is not for programs of this type"},
	{"has to have BTF", "its map holds a lock or a timer, for which the kernel wants the types of the map (BTF)"},
	{"invalid bpf_context access", "it uses a field of its context that programs of this type do not have so"},
	{"BPF program is too large", "the verifier has too many ways through it to try"},
	{"back-edge from insn", "it has a loop that this kernel does not take; unroll it"},
	{"infinite loop detected", "the verifier sees no end of a loop in it"},
	{"unreachable insn", "there is code in it that nothing leads to"},
	{"invalid access to packet", "it reads or writes the packet without a comparison with data_end that covers it"},
	{"'map_value_or_null'", "it uses what a look-up returned without a comparison with NULL"},
	{"_or_null'", "it uses a pointer without a comparison with NULL"},
	{"combined stack size", "its functions together need more than 512 bytes of stack"},
	{"invalid indirect read from stack", "it hands over a part of the stack that it never wrote, such as padding"},
	{"invalid read from stack", "it reads a part of the stack that it never wrote"},
	{"invalid write to stack", "it goes beyond its stack, which has 512 bytes"},
	{"invalid size of register spill",
	 "it stores a part of an address; so it looks when its own loader would have put a value there"},
	{"partial copy of pointer", "it copies a part of an address; its own loader would have put a value there"},
	{"32-bit pointer arithmetic prohibited",
	 "it reckons with an address; so it looks when its own loader would have put a value there"},
	{"!read_ok", "it uses a register that nothing was put into"},
	{"At program exit the register R0", "its return value is not one that programs of this type may return"},
	{"invalid mem access", "it uses something as a pointer that is none"},
};

static const char *find_cause(const char *log)
{
	size_t length = strlen(log);

	log += length > LOG_END ? length - LOG_END : 0;
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if (strstr(log, causes[i].says))
			return causes[i].means;
	return NULL;
}

int check__explain_prog(const struct check *check, struct check_prog *prog, int err, const char *text, const char *log)
{
	const char *cause = find_cause(log), *type = elfmap_prog_type_name(prog->type);
	const char *license = check->load->object->license;
	char line[LINE_SIZE];

	if (cause && strstr(log, "cannot call GPL"))
		snprintf(line, sizeof(line),
			 "%s, and the object's licence is %s%.60s%s; a program under the GPL says "
			 "char _license[] SEC(\"license\") = \"GPL\"",
			 cause, *license ? "'" : "none", license, *license ? "'" : "");
	else if (cause && strstr(cause, "of this type"))
		snprintf(line, sizeof(line), "%s (%s); 'type' tells check another", cause, type ? type : "unknown");
	else if (cause)
		snprintf(line, sizeof(line), "%s", cause);
	else if (prog->log.nr)
		snprintf(line, sizeof(line), "the verifier refuses it: %s", prog->log.text[prog->log.nr - 1]);
	else if (err == -EPERM)
		snprintf(line, sizeof(line), "not permitted: loading needs CAP_BPF and CAP_NET_ADMIN; try it as root");
	else
		snprintf(line, sizeof(line), "%s", *text ? text : "the kernel does not say what is wrong with it");
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

/* Figures about the verifier itself, which come after what it has to say. */
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
	/* From the last line upwards; beyond the last few, for the source that they belong to. */
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
