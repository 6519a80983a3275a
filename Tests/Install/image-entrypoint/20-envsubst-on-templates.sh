#!/bin/sh
# What the image's file of this name does with templates, in words of our own.
#   1. Templates are the files *.template below /etc/nginx/templates, in subdirectories, too; what they become goes to
#      /etc/nginx/conf.d under the same name without the suffix. NGINX_ENVSUBST_TEMPLATE_DIR, _TEMPLATE_SUFFIX and
#      _OUTPUT_DIR change that.
#   2. Where there are no templates, or conf.d cannot be written, nothing is done, and the start goes on.
#   3. ${NAME} and $NAME are replaced for each name of the environment that matches NGINX_ENVSUBST_FILTER, an extended
#      regular expression; without it for each name of the environment, so that a variable `host` would replace nginx's.
set -e

templates=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}

[ -d "$templates" ] || exit 0
if [ ! -w "$output" ]; then
    echo "$0: $output is not writable: the templates of $templates are left alone"
    exit 0
fi

names=''
for name in $(env -0 | tr '\n\0' ' \n' | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | grep -E "${NGINX_ENVSUBST_FILTER:-.}"); do
    names="$names\${$name} "
done

find "$templates" -follow -type f -name "*$suffix" | while read -r template; do
    target=$output/${template#"$templates/"}
    target=${target%"$suffix"}
    mkdir -p "$(dirname "$target")"
    envsubst "$names" <"$template" >"$target"
done
