import CEpoll
import CFastCGI
public import EventLoop
import Glibc
import Resilience
import Synchronization

/// A FastCGI application (FastCGI 1.0, role FCGI_RESPONDER) on an event loop: waiting connections cost no thread. Call
/// methods on the loop's thread, unless stated otherwise.
@safe public final class FastCGILoopServer: @unchecked Sendable {
    public struct Limits: Sendable {
        /// Connections that are held, idle ones included; beyond it the longest idle is closed. Default 16,384.
        public var connections = 16_384
        /// Requests in hand; one more is refused. Each holds about 35 KiB. Default 4096.
        public var requests = 4096
        /// Longest request, headers and body together, in bytes. Default 64 KiB.
        public var requestLength = 64 * 1024
        /// The time for a request to arrive in full after its first byte. Default 4.5 s.
        public var arrival: Duration = .milliseconds(4500)

        public init() {}
    }

    private static let sweepInterval: Duration = .milliseconds(250)
    /// The time for a peer that has connected and not yet written its first request when a drain begins.
    private static let drainGrace: Duration = .milliseconds(250)
    /// Exchanges and tasks without a request that are kept for the next ones.
    private static let pooled = 64

    private let loop: EventLoop
    private let socket: ListeningSocket
    private let handler: any ExchangeHandler
    private let limits: Limits
    private let reserve: DescriptorReserve?
    private let peekBuffer: UnsafeMutableBufferPointer<UInt8>
    private let scratch: UnsafeMutableBufferPointer<CChar>
    private var listening: IOSource?
    private var table = ConnectionTable()
    private var connections: [Int32: LoopConnection] = [:]
    private var exchanges: [FastCGIExchange] = []
    /// Tasks without a request.
    private var idle: [ExchangeSource] = []
    private var drained: (@Sendable (Bool) -> Void)?
    private var sweep: EventLoop.TimerID?
    private var drainTimers: [EventLoop.TimerID] = []

