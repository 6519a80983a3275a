/// What `/readyz` says of one dependency.
public struct DependencyHealth: Sendable, Equatable {
    public let name: String
    /// Why it is of no use; nil where it answers.
    public let failure: String?
    /// Whether requests can do without it.
    public let isOptional: Bool

    public init(name: String, failure: String?, isOptional: Bool) {
        self.name = name
        self.failure = failure
        self.isOptional = isOptional
    }
}

/// Knows how the dependencies are. It answers without asking them.
public protocol ReadinessSource: Sendable {
    /// In a fixed order.
    var dependencies: [DependencyHealth] { get }
    /// Why keys and credentials are not those that the settings name now; nil where they are.
    var reloadRefusal: String? { get }
}
