import StreamIssuing
import TestSupport
import Testing

@Suite struct AllowanceTrackerTests {
    private static let sixty = RateLimit(perMinute: 60)!
    private var tracker = AllowanceTracker()

    /// How many of `count` requests at one moment are admitted.
    private mutating func admitted(
        _ count: Int, _ limit: RateLimit = sixty, user: UserReference = .id(Facts.userID), at milliseconds: Int64 = 0
    ) -> Int {
        (0..<count).count { _ in tracker.admit(user, limit, at: milliseconds) != .refused }
    }

    @Test(arguments: [1, 2, 7, 60, 1000] as [Int64])
    mutating func oneRequestBeyondTheLimitIsLeftToNginxAndTheNextIsRefused(_ perMinute: Int64) {
        let limit = RateLimit(perMinute: perMinute)!
        let admissions = (0..<Int(perMinute) + 3).map { _ in tracker.admit(.id(Facts.userID), limit, at: 0) }
        #expect(admissions == Array(repeating: .counted, count: Int(perMinute)) + [.doubtful, .refused, .refused])
    }

    @Test mutating func oneMoreAndOneInDoubtAreAdmittedEachSecondThatPasses() {
        #expect(admitted(70) == 61)
        #expect(admitted(5, at: 999) == 0)
        #expect(admitted(5, at: 1000) == 2)
        #expect(admitted(5, at: 1999) == 0)
        #expect(admitted(9, at: 4000) == 4)
    }

    @Test mutating func refusedRequestsDoNotDelayTheNextOne() {
        #expect(admitted(10_000) == 61)
        #expect(tracker.admit(.id(Facts.userID), Self.sixty, at: 1000) == .counted)
    }

    @Test mutating func idleMinuteRestoresTheWholeAllowanceAndNoMore() {
        #expect(admitted(70) == 61)
        #expect(admitted(200, at: 61_000) == 61)
        #expect(admitted(200, at: 3_600_000) == 61)
    }

    @Test mutating func excessOfOneUserDoesNotAffectAnother() {
        #expect(admitted(70) == 61)
        #expect(admitted(70, user: .id(Facts.ownerID)) == 61)
    }

    @Test mutating func identityHasAnAllowanceOfItsOwn() throws {
        let other = try #require(UserIdentity(issuer: Facts.identity.issuer, subject: "auth0|4712"))
        #expect(admitted(70, user: .identity(Facts.identity)) == 61)
        #expect(admitted(70, user: .identity(other)) == 61)
        #expect(admitted(70) == 61)
        tracker.forgive(.identity(Facts.identity))
        #expect(admitted(9, user: .identity(Facts.identity)) == 1)
    }

    @Test mutating func forgivenRequestsSpendNothing() {
        for _ in 0..<1000 {
            #expect(admitted(1) == 1)
            tracker.forgive(.id(Facts.userID))
        }
        #expect(admitted(70) == 61)
    }

    @Test mutating func forgivingAnUnknownUserChangesNothing() {
        tracker.forgive(.id(Facts.userID))
        #expect(tracker.count == 0)
        #expect(admitted(70) == 61)
    }

    @Test mutating func changedLimitStartsWithAnEmptyBucket() {
        #expect(admitted(70) == 61)
        #expect(admitted(10, RateLimit(perMinute: 5)!) == 6)
    }

    @Test mutating func clockThatGoesBackCausesNoRefusal() {
        #expect(admitted(30, at: 10_000) == 30)
        #expect(admitted(70, at: 5000) == 31)
        #expect(admitted(5, at: 11_000) == 2)
    }

    @Test(arguments: [1, 2, 7, 16])
    func neverHoldsMoreThanTwiceItsCapacity(_ capacity: Int) {
        var tracker = AllowanceTracker(capacity: capacity)
        var random = SeededRandom(seed: 5)
        var highest = 0
        for _ in 0..<2000 {
            _ = tracker.admit(Self.user(Int.random(in: 0..<100, using: &random)), Self.sixty, at: 0)
            highest = max(highest, tracker.count)
            #expect(tracker.count <= 2 * capacity)
        }
        #expect(highest > capacity)
    }

