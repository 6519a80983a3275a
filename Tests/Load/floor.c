// The floor: the least C that does the responder's job, to measure the responder against.
//
// One thread, one epoll loop: the exchange with nginx, SQL, RESP commands, cache format, token rules and answers of
// novatune-streamd, read from the same NOVATUNE_* variables. Left out is what only robustness needs: deadlines,
// retries, other algorithms, the responder's own rate limit, the index of a user's cache entries, drain, log, help. It
// keeps no verified tokens: each is checked by its HMAC.
// Never serve with it.
//
// cc -O2 floor.c -o floor $(pkg-config --cflags --libs libpq libcrypto)
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    ULID = 26, NONCE = 12, TAG = 16, TOKEN_LIMIT = 8192, ENTRY_LIMIT = 8192, REQUEST_LIMIT = 16384, ANSWER_LIMIT = 16384,
    QUEUE = 1 << 16, VERIFIED = 1 << 17, EVENTS = 128
};

static struct {
    const char *database, *cache, *prefix, *endpoint, *public_endpoint, *region, *bucket, *access_key, *secret_key;
    const char *jwt_secret, *issuer, *audience;
    long expiry_s, buffer_s;
    int verifies_object;
    char key_version[256];
    unsigned char cache_key[48];
    uint64_t fingerprint;
} settings;

static struct {
    EVP_MAC_CTX *token_mac, *signing_mac;
    EVP_MD_CTX *hash;
    EVP_CIPHER_CTX *sealing, *opening;
    char signing_date[9];
} crypto;

static long hits, misses, tokens_accepted, tokens_refused;

struct listener { char user[ULID + 1]; long issued_at; int is_listener; };

// What the loop waits for; the first member of each kind of it.
struct source { int descriptor; void (*ready)(struct source *); };

// One connection of nginx's, with the request that it has in work.
struct exchange {
    struct source source;
    char in[REQUEST_LIMIT];
    int length, id, is_kept, is_busy, is_closed;
    char *authorization, *path, *method, *uri;
    int in_headers;
    // Of a stream request:
    struct listener listener;
    char track[ULID + 1], cache_key[300];
    int waits_for;  // replies of database and cache
    PGresult *rows;
    char *cached;
    int cached_length;
    time_t now;
};

static int events;

static void watch(struct source *source, void (*ready)(struct source *)) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    source->ready = ready;
    epoll_ctl(events, EPOLL_CTL_ADD, source->descriptor, &event);
}

// Whose reply is next: PostgreSQL and the cache answer in the order of the questions. Null: no request waits for it.
struct queue { struct exchange *of[QUEUE]; unsigned first, end; };

