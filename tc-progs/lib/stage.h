/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a stage of the tail-call parser needs: include this, write one function, graft it.
 *
 *   SEC("quic")
 *   int quic_stage(struct __sk_buff *skb)
 *   {
 *           const __u8 *quic = stage__header(skb, 5);
 *
 *           if (!quic)
 *                   return stage__end(skb, too_short);
 *           ... look at quic[0] to quic[4] ...
 *           return stage__next(skb, PARSER_FLOW);
 *   }
 *
 *   elfmap graft parser_stages udp_payload quic.o sec quic
 *
 * A stage finds the parse so far in the packet's control block, which tail calls keep. It ends in one of
 * two ways: stage__next() jumps to the stage in another slot, stage__end() to the one that counts why
 * there is no next. The verdict is TC_ACT_UNSPEC in any case, so that filters behind the parser still see
 * the packet.
 */
#ifndef STAGE_H
#define STAGE_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "bpf_elf.h"
#include "parse.h"
#include "parser.h"

struct bpf_elf_map SEC("maps") parser_stages = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = PARSER_SLOTS,
	.id = PARSER_TABLE,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(parser_stages, enum parser_slot, __u32); /* whence `elfmap graft` knows the slots' names */

/* ---- the parse so far ------------------------------------------------------------------------------- */

/* What skb->cb holds. Each member is read as it was written: reading what was written in pieces, or a
 * piece of what is still being computed, has to wait. */
struct stage {
	__u16 offset;  /* of the header that this stage is to parse, from skb->data */
	__u8 protocol; /* of the innermost IP header so far; 0 before any */
	__u8 state;    /* STAGE_… */
	union {
		__u32 limit; /* where that header's packet ends, from skb->data; before any: the frame */
		__u32 end;   /* at PARSER_END: why, a member of struct parser_ends by its number, or
			      * STAGE_EMPTY and a slot */
	};
	union {
		__u64 ipv4_addresses; /* of that header, as they are in it */
		__u32 ipv6_offset;    /* where that header is, from skb->data */
	};
	union {
		__be32 ports;	 /* of the transport header, as they are in it; 0: none so far */
		__u32 ethertype; /* at PARSER_LINK and PARSER_OTHER_LINK: what is at offset; a __be16 */
	};
} __attribute__((packed));

_Static_assert(sizeof(struct stage) == sizeof(((struct __sk_buff *)0)->cb), "all of skb->cb");
_Static_assert(__builtin_offsetof(struct stage, ipv4_addresses) == 8, "aligned like skb->cb itself");

#define STAGE_IPV6 0x01	    /* the innermost IP header is IPv6, else IPv4 */
#define STAGE_FRAGMENT 0x02 /* it is a first fragment */
#define STAGE_DEPTH 0x10    /* what each header within another adds */
#define STAGE_EMPTY 0x100

/* A member of it, to be read and written. */
#define STAGE(skb, member) \
	(*(typeof(((struct stage *)0)->member) *)((void *)(skb)->cb + __builtin_offsetof(struct stage, member)))

/* As 64 bits of which the compiler knows no more: it would test the sign of the lower sixteen instead of
 * comparing with PACKET_REACH, which takes longer. */
static __always_inline __u64 stage__offset(const struct __sk_buff *skb)
{
	__u64 offset = STAGE(skb, offset);

	asm("" : "+r"(offset));
	return offset;
}

/* The first SIZE bytes of this stage's header; NULL: the packet ends before. SIZE is a constant. Ends
 * the life of every pointer into the packet that the stage had before. */
static __always_inline void *stage__header(struct __sk_buff *skb, __u32 size)
{
	__u64 offset = stage__offset(skb);

	return offset + size <= STAGE(skb, limit) ? packet__at(skb, offset, size) : NULL;
}

/* The next header starts LENGTH bytes behind the start of this one. */
static __always_inline void stage__skip(struct __sk_buff *skb, __u32 length)
{
	STAGE(skb, offset) += length;
}

/* The same behind a header that may stand there again and again: a tag, a label, a tunnel. False: there
 * have been too many of them. */
static __always_inline bool stage__descend(struct __sk_buff *skb, __u32 length)
{
	__u64 state = STAGE(skb, state);

	stage__skip(skb, length);
	STAGE(skb, state) = state + STAGE_DEPTH;
	return state < PARSER_DEPTH_MAX * STAGE_DEPTH;
}

/* How many packets it is on the wire: a GSO packet is its segments. */
static __always_inline __u64 stage__packets(const struct __sk_buff *skb)
{
	return skb->gso_segs ? skb->gso_segs : 1;
}

/* ---- how a stage ends ------------------------------------------------------------------------------- */

/* Goes on with the stage in SLOT if there is one, and else with the next statement. SLOT is a constant,
 * and the call is written out, so that the compiler neither joins two of them, with the slot in a
 * register, nor puts off what was to be written before. The kernel makes a direct jump of it, which
 * saves a nanosecond, and has to be written anew in each place when the stage changes: for the usual
 * way of a packet, and for slots that are usually empty. */
#define stage__try(skb, slot)                                                               \
	asm volatile("r1 = %[context]\n\t"                                                  \
		     "r2 = %[table]\n\t"                                                    \
		     "r3 = %[number]\n\t"                                                   \
		     "call %[tail_call]"                                                    \
		     :                                                                      \
		     : [context] "r"(skb), [table] "r"(&parser_stages), [number] "i"(slot), \
		       [tail_call] "i"(BPF_FUNC_tail_call)                                  \
		     : "r0", "r1", "r2", "r3", "r4", "r5", "memory")

/* The same for every other place. No packet ends beyond 2 GiB, so that nothing is added to SLOT; but the
 * verifier does not know, and takes it for a number that has to be looked up. */
static __always_inline void stage__look_up(struct __sk_buff *skb, __u64 slot)
{
	__u64 end;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(end)
		     : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, cb[1]))
		     : "memory");
	bpf_tail_call(skb, &parser_stages, slot + (end >> 31));
}

static __always_inline int stage__leave(struct __sk_buff *skb, __u32 why)
{
	STAGE(skb, end) = why;
	stage__look_up(skb, PARSER_END);
	return TC_ACT_UNSPEC;
}

/* Counts the packet in MEMBER of struct parser_ends: `return stage__end(skb, malformed);` */
#define stage__end(skb, member) stage__leave(skb, __builtin_offsetof(struct parser_ends, member) / sizeof(__u64))

/* Goes on with the stage in SLOT: `return stage__next(skb, PARSER_FLOW);` The packets that find it empty
 * are counted in parser_empty. */
static __always_inline int stage__next(struct __sk_buff *skb, enum parser_slot slot)
{
	stage__look_up(skb, slot);
	return stage__leave(skb, STAGE_EMPTY | slot);
}

#endif
