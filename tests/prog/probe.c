// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See probe.h. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>

#include "classifier.h"
#include "probe.h"
#include "test.h"

int parse, parse_l3, innermost, plain;
static struct classifier classifier;
static int probe_map;

int load_probe(void **state)
{
	(void)state;
	classifier__load(&classifier, "tests/testdata/parse_probe.o");
	parse = classifier__program(&classifier, "parse");
	parse_l3 = classifier__program(&classifier, "parse_l3");
	innermost = classifier__program(&classifier, "innermost");
	plain = classifier__program(&classifier, "plain");
	probe_map = classifier__map(&classifier, "probe");
	return 0;
}

int unload_probe(void **state)
{
	(void)state;
	classifier__unload(&classifier);
	return 0;
}

struct probe take_probe(void)
{
	struct probe probe, none = {.verdict = ~0ull};
	__u32 zero = 0;

	assert_int_equal(bpf_map_lookup_elem(probe_map, &zero, &probe), 0);
	assert_int_not_equal(probe.verdict, none.verdict);
	assert_int_equal(bpf_map_update_elem(probe_map, &zero, &none, BPF_ANY), 0);
	return probe;
}

struct packet run_ok(int program, struct frame *frame)
{
	struct probe probe;

	classifier__run(program, frame, NULL);
	probe = take_probe();
	assert_int_equal(probe.verdict, PACKET_OK);
	return probe.packet;
}

struct packet parse_ok(struct frame *frame)
{
	frame__seal(frame);
	return run_ok(parse, frame);
}

void assert_verdict(int program, const struct frame *frame, enum packet_verdict verdict)
{
	classifier__run(program, frame, NULL);
	assert_int_equal(take_probe().verdict, verdict);
}

static void assert_address(const __u64 *words, const char *text)
{
	char mapped[INET6_ADDRSTRLEN + 8] = "::ffff:";
	__u8 expected[16];

	strcpy(mapped + (strchr(text, ':') ? 0 : 7), text);
	assert_int_equal(inet_pton(AF_INET6, mapped, expected), 1);
	assert_memory_equal(words, expected, sizeof(expected));
}

void assert_flow(const struct packet *pkt, const char *from, const char *to, __u8 protocol, __u16 sport, __u16 dport)
{
	assert_int_equal(pkt->family, strchr(to, ':') ? 6 : 4);
	assert_address(pkt->saddr, from);
	assert_address(pkt->daddr, to);
	assert_int_equal(pkt->protocol, protocol);
	assert_int_equal(ntohs(pkt->sport), sport);
	assert_int_equal(ntohs(pkt->dport), dport);
}
