import OperatorSettings
import FastCGI
@testable import novatune_streamd
import Testing

@Suite struct InheritedSettingsTests {
    private let inherited: [String: SocketAddress] = [
        "stream": .inherited(descriptor: 3), "gate": .inherited(descriptor: 4),
    ]

    @Test func inheritedSocketsComeBeforeTheDefaultPaths() throws {
        let settings = try Environments.read(Environments.least, inherited: inherited)
        #expect(
            settings.responder.listen == .inherited(descriptor: 3)
                && settings.responder.gateListen == .inherited(descriptor: 4))
    }

    @Test func oneInheritedSocketLeavesTheOtherItsPath() throws {
        let settings = try Environments.read(Environments.least, inherited: ["stream": .inherited(descriptor: 0)])
        #expect(
            settings.responder.listen == .inherited(descriptor: 0)
                && settings.responder.gateListen == .unix(path: "/run/novatune/gate.sock"))
    }

    @Test func settingComesBeforeAnInheritedSocket() throws {
        let settings = try Environments.read(
            Environments.least(with: ["NOVATUNE_LISTEN": "unix:/tmp/s"]), inherited: inherited)
        #expect(
            settings.responder.listen == .unix(path: "/tmp/s")
                && settings.responder.gateListen == .inherited(descriptor: 4))
    }

    @Test func bothOnOneSocketAreRefused() {
        let issues = Environments.issues(
            Environments.least(with: ["NOVATUNE_LISTEN": "unix:/tmp/s", "NOVATUNE_GATE_LISTEN": "unix:/tmp/s"]))
        #expect(issues == ["NOVATUNE_LISTEN and NOVATUNE_GATE_LISTEN are the same socket"])
    }
}
