import StreamIssuing

/// An invalidation as the triggers of `sql/` send it: `USER TRACK REASON`, each a word, `*` for all.
enum InvalidationPayload {
    static let channel = "novatune_invalidation"

    private static let all = "*"

    static func encode(_ invalidation: Invalidation) -> String {
        let reason = invalidation.reason.rawValue
        return switch invalidation.scope {
        case .track(let user, let track): "\(user) \(track) \(reason)"
        case .user(let user): "\(user) \(all) \(reason)"
        case .everything: "\(all) \(all) \(reason)"
        }
    }

    /// Nil for anything that `encode` does not produce: every role of the database may send any payload.
    static func decode(_ text: String) -> Invalidation? {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, let reason = Invalidation.Reason(rawValue: String(words[2])) else { return nil }
        let scope: Invalidation.Scope
        switch (words[0] == all, words[1] == all) {
        case (true, true): scope = .everything
        case (true, false): return nil
        case (false, true):
            guard let user = ULID(words[0]) else { return nil }
            scope = .user(user)
        case (false, false):
            guard let user = ULID(words[0]), let track = ULID(words[1]) else { return nil }
            scope = .track(user: user, track: track)
        }
        return Invalidation(scope, reason: reason)
    }
}
