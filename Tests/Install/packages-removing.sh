# shellcheck shell=bash
# Checks of what a removal and a purge take away. Sourced by packages-checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by eventually

package_logs_hold_no_secret() {
    {
        secrets
        printf '%s\n' "$(owner_url | sed -E 's|.*:([^:@/]*)@.*|\1|')"
        inside sed -nE 's|^NOVATUNE_DATABASE_URL=.*:([^:@/]*)@.*|\1|p' "$settings"
    } >"$state/secrets"
    inside journalctl --sync
    inside journalctl --no-pager --output export >"$state/log/all"
    inside sh -c 'cat /var/log/nginx/*.log /var/log/apt/* /var/log/dpkg.log' >>"$state/log/all"
    cat "$state/apt" "$state/output" >>"$state/log/all"
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
    tracks=$(psql --no-align --tuples-only "$(owner_url)" --command 'select count(*) from novatune.tracks')
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
        "$(psql --no-align --tuples-only "$(owner_url)" --command 'select count(*) from novatune.tracks')"
}
