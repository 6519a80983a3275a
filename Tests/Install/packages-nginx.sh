# shellcheck shell=bash
# Checks of the configuration of nginx that the package renders. Sourced by packages-checks.
# shellcheck disable=SC2154,SC2317 # set by the other parts; called by eventually

nginx_settings_are_kept() {
    local former
    former=$(inside sha256sum /etc/nginx/conf.d/rate-limit.inc /etc/nginx/conf.d/novatune.conf)
    novatune_nginx render
    equals 'the configuration' "$former" \
        "$(inside sha256sum /etc/nginx/conf.d/rate-limit.inc /etc/nginx/conf.d/novatune.conf)"
    inside grep -Fx NOVATUNE_RATE_LIMIT_PER_MINUTE=100000 /etc/novatune/nginx.env
    # The store's settings are the responder's, and in one file only.
    if inside grep '^NOVATUNE_S3' /etc/novatune/nginx.env; then fail 'a setting of the responder is kept twice'; fi
    # Comments stay where a setting changes, and an empty value is the default.
    inside sed -i '1i # a comment of ours' /etc/novatune/nginx.env
    inside env NOVATUNE_NGINX_REQUESTS_PER_TOKEN=32 novatune-nginx render
    inside grep -Fx NOVATUNE_NGINX_REQUESTS_PER_TOKEN=32 /etc/novatune/nginx.env
    inside env NOVATUNE_NGINX_REQUESTS_PER_TOKEN= novatune-nginx render
    if inside grep '^NOVATUNE_NGINX_REQUESTS_PER_TOKEN' /etc/novatune/nginx.env; then fail 'the setting stays'; fi
    inside grep -Fx '# a comment of ours' /etc/novatune/nginx.env
    equals 'the configuration' "$former" \
        "$(inside sha256sum /etc/nginx/conf.d/rate-limit.inc /etc/nginx/conf.d/novatune.conf)"
}

bad_nginx_setting_is_refused() {
    local former
    former=$(inside sha256sum /etc/nginx/conf.d/rate-limit.inc /etc/novatune/nginx.env)
    if inside env NOVATUNE_RATE_LIMIT_PER_MINUTE=many novatune-nginx render >"$state/render" 2>&1; then
        fail 'a wrong setting is taken'
    fi
    grep -F "NOVATUNE_RATE_LIMIT_PER_MINUTE: 'many'" "$state/render"
    equals 'the configuration' "$former" \
        "$(inside sha256sum /etc/nginx/conf.d/rate-limit.inc /etc/novatune/nginx.env)"
}

hand_made_changes_stay() {
    inside sh -c 'echo "# by hand" >>/etc/nginx/conf.d/rate-limit.inc'
    apt_install --reinstall /srv/packages/second.deb >"$state/apt" 2>&1
    grep -F 'changed by hand' "$state/apt"
    inside grep -Fx '# by hand' /etc/nginx/conf.d/rate-limit.inc
    novatune_nginx render
    if inside grep -Fx '# by hand' /etc/nginx/conf.d/rate-limit.inc; then fail 'a render leaves it'; fi
}

# As if a former version had written another file, and one that this version has no more.
nginx_is_refreshed() {
    inside sh -c 'echo "# of a former version" >>/etc/nginx/conf.d/rate-limit.inc
        echo "# of a former version" >/etc/nginx/novatune/former.conf
        sed -i "\|/conf.d/rate-limit.inc$|d" /etc/novatune/nginx.rendered
        sha256sum /etc/nginx/conf.d/rate-limit.inc /etc/nginx/novatune/former.conf >>/etc/novatune/nginx.rendered'
    apt_install --reinstall /srv/packages/second.deb >"$state/apt" 2>&1
    grep -F 'reloaded nginx' "$state/apt"
    if inside grep -rF 'of a former version' /etc/nginx; then fail 'the former files stay'; fi
    equals 'a request' 200 "$(request)"
    # With a site beside it that nginx refuses, the former files come back.
    inside sh -c 'echo "# of a former version" >>/etc/nginx/conf.d/rate-limit.inc
        sed -i "\|/conf.d/rate-limit.inc$|d" /etc/novatune/nginx.rendered
        sha256sum /etc/nginx/conf.d/rate-limit.inc >>/etc/novatune/nginx.rendered
        echo "nonsense;" >/etc/nginx/conf.d/other.conf'
    apt_install --reinstall /srv/packages/second.deb >"$state/apt" 2>&1
    grep -F 'of the former version again' "$state/apt"
    inside grep -Fx '# of a former version' /etc/nginx/conf.d/rate-limit.inc
    inside rm /etc/nginx/conf.d/other.conf
    novatune_nginx refresh
    if inside grep -rF 'of a former version' /etc/nginx; then fail 'the former file stays'; fi
    equals 'a request' 200 "$(request)"
}
