# shellcheck shell=bash
# Checks of the Debian packages. Sourced by packages-checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by eventually

package=novatune-streamd
units=("${sockets[@]}" "$unit")

packages_are_reproducible() {
    local file count=0
    for file in "$state"/packages/first/*.deb; do
        cmp "$file" "$state/packages/again/${file##*/}"
        count=$((count + 1))
    done
    equals 'the packages' 2 "$count"
}

lintian_is_content() {
    lintian --info --fail-on error,warning,info "$state"/packages/first/*.deb
}

unpacked() {
    if [[ ! -d $state/unpacked ]]; then dpkg-deb --extract "$state"/packages/first/"$package"_*.deb "$state/unpacked"; fi
}

manual_pages_are_valid() {
    local page
    rm -rf "$state/unpacked"
    unpacked
    for page in man8/novatune-streamd.8 man8/novatune-nginx.8 man5/novatune.env.5; do
        LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings --local-file "$state/unpacked/usr/share/man/$page.gz" \
            >"$state/page" 2>"$state/warnings"
        equals "the warnings of $page" '' "$(<"$state/warnings")"
    done
    # Each setting, by the name that the program knows.
    zcat "$state/unpacked/usr/share/man/man5/novatune.env.5.gz" | sed 's/\\-/-/g' >"$state/page"
    "$binary" settings --format json | jq -r '.[].settings[].name' >"$state/names"
    [[ -s $state/names ]]
    while IFS= read -r name; do grep -qFx ".B $name" "$state/page" || fail "novatune.env(5) lacks $name"; done \
        <"$state/names"
}

apparmor_profile_is_valid() {
    unpacked
    apparmor_parser --skip-kernel-load --skip-cache "$state/unpacked/etc/apparmor.d/$package"
}

apt_install() { # OPTION… PACKAGE
    inside env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet "$@" </dev/null
}
# shellcheck disable=SC2016 # dpkg-query's own
installed_version() { inside dpkg-query --show --showformat '${Version}' "$package"; }
version_of() { dpkg-deb --field "$root/srv/packages/$1.deb" Version; }

package_is_installed() {
    local name
    apt_install /srv/packages/first.deb
    equals 'the version' "$(version_of first)" "$(installed_version)"
    for name in "${units[@]}"; do
        equals "$name" inactive "$(property ActiveState "$name")"
        equals "$name" disabled "$(property UnitFileState "$name")"
    done
    equals 'what dpkg finds changed' '' "$(inside dpkg --verify "$package")"
    inside test -s /usr/share/bash-completion/completions/$package
    inside $package --version
    novatune_nginx --help | grep -F NOVATUNE_RATE_LIMIT_PER_MINUTE=60
    inside bash -c ". /usr/share/bash-completion/completions/$package; complete -p $package"
}

novatune_nginx() { inside novatune-nginx "$@"; }

settings_are_comments() {
    equals 'the settings' '640 root novatune' "$(inside stat -c '%a %U %G' "$settings")"
    equals 'their directory' '750 root novatune' "$(inside stat -c '%a %U %G' /etc/novatune)"
    equals 'lines that are no comments' 0 "$(inside cat "$settings" | grep -cv -e '^#' -e '^$' || true)"
    inside cat "$settings" | grep -Fx '#NOVATUNE_DATABASE_URL_FILE='
    if inside runuser -u novatune -- $package check --settings-only --config "$settings" >"$state/check" 2>&1; then
        fail 'settings that are missing are taken'
    fi
    grep -F NOVATUNE_DATABASE_URL "$state/check"
}

package_is_configured() {
    settings_text >"$root/srv/settings"
    psql --quiet "$DATABASE_URL" <<<"alter role novatune_responder password '$RESPONDER_PASSWORD'"
    inside $package keys new --output /etc/novatune/keys.json
    inside chgrp novatune /etc/novatune/keys.json
    inside chmod 640 /etc/novatune/keys.json
    # An operator fills in lines of the file: the comments stay.
    inside bash -c "cat /srv/settings >>$settings"
    inside runuser -u novatune -- $package check --config "$settings"
    inside systemctl enable --now "${units[@]}"
    for name in "${units[@]}"; do equals "$name" active "$(property ActiveState "$name")"; done
}

package_answers() {
    local url
    make_certificate
    inside rm -f /etc/nginx/sites-enabled/default
    inside env NOVATUNE_NGINX_SCHEME=https NOVATUNE_NGINX_CERTIFICATE=/etc/ssl/novatune/chain.pem \
        NOVATUNE_NGINX_CERTIFICATE_KEY=/etc/ssl/novatune/key.pem NOVATUNE_RATE_LIMIT_PER_MINUTE=100000 \
        novatune-nginx render
    inside nginx -t
    inside systemctl reload nginx
    eventually 'a request is answered with 200' answers
    url=$(jq -r .streamUrl "$state/answer")
    curl --silent --show-error --fail --output "$state/song" "$url"
    equals 'the size of the audio' "$(jq .fileSizeBytes "$state/answer")" "$(stat -c %s "$state/song")"
    # The player's policy names the store of novatune.env.
    curl --silent --show-error --fail --cacert "$state/chain.pem" --dump-header "$state/head" --output /dev/null \
        https://127.0.0.1/player/
    grep -i '^content-security-policy:' "$state/head" | grep -F "$S3_ENDPOINT"
    equals 'the log' '640 www-data adm' "$(inside stat -c '%a %U %G' /var/log/nginx/novatune-access.log)"
}

# systemd before 254 does not know two directives, and says so. There is no man(1) on a minimal system.
installed_units_are_valid() {
    inside systemd-analyze verify --man=no "${units[@]/#//usr/lib/systemd/system/}" >"$state/verify" 2>&1
    if (($(systemd_version) < 254)); then
        sed -i -E "/Unknown key '(RestartSteps|RestartMaxDelaySec)' in section \[Service\], ignoring/d" "$state/verify"
    fi
    equals 'what systemd-analyze finds' '' "$(grep novatune "$state/verify" || true)"
    equals 'the profile' '-novatune-streamd' "$(inside systemctl cat "$unit" | sed -n 's/^AppArmorProfile=//p')"
}

nginx_settings_are_kept() {
    local former
    former=$(inside sha256sum /etc/nginx/conf.d/rate-limit.inc /etc/nginx/conf.d/novatune.conf)
    novatune_nginx render
    equals 'the configuration' "$former" \
        "$(inside sha256sum /etc/nginx/conf.d/rate-limit.inc /etc/nginx/conf.d/novatune.conf)"
    inside grep -Fx NOVATUNE_RATE_LIMIT_PER_MINUTE=100000 /etc/novatune/nginx.env
    # The store's settings are the responder's, and in one file only.
    if inside grep '^NOVATUNE_S3' /etc/novatune/nginx.env; then fail 'a setting of the responder is kept twice'; fi
    # Comments stay where a setting changes, and an empty value is the default.
    inside sed -i '1i # a comment of ours' /etc/novatune/nginx.env
    inside env NOVATUNE_NGINX_REQUESTS_PER_TOKEN=32 novatune-nginx render
    inside grep -Fx NOVATUNE_NGINX_REQUESTS_PER_TOKEN=32 /etc/novatune/nginx.env
    inside env NOVATUNE_NGINX_REQUESTS_PER_TOKEN= novatune-nginx render
    if inside grep '^NOVATUNE_NGINX_REQUESTS_PER_TOKEN' /etc/novatune/nginx.env; then fail 'the setting stays'; fi
    inside grep -Fx '# a comment of ours' /etc/novatune/nginx.env
    equals 'the configuration' "$former" \
        "$(inside sha256sum /etc/nginx/conf.d/rate-limit.inc /etc/nginx/conf.d/novatune.conf)"
}

bad_nginx_setting_is_refused() {
    local former
    former=$(inside sha256sum /etc/nginx/conf.d/rate-limit.inc /etc/novatune/nginx.env)
    if inside env NOVATUNE_RATE_LIMIT_PER_MINUTE=many novatune-nginx render >"$state/render" 2>&1; then
        fail 'a wrong setting is taken'
    fi
    grep -F "NOVATUNE_RATE_LIMIT_PER_MINUTE: 'many'" "$state/render"
    equals 'the configuration' "$former" \
        "$(inside sha256sum /etc/nginx/conf.d/rate-limit.inc /etc/novatune/nginx.env)"
}

# Twenty requests a second, until there is the file STATE/enough; each status is a line of STATE/statuses.
begin_requests() {
    rm -f "$state/enough" "$state/statuses"
    touch "$state/statuses"
    (
        until [[ -e $state/enough ]]; do
            curl --silent --show-error --max-time 40 --cacert "$state/chain.pem" --output /dev/null \
                --write-out '%{http_code}\n' --request POST --header "Authorization: Bearer $TOKEN_ALICE" \
                "https://127.0.0.1/tracks/$TRACK_READY/stream" >>"$state/statuses" 2>>"$state/log/requests" &
            sleep 0.05
        done
        wait
    ) &
    asking=$!
    trap 'touch "$state/enough"' EXIT
    sleep 1
}

end_requests() {
    sleep 1
    touch "$state/enough"
    wait "$asking"
    equals 'the statuses' 200 "$(sort -u "$state/statuses" | tr '\n' ' ' | sed 's/ $//')"
    echo "$(wc -l <"$state/statuses") requests"
    (($(wc -l <"$state/statuses") >= 30)) || fail 'hardly a request was made'
}

changes_version() { # TO OPTION…
    local to=$1 former socket sum
    shift
    former=$(main_pid)
    socket=$(inside stat -c %i /run/novatune/stream.sock)
    sum=$(inside sha256sum "$settings" /etc/novatune/keys.json /etc/novatune/nginx.env)
    begin_requests
    apt_install "$@" "/srv/packages/$to.deb"
    end_requests
    equals 'the version' "$(version_of "$to")" "$(installed_version)"
    is_replaced "$former" || fail 'the former process runs'
    equals 'the inode of the socket' "$socket" "$(inside stat -c %i /run/novatune/stream.sock)"
    equals 'the settings' "$sum" "$(inside sha256sum "$settings" /etc/novatune/keys.json /etc/novatune/nginx.env)"
    equals 'files of dpkg beside them' '' "$(inside find /etc -name '*.dpkg-*' -path '*novatune*')"
    for name in "${units[@]}"; do
        equals "$name" active "$(property ActiveState "$name")"
        equals "$name" enabled "$(property UnitFileState "$name")"
    done
}

upgrade_loses_no_request() { changes_version second; }

downgrade_loses_no_request() { changes_version first --allow-downgrades; }

bad_setting_is_kept_out() {
    local former
    former=$(main_pid)
    edit NOVATUNE_LOG_LEVEL loud
    apt_install /srv/packages/second.deb >"$state/apt" 2>&1
    grep -F NOVATUNE_LOG_LEVEL "$state/apt"
    grep -F 'still serves' "$state/apt"
    equals 'the version' "$(version_of second)" "$(installed_version)"
    equals 'the process' "$former" "$(main_pid)"
    equals 'a request' 200 "$(request)"
    restore_settings
    inside systemctl restart "$unit"
    equals 'a request' 200 "$(request)"
    is_replaced "$former" || fail 'the former process runs'
}

# What systemd alone hands to the service, a script of the package cannot check.
service_with_credentials_is_upgraded() {
    local former
    drop_in LoadCredential=other:/etc/hostname
    inside systemctl restart "$unit"
    former=$(main_pid)
    apt_install --reinstall /srv/packages/second.deb
    is_replaced "$former" || fail 'the former process runs'
    remove_drop_in
    inside rmdir "/etc/systemd/system/$unit.d"
    inside systemctl restart "$unit"
    equals 'a request' 200 "$(request)"
}

hand_made_changes_stay() {
    inside sh -c 'echo "# by hand" >>/etc/nginx/conf.d/rate-limit.inc'
    apt_install --reinstall /srv/packages/second.deb >"$state/apt" 2>&1
    grep -F 'changed by hand' "$state/apt"
    inside grep -Fx '# by hand' /etc/nginx/conf.d/rate-limit.inc
    novatune_nginx render
    if inside grep -Fx '# by hand' /etc/nginx/conf.d/rate-limit.inc; then fail 'a render leaves it'; fi
}

# As if a former version had written another file, and one that this version has no more.
nginx_is_refreshed() {
    inside sh -c 'echo "# of a former version" >>/etc/nginx/conf.d/rate-limit.inc
        echo "# of a former version" >/etc/nginx/novatune/former.conf
        sed -i "\|/conf.d/rate-limit.inc$|d" /etc/novatune/nginx.rendered
        sha256sum /etc/nginx/conf.d/rate-limit.inc /etc/nginx/novatune/former.conf >>/etc/novatune/nginx.rendered'
    apt_install --reinstall /srv/packages/second.deb >"$state/apt" 2>&1
    grep -F 'reloaded nginx' "$state/apt"
    if inside grep -rF 'of a former version' /etc/nginx; then fail 'the former files stay'; fi
    equals 'a request' 200 "$(request)"
    # With a site beside it that nginx refuses, the former files come back.
    inside sh -c 'echo "# of a former version" >>/etc/nginx/conf.d/rate-limit.inc
        sed -i "\|/conf.d/rate-limit.inc$|d" /etc/novatune/nginx.rendered
        sha256sum /etc/nginx/conf.d/rate-limit.inc >>/etc/novatune/nginx.rendered
        echo "nonsense;" >/etc/nginx/conf.d/other.conf'
    apt_install --reinstall /srv/packages/second.deb >"$state/apt" 2>&1
    grep -F 'of the former version again' "$state/apt"
    inside grep -Fx '# of a former version' /etc/nginx/conf.d/rate-limit.inc
    inside rm /etc/nginx/conf.d/other.conf
    novatune_nginx refresh
    if inside grep -rF 'of a former version' /etc/nginx; then fail 'the former file stays'; fi
    equals 'a request' 200 "$(request)"
}

package_logs_hold_no_secret() {
    secrets >"$state/secrets"
    inside journalctl --sync
    inside journalctl --no-pager --output export >"$state/log/all"
    inside sh -c 'cat /var/log/nginx/*.log /var/log/apt/* /var/log/dpkg.log' >>"$state/log/all"
    cat "$state/apt" >>"$state/log/all"
    # That the search finds what is there.
    grep -aF '"event":"stream url requested"' "$state/log/all" >/dev/null
    grep -aF "/tracks/$TRACK_READY/stream" "$state/log/all" >/dev/null
    equals 'lines with a secret' 0 "$(grep -acFf "$state/secrets" "$state/log/all" || true)"
    rm "$state/secrets"
}

removal_stops() {
    local former
    former=$(inside sha256sum "$settings" /etc/novatune/keys.json)
    inside apt-get remove --yes --quiet "$package"
    for name in "${units[@]}"; do
        equals "$name" inactive "$(property ActiveState "$name")"
        equals "links to $name" '' "$(inside find /etc/systemd/system -name "$name")"
    done
    equals 'the settings' "$former" "$(inside sha256sum "$settings" /etc/novatune/keys.json)"
    equals 'a request' 503 "$(request)"
}

package_is_installed_again() {
    apt_install /srv/packages/second.deb
    equals 'the settings' '640 root novatune' "$(inside stat -c '%a %U %G' "$settings")"
    inside systemctl enable --now "${units[@]}"
    eventually 'a request is answered with 200' answers
}

# Certificates and preferences of apt are this test's own.
purge_leaves_data() {
    local tracks
    tracks=$(psql --no-align --tuples-only "$DATABASE_URL" --command 'select count(*) from novatune.tracks')
    inside apt-get purge --yes --quiet "$package"
    equals 'files' '/var/log/nginx/novatune-access.log
/var/log/nginx/novatune-error.log' \
        "$(inside find / -xdev -path /proc -prune -o -path /srv -prune -o -path /var/log/journal -prune \
            -o -iname '*novatune*' ! -path /etc/ssl/novatune ! -path /etc/apt/preferences.d/novatune -print | sort)"
    inside test ! -e /run/novatune
    equals 'units' '' "$(inside systemctl list-unit-files --no-legend 'novatune*')"
    inside nginx -t
    equals 'nginx' active "$(property ActiveState nginx.service)"
    equals 'tracks' "$tracks" \
        "$(psql --no-align --tuples-only "$DATABASE_URL" --command 'select count(*) from novatune.tracks')"
}
