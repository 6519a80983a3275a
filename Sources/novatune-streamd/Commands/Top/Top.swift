import ArgumentParser
import OperatorSettings
import Glibc
import HTTPClient
import Observability
import SigV4

/// Live figures in a terminal.
struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a running responder's rates, latencies and state, each second.",
        discussion: """
            Reads its metrics through nginx, which allows loopback and NOVATUNE_NGINX_OPERATIONS_ALLOW. In a terminal \
            the screen is redrawn; elsewhere it prints a line each time. The first figures are averages since the \
            responder's start. Ctrl-C ends it.

            EXAMPLES:
              novatune-streamd top
              novatune-streamd top --url http://127.0.0.1:8080/metrics/2
              novatune-streamd top --url https://127.0.0.1/metrics/1 --insecure
              novatune-streamd top --count 60 >figures.txt

            If the responder does not answer, the command reports it and retries.

            EXIT CODES: 0 done; 1 there are no metrics at that address; 64 the command line is not valid.
            """
    )

    @Option(
        name: .long,
        help: ArgumentHelp("Its metrics; /metrics/N for the N-th of several responders.", valueName: "url"))
    var url = "http://127.0.0.1/metrics/1"

    @Flag(name: .long, help: "Accept any certificate: that of nginx has another name than this machine's address.")
    var insecure = false

    @Option(name: .long, help: ArgumentHelp("How often: 500ms, 1s, 1m.", valueName: "duration"))
    var interval = "1s"

    @Option(name: .long, help: ArgumentHelp("How many times; without it, until Ctrl-C.", valueName: "number"))
    var count: Int?

    func validate() throws {
        guard let wait = DurationText.parse(interval), (.milliseconds(100) ... .seconds(3600)).contains(wait) else {
            throw ValidationError("--interval is not a duration from 100ms to 1h, such as 1s")
        }
        if let count, count < 1 { throw ValidationError("--count is at least 1") }
    }

    func run() throws {
        let wait = DurationText.parse(interval) ?? .seconds(1)
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let client = HTTPClient(isServerVerified: !insecure)
        var before: (text: MetricsText, at: ContinuousClock.Instant)?
        var shown = 0
        while true {
            guard let text = try read(client, isFirst: shown == 0) else {
                shown += 1
                if shown == count { return }
                pause(wait)
                continue
            }
            let now = ContinuousClock.now
            let clock = Double(SystemClock().milliseconds) / 1000
            let figures = LiveFigures(
                before?.text, text, elapsed: before.map { $0.at.duration(to: now) } ?? .zero, clock: clock)
            show(TopScreen(figures: figures, address: url, clock: clock), isTerminal)
            before = (text, now)
            shown += 1
            if shown == count { return }
            pause(wait)
        }
    }

    private func pause(_ wait: Duration) {
        let (seconds, attoseconds) = wait.components
        _ = poll(nil, 0, Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }

    /// Nil where there are no metrics now, as while the responder restarts; an error where there never were any.
    private func read(_ client: HTTPClient, isFirst: Bool) throws -> MetricsText? {
        do {
            let answer = try client.get(url, timeout: .seconds(5), responseLimit: 4 << 20)
            let text = MetricsText(String(decoding: answer.body, as: UTF8.self))
            if answer.status == 200, text.sum("process_start_time_seconds") != nil { return text }
            Console.error(
                "\(url): no responder's metrics there (status \(answer.status)); does nginx allow this address?")
        } catch {
            Console.error("\(url): \(error)")
        }
        if isFirst { throw ExitCode.failure }
        return nil
    }

    private func show(_ screen: TopScreen, _ isTerminal: Bool) {
        guard isTerminal else { return Console.print(screen.line) }
        // Cursor home, each line cleared to its end, then everything below (ECMA-48: CUP, EL, ED).
        Console.print("\u{1B}[H" + screen.lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J")
    }
}
