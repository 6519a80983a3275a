#pragma once
#include <sys/prctl.h>

// For _GNU_SOURCE only, which the Swift compiler does not define; its header belongs to Swift's Glibc module.
int pthread_setname_np(unsigned long thread, const char *name);

// prctl is variadic, which Swift does not import.
static inline int novatune_set_not_dumpable(void) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
static inline int novatune_is_dumpable(void) {
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}
