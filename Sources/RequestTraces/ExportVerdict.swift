import HTTPClient

/// Why spans did not reach the collector.
public enum DropReason: String, Sendable, CaseIterable {
    /// The queue was full.
    case queueFull = "queue_full"
    /// The collector rejected them.
    case rejected
    /// The collector could not be reached, or could not take them, in all attempts.
    case failed
    /// The process ended.
    case shutdown
}

/// The decision after an attempt to send a batch (OTLP specification 1.x, "OTLP/HTTP Response").
enum ExportVerdict: Equatable {
    case delivered(rejected: Int)
    /// - Parameter seconds: the wait that the collector asked for.
    case retry(afterSeconds: Int?)
    case drop(DropReason)

    /// Attempts for one batch.
    static let maximumAttempts = 5

    /// - Parameters:
    ///   - answer: nil where none arrived.
    ///   - attempt: counts from 1.
    static func of(_ answer: HTTPResponse?, spans: Int, attempt: Int, isLast: Bool) -> ExportVerdict {
        guard let answer else { return retryOrDrop(nil, attempt, isLast) }
        switch answer.status {
        case 200...299: return .delivered(rejected: min(max(0, OTLPMessage.rejectedSpans(answer.body)), spans))
        case 429, 502, 503, 504: return retryOrDrop(answer.retryAfterSeconds, attempt, isLast)
        default: return .drop(.rejected)
        }
    }

    private static func retryOrDrop(_ seconds: Int?, _ attempt: Int, _ isLast: Bool) -> ExportVerdict {
        attempt < maximumAttempts && !isLast ? .retry(afterSeconds: seconds) : .drop(.failed)
    }
}
