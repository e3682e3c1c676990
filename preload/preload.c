// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The functions of libbpf, libelf and libc that the preload replaces in tc and ip. tc still supports legacy objects,
 * but libbpf >= 1.0 refuses to open them. Objects that libbpf can load are passed on unchanged.
 */
#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <limits.h>
#include <link.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/path.h"
#include "kinds/maps.h"
#include "load/note.h"
#include "load/start.h"
#include "pins/bpffs.h"
#include "pins/trust.h"
#include "preload/preload.h"

#ifndef EM_BPF
#define EM_BPF 247
#endif

static struct source current;	       /* the file last read */
static struct bpf_object *current_bpf; /* what libbpf made of it */
static char current_path[PATH_MAX];    /* as the user gave it */
static char opened_path[PATH_MAX];     /* the same, also of an object that libbpf reads itself */

/* ---- the object ------------------------------------------------------------------------------------------ */

static bool is_current(const struct stat *file)
{
	const struct stat *ours = &current.file;

	return current.obj && file->st_dev == ours->st_dev && file->st_ino == ours->st_ino &&
	       file->st_size == ours->st_size && file->st_mtim.tv_sec == ours->st_mtim.tv_sec &&
	       file->st_mtim.tv_nsec == ours->st_mtim.tv_nsec;
}

static void forget_current(void)
{
	elfmap_object__free(current.obj);
	free(current.bytes);
	memset(&current, 0, sizeof(current));
	current_bpf = NULL;
}

/* Makes `current` the file of FD. */
static int read_current(int fd, struct elfmap_msg *msg)
{
	struct stat file;
	int err;

	if (fstat(fd, &file))
		return elfmap_msg__set(msg, -errno, "%s", strerror(errno));
	if (is_current(&file))
		return 0;
	forget_current();
	err = elfmap_file__read_fd(fd, &current.bytes, &current.size, msg);
	if (!err)
		err = elfmap_object__read(current.bytes, current.size, &current.obj, msg);
	current.file = file;
	if (err)
		forget_current();
	return err;
}

/* ---- open: the name that the user gave ------------------------------------------------------------------- */

static char opened_path[PATH_MAX];
static int opened_fd = -1;

/* dladdr() also looks up a name, which takes longer than everything else here. */
static bool called_by_program(const void *address)
{
	const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	ElfW(Addr) at = (ElfW(Addr))address - _r_debug.r_map->l_addr;

	for (unsigned long i = 0; headers && i < getauxval(AT_PHNUM); i++)
		if (headers[i].p_type == PT_LOAD && at >= headers[i].p_vaddr &&
		    at - headers[i].p_vaddr < headers[i].p_memsz)
			return true;
	return false;
}

static const char *name_of(int fd)
{
	return fd == opened_fd ? opened_path : "object";
}

/* tc also opens namespaces and settings. */
static bool is_object_path(const char *path)
{
	return strncmp(path, "/proc/", 6) != 0 && strncmp(path, "/sys/", 5) != 0 && !strstr(path, "/run/netns/") &&
	       strncmp(path, "/etc/netns/", 11) != 0;
}

static bool is_object_open(const char *path, int flags, const void *caller)
{
	return preload__active && preload__may_load && (flags & O_ACCMODE) == O_RDONLY && called_by_program(caller) &&
	       is_object_path(path);
}

/* open() of a FIFO would wait for a writer. */
static bool would_wait(const char *path)
{
	struct stat file;

	return !stat(path, &file) && S_ISFIFO(file.st_mode);
}

/* tc reports neither which object it could not open, nor why. */
static int note_open(int fd, const char *path)
{
	int err = errno;

	snprintf(opened_path, sizeof(opened_path), "%s", path);
	opened_fd = fd;
	if (fd < 0)
		preload__complain(path, strerror(err));
	errno = err;
	return fd;
}

static int refuse_open(const char *path)
{
	preload__complain(path, "is not a regular file");
	errno = EINVAL;
	return -1;
}

