# shellcheck shell=bash
# Checks of what systemd does with a responder that runs, and of what the journal has of it. Sourced by checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by eventually

lines_have_priorities() {
    mark
    equals 'a request' 200 "$(request)"
    equals 'a request of a suspended user' 403 "$(request "$TOKEN_SUSPENDED")"
    eventually 'the journal has the refusal' journal_has '"access denied"'
    equals 'events and priorities' $'access denied 4\nstream url requested 6' \
        "$(lines | jq -r '"\(.event) \(.priority)"' | sort -u)"
    equals 'the events of -p warning' 'access denied' "$(lines -p warning | jq -r .event)"
}

burst_is_kept() {
    local asked=3000
    limit_journald
    mark
    curl --silent --no-progress-meter --parallel --parallel-max 16 --cacert "$state/chain.pem" --output /dev/null \
        --write-out '%{http_code}\n' --request POST --header "Authorization: Bearer $TOKEN_ALICE" \
        "https://127.0.0.1/tracks/$TRACK_READY/stream#[1-$asked]" >"$state/statuses"
    equals 'the statuses' "$asked 200" "$(sort "$state/statuses" | uniq -c | sed 's/^ *//')"
    sum() { lines | jq -c 'select(.event == "stream url requested")' | wc -l; }
    has_all() { (($(sum) == asked)); }
    eventually "the journal has a line of each of $asked requests" has_all || fail "it has $(sum)"
    restore_journald
}

is_replaced() { # FORMER-PID
    local pid
    pid=$(main_pid)
    is active && [[ $pid != "$1" && $pid != 0 ]]
}

# The first request comes when the process is gone, half a second before the next one starts.
killed_process_is_replaced() {
    local former socket count
    former=$(main_pid)
    count=$(property NRestarts)
    socket=$(inside stat -c %i /run/novatune/stream.sock)
    inside sh -c "kill -9 $former; while kill -0 $former 2>/dev/null; do sleep 0.01; done"
    equals 'a request while there is no process' 200 "$(request)"
    eventually 'there is another process' is_replaced "$former"
    equals 'the count of restarts' $((count + 1)) "$(property NRestarts)"
    equals 'the inode of the socket' "$socket" "$(inside stat -c %i /run/novatune/stream.sock)"
}

hanging_process_is_replaced() {
    local former
    drop_in WatchdogSec=2s
    inside systemctl restart "$unit"
    former=$(main_pid)
    mark
    inside kill -STOP "$former"
    eventually 'there is another process' is_replaced "$former"
    eventually 'the journal names the watchdog' journal_has 'Watchdog timeout'
    equals 'a request' 200 "$(request)"
    remove_drop_in
    inside systemctl restart "$unit"
}

restart_loses_no_request() {
    rm -f "$state/enough"
    trap 'touch "$state/enough"' EXIT
    (until [[ -e $state/enough ]]; do request; done) >"$state/statuses" &
    local asking=$! former
    for _ in 1 2 3; do
        former=$(main_pid)
        inside systemctl restart "$unit"
        eventually 'there is another process' is_replaced "$former"
    done
    touch "$state/enough"
    wait "$asking"
    equals 'the statuses' 200 "$(sort -u "$state/statuses")"
}

bad_reload_is_refused() {
    local former
    former=$(main_pid)
    mark
    edit NOVATUNE_LOG_LEVEL loud
    if inside systemctl reload "$unit"; then fail 'systemctl reload succeeds with a bad setting'; fi
    eventually 'the journal names the setting' journal_has NOVATUNE_LOG_LEVEL
    equals 'the state' active "$(property ActiveState)"
    equals 'the process' "$former" "$(main_pid)"
    equals 'a request' 200 "$(request)"
    restore_settings
}

good_reload_is_taken() {
    local former
    former=$(main_pid)
    mark
    edit NOVATUNE_LOG_LEVEL debug
    inside systemctl reload "$unit"
    eventually 'the journal has the reload' journal_has '"log_level":"debug"'
    equals 'a request' 200 "$(request)"
    eventually 'the journal has a line of the new level' journal_has '"level":"debug"'
    equals 'the process' "$former" "$(main_pid)"
    restore_settings
    inside systemctl reload "$unit"
}

