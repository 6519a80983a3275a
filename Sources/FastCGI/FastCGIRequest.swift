import CFastCGI

/// One request, read to its end, valid while it is being answered.
@safe public struct FastCGIRequest: ~Copyable {
    private let request: UnsafeMutablePointer<FCGX_Request>
    /// Bytes of the body (stream FCGI_STDIN), which has been read and dropped.
    public let bodyLength: Int

    init(reading request: UnsafeMutablePointer<FCGX_Request>, scratch: UnsafeMutableBufferPointer<CChar>) {
        unsafe self.request = unsafe request
        // Read to its end, although the body is not used: bytes left on a kept connection would be read as the next
        // request.
        var length = 0
        while true {
            let count = unsafe FCGX_GetStr(scratch.baseAddress, Int32(scratch.count), request.pointee.in)
            guard count > 0 else { break }
            length += Int(count)
        }
        bodyLength = length
    }

    /// A parameter (FastCGI 1.0 §5.2, stream FCGI_PARAMS); nil where it was not sent. Bytes that are not UTF-8 become
    /// U+FFFD.
    public func parameter(_ name: StaticString) -> String? {
        let value = name.withUTF8Buffer { name in
            // A static string ends with a zero byte.
            unsafe FCGX_GetParam(
                UnsafeRawPointer(name.baseAddress!).assumingMemoryBound(to: CChar.self), request.pointee.envp)
        }
        return unsafe value.map { unsafe String(cString: $0) }
    }
}
