/* A process's clocks, moved by whoever writes to a file: for LD_PRELOAD.
 *
 * GATEWATCH_CLOCKS names a file of three doubles, in seconds: what is added to CLOCK_REALTIME, to
 * CLOCK_MONOTONIC and to CLOCK_BOOTTIME.  The machine's own clocks are not touched. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile double *moved(void) {
    static volatile double *at;
    static int tried;
    if (!tried) {
        const char *name = getenv("GATEWATCH_CLOCKS");
        int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
        void *found = fd < 0 ? MAP_FAILED : mmap(NULL, 24, PROT_READ, MAP_SHARED, fd, 0);
        if (fd >= 0) close(fd);
        at = found == MAP_FAILED ? NULL : found;
        tried = 1;
    }
    return at;
}

int clock_gettime(clockid_t id, struct timespec *out) {
    int failed = syscall(SYS_clock_gettime, id, out);
    volatile double *by = moved();
    int which = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE ? 0
              : id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE ? 1
              : id == CLOCK_BOOTTIME ? 2 : -1;
    if (failed || !by || which < 0 || by[which] == 0.0) return failed;
    double whole = floor(by[which]);
    out->tv_sec += (time_t)whole;
    out->tv_nsec += (long)((by[which] - whole) * 1e9);
    if (out->tv_nsec >= 1000000000L) { out->tv_sec++; out->tv_nsec -= 1000000000L; }
    return 0;
}

int gettimeofday(struct timeval *out, void *zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
