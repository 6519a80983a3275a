/// Certificates of an authority that only one test knows, made by openssl(1): files in a directory of their own.
public final class TestCertificates: Sendable {
    public struct Pair: Sendable {
        public let certificate: String
        public let key: String
    }

    /// The authority's certificate.
    public let authority: String
    /// For `localhost` and 127.0.0.1.
    public let server: Pair
    public let expiredServer: Pair
    /// For `cache.example` alone.
    public let otherServer: Pair
    public let client: Pair
    private let directory: TemporaryDirectory

    public init() throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        authority = directory.path("ca.pem")
        try Self.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=Authority of a test", "-keyout", directory.path("ca.key"), "-out", authority)
        let here = "DNS:localhost,IP:127.0.0.1"
        server = try Self.issue("server", names: here, in: directory)
        expiredServer = try Self.issue("expired", names: here, days: "-1", in: directory)
        otherServer = try Self.issue("other", names: "DNS:cache.example", in: directory)
        client = try Self.issue("client", names: "DNS:client.example", in: directory)
    }

    public func path(_ name: String) -> String { directory.path(name) }

    public func write(_ contents: String, as name: String) throws -> String { try directory.write(contents, as: name) }

    /// A copy of a private key that only a password opens.
    public func encryptedKey(of pair: Pair) throws -> String {
        let path = directory.path("encrypted.key")
        try Self.openssl("pkcs8", "-topk8", "-in", pair.key, "-passout", "pass:word", "-out", path)
        return path
    }

    private static func issue(
        _ name: String, names: String, days: String = "2", in directory: TemporaryDirectory
    ) throws -> Pair {
        let (key, request) = (directory.path("\(name).key"), directory.path("\(name).csr"))
        let certificate = directory.path("\(name).pem")
        let extensions = try directory.write("subjectAltName=\(names)\n", as: "\(name).ext")
        try openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(name)", "-keyout",
            key, "-out", request)
        try openssl(
            "x509", "-req", "-in", request, "-CA", directory.path("ca.pem"), "-CAkey", directory.path("ca.key"),
            "-set_serial", String(UInt32.random(in: 1 ... .max)), "-days", days, "-extfile", extensions, "-out",
            certificate)
        return Pair(certificate: certificate, key: key)
    }

    private static func openssl(_ arguments: String...) throws {
        let status = try Subprocess.run(["openssl"] + arguments).status
        precondition(status == 0, "openssl \(arguments.first ?? "") failed")
    }
}
