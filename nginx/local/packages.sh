# shellcheck shell=bash
# What the machine must have. Sourced by nginx/up.

# A package, and a file or command that shows it is there (a package of another origin will do).
needed_packages=(
    'nginx nginx' 'redis-server redis-server' 'postgresql /usr/lib/postgresql/*/bin/initdb' 'sqitch sqitch'
    'libdbd-pg-perl /usr/lib/*/perl5/*/DBD/Pg.pm' 'radosgw radosgw' 'ceph-mon ceph-mon' 'ceph-osd ceph-osd'
    'lame lame' 'flac flac' 'gettext-base envsubst' 'curl curl' 'openssl openssl' 'procps ps'
    'perl /usr/share/perl/*/perl5db.pl'
    # To build the responder:
    'git git' 'ca-certificates /etc/ssl/certs/ca-certificates.crt' 'g++ /usr/lib/gcc/*/*/libstdc++.so'
    'libc6-dev /usr/include/stdio.h' 'libfcgi-dev /usr/include/fcgiapp.h'
    'libhiredis-dev /usr/include/hiredis/hiredis.h' 'libcurl4-openssl-dev /usr/include/*/curl/curl.h'
    'libpq-dev /usr/include/postgresql/libpq-fe.h' 'libssl-dev /usr/include/openssl/ssl.h'
)
# For --monitoring:
monitoring_packages=(
    'prometheus prometheus' 'mtail mtail' 'prometheus-nginx-exporter prometheus-nginx-exporter'
    'prometheus-blackbox-exporter prometheus-blackbox-exporter'
)

missing_packages() {
    local entry package probe
    for entry in "${needed_packages[@]}"; do
        read -r package probe <<<"$entry"
        # shellcheck disable=SC2086 # the probe is a pattern
        if [[ $probe == /* ]]; then compgen -G "$probe" >/dev/null; else command -v "$probe" >/dev/null; fi ||
            printf '%s\n' "$package"
    done
}

install_packages() {
    local missing as_root=()
    mapfile -t missing < <(missing_packages)
    if ((${#missing[@]} == 0)); then return; fi
    command -v apt-get >/dev/null || fail "these must be installed first, and this is no Debian: ${missing[*]}"
    if [[ $(id -u) != 0 ]]; then
        as_root=(sudo)
        if ! command -v sudo >/dev/null || { [[ ! -t 0 ]] && ! sudo -n true 2>/dev/null; } || ! sudo -v; then
            fail "packages are missing; as root:" \
                "apt-get update && apt-get install --no-install-recommends ${missing[*]}"
        fi
    fi
    say "installing: ${missing[*]}"
    "${as_root[@]}" bash "$LOCAL/apt-install" "${missing[@]}" 2>&1 | condense "$STATE/log/apt.log" ||
        fail "apt failed; its output is in $STATE/log/apt.log"
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]} == 0)) || fail "still missing after the installation: ${missing[*]}"
}

# No package of Debian has it.
find_garnet() {
    local program=${GARNET_SERVER:-}
    if [[ -n $program ]]; then
        [[ -f $program && -x $program ]] || fail "GARNET_SERVER: '$program' is not a program"
    else
        program=$(command -v garnet-server) ||
            fail "there is no garnet-server: neither GARNET_SERVER nor PATH names it;" \
                "dotnet tool install -g garnet-server installs it into ~/.dotnet/tools"
    fi
    realpath -- "$program"
}

# Everything to a file, and to the terminal what shows that it goes on: some hundred packages, so not a line for each.
condense() { # FILE
    awk -v file="$1" '{ print >>file; fflush(file) }
        /^(Get:|Setting up)/ { if (seen++ % 40) next }
        /^(Get:|Need to get|Setting up|E:|W:|dpkg: error)/ { print "    " substr($0, 1, 110); fflush() }'
}
