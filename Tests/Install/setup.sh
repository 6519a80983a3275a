# shellcheck shell=bash
# Checks of `novatune-streamd setup`. Sourced by setup-checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by check and eventually

# Each check leaves the machine to the next as it is.
recover() { :; }

# What the package brings, without the package: the units' program, the account, the units. Another site is nginx's
# default server of the same port.
prepare_machine() {
    inside install -m 755 /srv/novatune-streamd /usr/local/bin/novatune-streamd
    inside install -m 644 /srv/novatune/nginx/systemd/novatune.sysusers.conf /usr/lib/sysusers.d/novatune.conf
    inside sh -c 'install -m 644 /srv/novatune/nginx/systemd/*.socket /srv/novatune/nginx/systemd/*.service /etc/systemd/system/'
    inside systemctl daemon-reload
    inside install -d /etc/ssl/novatune
    inside openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$site" -addext "subjectAltName=DNS:$site" \
        -keyout /etc/ssl/novatune/key.pem -out /etc/ssl/novatune/chain.pem 2>/dev/null
    inside cp /etc/ssl/novatune/chain.pem /usr/local/share/ca-certificates/novatune.crt
    inside update-ca-certificates >/dev/null 2>&1
    inside cat /etc/ssl/novatune/chain.pem >"$state/chain.pem"
    inside tee /etc/nginx/sites-enabled/other >/dev/null <<'SITE'
server {
    listen 443 ssl default_server;
    ssl_certificate /etc/ssl/novatune/chain.pem;
    ssl_certificate_key /etc/ssl/novatune/key.pem;
    location / { return 200 "the other site\n"; }
}
SITE
    inside systemctl reload-or-restart nginx
    psql --quiet "$DATABASE_URL" --command "alter system set log_statement = 'all'" --command 'select pg_reload_conf()' >/dev/null
    answers >"$state/answers"
    give "$state/answers" answers
}

# Every program's arguments, again and again.
watch_arguments() {
    while :; do
        for file in /proc/[0-9]*/cmdline; do tr '\0' ' ' <"$file"; echo; done 2>/dev/null >>"$state/output.arguments" || true
        sleep 0.02
    done
}

# Runs it in the machine without a terminal; its output is in STATE/output.N and STATE/output, its status in `status`.
runs=0
set_up() { # ARGUMENT…
    runs=$((runs + 1))
    status=0
    inside novatune-streamd setup --sql /srv/novatune/sql --render /srv/novatune/nginx/render "$@" \
        </dev/null >"$state/output" 2>&1 || status=$?
    cat "$state/output" >>"$state/output.all"
    cat "$state/output"
}

says() { grep -F -- "$1" "$state/output" >/dev/null || fail "it does not say: $1"; }

# All that setup could change: files, units, the database and its roles' passwords.
snapshot() {
    inside sh -c 'find /etc/novatune /etc/nginx /etc/systemd /var/lib/novatune -printf "%p %m %u %g %s %T@ %l\n" 2>/dev/null | sort'
    inside sh -c 'systemctl list-unit-files --no-legend "novatune*"; systemctl list-units --no-legend --plain "novatune*"'
    psql --quiet --tuples-only "$DATABASE_URL" <<<'select datname from pg_database order by 1;
        select rolname, rolpassword from pg_authid order by 1;'
}

changes_nothing() { # COMMAND…
    snapshot >"$state/before"
    "$@"
    snapshot | diff "$state/before" -
}

dry_run_changes_nothing() {
    changes_nothing set_up --answers /root/answers --dry-run
    equals 'the status' 0 "$status"
    says "step database … would change: makes the database $database"
    says 'step schema … would change: deploys'
    says 'step key ring … would change'
    says 'step nginx … would change'
    says 'step units … would change'
}

