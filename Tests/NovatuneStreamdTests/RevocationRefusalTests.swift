import StreamIssuing
import Testing

@testable import novatune_streamd

@Suite struct RevocationRefusalTests {
    private func refusal(_ code: String, attempts: Int = 0, jitter: Double = 0) -> RevocationRefusal {
        RevocationRefusal(Unavailable(.objectStore, code: code, reason: ""), attempts: attempts, jitter: jitter)
    }

    private static let failures = [
        "timeout", "connect", "lost", "tls", "signing", "http_404", "http_405", "http_409", "http_412", "http_500",
        "http_503", "signature_mismatch", "missing_bucket", "of_a_later_version",
    ]

    @Test func refusedObjectIsDueAgainLaterEachTimeUpToAMinute() {
        let refusals = (0..<12).map { refusal("access_denied", attempts: $0) }
        let waits = refusals.map(\.wait)
        #expect(waits.first == .milliseconds(400) && waits.last == .seconds(60))
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(refusals.map(\.attempts) == Array(1...12))
        #expect(refusal("access_denied", attempts: 1, jitter: 1).wait == .milliseconds(400))
        #expect(refusal("access_denied", attempts: 1_000_000, jitter: 0.5).wait == .seconds(45))
    }

    @Test(arguments: ["access_denied", "too_many_tags", "unknown_answer", "illegal_key", "http_400", "http_403"])
    func refusalOfOneObjectHoldsUpNoOther(_ code: String) { #expect(refusal(code).isOfObject) }

    /// Whatever the store answers, the object is not the first one again immediately.
    @Test(arguments: failures)
    func failureThatMayBeOfOneObjectPutsItBehindOthersForSeconds(_ code: String) {
        let first = refusal(code), lasting = refusal(code, attempts: 1000)
        #expect(!first.isOfObject && !lasting.isOfObject)
        #expect(first.wait == .milliseconds(400) && lasting.wait == .seconds(4))
        #expect(refusal(code, jitter: 1).wait == .milliseconds(200))
    }

    @Test func outageIsNoMeasureOfLaterRefusals() {
        let attempts = (0..<100).reduce(0) { attempts, _ in refusal("timeout", attempts: attempts).attempts }
        #expect(attempts == 4 && refusal("access_denied", attempts: attempts).wait < .seconds(7))
        #expect(refusal("timeout", attempts: 9).attempts == 9)
    }
}
