# shellcheck shell=bash
# The Swift toolchain and the responder built by it. Sourced by nginx/up.

find_swift() {
    local dir version
    PATH=$PATH:${SWIFTLY_BIN_DIR:-$HOME/.local/share/swiftly/bin}:/opt/swift/usr/bin:/usr/local/swift/usr/bin
    dir=$(command -v swift) ||
        fail "Swift 6.2 or newer is needed and there is no swift in PATH; see https://www.swift.org/install/linux/"
    version=$(swift --version 2>&1) || fail "$dir does not run: ${version:-no output}"
    version=$(sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' <<<"$version" | head -n 1)
    if [[ $(printf '%s\n' 6.2 "$version" | sort -V | head -n 1) != 6.2 ]]; then
        fail "Swift 6.2 or newer is needed, $dir is ${version:-of unknown version};" \
            "see https://www.swift.org/install/linux/"
    fi
}

build_responder() {
    local binary
    binary=$("$REPO/nginx/build")
    remember RESPONDER_BINARY "$binary"
}
