import Testing

@testable import HTTPClient

@Suite struct TurnShareTests {
    private var share = TurnShare(limit: .milliseconds(10))

    @Test mutating func turnHasTimeUntilItsShareIsUsed() {
        let fresh = share.hasTime(in: 1)
        share.take(.milliseconds(4), in: 1)
        let partly = share.hasTime(in: 1)
        share.take(.milliseconds(6), in: 1)
        let fully = share.hasTime(in: 1)
        #expect((fresh, partly, fully) == (true, true, false))
    }

    @Test mutating func nextTurnHasItsOwnShare() {
        share.take(.seconds(1), in: 1)
        let next = share.hasTime(in: 2)
        #expect(next)
    }

    @Test mutating func zeroShareAdmitsOneCallInEachTurn() {
        share = TurnShare(limit: .zero)
        let first = share.hasTime(in: 1)
        share.take(.zero, in: 1)
        let second = share.hasTime(in: 1)
        #expect(first && !second)
    }
}
