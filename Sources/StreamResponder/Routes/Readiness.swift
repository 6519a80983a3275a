/// The state of one dependency in `/readyz`.
public struct DependencyHealth: Sendable, Equatable {
    public let name: String
    /// Why it is unusable; nil where it answers.
    public let failure: String?
    /// Whether requests can do without it.
    public let isOptional: Bool
    /// What an operator should see though it answers; nil where there is nothing.
    public let warning: String?
    /// How far a standby is behind its primary; nil for any other dependency.
    public let replicaLag: Duration?

    public init(
        name: String, failure: String?, isOptional: Bool, warning: String? = nil, replicaLag: Duration? = nil
    ) {
        self.name = name
        self.failure = failure
        self.isOptional = isOptional
        self.warning = warning
        self.replicaLag = replicaLag
    }
}

/// Knows the state of the dependencies. It answers without calling them.
public protocol ReadinessSource: Sendable {
    /// In a fixed order.
    var dependencies: [DependencyHealth] { get }
    /// Why keys and credentials differ from those that the settings name now; nil where they do not.
    var reloadRefusal: String? { get }
    /// What those are, in the answer.
    var secretsName: String { get }
}

extension ReadinessSource {
    public var secretsName: String { "keys" }
}
