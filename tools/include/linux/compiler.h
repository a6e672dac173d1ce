/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header: words for the compiler */
#ifndef KPS_SHIM_COMPILER_H
#define KPS_SHIM_COMPILER_H

#ifndef likely
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#endif
#ifndef __always_inline
#define __always_inline	inline __attribute((__always_inline__))
#endif
#ifndef noinline
#define noinline	__attribute((__noinline__))
#endif
#ifndef notrace
#define notrace		__attribute((__no_instrument_function__))
#endif
#ifndef __aligned
#define __aligned(x)	__attribute((__aligned__(x)))
#endif
#ifndef __packed
#define __packed	__attribute((__packed__))
#endif
#ifndef __maybe_unused
#define __maybe_unused	__attribute((__unused__))
#endif
#ifndef __must_check
#define __must_check	__attribute((__warn_unused_result__))
#endif
#ifndef __pure
#define __pure		__attribute((__pure__))
#endif
#ifndef __printf
#define __printf(a, b)	__attribute((__format__(__printf__, a, b)))
#endif
#ifndef fallthrough
#define fallthrough	__attribute((__fallthrough__))
#endif
#ifndef data_race
/* Nobody watches here. */
#define data_race(expr)	(expr)
#endif
#ifndef barrier
#define barrier()	__asm__ __volatile__("" : : : "memory")
#endif

#endif