static void push(struct queue *queue, struct exchange *exchange) { queue->of[queue->end++ % QUEUE] = exchange; }
static struct exchange *pop(struct queue *queue) { return queue->of[queue->first++ % QUEUE]; }

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
static const char *check_token(const char *header, struct listener *listener) {
    static const char invalid[] = ", error=\"invalid_token\", error_description=\"The access token is invalid or expired\"";
    if (!header || strncasecmp(header, "bearer ", 7)) return "";
    const char *token = header + 7 + strspn(header + 7, " "), *end = token + strlen(token);
    const char *dot = strchr(token, '.'), *second = dot ? strchr(dot + 1, '.') : NULL;
    if (end - token > TOKEN_LIMIT || !second) return invalid;

    unsigned char bytes[TOKEN_LIMIT], code[32];
    if (base64url(second + 1, end - second - 1 < 44 ? end - second - 1 : 1, bytes) != 32) return invalid;
    mac(crypto.token_mac, token, second - token, code);
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
static void derive_signing_key(const char *date) {
    unsigned char key[32];
    char first[300];
    const char *parts[] = {date, settings.region, "s3", "aws4_request"};
    set_mac_key(crypto.signing_mac, first, snprintf(first, sizeof first, "AWS4%s", settings.secret_key));
    for (int i = 0; i < 4; i++) {
        mac(crypto.signing_mac, parts[i], strlen(parts[i]), key);
        set_mac_key(crypto.signing_mac, key, sizeof key);
    }
    strcpy(crypto.signing_date, date);
}

static void presign(const char *method, const char *endpoint, const char *key, const char *type,
                    long expiry_s, time_t now, char *url) {
    char date[17], day[9], uri[3300], credential[300], encoded[900], head[1400], tail[600] = "", text[6000];
    char digest_hex[65], signature[65];
    unsigned char digest[32];
    struct tm utc;
    strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    memcpy(day, date, 8); day[8] = 0;
    if (strcmp(day, crypto.signing_date)) derive_signing_key(day);

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
    EVP_DigestInit_ex2(crypto.hash, sha256, NULL);
    EVP_DigestUpdate(crypto.hash, text, length);
    EVP_DigestFinal_ex(crypto.hash, digest, NULL);
    hexadecimal(digest_hex, digest);
    const char *scope = credential + strlen(settings.access_key) + 1;
    length = snprintf(text, sizeof text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, digest_hex);
    mac(crypto.signing_mac, text, length, digest);
    hexadecimal(signature, digest);
    sprintf(url, "%s%s?%s%s%s&X-Amz-Signature=%s", endpoint, uri, tail, type ? "&" : "", head, signature);
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
static int open_value(const char *value, size_t length, const char *cache_key, char *plain) {
    char data[512];
    size_t nonce = 2 + strlen(settings.key_version), data_length = associated_data(data, cache_key);
    if (length < nonce + NONCE + TAG || length > ENTRY_LIMIT || memcmp(value, data, nonce)) return -1;
    const unsigned char *at = (const unsigned char *)value + nonce;
    int count = length - nonce - NONCE - TAG, ignored;
    return EVP_DecryptInit_ex2(crypto.opening, NULL, NULL, at, NULL)
        && EVP_DecryptUpdate(crypto.opening, NULL, &ignored, (unsigned char *)data, data_length)
        && EVP_DecryptUpdate(crypto.opening, (unsigned char *)plain, &ignored, at + NONCE, count)
        && EVP_CIPHER_CTX_ctrl(crypto.opening, EVP_CTRL_AEAD_SET_TAG, TAG, (void *)(at + NONCE + count))
        && EVP_DecryptFinal_ex(crypto.opening, (unsigned char *)plain + count, &ignored) ? count : -1;
}

static int64_t integer(PGresult *rows, int column) {
    uint64_t value;
    memcpy(&value, PQgetvalue(rows, 0, column), 8);
    return be64toh(value);
}

// ---- Answers: FastCGI records (FastCGI specification, sections 3.3, 5.3 and 5.5) ----

enum { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };

static void forget(struct exchange *exchange) {
    close(exchange->source.descriptor);
    free(exchange);
}

static unsigned char *record(unsigned char *at, int type, int id, int length, int padding) {
    const unsigned char header[8] = {1, type, id >> 8, id, length >> 8, length, padding, 0};
    return (unsigned char *)memcpy(at, header, 8) + 8;
}

// `text` has `length` bytes of headers and body.
static void answer(struct exchange *exchange, const char *text, int length) {
    unsigned char records[ANSWER_LIMIT + 64];
    int padding = -length & 7;
    exchange->is_busy = 0;
    PQclear(exchange->rows);
    free(exchange->cached);
    exchange->rows = NULL;
    exchange->cached = NULL;
    if (exchange->is_closed) return forget(exchange);
    unsigned char *at = record(records, STDOUT, exchange->id, length, padding);
    at = (unsigned char *)memset(memcpy(at, text, length) + length, 0, padding) + padding;
    at = record(at, STDOUT, exchange->id, 0, 0);
    at = (unsigned char *)memset(record(at, END_REQUEST, exchange->id, 8, 0), 0, 8) + 8;
    // The other side's buffer holds it: nginx never has two requests on one connection. It reads an unkept one to its
    // end, then closes.
    if (send(exchange->source.descriptor, records, at - records, MSG_NOSIGNAL) != at - records) die("nginx does not read");
    if (!exchange->is_kept) shutdown(exchange->source.descriptor, SHUT_WR);
}

static void answer_stream(struct exchange *exchange, int status, const char *headers, const char *user, const char *body, int length) {
    char text[ANSWER_LIMIT];
    answer(exchange, text, snprintf(text, sizeof text, "Status: 204 No Content\r\nX-Status: %d\r\n%s%s%s%sX-Answer: %.*s\r\n\r\n", status,
                                    *user ? "X-User-Id: " : "", user, *user ? "\r\n" : "", headers, length, body));
}

static void problem(struct exchange *exchange, int status, const char *slug, const char *title, const char *headers) {
    char body[2048];
    const char *uri = exchange->uri ? exchange->uri : "/";
    int length = snprintf(body, sizeof body, "{\"type\":\"https://novatune.dev/errors/%s\",\"title\":\"%s\",\"status\":%d,"
                          "\"detail\":\"%s.\",\"instance\":\"%.*s\"}", slug, title, status, title, (int)strcspn(uri, "?\"\\"), uri);
    if (length >= (int)sizeof body) length = sizeof body - 1;
    answer_stream(exchange, status, headers, status == 401 ? "" : exchange->listener.user, body, length);
}

static void unauthorized(struct exchange *exchange, const char *reason) {
    char challenge[200];
    snprintf(challenge, sizeof challenge, "X-Challenge: Bearer realm=\"novatune\"%s\r\n", reason);
    problem(exchange, 401, "unauthorized", "Authentication required", challenge);
}

static void forbidden(struct exchange *exchange) { problem(exchange, 403, "forbidden", "Access denied", ""); }

static void unavailable(struct exchange *exchange) {
    problem(exchange, 503, "service-unavailable", "Service unavailable", "X-Retry-After: 5\r\n");
}

static void answer_operations(struct exchange *exchange) {
    char body[300], text[600];
    int length = snprintf(body, sizeof body, "stream_url_cache_hits_total %ld\nstream_url_cache_misses_total %ld\n"
                          "novatune_token_checks_total{outcome=\"accepted\"} %ld\nnovatune_token_checks_total{outcome=\"unauthorized\"} %ld\n",
                          hits, misses, tokens_accepted, tokens_refused);
    answer(exchange, text, sprintf(text, "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", length, body));
}

static void answer_url(struct exchange *exchange, const char *url, int url_length, time_t expiry) {
    char body[12288], moment[21];
    struct tm utc;
    strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&expiry, &utc));
    // Neither a presigned URL nor a media type holds a character that JSON escapes.
    int length = snprintf(body, sizeof body, "{\"streamUrl\":\"%.*s\",\"expiresAt\":\"%s\",\"contentType\":\"%s\","
                          "\"fileSizeBytes\":%ld,\"supportsRangeRequests\":true}",
                          url_length, url, moment, PQgetvalue(exchange->rows, 0, 7), (long)integer(exchange->rows, 8));
    answer_stream(exchange, 200, "", exchange->listener.user, body, length);
}