static mode_t read_mode(int flags, va_list args)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

static int open_with(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode, const void *caller)
{
	if (!is_object_open(path, flags, caller))
		return real(path, flags, mode);
	return would_wait(path) ? refuse_open(path) : note_open(real(path, flags, mode), path);
}

__attribute__((visibility("default"))) int open(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	va_list args;
	mode_t mode;

	if (!real)
		real = preload__next("open");
	va_start(args, flags);
	mode = read_mode(flags, args);
	va_end(args);
	return open_with(real, path, flags, mode, __builtin_return_address(0));
}

__attribute__((visibility("default"))) int open64(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	va_list args;
	mode_t mode;

	if (!real)
		real = preload__next("open64");
	va_start(args, flags);
	mode = read_mode(flags, args);
	va_end(args);
	return open_with(real, path, flags, mode, __builtin_return_address(0));
}

/* ---- elf_begin: tc's own parser -------------------------------------------------------------------------- */

/* Why nothing can be loaded here, which tc's own messages do not explain; NULL: no obstacle. */
static const char *find_obstacle(struct elfmap_msg *msg)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {};
	const char *mount = getenv("TC_BPF_MNT"); /* ours, if need be */
	char path[PATH_MAX];
	int err;

	if (!syscall(SYS_capget, &header, caps) &&
	    !(caps[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN)) &&
	    !(caps[CAP_TO_INDEX(CAP_BPF)].effective & CAP_TO_MASK(CAP_BPF)))
		return "not permitted: loading needs CAP_BPF and CAP_NET_ADMIN; run the command as root";
	/* Before it opens the object, tc has tried to mount a bpffs. */
	if (elfmap_bpffs__contains(mount ? mount : ELFMAP_BPFFS_USUAL)) {
		snprintf(path, sizeof(path), "%s/tc", mount ? mount : ELFMAP_BPFFS_USUAL);
		return elfmap_trust__check(path, msg) ? msg->text : NULL;
	}
	if (mount)
		return "no bpffs at TC_BPF_MNT; mount one: mount -t bpf -o mode=0700 bpf \"$TC_BPF_MNT\"";
	err = elfmap_bpffs__find(path, sizeof(path), msg);
	return !err		? NULL
	       : err == -ENODEV ? "no bpffs; mount one: mount -t bpf -o mode=0700 bpf /sys/fs/bpf"
				: msg->text;
}

/* Files that cannot be read here are refused if tc would refuse them as well or if they have a section `maps`. All
 * others are left to tc and libbpf. */
static bool is_ours_to_refuse(Elf *elf)
{
	Elf64_Ehdr *header = elf && elf_kind(elf) == ELF_K_ELF ? elf64_getehdr(elf) : NULL;
	size_t nr, names;

	if (!header || header->e_type != ET_REL || (header->e_machine != EM_BPF && header->e_machine != EM_NONE) ||
	    elf_getshdrnum(elf, &nr) || nr < 2 || elf_getshdrstrndx(elf, &names))
		return true;
	for (size_t i = 1; i < nr; i++) {
		const Elf64_Shdr *section = elf64_getshdr(elf_getscn(elf, i));
		const char *name = section ? elf_strptr(elf, names, section->sh_name) : NULL;

		if (name && !strcmp(name, ELF_SECTION_MAPS))
			return true;
	}
	return false;
}

