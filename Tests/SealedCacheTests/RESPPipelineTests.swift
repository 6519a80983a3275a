import Testing

@testable import SealedCache

@Suite struct RESPPipelineTests {
    private let start = ContinuousClock.now
    private var pipeline = RESPPipeline<String>()

    private mutating func append(_ waiter: String, replies: Int = 1, lateAfter: Duration = .milliseconds(500)) -> Int {
        pipeline.append(waiter, replies: replies, lateAt: start.advanced(by: lateAfter))
    }

    private func text(_ event: RESPPipeline<String>.Event) -> String {
        switch event {
        case .none: "none"
        case .finished(let waiter, .success(let reply)): "\(waiter): \(reply)"
        case .finished(let waiter, .failure(let error)): "\(waiter): \(error.code)"
        case .ended(let error): "ended: \(error.code)"
        }
    }

    @Test mutating func repliesGoToCommandsInTheirOrder() {
        _ = append("first")
        _ = append("second")
        #expect(text(pipeline.receive(.integer(1))) == "first: integer(1)")
        #expect(text(pipeline.receive(.null)) == "second: null")
        #expect(pipeline.count == 0 && pipeline.lateAt == nil && pipeline.hasAnswered)
    }

    @Test mutating func groupGetsItsLastReply() {
        _ = append("group", replies: 3)
        #expect(text(pipeline.receive(.integer(1))) == "none")
        #expect(text(pipeline.receive(.integer(2))) == "none")
        #expect(text(pipeline.receive(.status("OK"))) == "group: status(\"OK\")")
    }

    @Test mutating func refusalInAGroupFailsItAloneAndAfterItsLastReply() {
        _ = append("group", replies: 2)
        _ = append("next")
        #expect(text(pipeline.receive(.error(name: "WRONGTYPE"))) == "none")
        #expect(text(pipeline.receive(.status("OK"))) == "group: refused")
        #expect(text(pipeline.receive(.null)) == "next: null")
    }

    @Test(arguments: ["READONLY", "LOADING", "MASTERDOWN", "NOAUTH", "CLUSTERDOWN"])
    func errorOfTheWholeServerEndsTheConnection(_ name: String) {
        var test = self
        _ = test.append("one")
        #expect(text(test.pipeline.receive(.error(name: name))) == "ended: refused")
        #expect(!test.pipeline.hasAnswered)
        #expect(test.pipeline.removeAll() == ["one"])
    }

    /// Garnet answers a whole pipeline by one error; where it was the last reply, the connection stays.
    @Test mutating func unknownCommandEndsTheConnectionWhereFurtherRepliesAreExpected() {
        _ = append("alone")
        #expect(text(pipeline.receive(.error(name: "ERR"))) == "alone: refused")
        _ = append("group", replies: 2)
        #expect(text(pipeline.receive(.error(name: "ERR"))) == "ended: refused")
        _ = pipeline.removeAll()
        _ = append("first")
        _ = append("second")
        #expect(text(pipeline.receive(.error(name: "ERR"))) == "ended: refused")
    }

    @Test mutating func refusalNamesTheCommandThatItAnswers() {
        _ = pipeline.append("group", replies: 3, names: ["ZADD", "PEXPIRE", "SET"], lateAt: start)
        _ = pipeline.receive(.integer(1))
        _ = pipeline.receive(.error(name: "NOPERM"))
        guard case .finished(_, .failure(let error)) = pipeline.receive(.error(name: "OOM")) else {
            Issue.record("no refusal")
            return
        }
        #expect(error.reason.hasPrefix("the server answered NOPERM to PEXPIRE: its user may not"))
    }

    @Test mutating func replyThatNoCommandWaitsForEndsTheConnection() {
        #expect(text(pipeline.receive(.status("OK"))) == "ended: protocol")
    }

    @Test mutating func abandonedCommandStillTakesItsReply() {
        let number = append("gone")
        _ = append("stays")
        #expect(pipeline.abandon(number) == "gone")
        #expect(pipeline.abandon(number) == nil)
        #expect(text(pipeline.receive(.integer(1))) == "none")
        #expect(text(pipeline.receive(.integer(2))) == "stays: integer(2)")
        #expect(pipeline.abandon(number) == nil)
        #expect(pipeline.abandon(number + 1) == nil && pipeline.abandon(number + 2) == nil)
    }

    @Test mutating func oldestCommandDecidesWhetherTheConnectionIsLate() {
        _ = append("first", lateAfter: .milliseconds(10))
        _ = append("second", lateAfter: .milliseconds(20))
        #expect(!pipeline.isLate(at: start.advanced(by: .milliseconds(9))))
        #expect(pipeline.isLate(at: start.advanced(by: .milliseconds(10))))
        _ = pipeline.receive(.null)
        #expect(!pipeline.isLate(at: start.advanced(by: .milliseconds(19))))
        #expect(pipeline.removeAll() == ["second"])
        #expect(!pipeline.isLate(at: start.advanced(by: .seconds(1))))
    }

    @Test mutating func countsAreRightOverThousandsOfCommands() {
        var numbers: [Int] = []
        for number in 0..<3000 { numbers.append(append("\(number)")) }
        for number in 0..<2000 { #expect(text(pipeline.receive(.null)) == "\(number): null") }
        for number in 3000..<4000 { numbers.append(append("\(number)")) }
        #expect(pipeline.abandon(numbers[1999]) == nil)
        #expect(pipeline.abandon(numbers[2500]) == "2500")
        #expect(pipeline.abandon(numbers[3999]) == "3999")
        #expect(pipeline.removeAll().count == 1998)
        let next = append("after")
        #expect(pipeline.abandon(numbers[3000]) == nil)
        #expect(pipeline.abandon(next) == "after")
    }
}
