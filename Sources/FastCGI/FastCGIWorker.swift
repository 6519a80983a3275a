import CFastCGI

/// Serves one request after the other, each from any connection that has one.
@safe final class FastCGIWorker<Handler: RequestHandler> {
    private let queue: ConnectionQueue
    private let handler: Handler
    private let activity: WorkerActivity
    private let request: UnsafeMutablePointer<FCGX_Request>
    private let scratch: UnsafeMutableBufferPointer<CChar>
    private var response = FastCGIResponse()

    init(queue: ConnectionQueue, handler: Handler, activity: WorkerActivity) {
        self.queue = queue
        self.handler = handler
        self.activity = activity
        unsafe request = .allocate(capacity: 1)
        unsafe scratch = .allocate(capacity: 8192)
        // No listening socket: connections come from the queue, so libfcgi's accept fails immediately instead of
        // waiting.
        unsafe FCGX_InitRequest(request, -1, FCGI_FAIL_ACCEPT_ON_INTR)
    }

    deinit {
        unsafe request.deallocate()
        unsafe scratch.deallocate()
    }

    func run() {
        while let connection = queue.next() { serve(connection) }
    }

    private func serve(_ connection: ConnectionQueue.Connection) {
        activity.beginReading(connection.descriptor)
        // With a descriptor in place FCGX_Accept_r reads the request from it instead of accepting one.
        unsafe request.pointee.ipcFd = connection.descriptor
        unsafe request.pointee.keepConnection = 1
        // Detached, libfcgi closes a broken connection without lingering. To linger it would wait in select(2), which
        // is undefined from descriptor 1024 on: event loops may hold so many connections.
        unsafe request.pointee.detached = 1
        guard unsafe FCGX_Accept_r(request) == 0 else {
            // The peer has closed it, or it is not FastCGI: libfcgi has closed it.
            activity.becomeIdle()
            unsafe request.pointee.ipcFd = -1
            queue.connectionClosed()
            return
        }
        let peerKeepsConnection = unsafe request.pointee.keepConnection != 0
        answer(connection, unsafe FastCGIRequest(reading: request, scratch: scratch))
        // The queue closes connections: libfcgi would wait up to two seconds for the peer to close first.
        unsafe request.pointee.keepConnection = 1
        unsafe request.pointee.detached = 1
        unsafe FCGX_Finish_r(request)
        activity.becomeIdle()
        guard unsafe request.pointee.ipcFd >= 0 else {
            queue.connectionClosed()
            return
        }
        unsafe request.pointee.ipcFd = -1
        if peerKeepsConnection { queue.release(connection) } else { queue.close(connection) }
    }

    private func answer(_ connection: ConnectionQueue.Connection, _ incoming: consuming FastCGIRequest) {
        activity.beginHandling()
        // nginx closes the connection when its client does. Then the answer is not needed.
        guard !queue.hasHungUp(connection) else { return }
        handler.respond(to: incoming, with: &response)
        activity.beginWriting(connection.descriptor)
        unsafe response.bytes.withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { bytes in
                unsafe _ = FCGX_PutStr(bytes.baseAddress, Int32(bytes.count), request.pointee.out)
            }
        }
    }
}
