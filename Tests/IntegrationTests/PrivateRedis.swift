import Foundation
import Glibc
import TestSupport

/// A Redis for one suite, with its own options; it ends with this object, or with the process.
final class PrivateRedis: Sendable {
    struct NotStarted: Error {
        let log: String
    }

    /// For TCP, by TLS where there are certificates.
    let port: UInt16
    let certificates: TestCertificates?
    private let directory: TemporaryDirectory
    private let server: Subprocess.Server
    /// Arguments that authenticate redis-cli, which uses the unix socket.
    private let login: [String]

    /// - Parameters:
    ///   - configuration: lines of redis.conf; options add to them.
    ///   - options: as in redis.conf, `--name value …`.
    ///   - certificates: makes TCP speak TLS.
    ///   - login: arguments that authenticate redis-cli.
    init(
        configuration: String? = nil, _ options: [String] = [], certificates: TestCertificates? = nil,
        login: [String] = []
    ) throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        self.certificates = certificates
        self.login = login
        port = Self.freePort()
        let file = try configuration.map { try directory.write($0, as: "redis.conf") }
        var all = [
            "--bind", "127.0.0.1", "--unixsocket", directory.path("socket"), "--dir", directory.path, "--save", "",
            "--logfile", directory.path("log"),
        ]
        if let certificates {
            all += [
                "--port", "0", "--tls-port", "\(port)", "--tls-cert-file", certificates.server.certificate,
                "--tls-key-file", certificates.server.key, "--tls-ca-cert-file", certificates.authority,
                "--tls-auth-clients", "no",
            ]
        } else {
            all += ["--port", "\(port)"]
        }
        server = try Subprocess.Server(["redis-server"] + (file.map { [$0] } ?? []) + all + options)
        guard eventually({ (try? self.cli("ping"))?.contains("PONG") == true }) else {
            throw NotStarted(log: (try? String(contentsOfFile: directory.path("log"), encoding: .utf8)) ?? "no log")
        }
    }

    var socket: String { directory.path("socket") }

    /// - Parameter login: `user:password@`.
    func url(_ login: String = "", host: String = "127.0.0.1") -> String {
        "\(certificates == nil ? "redis" : "rediss")://\(login)\(host):\(port)/0"
    }

    @discardableResult func cli(_ arguments: String...) throws -> String {
        try Subprocess.run(["redis-cli", "-s", socket] + login + arguments).output
    }

    /// Nodes of a cluster use a second port, which is higher by 10,000. Both are below the range from which the kernel
    /// gives ports to clients, so that no connection takes one meanwhile.
    static func freePort() -> UInt16 {
        while true {
            let port = UInt16.random(in: 10_000...22_000)
            if isFree(port), isFree(port + 10_000) { return port }
        }
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                unsafe bind(descriptor, name, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