/* tc reads `maps` itself before it calls libbpf, wrongly in several ways (lib/object/transcode.c). */
__attribute__((visibility("default"))) Elf *elf_begin(int fd, Elf_Cmd cmd, Elf *ref)
{
	static Elf *(*real)(int, Elf_Cmd, Elf *);
	static void *view; /* tc never calls elf_end(), and reads one object at a time */
	const char *obstacle;
	struct elfmap_msg msg;
	Elf *theirs;
	size_t size;
	int err;

	if (!real)
		real = preload__next("elf_begin");
	if (!preload__active || cmd != ELF_C_READ || ref || !called_by_program(__builtin_return_address(0)))
		return real(fd, cmd, ref);
	err = read_current(fd, &msg);
	if (err || !current.obj->needs_help) {
		theirs = real(fd, cmd, ref);
		if (!err || !is_ours_to_refuse(theirs))
			return theirs;
		elf_end(theirs);
	}
	free(view);
	view = NULL;
	obstacle = err ? msg.text : find_obstacle(&msg);
	if (!obstacle && elfmap_object__tc_view(current.obj, &view, &size, &msg))
		obstacle = msg.text;
	if (!obstacle)
		return elf_memory(view, size);
	preload__complain(name_of(fd), obstacle);
	return NULL;
}

/* ---- bpf_object__open_file: what libbpf gets ---------------------------------------------------------------- */

static struct bpf_object *open_memory(const char *path, const struct bpf_object_open_opts *opts)
{
	struct {
		struct bpf_object_open_opts opts;
		char younger[256]; /* members that only a newer libbpf has */
	} ours = {.opts.sz = sizeof(ours.opts)};
	struct bpf_object *bpf;
	struct elfmap_msg msg;
	char name[NAME_MAX + 1];
	size_t size;
	void *bytes;
	int err;

	if (opts && opts->sz <= sizeof(ours))
		memcpy(&ours, opts, opts->sz);
	if (ours.opts.sz < offsetof(struct bpf_object_open_opts, object_name) + sizeof(ours.opts.object_name))
		ours.opts.sz = offsetof(struct bpf_object_open_opts, object_name) + sizeof(ours.opts.object_name);
	elfmap_path__object_name(path, name, sizeof(name));
	if (!ours.opts.object_name)
		ours.opts.object_name = name;
	err = elfmap_object__transcode(current.obj, NULL, &bytes, &size, &msg);
	if (err) {
		preload__complain(path, msg.text);
		errno = -err;
		return NULL;
	}
	bpf = bpf_object__open_mem(bytes, size, &ours.opts);
	err = errno;
	free(bytes); /* libbpf has made a copy */
	errno = err;
	return bpf;
}

/* Transcoding removes such sections (lib/object/transcode_symbols.c), and tc then reports that they do not exist. */
static void complain_about_undefined(const char *path)
{
	struct elfmap_msg msg;

	for (size_t i = 0; i < current.obj->nr_progs; i++) {
		const struct elfmap_prog *prog = &current.obj->progs[i];

		if (!prog->undefined || !preload__may_want(prog->section))
			continue;
		elfmap_msg__set(&msg, 0, "section '%s': uses '%s', %s", prog->section, prog->undefined,
				prog->undefined_why);
		preload__complain(path, msg.text);
	}
}

/* tc's own message names neither the object nor the section. */
static void warn_about_ids(const char *path)
{
	struct elfmap_msg msg;

	for (size_t i = 0; i < current.obj->nr_progs; i++) {
		const struct elfmap_prog *prog = &current.obj->progs[i];

		if (!prog->is_slot || prog->slot_map >= 0 || preload__may_want(prog->section))
			continue;
		elfmap_msg__set(&msg, 0,
				"warning: section '%s': no PROG_ARRAY has id %u, so its program is put into no slot",
				prog->section, prog->slot_id);
		preload__complain(path, msg.text);
	}
}

static const char *pin_root(const struct bpf_object_open_opts *opts)
{
	size_t known = offsetof(struct bpf_object_open_opts, pin_root_path) + sizeof(opts->pin_root_path);

	return opts && opts->sz >= known && opts->pin_root_path ? opts->pin_root_path : "/sys/fs/bpf/tc/globals";
}

static bool find_legacy_object(const char *path)
{
	struct elfmap_msg msg;
	struct stat file;
	bool found;
	int fd;

	if (!stat(path, &file) && is_current(&file))
		return current.obj->needs_help;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	found = fd >= 0 && !read_current(fd, &msg) && current.obj->needs_help;
	if (fd >= 0)
		close(fd);
	return found;
}

