import TestSupport
import Testing

@testable import FastCGI

@Suite struct RequestScanTests {
    private static let request = FastCGIRecords.request(
        ["METHOD": "POST", "PATH": String(repeating: "p", count: 200)], body: [1, 2, 3], requestID: 0x0102)

    private func scan(_ bytes: [UInt8]) -> RequestScan { RequestScan.scan(bytes.span) }

    @Test func completeRequestIsComplete() {
        #expect(scan(Self.request) == .complete(length: Self.request.count))
        #expect(scan(Self.request + [1, 1]) == .complete(length: Self.request.count))
    }

    @Test func everyTruncationIsIncomplete() {
        for length in 0..<Self.request.count { #expect(scan(Array(Self.request[..<length])) == .incomplete) }
    }

    @Test func pairsMaySpanRecords() {
        let pairs: [UInt8] = [6, 4] + Array("METHODPOST".utf8) + [128, 0, 0, 1, 1, 0x61, 0x62]
        for cut in 0...pairs.count {
            let parts = [Array(pairs[..<cut]), Array(pairs[cut...])].filter { !$0.isEmpty }
            let bytes =
                FastCGIRecords.begin(keep: true) + parts.flatMap { FastCGIRecords.record(4, $0) }
                + FastCGIRecords.record(4, [])
                + FastCGIRecords.record(5, [])
            #expect(scan(bytes) == .complete(length: bytes.count))
        }
    }

    @Test(
        arguments: [
            Row("HTTP", Array("GET / HTTP/1.1\r\n\r\n".utf8)), Row("zeros", [UInt8](repeating: 0, count: 64)),
            Row("one wrong byte", [2]), Row("FCGI_GET_VALUES", FastCGIRecords.record(9, [1, 2, 3], requestID: 0)),
            Row("version 2", FastCGIRecords.record(1, [0, 1, 1, 0, 0, 0, 0, 0], version: 2)),
            Row("begin record without a body", FastCGIRecords.record(1, [])),
            Row("request id 0", FastCGIRecords.begin(keep: true, requestID: 0)),
            Row("authorizer", FastCGIRecords.begin(role: 2, keep: true)),
            Row("filter", FastCGIRecords.begin(role: 3, keep: true)),
            Row("body before parameters", FastCGIRecords.begin(keep: true) + FastCGIRecords.record(5, [])),
            Row(
                "another request within",
                FastCGIRecords.begin(keep: true) + FastCGIRecords.begin(keep: true, requestID: 2)),
            Row("abort", FastCGIRecords.begin(keep: true) + FastCGIRecords.record(2, [])),
            Row(
                "pairs that end early",
                FastCGIRecords.begin(keep: true) + FastCGIRecords.record(4, [9, 9, 1]) + FastCGIRecords.record(4, [])),
            Row(
                "a length without its value",
                FastCGIRecords.begin(keep: true) + FastCGIRecords.record(4, [9]) + FastCGIRecords.record(4, [])),
            Row(
                "pairs of gigabytes",
                FastCGIRecords.begin(keep: true)
                    + FastCGIRecords.record(4, [255, 255, 255, 255, 255, 255, 255, 255, 1])),
        ] as [Row<[UInt8]>])
    func whatNoWebServerWritesIsInvalid(_ row: Row<[UInt8]>) { #expect(scan(row.value) == .invalid) }

    @Test func mutationsDoNotCrash() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<20_000 {
            let bytes = random.mutated(Self.request)
            if case .complete(let length) = scan(bytes) { #expect(length <= bytes.count) }
        }
    }
}
