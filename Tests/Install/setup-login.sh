# shellcheck shell=bash
# Checks of how setup lets the responder log in to its database. Sourced by setup-checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by check and eventually

stream_status() {
    ask "$site" "/tracks/$TRACK_READY/stream" --request POST --header "Authorization: Bearer $TOKEN_ALICE" \
        --output "$state/answer" --write-out '%{http_code}'
}

# The file of settings has lost the login, and a responder is connected by it.
lost_password_is_replaced() {
    local former
    former=$(inside sed -n 's/^NOVATUNE_DATABASE_URL=//p' "$settings")
    inside sed -i '/^NOVATUNE_DATABASE_URL=/d' "$settings"
    set_up --answers /root/answers
    equals 'the status' 1 "$status"
    says 'sessions of novatune_responder are open'
    says 'or --new-password'
    equals 'a request of the connected responder' 200 "$(stream_status)"
    set_up --answers /root/answers --new-password
    equals 'the status' 0 "$status"
    says 'novatune_responder has a new password'
    says 'the service was restarted with the settings'
    if inside grep -qxF "NOVATUNE_DATABASE_URL=$former" "$settings"; then fail 'the password is the former one'; fi
    equals 'a request' 200 "$(stream_status)"
    if psql --no-password --quiet "$former" --command 'select 1' >"$state/psql" 2>&1; then
        fail 'the former password is let in'
    fi
    grep -F 'password authentication failed' "$state/psql"
}

# PostgreSQL of the machine itself, by its socket. Its two files are its administrator's: the lines are those that setup
# prints, put where it says.
peer_login_serves() {
    local line identity access identities
    grep -v '^SETUP_DATABASE_OWNER_URL=' "$state/answers" >"$state/peer"
    printf '%s\n' SETUP_DATABASE_OWNER_URL=postgresql:///peer SETUP_DATABASE_LOGIN=peer >>"$state/peer"
    give "$state/peer" peer
    set_up --answers /root/peer
    equals 'the status' 1 "$status"
    says 'step schema … changed'
    says 'does not let the account novatune log in as novatune_responder'
    read -r access identities <<<"$(sed -nE 's/.* before the other lines of ([^,]+), .* to ([^;]+);.*/\1 \2/p' "$state/output")"
    line=$(sed -nE "s/.*add the line '([^']+)'.*/\\1/p" "$state/output")
    identity=$(sed -nE "s/.*, and '([^']+)' to .*/\\1/p" "$state/output")
    inside sed -i "1i $line" "$access"
    printf '%s\n' "$identity" | inside tee -a "$identities" >/dev/null
    in_peer <<<'select pg_reload_conf()'
    set_up --answers /root/peer
    equals 'the status' 0 "$status"
    equals 'the password of the role' '' \
        "$(in_peer <<<"select rolpassword from pg_authid where rolname = 'novatune_responder'")"
    rows | in_peer
    equals 'a request' 200 "$(stream_status)"
    equals 'how it is connected' peer \
        "$(in_peer <<<"select distinct datname from pg_stat_activity where usename = 'novatune_responder' and client_addr is null")"
    changes_nothing set_up --answers /root/peer
    equals 'the status' 0 "$status"
}

in_peer() { inside runuser -u postgres -- psql --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --file=- peer; }
