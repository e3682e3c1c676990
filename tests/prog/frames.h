/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames for the packet tests, built from the outside to the inside: each call appends a header and
 * sets the type field of the previous one. frame__seal() then sets the lengths.
 *
 *   frame__ethernet(&frame);
 *   frame__ipv4(&frame, "10.0.0.1", "10.0.0.2");
 *   frame__udp(&frame, 4000, 53);
 *   frame__payload(&frame, 20);
 *   frame__seal(&frame);
 *
 * To break a frame, change its bytes afterwards; each call returns its header's offset.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define FRAME_MAX 9216

/* Hosts. */
#define A4 "192.0.2.1"
#define B4 "198.51.100.2"
#define C4 "203.0.113.3"
#define A6 "2001:db8::1"
#define B6 "2001:db8:0:1::2"

struct frame {
	size_t size;
	size_t next;		/* offset of the field with the type of the next header; it has next_bits */
	unsigned int next_bits; /* 16: an ethertype; 8: an IP protocol; 0: no such field */
	size_t ip[16];		/* offsets of the IP headers, for frame__seal() */
	size_t nr_ip;
	__u8 bytes[FRAME_MAX];
};

/* Start a frame: with a link-layer header, or without one as on a tun device. */
size_t frame__ethernet(struct frame *frame);
void frame__no_link(struct frame *frame);

size_t frame__tag(struct frame *frame, __u16 ethertype, __u16 tci);
/* A label. No field has the type of the data after the last label. */
size_t frame__mpls(struct frame *frame, __u32 label, bool last);
size_t frame__arp(struct frame *frame);

size_t frame__ipv4(struct frame *frame, const char *from, const char *to);
/* The same with LENGTH bytes of options (a multiple of 4) and the given fragment field. */
size_t frame__ipv4_with(struct frame *frame, const char *from, const char *to, size_t options, __u16 fragment);
size_t frame__ipv6(struct frame *frame, const char *from, const char *to);

/* Extension headers; LENGTH is the field's value, in the header's own unit. */
size_t frame__extension(struct frame *frame, __u8 protocol, __u8 length);
size_t frame__ipv6_fragment(struct frame *frame, __u16 fragment);

/* GRE; FLAGS select the optional words. */
size_t frame__gre(struct frame *frame, __u16 flags);

/* After UDP to port 4789; and the inner link-layer header of VXLAN or GRE. */
size_t frame__vxlan(struct frame *frame, __u32 vni);
size_t frame__inner_ethernet(struct frame *frame);

size_t frame__tcp(struct frame *frame, __u16 from, __u16 to);
size_t frame__udp(struct frame *frame, __u16 from, __u16 to);
size_t frame__sctp(struct frame *frame, __u16 from, __u16 to);
size_t frame__icmp(struct frame *frame, __u8 protocol, __u8 type, __u16 id);

/* Only names a protocol, without a header. */
void frame__protocol(struct frame *frame, __u8 protocol);
void frame__payload(struct frame *frame, size_t size);
void frame__seal(struct frame *frame);

void frame__put16(struct frame *frame, size_t offset, __u16 value);

#endif
