// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of notations. tests/unit/notation_test.c tests each row, and `elfmap map types` prints it. */
#include "text/notation.h"

/* ---- names in types ------------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct elfmap_type_name none[] = {{}};

static const struct elfmap_type_name integers[] = {
	{"u8", 1, .summary = "unsigned integer"},
	{"u16", 2, .summary = "unsigned integer"},
	{"u32", 4, .summary = "unsigned integer"},
	{"u64", 8, .summary = "unsigned integer"},
	{"u128", 16, .summary = "unsigned integer"},
	{"s8", 1, .summary = "signed integer", .is_signed = true},
	{"s16", 2, .summary = "signed integer", .is_signed = true},
	{"s32", 4, .summary = "signed integer", .is_signed = true},
	{"s64", 8, .summary = "signed integer", .is_signed = true},
	{"s128", 16, .summary = "signed integer", .is_signed = true},
	{},
};

static const struct elfmap_type_name big_endians[] = {
	{"be16", 2, .summary = "integer in network byte order", .in_btf = true},
	{"be32", 4, .summary = "integer in network byte order", .in_btf = true},
	{"be64", 8, .summary = "integer in network byte order", .in_btf = true},
	{"__be16", 2, .in_btf = true},
	{"__be32", 4, .in_btf = true},
	{"__be64", 8, .in_btf = true},
	{},
};

static const struct elfmap_type_name bools[] = {{"bool", 1, .summary = "true or false"}, {}};

static const struct elfmap_type_name enums[] = {
	{"enum", 4, .summary = "names of numbers, 4 bytes: enum { TCP 6 UDP 17 }"},
	{"enum8", 1, .summary = "names of numbers, 1 byte"},
	{"enum16", 2, .summary = "names of numbers, 2 bytes"},
	{"enum64", 8, .summary = "names of numbers, 8 bytes"},
	{"enum32", .size = 4},
	{},
};

static const struct elfmap_type_name ipv4s[] = {
	{"ipv4", 4, .summary = "address", .in_btf = true}, {"in_addr", 4, .in_btf = true}, {}};
static const struct elfmap_type_name ipv6s[] = {
	{"ipv6", 16, .summary = "address", .in_btf = true}, {"in6_addr", 16, .in_btf = true}, {}};
static const struct elfmap_type_name ips[] = {
	{"ip", 16, .summary = "address of either family, IPv4 mapped", .in_btf = true}, {}};
static const struct elfmap_type_name macs[] = {{"mac", 6, .summary = "hardware address", .in_btf = true}, {}};

static const struct elfmap_type_name prefixes[] = {
	{"prefix4", 8, .summary = "key of an lpm_trie: IPv4"},
	{"prefix6", 20, .summary = "key of an lpm_trie: IPv6"},
	{"prefix", 20, .summary = "key of an lpm_trie: either family, IPv4 mapped"},
	{},
};

static const struct elfmap_type_name ifindexes[] = {{"ifindex", 4, .summary = "device", .in_btf = true}, {}};
static const struct elfmap_type_name cgroups[] = {
	{"cgroup", 8, .summary = "cgroup, by its id"}, {"cgroup_id", 8, .in_btf = true}, {}};
static const struct elfmap_type_name progs[] = {
	{"prog", 4, .summary = "program, by its id"}, {"prog_id", 4, .in_btf = true}, {}};
static const struct elfmap_type_name maps[] = {{"map", 4, .summary = "map, by its id"}, {"map_id", 4, .in_btf = true}, {}};

static const struct elfmap_type_name earliests[] = {
	{"earliest_ns", 8, .summary = "time, the earliest of all CPUs", .in_btf = true}, {}};
static const struct elfmap_type_name latests[] = {{"latest_ns", 8, .summary = "time, the latest of all CPUs", .in_btf = true}, {}};

static const struct elfmap_type_name strings[] = {{"string", 0, .summary = "text: string[16]"}, {}};
static const struct elfmap_type_name bytes[] = {{"bytes", 0, .summary = "anything: bytes[16]"}, {}};
static const struct elfmap_type_name structs[] = {
	{"struct", 0, .summary = "struct { ipv4 addr be16 port }, laid out as in C"},
	{"struct packed", 0, .summary = "struct packed { u8 kind u32 count }, without gaps"},
	{},
};
/* clang-format on */

/* ---- the table ------------------------------------------------------------------------------------------------- */

/* Columns that several rows share. */
#define PLAIN_NAMES(list) .names = (list), .parse = words__parse_plain, .describe = words__describe_plain
#define NUMBER_IN(order) .number = (order), .alignment = ALIGNED_TO_SIZE
#define ADDRESS(kind)                                                                                   \
	.number = NUMBER_NOT, .sum = SUM_NOT, .read = text__read_address, .write = text__write_address, \
	.json = json__add_address, .put = text__put_##kind, .scan = text__scan_##kind
