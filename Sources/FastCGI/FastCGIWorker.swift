import CFastCGI

/// Serves one request after the other, each from whichever connection has one.
@safe final class FastCGIWorker<Handler: RequestHandler> {
    private let queue: ConnectionQueue
    private let handler: Handler
    private let request: UnsafeMutablePointer<FCGX_Request>
    private let scratch: UnsafeMutableBufferPointer<CChar>
    private var response = FastCGIResponse()

    init(queue: ConnectionQueue, handler: Handler) {
        self.queue = queue
        self.handler = handler
        unsafe request = .allocate(capacity: 1)
        unsafe scratch = .allocate(capacity: 8192)
        // No listening socket: connections come from the queue, so libfcgi's accept fails at once instead of waiting.
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
        // With a descriptor in place FCGX_Accept_r reads the request from it instead of accepting one.
        unsafe request.pointee.ipcFd = connection.descriptor
        unsafe request.pointee.keepConnection = 1
        guard unsafe FCGX_Accept_r(request) == 0 else {
            // Closed by its peer, or not FastCGI: libfcgi has closed it.
            unsafe request.pointee.ipcFd = -1
            queue.wasClosed()
            return
        }
        let peerKeepsConnection = unsafe request.pointee.keepConnection != 0
        handler.respond(to: unsafe FastCGIRequest(reading: request, scratch: scratch), with: &response)
        unsafe response.bytes.withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { bytes in
                unsafe _ = FCGX_PutStr(bytes.baseAddress, Int32(bytes.count), request.pointee.out)
            }
        }
        // The queue closes connections: libfcgi would wait up to two seconds for the peer to close first.
        unsafe request.pointee.keepConnection = 1
        unsafe FCGX_Finish_r(request)
        guard unsafe request.pointee.ipcFd >= 0 else {
            queue.wasClosed()
            return
        }
        unsafe request.pointee.ipcFd = -1
        if peerKeepsConnection { queue.giveBack(connection) } else { queue.close(connection) }
    }
}
