import Glibc

extension ValueStoreError {
    static let timedOut = ValueStoreError(code: "timeout", reason: "no answer in time")
    static let unexpectedReply = ValueStoreError(code: "protocol", reason: "an unexpected kind of reply")
    static let replyTooLarge = ValueStoreError(code: "protocol", reason: "a reply is too large")
    static let connecting = ValueStoreError(code: "connecting", reason: "the connection is being made")
    /// The caller's own deadline, which is earlier than the store's timeout.
    static let pastDeadline = ValueStoreError(code: "deadline", reason: "the request's own time is over")
    static let overloaded = ValueStoreError(code: "overloaded", reason: "too much waits for the server already")
    static let closed = ValueStoreError(code: "closed", reason: "the store is closed")

    static func notConnected(because error: ValueStoreError) -> ValueStoreError {
        ValueStoreError(code: "connect", reason: "no connection: \(error.reason)")
    }

    /// - Parameter code: of a system call; 0 where the server has closed its end.
    static func lost(_ code: Int32 = 0) -> ValueStoreError {
        guard code != 0, let text = unsafe strerror(code) else {
            return ValueStoreError(code: "lost", reason: "the server closed the connection")
        }
        return ValueStoreError(code: "lost", reason: unsafe String(cString: text))
    }

    /// Whether it concerns the server. A command that was not sent for a local reason does not.
    var isOfServer: Bool {
        ![Self.connecting, .pastDeadline, .overloaded, .closed].contains { $0.code == code }
    }
}
