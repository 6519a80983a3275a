/// `opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest`, and its response. Field numbers are those of
/// opentelemetry-proto v1.
///
/// Protobuf, not JSON: every collector reads it, it needs no escaping, and a varint is less code than a JSON string.
enum OTLPMessage {
    static let contentType = "application/x-protobuf"

    static func encode(_ spans: some Sequence<SpanRecord>, _ resource: TraceResource) -> [UInt8] {
        var request = ProtocolBufferWriter()
        request.message(1) { resourceSpans in
            resourceSpans.message(1) { message in
                attribute(&message, 1, "service.name", .text(resource.serviceName))
                attribute(&message, 1, "service.version", .text(resource.serviceVersion))
                attribute(&message, 1, "service.instance.id", .text(resource.instanceID))
                for other in resource.others { attribute(&message, 1, other.name, .text(other.value)) }
            }
            resourceSpans.message(2) { scopeSpans in
                scopeSpans.message(1) { scope in
                    scope.text(1, TraceResource.program)
                    scope.text(2, resource.serviceVersion)
                }
                for record in spans { scopeSpans.message(2) { encode(&$0, record) } }
            }
        }
        return request.bytes
    }

    private static func encode(_ message: inout ProtocolBufferWriter, _ record: SpanRecord) {
        message.identifier(1, record.traceID.high, record.traceID.low)
        message.identifier(2, record.spanID.value)
        if let state = record.traceState { message.text(3, state.description) }
        if let parent = record.parent { message.identifier(4, parent.value) }
        message.text(5, record.name)
        message.number(6, record.kind.rawValue)
        message.fixed64(7, record.startNanoseconds)
        message.fixed64(8, record.endNanoseconds)
        for field in record.fields { attribute(&message, 9, field.name.rawValue, field.value) }
        for event in record.events {
            message.message(11) { body in
                body.fixed64(1, event.nanoseconds)
                body.text(2, event.name)
                for field in event.fields { attribute(&body, 3, field.name.rawValue, field.value) }
            }
        }
        if record.status != .unset { message.message(15) { $0.number(3, record.status.rawValue) } }
        // W3C trace flags, then whether it is known that the parent is remote, and whether it is (SpanFlags).
        message.fixed32(16, 1 | 0x100 | (record.isParentRemote ? 0x200 : 0))
    }

    private static func attribute(
        _ message: inout ProtocolBufferWriter, _ field: UInt64, _ name: String, _ value: FieldValue
    ) {
        message.message(field) { pair in
            pair.text(1, name)
            pair.message(2) { any in
                switch value {
                case .text(let text): any.text(1, text)
                case .flag(let flag): any.number(2, flag ? 1 : 0)
                case .number(let number): any.number(3, UInt64(bitPattern: number))
                }
            }
        }
    }

    /// `partial_success.rejected_spans` of an ExportTraceServiceResponse; 0 where it does not say.
    static func rejectedSpans(_ response: [UInt8]) -> Int {
        var reader = ProtocolBufferReader(response[...])
        while let (field, value) = reader.next() {
            guard field == 1, case .bytes(let partial) = value else { continue }
            var reader = ProtocolBufferReader(partial)
            while let (field, value) = reader.next() {
                if field == 1, case .number(let count) = value { return Int(clamping: Int64(bitPattern: count)) }
            }
        }
        return 0
    }
}
