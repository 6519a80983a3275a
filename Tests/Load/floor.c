// The floor: the least C that does the responder's job, to measure the responder against.
//
// Same sockets, epoll design, SQL, RESP commands, cache format, token rules and answers as novatune-streamd, read from the same
// NOVATUNE_* variables. Left out is what only robustness needs: deadlines, retries, other algorithms, drain, log, help. It keeps
// no verified tokens: each one is checked by its HMAC. Never serve with it.
//
// cc -O2 floor.c -o floor $(pkg-config --cflags --libs libpq libcrypto libcurl) -lhiredis -lfcgi -lpthread
#define _GNU_SOURCE
#include <curl/curl.h>
#include <endian.h>
#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { ULID = 26, NONCE = 12, TAG = 16, TOKEN_LIMIT = 8192, ENTRY_LIMIT = 8192, WORKERS_LIMIT = 256, GATE_WORKERS = 2 };

static struct {
    const char *database, *cache, *prefix, *endpoint, *public_endpoint, *region, *bucket, *access_key, *secret_key;
    const char *jwt_secret, *issuer, *audience;
    long expiry_s, buffer_s;
    int verifies_object;
    char key_version[256];
    unsigned char cache_key[48];
    uint64_t fingerprint;
} settings;

static atomic_long hits, misses, tokens_accepted, tokens_refused;

// One listening socket and all of its connections. They own no thread: each lies in the epoll set until it has something to read.
struct queue { int socket, epoll; };

struct worker {
    const struct queue *queue;
    void (*respond)(struct worker *);
    FCGX_Request request;
    PGconn *database;
    redisContext *cache;
    CURL *http;
    EVP_MAC_CTX *token_mac, *signing_mac;
    EVP_MD_CTX *hash;
    EVP_CIPHER_CTX *sealing, *opening;
    char signing_date[9];
    char answer[16384];
};

struct listener { char user[ULID + 1]; long issued_at; int is_listener; };

static void die(const char *what) { fprintf(stderr, "floor: %s\n", what); exit(1); }

static const char *setting(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    if (value && *value) return value;
    if (!otherwise) { fprintf(stderr, "floor: %s is not set\n", name); exit(78); }
    return otherwise;
}

// ---- JSON, as far as a token needs it ----

struct text { const char *at, *end; };

static const char *after_space(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
    return p;
}

static const char *after_string(const char *p, const char *end) {
    for (p++; p < end; p++) {
        if (*p == '\\') p++;
        else if (*p == '"') return p + 1;
    }
    return NULL;
}

static const char *after_value(const char *p, const char *end) {
    int depth = 0;
    do {
        if (p >= end) return NULL;
        if (*p == '"') { if (!(p = after_string(p, end))) return NULL; continue; }
        if (*p == '{' || *p == '[') depth++;
        else if (*p == '}' || *p == ']') { if (--depth < 0) return p; }
        else if (depth == 0) { while (p < end && !strchr(",]} \t\r\n", *p)) p++; return p; }
        p++;
    } while (depth > 0);
    return p;
}

// The next member of an object whose opening brace has been passed; 0 at its end, -1 where it is not JSON.
static int next_member(struct text *rest, struct text *name, struct text *value) {
    const char *p = after_space(rest->at, rest->end);
    if (p < rest->end && *p == ',') p = after_space(p + 1, rest->end);
    if (p < rest->end && *p == '}') return after_space(p + 1, rest->end) == rest->end ? 0 : -1;
    if (p >= rest->end || *p != '"') return -1;
    name->at = p + 1;
    if (!(p = after_string(p, rest->end))) return -1;
    name->end = p - 1;
    p = after_space(p, rest->end);
    if (p >= rest->end || *p != ':') return -1;
    value->at = after_space(p + 1, rest->end);
    if (!(value->end = after_value(value->at, rest->end)) || value->end == value->at) return -1;
    rest->at = value->end;
    return 1;
}

static int is(struct text text, const char *word) {
    return (size_t)(text.end - text.at) == strlen(word) && memcmp(text.at, word, strlen(word)) == 0;
}

