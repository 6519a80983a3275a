import CHiredis
import Glibc
import Resilience

/// One connection to a RESP server (RESP2). Every command ends by its deadline; after an error the connection is of no more use.
@safe final class RESPConnection {
    enum Reply: Equatable {
        case status(String)
        case bulk([UInt8])
        case integer(Int64)
        case array([Reply])
        case null
    }

    private let context: UnsafeMutablePointer<redisContext>
    private let timeout: Duration
    private let halfTimeout: Duration

    /// - Parameter timeout: for connecting, and then for each command.
    init(_ server: RESPServer, timeout: Duration) throws(ValueStoreError) {
        let opened = unsafe Self.open(server.location, timeval(timeout))
        guard let context = unsafe opened else { throw ValueStoreError(code: "connect", reason: "out of memory") }
        unsafe self.context = unsafe context
        self.timeout = timeout
        halfTimeout = timeout / 2
        guard unsafe context.pointee.err == 0 else { throw failure("connect") }
        unsafe redisSetTimeout(context, timeval(timeout))
        if let password = server.password {
            _ = try command(RESPCommand("AUTH", (server.user.map { [$0] } ?? []) + [password]))
        }
        if server.database != 0 { _ = try command(RESPCommand("SELECT", [String(server.database)])) }
    }

    deinit { unsafe redisFree(context) }

    func command(_ command: RESPCommand) throws(ValueStoreError) -> Reply {
        append(command)
        let deadline = Deadline(after: timeout)
        try flush(by: deadline)
        return try reply(by: deadline)
    }

    /// Sends all before the first answer is read. The deadline holds for all together.
    func pipeline(_ commands: [RESPCommand]) throws(ValueStoreError) -> [Reply] {
        for command in commands { append(command) }
        let deadline = Deadline(after: timeout)
        try flush(by: deadline)
        var replies: [Reply] = []
        var refusal: ValueStoreError?
        for _ in commands {
            do {
                replies.append(try reply(by: deadline))
            } catch  where error.code == "refused" {
                // The other replies still come, and must not be taken for those of the next command.
                refusal = refusal ?? error
            }
        }
        if let refusal { throw refusal }
        return replies
    }

    private func append(_ command: RESPCommand) {
        unsafe command.bytes.withUnsafeBytes { bytes in
            unsafe _ = redisAppendFormattedCommand(context, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
        }
    }

    private func reply(by deadline: Deadline) throws(ValueStoreError) -> Reply {
        let reply = unsafe try nextReply(by: deadline)
        defer { unsafe freeReplyObject(reply) }
        return unsafe try Self.translate(reply)
    }

    private func flush(by deadline: Deadline) throws(ValueStoreError) {
        var isDone: Int32 = 0
        repeat {
            guard unsafe redisBufferWrite(context, &isDone) == REDIS_OK else { throw failure("lost") }
            if isDone == 0, deadline.isPast { throw Self.timedOut }
        } while isDone == 0
    }

    /// A read ends after the socket's timeout; a peer that sends a byte now and then is ended by the deadline.
    private func nextReply(by deadline: Deadline) throws(ValueStoreError) -> UnsafeMutablePointer<redisReply> {
        var isTimeoutShortened = false
        while true {
            var reply: UnsafeMutableRawPointer?
            guard unsafe redisGetReplyFromReader(context, &reply) == REDIS_OK else { throw failure("protocol") }
            if let reply = unsafe reply {
                if isTimeoutShortened { unsafe redisSetTimeout(context, timeval(timeout)) }
                return unsafe reply.assumingMemoryBound(to: redisReply.self)
            }
            let remaining = deadline.remaining
            guard remaining > .zero else { throw Self.timedOut }
            if remaining < halfTimeout {
                isTimeoutShortened = true
                unsafe redisSetTimeout(context, timeval(max(remaining, .milliseconds(1))))
            }
            guard unsafe redisBufferRead(context) == REDIS_OK else { throw failure("lost") }
        }
    }

    private static func open(_ location: RESPServer.Location, _ timeout: timeval) -> UnsafeMutablePointer<redisContext>? {
        switch location {
        case .tcp(let host, let port): unsafe redisConnectWithTimeout(host, Int32(port), timeout)
        case .unix(let path): unsafe redisConnectUnixWithTimeout(path, timeout)
        }
    }

    private static let timedOut = ValueStoreError(code: "timeout", reason: "no answer in time")

    private func failure(_ code: String) -> ValueStoreError {
        let isTimeout = unsafe context.pointee.err == REDIS_ERR_IO && (errno == EAGAIN || errno == ETIMEDOUT)
        if isTimeout { return Self.timedOut }
        let reason = unsafe withUnsafePointer(to: &context.pointee.errstr) { text in
            unsafe String(cString: UnsafeRawPointer(text).assumingMemoryBound(to: CChar.self))
        }
        return ValueStoreError(code: code, reason: reason)
    }

    private static func translate(_ reply: UnsafeMutablePointer<redisReply>) throws(ValueStoreError) -> Reply {
        func bytes() -> [UInt8] { unsafe Array(UnsafeRawBufferPointer(start: reply.pointee.str, count: Int(reply.pointee.len))) }
        switch unsafe reply.pointee.type {
        case REDIS_REPLY_STRING: return .bulk(bytes())
        case REDIS_REPLY_STATUS: return .status(String(decoding: bytes(), as: UTF8.self))
        case REDIS_REPLY_INTEGER: return .integer(unsafe reply.pointee.integer)
        case REDIS_REPLY_NIL: return .null
        case REDIS_REPLY_ARRAY:
            let count = unsafe reply.pointee.elements
            return .array(
                try (0..<count).map { (index) throws(ValueStoreError) in unsafe try translate(reply.pointee.element[index]!) })
        case REDIS_REPLY_ERROR:
            // The first word is the error's name (`NOAUTH`, `OOM`, `MOVED`); the rest may quote an argument.
            let name = String(decoding: bytes(), as: UTF8.self).prefix { $0.isLetter || $0.isNumber || $0 == "-" }
            throw ValueStoreError(code: "refused", reason: "the server answered \(name.prefix(32))")
        default: throw ValueStoreError(code: "protocol", reason: "an unexpected kind of reply")
        }
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    }
}
