import Testing

@testable import novatune_streamd

@Suite struct HealthReportTests {
    private func report(_ page: HealthPage, _ status: Int, _ body: String) -> HealthReport {
        HealthReport(page, FastCGIAnswer(status: status, body: Array(body.utf8)))
    }

    @Test func livingResponderIsAlive() {
        let report = report(.liveness, 200, #"{"status":"alive"}"#)
        #expect(report.lines == ["alive"] && report.failures.isEmpty)
    }

    @Test func readyResponderIsReady() {
        let report = report(.readiness, 200, #"{"status":"ready","dependencies":{"database":{"status":"ok"}}}"#)
        #expect(report.lines == ["ready"] && report.failures.isEmpty)
    }

    @Test func optionalDependencyIsPrintedAndIsNoFailure() {
        let report = report(
            .readiness, 200,
            #"{"status":"ready","dependencies":{"cache":{"status":"failed","reason":"refused","optional":true}}}"#)
        #expect(report.lines == ["ready", "cache: refused; requests go on without it"] && report.failures.isEmpty)
    }

    @Test func warningIsPrinted() {
        let report = report(
            .readiness, 200,
            #"{"status":"ready","dependencies":{"object_store":{"status":"ok","warning":"the clock is late"}}}"#)
        #expect(report.lines == ["ready", "object_store: the clock is late"])
    }

    @Test func everyRequiredDependencyThatFailsIsNamed() {
        let report = report(
            .readiness, 503,
            #"{"status":"not ready","dependencies":{"database":{"status":"failed","reason":"refused"},"#
                + #""object_store":{"status":"failed"},"cache":{"status":"failed","reason":"late","optional":true}}}"#)
        #expect(
            report.failures == [
                "not ready: database: refused", "not ready: object_store: failed, without a reason",
            ])
        #expect(report.lines == ["cache: late; requests go on without it"])
    }

    @Test func reasonThatBeginsWithTheNameIsNotGivenItTwice() {
        let report = report(
            .readiness, 503,
            #"{"status":"not ready","dependencies":{"database":{"status":"failed","reason":"database: refused"}}}"#)
        #expect(report.failures == ["not ready: database: refused"])
    }

    @Test func unreadyResponderWithoutAReasonIsAFailure() {
        #expect(report(.readiness, 503, #"{"status":"not ready"}"#).failures == ["not ready"])
    }

    @Test(arguments: [
        (404, #"{"type":"https://novatune.dev/errors/not-found","status":404}"#), (503, #"{"status":"alive"}"#),
        (200, "<html>"), (200, "[]"), (200, ""),
    ])
    func answerOfAnotherServerIsAFailure(status: Int, body: String) {
        let report = report(.liveness, status, body)
        #expect(report.lines.isEmpty && report.failures.count == 1)
        #expect(report.failures.first?.contains("NOVATUNE_GATE_LISTEN") == true)
    }
}
