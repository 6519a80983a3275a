import Foundation
import TestSupport

/// A Garnet for the tests of this process, which ends with it. The program is the one that GARNET_SERVER names, or
/// garnet-server in PATH.
final class PrivateGarnet: Sendable {
    struct NotStarted: Error {
        let log: String
    }

    static let shared = Result { try PrivateGarnet() }

    static var isInstalled: Bool { program != nil }
    static let absence = "no garnet-server: neither GARNET_SERVER nor PATH names it"

    private static let program: String? = {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["GARNET_SERVER"], !named.isEmpty { return named }
        return (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/garnet-server" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    private let directory: TemporaryDirectory
    private let port: UInt16
    private let server: Subprocess.Server

    private init() throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        port = PrivateRedis.freePort()
        // FileStream is the one device that needs no library of its own.
        server = try Subprocess.Server([
            Self.program ?? "garnet-server", "--bind", "127.0.0.1", "--port", "\(port)", "--memory", "64m", "--index",
            "4m", "--index-max-size", "16m", "--device-type", "FileStream", "--checkpointdir", directory.path,
            "--file-logger", directory.path("log"),
        ])
        let port = port
        // Its first start unpacks and compiles it.
        guard (0..<3).contains(where: { _ in eventually { Self.answers(on: port) } }) else {
            throw NotStarted(log: (try? String(contentsOfFile: directory.path("log"), encoding: .utf8)) ?? "no log")
        }
    }

    var url: String { "redis://127.0.0.1:\(port)/0" }

    private static func answers(on port: UInt16) -> Bool {
        (try? Subprocess.run(["redis-cli", "-p", "\(port)", "ping"]))?.output.contains("PONG") == true
    }
}
