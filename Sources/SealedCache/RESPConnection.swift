import CHiredis
import Glibc
import Resilience

/// One connection to a RESP server (RESP2). Every command ends by its deadline; after an error the connection is unusable.
@safe final class RESPConnection {
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

    func command(_ command: RESPCommand) throws(ValueStoreError) -> RESPReply {
        append(command)
        let deadline = Deadline(after: timeout)
        try flush(by: deadline)
        return try reply(by: deadline)
    }

    /// Sends all commands before it reads the first answer. The deadline holds for all together.
    func pipeline(_ commands: [RESPCommand]) throws(ValueStoreError) -> [RESPReply] {
        for command in commands { append(command) }
        let deadline = Deadline(after: timeout)
        try flush(by: deadline)
        var replies: [RESPReply] = []
        var refusal: ValueStoreError?
        for _ in commands {
            do {
                replies.append(try reply(by: deadline))
            } catch  where error.code == "refused" {
                // The other replies still arrive, and must not be taken for those of the next command.
                refusal = refusal ?? error
            }
        }
        if let refusal { throw refusal }
        return replies
    }

    /// The socket, for a loop: non-blocking. Afterwards this connection is unusable.
    func handOver() throws(ValueStoreError) -> ConnectedSocket {
        // Bytes that no command asked for would be lost here, and every later reply would go to the wrong command.
        let reader = unsafe context.pointee.reader.pointee
        guard unsafe reader.pos == reader.len else { throw .unexpectedReply }
        let descriptor = unsafe context.pointee.fd
        // hiredis closes what it still has.
        unsafe context.pointee.fd = -1
        let socket = ConnectedSocket(descriptor)
        guard fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
            throw .lost(errno)
        }
        return socket
    }

    private func append(_ command: RESPCommand) {
        unsafe command.bytes.withUnsafeBytes { bytes in
            unsafe _ = redisAppendFormattedCommand(context, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
        }
    }

    private func reply(by deadline: Deadline) throws(ValueStoreError) -> RESPReply {
        let pointer = unsafe try nextReply(by: deadline)
        defer { unsafe freeReplyObject(pointer) }
        let reply = unsafe try RESPReply(pointer)
        if let refusal = reply.refusal { throw refusal }
        return reply
    }

    private func flush(by deadline: Deadline) throws(ValueStoreError) {
        var isDone: Int32 = 0
        repeat {
            guard unsafe redisBufferWrite(context, &isDone) == REDIS_OK else { throw failure("lost") }
            if isDone == 0, deadline.isPast { throw .timedOut }
        } while isDone == 0
    }

    /// A read ends after the socket's timeout; the deadline ends the wait for a peer that sends a byte now and then.
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
            guard remaining > .zero else { throw .timedOut }
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

    private func failure(_ code: String) -> ValueStoreError {
        let isTimeout = unsafe context.pointee.err == REDIS_ERR_IO && (errno == EAGAIN || errno == ETIMEDOUT)
        if isTimeout { return .timedOut }
        let reason = unsafe withUnsafePointer(to: &context.pointee.errstr) { text in
            unsafe String(cString: UnsafeRawPointer(text).assumingMemoryBound(to: CChar.self))
        }
        return ValueStoreError(code: code, reason: reason)
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    }
}
