# shellcheck shell=bash
# What all checks of the Debian packages use. Sourced by packages-checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by eventually

package=novatune-streamd
units=("${sockets[@]}" "$unit")

apt_install() { # OPTION… PACKAGE
    inside env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet "$@" </dev/null
}
# shellcheck disable=SC2016 # dpkg-query's own
installed_version() { inside dpkg-query --show --showformat '${Version}' "$package"; }
version_of() { dpkg-deb --field "$root/srv/packages/$1.deb" Version; }

novatune_nginx() { inside novatune-nginx "$@"; }
