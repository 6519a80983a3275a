public import EventLoop
public import FastCGI
import Glibc
import Synchronization

/// The webhook's HTTP/1.1 server on an event loop, for kept connections of one or a few stores on this machine.
///
/// A store waits for a silent webhook without a limit, so each request is answered within `timeLimit` of its first byte:
/// with no, where not all of it came. Requests stay in the kernel's buffer until they are complete, and are then read
/// into memory that is overwritten.
@safe public final class WebhookServer: @unchecked Sendable {
    public static let timeLimit: Duration = .milliseconds(100)
    /// A request's, in bytes. It fits into the socket's buffer; a question of a store has some 2,000.
    static let requestLimit = 48 * 1024
    private let loop: EventLoop
    private let socket: ListeningSocket
    private let webhook: Webhook
    private let connectionLimit: Int
    private let observer: @Sendable (StoreAuthorizer.Outcome?, Duration) -> Void
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private var listening: IOSource?
    private var connections: [Int32: Connection] = [:]
    private let open = Atomic<Int>(0)
    private let displaced = Atomic<Int>(0)

    /// - Parameters:
    ///   - socket: on loopback: RGW's questions hold secret keys.
    ///   - connectionLimit: at least 1. Beyond it a new connection takes the place of one that has shown no token, or of the
    ///     one that has been idle for the longest time.
    ///   - refused: nil where the list is too old.
    ///   - observer: called with the decision, or nil where no token was shown, and how long it took; on the loop's
    ///     thread.
    public init(
        _ loop: EventLoop, socket: ListeningSocket, tokens: WebhookTokens, authorizer: StoreAuthorizer,
        connectionLimit: Int = 2048, refused: @escaping @Sendable () -> RefusedUsers?,
        observer: @escaping @Sendable (StoreAuthorizer.Outcome?, Duration) -> Void
    ) {
        self.loop = loop
        self.socket = socket
        webhook = Webhook(tokens, authorizer, refused: refused)
        self.connectionLimit = connectionLimit
        self.observer = observer
        unsafe buffer = .allocate(capacity: Self.requestLimit)
    }

    deinit { unsafe buffer.deallocate() }

    /// From any thread.
    public var openConnections: Int { open.load(ordering: .relaxed) }

    /// Connections that were closed in favour of others. From any thread.
    public var displacedConnections: Int { displaced.load(ordering: .relaxed) }

    /// From any thread.
    public func start() {
        loop.execute { [self] in
            listening = loop.watch(socket.descriptor, .read) { [unowned self] _ in acceptAll() }
        }
    }

    /// Closes all connections; a store asks again on another one. From any thread.
    public func stop() {
        loop.execute { [self] in
            if let listening { loop.unwatch(listening) }
            listening = nil
            socket.close()
            for connection in connections.values { close(connection) }
        }
    }

    // MARK: Connections

    private final class Connection {
        let descriptor: Int32
        var source: IOSource?
        /// Of the request that is arriving.
        var limit: EventLoop.TimerID?
        var hasContinued = false
        var hasShownToken = false
        var usedAt: ContinuousClock.Instant

        init(_ descriptor: Int32, at now: ContinuousClock.Instant) {
            self.descriptor = descriptor
            usedAt = now
        }
    }

    private func acceptAll() {
        for _ in 0..<256 {
            guard let descriptor = socket.accept() else { return }
            if connections.count >= connectionLimit { displaceOne() }
            var yes: Int32 = 1
            unsafe setsockopt(
                descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
            let connection = Connection(descriptor, at: loop.now)
            connections[descriptor] = connection
            open.add(1, ordering: .relaxed)
            connection.source = loop.watch(descriptor, [.read, .peerClosed, .edgeTriggered]) {
                [unowned self, unowned connection] _ in examine(connection)
            }
        }
    }

    private func displaceOne() {
        let isLess = { (one: Connection, other: Connection) in
            one.hasShownToken == other.hasShownToken ? one.usedAt < other.usedAt : !one.hasShownToken
        }
        guard let least = connections.values.min(by: isLess) else { return }
        displaced.add(1, ordering: .relaxed)
        close(least)
    }

    private func close(_ connection: Connection) {
        guard let source = connection.source else { return }
        cancelLimit(connection)
        loop.unwatch(source)
        connection.source = nil
        connections[connection.descriptor] = nil
        open.subtract(1, ordering: .relaxed)
        _ = Glibc.close(connection.descriptor)
    }

    // MARK: Requests

    /// Answers what has arrived in full.
    private func examine(_ connection: Connection) {
        while connection.source != nil {
            let count = unsafe recv(
                connection.descriptor, buffer.baseAddress, buffer.count, Int32(MSG_PEEK | MSG_DONTWAIT))
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return }
            guard count > 0 else { return close(connection) }
            defer { wipe(count) }
            let start = ContinuousClock.now
            let arrived = unsafe UnsafeBufferPointer(rebasing: buffer[..<count])
            switch unsafe WebhookRequest.read(arrived.span, limit: buffer.count) {
            case .refused: return refuse(connection, .malformed)
            case .incomplete(let expectsContinue):
                startLimit(connection)
                if expectsContinue, !connection.hasContinued {
                    connection.hasContinued = true
                    _ = write("HTTP/1.1 100 Continue\r\n\r\n".utf8, connection)
                }
                return
            case .complete(let request):
                // The same bytes again, which leave the kernel's buffer.
                let length = request.body.upperBound
                guard unsafe recv(connection.descriptor, buffer.baseAddress, length, 0) == length else {
                    return close(connection)
                }
                cancelLimit(connection)
                connection.hasContinued = false
                answer(request, connection, since: start)
            }
        }
    }

    private func answer(_ request: WebhookRequest, _ connection: Connection, since start: ContinuousClock.Instant) {
        var body = unsafe Array(buffer[request.body])
        let reply = webhook.reply(to: request, body: &body)
        let isWritten = write(reply.bytes(keepsConnection: request.keepsConnection), connection)
        connection.usedAt = loop.now
        if case .decision = reply { connection.hasShownToken = true }
        switch reply {
        case .decision(let outcome): observer(outcome, start.duration(to: .now))
        case .noToken: observer(nil, start.duration(to: .now))
        case .empty: break
        }
        if !isWritten || !request.keepsConnection { close(connection) }
    }

    private func refuse(_ connection: Connection, _ outcome: StoreAuthorizer.Outcome) {
        _ = write(Webhook.Reply.decision(outcome).bytes(keepsConnection: false), connection)
        // What is left unread would make the close a reset, which may overtake the answer.
        let count = unsafe recv(connection.descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
        if count > 0 { wipe(count) }
        observer(outcome, .zero)
        close(connection)
    }

    private func startLimit(_ connection: Connection) {
        guard connection.limit == nil else { return }
        let end = loop.now.advanced(by: Self.timeLimit)
        connection.limit = loop.schedule(at: end) { [unowned self, unowned connection] in
            connection.limit = nil
            refuse(connection, .late)
        }
    }

    private func cancelLimit(_ connection: Connection) {
        if let limit = connection.limit { loop.cancel(limit) }
        connection.limit = nil
    }

    /// In one call. A reply fits into the socket's buffer unless the store reads none of them.
    private func write(_ bytes: some Sequence<UInt8>, _ connection: Connection) -> Bool {
        let bytes = Array(bytes)
        return unsafe bytes.withUnsafeBytes {
            unsafe send(connection.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) == $0.count
        }
    }

    private func wipe(_ count: Int) {
        unsafe buffer[..<count].update(repeating: 0)
    }
}