// ---- The cache: RESP over a unix socket, what a turn has to say in one write ----

static struct { struct source source; struct queue queue; char in[1 << 20]; int length; char out[1 << 20]; int unsent; } cache;

static void say(const void *bytes, int length) {
    if (cache.unsent + length > (int)sizeof cache.out) die("the cache does not read");
    memcpy(cache.out + cache.unsent, bytes, length);
    cache.unsent += length;
}

static void say_word(const char *word, int length) {
    char head[16];
    say(head, sprintf(head, "$%d\r\n", length));
    say(word, length);
    say("\r\n", 2);
}

static void decide(struct exchange *);

static void came(struct exchange *exchange) { if (--exchange->waits_for == 0) decide(exchange); }

// A reply is +OK, $-1, or $length and a value; returns its length, or 0 where it is not complete.
static int take_reply(char *at, int length) {
    char *end = memmem(at, length, "\r\n", 2);
    if (!end) return 0;
    if (*at == '-') die(at);
    int count = *at == '$' ? atoi(at + 1) : -1, whole = end + 2 - at + (count < 0 ? 0 : count + 2);
    if (whole > length) return 0;
    struct exchange *exchange = pop(&cache.queue);
    if (!exchange) return whole;
    if (count >= 0) {
        exchange->cached = memcpy(malloc(count + 1), end + 2, count);
        exchange->cached_length = count;
    }
    came(exchange);
    return whole;
}

static void cache_ready(struct source *source) {
    int count = read(source->descriptor, cache.in + cache.length, sizeof cache.in - 1 - cache.length), at = 0, whole;
    if (count <= 0) die("the cache is gone");
    cache.length += count;
    cache.in[cache.length] = 0;
    while (at < cache.length && (whole = take_reply(cache.in + at, cache.length - at))) at += whole;
    memmove(cache.in, cache.in + at, cache.length -= at);
}

