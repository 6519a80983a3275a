# shellcheck shell=bash
# A fresh state directory: secrets, ports, paths and the names that every other script reads. Sourced by nginx/up.

free_ports() { # COUNT FIRST LAST
    # Below the kernel's ephemeral range, so that a stopped component finds its port free when it comes back.
    perl -MIO::Socket::INET -e '
        my ($count, $first, $last) = @ARGV; my @held;
        while (@held < $count) {
            my $port = $first + int rand($last - $first + 1);
            my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port, Listen => 1) or next;
            push @held, $socket; print "$port\n";
        }' "$@"
}

port_is_free() {
    perl -MIO::Socket::INET -e '
        IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => shift, Listen => 1, ReuseAddr => 1) or exit 1' "$1"
}

random() { openssl rand -hex "$1"; }

# Sockets need a path of at most 107 bytes (unix(7)), and PostgreSQL's account must be able to walk to its data.
choose_run_dir() {
    local longest=$STATE/run/postgres/.s.PGSQL.65535 dir=$STATE/run
    mkdir -p "$dir"
    if ((${#longest} > 107)) || [[ $dir =~ [^A-Za-z0-9._/+@%,=-] ]] ||
        { [[ $(id -u) == 0 ]] && ! setpriv --reuid=postgres --regid=postgres --init-groups -- test -x "$dir"; }; then
        # No other process can have made it before: mkdir fails where there is something.
        dir=/var/tmp/novatune.$(random 3)
        mkdir -m 711 "$dir"
    fi
    remember RUN_DIR "$dir"
}

# The caller's NOVATUNE_* hold for the responder. Of those, sockets and token settings hold for the names in env too;
# CACHE_URL and S3_* there always name the stack's own servers.
prepare_state() { # PORT-OR-EMPTY MONITORING-OR-EMPTY GARNET-OR-EMPTY
    local ports monitor
    find "$STATE" -mindepth 1 -maxdepth 1 ! -name .novatune-stack ! -name up.lock ! -name pid -exec rm -rf {} +
    mkdir -p "$STATE/log" "$STATE/secrets"
    chmod 700 "$STATE/secrets"
    (umask 077; : >"$STATE/stack.env"; save_settings >"$STATE/settings.env")

    choose_run_dir
    mapfile -t ports < <(free_ports 10 20000 30999)
    monitor=$(free_ports 1 31000 32499)
    remember STATE_DIR "$STATE"
    remember PORT "${1:-${ports[0]}}"
    remember BASE_URL "${NOVATUNE_NGINX_SCHEME:-http}://127.0.0.1:$PORT"
    remember PLAYER_URL "$BASE_URL/player/"
    remember NGINX_ACCESS_LOG "${NOVATUNE_NGINX_ACCESS_LOG:-$STATE/log/access.log}"

    if [[ -n ${2:-} ]]; then
        remember PROMETHEUS_PORT "${ports[4]}"
        remember PROMETHEUS_URL "http://127.0.0.1:$PROMETHEUS_PORT"
        remember MTAIL_PORT "${ports[5]}"
        remember NGINX_EXPORTER_PORT "${ports[6]}"
        remember BLACKBOX_PORT "${ports[7]}"
        # A certificate to watch, also where nginx speaks plain HTTP.
        if [[ $BASE_URL == https:* ]]; then
            remember TLS_URL "$BASE_URL"
        else
            remember TLS_PORT "${ports[8]}"
            remember TLS_URL "https://127.0.0.1:$TLS_PORT"
        fi
    fi

    remember PG_DIR "$RUN_DIR/postgres"
    remember PG_PORT "${ports[1]}"
    remember PG_PASSWORD "$(random 16)"
    remember DATABASE_URL "postgresql://novatune_owner:$PG_PASSWORD@127.0.0.1:$PG_PORT/novatune"
    remember DATABASE_URL_UNIX "postgresql://novatune_owner@/novatune?host=$PG_DIR&port=$PG_PORT"
    # The server trusts this socket; the responder has a secret to keep all the same.
    remember RESPONDER_PASSWORD "$(random 16)"
    local responder="novatune_responder:$RESPONDER_PASSWORD"
    remember RESPONDER_DATABASE_URL \
        "${NOVATUNE_DATABASE_URL:-postgresql://$responder@/novatune?host=$PG_DIR&port=$PG_PORT}"

    remember REVOKER_PASSWORD "$(random 16)"
    remember REVOKER_DATABASE_URL \
        "postgresql://novatune_revoker:$REVOKER_PASSWORD@/novatune?host=$PG_DIR&port=$PG_PORT"

    remember AUTHORIZER_PASSWORD "$(random 16)"
    remember AUTHORIZER_DATABASE_URL \
        "postgresql://novatune_authorizer:$AUTHORIZER_PASSWORD@/novatune?host=$PG_DIR&port=$PG_PORT"
    remember AUTHORIZE_URL "http://127.0.0.1:${ports[9]}"
    remember AUTHORIZE_TOKEN "$(random 16)"

    # The program; empty for Redis.
    remember GARNET_PROGRAM "${3:-}"
    remember REDIS_PORT "${ports[2]}"
    remember REDIS_SOCKET "$RUN_DIR/redis.sock"
    remember CACHE_URL "redis://127.0.0.1:$REDIS_PORT/0"
    remember CACHE_URL_UNIX "unix:$REDIS_SOCKET"

    remember CEPH_PORT "$monitor"
    remember S3_PORT "${ports[3]}"
    remember S3_ENDPOINT "http://127.0.0.1:$S3_PORT"
    remember S3_REGION us-east-1
    remember S3_BUCKET novatune

    remember STREAM_SOCKET "${NOVATUNE_LISTEN:-unix:$RUN_DIR/stream.sock}"
    remember GATE_SOCKET "${NOVATUNE_GATE_LISTEN:-unix:$RUN_DIR/gate.sock}"
    remember REVOKE_SOCKET "unix:$RUN_DIR/revoke.sock"
    remember AUTHORIZE_SOCKET "unix:$RUN_DIR/authorize.sock"
    remember LOG_FILE "$STATE/log/responder.log"
    if [[ -n ${NOVATUNE_JWT_HS256_SECRET_FILE:-} ]]; then
        remember JWT_HS256_SECRET "$(<"$NOVATUNE_JWT_HS256_SECRET_FILE")"
    else
        remember JWT_HS256_SECRET "${NOVATUNE_JWT_HS256_SECRET:-$(random 32)}"
    fi
    remember JWT_ISSUER "${NOVATUNE_JWT_ISSUER:-https://auth.novatune.dev}"
    remember JWT_AUDIENCE "${NOVATUNE_JWT_AUDIENCE:-novatune-stream}"
    remember CACHE_KEYS_FILE "${NOVATUNE_CACHE_KEYS_FILE:-$STATE/secrets/cache-keys.json}"
    (
        umask 077
        printf '{"current":"v1","keys":{"v1":"%s"}}\n' "$(openssl rand -base64 32)" >"$STATE/secrets/cache-keys.json"
    )
}

save_settings() {
    local name
    for name in $(compgen -e NOVATUNE_); do printf '%s=%s\n' "$name" "$(quote "${!name}")"; done
}
