import Foundation
import StreamIssuing

/// Servers that were started for these tests, by the names of their env file: the local stack (`nginx/up`), and what is
/// beside it.
struct LiveStack {
    static let shared = LiveStack(
        envFile: "STACK_ENV", needs: "a running stack: Tests/run, or STACK_ENV=.build/local/env after nginx/up --detach"
    )
    static let keyManagement = LiveStack(
        envFile: "KMS_ENV",
        needs: "a key management service: Tests/run, or KMS_ENV=D/kms.env after Tests/Harness/harness/kms.py D")

    private let values: [String: String]

    private init(envFile: String, needs: String) {
        guard let path = ProcessInfo.processInfo.environment[envFile],
            let text = try? String(contentsOfFile: path, encoding: .utf8)
        else { fatalError("these tests need \(needs)") }
        var values: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            values[String(line[..<equals])] = line[line.index(after: equals)...].trimmingCharacters(in: ["'"])
        }
        self.values = values
    }

    subscript(name: String) -> String {
        guard let value = values[name] else { fatalError("\(name) is not in the env file") }
        return value
    }

    func ulid(_ name: String) -> ULID {
        guard let ulid = ULID(self[name]) else { fatalError("\(name) is not a ULID") }
        return ulid
    }

    /// Runs SQL as the owner.
    func psql(_ sql: String) throws -> String {
        try run(
            "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1",
            self["DATABASE_URL"], "-c", sql)
    }

    /// The same on another database.
    @discardableResult func psql(_ sql: String, on url: String) throws -> String {
        try run(
            "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1", url, "-c", sql)
    }

    /// A transaction that locks a table against every other, until its end.
    func beginHoldingLock(on table: String) throws -> HeldLock {
        let lock = try HeldLock(self["DATABASE_URL"], "begin; lock table \(table);\n")
        let isHeld =
            "select count(*) from pg_locks where relation = '\(table)'::regclass and mode = 'AccessExclusiveLock' and granted"
        while try psql(isHeld) == "0" {}
        return lock
    }

    /// psql in a transaction.
    final class HeldLock {
        private let process = Process()
        private let input = Pipe()

        init(_ url: String, _ commands: String) throws {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["psql", "--no-psqlrc", "--quiet", url]
            process.standardInput = input
            try process.run()
            input.fileHandleForWriting.write(Data(commands.utf8))
        }

        func end() {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
        }

        deinit { if process.isRunning { end() } }
    }

    func redis(_ arguments: String...) throws -> String {
        try run(["redis-cli", "-u", self["CACHE_URL"]] + arguments)
    }

    private func run(_ command: String...) throws -> String { try run(command) }

    private func run(_ command: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CommandFailed() }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    struct CommandFailed: Error {}
}

struct WallClockNow: WallClock {
    var now: UnixTime { UnixTime(seconds: Int64(Date().timeIntervalSince1970)) }
}