#define ID_OF(what)                                                                                \
	.number = NUMBER_NOT, .sum = SUM_NOT, .alignment = ALIGNED_TO_SIZE, .read = text__read_id, \
	.expected = EXPECTED_##what, .json = json__add_id, .object = ELFMAP_##what
#define SLOT_OF(what)                                                                          \
	.names = none, .describe = words__describe_slot, .number = NUMBER_NOT, .sum = SUM_NOT, \
	.alignment = ALIGNED_TO_SIZE, .expected = EXPECTED_##what, .json = json__add_id, .object = ELFMAP_##what

#define EXPECTED_PROG "a program: id N, pinned PIN or obj FILE sec SECTION"
#define EXPECTED_MAP "a map: id N or pinned PIN"
#define EXPECTED_CGROUP "a cgroup: its path or its id"

const struct notation notations[ELFMAP_NR_NOTATIONS] = {
	[ELFMAP_INTEGER] =
		{
			.names = integers,
			.parse = words__parse_plain,
			.describe = words__describe_integer,
			NUMBER_IN(NUMBER_HERE),
			.sum = SUM_COUNT,
			.read = text__read_number,
			.expected = "a number",
			.write = text__write_number,
			.json = json__add_number,
			.put = text__put_number,
		},
	[ELFMAP_BIG_ENDIAN] =
		{
			.names = big_endians,
			.parse = words__parse_plain,
			.describe = words__describe_integer,
			NUMBER_IN(NUMBER_NETWORK),
			.sum = SUM_ADD,
			.read = text__read_number,
			.expected = "a number",
			.write = text__write_number,
			.json = json__add_number,
			.put = text__put_number,
		},
	[ELFMAP_BOOL] =
		{
			PLAIN_NAMES(bools),
			NUMBER_IN(NUMBER_HERE),
			.sum = SUM_NOT,
			.read = text__read_bool,
			.expected = "true or false",
			.write = text__write_bool,
			.json = json__add_bool,
		},
	[ELFMAP_ENUM] =
		{
			.names = enums,
			.parse = words__parse_enum,
			.describe = words__describe_enum,
			NUMBER_IN(NUMBER_HERE),
			.sum = SUM_NOT,
			.read = text__read_enum,
			.expected = "a name of the enum or a number",
			.write = text__write_enum,
			.json = json__add_enum,
		},
	[ELFMAP_IPV4] =
		{
			PLAIN_NAMES(ipv4s),
			ADDRESS(ipv4),
			.alignment = ALIGNED_TO_SIZE, /* a number in C */
			.expected = "an IPv4 address",
			.prefix = "prefix4",
		},
	[ELFMAP_IPV6] =
		{
			PLAIN_NAMES(ipv6s),
			ADDRESS(ipv6),
			.alignment = 1,
			.expected = "an IPv6 address",
			.prefix = "prefix6",
		},
	[ELFMAP_IP] =
		{
			PLAIN_NAMES(ips),
			ADDRESS(ip),
			.alignment = 1,
			.expected = "an IPv4 or IPv6 address",
			.prefix = "prefix",
		},
	[ELFMAP_MAC] =
		{
			PLAIN_NAMES(macs),
			ADDRESS(mac),
			.alignment = 1,
			.expected = "an address like 02:00:00:00:00:01",
		},
	[ELFMAP_PREFIX] =
		{
			.names = prefixes,
			.parse = words__parse_prefix,
			.describe = words__describe_prefix,
			.number = NUMBER_NOT,
			.sum = SUM_NOT,
			.alignment = 4,
			.read = text__read_prefix,
			.expected = "a prefix, ADDRESS/LENGTH",
			.write = text__write_prefix,
			.json = json__add_members,
			.read_hex = text__read_hex_prefix,
		},
	[ELFMAP_IFINDEX] =
		{
			PLAIN_NAMES(ifindexes),
			NUMBER_IN(NUMBER_HERE),
			.sum = SUM_NOT,
			.read = text__read_device,
			.expected = "a device",
			.write = text__write_device,
			.json = json__add_number,
		},
	[ELFMAP_CGROUP_ID] = {PLAIN_NAMES(cgroups), ID_OF(CGROUP), .write = text__write_cgroup},
	[ELFMAP_PROG_ID] = {PLAIN_NAMES(progs), ID_OF(PROG), .write = text__write_object},
	[ELFMAP_MAP_ID] = {PLAIN_NAMES(maps), ID_OF(MAP), .write = text__write_object},
	[ELFMAP_EARLIEST] =
		{
			PLAIN_NAMES(earliests),
			NUMBER_IN(NUMBER_HERE),
			.sum = SUM_EARLIEST,
			.read = text__read_number,
			.expected = "a number",
			.write = text__write_number,
			.json = json__add_number,
			.put = text__put_number,
		},
	[ELFMAP_LATEST] =
		{
			PLAIN_NAMES(latests),
			NUMBER_IN(NUMBER_HERE),
			.sum = SUM_LATEST,
			.read = text__read_number,
			.expected = "a number",
			.write = text__write_number,
			.json = json__add_number,
			.put = text__put_number,
		},
	[ELFMAP_STRING] =
		{
			.names = strings,
			.parse = words__parse_bytes,
			.describe = words__describe_bytes,
			.number = NUMBER_NOT,
			.sum = SUM_NOT,
			.alignment = 1,
			.read = text__read_string,
			.expected = "\"text\"",
			.write = text__write_string,
			.json = json__add_text,
		},
	[ELFMAP_HEX] =
		{
			.names = bytes,
			.parse = words__parse_bytes,
			.describe = words__describe_bytes,
			.number = NUMBER_NOT,
			.sum = SUM_NOT,
			.alignment = 1,
			.read = text__read_nothing,
			.expected = "'hex' and bytes",
			.write = text__write_bytes,
			.json = json__add_bytes,
		},
	[ELFMAP_STRUCT] =
		{
			.names = structs,
			.parse = words__parse_struct,
			.describe = words__describe_struct,
			.number = NUMBER_NOT,
			.sum = SUM_MEMBERS,
			.alignment = ALIGNED_AS_MEMBERS,
			.read = text__read_struct,
			.expected = "'{'",
			.write = text__write_struct,
			.json = json__add_members,
			.has_members = true,
		},
	[ELFMAP_ARRAY] =
		{
			.names = none, /* TYPE[N] */
			.describe = words__describe_array,
			.number = NUMBER_NOT,
			.sum = SUM_MEMBERS,
			.alignment = ALIGNED_AS_MEMBERS,
			.read = text__read_array,
			.expected = "'['",
			.write = text__write_array,
			.json = json__add_array,
			.has_members = true,
		},
	[ELFMAP_PROG] =
		{
			SLOT_OF(PROG),
			.read = text__read_slot,
			.write = text__write_object,
			.is_slot = true,
		},
	[ELFMAP_MAP] =
		{
			SLOT_OF(MAP),
			.read = text__read_slot,
			.write = text__write_object,
			.is_slot = true,
		},
	[ELFMAP_CGROUP] =
		{
			SLOT_OF(CGROUP),
			.read = text__read_slot,
			.write = text__write_handle,
		},
	[ELFMAP_HANDLE] =
		{
			.names = none,
			.describe = words__describe_handle,
			.number = NUMBER_NOT,
			.sum = SUM_NOT,
			.alignment = ALIGNED_TO_SIZE,
			.read = text__read_handle,
			.expected = "fd N, a descriptor that is open in this process",
			.write = text__write_handle,
			.json = json__add_id,
		},
};

