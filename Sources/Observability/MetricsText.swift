/// Parsed metrics: Prometheus text format 0.0.4, as far as this program's own pages use it.
public struct MetricsText: Sendable {
    public struct Sample: Sendable, Equatable {
        public let name: String
        public let labels: [String: String]
        public let value: Double
    }

    public let samples: [Sample]

    /// Lines that are not samples are skipped.
    public init(_ text: String) {
        samples = text.split(separator: "\n").compactMap { $0.hasPrefix("#") ? nil : Self.sample($0) }
    }

    /// The sum of a name's samples that have the given labels; nil where there is none.
    public func sum(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let values = samples.filter { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }
        return values.isEmpty ? nil : values.reduce(0) { $0 + $1.value }
    }

    public func samples(_ name: String) -> [Sample] { samples.filter { $0.name == name } }

    private static func sample(_ line: Substring) -> Sample? {
        guard let end = line.lastIndex(of: " "), let value = Double(line[line.index(after: end)...]) else { return nil }
        let series = line[..<end]
        guard let open = series.firstIndex(of: "{"), series.last == "}" else {
            return Sample(name: String(series), labels: [:], value: value)
        }
        guard let labels = labels(series[series.index(after: open)...].dropLast()) else { return nil }
        return Sample(name: String(series[..<open]), labels: labels, value: value)
    }

    /// `name="value",…`, with `\\`, `\"` and `\n` in values.
    private static func labels(_ text: Substring) -> [String: String]? {
        var labels: [String: String] = [:]
        var rest = text.unicodeScalars[...]
        while !rest.isEmpty {
            guard let equals = rest.firstIndex(of: "=") else { return nil }
            let name = String(rest[..<equals])
            rest = rest[rest.index(after: equals)...]
            guard rest.popFirst() == "\"" else { return nil }
            var value = String.UnicodeScalarView()
            while let scalar = rest.popFirst(), scalar != "\"" {
                guard scalar == "\\" else {
                    value.append(scalar)
                    continue
                }
                guard let escaped = rest.popFirst() else { return nil }
                value.append(escaped == "n" ? "\n" : escaped)
            }
            labels[name] = String(value)
            if rest.first == "," { rest.removeFirst() }
        }
        return labels
    }
}
