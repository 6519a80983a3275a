/// The state of one dependency in `/readyz`.
public struct DependencyHealth: Sendable, Equatable {
    public let name: String
    /// Why it is unusable; nil where it answers.
    public let failure: String?
    /// Whether requests can do without it.
    public let isOptional: Bool

    public init(name: String, failure: String?, isOptional: Bool) {
        self.name = name
        self.failure = failure
        self.isOptional = isOptional
    }
}

/// Knows the state of the dependencies. It answers without calling them.
public protocol ReadinessSource: Sendable {
    /// In a fixed order.
    var dependencies: [DependencyHealth] { get }
    /// Why keys and credentials differ from those that the settings name now; nil where they do not.
    var reloadRefusal: String? { get }
}
