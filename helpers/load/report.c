// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Complaints and hooks in plain text. */
#include <string.h>

#include "helpers/command.h"
#include "helpers/load/report.h"

void warn_of_object(const char *file, const char *text)
{
	complain(file, "%s", text);
}

void print_hook(const struct elfmap_hook *hook, const char *name)
{
	fputs("dev ", stdout);
	print_name(stdout, hook->dev);
	if (hook->direction)
		printf(" %s", elfmap_hook__direction(hook));
	if (hook->kind->has & ELFMAP_HOOK_PLACE)
		printf(" prio %u handle 0x%x chain %u ", hook->prio, hook->handle, hook->chain);
	else
		printf(" %s ", hook->kind->name);
	print_name(stdout, name);
}
