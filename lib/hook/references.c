// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads reference counts with two small iterator programs, whose offsets come from the kernel's BTF. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "hook/references.h"

/* ---- the kernel's structs ---------------------------------------------------------------------------------------- */

/* The offset in bytes of MEMBER, also in an anonymous struct or union. */
static int find_member(const struct btf *btf, __u32 type, const char *member)
{
	const struct btf_type *at = btf__type_by_id(btf, type);
	const struct btf_member *members;

	if (!at || !btf_is_composite(at))
		return -ENOENT;
	members = btf_members(at);
	for (__u16 i = 0; i < btf_vlen(at); i++) {
		const char *name = btf__name_by_offset(btf, members[i].name_off);
		int offset = (int)btf_member_bit_offset(at, i) / 8, below;

		if (name && !strcmp(name, member))
			return offset;
		if (name && *name)
			continue;
		below = find_member(btf, members[i].type, member);
		if (below >= 0)
			return offset + below;
	}
	return -ENOENT;
}

static int offset_of(const struct btf *btf, const char *type, const char *member)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);

	return id < 0 ? id : find_member(btf, (__u32)id, member);
}

/* ---- the iterators -------------------------------------------------------------------------------------------- */

struct iterator {
	const char *target;	/* function of the kernel that the program attaches to */
	const char *object;	/* struct with count and id */
	const char *above, *to; /* struct that has a pointer to it; NULL: it is the object itself */
};

static const struct iterator of_progs = {"bpf_iter_bpf_prog", "bpf_prog_aux", "bpf_prog", "aux"};
static const struct iterator of_maps = {"bpf_iter_bpf_map", "bpf_map", NULL, NULL};

static struct bpf_insn load(__u8 size, __u8 to, __u8 from, int offset)
{
	return (struct bpf_insn){
		.code = BPF_LDX | BPF_MEM | size, .dst_reg = to, .src_reg = from, .off = (__s16)offset};
}

/* Stores FROM on the stack. */
static struct bpf_insn store(__u8 from, __s16 at)
{
	return (struct bpf_insn){.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .src_reg = from, .off = at};
}

static struct bpf_insn move(__u8 to, __u8 from)
{
	return (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = to, .src_reg = from};
}

static struct bpf_insn with_number(__u8 operation, __u8 to, __s32 number)
{
	return (struct bpf_insn){.code = (__u8)(BPF_ALU64 | operation | BPF_K), .dst_reg = to, .imm = number};
}

/* For each object: seq_write(seq, { count, id }). -ENOENT: a struct of this kernel is another one. */
static int load_iterator(const struct btf *btf, const struct iterator *iterator)
{
	int target = btf__find_by_name_kind(btf, iterator->target, BTF_KIND_FUNC);
	int count = offset_of(btf, iterator->object, "refcnt"), id = offset_of(btf, iterator->object, "id");
	int to = iterator->above ? offset_of(btf, iterator->above, iterator->to) : 0;
	int seq = offset_of(btf, "bpf_iter_meta", "seq");
	const struct bpf_insn insns[] = {
		move(BPF_REG_6, BPF_REG_1),
		load(BPF_DW, BPF_REG_7, BPF_REG_6, sizeof(void *)), /* ctx->prog, ctx->map */
		{.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_7, .off = 2},
		with_number(BPF_MOV, BPF_REG_0, 0),
		{.code = BPF_JMP | BPF_EXIT},
		iterator->above ? load(BPF_DW, BPF_REG_8, BPF_REG_7, to) : move(BPF_REG_8, BPF_REG_7),
		load(BPF_DW, BPF_REG_1, BPF_REG_8, count),
		store(BPF_REG_1, -16),
		load(BPF_W, BPF_REG_1, BPF_REG_8, id),
		store(BPF_REG_1, -8),
		load(BPF_DW, BPF_REG_1, BPF_REG_6, 0), /* ctx->meta */
		load(BPF_DW, BPF_REG_1, BPF_REG_1, seq),
		move(BPF_REG_2, BPF_REG_10),
		with_number(BPF_ADD, BPF_REG_2, -16),
		with_number(BPF_MOV, BPF_REG_3, 16),
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_seq_write},
		with_number(BPF_MOV, BPF_REG_0, 0),
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_ITER, .attach_btf_id = (__u32)target);

	if (target < 0 || count < 0 || id < 0 || to < 0 || seq < 0)
		return -ENOENT;
	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "elfmap_refs", "Dual BSD/GPL", insns,
			     sizeof(insns) / sizeof(*insns), &opts);
}

