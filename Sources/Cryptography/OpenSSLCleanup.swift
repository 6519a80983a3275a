import COpenSSL

/// How OpenSSL's global state is freed.
public enum OpenSSLCleanup {
    /// OpenSSL frees its state in an atexit(3) handler when main returns. Other threads may still use it then, and a
    /// call to a dependency that has not returned would crash the process (OPENSSL_init_crypto(3),
    /// "OPENSSL_INIT_NO_ATEXIT"). Without the handler, the state is freed when the process ends.
    ///
    /// Call it before anything uses OpenSSL, libpq and libcurl included.
    public static func leaveToProcessEnd() {
        precondition(OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) == 1, "OpenSSL does not start")
    }
}
