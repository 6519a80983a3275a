import BearerTokens
import Glibc
import Resilience
import StreamIssuing
import TestSupport
import Testing

@testable import ProviderKeys

@Suite struct ProviderKeySetsTests {
    private let clock = SettableWallClock(1_767_875_400)
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func declared(_ servers: UnhelpfulServer...) throws -> DeclaredTokens {
        DeclaredTokens(
            providers: try servers.map { server in
                DeclaredProvider(
                    requirements: ClaimRequirements(issuers: ["https://i.example"], audiences: ["novatune"]),
                    location: try PublishedSet.location(server))
            }, algorithms: SignatureAlgorithm.usual, leeway: .zero)
    }

    private func server(_ answers: UnhelpfulServer.Answer...) -> UnhelpfulServer {
        UnhelpfulServer(.answering(answers))
    }

    private func names(_ sets: ProviderKeySets) -> [String?] { sets.current.values.flatMap { $0.keys.map(\.id) } }

    @Test func setIsFetchedOnceAndKnownFromThenOn() throws {
        let server = server(PublishedSet.answer(PublishedSet.one))
        let (sets, declared) = (ProviderKeySets(clock: clock), try declared(server))
        #expect(sets.load(declared, directory: nil).isEmpty && sets.load(declared, directory: nil).isEmpty)
        #expect(names(sets) == ["a"] && server.requests == 1)
        #expect(try declared.accepted(sets.current).providers.count == 1)
        clock.set(1_767_875_460)
        let figures = try #require(sets.figures.first)
        #expect(figures.count == 1 && figures.age == .seconds(60))
    }

    @Test func providerThatIsAwayKeepsNoOtherOut() throws {
        let (away, here) = (server(PublishedSet.answer("", status: 503)), server(PublishedSet.answer(PublishedSet.one)))
        let (sets, declared) = (ProviderKeySets(clock: clock), try declared(away, here))
        let failures = sets.load(declared, directory: nil)
        #expect(failures.count == 1 && failures[0].failure.kind == .unreachable && !failures[0].isStored)
        #expect(try declared.accepted(sets.current).providers.count == 1)
    }

    @Test func storedSetIsUsedWhileTheProviderIsAway() throws {
        let server = server(PublishedSet.answer(PublishedSet.one), PublishedSet.answer("", status: 500))
        let declared = try declared(server)
        #expect(ProviderKeySets(clock: clock).load(declared, directory: directory.path).isEmpty)
        let restarted = ProviderKeySets(clock: clock)
        let failures = restarted.load(declared, directory: directory.path)
        #expect(failures.map(\.isStored) == [true] && names(restarted) == ["a"])
    }

