import CCurl

/// The host and port of a URL, as libcurl reads them.
struct HTTPOrigin: Hashable {
    /// As in the URL: an IPv6 address in its brackets.
    let host: String
    let port: String

    /// Nil where libcurl does not read it as a URL with a host.
    init?(_ url: String) {
        let parsed = unsafe curl_url()
        defer { unsafe curl_url_cleanup(parsed) }
        guard unsafe curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK,
            let host = unsafe Self.part(parsed, CURLUPART_HOST), let port = unsafe Self.part(parsed, CURLUPART_PORT)
        else { return nil }
        self.host = host
        self.port = port
    }

    /// Scheme and authority of a URL: the part before its path.
    static func prefix(of url: String) -> Substring {
        let slashes = url.utf8.indices.lazy.filter { url.utf8[$0] == UInt8(ascii: "/") }
        return url[..<(slashes.dropFirst(2).first ?? url.endIndex)]
    }

    @unsafe private static func part(_ url: OpaquePointer?, _ part: CURLUPart) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe curl_url_get(url, part, &text, UInt32(CURLU_DEFAULT_PORT)) == CURLUE_OK, let text = unsafe text
        else { return nil }
        defer { unsafe curl_free(text) }
        return unsafe String(cString: text)
    }
}
