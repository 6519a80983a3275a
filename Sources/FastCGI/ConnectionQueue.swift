import CEpoll
import Glibc
import Resilience
import Synchronization

/// All connections of one socket that wait for a worker: new ones, and kept ones between two requests.
///
/// A connection owns no thread. Idle connections are in one epoll set; a worker takes one that is readable, serves one
/// request, and returns it. Draining loses no request: connections that the kernel has queued are still served. A kept
/// connection is first shut down for reading only, so that a request that is already in its buffer is still answered.
final class ConnectionQueue: Sendable {
    struct Connection {
        let descriptor: Int32
        /// Whether the epoll set knows it.
        let isRegistered: Bool
    }

    private struct Idle {
        let hasServed: Bool
        let since: ContinuousClock.Instant
    }

    private struct State {
        /// Connections in the epoll set.
        var idle: [Int32: Idle] = [:]
        var openCount = 0
        var isDraining = false
    }

    /// For each read and write; `FastCGIServer` cuts a peer whose bytes trickle.
    private static let peerTimeoutSeconds = 5

    /// Beyond it, the connection that has been idle longest is closed.
    private let capacity: Int
    private let reserve: (descriptors: DescriptorReserve, isOwn: Bool)?
    private let socket: ListeningSocket
    private let epoll: Int32
    private let stopEvent: Int32
    private let emptyEvent: Int32
    private let state = Locked(State())
    private let hungUp = Atomic<Int>(0)

    /// - Parameters:
    ///   - capacity: connections held at the same time, idle ones included.
    ///   - reserve: descriptors that are reserved for this socket, or for another.
    init(_ socket: ListeningSocket, capacity: Int, reserve: (descriptors: DescriptorReserve, isOwn: Bool)? = nil) {
        self.socket = socket
        self.capacity = capacity
        self.reserve = reserve
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        stopEvent = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        emptyEvent = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        precondition(epoll >= 0 && stopEvent >= 0 && emptyEvent >= 0, "no file descriptors left at start")
        control(EPOLL_CTL_ADD, stopEvent, EPOLLIN.rawValue)
        // Exclusive: one worker wakes for a connection, not all.
        control(EPOLL_CTL_ADD, socket.descriptor, EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue)
    }

    deinit {
        for descriptor in [epoll, stopEvent, emptyEvent] { _ = Glibc.close(descriptor) }
    }

    var openCount: Int { state.withLock { $0.openCount } }

    /// The next connection with something to read; nil once stopped.
    func next() -> Connection? {
        while true {
            var event = unsafe epoll_event()
            guard unsafe epoll_wait(epoll, &event, 1, -1) == 1 else { continue }
            let descriptor = unsafe event.data.fd
            if descriptor == stopEvent { return nil }
            if descriptor == socket.descriptor {
                if let connection = accept() { return connection }
            } else {
                let hasServed = state.withLock { $0.idle.removeValue(forKey: descriptor)?.hasServed ?? false }
                if let connection = admit(Connection(descriptor: descriptor, isRegistered: true), hasServed: hasServed)
                {
                    return connection
                }
            }
        }
    }

    /// Takes a connection back after a request, where its peer wants to keep it.
    func release(_ connection: Connection) {
        let isDraining = state.withLock { state in
            if !state.isDraining { state.idle[connection.descriptor] = Idle(hasServed: true, since: .now) }
            return state.isDraining
        }
        if isDraining { close(connection) } else { arm(connection.descriptor, isRegistered: connection.isRegistered) }
    }

    func close(_ connection: Connection) {
        _ = Glibc.close(connection.descriptor)
        connectionClosed()
    }

    /// Whether the peer has closed its end altogether. Known on unix sockets only: on TCP the peer may still wait for
    /// the answer.
    func hasHungUp(_ connection: Connection) -> Bool {
        var state = pollfd(fd: connection.descriptor, events: 0, revents: 0)
        guard unsafe poll(&state, 1, 0) == 1, state.revents & Int16(POLLHUP | POLLERR) != 0 else { return false }
        hungUp.add(1, ordering: .relaxed)
        return true
    }

    /// Requests whose peer had closed the connection before they were handled.
    var hungUpCount: Int { hungUp.load(ordering: .relaxed) }

    /// For a connection that libfcgi has closed by itself.
    func connectionClosed() {
        let isDrained = state.withLock { state in
            state.openCount -= 1
            return state.isDraining && state.openCount == 0
        }
        if isDrained { signal(emptyEvent) }
    }