static void store(const char *cache_key, const char *plain, int count) {
    char value[ENTRY_LIMIT + 600], data[512], milliseconds[24];
    size_t data_length = associated_data(data, cache_key), nonce = 2 + strlen(settings.key_version);
    int ignored;
    memcpy(value, data, nonce);
    unsigned char *at = (unsigned char *)value + nonce;
    RAND_bytes(at, NONCE);
    EVP_EncryptInit_ex2(crypto.sealing, NULL, NULL, at, NULL);
    EVP_EncryptUpdate(crypto.sealing, NULL, &ignored, (unsigned char *)data, data_length);
    EVP_EncryptUpdate(crypto.sealing, at + NONCE, &ignored, (unsigned char *)plain, count);
    EVP_EncryptFinal_ex(crypto.sealing, at + NONCE + count, &ignored);
    EVP_CIPHER_CTX_ctrl(crypto.sealing, EVP_CTRL_AEAD_GET_TAG, TAG, at + NONCE + count);
    say("*5\r\n$3\r\nSET\r\n", 13);
    say_word(cache_key, strlen(cache_key));
    say_word(value, nonce + NONCE + count + TAG);
    say_word("PX", 2);
    say_word(milliseconds, sprintf(milliseconds, "%ld", (settings.expiry_s - settings.buffer_s) * 1000));
    push(&cache.queue, NULL);
}

// ---- The object store: HEAD on kept connections, one request on each at a time ----

struct store { struct source source; struct exchange *exchange; char in[4096]; int length; struct store *next; };
static struct store *idle_stores;
static struct { char track[ULID]; int64_t version; } verified[VERIFIED];

static int connect_to_store(void) {
    char host[256];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    snprintf(host, sizeof host, "%s", strstr(settings.endpoint, "://") + 3);
    char *port = strrchr(host, ':');
    if (!port) die("NOVATUNE_S3_ENDPOINT: http://host:port");
    *port++ = 0;
    if (getaddrinfo(host, port, &hints, &found)) die(host);
    int descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (connect(descriptor, found->ai_addr, found->ai_addrlen)) die("no object store");
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    freeaddrinfo(found);
    return descriptor;
}

static size_t place_of(const char *track) {
    uint64_t hash = 1469598103934665603u;
    for (int i = 0; i < ULID; i++) hash = (hash ^ (unsigned char)track[i]) * 1099511628211u;
    return (hash ^ hash >> 29) % VERIFIED;
}

static void issue(struct exchange *);

static void store_ready(struct source *source) {
    struct store *store = (struct store *)source;
    int status = 0, count = recv(source->descriptor, store->in + store->length, sizeof store->in - 1 - store->length, 0);
    struct exchange *exchange = store->exchange;
    if (count <= 0) {
        if (exchange) die("the object store is gone");
        for (struct store **at = &idle_stores; *at; at = &(*at)->next) if (*at == store) { *at = store->next; break; }
        close(source->descriptor);
        free(store);
        return;
    }
    store->in[store->length += count] = 0;
    if (!strstr(store->in, "\r\n\r\n")) return;
    sscanf(store->in, "HTTP/1.1 %d", &status);
    store->exchange = NULL;
    store->next = idle_stores;
    idle_stores = store;
    if (status != 200) return unavailable(exchange);
    size_t place = place_of(exchange->track);
    memcpy(verified[place].track, exchange->track, ULID);
    verified[place].version = integer(exchange->rows, 5);
    issue(exchange);
}

static void head_object(struct exchange *exchange) {
    char url[8192], text[9000];
    struct store *store = idle_stores;
    if (store) idle_stores = store->next;
    else {
        store = calloc(1, sizeof *store);
        store->source.descriptor = connect_to_store();
        watch(&store->source, store_ready);
    }
    store->exchange = exchange;
    store->length = 0;
    presign("HEAD", settings.endpoint, PQgetvalue(exchange->rows, 0, 6), NULL, 60, exchange->now, url);
    const char *host = strstr(url, "://") + 3, *path = strchr(host, '/');
    int length = snprintf(text, sizeof text, "HEAD %s HTTP/1.1\r\nHost: %.*s\r\n\r\n", path, (int)(path - host), host);
    if (send(store->source.descriptor, text, length, MSG_NOSIGNAL) != length) die("the object store does not read");
}

