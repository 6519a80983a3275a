/// The PEM files of a TLS client.
public struct TLSFiles: Sendable, Equatable {
    /// Certificates of the authorities that it trusts; nil for those of the machine.
    public var authorities: String?
    /// The client's own certificate, followed by the chain to its authority; nil where it has none.
    public var certificate: String?
    /// The private key of that certificate, not encrypted.
    public var key: String?

    public init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
    }
}
