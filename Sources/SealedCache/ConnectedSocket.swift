import Glibc

/// A descriptor with one owner, which closes it when it is released: it cannot leak on its way from one thread to another.
final class ConnectedSocket: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }
}
