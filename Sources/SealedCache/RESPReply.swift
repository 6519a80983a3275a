import CHiredis

/// An answer of a RESP server (RESP protocol specification, RESP2 kinds).
enum RESPReply: Equatable {
    case status(String)
    case bulk([UInt8])
    case integer(Int64)
    case array([RESPReply])
    case null
    /// The error's name alone (`NOAUTH`, `OOM`, `MOVED`): the rest may quote an argument.
    case error(name: String)
    case redirection(Redirection)

    var isRefusal: Bool {
        switch self {
        case .error, .redirection: true
        case .status, .bulk, .integer, .array, .null: false
        }
    }

    init(_ reply: UnsafeMutablePointer<redisReply>) throws(ValueStoreError) {
        func bytes() -> [UInt8] {
            unsafe Array(UnsafeRawBufferPointer(start: reply.pointee.str, count: Int(reply.pointee.len)))
        }
        switch unsafe reply.pointee.type {
        case REDIS_REPLY_STRING: self = .bulk(bytes())
        case REDIS_REPLY_STATUS: self = .status(String(decoding: bytes(), as: UTF8.self))
        case REDIS_REPLY_INTEGER: self = .integer(unsafe reply.pointee.integer)
        case REDIS_REPLY_NIL: self = .null
        case REDIS_REPLY_ARRAY:
            let count = unsafe reply.pointee.elements
            self = .array(
                try (0..<count).map { (index) throws(ValueStoreError) in
                    unsafe try RESPReply(reply.pointee.element[index]!)
                })
        case REDIS_REPLY_ERROR:
            let text = String(decoding: bytes(), as: UTF8.self)
            if let redirection = Redirection(text) {
                self = .redirection(redirection)
            } else {
                self = .error(name: String(text.prefix { $0.isLetter || $0.isNumber || $0 == "-" }.prefix(32)))
            }
        default: throw .unexpectedReply
        }
    }
}