# Only root may read the file; systemd hands a copy to the service. The signal alone, because ExecReload= of a unit with
# ProtectSystem= gets no credentials (systemd's issue 35227).
credential_is_loaded() {
    inside sh -c "umask 077; sed -n 's/^NOVATUNE_DATABASE_URL=//p' $settings >/etc/novatune/database-url"
    inside sed -i '/^NOVATUNE_DATABASE_URL=/d' "$settings"
    drop_in LoadCredential=database-url:/etc/novatune/database-url \
        Environment=NOVATUNE_DATABASE_URL_FILE=%d/database-url
    inside systemctl restart "$unit"
    equals 'a request' 200 "$(request)"
    mark
    inside systemctl kill --kill-who main --signal HUP "$unit"
    eventually 'the journal has the reload' journal_has '"event":"reloaded"'
    remove_drop_in
    restore_settings
    inside systemctl restart "$unit"
}

# A wait shows it: within it, Restart= would have come several times.
stop_stays() {
    inside systemctl stop "${sockets[@]}" "$unit"
    sleep 3
    equals 'a request' 503 "$(request)"
    equals 'the service' inactive "$(property ActiveState)"
    equals 'the socket' inactive "$(property ActiveState "${sockets[0]}")"
    inside systemctl start "${sockets[@]}" "$unit"
    eventually 'a request is answered with 200' answers
}

stopped_service_starts_with_a_request() {
    inside systemctl stop "$unit"
    sleep 3
    equals 'the service' inactive "$(property ActiveState)"
    equals 'the socket' active "$(property ActiveState "${sockets[0]}")"
    equals 'a request' 200 "$(request)"
    equals 'the service after a request' active "$(property ActiveState)"
}

repeated() { (($(property NRestarts) >= $1)); }

failing_start_is_repeated() {
    mark
    edit NOVATUNE_DATABASE_URL \
        "postgresql://novatune_responder:$RESPONDER_PASSWORD@127.0.0.1:$PG_PORT/novatune?sslmode=none"
    inside systemctl restart "$unit" || true
    eventually 'the start is repeated' repeated 4
    eventually 'the journal has the exit status' journal_has 'status=78/CONFIG'
    eventually 'the next start waits' is activating
    equals 'the socket' active "$(property ActiveState "${sockets[0]}")"
    journal --output cat -p err | grep -F NOVATUNE_DATABASE_URL
    # Only systemd 254 and newer have the property, and longer pauses.
    if [[ -n $(property RestartUSecNext) ]]; then
        if [[ $(property RestartUSecNext) == "$(property RestartUSec)" ]]; then fail 'the pause stays the same'; fi
    fi
    restore_settings
    eventually 'a request is answered with 200' answers
}

# The unit's own limit: more starts than its shortest pause allows within the interval, so that only a loop without a
# pause reaches it. A slow machine does not start 150 times in 60 s: the loop itself is shown with a lower limit.
loop_of_starts_ends() {
    equals 'the limit' '1min 150 500ms' \
        "$(property StartLimitIntervalUSec) $(property StartLimitBurst) $(property RestartUSec)"
    drop_in RestartSec=0 RestartSteps=0 '[Unit]' StartLimitBurst=10
    mark
    edit NOVATUNE_LOG_LEVEL loud
    inside systemctl restart "$unit" || true
    eventually 'the unit is given up' is failed
    eventually 'the journal has the reason' journal_has 'Start request repeated too quickly'
    remove_drop_in
    restore_settings
    inside systemctl reset-failed 'novatune-streamd*'
    inside systemctl start "${sockets[@]}" "$unit"
    eventually 'a request is answered with 200' answers
}

secrets() {
    printf '%s\n' "$TOKEN_ALICE" "$TOKEN_SUSPENDED" "${TOKEN_ALICE##*.}" "${TOKEN_SUSPENDED##*.}" \
        "$RESPONDER_PASSWORD" "$S3_ACCESS_KEY_ID" "$S3_SECRET_ACCESS_KEY" "$JWT_HS256_SECRET"
    inside cat /etc/novatune/keys.json | jq -r '.keys[]'
    grep -o 'X-Amz-Signature=[0-9a-f]*' "$state/urls" | cut -d = -f 2 | sort -u
}

logs_hold_no_secret() {
    secrets >"$state/secrets"
    inside journalctl --sync
    inside journalctl --no-pager --output export >"$state/log/all"
    inside sh -c 'cat /var/log/nginx/*.log' >>"$state/log/all"
    # That the search finds what is there: a line of a request, of systemd and of nginx.
    grep -aF '"event":"stream url requested"' "$state/log/all" >/dev/null
    grep -aF 'Start request repeated too quickly' "$state/log/all" >/dev/null
    grep -aF "/tracks/$TRACK_READY/stream" "$state/log/all" >/dev/null
    equals 'lines with a secret' 0 "$(grep -acFf "$state/secrets" "$state/log/all" || true)"
    rm "$state/secrets"
}
