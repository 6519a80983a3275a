import COpenSSL

/// The end of OpenSSL's own state.
public enum OpenSSLCleanup {
    /// OpenSSL frees its state by atexit(3) when main returns, though other threads may still use it: a call to a dependency that has not
    /// returned would then crash the process (OPENSSL_init_crypto(3), "OPENSSL_INIT_NO_ATEXIT"). Without that, the process's end frees it.
    ///
    /// Call it before anything uses OpenSSL, libpq and libcurl included.
    public static func leaveToProcessEnd() {
        precondition(OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) == 1, "OpenSSL does not start")
    }
}
