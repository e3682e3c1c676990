// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See dst_maps.h. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "dst_maps.h"
#include "test.h"

struct dst_maps under_test;

static void load_object(const char *path)
{
	struct classifier *classifier = &under_test.classifier;

	classifier__load(classifier, path);
	under_test.ingress = classifier__program(classifier, "ingress");
	under_test.egress = classifier__program(classifier, "egress");
	under_test.stats = classifier__map(classifier, "dst_stats");
	under_test.errs = classifier__map(classifier, "dst_errs");
}

int dst_maps__load(void **state)
{
	(void)state;
	load_object("tc-progs/dst_stats.o");
	return 0;
}

int dst_maps__load_lru(void **state)
{
	(void)state;
	load_object("tc-progs/dst_stats_lru.o");
	return 0;
}

int dst_maps__unload(void **state)
{
	(void)state;
	classifier__unload(&under_test.classifier);
	return 0;
}

bool find_entry(enum dst_direction direction, const char *address, struct dst_value *ret_total)
{
	char mapped[INET6_ADDRSTRLEN + 8] = "::ffff:";
	struct dst_key key = {.family = strchr(address, ':') ? 6 : 4, .direction = direction};
	int cpus = libbpf_num_possible_cpus();
	struct dst_value *values;
	int err;

	strcpy(mapped + (key.family == 6 ? 0 : 7), address);
	assert_int_equal(inet_pton(AF_INET6, mapped, key.addr), 1);
	values = calloc(cpus, sizeof(*values));
	assert_non_null(values);
	*ret_total = (struct dst_value){};
	err = bpf_map_lookup_elem(under_test.stats, &key, values);
	for (int i = 0; i < cpus; i++)
		dst_value__add(ret_total, &values[i]);
	free(values);
	return !err;
}

void assert_entry(enum dst_direction direction, const char *address, __u64 packets, __u64 bytes)
{
	struct dst_value total;

	if (!find_entry(direction, address, &total))
		fail_msg("no entry for %s", address);
	assert_int_equal(total.packets, packets);
	assert_int_equal(total.bytes, bytes);
}

void assert_no_entry(enum dst_direction direction, const char *address)
{
	struct dst_value total;

	if (find_entry(direction, address, &total))
		fail_msg("an entry for %s", address);
}

size_t count_entries(void)
{
	struct dst_key key, *previous = NULL;
	size_t entries = 0;

	while (!bpf_map_get_next_key(under_test.stats, previous, &key)) {
		previous = &key;
		entries++;
	}
	return entries;
}

static __u64 count_errors(__u32 error)
{
	int cpus = libbpf_num_possible_cpus();
	__u64 *values = calloc(cpus, sizeof(*values));
	__u64 total = 0;

	assert_non_null(values);
	assert_int_equal(bpf_map_lookup_elem(under_test.errs, &error, values), 0);
	for (int i = 0; i < cpus; i++)
		total += values[i];
	free(values);
	return total;
}

void assert_errors(__u64 too_short, __u64 non_ip, __u64 depth, __u64 malformed, __u64 insert_fail)
{
	assert_int_equal(count_errors(DST_ERR_SHORT), too_short);
	assert_int_equal(count_errors(DST_ERR_NON_IP), non_ip);
	assert_int_equal(count_errors(DST_ERR_DEPTH), depth);
	assert_int_equal(count_errors(DST_ERR_MALFORMED), malformed);
	assert_int_equal(count_errors(DST_ERR_INSERT_FAIL), insert_fail);
}

void build_udp(struct frame *frame, const char *from, const char *to)
{
	frame__ethernet(frame);
	if (strchr(to, ':'))
		frame__ipv6(frame, from, to);
	else
		frame__ipv4(frame, from, to);
	frame__udp(frame, 4000, 53);
	frame__seal(frame);
}
