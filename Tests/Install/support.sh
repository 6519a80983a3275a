# shellcheck shell=bash
# What all checks use. Sourced by checks.
# shellcheck disable=SC2034,SC2154 # set here for the other parts, or there for this one

unit=novatune-streamd.service
sockets=(novatune-streamd.socket novatune-streamd-gate.socket)
settings=/etc/novatune/novatune.env

passed=0 failed=0
check() { # SENTENCE FUNCTION
    local rc
    # Not as a condition, where the function would go on after a failed command.
    set +e
    (
        set -Eeuo pipefail
        trap 'echo "    line $LINENO: $BASH_COMMAND" >&2' ERR
        "$2"
    ) >"$state/log/check" 2>&1
    rc=$?
    set -e
    if ((rc == 0)); then
        passed=$((passed + 1))
        printf 'ok      %s\n' "$1"
    else
        failed=$((failed + 1))
        printf 'FAILED  %s\n' "$1"
        tail -n 30 "$state/log/check" | cut -c 1-300
        recover
    fi
}

# What a check that failed has left behind, so that the next one begins as if it had passed.
recover() {
    {
        remove_drop_in
        restore_settings
        restore_journald
        inside systemctl reset-failed 'novatune-streamd*'
        inside systemctl restart "${sockets[@]}" "$unit"
    } >/dev/null 2>&1 || true
}

fail() {
    echo "    $*" >&2
    return 1
}

eventually() { # WHAT COMMAND…
    local what=$1 ends=$((SECONDS + 30))
    shift
    until "$@"; do
        if ((SECONDS >= ends)); then fail "not within 30 s: $what"; return; fi
        sleep 0.1
    done
}

equals() { # WHAT EXPECTED OBSERVED
    [[ $2 == "$3" ]] || fail "$1: expected '$2', observed '$3'"
}

# Inside of the machine.
systemd_version() { inside systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p'; }
property() { inside systemctl show --property "$1" --value "${2:-$unit}"; }
main_pid() { property MainPID; }
is() { [[ $(property ActiveState "${2:-$unit}") == "$1" ]]; }

# Not by a cursor: of the entries after it that pass a filter, systemd 252 leaves out the first.
mark() { date +%s.%6N >"$state/mark"; }
# What the journal has of the unit since the mark.
journal() {
    inside journalctl --sync
    inside journalctl --quiet --no-pager --since "@$(<"$state/mark")" --unit "$unit" "$@"
}
journal_has() { journal --output cat | grep -F -- "$1" >/dev/null; }
# The responder's own lines: the JSON that it has logged, with the journal's priority.
lines() {
    journal --output json "$@" |
        jq -c 'select(._COMM == "novatune-stream") | .PRIORITY as $priority | .MESSAGE | fromjson? | . + {$priority}'
}

edit() { # NAME VALUE — puts a setting into the file.
    inside sed -i "/^$1=/d" "$settings"
    # shellcheck disable=SC2016 # its own arguments
    inside sh -c 'printf "%s=%s\n" "$1" "$2" >>"$3"' - "$1" "$2" "$settings"
}
restore_settings() { inside editor "$settings"; }

drop_in() { # DIRECTIVE…
    inside mkdir -p "/etc/systemd/system/$unit.d"
    printf '%s\n' '[Service]' "$@" | inside tee "/etc/systemd/system/$unit.d/test.conf" >/dev/null
    inside systemctl daemon-reload
}
remove_drop_in() {
    inside rm -f "/etc/systemd/system/$unit.d/test.conf"
    inside systemctl daemon-reload
}

# A journal that keeps few lines of a unit, and multiplies that by up to six where its disk has room.
limit_journald() {
    inside mkdir -p /etc/systemd/journald.conf.d
    printf '[Journal]\nRateLimitIntervalSec=60s\nRateLimitBurst=100\n' |
        inside tee /etc/systemd/journald.conf.d/test.conf >/dev/null
    inside systemctl restart systemd-journald
}
restore_journald() {
    if inside rm /etc/systemd/journald.conf.d/test.conf; then inside systemctl restart systemd-journald; fi
}

# The status of an answer; its body is in STATE/answer, and each URL is kept for the last check.
request() { # [TOKEN]
    local answer
    answer=$(mktemp "$state/answer.XXXXXX")
    curl --silent --show-error --max-time 40 --cacert "$state/chain.pem" --output "$answer" \
        --write-out '%{http_code}\n' --request POST --header "Authorization: Bearer ${1:-$TOKEN_ALICE}" \
        "https://127.0.0.1/tracks/$TRACK_READY/stream"
    jq -r '.streamUrl // empty' "$answer" >>"$state/urls" || true
    mv "$answer" "$state/answer"
}
answers() { equals 'a request' 200 "$(request "$TOKEN_ALICE")" 2>/dev/null; }
