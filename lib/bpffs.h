/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where pins live. A command says PIN in one word, and that word means the same in every verb:
 *
 *   NAME             tc/globals/NAME in the bpf file system: what PIN_GLOBAL_NS makes
 *   m:DIR/NAME       tc/DIR/NAME, the way `tc exec bpf graft` writes it
 *   DIR/NAME         the same without `m:`, as `elfmap map list` prints it
 *   /PATH, ./PATH    a path
 */
#ifndef ELFMAP_BPFFS_H
#define ELFMAP_BPFFS_H

#include "elfmap.h"

/* The bpf file system that tc would use: $TC_BPF_MNT, else /sys/fs/bpf, else the only one in
 * /proc/self/mounts. -ENODEV: there is none, -ENOTUNIQ: several (the message names them). */
int elfmap_bpffs__find(char *ret_path, size_t size, struct elfmap_msg *msg);

/* Its directory `tc`, which exists once something was pinned. */
int elfmap_bpffs__tc_dir(char *ret_path, size_t size, struct elfmap_msg *msg);

/* The path that a PIN word, or a word for a directory of pins, means. Nothing is opened. */
int elfmap_bpffs__pin_path(const char *word, char *ret_path, size_t size, struct elfmap_msg *msg);
int elfmap_bpffs__dir_path(const char *word, char *ret_path, size_t size, struct elfmap_msg *msg);

/* Does PATH, as far as it exists, lie in a bpf file system? */
bool elfmap_bpffs__contains(const char *path);

#endif
