import Cryptography
import StreamIssuing

/// What is known of the access to the bucket, so that a refusal is blamed on its cause: a value.
struct AccessHistory {
    /// The status alone says so little: the answer to a HEAD has no body.
    enum Cause: Equatable {
        /// This object, while others are readable.
        case object
        /// What the last probe found at fault.
        case settings(reason: String)
        /// The settings reach the store, and no object has been readable.
        case permission
        /// The settings reach the store, and of many objects that were not readable before each is refused.
        case manyObjects
        case unknown
    }

    /// More objects than these refused one after the other are not the fault of one of them.
    private static let limit = 8

    private var lastProbe: Probe = .never
    private var isReadable = false
    /// Different objects since one was readable.
    private var refused: Set<Digest256> = []

    private enum Probe {
        case never, well
        case fault(String)
    }

    /// - Parameter fault: of the settings; nil where there is none.
    mutating func probed(_ fault: String?) { lastProbe = fault.map { .fault($0) } ?? .well }

    mutating func objectWasReadable() {
        isReadable = true
        if !refused.isEmpty { refused = [] }
    }

    mutating func objectWasRefused(_ object: Digest256) -> Cause {
        if refused.count <= Self.limit { refused.insert(object) }
        if case .fault(let reason) = lastProbe { return .settings(reason: reason) }
        if isReadable, refused.count <= Self.limit { return .object }
        if case .well = lastProbe { return isReadable ? .manyObjects : .permission }
        return .unknown
    }
}
