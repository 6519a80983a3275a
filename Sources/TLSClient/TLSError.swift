/// Why a file of a TLS client cannot be used, or why a TLS connection failed. Safe to log: it quotes nothing that a
/// peer or a file has sent.
public struct TLSError: Error, Sendable, Equatable, CustomStringConvertible {
    public struct Code: Sendable, Hashable {
        let name: String

        /// The file of authorities.
        public static let authoritiesFile = Code(name: "authorities_file")
        public static let certificateFile = Code(name: "certificate_file")
        public static let keyFile = Code(name: "key_file")
        /// No known authority has issued the server's certificate.
        public static let unknownAuthority = Code(name: "unknown_authority")
        /// The server's certificate is for other names.
        public static let wrongHost = Code(name: "wrong_host")
        /// The server's certificate has expired, or is not valid yet.
        public static let expired = Code(name: "expired")
        /// The server's certificate fails another check.
        public static let invalidCertificate = Code(name: "invalid_certificate")
        public static let clientCertificateRequired = Code(name: "client_certificate_required")
        public static let clientCertificateRefused = Code(name: "client_certificate_refused")
        /// The peer speaks another protocol.
        public static let notTLS = Code(name: "not_tls")
        /// The peer supports neither TLS 1.2 nor 1.3.
        public static let oldVersion = Code(name: "old_version")
        /// The peer has announced the end of the connection.
        public static let closed = Code(name: "closed")
        /// Any other failure of the protocol.
        public static let failed = Code(name: "failed")
    }

    public let code: Code
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
