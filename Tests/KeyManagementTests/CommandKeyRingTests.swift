import Cryptography
import Foundation
@testable import KeyManagement
import TestSupport
import Testing

@Suite struct CommandKeyRingTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    /// A program as an operator would write one, and how to run it: by name of its shell, because a file that was just
    /// written cannot be executed as long as a child that another test is starting has it open (execve(2), ETXTBSY).
    private func script(_ body: String) throws -> [String] { ["/bin/sh", try place.write("\(body)\n", as: "script")] }

    private func refusal(_ arguments: [String], timeout: Duration = .seconds(20)) throws -> KeyRingError {
        try #require(#expect(throws: KeyRingError.self) { try CommandKeyRing(arguments, timeout: timeout).read() })
    }

    @Test func argumentsReachTheProgramUnchanged() throws {
        let program = try script(
            #"[ "$#" = 3 ] && [ "$1" = 'a b' ] && [ "$2" = '$HOME;`id`' ] && [ -z "$3" ] && echo '\#(RingText.oneVersion)'"#
        )
        #expect(try CommandKeyRing(program + ["a b", "$HOME;`id`", ""], timeout: .seconds(20)).read().current == "v1")
    }

    @Test func settingsOfTheServiceAreNotInTheEnvironment() throws {
        unsafe setenv("NOVATUNE_CANARY", "canary", 1)
        unsafe setenv("VAULT_CANARY", "kept", 1)
        defer {
            unsafe unsetenv("NOVATUNE_CANARY")
            unsafe unsetenv("VAULT_CANARY")
        }
        let program = try script(
            #"[ -z "$NOVATUNE_CANARY" ] && [ "$VAULT_CANARY" = kept ] && echo '\#(RingText.oneVersion)'"#)
        #expect(try CommandKeyRing(program, timeout: .seconds(20)).read().current == "v1")
    }

    @Test func descriptorsOfTheServiceAreNotOpenInTheProgram() throws {
        let open = Pipe()
        let program = try script(#"[ "$(ls /proc/self/fd | wc -l)" -le 5 ] && echo '\#(RingText.oneVersion)'"#)
        #expect(try CommandKeyRing(program, timeout: .seconds(20)).read().current == "v1")
        try open.fileHandleForWriting.close()
    }

    @Test func failedProgramIsReportedByItsExitStatusOnly() throws {
        let error = try refusal(script("echo canary-out; echo canary-err >&2; exit 7"))
        #expect(
            error.isTemporary && error.description.contains("exit status 7") && !error.description.contains("canary"))
    }

    @Test func programEndedByASignalIsReported() throws {
        #expect(try refusal(script("kill -9 $$")).description.contains("137"))
    }

    @Test func missingProgramIsReported() throws {
        #expect(try refusal(["/nonexistent/program"]).description.contains("No such file"))
    }

    @Test func silentProgramIsRefused() throws {
        #expect(try refusal(["/bin/true"]).description.contains("printed nothing"))
    }

    @Test func invalidOutputIsRefusedWithoutShowingIt() throws {
        let error = try refusal(["/bin/echo", "canary"])
        #expect(!error.description.contains("canary") && !error.isTemporary)
    }

    @Test func endlessOutputIsCutOff() throws {
        #expect(try refusal(["/usr/bin/yes"]).description.contains("more than"))
    }

    /// Also where the program has left others behind that hold its output open.
    @Test(arguments: ["exec sleep 600", "sleep 600 & wait", "echo x; exec >&-; exec sleep 600"])
    func programThatDoesNotEndIsKilledWithAllItStarted(body: String) throws {
        let marker = place.path("child")
        let error = try refusal(script("echo $$ >'\(marker)'; \(body)"), timeout: .seconds(2))
        #expect(error.isTemporary && error.description.contains("in time"))
        let group = try #require(
            Int32(try String(contentsOfFile: marker, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)))
        // Those left behind are reaped by init; a zombie is no longer running.
        let isGone = (0..<500).contains { _ in
            if kill(-group, 0) != 0 { return true }
            Pause.wait(.milliseconds(10))
            return false
        }
        #expect(isGone)
    }
}
