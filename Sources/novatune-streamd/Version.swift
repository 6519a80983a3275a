import CCommit

/// What `--version` prints.
enum Version {
    /// The release, which is the last tag of `sql/sqitch.plan` too.
    static let release = "0.1.0"

    /// The commit that the program was built from, such as `33e7317` or `33e7317 with uncommitted changes`; `nil`
    /// unless `nginx/build` built the program in a git checkout.
    static var commit: String? {
        unsafe novatune_linked_commit().map { unsafe String(cString: $0) }
    }

    /// The release, and the commit in parentheses if there is one.
    static func text(commit: String? = commit) -> String {
        guard let commit else { return release }
        return "\(release) (\(commit))"
    }
}