    private let open = Atomic<Int>(0)
    private let inHand = Atomic<Int>(0)
    private let abandoned = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)

    public init(
        _ loop: EventLoop, socket: ListeningSocket, limits: Limits = Limits(), reserve: DescriptorReserve? = nil,
        handler: any ExchangeHandler
    ) {
        // Sets up libfcgi's own globals, once for the process and before any thread uses it.
        precondition(FCGX_Init() == 0, "libfcgi does not start")
        self.loop = loop
        self.socket = socket
        self.limits = limits
        self.reserve = reserve
        self.handler = handler
        unsafe peekBuffer = .allocate(capacity: limits.requestLength)
        unsafe scratch = .allocate(capacity: 8192)
    }

    deinit {
        unsafe peekBuffer.deallocate()
        unsafe scratch.deallocate()
    }

    // MARK: From any thread

    /// Connections that are open now, idle ones included.
    public var openConnections: Int { open.load(ordering: .relaxed) }
    /// Requests that are being answered.
    public var requestsInHand: Int { inHand.load(ordering: .relaxed) }
    /// Requests whose peer was gone before they were answered.
    public var abandonedRequests: Int { abandoned.load(ordering: .relaxed) }
    /// Requests that were refused because too many were in hand.
    public var refusedRequests: Int { refused.load(ordering: .relaxed) }

    /// Accepts connections from now on.
    public func start() {
        loop.execute { [self] in
            listening = loop.watch(socket.descriptor, .read) { [unowned self] _ in acceptAll() }
            scheduleSweep()
        }
    }

    /// Accepts no more connections, answers every accepted request, then calls `done` on the loop's thread: with false
    /// where the limit came first.
    public func drain(within limit: Duration, _ done: @escaping @Sendable (Bool) -> Void) {
        loop.execute { [self] in
            drained = done
            beginDraining()
            drainTimers = [
                loop.schedule(at: .now.advanced(by: Self.drainGrace)) { [self] in shutDownIdle(onlyServed: false) },
                loop.schedule(at: .now.advanced(by: limit)) { [self] in finishDraining(false) },
            ]
            finishIfDrained()
        }
    }

    // MARK: Connections

    private func acceptAll() {
        // As many as a turn's batch: the rest is reported again.
        for _ in 0..<256 {
            guard let descriptor = accept() else { return }
            add(descriptor)
        }
    }

    private func accept() -> Int32? {
        let descriptor =
            reserve?.accept(socket.descriptor, isOwner: false) ?? DescriptorReserve.accept(socket.descriptor)
        if descriptor >= 0 { return descriptor }
        // Out of descriptors or memory: the connection stays in the kernel's queue until some are free again.
        if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(-descriptor), let listening {
            loop.change(listening, to: [])
            _ = loop.schedule(at: .now.advanced(by: .milliseconds(10))) { [self] in
                if !table.isDraining { loop.change(listening, to: .read) }
            }
        }
        return nil
    }

    private func add(_ descriptor: Int32) {
        let connection = LoopConnection(descriptor)
        connections[descriptor] = connection
        table.add(descriptor, at: loop.now)
        open.add(1, ordering: .relaxed)
        connection.source = loop.watch(descriptor, [.read, .peerClosed, .edgeTriggered]) {
            [unowned self, unowned connection] happened in
            if let action = table[descriptor]?.happened(happened) { perform(action, connection) }
        }
        if table.count > limits.connections, let idle = table.longestIdle { close(idle) }
    }

    private func perform(_ action: ConnectionState.Action, _ connection: LoopConnection) {
        switch action {
        case .none: break
        case .examine: examine(connection)
        case .begin: begin(connection)
        case .close: close(connection)
        case .abandon:
            abandoned.add(1, ordering: .relaxed)
            connection.exchange?.abandon()
        case .closeAbandoned:
            abandoned.add(1, ordering: .relaxed)
            close(connection)
        }
    }

    /// Looks at what has arrived, without taking it.
    private func examine(_ connection: LoopConnection) {
        let arrival: ConnectionState.Arrival
        let count = unsafe recv(
            connection.descriptor, peekBuffer.baseAddress, peekBuffer.count, Int32(MSG_PEEK | MSG_DONTWAIT))
        if count > 0 {
            arrival = unsafe .bytes(count, RequestScan.scan(UnsafeBufferPointer(rebasing: peekBuffer[..<count]).span))
        } else {
            arrival = count < 0 && (errno == EAGAIN || errno == EINTR) ? .nothing : .end
        }
        let action = table[connection.descriptor]?.arrived(arrival, limit: limits.requestLength, at: loop.now)
        if let action { perform(action, connection) }
    }

    private func begin(_ connection: LoopConnection) {
        let exchange = exchanges.popLast() ?? FastCGIExchange()
        guard unsafe connection.read(into: exchange, arrivedAt: loop.now, scratch: scratch) else {
            unsafe exchange.request.pointee.ipcFd = -1
            return forget(connection)
        }
        table[connection.descriptor]?.beginHandling(at: loop.now)
        connection.exchange = exchange
        exchange.connection = connection
        if inHand.load(ordering: .relaxed) >= limits.requests {
            if handler.refuse(exchange) { refused.add(1, ordering: .relaxed) }
            inHand.add(1, ordering: .relaxed)
            return finish(connection, exchange)
        }
        inHand.add(1, ordering: .relaxed)
        if let task = idle.popLast() { task.give(exchange) } else { beginTask(with: exchange) }
    }

    private func beginTask(with exchange: FastCGIExchange) {
        let source = ExchangeSource(first: exchange) { [self] exchange in
            if let connection = exchange.connection { finish(connection, exchange) }
        } becomeIdle: { [self] source in
            guard idle.count < Self.pooled, !table.isDraining else { return false }
            idle.append(source)
            return true
        }
        loop.task { [handler] in await handler.serve(source) }
    }

    private func endIdleTasks() {
        for task in idle { task.give(nil) }
        idle = []
    }

    private func finish(_ connection: LoopConnection, _ exchange: FastCGIExchange) {
        inHand.subtract(1, ordering: .relaxed)
        let (isUsable, isClosed) = connection.write(exchange)
        connection.exchange = nil
        exchange.connection = nil
        if exchanges.count < Self.pooled { exchanges.append(exchange) }
        if isClosed { return forget(connection) }
        let isDraining = table.isDraining
        let action = table[connection.descriptor]?.answered(isUsable: isUsable, isDraining: isDraining, at: loop.now)
        if let action { perform(action, connection) }
    }

    private func close(_ descriptor: Int32) {
        if let connection = connections[descriptor] { close(connection) }
    }

    private func close(_ connection: LoopConnection) {
        guard table[connection.descriptor] != nil else { return }
        forget(connection)
        _ = Glibc.close(connection.descriptor)
        // The connection is closed only after `forget`: a client that sees it closed must not find it counted.
        finishIfDrained()
    }

    /// For a connection whose descriptor is about to be closed, or which libfcgi has closed.
    private func forget(_ connection: LoopConnection) {
        guard table.remove(connection.descriptor) else { return }
        if let source = connection.source { loop.unwatch(source) }
        connection.source = nil
        connections[connection.descriptor] = nil
        open.subtract(1, ordering: .relaxed)
        finishIfDrained()
    }

    // MARK: Stalled peers

    private func scheduleSweep() {
        sweep = loop.schedule(at: loop.now.advanced(by: Self.sweepInterval)) { [unowned self] in
            for descriptor in table.late(since: loop.now.advanced(by: .zero - limits.arrival)) { close(descriptor) }
            // The last connection's end may have ended the drain.
            if sweep != nil { scheduleSweep() }
        }
    }

    // MARK: Draining

    private func beginDraining() {
        socket.removePath()
        if let listening { loop.unwatch(listening) }
        listening = nil
        // A socket that systemd holds stays open there: what is queued on it waits for the next process.
        if !socket.isShared {
            while true {
                let descriptor = DescriptorReserve.accept(socket.descriptor)
                guard descriptor >= 0 else { break }
                add(descriptor)
            }
            socket.close()
        }
        table.beginDraining()
        endIdleTasks()
        shutDownIdle(onlyServed: true)
    }

    /// Shuts idle connections down for reading: on a unix socket, what the peer has written is still read, and its next
    /// write fails, so that it tries another server.
    private func shutDownIdle(onlyServed: Bool) {
        for descriptor in table.reading(onlyServed: onlyServed) {
            guard let connection = connections[descriptor] else { continue }
            shutdown(descriptor, Int32(SHUT_RD))
            table[descriptor]?.stopReading()
            examine(connection)
        }
    }

    private func finishIfDrained() {
        if table.finishesDraining() { finishDraining(true) }
    }

    private func finishDraining(_ isDrained: Bool) {
        guard let drained else { return }
        self.drained = nil
        for timer in drainTimers { loop.cancel(timer) }
        if let sweep { loop.cancel(sweep) }
        (drainTimers, sweep) = ([], nil)
        drained(isDrained)
    }
}
