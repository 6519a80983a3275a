# shellcheck shell=bash
# Checks of what the guide's commands and the units set up. Sourced by checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by eventually

# The commands of a part of Deployment's "By hand", from one comment to the next or to the block's end.
guide_commands() { # COMMENT
    awk -v begins="# $1" '
        index($0, begins) == 1 { found = 1; next }
        found && (/^# / || /^```/) { exit }
        found' "$repo/Sources/novatune-streamd/Documentation.docc/Deployment.md"
}

run_commands() { # TEXT
    [[ -n $1 ]] || { fail 'Deployment.md has no such commands'; return; }
    inside env NOVATUNE_RATE_LIMIT_PER_MINUTE=100000 bash -euxc "cd /srv/novatune; $1"
}

settings_text() {
    cat <<SETTINGS
NOVATUNE_DATABASE_URL=postgresql://novatune_responder:$RESPONDER_PASSWORD@127.0.0.1:$PG_PORT/novatune
NOVATUNE_CACHE_URL=$CACHE_URL
NOVATUNE_CACHE_KEYS_FILE=/etc/novatune/keys.json
NOVATUNE_S3_ENDPOINT=$S3_ENDPOINT
NOVATUNE_S3_REGION=$S3_REGION
NOVATUNE_S3_BUCKET=$S3_BUCKET
NOVATUNE_S3_ACCESS_KEY_ID=$S3_ACCESS_KEY_ID
NOVATUNE_S3_SECRET_ACCESS_KEY=$S3_SECRET_ACCESS_KEY
NOVATUNE_JWT_ISSUER=$JWT_ISSUER
NOVATUNE_JWT_AUDIENCE=$JWT_AUDIENCE
NOVATUNE_JWT_HS256_SECRET=$JWT_HS256_SECRET
NOVATUNE_LOG_LEVEL=info
SETTINGS
}

responder_is_installed() {
    mark
    settings_text >"$root/srv/settings"
    psql --quiet "$DATABASE_URL" <<<"alter role novatune_responder password '$RESPONDER_PASSWORD'"
    run_commands "$(guide_commands 'The responder.')"
    local name
    for name in "$unit" "${sockets[@]}"; do
        equals "$name" active "$(property ActiveState "$name")"
        equals "$name" enabled "$(property UnitFileState "$name")"
    done
    for name in stream gate; do
        equals "the socket $name" '660 novatune www-data' "$(inside stat -c '%a %U %G' "/run/novatune/$name.sock")"
    done
    equals 'the state directory' '700 novatune' "$(inside stat -c '%a %U' /var/lib/novatune)"
    eventually 'the journal has the line ready' journal_has '"event":"ready"'
}

make_certificate() {
    inside install -d /etc/ssl/novatune
    inside openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
        -keyout /etc/ssl/novatune/key.pem -out /etc/ssl/novatune/chain.pem
    inside cat /etc/ssl/novatune/chain.pem >"$state/chain.pem"
}

nginx_is_installed() {
    make_certificate
    local commands url
    commands=$(guide_commands 'nginx.')
    commands=${commands/CHAIN.PEM//etc/ssl/novatune/chain.pem}
    run_commands "${commands/KEY.PEM//etc/ssl/novatune/key.pem}"
    eventually 'a request is answered with 200' answers
    curl --silent --show-error --fail --cacert "$state/chain.pem" https://127.0.0.1/readyz
    url=$(jq -r .streamUrl "$state/answer")
    curl --silent --show-error --fail --output "$state/song" "$url"
    equals 'the size of the audio' "$(jq .fileSizeBytes "$state/answer")" "$(stat -c %s "$state/song")"
}

# systemd before 254 does not know two directives, and says so.
units_are_valid() {
    inside systemd-analyze verify "${sockets[@]/#//etc/systemd/system/}" "/etc/systemd/system/$unit" \
        >"$state/verify" 2>&1
    if (($(systemd_version) < 254)); then
        sed -i -E "/Unknown key '(RestartSteps|RestartMaxDelaySec)' in section \[Service\], ignoring/d" "$state/verify"
    fi
    equals 'what systemd-analyze finds' '' "$(grep novatune "$state/verify" || true)"
}

process_is_confined() {
    local pid status limits most
    pid=$(main_pid)
    status=$(inside cat "/proc/$pid/status")
    limits=$(inside cat "/proc/$pid/limits")
    grep -E '^CapEff:\s0+$' <<<"$status"
    grep -E '^CapBnd:\s0+$' <<<"$status"
    grep -E '^NoNewPrivs:\s1$' <<<"$status"
    grep -E '^Seccomp:\s2$' <<<"$status"
    grep -E "^Uid:\s$(inside id -u novatune)\s" <<<"$status"
    grep -E '^VmLck:\s+[1-9][0-9]* kB$' <<<"$status"
    grep -E '^Max locked memory +1048576 +1048576 ' <<<"$limits"
    # A machine without CAP_SYS_RESOURCE cannot raise its own limit.
    most=$(inside bash -c 'ulimit -n 65536 2>/dev/null; ulimit -Hn')
    grep -E "^Max open files +$most +$most " <<<"$limits"
    grep -E '^Max core file size +0 +0 ' <<<"$limits"
    equals 'MemoryMax' $((512 << 20)) "$(property MemoryMax)"
    equals 'WatchdogUSec' 30s "$(property WatchdogUSec)"
}

machine_boots_again() {
    local former
    former=$(leader)
    inside systemctl reboot
    boots() { [[ $(leader) != "$former" ]] && machine_runs; }
    eventually 'the machine runs again' boots
    eventually 'a request is answered with 200' answers
    equals 'starts after the boot' 0 "$(property NRestarts)"
}

low_memlock_is_named() {
    mark
    drop_in LimitMEMLOCK=0
    inside systemctl restart "$unit"
    eventually 'the journal names the limit' journal_has RLIMIT_MEMLOCK
    equals 'its level and priority' 'warning 4' \
        "$(lines | jq -r 'select(.event == "keys not locked") | "\(.level) \(.priority)"')"
    remove_drop_in
    mark
    inside systemctl restart "$unit"
    eventually 'the journal has the line ready' journal_has '"event":"ready"'
    if journal_has 'keys not locked'; then fail 'keys are not locked with the limit of the unit'; fi
}

unit_is_rated() {
    local rating
    rating=$(inside systemd-analyze security --no-pager "$unit" | grep 'Overall exposure level')
    echo "        $rating" >&3
}
