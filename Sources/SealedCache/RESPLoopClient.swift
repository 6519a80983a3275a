import EventLoop

/// A connection to a RESP server that is replaced when it is lost. No command waits for it: without a connection,
/// commands fail.
///
/// For the loop's thread only; unchecked, because the connector's thread hands connections over through the loop.
final class RESPLoopClient: @unchecked Sendable {
    private enum State {
        case idle
        case connecting
        case waiting(EventLoop.TimerID)
        case connected(RESPLoopConnection)
        case closed
    }

    private let server: CurrentServer
    private let loop: EventLoop
    private let connector: RESPConnector
    private let timeout: Duration
    private let limits: RESPLoopConnection.Limits
    private let jitter: () -> Double
    private var state = State.idle
    private var reconnection = Reconnection()
    /// Why there is no connection.
    private var absence = ValueStoreError.connecting

    /// - Parameters:
    ///   - timeout: for each step of connecting, and for each reply.
    ///   - jitter: 0 to 1, at random.
    init(
        _ server: CurrentServer, on loop: EventLoop, connector: RESPConnector, timeout: Duration,
        limits: RESPLoopConnection.Limits = .init(), jitter: @escaping () -> Double = { Double.random(in: 0...1) }
    ) {
        self.server = server
        self.loop = loop
        self.connector = connector
        self.timeout = timeout
        self.limits = limits
        self.jitter = jitter
    }

    var isConnected: Bool { if case .connected = state { true } else { false } }

    /// Connects, now and after each loss, until `close`.
    func start() {
        if case .idle = state { connect() }
    }

    /// As `RESPLoopConnection.send`; fails with `connect` or `connecting` where there is no connection.
    func send(
        _ commands: [UInt8], replies: Int, names: [String], by deadline: ContinuousClock.Instant,
        whenDone: @escaping RESPLoopConnection.Waiter
    ) {
        switch state {
        case .connected(let connection):
            connection.send(commands, replies: replies, names: names, by: deadline, whenDone: whenDone)
        case .closed: whenDone(.failure(.closed))
        case .idle, .connecting, .waiting: whenDone(.failure(absence))
        }
    }

    /// Replaces the connection: the server's name may lead to another server now. Commands that wait for replies fail
    /// with `closed`.
    func reconnect() {
        guard case .connected(let connection) = state else { return }
        absence = .connecting
        connect()
        connection.close()
    }

    /// Fails all waiting commands, and all later ones.
    func close() {
        let before = state
        state = .closed
        switch before {
        case .connected(let connection): connection.close()
        case .waiting(let timer): loop.cancel(timer)
        case .idle, .connecting, .closed: break
        }
    }

    private func connect() {
        state = .connecting
        connector.connect(to: server.value, timeout: timeout) { [weak self, loop] result in
            loop.execute { [weak self] in self?.attemptEnded(result) }
        }
    }

    private func attemptEnded(_ result: Result<ConnectedSocket, ValueStoreError>) {
        guard case .connecting = state else { return }
        switch result {
        case .success(let socket):
            reconnection.connected(at: loop.now)
            let connection = RESPLoopConnection(socket, on: loop, timeout: timeout, limits: limits) { [weak self] in
                self?.isLost($0)
            }
            state = .connected(connection)
        case .failure(let error):
            absence = .notConnected(because: error)
            connect(after: reconnection.attemptFailed(jitter: jitter()))
        }
    }

    private func isLost(_ error: ValueStoreError) {
        guard case .connected(let connection) = state else { return }
        let wait = reconnection.lost(at: loop.now, hasAnswered: connection.hasAnswered, jitter: jitter())
        absence = wait == .zero ? .connecting : .notConnected(because: error)
        connect(after: wait)
    }

    private func connect(after wait: Duration) {
        guard wait > .zero else { return connect() }
        state = .waiting(loop.schedule(at: loop.now.advanced(by: wait)) { [weak self] in self?.connect() })
    }
}
