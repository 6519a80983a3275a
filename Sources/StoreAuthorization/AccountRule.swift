/// What an account other than the signer may do: `account=action,action@bucket,bucket`.
public struct AccountRule: Sendable, Equatable {
    public let account: String
    /// MinIO's, each with a `*` at its end for all that begin so. RGW's own policies decide on actions.
    public let actions: [String]
    /// Nil where the rule names none: the bucket of the audio. `*` for all, and for what is about no bucket.
    public let buckets: [String]?

    /// Nil for any other text.
    public init?(_ text: some StringProtocol) {
        let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, !sides[0].isEmpty else { return nil }
        let parts = sides[1].split(separator: "@", omittingEmptySubsequences: false)
        func items(_ text: some StringProtocol) -> [String]? {
            let items = text.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
            return items.contains("") ? nil : items
        }
        guard parts.count <= 2, let actions = items(parts[0]) else { return nil }
        let buckets = parts.count == 2 ? items(parts[1]) : nil
        if parts.count == 2, buckets == nil { return nil }
        account = String(sides[0])
        self.actions = actions
        self.buckets = buckets
    }

    func allows(_ question: StoreQuestion, audioBucket: String) -> Bool {
        guard question.account == account else { return false }
        let buckets = buckets ?? [audioBucket]
        let isListed = !question.bucket.isEmpty && buckets.contains(question.bucket)
        guard isListed || buckets.contains("*") else { return false }
        guard case .policy(let asked) = question.action else { return true }
        return actions.contains { action in
            action.hasSuffix("*") ? asked.hasPrefix(action.dropLast()) : asked == action
        }
    }
}
