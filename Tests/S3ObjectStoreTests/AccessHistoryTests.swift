import Cryptography
import Testing

@testable import S3ObjectStore

@Suite struct AccessHistoryTests {
    private func object(_ number: Int) -> Digest256 { SHA256().hash("audio/\(number)") }

    @Test func objectIsToBlameOnlyWhileOthersAreReadable() {
        var history = AccessHistory()
        #expect(history.objectWasRefused(object(1)) == .unknown)
        history.probed(nil)
        #expect(history.objectWasRefused(object(1)) == .permission)
        history.objectWasReadable()
        #expect(history.objectWasRefused(object(1)) == .object)
    }

    @Test func faultThatTheProbeFoundIsToBlameBeforeAnyObject() {
        var history = AccessHistory()
        history.objectWasReadable()
        history.probed("the key")
        #expect(history.objectWasRefused(object(1)) == .settings(reason: "the key"))
        history.probed(nil)
        #expect(history.objectWasRefused(object(1)) == .object)
    }

    @Test func manyObjectsRefusedOneAfterTheOtherAreNotToBlame() {
        var history = AccessHistory()
        history.probed(nil)
        history.objectWasReadable()
        for _ in 0..<100 { #expect(history.objectWasRefused(object(0)) == .object) }
        for number in 1..<8 { #expect(history.objectWasRefused(object(number)) == .object) }
        #expect(history.objectWasRefused(object(8)) == .manyObjects)
        #expect(history.objectWasRefused(object(0)) == .manyObjects)
        history.objectWasReadable()
        #expect(history.objectWasRefused(object(8)) == .object)
    }
}
