import COpenSSLTLS
import Glibc

/// What all connections of a TLS client share: trusted authorities, and the client's own certificate. TLS 1.2 or later;
/// the server's certificate is always verified.
///
/// Two contexts are equal where they are one object: files may have changed between them.
@safe public final class TLSContext: Sendable, Equatable {
    // OpenSSL counts references atomically, and the context does not change after `init`.
    nonisolated(unsafe) let context: OpaquePointer
    let hasClientCertificate: Bool

    /// Reads the files.
    /// - Throws: a code that names the file, and a reason without its path.
    public init(_ files: TLSFiles = TLSFiles()) throws(TLSError) {
        guard let created = unsafe SSL_CTX_new(TLS_client_method()) else { preconditionFailure("OpenSSL has no TLS") }
        unsafe context = created
        hasClientCertificate = files.certificate != nil
        guard unsafe novatune_require_tls_1_2(created) == 1 else {
            throw TLSError(.failed, "this machine's OpenSSL has no TLS 1.2")
        }
        unsafe SSL_CTX_set_verify(created, SSL_VERIFY_PEER, nil)
        unsafe novatune_refuse_encrypted_keys(created)
        try trust(files.authorities)
        if let certificate = files.certificate { try use(certificate, files.key ?? certificate) }
    }

    deinit { unsafe SSL_CTX_free(context) }

    public static func == (one: TLSContext, other: TLSContext) -> Bool { one === other }

    private func trust(_ authorities: String?) throws(TLSError) {
        guard let authorities else {
            guard unsafe SSL_CTX_set_default_verify_paths(context) == 1 else {
                throw TLSError(.failed, "this machine's certificate authorities cannot be read")
            }
            return
        }
        try Self.checkReadable(authorities, .authoritiesFile)
        guard unsafe SSL_CTX_load_verify_file(context, authorities) == 1 else {
            throw TLSError(.authoritiesFile, "no certificates in PEM form")
        }
    }

    private func use(_ certificate: String, _ key: String) throws(TLSError) {
        try Self.checkReadable(certificate, .certificateFile)
        guard unsafe SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw TLSError(.certificateFile, "no certificate in PEM form")
        }
        try Self.checkReadable(key, .keyFile)
        ERR_clear_error()
        guard unsafe SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1,
            unsafe SSL_CTX_check_private_key(context) == 1
        else {
            let isOther = ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509
            throw TLSError(
                .keyFile,
                isOther
                    ? "it belongs to another certificate"
                    : "no private key in PEM form that is not encrypted")
        }
    }

    /// OpenSSL's own errors do not tell a missing file from an empty one. A pipe is refused, because opening it waits.
    private static func checkReadable(_ path: String, _ code: TLSError.Code) throws(TLSError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0, unsafe access(path, R_OK) == 0 else {
            throw TLSError(code, "the file cannot be read: \(unsafe String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw TLSError(code, "not a regular file") }
    }
}