static int is_string(struct text value, const char *word, int (*compare)(const char *, const char *, size_t)) {
    size_t length = strlen(word);
    return (size_t)(value.end - value.at) == length + 2 && *value.at == '"' && compare(value.at + 1, word, length) == 0;
}

// A string, or an array that holds it.
static int holds_string(struct text value, const char *word, int (*compare)(const char *, const char *, size_t)) {
    if (*value.at != '[') return is_string(value, word, compare);
    for (const char *p = value.at + 1; p < value.end; p++) {
        if (*p != '"') continue;
        const char *end = after_string(p, value.end);
        if (!end) return 0;
        if (is_string((struct text){p, end}, word, compare)) return 1;
        p = end - 1;
    }
    return 0;
}

static int whole_number(struct text value, long *number) {
    if (value.end - value.at > 12) return 0;
    *number = 0;
    for (const char *p = value.at; p < value.end; p++) {
        if (*p < '0' || *p > '9') return 0;
        *number = *number * 10 + (*p - '0');
    }
    return 1;
}

// ---- Bearer tokens ----

static int base64url(const char *text, size_t length, unsigned char *bytes) {
    uint32_t buffer = 0;
    int bits = 0, count = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = text[i];
        int digit = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52
            : c == '-' ? 62 : c == '_' ? 63 : -1;
        if (digit < 0) return -1;
        buffer = (buffer << 6 | digit) & 0xFFFF;
        if ((bits += 6) >= 8) bytes[count++] = buffer >> (bits -= 8);
    }
    return length % 4 == 1 || (buffer & ((1u << bits) - 1)) ? -1 : count;
}

static int ulid(const char *text, size_t length, char *upper) {
    if (length != ULID) return 0;
    for (int i = 0; i < ULID; i++) {
        char c = text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')) || c == 'I' || c == 'L' || c == 'O' || c == 'U') return 0;
        upper[i] = c;
    }
    upper[ULID] = 0;
    return upper[0] <= '7';
}

static void mac(EVP_MAC_CTX *context, const void *message, size_t length, unsigned char code[32]) {
    size_t written;
    int done = EVP_MAC_init(context, NULL, 0, NULL) && EVP_MAC_update(context, message, length)
        && EVP_MAC_final(context, code, &written, 32);
    if (!done) die("HMAC");
}

// Null for a good token; else what is wrong with it, "" where none came.
static const char *check_token(struct worker *worker, struct listener *listener) {
    static const char invalid[] = ", error=\"invalid_token\", error_description=\"The access token is invalid or expired\"";
    const char *header = FCGX_GetParam("HTTP_AUTHORIZATION", worker->request.envp);
    if (!header || strncasecmp(header, "bearer ", 7)) return "";
    const char *token = header + 7 + strspn(header + 7, " "), *end = token + strlen(token);
    const char *dot = strchr(token, '.'), *second = dot ? strchr(dot + 1, '.') : NULL;
    if (end - token > TOKEN_LIMIT || !second) return invalid;

    unsigned char bytes[TOKEN_LIMIT], code[32];
    if (base64url(second + 1, end - second - 1 < 44 ? end - second - 1 : 1, bytes) != 32) return invalid;
    mac(worker->token_mac, token, second - token, code);
    if (CRYPTO_memcmp(bytes, code, 32)) return invalid;

    struct text name, value, rest;
    int length, state, is_hs256 = 0;
    if ((length = base64url(token, dot - token, bytes)) < 2 || bytes[0] != '{') return invalid;
    rest = (struct text){(char *)bytes + 1, (char *)bytes + length};
    while ((state = next_member(&rest, &name, &value)) > 0) {
        if (is(name, "alg")) is_hs256 = is_string(value, "HS256", strncmp);
        else if (!is(name, "typ")) return invalid;
    }
    if (state < 0 || !is_hs256) return invalid;

    int is_issuer = 0, is_audience = 0, has_subject = 0;
    long expiry = -1, not_before = 0, now = time(NULL);
    *listener = (struct listener){.issued_at = -1};
    if ((length = base64url(dot + 1, second - dot - 1, bytes)) < 2 || bytes[0] != '{') return invalid;
    rest = (struct text){(char *)bytes + 1, (char *)bytes + length};
    while ((state = next_member(&rest, &name, &value)) > 0) {
        if (is(name, "iss")) is_issuer = is_string(value, settings.issuer, strncmp);
        else if (is(name, "aud")) is_audience = holds_string(value, settings.audience, strncmp);
        else if (is(name, "sub")) has_subject = value.end - value.at == ULID + 2 && ulid(value.at + 1, ULID, listener->user);
        else if (is(name, "roles")) listener->is_listener = holds_string(value, "listener", strncasecmp);
        else if (is(name, "exp")) { if (!whole_number(value, &expiry)) return invalid; }
        else if (is(name, "nbf")) { if (!whole_number(value, &not_before)) return invalid; }
        else if (is(name, "iat")) { if (!whole_number(value, &listener->issued_at)) return invalid; }
    }
    return state == 0 && is_issuer && is_audience && has_subject && now < expiry && now >= not_before ? NULL : invalid;
}

