/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packet loads by absolute offset (BPF_LD_ABS, BPF_LD_IND), which the kernel's samples parse with:
 * each gives a number in host byte order, and one beyond the packet's end ends the program with 0.
 * The compiler knows them under these names.
 */
#ifndef BENCH_ABSOLUTE_H
#define BENCH_ABSOLUTE_H

unsigned long long load_byte(void *skb, unsigned long long offset) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long offset) asm("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long offset) asm("llvm.bpf.load.word");

#define GRE_VERSION_OR_ROUTING 0x4007
#define GRE_CHECKSUM 0x8000
#define GRE_KEY 0x2000
#define GRE_SEQUENCE 0x1000

/* The fragment field's offset and "more fragments". */
#define IPV4_IN_PIECES 0x3fff

/* The four words of an IPv6 address, folded into one. */
static __always_inline __u32 load_folded(struct __sk_buff *skb, __u64 offset)
{
	return load_word(skb, offset) ^ load_word(skb, offset + 4) ^ load_word(skb, offset + 8) ^
	       load_word(skb, offset + 12);
}

/* How long a GRE header with these flags is. */
static __always_inline __u64 gre_length(__u64 flags)
{
	return 4 + (flags & GRE_CHECKSUM ? 4 : 0) + (flags & GRE_KEY ? 4 : 0) + (flags & GRE_SEQUENCE ? 4 : 0);
}

#endif
