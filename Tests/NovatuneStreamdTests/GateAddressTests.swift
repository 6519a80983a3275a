import FastCGI
import OperatorSettings
import Testing

@testable import novatune_streamd

@Suite struct GateAddressTests {
    private func read(_ environment: [String: String]) throws(SettingsError) -> SocketAddress {
        try GateAddress.read(SettingsSource(environment: environment, configPath: nil))
    }

    @Test func defaultIsTheRespondersOwn() throws {
        #expect(try read([:]) == .unix(path: "/run/novatune/gate.sock"))
    }

    @Test func settingAloneIsNeeded() throws {
        let environment = [
            "NOVATUNE_GATE_LISTEN": "127.0.0.1:9001", "NOVATUNE_LOOPS": "many", "NOVATUNE_DATABASE_URL_FILE": "/absent",
        ]
        #expect(try read(environment) == .tcp(host: "127.0.0.1", port: 9001))
    }

    @Test(arguments: ["fd:4", "nonsense", "unix:relative"])
    func addressThatOnlyTheResponderHasIsRefused(text: String) {
        let error = #expect(throws: SettingsError.self) { try read(["NOVATUNE_GATE_LISTEN": text]) }
        #expect(error?.issues.count == 1)
        #expect(error?.issues.first?.description.hasPrefix("NOVATUNE_GATE_LISTEN: ") == true)
    }
}
