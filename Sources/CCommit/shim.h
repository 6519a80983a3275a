#pragma once

// nginx/build links an object file that defines it. Any other build leaves it undefined; its address is null then.
extern const char novatune_commit[] __attribute__((weak));

// Swift has no weak symbols.
static inline const char *novatune_linked_commit(void) {
    return novatune_commit;
}
