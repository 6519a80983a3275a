import Glibc
import TLSClient

/// Commands to a server's socket and replies from it, by TLS where the connection has a session. Never blocks.
final class RESPTransport {
    enum Sent: Equatable {
        case all
        /// The socket takes no more now.
        case part
        case failed(ValueStoreError)
    }

    enum Received: Equatable {
        case bytes(areMorePossible: Bool)
        case nothing
        case ended(ValueStoreError)
    }

    private static let receiveBytes = 64 << 10
    /// The capacity for a burst is not kept.
    private static let keptCapacity = 256 << 10

    let socket: ConnectedSocket
    /// Commands that are to be encrypted; empty without TLS.
    private var plaintext: [UInt8] = []
    /// As it goes over the wire.
    private var output: [UInt8] = []
    /// How many bytes of `output` were sent.
    private var sent = 0
    /// For one decrypted record; empty without TLS.
    private var record: [UInt8]

    init(_ socket: ConnectedSocket) {
        self.socket = socket
        record = [UInt8](repeating: 0, count: socket.session == nil ? 0 : TLSSession.recordBytes)
    }

    var unsentBytes: Int { plaintext.count + output.count - sent }
    /// Whether the TLS session itself has something to say to the server.
    var mustAnswer: Bool { socket.session?.hasOutgoing ?? false }

    func append(_ commands: [UInt8]) {
        if socket.session == nil { output.append(contentsOf: commands) } else { plaintext.append(contentsOf: commands) }
    }

    /// Sends as much as the socket takes.
    func send() -> Sent {
        do throws(TLSError) { try encrypt() } catch { return .failed(ValueStoreError(error)) }
        guard sent < output.count else { return .all }
        let count = unsafe output.withUnsafeBytes { bytes in
            unsafe Glibc.send(
                socket.descriptor, bytes.baseAddress! + sent, bytes.count - sent,
                Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        guard count >= 0 || errno == EAGAIN || errno == EINTR else { return .failed(.lost(errno)) }
        sent += max(0, count)
        if sent == output.count {
            output.removeAll(keepingCapacity: output.capacity <= Self.keptCapacity)
            sent = 0
            return .all
        }
        if sent >= Self.keptCapacity, sent * 2 >= output.count {
            output.removeFirst(sent)
            sent = 0
        }
        return .part
    }

    /// Reads once, and calls `take` with the plaintext, perhaps several times.
    func receive(_ take: (UnsafeRawBufferPointer) -> Void) -> Received {
        unsafe withUnsafeTemporaryAllocation(byteCount: Self.receiveBytes, alignment: 1) { buffer in
            let count = unsafe recv(socket.descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else {
                if count == 0 { return .ended(.lost()) }
                return errno == EAGAIN || errno == EINTR ? .nothing : .ended(.lost(errno))
            }
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
            if let session = socket.session {
                do throws(TLSError) { unsafe try decrypt(bytes, session, take) } catch {
                    return .ended(ValueStoreError(error))
                }
            } else {
                unsafe take(bytes)
            }
            return .bytes(areMorePossible: count == Self.receiveBytes)
        }
    }

    /// Drops what was not sent.
    func discardOutput() {
        plaintext = []
        output = []
        sent = 0
    }

    private func encrypt() throws(TLSError) {
        guard let session = socket.session else { return }
        if !plaintext.isEmpty {
            try session.encrypt(plaintext)
            plaintext.removeAll(keepingCapacity: plaintext.capacity <= Self.keptCapacity)
        }
        session.moveOutgoing(to: &output)
    }

    private func decrypt(
        _ ciphertext: UnsafeRawBufferPointer, _ session: TLSSession, _ take: (UnsafeRawBufferPointer) -> Void
    ) throws(TLSError) {
        unsafe session.receive(ciphertext)
        while let count = try session.decrypt(into: &record) {
            unsafe record.withUnsafeBytes { unsafe take(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}
