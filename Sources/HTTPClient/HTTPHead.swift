/// A server's answer to a HEAD.
public struct HTTPHead: Sendable, Equatable {
    public let status: Int

    public init(status: Int) {
        self.status = status
    }
}
