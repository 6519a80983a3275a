import CCurl
import EventLoop

/// The host and port of a URL, as libcurl reads them.
struct HTTPOrigin: Hashable {
    /// As in the URL: an IPv6 address in its brackets.
    let host: String
    let port: String
    /// Whether the host is an address, which needs no lookup.
    let isNumeric: Bool

    /// Nil where libcurl does not read it as a URL with a host.
    init?(_ url: String) {
        let parsed = unsafe curl_url()
        defer { unsafe curl_url_cleanup(parsed) }
        guard unsafe curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK,
            let host = unsafe Self.part(parsed, CURLUPART_HOST), let port = unsafe Self.part(parsed, CURLUPART_PORT)
        else { return nil }
        self.host = host
        self.port = port
        isNumeric = NumericAddress.isNumeric(host)
    }

    /// Bytes of scheme and authority: of the part before a URL's path.
    static func length(in url: Span<UInt8>) -> Int {
        var slashes = 0
        for index in url.indices {
            switch url[index] {
            case UInt8(ascii: "/"):
                slashes += 1
                if slashes == 3 { return index }
            case UInt8(ascii: "?"), UInt8(ascii: "#"): return index
            default: break
            }
        }
        return url.count
    }

    /// Whether this, which follows the authority, can be sent as it stands: nothing, or a path with what follows it, of
    /// visible ASCII without a fragment (RFC 3986 §3).
    static func isTarget(_ text: Span<UInt8>) -> Bool {
        guard text.isEmpty || text[0] == UInt8(ascii: "/") else { return false }
        for index in text.indices {
            let byte = text[index]
            if byte <= 0x20 || byte >= 0x7f || byte == UInt8(ascii: "#") { return false }
        }
        return true
    }

    @unsafe private static func part(_ url: OpaquePointer?, _ part: CURLUPart) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe curl_url_get(url, part, &text, UInt32(CURLU_DEFAULT_PORT)) == CURLUE_OK, let text = unsafe text
        else { return nil }
        defer { unsafe curl_free(text) }
        return unsafe String(cString: text)
    }
}
