# shellcheck shell=bash
# Steps that run side by side, each reported with its time when it is done. Sourced by nginx/up.

declare -A job_of=() job_label=() job_since=()

say() { printf '%s\n' "  $*"; }
now() { printf '%s' "${EPOCHREALTIME/[.,]/}"; }
since() { local us=$(($(now) - $1)); printf '%d.%d s' $((us / 1000000)) $((us / 100000 % 10)); }

# A job is a process group of its own, so that it ends as a whole; its pid file lets nginx/down find it.
launch() { # NAME LABEL COMMAND...
    local name=$1 label=$2 pid
    shift 2
    set -m
    "$@" >"$STATE/log/up-$name.log" 2>&1 </dev/null 9>&- &
    pid=$!
    set +m
    record "job-$name" "$pid"
    job_of[$pid]=$name job_label[$name]=$label job_since[$name]=$(now)
}

# Waits for the named jobs; every few seconds the last line of whatever takes longer.
finish() { # NAME...
    local name pid rc ticker last
    while still_runs "$@"; do
        sleep 5 9>&- &
        ticker=$!
        rc=0
        wait -n -p pid "${!job_of[@]}" "$ticker" || rc=$?
        if [[ $pid == "$ticker" ]]; then
            for name in "${job_of[@]}"; do
                last=$(tail -n 1 "$STATE/log/up-$name.log" | tr -d '\r' | cut -c1-90)
                say "... in progress: ${job_label[$name]}, $(since "${job_since[$name]}")${last:+: $last}"
            done
            continue
        fi
        kill "$ticker" 2>/dev/null || true
        name=${job_of[$pid]}
        unset "job_of[$pid]"
        rm -f "$STATE/pid/job-$name"
        if ((rc)); then
            tail -n 25 "$STATE/log/up-$name.log" >&2
            fail "${job_label[$name]}: failed; its output is in $STATE/log/up-$name.log"
        fi
        say "$(printf '%-28s %8s' "${job_label[$name]}" "$(since "${job_since[$name]}")")"
    done
}

still_runs() { # NAME...
    local wanted name
    for wanted in "$@"; do
        for name in "${job_of[@]}"; do [[ $name != "$wanted" ]] || return 0; done
    done
    return 1
}