wrong_answer() { # NAME
    local wrong="NOVATUNE_CANARY_$RANDOM"
    case $1 in
        SETUP_DATABASE_OWNER_URL) wrong=$(owner_url | sed 's|:[^:@/]*@|:no-such-password@|') ;;
        NOVATUNE_S3_ENDPOINT) wrong=http://127.0.0.1:9 ;;
        NOVATUNE_S3_BUCKET) wrong=no-such-bucket ;;
    esac
    sed "s|^$1=.*|$1=$wrong|" "$state/answers" >"$state/wrong"
    give "$state/wrong" wrong
    changes_nothing set_up --answers /root/wrong
    equals 'the status' 78 "$status"
    says 'nothing has been changed'
    case $1 in
        SETUP_DATABASE_OWNER_URL) says 'correct role and password of SETUP_DATABASE_OWNER_URL' ;;
        *) says 'check object store … failed' ;;
    esac
    if grep -F 'check tokens … failed' "$state/output"; then fail 'tokens fail, too'; fi
}

wrong_owner_is_named() { wrong_answer SETUP_DATABASE_OWNER_URL; }
wrong_endpoint_is_named() { wrong_answer NOVATUNE_S3_ENDPOINT; }
wrong_bucket_is_named() { wrong_answer NOVATUNE_S3_BUCKET; }
wrong_secret_is_named() { wrong_answer NOVATUNE_S3_SECRET_ACCESS_KEY; }

open_answers_are_refused() {
    inside install -m 644 /root/answers /tmp/answers
    changes_nothing set_up --answers /tmp/answers
    inside rm /tmp/answers
    equals 'the status' 1 "$status"
    says 'chmod 600'
}

failed_step_is_repeated() {
    inside sh -c 'echo "no_such_directive on;" >/etc/nginx/conf.d/broken.conf'
    set_up --answers /root/answers
    equals 'the status' 1 "$status"
    says 'step settings … changed'
    says 'step nginx … failed'
    says no_such_directive
    if inside test -e /etc/nginx/conf.d/novatune.conf; then fail 'nginx has a half of its configuration'; fi
    inside rm /etc/nginx/conf.d/broken.conf
    set_up --answers /root/answers
    equals 'the status' 0 "$status"
    says 'step schema … unchanged'
    says 'step settings … unchanged'
    says 'step nginx … changed'
    set_up --remove --yes
    equals 'the status' 0 "$status"
}

setup_installs() {
    local began=$SECONDS name
    set_up --answers /root/answers
    equals 'the status' 0 "$status"
    echo "        setup took $((SECONDS - began)) s" >&3
    says "https://$site answers, as it should without a token, with 401"
    says 'left to you:'
    for name in "$unit" "${sockets[@]}"; do
        equals "$name" 'active enabled' "$(property ActiveState "$name") $(property UnitFileState "$name")"
    done
    equals 'the settings' '640 root novatune' "$(inside stat -c '%a %U %G' "$settings")"
    equals 'the key ring' '640 root novatune' "$(inside stat -c '%a %U %G' /etc/novatune/keys.json)"
    equals 'the record' '600 root' "$(inside stat -c '%a %U' /etc/novatune/setup.env)"
    psql --tuples-only --no-align "$DATABASE_URL" \
        <<<"select rolpassword from pg_authid where rolname = 'novatune_responder'" | grep '^SCRAM-SHA-256\$'
}

url_plays() {
    local url
    copy_rows
    ask "$site" "/tracks/$TRACK_READY/stream" --fail --request POST --header "Authorization: Bearer $TOKEN_ALICE" \
        --output "$state/answer"
    url=$(jq -r .streamUrl "$state/answer")
    printf '%s\n' "$url" >>"$state/urls"
    curl --silent --show-error --fail --output "$state/song" "$url"
    equals 'the size of the audio' "$(jq .fileSizeBytes "$state/answer")" "$(stat -c %s "$state/song")"
    printf '%s\n' "$TOKEN_ALICE" >"$state/token"
    give "$state/token" token
    set_up --answers /root/answers --try-token-file /root/token --try-track "$TRACK_READY"
    equals 'the status' 0 "$status"
    says 'has issued a URL, and the audio'
}

second_run_changes_nothing() {
    changes_nothing set_up --answers /root/answers
    equals 'the status' 0 "$status"
    says 'nothing has changed: all of it was done before'
    if grep ' … changed' "$state/output"; then fail 'a step has changed something'; fi
    # Without the answers, too: the files of settings have them.
    changes_nothing set_up
    equals 'the status' 0 "$status"
    says 'nothing has changed: all of it was done before'
}

