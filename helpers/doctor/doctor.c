// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap doctor`: finds out why a pipeline does not work. It prints the commands that fix it, and changes nothing. */
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "helpers/command.h"
#include "helpers/doctor/doctor.h"
#include "pins/bpffs.h"

static const struct {
	const char *name;
	int (*run)(struct doctor *doctor);
	bool needs_bpffs;
} checks[] = {
	{"tc", doctor_tc, false},
	{"bpffs", doctor_bpffs, false},
	{"settings", doctor_settings, false},
	{"unpinned-prog-array", doctor_unpinned, true},
	{"empty-slot", doctor_slots, true},
	{"split-map", doctor_split, true},
	{"duplicate-filter", doctor_duplicates, true},
	{"full-map", doctor_full, true},
	{"device", doctor_devices, true},
	{"cgroup", doctor_cgroups, true},
	{"leftover", doctor_leftovers, true},
};
#define NR_CHECKS (sizeof(checks) / sizeof(*checks))

static const char *const gravities[] = {
	[GRAVE] = "error",
	[WARNING] = "warning",
};

/* ---- findings ---------------------------------------------------------------------------------------------- */

int doctor__find(struct doctor *doctor, enum gravity gravity, const char *remedy, const char *what, ...)
{
	struct finding finding = {.gravity = gravity, .check = doctor->check}, *grown;
	va_list args;
	int length;

	va_start(args, what);
	length = vasprintf(&finding.what, what, args);
	va_end(args);
	finding.remedy = remedy ? strdup(remedy) : NULL;
	grown = elfmap_array__grow(doctor->findings, doctor->nr_findings, sizeof(*grown));
	if (grown)
		doctor->findings = grown;
	if (length >= 0 && grown && (finding.remedy || !remedy)) {
		grown[doctor->nr_findings++] = finding;
		return 0;
	}
	if (length >= 0)
		free(finding.what);
	free(finding.remedy);
	return -ENOMEM;
}

/* ---- scope ------------------------------------------------------------------------------------------------- */

bool doctor__wants(const struct doctor *doctor, const struct elfmap_hook *hook)
{
	return (hook->kind->has & ELFMAP_HOOK_DEVICE) && (!doctor->dev || !strcmp(hook->dev, doctor->dev));
}

const struct elfmap_program *doctor__program(const struct doctor *doctor, __u32 id)
{
	for (size_t i = 0; i < doctor->census.nr_progs; i++)
		if (doctor->census.progs[i].id == id)
			return &doctor->census.progs[i];
	return NULL;
}

static size_t program_index(const struct doctor *doctor, __u32 id)
{
	size_t index = 0;

	while (index < doctor->census.nr_progs && doctor->census.progs[index].id != id)
		index++;
	return index;
}

/* Is the table used by a program that packets reach? */
static bool table_runs(const struct doctor *doctor, __u32 table)
{
	for (size_t i = 0; i < doctor->census.nr_progs; i++)
		if (doctor->runs[i] && elfmap_program__uses(&doctor->census.progs[i], table))
			return true;
	return false;
}

/* The pins of a generation are internal to an upgrade; every other path is preferred. */
const char *doctor__pin(const struct doctor *doctor, __u32 map)
{
	const char *found = NULL;

	for (size_t i = 0; i < doctor->census.pins.nr; i++) {
		const struct elfmap_pinned *pin = &doctor->census.pins.pins[i];

		if (pin->kind != ELFMAP_PIN_MAP || pin->id != map)
			continue;
		if (!strstr(pin->path, "/tc/generations/"))
			return pin->path;
		found = found ?: pin->path;
	}
	return found;
}

/* Marks the programs at hooks, then those in the slots of tables that marked programs use, until nothing is added. */
static int find_running(struct doctor *doctor)
{
	const struct elfmap_census *census = &doctor->census;
	bool has_more = true;

	doctor->runs = calloc(census->nr_progs + 1, sizeof(*doctor->runs));
	if (!doctor->runs)
		return -ENOMEM;
	for (size_t i = 0; i < census->hooks.nr; i++)
		if (doctor__wants(doctor, &census->hooks.at[i]))
			doctor->runs[program_index(doctor, census->hooks.at[i].prog)] = true;
	while (has_more) {
		has_more = false;
		for (size_t i = 0; i < census->nr_slots; i++) {
			size_t prog = program_index(doctor, census->slots[i].prog);

			if (prog < census->nr_progs && !doctor->runs[prog] &&
			    table_runs(doctor, census->slots[i].table))
				has_more = doctor->runs[prog] = true;
		}
	}
	return 0;
}