// ---- SigV4: URLs signed by query parameters ----

static char *encode(char *out, const char *text, int keeps_slashes) {
    for (; *text; text++) {
        unsigned char c = *text;
        int is_unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
        if (is_unreserved || (keeps_slashes && c == '/')) *out++ = c;
        else out += sprintf(out, "%%%02X", c);
    }
    *out = 0;
    return out;
}

static void hexadecimal(char *out, const unsigned char *bytes) {
    for (int i = 0; i < 32; i++) {
        *out++ = "0123456789abcdef"[bytes[i] >> 4];
        *out++ = "0123456789abcdef"[bytes[i] & 15];
    }
    *out = 0;
}

static void set_mac_key(EVP_MAC_CTX *context, const void *key, size_t length) {
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA2-256", 0), OSSL_PARAM_construct_end()};
    if (!EVP_MAC_init(context, key, length, parameters)) die("HMAC key");
}

// The signing key is good for a day.
static void derive_signing_key(struct worker *worker, const char *date) {
    unsigned char key[32];
    char first[300];
    const char *parts[] = {date, settings.region, "s3", "aws4_request"};
    set_mac_key(worker->signing_mac, first, snprintf(first, sizeof first, "AWS4%s", settings.secret_key));
    for (int i = 0; i < 4; i++) {
        mac(worker->signing_mac, parts[i], strlen(parts[i]), key);
        set_mac_key(worker->signing_mac, key, sizeof key);
    }
    strcpy(worker->signing_date, date);
}

static void presign(struct worker *worker, const char *method, const char *endpoint, const char *key, const char *type,
                    long expiry_s, time_t now, char *url) {
    char date[17], day[9], uri[3300], credential[300], encoded[900], head[1400], tail[600] = "", text[6000];
    char digest_hex[65], signature[65];
    unsigned char digest[32];
    struct tm utc;
    strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    memcpy(day, date, 8); day[8] = 0;
    if (strcmp(day, worker->signing_date)) derive_signing_key(worker, day);

    encode(uri + sprintf(uri, "/%s/", settings.bucket), key, 1);
    snprintf(credential, sizeof credential, "%s/%s/%s/s3/aws4_request", settings.access_key, day, settings.region);
    encode(encoded, credential, 0);
    snprintf(head, sizeof head, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%s&X-Amz-Date=%s&X-Amz-Expires=%ld"
             "&X-Amz-SignedHeaders=host", encoded, date, expiry_s);
    if (type) encode(tail + sprintf(tail, "response-content-type="), type, 0);
    int length = snprintf(text, sizeof text, "%s\n%s\n%s%s%s\nhost:%s\n\nhost\nUNSIGNED-PAYLOAD", method, uri, head,
                          type ? "&" : "", tail, strstr(endpoint, "://") + 3);
    static EVP_MD *sha256;
    if (!sha256) sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    EVP_DigestInit_ex2(worker->hash, sha256, NULL);
    EVP_DigestUpdate(worker->hash, text, length);
    EVP_DigestFinal_ex(worker->hash, digest, NULL);
    hexadecimal(digest_hex, digest);
    const char *scope = credential + strlen(settings.access_key) + 1;
    length = snprintf(text, sizeof text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, digest_hex);
    mac(worker->signing_mac, text, length, digest);
    hexadecimal(signature, digest);
    sprintf(url, "%s%s?%s%s%s&X-Amz-Signature=%s", endpoint, uri, tail, type ? "&" : "", head, signature);
}

