# shellcheck shell=bash
# Checks of a first installation of the package. Sourced by packages-checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by eventually

package_is_installed() {
    local name
    rm -f "$state/taken"
    timed apt_install /srv/packages/first.deb
    equals 'the version' "$(version_of first)" "$(installed_version)"
    for name in "${units[@]}"; do
        equals "$name" inactive "$(property ActiveState "$name")"
        equals "$name" disabled "$(property UnitFileState "$name")"
    done
    equals 'what dpkg finds changed' '' "$(inside dpkg --verify "$package")"
    inside test -s /usr/share/bash-completion/completions/"$package"
    inside "$package" --version
    novatune_nginx --help | grep -F NOVATUNE_RATE_LIMIT_PER_MINUTE=60
    inside bash -c ". /usr/share/bash-completion/completions/$package; complete -p $package"
}

settings_are_comments() {
    equals 'the settings' '640 root novatune' "$(inside stat -c '%a %U %G' "$settings")"
    equals 'their directory' '750 root novatune' "$(inside stat -c '%a %U %G' /etc/novatune)"
    equals 'lines that are no comments' 0 "$(inside cat "$settings" | grep -cv -e '^#' -e '^$' || true)"
    inside cat "$settings" | grep -Fx '#NOVATUNE_DATABASE_URL_FILE='
    if inside runuser -u novatune -- "$package" check --settings-only --config "$settings" >"$state/check" 2>&1; then
        fail 'settings that are missing are taken'
    fi
    grep -F NOVATUNE_DATABASE_URL "$state/check"
}

# The first host of an operator: a certificate for its name, by an authority that the machine knows.
give_certificate() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$site" -keyout "$state/key.pem" -out "$state/chain.pem" \
        -addext "subjectAltName=DNS:$site,IP:127.0.0.1" 2>/dev/null
    install -D -m 600 "$state/key.pem" "$root/etc/ssl/novatune/key.pem"
    install -D -m 644 "$state/chain.pem" "$root/etc/ssl/novatune/chain.pem"
    install -D -m 644 "$state/chain.pem" "$root/usr/local/share/ca-certificates/test.crt"
}

# Runs a command, and adds the milliseconds that it took to STATE/taken.
timed() {
    local began
    began=$(date +%s%3N)
    "$@" || return
    echo $(($(date +%s%3N) - began)) >>"$state/taken"
}

package_is_set_up() {
    answers >"$state/answers"
    give "$state/answers" answers
    timed inside "$package" setup --answers /root/answers >"$state/output" 2>&1 || { cat "$state/output"; return 1; }
    grep -F "https://$site answers, as it should without a token, with 401" "$state/output"
    for name in "${units[@]}"; do
        equals "$name" 'active enabled' "$(property ActiveState "$name") $(property UnitFileState "$name")"
    done
    equals 'the settings' '640 root novatune' "$(inside stat -c '%a %U %G' "$settings")"
    # Lines of the file are filled in: the comments stay.
    inside grep -F '#NOVATUNE_DATABASE_URL_FILE=' "$settings"
    inside cp "$settings" /srv/settings
}

# The rows are the operator's own; a player asks, and fetches the audio.
plays() {
    copy_rows && request >"$state/status" &&
        curl --silent --show-error --fail --cacert "$state/chain.pem" --output "$state/song" \
            "$(jq -r .streamUrl "$state/answer")"
}

package_plays() {
    timed plays
    equals 'a request' 200 "$(<"$state/status")"
    jq -r .streamUrl "$state/answer" | grep -F "$store/" >/dev/null
    equals 'the size of the audio' "$(jq .fileSizeBytes "$state/answer")" "$(stat -c %s "$state/song")"
    awk '{ sum += $1; each = each sprintf(NR > 1 ? ", %.0f s" : "%.0f s", $1 / 1000) }
        END { printf "        from apt-get install to the first audio: %.0f s (apt, setup, player: %s)\n", sum / 1000, each }' \
        "$state/taken" >&3
    # The player's policy names the store of novatune.env.
    curl --silent --show-error --fail --cacert "$state/chain.pem" --dump-header "$state/head" --output /dev/null \
        https://127.0.0.1/player/
    grep -i '^content-security-policy:' "$state/head" | grep -F "$store"
    equals 'the log' '640 www-data adm' "$(inside stat -c '%a %U %G' /var/log/nginx/novatune-access.log)"
}

second_setup_changes_nothing() {
    inside "$package" setup --answers /root/answers >"$state/output" 2>&1 || { cat "$state/output"; return 1; }
    grep -F 'nothing has changed: all of it was done before' "$state/output"
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
