#pragma once
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>

// A macro made of other macros, which Swift does not import.
static const int novatune_EVP_PKEY_PUBLIC_KEY = EVP_PKEY_PUBLIC_KEY;
