import COpenSSLTLS

/// The client's end of one TLS connection, without its socket: the caller gives it what has arrived and sends what it
/// puts out (RFC 8446, RFC 5246).
///
/// For one thread at a time; unchecked, because a connection moves from the thread that makes it to the one that uses
/// it.
@safe public final class TLSSession: @unchecked Sendable {
    /// The most plaintext that `decrypt` returns: one record.
    public static let recordBytes = 16 << 10

    private let session: OpaquePointer
    /// Ciphertext from the peer, and for the peer; the session frees them.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    private let hasClientCertificate: Bool

    /// - Parameter host: the name, or the numeric address, that the server's certificate must be for.
    public init(_ context: TLSContext, host: String) throws(TLSError) {
        guard let session = unsafe SSL_new(context.context), let incoming = unsafe BIO_new(BIO_s_mem()),
            let outgoing = unsafe BIO_new(BIO_s_mem())
        else { preconditionFailure("out of memory") }
        unsafe self.session = session
        unsafe self.incoming = incoming
        unsafe self.outgoing = outgoing
        hasClientCertificate = context.hasClientCertificate
        unsafe SSL_set_bio(session, incoming, outgoing)
        unsafe SSL_set_connect_state(session)
        try expect(host)
    }

    deinit { unsafe SSL_free(session) }

    /// An address is compared with the certificate's addresses, a name with its names; only a name is sent to the
    /// server (RFC 6066 §3).
    private func expect(_ host: String) throws(TLSError) {
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1 { return }
        unsafe SSL_set_hostflags(session, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        guard unsafe SSL_set1_host(session, host) == 1, unsafe novatune_set_server_name(session, host) == 1 else {
            ERR_clear_error()
            throw TLSError(.wrongHost, "the host is no name that a certificate can have")
        }
    }

    /// - Returns: whether the handshake is complete. Otherwise it needs bytes of the peer.
    public func continueHandshake() throws(TLSError) -> Bool {
        ERR_clear_error()
        let result = unsafe SSL_do_handshake(session)
        if result == 1 { return true }
        guard unsafe SSL_get_error(session, result) == SSL_ERROR_WANT_READ else { throw failure(result) }
        return false
    }

    /// Takes ciphertext from the peer.
    public func receive(_ ciphertext: UnsafeRawBufferPointer) {
        unsafe _ = BIO_write(incoming, ciphertext.baseAddress, Int32(ciphertext.count))
    }

    /// Decrypts into the beginning of `buffer`, which has `recordBytes`.
    /// - Returns: how many bytes; nil where more ciphertext is needed.
    public func decrypt(into buffer: inout [UInt8]) throws(TLSError) -> Int? {
        ERR_clear_error()
        let result = unsafe buffer.withUnsafeMutableBytes { unsafe SSL_read(session, $0.baseAddress, Int32($0.count)) }
        if result > 0 { return Int(result) }
        guard unsafe SSL_get_error(session, result) == SSL_ERROR_WANT_READ else { throw failure(result) }
        return nil
    }

    /// Encrypts all of it; `moveOutgoing` has the ciphertext.
    public func encrypt(_ plaintext: [UInt8]) throws(TLSError) {
        guard !plaintext.isEmpty else { return }
        ERR_clear_error()
        var written = 0
        let result = unsafe plaintext.withUnsafeBytes { bytes in
            unsafe SSL_write_ex(session, bytes.baseAddress, bytes.count, &written)
        }
        guard result == 1, written == plaintext.count else { throw failure(result) }
    }

    /// Whether there is ciphertext for the peer: of `encrypt`, of the handshake, or an answer to the peer's own
    /// messages.
    public var hasOutgoing: Bool { unsafe BIO_ctrl_pending(outgoing) > 0 }

    /// Appends the ciphertext for the peer.
    public func moveOutgoing(to output: inout [UInt8]) {
        let count = unsafe BIO_ctrl_pending(outgoing)
        guard count > 0 else { return }
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: count))
        unsafe output.withUnsafeMutableBytes { bytes in
            unsafe _ = BIO_read(outgoing, bytes.baseAddress! + start, Int32(count))
        }
    }

    private func failure(_ result: Int32) -> TLSError {
        let cause = unsafe SSL_get_error(session, result)
        if cause == SSL_ERROR_ZERO_RETURN { return TLSError(.closed, "the peer closed the connection") }
        defer { ERR_clear_error() }
        let error = ERR_peek_error()
        let reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0
        if reason == SSL_R_CERTIFICATE_VERIFY_FAILED {
            return TLSError(verification: unsafe SSL_get_verify_result(session))
        }
        return TLSError(reason: reason, code: error, hasClientCertificate: hasClientCertificate)
    }
}
