# shellcheck shell=bash
# What the components of the local stack share: the state directory, processes by pid file, waiting by condition.
# Sourced. A component is `nginx/local/NAME start|stop STATE`; nginx/up prepares STATE before the first start.
set -euo pipefail
shopt -s inherit_errexit

LOCAL=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(cd "$LOCAL/../.." && pwd)
# Debian keeps servers where an ordinary user's PATH does not look.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

fail() {
    printf '%s: %s\n' "${ME:-$(basename "$0")}" "$*" >&2
    exit 1
}

use_state() { # DIR
    STATE=$(realpath -m -- "$1")
    if [[ -f $STATE/stack.env ]]; then
        # shellcheck source=/dev/null
        . "$STATE/stack.env"
    fi
}

quote() { printf "'%s'" "${1//\'/\'\\\'\'}"; }

# One line of stack.env, safe for sourcing. Components start side by side, so each change holds the lock.
remember() { # NAME VALUE
    (
        flock 8
        umask 077
        {
            grep -v "^$1=" "$STATE/stack.env" 2>/dev/null || true
            printf '%s=%s\n' "$1" "$(quote "$2")"
        } >"$STATE/stack.env.new"
        mv "$STATE/stack.env.new" "$STATE/stack.env"
    ) 8>>"$STATE/stack.lock"
    printf -v "$1" '%s' "$2"
}

# STATE/env is there exactly while the whole stack is up, so its existence says "ready".
publish_env() {
    (
        flock 8
        umask 077
        cp "$STATE/stack.env" "$STATE/env.new"
        mv "$STATE/env.new" "$STATE/env"
    ) 8>>"$STATE/stack.lock"
}

# The NOVATUNE_* settings that nginx/up was given hold for later restarts too; the caller's own win.
load_settings() {
    local name
    [[ -f $STATE/settings.env ]] || return 0
    while IFS= read -r name; do
        if [[ -z ${!name+set} ]]; then
            eval "$(grep "^$name=" "$STATE/settings.env")"
            export "${name?}"
        fi
    done < <(sed -n 's/^\(NOVATUNE_[A-Z0-9_]*\)=.*/\1/p' "$STATE/settings.env")
}

# A pid alone may belong to another process by now; with its start time (proc(5), field 22) it is unmistakable.
started_at() { # PID
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    stat=${stat##*) }
    [[ ${stat%% *} != Z ]] || return 1
    read -r -a stat <<<"$stat"
    printf '%s' "${stat[19]}"
}

record() { # NAME PID
    local start
    start=$(started_at "$2") || start=gone
    printf '%s %s\n' "$2" "$start" >"$STATE/pid/$1"
}

pid_of() { # NAME; fails unless it runs
    local pid start
    { read -r pid start <"$STATE/pid/$1"; } 2>/dev/null || return 1
    [[ $(started_at "$pid") == "$start" ]] || return 1
    printf '%s' "$pid"
}
running() { pid_of "$1" >/dev/null; }

# A session of its own: Ctrl-C in the terminal reaches nginx/up alone, which then stops everything in order.
spawn() { # NAME COMMAND...
    local name=$1
    shift
    setsid "$@" >>"$STATE/log/$name.log" 2>&1 </dev/null 9>&- &
    record "$name" $!
}

# Whether a process group has members beside zombies, which only wait for their parent to notice.
group_lives() { # PGID
    local file stat fields
    for file in /proc/[0-9]*/stat; do
        { read -r stat <"$file"; } 2>/dev/null || continue
        read -r -a fields <<<"${stat##*) }"
        if [[ ${fields[2]} == "$1" && ${fields[0]} != Z ]]; then return 0; fi
    done
    return 1
}

# Ends a process with its whole group. Quiet when there is none.
end() { # NAME [SIGNAL [SECONDS]]
    local name=$1 signal=${2:-TERM} seconds=${3:-10} pid start now deadline
    { read -r pid start <"$STATE/pid/$name"; } 2>/dev/null || return 0
    now=$(started_at "$pid") || now=''
    # The number stays taken while the group has members: unless another process leads it now, the group is ours.
    if [[ -z $now || $now == "$start" ]]; then
        deadline=$((SECONDS + seconds))
        kill -"$signal" -- "-$pid" 2>/dev/null || true
        kill -CONT -- "-$pid" 2>/dev/null || true
        while [[ $(started_at "$pid") == "$start" ]] || group_lives "$pid"; do
            if ((SECONDS >= deadline)); then kill -KILL -- "-$pid" 2>/dev/null || true; fi
            sleep .02
        done
    fi
    rm -f "$STATE/pid/$name"
}

# Repeats a check until it holds, its process has ended, or the time is over.
wait_until() { # SECONDS NAME COMMAND...
    local seconds=$1 name=$2 deadline=$((SECONDS + $1)) trouble
    shift 2
    until "$@" >/dev/null 2>&1; do
        trouble=''
        if ! running "$name"; then
            trouble="$name has ended"
        elif ((SECONDS >= deadline)); then
            trouble="$name is not ready after $seconds s"
        fi
        if [[ -n $trouble ]]; then
            echo "$trouble; the end of $STATE/log/$name.log:" >&2
            tail -n 15 "$STATE/log/$name.log" >&2
            return 1
        fi
        sleep .03
    done
}

answers() { # PORT
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

component() { # NAME start|stop STATE [OPTION...]
    local name=$1 verb=${2:-} state=${3:-}
    if [[ ! $verb =~ ^(start|stop)$ || -z $state ]]; then
        echo "usage: nginx/local/$name start|stop STATE" >&2
        exit 2
    fi
    ME="nginx/local/$name"
    use_state "$state"
    [[ -f $STATE/stack.env ]] || fail "$STATE is not the state of a local stack; nginx/up makes one"
    load_settings
    cd /
    shift 3
    "$verb" "$@"
    if [[ -f $STATE/env ]]; then publish_env; fi
}