    @Test(arguments: ["", "{", #"{"keys":[]}"#])
    func storedFileThatIsDamagedIsNoSet(text: String) throws {
        let server = server(PublishedSet.answer(PublishedSet.one), PublishedSet.answer("", status: 500))
        let (declared, location) = (try declared(server), try PublishedSet.location(server))
        _ = ProviderKeySets(clock: clock).load(declared, directory: directory.path)
        let stored = StoredKeys(directory: directory.path)
        #expect(stored.read(location) != nil)
        #expect(stored.write(Array(text.utf8), location) == nil && stored.read(location) == nil)
        #expect(ProviderKeySets(clock: clock).load(declared, directory: directory.path).map(\.isStored) == [false])
    }

    @Test func directoryThatIsMissingIsReportedAndTheSetUsed() throws {
        let server = server(PublishedSet.answer(PublishedSet.one))
        let (sets, refreshes) = (ProviderKeySets(clock: clock), Refreshes())
        #expect(sets.load(try declared(server), directory: "/no/such/directory").isEmpty && names(sets) == ["a"])
        sets.start(refreshes.observer)
        #expect(refreshes.notStored == ["No such file or directory"])
        #expect(ended(sets))
    }

    @Test func commandWritesNothing() throws {
        let server = server(PublishedSet.answer(PublishedSet.one))
        let sets = ProviderKeySets(clock: clock, isStoring: false)
        #expect(sets.load(try declared(server), directory: directory.path).isEmpty && names(sets) == ["a"])
        #expect(directoryContents(directory.path) == [])
    }

    /// What others can write there would verify their tokens.
    @Test func whatOthersMayWriteIsNotTrusted() throws {
        let location = try PublishedSet.location(server(PublishedSet.answer(PublishedSet.one)))
        let (stored, text) = (StoredKeys(directory: directory.path), Array(PublishedSet.one.utf8))
        #expect(stored.write(text, location) == nil && stored.read(location) != nil)
        let path = directory.path(try #require(directoryContents(directory.path)?.first))
        #expect(unsafe chmod(path, 0o622) == 0 && stored.read(location) == nil)
        #expect(unsafe chmod(path, 0o600) == 0 && stored.read(location) != nil)
        #expect(unsafe chmod(directory.path, 0o777) == 0 && stored.read(location) == nil)
        #expect(stored.write(text, location)?.hasPrefix("others may write") == true)
        #expect(unsafe chmod(directory.path, 0o700) == 0)
        #expect(unsafe rename(path, path + ".moved") == 0 && symlink(path + ".moved", path) == 0)
        #expect(stored.read(location) == nil)
    }

    @Test func storedSetWithoutAnAllowedAlgorithmIsNoSet() throws {
        let server = server(PublishedSet.answer(PublishedSet.one), PublishedSet.answer("", status: 500))
        let location = try PublishedSet.location(server)
        _ = ProviderKeySets(clock: clock).load(try declared(server), directory: directory.path)
        let narrowed = DeclaredTokens(providers: try declared(server).providers, algorithms: [.rs256], leeway: .zero)
        let failures = ProviderKeySets(clock: clock).load(narrowed, directory: directory.path)
        #expect(failures.map(\.isStored) == [false] && failures[0].location == location)
    }

    @Test func locationWithoutKeysIsAskedAgainByTheNextReload() throws {
        let server = server(PublishedSet.answer("", status: 500), PublishedSet.answer(PublishedSet.one))
        let (sets, declared) = (ProviderKeySets(clock: clock), try declared(server))
        #expect(sets.load(declared, directory: nil).map(\.isNew) == [true])
        #expect(sets.load(declared, directory: nil).isEmpty && names(sets) == ["a"])
    }

    @Test func ageOfTheAnswerSaysWhenTheNextFetchIsDue() throws {
        let headers = ["Cache-Control: max-age=7200", "Age: 3600"]
        let server = server(PublishedSet.answer(PublishedSet.one, headers: headers))
        let set = RefreshedKeys(try PublishedSet.location(server), SignatureAlgorithm.usual, stored: nil, clock)
        let before = ContinuousClock.now
        #expect(set.load(within: .seconds(30)).failure == nil)
        let wait = before.duration(to: set.due)
        // Up to a tenth earlier; the upper bound leaves the fetch a minute.
        #expect(wait >= .seconds(3240) && wait < .seconds(3660))
    }

    @Test func storedFilesAreTheServicesAlone() throws {
        let location = try PublishedSet.location(server(PublishedSet.answer(PublishedSet.one)))
        #expect(StoredKeys(directory: directory.path).write(Array(PublishedSet.one.utf8), location) == nil)
        let names = try #require(directoryContents(directory.path))
        #expect(names.count == 1 && names[0].hasPrefix("token-keys-") && names[0].hasSuffix(".json"))
        var status = stat()
        #expect(unsafe stat("\(directory.path)/\(names[0])", &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    private func directoryContents(_ path: String) -> [String]? {
        guard let directory = unsafe opendir(path) else { return nil }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    // MARK: Refreshing

    /// What the observer was given, in order.
    private final class Refreshes: Sendable {
        private let seen = ConditionLocked<(refreshes: [KeyRefresh], ends: Int, notStored: [String])>(([], 0, []))

        var observer: KeyRefreshObserver {
            KeyRefreshObserver { [seen] refresh in
                seen.withLock { $0.refreshes.append(refresh) }
            } ended: { [seen] in
                seen.withLock { $0.ends += 1 }
                seen.wakeAll()
            } notStored: { [seen] _, reason in
                seen.withLock { $0.notStored.append(reason) }
                seen.wakeAll()
            }
        }

        var notStored: [String] { seen.withLock { $0.notStored } }

        /// The first `count`, once they have ended; fewer where 30 s were not enough.
        func first(_ count: Int) -> [KeyRefresh] {
            let deadline = Deadline(after: .seconds(30))
            return seen.wait { seen in
                seen.ends >= count || deadline.isPast ? .done(seen.refreshes) : .wait(until: deadline.instant)
            }
        }
    }

    private func ended(_ sets: ProviderKeySets) -> Bool {
        sets.stop()
        return sets.join(by: Deadline(after: .seconds(30)))
    }

    @Test func unknownKeyIsFetchedOnceForAllWhoAsk() throws {
        let rotated = PublishedSet.set(PublishedSet.key, PublishedSet.otherKey)
        let server = server(PublishedSet.answer(PublishedSet.one), PublishedSet.answer(rotated))
        let (sets, refreshes) = (ProviderKeySets(clock: clock), Refreshes())
        _ = sets.load(try declared(server), directory: nil)
        sets.start(refreshes.observer)
        defer { #expect(ended(sets)) }
        #expect(sets.keyIsUnknown())
        let seen = refreshes.first(1)
        #expect(seen.map(\.outcome) == [.changed] && Set(names(sets)) == ["a", "b"])
        // Within 30 s of that fetch.
        #expect(!sets.keyIsUnknown() && !sets.keyIsUnknown() && server.requests == 2)
    }

    @Test(
        arguments: [
            (PublishedSet.answer("", status: 503), .unreachable), (PublishedSet.answer("<html>"), .invalid),
            (PublishedSet.answer(#"{"keys":[]}"#), .invalid), (PublishedSet.answer(PublishedSet.one), .unchanged),
        ] as [(UnhelpfulServer.Answer, KeyRefresh.Outcome)])
    func setThatIsNotBetterLeavesTheFormerOne(answer: UnhelpfulServer.Answer, outcome: KeyRefresh.Outcome) throws {
        let server = server(PublishedSet.answer(PublishedSet.one), answer)
        let (sets, refreshes) = (ProviderKeySets(clock: clock), Refreshes())
        _ = sets.load(try declared(server), directory: nil)
        sets.start(refreshes.observer)
        sets.refresh()
        let seen = refreshes.first(1)
        #expect(seen.first?.outcome == outcome && (seen.first?.reason == nil) == (outcome == .unchanged))
        #expect(names(sets) == ["a"])
        #expect(ended(sets))
    }

    @Test func providerThatAnswersNothingHoldsUpNoOther() throws {
        let (silent, here) = (UnhelpfulServer(.silent), server(PublishedSet.answer(PublishedSet.one)))
        let (sets, refreshes) = (ProviderKeySets(clock: clock), Refreshes())
        _ = sets.load(try declared(here), directory: nil)
        let other = try DeclaredTokens(
            providers: declared(silent, here).providers, algorithms: SignatureAlgorithm.usual, leeway: .zero)
        sets.start(refreshes.observer)
        _ = sets.load(other, directory: nil)
        sets.refresh()
        #expect(refreshes.first(1).first?.location == (try PublishedSet.location(here)))
        silent.hangUp()
        #expect(ended(sets))
    }

    @Test func setThatIsNotDeclaredAnyMoreIsForgotten() throws {
        let (first, second) = (
            server(PublishedSet.answer(PublishedSet.one)), server(PublishedSet.answer(PublishedSet.one))
        )
        let sets = ProviderKeySets(clock: clock)
        _ = sets.load(try declared(first, second), directory: nil)
        sets.start(Refreshes().observer)
        #expect(sets.current.count == 2)
        sets.adopt(try declared(second))
        #expect(Array(sets.current.keys) == [try PublishedSet.location(second)])
        #expect(ended(sets))
    }

    @Test func keyThatIsPublishedWithItsSecretIsAChange() throws {
        func keys(_ first: String) throws -> PublishedKeys {
            try PublishedKeys(jsonWebKeySet: Array(PublishedSet.set(first, PublishedSet.otherKey).utf8))
        }
        let leaked = PublishedSet.key.replacing(#""kid":"a""#, with: #""kid":"a","d":"AAAA""#)
        #expect(try keys(PublishedSet.key).isSame(as: keys(PublishedSet.key)))
        #expect(try !keys(PublishedSet.key).isSame(as: keys(leaked)))
        #expect(try keys(leaked).keys.map(\.id) == ["b"])
    }

    /// The operator may ask during a fetch that began before a key was withdrawn.
    @Test func requestDuringAFetchIsFollowedByAnother() throws {
        let server = UnhelpfulServer(.silent)
        let (sets, refreshes) = (ProviderKeySets(clock: clock), Refreshes())
        let here = self.server(PublishedSet.answer(PublishedSet.one))
        _ = sets.load(try declared(here), directory: nil)
        let set = RefreshedKeys(try PublishedSet.location(server), SignatureAlgorithm.usual, stored: nil, clock)
        set.start(refreshes.observer)
        while server.accepted == 0 { usleep(1000) }
        set.request()
        server.hangUp()
        #expect(refreshes.first(2).map(\.outcome) == [.unreachable, .unreachable])
        set.stop()
        #expect(set.join(by: Deadline(after: .seconds(30))))
    }

    @Test func setOfTooManyKeysIsRefused() {
        let keys = (0..<501).map { #"{"kid":"\#($0)"}"# }.joined(separator: ",")
        let error = #expect(throws: KeySetError.self) {
            try PublishedKeys(jsonWebKeySet: Array("{\"keys\":[\(keys)]}".utf8))
        }
        #expect(error?.description == "more than 500 keys")
    }

    @Test func orderOfASetDecidesBetweenKeysOfOneName() throws {
        func keys(_ keys: String...) throws -> PublishedKeys {
            try PublishedKeys(jsonWebKeySet: Array((#"{"keys":["# + keys.joined(separator: ",") + "]}").utf8))
        }
        let (a, b) = (PublishedSet.key, PublishedSet.otherKey)
        #expect(try keys(a, b).isSame(as: keys(a, b)) && !keys(a, b).isSame(as: keys(b, a)))
        #expect(try !keys(a, b).isSame(as: keys(a)) && !keys(a).isSame(as: keys(b)))
    }
}
