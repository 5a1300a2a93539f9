/* What the start-up file and the workloads share. */
#ifndef BENCH_H
#define BENCH_H

typedef unsigned char u8;
typedef signed short s16;
typedef signed int s32;
typedef unsigned int u32;

/* The workload itself: repeats its work and returns a checksum of everything it computed. The first n repetitions do
   the same whatever the count, so that a longer run is a shorter one continued. */
u32 workload(u32 repetitions);

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define WORK __attribute__((noinline)) /* a function of its own, so that calls and returns are part of the load */

#endif
