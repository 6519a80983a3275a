import CFastCGI

/// A request and its answer.
public protocol Exchange: AnyObject {
    /// Bytes of the body (stream FCGI_STDIN).
    var bodyLength: Int { get }
    /// The handler fills it in.
    var response: FastCGIResponse { get set }
    /// A parameter (FastCGI 1.0 §5.2, stream FCGI_PARAMS); nil where it was not sent.
    func parameter(_ name: StaticString) -> String?
    /// Whether the web server runs on this host, so that its times are of this host's clock.
    var isFromThisHost: Bool { get }
    /// When the request had arrived here in full.
    var arrivedAt: ContinuousClock.Instant { get }
    /// Whether the peer has closed the connection meanwhile: then the answer is not needed.
    var isAbandoned: Bool { get }
    /// Calls `react` when the peer closes the connection before the answer, or immediately where it has.
    func whenAbandoned(_ react: @escaping () -> Void)
}

/// One request and its answer on a connection of a loop's server. Parameters can be read until the request is answered.
/// For the loop's thread only.
@safe public final class FastCGIExchange: Exchange, @unchecked Sendable {
    let request: UnsafeMutablePointer<FCGX_Request>
    /// Bytes of the body (stream FCGI_STDIN), which has been read and dropped.
    public private(set) var bodyLength = 0
    public private(set) var arrivedAt = ContinuousClock.now
    public private(set) var isAbandoned = false
    private var reaction: (() -> Void)?
    /// The handler fills it in.
    public var response = FastCGIResponse()
    /// Nil while no request is in it.
    var connection: LoopConnection?

    init() {
        unsafe request = .allocate(capacity: 1)
        // No listening socket: connections come from the loop.
        unsafe FCGX_InitRequest(request, -1, FCGI_FAIL_ACCEPT_ON_INTR)
    }

    deinit { unsafe request.deallocate() }

    public var isFromThisHost: Bool { connection?.isFromThisHost ?? false }

    public func whenAbandoned(_ react: @escaping () -> Void) {
        if isAbandoned { react() } else { reaction = react }
    }

    func abandon() {
        isAbandoned = true
        reaction?()
        reaction = nil
    }

    /// Forgets the previous request.
    func begin(bodyLength: Int, arrivedAt: ContinuousClock.Instant) {
        (self.bodyLength, self.arrivedAt) = (bodyLength, arrivedAt)
        (isAbandoned, reaction) = (false, nil)
    }

    /// A parameter (FastCGI 1.0 §5.2, stream FCGI_PARAMS); nil where it was not sent. Bytes that are not UTF-8 become
    /// U+FFFD.
    public func parameter(_ name: StaticString) -> String? {
        let value = name.withUTF8Buffer { name in
            // A static string ends with a zero byte.
            unsafe FCGX_GetParam(
                UnsafeRawPointer(name.baseAddress!).assumingMemoryBound(to: CChar.self), request.pointee.envp)
        }
        return unsafe value.map { unsafe String(cString: $0) }
    }
}

/// Answers requests on an event loop.
public protocol ExchangeHandler: AnyObject, Sendable {
    /// Answers requests, one after another, until the source has no more. Called in as many tasks as requests are in
    /// hand.
    nonisolated(nonsending) func serve(_ exchanges: ExchangeSource) async
    /// Fills in `exchange.response` without waiting for anything, where more requests are in hand than allowed.
    /// - Returns: true where the answer says that there is no room, false where the request gets its answer in any
    ///   case.
    func refuse(_ exchange: FastCGIExchange) -> Bool
}
