import Glibc
import OperatorSettings

extension ValueStoreError {
    static let timedOut = ValueStoreError(code: "timeout", reason: "no answer in time")
    static let unexpectedReply = ValueStoreError(code: "protocol", reason: "an unexpected kind of reply")
    static let replyTooLarge = ValueStoreError(code: "protocol", reason: "a reply is too large")
    static let connecting = ValueStoreError(code: "connecting", reason: "the connection is being made")
    /// The caller's own deadline, which is earlier than the store's timeout.
    static let pastDeadline = ValueStoreError(code: "deadline", reason: "the request's own time is over")
    static let overloaded = ValueStoreError(code: "overloaded", reason: "too much waits for the server already")
    static let closed = ValueStoreError(code: "closed", reason: "the store is closed")

    /// - Parameter code: of a system call.
    static func cannotConnect(_ code: Int32) -> ValueStoreError {
        ValueStoreError(code: "connect", reason: unsafe String(cString: strerror(code)))
    }

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

    static let notMaster = ValueStoreError(
        code: "refused", reason: "the server that the sentinels name says that it is no master")

    static let slotNotServed = ValueStoreError(code: "refused", reason: "no node of the cluster serves the key's slot")

    /// Whether the node was not reached, or no longer.
    var isOfConnection: Bool { isLost || code == "connect" || code == Self.timedOut.code }

    var isLost: Bool { code == Self.lost().code }

    /// A TLS server closes a connection on which it reads a command. In TLS 1.3 it refuses a client without a
    /// certificate after the client's handshake, and its alert may be lost with the connection (RFC 8446 §4.6.2).
    func beforeFirstAnswer(usesTLS: Bool) -> ValueStoreError {
        let settings = "\(CacheSetting.clientCertificate.name) and \(CacheSetting.clientKey.name)"
        let advice =
            usesTLS
            ? "if it requires a client certificate, set \(settings)" : "if it expects TLS, write rediss://"
        return ValueStoreError(code: usesTLS ? "tls" : code, reason: "\(reason) before its first answer; \(advice)")
    }

    /// Whether it concerns the server. A command that was not sent for a local reason does not.
    var isOfServer: Bool {
        ![Self.connecting, .pastDeadline, .overloaded, .closed].contains { $0.code == code }
    }
}
