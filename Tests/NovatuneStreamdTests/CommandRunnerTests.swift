import StreamIssuing
@testable import novatune_streamd
import Testing

@Suite struct CommandRunnerTests {
    private let runner = CommandRunner(secrets: ["canary-secret"], home: "/home")

    private func shell(_ script: String, input: String = "", timeout: Duration = .seconds(20)) -> ExternalCommand {
        ExternalCommand(
            program: "sh", arguments: ["-c", script], environment: ["GIVEN": "x"], input: input, timeout: timeout)
    }

    @Test func programGetsItsInputAndOnlyItsEnvironment() throws {
        let output = try runner.output(shell("cat; echo $GIVEN $HOME $LC_ALL; echo no >&2; exit 3", input: "in\n"))
        #expect(output == CommandOutput(status: 3, text: "in\nx /home C.UTF-8\n", errors: "no\n"))
    }

    @Test func outputIsLongerThanAPipe() throws {
        #expect(try runner.output(shell("yes | head -c 200000")).text.utf8.count == 200_000)
    }

    @Test func failureHasTheStatusAndTheLastLinesWithoutSecrets() {
        let failure = #expect(throws: SetupFailure.self) {
            try runner.run(shell("echo 1; printf 'a\\nb\\nc\\nd\\n  e canary-secret\\n' >&2; exit 2"), advice: "look")
        }
        #expect(failure?.description == "sh ended with status 2: b | c | d | e …; look")
    }

    @Test func programThatIsMissingNamesItsPackage() {
        for (program, package) in [("sqitch-is-not-here", "sqitch-is-not-here"), ("/nonexistent/program", "")] {
            let failure = #expect(throws: SetupFailure.self) {
                try runner.output(ExternalCommand(program: program))
            }
            #expect(failure?.reason.contains(program) == true)
            if !package.isEmpty {
                #expect(failure?.advice.contains("apt-get install --no-install-recommends \(package)") == true)
            }
        }
    }

    @Test func programThatDoesNotEndIsEnded() {
        let failure = #expect(throws: SetupFailure.self) {
            try runner.output(shell("exec sleep 60", timeout: .milliseconds(100)))
        }
        #expect(failure?.reason.contains("did not end") == true)
    }
}