changed_answer_is_taken() {
    local former
    former=$(main_pid)
    set_up --set NOVATUNE_LOG_LEVEL=debug
    equals 'the status' 0 "$status"
    says 'step settings … changed'
    says 'step units … changed'
    inside grep -x NOVATUNE_LOG_LEVEL=debug "$settings"
    if [[ $(main_pid) == "$former" ]]; then fail 'the service was not restarted'; fi
    set_up --set NOVATUNE_LOG_LEVEL=
    equals 'the status' 0 "$status"
    if inside grep '^NOVATUNE_LOG_LEVEL' "$settings"; then fail 'the setting is still there'; fi
}

other_site_answers() {
    equals 'the other site' 'the other site' "$(ask other.example.com / --insecure)"
    inside test -L /etc/nginx/sites-enabled/default
    equals 'the site' 401 "$(ask "$site" "/tracks/$TRACK_READY/stream" --request POST --output /dev/null --write-out '%{http_code}')"
}

secrets() {
    printf '%s\n' "$TOKEN_ALICE" "${TOKEN_ALICE##*.}" "$S3_ACCESS_KEY_ID" "$S3_SECRET_ACCESS_KEY" "$JWT_HS256_SECRET"
    printf '%s\n' "$(owner_url | sed -E 's|.*:([^:@/]*)@.*|\1|')"
    inside sed -nE 's|^NOVATUNE_DATABASE_URL=.*:([^:@/]*)@.*|\1|p' "$settings"
    inside cat /etc/novatune/keys.json | jq -r '.keys[]'
}

no_secret_is_shown() {
    secrets >"$state/secrets"
    equals 'the number of secrets' 8 "$(grep -c . "$state/secrets")"
    inside journalctl --sync
    {
        inside journalctl --no-pager --output export
        inside sh -c 'cat /var/log/nginx/*.log'
        cat "$state/output.all"
        grep -aE 'novatune-streamd|sqitch|/nginx/render|--no-psqlrc' "$state/output.arguments"
    } >"$state/log/all"
    grep -a 'novatune-streamd setup' "$state/log/all" >/dev/null
    grep -a 'sqitch --chdir' "$state/log/all" >/dev/null
    # The server's log of statements has the verifier of the password.
    grep -a "alter role novatune_responder password 'SCRAM-SHA-256" "$state/stack/log/postgres.log" >/dev/null
    cat "$state/stack/log/postgres.log" >>"$state/log/all"
    inside sh -c 'find / -xdev -type f -perm -o=r -newer /etc/novatune/keys.json -not -path "/proc/*" -not -path "/sys/*" \
        -not -path "/var/log/journal/*" -exec cat {} +' >>"$state/log/all" 2>/dev/null || true
    equals 'lines with a secret' 0 "$(grep -acFf "$state/secrets" "$state/log/all" || true)"
    rm "$state/secrets"
}

remove_keeps_data() {
    set_up --remove </dev/null
    equals 'the status without --yes' 1 "$status"
    says 'add --yes'
    set_up --remove --yes
    equals 'the status' 0 "$status"
    equals 'the unit' 'inactive disabled' "$(property ActiveState) $(property UnitFileState)"
    equals 'the files of nginx' '' "$(inside sh -c 'find /etc/nginx -path "*novatune*"; ls /etc/nginx/conf.d')"
    if inside grep -q '^NOVATUNE_' "$settings"; then fail 'settings are left'; fi
    equals 'the other site' 'the other site' "$(ask "$site" /)"
    inside nginx -t -q
    inside test -e /etc/novatune/keys.json
    equals 'tracks' 1 "$(psql --tuples-only --no-align "$(owner_url)" <<<'select count(*) from novatune.tracks')"
}

second_remove_finds_nothing() {
    changes_nothing set_up --remove --yes
    equals 'the status' 0 "$status"
    says 'nothing to remove'
}

remove_takes_data() {
    set_up --remove --with-data --yes --answers /root/answers
    equals 'the status' 0 "$status"
    if inside test -e /etc/novatune/keys.json; then fail 'the key ring is still there'; fi
    equals 'the schema' '' "$(psql --tuples-only --no-align "$(owner_url)" <<<"select to_regnamespace('novatune')")"
    if inside test -e /etc/novatune/setup.env; then fail 'the record is still there'; fi
}