// ---- The stream URL ----

static size_t entry_stamp(PGresult *rows, struct entry_head *head) {
    size_t key_length = PQgetlength(rows, 0, 6);
    *head = (struct entry_head){
        0, htobe64(integer(rows, 5)), htobe64(integer(rows, 1)), htobe64(settings.fingerprint), htobe16(key_length)};
    return key_length;
}

static void issue(struct exchange *exchange) {
    PGresult *rows = exchange->rows;
    char plain[ENTRY_LIMIT];
    struct entry_head head;
    const char *object_key = PQgetvalue(rows, 0, 6);
    size_t key_length = entry_stamp(rows, &head);
    head.expiry = htobe64(exchange->now + settings.expiry_s);
    memcpy(plain, &head, sizeof head);
    memcpy(plain + sizeof head, object_key, key_length);
    char *url = plain + sizeof head + key_length;
    presign("GET", settings.public_endpoint, object_key, PQgetvalue(rows, 0, 7), settings.expiry_s, exchange->now, url);
    store(exchange->cache_key, plain, sizeof head + key_length + strlen(url));
    misses++;
    answer_url(exchange, url, strlen(url), exchange->now + settings.expiry_s);
}

// Row and cache entry have come.
static void decide(struct exchange *exchange) {
    PGresult *rows = exchange->rows;
    char plain[ENTRY_LIMIT];
    struct entry_head head, current;
    exchange->now = time(NULL);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK) return unavailable(exchange);
    if (PQntuples(rows) == 0 || strcmp(PQgetvalue(rows, 0, 0), "Active")) return forbidden(exchange);
    int64_t valid_after = integer(rows, 2);
    if (valid_after != INT64_MIN
        && (exchange->listener.issued_at < 0 || exchange->listener.issued_at * 1000000 < valid_after + 946684800000000))
        return unauthorized(exchange, ", error=\"invalid_token\"");
    if (PQgetisnull(rows, 0, 3)) return problem(exchange, 404, "track-not-found", "Track not found", "");
    if (PQgetisnull(rows, 0, 9)) return forbidden(exchange);
    if (strcmp(PQgetvalue(rows, 0, 4), "Ready"))
        return problem(exchange, 409, "track-not-ready", "Track not ready for streaming", "");

    size_t key_length = entry_stamp(rows, &current);
    int count = exchange->cached ? open_value(exchange->cached, exchange->cached_length, exchange->cache_key, plain) : -1;
    if (count > (int)(sizeof head + key_length)) {
        memcpy(&head, plain, sizeof head);
        int is_current = !memcmp((char *)&head + 8, (char *)&current + 8, sizeof head - 8)
            && !memcmp(plain + sizeof head, PQgetvalue(rows, 0, 6), key_length);
        if (is_current && (time_t)be64toh(head.expiry) > exchange->now + settings.buffer_s) {
            char *url = plain + sizeof head + key_length;
            hits++;
            return answer_url(exchange, url, plain + count - url, be64toh(head.expiry));
        }
    }
    size_t place = place_of(exchange->track);
    int is_verified = !memcmp(verified[place].track, exchange->track, ULID) && verified[place].version == integer(rows, 5);
    if (settings.verifies_object && !is_verified) head_object(exchange);
    else issue(exchange);
}

// ---- The database: libpq in pipeline mode, the questions of a turn in one group ----

static struct { struct source source; PGconn *connection; struct queue queue; int unsynchronized, groups; } database;

static void database_ready(struct source *source) {
    (void)source;
    if (!PQconsumeInput(database.connection)) die(PQerrorMessage(database.connection));
    while ((database.groups || database.queue.first != database.queue.end) && !PQisBusy(database.connection)) {
        PGresult *result = PQgetResult(database.connection);
        if (!result) continue;
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) { database.groups--; PQclear(result); continue; }
        struct exchange *exchange = pop(&database.queue);
        exchange->rows = result;
        came(exchange);
    }
}

