import CEpoll
import CFastCGI
import EventLoop
import Glibc

/// What a connection of a loop's server reads and writes; where it stands is in the server's `ConnectionTable`. For the loop's thread only.
@safe final class LoopConnection: @unchecked Sendable {
    let descriptor: Int32
    var source: IOSource?
    /// No less than the bytes that the peer has not taken yet.
    private var possiblyUnsent = 0
    /// Only while a request is handled: it holds some kilobytes.
    var exchange: FastCGIExchange?

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Reads the request, which has arrived in full, by libfcgi.
    /// - Returns: false where libfcgi does not take it; it has closed the descriptor then.
    func read(into exchange: FastCGIExchange, scratch: UnsafeMutableBufferPointer<CChar>) -> Bool {
        let request = unsafe exchange.request
        // With a descriptor in place FCGX_Accept_r reads the request from it instead of accepting one. Detached, libfcgi closes a broken
        // connection without lingering, for which it would wait in select(2), undefined from descriptor 1024 on.
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
        exchange.bodyLength = length
        exchange.isAbandoned = false
        return true
    }

    /// Writes the answer.
    /// - Returns: whether the connection may be used again. Where false the descriptor is still open unless `isClosed`.
    func write(_ exchange: FastCGIExchange) -> (isUsable: Bool, isClosed: Bool) {
        let request = unsafe exchange.request
        let keeps = unsafe request.pointee.keepConnection != 0
        guard !exchange.isAbandoned, canTake(exchange.response.bytes.count) else {
            // Frees what libfcgi holds, without its writing anything.
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

    /// Whether an answer fits into the socket's buffer, so that libfcgi's write, which blocks, does not. What a peer has not taken of the
    /// answers before counts: one that never reads is not waited for.
    private func canTake(_ count: Int) -> Bool {
        // The kernel is asked only where all that was written since it was last asked would not fit: once for dozens of answers.
        possiblyUnsent += count + Self.framing
        guard possiblyUnsent > Self.safeBufferUse else { return true }
        let unsent = novatune_unsent_bytes(descriptor)
        possiblyUnsent = Int(unsent) + count + Self.framing
        return unsent >= 0 && possiblyUnsent <= Self.safeBufferUse
    }

    /// A quarter of Linux's default buffer: the kernel counts its own bookkeeping for each write, too.
    private static let safeBufferUse = 64 * 1024
    /// More than the records around an answer take.
    private static let framing = 1024
}