    @Test func activeUserIsNotEvictedForOthers() {
        var tracker = AllowanceTracker(capacity: 4)
        var admitted = 0
        for number in 0..<600 {
            if tracker.admit(.id(Facts.userID), Self.sixty, at: 0) != .refused { admitted += 1 }
            if number % 2 == 0 { _ = tracker.admit(Self.user(number), Self.sixty, at: 0) }
        }
        #expect(admitted == 61)
    }

    private static func user(_ number: Int) -> UserReference {
        let digits = String(number)
        return .id(ULID("01HXK5Z8J3QW9R7N2M" + String(repeating: "0", count: 8 - digits.count) + digits)!)
    }

    // MARK: Against nginx

    /// `ngx_http_limit_req_lookup` of nginx 1.22 and 1.26, for one key and one zone.
    private struct NginxBucket {
        let rate: Int64
        let burst: Int64
        var excess: Int64 = 0
        var last: Int64?

        init(perMinute: Int64, burst: Int64) {
            rate = perMinute * 1000 / 60
            self.burst = burst * 1000
        }

        mutating func passes(at now: Int64) -> Bool {
            guard let last else {
                self.last = now
                return true
            }
            var milliseconds = now - last
            if milliseconds < -60_000 { milliseconds = 1 } else if milliseconds < 0 { milliseconds = 0 }
            var excess = self.excess - rate * milliseconds / 1000 + 1000
            if excess < 0 { excess = 0 }
            if excess > burst { return false }
            self.excess = excess
            if milliseconds != 0 { self.last = now }
            return true
        }
    }

    /// Times between requests that make every branch likely: none, fractions of a request, whole ones, and now and then
    /// an empty bucket.
    private static func pause(_ perMinute: Int64, _ random: inout SeededRandom) -> Int64 {
        switch Int64.random(in: 0..<8 * perMinute, using: &random) {
        case 0: Int64.random(in: 0...90_000, using: &random)
        case ..<(2 * perMinute): Int64.random(in: 0...(2 * 60_000 / perMinute), using: &random)
        case ..<(3 * perMinute): Int64.random(in: 0...3, using: &random)
        default: 0
        }
    }

    @Test(arguments: [1, 2, 7, 20, 59, 60, 61, 600, 99_999, 100_000] as [Int64])
    func countsExactlyWhatNginxAdmits(_ perMinute: Int64) {
        var (tracker, nginx) = (AllowanceTracker(), NginxBucket(perMinute: perMinute, burst: perMinute - 1))
        var random = SeededRandom(seed: UInt64(perMinute))
        var now: Int64 = 0
        var counts: [AllowanceTracker.Admission: Int] = [:]
        for _ in 0..<20_000 {
            now += Self.pause(perMinute, &random)
            let admission = tracker.admit(.id(Facts.userID), RateLimit(perMinute: perMinute)!, at: now)
            guard (admission == .counted) == nginx.passes(at: now) else {
                Issue.record("differs at \(now): \(admission)")
                return
            }
            counts[admission, default: 0] += 1
        }
        // Else it would prove nothing; the last two limits are not reached.
        #expect(perMinute > 1000 || counts.count == 3, "\(counts)")
    }

    @Test(arguments: [1, 2, 7, 20, 60, 600] as [Int64])
    func floodCausesWorkForTwiceTheRateAtMost(_ perMinute: Int64) {
        var tracker = AllowanceTracker()
        let limit = RateLimit(perMinute: perMinute)!
        var worked: Int64 = 0
        let minutes: Int64 = 5
        for millisecond in stride(from: Int64(0), to: minutes * 60_000, by: 10) {
            if tracker.admit(.id(Facts.userID), limit, at: millisecond) != .refused { worked += 1 }
        }
        #expect(worked >= minutes * perMinute && worked <= perMinute + 1 + 2 * minutes * perMinute)
    }
}
