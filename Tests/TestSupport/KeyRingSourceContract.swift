public import Cryptography
import Foundation
public import KeyManagement
public import Testing

/// What every source of a key ring must do. One suite for all of them, the one behind a key management service
/// included.
public struct KeyRingSourceContract: Sendable {
    /// A kind of source, and how a ring gets into one.
    public struct Kind: Sendable, CustomTestStringConvertible {
        public let testDescription: String
        let make: @Sendable (_ ring: KeyRing, _ place: TemporaryDirectory) throws -> any KeyRingSource

        /// - Parameter make: puts the ring into a place, in the stead of what is there.
        public init(
            _ name: String,
            _ make: @escaping @Sendable (_ ring: KeyRing, _ place: TemporaryDirectory) throws -> any KeyRingSource
        ) {
            testDescription = name
            self.make = make
        }
    }

    /// Each check by its name, for parameterised tests.
    public static let checks: [Row<@Sendable (Kind) throws -> Void>] = [
        Row("ringRoundTrips", ringRoundTrips),
        Row("sourceIsReadAgainEachTime", sourceIsReadAgainEachTime),
        Row("changedRingChangesTheStampOfTheWatchedFiles", changedRingChangesTheStampOfTheWatchedFiles),
        Row("neitherSourceNorRingShowsAKey", neitherSourceNorRingShowsAKey),
    ]

    private static func ring(_ count: Int, current: String) throws -> KeyRing {
        try KeyRing(
            current: current,
            keys: Dictionary(uniqueKeysWithValues: (1...count).map { ("v\($0)", SymmetricKey.random()) }))
    }

    @Sendable private static func ringRoundTrips(_ kind: Kind) throws {
        for (count, current) in [(1, "v1"), (3, "v2"), (12, "v12")] {
            let ring = try Self.ring(count, current: current)
            let place = try TemporaryDirectory()
            #expect(try kind.make(ring, place).read() == ring)
            withExtendedLifetime(place) {}
        }
    }

    /// A source in the environment has no place that could change: a changed ring is another source.
    @Sendable private static func sourceIsReadAgainEachTime(_ kind: Kind) throws {
        let place = try TemporaryDirectory()
        let (first, second) = (try ring(1, current: "v1"), try ring(2, current: "v2"))
        let source = try kind.make(first, place)
        #expect(try source.read() == first)
        let other = try kind.make(second, place)
        #expect(try other.read() == second)
        if source.name != "environment" { #expect(try source.read() == second) }
        withExtendedLifetime(place) {}
    }

    @Sendable private static func changedRingChangesTheStampOfTheWatchedFiles(_ kind: Kind) throws {
        let place = try TemporaryDirectory()
        let source = try kind.make(try ring(1, current: "v1"), place)
        let before = FileStamp(of: source.watchedPaths)
        #expect(FileStamp(of: source.watchedPaths) == before)
        _ = try kind.make(try ring(2, current: "v2"), place)
        #expect((FileStamp(of: source.watchedPaths) == before) == source.watchedPaths.isEmpty)
        withExtendedLifetime(place) {}
    }

    @Sendable private static func neitherSourceNorRingShowsAKey(_ kind: Kind) throws {
        let canary = SymmetricKey(Array("canary-canary-canary-canary-can".utf8) + [0])
        let place = try TemporaryDirectory()
        let source = try kind.make(try KeyRing(current: "v1", keys: ["v1": canary]), place)
        var dumped = ""
        dump(source, to: &dumped)
        dump(try source.read(), to: &dumped)
        for text in [source.name, "\(source)", String(reflecting: source), "\(try source.read())", dumped] {
            #expect(!text.contains("canary") && !text.contains("Y2FuYXJ5") && !text.contains("99, 97"))
        }
        withExtendedLifetime(place) {}
    }
}