// HEAD by the service's own endpoint: the status, 0 where none came.
static long head_object(struct worker *worker, const char *key, time_t now) {
    char url[8192];
    long status = 0;
    presign(worker, "HEAD", settings.endpoint, key, NULL, 60, now, url);
    curl_easy_setopt(worker->http, CURLOPT_URL, url);
    if (curl_easy_perform(worker->http) != CURLE_OK) return 0;
    curl_easy_getinfo(worker->http, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

// ---- The sealed cache ----

// The plaintext's first 34 bytes; the object key and the URL follow.
struct __attribute__((packed)) entry_head { uint64_t expiry, track_version, user_epoch, fingerprint; uint16_t key_length; };

static size_t associated_data(char *out, const char *cache_key) {
    size_t version = strlen(settings.key_version), key = strlen(cache_key);
    out[0] = 1; out[1] = version;
    memcpy(out + 2, settings.key_version, version);
    memcpy(out + 2 + version, cache_key, key);
    return 2 + version + key;
}

// The plaintext's length, or -1 for anything that was not sealed under this key.
static int open_value(struct worker *worker, const char *value, size_t length, const char *cache_key, char *plain) {
    char data[512];
    size_t nonce = 2 + strlen(settings.key_version), data_length = associated_data(data, cache_key);
    if (length < nonce + NONCE + TAG || length > ENTRY_LIMIT || memcmp(value, data, nonce)) return -1;
    const unsigned char *at = (const unsigned char *)value + nonce;
    int count = length - nonce - NONCE - TAG, ignored;
    return EVP_DecryptInit_ex2(worker->opening, NULL, NULL, at, NULL)
        && EVP_DecryptUpdate(worker->opening, NULL, &ignored, (unsigned char *)data, data_length)
        && EVP_DecryptUpdate(worker->opening, (unsigned char *)plain, &ignored, at + NONCE, count)
        && EVP_CIPHER_CTX_ctrl(worker->opening, EVP_CTRL_AEAD_SET_TAG, TAG, (void *)(at + NONCE + count))
        && EVP_DecryptFinal_ex(worker->opening, (unsigned char *)plain + count, &ignored) ? count : -1;
}

static void store_value(struct worker *worker, const char *cache_key, const char *plain, int count) {
    char value[ENTRY_LIMIT + 600], data[512], milliseconds[24];
    size_t data_length = associated_data(data, cache_key), nonce = 2 + strlen(settings.key_version);
    int ignored;
    memcpy(value, data, nonce);
    unsigned char *at = (unsigned char *)value + nonce;
    RAND_bytes(at, NONCE);
    EVP_EncryptInit_ex2(worker->sealing, NULL, NULL, at, NULL);
    EVP_EncryptUpdate(worker->sealing, NULL, &ignored, (unsigned char *)data, data_length);
    EVP_EncryptUpdate(worker->sealing, at + NONCE, &ignored, (unsigned char *)plain, count);
    EVP_EncryptFinal_ex(worker->sealing, at + NONCE + count, &ignored);
    EVP_CIPHER_CTX_ctrl(worker->sealing, EVP_CTRL_AEAD_GET_TAG, TAG, at + NONCE + count);
    sprintf(milliseconds, "%ld", (settings.expiry_s - settings.buffer_s) * 1000);
    const char *arguments[] = {"SET", cache_key, value, "PX", milliseconds};
    const size_t lengths[] = {3, strlen(cache_key), nonce + NONCE + count + TAG, 2, strlen(milliseconds)};
    redisReply *reply = redisCommandArgv(worker->cache, 5, arguments, lengths);
    if (!reply) die("the cache is gone");
    freeReplyObject(reply);
}

// ---- Answers ----

static void put(struct worker *worker, int length) { FCGX_PutStr(worker->answer, length, worker->request.out); }

static void problem(struct worker *worker, int status, const char *slug, const char *title, const char *headers) {
    char body[600];
    const char *uri = FCGX_GetParam("REQUEST_URI", worker->request.envp);
    int length = snprintf(body, sizeof body, "{\"type\":\"https://novatune.dev/errors/%s\",\"title\":\"%s\",\"status\":%d,"
                          "\"detail\":\"%s.\",\"instance\":\"%.*s\"}", slug, title, status, title,
                          uri ? (int)strcspn(uri, "?\"\\") : 1, uri ? uri : "/");
    if (length >= (int)sizeof body) length = sizeof body - 1;
    put(worker, snprintf(worker->answer, sizeof worker->answer, "Status: %d %s\r\nContent-Type: application/problem+json\r\n"
                         "Cache-Control: no-store\r\n%sContent-Length: %d\r\n\r\n%.*s",
                         status, title, headers, length, length, body));
}

static void unauthorized(struct worker *worker, const char *reason) {
    char challenge[200];
    snprintf(challenge, sizeof challenge, "WWW-Authenticate: Bearer realm=\"novatune\"%s\r\n", reason);
    problem(worker, 401, "unauthorized", "Authentication required", challenge);
}

static void forbidden(struct worker *worker) { problem(worker, 403, "forbidden", "Access denied", ""); }

static void unavailable(struct worker *worker) {
    problem(worker, 503, "service-unavailable", "Service unavailable", "Retry-After: 5\r\n");
}

static void respond_gate(struct worker *worker) {
    const char *path = FCGX_GetParam("DOCUMENT_URI", worker->request.envp);
    if (path && !strcmp(path, "/_gate/token")) {
        struct listener listener;
        const char *reason = check_token(worker, &listener);
        atomic_fetch_add(reason ? &tokens_refused : &tokens_accepted, 1);
        if (reason) return unauthorized(worker, reason);
        if (!listener.is_listener) return forbidden(worker);
        put(worker, sprintf(worker->answer, "Status: 204 No Content\r\nX-User-Id: %s\r\n\r\n", listener.user));
    } else if (path && (!strcmp(path, "/metrics") || !strcmp(path, "/readyz"))) {
        char body[300];
        int length = snprintf(body, sizeof body, "stream_url_cache_hits_total %ld\nstream_url_cache_misses_total %ld\n"
                              "token_checks_total{outcome=\"accepted\"} %ld\ntoken_checks_total{outcome=\"unauthorized\"} %ld\n",
                              hits, misses, tokens_accepted, tokens_refused);
        put(worker, sprintf(worker->answer, "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
                            length, body));
    } else problem(worker, 404, "not-found", "Not found", "");
}

// ---- The stream URL ----

static int64_t integer(PGresult *rows, int column) {
    uint64_t value;
    memcpy(&value, PQgetvalue(rows, 0, column), 8);
    return be64toh(value);
}

static void respond_with(struct worker *worker, PGresult *rows, const char *url, int url_length, time_t expiry) {
    char body[12288], moment[21];
    struct tm utc;
    strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&expiry, &utc));
    // Neither a presigned URL nor a media type holds a character that JSON escapes.
    int length = snprintf(body, sizeof body, "{\"streamUrl\":\"%.*s\",\"expiresAt\":\"%s\",\"contentType\":\"%s\","
                          "\"fileSizeBytes\":%ld,\"supportsRangeRequests\":true}",
                          url_length, url, moment, PQgetvalue(rows, 0, 7), (long)integer(rows, 8));
    put(worker, snprintf(worker->answer, sizeof worker->answer, "Status: 200 OK\r\nContent-Type: application/json\r\n"
                         "Cache-Control: private, no-store\r\nContent-Length: %d\r\n\r\n%s", length, body));
}

