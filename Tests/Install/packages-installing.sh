# shellcheck shell=bash
# Checks of a first installation of the package. Sourced by packages-checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by eventually

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
