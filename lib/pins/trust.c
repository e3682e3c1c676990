// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whether the directories of pins can be trusted: by their owners and modes. tc makes them with mode 0700. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "pins/trust.h"

static int check(const char *path, struct elfmap_msg *msg)
{
	struct stat dir;

	if (stat(path, &dir))
		return 0; /* what is not there is made with mode 0700 */
	if (dir.st_uid && dir.st_uid != geteuid())
		return elfmap_msg__set(msg, -EPERM,
				       "%s belongs to user %u, who can exchange what is pinned there; "
				       "'chown root %s' if it is yours",
				       path, dir.st_uid, path);
	if ((dir.st_mode & S_IWOTH) && !(dir.st_mode & S_ISVTX))
		return elfmap_msg__set(msg, -EPERM,
				       "%s is writable by every user, who can exchange what is pinned there; "
				       "'chmod o-w %s' corrects it",
				       path, path);
	return 0;
}

int elfmap_trust__check(const char *tc_dir, struct elfmap_msg *msg)
{
	static const char *const names[] = {"", "/globals", "/progs", "/generations", "/elfmap"};
	char path[PATH_MAX + 16];
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s%s", tc_dir, names[i]);
		err = check(path, msg);
	}
	return err;
}
