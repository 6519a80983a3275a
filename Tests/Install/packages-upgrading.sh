# shellcheck shell=bash
# Checks of another version of the package under load. Sourced by packages-checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by eventually

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

# Settings that a start takes; neither server must answer for it.
revocations_are_upgraded_with_care() {
    local former file=/etc/novatune-revoke/revoke.env revoke=novatune-revoke.service
    inside tee "$file" >/dev/null <<'SETTINGS'
NOVATUNE_DATABASE_URL=postgresql://novatune_revoker@127.0.0.1:1/novatune
NOVATUNE_S3_ENDPOINT=http://127.0.0.1:1
NOVATUNE_S3_REGION=us-east-1
NOVATUNE_S3_BUCKET=novatune
NOVATUNE_S3_ACCESS_KEY_ID=id
NOVATUNE_S3_SECRET_ACCESS_KEY=of-no-store
SETTINGS
    inside chgrp novatune-revoke "$file"
    inside chmod 640 "$file"
    inside systemctl start novatune-revoke.socket "$revoke"
    former=$(property MainPID "$revoke")
    apt_install --reinstall /srv/packages/second.deb
    equals 'the state' active "$(property ActiveState "$revoke")"
    if [[ $(property MainPID "$revoke") == "$former" ]]; then fail 'the former process runs'; fi
    former=$(property MainPID "$revoke")
    inside sh -c "echo NOVATUNE_REVOKE_WORKERS=0 >>$file"
    apt_install --reinstall /srv/packages/second.deb >"$state/apt" 2>&1
    grep -F NOVATUNE_REVOKE_WORKERS "$state/apt"
    grep -F 'still serves' "$state/apt"
    equals 'the process' "$former" "$(property MainPID "$revoke")"
    inside systemctl stop novatune-revoke.socket "$revoke"
    inside rm "$file"
}
