# shellcheck shell=bash
# The answers for `novatune-streamd setup` on the machine, and what a player then asks. Sourced by setup-checks and
# packages-checks.
# shellcheck disable=SC2154 # set by the other parts

site=stream.example.com
database=setup

# The machine's file /root/NAME, for root alone.
give() { # FILE NAME
    # shellcheck disable=SC2016 # its own argument
    inside sh -c 'umask 077; cat >"/root/$1"' - "$2" <"$1"
}

owner_url() { printf '%s/%s' "${DATABASE_URL%/*}" "$database"; }

answers() {
    cat <<ANSWERS
SETUP_DATABASE_OWNER_URL=$(owner_url)
NOVATUNE_S3_ENDPOINT=${store:-$S3_ENDPOINT}
NOVATUNE_S3_REGION=$S3_REGION
NOVATUNE_S3_BUCKET=$S3_BUCKET
NOVATUNE_S3_ACCESS_KEY_ID=$S3_ACCESS_KEY_ID
NOVATUNE_S3_SECRET_ACCESS_KEY=$S3_SECRET_ACCESS_KEY
NOVATUNE_JWT_ISSUER=$JWT_ISSUER
NOVATUNE_JWT_AUDIENCE=$JWT_AUDIENCE
NOVATUNE_JWT_HS256_SECRET=$JWT_HS256_SECRET
NOVATUNE_NGINX_SERVER_NAME=$site
NOVATUNE_NGINX_CERTIFICATE=/etc/ssl/novatune/chain.pem
NOVATUNE_NGINX_CERTIFICATE_KEY=/etc/ssl/novatune/key.pem
NOVATUNE_RATE_LIMIT_PER_MINUTE=100000
ANSWERS
}

# Statements that insert the stack's track and its user.
rows() {
    psql --quiet --tuples-only --no-align "$DATABASE_URL" <<SQL
select format('insert into novatune.users (user_id, status) values (%L, %L) on conflict do nothing;', user_id, status)
  from novatune.users where user_id = '$USER_ALICE';
select format('insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
               values (%L, %L, %L, %L, %L, %L, %L) on conflict do nothing;',
              track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
  from novatune.tracks where track_id = '$TRACK_READY';
SQL
}

# In the database that setup has made.
copy_rows() { rows | psql --quiet --set ON_ERROR_STOP=1 "$(owner_url)"; }

ask() { # HOST PATH ARGUMENT…
    local host=$1 path=$2
    shift 2
    curl --silent --show-error --max-time 30 --cacert "$state/chain.pem" --resolve "$host:443:127.0.0.1" "$@" \
        "https://$host$path"
}
