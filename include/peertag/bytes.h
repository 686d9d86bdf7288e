/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Loads and stores of packet bytes. Network headers lie at any alignment: BPF may load a word
 * anywhere (and clang would split a packed access into bytes), user space goes through memcpy,
 * which compilers turn into the same single instruction.
 */
#ifndef PEERTAG_BYTES_H
#define PEERTAG_BYTES_H

#include <peertag/types.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "peertag is built and tested on little endian machines only"
#endif

#ifdef __bpf__

PT_INLINE __u32 pt_load_u32(const void *from)
{
	return *(const __u32 *)from;
}

PT_INLINE __u64 pt_load_u64(const void *from)
{
	return *(const __u64 *)from;
}

PT_INLINE __u16 pt_load_u16(const void *from)
{
	return *(const __u16 *)from;
}

PT_INLINE void pt_store_u16(void *to, __u16 value)
{
	*(__u16 *)to = value;
}

PT_INLINE void pt_store_u32(void *to, __u32 value)
{
	*(__u32 *)to = value;
}

PT_INLINE __u16 pt_load_be16(const void *from)
{
	return __builtin_bswap16(*(const __u16 *)from);
}

PT_INLINE void pt_store_be16(void *to, __u16 value)
{
	*(__u16 *)to = __builtin_bswap16(value);
}

#else

/* In host byte order. */
PT_INLINE __u32 pt_load_u32(const void *from)
{
	__u32 value;

	__builtin_memcpy(&value, from, sizeof(value));
	return value;
}

PT_INLINE __u64 pt_load_u64(const void *from)
{
	__u64 value;

	__builtin_memcpy(&value, from, sizeof(value));
	return value;
}

PT_INLINE __u16 pt_load_u16(const void *from)
{
	__u16 value;

	__builtin_memcpy(&value, from, sizeof(value));
	return value;
}

PT_INLINE void pt_store_u16(void *to, __u16 value)
{
	__builtin_memcpy(to, &value, sizeof(value));
}

PT_INLINE void pt_store_u32(void *to, __u32 value)
{
	__builtin_memcpy(to, &value, sizeof(value));
}

PT_INLINE __u64 pt_load_be64(const void *from)
{
	return __builtin_bswap64(pt_load_u64(from));
}

PT_INLINE __u32 pt_load_be32(const void *from)
{
	__u32 value;

	__builtin_memcpy(&value, from, sizeof(value));
	return __builtin_bswap32(value);
}

PT_INLINE __u16 pt_load_be16(const void *from)
{
	__u16 value;

	__builtin_memcpy(&value, from, sizeof(value));
	return __builtin_bswap16(value);
}

PT_INLINE void pt_store_be16(void *to, __u16 value)
{
	value = __builtin_bswap16(value);
	__builtin_memcpy(to, &value, sizeof(value));
}

#endif

#endif
