/// A descriptor that a loop waits for. Made by `EventLoop.watch`; for the loop's thread only.
public final class IOSource {
    public let descriptor: Int32
    /// Distinguishes it from an earlier source of the same descriptor, whose event the loop may still hold.
    let generation: UInt32
    var handler: ((IOInterest) -> Void)?

    init(_ descriptor: Int32, generation: UInt32, handler: @escaping (IOInterest) -> Void) {
        self.descriptor = descriptor
        self.generation = generation
        self.handler = handler
    }

    /// The value that epoll returns with an event.
    var token: UInt64 { UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor)) }
}
