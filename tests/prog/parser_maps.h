/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loads tc-progs/parser.c or parser_percpu.c, and checks the exact contents of its maps. All functions assert.
 * A run with an expectation starts with empty counters, and no other counter may change.
 */
#ifndef PARSER_MAPS_H
#define PARSER_MAPS_H

#include <stdbool.h>

#include "classifier.h"
#include "parser.h"

struct parser_maps {
	struct classifier classifier;
	int program; /* sections classifier and classifier_l3 */
	int program_l3;
	int stages; /* maps */
	int flows4;
	int flows6;
	int ends;
	int empty;
	bool per_cpu; /* flows have per-CPU values */
};
extern struct parser_maps parser;

/* For cmocka's setup and teardown: both objects, with empty maps for each test. */
int parser_maps__load(void **state);
int parser_maps__load_percpu(void **state);
int parser_maps__unload(void **state);

struct flow {
	const char *from;
	const char *to;
	__u8 protocol;
	__u16 sport;
	__u16 dport;
};

/* The sum over all CPUs; false and zeros if there is no such flow. */
bool find_flow(const struct flow *flow, struct parser_flow *ret_total);
size_t count_flows(void);  /* of both families */
__u64 count_packets(void); /* of all flows */
struct parser_ends read_ends(void);
__u64 read_empty(enum parser_slot slot);
void forget_all(void);

/* One run of section classifier; the control block contains data of other programs. */
void send_frame(const struct frame *frame);

/* A sealed frame counts as one packet of FLOW with its size; no other counter changes. */
void expect_flow(struct frame *frame, const char *from, const char *to, __u8 protocol, __u16 sport, __u16 dport);

/* The unchanged frame ends in MEMBER of struct parser_ends, counted once, without a flow. */
#define expect_end(frame, member) expect_end_at(frame, offsetof(struct parser_ends, member), #member)
void expect_end_at(const struct frame *frame, size_t offset, const char *name);

/* Parsing ends because SLOT is empty. */
void expect_empty(const struct frame *frame, enum parser_slot slot);

#endif