    private func accept() -> Connection? {
        // Count the connection before accepting it: a drain must not overlook one that has left the kernel's queue.
        // Once a drain has begun, the connection stays there.
        let mayTake = state.withLock { state in
            if !state.isDraining { state.openCount += 1 }
            return !state.isDraining
        }
        guard mayTake else { return nil }
        let descriptor =
            reserve.map { $0.descriptors.accept(socket.descriptor, isOwner: $0.isOwn) }
            ?? DescriptorReserve.accept(socket.descriptor)
        guard descriptor >= 0 else {
            connectionClosed()
            // Out of descriptors or memory: the connection stays in the kernel's queue until some are free again.
            if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(-descriptor) { _ = poll(nil, 0, 10) }
            return nil
        }
        var timeout = timeval(tv_sec: Self.peerTimeoutSeconds, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        makeRoom()
        return admit(Connection(descriptor: descriptor, isRegistered: false), hasServed: false)
    }

    /// Makes room for one more connection. Shutting an idle one down for reading makes it readable, so a worker closes
    /// it.
    private func makeRoom() {
        state.withLock { state in
            guard state.openCount > capacity, let oldest = state.idle.min(by: { $0.value.since < $1.value.since })
            else { return }
            shutdown(oldest.key, Int32(SHUT_RD))
        }
    }

    /// The connection, if a request is about to begin on it.
    ///
    /// nginx connects and writes immediately, so its request is nearly always there. A connection with a silent peer
    /// goes back to waiting: it must not hold the worker. A connection whose next record is not FCGI_BEGIN_REQUEST
    /// (FastCGI 1.0 §3.3, §5.1) is closed here: libfcgi would wait seconds for its end, and crafted FCGI_GET_VALUES
    /// records overflow a buffer of libfcgi 2.4.2.
    private func admit(_ connection: Connection, hasServed: Bool) -> Connection? {
        let (version, beginRequest): (UInt8, UInt8) = (1, 1)
        var start: (UInt8, UInt8) = (version, beginRequest)
        let count = unsafe withUnsafeMutableBytes(of: &start) { start in
            unsafe recv(connection.descriptor, start.baseAddress, start.count, Int32(MSG_PEEK | MSG_DONTWAIT))
        }
        if count > 0, start == (version, beginRequest) { return connection }
        if count < 0, errno == EAGAIN || errno == EINTR {
            state.withLock { $0.idle[connection.descriptor] = Idle(hasServed: hasServed, since: .now) }
            arm(connection.descriptor, isRegistered: connection.isRegistered)
        } else {
            close(connection)
        }
        return nil
    }

    private func arm(_ descriptor: Int32, isRegistered: Bool) {
        control(
            isRegistered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor,
            EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLONESHOT.rawValue)
    }

    private func control(_ operation: Int32, _ descriptor: Int32, _ events: UInt32) {
        var event = unsafe epoll_event(events: events, data: epoll_data(fd: descriptor))
        unsafe _ = epoll_ctl(epoll, operation, descriptor, &event)
    }

    private func signal(_ event: Int32) {
        eventfd_write(event, 1)
    }

    /// Stops accepting and waits until every connection is served and closed.
    /// - Returns: false where the deadline came first.
    func drain(by deadline: Deadline) -> Bool {
        socket.removePath()
        var listening = unsafe epoll_event()
        unsafe _ = epoll_ctl(epoll, EPOLL_CTL_DEL, socket.descriptor, &listening)
        adoptQueuedConnections()
        if !socket.isShared { socket.close() }
        cutIdleConnections(onlyServed: true)
        // A peer that connected and has not yet written its first request gets a moment to do so.
        let grace = Deadline(after: .milliseconds(250))
        if waitUntilEmpty(by: grace.earlier(deadline)) { return true }
        cutIdleConnections(onlyServed: false)
        return waitUntilEmpty(by: deadline)
    }

    /// Wakes every worker for good.
    func stop() {
        signal(stopEvent)
    }

    /// Waits for `stop`.
    /// - Returns: whether it has come.
    func isStopped(within milliseconds: Int32) -> Bool {
        var waiting = pollfd(fd: stopEvent, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&waiting, 1, milliseconds) == 1
    }

    private func adoptQueuedConnections() {
        // A socket that systemd holds stays open there: what is queued on it waits for the next process.
        guard !socket.isShared else { return }
        while true {
            let descriptor = accept4(socket.descriptor, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
            guard descriptor >= 0 else { return }
            state.withLock { state in
                state.openCount += 1
                state.idle[descriptor] = Idle(hasServed: false, since: .now)
            }
            arm(descriptor, isRegistered: false)
        }
    }

    /// Shuts idle connections down for reading. On a unix socket, what the peer has written is still read, and its next
    /// write fails immediately, so that it tries another server. Under the lock, because a descriptor in `idle` is
    /// certainly open.
    private func cutIdleConnections(onlyServed: Bool) {
        let isEmpty = state.withLock { state in
            state.isDraining = true
            for (descriptor, idle) in state.idle where idle.hasServed || !onlyServed {
                shutdown(descriptor, Int32(SHUT_RD))
            }
            return state.openCount == 0
        }
        if isEmpty { signal(emptyEvent) }
    }

    private func waitUntilEmpty(by deadline: Deadline) -> Bool {
        while true {
            var waiting = pollfd(fd: emptyEvent, events: Int16(POLLIN), revents: 0)
            if unsafe poll(&waiting, 1, deadline.remainingMilliseconds) == 1 { return true }
            if deadline.isPast { return openCount == 0 }
        }
    }
}
