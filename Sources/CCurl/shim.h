#pragma once
#include <curl/curl.h>

// curl_easy_setopt, curl_easy_getinfo and curl_multi_setopt are variadic, which Swift does not import: one shim for
// each type of argument.
static inline CURLcode novatune_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode novatune_curl_set_pointer(CURL *handle, CURLoption option, const void *value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode novatune_curl_get_long(CURL *handle, CURLINFO info, long *value) {
    return curl_easy_getinfo(handle, info, value);
}
static inline CURLcode novatune_curl_get_offset(CURL *handle, CURLINFO info, curl_off_t *value) {
    return curl_easy_getinfo(handle, info, value);
}
// A curl_write_callback also receives headers (CURLOPT_HEADERFUNCTION).
static inline CURLcode novatune_curl_set_write(CURL *handle, CURLoption option, curl_write_callback write) {
    return curl_easy_setopt(handle, option, write);
}
static inline CURLMcode novatune_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}
// Both callbacks get the same context.
static inline CURLMcode novatune_curl_multi_set_callbacks(
    CURLM *multi, curl_socket_callback watch, curl_multi_timer_callback schedule, void *context) {
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, schedule);
    return curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}
