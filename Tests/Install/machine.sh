# shellcheck shell=bash
# A machine with systemd as PID 1: a container on the tree, whose changes are kept beside it until the next run.
# Sourced by checks, which sets repo, state, tree and binary.
# shellcheck disable=SC2154 # those, and what the other parts set

root=$state/machine/root
machine='' cgroups=()

mount_root() {
    rm -rf "$state/machine"
    mkdir -p "$state/machine"/{upper,work,root}
    mount -t overlay -o "lowerdir=$tree,upperdir=$state/machine/upper,workdir=$state/machine/work" overlay "$root"
    mkdir -p "$root/srv/novatune" "$root/usr/local/bin"
    install -m 755 "$binary" "$root/srv/novatune-streamd"
    # The guide calls these two. The binary is built, and the editor writes the settings of this test.
    printf '#!/bin/sh\necho /srv/novatune-streamd\n' >"$root/srv/build"
    # shellcheck disable=SC2016 # the argument of the editor
    printf '#!/bin/sh\ncat /srv/settings >"$1"\n' >"$root/usr/local/bin/editor"
    chmod 755 "$root/srv/build" "$root/usr/local/bin/editor"
}

# Without systemd on the host the container's processes need cgroups of their own, made by hand.
make_cgroups() {
    local mounted
    if [[ $(</proc/1/comm) == systemd ]]; then return; fi
    for mounted in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
        if [[ -f $mounted/cgroup.procs ]]; then cgroups+=("$mounted/novatune-install-$$"); fi
    done
    mkdir "${cgroups[@]}"
}

# Processes that end are in them for a moment.
remove_cgroups() {
    local cgroup
    for cgroup in "${cgroups[@]}"; do
        for _ in {1..100}; do
            find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null || true
            if [[ ! -d $cgroup ]]; then break; fi
            sleep 0.1
        done
    done
}

# With --keep-unit nspawn ends with 133 where the machine reboots; otherwise it starts the machine again itself.
run_machine() {
    local options=(--quiet --boot --register=no --directory="$root" --machine="novatune-install-$$") cgroup
    # nspawn's own filter lacks mlock(2), which each service of a machine may call.
    options+=(--system-call-filter=@memlock)
    options+=(--bind-ro="$repo:/srv/novatune" --bind-ro="$root/srv/build:/srv/novatune/nginx/build")
    for cgroup in "${cgroups[@]}"; do echo "$BASHPID" >"$cgroup/cgroup.procs"; done
    if ((${#cgroups[@]})); then options+=(--keep-unit); fi
    # nspawn takes the signal, and this waits for it.
    trap : TERM
    until SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn "${options[@]}"; do (($? == 133)) || return; done
}

boot() {
    mount_root
    make_cgroups
    run_machine </dev/null >"$state/log/console" 2>&1 &
    machine=$!
    eventually "the machine runs" machine_runs
}

nspawn() { pgrep -P "$machine" -x systemd-nspawn; }
leader() { pgrep -P "$(nspawn)" -x systemd; }

machine_runs() { [[ $(inside systemctl is-system-running 2>/dev/null) == running ]]; }

inside() {
    local leader
    leader=$(leader) || return
    nsenter --target "$leader" --all --wdns=/ env --ignore-environment \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"
}

# SIGTERM has nspawn shut the machine down in order.
power_off() {
    if [[ -n $machine ]]; then
        kill "$(nspawn)" 2>/dev/null || true
        wait "$machine" 2>/dev/null || true
    fi
    remove_cgroups
}