bool doctor__runs(const struct doctor *doctor, __u32 prog)
{
	size_t index = program_index(doctor, prog);

	return index < doctor->census.nr_progs && doctor->runs[index];
}

bool doctor__wants_map(const struct doctor *doctor, __u32 map)
{
	for (size_t i = 0; doctor->dev && i < doctor->census.nr_progs; i++) {
		const struct elfmap_program *prog = &doctor->census.progs[i];

		if (elfmap_program__uses(prog, map) && doctor__runs(doctor, prog->id))
			return true;
	}
	return !doctor->dev;
}

/* ---- the checks -------------------------------------------------------------------------------------------- */

static int run_checks(struct doctor *doctor, struct elfmap_msg *msg)
{
	int err = elfmap_census__take(&doctor->census, msg);

	if (err)
		return err;
	if (!doctor->census.complete) {
		strcpy(msg->text, "programs and maps cannot be listed; run it as root, with 'sudo elfmap doctor'");
		return -EPERM;
	}
	doctor->check = "census";
	err = find_running(doctor);
	for (size_t i = 0; !err && i < NR_CHECKS; i++) {
		doctor->check = checks[i].name;
		if (!checks[i].needs_bpffs || *doctor->bpffs)
			err = checks[i].run(doctor);
	}
	if (err)
		snprintf(msg->text, sizeof(msg->text), "check '%s' failed: %s", doctor->check, strerror(-err));
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct finding *left = a, *right = b;

	if (left->gravity != right->gravity)
		return (int)left->gravity - (int)right->gravity;
	return left < right ? -1 : left > right;
}

static void print_findings(const struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->nr_findings; i++) {
		const struct finding *finding = &doctor->findings[i];

		printf("%s: %s: ", gravities[finding->gravity], finding->check);
		print_name(stdout, finding->what);
		putchar('\n');
		if (finding->remedy) {
			fputs("    fix: ", stdout);
			print_name(stdout, finding->remedy);
			putchar('\n');
		}
	}
	if (!doctor->nr_findings)
		puts("nothing found");
}

static void print_json_findings(const struct doctor *doctor)
{
	json_object *rows = json_object_new_array();

	for (size_t i = 0; i < doctor->nr_findings; i++) {
		const struct finding *finding = &doctor->findings[i];
		json_object *row = json_object_new_object();

		json_object_object_add(row, "gravity", json_object_new_string(gravities[finding->gravity]));
		json_object_object_add(row, "check", json_object_new_string(finding->check));
		json_object_object_add(row, "finding", json_object_new_string(finding->what));
		json_object_object_add(row, "remedy", finding->remedy ? json_object_new_string(finding->remedy) : NULL);
		json_object_array_add(rows, row);
	}
	print_json(rows);
}

static void free_doctor(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->nr_findings; i++) {
		free(doctor->findings[i].what);
		free(doctor->findings[i].remedy);
	}
	free(doctor->findings);
	free(doctor->runs);
	elfmap_census__free(&doctor->census);
}

struct doctor_request {
	const char *dev;
};

static int run(const void *words)
{
	const struct doctor_request *request = words;
	struct doctor doctor = {.dev = request->dev};
	struct elfmap_msg msg;
	int status;

	if (doctor.dev && !if_nametoindex(doctor.dev))
		return complain(doctor.dev, "there is no such device; 'ip link' lists them");
	if (!elfmap_bpffs__find(doctor.bpffs, sizeof(doctor.bpffs), &msg))
		elfmap_bpffs__tc_dir(doctor.tc_dir, sizeof(doctor.tc_dir), &msg);
	else
		*doctor.bpffs = '\0';
	if (run_checks(&doctor, &msg)) {
		status = complain("doctor", "%s", msg.text);
	} else {
		if (doctor.nr_findings)
			qsort(doctor.findings, doctor.nr_findings, sizeof(*doctor.findings), compare);
		if (output.json)
			print_json_findings(&doctor);
		else
			print_findings(&doctor);
		status = doctor.nr_findings ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	free_doctor(&doctor);
	return status;
}

static const struct option_row options[] = {
	{"dev", "DEV", 0, OPTION_TEXT_AT(struct doctor_request, dev), .completes = COMPLETE_DEV,
	 .help = "only this device"},
	{},
};

const struct verb doctor_verb = {
	.name = "doctor",
	.summary = "find out why a pipeline does not work, and print the commands that fix it",
	.run = run,
	.options = options,
	.request_size = sizeof(struct doctor_request),
};
