public import Resilience

/// Resolves host names on threads of their own: getaddrinfo(3) blocks for as long as the name servers take.
///
/// A name's lookups run one at a time, and all waiting tasks share the result. Known addresses are returned without
/// waiting. Once they are older than `lifetime`, the next call starts a new lookup, and they stay in use until it
/// succeeds: name servers that are down do not affect names that resolved before. Names are kept for good: they come
/// from settings, not from requests.
///
/// For the loop's thread only, except `stop`.
public final class NameResolver: @unchecked Sendable {
    /// The addresses of a host as numeric text; none where the name does not resolve. May block.
    public typealias Lookup = @Sendable (_ host: String) -> [String]

    public enum Failure: Error, Sendable {
        /// No answer before the caller's deadline.
        case timeout
        case unknownName
    }

    private struct Known {
        var addresses: [String]
        var refreshAt: ContinuousClock.Instant
    }

    /// The wait after a failed lookup, for a name whose earlier addresses are still in use.
    private static let retryInterval: Duration = .seconds(5)

    private let loop: EventLoop
    private let lifetime: Duration
    private let lookup: Lookup
    private var known: [String: Known] = [:]
    /// The tasks that wait for each lookup under way.
    private var waiting: [String: WaitingTasks<[String]>] = [:]
    private var threads: [String: WorkerThread] = [:]

    /// - Parameters:
    ///   - lifetime: how old addresses may become before they are looked up again. Default 60 s.
    ///   - lookup: called on a thread of its own. Default getaddrinfo(3).
    public init(
        _ loop: EventLoop, lifetime: Duration = .seconds(60), lookup: @escaping Lookup = { NumericAddress.lookUp($0) }
    ) {
        self.loop = loop
        self.lifetime = lifetime
        self.lookup = lookup
    }

    /// - Returns: at least one address, best first; a numeric host is its own address.
    public nonisolated(nonsending) func addresses(
        of host: String, by deadline: ContinuousClock.Instant
    ) async throws(Failure) -> [String] {
        if let known = known[host] {
            if known.refreshAt <= .now { begin(host) }
            return known.addresses
        }
        if NumericAddress.isNumeric(host) { return [host] }
        guard let addresses = await begin(host).value(by: deadline) else { throw .timeout }
        guard !addresses.isEmpty else { throw .unknownName }
        return addresses
    }

    /// Call it when the host could not be reached at its addresses: the next call of `addresses` starts a new lookup.
    public func doubt(_ host: String) {
        known[host]?.refreshAt = .now
    }

    /// Waits for the lookups under way, or for `deadline`: getaddrinfo(3) cannot be interrupted. Call it on another
    /// thread when the loop has ended.
    /// - Returns: whether all of them have ended.
    @discardableResult
    public func stop(by deadline: Deadline) -> Bool {
        threads.values.map { $0.join(by: deadline) }.allSatisfy { $0 }
    }

    @discardableResult
    private func begin(_ host: String) -> WaitingTasks<[String]> {
        if let waiting = waiting[host] { return waiting }
        let tasks = WaitingTasks<[String]>(loop)
        waiting[host] = tasks
        // The thread does not keep the resolver: a lookup that hangs must not outlive its loop's end.
        threads[host] = WorkerThread(name: "resolver") { [loop, lookup, weak self] in
            let addresses = lookup(host)
            loop.execute { [weak self] in self?.finish(host, addresses) }
        }
        return tasks
    }

    private func finish(_ host: String, _ addresses: [String]) {
        threads[host] = nil
        if !addresses.isEmpty {
            known[host] = Known(addresses: addresses, refreshAt: .now.advanced(by: lifetime))
        } else {
            known[host]?.refreshAt = .now.advanced(by: Self.retryInterval)
        }
        waiting.removeValue(forKey: host)?.resumeAll(addresses)
    }
}