static void issue(struct worker *worker, PGresult *rows, const struct listener *listener, redisReply *cached,
                  const char *cache_key) {
    char plain[ENTRY_LIMIT], *url;
    struct entry_head head;
    time_t now = time(NULL);

    if (PQntuples(rows) == 0 || strcmp(PQgetvalue(rows, 0, 0), "Active")) return forbidden(worker);
    int64_t valid_after = integer(rows, 2);
    if (valid_after != INT64_MIN && (listener->issued_at < 0 || listener->issued_at * 1000000 < valid_after + 946684800000000))
        return unauthorized(worker, ", error=\"invalid_token\"");
    if (PQgetisnull(rows, 0, 3)) return problem(worker, 404, "track-not-found", "Track not found", "");
    if (!*PQgetvalue(rows, 0, 9)) return forbidden(worker);
    if (strcmp(PQgetvalue(rows, 0, 4), "Ready"))
        return problem(worker, 409, "track-not-ready", "Track not ready for streaming", "");

    const char *object_key = PQgetvalue(rows, 0, 6);
    size_t key_length = PQgetlength(rows, 0, 6);
    const struct entry_head current = {
        0, htobe64(integer(rows, 5)), htobe64(integer(rows, 1)), htobe64(settings.fingerprint), htobe16(key_length)};
    int count = cached && cached->type == REDIS_REPLY_STRING ? open_value(worker, cached->str, cached->len, cache_key, plain) : -1;
    if (count > (int)(sizeof head + key_length)) {
        memcpy(&head, plain, sizeof head);
        int is_current = !memcmp((char *)&head + 8, (char *)&current + 8, sizeof head - 8)
            && !memcmp(plain + sizeof head, object_key, key_length);
        if (is_current && (time_t)be64toh(head.expiry) > now + settings.buffer_s) {
            atomic_fetch_add(&hits, 1);
            url = plain + sizeof head + key_length;
            return respond_with(worker, rows, url, plain + count - url, be64toh(head.expiry));
        }
    }
    if (settings.verifies_object && head_object(worker, object_key, now) != 200) return unavailable(worker);
    head = current;
    head.expiry = htobe64(now + settings.expiry_s);
    memcpy(plain, &head, sizeof head);
    memcpy(plain + sizeof head, object_key, key_length);
    url = plain + sizeof head + key_length;
    presign(worker, "GET", settings.public_endpoint, object_key, PQgetvalue(rows, 0, 7), settings.expiry_s, now, url);
    store_value(worker, cache_key, plain, sizeof head + key_length + strlen(url));
    atomic_fetch_add(&misses, 1);
    respond_with(worker, rows, url, strlen(url), now + settings.expiry_s);
}

