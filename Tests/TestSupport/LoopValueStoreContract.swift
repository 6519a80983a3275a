public import EventLoop
public import SealedCache
import Testing

/// What every value store of an event loop must do. One suite for all backends: each check stands alone, on keys of its
/// own.
///
/// For the loop's thread only; unchecked, because the compiler does not know that a loop's tasks share one thread.
public struct LoopValueStoreContract: @unchecked Sendable {
    private let store: any LoopValueStore
    private let blocking: any ValueStore
    private let loop: EventLoop
    private let keyPrefix: String
    private let letTimePass: (Duration) -> Void

    /// - Parameters:
    ///   - blocking: on the same values.
    ///   - keyPrefix: so that checks on a shared server do not meet what others left there.
    ///   - letTimePass: moves the clock that values expire by; on a live server it waits.
    public init(
        _ store: any LoopValueStore, beside blocking: any ValueStore, on loop: EventLoop,
        keyPrefix: String = "loop-contract",
        letTimePass: @escaping (Duration) -> Void
    ) {
        self.store = store
        self.blocking = blocking
        self.loop = loop
        self.keyPrefix = keyPrefix
        self.letTimePass = letTimePass
    }

    public typealias Check = Row<@Sendable (LoopValueStoreContract) async throws -> Void>

    /// Each check by its name, for parameterised tests.
    public static let checks: [Check] = [
        Row("absentKeyHasNoValue") { try await $0.absentKeyHasNoValue() },
        Row("writtenValueIsRead") { try await $0.writtenValueIsRead() },
        Row("laterValueReplacesEarlier") { try await $0.laterValueReplacesEarlier() },
        Row("bytesOfEveryKindRoundTrip") { try await $0.bytesOfEveryKindRoundTrip() },
        Row("largeValueRoundTrips") { try await $0.largeValueRoundTrips() },
        Row("valueExpiresWithItsTimeToLive") { try await $0.valueExpiresWithItsTimeToLive() },
        Row("readsOfOneTurnGetTheirOwnValues") { try await $0.readsOfOneTurnGetTheirOwnValues() },
        Row("blockingStoreReadsAndRemovesWhatTheLoopWrote") {
            try await $0.blockingStoreReadsAndRemovesWhatTheLoopWrote()
        },
        Row("loopReadsWhatTheBlockingStoreWrote") { try await $0.loopReadsWhatTheBlockingStoreWrote() },
        Row("groupWrittenByTheLoopIsRemovedCompletely") { try await $0.groupWrittenByTheLoopIsRemovedCompletely() },
        Row("closedStoreFailsEveryCall") { await $0.closedStoreFailsEveryCall() },
    ]

    /// - Returns: what the check threw.
    public func run(_ check: Check) async -> (any Error)? {
        do {
            try await check.value(self)
            return nil
        } catch {
            return error
        }
    }

    private func group(_ name: String) -> String { "\(keyPrefix):\(name)" }

    /// A key begins with its group.
    private func key(_ name: String, in group: String = "group") -> String { "\(keyPrefix):\(group):\(name)" }

    private func read(_ key: String) async throws(ValueStoreError) -> [UInt8]? {
        try await store.read(key, by: .now.advanced(by: .seconds(60))).value().get()
    }

    private func write(
        _ value: [UInt8], _ key: String, in group: String? = nil, timeToLive: Duration = .seconds(60)
    ) async throws(ValueStoreError) {
        try await beginWrite(value, key, in: group, timeToLive: timeToLive).value().get()
    }

    private func beginWrite(
        _ value: [UInt8], _ key: String, in group: String? = nil, timeToLive: Duration = .seconds(60)
    ) -> Promise<Result<Void, ValueStoreError>> {
        let promise = Promise<Result<Void, ValueStoreError>>()
        store.write(value, forKey: key, in: group ?? self.group("group"), timeToLive: timeToLive) { promise.keep($0) }
        return promise
    }

    private func absentKeyHasNoValue() async throws {
        #expect(try await read(key("absent")) == nil)
    }

