import COpenSSLTLS

extension TLSError {
    /// - Parameter verification: `X509_V_ERR_…` (X509_STORE_CTX_get_error(3)).
    init(verification: Int) {
        switch Int32(truncatingIfNeeded: verification) {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE:
            self.init(.unknownAuthority, "no known authority has issued the server's certificate")
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            self.init(.wrongHost, "the server's certificate is for another host name")
        case X509_V_ERR_CERT_HAS_EXPIRED: self.init(.expired, "the server's certificate has expired")
        case X509_V_ERR_CERT_NOT_YET_VALID:
            self.init(.expired, "the server's certificate is not valid yet; are both clocks right?")
        default:
            let text = unsafe String(cString: X509_verify_cert_error_string(verification))
            self.init(.invalidCertificate, "the server's certificate is not accepted: \(text)")
        }
    }

    /// - Parameters:
    ///   - reason: `SSL_R_…`; 0 where the error is not of the TLS library.
    ///   - code: OpenSSL's whole error code.
    ///   - hasClientCertificate: whether this side has one.
    init(reason: Int32, code: UInt, hasClientCertificate: Bool) {
        switch reason {
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_UNKNOWN_PROTOCOL,
            SSL_R_BAD_RECORD_TYPE, SSL_R_UNEXPECTED_MESSAGE:
            self.init(.notTLS, "what answers there does not speak TLS")
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, SSL_R_VERSION_TOO_LOW:
            self.init(.oldVersion, "the server supports neither TLS 1.2 nor 1.3")
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            self.init(.clientCertificateRequired, "the server requires a client certificate")
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE where !hasClientCertificate:
            self.init(
                .clientCertificateRequired, "the server refused the handshake; it may require a client certificate")
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
            SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
            SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, SSL_R_TLSV1_ALERT_UNKNOWN_CA, SSL_R_TLSV1_ALERT_ACCESS_DENIED:
            self.init(.clientCertificateRefused, "the server refuses the client certificate: \(Self.text(code))")
        case SSL_R_TLSV1_UNRECOGNIZED_NAME:
            self.init(.wrongHost, "the server has no certificate for this host name")
        default: self.init(.failed, "the TLS connection failed: \(Self.text(code))")
        }
    }

    /// OpenSSL's fixed text for a code; it holds nothing of the peer's.
    private static func text(_ code: UInt) -> String {
        guard let text = unsafe ERR_reason_error_string(code) else { return "unknown cause" }
        return unsafe String(cString: text)
    }
}
