import OperatorSettings
import SigV4

/// The variables that OpenTelemetry's SDKs read ("Environment Variable Specification", "OpenTelemetry Protocol
/// Exporter"), for an operator who has them for other services. A setting of this program's own wins.
///
/// A value that cannot be used counts as none and is an issue, as those specifications ask: what is meant for other
/// programs must not stop this one.
public struct OpenTelemetryVariables: Sendable, Equatable {
    /// It names the variable and does not quote its value.
    public struct Issue: Sendable, Equatable, CustomStringConvertible {
        public let name: String
        public let reason: String

        public var description: String { "\(name): \(reason)" }
    }

    /// Where spans go.
    public struct Destination: Sendable, Equatable {
        /// The variable that says it.
        public let name: String
        public let url: String
    }

    /// Nil where no variable names one, or where one turns traces off.
    public let destination: Destination?
    /// Nil where no variable says which traces are recorded.
    public let sampler: Sampler?
    /// With different names.
    public let attributes: [ResourceAttribute]
    public let issues: [Issue]

    /// - Parameters:
    ///   - environment: only `OTEL_…` is read; an empty value counts as none.
    ///   - hasEndpoint: whether a setting names the collector; then no variable says where spans go.
    ///   - hasSampleRatio: whether a setting says which traces are recorded.
    public init(_ environment: [String: String], hasEndpoint: Bool, hasSampleRatio: Bool) {
        var reader = Reader(environment)
        let destination = hasEndpoint ? nil : reader.destination()
        guard hasEndpoint || destination != nil else {
            // Nothing else matters without traces.
            (self.destination, sampler, attributes, issues) = (nil, nil, [], reader.issues)
            return
        }
        self.destination = destination
        sampler = hasSampleRatio ? nil : reader.sampler()
        attributes = reader.attributes()
        if !hasEndpoint { reader.reportWhatIsNotRead() }
        issues = reader.issues
    }
}

private struct Reader {
    private let variables: [String: String]
    private(set) var issues: [OpenTelemetryVariables.Issue] = []

    init(_ environment: [String: String]) {
        variables = environment.filter { $0.key.hasPrefix("OTEL_") && !$0.value.isEmpty }
    }

    private mutating func report(_ name: String, _ reason: String) {
        issues.append(OpenTelemetryVariables.Issue(name: name, reason: reason))
    }

    // MARK: Where spans go

    mutating func destination() -> OpenTelemetryVariables.Destination? {
        guard !isDisabled() else { return nil }
        for (name, path) in [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""), ("OTEL_EXPORTER_OTLP_ENDPOINT", "v1/traces"),
        ] {
            guard let text = variables[name] else { continue }
            guard let endpoint = Endpoint(withPath: text) else {
                report(name, "not http://host[:port][/path] or https://…; ignored")
                continue
            }
            return OpenTelemetryVariables.Destination(name: name, url: Self.url(endpoint, text, adding: path))
        }
        return nil
    }

    /// The endpoint of traces alone is used as it is, with the path `/` where it has none; the other has a path below
    /// it.
    private static func url(_ endpoint: Endpoint, _ text: String, adding path: String) -> String {
        if path.isEmpty, !endpoint.path.isEmpty, text.last != "/" { return String(endpoint.url.dropLast()) }
        return endpoint.url + path
    }

    private mutating func isDisabled() -> Bool {
        if let text = variables["OTEL_SDK_DISABLED"]?.lowercased() {
            if text == "true" { return true }
            if text != "false" { report("OTEL_SDK_DISABLED", "neither true nor false; ignored, which is false") }
        }
        guard let exporters = variables["OTEL_TRACES_EXPORTER"], exporters != "otlp" else { return false }
        if exporters == "none" { return true }
        report("OTEL_TRACES_EXPORTER", "neither otlp nor none; ignored, which is otlp")
        return false
    }

    // MARK: Which traces are recorded

    mutating func sampler() -> Sampler? {
        guard let name = variables["OTEL_TRACES_SAMPLER"] else { return nil }
        switch name {
        case "always_on": return Sampler(ratio: 1, followsParent: false)
        case "always_off": return Sampler(ratio: 0, followsParent: false)
        case "traceidratio": return Sampler(ratio: ratio(), followsParent: false)
        case "parentbased_always_on": return Sampler(ratio: 1)
        case "parentbased_always_off": return Sampler(ratio: 0)
        case "parentbased_traceidratio": return Sampler(ratio: ratio())
        default:
            report(
                "OTEL_TRACES_SAMPLER",
                "none of always_on, always_off, traceidratio and the same with parentbased_; ignored")
            return nil
        }
    }

    /// 1 where it is not said.
    private mutating func ratio() -> Double {
        guard let text = variables["OTEL_TRACES_SAMPLER_ARG"] else { return 1 }
        guard let ratio = Double(text), (0...1).contains(ratio) else {
            report("OTEL_TRACES_SAMPLER_ARG", "not a number from 0 to 1; ignored, which is 1")
            return 1
        }
        return ratio
    }

    // MARK: Who sends them

    mutating func attributes() -> [ResourceAttribute] {
        var attributes = resourceAttributes()
        if let name = variables["OTEL_SERVICE_NAME"] {
            attributes.removeAll { $0.name == "service.name" }
            attributes.insert(ResourceAttribute("service.name", name), at: 0)
        }
        return attributes
    }

    /// `key=value,key=value`, percent-encoded; of a key that occurs twice the last one counts. An error discards all.
    private mutating func resourceAttributes() -> [ResourceAttribute] {
        let name = "OTEL_RESOURCE_ATTRIBUTES"
        var attributes: [ResourceAttribute] = []
        for pair in variables[name]?.split(separator: ",") ?? [] {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let key = PercentEncoding.decoded(parts[0].trimmed), !key.isEmpty,
                let value = PercentEncoding.decoded(parts[1].trimmed)
            else {
                report(name, "not key=value,key=value with percent-encoding; ignored as a whole")
                return []
            }
            attributes.removeAll { $0.name == key }
            attributes.append(ResourceAttribute(key, value))
        }
        return attributes
    }

    // MARK: What this program has not

    mutating func reportWhatIsNotRead() {
        for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            guard let text = variables[name], text != "http/protobuf" else { continue }
            report(name, "not http/protobuf, the only protocol here; ignored")
        }
        for part in ["HEADERS", "CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"] {
            for name in ["OTEL_EXPORTER_OTLP_TRACES_\(part)", "OTEL_EXPORTER_OTLP_\(part)"] where variables[name] != nil
            {
                report(name, "not read; a collector beside this program can have it")
            }
        }
    }
}

/// RFC 3986 §2.1.
private enum PercentEncoding {
    /// Nil where a `%` is not followed by two hexadecimal digits, or the bytes are not UTF-8.
    static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-"),
                let number = UInt8(Substring(digits), radix: 16)
            else { return nil }
            bytes.append(number)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
