import COpenSSL

/// OpenSSL reported an error. Keeps its reason only, never an argument.
public struct CryptographyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The operation that failed: `EVP_EncryptInit_ex2`.
    public let operation: String

    init(_ operation: String) {
        self.operation = operation
        ERR_clear_error()
    }

    public init(invalidInput: String) {
        operation = invalidInput
    }

    public var description: String { operation }
}