static void respond_stream(struct worker *worker) {
    const char *path = FCGX_GetParam("DOCUMENT_URI", worker->request.envp);
    const char *method = FCGX_GetParam("REQUEST_METHOD", worker->request.envp);
    size_t length = path ? strlen(path) : 0;
    if (length <= 15 || memcmp(path, "/tracks/", 8) || strcmp(path + length - 7, "/stream"))
        return problem(worker, 404, "not-found", "Not found", "");
    if (!method || strcmp(method, "POST"))
        return problem(worker, 405, "method-not-allowed", "Method not allowed", "Allow: POST\r\n");
    struct listener listener;
    const char *reason = check_token(worker, &listener);
    if (reason) return unauthorized(worker, reason);
    if (!listener.is_listener) return forbidden(worker);
    char track[ULID + 1], cache_key[300];
    if (!ulid(path + 8, length - 15, track)) return problem(worker, 400, "invalid-track-id", "Invalid track ID", "");

    // The cache is read while the database works.
    const char *parameters[] = {listener.user, track};
    if (!PQsendQueryPrepared(worker->database, "stream_access", 2, parameters, NULL, NULL, 1) || PQflush(worker->database) < 0)
        return unavailable(worker);
    snprintf(cache_key, sizeof cache_key, "%s:%s:%s", settings.prefix, listener.user, track);
    const char *arguments[] = {"GET", cache_key};
    const size_t lengths[] = {3, strlen(cache_key)};
    redisReply *cached = redisCommandArgv(worker->cache, 2, arguments, lengths);
    if (!cached) die("the cache is gone");
    PGresult *rows = PQgetResult(worker->database), *next;
    if (rows && PQresultStatus(rows) == PGRES_TUPLES_OK) issue(worker, rows, &listener, cached, cache_key);
    else unavailable(worker);
    PQclear(rows);
    while ((next = PQgetResult(worker->database))) PQclear(next);
    freeReplyObject(cached);
}

