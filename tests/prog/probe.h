/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loads the parser's probe (tests/testdata/parse_probe.c) and reads its results. All functions assert. */
#ifndef PROBE_H
#define PROBE_H

#include "../testdata/parse_probe.h"
#include "frames.h"

extern int parse, parse_l3, innermost, plain; /* the programs */

/* For cmocka's setup and teardown. */
int load_probe(void **state);
int unload_probe(void **state);

/* The result of the last run; it is cleared, so that it cannot be read twice. */
struct probe take_probe(void);

/* Test runs that must end in PACKET_OK, of a sealed frame, and of one that is sealed first. */
struct packet run_ok(int program, struct frame *frame);
struct packet parse_ok(struct frame *frame);
void assert_verdict(int program, const struct frame *frame, enum packet_verdict verdict);

void assert_flow(const struct packet *pkt, const char *from, const char *to, __u8 protocol, __u16 sport, __u16 dport);

#endif
