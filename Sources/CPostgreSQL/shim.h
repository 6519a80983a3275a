#pragma once
// The path differs between Debian and others; libpq-fe.h is looked up in both.
#if __has_include(<postgresql/libpq-fe.h>)
#include <postgresql/libpq-fe.h>
#else
#include <libpq-fe.h>
#endif
