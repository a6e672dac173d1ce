/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for the kernel's header: the smaller and the larger */
#ifndef KPS_SHIM_MINMAX_H
#define KPS_SHIM_MINMAX_H

#define min_t(type, x, y) __extension__ ({			\
	type _min_x = (x);					\
	type _min_y = (y);					\
	_min_x < _min_y ? _min_x : _min_y; })

#define max_t(type, x, y) __extension__ ({			\
	type _max_x = (x);					\
	type _max_y = (y);					\
	_max_x > _max_y ? _max_x : _max_y; })

#ifndef min
#define min(x, y) __extension__ ({				\
	__typeof__(x) _mn_x = (x);				\
	__typeof__(y) _mn_y = (y);				\
	(void)(&_mn_x == &_mn_y);				\
	_mn_x < _mn_y ? _mn_x : _mn_y; })
#endif
#ifndef max
#define max(x, y) __extension__ ({				\
	__typeof__(x) _mx_x = (x);				\
	__typeof__(y) _mx_y = (y);				\
	(void)(&_mx_x == &_mx_y);				\
	_mx_x > _mx_y ? _mx_x : _mx_y; })
#endif
#define min3(x, y, z)	min((__typeof__(x))min(x, y), z)
#define max3(x, y, z)	max((__typeof__(x))max(x, y), z)
#define clamp(v, lo, hi) __extension__ ({			\
	__typeof__(v) _clamp = max(v, lo);			\
	min(_clamp, hi); })
#define clamp_t(type, v, lo, hi)	min_t(type, max_t(type, v, lo), hi)

#define swap(a, b) do {						\
	__typeof__(a) _swap = (a);				\
	(a) = (b);						\
	(b) = _swap;						\
} while (0)

#endif
