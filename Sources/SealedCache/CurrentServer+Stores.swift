public import EventLoop
public import StreamIssuing

// The stores for a server's kind.
extension CurrentServer {
    private var isCluster: Bool { if case .cluster = value.location { true } else { false } }

    /// For a thread that may block.
    /// - Parameters:
    ///   - timeout: for each of connecting, reading and writing.
    ///   - longestTimeToLive: the longest that any value of a group is given.
    public func makeStore(timeout: Duration, longestTimeToLive: Duration, clock: any WallClock) -> any ValueStore {
        guard isCluster else {
            return RESPStore(self, timeout: timeout, longestTimeToLive: longestTimeToLive, clock: clock)
        }
        return ClusterStore(self, timeout: timeout, longestTimeToLive: longestTimeToLive, clock: clock)
    }

    /// For a loop; the parameters as for the other.
    public func makeStore(
        on loop: EventLoop, connector: RESPConnector, timeout: Duration, longestTimeToLive: Duration,
        clock: any WallClock
    ) -> any LoopValueStore {
        guard isCluster else {
            return RESPLoopStore(
                self, on: loop, connector: connector, timeout: timeout, longestTimeToLive: longestTimeToLive,
                clock: clock)
        }
        return ClusterLoopStore(
            self, on: loop, connector: connector, timeout: timeout, longestTimeToLive: longestTimeToLive, clock: clock)
    }
}
