#pragma once
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

// A macro made of other macros, which Swift does not import.
static const int novatune_EVP_PKEY_PUBLIC_KEY = EVP_PKEY_PUBLIC_KEY;

// An OSSL_PARAM and its builder keep the pointers that they are given. Swift imports string macros as Strings, whose C
// form lives for one call only, so the names are passed here, where they live for ever.
static inline OSSL_PARAM novatune_mac_digest(void) {
    return OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA2-256", 0);
}

static inline int novatune_push_rsa(OSSL_PARAM_BLD *builder, const BIGNUM *modulus, const BIGNUM *exponent) {
    return OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus)
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent);
}

/// `point` must live until the parameters are built, `group` for ever.
static inline int novatune_push_point(
    OSSL_PARAM_BLD *builder, const char *group, const unsigned char *point, size_t length) {
    return OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, group, 0)
        && OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, length);
}
static inline int novatune_push_p256(OSSL_PARAM_BLD *builder, const unsigned char *point, size_t length) {
    return novatune_push_point(builder, "prime256v1", point, length);
}
static inline int novatune_push_p384(OSSL_PARAM_BLD *builder, const unsigned char *point, size_t length) {
    return novatune_push_point(builder, "secp384r1", point, length);
}
