/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where pins are. PIN is one word on the command line, which means the same in every verb:
 *
 *   NAME             tc/globals/NAME in the bpf file system: what PIN_GLOBAL_NS makes
 *   m:DIR/NAME       tc/DIR/NAME, the way `tc exec bpf graft` writes it
 *   DIR/NAME         the same without `m:`, as `elfmap map list` prints it
 *   /PATH, ./PATH    a path; one below /sys/fs/bpf is the host's there, also where a mount namespace hides it
 */
#ifndef ELFMAP_BPFFS_H
#define ELFMAP_BPFFS_H

#include "elfmap.h"

#define ELFMAP_BPFFS_USUAL "/sys/fs/bpf"

/* The parent of process PID; 0 if it has none, or none that is visible. */
int elfmap_process__parent(int pid);

/* `ip netns exec` covers /sys, and what is mounted below it. The command that called it, or the one
 * before, still sees the host's: the path leads there through the nearest ancestor that has one. */
bool elfmap_bpffs__find_outside(char *ret_path, size_t size);

/* Is an ancestor in another mount namespace? Then what is mounted here is lost when this one ends. */
bool elfmap_bpffs__goes_away(void);

/* The bpf file system that the user means: $TC_BPF_MNT, else /sys/fs/bpf, else the one outside, else
 * the only one in /proc/self/mounts. -ENODEV: not mounted, -ENOTUNIQ: several (the message lists them). */
int elfmap_bpffs__find(char *ret_path, size_t size, struct elfmap_msg *msg);

/* Its directory `tc`, which exists once something was pinned. -EPERM: other users can change it. */
int elfmap_bpffs__tc_dir(char *ret_path, size_t size, struct elfmap_msg *msg);

/* Makes the directory tc/ and the links `xdp` and `ip` to it that tc and ip make below the bpf file system BPFFS, a
 * descriptor; relative, since absolute ones of another mount namespace lead nowhere. -errno */
int elfmap_bpffs__make_links(int bpffs);

/* The path that a PIN word, or a word for a directory of pins, means. Nothing is opened. */
int elfmap_bpffs__pin_path(const char *word, char *ret_path, size_t size, struct elfmap_msg *msg);
/* The same for a command that has found tc/ already. */
int elfmap_bpffs__pin_path_in(const char *tc_dir, const char *word, char *ret_path, size_t size,
			      struct elfmap_msg *msg);
int elfmap_bpffs__dir_path(const char *word, char *ret_path, size_t size, struct elfmap_msg *msg);

/* Does PATH, as far as it exists, lie in a bpf file system? */
bool elfmap_bpffs__contains(const char *path);

#endif