static void ask(struct exchange *exchange) {
    const char *path = exchange->path;
    size_t length = path ? strlen(path) : 0;
    if (length <= 15 || memcmp(path, "/tracks/", 8) || strcmp(path + length - 7, "/stream"))
        return problem(exchange, 404, "not-found", "Not found", "");
    if (!exchange->method || strcmp(exchange->method, "POST"))
        return problem(exchange, 405, "method-not-allowed", "Method not allowed", "");
    const char *reason = check_token(exchange->authorization, &exchange->listener);
    (*(reason ? &tokens_refused : &tokens_accepted))++;
    if (reason) return unauthorized(exchange, reason);
    if (!exchange->listener.is_listener) return forbidden(exchange);
    if (!ulid(path + 8, length - 15, exchange->track)) return problem(exchange, 400, "invalid-track-id", "Invalid track ID", "");

    // The cache is read while the database works.
    const char *parameters[] = {exchange->listener.user, exchange->track};
    if (!PQsendQueryPrepared(database.connection, "stream_access", 2, parameters, NULL, NULL, 1)) return unavailable(exchange);
    push(&database.queue, exchange);
    database.unsynchronized++;
    int key = sprintf(exchange->cache_key, "%s:%s:%s", settings.prefix, exchange->listener.user, exchange->track);
    say("*2\r\n$3\r\nGET\r\n", 13);
    say_word(exchange->cache_key, key);
    push(&cache.queue, exchange);
    exchange->waits_for = 2;
}

// ---- Requests ----

