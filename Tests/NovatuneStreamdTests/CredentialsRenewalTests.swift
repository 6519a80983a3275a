import StreamIssuing
import Testing

@testable import novatune_streamd

@Suite struct CredentialsRenewalTests {
    private let end = UnixTime(seconds: 1_800_000_000)

    private func action(_ renewal: inout CredentialsRenewal, left: Int64, end: UnixTime? = nil)
        -> CredentialsRenewal.Action
    {
        let end = end ?? self.end
        return renewal.action(expiration: end, urlLifetime: .seconds(120), at: self.end.adding(.seconds(-left)))
    }

    @Test func credentialsAreReadAgainFiveMinutesBeforeTheyCanSignNoMore() {
        var renewal = CredentialsRenewal()
        #expect(action(&renewal, left: 420) == .wait)
        #expect(action(&renewal, left: 419) == .readAgain(isLate: false))
    }

    @Test func theyAreLateTwoMinutesBeforeTheyCanSignNoMore() {
        var (renewal, other) = (CredentialsRenewal(), CredentialsRenewal())
        #expect(action(&renewal, left: 240) == .readAgain(isLate: false))
        #expect(action(&other, left: 239) == .readAgain(isLate: true))
    }

    @Test func theyAreReadEveryFifteenSecondsUntilTheyAreOthers() {
        var renewal = CredentialsRenewal()
        let reads = (0...60).filter { action(&renewal, left: 100 - Int64($0)) != .wait }
        #expect(reads == [0, 15, 30, 45, 60])
        // Also where they have expired.
        #expect(action(&renewal, left: -3600) == .readAgain(isLate: true))
        #expect(action(&renewal, left: -3601, end: end.adding(.seconds(7200))) == .wait)
    }

    @Test func clockThatIsSetBackDelaysNoReading() {
        var renewal = CredentialsRenewal()
        #expect(action(&renewal, left: 10) != .wait)
        #expect(action(&renewal, left: 300) != .wait)
    }

    @Test func credentialsWithoutAnEndAreNotReadAgain() {
        var renewal = CredentialsRenewal()
        #expect(renewal.action(expiration: nil, urlLifetime: .seconds(120), at: end) == .wait)
    }
}
