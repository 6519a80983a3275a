import StreamIssuing
import TestSupport
import Testing

/// Checks 5 to 8 of the contract and their order.
@Suite struct AccessDecisionTests {
    private func decide(_ facts: AccessFacts, issuedAt: Int64? = Facts.now - 60) -> Result<
        AccessDecision.Permission, Problem
    > {
        Result { () throws(Problem) in try AccessDecision.decide(for: Facts.listener(issuedAt: issuedAt), facts) }
    }

    private func problem(_ facts: AccessFacts, issuedAt: Int64? = Facts.now - 60) -> Problem? {
        if case .failure(let problem) = decide(facts, issuedAt: issuedAt) { problem } else { nil }
    }

    @Test func allConditionsMetIsPermitted() throws {
        let permission = try decide(Facts.facts()).get()
        #expect(permission.track == Facts.track())
        #expect(permission.sessionEpoch == 3)
    }

    @Test func unknownUserIsForbidden() {
        #expect(problem(Facts.facts(user: nil)) == .forbidden)
    }

    @Test(arguments: ["Suspended", "Deleted", "active", "ACTIVE", "", "Active ", "Pending"])
    func userWhoIsNotActiveIsForbidden(_ status: String) {
        #expect(problem(Facts.facts(user: Facts.user(status))) == .forbidden)
    }

    @Test func unknownTrackIsNotFound() {
        #expect(problem(Facts.facts(track: nil)) == .trackNotFound)
        #expect(problem(Facts.facts(track: nil, accessExpiresAt: nil)) == .trackNotFound)
    }

    @Test func trackOfAnotherIsForbidden() {
        let denial = problem(Facts.facts(accessExpiresAt: nil))
        #expect(
            denial == .accessDenied(owner: Facts.ownerID) && denial?.kind == .forbidden
                && denial?.detail == Problem.forbidden.detail)
    }

    @Test(arguments: ["Processing", "Failed", "Deleted", "ready", "READY", "", "Archived"])
    func trackThatIsNotReadyIsAConflictThatNamesItsStatus(_ status: String) throws {
        let problem = try #require(self.problem(Facts.facts(track: Facts.track(status))))
        #expect(problem == .trackNotReady(Facts.trackID, TrackStatus(rawValue: status)))
        #expect(problem.kind == .trackNotReady)
        #expect(problem.blockedTrack?.status.rawValue == status)
    }

    // Each check answers before those below it, whatever those would say.

    @Test func userComesBeforeTokenTrackAndStatus() {
        let suspended = Facts.user("Suspended", validAfterMicroseconds: .max)
        #expect(problem(Facts.facts(user: suspended, track: nil, accessExpiresAt: nil)) == .forbidden)
        #expect(problem(Facts.facts(user: suspended, track: Facts.track("Processing"))) == .forbidden)
        #expect(problem(Facts.facts(user: nil, track: nil, accessExpiresAt: nil)) == .forbidden)
    }

    @Test func tokenComesBeforeTrack() {
        let loggedOut = Facts.user(validAfterMicroseconds: .max)
        #expect(problem(Facts.facts(user: loggedOut, track: nil)) == .unauthorized(.sessionEnded))
        #expect(problem(Facts.facts(user: loggedOut, accessExpiresAt: nil)) == .unauthorized(.sessionEnded))
        #expect(problem(Facts.facts(user: loggedOut, track: Facts.track("Failed"))) == .unauthorized(.sessionEnded))
    }

    @Test func ownershipComesBeforeStatus() {
        #expect(
            problem(Facts.facts(track: Facts.track("Processing"), accessExpiresAt: nil))
                == .accessDenied(owner: Facts.ownerID))
    }
}
