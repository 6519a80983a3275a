/// The PEM files of a TLS connection.
public struct TLSFiles: Sendable, Equatable {
    /// Authorities that servers are verified against; nil for the machine's own.
    public let certificateAuthorities: String?
    /// Whether the machine's own authorities are trusted beside them. Default false.
    public let addsToMachineAuthorities: Bool
    /// The certificate that this client shows, with its chain; nil for none.
    public let clientCertificate: String?
    /// Its private key, not encrypted; nil where the certificate's file has it.
    public let clientKey: String?

    public init(
        certificateAuthorities: String? = nil, addsToMachineAuthorities: Bool = false,
        clientCertificate: String? = nil, clientKey: String? = nil
    ) {
        self.certificateAuthorities = certificateAuthorities
        self.addsToMachineAuthorities = addsToMachineAuthorities
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
    }
}
