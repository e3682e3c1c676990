// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map types`: what `types KEY:VALUE` takes, for people and for completion. */
#include "helpers/command.h"
#include "helpers/map/map_verbs.h"

static const struct {
	const char *name;
	unsigned int bytes; /* 0: as many as one says */
	const char *summary;
} names[] = {
	{"u8", 1, "unsigned integer"},
	{"u16", 2, "unsigned integer"},
	{"u32", 4, "unsigned integer"},
	{"u64", 8, "unsigned integer"},
	{"u128", 16, "unsigned integer"},
	{"s8", 1, "signed integer"},
	{"s16", 2, "signed integer"},
	{"s32", 4, "signed integer"},
	{"s64", 8, "signed integer"},
	{"s128", 16, "signed integer"},
	{"be16", 2, "integer in network byte order"},
	{"be32", 4, "integer in network byte order"},
	{"be64", 8, "integer in network byte order"},
	{"bool", 1, "true or false"},
	{"ipv4", 4, "address"},
	{"ipv6", 16, "address"},
	{"ip", 16, "address of either family, IPv4 mapped"},
	{"mac", 6, "hardware address"},
	{"prefix4", 8, "key of an lpm_trie: IPv4"},
	{"prefix6", 20, "key of an lpm_trie: IPv6"},
	{"prefix", 20, "key of an lpm_trie: either family, IPv4 mapped"},
	{"ifindex", 4, "device"},
	{"cgroup", 8, "cgroup, by its id"},
	{"prog", 4, "program, by its id"},
	{"map", 4, "map, by its id"},
	{"earliest_ns", 8, "time, of CPUs the earliest"},
	{"latest_ns", 8, "time, of CPUs the latest"},
	{"string", 0, "text: string[16]"},
	{"bytes", 0, "anything: bytes[16]"},
	{"struct", 0, "struct { ipv4 addr be16 port }, laid out as in C"},
};

#define NR_NAMES (sizeof(names) / sizeof(*names))

static void print_names_json(void)
{
	json_object *root = json_object_new_array();

	for (size_t i = 0; i < NR_NAMES; i++) {
		json_object *row = json_object_new_object();

		json_object_object_add(row, "name", json_object_new_string(names[i].name));
		json_object_object_add(row, "bytes", names[i].bytes ? json_object_new_int64(names[i].bytes) : NULL);
		json_object_object_add(row, "summary", json_object_new_string(names[i].summary));
		json_object_array_add(root, row);
	}
	print_json(root);
}

int map_types(int argc, char **argv)
{
	argc = take_options(argc, argv, NULL);
	if (argc != 1)
		return EXIT_USAGE;
	if (output.json) {
		print_names_json();
		return end_output();
	}
	printf("%-12s %5s  %s\n", "TYPE", "BYTES", "MEANING");
	for (size_t i = 0; i < NR_NAMES; i++) {
		char bytes[12] = "-";

		if (names[i].bytes)
			snprintf(bytes, sizeof(bytes), "%u", names[i].bytes);
		printf("%-12s %5s  %s\n", names[i].name, bytes, names[i].summary);
	}
	return end_output();
}
