/// A result that one task waits for. It is set once, on the loop's thread.
///
/// For the loop's thread only; unchecked, because the compiler does not know that a loop's tasks share one thread.
@safe public final class Promise<Value: Sendable>: @unchecked Sendable {
    private var result: Value?
    private var waiter: UnsafeContinuation<Value, Never>?

    public init() {}

    public init(_ value: Value) { result = value }

    public var isKept: Bool { result != nil }

    /// - Returns: false where it was set before; then nothing changes.
    @discardableResult public func keep(_ value: Value) -> Bool {
        guard result == nil else { return false }
        result = value
        if let waiter = unsafe waiter {
            unsafe self.waiter = nil
            unsafe waiter.resume(returning: value)
        }
        return true
    }

    /// Waits for the result. At most one task may wait at a time.
    public nonisolated(nonsending) func value() async -> Value {
        if let result { return result }
        return await unsafe withUnsafeContinuation { continuation in
            unsafe precondition(waiter == nil, "two tasks wait for one promise")
            unsafe waiter = continuation
        }
    }
}