static unsigned pair_length(unsigned char **at) {
    unsigned char *p = *at;
    if (*p < 128) { *at += 1; return *p; }
    *at += 4;
    return (p[0] & 127u) << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void take_parameters(struct exchange *exchange, unsigned char *at, unsigned char *end) {
    unsigned char *after = NULL;
    exchange->authorization = exchange->path = exchange->method = exchange->uri = NULL;
    exchange->in_headers = 0;
    exchange->listener.user[0] = 0;
    while (at < end) {
        unsigned name_length = pair_length(&at), length = pair_length(&at);
        char *name = (char *)at, *value = name + name_length;
        // The value before ends here, where a length has just been read.
        if (after) *after = 0;
        after = (unsigned char *)value + length;
        at = after;
        if (at > end) die("a parameter is longer than its record");
        #define IS(word) (name_length == sizeof word - 1 && !memcmp(name, word, sizeof word - 1))
        if (IS("HTTP_AUTHORIZATION")) exchange->authorization = value;
        else if (IS("DOCUMENT_URI")) exchange->path = value;
        else if (IS("REQUEST_METHOD")) exchange->method = value;
        else if (IS("REQUEST_URI")) exchange->uri = value;
        else if (IS("ANSWER_IN")) exchange->in_headers = 1;
    }
    if (after) *after = 0;
}

// Whether a request is complete: its records end with an empty STDIN.
static int take_request(struct exchange *exchange) {
    unsigned char *in = (unsigned char *)exchange->in, *parameters = NULL, *end = NULL;
    for (int at = 0, whole; at + 8 <= exchange->length; at += whole) {
        unsigned char *header = in + at;
        int length = header[4] << 8 | header[5];
        whole = 8 + length + header[6];
        if (at + whole > exchange->length) return 0;
        if (header[1] == BEGIN_REQUEST) { exchange->id = header[2] << 8 | header[3]; exchange->is_kept = header[10] & 1; }
        if (header[1] == PARAMS && length) {
            if (parameters) die("parameters in more than one record");
            parameters = header + 8;
            end = parameters + length;
        }
        if (header[1] == STDIN && !length) {
            if (parameters) take_parameters(exchange, parameters, end);
            exchange->length = 0;
            return 1;
        }
    }
    if (exchange->length == REQUEST_LIMIT) die("a request is too long");
    return 0;
}

static void exchange_ready(struct source *source) {
    struct exchange *exchange = (struct exchange *)source;
    int count = recv(source->descriptor, exchange->in + exchange->length, REQUEST_LIMIT - exchange->length, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        epoll_ctl(events, EPOLL_CTL_DEL, source->descriptor, NULL);
        exchange->is_closed = 1;
        if (!exchange->is_busy) forget(exchange);
        return;
    }
    exchange->length += count;
    if (!take_request(exchange)) return;
    exchange->is_busy = 1;
    if (exchange->in_headers) ask(exchange);
    else answer_operations(exchange);
}

static void socket_ready(struct source *source) {
    int descriptor = accept4(source->descriptor, NULL, NULL, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    struct exchange *exchange = calloc(1, sizeof *exchange);
    exchange->source.descriptor = descriptor;
    watch(&exchange->source, exchange_ready);
}

// ---- Start ----

static int unix_socket(const char *address, int (*open)(int, const struct sockaddr *, socklen_t)) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (strncmp(address, "unix:", 5) || strlen(address + 5) >= sizeof name.sun_path) die("a socket is unix:/path");
    strcpy(name.sun_path, address + 5);
    if (open == bind) unlink(name.sun_path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (open(descriptor, (struct sockaddr *)&name, sizeof name)) die(address);
    return descriptor;
}

static void listen_on(struct source *source, const char *address) {
    source->descriptor = unix_socket(address, bind);
    if (listen(source->descriptor, 4096)) die(address);
    watch(source, socket_ready);
}

static void connect_to_database(void) {
    static const char query[] =
        "select u.status::text, u.session_epoch, u.tokens_valid_after,"
        " t.user_id::text, t.status::text, t.version, t.object_key, t.mime_type, t.file_size_bytes,"
        " case when t.user_id = u.user_id then 'infinity'::timestamptz else ("
        " select coalesce(g.expires_at, 'infinity'::timestamptz) from novatune.track_grants g"
        " where g.track_id = t.track_id and g.grantee_id = u.user_id and (g.expires_at is null or g.expires_at > now())) end"
        " from novatune.users u left join novatune.tracks t on t.track_id = $2"
        " where u.user_id = $1";
    const char *names[] = {"options", "client_encoding", "dbname", NULL};
    const char *values[] = {"-c plan_cache_mode=force_generic_plan -c jit=off", "UTF8", settings.database, NULL};
    database.connection = PQconnectdbParams(names, values, 1);
    PGresult *prepared = PQprepare(database.connection, "stream_access", query, 2, NULL);
    if (PQresultStatus(prepared) != PGRES_COMMAND_OK) die(PQerrorMessage(database.connection));
    PQclear(prepared);
    PQsetnonblocking(database.connection, 1);
    PQenterPipelineMode(database.connection);
    database.source.descriptor = PQsocket(database.connection);
    watch(&database.source, database_ready);
}

static void prepare_cryptography(void) {
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    crypto.token_mac = EVP_MAC_CTX_new(hmac);
    crypto.signing_mac = EVP_MAC_CTX_new(hmac);
    set_mac_key(crypto.token_mac, settings.jwt_secret, strlen(settings.jwt_secret));
    crypto.sealing = EVP_CIPHER_CTX_new();
    crypto.opening = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex2(crypto.sealing, gcm, settings.cache_key, NULL, NULL);
    EVP_DecryptInit_ex2(crypto.opening, gcm, settings.cache_key, NULL, NULL);
    crypto.hash = EVP_MD_CTX_new();
}

// What a turn has asked, in one write to each.
static void flush(void) {
    if (database.unsynchronized) {
        database.unsynchronized = 0;
        database.groups++;
        if (!PQpipelineSync(database.connection)) die(PQerrorMessage(database.connection));
        while (PQflush(database.connection) > 0) {}
    }
    if (cache.unsent && send(cache.source.descriptor, cache.out, cache.unsent, MSG_NOSIGNAL) != cache.unsent) die("the cache is gone");
    cache.unsent = 0;
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
    static struct source stream, gate;
    settings.database = setting("NOVATUNE_DATABASE_URL", NULL);
    settings.cache = setting("NOVATUNE_CACHE_URL", NULL);
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

    signal(SIGPIPE, SIG_IGN);
    events = epoll_create1(EPOLL_CLOEXEC);
    prepare_cryptography();
    connect_to_database();
    cache.source.descriptor = unix_socket(settings.cache, connect);
    watch(&cache.source, cache_ready);
    listen_on(&gate, setting("NOVATUNE_GATE_LISTEN", NULL));
    listen_on(&stream, setting("NOVATUNE_LISTEN", NULL));
    for (;;) {
        struct epoll_event ready[EVENTS];
        int count = epoll_wait(events, ready, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct source *source = ready[i].data.ptr;
            source->ready(source);
        }
        flush();
    }
}
