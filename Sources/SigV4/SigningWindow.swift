public import StreamIssuing

/// The moments at which URLs are signed, so that all hosts sign the same URL for an object within a window.
///
/// Each object's windows begin at a second of their own: of many objects only a few get another URL at a time.
public struct SigningWindow: Sendable, Equatable {
    /// In whole seconds, at least 1 s.
    public let length: Duration

    /// - Parameter length: in whole seconds, 1 s to 7 days.
    public init(length: Duration) {
        self.length = length
    }

    /// When the window of `key` that holds `time` began: `X-Amz-Date` of its URL.
    public func start(of key: String, at time: UnixTime) -> UnixTime {
        let seconds = length.components.seconds
        let phase = Int64(Self.hash(key) % UInt64(seconds))
        // Each term is within one length, so that no clock overflows it; below zero before 1970.
        let elapsed = (time.seconds % seconds - phase) % seconds
        return time.adding(.seconds(elapsed < 0 ? -(elapsed + seconds) : -elapsed))
    }

    /// FNV-1a of the key's UTF-8, 64 bits: equal on all hosts and in all versions.
    private static func hash(_ key: String) -> UInt64 {
        key.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}
