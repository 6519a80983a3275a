public import OperatorSettings
import SigV4

/// Settings of traces.
public enum TraceSetting {
    public static let endpoint = Setting<String>(
        "NOVATUNE_OTLP_ENDPOINT",
        shownDefault: "that of OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT, else off",
        "OpenTelemetry collector for traces (OTLP/HTTP, protobuf): http://host[:port] or https://…; /v1/traces is added"
    ) { (text) throws(InvalidValue) in
        guard Endpoint(text) != nil else { throw InvalidValue("not http://host[:port] or https://host[:port]") }
        return text
    }
    public static let sampleRatio = Setting.share(
        "NOVATUNE_OTLP_SAMPLE_RATIO", default: 0.01,
        "share of the traces that begin here and are recorded; a request's traceparent decides for its own; where this is "
            + "not set, OTEL_TRACES_SAMPLER says it")

    /// Where the spans go, for an endpoint of that setting.
    public static func url(ofEndpoint endpoint: String) -> String {
        endpoint + (endpoint.hasSuffix("/") ? "v1/traces" : "/v1/traces")
    }

    public static let group = SettingGroup("Traces", [endpoint.declaration, sampleRatio.declaration])
}
