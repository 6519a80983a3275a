import CEpoll

/// The events that a descriptor is watched for, and those that occurred (epoll_ctl(2)).
public struct IOInterest: OptionSet, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let read = IOInterest(rawValue: EPOLLIN.rawValue)
    public static let write = IOInterest(rawValue: EPOLLOUT.rawValue)
    /// The peer has closed its end, or its writing half. Reported only where requested.
    public static let peerClosed = IOInterest(rawValue: EPOLLRDHUP.rawValue)
    /// Reported once for each change, not for as long as the state lasts.
    public static let edgeTriggered = IOInterest(rawValue: EPOLLET.rawValue)
    /// Always reported, requested or not: an error, or both directions are closed.
    public static let failed = IOInterest(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)

    public var hasFailed: Bool { !isDisjoint(with: .failed) }
}
