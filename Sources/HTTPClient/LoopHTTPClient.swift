public import EventLoop

/// An HTTP client on an event loop, for HEAD (RFC 9110 §9.3.2). Redirects are not followed; no proxy is used;
/// certificates are verified.
///
/// It keeps at most `connectionLimit` connections, each with one call at a time. A further call waits here and not in
/// libcurl, whose own queue does not keep timeouts in all versions. The loop's resolver resolves names: libcurl joins
/// its own resolver's thread when it gives a call up, which would stop the loop for as long as the name servers take.
///
/// For the loop's thread only.
@safe public final class LoopHTTPClient: @unchecked Sendable {
    public static let defaultConnectionLimit = 64

    private let loop: EventLoop
    private let resolver: NameResolver
    private let connectionLimit: Int
    private let trust: ServerTrust
    private let multi: MultiHandle
    private var idle: [HeadTransfer] = []
    private var made = 0
    private let waiting: WaitingTasks<HeadTransfer>
    /// By scheme and authority: as many as the settings name.
    private var origins: [Substring: HTTPOrigin] = [:]
    private var pinned: [HTTPOrigin: PinnedAddresses] = [:]

    /// - Parameters:
    ///   - connectionLimit: connections at a time, 1 or more. Default 64.
    ///   - files: certificates other than the machine's own.
    public convenience init(
        _ loop: EventLoop, resolver: NameResolver, connectionLimit: Int = LoopHTTPClient.defaultConnectionLimit,
        _ files: TLSFiles = TLSFiles()
    ) {
        self.init(loop, resolver, connectionLimit: connectionLimit, files, turnShare: .milliseconds(10))
    }

    init(
        _ loop: EventLoop, _ resolver: NameResolver, connectionLimit: Int, _ files: TLSFiles = TLSFiles(),
        turnShare: Duration
    ) {
        self.loop = loop
        self.resolver = resolver
        self.connectionLimit = max(1, connectionLimit)
        trust = ServerTrust(files: files, isServerVerified: true)
        waiting = WaitingTasks(loop)
        multi = MultiHandle(loop, connectionLimit: self.connectionLimit, turnShare: turnShare)
    }

    /// Calls that wait for a connection.
    public var waitingCount: Int { waiting.count }

    /// The answer to a HEAD.
    /// - Parameters:
    ///   - url: `http` or `https`. Presigned, so no error contains it.
    ///   - timeout: for everything from waiting for a connection to the last byte of the headers.
    ///   - willWait: called where the call must wait for a connection, with a function that ends the wait as the
    ///     timeout does. A call that has its connection is not given up.
    public nonisolated(nonsending) func head(
        _ url: String, timeout: Duration, willWait: (_ giveUp: @escaping () -> Void) -> Void = { _ in }
    ) async throws(HTTPError) -> HTTPHead {
        let deadline = ContinuousClock.now.advanced(by: timeout)
        let length = HTTPOrigin.length(in: url.utf8.span)
        guard HTTPOrigin.isTarget(url.utf8.span.extracting(length...)) else { throw .malformedURL }
        let origin = try origin(of: url, length)
        let addresses = origin.isNumeric ? nil : try await addresses(of: origin, by: deadline)
        guard let transfer = await freeTransfer(by: deadline, willWait) else { throw .noConnectionFree }
        defer { release(transfer) }
        let remaining = ContinuousClock.now.duration(to: deadline)
        guard remaining > .zero else { throw .noConnectionFree }
        let promise = transfer.prepare(url, targetAt: length, addresses, timeout: remaining)
        multi.add(transfer)
        do {
            return try await promise.value().get()
        } catch {
            if error.code == "connect" { resolver.doubt(origin.host) }
            throw error
        }
    }

    private func origin(of url: String, _ length: Int) throws(HTTPError) -> HTTPOrigin {
        let prefix = Substring(url.utf8.prefix(length))
        if let origin = origins[prefix] { return origin }
        guard let origin = HTTPOrigin(url) else { throw .malformedURL }
        origins[Substring(String(prefix))] = origin
        return origin
    }

    private nonisolated(nonsending) func addresses(
        of origin: HTTPOrigin, by deadline: ContinuousClock.Instant
    ) async throws(HTTPError) -> PinnedAddresses {
        let addresses: [String]
        do {
            addresses = try await resolver.addresses(of: origin.host, by: deadline)
        } catch {
            throw error == .timeout ? .resolverTimeout : .unknownName
        }
        if let pinned = pinned[origin], pinned.addresses == addresses { return pinned }
        let pinned = PinnedAddresses(origin, addresses)
        self.pinned[origin] = pinned
        return pinned
    }

    private nonisolated(nonsending) func freeTransfer(
        by deadline: ContinuousClock.Instant, _ willWait: (_ giveUp: @escaping () -> Void) -> Void
    ) async -> HeadTransfer? {
        if let transfer = idle.popLast() { return transfer }
        guard made < connectionLimit else { return await waiting.value(by: deadline, willWait: willWait) }
        made += 1
        return HeadTransfer(trust)
    }

    private func release(_ transfer: HeadTransfer) {
        if !waiting.resumeFirst(transfer) { idle.append(transfer) }
    }
}
