import Cryptography
import Foundation
import KeyManagement
import Resilience
import TestSupport
import Testing

@Suite struct DirectoryKeyRingTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private func refusal(_ files: KeyValuePairs<String, String>) throws -> String {
        for (name, text) in files { _ = try place.write(text, as: name) }
        return try #require(#expect(throws: KeyRingError.self) { try DirectoryKeyRing(place.path).read() }).description
    }

    @Test func missingCurrentIsReported() throws { #expect(try refusal(["v1": RingText.one]).contains("current")) }
    @Test func directoryWithoutKeysIsRefused() throws { #expect(try refusal(["current": "v1"]).contains("no keys")) }
    @Test func currentThatNamesNoKeyIsRefused() throws {
        #expect(try refusal(["current": "v2", "v1": RingText.one]) == "the current version is not among the keys")
    }

    @Test(arguments: [
        "", "x", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ==", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB",
    ])
    func keyOfAnotherLengthOrEncodingIsRefusedByItsVersion(text: String) throws {
        #expect(try refusal(["current": "v1", "v1": RingText.one, "v2": text]).contains("version v2"))
    }

    /// 24 bytes in base64, and 16 in hexadecimal digits, are 32 characters.
    @Test(arguments: ["AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB", "0123456789abcdef0123456789abcdef"])
    func shorterKeyWhoseTextHas32CharactersIsRefused(text: String) throws {
        #expect(try refusal(["current": "v1", "v1": RingText.one, "v2": text]).contains("version v2"))
    }

    @Test func fileWithAnotherKindOfNameIsRefused() throws {
        #expect(try refusal(["current": "v1", "v1": RingText.one, "v 2": RingText.two]).contains("name"))
    }

    @Test func missingDirectoryIsReported() {
        #expect(throws: KeyRingError("cannot read /tmp/nonexistent-keys: No such file or directory")) {
            try DirectoryKeyRing("/tmp/nonexistent-keys").read()
        }
    }

    @Test func namesThatBeginWithADotAreIgnored() throws {
        _ = try place.write(RingText.one, as: "v1")
        _ = try place.write("v1", as: "current")
        _ = try place.write("nonsense", as: ".v2.swp")
        #expect(try DirectoryKeyRing(place.path).read().versions == ["v1"])
    }

    /// More short names than one reading of the kernel holds (32 KiB): the last record ends where that memory does.
    @Test func directoryOfManyFilesIsListedCompletely() throws {
        let names = (1000..<2500).map { "\($0)" }
        for name in names { _ = try place.write("", as: name) }
        #expect(KeyDirectoryListing.files(place.path) == names.map { "\(place.path)/\($0)" })
    }

    /// While the secret is swapped as fast as it can be, each reading is one edition, whole: the keys of an edition are
    /// all its number.
    @Test func ringIsNeverReadFromTwoGenerations() throws {
        let secret = MountedSecret(place)
        func edition(_ number: UInt8) throws -> KeyRing {
            let key = SymmetricKey([UInt8](repeating: number, count: 32))
            return try KeyRing(current: "v\(number % 2)", keys: ["v0": key, "v1": key])
        }
        try secret.put(edition(0))
        let isSwapping = Locked(true)
        let hasSeenTwo = Locked(false)
        let editions = try (1...200).map { try edition(UInt8($0)) }
        let end = Deadline(after: .seconds(60))
        let swapping = Threads(1) {
            // Until the reader has had its turn, however late that comes.
            repeat {
                for edition in editions { try? secret.put(edition) }
            } while !hasSeenTwo.withLock({ $0 }) && !end.isPast
            isSwapping.withLock { $0 = false }
        }
        defer {
            hasSeenTwo.withLock { $0 = true }
            _ = swapping.results()
        }
        var seen: Set<String> = []
        while isSwapping.withLock({ $0 }) {
            let ring = try DirectoryKeyRing(place.path).read()
            #expect(ring.keys["v0"] == ring.keys["v1"])
            seen.insert(try #require(try ring.keys["v0"]?.fingerprint()))
            if seen.count > 1 { hasSeenTwo.withLock { $0 = true } }
        }
        #expect(seen.count > 1, "the rings must be exchanged during the reads")
    }
}
