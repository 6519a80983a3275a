import EventLoop

/// One pipelined connection of one event loop to a RESP server: the commands of a turn are sent with one write at its
/// end.
///
/// For the loop's thread only.
final class RESPLoopConnection: TurnEndHandler {
    struct Limits {
        /// Groups of commands that wait for their replies.
        var pendingGroups = 16_384
        /// Bytes that the server has not taken.
        var unsentBytes = 8 << 20
        /// Of one reply; a longer one ends the connection.
        var replyBytes = 1 << 20
    }

    typealias Waiter = (Result<RESPReply, ValueStoreError>) -> Void

    private let loop: EventLoop
    private let timeout: Duration
    private let limits: Limits
    private let whenEnded: (ValueStoreError) -> Void
    private let reader = RESPReader()
    private var pipeline = RESPPipeline<Waiter>()
    /// Nil once it has ended.
    private var link: (transport: RESPTransport, source: IOSource)?
    private var timer: EventLoop.TimerID?
    private var isAtTurnEnd = false
    private var waitsForRoom = false

    /// - Parameters:
    ///   - timeout: for each reply. When the oldest command is late, the connection ends.
    ///   - whenEnded: called once, before the commands that wait for replies fail; not called after `close`.
    init(
        _ socket: ConnectedSocket, on loop: EventLoop, timeout: Duration, limits: Limits = Limits(),
        whenEnded: @escaping (ValueStoreError) -> Void
    ) {
        self.loop = loop
        self.timeout = timeout
        self.limits = limits
        self.whenEnded = whenEnded
        let source = loop.watch(socket.descriptor, .read) { [weak self] happened in self?.isReady(happened) }
        link = (RESPTransport(socket), source)
    }

    deinit { if let link { loop.unwatch(link.source) } }

    /// Whether the server has answered a command.
    var hasAnswered: Bool { pipeline.hasAnswered }
    var pendingGroups: Int { pipeline.count }

    /// - Parameters:
    ///   - commands: as they go over the wire.
    ///   - replies: how many commands there are.
    ///   - names: of the commands, for the reason of a refusal.
    ///   - deadline: the waiter's own, where it is earlier than the connection's timeout; it does not end the
    ///     connection.
    ///   - whenDone: called exactly once, with the last reply or the first failure; before `send` returns where there
    ///     is no room.
    func send(
        _ commands: [UInt8], replies: Int, names: [String] = [], by deadline: ContinuousClock.Instant,
        whenDone: @escaping Waiter
    ) {
        guard let transport = link?.transport else { return whenDone(.failure(.closed)) }
        guard loop.now < deadline else { return whenDone(.failure(.pastDeadline)) }
        guard pipeline.count < limits.pendingGroups, transport.unsentBytes + commands.count <= limits.unsentBytes else {
            return whenDone(.failure(.overloaded))
        }
        let lateAt = loop.now.advanced(by: timeout)
        let number = pipeline.append(whenDone, replies: replies, names: names, lateAt: lateAt)
        transport.append(commands)
        if !isAtTurnEnd, !waitsForRoom {
            isAtTurnEnd = true
            loop.atTurnEnd(self)
        }
        setTimer()
        guard deadline < lateAt else { return }
        _ = loop.schedule(at: deadline) { [weak self] in self?.pipeline.abandon(number)?(.failure(.pastDeadline)) }
    }

    /// Fails all waiting commands.
    func close() { end(.closed, reports: false) }

    func turnEnds() {
        isAtTurnEnd = false
        if !waitsForRoom { write() }
    }

    private func isReady(_ happened: IOInterest) {
        if happened.contains(.write) { write() }
        if happened.contains(.read) || happened.hasFailed { _ = receive() }
    }

    private func write() {
        guard let link else { return }
        let sent = link.transport.send()
        if case .failed(let error) = sent {
            // The server may have answered before it closed its end.
            while receive() {}
            return end(error)
        }
        if waitsForRoom == (sent == .all) {
            waitsForRoom = sent == .part
            loop.change(link.source, to: waitsForRoom ? [.read, .write] : .read)
        }
    }

    /// - Returns: whether there may be more.
    private func receive() -> Bool {
        guard let transport = link?.transport else { return false }
        let received = unsafe transport.receive { bytes in unsafe take(bytes) }
        if transport.mustAnswer, !waitsForRoom { write() }
        switch received {
        case .bytes(let areMorePossible): return areMorePossible
        case .nothing: return false
        case .ended(let error):
            end(error)
            return false
        }
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        do throws(ValueStoreError) {
            unsafe try reader.feed(bytes)
            while link != nil, let reply = try reader.next() {
                switch pipeline.receive(reply) {
                case .none: break
                case .finished(let waiter, let result): waiter(result)
                case .ended(let error): end(error)
                }
            }
            if reader.unfinishedBytes > limits.replyBytes { end(.replyTooLarge) }
        } catch {
            end(error)
        }
    }

    private func setTimer() {
        guard timer == nil, link != nil, let lateAt = pipeline.lateAt else { return }
        timer = loop.schedule(at: lateAt) { [weak self] in self?.checkOldest() }
    }

    /// Replies that have arrived count, also where this loop was slow to read them.
    private func checkOldest() {
        timer = nil
        while pipeline.isLate(at: loop.now), receive() {}
        if pipeline.isLate(at: loop.now) { end(.timedOut) } else { setTimer() }
    }

    private func end(_ error: ValueStoreError, reports: Bool = true) {
        guard let link else { return }
        loop.unwatch(link.source)
        self.link = nil
        if let timer { loop.cancel(timer) }
        timer = nil
        link.transport.discardOutput()
        if reports { whenEnded(error) }
        for waiter in pipeline.removeAll() { waiter(.failure(error)) }
    }
}
