import FastCGI
import TestSupport
import Testing

/// sd_listen_fds(3), and descriptor 0 of spawn-fcgi (FastCGI 1.0 §2.2).
@Suite struct InheritedSocketsTests {
    private func find(_ environment: [String: String], listening: Set<Int32> = []) -> [String: SocketAddress] {
        InheritedSockets.find(environment: environment, processID: 42) { listening.contains($0) }
    }

    private func systemd(_ count: String, names: String? = nil, process: String = "42") -> [String: String] {
        var environment = ["LISTEN_FDS": count, "LISTEN_PID": process]
        environment["LISTEN_FDNAMES"] = names
        return environment
    }

    @Test func nothingIsFoundWhereNothingListens() {
        #expect(find([:]) == [:])
    }

    @Test func listeningDescriptorZeroIsTheStreamSocket() {
        #expect(find([:], listening: [0]) == ["stream": .inherited(descriptor: 0)])
    }

    @Test func firstIsTheStreamSocketAndSecondTheGateWithoutNames() {
        #expect(find(systemd("1")) == ["stream": .inherited(descriptor: 3)])
        #expect(find(systemd("2")) == ["stream": .inherited(descriptor: 3), "gate": .inherited(descriptor: 4)])
    }

    @Test(
        arguments: [
            Row("stream:gate", ["stream": 3, "gate": 4]), Row("gate:stream", ["gate": 3, "stream": 4]),
            Row("stream", ["stream": 3, "gate": 4]),
            Row("a.socket:b.socket", ["stream": 3, "gate": 4]), Row("", ["stream": 3, "gate": 4]),
            Row(":", ["stream": 3, "gate": 4]),
        ] as [Row<[String: Int32]>])
    func namesDecideAndPositionWhereTheyDoNot(_ row: Row<[String: Int32]>) {
        #expect(find(systemd("2", names: row.name)) == row.value.mapValues { .inherited(descriptor: $0) })
    }

    @Test func socketsOfAnotherProcessAreIgnored() {
        #expect(find(systemd("2", process: "41")) == [:])
        #expect(find(["LISTEN_FDS": "2"]) == [:])
        #expect(find(systemd("2", process: "41"), listening: [0]) == ["stream": .inherited(descriptor: 0)])
    }

    @Test(arguments: ["0", "-1", "x", "", "1.5", "99999999999"])
    func invalidCountIsIgnored(_ count: String) {
        #expect(find(systemd(count), listening: [0]) == ["stream": .inherited(descriptor: 0)])
        #expect(find(systemd(count)) == [:])
    }

    @Test func systemdsSocketsComeBeforeDescriptorZero() {
        #expect(find(systemd("1"), listening: [0]) == ["stream": .inherited(descriptor: 3)])
    }

    @Test func absurdCountIsBounded() {
        #expect(find(systemd("2000000000")).count <= 16)
    }
}
