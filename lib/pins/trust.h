/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef ELFMAP_TRUST_H
#define ELFMAP_TRUST_H

struct elfmap_msg;

/* Can only root and the caller change what is in the directory TC_DIR, and in TC_DIR/globals, as far as they exist?
 * Else another user could exchange a map or program. -EPERM: not so; MSG names the directory and a command. */
int elfmap_trust__check(const char *tc_dir, struct elfmap_msg *msg);

#endif