// ---- Workers ----

static void connect_stream_worker(struct worker *worker) {
    static const char query[] =
        "select u.status::text, u.session_epoch, u.tokens_valid_after,"
        " t.user_id::text, t.status::text, t.version, t.object_key, t.mime_type, t.file_size_bytes,"
        " t.user_id = u.user_id or exists ("
        " select from novatune.track_grants g"
        " where g.track_id = t.track_id and g.grantee_id = u.user_id and (g.expires_at is null or g.expires_at > now()))"
        " from novatune.users u left join novatune.tracks t on t.track_id = $2"
        " where u.user_id = $1";
    const char *names[] = {"options", "client_encoding", "dbname", NULL};
    const char *values[] = {"-c plan_cache_mode=force_generic_plan -c jit=off", "UTF8", settings.database, NULL};
    worker->database = PQconnectdbParams(names, values, 1);
    PGresult *prepared = PQprepare(worker->database, "stream_access", query, 2, NULL);
    if (PQresultStatus(prepared) != PGRES_COMMAND_OK) die(PQerrorMessage(worker->database));
    PQclear(prepared);
    worker->cache = redisConnectUnix(settings.cache);
    if (!worker->cache || worker->cache->err) die("no cache");

    worker->http = curl_easy_init();
    curl_easy_setopt(worker->http, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(worker->http, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(worker->http, CURLOPT_PROXY, "");
    curl_easy_setopt(worker->http, CURLOPT_TIMEOUT_MS, 5000L);

    EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    worker->sealing = EVP_CIPHER_CTX_new();
    worker->opening = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex2(worker->sealing, gcm, settings.cache_key, NULL, NULL);
    EVP_DecryptInit_ex2(worker->opening, gcm, settings.cache_key, NULL, NULL);
    worker->hash = EVP_MD_CTX_new();
}

static void arm(const struct queue *queue, int operation, int connection) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.fd = connection};
    epoll_ctl(queue->epoll, operation, connection, &event);
}

static void serve(struct worker *worker, int connection, int operation) {
    FCGX_Request *request = &worker->request;
    char body[8192];
    // With a descriptor in place FCGX_Accept_r reads the request from it instead of accepting one.
    request->ipcFd = connection;
    request->keepConnection = 1;
    if (FCGX_Accept_r(request)) { request->ipcFd = -1; return; }
    int is_kept = request->keepConnection;
    while (FCGX_GetStr(body, sizeof body, request->in) > 0) {}
    worker->respond(worker);
    // libfcgi would wait up to two seconds for the peer to close first.
    request->keepConnection = 1;
    FCGX_Finish_r(request);
    if (request->ipcFd < 0) return;
    request->ipcFd = -1;
    if (is_kept) arm(worker->queue, operation, connection);
    else close(connection);
}

