import PostgreSQLTrackStore
import RequestTraces
import S3ObjectStore
import SealedCache
import SigV4

/// Where spans come from and where they go.
struct Traces: Sendable {
    let tracer: StreamTracer
    let exporter: OTLPExporter

    init(_ settings: TraceSettings, _ telemetry: Telemetry) {
        let instance = TraceID(high: .random(in: 0 ... .max), low: .random(in: 0 ... .max))
        exporter = OTLPExporter(
            url: settings.url,
            resource: TraceResource(
                serviceVersion: Version.release, instanceID: instance.description, attributes: settings.attributes),
            observe: { telemetry.droppedSpans($0, $1) })
        tracer = StreamTracer(sampler: settings.sampler, sink: exporter)
    }
}

extension SpanServers {
    init(_ s3: S3Settings, _ cache: CacheURL, _ tracks: PipelinedTrackStore) {
        self.init(
            database: { tracks.server.map { SpanServer($0) } }, cache: SpanServer(cache), objectStore: SpanServer(s3),
            bucketURL: s3.endpoint.url(bucket: s3.bucket, s3.addressing))
    }
}

extension SpanServer {
    init(_ server: DatabaseServer) {
        switch server {
        case .tcp(let host, let port): self.init(address: host, port: port)
        case .unix(let path): self.init(path: path)
        }
    }

    /// Nil where no server is known from the settings: the cache is in the process, or sentinels name its master. Of a
    /// cluster it is the first node that the setting names.
    init?(_ cache: CacheURL) {
        guard case .server(let server) = cache else { return nil }
        switch server.location {
        case .tcp(let host, let port): self.init(address: host, port: port)
        case .unix(let path): self.init(path: path)
        case .cluster(let nodes):
            guard let node = nodes.first else { return nil }
            self.init(address: node.host, port: node.port)
        case .sentinels: return nil
        }
    }

    init(_ store: S3Settings) {
        self.init(
            address: store.endpoint.host(bucket: store.bucket, store.addressing), port: store.endpoint.effectivePort)
    }
}
