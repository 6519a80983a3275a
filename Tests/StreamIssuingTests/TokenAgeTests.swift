import TestSupport
import Testing

@testable import StreamIssuing

@Suite struct TokenAgeTests {
    private static let logout = Facts.now * 1_000_000 + 400_000

    private func age(_ secondsAfterLogout: Int64, leeway: Duration, logout: Int64 = logout) -> TokenAge {
        TokenAge(
            issuedAt: UnixTime(seconds: Facts.now + secondsAfterLogout), logout: logout, leeway: leeway)
    }

    /// The logout is 0.4 s into its second.
    @Test(
        arguments: [
            Row("long before", (-60, .older)), Row("before by more than the leeway", (-6, .older)),
            Row("before by the leeway, its fraction cut off", (-5, .unclear)), Row("in its second", (0, .unclear)),
            Row("after by the leeway less the fraction", (5, .unclear)),
            Row("after by more than the leeway", (6, .younger)),
            Row("long after", (60, .younger)),
        ] as [Row<(Int64, TokenAge)>])
    func onlyWithinTheLeewayIsItUnclear(_ row: Row<(Int64, TokenAge)>) {
        #expect(age(row.value.0, leeway: .seconds(5)) == row.value.1)
    }

    @Test func withoutLeewayTheClaimAloneDecides() {
        #expect(age(0, leeway: .zero) == .older && age(1, leeway: .zero) == .younger)
        #expect(age(0, leeway: .zero, logout: Facts.now * 1_000_000) == .younger)
    }

    @Test func leewayOfMillisecondsCounts() {
        #expect(age(1, leeway: .milliseconds(599)) == .younger && age(1, leeway: .milliseconds(601)) == .unclear)
    }

    @Test(arguments: [Duration.zero, .seconds(300)])
    func infinityIsAfterEveryToken(_ leeway: Duration) {
        for seconds in [Int64.min, 0, Facts.now, 9_223_372_036_854, .max] {
            #expect(TokenAge(issuedAt: UnixTime(seconds: seconds), logout: .max, leeway: leeway) == .older)
        }
    }

    @Test func ageAtTheEndsOfTheRangeDoesNotTrap() {
        for seconds in [-9_223_372_036_854, 9_223_372_036_854] as [Int64] {
            for logout in [Int64.min + 1, 0, .max - 1] as [Int64] {
                let age = TokenAge(issuedAt: UnixTime(seconds: seconds), logout: logout, leeway: .seconds(300))
                let expected: TokenAge =
                    seconds < 0 ? (logout < 0 ? .unclear : .older) : (logout == .max - 1 ? .unclear : .younger)
                #expect(age == expected)
            }
        }
    }
}
