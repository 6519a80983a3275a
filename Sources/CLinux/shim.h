#pragma once
#include <sys/prctl.h>

// prctl is variadic, which Swift does not import.
static inline int novatune_set_not_dumpable(void) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
static inline int novatune_is_dumpable(void) {
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}
