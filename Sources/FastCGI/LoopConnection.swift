import CEpoll
import CFastCGI
import EventLoop
import Glibc

/// Reads and writes one connection of a loop's server, whose `ConnectionTable` holds its state. For the loop's thread
/// only.
@safe final class LoopConnection: @unchecked Sendable {
    let descriptor: Int32
    var source: IOSource?
    /// An upper bound of the bytes that the peer has not taken yet.
    private var possiblyUnsent = 0
    /// Set only while a request is handled: it holds some kilobytes.
    var exchange: FastCGIExchange?

    let isFromThisHost: Bool

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        isFromThisHost = PeerHost.isThisHost(descriptor)
    }

    /// Reads the request, which has arrived in full, by libfcgi.
    /// - Returns: false where libfcgi does not accept it; libfcgi has closed the descriptor then.
    func read(
        into exchange: FastCGIExchange, arrivedAt: ContinuousClock.Instant, scratch: UnsafeMutableBufferPointer<CChar>
    ) -> Bool {
        let request = unsafe exchange.request
        // With a descriptor in place FCGX_Accept_r reads the request from it instead of accepting one. Detached,
        // libfcgi closes a broken connection without lingering. To linger it would wait in select(2), which is
        // undefined from descriptor 1024 on.
        unsafe request.pointee.ipcFd = descriptor
        unsafe request.pointee.keepConnection = 1
        unsafe request.pointee.detached = 1
        guard unsafe FCGX_Accept_r(request) == 0 else { return false }
        var length = 0
        while true {
            let count = unsafe FCGX_GetStr(scratch.baseAddress, Int32(scratch.count), request.pointee.in)
            guard count > 0 else { break }
            length += Int(count)
        }
        exchange.begin(bodyLength: length, arrivedAt: arrivedAt)
        return true
    }

    /// Writes the answer.
    /// - Returns: whether the connection may be used again. Where false the descriptor is still open unless `isClosed`.
    func write(_ exchange: FastCGIExchange) -> (isUsable: Bool, isClosed: Bool) {
        let request = unsafe exchange.request
        let keeps = unsafe request.pointee.keepConnection != 0
        guard !exchange.isAbandoned, canTake(exchange.response.bytes.count) else {
            // Frees libfcgi's memory without letting it write anything.
            unsafe FCGX_Free(request, 0)
            unsafe request.pointee.ipcFd = -1
            return (false, false)
        }
        unsafe exchange.response.bytes.withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { bytes in
                unsafe _ = FCGX_PutStr(bytes.baseAddress, Int32(bytes.count), request.pointee.out)
            }
        }
        unsafe request.pointee.keepConnection = 1
        unsafe request.pointee.detached = 1
        unsafe FCGX_Finish_r(request)
        let isClosed = unsafe request.pointee.ipcFd < 0
        unsafe request.pointee.ipcFd = -1
        return (keeps && !isClosed, isClosed)
    }

    /// Whether an answer fits into the socket's buffer, so that libfcgi's blocking write does not block. Earlier
    /// answers that the peer has not taken count, too: the loop does not wait for a peer that never reads.
    private func canTake(_ count: Int) -> Bool {
        // Ask the kernel only where all bytes written since the last query would not fit: once for dozens of answers.
        possiblyUnsent += count + Self.framing
        guard possiblyUnsent > Self.safeBufferUse else { return true }
        let unsent = novatune_unsent_bytes(descriptor)
        possiblyUnsent = Int(unsent) + count + Self.framing
        return unsent >= 0 && possiblyUnsent <= Self.safeBufferUse
    }

    /// A quarter of Linux's default buffer: the kernel counts its own bookkeeping for each write, too.
    private static let safeBufferUse = 64 * 1024
    /// More bytes than the records around an answer take.
    private static let framing = 1024
}
