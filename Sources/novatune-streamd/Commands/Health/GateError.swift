import Glibc

/// Why a gate socket gave no answer, and what to do.
struct GateError: Error, Equatable, CustomStringConvertible {
    let description: String

    static let late = GateError("no answer in time: the responder hangs, or the machine is overloaded")
    static let closed = GateError(
        "the connection was closed without an answer: the responder is ending, or this is no gate socket")
    static let notFastCGI = GateError(
        "what answers there does not speak FastCGI; the address must be NOVATUNE_GATE_LISTEN")
    static func unknownHost(_ reason: String) -> GateError {
        GateError("the host's address is not found (\(reason)); correct it or write an address")
    }

    private init(_ description: String) { self.description = description }

    init(errno code: Int32) {
        let reason = unsafe String(cString: strerror(code))
        description =
            switch code {
            case ENOENT, ECONNREFUSED:
                "no responder listens there (\(reason)): start it, or correct NOVATUNE_GATE_LISTEN"
            case EACCES, EPERM:
                "\(reason): run this as the responder's account, or as a member of its group"
            case EAGAIN, EINPROGRESS, ETIMEDOUT: Self.late.description
            case ECONNRESET, EPIPE: Self.closed.description
            default: reason
            }
    }
}
