import CCurl

/// Receives an answer's header lines, which only libcurl reads: the sink counts their bytes and notes whether they are
/// complete. Without it, an answer that breaks off after its status line would count.
@safe final class HeaderSink {
    /// All lines together, in bytes; S3 keeps less than 8 KiB with all user metadata.
    private static let limit = 65_536

    private var bytes = 0
    private var isComplete = false

    func begin() { (bytes, isComplete) = (0, false) }

    var isOverfull: Bool { bytes > Self.limit }

    /// Nil where the headers are complete and within the limit.
    var failure: HTTPError? {
        if isOverfull { return .tooLarge }
        return isComplete ? nil : .brokenOff
    }

    /// The headers end with an empty line (RFC 9112 §2.1); those of an informational answer are followed by others.
    fileprivate func take(_ count: Int) -> Bool {
        bytes += count
        isComplete = count <= 2
        return !isOverfull
    }
}

extension EasyHandle {
    /// Passes header lines to `sink` until the next `reset`. The sink must outlive the transfer.
    func receiveHeaders(into sink: HeaderSink) {
        unsafe novatune_curl_set_pointer(pointer, CURLOPT_HEADERDATA, Unmanaged.passUnretained(sink).toOpaque())
        unsafe novatune_curl_set_write(pointer, CURLOPT_HEADERFUNCTION) { _, size, count, sink in
            guard let sink = unsafe sink else { return 0 }
            // Any return value but the count ends the transfer.
            return unsafe Unmanaged<HeaderSink>.fromOpaque(sink).takeUnretainedValue().take(size * count)
                ? size * count : 0
        }
    }
}
