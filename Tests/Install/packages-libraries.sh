# shellcheck shell=bash
# Checks of what needrestart does after the upgrade of a library. Sourced by packages-checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by eventually

# Services that needrestart would restart, by its batch mode.
stale_services() { inside needrestart -b -r l -l 2>/dev/null | sed -n 's/^NEEDRESTART-SVC: //p'; }

# Its files are replaced, as in an upgrade; apt calls needrestart, which may restart services.
library_is_upgraded() {
    local library
    # shellcheck disable=SC2016 # dpkg-query's own
    library=$(inside dpkg-query --show --showformat '${Package}' 'libhiredis*')
    inside env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a apt-get install --yes --quiet --reinstall "$library" \
        </dev/null >"$state/apt" 2>&1
    cat "$state/apt"
}

library_upgrade_restarts_the_service() {
    local former
    apt_install needrestart
    equals 'what needrestart finds at first' '' "$(stale_services | grep novatune || true)"
    former=$(main_pid)
    begin_requests
    library_is_upgraded
    end_requests
    is_replaced "$former" || fail 'the former process runs'
    equals 'what needrestart finds afterwards' '' "$(stale_services | grep novatune || true)"
    for name in "${units[@]}"; do equals "$name" active "$(property ActiveState "$name")"; done
}

# The program that serves has its library in memory.
bad_setting_survives_a_library_upgrade() {
    local former
    former=$(main_pid)
    edit NOVATUNE_LOG_LEVEL loud
    library_is_upgraded
    grep -F NOVATUNE_LOG_LEVEL "$state/apt"
    grep -F 'still serves' "$state/apt"
    equals 'the process' "$former" "$(main_pid)"
    equals 'a request' 200 "$(request)"
    restore_settings
    inside systemctl restart "$unit"
    is_replaced "$former" || fail 'the former process runs'
}