static void *work(void *argument) {
    struct worker *worker = argument;
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    worker->token_mac = EVP_MAC_CTX_new(hmac);
    worker->signing_mac = EVP_MAC_CTX_new(hmac);
    set_mac_key(worker->token_mac, settings.jwt_secret, strlen(settings.jwt_secret));
    if (worker->respond == respond_stream) connect_stream_worker(worker);
    FCGX_InitRequest(&worker->request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
    for (;;) {
        struct epoll_event event;
        if (epoll_wait(worker->queue->epoll, &event, 1, -1) != 1) continue;
        if (event.data.fd != worker->queue->socket) { serve(worker, event.data.fd, EPOLL_CTL_MOD); continue; }
        int connection = accept4(worker->queue->socket, NULL, NULL, SOCK_CLOEXEC);
        if (connection >= 0) serve(worker, connection, EPOLL_CTL_ADD);
    }
    return NULL;
}

static void listen_on(struct queue *queue, const char *address, int workers, void (*respond)(struct worker *)) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (strncmp(address, "unix:", 5) || strlen(address + 5) >= sizeof name.sun_path) die("a socket is unix:/path");
    strcpy(name.sun_path, address + 5);
    unlink(name.sun_path);
    queue->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(queue->socket, (struct sockaddr *)&name, sizeof name) || chmod(name.sun_path, 0660) || listen(queue->socket, 4096))
        die(address);
    queue->epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = queue->socket};
    epoll_ctl(queue->epoll, EPOLL_CTL_ADD, queue->socket, &event);
    for (int i = 0; i < workers; i++) {
        struct worker *worker = calloc(1, sizeof *worker);
        pthread_t thread;
        *worker = (struct worker){.queue = queue, .respond = respond};
        if (pthread_create(&thread, NULL, work, worker)) die("no thread");
    }
}

// {"current":"v1","keys":{"v1":"<base64 of 32 bytes>"}}, with one key.
static void read_key_ring(const char *path) {
    char text[1024] = "", encoded[64];
    FILE *file = fopen(path, "r");
    if (!file || !fread(text, 1, sizeof text - 1, file)) die(path);
    fclose(file);
    if (sscanf(text, " { \"current\" : \"%255[^\"]\" , \"keys\" : { \"%*[^\"]\" : \"%63[^\"]\"", settings.key_version, encoded) != 2
        || EVP_DecodeBlock(settings.cache_key, (unsigned char *)encoded, strlen(encoded)) != 33) die("not a key ring of one key");
}

int main(void) {
    static struct queue stream, gate;
    settings.database = setting("NOVATUNE_DATABASE_URL", NULL);
    settings.cache = setting("NOVATUNE_CACHE_URL", NULL);
    if (strncmp(settings.cache, "unix:", 5)) die("NOVATUNE_CACHE_URL: unix:/path");
    settings.cache += 5;
    settings.prefix = setting("NOVATUNE_CACHE_PREFIX", "stream");
    settings.endpoint = setting("NOVATUNE_S3_ENDPOINT", NULL);
    settings.public_endpoint = setting("NOVATUNE_S3_PUBLIC_ENDPOINT", settings.endpoint);
    settings.region = setting("NOVATUNE_S3_REGION", NULL);
    settings.bucket = setting("NOVATUNE_S3_BUCKET", NULL);
    settings.access_key = setting("NOVATUNE_S3_ACCESS_KEY_ID", NULL);
    settings.secret_key = setting("NOVATUNE_S3_SECRET_ACCESS_KEY", NULL);
    settings.verifies_object = !strcmp(setting("NOVATUNE_S3_VERIFY", "object"), "object");
    settings.jwt_secret = setting("NOVATUNE_JWT_HS256_SECRET", NULL);
    settings.issuer = setting("NOVATUNE_JWT_ISSUER", NULL);
    settings.audience = setting("NOVATUNE_JWT_AUDIENCE", NULL);
    settings.expiry_s = atol(setting("NOVATUNE_PRESIGN_EXPIRY", "120s"));
    settings.buffer_s = atol(setting("NOVATUNE_CACHE_TTL_BUFFER", "30s"));
    settings.fingerprint = 0x6E6F766174756E65;
    read_key_ring(setting("NOVATUNE_CACHE_KEYS_FILE", NULL));
    int workers = atoi(setting("NOVATUNE_WORKERS", "8"));
    if (workers < 1 || workers > WORKERS_LIMIT) die("NOVATUNE_WORKERS: 1 to 256");

    sigset_t ends;
    sigemptyset(&ends); sigaddset(&ends, SIGTERM); sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (FCGX_Init()) die("libfcgi");
    listen_on(&gate, setting("NOVATUNE_GATE_LISTEN", NULL), GATE_WORKERS, respond_gate);
    listen_on(&stream, setting("NOVATUNE_LISTEN", NULL), workers, respond_stream);
    int received;
    sigwait(&ends, &received);
    _exit(0);
}