static int read_all(int fd, struct elfmap_refcount **ret_at, size_t *ret_nr)
{
	struct elfmap_refcount *at = NULL, row, *grown;
	size_t nr = 0, filled = 0;
	ssize_t got;

	while ((got = read(fd, (char *)&row + filled, sizeof(row) - filled)) > 0) {
		filled += (size_t)got;
		if (filled < sizeof(row))
			continue;
		filled = 0;
		grown = elfmap_array__grow(at, nr, sizeof(*at));
		if (!grown) {
			free(at);
			return -ENOMEM;
		}
		at = grown;
		row.count--; /* the iterator's own */
		at[nr++] = row;
	}
	*ret_at = at;
	*ret_nr = nr;
	return 0;
}

static int run_iterator(const struct btf *btf, const struct iterator *iterator, struct elfmap_refcount **ret_at,
			size_t *ret_nr)
{
	int prog = load_iterator(btf, iterator), link = -1, fd = -1, err;

	if (prog < 0)
		return prog;
	link = bpf_link_create(prog, 0, BPF_TRACE_ITER, NULL);
	fd = link < 0 ? link : bpf_iter_create(link);
	err = fd < 0 ? fd : read_all(fd, ret_at, ret_nr);
	if (fd >= 0)
		close(fd);
	if (link >= 0)
		close(link);
	close(prog);
	return err;
}

int elfmap_references__read(struct elfmap_references *ret_references)
{
	struct elfmap_references references = {};
	struct btf *btf = btf__load_vmlinux_btf();
	int err = btf ? 0 : -errno;

	err = err ?: run_iterator(btf, &of_progs, &references.progs, &references.nr_progs);
	err = err ?: run_iterator(btf, &of_maps, &references.maps, &references.nr_maps);
	btf__free(btf);
	if (!err) {
		*ret_references = references;
		return 0;
	}
	elfmap_references__free(&references);
	return err == -EPERM || err == -ENOMEM ? err : -EOPNOTSUPP;
}

void elfmap_references__free(struct elfmap_references *references)
{
	free(references->progs);
	free(references->maps);
	*references = (struct elfmap_references){};
}

static __s64 find(const struct elfmap_refcount *at, size_t nr, __u32 id)
{
	for (size_t i = 0; i < nr; i++)
		if (at[i].id == id)
			return at[i].count;
	return 0;
}

__s64 elfmap_references__of_prog(const struct elfmap_references *references, __u32 id)
{
	return find(references->progs, references->nr_progs, id);
}

__s64 elfmap_references__of_map(const struct elfmap_references *references, __u32 id)
{
	return find(references->maps, references->nr_maps, id);
}

/* ---- processes ------------------------------------------------------------------------------------------------ */

static bool shows_map(const char *path, __u32 id)
{
	FILE *file = fopen(path, "re");
	char line[128];
	bool found = false;
	__u32 shown;

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "map_id: %u", &shown) == 1 && shown == id;
	if (file)
		fclose(file);
	return found;
}

static bool has_map(const char *pid, __u32 id)
{
	char dir[64], path[sizeof(dir) + 256];
	const struct dirent *entry;
	bool found = false;
	DIR *directory;

	snprintf(dir, sizeof(dir), "/proc/%.20s/fdinfo", pid);
	directory = opendir(dir);
	while (directory && !found && (entry = readdir(directory))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		found = entry->d_name[0] != '.' && shows_map(path, id);
	}
	if (directory)
		closedir(directory);
	return found;
}

bool elfmap_process__has_map(__u32 id, int *ret_pid, char *ret_name)
{
	DIR *directory = opendir("/proc");
	const struct dirent *entry;
	bool found = false;
	char path[64];
	FILE *file;

	while (directory && !found && (entry = readdir(directory))) {
		int pid = atoi(entry->d_name);

		if (pid <= 0 || pid == getpid() || !has_map(entry->d_name, id))
			continue;
		found = true;
		*ret_pid = pid;
		*ret_name = '\0';
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		file = fopen(path, "re");
		if (file && fgets(ret_name, 16, file))
			ret_name[strcspn(ret_name, "\n")] = '\0';
		if (file)
			fclose(file);
	}
	if (directory)
		closedir(directory);
	return found;
}
