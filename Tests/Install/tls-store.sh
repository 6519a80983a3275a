# shellcheck shell=bash
# The stack's object store behind TLS. Sourced by packages-checks.
# shellcheck disable=SC2154 # set by the other parts

# The network is this test's own, and the stack takes no port of this number.
store=https://127.0.0.1:8443

begin_tls_store() {
    mkdir -p "$state/store"
    cat >"$state/store/nginx.conf" <<CONF
pid $state/store/pid;
error_log $state/log/store error;
events {}
http {
    access_log off;
    server {
        listen ${store#https://} ssl;
        ssl_certificate $state/chain.pem;
        ssl_certificate_key $state/key.pem;
        location / {
            proxy_pass $S3_ENDPOINT;
            # A part of what is signed.
            proxy_set_header Host \$http_host;
            proxy_buffering off;
        }
    }
}
CONF
    nginx -c "$state/store/nginx.conf"
}

end_tls_store() {
    if [[ -f $state/store/pid ]]; then kill "$(<"$state/store/pid")"; fi
}
