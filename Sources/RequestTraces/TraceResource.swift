/// Identifies the sender of a span, in the names of OpenTelemetry's resource conventions.
public struct TraceResource: Sendable, Equatable {
    /// The program that makes the spans: their instrumentation scope.
    public static let program = "novatune-streamd"

    public let serviceName: String
    public let serviceVersion: String
    /// Different for every process of the service.
    public let instanceID: String
    /// The operator's further attributes.
    public let others: [ResourceAttribute]

    /// - Parameters:
    ///   - attributes: the operator's, with different names. Their `service.name` and `service.instance.id` replace the
    ///     program's own; its version stays.
    public init(
        serviceName: String = program, serviceVersion: String, instanceID: String,
        attributes: [ResourceAttribute] = []
    ) {
        func own(_ name: String) -> String? { attributes.first { $0.name == name }?.value }
        self.serviceName = own("service.name") ?? serviceName
        self.serviceVersion = serviceVersion
        self.instanceID = own("service.instance.id") ?? instanceID
        others = attributes.filter { !["service.name", "service.version", "service.instance.id"].contains($0.name) }
    }
}

/// What the operator says about the sender of spans.
public struct ResourceAttribute: Sendable, Equatable {
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