__attribute__((visibility("default"))) struct bpf_object *bpf_object__open_file(const char *path,
										const struct bpf_object_open_opts *opts)
{
	static struct bpf_object *(*real)(const char *, const struct bpf_object_open_opts *);
	struct bpf_object *bpf;
	int err;

	if (!real)
		real = preload__next("bpf_object__open_file");
	if (path)
		snprintf(opened_path, sizeof(opened_path), "%s", path);
	if (!preload__active || !path || !find_legacy_object(path))
		return real(path, opts);
	complain_about_undefined(path);
	warn_about_ids(path);
	bpf = open_memory(path, opts);
	if (!bpf)
		return NULL;
	elfmap_pair__init(&current.pair, current.obj, bpf);
	current_bpf = bpf;
	snprintf(current_path, sizeof(current_path), "%s", path);
	err = pins__prepare(&current, path, pin_root(opts));
	if (err) {
		bpf_object__close(bpf);
		current_bpf = NULL;
		errno = -err;
		return NULL;
	}
	return bpf;
}

/* ---- syscall: pinned programs ------------------------------------------------------------------------------- */

/* `object-pinned PATH`, `xdp pinned PATH` and the like in a mount namespace that hides the pins. */
static long open_pin(long (*real)(long, ...), const union bpf_attr *asked, unsigned long size)
{
	const char *path = (const char *)(uintptr_t)asked->pathname;
	union bpf_attr attr = {};
	char hidden[PATH_MAX];

	memcpy(&attr, asked, size < sizeof(attr) ? size : sizeof(attr));
	if (path)
		attr.pathname = (__u64)(uintptr_t)preload__pin_path(path, hidden, sizeof(hidden));
	return real(SYS_bpf, BPF_OBJ_GET, &attr, size < sizeof(attr) ? size : sizeof(attr));
}

