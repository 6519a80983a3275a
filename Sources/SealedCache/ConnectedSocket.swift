import Glibc

/// A descriptor with one owner, closed when it is let go: on its way from one thread to another it cannot be lost.
final class ConnectedSocket: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }
}
