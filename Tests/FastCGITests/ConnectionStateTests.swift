import EventLoop
import Testing

@testable import FastCGI

@Suite struct ConnectionStateTests {
    private static let limit = 1000
    private let start = ContinuousClock.now
    private var later: ContinuousClock.Instant { start.advanced(by: .seconds(1)) }

    private func handling() -> ConnectionState {
        var state = ConnectionState(since: start)
        state.beginHandling(at: start)
        return state
    }

    private mutating func arrived(_ state: inout ConnectionState, _ arrival: ConnectionState.Arrival)
        -> ConnectionState.Action
    {
        state.arrived(arrival, limit: Self.limit, at: later)
    }

    // MARK: Reading

    @Test func eventWhileReadingIsExamined() {
        var state = ConnectionState(since: start)
        #expect(state.happened(.read) == .examine)
        #expect(state.isIdle)
    }

    @Test mutating func completeRequestBegins() {
        var state = ConnectionState(since: start)
        #expect(arrived(&state, .bytes(10, .complete(length: 10))) == .begin)
    }

    @Test mutating func requestThatAnotherFollowsEndsTheConnection() {
        var state = ConnectionState(since: start)
        #expect(arrived(&state, .bytes(11, .complete(length: 10))) == .close)
    }

    @Test mutating func invalidBytesAndTheEndCloseIt() {
        var state = ConnectionState(since: start)
        #expect(arrived(&state, .bytes(1, .invalid)) == .close)
        #expect(arrived(&state, .end) == .close)
        #expect(arrived(&state, .nothing) == .none)
    }

    @Test mutating func partOfARequestIsWaitedForFromItsFirstByte() {
        var state = ConnectionState(since: start)
        #expect(arrived(&state, .bytes(1, .incomplete)) == .none)
        #expect(state.hasPartialRequest && !state.isIdle && state.since == later)
        #expect(state.arrived(.bytes(2, .incomplete), limit: Self.limit, at: later.advanced(by: .seconds(1))) == .none)
        #expect(state.since == later)
    }

    @Test mutating func partThatFillsTheLimitClosesIt() {
        var state = ConnectionState(since: start)
        #expect(arrived(&state, .bytes(999, .incomplete)) == .none)
        #expect(arrived(&state, .bytes(1000, .incomplete)) == .close)
    }

    @Test mutating func partOfAPeerThatWritesNoMoreClosesIt() {
        var state = ConnectionState(since: start)
        #expect(state.happened([.read, .peerClosed]) == .examine)
        #expect(arrived(&state, .bytes(5, .incomplete)) == .close)
    }

    @Test mutating func requestOfAPeerThatIsGoneIsAbandoned() {
        var state = ConnectionState(since: start)
        _ = state.happened([.read, .failed])
        #expect(arrived(&state, .bytes(10, .complete(length: 10))) == .closeAbandoned)
    }

    // MARK: Handling

    @Test func peerThatIsGoneAbandonsItsAnswerOnce() {
        var state = handling()
        #expect(state.happened(.read) == .none)
        #expect(state.happened(.failed) == .abandon)
        #expect(state.happened(.failed) == .none)
    }

    @Test func keptConnectionWaitsForItsNextRequest() {
        var state = handling()
        #expect(state.answered(isUsable: true, isDraining: false, at: later) == .none)
        #expect(state.phase == .reading && state.hasServed && state.since == later && state.isIdle)
    }

    @Test func eventDuringTheHandlingIsExaminedAfterTheAnswer() {
        var state = handling()
        _ = state.happened(.read)
        #expect(state.answered(isUsable: true, isDraining: false, at: later) == .examine)
        state.beginHandling(at: later)
        #expect(state.answered(isUsable: true, isDraining: false, at: later) == .none)
    }

    @Test(arguments: [(false, false), (true, true)])
    func connectionThatIsNotKeptOrDrainsIsClosed(_ isUsable: Bool, _ isDraining: Bool) {
        var state = handling()
        #expect(state.answered(isUsable: isUsable, isDraining: isDraining, at: later) == .close)
    }

    @Test func connectionOfAPeerThatWritesNoMoreIsClosedAfterItsAnswer() {
        var state = handling()
        _ = state.happened(.peerClosed)
        #expect(state.answered(isUsable: true, isDraining: false, at: later) == .close)
    }
}
