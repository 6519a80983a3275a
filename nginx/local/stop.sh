# shellcheck shell=bash
# Ends everything that a state directory knows of. Sourced by nginx/up and nginx/down.

stop_stack() {
    local file
    [[ -d $STATE/pid ]] || return 0
    # First the jobs, which might still start something.
    for file in "$STATE"/pid/job-*; do
        if [[ -e $file ]]; then end "${file##*/}" TERM 5; fi
    done
    end prometheus
    end blackbox
    end nginx-exporter
    end mtail
    end nginx
    end responder TERM 20
    end revoke TERM 20
    end authorize
    end redis
    end s3 KILL
    end s3-osd KILL
    end s3-mon KILL
    end postgres INT 5
    if [[ ${RUN_DIR:-} == /var/tmp/novatune.?????? ]]; then rm -rf "$RUN_DIR"; fi
    # The logs stay, to show what went wrong.
    find "$STATE" -mindepth 1 -maxdepth 1 ! -name .novatune-stack ! -name up.lock ! -name pid ! -name log \
        -exec rm -rf {} +
}
