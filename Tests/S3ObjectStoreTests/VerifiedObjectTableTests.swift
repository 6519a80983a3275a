import Cryptography
import StreamIssuing
import TestSupport
import Testing

@testable import S3ObjectStore

@Suite struct VerifiedObjectTableTests {
    private let now = ContinuousClock.now
    private var table = VerifiedObjectTable(capacity: 8, lifetime: .seconds(600))
    private let object = VerifiedObjectTable.Object(keyDigest: SHA256().hash("key"), version: 3)

    private mutating func remember(_ number: Int) {
        table.remember(object, of: .number(number), verifiedAt: now, since: table.epoch)
    }

    private mutating func contains(_ number: Int, after duration: Duration = .zero) -> Bool {
        table.contains(object, of: .number(number), at: now.advanced(by: duration))
    }

    @Test mutating func objectIsKnownByTrackVersionAndKey() {
        remember(1)
        let otherKey = VerifiedObjectTable.Object(keyDigest: SHA256().hash("kez"), version: 3)
        let otherVersion = VerifiedObjectTable.Object(keyDigest: SHA256().hash("key"), version: 4)
        #expect(contains(1) && !contains(2))
        #expect(
            !table.contains(otherKey, of: .number(1), at: now) && !table.contains(otherVersion, of: .number(1), at: now)
        )
    }

    @Test mutating func partsOfATrackAreRememberedBesideEachOtherAndForgottenTogether() {
        var waveform = object
        waveform.part = .waveform
        remember(1)
        var isKnown = table.contains(waveform, of: .number(1), at: now)
        #expect(!isKnown)
        table.remember(waveform, of: .number(1), verifiedAt: now, since: table.epoch)
        isKnown = table.contains(waveform, of: .number(1), at: now)
        #expect(isKnown && contains(1) && table.count == 2)
        table.forget(.number(1))
        #expect(table.count == 0)
    }

    @Test mutating func useOfALookUpDoesNotExtendItsLifetime() {
        remember(1)
        for seconds in stride(from: 100, to: 600, by: 100) { #expect(contains(1, after: .seconds(seconds))) }
        #expect(contains(1, after: .milliseconds(599_999)))
        #expect(!contains(1, after: .seconds(600)))
        // In the older generation, too.
        for number in 10..<14 { remember(number) }
        #expect(contains(1, after: .seconds(599)))
        #expect(!contains(1, after: .seconds(600)))
    }

    @Test mutating func laterLookUpRestartsTheLifetime() {
        remember(1)
        table.remember(object, of: .number(1), verifiedAt: now.advanced(by: .seconds(500)), since: table.epoch)
        #expect(contains(1, after: .seconds(1000)) && table.count == 1)
    }

    @Test mutating func objectsInUseStayAndOthersAreEvicted() {
        for number in 0..<100 {
            remember(number)
            #expect(contains(0))
            #expect(table.count <= 8)
        }
        #expect(contains(99) && !contains(50))
    }

    @Test mutating func invalidationOfATrackRemovesOnlyItsObject() {
        for number in 1...6 { remember(number) }
        table.forget(.track(user: .number(99), track: .number(1)))
        table.forget(.track(user: .number(99), track: .number(6)))
        #expect(!contains(1) && !contains(6) && contains(2) && contains(5))
    }

    @Test mutating func invalidationOfEverythingRemovesAllAndOfAUserNothing() {
        for number in 1...6 { remember(number) }
        table.forget(.user(.number(1)))
        #expect(table.count == 6)
        table.forget(.everything)
        #expect(table.count == 0 && !contains(6))
    }

    @Test mutating func lookUpFromBeforeAnInvalidationIsNotRemembered() {
        let epoch = table.epoch
        table.forget(.track(user: .number(99), track: .number(1)))
        table.remember(object, of: .number(1), verifiedAt: now, since: epoch)
        #expect(!contains(1))
        remember(1)
        #expect(contains(1))
    }

    @Test func noKeyIsKept() {
        let verified = VerifiedObjects()
        let object = VerifiedObjectTable.Object(keyDigest: SHA256().hash("audio/CANARY.mp3"), version: 1)
        if let epoch = verified.epochUnlessContained(object, of: .number(1), at: now) {
            verified.remember(object, of: .number(1), verifiedAt: now, since: epoch)
        }
        var text = ""
        dump(verified, to: &text)
        #expect(verified.count == 1 && !text.contains("CANARY"))
    }
}

extension ULID {
    static func number(_ number: Int) -> ULID {
        let digits = String(number)
        return ULID(String(repeating: "0", count: 26 - digits.count) + digits)!
    }
}
