# shellcheck shell=bash
# Checks of the Debian packages that need no machine. Sourced by packages-checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by eventually

packages_are_reproducible() {
    local file count=0
    for file in "$state"/packages/first/*.deb; do
        cmp "$file" "$state/packages/again/${file##*/}"
        count=$((count + 1))
    done
    equals 'the packages' 2 "$count"
}

lintian_is_content() {
    on_host lintian --info --fail-on error,warning,info "$state"/packages/first/*.deb
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
    on_host "$binary" settings --format json | jq -r '.[].settings[].name' >"$state/names"
    [[ -s $state/names ]]
    while IFS= read -r name; do grep -qFx ".B $name" "$state/page" || fail "novatune.env(5) lacks $name"; done \
        <"$state/names"
}

apparmor_profile_is_valid() {
    unpacked
    apparmor_parser --skip-kernel-load --skip-cache "$state/unpacked/etc/apparmor.d/$package"
}

every_service_is_confined_and_restarted_with_care() {
    local file count=0
    unpacked
    for file in "$state"/unpacked/usr/lib/systemd/system/*.service; do
        grep -Fx "AppArmorProfile=-$package" "$file.d/apparmor.conf"
        test -x "$state/unpacked/etc/needrestart/restart.d/${file##*/}"
        count=$((count + 1))
    done
    equals 'the services' 3 "$count"
}