/* ---- look-ups -------------------------------------------------------------------------------------------------- */

const char *notation__undecided(const struct notation *row)
{
	return !row->names			 ? "names"
	       : row->names->name && !row->parse ? "parse"
	       : !row->describe			 ? "describe"
	       : !row->number			 ? "number"
	       : !row->sum			 ? "sum"
	       : !row->alignment		 ? "alignment"
	       : !row->read			 ? "read"
	       : !row->expected			 ? "expected"
	       : !row->write			 ? "write"
	       : !row->json			 ? "json"
						 : NULL;
}

const struct elfmap_type_name *notation__find(const char *name, size_t length, enum elfmap_notation *ret_notation)
{
	for (int i = 0; i < ELFMAP_NR_NOTATIONS; i++)
		for (const struct elfmap_type_name *at = notations[i].names; at->name; at++)
			if (strlen(at->name) == length && !memcmp(at->name, name, length)) {
				*ret_notation = i;
				return at;
			}
	return NULL;
}

const struct elfmap_type_name *notation__find_btf(const char *name, size_t size, enum elfmap_notation *ret_notation)
{
	enum elfmap_notation notation;
	const struct elfmap_type_name *found = notation__find(name, strlen(name), &notation);

	if (!found || !found->in_btf || found->size != size)
		return NULL;
	*ret_notation = notation;
	return found;
}

const struct elfmap_type_name *elfmap_type__name(size_t nth)
{
	for (int i = 0; i < ELFMAP_NR_NOTATIONS; i++)
		for (const struct elfmap_type_name *at = notations[i].names; at->name; at++)
			if (at->summary && !nth--)
				return at;
	return NULL;
}
