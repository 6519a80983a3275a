import Glibc
import OperatorSettings
import Resilience
import TLSClient

extension ConnectedSocket {
    /// Waits until the TLS session is established; returns immediately where there is none.
    func completeHandshake(by deadline: Deadline) throws(ValueStoreError) {
        guard let session else { return }
        while true {
            let isComplete: Bool
            do throws(TLSError) {
                isComplete = try session.continueHandshake()
            } catch {
                // The server's log then has the cause, too.
                try? sendOutgoing(of: session, by: deadline)
                throw ValueStoreError(error)
            }
            try sendOutgoing(of: session, by: deadline)
            if isComplete { return }
            do throws(ValueStoreError) {
                try receive(into: session, by: deadline)
            } catch {
                throw error.duringHandshake
            }
        }
    }

    private func sendOutgoing(of session: TLSSession, by deadline: Deadline) throws(ValueStoreError) {
        var output: [UInt8] = []
        session.moveOutgoing(to: &output)
        var sent = 0
        while sent < output.count {
            let count = unsafe output.withUnsafeBytes { bytes in
                unsafe send(descriptor, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                try wait(for: POLLOUT, by: deadline)
            } else if errno != EINTR {
                throw .lost(errno)
            }
        }
    }

    private func receive(into session: TLSSession, by deadline: Deadline) throws(ValueStoreError) {
        try wait(for: POLLIN, by: deadline)
        let code = unsafe withUnsafeTemporaryAllocation(byteCount: TLSSession.recordBytes, alignment: 1) { buffer in
            let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
            guard count > 0 else { return count == 0 ? Int32(0) : errno }
            unsafe session.receive(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
            return EAGAIN
        }
        guard code == EAGAIN || code == EINTR else { throw .lost(code) }
    }
}

extension ValueStoreError {
    /// - Parameter error: of a TLS session; the settings that remedy it are named.
    init(_ error: TLSError) {
        let remedy: String? =
            switch error.code {
            case .unknownAuthority: "\(CacheSetting.certificateAuthorities.name) names the authority's file"
            case .clientCertificateRequired:
                "\(CacheSetting.clientCertificate.name) and \(CacheSetting.clientKey.name) name one"
            case .notTLS: "write redis:// for a server without TLS, and check the port"
            case .wrongHost: "write a host that the certificate names"
            default: nil
            }
        self.init(
            code: error.code == .closed ? "lost" : "tls", reason: error.description + (remedy.map { "; \($0)" } ?? ""))
    }

    /// A server without TLS waits for more of what it takes for a command, or closes the connection.
    fileprivate var duringHandshake: ValueStoreError {
        ValueStoreError(
            code: code, reason: "\(reason) during the TLS handshake; does the server speak TLS on this port?")
    }
}
