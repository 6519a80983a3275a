import ArgumentParser
import FastCGI
import OperatorSettings
import Resilience

/// Asks a running responder how it is, for the probes of containers.
struct Health: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask the running responder whether it is alive, or ready.",
        discussion: """
            Speaks FastCGI to the gate socket, without nginx: /healthz, or with --ready /readyz. It needs \
            NOVATUNE_GATE_LISTEN alone, in the environment or in the file given by --config, and an account that may \
            open the socket: the responder's own, or a member of its group.

            'alive' means that the process answers. 'ready' means that database and object store answer, too; what a \
            request can do without, such as the cache, is printed and is no failure. Restart a responder that is not \
            alive, and not one that is not ready: a restart brings no database back.

            EXAMPLES:
              novatune-streamd health
              novatune-streamd health --ready --timeout 1s
              novatune-streamd health --gate unix:/run/novatune/gate-2.sock

            EXIT CODES: 0 it is; 1 it is not, or does not answer within the timeout; 64 the command line is not valid; \
            78 NOVATUNE_GATE_LISTEN is not valid.
            """
    )

    @Flag(name: .long, help: "Ask whether it is ready; without this, whether it is alive.")
    var ready = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The gate socket, unix:/path or host:port; without it, NOVATUNE_GATE_LISTEN.", valueName: "address"))
    var gate: String?

    @Option(name: .long, help: ArgumentHelp("For all of it: 500ms, 2s.", valueName: "duration"))
    var timeout = "2s"

    @OptionGroup var options: SettingsOptions

    func validate() throws {
        guard let limit = DurationText.parse(timeout), (.milliseconds(10) ... .seconds(60)).contains(limit) else {
            throw ValidationError("--timeout is not a duration from 10ms to 1m, such as 2s")
        }
        if let gate, GateAddress.parse(gate) == nil {
            throw ValidationError("--gate is not unix:/path or host:port")
        }
    }

    func run() throws {
        let address = try address()
        let limit = DurationText.parse(timeout) ?? .seconds(2)
        let page = ready ? HealthPage.readiness : .liveness
        let report = Self.ask(address, page, limit)
        for line in report.lines { Console.print(line) }
        guard report.failures.isEmpty else {
            for failure in report.failures { Console.error(failure) }
            throw ExitCode.failure
        }
    }

    private func address() throws -> SocketAddress {
        if let gate, let address = GateAddress.parse(gate) { return address }
        return try SettingsOptions.reportingErrors { () throws(SettingsError) in
            try GateAddress.read(options.source)
        }
    }

    /// On a thread of its own, because the look-up of a host's name has no limit.
    private static func ask(_ address: SocketAddress, _ page: HealthPage, _ limit: Duration) -> HealthReport {
        let deadline = Deadline(after: limit)
        let report = Locked<HealthReport?>(nil)
        let thread = WorkerThread(name: "health") {
            let answer: HealthReport
            do {
                answer = HealthReport(page, try GateClient(address, deadline).get(page.path))
            } catch {
                answer = HealthReport(failures: ["\(address): \(error)"])
            }
            report.withLock { $0 = answer }
        }
        // A little longer, so that what was going on is said by the thread, which knows it.
        thread.join(by: Deadline(at: deadline.instant.advanced(by: .milliseconds(50))))
        let late = HealthReport(failures: ["\(address): no answer within \(DurationText.text(limit))"])
        return report.withLock { $0 } ?? late
    }
}
