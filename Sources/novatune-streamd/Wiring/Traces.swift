import RequestTraces

/// Where spans come from and where they go.
struct Traces: Sendable {
    let tracer: StreamTracer
    let exporter: OTLPExporter

    init(_ settings: TraceSettings, _ telemetry: Telemetry) {
        let instance = TraceID(high: .random(in: 0 ... .max), low: .random(in: 0 ... .max))
        exporter = OTLPExporter(
            endpoint: settings.endpoint,
            resource: TraceResource(
                serviceName: "novatune-streamd", serviceVersion: NovatuneStreamd.version, instanceID: instance.description),
            observe: { telemetry.droppedSpans($0, $1) })
        tracer = StreamTracer(sampler: Sampler(ratio: settings.sampleRatio), sink: exporter)
    }
}
