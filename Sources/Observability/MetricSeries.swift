public import CoreMetrics
import Resilience
import Synchronization

/// A number that only rises.
public final class CounterSeries: CounterHandler {
    private let count = Atomic<Int64>(0)

    public func increment() { increment(by: 1) }

    public func increment(by amount: Int64) {
        count.add(amount, ordering: .relaxed)
    }

    /// A Prometheus counter restarts with its process only.
    public func reset() {}

    var value: Int64 { count.load(ordering: .relaxed) }
}

/// A histogram: how many values are within each of some bounds.
public final class HistogramSeries: RecorderHandler, TimerHandler {
    private struct State {
        var counts: [Int64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Locked<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Locked(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    public func observe(_ value: Double) {
        var bucket = 0
        while bucket < bounds.count, value > bounds[bucket] { bucket += 1 }
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    /// In seconds.
    public func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        observe(Double(seconds) + Double(attoseconds) / 1e18)
    }

    public func record(_ value: Int64) { observe(Double(value)) }

    public func record(_ value: Double) { observe(value) }

    /// Histograms of times are in milliseconds here.
    public func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1e6) }

    /// Cumulative; the last bucket holds all values.
    var snapshot: (buckets: [(bound: Double?, count: Int64)], sum: Double) {
        let state = state.withLock { $0 }
        var cumulative: Int64 = 0
        let counts = state.counts.map { count in
            cumulative += count
            return cumulative
        }
        return (Array(zip(bounds.map { $0 as Double? } + [nil], counts)), state.sum)
    }
}

/// A number that rises and falls.
public final class GaugeSeries: MeterHandler, RecorderHandler {
    private let current = Locked(0.0)

    var value: Double { current.withLock { $0 } }

    public func set(_ value: Int64) { set(Double(value)) }
    public func set(_ value: Double) { current.withLock { $0 = value } }
    public func increment(by amount: Double) { current.withLock { $0 += amount } }
    public func decrement(by amount: Double) { current.withLock { $0 -= amount } }
    public func record(_ value: Int64) { set(value) }
    public func record(_ value: Double) { set(value) }
}
