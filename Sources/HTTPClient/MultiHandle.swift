import CCurl
import EventLoop

/// libcurl's multi interface on an event loop: libcurl names the sockets and the moment that it waits for, the loop
/// reports what happened (curl_multi_socket_action(3)).
///
/// Once libcurl has used its share of a turn, the rest waits for the next turn: a TLS handshake costs a millisecond,
/// and many may be due together. A descriptor that is passed over is reported again.
///
/// For the loop's thread only.
@safe final class MultiHandle {
    private let pointer: UnsafeMutableRawPointer
    private let loop: EventLoop
    /// The transfers that libcurl holds, by the addresses of their handles.
    private var transfers: [UInt: HeadTransfer] = [:]
    private var sources: [Int32: IOSource] = [:]
    /// Transfers that libcurl does not hold yet.
    private var beginning: [HeadTransfer] = []
    private var timer: EventLoop.TimerID?
    private var isTurnEndAwaited = false
    /// True while libcurl runs: it must not be called again meanwhile.
    private var isRunning = false
    private var share: TurnShare

    /// - Parameters:
    ///   - connectionLimit: connections that are kept alive.
    ///   - turnShare: libcurl's share of a turn's time; one call of libcurl is made in any case.
    init(_ loop: EventLoop, connectionLimit: Int, turnShare: Duration) {
        precondition(EasyHandle.isLibraryReady, "libcurl does not start")
        // Nil only where malloc fails, which would end the process anyway.
        unsafe pointer = curl_multi_init()!
        self.loop = loop
        share = TurnShare(limit: turnShare)
        unsafe novatune_curl_multi_set_long(pointer, CURLMOPT_MAXCONNECTS, connectionLimit)
        unsafe novatune_curl_multi_set_callbacks(
            pointer,
            { _, socket, what, context, _ in
                unsafe Unmanaged<MultiHandle>.fromOpaque(context!).takeUnretainedValue().watch(socket, what)
                return 0
            },
            { _, milliseconds, context in
                unsafe Unmanaged<MultiHandle>.fromOpaque(context!).takeUnretainedValue().wait(milliseconds)
                return 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        // Clean-up closes connections, and must not call an object that is being freed.
        unsafe novatune_curl_multi_set_callbacks(pointer, nil, nil, nil)
        if loop.isCurrent {
            for source in sources.values { loop.unwatch(source) }
            if let timer { loop.cancel(timer) }
        }
        unsafe curl_multi_cleanup(pointer)
    }

    /// The transfer begins at the turn's end.
    func add(_ transfer: HeadTransfer) {
        beginning.append(transfer)
        awaitTurnEnd()
    }

    private func awaitTurnEnd() {
        if !isTurnEndAwaited { loop.atTurnEnd(self) }
        isTurnEndAwaited = true
    }

    private func watch(_ socket: Int32, _ what: Int32) {
        if what == CURL_POLL_REMOVE {
            if let source = sources.removeValue(forKey: socket) { loop.unwatch(source) }
            return
        }
        var interest: IOInterest = []
        if what & CURL_POLL_IN != 0 { interest.insert(.read) }
        if what & CURL_POLL_OUT != 0 { interest.insert(.write) }
        if let source = sources[socket] { return loop.change(source, to: interest) }
        sources[socket] = loop.watch(socket, interest) { [weak self] happened in
            var events: Int32 = 0
            if happened.contains(.read) { events |= CURL_CSELECT_IN }
            if happened.contains(.write) { events |= CURL_CSELECT_OUT }
            if happened.hasFailed { events |= CURL_CSELECT_ERR }
            guard let self, share.hasTime(in: loop.turns) else { return }
            run(socket, events)
        }
    }

    /// - Parameter milliseconds: until libcurl wants to run; 0 for as soon as possible, -1 for no timer.
    private func wait(_ milliseconds: Int) {
        if let timer { loop.cancel(timer) }
        timer = nil
        if milliseconds == 0, !isRunning {
            awaitTurnEnd()
        } else if milliseconds >= 0 {
            timer = loop.schedule(at: .now.advanced(by: .milliseconds(milliseconds))) { [weak self] in
                self?.timer = nil
                self?.run(Int32(CURL_SOCKET_BAD), 0)
            }
        }
    }

    /// - Parameter socket: `CURL_SOCKET_TIMEOUT`, which is `CURL_SOCKET_BAD`, where a timer has fired.
    private func run(_ socket: Int32, _ events: Int32) {
        let start = ContinuousClock.now
        isRunning = true
        var running: Int32 = 0
        unsafe curl_multi_socket_action(pointer, socket, events, &running)
        isRunning = false
        share.take(start.duration(to: .now), in: loop.turns)
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(pointer, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE, let handle = unsafe message.pointee.easy_handle else {
                continue
            }
            // Removing the handle frees the message.
            let result = unsafe message.pointee.data.result
            unsafe curl_multi_remove_handle(pointer, handle)
            transfers.removeValue(forKey: UInt(bitPattern: handle))?.finish(result)
        }
    }
}

extension MultiHandle: TurnEndHandler {
    func turnEnds() {
        isTurnEndAwaited = false
        var begun = 0
        while begun < beginning.count, share.hasTime(in: loop.turns) {
            begin(beginning[begun])
            begun += 1
        }
        beginning.removeFirst(begun)
        if begun == 0 { run(Int32(CURL_SOCKET_BAD), 0) }
        guard !beginning.isEmpty else { return }
        _ = loop.schedule(at: .now) { [weak self] in self?.awaitTurnEnd() }
    }

    private func begin(_ transfer: HeadTransfer) {
        transfers[unsafe UInt(bitPattern: transfer.easy.pointer)] = transfer
        isRunning = true
        let result = unsafe curl_multi_add_handle(pointer, transfer.easy.pointer)
        isRunning = false
        precondition(result == CURLM_OK, "libcurl takes no handle")
        run(Int32(CURL_SOCKET_BAD), 0)
    }
}