    private func writtenValueIsRead() async throws {
        try await write([1, 2, 3], key("written"))
        #expect(try await read(key("written")) == [1, 2, 3])
        #expect(try await read(key("written")) == [1, 2, 3], "a read must not remove the value")
    }

    private func laterValueReplacesEarlier() async throws {
        let writes = (1...5).map { beginWrite([$0, $0], key("replaced")) }
        for write in writes { try await write.value().get() }
        #expect(try await read(key("replaced")) == [5, 5])
    }

    private func bytesOfEveryKindRoundTrip() async throws {
        let values: [[UInt8]] = [
            [], [0], [13, 10], Array("$-1\r\n".utf8), Array("*1\r\n$4\r\nPING\r\n".utf8), Array(0...255),
        ]
        for (index, value) in values.enumerated() { try await write(value, key("bytes \r\n\(index)")) }
        for (index, value) in values.enumerated() { #expect(try await read(key("bytes \r\n\(index)")) == value) }
    }

    private func largeValueRoundTrips() async throws {
        var random = SeededRandom(seed: 65)
        let value = (0..<262_144).map { _ in UInt8.random(in: 0...255, using: &random) }
        try await write(value, key("large"))
        #expect(try await read(key("large")) == value)
    }

    /// Where a busy machine delayed the read past the end of the value, an absent value tells nothing of the store:
    /// the check begins again with twice the time.
    private func valueExpiresWithItsTimeToLive() async throws {
        try await write([2], key("long"))
        var timeToLive = Duration.milliseconds(400)
        while true {
            let start = ContinuousClock.now
            try await write([1], key("short"), timeToLive: timeToLive)
            let value = try await read(key("short"))
            if ContinuousClock.now - start < timeToLive {
                #expect(value == [1])
                break
            }
            timeToLive = timeToLive * 2
        }
        letTimePass(timeToLive * 3 / 2)
        #expect(try await read(key("short")) == nil)
        #expect(try await read(key("long")) == [2])
    }

    private func readsOfOneTurnGetTheirOwnValues() async throws {
        let writes = (0..<200).map { beginWrite([UInt8($0)], key("many-\($0)")) }
        for write in writes { try await write.value().get() }
        let reads = (0..<200).map { store.read(key("many-\($0)"), by: .now.advanced(by: .seconds(60))) }
        for (number, read) in reads.enumerated() { #expect(try await read.value().get() == [UInt8(number)]) }
    }

    private func blockingStoreReadsAndRemovesWhatTheLoopWrote() async throws {
        let removed = key("removed", in: "own")
        try await write([7], removed, in: group("own"))
        #expect(try blocking.value(forKey: removed) == [7])
        #expect(try blocking.removeValue(forKey: removed, in: group("own")))
        #expect(try await read(removed) == nil)
        #expect(try blocking.removeValues(in: group("own")) == 0)
    }

    private func loopReadsWhatTheBlockingStoreWrote() async throws {
        try blocking.setValue([8], forKey: key("blocking", in: "own2"), in: group("own2"), timeToLive: .seconds(60))
        #expect(try await read(key("blocking", in: "own2")) == [8])
    }

    private func groupWrittenByTheLoopIsRemovedCompletely() async throws {
        let writes = (0..<700).map { beginWrite([1], key("\($0)", in: "crowd"), in: group("crowd")) }
        for write in writes { try await write.value().get() }
        #expect(try blocking.removeValues(in: group("crowd")) == 700)
        #expect(try await read(key("699", in: "crowd")) == nil)
    }

    private func closedStoreFailsEveryCall() async {
        let pending = [beginWrite([1], key("late")), beginWrite([1], key("later"))]
        store.close()
        for write in pending where write.isKept == false { Issue.record("close must fail what waits") }
        let (write, read) = (
            beginWrite([1], key("closed")), store.read(key("closed"), by: .now.advanced(by: .seconds(60)))
        )
        if case .failure(let error) = await write.value() {
            #expect(error.code == "closed")
        } else {
            Issue.record("written")
        }
        if case .failure(let error) = await read.value() {
            #expect(error.code == "closed")
        } else {
            Issue.record("read")
        }
    }
}
