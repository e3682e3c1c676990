// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Loads programs that text names by their object. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "load/load.h"
#include "map/resolve_program.h"
#include "pins/bpffs.h"

struct loaded_program {
	struct elfmap_load *load;
	char *file; /* the load refers to these words */
	char *section;
	char *tc_dir;
};

static void clear(struct loaded_program *program, bool keep)
{
	elfmap_load__end(program->load, keep);
	free(program->file);
	free(program->section);
	free(program->tc_dir);
	*program = (struct loaded_program){};
}

static int load(const struct loaded_programs *programs, struct loaded_program *program, struct elfmap_msg *msg)
{
	const struct elfmap_load_opts opts = {
		.tc_dir = program->tc_dir,
		.section = program->section,
		.type = programs->type,
		.graft_into = *programs->graft_into ? programs->graft_into : NULL,
		.warn = programs->warn,
	};

	return elfmap_load__run(program->file, &opts, NULL, &program->load, msg);
}

static int add(struct loaded_programs *programs, const char *file, const char *section, struct elfmap_msg *msg)
{
	struct loaded_program *all = reallocarray(programs->all, programs->nr + 1, sizeof(*all)), program = {};
	struct elfmap_msg why = {.text = "no memory"};
	char tc_dir[PATH_MAX];
	int err;

	if (!all)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	programs->all = all;
	err = elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &why);
	if (!err) {
		program = (struct loaded_program){
			.file = strdup(file), .section = strdup(section), .tc_dir = strdup(tc_dir)};
		err = program.file && program.section && program.tc_dir ? load(programs, &program, &why) : -ENOMEM;
	}
	if (err) {
		clear(&program, false);
		return elfmap_msg__set(msg, err, "%s: %s", file, why.text);
	}
	all[programs->nr++] = program;
	return 0;
}

int loaded_programs__find(struct loaded_programs *programs, const char *file, const char *section, int *ret_fd,
			  struct elfmap_msg *msg)
{
	size_t i = 0;
	int err;

	while (i < programs->nr &&
	       (strcmp(programs->all[i].file, file) != 0 || strcmp(programs->all[i].section, section) != 0))
		i++;
	if (i == programs->nr) {
		err = add(programs, file, section, msg);
		if (err)
			return err;
	}
	*ret_fd = bpf_program__fd(elfmap_load__find_prog(programs->all[i].load, section)->bpf);
	return 0;
}

void loaded_programs__close(struct loaded_programs *programs)
{
	/* What was made last may rest on what was made before. */
	while (programs->nr)
		clear(&programs->all[--programs->nr], programs->is_kept);
	free(programs->all);
	*programs = (struct loaded_programs){};
}
