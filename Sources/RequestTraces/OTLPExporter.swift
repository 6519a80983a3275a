import HTTPClient
public import Resilience

/// Sends spans to an OpenTelemetry collector (OTLP/HTTP 1.x, binary protobuf) from a thread of its own. A slow or
/// absent collector costs the spans, which are counted, and nothing else.
public final class OTLPExporter: SpanSink {
    public struct Policy: Sendable {
        /// Spans that wait or are on their way; the newest beyond it are dropped.
        public var queueLimit: Int
        /// Spans of one request, at most `queueLimit`.
        public var batchLimit: Int
        /// How long a span waits for a batch to fill.
        public var interval: Duration
        /// One attempt, from connecting to the answer's last byte.
        public var timeout: Duration
        /// The wait before the second of five attempts; twice as long before each further one, at most 30 s.
        public var firstRetry: Duration

        public init(
            queueLimit: Int = 2048, batchLimit: Int = 512, interval: Duration = .seconds(1),
            timeout: Duration = .seconds(10),
            firstRetry: Duration = .seconds(1)
        ) {
            self.queueLimit = max(1, queueLimit)
            self.batchLimit = min(max(1, batchLimit), self.queueLimit)
            self.interval = interval
            self.timeout = timeout
            self.firstRetry = firstRetry
        }
    }

    /// The longest wait between attempts, whatever the collector's `Retry-After` says.
    private static let longestPause: Duration = .seconds(30)

    /// In bytes; a collector's answers are short.
    private static let responseLimit = 64 << 10

    private let queue: SpanQueue
    private let thread: WorkerThread

    /// - Parameters:
    ///   - url: where batches are posted.
    ///   - observe: receives the reason why a batch was dropped, for each. Called on the exporter's thread.
    public init(
        url: String, resource: TraceResource, policy: Policy = Policy(),
        observe: @escaping @Sendable (DropReason, String) -> Void = { _, _ in }
    ) {
        let queue = SpanQueue(capacity: policy.queueLimit, batchLimit: policy.batchLimit)
        self.queue = queue
        thread = WorkerThread(name: "otlp-exporter") {
            let client = HTTPClient()
            while let batch = queue.next(interval: policy.interval) {
                Self.send(batch, OTLPMessage.encode(batch, resource), to: url, client, queue, policy, observe)
            }
        }
    }

    /// Its thread ends after the attempt that is under way.
    deinit { _ = queue.shutdown(by: Deadline(after: .zero)) }

    public func export(_ span: SpanRecord) { queue.append(span) }

    public func flush() { queue.flush() }

    public var totals: SpanTotals { queue.currentTotals }

    /// Sends the waiting spans, each batch tried once more; spans not sent by then are dropped.
    /// - Returns: whether no span was dropped.
    @discardableResult
    public func shutdown(by deadline: Deadline) -> Bool { queue.shutdown(by: deadline) }

    /// Waits for the thread's end, or for `deadline`, after `shutdown`: an attempt that is under way may take longer.
    /// - Returns: whether it has ended.
    @discardableResult
    public func join(by deadline: Deadline) -> Bool { thread.join(by: deadline) }

    private static func send(
        _ batch: [SpanRecord], _ body: [UInt8], to url: String, _ client: HTTPClient, _ queue: SpanQueue,
        _ policy: Policy,
        _ observe: (DropReason, String) -> Void
    ) {
        var backoff = Backoff(from: policy.firstRetry, to: longestPause)
        var attempt = 1
        while true {
            let end = queue.endsBy
            let timeout = end.map { min(policy.timeout, $0.remaining) } ?? policy.timeout
            var answer: HTTPResponse?
            var outcome: String
            do {
                let received = try client.post(
                    url, headers: [("Content-Type", OTLPMessage.contentType)], body: body, timeout: timeout,
                    responseLimit: responseLimit)
                answer = received
                outcome = "status \(received.status)"
            } catch {
                outcome = error.description
            }
            let verdict = ExportVerdict.of(answer, spans: batch.count, attempt: attempt, isLast: end != nil)
            switch verdict {
            case .retry(let seconds):
                let pause = backoff.failed(jitter: .random(in: 0...1))
                queue.pause(min(max(pause, .seconds(seconds ?? 0)), longestPause))
                attempt += 1
                continue
            case .delivered(let rejected): if rejected > 0 { observe(.rejected, "\(rejected) spans") }
            case .drop(let reason): observe(reason, outcome)
            }
            return queue.finished(verdict)
        }
    }
}
