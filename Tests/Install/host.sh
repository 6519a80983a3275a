# shellcheck shell=bash
# The Debian whose servers the stack has, and whose tools examine the packages: this machine, or what is below the directory
# `host` (Tests/Install/host). Sourced by packages-checks.
# shellcheck disable=SC2154 # set by packages-checks

# In a mount namespace of its own. Paths are the same inside and outside.
mount_host() {
    local directory
    if [[ -z $host ]]; then return; fi
    for directory in "$repo" "$state" /dev; do
        mkdir -p "$host$directory"
        mount --rbind "$directory" "$host$directory"
    done
    mount -t proc proc "$host/proc"
}

on_host() {
    if [[ -n $host ]]; then chroot "$host" "$@"; else "$@"; fi
}
