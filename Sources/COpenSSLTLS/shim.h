#pragma once
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Macros that call functions, which Swift does not import.
static inline int novatune_require_tls_1_2(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

static inline int novatune_set_server_name(SSL *session, const char *host) {
    return (int)SSL_set_tlsext_host_name(session, host);
}

// Without a callback OpenSSL asks the terminal for the password of a key.
static inline int novatune_no_password(char *buffer, int size, int writes, void *data) {
    (void)buffer, (void)size, (void)writes, (void)data;
    return -1;
}

static inline void novatune_refuse_encrypted_keys(SSL_CTX *context) {
    SSL_CTX_set_default_passwd_cb(context, novatune_no_password);
}