/* tc itself opens pins with the system call. */
__attribute__((visibility("default"))) long syscall(long number, ...)
{
	static long (*real)(long, ...);
	long words[6];
	va_list args;

	if (!real)
		real = preload__next("syscall");
	va_start(args, number);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		words[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_bpf && (int)words[0] == BPF_OBJ_GET && words[1])
		return open_pin(real, (const union bpf_attr *)words[1], (unsigned int)words[2]);
	return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

/* ---- bpf_object__load: types, refusals, start values --------------------------------------------------------- */

/* The kernel refuses a map with EINVAL only, and a program in terms that often need an explanation. */
static void explain_refusal(const struct bpf_object *bpf)
{
	const char *section = preload__section();
	const struct bpf_map *map;
	struct elfmap_msg msg;

	bpf_object__for_each_map (map, bpf) {
		const struct elfmap_map made = elfmap_pair__define(map);
		const char *fault = elfmap_map__fault(&made.def);

		if (!fault)
			continue;
		elfmap_msg__set(&msg, 0, "map '%s': %s", made.name, fault);
		preload__complain(current_path, msg.text);
		return;
	}
	elfmap_msg__set(&msg, 0, "the kernel refuses it, see above; to explain it: elfmap check %s%s%s", current_path,
			section ? " sec " : "", section ? section : "");
	preload__complain(current_path, msg.text);
}

/* tc sets the types of its programs, and libbpf guesses the attach types from the sections' names. Programs in "1/0"
 * and "xdp" would then differ, and a PROG_ARRAY would refuse one of them. */
static int set_types(struct bpf_object *bpf)
{
	struct bpf_program *prog;
	int err = 0;

	bpf_object__for_each_program (prog, bpf) {
		const char *section = elfmap_pair__section(prog);
		const struct elfmap_prog *read = elfmap_pair__prog(&current.pair, bpf_program__name(prog), section);

		if (!err && bpf_program__autoload(prog))
			err = elfmap_pair__set_type(&current.pair, prog, read, section, bpf_program__type(prog));
	}
	errno = -err;
	return err;
}

#define MAX_NOTED 16 /* sections of global data */

/* For a later upgrade, which does without the note if it cannot be made. */
static void note_start(const struct bpf_object *bpf)
{
	struct elfmap_start_section sections[MAX_NOTED];
	struct bpf_program *prog;
	struct bpf_map *map;
	size_t nr = 0;
	int fd;

	bpf_object__for_each_map (map, bpf) {
		const char *name = elfmap_start__section(map);
		size_t size = 0;
		const void *start = name && nr < MAX_NOTED ? bpf_map__initial_value(map, &size) : NULL;

		if (start)
			sections[nr++] = (struct elfmap_start_section){name, size, start, start};
	}
	if (!nr || elfmap_start__make(sections, nr, &fd))
		return;
	bpf_object__for_each_program (prog, bpf)
		if (bpf_program__fd(prog) >= 0)
			elfmap_start__bind(bpf_program__fd(prog), fd);
	close(fd);
}

static void note_file(struct bpf_object *bpf)
{
	int note = elfmap_note__make(opened_path);
	struct bpf_program *prog;

	bpf_object__for_each_program (prog, bpf)
		elfmap_note__bind(bpf_program__fd(prog), note);
	if (note >= 0)
		close(note);
}

__attribute__((visibility("default"))) int bpf_object__load(struct bpf_object *bpf)
{
	static int (*real)(struct bpf_object *);
	int err, why;

	if (!real)
		real = preload__next("bpf_object__load");
	if (!preload__active)
		return real(bpf);
	err = (bpf == current_bpf ? set_types(bpf) : 0) ?: real(bpf);
	if (!err) {
		note_file(bpf);
		note_start(bpf);
	}
	if (!err || bpf != current_bpf)
		return err;
	why = errno;
	explain_refusal(bpf);
	errno = why;
	return err;
}

/* ---- bpf_object__find_map_by_name: slots of a reused PROG_ARRAY ----------------------------------------------- */

/* libbpf renames a map to the kernel's name of the map it reuses, and maps of the legacy loader have no name. tc would
 * not find the PROG_ARRAY, and silently leave its slots empty. */
__attribute__((visibility("default"))) struct bpf_map *bpf_object__find_map_by_name(const struct bpf_object *bpf,
										    const char *name)
{
	static struct bpf_map *(*real)(const struct bpf_object *, const char *);
	struct bpf_map *map;

	if (!real)
		real = preload__next("bpf_object__find_map_by_name");
	map = real(bpf, name);
	if (map || !preload__active || bpf != current_bpf)
		return map;
	for (size_t i = 0; i < current.obj->nr_maps; i++)
		if (!strcmp(current.obj->maps[i].name, name))
			return current.pair.maps[i];
	return NULL;
}

/* ---- bpf_program__section_name: an entry in .text, and the second function of a slot ------------------------- */

/* To the legacy loader the section of a slot is one program, which starts with its first function. tc would put all
 * its functions into the slot, one after the other. */
static bool is_behind_slot(const char *function, const char *section)
{
	const struct elfmap_prog *prog = current_bpf ? elfmap_pair__prog(&current.pair, function, section) : NULL;

	return prog && elfmap_pair__is_behind_slot(&current.pair, prog);
}

/* The entry is in a copy of .text (lib/object/transcode_symbols.c), but the command line has `sec .text`. */
__attribute__((visibility("default"))) const char *bpf_program__section_name(const struct bpf_program *prog)
{
	static const char *(*real)(const struct bpf_program *);
	const char *name;

	if (!real)
		real = preload__next("bpf_program__section_name");
	name = real(prog);
	if (!preload__active || !name)
		return name;
	if (strchr(name, '/') && is_behind_slot(bpf_program__name(prog), name))
		return "behind a slot";
	return !strcmp(name, ELFMAP_TEXT_TWIN) ? ".text" : name;
}
