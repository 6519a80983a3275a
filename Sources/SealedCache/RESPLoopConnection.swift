import EventLoop
import Glibc

/// One pipelined connection of one event loop to a RESP server: the commands of a turn are sent with one write at its end.
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

    private static let receiveBytes = 64 << 10

    private let loop: EventLoop
    private let timeout: Duration
    private let limits: Limits
    private let whenEnded: (ValueStoreError) -> Void
    private let reader = RESPReader()
    private var pipeline = RESPPipeline<Waiter>()
    private var output: [UInt8] = []
    /// How many bytes of `output` were sent.
    private var sent = 0
    /// Nil once it has ended.
    private var link: (socket: ConnectedSocket, source: IOSource)?
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
        link = (socket, source)
    }

    deinit { if let link { loop.unwatch(link.source) } }

    /// Whether the server has answered a command.
    var hasAnswered: Bool { pipeline.hasAnswered }
    var pendingGroups: Int { pipeline.count }

    /// - Parameters:
    ///   - commands: as they go over the wire.
    ///   - replies: how many commands there are.
    ///   - deadline: the waiter's own, where it is earlier than the connection's timeout; it does not end the connection.
    ///   - whenDone: called exactly once, with the last reply or the first failure; before `send` returns where there is no room.
    func send(_ commands: [UInt8], replies: Int, by deadline: ContinuousClock.Instant, whenDone: @escaping Waiter) {
        guard link != nil else { return whenDone(.failure(.closed)) }
        guard loop.now < deadline else { return whenDone(.failure(.pastDeadline)) }
        guard pipeline.count < limits.pendingGroups, output.count - sent + commands.count <= limits.unsentBytes else {
            return whenDone(.failure(.overloaded))
        }
        let lateAt = loop.now.advanced(by: timeout)
        let number = pipeline.append(whenDone, replies: replies, lateAt: lateAt)
        output.append(contentsOf: commands)
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
        guard let link, sent < output.count else { return }
        let count = unsafe output.withUnsafeBytes { bytes in
            unsafe Glibc.send(
                link.socket.descriptor, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        guard count >= 0 || errno == EAGAIN || errno == EINTR else {
            let code = errno
            // The server may have answered before it closed its end.
            while receive() {}
            return end(.lost(code))
        }
        sent += max(0, count)
        let isDone = sent == output.count
        if isDone {
            // The capacity for a burst is not kept.
            output.removeAll(keepingCapacity: output.capacity <= 256 << 10)
            sent = 0
        } else if sent >= 256 << 10, sent * 2 >= output.count {
            output.removeFirst(sent)
            sent = 0
        }
        if waitsForRoom == isDone {
            waitsForRoom = !isDone
            loop.change(link.source, to: isDone ? .read : [.read, .write])
        }
    }

    /// - Returns: whether there may be more.
    private func receive() -> Bool {
        guard let link else { return false }
        return unsafe withUnsafeTemporaryAllocation(byteCount: Self.receiveBytes, alignment: 1) { buffer in
            let count = unsafe recv(link.socket.descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else {
                if count == 0 { end(.lost()) } else if errno != EAGAIN, errno != EINTR { end(.lost(errno)) }
                return false
            }
            unsafe take(UnsafeRawBufferPointer(buffer)[..<count])
            return count == Self.receiveBytes
        }
    }

    private func take(_ bytes: Slice<UnsafeRawBufferPointer>) {
        do throws(ValueStoreError) {
            unsafe try reader.feed(UnsafeRawBufferPointer(rebasing: bytes))
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
        output = []
        sent = 0
        if reports { whenEnded(error) }
        for waiter in pipeline.removeAll() { waiter(.failure(error)) }
    }
}
